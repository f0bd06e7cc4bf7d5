//===- SmallTensor.cpp - Integer tensors of a few sizes -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// See SmallTensor.h. Tests: test/dialects/Graph/fold-*.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/SmallTensor.h"

namespace mlir::tenon::graph {

Attribute detail::buildSmall(
    RankedTensorType type,
    llvm::function_ref<std::optional<DimExpr>(ArrayRef<int64_t>)> element) {
  if (!type.hasStaticShape() || type.getNumElements() > 64 ||
      type.getEncoding())
    return {};
  SmallVector<DimExpr> elements;
  SmallVector<int64_t> index(type.getRank(), 0);
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    auto value = element(index);
    if (!value)
      return {};
    elements.push_back(*value);
    for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
      if (++index[axis] < type.getDimSize(axis))
        break;
      index[axis] = 0;
    }
  }
  return dimElementsAttr(elements, type);
}

bool detail::isSplatOf(Attribute attr, double value) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(attr);
  if (!splat)
    return false;
  if (isa<FloatType>(splat.getElementType())) {
    APFloat element = splat.getSplatValue<APFloat>();
    bool losesInfo = false;
    if (!element.isFinite())
      return false;
    element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
    return element.convertToDouble() == value;
  }
  if (!splat.getElementType().isInteger())
    return false;
  APInt element = splat.getSplatValue<APInt>();
  return value >= 0 && element.getActiveBits() <= 63 &&
         double(element.getZExtValue()) == value;
}

} // namespace mlir::tenon::graph
