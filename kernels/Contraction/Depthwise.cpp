//===- Depthwise.cpp - A filter for each channel, or for a few ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: convolutions, ordinary or transposed, over two or three dimensions,
// in groups of at most four input channels, with constant weights, channel-
// blocked input (with a halo of at least the padding) and result, any pointwise
// epilogue. A task is (image, phase, block of output channels, rows of output);
// a vector is that block. Six pixels of a row are accumulated at once, each
// weight vector is loaded once for them.
//
// The block's groups read a few channels that lie side by side. Those of one
// pixel are loaded once and spread over the lanes for each channel of a group:
//
//     2 channels a group, both ways:  x0 x1 x2 x3 ..  =>  x0 x0 x2 x2 ..
//                                                         x1 x1 x3 x3 ..
//
// Nothing of another group is ever multiplied. Tests: test/e2e.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Contraction/RegisterBlock.h"
#include "kernels/Contraction/Window.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kPixels = 6;
/// Rows of output in a task: enough work to hand over, few enough to share.
constexpr int64_t kTaskRows = 16;
/// Input channels of a group: more are as well multiplied in whole blocks.
constexpr int64_t kMostPerGroup = 4;
/// Products for one pixel that are unrolled whole.
constexpr int64_t kUnrolledProducts = 128;

/// The input channels that a block of output channels reads.
struct SmallGroups {
  int64_t perIn, perOut, lanes;

  /// Neighbouring channels: those of all groups of the block.
  int64_t count() const { return std::max<int64_t>(1, lanes / perOut) * perIn; }
  /// Whether they lie in one block of the input, or fill one or two.
  bool fits() const {
    bool even = lanes % perOut == 0 || perOut % lanes == 0;
    return even && perIn <= kMostPerGroup &&
           (lanes % count() == 0 || count() == 2 * lanes);
  }
  /// Which of them lane `lane` multiplies for channel `c` of its group.
  int64_t source(int64_t lane, int64_t c) const {
    return perOut >= lanes ? c : lane / perOut * perIn + c;
  }
};

class DepthwiseBuilder {
public:
  DepthwiseBuilder(graph::KernelOp kernel, Operation *anchor, StringRef name,
                   const KernelTarget &target, const ConvWindow &window,
                   const SmallGroups &groups, int64_t channels)
      : kernel(kernel), anchor(anchor), window(window), groups(groups),
        channels(channels), lanes(target.lanes()), e(kernel, name, target),
        out(graph::dimsOf(anchor->getResult(0))) {}

