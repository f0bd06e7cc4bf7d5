//===- Row.cpp - Softmax and normalization --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes softmax, layer_norm and rms norm in f32 with row-major results, with
// pointwise and movement ops before and after. Each row is read once: its
// elements go to scratch in the first pass (softmax: with the maximum, norm:
// with the sum), later passes stay in L1.
//
//   softmax   x, max | e = exp(x - max), sum | e / sum
//   norm      x, sum | sum of (x - mean)^2 | (x - mean) / sqrt(var + eps) ...
//
// The variance is taken around the mean in a pass of its own: the one-pass
// formula loses all digits where the mean is large.
// A softmax along another axis than the last runs with the vector across the
// last dimension.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Domain.h"
#include "kernels/Emit/FloatOps.h"
#include "kernels/Family.h"
#include "kernels/Math/Math.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class RowBuilder : FloatOps {
public:
  RowBuilder(graph::KernelOp kernel, Operation *anchor, int64_t axis,
             int64_t firstTail, StringRef name, const KernelTarget &target)
      : FloatOps{e}, kernel(kernel), anchor(anchor), axis(axis),
        tail(firstTail), lanes(target.lanes()), e(kernel, name, target),
        f32(e.b.getF32Type()) {}

  KernelCode build() {
    dims = graph::dimsOf(anchor->getResult(0));
    MLIRContext *context = kernel.getContext();
    KernelCode code;
    code.family = isa<graph::SoftmaxOp>(anchor) ? "softmax" : "norm";
    code.flops = productOf(context, dims) * 8;
    bool lastAxis =
        isa<graph::LayerNormOp>(anchor) || axis + 1 == int64_t(dims.size());
    if (lastAxis) {
      DimExpr length = productOf(context, ArrayRef(dims).drop_front(tail));
      SmallVector<Value> sizes;
      for (DimExpr d : ArrayRef(dims).take_front(tail))
        sizes.push_back(e.dim(d));
      if (sizes.empty())
        sizes.push_back(e.constant(1));
      e.forEachTask(sizes, [&](ArrayRef<Value> t) {
        SmallVector<Index> at = e.zeros(dims.size());
        for (int64_t i = 0; i < tail; ++i)
          at[i] = e.uniform(t[i]);
        row = mergedAxis(dims, tail);
        if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
          emitSoftmax(softmax, at, e.dim(length));
        else
          emitNorm(cast<graph::LayerNormOp>(anchor), at, e.dim(length));
      });
      code.tasks = productOf(context, ArrayRef(dims).take_front(tail));
      code.scratchBytes = length * 4 + 64;
      code.schedule = "row";
      int64_t known = length.asConstant().value_or(512);
      code.grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(known, 1));
    } else {
      buildColumns(code);
    }
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  Value input() { return anchor->getOperand(0); }

  Value load(Index i, int64_t n) {
    return e.loadVector(e.scratch, i.base, f32, n);
  }
  void keep(Value v, Index i) { e.storeVector(v, e.scratch, i.base, f32); }

  /// Stores what the body makes of the anchor's elements.
  void finishAt(ArrayRef<Index> at, Value result, int64_t n) {
    e.bind(anchor->getResult(0),
           [result](ArrayRef<Index>, int64_t) { return result; });
    Value end = epilogueEnd(e.yield()->getOperand(0));
    e.store(0, end, e.emit(end, at, n), at, n);
  }

  void emitSoftmax(graph::SoftmaxOp op, SmallVector<Index> at, Value length) {
    Value lowest = f(-std::numeric_limits<float>::infinity(), 1);
    Value max = emitReduction(
        e, length, lanes, lowest,
        [&](Value a, Value b) { return larger(a, b); },
        [&](Index i, int64_t n) {
          at[row] = i;
          Value x = e.emit(input(), at, n);
          keep(x, i);
          return x;
        });
    Value sum = emitReduction(
        e, length, lanes, f(0, 1), [&](Value a, Value b) { return add(a, b); },
        [&](Index i, int64_t n) {
          Value shifted = sub(load(i, n), e.splat(max, n));
          Value power = emitExpNonPositive(e.b, e.loc, shifted);
          keep(op.getLog() ? shifted : power, i);
          return power;
        });
    Value last = op.getLog() ? emitLog(e.b, e.loc, sum) : div(f(1, 1), sum);
    forEachVector(
        e, e.constant(0), length, lanes, lanes, [&](Index i, int64_t n) {
          at[row] = i;
          Value x = load(i, n), factor = e.splat(last, n);
          finishAt(at, op.getLog() ? sub(x, factor) : mul(x, factor), n);
        });
  }

  void emitNorm(graph::LayerNormOp op, SmallVector<Index> at, Value length) {
    auto sumUp = [&](Value a, Value b) { return add(a, b); };
    Value count = arith::UIToFPOp::create(e.b, e.loc, f32, length);
    bool rms = op.getRms();
    Value sum = emitReduction(e, length, lanes, f(0, 1), sumUp,
                              [&](Index i, int64_t n) {
                                at[row] = i;
                                Value x = e.emit(input(), at, n);
                                keep(x, i);
                                return rms ? mul(x, x) : x;
                              });
    Value mean = div(sum, count), variance = mean;
    if (!rms)
      variance = div(emitReduction(e, length, lanes, f(0, 1), sumUp,
                                   [&](Index i, int64_t n) {
                                     Value d =
                                         sub(load(i, n), e.splat(mean, n));
                                     return mul(d, d);
                                   }),
                     count);
    Value deviation = LLVM::SqrtOp::create(
        e.b, e.loc, add(variance, f(op.getEpsilon().convertToDouble(), 1)));
    Value factor = div(f(1, 1), deviation);
    forEachVector(
        e, e.constant(0), length, lanes, lanes, [&](Index i, int64_t n) {
          at[row] = i;
          Value x = load(i, n);
          if (!rms)
            x = sub(x, e.splat(mean, n));
          x = mul(x, e.splat(factor, n));
          if (op.getScale())
            x = mul(x, e.emit(op.getScale(),
                              e.broadcastIndex(op.getScale(), at), n));
          if (op.getBias())
            x = add(
                x, e.emit(op.getBias(), e.broadcastIndex(op.getBias(), at), n));
          finishAt(at, x, n);
        });
  }

  /// Softmax along `axis`, a vector across the last dimension.
  void buildColumns(KernelCode &code) {
    auto op = cast<graph::SoftmaxOp>(anchor);
    constexpr int64_t kBlock = 64;
    MLIRContext *context = kernel.getContext();
    DimExpr across = dims.back().ceilDiv(kBlock);
    SmallVector<Value> sizes;
    DimExpr tasks = across;
    for (size_t i = 0; i + 1 < dims.size(); ++i) {
      bool own = int64_t(i) == axis;
      sizes.push_back(own ? e.constant(1) : e.dim(dims[i]));
      if (!own)
        tasks = tasks * dims[i];
    }
    sizes.push_back(e.dim(across));
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      SmallVector<Index> at;
      for (Value i : t)
        at.push_back(e.uniform(i));
      Value from = e.mul(t.back(), e.constant(kBlock));
      Value to = e.min(e.add(from, e.constant(kBlock)), e.dim(dims.back()));
      Value length = e.dim(dims[axis]);
      forEachVector(e, from, to, lanes, lanes, [&](Index i, int64_t n) {
        at.back() = i;
        auto element = [&](Value j) {
          at[axis] = e.uniform(j);
          return e.emit(input(), at, n);
        };
        Value max =
            e.loopWith(e.constant(0), length, 1,
                       f(-std::numeric_limits<float>::infinity(), n),
                       [&](Value j, ValueRange acc) {
                         return SmallVector<Value>{larger(acc[0], element(j))};
                       })[0];
        Value sum = e.loopWith(
            e.constant(0), length, 1, f(0, n), [&](Value j, ValueRange acc) {
              return SmallVector<Value>{
                  add(acc[0], emitExp(e.b, e.loc, sub(element(j), max)))};
            })[0];
        Value logSum = op.getLog() ? emitLog(e.b, e.loc, sum) : Value();
        e.loop(e.constant(0), length, 1, [&](Value j) {
          Value shifted = sub(element(j), max);
          Value y = op.getLog() ? sub(shifted, logSum)
                                : div(emitExp(e.b, e.loc, shifted), sum);
          finishAt(at, y, n);
        });
      });
    });
    code.tasks = tasks;
    code.scratchBytes = DimExpr::constant(context, 0);
    code.schedule = "columns";
  }

  graph::KernelOp kernel;
  Operation *anchor;
  int64_t axis, tail, lanes;
  int64_t row = 0; // the dimension that a row's index runs along
  Emitter e;
  Type f32;
  SmallVector<DimExpr> dims;
};

} // namespace

