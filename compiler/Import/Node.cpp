//===- Node.cpp - One ONNX node while it is imported ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Attributes, shape operands and builders for the operator importers. Tests:
// test/compiler/Import, one file an operator topic.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Node.h"
#include "compiler/Import/Importer.h"
#include "mlir/IR/Matchers.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const ::onnx::AttributeProto *Node::attr(StringRef attrName) const {
  for (const auto &attribute : proto.attribute()) {
    if (attribute.name() != attrName)
      continue;
    if (attribute.ref_attr_name().empty())
      return &attribute;
    for (const Scope *s = &scope; s; s = s->parent)
      if (auto *given = s->attributes.lookup(attribute.ref_attr_name()))
        return given;
    return nullptr;
  }
  return nullptr;
}

int64_t Node::intAttr(StringRef attrName, int64_t fallback) const {
  auto *a = attr(attrName);
  return a ? a->i() : fallback;
}
double Node::floatAttr(StringRef attrName, double fallback) const {
  auto *a = attr(attrName);
  return a ? double(a->f()) : fallback;
}
StringRef Node::stringAttr(StringRef attrName, StringRef fallback) const {
  auto *a = attr(attrName);
  return a ? StringRef(a->s()) : fallback;
}
std::optional<SmallVector<int64_t>> Node::intsAttr(StringRef attrName) const {
  auto *a = attr(attrName);
  if (!a)
    return std::nullopt;
  return SmallVector<int64_t>(a->ints().begin(), a->ints().end());
}
std::optional<SmallVector<double>> Node::floatsAttr(StringRef attrName) const {
  auto *a = attr(attrName);
  if (!a)
    return std::nullopt;
  return SmallVector<double>(a->floats().begin(), a->floats().end());
}

//===----------------------------------------------------------------------===//
// Values known now
//===----------------------------------------------------------------------===//

static Attribute attributeOf(Value value) {
  if (!value)
    return {};
  if (auto constant = value.getDefiningOp<ConstantOp>())
    return constant.getValue();
  if (auto dims = value.getDefiningOp<DimsOp>())
    return dims.getValue();
  return {};
}

std::optional<SmallVector<DimExpr>> Node::elements(Value value) const {
  auto elements = dimElements(attributeOf(value));
  if (elements)
    for (DimExpr &element : *elements)
      element = importer.getSizes().simplify(element);
  return elements;
}

std::optional<SmallVector<int64_t>> Node::constantInts(Value value) const {
  auto all = elements(value);
  if (!all)
    return std::nullopt;
  SmallVector<int64_t> values;
  for (DimExpr element : *all) {
    auto constant = element.asConstant();
    if (!constant)
      return std::nullopt;
    values.push_back(*constant);
  }
  return values;
}

std::optional<SmallVector<double>> Node::constantFloats(Value value) const {
  // A conversion between float types keeps a short constant's value.
  while (value) {
    auto cast = value.getDefiningOp<CastOp>();
    if (!cast || !isa<FloatType>(elementOf(cast.getInput())) ||
        !isa<FloatType>(cast.getTo()))
      break;
    value = cast.getInput();
  }
  constexpr int64_t kMaxCount = 64;
  SmallVector<double> values;
  auto dense = dyn_cast_or_null<DenseFPElementsAttr>(attributeOf(value));
  if (dense && dense.getNumElements() <= kMaxCount) {
    for (APFloat element : dense.getValues<APFloat>()) {
      bool loses;
      element.convert(llvm::APFloat::IEEEdouble(),
                      llvm::APFloat::rmNearestTiesToEven, &loses);
      values.push_back(element.convertToDouble());
    }
    return values;
  }
  if (auto ints = constantInts(value)) {
    values.assign(ints->begin(), ints->end());
    return values;
  }
  return std::nullopt;
}

std::optional<double> Node::constantFloat(Value value) const {
  auto values = constantFloats(value);
  if (!values || values->size() != 1)
    return std::nullopt;
  return values->front();
}

