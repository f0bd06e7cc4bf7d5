//===- Constants.cpp - Constants, shapes, ranges, casts -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   y = Shape(x[N, 3])          ⇒  graph.dims [N, 3]
//   y = ConstantOfShape([N])    ⇒  graph.broadcast 0.0 {sizes = [N]}
//   y = Range(0, N, 1)          ⇒  graph.iota 0, 1 {size = N}
//
// Opset boundaries: Constant has value_float and its relatives from 12, Shape
// has start and end from 15. Tests: test/compiler/Import/constants.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Importer.h"
#include "compiler/Import/Operators.h"
#include "compiler/Import/Ratios.h"
#include "compiler/Import/Sizes.h"
#include "compiler/Import/TensorData.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

static FailureOr<ElementsAttr> readAttr(Node &node,
                                        const ::onnx::TensorProto &tensor) {
  auto attr =
      readTensor(node.getContext(), node.importer.getStorage(), tensor,
                 node.proto.output_size() ? node.proto.output(0) : node.name,
                 node.importer.getOptions().allowExternalData);
  if (attr)
    return *attr;
  (void)node.fail(llvm::toString(attr.takeError()));
  return failure();
}

template <typename T>
static Value listConstant(Node &node, ArrayRef<T> values, Type element) {
  return node.constant(DenseElementsAttr::get(
      RankedTensorType::get({int64_t(values.size())}, element), values));
}

static LogicalResult constant(Node &node) {
  if (auto *value = node.attr("value")) {
    auto attr = readAttr(node, value->t());
    if (failed(attr))
      return failure();
    return node.finish(node.constant(*attr));
  }
  Builder &b = node.builder;
  if (auto *value = node.attr("value_float"))
    return node.finish(node.constant(
        DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()),
                               ArrayRef<float>(value->f()))));
  if (auto *value = node.attr("value_int"))
    return node.finish(node.constant(
        DenseElementsAttr::get(RankedTensorType::get({}, b.getI64Type()),
                               ArrayRef<int64_t>(value->i()))));
  if (auto *value = node.attr("value_floats"))
    return node.finish(listConstant(
        node,
        ArrayRef<float>(value->floats().data(), size_t(value->floats_size())),
        b.getF32Type()));
  if (auto *value = node.attr("value_ints"))
    return node.finish(
        listConstant(node,
                     ArrayRef<int64_t>(reinterpret_cast<const int64_t *>(
                                           value->ints().data()),
                                       size_t(value->ints_size())),
                     b.getI64Type()));
  for (StringRef other : {"sparse_value", "value_string", "value_strings"})
    if (node.hasAttr(other))
      return node.unsupported("'" + other + "' is not in this version");
  return node.fail("expected the attribute 'value'");
}

static LogicalResult constantOfShape(Node &node) {
  auto sizes = node.shapeOperand(0, "the shape");
  if (failed(sizes))
    return failure();
  ElementsAttr fill;
  if (auto *value = node.attr("value")) {
    auto attr = readAttr(node, value->t());
    if (failed(attr))
      return failure();
    if (attr->getNumElements() != 1 || !isa<DenseElementsAttr>(*attr))
      return node.fail("expected a 'value' of one element, got " +
                       Twine(attr->getNumElements()));
    fill = *attr;
  } else {
    fill = DenseElementsAttr::get(
        RankedTensorType::get({}, node.builder.getF32Type()), 0.0f);
  }
  int64_t product = 1;
  for (DimExpr size : *sizes) {
    if (size.upperBound() < 0)
      return node.fail("expected sizes of at least 0, got " + size.str());
    int64_t number = std::max<int64_t>(size.asConstant().value_or(1), 1);
    if (number > kMaxElements / product)
      return node.fail("its output has more than 2^40 elements");
    product *= number;
  }
  auto dense = cast<DenseElementsAttr>(fill);
  auto type = tensorType(*sizes, dense.getElementType());
  if (type.hasStaticShape()) {
    if (type.getNumElements() == 0)
      return node.finish(
          node.constant(DenseElementsAttr::get(type, ArrayRef<Attribute>())));
    return node.finish(node.constant(
        DenseElementsAttr::get(type, *dense.value_begin<Attribute>())));
  }
  Value scalar = node.constant(
      DenseElementsAttr::get(RankedTensorType::get({}, dense.getElementType()),
                             *dense.value_begin<Attribute>()));
  return node.finish(node.broadcastTo(scalar, *sizes));
}

static LogicalResult shape(Node &node) {
  auto sizes = node.dimsOf(node.input(0));
  int64_t rank = int64_t(sizes.size());
  auto clamp = [&](int64_t position) {
    if (position < 0)
      position += rank;
    return std::clamp<int64_t>(position, 0, rank);
  };
  int64_t start = 0, end = rank;
  if (node.opset >= 15) {
    start = clamp(node.intAttr("start", 0));
    end = clamp(node.intAttr("end", rank));
  }
  ArrayRef<DimExpr> part = ArrayRef<DimExpr>(sizes).slice(
      size_t(start), size_t(std::max<int64_t>(end - start, 0)));
  return node.finish(
      node.sizes(part, RankedTensorType::get({int64_t(part.size())},
                                             node.builder.getI64Type())));
}

