//===- MovePatterns.h - The families of movement patterns -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One file a family; all run in one greedy rewrite, since a slice that moves
// up may let two transposes meet.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_MOVEPATTERNS_H
#define TENON_COMPILER_GRAPH_MOVEPATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::tenon::graph {

/// Transposes that meet, through pointwise ops and reductions.
void addTransposePatterns(RewritePatternSet &patterns);
/// Reshapes, broadcasts and casts.
void addReshapePatterns(RewritePatternSet &patterns);
/// Slices of slices, concats, transposes and reshapes; gathers of one index.
void addSlicePatterns(RewritePatternSet &patterns);
/// Windows over one dimension, and padding in front of windows.
void addConvolutionPatterns(RewritePatternSet &patterns);

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_MOVEPATTERNS_H
