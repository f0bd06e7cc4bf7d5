//===- DirectConv.cpp - Convolution on a GPU's threads --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A thread computes one pixel of one to eight output channels of one group:
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

#include "kernels/Cuda/ThreadFamily.h"
#include "kernels/Cuda/Threads.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Pixels of a block whose threads share the input's channels.
constexpr int64_t kPixels = kWarpThreads;
/// Output channels of a thread at most, and threads of a pixel.
constexpr int64_t kMostChannels = 8, kMostSplits = 16;

class DirectConvBuilder {
public:
  DirectConvBuilder(graph::KernelOp kernel, graph::ConvOp op,
                    const ThreadSchedule &schedule, StringRef name,
                    const KernelTarget &target)
      : kernel(kernel), op(op), name(name), splits(schedule.split),
        channels(schedule.channels), e(kernel, name, target),
        filter(cast<RankedTensorType>(op.getFilter().getType())),
        perOut(filter.getDimSize(0) / op.getGroups()),
        perIn(filter.getDimSize(1)) {
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
    if (splits > 1) {
      splitBlock(sizes);
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
  void splitBlock(ArrayRef<Value> sizes) {
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
  int64_t splits, channels; // output channels of a thread
  Emitter e;
  RankedTensorType filter;
  int64_t perOut, perIn; // channels of a group
  Type type;             // of its sums
};

class ConvFamily : public ThreadFamily {
public:
  ConvFamily(graph::KernelOp kernel, const KernelTarget &target,
             graph::ConvOp op)
      : ThreadFamily(kernel, target), op(op) {
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    perOut = filter.getDimSize(0) / int64_t(op.getGroups());
    perIn = filter.getDimSize(1);
    for (int64_t size : filter.getShape().drop_front(2))
      taps *= double(size);
    results = elementsOf(op.getResult(), target);
  }

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::conv};
    for (one.channels = kMostChannels; one.channels > 0; one.channels /= 2)
      for (one.split = 1; one.split <= kMostSplits; one.split *= 2)
        all.push_back(one);
    return all;
  }
  std::string problem(const ThreadSchedule &s) const override {
    std::string problem =
        problemOfPower("channels", s.channels, 1, kMostChannels);
    if (problem.empty())
      problem = problemOfPower("split", s.split, 1, kMostSplits);
    if (!problem.empty())
      return problem;
    if (perOut % s.channels != 0)
      return llvm::formatv("{0} channels do not divide the {1} of a group",
                           s.channels, perOut);
    if (s.split > std::max<int64_t>(perIn, 1))
      return llvm::formatv("{0} threads cannot share {1} input channels",
                           s.split, perIn);
    return "";
  }
  int untried(const ThreadSchedule &s) const override {
    int64_t channels = kMostChannels;
    while (perOut % channels != 0)
      channels /= 2;
    // Until there are enough threads, while each has channels enough.
    double wanted = double(device.multiprocessors * kThreadsWanted);
    int64_t split = 1;
    while (split < kMostSplits && perIn / (2 * split) >= kLeastChannels &&
           results / double(channels) * double(split) < wanted)
      split *= 2;
    return (s.channels != channels) + (s.split != split);
  }

  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    double channels = double(s.channels), split = double(s.split);
    double tasks = std::max(1.0, results / channels);
    work.threads = s.split > 1 ? kPixels * split : 128;
    work.blocks = std::ceil(tasks * split / work.threads);
    work.bytes = body.bytes;
    double steps = taps * double(perIn); // of a pixel and channel
    work.flops = body.flops + 2 * results * steps;
    double share = taps * std::ceil(double(perIn) / split);
    // Each step loads an element, and a weight for each channel that all lanes
    // share, at addresses that are computed anew.
    double ofStep = (1 + channels) * (kOfAccess + kOfAddress) + channels;
    double threads = work.blocks * work.threads;
    double rank = double(graph::dimsOf(op.getResult()).size());
    double combine =
        s.split > 1 ? channels * kOfAccess + channels +
                          std::max(1.0, channels / split) * split * kOfAccess
                    : 0;
    work.instructions =
        threads * (kThreadStart + kOfDimension * rank + taps * kOfDimension +
                   share * ofStep + combine) +
        body.instructions;
    // A block fetches its pixels' input for each of its blocks of channels, and
    // weights for all of its pixels: neighbours find most in the L1 cache.
    double input =
        elementsOf(op.getInput(), target) * bytesOfElement(op.getInput());
    double filter =
        elementsOf(op.getFilter(), target) * bytesOfElement(op.getFilter());
    double pixels = results / std::max(1.0, double(perOut * op.getGroups()));
    double ofBlock = s.split > 1 ? kPixels : work.threads;
    work.l2Bytes = body.bytes +
                   input * std::max(1.0, double(perOut) / channels) +
                   filter * std::max(1.0, pixels / ofBlock);
    work.cycles = kTrip + share * (kOfLoop + channels * kOfStep) + kNearTrip;
    if (s.split > 1) {
      work.cycles += kMeeting + split * kExchange;
      work.shared = s.split * s.channels * kPixels * computedBytes();
    }
    work.registers = 32 + 3 * s.channels;
    return work;
  }

  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    return DirectConvBuilder(kernel, op, from.schedule, name, target).build();
  }

private:
  int64_t computedBytes() const {
    auto type =
        cast<RankedTensorType>(anchorOf(kernel)->getResult(0).getType());
    return type.getElementType().isF64() ? 8 : 4;
  }

  /// As tried: channels of a thread at least, and threads that a multiprocessor
  /// should have before they are shared.
  static constexpr int64_t kLeastChannels = 8, kThreadsWanted = 1024;
  /// Instructions of an address in a filter or an image, and cycles of a step
  /// of the loop, whose loads come from the L1 cache.
  static constexpr double kOfAddress = 1, kOfLoop = 120;

  mutable graph::ConvOp op;
  int64_t perOut, perIn; // channels of a group
  double taps = 1, results;
};

} // namespace

ThreadFamilyPtr convFamily(graph::KernelOp kernel, const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::ConvOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1 ||
      !isa<FloatType>(getElementTypeOrSelf(op.getResult())))
    return nullptr;
  // The filter's sizes are loop bounds here.
  if (!cast<RankedTensorType>(op.getFilter().getType()).hasStaticShape())
    return nullptr;
  return std::make_unique<ConvFamily>(kernel, target, op);
}

} // namespace mlir::tenon
