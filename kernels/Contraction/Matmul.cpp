//===- Matmul.cpp - Matrix products in f32 --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: f32 matmuls whose left side is a strided view with unit stride along
// k; any pointwise epilogue, and transposes and reshapes of the result that
// keep vectors whole. The right side is one of
//
//   packed   a constant [K, N] (or [N, K]): panels [N / 16][K][16], packed at
//            compile time, one sequential stream
//   rows     a view with unit stride along n: vectors read in place
//   columns  a view with unit stride along k (query key^T): each task turns
//            its panel into scratch first, 8 x 8 elements at a time
//
// A task is (batch, chunk of rows, panel of 16 columns); with a constant right
// side all batches are rows of one matrix. The register block is
// RegisterBlock.h's.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/RegisterBlock.h"
#include "kernels/Emit/StridedView.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kChunkBytes = 192 << 10;

enum class RhsForm { Packed, Rows, Columns };

class MatmulBuilder {
public:
  MatmulBuilder(graph::KernelOp kernel, graph::MatmulOp op, StringRef name,
                const KernelTarget &target, StridedView lhs,
                std::optional<StridedView> rhs, RhsForm form)
      : kernel(kernel), op(op), lanes(target.lanes()), lhs(lhs), rhs(rhs),
        form(form), e(kernel, name, target) {}

  KernelCode build();

private:
  void emitTask(Value batch, Value chunk, Value panel, int64_t vectors,
                Value mask);
  SmallVector<Index> positionOf(ArrayRef<Value> batchIndex, Value row,
                                Value column);
  bool mergesRows();

  graph::KernelOp kernel;
  graph::MatmulOp op;
  int64_t lanes;
  StridedView lhs;
  std::optional<StridedView> rhs;
  RhsForm form;
  Emitter e;

  SmallVector<DimExpr> out;   // sizes of the result
  SmallVector<DimExpr> batch; // sizes of the batch loop; empty if merged
  DimExpr rows, columns, depth;
  bool merged = false; // batches are rows of one matrix
  int64_t chunkRows = 0, vectors = 2;
  int64_t tailVector = 0; // vectors of a panel that a partial task skips
};

/// Whether batches and rows are one dimension for every address: constant
/// right side, and the left side's strides say so.
bool MatmulBuilder::mergesRows() {
  if (form != RhsForm::Packed || out.size() < 3)
    return false;
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (rhsType.getRank() != 2)
    return false;
  SmallVector<DimExpr> in = graph::dimsOf(op.getLhs());
  DimExpr stride = lhs.strides[in.size() - 2];
  for (size_t i = in.size() - 1; i-- > 1;) {
    DimExpr outer = stride * in[i];
    if (!in[i - 1].isConstant(1) && lhs.strides[i - 1] != outer)
      return false;
    stride = outer;
  }
  return true;
}

