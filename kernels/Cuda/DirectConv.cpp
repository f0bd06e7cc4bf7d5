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
// Where that gives few threads, as in a net's last layers, the channels of the
// input are shared by S threads a pixel. Their sums meet in shared memory, and
// each of the S adds up some of the output channels, in the order of s:
//
//   block of 32 S threads:   s = 0 | pixel 0 1 .. 31    channels [0, C/S)
//                            s = 1 | pixel 0 1 .. 31    channels [C/S, 2C/S)
//                            ..
//   partial[s][r][pixel]     no two threads of a warp meet in a bank
//
// Any rank, stride, dilation, padding and number of groups. Sums are f32 for
// narrow types. Convolution on Tensor Cores is another family's.
//
// Tests: conformance-cuda-* (test/conformance), test/e2e/cudaConv.py, cuda.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadCost.h"
#include "kernels/Cuda/Threads.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Pixels of a block whose threads share the input's channels.
constexpr int64_t kPixels = kWarpThreads;
/// Threads of a pixel at most, channels of one at least, and threads that a
/// multiprocessor should have before they are shared.
constexpr int64_t kMostSplits = 16, kLeastChannels = 8, kThreadsWanted = 1024;

class DirectConvBuilder {
public:
  DirectConvBuilder(graph::KernelOp kernel, graph::ConvOp op, StringRef name,
                    const KernelTarget &target)
      : kernel(kernel), op(op), name(name), target(target),
        e(kernel, name, target),
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
    code.family = "conv";
    code.schedule = llvm::formatv("direct channels={0}", channels);
    int64_t splits = splitsFor(code.tasks);
    if (splits > 1) {
      code.schedule += llvm::formatv(" split={0}", splits);
      splitBlock(sizes, splits);
      DimExpr one = DimExpr::constant(context, 1);
      code.grid = {code.tasks.ceilDiv(kPixels), one, one};
      code.block = {kPixels * splits, 1, 1};
    } else {
      e.forEachTask(sizes, [&](ArrayRef<Value> t) { pixel(t); });
    }
    int64_t taps = 1;
    for (int64_t k : filter.getShape().drop_front(2))
      taps *= k;
    code.flops = productOf(context, dims) * (2 * perIn * taps);
    return splits > 1 ? finishThreads(e, std::move(code))
                      : finishTasks(e, std::move(code));
  }

