//===- Columns.cpp - Softmax and reductions over outer axes on GPUs -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes reductions that keep the innermost dimension, and softmax over another
// one. Neighbouring threads have neighbouring columns, a vector of 16 bytes
// each, and walk along the reduced dimensions:
//
//              32 vectors of columns
//            +---+---+---+---+-  -+---+
//    row 0   |     warp 0             |     // Y warps share the columns of a
//    row 1   |     warp 1             |     // block; P blocks share them if
//    ..      |     ..                 |     // there are few columns
//    row Y   |     warp 0             |
//
// The warps' results are combined through shared memory in the order of their
// numbers. Softmax keeps a running maximum and sum, as RowThreads.cpp does, and
// reads its columns a second time to write them.
//
// Tests: test/e2e/cudaColumns.py, conformance-cuda-* (test/conformance).
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Emit/FloatOps.h"
#include "kernels/Math/Math.h"
#include "kernels/Reduce/ReduceMath.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kMostWarps = 8;
/// Threads that keep a device busy.
constexpr int64_t kEnoughThreads = 1 << 17;
/// Loads in flight of a thread.
constexpr int64_t kUnroll = 4;

class ColumnsBuilder : FloatOps {
public:
  ColumnsBuilder(graph::KernelOp kernel, Operation *anchor, int64_t vector,
                 int64_t parts, StringRef name, const KernelTarget &target)
      : FloatOps{e}, kernel(kernel), anchor(anchor), vector(vector),
        parts(parts), name(name), e(kernel, name, target),
        dims(graph::dimsOf(anchor->getOperand(0))) {
    int64_t lastOwn = 0;
    for (int64_t d = 0; d < int64_t(dims.size()); ++d)
      if (isOwn(d)) {
        own.push_back(d);
        lastOwn = d;
      }
    tail = tailOf(lastOwn + 1);
    for (int64_t d = 0; d < tail; ++d)
      if (!isOwn(d))
        outer.push_back(d);
    MLIRContext *context = kernel.getContext();
    width = productOf(context, ArrayRef(dims).drop_front(tail));
    rows = DimExpr::constant(context, 1);
    for (int64_t d : own)
      rows = rows * dims[d];
    columns = width;
    for (int64_t d : outer)
      columns = columns * dims[d];
  }

  /// None where vectors would come in pieces.
  std::optional<KernelCode> build() {
    KernelCode code;
    MLIRContext *context = kernel.getContext();
    DimExpr one = DimExpr::constant(context, 1);
    if (width.knownDivisor() % vector != 0) {
      if (width.isConstant())
        return std::nullopt;
      e.assumeMultiple(width, vector);
      code.guard = one - width.mod(vector);
    }
    // Both are exact: the vector divides the width.
    DimExpr across = width.floorDiv(vector), vectors = across;
    for (int64_t d : outer)
      vectors = vectors * dims[d];
    chooseWarps(vectors);

    Value thread = e.threadIndex(0);
    lane = e.rem(thread, e.constant(kWarpThreads));
    warp = e.div(thread, e.constant(kWarpThreads));
    Value number =
        e.add(e.mul(e.blockIndex(0), e.constant(kWarpThreads)), lane);
    if (vectors.knownDivisor() % kWarpThreads != 0) {
      // All threads meet at the barrier: those without columns take the last
      // ones once more, and do not store them.
      live = e.less(number, e.dim(vectors));
      number = e.min(number, e.sub(e.dim(vectors), e.constant(1)));
    }
    at = e.zeros(dims.size());
    Value column = e.mul(e.rem(number, e.dim(across)), e.constant(vector));
    e.split(e.div(number, e.dim(across)), outer, dims,
            [&](int64_t d, Value i) { at[d] = e.uniform(i); });
    if (tail < int64_t(dims.size()))
      at[mergedAxis(dims, tail)] =
          vector == 1 ? e.uniform(column) : e.consecutive(column, vector);
    first = e.mul(number, e.constant(vector));
    size = e.dim(rows);
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
      emitSoftmax(softmax);
    else
      emitReduce(cast<graph::ReduceOp>(anchor));
    if (vector > 1 && e.brokeVectors())
      return std::nullopt;

    code.family = isa<graph::SoftmaxOp>(anchor) ? "softmax" : "reduce";
    code.schedule =
        llvm::formatv("columns warps={0} vector={1}", warps, vector);
    if (parts > 1)
      code.schedule += " parts=" + std::to_string(parts);
    code.flops = columns * rows * (isa<graph::ReduceOp>(anchor) ? 1 : 8);
    code.tasks = vectors;
    code.grid = {vectors.ceilDiv(kWarpThreads),
                 DimExpr::constant(context, parts), one};
    code.block = {kWarpThreads * warps, 1, 1};
    return finishThreads(e, std::move(code));
  }

private:
  Value input() { return anchor->getOperand(0); }

