//===- FoldAffine.cpp - Fold scales and offsets into weights --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Moves constant arithmetic from activations into constant weights:
//
//   1. A factor behind an anchor multiplies its filter and bias; a summand
//      behind a convolution becomes its bias.
//   2. A factor in front of an anchor multiplies the filter: zero padding
//      stays zero. A summand in front is folded only where nothing is padded.
//   3. mul(add(matmul, b), s) = add(mul(matmul, s), b * s), so that 1 applies.
//
// "Constant" means a tree of ops over graph.constant: the weights become
// longer trees, and graph-fold-constants evaluates all of them in one go. An
// anchor with another user stays, and so does a large filter that is shared:
// folding would make a second copy.
//
// Before and after as IR are in Passes.td; the model case is @batch_norm in
// test/compiler/Graph/fold-affine.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/Passes.h"
#include "compiler/Graph/Rewrite.h"

#define DEBUG_TYPE "graph-fold-affine"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_FOLDAFFINEPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

/// A shared filter of at most this many elements may be copied.
constexpr int64_t kMaxSharedElements = 65536;

//===----------------------------------------------------------------------===//
// The anchor: convolution, transposed convolution or matmul
//===----------------------------------------------------------------------===//

/// One view of the ops that have constant weights. Channel axes: `output` in
/// the result, `input` in the data.
struct Anchor {
  Operation *op = nullptr;
  Value data, filter, bias;
  int64_t outputAxis = 0, inputAxis = 0, groups = 1;

  explicit operator bool() const { return op; }
  bool isConvolution() const { return isa<ConvOp, ConvTransposeOp>(op); }
  int64_t rank() const { return rankOf(op->getResult(0)); }
  DimExpr outputs() const { return dimOf(op->getResult(0), outputAxis); }
  DimExpr inputs() const { return dimOf(data, inputAxis); }
};

Anchor anchorOf(Operation *op) {
  Anchor anchor;
  if (auto conv = dyn_cast_or_null<ConvOp>(op))
    anchor = {op, conv.getInput(),          conv.getFilter(), conv.getBias(), 1,
              1,  int64_t(conv.getGroups())};
  else if (auto conv = dyn_cast_or_null<ConvTransposeOp>(op))
    anchor = {op, conv.getInput(),          conv.getFilter(), conv.getBias(), 1,
              1,  int64_t(conv.getGroups())};
  else if (auto matmul = dyn_cast_or_null<MatmulOp>(op))
    anchor = {op,      matmul.getLhs(),    matmul.getRhs(),
              Value(), rankOf(matmul) - 1, rankOf(matmul.getLhs()) - 1,
              1};
  return anchor;
}

/// Why the weights of this anchor cannot take a factor; empty if they can.
StringRef whyFixed(const Anchor &anchor) {
  if (!isConstantExpression(anchor.filter))
    return "the weights are not constant";
  if (anchor.bias && !isConstantExpression(anchor.bias))
    return "the bias is not constant";
  if (!anchor.filter.hasOneUse() &&
      tensorOf(anchor.filter).getNumElements() > kMaxSharedElements)
    return "the weights are large and shared";
  return "";
}

/// The elements of `value` along one axis of a tensor of `rank`, as a vector
/// [count] or, where it is one number, [1]; null if it varies along others.
Value alongAxis(OpBuilder &builder, Location loc, Value value, int64_t rank,
                int64_t axis, DimExpr count) {
  SmallVector<DimExpr> dims = alignedDims(value, rank);
  if (rankOf(value) > rank)
    return {};
  for (auto [i, dim] : llvm::enumerate(dims))
    if (!dim.isConstant(1) && (int64_t(i) != axis || dim != count))
      return {};
  DimExpr one = DimExpr::constant(value.getContext(), 1);
  return buildReshape(builder, loc, value, rank == 0 ? one : dims[axis]);
}

/// Whether alongAxis would give a value, without building it.
bool variesOnlyAlong(Value value, int64_t rank, int64_t axis, DimExpr count) {
  if (rankOf(value) > rank)
    return false;
  for (auto [i, dim] : llvm::enumerate(alignedDims(value, rank)))
    if (!dim.isConstant(1) && (int64_t(i) != axis || dim != count))
      return false;
  return true;
}