static LogicalResult size(Node &node) {
  DimExpr count = productOf(node.getContext(), node.dimsOf(node.input(0)));
  return node.finish(
      node.sizes(count, RankedTensorType::get({}, node.builder.getI64Type())));
}

/// The number of elements of a float range: ceil((limit - start) / delta). Of
/// numbers it is computed as they are, of sizes (detectors make the centres of
/// their grid cells so) exactly, in integers.
static std::optional<DimExpr> floatRangeSize(Node &node) {
  auto start = node.constantFloat(node.input(0));
  auto limit = node.constantFloat(node.input(1));
  auto delta = node.constantFloat(node.input(2));
  if (start && limit && delta && *delta != 0) {
    double count = std::max(std::ceil((*limit - *start) / *delta), 0.0);
    if (count <= double(kMaxElements))
      return node.dim(int64_t(count));
    return std::nullopt;
  }
  SmallVector<Ratio, 3> terms;
  for (unsigned i = 0; i < 3; ++i) {
    auto ratios = ratiosOf(node, node.input(i));
    if (!ratios || ratios->size() != 1)
      return std::nullopt;
    terms.push_back(ratios->front());
  }
  Ratio from = terms[0], to = terms[1], step = terms[2];
  // (to - from) / step with a positive divisor.
  DimExpr length =
      to.numerator * from.denominator - from.numerator * to.denominator;
  DimExpr numerator = length * step.denominator;
  DimExpr divisor = from.denominator * to.denominator * step.numerator;
  if (divisor.upperBound() < 0) {
    numerator = -numerator;
    divisor = -divisor;
  }
  if (divisor.lowerBound() <= 0)
    return std::nullopt;
  Sizes::cancel(numerator, divisor);
  auto number = divisor.asConstant();
  DimExpr count =
      number ? numerator.ceilDiv(*number) : -(-numerator).floorDiv(divisor);
  return DimExpr::max(count, node.dim(0));
}

static LogicalResult floatRange(Node &node) {
  auto size = floatRangeSize(node);
  if (!size)
    return node.fail("a range of floats needs a start, limit and delta other "
                     "than 0 that are known when the model is compiled, or "
                     "computed from sizes, and at most 2^40 elements");
  return node.finish(node.create<IotaOp>(
      {node.reshape(node.input(0), {}), node.reshape(node.input(2), {})},
      node.named("size", size->getAttr())));
}

static LogicalResult range(Node &node) {
  for (unsigned i = 0; i < 3; ++i) {
    if (Node::elementOf(node.input(i)) != Node::elementOf(node.input(0)))
      return node.fail("expected start, limit and delta of one type");
    auto sizes = node.dimsOf(node.input(i));
    if (!productOf(node.getContext(), sizes).isConstant(1))
      return node.fail("expected start, limit and delta to be scalars");
  }
  if (isa<FloatType>(Node::elementOf(node.input(0))))
    return floatRange(node);
  auto start = node.shapeOperand(0, "the start");
  auto limit = node.shapeOperand(1, "the limit");
  auto delta = node.shapeOperand(2, "the delta");
  if (failed(start) || failed(limit) || failed(delta))
    return failure();
  auto step = (*delta)[0].asConstant();
  if (!step || *step == 0)
    return node.fail("expected a constant delta other than 0");
  DimExpr length =
      *step > 0 ? (*limit)[0] - (*start)[0] : (*start)[0] - (*limit)[0];
  DimExpr count = DimExpr::max(length.ceilDiv(std::abs(*step)), node.dim(0));
  return node.finish(node.create<IotaOp>(
      {node.reshape(node.input(0), {}), node.reshape(node.input(2), {})},
      node.named("size", count.getAttr())));
}

static LogicalResult castTo(Node &node, int32_t dataType) {
  Type type = elementType(node.getContext(), dataType);
  if (!type)
    return node.fail("element type " + dataTypeName(dataType) +
                     " is not supported");
  return node.finish(node.cast(node.input(0), type));
}

static LogicalResult cast(Node &node) {
  if (!node.hasAttr("to"))
    return node.fail("expected the attribute 'to'");
  return castTo(node, int32_t(node.intAttr("to", 0)));
}

static LogicalResult castLike(Node &node) {
  return node.finish(node.cast(node.input(0), Node::elementOf(node.input(1))));
}

ArrayRef<OperatorRow> constantOperators() {
  constexpr auto Any = Elements::Any;
  static const OperatorRow rows[] = {
      {"Cast", 7, kMaxOpset, 1, 1, Any, cast},
      {"CastLike", 15, kMaxOpset, 2, 2, Any, castLike},
      {"Constant", 7, kMaxOpset, 0, 0, Any, constant},
      {"ConstantOfShape", 9, kMaxOpset, 1, 1, Elements::Integer,
       constantOfShape},
      {"Range", 11, kMaxOpset, 3, 3, Elements::Number, range},
      {"Shape", 7, kMaxOpset, 1, 1, Any, shape},
      {"Size", 7, kMaxOpset, 1, 1, Any, size},
  };
  return rows;
}

} // namespace mlir::tenon
