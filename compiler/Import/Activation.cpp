//===- Activation.cpp - Activations ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Activations that kernels know whole become one op; the rarer ones are
// written with those, by their formulas.
//
//   y = Selu(x)   ⇒   %0 = graph.elu %x {alpha = 1.67..}
//                     %y = graph.mul %0, 1.05..
//
// Opset boundaries: Clip's bounds are attributes before 11, operands since.
// Tests: test/compiler/Import/activation.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

template <typename OpTy> static LogicalResult unary(Node &node) {
  return node.finish(node.create<OpTy>(node.input(0)));
}

static NamedAttribute number(Node &node, StringRef name, double value) {
  return node.named(name, node.builder.getF64FloatAttr(value));
}

static LogicalResult elu(Node &node) {
  return node.finish(node.create<EluOp>(
      node.input(0), number(node, "alpha", node.floatAttr("alpha", 1.0))));
}

static LogicalResult leakyRelu(Node &node) {
  return node.finish(node.create<LeakyReluOp>(
      node.input(0), number(node, "alpha", node.floatAttr("alpha", 0.01))));
}

static LogicalResult hardSigmoid(Node &node) {
  return node.finish(node.create<HardSigmoidOp>(
      node.input(0), {number(node, "alpha", node.floatAttr("alpha", 0.2)),
                      number(node, "beta", node.floatAttr("beta", 0.5))}));
}

static LogicalResult hardSwish(Node &node) {
  return node.finish(
      node.create<HardSwishOp>(node.input(0), {number(node, "alpha", 1.0 / 6.0),
                                               number(node, "beta", 0.5)}));
}

static LogicalResult gelu(Node &node) {
  StringRef approximate = node.stringAttr("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return node.fail("expected approximate 'none' or 'tanh', got '" +
                     approximate + "'");
  return node.finish(node.create<GeluOp>(
      node.input(0),
      node.named("approximate_tanh",
                 node.builder.getBoolAttr(approximate == "tanh"))));
}

/// gamma * elu(x, alpha)
static LogicalResult selu(Node &node) {
  double alpha = node.floatAttr("alpha", 1.67326319217681884765625);
  double gamma = node.floatAttr("gamma", 1.05070102214813232421875);
  Value y = node.create<EluOp>(node.input(0), number(node, "alpha", alpha));
  return node.finish(node.mul(y, gamma));
}

/// max(0, x) + min(0, alpha (exp(x / alpha) - 1)) = alpha * elu(x / alpha)
static LogicalResult celu(Node &node) {
  double alpha = node.floatAttr("alpha", 1.0);
  if (alpha == 0)
    return node.fail("expected alpha other than 0");
  if (alpha == 1)
    return elu(node);
  Value y = node.create<EluOp>(node.mul(node.input(0), 1 / alpha),
                               number(node, "alpha", 1.0));
  return node.finish(node.mul(y, alpha));
}

/// x if x > alpha, else 0
static LogicalResult thresholdedRelu(Node &node) {
  Value x = node.input(0);
  Type type = Node::elementOf(x);
  Value isAbove = node.compare(
      x, node.scalar(node.floatAttr("alpha", 1.0), type), ComparePredicate::gt);
  return node.finish(node.select(isAbove, x, node.scalar(0, type)));
}

/// x / (1 + |x|)
static LogicalResult softsign(Node &node) {
  Value x = node.input(0);
  return node.finish(node.div(x, node.add(node.create<AbsOp>(x), 1.0)));
}

/// x tanh(log(1 + exp(x)))
static LogicalResult mish(Node &node) {
  Value x = node.input(0);
  Value gate = node.create<TanhOp>(node.create<SoftplusOp>(x));
  return node.finish(node.mul(x, gate));
}

/// x sigmoid(alpha x)
static LogicalResult swish(Node &node) {
  Value x = node.input(0);
  double alpha = node.floatAttr("alpha", 1.0);
  if (alpha == 1)
    return unary<SiluOp>(node);
  return node.finish(node.mul(x, node.create<SigmoidOp>(node.mul(x, alpha))));
}

