//===- Matmul.cpp - Matrix products on CUDA -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: matmuls whose sides are both f16, both bf16 or both f32, with whatever
// is fused before and after. A block computes one tile of the result:
//
//   tile.pipeline over k
//     load      both sides' tiles to shared memory, swizzled
//     compute   for each step of the atom: fragments of both sides, multiply
//   tile.for_each: the epilogue on neighbouring elements, and the store
//
// A side is copied as it lies in memory, along k or across it, and turned when
// fragments are loaded. It is *direct* if cp.async can copy it: a strided view
// whose rows are aligned. Otherwise its elements are computed one by one where
// they are put into shared memory, so that any prologue and any stride works.
// What is aligned only for some sizes gets two choices, the first with a guard.
//
// Batches are rows of one matrix if the right side has none.
//
// Tests: test/unit/cudaKernels/MatmulTest.cpp, test/e2e/cudaMatmul.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Matmul.h"
#include "dialects/Tile/TileOps.h"
#include "kernels/Cuda/MatmulChoice.h"
#include "kernels/Cuda/ThreadCost.h"
#include "kernels/Emit/Emitter.h"
#include "kernels/Emit/StridedView.h"

namespace mlir::tenon {

using graph::DimExpr;
using tile::Role;

namespace {

/// A side of the product: M x K, or N x K.
struct Side {
  Value value;
  unsigned own, k;                 // its dimensions in `value`
  std::optional<StridedView> view; // if it is one of an argument
  bool alongK = true;              // k is contiguous in memory
  int64_t vector = 0;              // elements of a copy; 0: computed
  DimExpr misaligned = {};         // 0 where `vector` may be used; null: always
};

class MatmulBuilder {
public:
  MatmulBuilder(graph::KernelOp kernel, graph::MatmulOp op, StringRef name,
                const KernelTarget &target, const MatmulSchedule &schedule,
                const Side &lhs, const Side &rhs)
      : kernel(kernel), op(op), schedule(schedule), lhs(lhs), rhs(rhs),
        e(kernel, name, target) {
    e.context()->loadDialect<tile::TileDialect>();
    i64 = e.b.getI64Type();
  }

  KernelCode build();

private:
  tile::SharedType sharedType(const Side &side, int64_t extent);
  tile::FragmentType fragmentType(Role role, Type element, int64_t rows,
                                  int64_t columns);
  Value batchOffset(const Side &side);
  SmallVector<Index> positionIn(const Side &side, Value own, Value k);
  void load(const Side &side, Value tileValue, int64_t extent, DimExpr size,
            Value first, Value source, Value step, Value slot);
  Value fragment(const Side &side, Role role, Value tileValue, Value slot,
                 Value warp, int64_t extent, int64_t k);
  Value multiply(Value a, Value b, Value sum);
  Value addFragments(Value x, Value y);
  void epilogue(Value sums, Value row, Value column);
  SmallVector<Index> positionOf(Value row, Value column, int64_t lanes);
  void split(Value number, ArrayRef<DimExpr> sizes, SmallVector<Value> &into);
  Value constant64(int64_t value) {
    return arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(value));
  }
  Value add64(Value a, Value b) {
    return arith::AddIOp::create(e.b, e.loc, a, b);
  }
  Value mul64(Value a, int64_t b) {
    return arith::MulIOp::create(e.b, e.loc, a, constant64(b));
  }

  graph::KernelOp kernel;
  graph::MatmulOp op;
  MatmulSchedule schedule;
  Side lhs, rhs;
  Emitter e;
  Type i64;

