//===- ConstantData.cpp - The bytes of a constant -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Target/EngineFile/ConstantData.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace mlir::tenon {

ConstantData::ConstantData(ElementsAttr attr) {
  auto type = cast<RankedTensorType>(attr.getShapedType());
  int64_t count = type.getNumElements();
  unsigned bits = type.getElementTypeBitWidth();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      view = blob->getData();
    return;
  }
  auto dense = cast<DenseElementsAttr>(attr);
  if (bits == 1) {
    owned.reserve(count);
    for (bool value : dense.getValues<bool>())
      owned.push_back(value);
    return;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat()) {
    view = raw;
    return;
  }
  owned.reserve(count * raw.size());
  for (int64_t i = 0; i < count; ++i)
    owned.insert(owned.end(), raw.begin(), raw.end());
}

ArrayRef<float> ConstantData::floats() const {
  ArrayRef<char> data = bytes();
  return ArrayRef(reinterpret_cast<const float *>(data.data()),
                  data.size() / sizeof(float));
}

ElementsAttr makeConstant(RankedTensorType type, ArrayRef<char> bytes,
                          StringRef name) {
  // Small ones are printed and compared by value.
  constexpr size_t kInline = 1024;
  if (bytes.size() <= kInline) {
    if (type.getElementType().isInteger(1)) {
      SmallVector<bool> values(bytes.begin(), bytes.end());
      return DenseElementsAttr::get(type, values);
    }
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  }
  return DenseResourceElementsAttr::get(
      type, name, UnmanagedAsmResourceBlob::allocateInferAlign(bytes));
}

} // namespace mlir::tenon
