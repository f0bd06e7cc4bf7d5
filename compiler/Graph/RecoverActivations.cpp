//===- RecoverActivations.cpp - Powers, clamps, sigmoids ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Activations that exporters write as arithmetic:
//
//   pow(x, 2), pow(x, 0.5), x / 4        ==> mul, sqrt, mul by 0.25
//   1 / sqrt(x)                          ==> rsqrt
//   min(max(x, a), b)                    ==> clamp        (relu6: a = 0, b = 6)
//   1 / (1 + exp(-x))                    ==> sigmoid
//   x * sigmoid(x)                       ==> silu         (swish)
//   clamp(a x + b, 0, 1)                 ==> hard_sigmoid
//   clamp(x + 3, 0, 6) / 6               ==> hard_sigmoid
//   x * hard_sigmoid(x)                  ==> hard_swish
//   x * clamp(x + 3, 0, 6) / 6           ==> hard_swish   (PaddlePaddle)
//
// Tests: test/compiler/Graph/recover-activations.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/RecoverPatterns.h"
#include <cmath>

namespace mlir::tenon::graph {
namespace {

//===----------------------------------------------------------------------===//
// Powers and quotients
//===----------------------------------------------------------------------===//

/// pow(x, c) ==> products, roots and reciprocals, where c is a simple number
struct ExpandPow : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    auto split = splitNumber(op);
    if (!split)
      return rewriter.notifyMatchFailure(op, "the exponent is no number");
    Value x = split->operand;
    Location loc = op.getLoc();
    Type type = op.getType();
    if (split->number == 1) {
      if (x.getType() != type)
        return rewriter.notifyMatchFailure(op, "the types differ");
      rewriter.replaceOp(op, x);
      return success();
    }
    if (split->number == 2 || split->number == 3) {
      Value square = MulOp::create(rewriter, loc, type, x, x);
      if (split->number == 3)
        square = MulOp::create(rewriter, loc, type, square, x);
      rewriter.replaceOp(op, square);
      return success();
    }
    if (!isFloat(op))
      return rewriter.notifyMatchFailure(op, "no root of integers");
    if (split->number == 0.5)
      rewriter.replaceOpWithNewOp<SqrtOp>(op, type, x);
    else if (split->number == -0.5)
      rewriter.replaceOpWithNewOp<RsqrtOp>(op, type, x);
    else if (split->number == -1)
      rewriter.replaceOpWithNewOp<ReciprocalOp>(op, type, x);
    else
      return rewriter.notifyMatchFailure(op, "the exponent is not simple");
    return success();
  }
};

/// x / c ==> x * (1 / c) where both are exact: c is a power of two
struct ExpandDiv : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    if (!isFloat(op))
      return rewriter.notifyMatchFailure(op, "integer division truncates");
    auto split = splitNumber(op);
    int exponent = 0;
    if (!split || std::abs(std::frexp(split->number, &exponent)) != 0.5)
      return rewriter.notifyMatchFailure(op, "divisor is no power of two");
    // Far from the smallest normal number of f16.
    if (std::abs(exponent) > 12)
      return rewriter.notifyMatchFailure(op, "the reciprocal may be denormal");
    Value factor = createSplat(rewriter, op.getLoc(),
                               RankedTensorType::get({}, elementOf(op)),
                               1 / split->number);
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), split->operand,
                                       factor);
    return success();
  }
};

/// 1 / x ==> reciprocal(x)
struct DivToReciprocal : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    if (!isFloat(op) || splatOf(op.getLhs()) != 1.0 || splatOf(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "is not 1 / x");
    if (!sameSizes(op, op.getRhs()))
      return rewriter.notifyMatchFailure(op, "the 1 broadcasts the result");
    rewriter.replaceOpWithNewOp<ReciprocalOp>(op, op.getType(), op.getRhs());
    return success();
  }
};

