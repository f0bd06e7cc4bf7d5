//===- Window.cpp - Attributes of sliding windows -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// auto_pad asks for as much padding as makes the output ceil(size / stride)
// long. With e = (kernel - 1) * dilation + 1:
//
//   stride 1       total = e - 1, for any size
//   otherwise      total = max((ceil(size / stride) - 1) * stride + e - size,
//   0)
//
// The last is never negative if e >= stride, and 0 if e = 1; where the size is
// unknown at compile time, it becomes an operation of its own that pads.
//
// Tests: test/compiler/Import/convolution.test, pooling.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Window.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

FailureOr<SmallVector<int64_t>> readSizes(Node &node, StringRef name,
                                          size_t count, int64_t fallback,
                                          int64_t low) {
  SmallVector<int64_t> values(count, fallback);
  if (auto given = node.intsAttr(name); given && !given->empty())
    values = *given;
  if (values.size() != count) {
    (void)node.fail("expected " + Twine(count) + " " + name + ", got " +
                    Twine(values.size()));
    return failure();
  }
  constexpr int64_t kEnd = int64_t(1) << 31;
  for (int64_t value : values)
    if (value < low || value >= kEnd) {
      (void)node.fail("expected " + name + " of at least " + Twine(low) +
                      ", got " + Twine(value));
      return failure();
    }
  return values;
}

static void autoPad(Node &node, Window &window, bool isUpper,
                    ArrayRef<DimExpr> spatial) {
  size_t count = spatial.size();
  SmallVector<DimExpr> pads(2 * count);
  for (size_t i = 0; i < count; ++i) {
    int64_t stride = window.strides[i];
    int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    DimExpr total = node.dim(extent - 1);
    if (stride != 1) {
      total = (spatial[i].ceilDiv(stride) - 1) * stride + extent - spatial[i];
      if (extent == 1)
        total = node.dim(0);
      else if (extent < stride || total.isConstant())
        total = DimExpr::max(total, node.dim(0));
    }
    DimExpr small = total.floorDiv(2), large = total - small;
    pads[i] = isUpper ? small : large;
    pads[count + i] = isUpper ? large : small;
  }
  if (llvm::all_of(pads, [](DimExpr pad) { return pad.isConstant(); }))
    window.pads = llvm::map_to_vector(
        pads, [](DimExpr pad) { return *pad.asConstant(); });
  else
    window.symbolicPads = pads;
}

Value padInput(Node &node, const Window &window, Value input, Value fill) {
  if (window.symbolicPads.empty())
    return input;
  size_t count = window.kernel.size();
  SmallVector<DimExpr> low(2, node.dim(0)), high(2, node.dim(0));
  low.append(window.symbolicPads.begin(), window.symbolicPads.begin() + count);
  high.append(window.symbolicPads.begin() + count, window.symbolicPads.end());
  SmallVector<Value> operands{input};
  if (fill)
    operands.push_back(fill);
  return node.create<PadOp>(
      operands, {node.named("low", low), node.named("high", high),
                 node.named("mode", PadModeAttr::get(node.getContext(),
                                                     PadMode::constant))});
}

FailureOr<Window> readWindow(Node &node, ArrayRef<int64_t> kernel,
                             ArrayRef<DimExpr> spatial) {
  size_t count = spatial.size();
  Window window;
  window.kernel.assign(kernel.begin(), kernel.end());
  auto strides = readSizes(node, "strides", count, 1, 1);
  auto dilations = readSizes(node, "dilations", count, 1, 1);
  auto pads = readSizes(node, "pads", 2 * count, 0, 0);
  if (failed(strides) || failed(dilations) || failed(pads))
    return failure();
  window.strides = *strides;
  window.dilations = *dilations;
  window.pads = *pads;

  StringRef mode = node.stringAttr("auto_pad", "NOTSET");
  if (mode == "VALID") {
    llvm::fill(window.pads, 0);
    return window;
  }
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    llvm::fill(window.pads, 0);
    autoPad(node, window, mode == "SAME_UPPER", spatial);
    return window;
  }
  if (mode != "NOTSET" && !mode.empty()) {
    (void)node.fail("unknown auto_pad '" + mode + "'");
    return failure();
  }
  return window;
}

} // namespace mlir::tenon
