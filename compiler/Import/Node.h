//===- Node.h - One ONNX node while it is imported ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What an operator's importer works with: operands, attributes, shape operands
// as sizes, and functions that build graph ops. A function that builds returns
// null after it has emitted an error, and takes null operands as "failed
// already", so that an importer reads as the formula it implements:
//
//   return node.finish(node.add(node.mul(x, scale), bias));
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_NODE_H
#define TENON_COMPILER_IMPORT_NODE_H

#include "compiler/Import/Sizes.h"
#include "dialects/Graph/Build.h"
#include "mlir/IR/Builders.h"
#include "onnx.pb.h"

namespace mlir::tenon {

class Importer;
struct Scope;

class Node {
public:
  Node(Importer &importer, Scope &scope, const ::onnx::NodeProto &proto,
       int64_t opset, std::string name, Location loc, OpBuilder &builder)
      : importer(importer), scope(scope), proto(proto), opset(opset),
        name(std::move(name)), loc(loc), builder(builder) {}

  Importer &importer;
  Scope &scope;
  const ::onnx::NodeProto &proto;
  /// Version of the node's domain that the model imports.
  const int64_t opset;
  const std::string name;
  const Location loc;
  OpBuilder &builder;

  MLIRContext *getContext() const { return builder.getContext(); }

  //--- Operands ---------------------------------------------------------------

  unsigned numInputs() const { return unsigned(operands.size()); }
  /// Null if left out.
  Value input(unsigned i) const {
    return i < operands.size() ? operands[i] : Value();
  }
  StringRef inputName(unsigned i) const {
    return i < unsigned(proto.input_size()) ? StringRef(proto.input(int(i)))
                                            : StringRef();
  }
  /// Whether the model names this output.
  bool hasOutput(unsigned i) const {
    return i < unsigned(proto.output_size()) && !proto.output(int(i)).empty();
  }

  //--- Attributes -------------------------------------------------------------

  /// The attribute, looked up in the caller for references in local functions;
  /// null if absent.
  const ::onnx::AttributeProto *attr(StringRef name) const;
  bool hasAttr(StringRef name) const { return attr(name) != nullptr; }
  int64_t intAttr(StringRef name, int64_t fallback) const;
  double floatAttr(StringRef name, double fallback) const;
  StringRef stringAttr(StringRef name, StringRef fallback) const;
  std::optional<SmallVector<int64_t>> intsAttr(StringRef name) const;
  std::optional<SmallVector<double>> floatsAttr(StringRef name) const;

  //--- Values known now -------------------------------------------------------

  /// Elements of a small integer constant or of a vector of sizes.
  std::optional<SmallVector<graph::DimExpr>> elements(Value value) const;
  std::optional<SmallVector<int64_t>> constantInts(Value value) const;
  /// Elements of a small constant of any number type.
  std::optional<SmallVector<double>> constantFloats(Value value) const;
  /// A rank-0 or one-element constant.
  std::optional<double> constantFloat(Value value) const;

  /// Operand `i` as sizes; emits an error that says "shape depends on data"
  /// if its elements are not known when the model is compiled.
  /// `allowEnds`: numbers near the ends of int64 mean "to the end".
  FailureOr<SmallVector<graph::DimExpr>>
  shapeOperand(unsigned i, StringRef what, bool allowEnds = false) const;
  FailureOr<SmallVector<int64_t>> intsOperand(unsigned i, StringRef what) const;

  /// Axes from attribute `axes` (before opset `inputFrom`) or operand 1.
  /// Empty optional if absent. Normalized to [0, rank), checked, sorted.
  FailureOr<std::optional<SmallVector<int64_t>>> axes(int64_t rank,
                                                      int64_t inputFrom) const;
  /// `axis` in [0, rank) from [-rank, rank).
  FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank) const;

  //--- Types ------------------------------------------------------------------

  static RankedTensorType typeOf(Value v) {
    return cast<RankedTensorType>(v.getType());
  }
  static int64_t rankOf(Value v) { return typeOf(v).getRank(); }
  static Type elementOf(Value v) { return typeOf(v).getElementType(); }
  SmallVector<graph::DimExpr> dimsOf(Value v) const;
  graph::DimExpr dim(int64_t value) const {
    return graph::DimExpr::constant(getContext(), value);
  }
  SmallVector<graph::DimExpr> dims(ArrayRef<int64_t> values) const;