  KernelCode build() {
    MLIRContext *context = kernel.getContext();
    int64_t blocks = llvm::divideCeil(channels, lanes);
    DimExpr rows = DimExpr::constant(context, 1);
    for (unsigned d = 0; d + 1 < window.rank(); ++d)
      rows = rows * window.gridOf(d, out[2 + d]);
    DimExpr rowTasks = rows.ceilDiv(kTaskRows);
    SmallVector<Value> sizes = {e.dim(out[0]), e.constant(window.phases()),
                                e.constant(blocks), e.dim(rowTasks)};
    bool partial = channels % lanes != 0;
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      auto whole = [&] { emitTask(t[0], t[1], t[2], t[3], Value()); };
      if (!partial)
        return whole();
      e.ifThen(
          e.equal(t[2], e.constant(blocks - 1)),
          [&] {
            emitTask(t[0], t[1], t[2], t[3],
                     tailMask(e, e.constant(channels % lanes), lanes));
          },
          whole);
    });
    KernelCode code;
    code.family = "depthwise";
    code.schedule = llvm::formatv("pixels={0} rows={1}", kPixels, kTaskRows);
    PackRecipe recipe{PackRecipe::DepthwisePanels,
                      cast<BlockArgument>(filter()).getArgNumber(),
                      lanes,
                      1,
                      channels / groups.perOut,
                      window.transposed};
    if (window.transposed) {
      recipe.strides = window.strides;
      recipe.dilations = window.dilations;
    }
    code.packed.push_back(recipe);
    code.tasks = out[0] * rowTasks * (window.phases() * blocks);
    code.scratchBytes = DimExpr::constant(context, 0);
    SmallVector<DimExpr> counted =
        window.transposed ? graph::dimsOf(input()) : out;
    code.flops = out[0] * productOf(context, ArrayRef(counted).drop_front(2)) *
                 (2 * window.taps() * groups.perIn * channels);
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  Value input() { return anchor->getOperand(0); }
  Value filter() { return anchor->getOperand(1); }
  Value bias() {
    return anchor->getNumOperands() > 2 ? anchor->getOperand(2) : Value();
  }

  void emitTask(Value image, Value phase, Value block, Value rowTask,
                Value mask) {
    auto inType = cast<RankedTensorType>(input().getType());
    auto outType = cast<RankedTensorType>(kernel->getResult(0).getType());
    unsigned rank = window.rank();
    Type f32 = e.b.getF32Type();
    Value zero = e.constant(0);
    e.ifThen(e.equal(rowTask, zero), [&] {
      e.ifThen(e.equal(phase, zero), [&] {
        emitZeroHalo(e, outType, e.resultPointer(0), image, block);
      });
    });

    SmallVector<int64_t> halo = haloOf(inType);
    axes = windowAxes(e, window, phase, ArrayRef(out).drop_front(2), halo);
    strides = spatialStrides(e, inType);
    int64_t inBlocks =
        llvm::divideCeil(channels / groups.perOut * groups.perIn, lanes);
    // The first input channel of the block's first group.
    Value first =
        e.mul(e.div(e.mul(block, e.constant(lanes)), e.constant(groups.perOut)),
              e.constant(groups.perIn));
    Value plane = e.div(first, e.constant(lanes));
    // A partial block may have no use for the second of two.
    nextPlane = e.sub(
        e.min(e.add(plane, e.constant(1)), e.constant(inBlocks - 1)), plane);
    nextPlane = e.mul(nextPlane, strides[rank]);
    Value start =
        e.mul(e.add(e.mul(image, e.constant(inBlocks)), plane), strides[rank]);
    start = e.add(start, e.rem(first, e.constant(lanes)));
    for (unsigned d = 0; d < rank; ++d)
      start = e.add(start, e.mul(axes.axes[d].first, strides[d]));
    Value source =
        e.address(e.pointerOf(cast<BlockArgument>(input())), start, f32);
    Value taps =
        e.add(e.mul(block, e.constant(window.taps())), axes.tapsBefore);
    weights = e.address(e.pointerOf(cast<BlockArgument>(filter())),
                        e.mul(taps, e.constant(groups.perIn * lanes)), f32);

    Value channel = e.mul(block, e.constant(lanes));
    Value initial = e.floatConstant(VectorType::get({lanes}, f32), 0);
    if (bias()) {
      e.laneMask = mask;
      initial = e.emit(bias(), {e.consecutive(channel, lanes)}, lanes);
      e.laneMask = nullptr;
    }
    Value rows = e.constant(1);
    for (unsigned d = 0; d + 1 < rank; ++d)
      rows = e.mul(rows, axes.axes[d].count);
    Value from = e.mul(rowTask, e.constant(kTaskRows));
    Value to = e.min(e.add(from, e.constant(kTaskRows)), rows);
    e.loop(from, to, 1, [&](Value row) {
      SmallVector<Value> position(rank);
      Value line = zero;
      for (unsigned d = rank - 1; d-- > 0;) {
        position[d] = d == 0 ? row : e.rem(row, axes.axes[d].count);
        row = e.div(row, axes.axes[d].count);
        line = e.add(line,
                     e.mul(position[d],
                           e.mul(strides[d], e.constant(axes.axes[d].step))));
      }
      const WindowAxis &last = axes.axes[rank - 1];
      forEachRowBlock(e, last.count, kPixels, [&](Value x, int64_t pixels) {
        Value at = e.add(line, e.mul(x, e.constant(last.step * lanes)));
        SmallVector<Value> acc =
            emitTaps(0, e.address(source, at, f32), zero, zero,
                     SmallVector<Value>(pixels, initial));
        for (int64_t p = 0; p < pixels; ++p) {
          position[rank - 1] = e.add(x, e.constant(p));
          SmallVector<Index> result = {e.uniform(image),
                                       e.consecutive(channel, lanes)};
          for (unsigned d = 0; d < rank; ++d)
            result.push_back(e.uniform(
                e.add(e.mul(position[d], e.constant(axes.axes[d].outStep)),
                      axes.axes[d].outFirst)));
          e.laneMask = mask;
          e.bind(anchor->getResult(0),
                 [&, p](ArrayRef<Index>, int64_t) { return acc[p]; });
          Value end = e.yield()->getOperand(0);
          e.store(0, end, e.emit(end, result, lanes), result, lanes);
          e.laneMask = nullptr;
        }
      });
    });
  }

  /// The taps of the dimensions from `d` on, tap `k` of the phase being the
  /// first, `offset` elements from pixel 0.
  SmallVector<Value> emitTaps(unsigned d, Value source, Value offset, Value k,
                              SmallVector<Value> acc) {
    if (d == window.rank())
      return emitTap(source, offset, k, acc);
    const WindowAxis &axis = axes.axes[d];
    auto tap = [&](Value t, SmallVector<Value> sums) {
      Value moved = e.mul(e.mul(t, e.constant(axis.tapStep)), strides[d]);
      return emitTaps(d + 1, source, e.add(offset, moved),
                      e.add(e.mul(k, axis.taps), t), std::move(sums));
    };
    auto known = Emitter::constantOf(axis.taps);
    if (known && window.taps() * groups.perIn <= kUnrolledProducts) {
      for (int64_t t = 0; t < *known; ++t)
        acc = tap(e.constant(t), acc);
      return acc;
    }
    return e.loopWith(e.constant(0), axis.taps, 1, acc,
                      [&](Value t, ValueRange carried) {
                        return tap(t, SmallVector<Value>(carried));
                      });
  }

  SmallVector<Value> emitTap(Value source, Value offset, Value k,
                             SmallVector<Value> acc) {
    Type f32 = e.b.getF32Type();
    Value base = e.mul(k, e.constant(groups.perIn * lanes));
    SmallVector<Value> w;
    for (int64_t c = 0; c < groups.perIn; ++c)
      w.push_back(e.loadVector(weights, e.add(base, e.constant(c * lanes)), f32,
                               lanes));
    int64_t step = axes.axes.back().step * lanes;
    int64_t count = groups.count(), part = std::min(count, lanes);
    for (auto [p, sum] : llvm::enumerate(acc)) {
      Value at = e.add(offset, e.constant(int64_t(p) * step));
      Value x = e.loadVector(source, at, f32, part);
      Value more = count > lanes
                       ? e.loadVector(source, e.add(at, nextPlane), f32, part)
                       : x;
      for (int64_t c = 0; c < groups.perIn; ++c)
        sum = vector::FMAOp::create(e.b, e.loc, spread(x, more, c), w[c], sum);
    }
    return acc;
  }

  /// Channel `c` of each lane's group out of the loaded ones.
  Value spread(Value x, Value more, int64_t c) {
    if (!isa<VectorType>(x.getType()))
      return e.splat(x, lanes);
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask.push_back(groups.source(lane, c));
    if (groups.count() == lanes && llvm::equal(mask, llvm::seq(lanes)))
      return x;
    return vector::ShuffleOp::create(e.b, e.loc, x, more, mask);
  }

  graph::KernelOp kernel;
  Operation *anchor;
  const ConvWindow &window;
  const SmallGroups &groups;
  int64_t channels, lanes;
  Emitter e;
  SmallVector<DimExpr> out;

  // Of the task at hand.
  WindowAxes axes;
  SmallVector<Value> strides;
  Value weights, nextPlane;
};

} // namespace

