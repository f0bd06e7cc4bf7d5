//===- MoveConvolutions.cpp - Windows in two dimensions -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Kernel families know windows over two dimensions. Those over one get a
// height of 1, by reshapes that cost nothing. Zero padding in front of a
// convolution becomes its own padding.
//
//   graph.conv %x, %w : (tensor<1x3x8xf32>, tensor<4x3x3xf32>)
//   ==>
//   %0 = graph.reshape %x : 1x3x1x8
//   %1 = graph.reshape %w : 4x3x1x3
//   %2 = graph.conv %0, %1 : 1x4x1x6
//   graph.reshape %2      : 1x4x6
//
// Tests: test/compiler/Graph/canonicalize-movement-conv.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/MovePatterns.h"

namespace mlir::tenon::graph {
namespace {

/// [a, b, w] as [a, b, 1, w]
SmallVector<DimExpr> withHeight(ArrayRef<DimExpr> dims) {
  SmallVector<DimExpr> result(dims);
  result.insert(result.begin() + 2, DimExpr::constant(dims[0].getContext(), 1));
  return result;
}
Value withHeight(OpBuilder &builder, Location loc, Value value) {
  return buildReshape(builder, loc, value, withHeight(dimsOf(value)));
}
Type typeWithHeight(Value value) {
  return tensorType(withHeight(dimsOf(value)), elementOf(value));
}

/// {x} as {height, x}; {low, high} as {0, low, 0, high}
DenseI64ArrayAttr withHeight(OpBuilder &builder, ArrayRef<int64_t> values,
                             int64_t height) {
  SmallVector<int64_t> result;
  for (int64_t value : values) {
    result.push_back(height);
    result.push_back(value);
  }
  return builder.getDenseI64ArrayAttr(result);
}

struct ConvTo2d : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op,
                                PatternRewriter &rewriter) const override {
    if (rankOf(op) != 3)
      return rewriter.notifyMatchFailure(op, "is not over one dimension");
    Location loc = op.getLoc();
    Value result = ConvOp::create(
        rewriter, loc, typeWithHeight(op),
        withHeight(rewriter, loc, op.getInput()),
        withHeight(rewriter, loc, op.getFilter()), op.getBias(),
        withHeight(rewriter, op.getStrides(), 1),
        withHeight(rewriter, op.getPads(), 0),
        withHeight(rewriter, op.getDilations(), 1), op.getGroupsAttr());
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), result,
        dimArray(op.getContext(), dimsOf(op.getResult())));
    return success();
  }
};

struct ConvTransposeTo2d : OpRewritePattern<ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvTransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (rankOf(op) != 3)
      return rewriter.notifyMatchFailure(op, "is not over one dimension");
    Location loc = op.getLoc();
    Value result = ConvTransposeOp::create(
        rewriter, loc, typeWithHeight(op),
        withHeight(rewriter, loc, op.getInput()),
        withHeight(rewriter, loc, op.getFilter()), op.getBias(),
        withHeight(rewriter, op.getStrides(), 1),
        withHeight(rewriter, op.getPads(), 0),
        withHeight(rewriter, op.getDilations(), 1),
        withHeight(rewriter, op.getOutputPadding(), 0), op.getGroupsAttr());
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), result,
        dimArray(op.getContext(), dimsOf(op.getResult())));
    return success();
  }
};

struct PoolTo2d : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PoolOp op,
                                PatternRewriter &rewriter) const override {
    if (rankOf(op) != 3)
      return rewriter.notifyMatchFailure(op, "is not over one dimension");
    Location loc = op.getLoc();
    Value result = PoolOp::create(
        rewriter, loc, typeWithHeight(op),
        withHeight(rewriter, loc, op.getInput()), op.getKindAttr(),
        withHeight(rewriter, op.getKernel(), 1),
        withHeight(rewriter, op.getStrides(), 1),
        withHeight(rewriter, op.getPads(), 0),
        withHeight(rewriter, op.getDilations(), 1), op.getCeilModeAttr());
    rewriter.replaceOpWithNewOp<ReshapeOp>(
        op, op.getType(), result,
        dimArray(op.getContext(), dimsOf(op.getResult())));
    return success();
  }
};

/// conv(pad(x)) ==> conv(x) with larger pads
struct PadIntoConv : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ConvOp op,
                                PatternRewriter &rewriter) const override {
    auto pad = op.getInput().getDefiningOp<PadOp>();
    if (!pad)
      return rewriter.notifyMatchFailure(op, "nothing is padded");
    bool isZero = !pad.getValue() || splatOf(pad.getValue()) == 0.0;
    if (pad.getMode() != PadMode::constant || !isZero)
      return rewriter.notifyMatchFailure(op, "not padded with zeros");
    SmallVector<DimExpr> low = dimsOf(pad.getLow());
    SmallVector<DimExpr> high = dimsOf(pad.getHigh());
    SmallVector<int64_t> pads(op.getPads());
    int64_t spatial = rankOf(op) - 2;
    for (int64_t axis = 0; axis < spatial + 2; ++axis) {
      auto before = low[axis].asConstant(), after = high[axis].asConstant();
      if (!before || !after || *before < 0 || *after < 0)
        return rewriter.notifyMatchFailure(op, "the amounts are not constant "
                                               "or remove elements");
      if (axis < 2) {
        if (*before != 0 || *after != 0)
          return rewriter.notifyMatchFailure(op, "batch or channels padded");
        continue;
      }
      pads[axis - 2] += *before;
      pads[axis - 2 + spatial] += *after;
    }
    Location loc = FusedLoc::get(op.getContext(), {pad.getLoc(), op.getLoc()});
    Value result = ConvOp::create(
        rewriter, loc, op.getType(), pad.getInput(), op.getFilter(),
        op.getBias(), op.getStridesAttr(), rewriter.getDenseI64ArrayAttr(pads),
        op.getDilationsAttr(), op.getGroupsAttr());
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void addConvolutionPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvTo2d, ConvTransposeTo2d, PoolTo2d, PadIntoConv>(
      patterns.getContext());
}

} // namespace mlir::tenon::graph
