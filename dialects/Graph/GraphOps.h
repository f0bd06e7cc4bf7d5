//===- GraphOps.h - Operations of the graph dialect -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_GRAPHOPS_H
#define TENON_DIALECTS_GRAPH_GRAPHOPS_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Graph/DimExpr.h"
#include "dialects/Graph/GraphDialect.h.inc"
#include "dialects/Graph/Shape.h"

namespace mlir::tenon::graph {

/// Ops whose result element depends on the operands' elements at the same
/// (broadcast) index alone.
template <typename ConcreteType>
struct Pointwise : OpTrait::TraitBase<ConcreteType, Pointwise> {};

} // namespace mlir::tenon::graph

#define GET_OP_CLASSES
#include "dialects/Graph/GraphActivationOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/GraphAnchorOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/GraphBinaryOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/GraphMovementOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/GraphStructureOps.h.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/GraphUnaryOps.h.inc"

#endif // TENON_DIALECTS_GRAPH_GRAPHOPS_H
