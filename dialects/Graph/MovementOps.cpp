//===- MovementOps.cpp - Shapes of ops that only move elements ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Inference of reshape, transpose, broadcast, slice, concat, pad, tile,
// gather, iota and resize. Their folders are in MovementFolds.cpp. Tests:
// test/dialects/Graph/ops-movement.mlir, invalid-movement.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/InferReporter.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphMovementOps.cpp.inc"

namespace mlir::tenon::graph {

void GraphDialect::registerMovementOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphMovementOps.cpp.inc"
      >();
}

using detail::elementOf;
using detail::InferReporter;
using detail::rankOf;

/// No size may be negative for all inputs.
static LogicalResult expectSizes(const InferReporter &report,
                                 ArrayRef<DimExpr> sizes) {
  for (auto [axis, size] : llvm::enumerate(sizes))
    if (size.upperBound() < 0)
      return report.fail("expected a size >= 0 in dimension ", axis, ", got ",
                         size.str());
  return success();
}

LogicalResult ReshapeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getSizesAttr(), "sizes")))
    return failure();
  SmallVector<DimExpr> sizes = dimsOf(op.getSizesAttr());
  if (failed(expectSizes(report, sizes)))
    return failure();
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  DimExpr difference = productOf(context, from) - productOf(context, sizes);
  if (difference.lowerBound() > 0 || difference.upperBound() < 0)
    return report.fail("expected as many elements as the input has, got ",
                       shapeString(from), " to ", shapeString(sizes));
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult TransposeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getPermAttr(), "perm")))
    return failure();
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  if (failed(report.expectCount(op.getPerm().size(), from.size(),
                                "axes in perm (the input's rank)")))
    return failure();
  SmallVector<bool> seen(from.size());
  SmallVector<DimExpr> sizes;
  for (int64_t axis : op.getPerm()) {
    if (failed(report.expectAxis(axis, from.size(), "axes of perm")))
      return failure();
    if (seen[axis])
      return report.fail("expected each axis once in perm, got ", axis,
                         " twice");
    seen[axis] = true;
    sizes.push_back(from[axis]);
  }
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult BroadcastOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getSizesAttr(), "sizes")))
    return failure();
  SmallVector<DimExpr> sizes = dimsOf(op.getSizesAttr());
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  if (failed(expectSizes(report, sizes)))
    return failure();
  bool fits = from.size() <= sizes.size();
  for (size_t i = 0; fits && i < from.size(); ++i) {
    // A size that the broadcast would have to change does not fit.
    DimExpr want = sizes[sizes.size() - from.size() + i];
    bool grows = want.isConstant(1) && from[i].lowerBound() > 1;
    fits = broadcastDims(from[i], want).has_value() && !grows;
  }
  if (!fits)
    return report.fail("expected a shape that broadcasts to ",
                       shapeString(sizes), ", got ", shapeString(from));
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult SliceOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getOffsetsAttr(), "offsets")) ||
      failed(report.expectAttr(op.getSizesAttr(), "sizes")) ||
      failed(report.expectAttr(op.getStridesAttr(), "strides")))
    return failure();
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  SmallVector<DimExpr> offsets = dimsOf(op.getOffsetsAttr());
  SmallVector<DimExpr> sizes = dimsOf(op.getSizesAttr());
  ArrayRef<int64_t> strides = op.getStrides();
  int64_t rank = from.size();
  if (failed(report.expectCount(offsets.size(), rank, "offsets")) ||
      failed(report.expectCount(sizes.size(), rank, "sizes")) ||
      failed(report.expectCount(strides.size(), rank, "strides")) ||
      failed(expectSizes(report, sizes)))
    return failure();
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (strides[axis] == 0)
      return report.fail("expected strides other than 0, got 0 in dimension ",
                         axis);
    if (sizes[axis].isConstant(0))
      continue;
    // First and last element that the slice reads.
    DimExpr first = offsets[axis];
    DimExpr last = first + (sizes[axis] - 1) * strides[axis];
    DimExpr low = strides[axis] > 0 ? first : last;
    DimExpr high = strides[axis] > 0 ? last : first;
    // An empty slice reads nothing, so that only sure elements count.
    bool outside =
        sizes[axis].lowerBound() > 0 &&
        (low.upperBound() < 0 || (high - from[axis]).lowerBound() >= 0);
    if (outside)
      return report.fail("expected elements ", first.str(), " to ", last.str(),
                         " to lie inside dimension ", axis, " of size ",
                         from[axis].str());
  }
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (operands.empty())
    return report.fail("expected at least one input");
  if (failed(report.expectAttr(op.getAxisAttr(), "axis")) ||
      failed(report.expectAxis(op.getAxis(), rankOf(operands[0]))))
    return failure();
  SmallVector<DimExpr> sizes = dimsOf(operands[0]);
  for (Value input : operands.drop_front()) {
    SmallVector<DimExpr> other = dimsOf(input);
    if (failed(report.expectSameElement(operands[0], input)))
      return failure();
    if (other.size() != sizes.size())
      return report.fail("expected inputs of one rank, got ", sizes.size(),
                         " and ", other.size());
    for (int64_t axis = 0, rank = sizes.size(); axis < rank; ++axis) {
      if (axis == int64_t(op.getAxis())) {
        sizes[axis] = sizes[axis] + other[axis];
        continue;
      }
      auto size = report.expectEqualSizes(sizes[axis], other[axis],
                                          "sizes in dimension " + Twine(axis));
      if (failed(size))
        return failure();
      sizes[axis] = *size;
    }
  }
  types.push_back(tensorType(sizes, elementOf(operands[0])));
  return success();
}