/// x + bias below -lambd, x - bias above lambd, 0 between
static LogicalResult shrink(Node &node) {
  Value x = node.input(0);
  Type type = Node::elementOf(x);
  double lambd = node.floatAttr("lambd", 0.5);
  double bias = node.floatAttr("bias", 0.0);
  Value isBelow =
      node.compare(x, node.scalar(-lambd, type), ComparePredicate::lt);
  Value isAbove =
      node.compare(x, node.scalar(lambd, type), ComparePredicate::gt);
  Value high = node.select(isAbove, node.add(x, -bias), node.scalar(0, type));
  return node.finish(node.select(isBelow, node.add(x, bias), high));
}

static Value clamp(Node &node, Value x, double low, double high) {
  return node.create<ClampOp>(
      x, {number(node, "low", low), number(node, "high", high)});
}

/// Opset 7 to 10: bounds are attributes.
static LogicalResult clipAttributes(Node &node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return node.finish(clamp(node, node.input(0),
                           node.floatAttr("min", -kInfinity),
                           node.floatAttr("max", kInfinity)));
}

/// Opset 11 on: bounds are operands, often constants.
static LogicalResult clipOperands(Node &node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Value x = node.input(0), min = node.input(1), max = node.input(2);
  for (Value bound : {min, max})
    if (bound && (Node::rankOf(bound) > 1 ||
                  Node::elementOf(bound) != Node::elementOf(x)))
      return node.fail("expected bounds to be scalars of the input's type");
  auto low = min ? node.constantFloat(min) : -kInfinity;
  auto high = max ? node.constantFloat(max) : kInfinity;
  if (isa<FloatType>(Node::elementOf(x)) && low && high)
    return node.finish(min || max ? clamp(node, x, *low, *high) : x);
  // A bound of rank 1 with one element is a scalar too.
  if (min)
    x = node.binary<MaxOp>(x, node.reshape(min, {}));
  if (max)
    x = node.binary<MinOp>(x, node.reshape(max, {}));
  return node.finish(x);
}

ArrayRef<OperatorRow> activationOperators() {
  constexpr auto Float = Elements::Float, Number = Elements::Number;
  static const OperatorRow rows[] = {
      {"Celu", 12, kMaxOpset, 1, 1, Float, celu},
      {"Clip", 7, 10, 1, 1, Float, clipAttributes},
      {"Clip", 11, kMaxOpset, 1, 3, Number, clipOperands},
      {"Elu", 7, kMaxOpset, 1, 1, Float, elu},
      {"Gelu", 20, kMaxOpset, 1, 1, Float, gelu},
      {"HardSigmoid", 7, kMaxOpset, 1, 1, Float, hardSigmoid},
      {"HardSwish", 14, kMaxOpset, 1, 1, Float, hardSwish},
      {"LeakyRelu", 7, kMaxOpset, 1, 1, Float, leakyRelu},
      {"Mish", 18, kMaxOpset, 1, 1, Float, mish},
      {"Relu", 7, kMaxOpset, 1, 1, Number, unary<ReluOp>},
      {"Selu", 7, kMaxOpset, 1, 1, Float, selu},
      {"Shrink", 9, kMaxOpset, 1, 1, Number, shrink},
      {"Sigmoid", 7, kMaxOpset, 1, 1, Float, unary<SigmoidOp>},
      {"Softplus", 7, kMaxOpset, 1, 1, Float, unary<SoftplusOp>},
      {"Softsign", 7, kMaxOpset, 1, 1, Float, softsign},
      {"Swish", 24, kMaxOpset, 1, 1, Float, swish},
      {"Tanh", 7, kMaxOpset, 1, 1, Float, unary<TanhOp>},
      {"ThresholdedRelu", 10, kMaxOpset, 1, 1, Float, thresholdedRelu},
  };
  return rows;
}

} // namespace mlir::tenon