/// A vector [n] or [1] with 1s around it, so that it lies along `axis` of a
/// tensor of `rank`.
Value spreadAlong(OpBuilder &builder, Location loc, Value vector, int64_t rank,
                  int64_t axis) {
  SmallVector<DimExpr> dims(rank, DimExpr::constant(vector.getContext(), 1));
  dims[axis] = dimOf(vector, 0);
  return buildReshape(builder, loc, vector, dims);
}

/// Where the output channels (or input channels) of the filter lie; none if
/// groups split them over two axes.
std::optional<int64_t> filterAxis(const Anchor &anchor, bool ofOutputs) {
  int64_t rank = rankOf(anchor.filter);
  if (auto matmul = dyn_cast<MatmulOp>(anchor.op))
    return ofOutputs != matmul.getTransposeRhs() ? rank - 1 : rank - 2;
  // conv: [M, C/groups, ...]; conv_transpose: [C, M/groups, ...].
  bool isFirst = ofOutputs == isa<ConvOp>(anchor.op);
  if (isFirst || anchor.groups == 1)
    return isFirst ? 0 : 1;
  // Depthwise with one output a channel: both numberings are one.
  DimExpr one = DimExpr::constant(anchor.op->getContext(), 1);
  if (dimOf(anchor.filter, 1) == one)
    return 0;
  return std::nullopt;
}

template <class OpTy>
Value createBinary(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  return OpTy::create(builder, loc, lhs, rhs);
}

/// `anchor` again with other operands; a bias may be new.
Value createAnchor(OpBuilder &builder, Location loc, const Anchor &anchor,
                   Value data, Value filter, Value bias, Type type) {
  if (auto conv = dyn_cast<ConvOp>(anchor.op))
    return ConvOp::create(builder, loc, type, data, filter, bias,
                          conv.getStridesAttr(), conv.getPadsAttr(),
                          conv.getDilationsAttr(), conv.getGroupsAttr());
  if (auto conv = dyn_cast<ConvTransposeOp>(anchor.op))
    return ConvTransposeOp::create(
        builder, loc, type, data, filter, bias, conv.getStridesAttr(),
        conv.getPadsAttr(), conv.getDilationsAttr(),
        conv.getOutputPaddingAttr(), conv.getGroupsAttr());
  return MatmulOp::create(builder, loc, type, data, filter,
                          cast<MatmulOp>(anchor.op).getTransposeRhsAttr());
}

//===----------------------------------------------------------------------===//
// Behind the anchor
//===----------------------------------------------------------------------===//

/// op(anchor, constant) on either side: the anchor, the constant, and whether
/// the anchor is the left operand. Says why if only the constant fits.
struct Behind {
  Anchor anchor;
  Value constant;
  bool isLeft;
};
FailureOr<Behind> matchBehind(Operation *op, PatternRewriter &rewriter) {
  for (bool isLeft : {true, false}) {
    Anchor anchor = anchorOf(op->getOperand(isLeft ? 0 : 1).getDefiningOp());
    Value other = op->getOperand(isLeft ? 1 : 0);
    if (!anchor || !isConstantExpression(other))
      continue;
    if (!anchor.op->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the anchor has other users");
    if (!variesOnlyAlong(other, anchor.rank(), anchor.outputAxis,
                         anchor.outputs()) ||
        !sameSizes(op->getResult(0), anchor.op->getResult(0)))
      return rewriter.notifyMatchFailure(
          op, "the constant varies along other axes than the channels");
    return Behind{anchor, other, isLeft};
  }
  return failure();
}

/// mul(conv(x, w, b), s) ==> conv(x, w * s, b * s); so div(conv, s)
template <class OpTy> struct FoldFactorBehind : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto match = matchBehind(op, rewriter);
    if (failed(match))
      return failure();
    Anchor &anchor = match->anchor;
    if (!isFloat(op))
      return rewriter.notifyMatchFailure(op, "integers do not distribute");
    if (std::is_same_v<OpTy, DivOp> && !match->isLeft)
      return rewriter.notifyMatchFailure(op, "divides by the anchor");
    if (StringRef why = whyFixed(anchor); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    auto axis = filterAxis(anchor, /*ofOutputs=*/true);
    bool isNumber = tensorOf(match->constant).getNumElements() == 1;
    if (!axis && !isNumber)
      return rewriter.notifyMatchFailure(op, "groups split the channels");

    Location loc =
        FusedLoc::get(op.getContext(), {anchor.op->getLoc(), op.getLoc()});
    Value vector = alongAxis(rewriter, loc, match->constant, anchor.rank(),
                             anchor.outputAxis, anchor.outputs());
    Value factor = spreadAlong(rewriter, loc, vector, rankOf(anchor.filter),
                               axis.value_or(0));
    Value filter = createBinary<OpTy>(rewriter, loc, anchor.filter, factor);
    Value bias = anchor.bias;
    if (bias)
      bias = createBinary<OpTy>(rewriter, loc, bias, vector);
    rewriter.replaceOp(op, createAnchor(rewriter, loc, anchor, anchor.data,
                                        filter, bias, op.getType()));
    return success();
  }
};

