//===- MatmulVector.cpp - Matrix products with a thin side ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One side has a handful of rows ("thin"), the other ("wide") is read once and
// is what takes the time. No tiles: each thread loads 16 bytes of the wide side
// at a time, multiplies them as f32 with what belongs to them, and all threads
// of a column add their sums in an order that follows from their numbers alone.
//
//   along    x[1, K] W[N, K]: the lanes of a warp lie side by side along k, and
//            a warp has some columns
//
//              k ->  l0 l1 l2 .. l31 l0 ..      sums: shuffles, then lane i
//            n   w0  ===================        finishes sum i
//            |   w1  ===================
//
//   across   x[1, K] W[K, N]: some lanes lie side by side across n, the others
//            and all warps have rows of k of their own
//
//              n ->  l0 l1 .. l7                sums: shuffles, then shared
//            k   l0  ===========                memory, warp after warp
//            |   l8  ===========
//
// Tests: test/unit/cudaKernels/MatmulVectorTest.cpp, test/e2e/cudaMatmul.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulFrame.h"
#include "kernels/Cuda/Threads.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// NVPTX: the address space of shared memory.
constexpr unsigned kSharedSpace = 3;

class VectorBuilder : MatmulFrame {
public:
  VectorBuilder(const Product &product, StringRef name,
                const KernelTarget &target, const MatmulSchedule &schedule)
      : MatmulFrame(product, name, target, schedule), name(name),
        thin(schedule.turned ? rhs : lhs), wide(schedule.turned ? lhs : rhs),
        thinSize(schedule.turned ? columns : rows),
        wideSize(schedule.turned ? rows : columns) {
    Type element = getElementTypeOrSelf(wide.value.getType());
    most = 16 / std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
  }

  KernelCode build() {
    bool along = schedule.kind == MatmulKind::along;
    // Rows of the merged left side lie apart: a vector across them is none.
    bool apart = merged && schedule.turned;
    DimExpr run = along ? depth : wideSize;
    vector = !along && apart ? 1 : std::gcd(run.knownDivisor(), most);
    lanes = std::clamp<int64_t>(schedule.n / vector, 1, kWarpThreads);
    int64_t block = along ? schedule.n * schedule.warpsN : lanes * vector;
    DimExpr blocks = wideSize.ceilDiv(block),
            groups = thinSize.ceilDiv(schedule.m);
    // Neighbouring blocks read the same part of the wide side.
    SmallVector<Value> place = splitBlock({blocks, groups});
    firstWide = e.mul(place[0], e.constant(block));
    firstThin = e.mul(place[1], e.constant(schedule.m));
    thread = e.threadIndex(0);
    for (int64_t i = 0; i < schedule.m; ++i)
      thinRows.push_back(inside(e.add(firstThin, e.constant(i)), thinSize, 1));
    if (along)
      sumAlong();
    else
      sumAcross();
    return finish(blocks * groups);
  }

private:
  /// A position, or the last one: what is read there is never stored.
  Value inside(Value position, DimExpr size, int64_t step) {
    if (size.isConstant(1))
      return e.constant(0);
    return e.min(position, e.sub(e.dim(size), e.constant(step)));
  }
  Index run(Value base, int64_t length) {
    return length > 1 ? e.consecutive(base, length) : e.uniform(base);
  }
  Value element(const Side &side, Index own, Index k, int64_t length) {
    return e.emit(side.value, positionIn(side, own, k), length);
  }
  Value at(Value values, int64_t i) {
    if (!isa<VectorType>(values.getType()))
      return values;
    return vector::ExtractOp::create(e.b, e.loc, values, i);
  }
  Value multiplyAdd(Value x, Value y, Value sum) {
    return LLVM::FMAOp::create(e.b, e.loc, x, y, sum);
  }
  Value plus(Value x, Value y) {
    return arith::AddFOp::create(e.b, e.loc, x, y);
  }
  Value shuffled(Value value, int64_t distance) {
    auto i32 = [&](int32_t number) -> Value {
      return arith::ConstantOp::create(e.b, e.loc,
                                       e.b.getI32IntegerAttr(number));
    };
    return NVVM::ShflOp::create(e.b, e.loc, value.getType(), i32(-1), value,
                                i32(int32_t(distance)), i32(31),
                                NVVM::ShflKind::bfly, UnitAttr());
  }

