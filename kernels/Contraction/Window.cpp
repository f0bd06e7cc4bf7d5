//===- Window.cpp - Which inputs a convolution reads ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Window.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

namespace mlir::tenon {

using graph::DimExpr;

TapPhases tapPhases(int64_t kernel, int64_t stride, int64_t dilation) {
  TapPhases result;
  int64_t common = std::gcd(stride, dilation);
  result.tapStep = stride / common;
  result.inputStep = dilation / common;
  result.residues.resize(stride);
  for (int64_t tap = kernel - 1; tap >= 0; --tap) {
    TapPhases::Phase &phase = result.residues[tap * dilation % stride];
    phase.first = tap;
    ++phase.taps;
  }
  return result;
}

std::optional<ConvWindow> ConvWindow::of(Operation *op) {
  ConvWindow w;
  auto fill = [&](auto conv) {
    auto filter = cast<RankedTensorType>(conv.getFilter().getType());
    if (!filter.hasStaticShape())
      return false;
    w.kernel.assign(filter.getShape().begin() + 2, filter.getShape().end());
    w.strides.assign(conv.getStrides().begin(), conv.getStrides().end());
    w.dilations.assign(conv.getDilations().begin(), conv.getDilations().end());
    w.low.assign(conv.getPads().begin(), conv.getPads().begin() + w.rank());
    w.high.assign(conv.getPads().begin() + w.rank(), conv.getPads().end());
    return llvm::all_of(conv.getPads(), [](int64_t pad) { return pad >= 0; });
  };
  bool fine = false;
  if (auto conv = dyn_cast<graph::ConvOp>(op)) {
    fine = fill(conv);
  } else if (auto conv = dyn_cast<graph::ConvTransposeOp>(op)) {
    fine = fill(conv);
    w.transposed = true;
    w.outputPadding.assign(conv.getOutputPadding().begin(),
                           conv.getOutputPadding().end());
  }
  if (!fine)
    return std::nullopt;
  return w;
}

int64_t ConvWindow::taps() const {
  return std::accumulate(kernel.begin(), kernel.end(), int64_t(1),
                         std::multiplies<>());
}

int64_t ConvWindow::phases() const {
  int64_t count = 1;
  for (unsigned d = 0; d < rank(); ++d)
    count *= phases(d);
  return count;
}

SmallVector<int64_t> ConvWindow::halo() const {
  SmallVector<int64_t> result(low);
  llvm::append_range(result, high);
  if (!transposed)
    return result;
  // Output o reads inputs i with o + low = i * stride + tap * dilation; the
  // last output is (in - 1) * stride + extent + outputPadding - low - high.
  for (unsigned d = 0; d < rank(); ++d) {
    int64_t extent = (kernel[d] - 1) * dilations[d];
    int64_t below = extent - low[d];
    int64_t above = extent + outputPadding[d] - high[d];
    result[d] = below > 0 ? below / strides[d] : 0;
    result[rank() + d] = above > 0 ? above / strides[d] : 0;
  }
  return result;
}

bool ConvWindow::fits(RankedTensorType input) const {
  for (auto [need, have] : llvm::zip(halo(), haloOf(input)))
    if (need > have)
      return false;
  return true;
}

DimExpr ConvWindow::gridOf(unsigned d, DimExpr out) const {
  return out.ceilDiv(phases(d));
}

/// values[index], by selections: these tables have as many entries as a
/// stride.
static Value pick(Emitter &e, ArrayRef<int64_t> values, Value index) {
  Value result = e.constant(values.back());
  if (llvm::all_equal(values))
    return result;
  for (size_t i = values.size() - 1; i-- > 0;)
    result =
        e.select(e.equal(index, e.constant(i)), e.constant(values[i]), result);
  return result;
}

WindowAxis ConvWindow::axis(Emitter &e, unsigned d, Value phase, DimExpr out,
                            int64_t haloLow) const {
  WindowAxis axis;
  if (!transposed) {
    axis.count = e.dim(out);
    axis.taps = e.constant(kernel[d]);
    axis.tapsBefore = axis.outFirst = axis.filterFirst = e.constant(0);
    axis.first = e.constant(haloLow - low[d]);
    axis.step = strides[d];
    axis.tapStep = dilations[d];
    return axis;
  }
  int64_t stride = strides[d];
  TapPhases taps = tapPhases(kernel[d], stride, dilations[d]);
  SmallVector<int64_t> count, before, first, outFirst, lastTap, grid;
  int64_t total = 0;
  for (auto [r, residue] : llvm::enumerate(taps.residues)) {
    // The first output that is not cropped, and what its last tap reads.
    int64_t o = ((int64_t(r) - low[d]) % stride + stride) % stride;
    int64_t last = residue.first + (residue.taps - 1) * taps.tapStep;
    int64_t input =
        residue.taps ? (o + low[d] - last * dilations[d]) / stride : 0;
    count.push_back(residue.taps);
    before.push_back(total);
    first.push_back(input + haloLow);
    outFirst.push_back(o);
    lastTap.push_back(residue.taps ? last : 0);
    total += residue.taps;
    if (auto known = out.asConstant())
      grid.push_back((*known - o + stride - 1) / stride);
  }
  axis.taps = pick(e, count, phase);
  axis.tapsBefore = pick(e, before, phase);
  axis.first = pick(e, first, phase);
  axis.outFirst = pick(e, outFirst, phase);
  axis.filterFirst = pick(e, lastTap, phase);
  axis.filterStep = -taps.tapStep;
  axis.count = !grid.empty() ? pick(e, grid, phase)
                             : e.div(e.add(e.sub(e.dim(out), axis.outFirst),
                                           e.constant(stride - 1)),
                                     e.constant(stride));
  axis.tapStep = taps.inputStep;
  axis.outStep = stride;
  return axis;
}

WindowAxes windowAxes(Emitter &e, const ConvWindow &window, Value phase,
                      ArrayRef<DimExpr> out, ArrayRef<int64_t> halo) {
  WindowAxes result;
  unsigned rank = window.rank();
  SmallVector<Value> own(rank);
  for (unsigned d = rank; d-- > 0;) {
    Value count = e.constant(window.phases(d));
    own[d] = d == 0 ? phase : e.rem(phase, count);
    phase = e.div(phase, count);
  }
  result.taps = e.constant(1);
  result.tapsBefore = e.constant(0);
  int64_t inner = window.taps();
  for (unsigned d = 0; d < rank; ++d) {
    WindowAxis axis = window.axis(e, d, own[d], out[d], halo[d]);
    inner /= window.kernel[d];
    result.tapsBefore =
        e.add(result.tapsBefore,
              e.mul(e.mul(result.taps, axis.tapsBefore), e.constant(inner)));
    result.taps = e.mul(result.taps, axis.taps);
    result.axes.push_back(axis);
  }
  return result;
}

SmallVector<int64_t> haloOf(RankedTensorType type) {
  SmallVector<int64_t> halo(2 * std::max<int64_t>(type.getRank() - 2, 0), 0);
  graph::LayoutAttr layout = graph::layoutOf(type);
  if (layout && !layout.getHalo().empty())
    halo.assign(layout.getHalo().begin(), layout.getHalo().end());
  return halo;
}

SmallVector<Value> spatialStrides(Emitter &e, RankedTensorType type) {
  graph::LayoutAttr layout = graph::layoutOf(type);
  int64_t block = layout ? std::max<int64_t>(1, layout.getChannelBlock()) : 1;
  SmallVector<DimExpr> dims = graph::dimsOf(type);
  SmallVector<int64_t> halo = haloOf(type);
  size_t rank = halo.size() / 2;
  SmallVector<Value> strides(rank + 1);
  DimExpr stride = DimExpr::constant(type.getContext(), block);
  for (size_t d = rank; d-- > 0;) {
    strides[d] = e.dim(stride);
    stride = stride * (dims[2 + d] + (halo[d] + halo[rank + d]));
  }
  strides[rank] = e.dim(stride);
  return strides;
}

int64_t PanelBlocks::first(int64_t panel) const {
  return panel * width / perOut * perIn / block;
}

int64_t PanelBlocks::end(int64_t panel) const {
  int64_t last = std::min((panel + 1) * width, outputs) - 1;
  return llvm::divideCeil((last / perOut + 1) * perIn, block);
}

int64_t PanelBlocks::most() const {
  int64_t result = 0;
  for (int64_t p = 0; p * width < outputs; ++p)
    result = std::max(result, end(p) - first(p));
  return result;
}

} // namespace mlir::tenon
