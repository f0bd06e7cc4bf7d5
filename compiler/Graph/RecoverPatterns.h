//===- RecoverPatterns.h - The families of recovered patterns -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One file a family. All run in one greedy rewrite, so that what one family
// finds the next can build on: clamp, hard_sigmoid, hard_swish.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_RECOVERPATTERNS_H
#define TENON_COMPILER_GRAPH_RECOVERPATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::tenon::graph {

/// Powers, quotients, clamps, sigmoids and what is built of them.
void addActivationPatterns(RewritePatternSet &patterns);
/// GELU with erf and with tanh.
void addGeluPatterns(RewritePatternSet &patterns);
/// Layer and RMS normalization, then scale and bias into them.
void addLayerNormPatterns(RewritePatternSet &patterns);
void addSoftmaxPatterns(RewritePatternSet &patterns);
void addAttentionPatterns(RewritePatternSet &patterns);

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_RECOVERPATTERNS_H
