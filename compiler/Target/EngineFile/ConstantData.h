//===- ConstantData.h - The bytes of a constant ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TARGET_ENGINEFILE_CONSTANTDATA_H
#define TENON_COMPILER_TARGET_ENGINEFILE_CONSTANTDATA_H

#include "mlir/IR/BuiltinAttributes.h"
#include <vector>

namespace mlir::tenon {

/// A constant's elements as kernels store them: row-major, little endian, i1
/// as a byte each. Points into the attribute where it can, else owns a copy.
class ConstantData {
public:
  explicit ConstantData(ElementsAttr attr);
  ArrayRef<char> bytes() const {
    return owned.empty() ? view : ArrayRef<char>(owned);
  }
  /// f32 elements; the constant must be f32.
  ArrayRef<float> floats() const;

private:
  ArrayRef<char> view;
  std::vector<char> owned;
};

/// A constant over bytes that the caller keeps alive (see ConstantPool).
ElementsAttr makeConstant(RankedTensorType type, ArrayRef<char> bytes,
                          StringRef name);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_ENGINEFILE_CONSTANTDATA_H
