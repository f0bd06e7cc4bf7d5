//===- MatmulFrame.h - What kernels of a matrix product share -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A product is batches x rows x columns, summed over depth. Its kernels are
// written in different ways (MatmulTiles.cpp, MatmulVector.cpp) from the same
// parts: where an element of a side or of the result is, and what happens to a
// sum: the epilogue, or, where several blocks share k, a place in a workspace.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_MATMULFRAME_H
#define TENON_KERNELS_CUDA_MATMULFRAME_H

#include "kernels/Cuda/MatmulSchedule.h"
#include "kernels/Emit/Emitter.h"
#include "kernels/Emit/StridedView.h"
#include "kernels/Family.h"

namespace mlir::tenon {

/// A side of the product: M x K, or N x K.
struct Side {
  Value value;
  unsigned own, k;                 // its dimensions in `value`
  std::optional<StridedView> view; // if it is one of an argument
  bool alongK = true;              // k is contiguous in memory
  int64_t vector = 0;              // elements of a copy; 0: computed
  graph::DimExpr misaligned = {};  // 0 where `vector` may be used; null: always
};

Side sideOf(Value value, unsigned own, unsigned k);
/// The same side where its sizes are not aligned.
Side unaligned(Side side);

/// Whether batches and rows of the left side are one dimension in memory, and
/// the right side has no batches.
bool mergesRows(graph::MatmulOp op, const Side &lhs);

/// A matmul and how its sides lie in memory.
struct Product {
  graph::KernelOp kernel;
  graph::MatmulOp op;
  Side lhs, rhs;
  unsigned workspaces = 0; // that its kernels are called with
};

class MatmulFrame {
public:
  MatmulFrame(const Product &product, StringRef name,
              const KernelTarget &target, const MatmulSchedule &schedule);

protected:
  /// The code of a kernel over this many blocks, but for its memory.
  KernelCode finish(graph::DimExpr blocks);

  /// The digits of `number` in sizes, the last running fastest.
  void split(Value number, ArrayRef<graph::DimExpr> sizes,
             SmallVector<Value> &into);
  /// Splits the block's number into part, batch and `sizes`.
  SmallVector<Value> splitBlock(ArrayRef<graph::DimExpr> sizes);
  /// Where a result is, in the shape of the matmul.
  SmallVector<Index> positionOf(Value row, Value column, int64_t lanes);
  /// Where elements of a side are, in the side's own shape.
  SmallVector<Index> positionIn(const Side &side, Index own, Index k);
  /// Stores sums of `lanes` neighbours in a row, with everything that is fused
  /// behind the product; a part of sums goes to the workspace.
  void finishSum(Value row, Value column, Value sum, int64_t lanes);

  Product product;
  graph::KernelOp kernel;
  graph::MatmulOp op;
  MatmulSchedule schedule;
  Side lhs, rhs;
  Emitter e;

  SmallVector<graph::DimExpr> out;   // sizes of the result
  SmallVector<graph::DimExpr> batch; // sizes of batches; empty if merged
  SmallVector<Value> batchIndex;     // of the block
  Value batchNumber;
  graph::DimExpr rows, columns, depth;
  bool merged = false; // batches are rows of one matrix
  Value part;          // of k, that the block sums; null: all
};

/// A kernel of each way in which a schedule can say it.
KernelCode buildMatmulTiles(const Product &product, StringRef name,
                            const KernelTarget &target,
                            const MatmulSchedule &schedule);
KernelCode buildMatmulVector(const Product &product, StringRef name,
                             const KernelTarget &target,
                             const MatmulSchedule &schedule);
/// The launch behind parts: adds `parts` of them in order, and runs the
/// epilogue. Nothing to do where `parts` is 1.
KernelCode buildMatmulSum(const Product &product, StringRef name,
                          const KernelTarget &target, graph::DimExpr parts);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_MATMULFRAME_H
