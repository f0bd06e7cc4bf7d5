//===- Domain.h - Loops over the elements of a result ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Which dimensions of a pointwise body can be walked as one. Two neighbours
// (sizes of 1 between them do not count) merge if every address in the body is
// the same for index (a, b) and for index (0, a * size + b): both are there
// with full size, or neither.
//
//     add(x[N, C, H, W], bias[C, 1, 1]):  H and W merge, C does not
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_EMIT_DOMAIN_H
#define TENON_KERNELS_EMIT_DOMAIN_H

#include "kernels/Emit/Emitter.h"

namespace mlir::tenon {

/// The first dimension of the longest tail of `dims` that can be walked as one
/// dimension in all that `value` is computed from, down to block arguments and
/// to `stop` (whose own positions are the domain's). Never below `from`.
int64_t mergedTail(Value value, ArrayRef<graph::DimExpr> dims, int64_t from,
                   function_ref<bool(Value)> stop = nullptr);

/// The same for all values that a kernel of pointwise ops yields, which have
/// the sizes `dims`.
int64_t mergedTail(graph::YieldOp yield, ArrayRef<graph::DimExpr> dims,
                   int64_t from);

/// The dimension that carries the index of dims [first, end) walked as one: the
/// innermost whose size is not 1 (an index along a size of 1 is dropped where
/// operands broadcast).
int64_t mergedAxis(ArrayRef<graph::DimExpr> dims, int64_t first);

/// Bytes of one element of `value` in memory.
int64_t storedBytes(Value value);
/// Bytes of the widest elements in memory that each element of `value` is
/// computed from. What only says where others lie does not count, nor do
/// scalars.
int64_t widestBytes(Value value);

/// Stores the elements of all that a kernel of pointwise ops yields at a
/// position; what several of them need is computed once.
void storeAll(Emitter &e, ArrayRef<Index> at, int64_t lanes);

/// Reduces `count` elements to a scalar: four vectors at a time, then one,
/// then single elements, in an order that depends on `count` alone.
Value emitReduction(Emitter &e, Value count, int64_t lanes, Value identity,
                    function_ref<Value(Value, Value)> combine,
                    function_ref<Value(Index, int64_t)> element);

/// Calls `body(i, lanes)` for all of [from, to): vectors, then single ones.
/// `from` is a multiple of `multiple`.
void forEachVector(Emitter &e, Value from, Value to, int64_t lanes,
                   int64_t multiple, function_ref<void(Index, int64_t)> body);

/// A mask of the lanes that are below `left`.
Value tailMask(Emitter &e, Value left, int64_t lanes);

} // namespace mlir::tenon

#endif // TENON_KERNELS_EMIT_DOMAIN_H
