//===- Shape.cpp - Symbolic shapes of tensor types ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Reading and building tensor types with symbolic sizes, small integer
// constants as vectors of expressions, and NumPy broadcasting of both. Tests:
// test/unit/graph/ShapeTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::tenon::graph {

/// Longer constants are data, not shapes.
constexpr int64_t kMaxDimElements = 64;

static ShapeAttr shapeOf(Type type) {
  return dyn_cast_or_null<ShapeAttr>(
      cast<RankedTensorType>(type).getEncoding());
}

SmallVector<DimExpr> dimsOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  MLIRContext *context = type.getContext();
  SmallVector<DimExpr> dims;
  ShapeAttr shape = shapeOf(type);
  if (shape && !shape.getDims().empty()) {
    dims.assign(shape.getDims().begin(), shape.getDims().end());
    return dims;
  }
  for (int64_t size : tensor.getShape())
    dims.push_back(ShapedType::isDynamic(size)
                       ? DimExpr::symbol(context, "?")
                       : DimExpr::constant(context, size));
  return dims;
}

DimExpr dimOf(Value value, int64_t axis) {
  auto tensor = cast<RankedTensorType>(value.getType());
  if (!tensor.isDynamicDim(axis))
    return DimExpr::constant(tensor.getContext(), tensor.getDimSize(axis));
  ShapeAttr shape = shapeOf(tensor);
  if (shape && !shape.getDims().empty())
    return shape.getDims()[axis];
  return DimExpr::symbol(tensor.getContext(), "?");
}

LayoutAttr layoutOf(Type type) {
  ShapeAttr shape = shapeOf(type);
  return shape ? shape.getLayout() : LayoutAttr();
}

RankedTensorType tensorType(ArrayRef<DimExpr> dims, Type element,
                            LayoutAttr layout) {
  MLIRContext *context = element.getContext();
  SmallVector<int64_t> sizes;
  SmallVector<DimExprAttr> exprs;
  bool isStatic = true;
  for (DimExpr expr : dims) {
    auto value = expr.asConstant();
    isStatic &= value.has_value();
    sizes.push_back(value.value_or(ShapedType::kDynamic));
    exprs.push_back(expr.getAttr());
  }
  if (isStatic)
    exprs.clear();
  ShapeAttr shape;
  if (!isStatic || layout)
    shape = ShapeAttr::get(context, exprs, layout);
  return RankedTensorType::get(sizes, element, shape);
}

RankedTensorType tensorType(MLIRContext *context, ArrayRef<int64_t> sizes,
                            Type element) {
  return RankedTensorType::get(sizes, element);
}

RankedTensorType withLayout(RankedTensorType type, LayoutAttr layout) {
  return tensorType(dimsOf(type), type.getElementType(), layout);
}

RankedTensorType withElement(RankedTensorType type, Type element) {
  return RankedTensorType::get(type.getShape(), element, type.getEncoding());
}

ArrayAttr dimArray(MLIRContext *context, ArrayRef<DimExpr> dims) {
  SmallVector<Attribute> attrs;
  for (DimExpr expr : dims)
    attrs.push_back(expr.getAttr());
  return ArrayAttr::get(context, attrs);
}

SmallVector<DimExpr> dimsOf(ArrayAttr array) {
  SmallVector<DimExpr> dims;
  for (Attribute attr : array)
    dims.push_back(DimExpr(cast<DimExprAttr>(attr)));
  return dims;
}

/// The integers of a small constant; none if it is not one.
static std::optional<SmallVector<int64_t>> smallIntegers(ElementsAttr attr) {
  auto type = dyn_cast<RankedTensorType>(attr.getShapedType());
  if (!type || !type.hasStaticShape() ||
      !type.getElementType().isIntOrIndex() ||
      type.getNumElements() > kMaxDimElements)
    return std::nullopt;
  Type element = type.getElementType();
  unsigned width = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  SmallVector<int64_t> values;
  if (auto dense = dyn_cast<DenseIntElementsAttr>(attr)) {
    for (const APInt &value : dense.getValues<APInt>()) {
      if (isUnsigned ? value.getActiveBits() > 63
                     : value.getSignificantBits() > 64)
        return std::nullopt;
      values.push_back(isUnsigned ? int64_t(value.getZExtValue())
                                  : value.getSExtValue());
    }
    return values;
  }
  // Initializers of a model may be resources; their bytes are little-endian.
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource || (width != 32 && width != 64) || isUnsigned)
    return std::nullopt;
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  size_t step = width / 8;
  if (!blob || blob->getData().size() != size_t(type.getNumElements()) * step)
    return std::nullopt;
  for (size_t at = 0; at < blob->getData().size(); at += step) {
    int32_t narrow;
    int64_t wide;
    if (width == 32) {
      std::memcpy(&narrow, blob->getData().data() + at, sizeof(narrow));
      wide = narrow;
    } else {
      std::memcpy(&wide, blob->getData().data() + at, sizeof(wide));
    }
    values.push_back(wide);
  }
  return values;
}

