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
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kMostWarps = 8;
/// Warps of columns that are many or of open length, as they were tried:
/// threads that keep a device busy.
constexpr int64_t kEnoughThreads = 1 << 17;
/// Loads in flight of a thread.
constexpr int64_t kUnroll = 4;

/// The columns of an anchor's input.
struct ColumnShape {
  SmallVector<int64_t> own, outer; // dimensions reduced; kept before the tail
  int64_t tail = 0;                // dims [tail, rank) are walked as one
  DimExpr width, rows, columns;    // of the tail; reduced; all kept

  ColumnShape(graph::KernelOp kernel, Operation *anchor) {
    SmallVector<DimExpr> dims = graph::dimsOf(anchor->getOperand(0));
    auto isOwn = [&](int64_t d) {
      if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
        return d == int64_t(softmax.getAxis());
      return llvm::is_contained(cast<graph::ReduceOp>(anchor).getAxes(), d);
    };
    int64_t lastOwn = 0;
    for (int64_t d = 0; d < int64_t(dims.size()); ++d)
      if (isOwn(d)) {
        own.push_back(d);
        lastOwn = d;
      }
    tail = tailOf(kernel, anchor, dims, lastOwn + 1);
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

private:
  /// The first of the dimensions that are walked as one column index. None lies
  /// below `from`.
  static int64_t tailOf(graph::KernelOp kernel, Operation *anchor,
                        ArrayRef<DimExpr> dims, int64_t from) {
    int64_t rank = dims.size();
    if (from >= rank) // only sizes of 1 are kept behind the rows
      return rank;
    // Aligned from the right, the result's last dimensions are the input's.
    auto isAnchor = [&](Value v) { return v == anchor->getResult(0); };
    Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
    SmallVector<DimExpr> result = graph::dimsOf(yielded);
    int64_t skip = int64_t(result.size()) - rank;
    int64_t before = mergedTail(anchor->getOperand(0), dims, from);
    if (epilogueEnd(yielded) != yielded ||
        !llvm::equal(
            dims.drop_front(before),
            ArrayRef(result).drop_front(std::max<int64_t>(before + skip, 0))))
      return mergedAxis(dims, from);
    int64_t after = mergedTail(yielded, result,
                               std::max<int64_t>(before + skip, 0), isAnchor);
    return std::max(before, after - skip);
  }
};

class ColumnsBuilder : FloatOps {
public:
  ColumnsBuilder(graph::KernelOp kernel, const ColumnShape &shape,
                 const ThreadCase &from, StringRef name,
                 const KernelTarget &target)
      : FloatOps{e}, kernel(kernel), anchor(anchorOf(kernel)),
        aligned(from.aligned), vector(from.schedule.vector),
        parts(from.schedule.parts), warps(from.schedule.warps), name(name),
        e(kernel, name, target), dims(graph::dimsOf(anchor->getOperand(0))),
        own(shape.own), outer(shape.outer), tail(shape.tail),
        width(shape.width), rows(shape.rows), columns(shape.columns) {}