FailureOr<SmallVector<DimExpr>> Node::shapeOperand(unsigned i, StringRef what,
                                                   bool allowEnds) const {
  Value value = input(i);
  if (!value) {
    error() << "expected input " << i << ": " << what;
    return failure();
  }
  if (auto all = elements(value)) {
    for (DimExpr element : *all) {
      auto constant = element.asConstant();
      if (constant && !allowEnds &&
          (*constant > kMaxElements || *constant < -kMaxElements)) {
        error() << what << " '" << inputName(i) << "' holds " << *constant
                << ", expected at most 2^40";
        return failure();
      }
    }
    return *all;
  }
  if (!isa<IntegerType>(elementOf(value))) {
    error() << what << " '" << inputName(i) << "': expected integers, got "
            << elementOf(value);
    return failure();
  }
  InFlightDiagnostic diagnostic = error();
  diagnostic << what << " '" << inputName(i)
             << "' depends on data: expected a constant or arithmetic on the "
                "sizes of the inputs";
  if (Operation *op = value.getDefiningOp())
    diagnostic.attachNote(op->getLoc()) << "computed here";
  (void)LogicalResult(diagnostic);
  return failure();
}

FailureOr<SmallVector<int64_t>> Node::intsOperand(unsigned i,
                                                  StringRef what) const {
  Value value = input(i);
  if (auto values = constantInts(value))
    return *values;
  error() << what << " '" << inputName(i)
          << "' must be known when the model is compiled";
  return failure();
}

FailureOr<int64_t> Node::normalizeAxis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank) {
    error() << "axis " << axis << " is outside of [" << -rank << ", " << rank
            << ")";
    return failure();
  }
  return axis < 0 ? axis + rank : axis;
}

