//===- MatmulBuilder.h - Matrix products for several importers ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_MATMULBUILDER_H
#define TENON_COMPILER_IMPORT_MATMULBUILDER_H

#include "compiler/Import/Node.h"

namespace mlir::tenon {

/// graph.matmul with what it asks of the sizes noted; operands of rank >= 2.
Value buildMatmul(Node &node, Value lhs, Value rhs, bool transposeRhs);

/// Swaps the last two dimensions.
Value transposeLast(Node &node, Value value);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_MATMULBUILDER_H
