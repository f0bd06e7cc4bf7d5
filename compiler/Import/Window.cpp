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
//                  which must be a number when the model is compiled
//
// Tests: test/compiler/Import/convolution.onnxtxt, pooling.onnxtxt.
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

static LogicalResult autoPad(Node &node, Window &window, bool isUpper,
                             ArrayRef<DimExpr> spatial) {
  size_t count = spatial.size();
  for (size_t i = 0; i < count; ++i) {
    int64_t stride = window.strides[i];
    int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    DimExpr total = node.dim(extent - 1);
    if (stride != 1)
      total = DimExpr::max((spatial[i].ceilDiv(stride) - 1) * stride + extent -
                               spatial[i],
                           node.dim(0));
    auto padding = total.asConstant();
    if (!padding)
      return node.error()
             << "auto_pad with stride " << stride
             << " needs a size that is known when the model is compiled, got "
             << spatial[i].str() << ": fix it with --shapes";
    int64_t small = *padding / 2, large = *padding - small;
    window.pads[i] = isUpper ? small : large;
    window.pads[count + i] = isUpper ? large : small;
  }
  return success();
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
    if (failed(autoPad(node, window, mode == "SAME_UPPER", spatial)))
      return failure();
    return window;
  }
  if (mode != "NOTSET" && !mode.empty()) {
    (void)node.fail("unknown auto_pad '" + mode + "'");
    return failure();
  }
  return window;
}

} // namespace mlir::tenon