  /// Calls `body` for the groups of k that the thread has: `first`, `first` +
  /// `stride`, .. below `end`, `together` at a time while there are so many.
  SmallVector<Value> overGroups(
      Value first, Value end, int64_t stride, int64_t together,
      SmallVector<Value> sums,
      function_ref<SmallVector<Value>(ArrayRef<Value>, ValueRange)> body) {
    Value last = e.sub(end, e.constant((together - 1) * stride));
    // As an index that goes on where the first loop has ended.
    Value index = first;
    if (together > 1) {
      Value all = e.sub(last, first);
      Value rounds = e.div(
          e.max(e.add(all, e.constant(together * stride - 1)), e.constant(0)),
          e.constant(together * stride));
      sums = e.loopWith(
          e.constant(0), rounds, 1, sums, [&](Value round, ValueRange carried) {
            Value start =
                e.add(first, e.mul(round, e.constant(together * stride)));
            SmallVector<Value> groups;
            for (int64_t i = 0; i < together; ++i)
              groups.push_back(e.add(start, e.constant(i * stride)));
            return body(groups, carried);
          });
      index = e.add(first, e.mul(rounds, e.constant(together * stride)));
    }
    return e.loopWith(index, end, stride, sums,
                      [&](Value group, ValueRange carried) {
                        return body({group}, carried);
                      });
  }

  /// First and end of the block's part of `groups` groups of k.
  std::pair<Value, Value> partOf(DimExpr groups) {
    if (!part)
      return {e.constant(0), e.dim(groups)};
    Value each = e.dim(groups.ceilDiv(schedule.splitK));
    Value begin = e.mul(part, each);
    return {begin, e.min(e.add(begin, each), e.dim(groups))};
  }

  /// Where the sum of a row of the thin side and a position across the wide
  /// one goes.
  void finishAt(Value thinRow, Value widePosition, Value sum, int64_t length) {
    Value good =
        arith::AndIOp::create(e.b, e.loc, e.less(thinRow, e.dim(thinSize)),
                              e.less(widePosition, e.dim(wideSize)));
    e.ifThen(good, [&] {
      if (schedule.turned)
        finishSum(widePosition, thinRow, sum, length);
      else
        finishSum(thinRow, widePosition, sum, length);
    });
  }

  void sumAlong() {
    int64_t count = schedule.n; // columns of a warp
    Value lane = e.rem(thread, e.constant(kWarpThreads));
    Value first =
        e.add(firstWide, e.mul(e.div(thread, e.constant(kWarpThreads)),
                               e.constant(count)));
    SmallVector<Value> wideRows;
    for (int64_t i = 0; i < count; ++i)
      wideRows.push_back(inside(e.add(first, e.constant(i)), wideSize, 1));
    auto [begin, end] = partOf(depth.floorDiv(vector));
    Value zero = e.floatConstant(e.b.getF32Type(), 0);
    SmallVector<Value> sums(schedule.m * count, zero);
    sums = overGroups(
        e.add(begin, lane), end, kWarpThreads, schedule.k, sums,
        [&](ArrayRef<Value> groups, ValueRange carried) {
          SmallVector<SmallVector<Value>> loaded;
          for (Value group : groups) { // all loads first
            Index k = run(e.mul(group, e.constant(vector)), vector);
            SmallVector<Value> &all = loaded.emplace_back();
            for (Value row : wideRows)
              all.push_back(element(wide, e.uniform(row), k, vector));
            for (Value row : thinRows)
              all.push_back(element(thin, e.uniform(row), k, vector));
          }
          SmallVector<Value> next(carried);
          for (ArrayRef<Value> all : loaded)
            for (int64_t v = 0; v < vector; ++v)
              for (int64_t r = 0; r < schedule.m; ++r)
                for (int64_t c = 0; c < count; ++c) {
                  Value &sum = next[r * count + c];
                  sum = multiplyAdd(at(all[count + r], v), at(all[c], v), sum);
                }
          return next;
        });
    // Each lane gets the whole sums; lane i keeps the one with number i.
    for (Value &sum : sums)
      for (int64_t distance = kWarpThreads / 2; distance > 0; distance /= 2)
        sum = plus(sum, shuffled(sum, distance));
    for (int64_t start = 0; start < int64_t(sums.size());
         start += kWarpThreads) {
      int64_t some = std::min<int64_t>(kWarpThreads, sums.size() - start);
      Value own = sums[start];
      for (int64_t i = 1; i < some; ++i)
        own = e.select(e.equal(lane, e.constant(i)), sums[start + i], own);
      e.ifThen(e.less(lane, e.constant(some)), [&] {
        Value number = e.add(lane, e.constant(start));
        finishAt(e.add(firstThin, e.div(number, e.constant(count))),
                 e.add(first, e.rem(number, e.constant(count))), own, 1);
      });
    }
  }

