//===- FuseKernels.h - What is left outside of kernels --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_FUSEKERNELS_H
#define TENON_COMPILER_GRAPH_FUSEKERNELS_H

#include "dialects/Graph/GraphOps.h"

namespace mlir::tenon::graph {

/// Whether the result of `op` is the same bytes as its input: a reshape that
/// needs no kernel.
bool isAlias(Operation *op);

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_FUSEKERNELS_H
