//===- RecoverSoftmax.cpp - Softmax from exponentials ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// exp(x - max(x)) / sum(exp(x - max(x))) over one axis, and the form without
// the maximum, which softmax computes without its overflow.
//
// Tests: test/compiler/Graph/recover-softmax.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/RecoverPatterns.h"

namespace mlir::tenon::graph {
namespace {

/// The axis of a reduction over one axis that keeps the rank.
std::optional<int64_t> axisOfReduction(Value value, ReduceKind kind,
                                       Value input) {
  auto reduce = value.getDefiningOp<ReduceOp>();
  if (!reduce || reduce.getKind() != kind || reduce.getInput() != input ||
      reduce.getAxes().size() != 1 || !reduce.getKeep())
    return std::nullopt;
  return reduce.getAxes()[0];
}

/// exp(x - max(x)) / sum(...) ==> softmax(x); also exp * (1 / sum)
template <class OpTy> struct RecoverSoftmax : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto isExp = [](Value v) { return bool(v.getDefiningOp<ExpOp>()); };
    auto split = splitOperands(op, isExp);
    if (!split || !isFloat(op))
      return rewriter.notifyMatchFailure(op, "no operand is an exponential");
    auto [numerator, sum] = *split;
    if (std::is_same_v<OpTy, DivOp> && numerator != op.getLhs())
      return rewriter.notifyMatchFailure(op, "divides by the exponential");
    if (std::is_same_v<OpTy, MulOp>) {
      auto inverse = sum.template getDefiningOp<ReciprocalOp>();
      if (!inverse)
        return rewriter.notifyMatchFailure(op, "no factor is 1 / sum");
      sum = inverse.getInput();
    }
    auto axis = axisOfReduction(sum, ReduceKind::sum, numerator);
    if (!axis)
      return rewriter.notifyMatchFailure(
          op, "divides by no sum of the exponentials over one axis");
    Value x = numerator.template getDefiningOp<ExpOp>().getInput();
    // Any maximum along the axis cancels: take x from before it.
    if (auto sub = x.template getDefiningOp<SubOp>())
      if (axisOfReduction(sub.getRhs(), ReduceKind::max, sub.getLhs()) == axis)
        x = sub.getLhs();
    auto softmax = SoftmaxOp::create(
        rewriter, locationOfTree(op, x), op.getType(), x,
        rewriter.getI64IntegerAttr(*axis), rewriter.getBoolAttr(false));
    rewriter.replaceOp(op, softmax);
    return success();
  }
};

} // namespace

void addSoftmaxPatterns(RewritePatternSet &patterns) {
  patterns.add<RecoverSoftmax<DivOp>, RecoverSoftmax<MulOp>>(
      patterns.getContext());
}

} // namespace mlir::tenon::graph
