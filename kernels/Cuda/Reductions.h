//===- Reductions.h - Rows and columns on a GPU's threads -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What softmax, norms and reductions of a tensor share. If the innermost
// dimension is reduced, threads walk along it (RowThreads.cpp); if it is kept,
// neighbouring threads have neighbouring results (Columns.cpp). A reduction of
// few results over many elements is split over blocks (SplitReduce.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_REDUCTIONS_H
#define TENON_KERNELS_CUDA_REDUCTIONS_H

#include "kernels/Emit/Emitter.h"
#include "kernels/Family.h"

namespace mlir::tenon {

/// The rows of an anchor's input: what one softmax, mean or sum is over.
struct RowShape {
  SmallVector<int64_t> kept, own; // dimensions, in order
  int64_t inner = 0;              // the innermost whose size is not 1
  bool merged = false;            // `own` can be walked as one, along `inner`
  graph::DimExpr rows, length;
  graph::DimExpr contiguous; // what vectors must divide
};

/// None if the innermost dimension is not part of the rows.
std::optional<RowShape> rowShapeOf(graph::KernelOp kernel, Operation *anchor);

/// Whether the types are such that threads can combine them.
bool reducesOnThreads(Operation *anchor);

/// The position in a reduction's result for one in its input.
SmallVector<Index> reducedPosition(Emitter &e, graph::ReduceOp op,
                                   ArrayRef<Index> at);

/// Threads of a block that has a part of a row.
inline constexpr int64_t kPartThreads = 256;

/// Part of a reduction: the result is a workspace of the type in which elements
/// are computed, [row][part] for rows and [part][result] for columns.
std::optional<KernelCode> buildRowParts(graph::KernelOp kernel, StringRef name,
                                        const KernelTarget &target,
                                        int64_t parts);
std::optional<KernelCode> buildColumnParts(graph::KernelOp kernel,
                                           StringRef name,
                                           const KernelTarget &target,
                                           int64_t parts);

/// A reduction in two launches, where one would leave most of the device idle.
std::optional<BuiltKernel> buildSplitReduce(graph::KernelOp kernel,
                                            StringRef name,
                                            const KernelTarget &target);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_REDUCTIONS_H
