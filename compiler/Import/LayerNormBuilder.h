//===- LayerNormBuilder.h - Normalizations for several importers ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_LAYERNORMBUILDER_H
#define TENON_COMPILER_IMPORT_LAYERNORMBUILDER_H

#include "compiler/Import/Node.h"

namespace mlir::tenon {

/// graph.layer_norm over the dimensions from `axis` on; `scale` and `bias` may
/// be null.
Value buildLayerNorm(Node &node, Value input, Value scale, Value bias,
                     int64_t axis, double epsilon, bool rms);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_LAYERNORMBUILDER_H
