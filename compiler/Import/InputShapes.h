//===- InputShapes.h - Sizes of a model's inputs --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_INPUTSHAPES_H
#define TENON_COMPILER_IMPORT_INPUTSHAPES_H

#include "compiler/Import/Import.h"
#include "compiler/Import/Sizes.h"
#include "onnx.pb.h"

namespace mlir::tenon {

/// The sizes of each input: declared ones, with `options.shapes` in their
/// place where given. Adds the symbols to `sizes` and calls `error` for each
/// problem; an input with a problem has no sizes in the result.
SmallVector<SmallVector<graph::DimExpr>>
declareInputShapes(MLIRContext *context,
                   ArrayRef<const ::onnx::ValueInfoProto *> inputs,
                   const ImportOptions &options, Sizes &sizes,
                   llvm::function_ref<void(const Twine &)> error);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_INPUTSHAPES_H