  bool isOwn(int64_t d) const {
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
      return d == int64_t(softmax.getAxis());
    return llvm::is_contained(cast<graph::ReduceOp>(anchor).getAxes(), d);
  }

  /// The first of the dimensions that are walked as one column index. None lies
  /// below `from`.
  int64_t tailOf(int64_t from) {
    int64_t rank = dims.size();
    if (from >= rank) // only sizes of 1 are kept behind the rows
      return rank;
    // Aligned from the right, the result's last dimensions are the input's.
    auto isAnchor = [&](Value v) { return v == anchor->getResult(0); };
    Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
    SmallVector<DimExpr> result = graph::dimsOf(yielded);
    int64_t skip = int64_t(result.size()) - rank;
    int64_t before = mergedTail(input(), dims, from);
    if (epilogueEnd(yielded) != yielded ||
        !llvm::equal(
            ArrayRef(dims).drop_front(before),
            ArrayRef(result).drop_front(std::max<int64_t>(before + skip, 0))))
      return mergedAxis(dims, from);
    int64_t after = mergedTail(yielded, result,
                               std::max<int64_t>(before + skip, 0), isAnchor);
    return std::max(before, after - skip);
  }

  void chooseWarps(DimExpr vectors) {
    auto count = vectors.asConstant(), length = rows.asConstant();
    warps = length ? kMostWarps : kMostWarps / 2;
    while (warps > 1 && ((length && warps * parts * 2 > *length) ||
                         (count && *count * warps > kEnoughThreads)))
      warps /= 2;
  }

  /// The input's elements of row i.
  SmallVector<Index> position(Value i) {
    SmallVector<Index> result(at);
    e.split(i, own, dims,
            [&](int64_t d, Value k) { result[d] = e.uniform(k); });
    return result;
  }
  Value element(Value i) { return e.emit(input(), position(i), vector); }

  /// Walks over the thread's rows; the loads of some are in flight together.
  SmallVector<Value>
  walk(ValueRange init,
       function_ref<SmallVector<Value>(ArrayRef<Value>, ValueRange)> body) {
    int64_t step = warps * parts;
    Value from = parts > 1
                     ? e.add(e.mul(e.blockIndex(1), e.constant(warps)), warp)
                     : warp;
    if (warps == 1 && parts == 1)
      from = e.constant(0);
    // Whole groups: the last of a group's rows must be inside.
    Value left = e.max(e.sub(size, from), e.constant(0));
    Value groups =
        e.div(e.div(e.add(left, e.constant(step - 1)), e.constant(step)),
              e.constant(kUnroll));
    SmallVector<Value> carried =
        e.loopWith(e.constant(0), groups, 1, init, [&](Value g, ValueRange so) {
          SmallVector<Value> several;
          Value base = e.add(from, e.mul(g, e.constant(step * kUnroll)));
          for (int64_t k = 0; k < kUnroll; ++k)
            several.push_back(e.add(base, e.constant(k * step)));
          return body(several, so);
        });
    Value rest = e.add(from, e.mul(groups, e.constant(step * kUnroll)));
    return e.loopWith(rest, size, step, carried,
                      [&](Value i, ValueRange so) { return body({i}, so); });
  }

  // --- Warps together --------------------------------------------------------

