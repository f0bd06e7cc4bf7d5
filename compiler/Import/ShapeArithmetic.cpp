//===- ShapeArithmetic.cpp - Sizes in float arithmetic --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Integer arithmetic on sizes is folded by the graph dialect as ops are built.
// Exporters also write it in float, around resizes:
//
//   Shape(x)[2:4] -> Cast(float) -> Mul(0.5) -> Floor -> Cast(int64)
//     ⇒ graph.dims [H floordiv 2, W floordiv 2]
//
// Each float tensor of sizes is followed as exact fractions beside the ops that
// are built as usual (and removed later, unused). Where the chain returns to
// integers, its result is replaced by sizes. Tests:
// test/compiler/Import/shape-arithmetic.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"
#include "compiler/Import/Ratios.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

std::optional<std::pair<int64_t, int64_t>> toFraction(double value) {
  constexpr int64_t kMaxDenominator = 1024;
  constexpr double kMaxValue = 1 << 30;
  if (!(std::abs(value) <= kMaxValue))
    return std::nullopt;
  for (int64_t q = 1; q <= kMaxDenominator; ++q) {
    double p = std::round(value * double(q));
    // Half a unit in the last place of float32.
    if (std::abs(p / double(q) - value) <= std::abs(value) * 6e-8)
      return std::make_pair(int64_t(p), q);
  }
  return std::nullopt;
}

static Ratio simplified(Ratio ratio) {
  Sizes::cancel(ratio.numerator, ratio.denominator);
  return ratio;
}

std::optional<SmallVector<Ratio>> ratiosOf(Node &node, Value value) {
  auto it = node.importer.ratios.find(value);
  if (it != node.importer.ratios.end())
    return it->second;
  SmallVector<Ratio> ratios;
  if (auto sizes = node.elements(value)) {
    for (DimExpr size : *sizes)
      ratios.push_back({size, node.dim(1)});
    return ratios;
  }
  auto numbers = node.constantFloats(value);
  if (!numbers)
    return std::nullopt;
  for (double number : *numbers) {
    auto fraction = toFraction(number);
    if (!fraction)
      return std::nullopt;
    ratios.push_back({node.dim(fraction->first), node.dim(fraction->second)});
  }
  return ratios;
}

/// Elementwise functions of one operand.
static std::optional<Ratio> applyUnary(Node &node, StringRef op, Ratio x) {
  DimExpr one = node.dim(1);
  auto floor = [&](DimExpr numerator) {
    return numerator.floorDiv(x.denominator);
  };
  bool isPositive = x.denominator.lowerBound() >= 0;
  if (op == "Floor" && isPositive)
    return Ratio{floor(x.numerator), one};
  if (op == "Ceil" && isPositive)
    return Ratio{-floor(-x.numerator), one};
  if (op == "Neg")
    return Ratio{-x.numerator, x.denominator};
  if (op == "Identity")
    return x;
  if (op == "Sqrt" || op == "Round")
    return std::nullopt;
  return std::nullopt;
}

static std::optional<Ratio> applyBinary(StringRef op, Ratio x, Ratio y) {
  if (op == "Mul")
    return simplified(
        {x.numerator * y.numerator, x.denominator * y.denominator});
  if (op == "Div") {
    if (y.numerator.isConstant(0))
      return std::nullopt;
    return simplified(
        {x.numerator * y.denominator, x.denominator * y.numerator});
  }
  if (op == "Add")
    return simplified(
        {x.numerator * y.denominator + y.numerator * x.denominator,
         x.denominator * y.denominator});
  if (op == "Sub")
    return simplified(
        {x.numerator * y.denominator - y.numerator * x.denominator,
         x.denominator * y.denominator});
  return std::nullopt;
}

