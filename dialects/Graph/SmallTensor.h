//===- SmallTensor.h - Integer tensors of a few sizes ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Shape arithmetic at compile time works on tensors of at most 64 integers,
// each an expression. The folders read them from constants, pick and combine
// elements, and write them back. Private to this folder.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECTS_GRAPH_SMALLTENSOR_H
#define TENON_DIALECTS_GRAPH_SMALLTENSOR_H

#include "dialects/Graph/GraphOps.h"

namespace mlir::tenon::graph::detail {

/// A tensor of static shape with its elements in row-major order.
struct SmallTensor {
  SmallVector<int64_t> shape;
  SmallVector<DimExpr> elements;

  /// The operand's value, if it is known and small enough.
  static std::optional<SmallTensor> read(Value value, Attribute attr) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    auto elements = dimElements(attr);
    if (!type || !type.hasStaticShape() || !elements ||
        type.getNumElements() != int64_t(elements->size()))
      return std::nullopt;
    return SmallTensor{SmallVector<int64_t>(type.getShape()),
                       std::move(*elements)};
  }

  /// The element at `index`, which has at least as many dimensions as the
  /// tensor and is broadcast to it.
  DimExpr atBroadcast(ArrayRef<int64_t> index) const {
    int64_t at = 0;
    index = index.take_back(shape.size());
    for (auto [axis, size] : llvm::enumerate(shape))
      at = at * size + (size == 1 ? 0 : index[axis]);
    return elements[at];
  }
};

/// Calls `element` for each index of `type` in row-major order and makes an
/// attribute of the answers; null if one is missing or the tensor is not small.
Attribute buildSmall(
    RankedTensorType type,
    llvm::function_ref<std::optional<DimExpr>(ArrayRef<int64_t>)> element);

/// Whether `attr` is a constant, and all its elements are `value`.
bool isSplatOf(Attribute attr, double value);

} // namespace mlir::tenon::graph::detail

#endif // TENON_DIALECTS_GRAPH_SMALLTENSOR_H
