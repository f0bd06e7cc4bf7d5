//===- WindowOps.cpp - Shapes of convolutions and pooling -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Inference of the ops that slide a window over the spatial dimensions. With
// an effective kernel e = (k - 1) dilation + 1:
//
//   conv, pool:      (in + low + high - e) floordiv stride + 1
//   pool, ceil_mode: ceil((in + low + min(0, high - e + stride)) / stride),
//                    the largest number of windows of which each starts inside
//                    the input or its low padding
//   conv_transpose:  (in - 1) stride + output_padding + e - low - high
//
// Tests: test/dialects/Graph/ops-anchor.mlir, invalid-window.mlir,
// test/unit/graph/InferTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/InferReporter.h"
#include "mlir/IR/Builders.h"

namespace mlir::tenon::graph {

using detail::elementOf;
using detail::InferReporter;
using detail::isSet;
using detail::rankOf;

namespace {
struct Window {
  ArrayRef<int64_t> strides, pads, dilations;
};
} // namespace

/// One stride and dilation >= 1 for each spatial dimension, two pads.
static LogicalResult checkWindow(const InferReporter &report, Window window,
                                 int64_t spatial) {
  if (failed(report.expectCount(window.strides.size(), spatial, "strides")) ||
      failed(
          report.expectCount(window.dilations.size(), spatial, "dilations")) ||
      failed(report.expectCount(window.pads.size(), 2 * spatial,
                                "pads (low sides, then high sides)")))
    return failure();
  for (int64_t stride : window.strides)
    if (stride < 1)
      return report.fail("expected strides >= 1, got ", stride);
  for (int64_t dilation : window.dilations)
    if (dilation < 1)
      return report.fail("expected dilations >= 1, got ", dilation);
  return success();
}

/// Constant sizes >= 1 of the kernel along dimension `axis`.
static FailureOr<int64_t> kernelSize(const InferReporter &report, Value filter,
                                     int64_t axis) {
  auto size = dimOf(filter, axis).asConstant();
  if (size && *size >= 1)
    return *size;
  (void)report.fail("expected a constant kernel size >= 1 in dimension ", axis,
                    " of the filter, got ", dimOf(filter, axis).str());
  return failure();
}

static LogicalResult checkBias(const InferReporter &report, Value input,
                               Value bias, DimExpr channels) {
  if (!bias)
    return success();
  bool isWide = elementOf(bias).isF32() &&
                (elementOf(input).isF16() || elementOf(input).isBF16());
  if (!isWide && failed(report.expectSameElement(input, bias)))
    return failure();
  if (rankOf(bias) != 1)
    return report.fail("expected a bias of rank 1, got rank ", rankOf(bias));
  return report.expectEqualSizes(channels, dimOf(bias, 0),
                                 "output channels and the size of the bias");
}

/// Number of windows along one dimension.
static FailureOr<DimExpr> countWindows(const InferReporter &report, DimExpr in,
                                       int64_t axis, int64_t kernel,
                                       int64_t stride, int64_t low,
                                       int64_t high, bool ceil) {
  if (in.isConstant(0))
    return in;
  DimExpr padded = in + low + high;
  if ((padded - kernel).upperBound() < 0 && !ceil) {
    (void)report.fail("expected the window (", kernel,
                      ") to fit into the padded size (", padded.str(),
                      ") of dimension ", axis);
    return failure();
  }
  if (!ceil)
    return (padded - kernel).floorDiv(stride) + 1;
  int64_t slack = std::min<int64_t>(0, high - kernel + stride);
  return (in + (low + slack)).ceilDiv(stride);
}

/// What conv and conv_transpose demand alike.
template <typename Adaptor>
static LogicalResult checkConvolution(const InferReporter &report, Adaptor op) {
  if (failed(report.expectAttr(op.getStridesAttr(), "strides")) ||
      failed(report.expectAttr(op.getPadsAttr(), "pads")) ||
      failed(report.expectAttr(op.getDilationsAttr(), "dilations")) ||
      failed(report.expectAttr(op.getGroupsAttr(), "groups")))
    return failure();
  Value input = op.getInput(), filter = op.getFilter();
  int64_t rank = rankOf(input), groups = op.getGroups();
  if (rank < 3 || rankOf(filter) != rank)
    return report.fail("expected input and filter of one rank >= 3, got ", rank,
                       " and ", rankOf(filter));
  Window window{op.getStrides(), op.getPads(), op.getDilations()};
  if (failed(report.expectSameElement(input, filter)) ||
      failed(checkWindow(report, window, rank - 2)))
    return failure();
  if (groups < 1)
    return report.fail("expected groups >= 1, got ", groups);
  return success();
}

LogicalResult
ConvOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(checkConvolution(report, op)))
    return failure();
  Value input = op.getInput(), filter = op.getFilter();
  int64_t rank = rankOf(input), groups = op.getGroups();
  Window window{op.getStrides(), op.getPads(), op.getDilations()};
  DimExpr channels = dimOf(filter, 0);
  if (failed(report.expectEqualSizes(
          dimOf(input, 1), dimOf(filter, 1) * groups,
          "input channels and groups times the filter's channels")) ||
      failed(checkBias(report, input, op.getBias(), channels)))
    return failure();
  if (!channels.mod(groups).isConstant(0))
    return report.fail("expected output channels that ", groups,
                       " groups divide, got ", channels.str());
  SmallVector<DimExpr> sizes{dimOf(input, 0), channels};
  for (int64_t i = 0; i < rank - 2; ++i) {
    auto kernel = kernelSize(report, filter, i + 2);
    if (failed(kernel))
      return failure();
    auto size =
        countWindows(report, dimOf(input, i + 2), i + 2,
                     (*kernel - 1) * window.dilations[i] + 1, window.strides[i],
                     window.pads[i], window.pads[i + rank - 2], false);
    if (failed(size))
      return failure();
    sizes.push_back(*size);
  }
  types.push_back(tensorType(sizes, elementOf(input)));
  return success();
}

