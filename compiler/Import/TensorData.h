//===- TensorData.h - ONNX tensors as attributes --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_TENSORDATA_H
#define TENON_COMPILER_IMPORT_TENSORDATA_H

#include "compiler/Import/OnnxFile.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::tenon {

/// No tensor has more elements than this, no size exceeds it: keeps every
/// product of a few sizes and bytes within 64 bits.
constexpr int64_t kMaxElements = int64_t(1) << 40;

/// The element type of an ONNX data type; null for strings, complex numbers
/// and what is unknown. Signed integers are signless, bool is i1.
Type elementType(MLIRContext *context, int32_t dataType);
/// "STRING", "7" ...: a data type for messages.
std::string dataTypeName(int32_t dataType);

/// The value of a tensor. Small ones and splats become dense attributes, all
/// others resources named `name` that point into `storage`; elements are in
/// row-major order, little-endian, one byte or more each (i1, i4: one byte).
llvm::Expected<ElementsAttr> readTensor(MLIRContext *context,
                                        ImportedModel::Storage &storage,
                                        const ::onnx::TensorProto &tensor,
                                        StringRef name, bool allowExternal);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_TENSORDATA_H
