//===- Rewrite.h - How a pass applies its patterns ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_GRAPH_REWRITE_H
#define TENON_COMPILER_GRAPH_REWRITE_H

#include "compiler/Support/Diagnostics.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::tenon::graph {

/// A pattern that goes on finding work after this many sweeps undoes another;
/// so do those that rewrite this many times within a sweep, and for each op.
constexpr int64_t kMaxSweeps = 64, kMinRewrites = 1000, kRewritesAnOp = 100;

/// Applies patterns until none matches. Reasons not to match become remarks of
/// `pass`; an error is reported if the patterns do not come to an end.
/// Constants stay as they are: their names say which initializer they were.
inline LogicalResult
rewriteGreedily(Operation *root, RewritePatternSet &&patterns, StringRef pass) {
  ReasonsAsRemarks reasons(pass);
  int64_t ops = 0;
  root->walk([&](Operation *) { ++ops; });
  auto config =
      GreedyRewriteConfig()
          .setListener(&reasons)
          .setMaxIterations(kMaxSweeps)
          .setMaxNumRewrites(kMinRewrites + kRewritesAnOp * ops)
          .enableConstantCSE(false)
          .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  if (succeeded(applyPatternsGreedily(root, std::move(patterns), config)))
    return success();
  return root->emitError() << "'" << pass << "': expected its patterns to "
                           << "come to an end within " << kMaxSweeps
                           << " sweeps";
}

} // namespace mlir::tenon::graph

#endif // TENON_COMPILER_GRAPH_REWRITE_H