LogicalResult ConvTransposeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getOutputPaddingAttr(), "output_padding")) ||
      failed(checkConvolution(report, op)))
    return failure();
  Value input = op.getInput(), filter = op.getFilter();
  int64_t rank = rankOf(input), groups = op.getGroups();
  Window window{op.getStrides(), op.getPads(), op.getDilations()};
  if (failed(report.expectCount(op.getOutputPadding().size(), rank - 2,
                                "output paddings")))
    return failure();
  DimExpr channels = dimOf(filter, 1) * groups;
  if (failed(report.expectEqualSizes(dimOf(input, 1), dimOf(filter, 0),
                                     "input channels and the filter's "
                                     "first size")) ||
      failed(checkBias(report, input, op.getBias(), channels)))
    return failure();
  if (!dimOf(filter, 0).mod(groups).isConstant(0))
    return report.fail("expected input channels that ", groups,
                       " groups divide, got ", dimOf(filter, 0).str());
  SmallVector<DimExpr> sizes{dimOf(input, 0), channels};
  for (int64_t i = 0; i < rank - 2; ++i) {
    auto kernel = kernelSize(report, filter, i + 2);
    if (failed(kernel))
      return failure();
    DimExpr in = dimOf(input, i + 2);
    DimExpr size = (in - 1) * window.strides[i] + op.getOutputPadding()[i] +
                   (*kernel - 1) * window.dilations[i] + 1 - window.pads[i] -
                   window.pads[i + rank - 2];
    if (in.isConstant(0))
      size = in;
    if (size.upperBound() < 0)
      return report.fail("expected a size >= 0 in dimension ", i + 2, ", got ",
                         size.str());
    sizes.push_back(size);
  }
  types.push_back(tensorType(sizes, elementOf(input)));
  return success();
}

LogicalResult
PoolOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getKindAttr(), "kind")) ||
      failed(report.expectAttr(op.getKernelAttr(), "kernel")) ||
      failed(report.expectAttr(op.getStridesAttr(), "strides")) ||
      failed(report.expectAttr(op.getPadsAttr(), "pads")) ||
      failed(report.expectAttr(op.getDilationsAttr(), "dilations")))
    return failure();
  Value input = op.getInput();
  int64_t rank = rankOf(input);
  if (rank < 3)
    return report.fail("expected an input of rank >= 3, got rank ", rank);
  Window window{op.getStrides(), op.getPads(), op.getDilations()};
  if (failed(checkWindow(report, window, rank - 2)) ||
      failed(
          report.expectCount(op.getKernel().size(), rank - 2, "kernel sizes")))
    return failure();
  SmallVector<DimExpr> sizes{dimOf(input, 0), dimOf(input, 1)};
  for (int64_t i = 0; i < rank - 2; ++i) {
    int64_t kernel = op.getKernel()[i];
    if (kernel < 1)
      return report.fail("expected kernel sizes >= 1, got ", kernel);
    auto size = countWindows(
        report, dimOf(input, i + 2), i + 2,
        (kernel - 1) * window.dilations[i] + 1, window.strides[i],
        window.pads[i], window.pads[i + rank - 2], isSet(op.getCeilModeAttr()));
    if (failed(size))
      return failure();
    sizes.push_back(*size);
  }
  types.push_back(tensorType(sizes, elementOf(input)));
  return success();
}

} // namespace mlir::tenon::graph