/// add(conv(x, w, b), t) ==> conv(x, w, b + t)
/// sub(conv(x, w, b), t) ==> conv(x, w, b - t)
/// sub(t, conv(x, w, b)) ==> conv(x, -w, t - b)
template <class OpTy> struct FoldSummandBehind : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    auto match = matchBehind(op, rewriter);
    if (failed(match))
      return failure();
    Anchor &anchor = match->anchor;
    if (!anchor.isConvolution())
      return rewriter.notifyMatchFailure(op, "a matmul has no bias");
    bool isNegated = std::is_same_v<OpTy, SubOp> && !match->isLeft;
    if (isNegated)
      if (StringRef why = whyFixed(anchor); !why.empty())
        return rewriter.notifyMatchFailure(op, why);

    Location loc =
        FusedLoc::get(op.getContext(), {anchor.op->getLoc(), op.getLoc()});
    DimExpr count = anchor.outputs();
    Value vector = alongAxis(rewriter, loc, match->constant, anchor.rank(),
                             anchor.outputAxis, count);
    if (dimOf(vector, 0) != count)
      vector = BroadcastOp::create(rewriter, loc,
                                   tensorType(count, elementOf(vector)), vector,
                                   dimArray(op.getContext(), count));
    Value filter = anchor.filter, bias = anchor.bias;
    if (isNegated)
      filter = NegOp::create(rewriter, loc, filter);
    if (!std::is_same_v<OpTy, SubOp>)
      bias = bias ? createBinary<AddOp>(rewriter, loc, bias, vector) : vector;
    else if (isNegated)
      bias = bias ? createBinary<SubOp>(rewriter, loc, vector, bias) : vector;
    else if (bias)
      bias = createBinary<SubOp>(rewriter, loc, bias, vector);
    else
      bias = NegOp::create(rewriter, loc, vector);
    rewriter.replaceOp(op, createAnchor(rewriter, loc, anchor, anchor.data,
                                        filter, bias, op.getType()));
    return success();
  }
};