  SmallVector<DimExpr> out;      // sizes of the result
  SmallVector<DimExpr> batch;    // sizes of batches; empty if merged
  SmallVector<Value> batchIndex; // of the block
  DimExpr rows, columns, depth;
  bool merged = false; // batches are rows of one matrix
};

/// Whether batches and rows of the left side are one dimension in memory, and
/// the right side has no batches.
bool mergesRows(graph::MatmulOp op, const Side &lhs) {
  SmallVector<DimExpr> in = graph::dimsOf(op.getLhs());
  if (in.size() < 3 ||
      cast<RankedTensorType>(op.getRhs().getType()).getRank() != 2)
    return false;
  if (!lhs.vector) // elements are computed: at any position
    return true;
  DimExpr stride = lhs.view->strides[in.size() - 2];
  for (size_t i = in.size() - 1; i-- > 1;) {
    DimExpr outer = stride * in[i];
    if (!in[i - 1].isConstant(1) && lhs.view->strides[i - 1] != outer)
      return false;
    stride = outer;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// A tile of a side, as it lies in memory, swizzled for the way in which its
/// fragments are loaded.
tile::SharedType MatmulBuilder::sharedType(const Side &side, int64_t extent) {
  int64_t tileRows = side.alongK ? extent : schedule.k;
  int64_t tileColumns = side.alongK ? schedule.k : extent;
  int64_t bytes = schedule.elementBytes();
  tile::Swizzle swizzle;
  if (bytes == 2) // ldmatrix, turning or not: rows of 16 bytes
    swizzle = tile::swizzleFor(tileColumns, 2, 8);
  else if (schedule.math == MatmulMath::fma && side.alongK)
    swizzle = tile::swizzleFor(tileColumns, 4, 4, 4); // rows 4 t, 16 bytes
  else if (schedule.math != MatmulMath::fma)
    // ldmatrix, or single words: four rows (k) of eight columns.
    swizzle = tile::swizzleFor(tileColumns, 4, side.alongK ? 4 : 8);
  tile::Layout layout =
      tile::Layout::rowMajor({tileRows, tileColumns}).withSwizzle(swizzle);
  Type element = cast<RankedTensorType>(side.value.getType()).getElementType();
  return tile::SharedType::get(e.context(), tileRows, tileColumns, element,
                               layout.str(), schedule.stages);
}

tile::FragmentType MatmulBuilder::fragmentType(Role role, Type element,
                                               int64_t rowCount,
                                               int64_t columnCount) {
  return tile::FragmentType::get(e.context(), rowCount, columnCount, element,
                                 role, schedule.atom().name);
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// The digits of `number` in sizes, the last running fastest.
void MatmulBuilder::split(Value number, ArrayRef<DimExpr> sizes,
                          SmallVector<Value> &into) {
  into.assign(sizes.size(), Value());
  Value rest = number;
  for (size_t i = sizes.size(); i-- > 0;) {
    bool last = llvm::all_of(sizes.take_front(i),
                             [](DimExpr d) { return d.isConstant(1); });
    into[i] = last ? rest : e.rem(rest, e.dim(sizes[i]));
    rest = last ? e.constant(0) : e.div(rest, e.dim(sizes[i]));
  }
}

/// Where a result is, in the shape of the matmul.
SmallVector<Index> MatmulBuilder::positionOf(Value row, Value column,
                                             int64_t lanes) {
  SmallVector<Value> outer(batchIndex);
  if (merged)
    split(row, ArrayRef(out).drop_back(1), outer);
  else
    outer.push_back(row);
  SmallVector<Index> at;
  for (Value i : outer)
    at.push_back(e.uniform(i));
  at.push_back(lanes > 1 ? e.consecutive(column, lanes) : e.uniform(column));
  return at;
}

/// Where an element of a side is, in the side's own shape.
SmallVector<Index> MatmulBuilder::positionIn(const Side &side, Value own,
                                             Value k) {
  SmallVector<DimExpr> dims = graph::dimsOf(side.value);
  SmallVector<Index> at;
  if (merged && side.value == lhs.value) {
    SmallVector<Value> outer;
    split(own, ArrayRef(out).drop_back(1), outer);
    for (Value i : outer)
      at.push_back(e.uniform(i));
    at.push_back(e.uniform(k));
    return at;
  }
  size_t count = dims.size() - 2;
  for (size_t i = 0; i < count; ++i)
    at.push_back(e.uniform(dims[i].isConstant(1)
                               ? e.constant(0)
                               : batchIndex[batch.size() - count + i]));
  at.resize(dims.size());
  at[side.own] = e.uniform(own);
  at[side.k] = e.uniform(k);
  return at;
}

/// Elements from the argument's start to the block's batch of a direct side.
Value MatmulBuilder::batchOffset(const Side &side) {
  Value offset = e.dim(side.view->offset);
  if (merged)
    return offset;
  SmallVector<DimExpr> dims = graph::dimsOf(side.value);
  size_t count = dims.size() - 2;
  for (size_t i = 0; i < count; ++i)
    if (!dims[i].isConstant(1))
      offset = e.add(offset, e.mul(batchIndex[batch.size() - count + i],
                                   e.dim(side.view->strides[i])));
  return offset;
}

//===----------------------------------------------------------------------===//
// The main loop
//===----------------------------------------------------------------------===//

/// Step `step` of a side into a slot of its tile. `first`: the block's first
/// row or column; `source`: where its batch begins, if the side is direct.
void MatmulBuilder::load(const Side &side, Value tileValue, int64_t extent,
                         DimExpr size, Value first, Value source, Value step,
                         Value slot) {
  Value k = mul64(step, schedule.k);
  Value row = side.alongK ? first : k, column = side.alongK ? k : first;
  // Tiles at the edge are filled up with zeros. Along k they must be, across it
  // they might hold what is never stored, but must not be read past the end.
  auto bound = [&](DimExpr dim, int64_t tileSize) {
    return dim.knownDivisor() % tileSize == 0 ? Value() : e.wide(e.dim(dim));
  };
  Value own = bound(size, extent), deep = bound(depth, schedule.k);
  if (side.vector) {
    DimExpr pitch = side.view->strides[side.alongK ? side.own : side.k];
    int64_t bytes = side.vector * schedule.elementBytes();
    const char *atom = bytes == 16  ? "SM80_CP_ASYNC_CG_16"
                       : bytes == 8 ? "SM80_CP_ASYNC_CA_8"
                                    : "SM80_CP_ASYNC_CA_4";
    tile::CopyAsyncOp::create(e.b, e.loc, source, row, column,
                              e.wide(e.dim(pitch)), side.alongK ? own : deep,
                              side.alongK ? deep : own, tileValue, slot, atom,
                              schedule.threads());
    return;
  }
  auto produce =
      tile::ProduceOp::create(e.b, e.loc, tileValue, slot, row, column,
                              /*vector=*/1, schedule.threads());
  OpBuilder::InsertionGuard keep(e.b);
  Block *block =
      e.b.createBlock(&produce.getBody(), {}, {i64, i64}, {e.loc, e.loc});
  Value a = e.toIndex(block->getArgument(side.alongK ? 0 : 1));
  Value b = e.toIndex(block->getArgument(side.alongK ? 1 : 0));
  Type element = cast<RankedTensorType>(side.value.getType()).getElementType();
  Value inside = arith::AndIOp::create(e.b, e.loc, e.less(a, e.dim(size)),
                                       e.less(b, e.dim(depth)));
  Value value = e.ifElse(
      inside, element,
      [&] {
        return e.toStorage(e.emit(side.value, positionIn(side, a, b), 1),
                           element);
      },
      [&] { return e.floatConstant(element, 0); });
  tile::YieldOp::create(e.b, e.loc, value);
}

/// A warp's part of a side's tile, at step `k` of it.
Value MatmulBuilder::fragment(const Side &side, Role role, Value tileValue,
                              Value slot, Value warp, int64_t extent,
                              int64_t k) {
  auto shared = cast<tile::SharedType>(tileValue.getType());
  tile::FragmentType type =
      fragmentType(role, shared.getElementType(), extent, schedule.atom().k);
  OpFoldResult own = warp ? OpFoldResult(warp) : e.b.getIndexAttr(0);
  OpFoldResult deep = e.b.getIndexAttr(k);
  SmallVector<OpFoldResult> position{own, deep};
  if (!side.alongK)
    std::swap(position[0], position[1]);
  std::string atom = "VECTOR";
  bool wide = schedule.elementBytes() == 4;
  if (schedule.math != MatmulMath::fma && (side.alongK || !wide)) {
    atom = type.getRegisters() % 4 == 0 ? "SM75_LDSM_X4" : "SM75_LDSM_X2";
    if (!side.alongK)
      atom += "_T";
  }
  return tile::LoadOp::create(e.b, e.loc, type, tileValue, slot, position,
                              !side.alongK, atom);
}

Value MatmulBuilder::addFragments(Value x, Value y) {
  auto map = tile::MapOp::create(e.b, e.loc, x.getType(), ValueRange{x, y});
  OpBuilder::InsertionGuard keep(e.b);
  Type f32 = e.b.getF32Type();
  Block *block =
      e.b.createBlock(&map.getBody(), {}, {f32, f32}, {e.loc, e.loc});
  Value added = arith::AddFOp::create(e.b, e.loc, block->getArgument(0),
                                      block->getArgument(1));
  tile::YieldOp::create(e.b, e.loc, added);
  return map;
}

/// sum + a b, in the schedule's way.
Value MatmulBuilder::multiply(Value a, Value b, Value sum) {
  auto mma = [&](Value x, Value y) {
    sum = tile::MmaOp::create(e.b, e.loc, sum.getType(), x, y, sum);
  };
  Type tf32 = FloatTF32Type::get(e.context());
  auto rounded = [&](Value x) -> Type {
    return cast<tile::FragmentType>(x.getType()).withElement(tf32);
  };
  switch (schedule.math) {
  case MatmulMath::f16:
  case MatmulMath::bf16:
  case MatmulMath::fma:
    mma(a, b);
    break;
  case MatmulMath::tf32:
    mma(tile::ConvertOp::create(e.b, e.loc, rounded(a), a),
        tile::ConvertOp::create(e.b, e.loc, rounded(b), b));
    break;
  case MatmulMath::tf32x3: {
    auto x = tile::SplitOp::create(e.b, e.loc, rounded(a), rounded(a), a);
    auto y = tile::SplitOp::create(e.b, e.loc, rounded(b), rounded(b), b);
    // The instruction cuts off what does not fit when it adds, always towards
    // zero, which grows with the sum (Ootomo and Yokota, "Recovering single
    // precision accuracy from Tensor Cores"). So only the products of one step
    // are summed there, the small ones first; the FMA units, which round to
    // nearest, add that to the sum.
    Value total = sum;
    sum = tile::ZeroOp::create(e.b, e.loc, total.getType());
    mma(x.getSmall(), y.getBig());
    mma(x.getBig(), y.getSmall());
    mma(x.getBig(), y.getBig());
    sum = addFragments(total, sum);
    break;
  }
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// The epilogue
//===----------------------------------------------------------------------===//

/// Everything that is fused behind the product, and the stores.
void MatmulBuilder::epilogue(Value sums, Value row, Value column) {
  bool fma = schedule.math == MatmulMath::fma;
  int64_t vector = fma ? 4 : 2; // neighbours that a thread has
  Type element = cast<tile::FragmentType>(sums.getType()).getElementType();
  auto forEach = tile::ForEachOp::create(e.b, e.loc, sums, row, column, vector);
  OpBuilder::InsertionGuard keep(e.b);
  e.b.createBlock(&forEach.getBody(), {},
                  {i64, i64, VectorType::get({vector}, element)},
                  {e.loc, e.loc, e.loc});
  Value m = e.toIndex(forEach.getBody().getArgument(0));
  Value n = e.toIndex(forEach.getBody().getArgument(1));
  Value all = forEach.getBody().getArgument(2);
  Value end = epilogueEnd(e.yield()->getOperand(0));
  auto storeAt = [&](Value first, Value value, int64_t lanes) {
    Value inside = arith::AndIOp::create(e.b, e.loc, e.less(m, e.dim(rows)),
                                         e.less(first, e.dim(columns)));
    // Always a condition: values computed under it stay there.
    e.ifThen(inside, [&] {
      e.bind(op.getResult(), [=](ArrayRef<Index>, int64_t) { return value; });
      SmallVector<Index> at = positionOf(m, first, lanes);
      e.store(0, end, e.emit(end, at, lanes), at, lanes);
    });
  };
  if (columns.knownDivisor() % vector == 0) {
    storeAt(n, all, vector);
  } else {
    for (int64_t i = 0; i < vector; ++i) {
      Value one = vector::ExtractOp::create(e.b, e.loc, all, i);
      storeAt(e.add(n, e.constant(i)), one, 1);
    }
  }
  tile::YieldOp::create(e.b, e.loc);
}

KernelCode MatmulBuilder::build() {
  MLIRContext *context = e.context();
  out = graph::dimsOf(op.getResult());
  columns = out.back();
  rows = out[out.size() - 2];
  depth = graph::dimsOf(op.getLhs()).back();
  merged = mergesRows(op, lhs);
  batch.assign(out.begin(), out.end() - 2);
  if (merged) {
    rows = productOf(context, batch) * rows;
    batch.clear();
  }
  DimExpr tilesM = rows.ceilDiv(schedule.m);
  DimExpr tilesN = columns.ceilDiv(schedule.n);
  DimExpr batches = productOf(context, batch);

  // Neighbouring blocks share columns: the right side is mostly the larger.
  Value number = e.blockIndex(0);
  SmallVector<Value> place;
  split(number, {batches, tilesN, tilesM}, place);
  split(place[0], batch, batchIndex);
  Value firstRow = e.wide(e.mul(place[2], e.constant(schedule.m)));
  Value firstColumn = e.wide(e.mul(place[1], e.constant(schedule.n)));

  auto sourceOf = [&](const Side &side) -> Value {
    if (!side.vector)
      return {};
    Type element =
        cast<RankedTensorType>(side.value.getType()).getElementType();
    return e.address(e.pointerOf(cast<BlockArgument>(side.view->base)),
                     batchOffset(side), element);
  };
  Value lhsSource = sourceOf(lhs), rhsSource = sourceOf(rhs);

  // The warp's place in the tile.
  int64_t warpM = schedule.m / schedule.warpsM;
  int64_t warpN = schedule.n / schedule.warpsN;
  Value warp = e.wide(e.div(e.threadIndex(0), e.constant(32)));
  Value warps = constant64(schedule.warpsN);
  Value warpRow, warpColumn;
  if (schedule.warpsM > 1)
    warpRow = mul64(arith::DivUIOp::create(e.b, e.loc, warp, warps), warpM);
  if (schedule.warpsN > 1)
    warpColumn = mul64(arith::RemUIOp::create(e.b, e.loc, warp, warps), warpN);

  Value a = tile::AllocOp::create(e.b, e.loc, sharedType(lhs, schedule.m));
  Value b = tile::AllocOp::create(e.b, e.loc, sharedType(rhs, schedule.n));
  Type sumType = fragmentType(Role::C, e.b.getF32Type(), warpM, warpN);
  Value zero = tile::ZeroOp::create(e.b, e.loc, sumType);
  Value steps = e.wide(e.dim(depth.ceilDiv(schedule.k)));
  auto pipeline = tile::PipelineOp::create(
      e.b, e.loc, TypeRange{sumType}, steps, ValueRange{zero}, schedule.stages);
  {
    OpBuilder::InsertionGuard keep(e.b);
    Block *block =
        e.b.createBlock(&pipeline.getLoad(), {}, {i64, i64}, {e.loc, e.loc});
    Value step = block->getArgument(0), slot = block->getArgument(1);
    load(lhs, a, schedule.m, rows, firstRow, lhsSource, step, slot);
    load(rhs, b, schedule.n, columns, firstColumn, rhsSource, step, slot);
    tile::YieldOp::create(e.b, e.loc);
    block = e.b.createBlock(&pipeline.getCompute(), {}, {i64, i64, sumType},
                            {e.loc, e.loc, e.loc});
    slot = block->getArgument(1);
    Value sum = block->getArgument(2);
    for (int64_t k = 0; k < schedule.k; k += schedule.atom().k)
      sum =
          multiply(fragment(lhs, Role::A, a, slot, warpRow, warpM, k),
                   fragment(rhs, Role::B, b, slot, warpColumn, warpN, k), sum);
    tile::YieldOp::create(e.b, e.loc, sum);
  }
  epilogue(pipeline.getResult(0), warpRow ? add64(firstRow, warpRow) : firstRow,
           warpColumn ? add64(firstColumn, warpColumn) : firstColumn);

  KernelCode code;
  code.family = "matmul";
  code.schedule = schedule.str();
  DimExpr one = DimExpr::constant(context, 1);
  DimExpr blocks = batches * tilesN * tilesM;
  code.tasks = blocks;
  code.scratchBytes = DimExpr::constant(context, 0);
  code.flops = productOf(context, out) * depth * 2;
  code.grid = {blocks, one, one};
  code.block = {schedule.threads(), 1, 1};
  code.sharedBytes = cast<tile::SharedType>(a.getType()).getBytes() +
                     cast<tile::SharedType>(b.getType()).getBytes();
  code.mayFault = e.mayFault();
  code.module = e.finish();
  code.scalars.assign(e.scalars().begin(), e.scalars().end());
  return code;
}

//===----------------------------------------------------------------------===//
// What is taken, and how
//===----------------------------------------------------------------------===//

/// The largest number of elements, up to 16 bytes, that a copy may take if all
/// of `sizes` are multiples of it. Constants decide; the others are left to a
/// guard, which is 0 where they are multiples.
int64_t copyVector(ArrayRef<DimExpr> sizes, int64_t bytes, DimExpr &guard) {
  int64_t vector = 16 / bytes;
  for (DimExpr size : sizes)
    if (auto known = size.asConstant())
      while (vector > 1 && *known % vector != 0)
        vector /= 2;
  for (DimExpr size : sizes)
    if (!size.isConstant() && size.knownDivisor() % vector != 0) {
      DimExpr rest = size.mod(vector);
      guard = guard ? guard + rest : rest;
    }
  return vector;
}

Side sideOf(Value value, unsigned own, unsigned k) {
  Side side{value, own, k, viewOf(value)};
  if (!side.view)
    return side;
  SmallVector<DimExpr> dims = graph::dimsOf(value);
  auto unit = [&](unsigned dim) {
    return side.view->strides[dim].isConstant(1) || dims[dim].isConstant(1);
  };
  if (!unit(k) && !unit(own)) {
    side.view = std::nullopt;
    return side;
  }
  side.alongK = unit(k);
  SmallVector<DimExpr> sizes{side.view->offset,
                             side.view->strides[side.alongK ? own : k]};
  for (size_t i = 0; i + 2 < dims.size(); ++i)
    if (!dims[i].isConstant(1))
      sizes.push_back(side.view->strides[i]);
  int64_t bytes = cast<RankedTensorType>(value.getType())
                      .getElementType()
                      .getIntOrFloatBitWidth() /
                  8;
  side.vector = copyVector(sizes, bytes, side.misaligned);
  if (side.vector * bytes < 4)
    side.vector = 0; // below what cp.async copies
  return side;
}

/// The same side where its sizes are not aligned.
Side unaligned(Side side) {
  if (side.misaligned) {
    bool words = cast<RankedTensorType>(side.value.getType())
                     .getElementType()
                     .getIntOrFloatBitWidth() == 32;
    side.vector = words ? 1 : 0;
    side.misaligned = {};
  }
  return side;
}

} // namespace

std::optional<BuiltKernel>
buildCudaMatmul(graph::KernelOp kernel, StringRef name,
                const KernelTarget &target,
                std::optional<MatmulSchedule> schedule) {
  auto op = dyn_cast_or_null<graph::MatmulOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  auto elementOf = [](Value v) {
    return cast<RankedTensorType>(v.getType()).getElementType();
  };
  Type element = elementOf(op.getLhs());
  if (elementOf(op.getRhs()) != element || elementOf(op.getResult()) != element)
    return std::nullopt;
  MatmulMath math;
  if (element.isF16())
    math = MatmulMath::f16;
  else if (element.isBF16())
    math = MatmulMath::bf16;
  else if (element.isF32())
    // Set by graph-lower-precision where the user allows it.
    math = target.tf32 || op->getAttr("graph.precision") ==
                              StringAttr::get(kernel.getContext(), "tf32")
               ? MatmulMath::tf32
               : MatmulMath::tf32x3;
  else
    return std::nullopt;
  for (Value v : kernel->getOperands())
    if (graph::layoutOf(v.getType()))
      return std::nullopt;

  unsigned lhsRank = graph::dimsOf(op.getLhs()).size();
  unsigned rhsRank = graph::dimsOf(op.getRhs()).size();
  Side lhs = sideOf(op.getLhs(), lhsRank - 2, lhsRank - 1);
  unsigned n = rhsRank - 1, k = rhsRank - 2;
  if (op.getTransposeRhs())
    std::swap(n, k);
  Side rhs = sideOf(op.getRhs(), n, k);

  // Sizes as far as they are known, in the form in which blocks see them.
  SmallVector<DimExpr> out = graph::dimsOf(op.getResult());
  auto typical = [&](DimExpr d) { return typicalSize(target, d); };
  MatmulSize size{1, typical(out[out.size() - 2]), typical(out.back()),
                  typical(graph::dimsOf(op.getLhs()).back())};
  for (DimExpr d : ArrayRef(out).drop_back(2))
    (mergesRows(op, lhs) ? size.m : size.batch) *=
        typicalSize(target, d, /*unknown=*/1);

  BuiltKernel built;
  if (!chooseMatmul(math, size, target, schedule, built))
    return built;
  KernelTarget own = target;
  own.index32 = false; // positions in tiles have 64 bits
  KernelStep step;
  DimExpr misaligned = lhs.misaligned;
  if (rhs.misaligned)
    misaligned = misaligned ? misaligned + rhs.misaligned : rhs.misaligned;
  auto build = [&](const Twine &suffix, const Side &left, const Side &right) {
    std::string function = (name + suffix).str();
    KernelCode code =
        MatmulBuilder(kernel, op, function, own, *schedule, left, right)
            .build();
    code.name = function;
    code.cost = built.candidates[built.chosen].cost;
    own.scalars.assign(code.scalars.begin(), code.scalars.end());
    step.choices.push_back(std::move(code));
  };
  build("", lhs, rhs);
  if (misaligned) {
    step.choices.back().guard =
        DimExpr::constant(kernel.getContext(), 1) - misaligned;
    build("_unaligned", unaligned(lhs), unaligned(rhs));
  }
  for (unsigned i = 0; i < kernel->getNumOperands(); ++i)
    step.ins.push_back(i);
  step.outs.push_back(kernel->getNumOperands());
  built.steps.push_back(std::move(step));
  return built;
}

} // namespace mlir::tenon
