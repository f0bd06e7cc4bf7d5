//===- RecoverGelu.cpp - GELU from erf and from tanh ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Both forms of GELU are products in which one factor is 1 + f(u):
//
//   0.5 * x * (1 + erf(x / sqrt 2))
//   0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
//
// Exporters differ in the order of the factors, in where the 0.5 stands, in
// dividing by sqrt 2 or multiplying by its reciprocal, and in how they write
// the cube. The product is therefore read as a number and a list of factors
// (factorsOf), and so is the argument u.
//
//   1. Start at each product; find the factor 1 + erf(u) or 1 + tanh(u).
//   2. The other factors must be 0.5 and one x.
//   3. Check that u is that function of x.
//
// Tests: test/compiler/Graph/recover-gelu.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/RecoverPatterns.h"

namespace mlir::tenon::graph {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752;
constexpr double kSqrtTwoOverPi = 0.79788456080286536;
constexpr double kCubic = 0.044715;

/// The op f in `value` = 1 + f(u).
template <class OpTy> OpTy matchOnePlus(Value value) {
  auto add = value.getDefiningOp<AddOp>();
  auto split = add ? splitNumber(add) : std::nullopt;
  if (!split || split->number != 1)
    return {};
  return split->operand.getDefiningOp<OpTy>();
}

/// u = x / sqrt 2
bool isErfArgument(Value u, Value x) {
  Factors product = factorsOf(u);
  return product.take(x) && product.values.empty() &&
         isNumber(product.scale, kSqrtHalf);
}

/// value = 0.044715 * x^power
bool isCubicTerm(Value value, Value x, int power) {
  Factors product = factorsOf(value);
  for (int i = 0; i < power; ++i)
    if (!product.take(x))
      return false;
  return product.values.empty() && isNumber(product.scale, kCubic);
}

/// u = sqrt(2 / pi) * (x + 0.044715 x^3), or
/// u = sqrt(2 / pi) * x * (1 + 0.044715 x^2)
bool isTanhArgument(Value u, Value x) {
  Factors product = factorsOf(u);
  if (!isNumber(product.scale, kSqrtTwoOverPi))
    return false;
  bool hasX = product.take(x);
  if (product.values.size() != 1)
    return false;
  auto add = product.values[0].getDefiningOp<AddOp>();
  if (!add)
    return false;
  if (hasX) {
    auto split = splitNumber(add);
    return split && split->number == 1 && isCubicTerm(split->operand, x, 2);
  }
  auto split = splitOperands(add, [&](Value v) { return v == x; });
  return split && isCubicTerm(split->second, x, 3);
}

/// 0.5 * x * (1 + f(u)) ==> gelu(x)
template <class OpTy> struct RecoverGelu : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!isFloat(op))
      return rewriter.notifyMatchFailure(op, "not of floats");
    Factors product = factorsOf(op);
    if (product.values.size() != 2 || !isNumber(product.scale, 0.5))
      return rewriter.notifyMatchFailure(op, "is not 0.5 * a * b");
    for (int i : {0, 1}) {
      Value x = product.values[1 - i];
      auto erf = matchOnePlus<ErfOp>(product.values[i]);
      auto tanh = matchOnePlus<TanhOp>(product.values[i]);
      if (!erf && !tanh)
        continue;
      if (!sameSizes(op, x))
        return rewriter.notifyMatchFailure(op, "a factor broadcasts x");
      bool matches = erf ? isErfArgument(erf.getInput(), x)
                         : isTanhArgument(tanh.getInput(), x);
      if (!matches)
        return rewriter.notifyMatchFailure(
            op, "erf or tanh is of another argument than GELU's");
      auto gelu = GeluOp::create(rewriter, locationOfTree(op, x), op.getType(),
                                 x, rewriter.getBoolAttr(bool(tanh)));
      rewriter.replaceOp(op, gelu);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no factor is 1 + erf or 1 + tanh");
  }
};

} // namespace

void addGeluPatterns(RewritePatternSet &patterns) {
  patterns.add<RecoverGelu<MulOp>, RecoverGelu<DivOp>>(patterns.getContext());
}

} // namespace mlir::tenon::graph
