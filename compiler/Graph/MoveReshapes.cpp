//===- MoveReshapes.cpp - Reshapes, broadcasts and casts ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A reshape costs nothing, so what can be one becomes one, and dimensions of
// size 1 leave the way of transposes:
//
//   transpose that moves only 1s         ==> reshape
//   reshape(transpose(x)) dropping 1s    ==> transpose(reshape(x))
//   reshape(reduce(x)) putting 1s back   ==> reduce(x) {keep}
//   f(broadcast(x), y)                   ==> f(x, y), if f broadcasts by itself
//   cast(cast(x)) through a wider type   ==> cast(x)
//   reshape(f(matmul(reshape(x), w)))    ==> f(matmul(x, w)), where rows were
//                                            only counted another way
//
// Tests: test/compiler/Graph/canonicalize-movement-reshape.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/MovePatterns.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::tenon::graph {
namespace {

/// transpose(x) ==> reshape(x), where the other dimensions keep their order
struct TransposeToReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<DimExpr> from = dimsOf(op.getInput());
    int64_t last = -1;
    for (int64_t axis : op.getPerm()) {
      if (from[axis].isConstant(1))
        continue;
      if (axis < last)
        return rewriter.notifyMatchFailure(op, "moves more than 1s");
      last = axis;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), op.getInput(),
        dimArray(op.getContext(), dimsOf(op.getResult())));
    return success();
  }
};

/// The source axes that stay, in the order of the result, if only dimensions
/// of size 1 are dropped from transposed sizes `from` to get `to`; none if that
/// is not what happens. Of several 1s in a row those stay that come first in
/// the source: the batch, say, and not what a slice has left.
std::optional<SmallVector<int64_t>>
keptAxes(ArrayRef<DimExpr> from, ArrayRef<int64_t> perm, ArrayRef<DimExpr> to) {
  SmallVector<int64_t> kept;
  size_t next = 0;
  for (size_t axis = 0; axis < from.size();) {
    SmallVector<int64_t> ones;
    for (; axis < from.size() && from[axis].isConstant(1); ++axis)
      ones.push_back(perm[axis]);
    llvm::sort(ones);
    for (size_t i = 0; next < to.size() && to[next].isConstant(1);
         ++i, ++next) {
      if (i == ones.size())
        return std::nullopt;
      kept.push_back(ones[i]);
    }
    if (axis == from.size())
      break;
    if (next == to.size() || to[next] != from[axis])
      return std::nullopt;
    kept.push_back(perm[axis]);
    ++axis, ++next;
  }
  if (next != to.size())
    return std::nullopt;
  return kept;
}

/// reshape(transpose(x)) ==> transpose(reshape(x)), dropping 1s before
struct DropOnesFirst : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose || !transpose->hasOneUse())
      return rewriter.notifyMatchFailure(op, "no lone transpose above");
    if (rankOf(op) >= rankOf(transpose))
      return rewriter.notifyMatchFailure(op, "drops no dimension");
    auto kept = keptAxes(dimsOf(transpose.getResult()), transpose.getPerm(),
                         dimsOf(op.getResult()));
    if (!kept)
      return rewriter.notifyMatchFailure(op, "drops more than 1s");
    SmallVector<int64_t> sorted = *kept, perm;
    llvm::sort(sorted);
    for (int64_t axis : *kept)
      perm.push_back(llvm::find(sorted, axis) - sorted.begin());
    SmallVector<DimExpr> from = dimsOf(transpose.getInput()), dims;
    for (int64_t axis : sorted)
      dims.push_back(from[axis]);
    Location loc = op.getLoc();
    Value reshaped = buildReshape(rewriter, loc, transpose.getInput(), dims);
    rewriter.replaceOp(op, buildTranspose(rewriter, loc, reshaped, perm));
    return success();
  }
};

/// reshape(reduce(x)) ==> reduce(x) {keep}, where it puts the 1s back
struct KeepReduced : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto reduce = op.getInput().getDefiningOp<ReduceOp>();
    if (!reduce || reduce.getKeep() || !reduce->hasOneUse())
      return rewriter.notifyMatchFailure(op, "no reduction that drops sizes");
    SmallVector<DimExpr> dims = dimsOf(reduce.getInput());
    for (int64_t axis : reduce.getAxes())
      dims[axis] = DimExpr::constant(op.getContext(), 1);
    if (dims != dimsOf(op.getResult()))
      return rewriter.notifyMatchFailure(op, "puts back other sizes");
    rewriter.replaceOpWithNewOp<ReduceOp>(
        op, op.getType(), reduce.getInput(), reduce.getKindAttr(),
        reduce.getAxesAttr(), rewriter.getBoolAttr(true));
    return success();
  }
};