/// Operators that pick elements of short vectors.
static std::optional<SmallVector<Ratio>> applyMovement(Node &node, StringRef op,
                                                       ArrayRef<Ratio> x) {
  Value result = node.results[0];
  if (op == "Unsqueeze" || op == "Squeeze" || op == "Reshape" ||
      op == "Identity")
    return SmallVector<Ratio>(x);
  if (op == "Concat") {
    SmallVector<Ratio> all;
    for (Value operand : node.operands) {
      auto part = ratiosOf(node, operand);
      if (!part)
        return std::nullopt;
      all.append(*part);
    }
    return all;
  }
  if (op == "Gather") {
    auto indices = node.constantInts(node.input(1));
    if (!indices)
      return std::nullopt;
    SmallVector<Ratio> picked;
    for (int64_t index : *indices) {
      if (index < 0)
        index += int64_t(x.size());
      if (index < 0 || index >= int64_t(x.size()))
        return std::nullopt;
      picked.push_back(x[size_t(index)]);
    }
    return picked;
  }
  if (op == "Slice") {
    auto slice = result.getDefiningOp<SliceOp>();
    if (!slice || Node::rankOf(result) != 1)
      return std::nullopt;
    auto offset = graph::dimsOf(slice.getOffsets())[0].asConstant();
    auto size = graph::dimsOf(slice.getSizes())[0].asConstant();
    int64_t stride = slice.getStrides()[0];
    if (!offset || !size)
      return std::nullopt;
    SmallVector<Ratio> picked;
    for (int64_t i = 0; i < *size; ++i) {
      int64_t at = *offset + i * stride;
      if (at < 0 || at >= int64_t(x.size()))
        return std::nullopt;
      picked.push_back(x[size_t(at)]);
    }
    return picked;
  }
  return std::nullopt;
}

static std::optional<SmallVector<Ratio>>
applyElementwise(Node &node, StringRef op, ArrayRef<Ratio> x) {
  SmallVector<Ratio> result;
  if (node.numInputs() == 1) {
    for (Ratio element : x) {
      auto value = applyUnary(node, op, element);
      if (!value)
        return std::nullopt;
      result.push_back(*value);
    }
    return result;
  }
  auto y = ratiosOf(node, node.input(1));
  if (!y || node.numInputs() != 2 || x.empty() || y->empty())
    return std::nullopt;
  size_t count = std::max(x.size(), y->size());
  if ((x.size() != count && x.size() != 1) ||
      (y->size() != count && y->size() != 1))
    return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    auto value =
        applyBinary(op, x[x.size() == 1 ? 0 : i], (*y)[y->size() == 1 ? 0 : i]);
    if (!value)
      return std::nullopt;
    result.push_back(*value);
  }
  return result;
}

/// Cast back to integers rounds towards zero, which is down for sizes.
static void returnToIntegers(Node &node, ArrayRef<Ratio> x) {
  SmallVector<DimExpr> sizes;
  for (Ratio element : x) {
    if (element.denominator.lowerBound() < 0 ||
        element.numerator.lowerBound() < 0)
      return;
    sizes.push_back(element.numerator.floorDiv(element.denominator));
  }
  auto type = Node::typeOf(node.results[0]);
  if (type.getRank() <= 1 && type.hasStaticShape() &&
      type.getNumElements() == int64_t(sizes.size()))
    node.results[0] = node.sizes(sizes, type);
}

void trackSizes(Node &node) {
  constexpr int64_t kMaxCount = 64;
  if (!node.proto.domain().empty() || node.results.empty() ||
      !node.results[0] || node.operands.empty() || !node.input(0))
    return;
  Value result = node.results[0];
  auto type = Node::typeOf(result);
  if (type.getRank() > 1 || !type.hasStaticShape() ||
      type.getNumElements() > kMaxCount)
    return;
  StringRef op = node.proto.op_type();
  bool isFloat = isa<FloatType>(type.getElementType());
  // Constants alone are left to constant folding.
  auto isTracked = [&](Value operand) {
    return operand && node.importer.ratios.contains(operand);
  };
  if (op == "Cast" && isFloat) {
    if (node.elements(node.input(0)) && !isTracked(result))
      node.importer.ratios[result] = *ratiosOf(node, node.input(0));
    return;
  }
  if (!llvm::any_of(node.operands, isTracked))
    return;
  auto x = ratiosOf(node, node.input(0));
  if (!x)
    return;
  if (op == "Cast") {
    if (isa<IntegerType>(type.getElementType()) &&
        !type.getElementType().isInteger(1))
      returnToIntegers(node, *x);
    return;
  }
  auto moved = applyMovement(node, op, *x);
  auto ratios = moved ? moved : applyElementwise(node, op, *x);
  if (ratios && int64_t(ratios->size()) == type.getNumElements())
    node.importer.ratios[result] = *ratios;
}

} // namespace mlir::tenon
