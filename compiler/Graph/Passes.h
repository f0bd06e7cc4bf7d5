//===- Passes.h - Passes from graph to graph ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_PASSES_H
#define TENON_COMPILER_GRAPH_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::tenon::graph {

#define GEN_PASS_DECL
#include "compiler/Graph/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/Graph/Passes.h.inc"

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_PASSES_H
