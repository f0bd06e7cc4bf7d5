//===- DirectConv.cpp - Convolution on a GPU's threads --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A thread computes one pixel of up to eight output channels of one group:
// each element of the input that it loads is used for all of them. Neighbouring
// threads take neighbouring pixels, so that they read and write consecutive
// elements and share their weights.
//
//   sums[r] = bias[m + r]
//   for each tap that reads inside the input
//     for c in channels of the group
//       sums[r] += input[n, c, pixel + tap] * filter[m + r, c, tap]
//
// Any rank, stride, dilation, padding and number of groups. Sums are f32 for
// narrow types. Convolution on Tensor Cores is another family's.
//
// Tests: conformance-cuda-* (test/conformance), test/e2e/cuda.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Emitter.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class DirectConvBuilder {
public:
  DirectConvBuilder(graph::KernelOp kernel, graph::ConvOp op, StringRef name,
                    const KernelTarget &target)
      : kernel(kernel), op(op), e(kernel, name, target),
        filter(cast<RankedTensorType>(op.getFilter().getType())),
        perOut(filter.getDimSize(0) / op.getGroups()),
        perIn(filter.getDimSize(1)) {
    while (perOut % channels != 0)
      channels /= 2;
    type = Emitter::vectorOf(
        e.computeType(
            cast<RankedTensorType>(op.getResult().getType()).getElementType()),
        channels);
  }

  KernelCode build() {
    MLIRContext *context = kernel.getContext();
    SmallVector<DimExpr> dims = graph::dimsOf(op.getResult());
    KernelCode code;
    code.tasks = dims[0] * (filter.getDimSize(0) / channels);
    SmallVector<Value> sizes = {e.dim(dims[0]),
                                e.constant(filter.getDimSize(0) / channels)};
    for (DimExpr d : ArrayRef(dims).drop_front(2)) {
      code.tasks = code.tasks * d;
      sizes.push_back(e.dim(d));
    }
    e.forEachTask(sizes, [&](ArrayRef<Value> t) { pixel(t); });
    code.family = "conv";
    code.schedule = llvm::formatv("direct channels={0}", channels);
    int64_t taps = 1;
    for (int64_t k : filter.getShape().drop_front(2))
      taps *= k;
    code.flops = productOf(context, dims) * (2 * perIn * taps);
    code.scratchBytes = DimExpr::constant(context, 0);
    code.launchOverTasks(e.blockThreads);
    code.mayFault = e.mayFault();
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  /// t: sample, block of output channels, pixel.
  void pixel(ArrayRef<Value> t) {
    Value first = e.mul(t[1], e.constant(channels));
    Value group = e.div(first, e.constant(perOut));
    Value sums = e.floatConstant(type, 0);
    if (op.getBias())
      for (int64_t r = 0; r < channels; ++r)
        sums = with(
            sums, r,
            e.emit(op.getBias(), {e.uniform(e.add(first, e.constant(r)))}, 1));
    sums = taps(t, first, e.mul(group, e.constant(perIn)), {}, {}, {}, sums);
    for (int64_t r = 0; r < channels; ++r) {
      SmallVector<Index> at = {e.uniform(t[0]),
                               e.uniform(e.add(first, e.constant(r)))};
      for (Value i : t.drop_front(2))
        at.push_back(e.uniform(i));
      Value sum = part(sums, r);
      e.bind(op.getResult(), [sum](ArrayRef<Index>, int64_t) { return sum; });
      Value end = epilogueEnd(e.yield()->getOperand(0));
      e.store(0, end, e.emit(end, at, 1), at, 1);
    }
  }

  /// Loops over the taps of the dimensions that `tap` does not hold yet.
  Value taps(ArrayRef<Value> t, Value first, Value firstIn,
             SmallVector<Value> tap, SmallVector<Value> from, Value inside,
             Value sums) {
    size_t d = tap.size();
    if (d + 2 == t.size()) {
      auto add = [&] {
        return multiply(t[0], first, firstIn, tap, from, sums);
      };
      return inside ? e.ifElse(inside, type, add, [&] { return sums; }) : add();
    }
    DimExpr size = graph::dimOf(op.getInput(), 2 + d);
    Value start = e.sub(e.mul(t[2 + d], e.constant(op.getStrides()[d])),
                        e.constant(op.getPads()[d]));
    return e.loopWith(
        e.constant(0), e.constant(filter.getDimSize(2 + d)), 1, sums,
        [&](Value k, ValueRange carried) {
          Value i = e.add(start, e.mul(k, e.constant(op.getDilations()[d])));
          Value all = inside;
          bool padded =
              op.getPads()[d] != 0 || op.getPads()[t.size() - 2 + d] != 0;
          if (padded) {
            Value here = arith::CmpIOp::create(
                e.b, e.loc, arith::CmpIPredicate::ult, i, e.dim(size));
            all = all ? arith::AndIOp::create(e.b, e.loc, all, here).getResult()
                      : here;
          }
          SmallVector<Value> nextTap(tap), nextFrom(from);
          nextTap.push_back(k);
          nextFrom.push_back(i);
          return SmallVector<Value>{
              taps(t, first, firstIn, nextTap, nextFrom, all, carried[0])};
        })[0];
  }

  /// sums + the products of one tap, over the group's channels.
  Value multiply(Value sample, Value first, Value firstIn, ArrayRef<Value> tap,
                 ArrayRef<Value> from, Value sums) {
    return e.loopWith(
        e.constant(0), e.constant(perIn), 1, sums,
        [&](Value c, ValueRange carried) {
          SmallVector<Index> at = {e.uniform(sample),
                                   e.uniform(e.add(firstIn, c))};
          for (Value i : from)
            at.push_back(e.uniform(i));
          Value x = e.splat(e.emit(op.getInput(), at, 1), channels);
          Value weights = e.floatConstant(type, 0);
          for (int64_t r = 0; r < channels; ++r) {
            SmallVector<Index> w = {e.uniform(e.add(first, e.constant(r))),
                                    e.uniform(c)};
            for (Value k : tap)
              w.push_back(e.uniform(k));
            weights = with(weights, r, e.emit(op.getFilter(), w, 1));
          }
          return SmallVector<Value>{
              LLVM::FMAOp::create(e.b, e.loc, x, weights, carried[0])};
        })[0];
  }

  Value with(Value sums, int64_t r, Value one) {
    if (channels == 1)
      return one;
    return vector::InsertOp::create(e.b, e.loc, one, sums, r);
  }
  Value part(Value sums, int64_t r) {
    if (channels == 1)
      return sums;
    return vector::ExtractOp::create(e.b, e.loc, sums, r);
  }

  graph::KernelOp kernel;
  graph::ConvOp op;
  Emitter e;
  RankedTensorType filter;
  int64_t perOut, perIn; // channels of a group
  int64_t channels = 8;  // output channels of a thread
  Type type;             // of its sums
};

} // namespace

std::optional<KernelCode> buildDirectConv(graph::KernelOp kernel,
                                          StringRef name,
                                          const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::ConvOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1 ||
      !isa<FloatType>(getElementTypeOrSelf(op.getResult())))
    return std::nullopt;
  // The filter's sizes are loop bounds here.
  if (!cast<RankedTensorType>(op.getFilter().getType()).hasStaticShape())
    return std::nullopt;
  return DirectConvBuilder(kernel, op, name, target).build();
}

} // namespace mlir::tenon
