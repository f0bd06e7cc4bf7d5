//===- RecoverLayerNorm.cpp - Layer and RMS normalization -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// All forms divide by a deviation:
//
//   d = x - mean(x)
//   layer norm    d / sqrt(mean(d^2) + epsilon) * scale + bias
//   RMS norm      x / sqrt(mean(x^2) + epsilon) * scale
//
// where "divide" is div(a, sqrt(v)), a * (1 / sqrt(v)), a * reciprocal(sqrt(v))
// or a * rsqrt(v). TensorFlow multiplies out:
//
//   g = rsqrt(variance + epsilon) * scale;  x * g + (bias - mean * g)
//
//   1. Start at each mul and div; find the deviation and what it divides.
//   2. Check the mean of squares, over the last dimensions.
//   3. Then each constant factor and summand that lies along the normalized
//      dimensions becomes scale or bias.
//
// Tests: test/compiler/Graph/recover-layer-norm.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/RecoverPatterns.h"

namespace mlir::tenon::graph {
namespace {

/// mean(input) over dimensions axis.., kept as 1s
struct Mean {
  Value input;
  int64_t axis;
};
std::optional<Mean> meanOf(Value value) {
  auto reduce = value.getDefiningOp<ReduceOp>();
  if (!reduce || reduce.getKind() != ReduceKind::mean ||
      reduce.getAxes().empty())
    return std::nullopt;
  int64_t rank = rankOf(reduce.getInput()), axis = reduce.getAxes().front();
  // Axes are sorted: the last dimensions are those without a gap to the end.
  if (int64_t(reduce.getAxes().size()) != rank - axis)
    return std::nullopt;
  if (!reduce.getKeep())
    return std::nullopt;
  return Mean{reduce.getInput(), axis};
}

/// 1 / sqrt(mean(squared) + epsilon), squared being a square
struct Deviation {
  Value squared;
  int64_t axis;
  double epsilon;
};
std::optional<Deviation> deviationOfVariance(Value variance) {
  auto add = variance.getDefiningOp<AddOp>();
  auto split = add ? splitNumber(add) : std::nullopt;
  if (!split || split->number < 0)
    return std::nullopt;
  auto mean = meanOf(split->operand);
  if (!mean)
    return std::nullopt;
  return Deviation{mean->input, mean->axis, split->number};
}
/// value = sqrt(variance)
std::optional<Deviation> deviationOfRoot(Value value) {
  auto root = value.getDefiningOp<SqrtOp>();
  return root ? deviationOfVariance(root.getInput()) : std::nullopt;
}
/// value = 1 / sqrt(variance)
std::optional<Deviation> deviationOfInverse(Value value) {
  if (auto rsqrt = value.getDefiningOp<RsqrtOp>())
    return deviationOfVariance(rsqrt.getInput());
  if (auto reciprocal = value.getDefiningOp<ReciprocalOp>())
    return deviationOfRoot(reciprocal.getInput());
  auto div = value.getDefiningOp<DivOp>();
  if (div && splatOf(div.getLhs()) == 1.0)
    return deviationOfRoot(div.getRhs());
  return std::nullopt;
}

/// Whether `centered` = x - mean(x) over dimensions axis..; gives x.
Value centeredInput(Value centered, int64_t axis) {
  auto sub = centered.getDefiningOp<SubOp>();
  auto mean = sub ? meanOf(sub.getRhs()) : std::nullopt;
  if (!mean || mean->input != sub.getLhs() || mean->axis != axis)
    return {};
  return sub.getLhs();
}

/// Whether `value` is the square of `base`, or of an equal op.
bool isSquare(Value value, Value base, int64_t axis) {
  if (isSquareOf(value, base))
    return true;
  // PaddlePaddle and TensorFlow may subtract the mean twice.
  auto mul = value.getDefiningOp<MulOp>();
  auto pow = value.getDefiningOp<PowOp>();
  Value root = mul ? mul.getLhs() : pow ? pow.getLhs() : Value();
  if (!root || !isSquareOf(value, root))
    return false;
  Value x = centeredInput(root, axis);
  return x && x == centeredInput(base, axis);
}

Value createNorm(PatternRewriter &rewriter, Location loc, Type type, Value x,
                 Value scale, Value bias, const Deviation &deviation,
                 bool rms) {
  return LayerNormOp::create(rewriter, loc, type, x, scale, bias,
                             rewriter.getI64IntegerAttr(deviation.axis),
                             rewriter.getF64FloatAttr(deviation.epsilon),
                             rewriter.getBoolAttr(rms));
}

/// a / deviation ==> layer_norm(x), a = x - mean(x); or rms norm, a = x
template <class OpTy> struct RecoverNorm : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!isFloat(op))
      return rewriter.notifyMatchFailure(op, "not of floats");
    Value dividend = op.getLhs();
    std::optional<Deviation> deviation;
    if constexpr (std::is_same_v<OpTy, DivOp>) {
      deviation = deviationOfRoot(op.getRhs());
    } else {
      deviation = deviationOfInverse(op.getRhs());
      if (!deviation) {
        deviation = deviationOfInverse(op.getLhs());
        dividend = op.getRhs();
      }
    }
    if (!deviation)
      return rewriter.notifyMatchFailure(
          op, "does not divide by the root of a mean of squares");
    if (!sameSizes(op, dividend))
      return rewriter.notifyMatchFailure(op, "the dividend broadcasts");
    Value x = centeredInput(dividend, deviation->axis);
    bool isRms = !x;
    if (isRms)
      x = dividend;
    if (!isSquare(deviation->squared, dividend, deviation->axis))
      return rewriter.notifyMatchFailure(
          op, "the mean is of other squares than the dividend's");
    rewriter.replaceOp(op,
                       createNorm(rewriter, locationOfTree(op, x), op.getType(),
                                  x, {}, {}, *deviation, isRms));
    return success();
  }
};

