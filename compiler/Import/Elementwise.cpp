//===- Elementwise.cpp - Arithmetic, comparison, logic --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Operators that work element by element, broadcasting as NumPy does.
//
//   z = Add(x, y)   ⇒   %z = graph.add %x, %y : ...
//
// Tests: test/compiler/Import/elementwise.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

template <typename OpTy> static LogicalResult unary(Node &node) {
  return node.finish(node.create<OpTy>(node.input(0)));
}

template <typename OpTy> static LogicalResult binary(Node &node) {
  return node.finish(node.binary<OpTy>(node.input(0), node.input(1)));
}

template <ComparePredicate predicate> static LogicalResult compare(Node &node) {
  return node.finish(node.compare(node.input(0), node.input(1), predicate));
}

/// Max, Min, Sum: left to right over any number of operands.
template <typename OpTy> static Value foldAll(Node &node) {
  Value result = node.input(0);
  for (unsigned i = 1; i < node.numInputs(); ++i)
    result = node.binary<OpTy>(result, node.input(i));
  return result;
}
template <typename OpTy> static LogicalResult variadic(Node &node) {
  return node.finish(foldAll<OpTy>(node));
}

static LogicalResult mean(Node &node) {
  return node.finish(
      node.mul(foldAll<AddOp>(node), 1.0 / double(node.numInputs())));
}

static LogicalResult mod(Node &node) {
  return node.finish(node.binary<ModOp>(
      node.input(0), node.input(1),
      node.named("fmod",
                 node.builder.getBoolAttr(node.intAttr("fmod", 0) != 0))));
}

/// The exponent may have another type than the base, which the result has.
static LogicalResult pow(Node &node) {
  Value base = node.input(0), exponent = node.input(1);
  Type type = Node::elementOf(base), other = Node::elementOf(exponent);
  if (isa<IntegerType>(type) && isa<FloatType>(other)) {
    Value power = node.binary<PowOp>(node.cast(base, other), exponent);
    return node.finish(node.cast(power, type));
  }
  return node.finish(node.binary<PowOp>(base, node.cast(exponent, type)));
}

static LogicalResult bitShift(Node &node) {
  StringRef direction = node.stringAttr("direction", "");
  if (direction == "LEFT")
    return binary<ShiftLeftOp>(node);
  if (direction == "RIGHT")
    return binary<ShiftRightOp>(node);
  return node.fail("expected direction LEFT or RIGHT, got '" + direction + "'");
}

static LogicalResult isInf(Node &node) {
  auto flag = [&](StringRef from) {
    return node.builder.getBoolAttr(node.intAttr(from, 1) != 0);
  };
  return node.finish(node.create<IsInfOp>(
      node.input(0), {node.named("positive", flag("detect_positive")),
                      node.named("negative", flag("detect_negative"))}));
}

static LogicalResult where(Node &node) {
  return node.finish(node.select(node.input(0), node.input(1), node.input(2)));
}

/// The slope broadcasts to the input, never the other way.
static LogicalResult prelu(Node &node) {
  Value x = node.input(0), slope = node.input(1);
  if (Node::rankOf(slope) > Node::rankOf(x))
    return node.fail("the slope must broadcast to the input: it has rank " +
                     Twine(Node::rankOf(slope)) + ", the input " +
                     Twine(Node::rankOf(x)));
  return node.finish(node.binary<PreluOp>(x, slope));
}