KernelCode MatmulBuilder::build() {
  MLIRContext *context = kernel.getContext();
  out = graph::dimsOf(op.getResult());
  SmallVector<DimExpr> in = graph::dimsOf(op.getLhs());
  columns = out.back();
  depth = in.back();
  rows = out[out.size() - 2];
  merged = mergesRows();
  batch.assign(out.begin(), out.end() - 2);
  if (merged) {
    rows = productOf(context, batch) * rows;
    batch.clear();
  }
  int64_t width = vectors * lanes;
  int64_t most = rowsFor(vectors, lanes);
  int64_t k = depth.asConstant().value_or(256);
  chunkRows = std::clamp<int64_t>(kChunkBytes / (4 * std::max<int64_t>(k, 1)),
                                  8 * most, 384);
  if (auto known = rows.asConstant(); known && *known > 0)
    chunkRows = llvm::divideCeil(*known, llvm::divideCeil(*known, chunkRows));
  chunkRows = llvm::divideCeil(chunkRows, most) * most;
  DimExpr chunks = rows.ceilDiv(chunkRows);
  DimExpr panels = columns.ceilDiv(width);
  DimExpr batches = productOf(context, batch);

  auto knownColumns = columns.asConstant();
  int64_t tail = knownColumns ? *knownColumns % width : -1;
  SmallVector<Value> sizes = {e.dim(batches), e.dim(chunks), e.dim(panels)};
  e.forEachTask(sizes, [&](ArrayRef<Value> t) {
    auto full = [&] { emitTask(t[0], t[1], t[2], vectors, Value()); };
    if (tail == 0)
      return full();
    auto last = [&] {
      if (tail > 0) { // known: fewer vectors, a constant mask
        int64_t left = llvm::divideCeil(tail, lanes);
        SmallVector<bool> on;
        for (int64_t l = 0; l < lanes; ++l)
          on.push_back(tail % lanes == 0 || l < tail % lanes);
        Value mask;
        if (tail % lanes)
          mask = arith::ConstantOp::create(
              e.b, e.loc,
              DenseElementsAttr::get(VectorType::get({lanes}, e.b.getI1Type()),
                                     on));
        return emitTask(t[0], t[1], t[2], left, mask);
      }
      // Unknown: vector by vector, each with a mask.
      Value start = e.mul(t[2], e.constant(width));
      for (int64_t v = 0; v < vectors; ++v) {
        Value first = e.add(start, e.constant(v * lanes));
        e.ifThen(e.less(first, e.dim(columns)), [&] {
          Value left = e.splat(e.sub(e.dim(columns), first), lanes);
          Value mask =
              arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt,
                                    e.laneNumbers(lanes), left);
          // A panel of one vector, `v` vectors into the real one.
          tailVector = v;
          emitTask(t[0], t[1], t[2], 1, mask);
          tailVector = 0;
        });
      }
    };
    Value end = e.mul(e.add(t[2], e.constant(1)), e.constant(width));
    e.ifThen(e.less(e.dim(columns), end), last, full);
  });

  KernelCode code;
  code.family = "matmul";
  static const char *forms[] = {"packed", "rows", "columns"};
  code.schedule =
      llvm::formatv("{0} rows={1} vectors={2} chunk={3}{4}", forms[int(form)],
                    most, vectors, chunkRows, merged ? " merged" : "");
  if (form == RhsForm::Packed)
    code.packed.push_back(
        PackRecipe{PackRecipe::MatmulPanels,
                   cast<BlockArgument>(op.getRhs()).getArgNumber(), width, 1, 1,
                   op.getTransposeRhs()});
  code.tasks = batches * chunks * panels;
  code.scratchBytes = form == RhsForm::Columns ? (depth + 8) * (width * 4)
                                               : DimExpr::constant(context, 0);
  code.flops = productOf(context, out) * depth * 2;
  code.grain = std::max<int64_t>(1, 400000 / (chunkRows * 2 * k * width + 1));
  code.module = e.finish();
  code.scalars.assign(e.scalars().begin(), e.scalars().end());
  return code;
}

SmallVector<Index> MatmulBuilder::positionOf(ArrayRef<Value> batchIndex,
                                             Value row, Value column) {
  SmallVector<Index> at;
  if (!merged) {
    for (Value i : batchIndex)
      at.push_back(e.uniform(i));
    at.push_back(e.uniform(row));
  } else {
    // Split the row number into the sizes of the result again.
    SmallVector<Index> reversed;
    Value rest = row;
    for (size_t i = out.size() - 1; i-- > 0;) {
      bool first = llvm::all_of(ArrayRef(out).take_front(i),
                                [](DimExpr d) { return d.isConstant(1); });
      reversed.push_back(e.uniform(first ? rest : e.rem(rest, e.dim(out[i]))));
      rest = first ? e.constant(0) : e.div(rest, e.dim(out[i]));
    }
    at.append(reversed.rbegin(), reversed.rend());
  }
  at.push_back(e.consecutive(column, lanes));
  return at;
}

