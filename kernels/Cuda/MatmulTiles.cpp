//===- MatmulTiles.cpp - Matrix products by tiles -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A block computes one tile of the result:
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
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/TileOps.h"
#include "kernels/Cuda/MatmulFrame.h"

namespace mlir::tenon {

using graph::DimExpr;
using tile::Role;

namespace {

class TilesBuilder : MatmulFrame {
public:
  TilesBuilder(const Product &product, StringRef name,
               const KernelTarget &target, const MatmulSchedule &schedule)
      : MatmulFrame(product, name, target, schedule) {
    e.context()->loadDialect<tile::TileDialect>();
    i64 = e.b.getI64Type();
  }

  KernelCode build();

private:
  tile::SharedType sharedType(const Side &side, int64_t extent);
  tile::FragmentType fragmentType(Role role, Type element, int64_t rows,
                                  int64_t columns);
  SmallVector<Value> splitTiles(DimExpr tilesM, DimExpr tilesN);
  Value batchOffset(const Side &side);
  void load(const Side &side, Value tileValue, int64_t extent, DimExpr size,
            Value first, Value source, Value step, Value slot);
  Value fragment(const Side &side, Role role, Value tileValue, Value slot,
                 Value warp, int64_t extent, int64_t k);
  Value multiply(Value a, Value b, Value sum);
  Value addFragments(Value x, Value y);
  void epilogue(Value sums, Value row, Value column);
  Value notFinite(Value sums);
  void multiplyAgain(Value row, Value column);
  Value constant64(int64_t value) {
    return arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(value));
  }
  Value add64(Value a, Value b) {
    return arith::AddIOp::create(e.b, e.loc, a, b);
  }
  Value mul64(Value a, int64_t b) {
    return arith::MulIOp::create(e.b, e.loc, a, constant64(b));
  }