ArrayRef<OperatorRow> elementwiseOperators() {
  constexpr auto Any = Elements::Any, Float = Elements::Float,
                 Number = Elements::Number, Bool = Elements::Bool,
                 Integer = Elements::Integer;
  static const OperatorRow rows[] = {
      {"Abs", 7, kMaxOpset, 1, 1, Number, unary<AbsOp>},
      {"Acos", 7, kMaxOpset, 1, 1, Float, unary<AcosOp>},
      {"Acosh", 9, kMaxOpset, 1, 1, Float, unary<AcoshOp>},
      {"Add", 7, kMaxOpset, 2, 2, Number, binary<AddOp>},
      {"And", 7, kMaxOpset, 2, 2, Bool, binary<AndOp>},
      {"Asin", 7, kMaxOpset, 1, 1, Float, unary<AsinOp>},
      {"Asinh", 9, kMaxOpset, 1, 1, Float, unary<AsinhOp>},
      {"Atan", 7, kMaxOpset, 1, 1, Float, unary<AtanOp>},
      {"Atanh", 9, kMaxOpset, 1, 1, Float, unary<AtanhOp>},
      {"BitShift", 11, kMaxOpset, 2, 2, Integer, bitShift},
      {"BitwiseAnd", 18, kMaxOpset, 2, 2, Integer, binary<AndOp>},
      {"BitwiseNot", 18, kMaxOpset, 1, 1, Integer, unary<NotOp>},
      {"BitwiseOr", 18, kMaxOpset, 2, 2, Integer, binary<OrOp>},
      {"BitwiseXor", 18, kMaxOpset, 2, 2, Integer, binary<XorOp>},
      {"Ceil", 7, kMaxOpset, 1, 1, Float, unary<CeilOp>},
      {"Cos", 7, kMaxOpset, 1, 1, Float, unary<CosOp>},
      {"Cosh", 9, kMaxOpset, 1, 1, Float, unary<CoshOp>},
      {"Div", 7, kMaxOpset, 2, 2, Number, binary<DivOp>},
      {"Equal", 7, kMaxOpset, 2, 2, Any, compare<ComparePredicate::eq>},
      {"Erf", 9, kMaxOpset, 1, 1, Number, unary<ErfOp>},
      {"Exp", 7, kMaxOpset, 1, 1, Float, unary<ExpOp>},
      {"Floor", 7, kMaxOpset, 1, 1, Float, unary<FloorOp>},
      {"Greater", 7, kMaxOpset, 2, 2, Number, compare<ComparePredicate::gt>},
      {"GreaterOrEqual", 12, kMaxOpset, 2, 2, Number,
       compare<ComparePredicate::ge>},
      {"IsInf", 10, kMaxOpset, 1, 1, Float, isInf},
      {"IsNaN", 9, kMaxOpset, 1, 1, Float, unary<IsNaNOp>},
      {"Less", 7, kMaxOpset, 2, 2, Number, compare<ComparePredicate::lt>},
      {"LessOrEqual", 12, kMaxOpset, 2, 2, Number,
       compare<ComparePredicate::le>},
      {"Log", 7, kMaxOpset, 1, 1, Float, unary<LogOp>},
      {"Max", 7, kMaxOpset, 1, kVariadic, Number, variadic<MaxOp>},
      {"Mean", 7, kMaxOpset, 1, kVariadic, Float, mean},
      {"Min", 7, kMaxOpset, 1, kVariadic, Number, variadic<MinOp>},
      {"Mod", 10, kMaxOpset, 2, 2, Number, mod},
      {"Mul", 7, kMaxOpset, 2, 2, Number, binary<MulOp>},
      {"Neg", 7, kMaxOpset, 1, 1, Number, unary<NegOp>},
      {"Not", 7, kMaxOpset, 1, 1, Bool, unary<NotOp>},
      {"Or", 7, kMaxOpset, 2, 2, Bool, binary<OrOp>},
      {"PRelu", 7, kMaxOpset, 2, 2, Number, prelu},
      {"Pow", 7, kMaxOpset, 2, 2, Number, pow},
      {"Reciprocal", 7, kMaxOpset, 1, 1, Float, unary<ReciprocalOp>},
      {"Round", 11, kMaxOpset, 1, 1, Float, unary<RoundOp>},
      {"Sign", 9, kMaxOpset, 1, 1, Number, unary<SignOp>},
      {"Sin", 7, kMaxOpset, 1, 1, Float, unary<SinOp>},
      {"Sinh", 9, kMaxOpset, 1, 1, Float, unary<SinhOp>},
      {"Sqrt", 7, kMaxOpset, 1, 1, Float, unary<SqrtOp>},
      {"Sub", 7, kMaxOpset, 2, 2, Number, binary<SubOp>},
      {"Sum", 7, kMaxOpset, 1, kVariadic, Float, variadic<AddOp>},
      {"Tan", 7, kMaxOpset, 1, 1, Float, unary<TanOp>},
      {"Where", 9, kMaxOpset, 3, 3, Bool, where},
      {"Xor", 7, kMaxOpset, 2, 2, Bool, binary<XorOp>},
  };
  return rows;
}

} // namespace mlir::tenon
