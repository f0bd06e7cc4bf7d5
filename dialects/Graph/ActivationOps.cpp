//===- ActivationOps.cpp - Activations, roundings, casts ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// `graph.cast` changes the element type; the rest infers as all ops of one
// tensor do (UnaryOps.cpp). Tests: test/dialects/Graph/ops-pointwise.mlir,
// invalid-pointwise.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphActivationOps.cpp.inc"

namespace mlir::tenon::graph {

void GraphDialect::registerActivationOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphActivationOps.cpp.inc"
      >();
}

LogicalResult
CastOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes,
                         OpaqueProperties properties, RegionRange regions,
                         SmallVectorImpl<Type> &types) {
  Adaptor op(operands, attributes, properties, regions);
  if (!op.getToAttr())
    return emitOptionalError(location, "'graph.cast': expected attribute 'to'");
  Type to = op.getTo();
  if (!to.isIntOrFloat())
    return emitOptionalError(
        location,
        "'graph.cast': expected an integer or float type in 'to', "
        "got ",
        to);
  types.push_back(
      withElement(cast<RankedTensorType>(op.getInput().getType()), to));
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  return detail::foldPointwise(getOperation(), adaptor.getOperands());
}

} // namespace mlir::tenon::graph
