//===- GraphDialect.cpp - The graph dialect -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Registers the ops topic by topic (each topic's file instantiates its own, for
// that is what takes the compiler's time) and makes ops of folded constants: a
// vector of sizes becomes `graph.dims`, elements become `graph.constant`.
// Tests: test/dialects/Graph/.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::tenon::graph;

#include "dialects/Graph/GraphDialect.cpp.inc"

void GraphDialect::initialize() {
  registerAttributes();
  registerActivationOps();
  registerAnchorOps();
  registerBinaryOps();
  registerMovementOps();
  registerStructureOps();
  registerUnaryOps();
}

Operation *GraphDialect::materializeConstant(OpBuilder &builder,
                                             Attribute value, Type type,
                                             Location loc) {
  if (auto dims = dyn_cast<DimVectorAttr>(value))
    return DimsOp::create(builder, loc, type, dims);
  if (auto elements = dyn_cast<ElementsAttr>(value))
    return ConstantOp::create(builder, loc, type, elements, StringAttr());
  return nullptr;
}
