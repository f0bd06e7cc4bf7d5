//===- UnaryOps.cpp - Elementwise functions of one tensor -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Inference that all ops of one tensor share: the type stays, or its elements
// become i1. Tests: test/dialects/Graph/ops-pointwise.mlir,
// invalid-pointwise.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphUnaryOps.cpp.inc"

namespace mlir::tenon::graph {

void GraphDialect::registerUnaryOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphUnaryOps.cpp.inc"
      >();
}

LogicalResult detail::inferSameType(MLIRContext *context,
                                    std::optional<Location> location,
                                    StringRef op, ValueRange operands,
                                    SmallVectorImpl<Type> &types) {
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult detail::inferTest(MLIRContext *context,
                                std::optional<Location> location, StringRef op,
                                ValueRange operands,
                                SmallVectorImpl<Type> &types) {
  types.push_back(withElement(cast<RankedTensorType>(operands[0].getType()),
                              IntegerType::get(context, 1)));
  return success();
}

} // namespace mlir::tenon::graph
