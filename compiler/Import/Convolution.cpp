//===- Convolution.cpp - Conv, ConvTranspose ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Convolutions of any number of spatial dimensions; padding becomes numbers.
//
//   y = Conv <auto_pad="SAME_UPPER"> (x, w, b)
//     ⇒ %y = graph.conv %x, %w, %b {pads = [1, 1, 1, 1], ...}
//
// Tests: test/compiler/Import/convolution.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"
#include "compiler/Import/Window.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

/// The filter's spatial sizes, which must be numbers and agree with the
/// attribute `kernel_shape`.
static FailureOr<SmallVector<int64_t>> readKernel(Node &node) {
  Value input = node.input(0), filter = node.input(1);
  int64_t rank = Node::rankOf(input);
  auto fail = [&](const Twine &text) {
    (void)node.fail(text);
    return failure();
  };
  if (rank < 3)
    return fail("expected an input of rank 3 or more, got rank " + Twine(rank));
  if (Node::rankOf(filter) != rank)
    return fail("expected a filter of rank " + Twine(rank) + ", got rank " +
                Twine(Node::rankOf(filter)));
  if (Node::elementOf(input) != Node::elementOf(filter)) {
    node.error() << "expected input and filter of one element type, got "
                 << Node::elementOf(input) << " and "
                 << Node::elementOf(filter);
    return failure();
  }
  SmallVector<int64_t> kernel;
  auto sizes = node.dimsOf(filter);
  for (DimExpr size : ArrayRef<DimExpr>(sizes).drop_front(2)) {
    auto number = size.asConstant();
    if (!number || *number < 1)
      return fail("expected a filter of positive, known sizes, got " +
                  size.str());
    kernel.push_back(*number);
  }
  auto declared = node.intsAttr("kernel_shape");
  if (declared && !declared->empty() && *declared != kernel)
    return fail("'kernel_shape' differs from the sizes of the filter '" +
                node.inputName(1) + "'");
  return kernel;
}

static FailureOr<int64_t> readGroups(Node &node) {
  int64_t groups = node.intAttr("group", 1);
  if (groups >= 1)
    return groups;
  (void)node.fail("expected group of at least 1, got " + Twine(groups));
  return failure();
}

static LogicalResult conv(Node &node) {
  auto kernel = readKernel(node);
  auto groups = readGroups(node);
  if (failed(kernel) || failed(groups))
    return failure();
  auto sizes = node.dimsOf(node.input(0));
  auto filter = node.dimsOf(node.input(1));
  auto window =
      readWindow(node, *kernel, ArrayRef<DimExpr>(sizes).drop_front(2));
  if (failed(window) ||
      failed(node.assumeEqual(
          sizes[1], filter[1] * *groups,
          "the input's channels must be the filter's times group")))
    return failure();
  Value input = padInput(node, *window, node.input(0), /*fill=*/{});
  if (!input)
    return failure();
  return node.finish(node.createWithOptional<ConvOp>(
      {input, node.input(1), node.input(2)},
      {node.named("strides", window->strides), node.named("pads", window->pads),
       node.named("dilations", window->dilations),
       node.named("groups", node.builder.getI64IntegerAttr(*groups))}));
}

/// Pads of a transposed convolution whose output's size is given, or is to be
/// size * stride (auto_pad SAME): total = stride (size - 1) + output_padding +
/// extent - output.
static LogicalResult transposedPads(Node &node, Window &window,
                                    MutableArrayRef<int64_t> outputPadding,
                                    ArrayRef<DimExpr> spatial) {
  size_t count = spatial.size();
  StringRef mode = node.stringAttr("auto_pad", "NOTSET");
  auto wanted = node.intsAttr("output_shape");
  bool isSame = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (!wanted && !isSame)
    return success();
  if (wanted && wanted->size() == count + 2)
    wanted->erase(wanted->begin(), wanted->begin() + 2);
  if (wanted && wanted->size() != count)
    return node.fail("expected " + Twine(count) + " output_shape, got " +
                     Twine(wanted->size()));
  for (size_t i = 0; i < count; ++i) {
    int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    DimExpr output =
        wanted ? node.dim((*wanted)[i]) : spatial[i] * window.strides[i];
    DimExpr total = (spatial[i] - 1) * window.strides[i] + outputPadding[i] +
                    extent - output;
    auto padding = total.asConstant();
    if (!padding)
      return node.error() << "output_shape needs a size that is known when the "
                             "model is compiled, got "
                          << spatial[i].str() << ": fix it with --shapes";
    // More than the input gives is made up by zeros at the end.
    if (*padding < 0) {
      outputPadding[i] -= *padding;
      padding = 0;
    }
    int64_t half = *padding / 2;
    window.pads[i] = mode == "SAME_UPPER" ? half : *padding - half;
    window.pads[count + i] = *padding - window.pads[i];
  }
  return success();
}

static LogicalResult convTranspose(Node &node) {
  auto kernel = readKernel(node);
  auto groups = readGroups(node);
  if (failed(kernel) || failed(groups))
    return failure();
  auto sizes = node.dimsOf(node.input(0));
  auto filter = node.dimsOf(node.input(1));
  ArrayRef<DimExpr> spatial = ArrayRef<DimExpr>(sizes).drop_front(2);
  auto strides = readSizes(node, "strides", spatial.size(), 1, 1);
  auto dilations = readSizes(node, "dilations", spatial.size(), 1, 1);
  auto pads = readSizes(node, "pads", 2 * spatial.size(), 0, 0);
  auto outputPadding = readSizes(node, "output_padding", spatial.size(), 0, 0);
  if (failed(strides) || failed(dilations) || failed(pads) ||
      failed(outputPadding) ||
      failed(node.assumeEqual(
          sizes[1], filter[0],
          "the input's channels must be the filter's first size")))
    return failure();
  Window window{*kernel, *strides, *dilations, *pads, {}};
  if (node.stringAttr("auto_pad", "NOTSET") == "VALID")
    llvm::fill(window.pads, 0);
  if (failed(transposedPads(node, window, *outputPadding, spatial)))
    return failure();
  return node.finish(node.createWithOptional<ConvTransposeOp>(
      {node.input(0), node.input(1), node.input(2)},
      {node.named("strides", window.strides), node.named("pads", window.pads),
       node.named("dilations", window.dilations),
       node.named("output_padding", *outputPadding),
       node.named("groups", node.builder.getI64IntegerAttr(*groups))}));
}

ArrayRef<OperatorRow> convolutionOperators() {
  static const OperatorRow rows[] = {
      {"Conv", 7, kMaxOpset, 2, 3, Elements::Float, conv},
      {"ConvTranspose", 7, kMaxOpset, 2, 3, Elements::Float, convTranspose},
  };
  return rows;
}

} // namespace mlir::tenon
