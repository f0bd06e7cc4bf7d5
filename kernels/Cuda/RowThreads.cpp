//===- RowThreads.cpp - Softmax, norms and reductions on GPUs -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A group of T threads (some lanes of a warp, a warp or a block) takes a row of
// softmax, layer norm, rms norm or of a reduction over the last dimensions. Its
// threads read consecutive vectors of 16 bytes:
//
//   // (T, C, V) -> element: (chunk * T + thread) * V + lane
//
// Where a row is short enough, each thread keeps its elements in registers and
// memory is read once; longer rows are read again by each pass:
//
//              in registers                      from memory
//   softmax    x, max | sum of exp(x - max)      x, max and sum together
//              | exp(x - max) / sum              | exp(x - max) / sum
//   norm       x, mean | sum of (x - mean)^2     x, mean and variance together
//              | (x - mean) / sqrt(var + eps)    | (x - mean) / sqrt(var + eps)
//   reduce     x, total                          x, total
//
// "Together" is the sum of exp(x - max so far), rescaled when the maximum
// grows, and Welford's way to a variance: both are as exact as the passes in
// registers, where the variance is taken around the mean. The formula E[x^2] -
// E[x]^2 would lose all digits where the mean is large.
//
// Rows of unknown length get several choices of code: for rows that begin
// aligned and for others, for short ones (a warp each) and long ones.
//
// Everything is computed in f32, whatever is stored.
//
// Tests: test/e2e/cudaRows.py, conformance-cuda-* (test/conformance).
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Emit/FloatOps.h"
#include "kernels/Math/Math.h"
#include "kernels/Reduce/ReduceMath.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class RowThreadsBuilder : FloatOps {
public:
  RowThreadsBuilder(graph::KernelOp kernel, Operation *anchor,
                    const RowShape &shape, const ThreadCase &from,
                    StringRef name, const KernelTarget &target)
      : FloatOps{e}, kernel(kernel), anchor(anchor), shape(shape),
        aligned(from.aligned), parts(from.schedule.parts),
        threads(from.schedule.threads), vector(from.schedule.vector),
        mostKept(from.schedule.registers ? threads * kMostKept : 0),
        e(kernel, name, target), reducer(e, name, threads),
        dims(graph::dimsOf(anchor->getOperand(0))) {}

  /// None where vectors would come in pieces.
  std::optional<KernelCode> build() {
    MLIRContext *context = kernel.getContext();
    DimExpr rows = shape.rows;
    known = shape.length.asConstant();
    if (aligned)
      e.assumeMultiple(shape.contiguous, vector);
    int64_t block = threads > kWarpThreads ? threads : e.blockThreads;
    int64_t rowsOfBlock = block / threads;
    size = e.dim(shape.length);
    Value thread = e.threadIndex(0);
    lane = e.mul(e.rem(thread, e.constant(threads)), e.constant(vector));
    Value number = e.add(e.mul(e.blockIndex(0), e.constant(rowsOfBlock)),
                         e.div(thread, e.constant(threads)));
    auto row = [&](Value own) {
      SmallVector<Index> at = e.zeros(dims.size());
      e.split(own, shape.kept, dims,
              [&](int64_t d, Value i) { at[d] = e.uniform(i); });
      begin = lane;
      end = size;
      if (parts > 1) {
        Value part = e.constant(partLength());
        Value start = e.mul(e.blockIndex(1), part);
        begin = e.add(lane, start);
        end = e.min(e.add(start, part), size);
      }
      emitRow(at, own);
    };
    if (rowsOfBlock == 1 || rows.knownDivisor() % rowsOfBlock == 0) {
      row(number);
    } else if (threads == kWarpThreads) {
      // A warp without a row leaves; blocks have exactly one.
      e.ifThen(e.less(number, e.dim(rows)), [&] { row(number); });
    } else {
      // All lanes of a warp take part in shuffles: those without a row compute
      // the last one once more, and do not store it.
      live = e.less(number, e.dim(rows));
      row(e.min(number, e.sub(e.dim(rows), e.constant(1))));
    }
    if (vector > 1 && e.brokeVectors())
      return std::nullopt;

    KernelCode code;
    code.family = isa<graph::SoftmaxOp>(anchor)     ? "softmax"
                  : isa<graph::LayerNormOp>(anchor) ? "norm"
                                                    : "reduce";
    code.flops = rows * shape.length * (isa<graph::ReduceOp>(anchor) ? 1 : 8);
    code.tasks = rows;
    DimExpr one = DimExpr::constant(context, 1);
    code.grid = {rows.ceilDiv(rowsOfBlock), DimExpr::constant(context, parts),
                 one};
    code.block = {block, 1, 1};
    return finishThreads(e, std::move(code));
  }