void MatmulBuilder::emitTask(Value batchNumber, Value chunk, Value panel,
                             int64_t count, Value mask) {
  Type f32 = e.b.getF32Type();
  int64_t width = vectors * lanes;
  // Batch index, and each side's offset in it.
  SmallVector<Value> batchIndex(batch.size());
  Value rest = batchNumber;
  for (size_t i = batch.size(); i-- > 0;) {
    batchIndex[i] = i == 0 ? rest : e.rem(rest, e.dim(batch[i]));
    rest = i == 0 ? rest : e.div(rest, e.dim(batch[i]));
  }
  auto offsetOf = [&](const StridedView &view, ArrayRef<DimExpr> dims) {
    Value offset = e.dim(view.offset);
    if (merged)
      return offset;
    size_t own = dims.size() - 2, skip = batch.size() - own;
    for (size_t i = 0; i < own; ++i)
      if (!dims[i].isConstant(1))
        offset =
            e.add(offset, e.mul(batchIndex[skip + i], e.dim(view.strides[i])));
    return offset;
  };
  SmallVector<DimExpr> in = graph::dimsOf(op.getLhs());
  Value lhsPointer = e.address(e.pointerOf(cast<BlockArgument>(lhs.base)),
                               offsetOf(lhs, in), f32);
  Value rowStride = e.dim(lhs.strides[in.size() - 2]);

  Value firstColumn =
      e.add(e.mul(panel, e.constant(width)), e.constant(tailVector * lanes));
  RegisterBlock block;
  block.run = depth;
  block.lanes = lanes;
  block.vectors = count;
  if (form == RhsForm::Packed) {
    Value at = e.add(e.mul(panel, e.dim(depth * width)),
                     e.constant(tailVector * lanes));
    block.weights =
        e.address(e.pointerOf(cast<BlockArgument>(op.getRhs())), at, f32);
    block.weightStride = e.constant(width);
  } else {
    SmallVector<DimExpr> dims = graph::dimsOf(op.getRhs());
    Value pointer = e.address(e.pointerOf(cast<BlockArgument>(rhs->base)),
                              offsetOf(*rhs, dims), f32);
    if (form == RhsForm::Rows) {
      block.weights = e.address(pointer, firstColumn, f32);
      block.weightStride =
          e.dim(rhs->strides[dims.size() - (op.getTransposeRhs() ? 1 : 2)]);
      block.lastMask = mask;
    } else {
      Value columnStride =
          e.dim(rhs->strides[dims.size() - (op.getTransposeRhs() ? 2 : 1)]);
      emitPackColumns(e, pointer, columnStride, e.mul(panel, e.constant(width)),
                      e.dim(columns), e.dim(depth), width, e.scratch);
      block.weights = e.address(e.scratch, e.constant(tailVector * lanes), f32);
      block.weightStride = e.constant(width);
    }
  }

  Value start = e.mul(chunk, e.constant(chunkRows));
  Value rowCount = e.constant(chunkRows);
  auto known = rows.asConstant();
  if (!known || *known % chunkRows != 0)
    rowCount = known && *known <= chunkRows
                   ? e.constant(*known)
                   : e.min(rowCount, e.sub(e.dim(rows), start));
  Value none = e.floatConstant(VectorType::get({lanes}, f32), 0);
  forEachRowBlock(
      e, rowCount, rowsFor(vectors, lanes), [&](Value first, int64_t n) {
        SmallVector<Value> pointers;
        Value firstRow = e.add(start, first);
        Value base = e.address(lhsPointer, e.mul(firstRow, rowStride), f32);
        for (int64_t r = 0; r < n; ++r)
          pointers.push_back(
              e.address(base, e.mul(rowStride, e.constant(r)), f32));
        SmallVector<Value> init(n * count, none);
        SmallVector<Value> acc = emitRegisterBlock(e, block, pointers, init);
        for (int64_t r = 0; r < n; ++r)
          for (int64_t v = 0; v < count; ++v) {
            Value column = e.add(firstColumn, e.constant(v * lanes));
            SmallVector<Index> at =
                positionOf(batchIndex, e.add(firstRow, e.constant(r)), column);
            e.laneMask = v + 1 == count ? mask : Value();
            e.bind(op.getResult(), [&, r, v](ArrayRef<Index>, int64_t) {
              return acc[r * count + v];
            });
            Value end = epilogueEnd(e.yield()->getOperand(0));
            e.store(0, end, e.emit(end, at, lanes), at, lanes);
            e.laneMask = nullptr;
          }
      });
}

} // namespace

std::optional<KernelCode> buildMatmul(graph::KernelOp kernel, StringRef name,
                                      const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::MatmulOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  auto isF32 = [](Value v) {
    return cast<RankedTensorType>(v.getType()).getElementType().isF32();
  };
  if (!isF32(op.getLhs()) || !isF32(op.getRhs()) || !isF32(op.getResult()))
    return std::nullopt;
  auto lhs = viewOf(op.getLhs());
  if (!lhs || !(lhs->strides.back().isConstant(1) ||
                graph::dimsOf(op.getLhs()).back().isConstant(1)))
    return std::nullopt;
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (isConstantOperand(kernel, op.getRhs()) && rhsType.getRank() == 2)
    return MatmulBuilder(kernel, op, name, target, *lhs, std::nullopt,
                         RhsForm::Packed)
        .build();
  auto rhs = viewOf(op.getRhs());
  if (!rhs)
    return std::nullopt;
  size_t rank = rhs->strides.size();
  size_t n = rank - 1, k = rank - 2;
  if (op.getTransposeRhs())
    std::swap(n, k);
  SmallVector<DimExpr> dims = graph::dimsOf(op.getRhs());
  RhsForm form;
  if (rhs->strides[n].isConstant(1) || dims[n].isConstant(1))
    form = RhsForm::Rows;
  else if (rhs->strides[k].isConstant(1) || dims[k].isConstant(1))
    form = RhsForm::Columns;
  else
    return std::nullopt;
  return MatmulBuilder(kernel, op, name, target, *lhs, rhs, form).build();
}

} // namespace mlir::tenon