/// reciprocal(sqrt(x)) ==> rsqrt(x)
struct ReciprocalToRsqrt : OpRewritePattern<ReciprocalOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReciprocalOp op,
                                PatternRewriter &rewriter) const override {
    auto root = op.getInput().getDefiningOp<SqrtOp>();
    if (!root || !root->hasOneUse())
      return rewriter.notifyMatchFailure(op, "is not 1 / sqrt(x)");
    Location loc = locationOfTree(op, root.getInput());
    auto rsqrt = RsqrtOp::create(rewriter, loc, op.getType(), root.getInput());
    rewriter.replaceOp(op, rsqrt);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Clamps
//===----------------------------------------------------------------------===//

/// The interval that a clamp, or a bound on one side, keeps to.
struct Interval {
  Value operand;
  double low, high;
};

std::optional<Interval> intervalOf(Operation *op) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (auto clamp = dyn_cast_or_null<ClampOp>(op))
    return Interval{clamp.getInput(), clamp.getLow().convertToDouble(),
                    clamp.getHigh().convertToDouble()};
  if (auto relu = dyn_cast_or_null<ReluOp>(op))
    return Interval{relu.getInput(), 0, kInfinity};
  if (!isa_and_nonnull<MaxOp, MinOp>(op))
    return std::nullopt;
  auto split = splitNumber(op);
  if (!split || std::isnan(split->number))
    return std::nullopt;
  if (isa<MaxOp>(op))
    return Interval{split->operand, split->number, kInfinity};
  return Interval{split->operand, -kInfinity, split->number};
}

/// min(max(x, a), b) ==> clamp(x, a, b); so any two bounds in a row, relu
/// among them. max(x, 0) ==> relu(x)
template <class OpTy> struct MergeBounds : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto outer = intervalOf(op);
    if (!outer || !isFloat(op))
      return rewriter.notifyMatchFailure(op, "is no bound by a number");
    Operation *innerOp = outer->operand.getDefiningOp();
    auto inner = intervalOf(innerOp);
    if (!inner || !innerOp->hasOneUse()) {
      if (outer->low == 0 && std::isinf(outer->high) && !isa<ReluOp>(op)) {
        rewriter.replaceOpWithNewOp<ReluOp>(op, op.getType(), outer->operand);
        return success();
      }
      return rewriter.notifyMatchFailure(op, "there is one bound alone");
    }
    double low = std::min(std::max(inner->low, outer->low), outer->high);
    double high = std::min(std::max(inner->high, outer->low), outer->high);
    Location loc = locationOfTree(op, inner->operand);
    auto clamp = ClampOp::create(rewriter, loc, op.getType(), inner->operand,
                                 rewriter.getF64FloatAttr(low),
                                 rewriter.getF64FloatAttr(high));
    rewriter.replaceOp(op, clamp);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Sigmoids
//===----------------------------------------------------------------------===//

/// Whether `value` is 1 + exp(-x); gives x.
Value onePlusExpOfMinus(Value value) {
  auto add = value.getDefiningOp<AddOp>();
  auto sum = add ? splitNumber(add) : std::nullopt;
  if (!sum || sum->number != 1)
    return {};
  auto exp = sum->operand.getDefiningOp<ExpOp>();
  auto neg = exp ? exp.getInput().getDefiningOp<NegOp>() : NegOp();
  return neg ? neg.getInput() : Value();
}

/// 1 / (1 + exp(-x)) ==> sigmoid(x)
struct RecoverSigmoid : OpRewritePattern<ReciprocalOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReciprocalOp op,
                                PatternRewriter &rewriter) const override {
    Value x = onePlusExpOfMinus(op.getInput());
    if (!x)
      return rewriter.notifyMatchFailure(op, "is not 1 / (1 + exp(-x))");
    auto sigmoid =
        SigmoidOp::create(rewriter, locationOfTree(op, x), op.getType(), x);
    rewriter.replaceOp(op, sigmoid);
    return success();
  }
};

/// x / (1 + exp(-x)) ==> silu(x)
struct RecoverSiluOfQuotient : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getLhs();
    if (!isFloat(op) || onePlusExpOfMinus(op.getRhs()) != x)
      return rewriter.notifyMatchFailure(op, "is not x / (1 + exp(-x))");
    auto silu =
        SiluOp::create(rewriter, locationOfTree(op, x), op.getType(), x);
    rewriter.replaceOp(op, silu);
    return success();
  }
};

/// x * sigmoid(x) ==> silu(x)
struct RecoverSilu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, factor] : {std::pair(op.getLhs(), op.getRhs()),
                             std::pair(op.getRhs(), op.getLhs())}) {
      auto sigmoid = factor.getDefiningOp<SigmoidOp>();
      if (!sigmoid)
        continue;
      // PaddlePaddle multiplies by beta = 1 first.
      Factors argument = factorsOf(sigmoid.getInput());
      bool isX = sigmoid.getInput() == x ||
                 (argument.scale == 1 && argument.take(x) &&
                  argument.values.empty() && sameSizes(x, op));
      if (!isX)
        return rewriter.notifyMatchFailure(op, "is x * sigmoid(y)");
      auto silu =
          SiluOp::create(rewriter, locationOfTree(op, x), op.getType(), x);
      rewriter.replaceOp(op, silu);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no factor is a sigmoid");
  }
};

