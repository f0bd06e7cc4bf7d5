//===- RowThreads.cpp - Softmax, norms and reductions on GPUs -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A warp or a block takes a row of softmax, layer norm, rms norm or of a
// reduction over the last dimensions. Its threads read consecutive vectors:
//
//   // (T, C, V) -> element: (chunk * T + thread) * V + lane
//
// Where a row is short enough, each thread keeps its elements in registers and
// memory is read once; longer rows, and rows of unknown length, are read again
// (from the cache) by each pass:
//
//   softmax   x, max | sum of exp(x - max) | exp(x - max) / sum
//   norm      x, sum | sum of (x - mean)^2 | (x - mean) / sqrt(var + eps) ...
//   reduce    x, total
//
// The variance is taken around the mean in a pass of its own: the one-pass
// formula loses all digits where the mean is large. Everything is computed in
// f32, whatever is stored.
//
// Tests: conformance-cuda-* (test/conformance), test/e2e/cuda.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Family.h"
#include "kernels/Math/Math.h"
#include "kernels/Reduce/ReduceMath.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Vectors that a thread keeps in registers: 32 elements of f32.
constexpr int64_t kMostChunks = 8;
constexpr int64_t kVector = 4;
constexpr int64_t kBlockThreads = 256;
/// Rows up to this length are a warp's, longer ones a block's.
constexpr int64_t kWarpRow = kWarpThreads * kVector * kMostChunks;

class RowThreadsBuilder {
public:
  /// The rows are dimensions [first, rank) of the anchor's input.
  RowThreadsBuilder(graph::KernelOp kernel, Operation *anchor, int64_t first,
                    StringRef name, const KernelTarget &target)
      : kernel(kernel), anchor(anchor), first(first), e(kernel, name, target),
        f32(e.b.getF32Type()), name(name) {}

