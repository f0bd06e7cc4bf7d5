//===- Window.h - Attributes of sliding windows ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_WINDOW_H
#define TENON_COMPILER_IMPORT_WINDOW_H

#include "compiler/Import/Node.h"

namespace mlir::tenon {

/// What convolution and pooling nodes share. One element for each spatial
/// dimension; `pads` all low sides, then all high sides.
struct Window {
  SmallVector<int64_t> kernel, strides, dilations, pads;
  /// Padding that depends on sizes unknown at compile time, in the order of
  /// `pads`, which are 0 then; empty if there is none. `padInput` applies it.
  SmallVector<graph::DimExpr> symbolicPads;

  bool isPadded() const {
    return !symbolicPads.empty() ||
           llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
  }
};

/// `input` with the window's symbolic padding around it, filled with `fill`
/// (rank 0; null: zero); `input` itself if there is none.
Value padInput(Node &node, const Window &window, Value input, Value fill);

/// Reads strides, dilations, pads and auto_pad; checks each. `spatial` are the
/// sizes of the input that the window slides over.
FailureOr<Window> readWindow(Node &node, ArrayRef<int64_t> kernel,
                             ArrayRef<graph::DimExpr> spatial);

/// The attribute's values, `fallback` for each dimension if absent; an error
/// if there are not `count` or one is outside of [low, 2^31).
FailureOr<SmallVector<int64_t>> readSizes(Node &node, StringRef name,
                                          size_t count, int64_t fallback,
                                          int64_t low);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_WINDOW_H