  /// Shared memory for a vector of each thread. In pieces of 16 bytes, so that
  /// neighbouring lanes are neighbours in memory:  [warp][piece][lane].
  struct Shared {
    Value array;
    Type type; // of an element
    int64_t piece;
  };
  Shared sharedFor(Type type) {
    int64_t bytes = std::max(1u, type.getIntOrFloatBitWidth() / 8);
    int64_t piece = std::min(vector, std::max<int64_t>(16 / bytes, 1));
    return {sharedArray(e, name + "_columns" + llvm::Twine(used++), type,
                        warps * kWarpThreads * vector),
            type, piece};
  }
  Value place(const Shared &shared, Value ofWarp, int64_t k) {
    int64_t pieces = vector / shared.piece;
    Value at = e.add(e.mul(ofWarp, e.constant(pieces)), e.constant(k));
    at = e.add(e.mul(at, e.constant(kWarpThreads)), lane);
    return sharedAt(e, shared.array, shared.type,
                    e.mul(at, e.constant(shared.piece)));
  }
  unsigned alignment(const Shared &shared) {
    return shared.piece * std::max(1u, shared.type.getIntOrFloatBitWidth() / 8);
  }
  void put(const Shared &shared, Value v) {
    for (int64_t k = 0; k < vector / shared.piece; ++k) {
      Value part = v;
      if (shared.piece < vector)
        part = vector::ExtractStridedSliceOp::create(
            e.b, e.loc, v, {k * shared.piece}, {shared.piece}, {1});
      LLVM::StoreOp::create(e.b, e.loc, part, place(shared, warp, k),
                            alignment(shared));
    }
  }
  Value get(const Shared &shared, Value ofWarp) {
    Type type = Emitter::vectorOf(shared.type, shared.piece);
    SmallVector<Value> pieces;
    for (int64_t k = 0; k < vector / shared.piece; ++k)
      pieces.push_back(LLVM::LoadOp::create(
          e.b, e.loc, type, place(shared, ofWarp, k), alignment(shared)));
    if (pieces.size() == 1)
      return pieces[0];
    Value all = LLVM::PoisonOp::create(e.b, e.loc,
                                       Emitter::vectorOf(shared.type, vector));
    for (auto [k, piece] : llvm::enumerate(pieces))
      all = vector::InsertStridedSliceOp::create(
          e.b, e.loc, piece, all, {int64_t(k) * shared.piece}, {1});
    return all;
  }

  void ifLive(function_ref<void()> body) {
    if (live)
      e.ifThen(live, body);
    else
      body();
  }

  void finishAt(ArrayRef<Index> position, Value result) {
    e.bind(anchor->getResult(0),
           [result](ArrayRef<Index>, int64_t) { return result; });
    Value end = epilogueEnd(e.yield()->getOperand(0));
    e.store(0, end, e.emit(end, position, vector), position, vector);
  }

  // --- Anchors ---------------------------------------------------------------

  void emitReduce(graph::ReduceOp op) {
    ReduceMath math(e, op.getKind(), getElementTypeOrSelf(op.getInput()));
    Value neutral = e.splat(math.identity(), vector);
    Value total = walk(neutral, [&](ArrayRef<Value> several, ValueRange so) {
      SmallVector<Value> loaded;
      for (Value i : several)
        loaded.push_back(element(i));
      Value sum = so[0];
      for (Value x : loaded)
        sum = math.combine(sum, math.map(x));
      return SmallVector<Value>{sum};
    })[0];
    auto store = [&](Value all) {
      if (parts > 1) {
        Value slot = e.add(e.mul(e.blockIndex(1), e.dim(columns)), first);
        Type type = getElementTypeOrSelf(all.getType());
        e.storeVector(all, e.resultPointer(0), slot, type, vector);
        return;
      }
      finishAt(reducedPosition(e, op, at), math.finish(all, size));
    };
    if (warps == 1)
      return ifLive([&] { store(total); });
    Shared shared = sharedFor(getElementTypeOrSelf(total.getType()));
    put(shared, total);
    NVVM::Barrier0Op::create(e.b, e.loc);
    Value mine = e.equal(warp, e.constant(0));
    if (live)
      mine = arith::AndIOp::create(e.b, e.loc, mine, live);
    e.ifThen(mine, [&] {
      Value all = total;
      for (int64_t w = 1; w < warps; ++w)
        all = math.combine(all, get(shared, e.constant(w)));
      store(all);
    });
  }

