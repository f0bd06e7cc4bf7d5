//===- StridedView.h - Values that are views of an argument ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A transpose, slice, broadcast or reshape of a row-major argument is often
// still an offset and one stride a dimension, so a kernel can read through it
// for free:
//
//     reshape [B, S, 768] -> [B, S, 12, 64], transpose (0, 2, 1, 3)
//  => offset 0, strides {S * 768, 64, 768, 1}
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_EMIT_STRIDEDVIEW_H
#define TENON_KERNELS_EMIT_STRIDEDVIEW_H

#include "dialects/Graph/GraphOps.h"

namespace mlir::tenon {

struct StridedView {
  Value base; // block argument, or a value that the caller stops at
  graph::DimExpr offset;
  SmallVector<graph::DimExpr> strides;
};

/// The view that `value` is of the first value above it for which `isBase`
/// holds (by default: block arguments); none if it is not strided.
std::optional<StridedView> viewOf(Value value,
                                  function_ref<bool(Value)> isBase = nullptr);

} // namespace mlir::tenon

#endif // TENON_KERNELS_EMIT_STRIDEDVIEW_H
