//===- Attention.cpp - softmax(query key^T) value -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes `graph.attention` in f32 whose operands are strided views with unit
// stride along the last dimension. A task is (batch and head, chunk of query
// rows); its scores stay in scratch, in L2:
//
//   1. for each 16 keys: turn them into a panel, scores = scale q k + mask
//   2. for each row: maximum, exp, sum (1 / sum is kept for later)
//   3. for each 16 columns of the values: scores * value / sum
//
// Tests: test/e2e (every transformer).
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/RegisterBlock.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Emit/StridedView.h"
#include "kernels/Family.h"
#include "kernels/Math/Math.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Query rows of a task: the packing of the keys is shared by them.
constexpr int64_t kRows = 48;

class AttentionBuilder {
public:
  AttentionBuilder(graph::KernelOp kernel, graph::AttentionOp op,
                   StringRef name, const KernelTarget &target,
                   StridedView query, StridedView key, StridedView value)
      : kernel(kernel), op(op), lanes(target.lanes()), query(query), key(key),
        value(value), e(kernel, name, target), f32(e.b.getF32Type()) {}

  KernelCode build() {
    MLIRContext *context = kernel.getContext();
    out = graph::dimsOf(op.getResult());
    rank = out.size();
    rows = out[rank - 2];
    columns = out[rank - 1];
    depth = graph::dimsOf(op.getQuery()).back();
    keys = graph::dimsOf(op.getKey())[graph::dimsOf(op.getKey()).size() - 2];
    width = 2 * lanes;
    scoreStride = keys.ceilDiv(width) * width;
    panelSize = (depth + 8) * width;
    DimExpr chunks = rows.ceilDiv(kRows);
    DimExpr batches = productOf(context, ArrayRef(out).drop_back(2));

    SmallVector<Value> sizes;
    for (DimExpr d : ArrayRef(out).drop_back(2))
      sizes.push_back(e.dim(d));
    sizes.push_back(e.dim(chunks));
    e.forEachTask(
        sizes, [&](ArrayRef<Value> t) { emitTask(t.drop_back(), t.back()); });
    KernelCode code;
    code.family = "attention";
    code.schedule = llvm::formatv("rows={0}", kRows);
    code.tasks = batches * chunks;
    code.scratchBytes = (panelSize + scoreStride * kRows + kRows) * 4;
    code.flops = batches * rows * keys * (depth + columns) * 2;
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  Value pointerAt(const StridedView &view, Value operand,
                  ArrayRef<Value> batch) {
    SmallVector<DimExpr> dims = graph::dimsOf(operand);
    Value offset = e.dim(view.offset);
    size_t own = dims.size() - 2, skip = batch.size() - own;
    for (size_t i = 0; i < own; ++i)
      if (!dims[i].isConstant(1))
        offset = e.add(offset, e.mul(batch[skip + i], e.dim(view.strides[i])));
    return e.address(e.pointerOf(cast<BlockArgument>(view.base)), offset, f32);
  }
  Value rowStride(const StridedView &view) {
    return e.dim(view.strides[view.strides.size() - 2]);
  }

  void emitTask(ArrayRef<Value> batch, Value chunk) {
    Value first = e.mul(chunk, e.constant(kRows));
    Value count = e.min(e.constant(kRows), e.sub(e.dim(rows), first));
    if (auto known = rows.asConstant(); known && *known <= kRows)
      count = e.constant(*known);
    Value panel = e.scratch;
    Value scores = e.address(e.scratch, e.dim(panelSize), f32);
    Value inverse = e.address(scores, e.dim(scoreStride * kRows), f32);
    emitScores(batch, first, count, panel, scores);
    e.loop(e.constant(0), count, 1, [&](Value r) {
      emitSoftmax(e.address(scores, e.mul(r, e.dim(scoreStride)), f32),
                  e.address(inverse, r, f32));
    });
    emitValues(batch, first, count, scores, inverse);
  }

  void emitScores(ArrayRef<Value> batch, Value first, Value count, Value panel,
                  Value scores) {
    Value queries = pointerAt(query, op.getQuery(), batch);
    Value keyPointer = pointerAt(key, op.getKey(), batch);
    Value keyCount = e.dim(keys);
    Value scale =
        e.splat(e.floatConstant(f32, op.getScale().convertToDouble()), lanes);
    Value zero = e.floatConstant(VectorType::get({lanes}, f32), 0);
    e.loop(e.constant(0), keyCount, width, [&](Value firstKey) {
      emitPackColumns(e, keyPointer, rowStride(key), firstKey, keyCount,
                      e.dim(depth), width, panel);
      RegisterBlock block;
      block.run = depth;
      block.lanes = lanes;
      block.weights = panel;
      block.weightStride = e.constant(width);
      forEachRowBlock(e, count, rowsFor(2, lanes), [&](Value start, int64_t n) {
        SmallVector<Value> pointers;
        Value row = e.add(first, start);
        for (int64_t r = 0; r < n; ++r)
          pointers.push_back(e.address(
              queries, e.mul(e.add(row, e.constant(r)), rowStride(query)),
              f32));
        SmallVector<Value> acc = emitRegisterBlock(
            e, block, pointers, SmallVector<Value>(n * 2, zero));
        for (int64_t r = 0; r < n; ++r)
          for (int64_t v = 0; v < 2; ++v) {
            Value column = e.add(firstKey, e.constant(v * lanes));
            Value score =
                arith::MulFOp::create(e.b, e.loc, acc[r * 2 + v], scale);
            if (op.getMask())
              score = arith::AddFOp::create(
                  e.b, e.loc, score,
                  mask(batch, e.add(row, e.constant(r)), column));
            Value at = e.add(
                e.mul(e.add(start, e.constant(r)), e.dim(scoreStride)), column);
            e.storeVector(score, scores, at, f32);
          }
      });
    });
  }

  Value mask(ArrayRef<Value> batch, Value row, Value column) {
    SmallVector<Index> at;
    for (Value b : batch)
      at.push_back(e.uniform(b));
    at.push_back(e.uniform(row));
    at.push_back(e.consecutive(column, lanes));
    if (keys.knownDivisor() % width)
      e.laneMask = tailMask(e, e.sub(e.dim(keys), column), lanes);
    Value result =
        e.emit(op.getMask(), e.broadcastIndex(op.getMask(), at), lanes);
    e.laneMask = nullptr;
    return result;
  }

  void emitSoftmax(Value row, Value inverse) {
    Value length = e.dim(keys);
    Value lowest =
        e.floatConstant(f32, -std::numeric_limits<float>::infinity());
    Value max = emitReduction(
        e, length, lanes, lowest,
        [&](Value a, Value b) -> Value {
          return arith::MaxNumFOp::create(e.b, e.loc, a, b);
        },
        [&](Index i, int64_t n) { return e.loadVector(row, i.base, f32, n); });
    Value sum = emitReduction(
        e, length, lanes, e.floatConstant(f32, 0),
        [&](Value a, Value b) -> Value {
          return arith::AddFOp::create(e.b, e.loc, a, b);
        },
        [&](Index i, int64_t n) {
          Value x = arith::SubFOp::create(
              e.b, e.loc, e.loadVector(row, i.base, f32, n), e.splat(max, n));
          Value power = emitExpNonPositive(e.b, e.loc, x);
          e.storeVector(power, row, i.base, f32);
          return power;
        });
    Value one = e.floatConstant(f32, 1);
    e.storeVector(arith::DivFOp::create(e.b, e.loc, one, sum), inverse,
                  e.constant(0), f32);
  }

  void emitValues(ArrayRef<Value> batch, Value first, Value count, Value scores,
                  Value inverse) {
    Value values = pointerAt(value, op.getValue(), batch);
    Value zero = e.floatConstant(VectorType::get({lanes}, f32), 0);
    int64_t all = *columns.asConstant();
    for (int64_t start = 0; start < all; start += width) {
      int64_t left = std::min(all - start, width);
      RegisterBlock block;
      block.run = keys;
      block.lanes = lanes;
      block.vectors = llvm::divideCeil(left, lanes);
      block.weights = e.address(values, e.constant(start), f32);
      block.weightStride = rowStride(value);
      if (left % lanes)
        block.lastMask = tailMask(e, e.constant(left % lanes), lanes);
      int64_t vectors = block.vectors;
      forEachRowBlock(
          e, count, rowsFor(vectors, lanes), [&](Value row, int64_t n) {
            SmallVector<Value> pointers;
            for (int64_t r = 0; r < n; ++r)
              pointers.push_back(e.address(
                  scores, e.mul(e.add(row, e.constant(r)), e.dim(scoreStride)),
                  f32));
            SmallVector<Value> acc = emitRegisterBlock(
                e, block, pointers, SmallVector<Value>(n * vectors, zero));
            for (int64_t r = 0; r < n; ++r) {
              Value factor = e.splat(
                  e.loadVector(inverse, e.add(row, e.constant(r)), f32, 1),
                  lanes);
              for (int64_t v = 0; v < vectors; ++v) {
                Value result = arith::MulFOp::create(
                    e.b, e.loc, acc[r * vectors + v], factor);
                SmallVector<Index> at;
                for (Value b : batch)
                  at.push_back(e.uniform(b));
                at.push_back(
                    e.uniform(e.add(first, e.add(row, e.constant(r)))));
                at.push_back(
                    e.consecutive(e.constant(start + v * lanes), lanes));
                e.laneMask = v + 1 == vectors ? block.lastMask : Value();
                e.bind(op.getResult(),
                       [result](ArrayRef<Index>, int64_t) { return result; });
                Value end = epilogueEnd(e.yield()->getOperand(0));
                e.store(0, end, e.emit(end, at, lanes), at, lanes);
                e.laneMask = nullptr;
              }
            }
          });
    }
  }

  graph::KernelOp kernel;
  graph::AttentionOp op;
  int64_t lanes, width = 0;
  StridedView query, key, value;
  Emitter e;
  Type f32;
  size_t rank = 0;
  SmallVector<DimExpr> out;
  DimExpr rows, columns, depth, keys, scoreStride, panelSize;
};

} // namespace

std::optional<KernelCode> buildAttention(graph::KernelOp kernel, StringRef name,
                                         const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::AttentionOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op.getType());
  if (!type.getElementType().isF32() ||
      !graph::dimsOf(op.getResult()).back().isConstant())
    return std::nullopt;
  std::optional<StridedView> views[3];
  const Value operands[] = {op.getQuery(), op.getKey(), op.getValue()};
  for (auto [i, operand] : llvm::enumerate(operands)) {
    views[i] = viewOf(operand);
    if (!views[i] || !(views[i]->strides.back().isConstant(1) ||
                       graph::dimsOf(operand).back().isConstant(1)))
      return std::nullopt;
  }
  return AttentionBuilder(kernel, op, name, target, *views[0], *views[1],
                          *views[2])
      .build();
}

} // namespace mlir::tenon
