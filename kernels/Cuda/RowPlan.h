//===- RowPlan.h - How rows are given to threads --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_ROWPLAN_H
#define TENON_KERNELS_CUDA_ROWPLAN_H

#include "dialects/Graph/DimExpr.h"
#include "kernels/Cuda/Threads.h"

namespace mlir::tenon {

struct RowPlan {
  int64_t threads = kWarpThreads; // of a row
  int64_t vector = 1;
  /// Rows up to this length are kept in registers; 0: none.
  int64_t kept = 0;
  bool aligned = false; // `vector` divides the length, says the guard
  graph::DimExpr guard; // null: for all sizes
  /// Blocks of a row of a reduction. If more than one, each stores what its
  /// part comes to: in the workspace at [row][part].
  int64_t parts = 1;

  std::string str() const;
};

/// Plans for rows of this length, in the order in which they are tried: the
/// last has no guard. `contiguous` is the length that vectors must divide,
/// `vector` the most elements that one access moves.
SmallVector<RowPlan> rowPlans(graph::DimExpr length, graph::DimExpr contiguous,
                              int64_t vector);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_ROWPLAN_H