/// f(broadcast(x), y) ==> f(x, y)
struct DropBroadcast : RewritePattern {
  DropBroadcast(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!op->hasTrait<Pointwise>() || op->getNumOperands() < 2)
      return failure();
    for (OpOperand &operand : op->getOpOperands()) {
      auto broadcast = operand.get().getDefiningOp<BroadcastOp>();
      if (!broadcast)
        continue;
      SmallVector<DimExpr> dims = dimsOf(broadcast.getInput());
      bool fits = true;
      for (OpOperand &other : op->getOpOperands()) {
        if (&other == &operand)
          continue;
        // A size that is only assumed to be equal is no proof.
        auto assumed = [&](DimExpr, DimExpr) { fits = false; };
        auto both = broadcastShapes(op->getContext(), dims, dimsOf(other.get()),
                                    assumed);
        fits &= both.has_value();
        if (fits)
          dims = *both;
      }
      if (!fits || dims != dimsOf(op->getResult(0)))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(broadcast.getInput()); });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand's broadcast is idle");
  }
};

/// Whether every value of `from` is one of `to`.
bool isLossless(Type from, Type to) {
  if (auto a = dyn_cast<FloatType>(from))
    if (auto b = dyn_cast<FloatType>(to))
      return (a.isF16() && (b.isF32() || b.isF64())) ||
             (a.isBF16() && (b.isF32() || b.isF64())) ||
             (a.isF32() && b.isF64());
  auto a = dyn_cast<IntegerType>(from), b = dyn_cast<IntegerType>(to);
  return a && b && a.getSignedness() == b.getSignedness() && a.getWidth() > 1 &&
         a.getWidth() <= b.getWidth();
}

/// cast(cast(x)) ==> cast(x), where the first loses nothing
struct CastOnce : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<CastOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "casts no cast");
    Value x = inner.getInput();
    if (!isLossless(elementOf(x), elementOf(inner)))
      return rewriter.notifyMatchFailure(op, "the first cast may round");
    if (x.getType() == op.getType())
      rewriter.replaceOp(op, x);
    else
      rewriter.replaceOpWithNewOp<CastOp>(op, op.getType(), x, op.getToAttr());
    return success();
  }
};

/// Exporters lay the rows of a tensor end to end for a product of two matrices,
/// and part them again behind it. Between these reshapes and other ops nothing
/// can be fused, while a matmul takes rows in any number of dimensions:
/// reshape(f(matmul(reshape(x), w), b)) ==> f(matmul(x, w), b)
struct PartRowsBefore : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<DimExpr> dims = dimsOf(op.getResult());
    if (dims.size() < 3)
      return rewriter.notifyMatchFailure(op, "gives a matrix");
    SmallVector<Operation *> chain; // from below
    Value value = op.getInput();
    if (rankOf(value) != 2 || dimsOf(value).back() != dims.back())
      return rewriter.notifyMatchFailure(op, "parts more than rows");
    MatmulOp matmul;
    while (!matmul) {
      Operation *above = value.getDefiningOp();
      if (!above || !value.hasOneUse())
        return rewriter.notifyMatchFailure(op, "what is above has other users");
      matmul = dyn_cast<MatmulOp>(above);
      Value next = matmul ? Value() : rowsOperand(above);
      if (!matmul && !next)
        return rewriter.notifyMatchFailure(op, "no product above");
      chain.push_back(above);
      value = next;
    }
    auto flat = matmul.getLhs().getDefiningOp<ReshapeOp>();
    if (!flat || rankOf(matmul.getRhs()) != 2)
      return rewriter.notifyMatchFailure(op, "no rows end to end");

    SmallVector<DimExpr> rows = dims;
    rows.back() = dimsOf(flat.getResult()).back();
    IRMapping mapping;
    mapping.map(matmul.getLhs(),
                buildReshape(rewriter, flat.getLoc(), flat.getInput(), rows));
    for (Operation *old : llvm::reverse(chain)) {
      Operation *own = rewriter.clone(*old, mapping);
      Value result = own->getResult(0);
      SmallVector<DimExpr> sizes = dims;
      sizes.back() = dimsOf(old->getResult(0)).back();
      result.setType(tensorType(sizes, elementOf(result)));
    }
    rewriter.replaceOp(op, mapping.lookup(op.getInput()));
    return success();
  }

private:
  /// The operand that has the rows, where all others have one for all rows.
  static Value rowsOperand(Operation *op) {
    if (!op->hasTrait<Pointwise>())
      return {};
    Value rows;
    for (Value operand : op->getOperands()) {
      if (rankOf(operand) < 2)
        continue;
      if (rows || dimsOf(operand) != dimsOf(op->getResult(0)))
        return {};
      rows = operand;
    }
    return rows;
  }
};

} // namespace

void addReshapePatterns(RewritePatternSet &patterns) {
  patterns.add<TransposeToReshape, DropOnesFirst, KeepReduced, DropBroadcast,
               CastOnce, PartRowsBefore>(patterns.getContext());
}

} // namespace mlir::tenon::graph
