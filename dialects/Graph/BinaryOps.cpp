//===- BinaryOps.cpp - Elementwise functions of more tensors --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Inference of ops that broadcast as NumPy does. Tests:
// test/dialects/Graph/ops-pointwise.mlir, invalid-pointwise.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphBinaryOps.cpp.inc"

namespace mlir::tenon::graph {

void GraphDialect::registerBinaryOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphBinaryOps.cpp.inc"
      >();
}

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

/// The broadcast shape of all operands with `element`; the layout stays where
/// all operands have the same type of shape.
static LogicalResult inferBroadcast(std::optional<Location> location,
                                    StringRef op, ValueRange operands,
                                    Type element,
                                    SmallVectorImpl<Type> &types) {
  SmallVector<DimExpr> dims = dimsOf(operands[0]);
  LayoutAttr layout = layoutOf(operands[0].getType());
  for (Value operand : operands.drop_front()) {
    SmallVector<DimExpr> other = dimsOf(operand);
    auto both = broadcastShapes(element.getContext(), dims, other);
    if (!both)
      return emitOptionalError(location, "'", op,
                               "': expected shapes that broadcast, got ",
                               shapeString(dims), " and ", shapeString(other));
    dims = *both;
    if (layoutOf(operand.getType()) != layout)
      layout = {};
  }
  types.push_back(tensorType(dims, element, layout));
  return success();
}

static LogicalResult checkEqualElements(std::optional<Location> location,
                                        StringRef op, Value a, Value b) {
  if (elementOf(a) == elementOf(b))
    return success();
  return emitOptionalError(location, "'", op,
                           "': expected operands of one element type, got ",
                           elementOf(a), " and ", elementOf(b));
}

LogicalResult detail::inferBinary(MLIRContext *context,
                                  std::optional<Location> location,
                                  StringRef op, ValueRange operands,
                                  SmallVectorImpl<Type> &types) {
  if (failed(checkEqualElements(location, op, operands[0], operands[1])))
    return failure();
  return inferBroadcast(location, op, operands, elementOf(operands[0]), types);
}

LogicalResult detail::inferPow(MLIRContext *context,
                               std::optional<Location> location, StringRef op,
                               ValueRange operands,
                               SmallVectorImpl<Type> &types) {
  return inferBroadcast(location, op, operands, elementOf(operands[0]), types);
}

LogicalResult detail::inferCompare(MLIRContext *context,
                                   std::optional<Location> location,
                                   StringRef op, ValueRange operands,
                                   SmallVectorImpl<Type> &types) {
  if (failed(checkEqualElements(location, op, operands[0], operands[1])))
    return failure();
  return inferBroadcast(location, op, operands, IntegerType::get(context, 1),
                        types);
}

LogicalResult detail::inferSelect(MLIRContext *context,
                                  std::optional<Location> location,
                                  StringRef op, ValueRange operands,
                                  SmallVectorImpl<Type> &types) {
  if (!elementOf(operands[0]).isInteger(1))
    return emitOptionalError(location, "'", op,
                             "': expected a condition of i1, got ",
                             elementOf(operands[0]));
  if (failed(checkEqualElements(location, op, operands[1], operands[2])))
    return failure();
  return inferBroadcast(location, op, operands, elementOf(operands[1]), types);
}

} // namespace mlir::tenon::graph