  /// None where vectors would come in pieces.
  std::optional<KernelCode> build() {
    KernelCode code;
    MLIRContext *context = kernel.getContext();
    DimExpr one = DimExpr::constant(context, 1);
    if (aligned)
      e.assumeMultiple(width, vector);
    // Both are exact: the vector divides the width.
    DimExpr across = width.floorDiv(vector), vectors = across;
    for (int64_t d : outer)
      vectors = vectors * dims[d];

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
    code.flops = columns * rows * (isa<graph::ReduceOp>(anchor) ? 1 : 8);
    code.tasks = vectors;
    code.grid = {vectors.ceilDiv(kWarpThreads),
                 DimExpr::constant(context, parts), one};
    code.block = {kWarpThreads * warps, 1, 1};
    return finishThreads(e, std::move(code));
  }

private:
  Value input() { return anchor->getOperand(0); }

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
  bool aligned;
  int64_t vector, parts, warps;
  StringRef name;
  Emitter e;
  SmallVector<DimExpr> dims;
  SmallVector<int64_t> own, outer; // as in ColumnShape
  int64_t tail;
  DimExpr width, rows, columns;
  SmallVector<Index> at;
  Value lane, warp, size;
  Value first; // number of the thread's first column
  Value live;  // whether the thread has columns; null: yes
  unsigned used = 0;
};

class ColumnsFamily : public ThreadFamily {
public:
  ColumnsFamily(graph::KernelOp kernel, const KernelTarget &target)
      : ThreadFamily(kernel, target), anchor(anchorOf(kernel)),
        shape(kernel, anchor), rows(typical(shape.rows)),
        columns(typical(shape.columns)), width(typical(shape.width)) {
    Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
    int64_t bytes = std::max(
        {widestBytes(input()), widestBytes(yielded), storedBytes(yielded)});
    mostVector = std::max<int64_t>(16 / bytes, 1);
  }

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::columns};
    for (one.vector = mostVector; one.vector > 0; one.vector /= 2)
      for (one.warps = kMostWarps; one.warps > 0; one.warps /= 2)
        for (one.parts = 1; one.parts <= (isSoftmax() ? 1 : 64); one.parts *= 2)
          all.push_back(one);
    return all;
  }
  std::string problem(const ThreadSchedule &s) const override {
    std::string problem = problemOfPower("warps", s.warps, 1, kMostWarps);
    if (problem.empty())
      problem = problemOfVector(s.vector, mostVector, shape.width);
    if (!problem.empty() || s.parts == 1)
      return problem;
    return problemOfParts(kernel, s.parts);
  }
  int untried(const ThreadSchedule &s) const override {
    auto count = shape.columns.asConstant(), length = shape.rows.asConstant();
    int64_t warps = length ? kMostWarps : kMostWarps / 2;
    while (warps > 1 && ((length && warps * s.parts * 2 > *length) ||
                         (count && *count / s.vector * warps > kEnoughThreads)))
      warps /= 2;
    int64_t parts = isSoftmax() ? 1
                                : triedParts(kernel, int64_t(columns),
                                             int64_t(rows), false);
    return (s.warps != warps) + (s.parts != parts) +
           (s.vector != widestVector(mostVector, shape.width));
  }
  double results() const override { return columns; }

  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    double r = std::max(rows, 1.0), v = double(s.vector);
    double vectors = std::max(1.0, std::ceil(columns / v));
    double warps = double(s.warps), parts = double(s.parts);
    work.threads = warps * kWarpThreads;
    work.blocks = std::ceil(vectors / kWarpThreads) * parts;
    double bytes = double(widestBytes(input()));
    work.bytes = body.bytes;
    double again = isSoftmax() ? rows * columns : 0;
    double run = std::min(std::max(width, 1.0), kWarpThreads * v) * bytes;
    bool aligned = shape.width.knownDivisor() * int64_t(bytes) % 32 == 0;
    work.l2Bytes = (body.bytes + again * bytes) *
                   sectorsForBytes(run, aligned && int64_t(run) % 32 == 0);

    // A softmax has two passes, each with an exponential of each element.
    double ofElement = isSoftmax() ? 22 : 1;
    double threads = work.blocks * work.threads;
    double elements = rows * columns;
    work.flops = body.flops + elements * (isSoftmax() ? 8 : 1);
    work.instructions =
        threads * (kThreadStart +
                   kOfDimension * double(graph::dimsOf(input()).size()) +
                   (s.warps > 1 ? kOfMeeting + v * kOfAccess : 0)) +
        (body.accesses + again) / v *
            (kOfAccess + kOfDimension * double(shape.own.size() - 1)) +
        body.instructions + elements * ofElement;

    // Several rows are asked for at once, those that are left one by one.
    double own = std::ceil(r / (warps * parts));
    double trips = std::floor(own / kUnroll) + std::fmod(own, kUnroll);
    work.cycles = trips * (kTrip + (isSoftmax() ? kNearTrip : 0)) + kNearTrip +
                  own * v * ofElement * kOfStep;
    if (s.warps > 1) {
      work.cycles +=
          kMeeting + warps * v * kOfStep * (isSoftmax() ? kOfFunction : 1);
      int64_t arrays = isSoftmax() ? 2 : 1;
      work.shared = arrays * s.warps * kWarpThreads * s.vector *
                    (isa<FloatType>(getElementTypeOrSelf(input()))
                         ? std::max<int64_t>(4, storedBytes(input()))
                         : storedBytes(input()));
    }
    work.registers = 28 + (kUnroll + (isSoftmax() ? 3 : 1)) * s.vector;
    return work;
  }

  SmallVector<ThreadCase> casesOf(const ThreadSchedule &chosen,
                                  bool pinned) const override {
    if (shape.width.knownDivisor() % chosen.vector == 0)
      return {{chosen}};
    ThreadSchedule single = chosen;
    single.vector = 1;
    DimExpr one = DimExpr::constant(kernel.getContext(), 1);
    return {{chosen, one - shape.width.mod(chosen.vector), /*aligned=*/true},
            {single}};
  }
  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    return ColumnsBuilder(kernel, shape, from, name, target).build();
  }

private:
  /// Instructions of warps that meet in shared memory.
  static constexpr double kOfMeeting = 16;

  Value input() const { return anchor->getOperand(0); }
  bool isSoftmax() const { return isa<graph::SoftmaxOp>(anchor); }

  Operation *anchor;
  ColumnShape shape;
  double rows, columns, width; // typical
  int64_t mostVector;
};

} // namespace

ThreadFamilyPtr columnsFamily(graph::KernelOp kernel,
                              const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  if (!isa_and_nonnull<graph::SoftmaxOp, graph::ReduceOp>(anchor) ||
      kernel->getNumResults() != 1 || !reducesOnThreads(anchor) ||
      rowShapeOf(kernel, anchor))
    return nullptr;
  if (auto reduce = dyn_cast<graph::ReduceOp>(anchor))
    if (reduce.getAxes().empty())
      return nullptr;
  if (graph::dimsOf(anchor->getOperand(0)).empty())
    return nullptr;
  return std::make_unique<ColumnsFamily>(kernel, target);
}

} // namespace mlir::tenon