private:
  Value input() { return anchor->getOperand(0); }

  // --- Positions -------------------------------------------------------------

  /// `at` with the row's element(s) from `i` on.
  SmallVector<Index> position(ArrayRef<Index> at, Value i) {
    SmallVector<Index> result(at);
    auto index = [&](Value base) {
      return vector == 1 ? e.uniform(base) : e.consecutive(base, vector);
    };
    if (shape.merged) {
      result[shape.inner] = index(i);
      return result;
    }
    e.split(i, shape.own, dims, [&](int64_t d, Value own) {
      result[d] = d == shape.inner ? index(own) : e.uniform(own);
    });
    return result;
  }

  /// Elements that a block of several for one row takes.
  int64_t partLength() const {
    int64_t step = threads * vector;
    return llvm::divideCeil(*known, parts * step) * step;
  }
  int64_t chunks() const {
    int64_t most = known ? std::min(*known, mostKept) : mostKept;
    return llvm::divideCeil(most, threads * vector);
  }
  Value chunkStart(int64_t c) {
    return e.add(lane, e.constant(c * threads * vector));
  }
  /// Whether every thread has a vector in chunk c.
  bool whole(int64_t c) {
    return known && (c + 1) * threads * vector <= *known;
  }
  Value inside(int64_t c) { return e.less(chunkStart(c), size); }

  // --- A row's elements ------------------------------------------------------

  /// The thread's elements, where registers hold them: neutral behind the end.
  void loadRow(ArrayRef<Index> at, Value neutral) {
    if (!mostKept)
      return;
    Value nothing = e.splat(neutral, vector);
    for (int64_t c = 0; c < chunks(); ++c) {
      auto load = [&] {
        return e.emit(input(), position(at, chunkStart(c)), vector);
      };
      kept.push_back(whole(c) ? load()
                              : e.ifElse(inside(c), nothing.getType(), load,
                                         [&] { return nothing; }));
    }
  }

  /// The kept elements, mapped. Chunks that a row may not have are left alone.
  void mapKept(function_ref<Value(Value)> map) {
    for (auto [c, x] : llvm::enumerate(kept)) {
      Value own = x;
      x = known ? map(own)
                : e.ifElse(
                      inside(c), own.getType(), [&] { return map(own); },
                      [&] { return own; });
    }
  }

  /// Combines map(x) over the row. Behind its end, `map` is not asked: the
  /// element counts as `neutral`.
  Value reduceRow(ArrayRef<Index> at, Value neutral,
                  function_ref<Value(Value)> map,
                  function_ref<Value(Value, Value)> combine) {
    Value total = e.splat(neutral, vector);
    if (mostKept) {
      for (auto [c, x] : llvm::enumerate(kept)) {
        if (whole(c)) {
          total = combine(total, map(x));
        } else if (known) {
          total = combine(
              total, e.select(inside(c), map(x), e.splat(neutral, vector)));
        } else {
          Value own = x, before = total;
          total = e.ifElse(
              inside(c), total.getType(),
              [&] { return combine(before, map(own)); },
              [&] { return before; });
        }
      }
    } else {
      total = e.loopWith(begin, end, threads * vector, total,
                         [&](Value i, ValueRange sum) {
                           Value x = e.emit(input(), position(at, i), vector);
                           return SmallVector<Value>{combine(sum[0], map(x))};
                         })[0];
    }
    return reducer.reduce(combineLanes(total, combine), combine);
  }

  /// The lanes of a vector in one.
  Value combineLanes(Value v, function_ref<Value(Value, Value)> combine) {
    if (vector == 1)
      return v;
    Value total;
    for (int64_t k = 0; k < vector; ++k) {
      Value one = vector::ExtractOp::create(e.b, e.loc, v, k);
      total = total ? combine(total, one) : one;
    }
    return total;
  }
  Value sumLanes(Value v) {
    return combineLanes(v, [&](Value a, Value b) { return add(a, b); });
  }

  /// Calls `body` with the position and value of each of the thread's vectors.
  void forEach(ArrayRef<Index> at,
               function_ref<void(ArrayRef<Index>, Value)> body) {
    if (!mostKept) {
      e.loop(lane, size, threads * vector, [&](Value i) {
        SmallVector<Index> p = position(at, i);
        body(p, e.emit(input(), p, vector));
      });
      return;
    }
    for (int64_t c = 0; c < chunks(); ++c) {
      auto one = [&] { body(position(at, chunkStart(c)), kept[c]); };
      if (whole(c))
        one();
      else
        e.ifThen(inside(c), one);
    }
  }

  /// Stores what the body makes of the anchor's elements.
  void finishAt(ArrayRef<Index> at, Value result, int64_t n) {
    auto store = [&] {
      e.bind(anchor->getResult(0),
             [result](ArrayRef<Index>, int64_t) { return result; });
      Value end = epilogueEnd(e.yield()->getOperand(0));
      e.store(0, end, e.emit(end, at, n), at, n);
    };
    if (live)
      e.ifThen(live, store);
    else
      store();
  }

  // --- Anchors ---------------------------------------------------------------

  void emitRow(ArrayRef<Index> at, Value row) {
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
      emitSoftmax(softmax, at);
    else if (auto norm = dyn_cast<graph::LayerNormOp>(anchor))
      emitNorm(norm, at);
    else
      emitReduce(cast<graph::ReduceOp>(anchor), at, row);
  }

  void emitSoftmax(graph::SoftmaxOp op, ArrayRef<Index> at) {
    Value max, sum;
    bool log = op.getLog();
    auto power = [&](Value x) {
      return emitRowExp(e, sub(x, e.splat(max, vector)));
    };
    if (mostKept) {
      Value lowest = f(-std::numeric_limits<float>::infinity());
      loadRow(at, lowest);
      max = reduceRow(
          at, lowest, [](Value x) { return x; },
          [&](Value a, Value b) { return larger(a, b); });
      // Powers take the place of the elements: they are needed once more.
      if (!log)
        mapKept(power);
      sum = reduceRow(
          at, f(0), [&](Value x) { return log ? power(x) : x; },
          [&](Value a, Value b) { return add(a, b); });
    } else {
      std::tie(max, sum) = maxAndSum(at);
    }
    Value last = log ? emitLog(e.b, e.loc, sum) : div(f(1), sum);
    forEach(at, [&](ArrayRef<Index> p, Value x) {
      Value factor = e.splat(last, vector);
      if (log)
        x = sub(sub(x, e.splat(max, vector)), factor);
      else
        x = mul(mostKept ? x : power(x), factor);
      finishAt(p, x, vector);
    });
  }

  /// The row's maximum, and the sum of exp(x - maximum), in one pass.
  std::pair<Value, Value> maxAndSum(ArrayRef<Index> at) {
    Value lowest = f(-std::numeric_limits<float>::infinity());
    auto bigger = [&](Value a, Value b) { return larger(a, b); };
    // What to subtract where all elements so far are -infinity: their
    // difference would not be a number.
    auto finite = [&](Value m) {
      Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ,
                                         m, lowest);
      return e.select(none, f(0), m);
    };
    SmallVector<Value> own = e.loopWith(
        lane, size, threads * vector, ValueRange{lowest, f(0)},
        [&](Value i, ValueRange so) {
          Value x = e.emit(input(), position(at, i), vector);
          Value max = larger(so[0], combineLanes(x, bigger));
          Value from = finite(max);
          Value before = mul(so[1], emitRowExp(e, sub(so[0], from)));
          Value powers = emitRowExp(e, sub(x, e.splat(from, vector)));
          return SmallVector<Value>{max, add(before, sumLanes(powers))};
        });
    Value max = reducer.reduce(own[0], bigger);
    Value part = mul(own[1], emitRowExp(e, sub(own[0], finite(max))));
    return {max,
            reducer.reduce(part, [&](Value a, Value b) { return add(a, b); })};
  }

  void emitNorm(graph::LayerNormOp op, ArrayRef<Index> at) {
    auto sumUp = [&](Value a, Value b) { return add(a, b); };
    auto square = [&](Value x) { return mul(x, x); };
    Value count = arith::UIToFPOp::create(e.b, e.loc, e.b.getF32Type(), size);
    bool rms = op.getRms();
    loadRow(at, f(0));
    Value mean, variance;
    if (rms) {
      variance = div(reduceRow(at, f(0), square, sumUp), count);
    } else if (mostKept) {
      mean = div(reduceRow(at, f(0), [](Value x) { return x; }, sumUp), count);
      mapKept([&](Value x) { return sub(x, e.splat(mean, vector)); });
      variance = div(reduceRow(at, f(0), square, sumUp), count);
    } else {
      std::tie(mean, variance) = welford(at, count);
    }
    Value deviation = LLVM::SqrtOp::create(
        e.b, e.loc, add(variance, f(op.getEpsilon().convertToDouble())));
    Value factor = div(f(1), deviation);
    forEach(at, [&](ArrayRef<Index> p, Value x) {
      if (!rms && !mostKept)
        x = sub(x, e.splat(mean, vector));
      x = mul(x, e.splat(factor, vector));
      auto operand = [&](Value v) {
        return e.emit(v, e.broadcastIndex(v, p), vector);
      };
      if (op.getScale())
        x = mul(x, operand(op.getScale()));
      if (op.getBias())
        x = add(x, operand(op.getBias()));
      finishAt(p, x, vector);
    });
  }

  /// Mean and variance of the row in one pass: each thread takes up its vectors
  /// one by one, then threads are taken together. Both are Chan's formula for
  /// two sets of n, mean and m = sum of (x - mean)^2.
  std::pair<Value, Value> welford(ArrayRef<Index> at, Value count) {
    Value zero = f(0);
    auto merge = [&](ValueRange a, ValueRange b) {
      Value n = add(a[0], b[0]);
      // Threads without elements have n = 0.
      Value share = div(b[0], larger(n, f(1)));
      Value delta = sub(b[1], a[1]);
      Value between = mul(mul(delta, delta), mul(a[0], share));
      return SmallVector<Value>{n, add(a[1], mul(delta, share)),
                                add(add(a[2], b[2]), between)};
    };
    SmallVector<Value> own =
        e.loopWith(lane, size, threads * vector, ValueRange{zero, zero, zero},
                   [&](Value i, ValueRange so) {
                     Value x = e.emit(input(), position(at, i), vector);
                     Value mean = mul(sumLanes(x), f(1.0 / vector));
                     Value d = sub(x, e.splat(mean, vector));
                     Value m = sumLanes(mul(d, d));
                     return merge(so, ValueRange{f(vector), mean, m});
                   });
    SmallVector<Value> all = reducer.reduce(own, merge);
    return {all[1], div(all[2], count)};
  }

  void emitReduce(graph::ReduceOp op, ArrayRef<Index> at, Value row) {
    ReduceMath math(e, op.getKind(), getElementTypeOrSelf(op.getInput()));
    loadRow(at, math.identity());
    Value total = reduceRow(
        at, math.identity(), [&](Value x) { return math.map(x); },
        [&](Value a, Value b) { return math.combine(a, b); });
    Value first =
        e.equal(e.rem(e.threadIndex(0), e.constant(threads)), e.constant(0));
    if (parts > 1) {
      Value slot = e.add(e.mul(row, e.constant(parts)), e.blockIndex(1));
      e.ifThen(first, [&] {
        e.storeVector(total, e.resultPointer(0), slot, total.getType());
      });
      return;
    }
    Value result = math.finish(total, size);
    e.ifThen(first, [&] { finishAt(reducedPosition(e, op, at), result, 1); });
  }

  graph::KernelOp kernel;
  Operation *anchor;
  RowShape shape;
  bool aligned;
  int64_t parts, threads, vector;
  int64_t mostKept; // rows up to this length are kept; 0: none
  Emitter e;
  GroupReducer reducer;
  SmallVector<DimExpr> dims;
  std::optional<int64_t> known; // length of a row
  Value size, lane;             // of the row; the thread's first element
  Value begin, end;             // what the thread walks
  Value live;                   // whether the thread has a row; null: yes
  SmallVector<Value> kept;      // the thread's elements
};