/// Whether `value` is constant and lies along the dimensions that `norm`
/// normalizes. Gives its sizes without leading 1s.
std::optional<SmallVector<DimExpr>> weightDims(LayerNormOp norm, Value value) {
  int64_t rank = rankOf(norm), axis = norm.getAxis();
  if (rankOf(value) > rank || !isConstantExpression(value))
    return std::nullopt;
  SmallVector<DimExpr> dims = alignedDims(value, rank), want = dimsOf(norm);
  for (int64_t i = 0; i < axis; ++i)
    if (!dims[i].isConstant(1))
      return std::nullopt;
  for (int64_t i = axis; i < rank; ++i)
    if (!dims[i].isConstant(1) && dims[i] != want[i])
      return std::nullopt;
  return SmallVector<DimExpr>(ArrayRef(dims).drop_front(axis));
}

/// layer_norm(x) * s ==> layer_norm(x, scale s)
/// layer_norm(x, scale) + b ==> layer_norm(x, scale, bias b)
template <class OpTy> struct AbsorbWeight : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto isNorm = [](Value v) { return bool(v.getDefiningOp<LayerNormOp>()); };
    auto split = splitOperands(op, isNorm);
    if (!split)
      return rewriter.notifyMatchFailure(op, "no operand is a layer_norm");
    auto norm = split->first.template getDefiningOp<LayerNormOp>();
    Value weight = split->second;
    constexpr bool isScale = std::is_same_v<OpTy, MulOp>;
    if (norm.getBias() || (isScale && norm.getScale()))
      return rewriter.notifyMatchFailure(op, "the weight's place is taken");
    if (!isScale && norm.getRms())
      return rewriter.notifyMatchFailure(op, "rms norm has no bias");
    if (!norm->hasOneUse())
      return rewriter.notifyMatchFailure(op, "layer_norm has other users");
    auto dims = weightDims(norm, weight);
    if (!dims || !sameSizes(op, norm))
      return rewriter.notifyMatchFailure(
          op, "the other operand is no constant along the normalized "
              "dimensions");
    Location loc = FusedLoc::get(op.getContext(), {norm.getLoc(), op.getLoc()});
    weight = buildReshape(rewriter, loc, weight, *dims);
    Value scale = isScale ? weight : norm.getScale();
    Value bias = isScale ? norm.getBias() : weight;
    Value result = LayerNormOp::create(
        rewriter, loc, op.getType(), norm.getInput(), scale, bias,
        norm.getAxisAttr(), norm.getEpsilonAttr(), norm.getRmsAttr());
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// x * g + (bias - mean(x) * g), g = rsqrt(variance + epsilon) * scale
///   ==> layer_norm(x, scale, bias)
struct RecoverMultipliedOut : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto isMul = [](Value v) { return bool(v.getDefiningOp<MulOp>()); };
    auto isSub = [](Value v) { return bool(v.getDefiningOp<SubOp>()); };
    auto split = splitOperands(op, isSub);
    if (!split || !isFloat(op) || !isMul(split->second))
      return rewriter.notifyMatchFailure(op, "is not x * g + (b - m * g)");
    auto offset = split->first.getDefiningOp<SubOp>();
    auto scaled = split->second.getDefiningOp<MulOp>();
    auto shift = offset.getRhs().getDefiningOp<MulOp>();
    if (!shift)
      return rewriter.notifyMatchFailure(op, "is not x * g + (b - m * g)");
    // The factor g that both products share.
    auto isShared = [&](Value v) {
      return v == shift.getLhs() || v == shift.getRhs();
    };
    auto parts = splitOperands(scaled, isShared);
    if (!parts)
      return rewriter.notifyMatchFailure(op, "the products share no factor");
    auto [gain, x] = *parts;
    Value mean = gain == shift.getLhs() ? shift.getRhs() : shift.getLhs();
    auto meanOfX = meanOf(mean);
    if (!meanOfX || meanOfX->input != x)
      return rewriter.notifyMatchFailure(op, "subtracts no mean of x");

    auto isInverse = [](Value v) { return bool(deviationOfInverse(v)); };
    Value scale;
    auto deviation = deviationOfInverse(gain);
    if (auto product = gain.getDefiningOp<MulOp>(); !deviation && product)
      if (auto factors = splitOperands(product, isInverse)) {
        deviation = deviationOfInverse(factors->first);
        scale = factors->second;
      }
    if (!deviation || deviation->axis != meanOfX->axis ||
        !isSquareOfCentered(deviation->squared, x, deviation->axis))
      return rewriter.notifyMatchFailure(op, "divides by no deviation of x");

    Location loc = locationOfTree(op, x);
    Value norm = createNorm(rewriter, loc, op.getType(), x, {}, {}, *deviation,
                            /*rms=*/false);
    if (scale)
      norm = MulOp::create(rewriter, loc, op.getType(), norm, scale);
    rewriter.replaceOpWithNewOp<AddOp>(op, op.getType(), norm, offset.getLhs());
    return success();
  }

  static bool isSquareOfCentered(Value squared, Value x, int64_t axis) {
    Operation *op = squared.getDefiningOp();
    return isa_and_nonnull<MulOp, PowOp>(op) &&
           isSquareOf(squared, op->getOperand(0)) &&
           centeredInput(op->getOperand(0), axis) == x;
  }
};

} // namespace

void addLayerNormPatterns(RewritePatternSet &patterns) {
  patterns.add<RecoverNorm<MulOp>, RecoverNorm<DivOp>, AbsorbWeight<MulOp>,
               AbsorbWeight<AddOp>, RecoverMultipliedOut>(
      patterns.getContext());
}

} // namespace mlir::tenon::graph