  void sumAcross() {
    int64_t rowsOfBlock = schedule.threads() / lanes; // of k, at once
    int64_t together = schedule.k;
    Value own = e.rem(thread, e.constant(lanes));
    Value row = e.div(thread, e.constant(lanes));
    Value position = e.add(firstWide, e.mul(own, e.constant(vector)));
    Index column = run(inside(position, wideSize, vector), vector);
    Type type = Emitter::vectorOf(e.b.getF32Type(), vector);
    // Rows of k go in groups, so that the thin side is read as vectors.
    auto step = [&](Value k, int64_t length, ValueRange carried) {
      SmallVector<Value> loaded, factors;
      for (int64_t i = 0; i < length; ++i)
        loaded.push_back(
            element(wide, column, e.uniform(e.add(k, e.constant(i))), vector));
      for (Value thinRow : thinRows)
        factors.push_back(
            element(thin, e.uniform(thinRow), run(k, length), length));
      SmallVector<Value> next(carried);
      for (int64_t i = 0; i < length; ++i)
        for (int64_t r = 0; r < schedule.m; ++r)
          next[r] = multiplyAdd(e.splat(at(factors[r], i), vector), loaded[i],
                                next[r]);
      return next;
    };
    SmallVector<Value> sums(schedule.m, e.floatConstant(type, 0));
    DimExpr whole = depth.floorDiv(together);
    auto [begin, end] = partOf(whole);
    sums = overGroups(e.add(begin, row), end, rowsOfBlock, 1, sums,
                      [&](ArrayRef<Value> groups, ValueRange carried) {
                        return step(e.mul(groups[0], e.constant(together)),
                                    together, carried);
                      });
    if (depth.knownDivisor() % together != 0) {
      // The last rows, fewer than a group: one of each, in the first part.
      Value start = e.dim(whole * together);
      Value last = e.dim(depth);
      if (part)
        last = e.select(e.equal(part, e.constant(0)), last, start);
      sums = e.loopWith(
          e.add(start, row), last, rowsOfBlock, sums,
          [&](Value k, ValueRange carried) { return step(k, 1, carried); });
    }
    for (Value &sum : sums)
      sum = addLanes(sum);
    addWarps(sums, row, own);
  }

  /// Adds what lanes of a warp have that lie at one column.
  Value addLanes(Value sum) {
    for (int64_t distance = kWarpThreads / 2; distance >= lanes;
         distance /= 2) {
      Value other = sum;
      if (vector == 1) {
        other = shuffled(sum, distance);
      } else {
        for (int64_t v = 0; v < vector; ++v)
          other = vector::InsertOp::create(
              e.b, e.loc, shuffled(at(sum, v), distance), other, v);
      }
      sum = plus(sum, other);
    }
    return sum;
  }