FailureOr<std::optional<SmallVector<int64_t>>>
Node::axes(int64_t rank, int64_t inputFrom) const {
  std::optional<SmallVector<int64_t>> axes;
  if (opset < inputFrom) {
    axes = intsAttr("axes");
  } else if (input(1)) {
    auto values = intsOperand(1, "axes");
    if (failed(values))
      return failure();
    axes = *values;
  }
  if (!axes)
    return std::optional<SmallVector<int64_t>>();
  for (int64_t &axis : *axes) {
    auto normal = normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  llvm::sort(*axes);
  if (std::adjacent_find(axes->begin(), axes->end()) != axes->end()) {
    error() << "an axis occurs twice in 'axes'";
    return failure();
  }
  return axes;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

SmallVector<DimExpr> Node::dimsOf(Value v) const {
  SmallVector<DimExpr> sizes = graph::dimsOf(v);
  for (DimExpr &size : sizes)
    size = importer.getSizes().simplify(size);
  return sizes;
}

SmallVector<DimExpr> Node::dims(ArrayRef<int64_t> values) const {
  SmallVector<DimExpr> result;
  for (int64_t value : values)
    result.push_back(dim(value));
  return result;
}

LogicalResult Node::assumeEqual(DimExpr a, DimExpr b, const Twine &rule) const {
  std::string text =
      "node '" + name + "' (" + proto.op_type() + "): " + rule.str();
  if (importer.getSizes().assumeEqual(a, b, text))
    return success();
  return error() << rule.str() << ", got " << a.str() << " and " << b.str();
}

FailureOr<SmallVector<DimExpr>> Node::broadcast(ArrayRef<DimExpr> a,
                                                ArrayRef<DimExpr> b) const {
  SmallVector<std::pair<DimExpr, DimExpr>> equal;
  auto result = broadcastShapes(getContext(), a, b, [&](DimExpr x, DimExpr y) {
    equal.emplace_back(x, y);
  });
  bool isFine = result.has_value();
  for (auto [x, y] : equal)
    isFine = isFine && importer.getSizes().assumeEqual(
                           x, y,
                           "node '" + name + "' (" + proto.op_type() +
                               "): its operands have sizes that must agree");
  if (isFine)
    return *result;
  error() << "sizes do not broadcast: " << shapeString(a) << " and "
          << shapeString(b);
  return failure();
}

LogicalResult Node::checkBinary(Value a, Value b) const {
  return success(succeeded(broadcast(dimsOf(a), dimsOf(b))));
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value Node::constant(ElementsAttr value) const {
  return ConstantOp::create(builder, loc, value.getShapedType(), value,
                            StringAttr());
}

Value Node::scalar(double value, Type element) const {
  constexpr double kEnd = double(int64_t(1) << 62);
  auto type = RankedTensorType::get({}, element);
  Attribute attr;
  if (auto floatType = dyn_cast<FloatType>(element))
    attr = builder.getFloatAttr(floatType, value);
  else
    // Numbers from files may be anything: those beyond the type saturate.
    attr = IntegerAttr::get(
        element, llvm::APInt(element.getIntOrFloatBitWidth(),
                             uint64_t(int64_t(std::clamp(value, -kEnd, kEnd))),
                             /*isSigned=*/true,
                             /*implicitTrunc=*/true));
  return constant(DenseElementsAttr::get(type, attr));
}

Value Node::sizes(ArrayRef<DimExpr> elements, RankedTensorType type) const {
  Attribute attr = dimElementsAttr(elements, type);
  if (auto dense = dyn_cast<ElementsAttr>(attr))
    return constant(dense);
  return DimsOp::create(builder, loc, type, cast<DimVectorAttr>(attr));
}

Value Node::ints(ArrayRef<int64_t> values) const {
  auto type =
      RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
  return constant(DenseElementsAttr::get(type, values));
}

Value Node::compare(Value a, Value b, ComparePredicate predicate) const {
  return binary<CompareOp>(
      a, b,
      named("predicate", ComparePredicateAttr::get(getContext(), predicate)));
}

Value Node::select(Value condition, Value a, Value b) const {
  if (!condition || !a || !b)
    return {};
  auto values = broadcast(dimsOf(a), dimsOf(b));
  if (failed(values) || failed(broadcast(dimsOf(condition), *values)))
    return {};
  return create<SelectOp>({condition, a, b});
}

Value Node::cast(Value value, Type to) const {
  if (!value || elementOf(value) == to)
    return value;
  return create<CastOp>(value, named("to", TypeAttr::get(to)));
}

Value Node::reshape(Value value, ArrayRef<DimExpr> sizes) const {
  if (!value)
    return {};
  // Equal products of different form must be the same number.
  auto count = productOf(getContext(), dimsOf(value));
  auto wanted = productOf(getContext(), sizes);
  if (failed(assumeEqual(count, wanted,
                         "a reshape must keep the number of elements")))
    return {};
  return create<ReshapeOp>(value, named("sizes", sizes));
}

Value Node::transpose(Value value, ArrayRef<int64_t> perm) const {
  return create<TransposeOp>(value, named("perm", perm));
}

Value Node::broadcastTo(Value value, ArrayRef<DimExpr> sizes) const {
  return create<BroadcastOp>(value, named("sizes", sizes));
}

Value Node::slice(Value value, ArrayRef<DimExpr> offsets,
                  ArrayRef<DimExpr> sizes, ArrayRef<int64_t> strides) const {
  return create<SliceOp>(value,
                         {named("offsets", offsets), named("sizes", sizes),
                          named("strides", strides)});
}

Value Node::reduce(Value value, ReduceKind kind, ArrayRef<int64_t> axes,
                   bool keep) const {
  return create<ReduceOp>(
      value, {named("kind", ReduceKindAttr::get(getContext(), kind)),
              named("axes", axes), named("keep", builder.getBoolAttr(keep))});
}

Value Node::iota(DimExpr size, Type element) const {
  return create<IotaOp>({scalar(0, element), scalar(1, element)},
                        named("size", size.getAttr()));
}

Value Node::alongAxis(Value vector, int64_t axis, int64_t rank) const {
  if (!vector)
    return {};
  SmallVector<DimExpr> sizes(size_t(rank), dim(1));
  sizes[size_t(axis)] = productOf(getContext(), dimsOf(vector));
  return reshape(vector, sizes);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

LogicalResult Node::unsupported(const Twine &text) const { return fail(text); }

LogicalResult Node::setOutput(unsigned i, Value value) {
  if (!value)
    return failure();
  if (i >= results.size())
    return success();
  int64_t count = 1;
  for (int64_t size : typeOf(value).getShape()) {
    if (ShapedType::isDynamic(size) || size == 0)
      continue;
    if (size < 0 || size > kMaxElements / count)
      return fail("its output '" + Twine(proto.output(int(i))) +
                  "' has more than 2^40 elements");
    count *= size;
  }
  results[i] = value;
  return success();
}

} // namespace mlir::tenon