private:
  int64_t splitsFor(DimExpr tasks) const {
    int64_t threads = typicalSize(target, tasks), splits = 1;
    int64_t wanted = deviceOf(target).multiprocessors * kThreadsWanted;
    while (splits < kMostSplits && perIn / (2 * splits) >= kLeastChannels &&
           threads * splits < wanted)
      splits *= 2;
    return splits;
  }

  /// t: sample, block of output channels, pixel.
  void pixel(ArrayRef<Value> t) {
    Value first = e.mul(t[1], e.constant(channels));
    Value sums = e.floatConstant(type, 0);
    for (int64_t r = 0; r < channels; ++r)
      if (Value bias = biasOf(e.add(first, e.constant(r))))
        sums = with(sums, r, bias);
    sums = taps(t, first, e.constant(0), e.constant(perIn), {}, {}, {}, sums);
    for (int64_t r = 0; r < channels; ++r)
      finish(t, e.add(first, e.constant(r)), part(sums, r));
  }

  /// The work of a block of kPixels pixels, with `splits` threads for each.
  void splitBlock(ArrayRef<Value> sizes, int64_t splits) {
    Value thread = e.threadIndex(0);
    Value lane = e.rem(thread, e.constant(kPixels));
    Value split = e.div(thread, e.constant(kPixels));
    Value task = e.add(e.mul(e.blockIndex(0), e.constant(kPixels)), lane);
    SmallVector<Value> t(sizes.size());
    Value rest = task, count = sizes[0];
    for (size_t i = sizes.size(); i-- > 1;) {
      t[i] = e.rem(rest, sizes[i]);
      rest = e.div(rest, sizes[i]);
      count = e.mul(count, sizes[i]);
    }
    t[0] = rest;
    Value first = e.mul(t[1], e.constant(channels));
    Value there = e.less(task, count);

    int64_t share = llvm::divideCeil(perIn, splits);
    Value from = e.mul(split, e.constant(share));
    Value to = arith::MinSIOp::create(
        e.b, e.loc, e.add(from, e.constant(share)), e.constant(perIn));
    Value none = e.floatConstant(type, 0);
    Value sums = e.ifElse(
        there, type, [&] { return taps(t, first, from, to, {}, {}, {}, none); },
        [&] { return none; });

    Type one = getElementTypeOrSelf(type);
    Value partial =
        sharedArray(e, name + "_partial", one, splits * channels * kPixels);
    auto slot = [&](Value s, Value r) {
      Value row = e.add(e.mul(s, e.constant(channels)), r);
      return sharedAt(e, partial, one,
                      e.add(e.mul(row, e.constant(kPixels)), lane));
    };
    for (int64_t r = 0; r < channels; ++r)
      LLVM::StoreOp::create(e.b, e.loc, part(sums, r),
                            slot(split, e.constant(r)));
    NVVM::Barrier0Op::create(e.b, e.loc);

    int64_t own = std::max<int64_t>(1, channels / splits);
    if (splits * own > channels)
      there = arith::AndIOp::create(e.b, e.loc, there,
                                    e.less(split, e.constant(channels / own)));
    e.ifThen(there, [&] {
      for (int64_t j = 0; j < own; ++j) {
        Value r = e.add(e.mul(split, e.constant(own)), e.constant(j));
        Value channel = e.add(first, r);
        Value total = biasOf(channel);
        for (int64_t s = 0; s < splits; ++s) {
          Value more =
              LLVM::LoadOp::create(e.b, e.loc, one, slot(e.constant(s), r));
          total =
              total ? arith::AddFOp::create(e.b, e.loc, total, more).getResult()
                    : more;
        }
        finish(t, channel, total);
      }
    });
  }

  /// Null without a bias.
  Value biasOf(Value channel) {
    return op.getBias() ? e.emit(op.getBias(), {e.uniform(channel)}, 1)
                        : Value();
  }

  /// Stores what the body makes of one sum.
  void finish(ArrayRef<Value> t, Value channel, Value sum) {
    SmallVector<Index> at = {e.uniform(t[0]), e.uniform(channel)};
    for (Value i : t.drop_front(2))
      at.push_back(e.uniform(i));
    e.bind(op.getResult(), [sum](ArrayRef<Index>, int64_t) { return sum; });
    Value end = epilogueEnd(e.yield()->getOperand(0));
    e.store(0, end, e.emit(end, at, 1), at, 1);
  }

  /// Loops over the taps of the dimensions that `tap` does not hold yet, and
  /// over the channels [begin, end) of the group.
  Value taps(ArrayRef<Value> t, Value first, Value begin, Value end,
             SmallVector<Value> tap, SmallVector<Value> from, Value inside,
             Value sums) {
    size_t d = tap.size();
    if (d + 2 == t.size()) {
      auto add = [&] {
        return multiply(t[0], first, begin, end, tap, from, sums);
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
              taps(t, first, begin, end, nextTap, nextFrom, all, carried[0])};
        })[0];
  }

  /// sums + the products of one tap, over channels of the group.
  Value multiply(Value sample, Value first, Value begin, Value end,
                 ArrayRef<Value> tap, ArrayRef<Value> from, Value sums) {
    Value firstIn = e.mul(e.div(first, e.constant(perOut)), e.constant(perIn));
    return e.loopWith(begin, end, 1, sums, [&](Value c, ValueRange carried) {
      SmallVector<Index> at = {e.uniform(sample), e.uniform(e.add(firstIn, c))};
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
  StringRef name;
  const KernelTarget &target;
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