/// mul(add(matmul(x, w), b), s) ==> add(mul(matmul(x, w), s), b * s)
struct FactorIntoMatmulBias : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    auto isAdd = [](Value v) { return bool(v.getDefiningOp<AddOp>()); };
    auto isMatmul = [](Value v) { return bool(v.getDefiningOp<MatmulOp>()); };
    auto factors = splitOperands(op, isAdd);
    if (!factors || !isFloat(op))
      return failure();
    auto [sum, factor] = *factors;
    auto summands = splitOperands(sum.getDefiningOp(), isMatmul);
    if (!summands)
      return failure();
    auto [product, bias] = *summands;
    Anchor anchor = anchorOf(product.getDefiningOp());
    if (!sum.hasOneUse() || !product.hasOneUse())
      return rewriter.notifyMatchFailure(op, "matmul or sum has other users");
    if (!isConstantExpression(bias) || !isConstantExpression(factor))
      return rewriter.notifyMatchFailure(op, "bias or factor is no constant");
    if (StringRef why = whyFixed(anchor); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    for (Value constant : {bias, factor})
      if (!variesOnlyAlong(constant, anchor.rank(), anchor.outputAxis,
                           anchor.outputs()))
        return rewriter.notifyMatchFailure(
            op, "a constant varies along other axes than the columns");

    Location loc = FusedLoc::get(op.getContext(), {sum.getLoc(), op.getLoc()});
    Value scaled =
        MulOp::create(rewriter, loc, product.getType(), product, factor);
    Value offset = createBinary<MulOp>(rewriter, loc, bias, factor);
    rewriter.replaceOpWithNewOp<AddOp>(op, op.getType(), scaled, offset);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// In front of the anchor
//===----------------------------------------------------------------------===//

/// The summand in front adds the same to each output only if no window reads
/// padding.
bool isUnpadded(const Anchor &anchor) {
  if (auto conv = dyn_cast<ConvOp>(anchor.op))
    return llvm::all_of(conv.getPads(), [](int64_t pad) { return pad == 0; });
  return false;
}

/// conv(mul(x, s), w) ==> conv(x, w * s); so matmul
template <class OpTy> struct FoldFactorInFront : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Anchor anchor = anchorOf(op);
    auto mul = anchor.data.template getDefiningOp<MulOp>();
    if (!mul || !isFloat(op))
      return failure();
    auto split = splitOperands(mul, isConstantExpression);
    if (!split)
      return failure();
    auto [factor, data] = *split;
    if (!mul->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the product has other users");
    if (!sameSizes(mul, data) ||
        !variesOnlyAlong(factor, rankOf(data), anchor.inputAxis,
                         anchor.inputs()))
      return rewriter.notifyMatchFailure(
          op, "the factor varies along other axes than the channels");
    if (StringRef why = whyFixed(anchor); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    auto axis = filterAxis(anchor, /*ofOutputs=*/false);
    bool isNumber = tensorOf(factor).getNumElements() == 1;
    if (!isNumber && (!axis || dimOf(anchor.filter, *axis) != anchor.inputs()))
      return rewriter.notifyMatchFailure(op, "groups split the channels");

    Location loc = FusedLoc::get(op.getContext(), {mul.getLoc(), op.getLoc()});
    Value vector = alongAxis(rewriter, loc, factor, rankOf(data),
                             anchor.inputAxis, anchor.inputs());
    Value spread = spreadAlong(rewriter, loc, vector, rankOf(anchor.filter),
                               axis.value_or(0));
    Value filter = createBinary<MulOp>(rewriter, loc, anchor.filter, spread);
    rewriter.replaceOp(op, createAnchor(rewriter, loc, anchor, data, filter,
                                        anchor.bias, op.getType()));
    return success();
  }
};

/// conv(add(x, t), w, b) ==> conv(x, w, b + sum(w * t)) without padding
struct FoldSummandInFront : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op,
                                PatternRewriter &rewriter) const override {
    auto add = op.getInput().getDefiningOp<AddOp>();
    auto split = add ? splitOperands(add, isConstantExpression) : std::nullopt;
    if (!split || !isFloat(op))
      return failure();
    auto [summand, data] = *split;
    Anchor anchor = anchorOf(op);
    if (!add->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the sum has other users");
    if (!isUnpadded(anchor))
      return rewriter.notifyMatchFailure(
          op, "padding is zero where the sum is not");
    if (!sameSizes(add, data) ||
        !variesOnlyAlong(summand, rankOf(data), 1, anchor.inputs()))
      return rewriter.notifyMatchFailure(
          op, "the summand varies along other axes than the channels");
    if (StringRef why = whyFixed(anchor); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    if (anchor.groups != 1 && tensorOf(summand).getNumElements() != 1)
      return rewriter.notifyMatchFailure(op, "groups split the channels");

    Location loc = FusedLoc::get(op.getContext(), {add.getLoc(), op.getLoc()});
    int64_t rank = rankOf(anchor.filter);
    Value vector = alongAxis(rewriter, loc, summand, rank, 1, anchor.inputs());
    Value product =
        createBinary<MulOp>(rewriter, loc, anchor.filter,
                            spreadAlong(rewriter, loc, vector, rank, 1));
    auto axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
    Value bias = ReduceOp::create(
        rewriter, loc, tensorType(dimOf(anchor.filter, 0), elementOf(op)),
        product, ReduceKind::sum, axes, /*keep=*/false);
    if (anchor.bias)
      bias = createBinary<AddOp>(rewriter, loc, anchor.bias, bias);
    rewriter.replaceOp(op, createAnchor(rewriter, loc, anchor, data,
                                        anchor.filter, bias, op.getType()));
    return success();
  }
};

struct FoldAffine : impl::FoldAffinePassBase<FoldAffine> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<FoldFactorBehind<MulOp>, FoldFactorBehind<DivOp>,
                 FoldSummandBehind<AddOp>, FoldSummandBehind<SubOp>,
                 FactorIntoMatmulBias, FoldFactorInFront<ConvOp>,
                 FoldFactorInFront<ConvTransposeOp>,
                 FoldFactorInFront<MatmulOp>, FoldSummandInFront>(context);
    if (failed(
            rewriteGreedily(getOperation(), std::move(patterns), DEBUG_TYPE)))
      signalPassFailure();
  }
};

} // namespace
} // namespace mlir::tenon::graph