std::optional<SmallVector<DimExpr>> dimElements(Attribute attr) {
  if (!attr)
    return std::nullopt;
  SmallVector<DimExpr> elements;
  if (auto vector = dyn_cast<DimVectorAttr>(attr)) {
    elements.assign(vector.getDims().begin(), vector.getDims().end());
    return elements;
  }
  auto constant = dyn_cast<ElementsAttr>(attr);
  if (!constant)
    return std::nullopt;
  auto values = smallIntegers(constant);
  if (!values)
    return std::nullopt;
  for (int64_t value : *values)
    elements.push_back(DimExpr::constant(attr.getContext(), value));
  return elements;
}

Attribute dimElementsAttr(ArrayRef<DimExpr> elements, RankedTensorType type) {
  if (!type.hasStaticShape() || !type.getElementType().isIntOrIndex() ||
      type.getNumElements() != int64_t(elements.size()) ||
      type.getNumElements() > kMaxDimElements)
    return {};
  Type element = type.getElementType();
  unsigned width = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  bool isUnsigned = element.isUnsignedInteger() || width == 1;
  SmallVector<APInt> values;
  SmallVector<DimExprAttr> attrs;
  for (DimExpr e : elements) {
    attrs.push_back(e.getAttr());
    auto value = e.asConstant();
    if (!value)
      continue;
    // Constants wrap around as the element type does.
    APInt bits = APInt(64, uint64_t(*value)).sextOrTrunc(width);
    values.push_back(bits);
    int64_t wrapped = isUnsigned ? bits.zextOrTrunc(64).getSExtValue()
                                 : bits.sextOrTrunc(64).getSExtValue();
    attrs.back() = DimExpr::constant(type.getContext(), wrapped);
  }
  if (values.size() == elements.size())
    return DenseElementsAttr::get(type, values);
  return DimVectorAttr::get(type.getContext(), attrs, type);
}

std::optional<DimExpr>
broadcastDims(DimExpr a, DimExpr b,
              llvm::function_ref<void(DimExpr, DimExpr)> assumeEqual) {
  if (a == b || b.isConstant(1))
    return a;
  if (a.isConstant(1))
    return b;
  DimExpr difference = a - b;
  if (difference.lowerBound() > 0 || difference.upperBound() < 0)
    return std::nullopt;
  if (assumeEqual)
    assumeEqual(a, b);
  // Constants come before symbols, and those before compound expressions.
  return compareDims(a, b) < 0 ? a : b;
}

std::optional<SmallVector<DimExpr>>
broadcastShapes(MLIRContext *context, ArrayRef<DimExpr> a, ArrayRef<DimExpr> b,
                llvm::function_ref<void(DimExpr, DimExpr)> assumeEqual) {
  size_t rank = std::max(a.size(), b.size());
  SmallVector<DimExpr> result;
  DimExpr one = DimExpr::constant(context, 1);
  for (size_t axis = 0; axis < rank; ++axis) {
    DimExpr x = axis + a.size() < rank ? one : a[axis + a.size() - rank];
    DimExpr y = axis + b.size() < rank ? one : b[axis + b.size() - rank];
    auto size = broadcastDims(x, y, assumeEqual);
    if (!size)
      return std::nullopt;
    result.push_back(*size);
  }
  return result;
}

std::string shapeString(ArrayRef<DimExpr> dims) {
  if (dims.empty())
    return "scalar";
  std::string text;
  for (auto [axis, size] : llvm::enumerate(dims)) {
    if (axis)
      text += 'x';
    std::string formula = size.str();
    DimKind kind = size.getAttr().getKind();
    bool open = kind == DimKind::Sum || kind == DimKind::Product;
    text += open ? "(" + formula + ")" : formula;
  }
  return text;
}

bool detail::sameShapes(TypeRange a, TypeRange b) {
  return llvm::equal(a, b, [](Type x, Type y) {
    auto left = dyn_cast<RankedTensorType>(x);
    auto right = dyn_cast<RankedTensorType>(y);
    return left && right && left.getElementType() == right.getElementType() &&
           succeeded(verifyCompatibleShape(left, right));
  });
}

} // namespace mlir::tenon::graph