std::optional<KernelCode> buildDepthwise(graph::KernelOp kernel, StringRef name,
                                         const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  auto window = anchor ? ConvWindow::of(anchor) : std::nullopt;
  if (!window || window->rank() < 2 || window->rank() > 3 ||
      kernel->getNumResults() != 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(anchor->getResult(0).getType());
  Value input = anchor->getOperand(0), filter = anchor->getOperand(1);
  if (!type.getElementType().isF32() || !isConstantOperand(kernel, filter) ||
      !isa<BlockArgument>(input))
    return std::nullopt;
  int64_t count = anchor->getAttrOfType<IntegerAttr>("groups").getInt();
  auto shape = cast<RankedTensorType>(filter.getType()).getShape();
  int64_t perOut = window->transposed ? shape[1] : shape[0] / count;
  int64_t perIn = window->transposed ? shape[0] / count : shape[1];
  SmallGroups groups{perIn, perOut, target.lanes()};
  if (count == 1 || perIn == 0 || perOut == 0 || !groups.fits())
    return std::nullopt;
  auto inType = cast<RankedTensorType>(input.getType());
  auto blocked = [&](Type t) {
    graph::LayoutAttr layout = graph::layoutOf(t);
    return layout && layout.getChannelBlock() == target.lanes();
  };
  if (!blocked(inType) || !blocked(kernel->getResult(0).getType()) ||
      !window->fits(inType))
    return std::nullopt;
  return DepthwiseBuilder(kernel, anchor, name, target, *window, groups,
                          perOut * count)
      .build();
}

} // namespace mlir::tenon
