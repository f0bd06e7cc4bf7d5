//===- RecoverAttention.cpp - Attention from matmuls and softmax ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// softmax(scale * query key^T + mask) value becomes one op, so that the scores
// never reach memory.
//
//   1. Start at each matmul whose left operand is a softmax along the last
//      axis; walk up from the softmax to the matmul of query and key.
//   2. On the way, take numbers into `scale` (the factor may also stand at the
//      query, at the key or, a root of it, at both), a summand as `mask`, and
//      a selection of -inf (or nearly) as the mask that adds it.
//   3. The right operand of that matmul is key^T: cancel the transpose that
//      made it, or transpose it back.
//
// Scores that another op uses (a model that returns its attention weights)
// stay as they are.
//
//   %s = graph.matmul %q, %kt          ==>  %r = graph.attention %q, %k, %v, %m
//   %t = graph.div %s, %c : 8.0             {scale = 0.125}
//   %u = graph.add %t, %m
//   %p = graph.softmax %u {axis = 3}
//   %r = graph.matmul %p, %v
//
// Tests: test/compiler/Graph/recover-attention.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/RecoverPatterns.h"
#include <cmath>

namespace mlir::tenon::graph {
namespace {

/// A masked score at or below this has no weight, whatever is added to it.
constexpr double kMasked = -1e30;

/// A summand of the scores, times `scale`.
struct Mask {
  Value value;
  double scale = 1;
  /// If not null, the summand is `value` where this holds, and else 0 (or the
  /// other way round).
  Value condition;
  bool isWhereTrue = true;
};

/// softmax's operand, taken apart
struct Scores {
  Value query, keyTransposed;
  bool isTransposed = false; // `keyTransposed` is the key itself
  double scale = 1;
  SmallVector<Mask> masks;
};

/// x * number or x / number, the product having no other user: takes the
/// number into `scale` and goes on at x.
bool peelNumber(Value &value, double &scale) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<MulOp, DivOp>(op) || !value.hasOneUse())
    return false;
  auto split = splitNumber(op);
  if (!split || split->number == 0)
    return false;
  scale = isa<DivOp>(op) ? scale / split->number : scale * split->number;
  value = split->operand;
  return true;
}

/// Whether a matmul of scores lies above, through one-use ops alone.
bool leadsToMatmul(Value value) {
  for (int depth = 0; depth < 8; ++depth) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse())
      return false;
    if (isa<MatmulOp>(op))
      return true;
    if (auto split = splitNumber(op); split && isa<MulOp, DivOp>(op)) {
      value = split->operand;
    } else if (isa<AddOp>(op)) {
      value = leadsToMatmul(op->getOperand(0)) ? op->getOperand(0)
                                               : op->getOperand(1);
    } else if (auto select = dyn_cast<SelectOp>(op)) {
      value = splatOf(select.getLhs()) ? select.getRhs() : select.getLhs();
    } else {
      return false;
    }
  }
  return false;
}

FailureOr<Scores> takeApart(Value value, MatmulOp root,
                            PatternRewriter &rewriter) {
  Scores scores;
  while (true) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse())
      return rewriter.notifyMatchFailure(root, "the scores have other users");
    if (auto matmul = dyn_cast<MatmulOp>(op)) {
      scores.query = matmul.getLhs();
      scores.keyTransposed = matmul.getRhs();
      scores.isTransposed = matmul.getTransposeRhs();
      return scores;
    }
    Value above;
    if (peelNumber(value, scores.scale))
      continue;
    if (isa<AddOp>(op)) {
      auto split = splitOperands(op, leadsToMatmul);
      if (!split)
        return rewriter.notifyMatchFailure(root, "no matmul makes the scores");
      above = split->first;
      scores.masks.push_back({split->second, scores.scale, {}, true});
    } else if (auto select = dyn_cast<SelectOp>(op)) {
      auto left = splatOf(select.getLhs()), right = splatOf(select.getRhs());
      if (bool(left) == bool(right))
        return rewriter.notifyMatchFailure(root, "no matmul makes the scores");
      if ((left ? *left : *right) > kMasked || scores.scale <= 0)
        return rewriter.notifyMatchFailure(
            root, "what is selected is not -inf: no mask adds it");
      above = left ? select.getRhs() : select.getLhs();
      scores.masks.push_back({left ? select.getLhs() : select.getRhs(), 1,
                              select.getCondition(), bool(left)});
    } else {
      return rewriter.notifyMatchFailure(
          root, "an op stands between the scores and their softmax");
    }
    if (!sameSizes(op->getResult(0), above))
      return rewriter.notifyMatchFailure(root, "the mask broadcasts scores");
    value = above;
  }
}