  /// Adds what the warps have, through shared memory, and finishes the sums.
  /// There: [warp][row of the thin side][quarter of a vector][lane][`piece`],
  /// so that neighbours lie side by side.
  void addWarps(ArrayRef<Value> sums, Value row, Value own) {
    int64_t piece = std::min<int64_t>(vector, 4), pieces = vector / piece;
    int64_t warpSize = schedule.m * lanes * vector;
    Type f32 = e.b.getF32Type(), type = Emitter::vectorOf(f32, piece);
    Value base = slots(warpSize * schedule.warpsN);
    auto address = [&](Value offset) -> Value {
      return LLVM::GEPOp::create(e.b, e.loc, base.getType(), f32, base,
                                 ArrayRef<LLVM::GEPArg>{offset});
    };
    Value warp = e.div(thread, e.constant(kWarpThreads));
    Value lane = e.rem(thread, e.constant(kWarpThreads));
    e.ifThen(e.less(lane, e.constant(lanes)), [&] {
      Value start = e.add(e.mul(warp, e.constant(warpSize)),
                          e.mul(own, e.constant(piece)));
      for (int64_t r = 0; r < schedule.m; ++r)
        for (int64_t p = 0; p < pieces; ++p) {
          Value some = sums[r];
          if (vector > 1)
            some = vector::ExtractStridedSliceOp::create(
                e.b, e.loc, sums[r], ArrayRef<int64_t>{p * piece},
                ArrayRef<int64_t>{piece}, ArrayRef<int64_t>{1});
          if (vector > 1 && piece == 1)
            some = at(some, 0);
          Value to = e.add(start, e.constant((r * pieces + p) * lanes * piece));
          LLVM::StoreOp::create(e.b, e.loc, some, address(to), 4 * piece);
        }
    });
    NVVM::Barrier0Op::create(e.b, e.loc);
    int64_t items = warpSize / piece;
    for (int64_t start = 0; start < items; start += schedule.threads()) {
      Value item = e.add(thread, e.constant(start));
      auto one = [&] {
        Value sum;
        for (int64_t w = 0; w < schedule.warpsN; ++w) {
          Value from =
              e.add(e.mul(item, e.constant(piece)), e.constant(w * warpSize));
          Value next =
              LLVM::LoadOp::create(e.b, e.loc, type, address(from), 4 * piece);
          sum = sum ? plus(sum, next) : next;
        }
        Value r = e.div(item, e.constant(pieces * lanes));
        Value p = e.rem(e.div(item, e.constant(lanes)), e.constant(pieces));
        Value l = e.rem(item, e.constant(lanes));
        Value position = e.add(e.add(firstWide, e.mul(l, e.constant(vector))),
                               e.mul(p, e.constant(piece)));
        finishPiece(e.add(firstThin, r), position, sum, piece);
      };
      e.ifThen(e.less(item, e.constant(items)), one);
    }
  }

  void finishPiece(Value thinRow, Value position, Value sum, int64_t piece) {
    if (!schedule.turned) // whole vectors are inside, or not at all
      return finishAt(thinRow, position, sum, piece);
    for (int64_t i = 0; i < piece; ++i) // rows of the result
      finishAt(thinRow, e.add(position, e.constant(i)), at(sum, i), 1);
  }

  /// Shared memory for so many f32.
  Value slots(int64_t count) {
    OpBuilder outside(e.context());
    outside.setInsertionPointToStart(e.getModule().getBody());
    auto array = LLVM::LLVMArrayType::get(e.b.getF32Type(), count);
    auto global = LLVM::GlobalOp::create(
        outside, e.loc, array, /*isConstant=*/false, LLVM::Linkage::Internal,
        (name + "_sums").str(), Attribute(), /*alignment=*/16, kSharedSpace);
    // Shared memory holds nothing at first.
    outside.createBlock(&global.getInitializerRegion());
    Value nothing = LLVM::PoisonOp::create(outside, e.loc, array);
    LLVM::ReturnOp::create(outside, e.loc, nothing);
    return LLVM::AddressOfOp::create(e.b, e.loc, global);
  }

  StringRef name;
  Side thin, wide;
  DimExpr thinSize, wideSize;
  int64_t most;               // elements of a load
  int64_t vector = 1;         // elements of a load of this kernel
  int64_t lanes = 1;          // across: side by side
  Value firstWide, firstThin; // of the block
  Value thread;
  SmallVector<Value> thinRows;
};

} // namespace

KernelCode buildMatmulVector(const Product &product, StringRef name,
                             const KernelTarget &target,
                             const MatmulSchedule &schedule) {
  return VectorBuilder(product, name, target, schedule).build();
}

} // namespace mlir::tenon