LogicalResult
PadOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                        ValueRange operands, DictionaryAttr attributes,
                        OpaqueProperties properties, RegionRange regions,
                        SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getLowAttr(), "low")) ||
      failed(report.expectAttr(op.getHighAttr(), "high")))
    return failure();
  SmallVector<DimExpr> sizes = dimsOf(op.getInput());
  SmallVector<DimExpr> low = dimsOf(op.getLowAttr());
  SmallVector<DimExpr> high = dimsOf(op.getHighAttr());
  if (failed(report.expectCount(low.size(), sizes.size(), "low amounts")) ||
      failed(report.expectCount(high.size(), sizes.size(), "high amounts")))
    return failure();
  if (Value value = op.getValue()) {
    if (rankOf(value) != 0)
      return report.fail("expected a value of rank 0, got rank ",
                         rankOf(value));
    if (failed(report.expectSameElement(op.getInput(), value)))
      return failure();
  }
  for (auto [axis, size] : llvm::enumerate(sizes))
    size = size + low[axis] + high[axis];
  if (failed(expectSizes(report, sizes)))
    return failure();
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult
TileOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getRepeatsAttr(), "repeats")))
    return failure();
  SmallVector<DimExpr> sizes = dimsOf(op.getInput());
  SmallVector<DimExpr> repeats = dimsOf(op.getRepeatsAttr());
  if (failed(report.expectCount(repeats.size(), sizes.size(), "repeats")))
    return failure();
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    if (repeats[axis].upperBound() < 0)
      return report.fail("expected repeats >= 0 in dimension ", axis, ", got ",
                         repeats[axis].str());
    size = size * repeats[axis];
  }
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

/// Indices are integers of any width but i1.
static LogicalResult expectIndices(const InferReporter &report, Value indices) {
  Type element = elementOf(indices);
  if (element.isIntOrIndex() && !element.isInteger(1))
    return success();
  return report.fail("expected integer indices, got ", element);
}

LogicalResult GatherOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  if (failed(report.expectAttr(op.getAxisAttr(), "axis")) ||
      failed(report.expectAxis(op.getAxis(), from.size())) ||
      failed(expectIndices(report, op.getIndices())))
    return failure();
  int64_t axis = op.getAxis();
  SmallVector<DimExpr> sizes(from.begin(), from.begin() + axis);
  llvm::append_range(sizes, dimsOf(op.getIndices()));
  sizes.append(from.begin() + axis + 1, from.end());
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult GatherElementsOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  SmallVector<DimExpr> sizes = dimsOf(op.getIndices());
  if (failed(report.expectAttr(op.getAxisAttr(), "axis")) ||
      failed(report.expectAxis(op.getAxis(), from.size())) ||
      failed(expectIndices(report, op.getIndices())))
    return failure();
  if (from.size() != sizes.size())
    return report.fail("expected indices of the input's rank ", from.size(),
                       ", got ", sizes.size());
  for (int64_t axis = 0, rank = from.size(); axis < rank; ++axis)
    if (axis != int64_t(op.getAxis()) &&
        (sizes[axis] - from[axis]).lowerBound() > 0)
      return report.fail("expected at most ", from[axis].str(),
                         " indices in dimension ", axis, ", got ",
                         sizes[axis].str());
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

LogicalResult
IotaOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getSizeAttr(), "size")))
    return failure();
  if (rankOf(op.getStart()) != 0 || rankOf(op.getStep()) != 0)
    return report.fail("expected start and step of rank 0, got ranks ",
                       rankOf(op.getStart()), " and ", rankOf(op.getStep()));
  DimExpr size(op.getSizeAttr());
  if (failed(report.expectSameElement(op.getStart(), op.getStep())) ||
      failed(expectSizes(report, size)))
    return failure();
  types.push_back(tensorType(size, elementOf(op.getStart())));
  return success();
}

LogicalResult RelayoutOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location>,
                                           ValueRange operands, DictionaryAttr,
                                           OpaqueProperties, RegionRange,
                                           SmallVectorImpl<Type> &types) {
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult ResizeOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  InferReporter report(location, getOperationName());
  if (failed(report.expectAttr(op.getSizesAttr(), "sizes")) ||
      failed(report.expectAttr(op.getScalesAttr(), "scales")))
    return failure();
  SmallVector<DimExpr> from = dimsOf(op.getInput());
  SmallVector<DimExpr> sizes = dimsOf(op.getSizesAttr());
  if (failed(report.expectCount(sizes.size(), from.size(), "sizes")) ||
      failed(
          report.expectCount(op.getScales().size(), from.size(), "scales")) ||
      failed(expectSizes(report, sizes)))
    return failure();
  for (auto [axis, size] : llvm::enumerate(sizes))
    if (from[axis].isConstant(0) && size.lowerBound() > 0)
      return report.fail("expected a dimension ", axis,
                         " that is not empty, to resize it to ", size.str());
  types.push_back(tensorType(sizes, elementOf(op.getInput())));
  return success();
}

} // namespace mlir::tenon::graph