/// All masks as one summand; null if there is none.
Value createMask(PatternRewriter &rewriter, Location loc, Type element,
                 ArrayRef<Mask> masks) {
  auto scalar = RankedTensorType::get({}, element);
  Value sum;
  for (const Mask &mask : masks) {
    Value value = mask.value;
    if (mask.condition) {
      Value masked = createSplat(rewriter, loc, scalar, *splatOf(value));
      Value zero = createSplat(rewriter, loc, scalar, 0);
      if (!mask.isWhereTrue)
        std::swap(masked, zero);
      value = SelectOp::create(rewriter, loc, mask.condition, masked, zero);
    } else if (mask.scale != 1) {
      Value factor = createSplat(rewriter, loc, scalar, mask.scale);
      value = MulOp::create(rewriter, loc, value, factor);
    }
    sum = sum ? AddOp::create(rewriter, loc, sum, value).getResult() : value;
  }
  return sum;
}

/// `value` with its last two dimensions exchanged; cancels the transpose that
/// made it.
Value exchangeLastTwo(PatternRewriter &rewriter, Location loc, Value value) {
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rankOf(value)));
  if (auto transpose = value.getDefiningOp<TransposeOp>()) {
    perm.assign(transpose.getPerm().begin(), transpose.getPerm().end());
    value = transpose.getInput();
  }
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return buildTranspose(rewriter, loc, value, perm);
}

/// Whether all batch dimensions are those of the result: attention does not
/// broadcast them.
bool sameBatch(ArrayRef<Value> operands, Value result) {
  SmallVector<DimExpr> want = dimsOf(result);
  for (Value operand : operands) {
    SmallVector<DimExpr> dims = dimsOf(operand);
    if (dims.size() != want.size() ||
        ArrayRef(dims).drop_back(2) != ArrayRef(want).drop_back(2))
      return false;
  }
  return true;
}

/// matmul(softmax(scale * matmul(q, k^T) + mask), v) ==> attention(q, k, v)
struct RecoverAttention : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto softmax = op.getLhs().getDefiningOp<SoftmaxOp>();
    if (!softmax)
      return rewriter.notifyMatchFailure(op, "no softmax on the left");
    if (!elementOf(op).isF32() || !dimsOf(op.getResult()).back().isConstant())
      return rewriter.notifyMatchFailure(
          op, "no kernel for other elements than f32 or open head sizes");
    if (softmax.getLog() || int64_t(softmax.getAxis()) != rankOf(softmax) - 1)
      return rewriter.notifyMatchFailure(op,
                                         "softmax is not along the last axis");
    if (!softmax->hasOneUse())
      return rewriter.notifyMatchFailure(op, "softmax has other users");
    auto scores = takeApart(softmax.getInput(), op, rewriter);
    if (failed(scores))
      return failure();

    Value query = scores->query, key = scores->keyTransposed;
    if (!sameBatch({query, key, op.getRhs()}, op))
      return rewriter.notifyMatchFailure(op, "batch dimensions broadcast");
    double scale = scores->scale;
    while (peelNumber(query, scale) || peelNumber(key, scale)) {
    }
    if (!std::isfinite(scale))
      return rewriter.notifyMatchFailure(op, "the scale is not finite");

    Location loc = locationOfTree(op, {query, key, op.getRhs()});
    if (!scores->isTransposed)
      key = exchangeLastTwo(rewriter, loc, key);
    Value value = op.getRhs();
    if (op.getTransposeRhs())
      value = exchangeLastTwo(rewriter, loc, value);
    Value mask = createMask(rewriter, loc, elementOf(op), scores->masks);
    auto attention =
        AttentionOp::create(rewriter, loc, op.getType(), query, key, value,
                            mask, rewriter.getF64FloatAttr(scale));
    rewriter.replaceOp(op, attention);
    return success();
  }
};

} // namespace

void addAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<RecoverAttention>(patterns.getContext());
}

} // namespace mlir::tenon::graph