  KernelCode build() {
    dims = graph::dimsOf(anchor->getOperand(0));
    MLIRContext *context = kernel.getContext();
    DimExpr length = productOf(context, ArrayRef(dims).drop_front(first));
    DimExpr rows = productOf(context, ArrayRef(dims).take_front(first));
    known = length.asConstant();
    vector = std::gcd(length.knownDivisor(), kVector);
    threads = known && *known <= kWarpRow ? kWarpThreads : kBlockThreads;
    int64_t block = std::max<int64_t>(threads, e.blockThreads);
    int64_t rowsOfBlock = block / threads;
    GroupReducer group(e, name, threads);
    reducer = &group;
    inRegisters = known && *known <= threads * vector * kMostChunks;

    axis = mergedAxis(dims, first);
    size = e.dim(length);
    Value thread = e.threadIndex(0);
    lane = e.mul(e.rem(thread, e.constant(threads)), e.constant(vector));
    Value number = e.add(e.mul(e.blockIndex(0), e.constant(rowsOfBlock)),
                         e.div(thread, e.constant(threads)));
    // A warp without a row leaves; blocks have exactly one.
    auto row = [&] {
      SmallVector<Index> at = e.zeros(dims.size());
      Value rest = number;
      for (int64_t i = first; i-- > 0;) {
        at[i] = e.uniform(i ? e.rem(rest, e.dim(dims[i])) : rest);
        rest = i ? e.div(rest, e.dim(dims[i])) : rest;
      }
      emitRow(at);
    };
    if (rowsOfBlock == 1)
      row();
    else
      e.ifThen(e.less(number, e.dim(rows)), row);

    KernelCode code;
    code.family = isa<graph::SoftmaxOp>(anchor)     ? "softmax"
                  : isa<graph::LayerNormOp>(anchor) ? "norm"
                                                    : "reduce";
    code.schedule = llvm::formatv("{0} vector={1}{2}",
                                  threads == kWarpThreads ? "warp" : "block",
                                  vector, inRegisters ? " registers" : "");
    code.flops = rows * length * (isa<graph::ReduceOp>(anchor) ? 1 : 8);
    code.scratchBytes = DimExpr::constant(context, 0);
    code.tasks = rows;
    DimExpr one = DimExpr::constant(context, 1);
    code.grid = {rows.ceilDiv(rowsOfBlock), one, one};
    code.block = {block, 1, 1};
    code.mayFault = e.mayFault();
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  Value f(double v, int64_t n = 1) {
    return e.floatConstant(Emitter::vectorOf(f32, n), v);
  }
  Value add(Value a, Value b) {
    return arith::AddFOp::create(e.b, e.loc, a, b);
  }
  Value sub(Value a, Value b) {
    return arith::SubFOp::create(e.b, e.loc, a, b);
  }
  Value mul(Value a, Value b) {
    return arith::MulFOp::create(e.b, e.loc, a, b);
  }
  Value div(Value a, Value b) {
    return arith::DivFOp::create(e.b, e.loc, a, b);
  }

  Value input() { return anchor->getOperand(0); }
  Value element(SmallVector<Index> at, Index i) {
    at[axis] = i;
    return e.emit(input(), at, vector);
  }

  /// Calls `body` for each of the thread's vectors. Vectors behind the end of
  /// the row are left out.
  void forEach(function_ref<void(Index, size_t)> body) {
    if (!inRegisters) {
      e.loop(lane, size, threads * vector, [&](Value i) { body(index(i), 0); });
      return;
    }
    for (int64_t c = 0; c * threads * vector < *known; ++c) {
      Value i = e.add(lane, e.constant(c * threads * vector));
      auto one = [&] { body(index(i), c); };
      if ((c + 1) * threads * vector <= *known)
        one();
      else
        e.ifThen(e.less(i, size), one);
    }
  }
  Index index(Value i) {
    return vector == 1 ? e.uniform(i) : e.consecutive(i, vector);
  }

  /// The thread's elements, where registers hold them: neutral behind the end.
  void loadRow(ArrayRef<Index> at, Value neutral) {
    if (!inRegisters)
      return;
    Value nothing = e.splat(neutral, vector);
    for (int64_t c = 0; c * threads * vector < *known; ++c) {
      Value i = e.add(lane, e.constant(c * threads * vector));
      auto load = [&] { return element(SmallVector<Index>(at), index(i)); };
      bool whole = (c + 1) * threads * vector <= *known;
      kept.push_back(whole ? load()
                           : e.ifElse(e.less(i, size), nothing.getType(), load,
                                      [&] { return nothing; }));
    }
  }

  /// Combines map(x) over the row. Behind its end, `map` is not asked: the
  /// element counts as `neutral`.
  Value reduceRow(ArrayRef<Index> at, Value neutral,
                  function_ref<Value(Value)> map,
                  function_ref<Value(Value, Value)> combine) {
    Value total = e.splat(neutral, vector);
    if (inRegisters) {
      for (auto [c, x] : llvm::enumerate(kept)) {
        Value mapped = map(x);
        int64_t base = int64_t(c) * threads * vector;
        if (base + threads * vector > *known) {
          Value inside = e.less(e.add(lane, e.constant(base)), size);
          mapped = e.select(inside, mapped, e.splat(neutral, vector));
        }
        total = combine(total, mapped);
      }
    } else {
      total = e.loopWith(lane, size, threads * vector, total,
                         [&](Value i, ValueRange sum) {
                           Value x = element(SmallVector<Index>(at), index(i));
                           return SmallVector<Value>{combine(sum[0], map(x))};
                         })[0];
    }
    if (vector > 1) {
      Value lanes;
      for (int64_t k = 0; k < vector; ++k) {
        Value one = vector::ExtractOp::create(e.b, e.loc, total, k);
        lanes = lanes ? combine(lanes, one) : one;
      }
      total = lanes;
    }
    return reducer->reduce(total, combine);
  }

  Value valueAt(SmallVector<Index> at, Index i, size_t c) {
    return inRegisters ? kept[c] : element(at, i);
  }

  /// Stores what the body makes of the anchor's elements.
  void finishAt(ArrayRef<Index> at, Value result, int64_t n) {
    e.bind(anchor->getResult(0),
           [result](ArrayRef<Index>, int64_t) { return result; });
    Value end = epilogueEnd(e.yield()->getOperand(0));
    e.store(0, end, e.emit(end, at, n), at, n);
  }

  void emitRow(SmallVector<Index> at) {
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
      emitSoftmax(softmax, at);
    else if (auto norm = dyn_cast<graph::LayerNormOp>(anchor))
      emitNorm(norm, at);
    else
      emitReduce(cast<graph::ReduceOp>(anchor), at);
  }

  void emitSoftmax(graph::SoftmaxOp op, SmallVector<Index> at) {
    Value lowest = f(-std::numeric_limits<float>::infinity());
    loadRow(at, lowest);
    Value max = reduceRow(
        at, lowest, [](Value x) { return x; },
        [&](Value a, Value b) -> Value {
          return arith::MaxNumFOp::create(e.b, e.loc, a, b);
        });
    auto power = [&](Value x) {
      return emitExpNonPositive(e.b, e.loc, sub(x, e.splat(max, vector)));
    };
    // Powers take the place of the elements: they are needed once more.
    if (!op.getLog())
      for (Value &x : kept)
        x = power(x);
    Value sum = reduceRow(
        at, f(0),
        [&](Value x) { return inRegisters && !op.getLog() ? x : power(x); },
        [&](Value a, Value b) { return add(a, b); });
    Value last = op.getLog() ? emitLog(e.b, e.loc, sum) : div(f(1), sum);
    forEach([&](Index i, size_t c) {
      at[axis] = i;
      Value x = valueAt(at, i, c), factor = e.splat(last, vector);
      if (op.getLog())
        x = sub(sub(x, e.splat(max, vector)), factor);
      else
        x = mul(inRegisters ? x : power(x), factor);
      finishAt(at, x, vector);
    });
  }

  void emitNorm(graph::LayerNormOp op, SmallVector<Index> at) {
    auto sumUp = [&](Value a, Value b) { return add(a, b); };
    Value count = arith::UIToFPOp::create(e.b, e.loc, f32, size);
    bool rms = op.getRms();
    loadRow(at, f(0));
    Value sum = reduceRow(
        at, f(0), [&](Value x) { return rms ? mul(x, x) : x; }, sumUp);
    Value mean = div(sum, count), variance = mean;
    if (!rms)
      variance = div(reduceRow(
                         at, f(0),
                         [&](Value x) {
                           Value d = sub(x, e.splat(mean, vector));
                           return mul(d, d);
                         },
                         sumUp),
                     count);
    Value deviation = LLVM::SqrtOp::create(
        e.b, e.loc, add(variance, f(op.getEpsilon().convertToDouble())));
    Value factor = div(f(1), deviation);
    forEach([&](Index i, size_t c) {
      at[axis] = i;
      Value x = valueAt(at, i, c);
      if (!rms)
        x = sub(x, e.splat(mean, vector));
      x = mul(x, e.splat(factor, vector));
      auto operand = [&](Value v) {
        return e.emit(v, e.broadcastIndex(v, at), vector);
      };
      if (op.getScale())
        x = mul(x, operand(op.getScale()));
      if (op.getBias())
        x = add(x, operand(op.getBias()));
      finishAt(at, x, vector);
    });
  }

  void emitReduce(graph::ReduceOp op, SmallVector<Index> at) {
    ReduceMath math(e, op.getKind(), getElementTypeOrSelf(op.getInput()));
    loadRow(at, math.identity());
    Value total = reduceRow(
        at, math.identity(), [&](Value x) { return math.map(x); },
        [&](Value a, Value b) { return math.combine(a, b); });
    Value result = math.finish(total, size);
    // Positions in the result: reduced dimensions are 1 or gone.
    SmallVector<Index> out(at.begin(), at.begin() + first);
    if (op.getKeep())
      out.resize(dims.size(), e.uniform(e.constant(0)));
    e.ifThen(e.equal(lane, e.constant(0)), [&] { finishAt(out, result, 1); });
  }

  graph::KernelOp kernel;
  Operation *anchor;
  int64_t first;
  Emitter e;
  Type f32;
  StringRef name;
  SmallVector<DimExpr> dims;
  std::optional<int64_t> known; // length of a row
  int64_t vector = 1, threads = kBlockThreads, axis = 0;
  bool inRegisters = false;
  Value size, lane; // of the row; the thread's first element
  GroupReducer *reducer = nullptr;
  SmallVector<Value> kept; // the thread's elements
};

/// The first dimension of a reduction's rows, if they are the last dimensions.
std::optional<int64_t> firstReduced(graph::ReduceOp op) {
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  int64_t count = op.getAxes().size();
  for (int64_t i = rank - count; i < rank; ++i)
    if (!llvm::is_contained(op.getAxes(), i))
      return std::nullopt;
  if (count == 0)
    return std::nullopt;
  return rank - count;
}

} // namespace