/// value = alpha * x + beta for numbers alpha and beta
struct Line {
  Value x;
  double alpha, beta;
};
Line lineOf(Value value) {
  double beta = 0;
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<AddOp, SubOp>(op))
    if (auto split = splitNumber(op)) {
      beta = isa<SubOp>(op) ? -split->number : split->number;
      value = split->operand;
      op = value.getDefiningOp();
    }
  double alpha = 1;
  bool mayLookInside = value.hasOneUse() && isa_and_nonnull<MulOp, DivOp>(op);
  if (mayLookInside)
    if (auto split = splitNumber(op); split && split->number != 0) {
      alpha = isa<DivOp>(op) ? 1 / split->number : split->number;
      value = split->operand;
    }
  return {value, alpha, beta};
}

/// A clamp to [0, high] of a line: high * hard_sigmoid.
struct ClampedLine {
  Value x;
  double alpha, beta, scale;
};
std::optional<ClampedLine> clampedLineOf(Value value) {
  if (auto sigmoid = value.getDefiningOp<HardSigmoidOp>())
    return ClampedLine{sigmoid.getInput(), sigmoid.getAlpha().convertToDouble(),
                       sigmoid.getBeta().convertToDouble(), 1};
  auto clamp = value.getDefiningOp<ClampOp>();
  if (!clamp || clamp.getLow().convertToDouble() != 0)
    return std::nullopt;
  double high = clamp.getHigh().convertToDouble();
  if (!(high > 0) || std::isinf(high))
    return std::nullopt;
  Line line = lineOf(clamp.getInput());
  if (line.x == clamp.getInput() || !sameSizes(line.x, value))
    return std::nullopt;
  return ClampedLine{line.x, line.alpha / high, line.beta / high, high};
}

/// clamp(alpha x + beta, 0, 1) ==> hard_sigmoid(x)
struct RecoverHardSigmoid : OpRewritePattern<ClampOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ClampOp op,
                                PatternRewriter &rewriter) const override {
    auto line = clampedLineOf(op);
    if (!isFloat(op) || !line || line->scale != 1)
      return rewriter.notifyMatchFailure(op, "is no clamp of a line to [0, 1]");
    // A line that others use is computed anyway.
    if (!op.getInput().hasOneUse())
      return rewriter.notifyMatchFailure(op, "the line has other users");
    auto sigmoid = HardSigmoidOp::create(rewriter, locationOfTree(op, line->x),
                                         op.getType(), line->x,
                                         rewriter.getF64FloatAttr(line->alpha),
                                         rewriter.getF64FloatAttr(line->beta));
    rewriter.replaceOp(op, sigmoid);
    return success();
  }
};

/// clamp(x + 3, 0, 6) / 6 ==> hard_sigmoid(x)
/// x * clamp(x + 3, 0, 6) / 6 ==> hard_swish(x), in any order
template <class OpTy> struct RecoverHardSwish : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!isFloat(op))
      return rewriter.notifyMatchFailure(op, "not of floats");
    Factors product = factorsOf(op);
    std::optional<ClampedLine> line;
    for (Value factor : product.values) {
      line = clampedLineOf(factor);
      if (!line)
        continue;
      product.take(factor);
      break;
    }
    if (!line)
      return rewriter.notifyMatchFailure(op, "no factor is a clamped line");
    if (!sameSizes(line->x, op))
      return rewriter.notifyMatchFailure(op, "a factor broadcasts");
    bool isSwish = product.take(line->x);
    if (!product.values.empty())
      return rewriter.notifyMatchFailure(op, "there are other factors");
    if (!isNumber(product.scale * line->scale, 1))
      return rewriter.notifyMatchFailure(op, "the scales do not cancel");
    Location loc = locationOfTree(op, line->x);
    FloatAttr alpha = rewriter.getF64FloatAttr(line->alpha);
    FloatAttr beta = rewriter.getF64FloatAttr(line->beta);
    Value result;
    if (isSwish)
      result = HardSwishOp::create(rewriter, loc, op.getType(), line->x, alpha,
                                   beta);
    else
      result = HardSigmoidOp::create(rewriter, loc, op.getType(), line->x,
                                     alpha, beta);
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void addActivationPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandPow, ExpandDiv, DivToReciprocal, ReciprocalToRsqrt,
               MergeBounds<MinOp>, MergeBounds<MaxOp>, MergeBounds<ClampOp>,
               RecoverSigmoid, RecoverSiluOfQuotient, RecoverSilu,
               RecoverHardSigmoid, RecoverHardSwish<MulOp>,
               RecoverHardSwish<DivOp>>(patterns.getContext());
}

} // namespace mlir::tenon::graph