  void emitSoftmax(graph::SoftmaxOp op) {
    Value lowest = f(-std::numeric_limits<float>::infinity(), vector);
    Value zero = f(0, vector);
    // What to subtract where all elements so far are -infinity.
    auto finite = [&](Value m) {
      Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ,
                                         m, lowest);
      return arith::SelectOp::create(e.b, e.loc, none, zero, m).getResult();
    };
    SmallVector<Value> own = walk(
        ValueRange{lowest, zero}, [&](ArrayRef<Value> several, ValueRange so) {
          SmallVector<Value> loaded;
          Value max = so[0];
          for (Value i : several) {
            loaded.push_back(element(i));
            max = larger(max, loaded.back());
          }
          Value from = finite(max);
          Value sum = mul(so[1], emitRowExp(e, sub(so[0], from)));
          for (Value x : loaded)
            sum = add(sum, emitRowExp(e, sub(x, from)));
          return SmallVector<Value>{max, sum};
        });
    Value max = own[0], sum = own[1];
    if (warps > 1) {
      Shared ofMax = sharedFor(e.b.getF32Type());
      Shared ofSum = sharedFor(e.b.getF32Type());
      put(ofMax, max);
      put(ofSum, sum);
      NVVM::Barrier0Op::create(e.b, e.loc);
      SmallVector<Value> each;
      for (int64_t w = 0; w < warps; ++w) {
        each.push_back(get(ofMax, e.constant(w)));
        max = w ? larger(max, each[w]) : each[w];
      }
      Value from = finite(max);
      for (int64_t w = 0; w < warps; ++w) {
        Value part =
            mul(get(ofSum, e.constant(w)), emitRowExp(e, sub(each[w], from)));
        sum = w ? add(sum, part) : part;
      }
    }
    Value last =
        op.getLog() ? emitLog(e.b, e.loc, sum) : div(f(1, vector), sum);
    ifLive([&] {
      walk({}, [&](ArrayRef<Value> several, ValueRange) {
        SmallVector<Value> loaded;
        for (Value i : several)
          loaded.push_back(element(i));
        for (auto [i, x] : llvm::zip(several, loaded)) {
          Value shifted = sub(x, max);
          finishAt(position(i), op.getLog()
                                    ? sub(shifted, last)
                                    : mul(emitRowExp(e, shifted), last));
        }
        return SmallVector<Value>();
      });
    });
  }

  graph::KernelOp kernel;
  Operation *anchor;
  int64_t vector, parts, warps = 1;
  StringRef name;
  Emitter e;
  SmallVector<DimExpr> dims;
  SmallVector<int64_t> own, outer; // dimensions reduced; kept before the tail
  int64_t tail = 0;                // dims [tail, rank) are walked as one
  DimExpr width, rows, columns;    // of the tail; reduced; all kept
  SmallVector<Index> at;
  Value lane, warp, size;
  Value first; // number of the thread's first column
  Value live;  // whether the thread has columns; null: yes
  unsigned used = 0;
};

} // namespace

std::optional<KernelCode> buildColumns(graph::KernelOp kernel, StringRef name,
                                       const KernelTarget &target) {
  return buildColumnParts(kernel, name, target, 1);
}

std::optional<KernelCode> buildColumnParts(graph::KernelOp kernel,
                                           StringRef name,
                                           const KernelTarget &target,
                                           int64_t parts) {
  Operation *anchor = anchorOf(kernel);
  if (!isa_and_nonnull<graph::SoftmaxOp, graph::ReduceOp>(anchor) ||
      kernel->getNumResults() != 1 || !reducesOnThreads(anchor) ||
      rowShapeOf(kernel, anchor))
    return std::nullopt;
  if (auto reduce = dyn_cast<graph::ReduceOp>(anchor))
    if (reduce.getAxes().empty())
      return std::nullopt;
  if (graph::dimsOf(anchor->getOperand(0)).empty())
    return std::nullopt;
  Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
  int64_t bytes = std::max({widestBytes(anchor->getOperand(0)),
                            widestBytes(yielded), storedBytes(yielded)});
  int64_t vector = target.choice == 0 ? std::max<int64_t>(16 / bytes, 1) : 1;
  for (;; vector /= 2)
    if (auto code =
            ColumnsBuilder(kernel, anchor, vector, parts, name, target).build())
      return code;
}

} // namespace mlir::tenon