  /// Two sizes must be equal; an error if they cannot be.
  LogicalResult assumeEqual(graph::DimExpr a, graph::DimExpr b,
                            const Twine &rule) const;
  /// NumPy broadcast; emits an error, and notes equalities.
  FailureOr<SmallVector<graph::DimExpr>>
  broadcast(ArrayRef<graph::DimExpr> a, ArrayRef<graph::DimExpr> b) const;

  //--- Building ---------------------------------------------------------------

  template <typename OpTy>
  Value create(ArrayRef<Value> values,
               ArrayRef<NamedAttribute> attrs = {}) const {
    for (Value value : values)
      if (!value)
        return {};
    auto result = graph::tryCreate<OpTy>(builder, loc, values, attrs);
    return failed(result) ? Value() : *result;
  }
  /// The same with optional operands, which are absent where null.
  template <typename OpTy>
  Value createWithOptional(ArrayRef<Value> values,
                           ArrayRef<NamedAttribute> attrs) const {
    auto result = graph::tryCreate<OpTy>(builder, loc, values, attrs);
    return failed(result) ? Value() : *result;
  }
  NamedAttribute named(StringRef attrName, Attribute value) const {
    return builder.getNamedAttr(attrName, value);
  }
  NamedAttribute named(StringRef attrName, ArrayRef<int64_t> values) const {
    return named(attrName, builder.getDenseI64ArrayAttr(values));
  }
  NamedAttribute named(StringRef attrName,
                       ArrayRef<graph::DimExpr> sizes) const {
    return named(attrName, graph::dimArray(getContext(), sizes));
  }

  Value constant(ElementsAttr value) const;
  /// Rank-0 constant of a float or integer type.
  Value scalar(double value, Type element) const;
  /// i64 elements: `graph.dims`, or a constant if all are.
  Value sizes(ArrayRef<graph::DimExpr> elements, RankedTensorType type) const;
  Value ints(ArrayRef<int64_t> values) const;

  /// Elementwise with broadcasting, equalities noted.
  template <typename OpTy>
  Value binary(Value a, Value b, ArrayRef<NamedAttribute> attrs = {}) const {
    if (!a || !b || failed(checkBinary(a, b)))
      return {};
    return create<OpTy>({a, b}, attrs);
  }
  Value add(Value a, Value b) const { return binary<graph::AddOp>(a, b); }
  Value sub(Value a, Value b) const { return binary<graph::SubOp>(a, b); }
  Value mul(Value a, Value b) const { return binary<graph::MulOp>(a, b); }
  Value div(Value a, Value b) const { return binary<graph::DivOp>(a, b); }
  Value mul(Value a, double b) const {
    return a ? mul(a, scalar(b, elementOf(a))) : Value();
  }
  Value add(Value a, double b) const {
    return a ? add(a, scalar(b, elementOf(a))) : Value();
  }
  Value compare(Value a, Value b, graph::ComparePredicate predicate) const;
  Value select(Value condition, Value a, Value b) const;
  Value cast(Value value, Type to) const;
  Value reshape(Value value, ArrayRef<graph::DimExpr> sizes) const;
  Value transpose(Value value, ArrayRef<int64_t> perm) const;
  Value broadcastTo(Value value, ArrayRef<graph::DimExpr> sizes) const;
  Value slice(Value value, ArrayRef<graph::DimExpr> offsets,
              ArrayRef<graph::DimExpr> sizes, ArrayRef<int64_t> strides) const;
  Value reduce(Value value, graph::ReduceKind kind, ArrayRef<int64_t> axes,
               bool keep) const;
  Value iota(graph::DimExpr size, Type element) const;
  /// Gives a rank-1 tensor the rank of `like` with its elements along `axis`.
  Value alongAxis(Value vector, int64_t axis, int64_t rank) const;

  //--- Results ----------------------------------------------------------------

  InFlightDiagnostic error() const { return emitError(loc); }
  /// Emits an error and returns failure.
  LogicalResult fail(const Twine &text) const {
    return LogicalResult(error() << text.str());
  }
  /// What ONNX allows and this version does not do.
  LogicalResult unsupported(const Twine &text) const;
  LogicalResult setOutput(unsigned i, Value value);
  LogicalResult finish(Value value) { return setOutput(0, value); }

  SmallVector<Value> operands;
  SmallVector<Value> results;

private:
  LogicalResult checkBinary(Value a, Value b) const;
};

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_NODE_H
