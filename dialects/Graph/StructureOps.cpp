//===- StructureOps.cpp - Constants, kernels, yields ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Verifiers of the ops that hold values and kernels. Tests:
// test/dialects/Graph/invalid-structure.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

#define GET_OP_CLASSES
#include "dialects/Graph/GraphStructureOps.cpp.inc"

namespace mlir::tenon::graph {

void GraphDialect::registerStructureOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Graph/GraphStructureOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

/// Bytes of a resource with these elements: each in whole bytes.
static std::optional<uint64_t> resourceBytes(ShapedType type) {
  Type element = type.getElementType();
  if (!element.isIntOrFloat())
    return std::nullopt;
  uint64_t bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  for (int64_t size : type.getShape()) {
    bool overflow = false;
    bytes = llvm::SaturatingMultiply(bytes, uint64_t(size), &overflow);
    if (overflow)
      return std::nullopt;
  }
  return bytes;
}

LogicalResult ConstantOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  ShapedType value = getValue().getShapedType();
  if (value.getShape() != type.getShape() ||
      value.getElementType() != type.getElementType())
    return emitOpError() << "expected a value of the result's type " << type
                         << ", got " << value;
  auto resource = dyn_cast<DenseResourceElementsAttr>(getValue());
  if (!resource)
    return success();
  // MLIR does not compare a blob with its type.
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  auto bytes = resourceBytes(value);
  if (blob && (!bytes || blob->getData().size() != *bytes))
    return emitOpError() << "expected "
                         << (bytes ? std::to_string(*bytes)
                                   : std::string("fewer than 2^64"))
                         << " bytes in resource '"
                         << resource.getRawHandle().getKey() << "', got "
                         << blob->getData().size();
  return success();
}

OpFoldResult DimsOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult DimsOp::verify() {
  if (getValue().getType() != getType())
    return emitOpError() << "expected a value of the result's type "
                         << getType() << ", got " << getValue().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getNumArguments() != getInputs().size())
    return emitOpError() << "expected one block argument for each of the "
                         << getInputs().size() << " inputs, got "
                         << block.getNumArguments();
  for (auto [index, argument] : llvm::enumerate(block.getArguments()))
    if (argument.getType() != getInputs()[index].getType())
      return emitOpError() << "expected block argument " << index
                           << " to have its input's type "
                           << getInputs()[index].getType() << ", got "
                           << argument.getType();
  if (block.empty() || !isa<YieldOp>(block.back()))
    return emitOpError() << "expected a body that ends in graph.yield";
  return success();
}

LogicalResult YieldOp::verify() {
  auto kernel = cast<KernelOp>((*this)->getParentOp());
  if (getValues().getTypes() != kernel.getResultTypes())
    return emitOpError() << "expected values of the kernel's result types "
                         << kernel.getResultTypes() << ", got "
                         << getValues().getTypes();
  return success();
}

} // namespace mlir::tenon::graph
