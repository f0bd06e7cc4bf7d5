//===- RegisterBlock.h - The inner kernel of matmul and conv --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Every contraction comes down to one loop: `rows` x `vectors` accumulators
// stay in registers while k runs; each step broadcasts one element of each row
// and multiplies it with `vectors` vectors of weights:
//
//     acc[r][v] += splat(row_r[offset(k)]) * weights[k][v * lanes ..]
//
// With 6 rows and 2 vectors of 8, that is 12 FMAs, 6 broadcasts and 2 loads a
// step on AVX2: the two FMA pipes stay full (100 of 103.5 GFLOP/s measured).
// k is a nest of loops over contiguous runs: a matmul is one run of K; a
// convolution has a run for each channel block and kernel row. Weights are
// packed in the order in which they are read.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CONTRACTION_REGISTERBLOCK_H
#define TENON_KERNELS_CONTRACTION_REGISTERBLOCK_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

/// One loop around the contiguous run.
struct RunLoop {
  Value trips;  // i64
  Value stride; // i64, elements of the input from one trip to the next
};

struct RegisterBlock {
  SmallVector<RunLoop> loops; // outermost first
  graph::DimExpr run;         // length of the contiguous run
  Value weights;              // pointer to the first vector
  Value weightStride;         // i64, elements from one k to the next
  int64_t lanes = 8;
  int64_t vectors = 2;
  /// Lanes of the last vector that exist; null: all.
  Value lastMask;
};

/// Runs the block over all k. `rows` are pointers to each row's first element,
/// `init` the rows * vectors accumulators to start from; returns them updated,
/// row by row.
SmallVector<Value> emitRegisterBlock(Emitter &e, const RegisterBlock &block,
                                     ArrayRef<Value> rows,
                                     ArrayRef<Value> init);

/// Rows that fit the registers beside the weights: 6 for 2 vectors, as in the
/// study of the CPU's limits.
int64_t rowsFor(int64_t vectors, int64_t lanes);

/// Splits `count` rows (i64, >= 1) evenly into blocks of at most `most` and
/// calls `body(first, rows)` for each: 13 rows are 5 + 4 + 4, never 6 + 6 + 1.
void forEachRowBlock(Emitter &e, Value count, int64_t most,
                     function_ref<void(Value first, int64_t rows)> body);

/// Turns columns [first, first + width) of a matrix whose elements run along k
/// into a panel [k][width] at `to`, 8 x 8 elements at a time. Columns past
/// `count` repeat the last one.
void emitPackColumns(Emitter &e, Value pointer, Value columnStride, Value first,
                     Value count, Value depth, int64_t width, Value to);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CONTRACTION_REGISTERBLOCK_H
