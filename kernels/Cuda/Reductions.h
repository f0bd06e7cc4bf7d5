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

#include "kernels/Cuda/ThreadFamily.h"
#include "kernels/Emit/Emitter.h"

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

/// Elements of a row that a thread keeps in registers, as f32, at most.
inline constexpr int64_t kMostKept = 32;
/// Threads of a row at most.
inline constexpr int64_t kMostRowThreads = 512;
/// Threads of a row as they were tried on a device: some lanes of a warp for a
/// short one, a warp, or a block with some 16 elements a thread.
int64_t triedRowThreads(int64_t length, int64_t vector);
/// Why rows cannot have so many threads; empty if they can.
std::string problemOfRowThreads(int64_t threads);

// --- The code of one case --------------------------------------------------
// None where vectors would come in pieces. With parts, the result is a
// workspace of the type in which elements are computed, [row][part] for rows
// and [part][result] for columns.

std::optional<KernelCode> buildRows(graph::KernelOp kernel,
                                    const RowShape &shape,
                                    const ThreadCase &from, StringRef name,
                                    const KernelTarget &target);

// --- Reductions in two launches, where one would leave the device idle -----

/// Why a reduction of so many results of so many elements cannot have parts;
/// empty if it can.
std::string problemOfParts(graph::KernelOp kernel, int64_t parts);
/// Parts as they were tried on a device, for a reduction of so many results of
/// so many elements: enough blocks to keep it busy, each with enough to do.
int64_t triedParts(graph::KernelOp kernel, int64_t results, int64_t length,
                   bool rows);
/// What the second launch takes.
ThreadWork combineOfParts(double results, int64_t parts, bool rows);
/// Adds both launches to `built`: `part` as it is, and the one that combines
/// the parts of each result, in their order.
void splitReduce(graph::KernelOp kernel, StringRef name,
                 const KernelTarget &target, const ThreadSchedule &schedule,
                 KernelCode part, BuiltKernel &built);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_REDUCTIONS_H