  Type i64;
  Value firstStep; // of the block's part of k; null: 0
  Value stepCount; // of the block
};

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// A tile of a side, as it lies in memory, swizzled for the way in which its
/// fragments are loaded.
tile::SharedType TilesBuilder::sharedType(const Side &side, int64_t extent) {
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

tile::FragmentType TilesBuilder::fragmentType(Role role, Type element,
                                              int64_t rowCount,
                                              int64_t columnCount) {
  return tile::FragmentType::get(e.context(), rowCount, columnCount, element,
                                 role, schedule.atom().name);
}

/// Elements from the argument's start to the block's batch of a direct side.
Value TilesBuilder::batchOffset(const Side &side) {
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
void TilesBuilder::load(const Side &side, Value tileValue, int64_t extent,
                        DimExpr size, Value first, Value source, Value step,
                        Value slot) {
  if (firstStep)
    step = add64(step, firstStep);
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
  // Behind the end the last element is read, and dropped: with branches, each
  // load would wait for the one before.
  auto clamp = [&](Value position, DimExpr limit, int64_t tileSize,
                   Value &inside) -> Value {
    if (limit.knownDivisor() % tileSize == 0)
      return position;
    Value good = e.less(position, e.dim(limit));
    inside = inside ? arith::AndIOp::create(e.b, e.loc, inside, good) : good;
    return e.min(position, e.sub(e.dim(limit), e.constant(1)));
  };
  Value inside;
  a = clamp(a, size, extent, inside);
  b = clamp(b, depth, schedule.k, inside);
  Value value = e.toStorage(
      e.emit(side.value, positionIn(side, e.uniform(a), e.uniform(b)), 1),
      element);
  if (inside)
    value = e.select(inside, value, e.floatConstant(element, 0));
  tile::YieldOp::create(e.b, e.loc, value);
}

/// A warp's part of a side's tile, at step `k` of it.
Value TilesBuilder::fragment(const Side &side, Role role, Value tileValue,
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

Value TilesBuilder::addFragments(Value x, Value y) {
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
Value TilesBuilder::multiply(Value a, Value b, Value sum) {
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

/// What happens to the sums.
void TilesBuilder::epilogue(Value sums, Value row, Value column) {
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
  auto storeAt = [&](Value first, Value value, int64_t lanes) {
    Value inside = arith::AndIOp::create(e.b, e.loc, e.less(m, e.dim(rows)),
                                         e.less(first, e.dim(columns)));
    // Always a condition: values computed under it stay there.
    e.ifThen(inside, [&] { finishSum(m, first, value, lanes); });
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

/// The block's tile: its place along n, and along m. Neighbouring blocks have
/// some rows of tiles and the same columns, then the next columns: so those
/// that run at one time make a square, and what they read stays in the L2
/// cache.
SmallVector<Value> TilesBuilder::splitTiles(DimExpr tilesM, DimExpr tilesN) {
  constexpr int64_t kGroup = 16; // rows of tiles
  if (tilesM.upperBound() <= kGroup)
    return splitBlock({tilesN, tilesM});
  Value number = splitBlock({tilesN * tilesM})[0];
  Value group = e.dim(tilesN * kGroup);
  Value first = e.mul(e.div(number, group), e.constant(kGroup));
  Value height = e.min(e.sub(e.dim(tilesM), first), e.constant(kGroup));
  Value rest = e.rem(number, group);
  return {e.div(rest, height), e.add(first, e.rem(rest, height))};
}

/// Whether a thread of the warp has a sum that is infinite or not a number.
Value TilesBuilder::notFinite(Value sums) {
  auto any = tile::AnyOp::create(e.b, e.loc, e.b.getI1Type(), sums);
  OpBuilder::InsertionGuard keep(e.b);
  Block *block =
      e.b.createBlock(&any.getBody(), {}, {e.b.getF32Type()}, {e.loc});
  Value size = LLVM::FAbsOp::create(e.b, e.loc, block->getArgument(0));
  Value infinity = e.floatConstant(e.b.getF32Type(),
                                   std::numeric_limits<double>::infinity());
  Value odd = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UGE, size,
                                    infinity);
  tile::YieldOp::create(e.b, e.loc, odd);
  return any;
}

/// The sums of a warp by FMAs, one after the other, and what happens to them:
/// three products of tf32 make NaN of infinities, and of numbers that tf32
/// rounds to infinity. Each thread takes the elements that the instruction
/// gives it: rows lane / 4 of each 8, columns 2 (lane % 4) and the next.
void TilesBuilder::multiplyAgain(Value row, Value column) {
  Value lane = e.rem(e.threadIndex(0), e.constant(32));
  Value firstRow = e.add(e.toIndex(row), e.div(lane, e.constant(4)));
  Value firstColumn = e.add(e.toIndex(column),
                            e.mul(e.rem(lane, e.constant(4)), e.constant(2)));
  Value begin = e.constant(0), end = e.dim(depth);
  if (part) {
    begin = e.mul(e.toIndex(firstStep), e.constant(schedule.k));
    Value own = e.mul(e.toIndex(stepCount), e.constant(schedule.k));
    end = e.min(end, e.add(begin, own));
  }
  auto element = [&](Value m, Value n) {
    Value inside = arith::AndIOp::create(e.b, e.loc, e.less(m, e.dim(rows)),
                                         e.less(n, e.dim(columns)));
    e.ifThen(inside, [&] {
      Value zero = e.floatConstant(e.b.getF32Type(), 0);
      auto step = [&](Value k, ValueRange sums) {
        auto at = [&](const Side &side, Value own) {
          return e.emit(side.value,
                        positionIn(side, e.uniform(own), e.uniform(k)), 1);
        };
        Value sum =
            LLVM::FMAOp::create(e.b, e.loc, at(lhs, m), at(rhs, n), sums[0]);
        return SmallVector<Value>{sum};
      };
      finishSum(m, n, e.loopWith(begin, end, 1, zero, step)[0], 1);
    });
  };
  Value height = e.constant(schedule.m / schedule.warpsM);
  Value width = e.constant(schedule.n / schedule.warpsN);
  e.loop(e.constant(0), height, 8, [&](Value down) {
    e.loop(e.constant(0), width, 8, [&](Value along) {
      Value m = e.add(firstRow, down), n = e.add(firstColumn, along);
      element(m, n);
      element(m, e.add(n, e.constant(1)));
    });
  });
}

KernelCode TilesBuilder::build() {
  DimExpr tilesM = rows.ceilDiv(schedule.m);
  DimExpr tilesN = columns.ceilDiv(schedule.n);
  SmallVector<Value> place = splitTiles(tilesM, tilesN);
  Value firstRow = e.wide(e.mul(place[1], e.constant(schedule.m)));
  Value firstColumn = e.wide(e.mul(place[0], e.constant(schedule.n)));

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
  DimExpr allSteps = depth.ceilDiv(schedule.k);
  Value steps = e.wide(e.dim(allSteps));
  if (part) { // from `firstStep` on, as many as there are
    Value most = e.dim(allSteps.ceilDiv(schedule.splitK));
    Value begin = e.mul(part, most);
    firstStep = e.wide(begin);
    steps = e.wide(
        e.max(e.min(most, e.sub(e.dim(allSteps), begin)), e.constant(0)));
    stepCount = steps;
  }
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
  Value sums = pipeline.getResult(0);
  Value ownRow = warpRow ? add64(firstRow, warpRow) : firstRow;
  Value ownColumn = warpColumn ? add64(firstColumn, warpColumn) : firstColumn;
  if (schedule.math == MatmulMath::tf32x3)
    e.ifThen(
        notFinite(sums), [&] { multiplyAgain(ownRow, ownColumn); },
        [&] { epilogue(sums, ownRow, ownColumn); });
  else
    epilogue(sums, ownRow, ownColumn);

  KernelCode code = finish(tilesN * tilesM);
  code.sharedBytes = cast<tile::SharedType>(a.getType()).getBytes() +
                     cast<tile::SharedType>(b.getType()).getBytes();
  return code;
}

} // namespace

KernelCode buildMatmulTiles(const Product &product, StringRef name,
                            const KernelTarget &target,
                            const MatmulSchedule &schedule) {
  return TilesBuilder(product, name, target, schedule).build();
}

} // namespace mlir::tenon