std::optional<KernelCode> buildRow(graph::KernelOp kernel, StringRef name,
                                   const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  if (!isa_and_nonnull<graph::SoftmaxOp, graph::LayerNormOp>(anchor) ||
      kernel->getNumResults() != 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(anchor->getResult(0).getType());
  if (!type.getElementType().isF32() ||
      graph::layoutOf(kernel->getResult(0).getType()))
    return std::nullopt;
  int64_t rank = type.getRank();
  if (auto softmax = dyn_cast<graph::SoftmaxOp>(anchor))
    return RowBuilder(kernel, anchor, softmax.getAxis(), rank - 1, name, target)
        .build();
  // All normalized dimensions must walk as one row.
  auto norm = cast<graph::LayerNormOp>(anchor);
  int64_t axis = norm.getAxis();
  SmallVector<DimExpr> dims = graph::dimsOf(norm.getResult());
  auto walks = [&](Value v, function_ref<bool(Value)> stop = nullptr) {
    return !v || mergedTail(v, dims, axis, stop) <= axis;
  };
  Value end =
      epilogueEnd(cast<graph::YieldOp>(kernel.getBody().front().getTerminator())
                      ->getOperand(0));
  if (axis + 1 < rank &&
      (!walks(norm.getInput()) || !walks(norm.getScale()) ||
       !walks(norm.getBias()) ||
       end != kernel.getBody().front().getTerminator()->getOperand(0) ||
       !walks(end, [&](Value v) { return v == norm.getResult(); })))
    return std::nullopt;
  return RowBuilder(kernel, anchor, axis, axis, name, target).build();
}

} // namespace mlir::tenon