/// Whether dimensions [first, rank) walk as one, before and after the anchor.
bool rowsMerge(graph::KernelOp kernel, Operation *anchor, int64_t first) {
  SmallVector<DimExpr> dims = graph::dimsOf(anchor->getOperand(0));
  if (first + 1 >= int64_t(dims.size()))
    return true;
  auto walks = [&](Value v, function_ref<bool(Value)> stop = nullptr) {
    return !v || mergedTail(v, dims, first, stop) <= first;
  };
  if (!walks(anchor->getOperand(0)))
    return false;
  auto norm = dyn_cast<graph::LayerNormOp>(anchor);
  if (!norm) // a reduction's results have no such dimensions
    return true;
  Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
  return walks(norm.getScale()) && walks(norm.getBias()) &&
         epilogueEnd(yielded) == yielded &&
         walks(yielded, [&](Value v) { return v == norm.getResult(); });
}

} // namespace

std::optional<RowShape> rowShapeOf(graph::KernelOp kernel, Operation *anchor) {
  SmallVector<DimExpr> dims = graph::dimsOf(anchor->getOperand(0));
  int64_t rank = dims.size();
  if (rank == 0)
    return std::nullopt;
  RowShape shape;
  shape.inner = mergedAxis(dims, 0);
  auto belongs = [&](int64_t d) {
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
      return d == int64_t(softmax.getAxis());
    if (auto norm = dyn_cast<graph::LayerNormOp>(anchor))
      return d >= int64_t(norm.getAxis());
    if (auto reduce = dyn_cast<graph::ReduceOp>(anchor))
      return llvm::is_contained(reduce.getAxes(), d);
    return d == int64_t(cast<graph::ArgReduceOp>(anchor).getAxis());
  };
  shape.length = shape.rows = DimExpr::constant(kernel.getContext(), 1);
  for (int64_t d = 0; d < rank; ++d) {
    (belongs(d) ? shape.own : shape.kept).push_back(d);
    DimExpr &size = belongs(d) ? shape.length : shape.rows;
    size = size * dims[d];
  }
  if (!llvm::is_contained(shape.own, shape.inner))
    return std::nullopt;
  shape.merged = shape.own.size() == 1 ||
                 (shape.own.front() == rank - int64_t(shape.own.size()) &&
                  rowsMerge(kernel, anchor, shape.own.front()));
  shape.contiguous = shape.merged ? shape.length : dims[shape.inner];
  return shape;
}

SmallVector<Index> reducedPosition(Emitter &e, graph::ReduceOp op,
                                   ArrayRef<Index> at) {
  SmallVector<Index> position;
  for (auto [d, index] : llvm::enumerate(at)) {
    bool reduced = llvm::is_contained(op.getAxes(), int64_t(d));
    if (!reduced)
      position.push_back(index);
    else if (op.getKeep())
      position.push_back(e.uniform(e.constant(0)));
  }
  return position;
}

bool reducesOnThreads(Operation *anchor) {
  Type element = getElementTypeOrSelf(anchor->getOperand(0).getType());
  if (element.isF32() || element.isF16() || element.isBF16())
    return true;
  // Bools reduce to bools, which no vector holds.
  return isa<graph::ReduceOp>(anchor) && !element.isInteger(1);
}

std::optional<KernelCode> buildRows(graph::KernelOp kernel,
                                    const RowShape &shape,
                                    const ThreadCase &from, StringRef name,
                                    const KernelTarget &target) {
  return RowThreadsBuilder(kernel, anchorOf(kernel), shape, from, name, target)
      .build();
}

} // namespace mlir::tenon