std::optional<KernelCode> buildRowThreads(graph::KernelOp kernel,
                                          StringRef name,
                                          const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  if (!anchor || kernel->getNumResults() != 1)
    return std::nullopt;
  Type element = getElementTypeOrSelf(anchor->getOperand(0).getType());
  bool narrow = element.isF32() || element.isF16() || element.isBF16();
  int64_t rank =
      cast<RankedTensorType>(anchor->getOperand(0).getType()).getRank();
  int64_t first;
  if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor)) {
    first = softmax.getAxis();
    if (first != rank - 1)
      return std::nullopt;
  } else if (auto norm = dyn_cast<graph::LayerNormOp>(anchor)) {
    first = norm.getAxis();
  } else if (auto reduce = dyn_cast<graph::ReduceOp>(anchor)) {
    auto found = firstReduced(reduce);
    if (!found)
      return std::nullopt;
    first = *found;
    // A shuffle moves 32 bits.
    narrow |= element.isSignlessInteger(32) || element.isSignedInteger(32) ||
              element.isUnsignedInteger(32);
  } else {
    return std::nullopt;
  }
  if (!narrow)
    return std::nullopt;
  // All dimensions of a row must walk as one, before and after the anchor.
  SmallVector<DimExpr> dims = graph::dimsOf(anchor->getOperand(0));
  auto walks = [&](Value v, function_ref<bool(Value)> stop = nullptr) {
    return !v || mergedTail(v, dims, first, stop) <= first;
  };
  if (first + 1 < rank) {
    if (!walks(anchor->getOperand(0)))
      return std::nullopt;
    Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
    if (auto norm = dyn_cast<graph::LayerNormOp>(anchor))
      if (!walks(norm.getScale()) || !walks(norm.getBias()) ||
          epilogueEnd(yielded) != yielded ||
          !walks(yielded, [&](Value v) { return v == norm.getResult(); }))
        return std::nullopt;
  }
  return RowThreadsBuilder(kernel, anchor, first, name, target).build();
}

} // namespace mlir::tenon
