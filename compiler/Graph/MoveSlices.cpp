//===- MoveSlices.cpp - Slices move up to what they read ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Query, key and value come out of one matmul and are taken apart behind a
// reshape and a transpose, each exporter in its own way (Gather, Slice and
// Squeeze, Split). Moved up, the slice reads the matmul's result directly and
// all exporters' forms are one:
//
//   %t = graph.transpose (graph.reshape %m) : 1x197x3x12x64 to 3x1x12x197x64
//   %q = graph.gather %t, 0
//   ==>
//   %s = graph.slice %m                     : 1x197x2304 to 1x197x768
//   %q = graph.transpose (graph.reshape %s) : 1x197x12x64 to 1x12x197x64
//
// Tests: test/compiler/Graph/canonicalize-movement-slice.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/MovePatterns.h"
#include "mlir/IR/Matchers.h"

namespace mlir::tenon::graph {
namespace {

/// What a slice reads, dimension by dimension.
struct Range {
  SmallVector<DimExpr> offsets, sizes;
  SmallVector<int64_t> strides;

  explicit Range(SliceOp op)
      : offsets(dimsOf(op.getOffsets())), sizes(dimsOf(op.getSizes())),
        strides(op.getStrides()) {}
  /// All of a tensor of these sizes.
  explicit Range(ArrayRef<DimExpr> dims)
      : offsets(dims.size()), sizes(dims), strides(dims.size(), 1) {
    for (auto [offset, dim] : llvm::zip(offsets, dims))
      offset = DimExpr::constant(dim.getContext(), 0);
  }

  bool isWhole(int64_t axis, DimExpr dim) const {
    return offsets[axis].isConstant(0) && strides[axis] == 1 &&
           sizes[axis] == dim;
  }
};

Value createSlice(OpBuilder &builder, Location loc, Value input,
                  const Range &range) {
  MLIRContext *context = builder.getContext();
  Type type = tensorType(range.sizes, elementOf(input));
  return builder.createOrFold<SliceOp>(
      loc, type, input, dimArray(context, range.offsets),
      dimArray(context, range.sizes),
      builder.getDenseI64ArrayAttr(range.strides));
}

/// gather(x, number) ==> reshape(slice(x))
struct GatherToSlice : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    Attribute attr;
    if (!matchPattern(op.getIndices(), m_Constant(&attr)))
      return rewriter.notifyMatchFailure(op, "the index is no constant");
    auto elements = dimElements(attr);
    if (!elements || elements->size() != 1)
      return rewriter.notifyMatchFailure(op, "there is not one index alone");
    int64_t axis = op.getAxis();
    SmallVector<DimExpr> dims = dimsOf(op.getInput());
    DimExpr index = elements->front();
    if (index.upperBound() < 0)
      index = dims[axis] + index;
    // What may be out of range must stay a fault at run time.
    if (index.lowerBound() < 0 || (dims[axis] - index).lowerBound() < 1)
      return rewriter.notifyMatchFailure(op, "the index may be out of range");
    Range range(dims);
    range.offsets[axis] = index;
    range.sizes[axis] = DimExpr::constant(op.getContext(), 1);
    Value slice = createSlice(rewriter, op.getLoc(), op.getInput(), range);
    rewriter.replaceOp(
        op, buildReshape(rewriter, op.getLoc(), slice, dimsOf(op.getResult())));
    return success();
  }
};

/// slice(slice(x)) ==> slice(x)
struct SliceOnce : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<SliceOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "slices no slice");
    Range range(op), first(inner);
    for (size_t i = 0; i < range.offsets.size(); ++i) {
      range.offsets[i] = first.offsets[i] + range.offsets[i] * first.strides[i];
      range.strides[i] *= first.strides[i];
    }
    rewriter.replaceOp(
        op, createSlice(rewriter, op.getLoc(), inner.getInput(), range));
    return success();
  }
};

/// slice(concat(x, y)) ==> slice(x), where only x is read
struct SliceOfConcat : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto concat = op.getInput().getDefiningOp<ConcatOp>();
    if (!concat)
      return rewriter.notifyMatchFailure(op, "slices no concat");
    int64_t axis = concat.getAxis();
    Range range(op);
    if (range.strides[axis] <= 0)
      return rewriter.notifyMatchFailure(op, "reads backwards");
    DimExpr begin = range.offsets[axis];
    DimExpr last = begin + (range.sizes[axis] - 1) * range.strides[axis];
    DimExpr start = DimExpr::constant(op.getContext(), 0);
    for (Value input : concat.getInputs()) {
      DimExpr end = start + dimOf(input, axis);
      bool isInside =
          (begin - start).lowerBound() >= 0 && (end - last).lowerBound() >= 1;
      if (isInside) {
        range.offsets[axis] = begin - start;
        rewriter.replaceOp(op,
                           createSlice(rewriter, op.getLoc(), input, range));
        return success();
      }
      start = end;
    }
    return rewriter.notifyMatchFailure(op, "reads more than one input");
  }
};

/// slice(transpose(x)) ==> transpose(slice(x)), if slices alone use it
struct SliceBeforeTranspose : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "slices no transpose");
    if (!llvm::all_of(transpose->getUsers(), llvm::IsaPred<SliceOp>))
      return rewriter.notifyMatchFailure(op, "others use the transpose");
    ArrayRef<int64_t> perm = transpose.getPerm();
    Range range(op), moved(dimsOf(transpose.getInput()));
    for (auto [i, axis] : llvm::enumerate(perm)) {
      moved.offsets[axis] = range.offsets[i];
      moved.sizes[axis] = range.sizes[i];
      moved.strides[axis] = range.strides[i];
    }
    Value slice =
        createSlice(rewriter, op.getLoc(), transpose.getInput(), moved);
    rewriter.replaceOp(op, buildTranspose(rewriter, op.getLoc(), slice, perm));
    return success();
  }
};

/// slice(reshape(x)) ==> reshape(slice(x)), where the slice is along the
/// outermost part of a dimension that the reshape splits
struct SliceBeforeReshape : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
    if (!reshape)
      return rewriter.notifyMatchFailure(op, "slices no reshape");
    SmallVector<DimExpr> from = dimsOf(reshape.getInput());
    SmallVector<DimExpr> to = dimsOf(reshape.getResult());
    Range range(op);
    std::optional<int64_t> sliced;
    for (int64_t axis = 0, rank = to.size(); axis < rank; ++axis) {
      if (range.isWhole(axis, to[axis]))
        continue;
      if (sliced || range.strides[axis] != 1)
        return rewriter.notifyMatchFailure(op, "not along one dimension");
      sliced = axis;
    }
    if (!sliced)
      return rewriter.notifyMatchFailure(op, "slices nothing");

    // Which dimensions of the result each source dimension is split into.
    size_t next = 0;
    for (auto [axis, dim] : llvm::enumerate(from)) {
      if (dim.isConstant(1))
        continue;
      size_t begin = next;
      DimExpr product = DimExpr::constant(op.getContext(), 1);
      while (next < to.size() && product != dim)
        product = product * to[next++];
      if (product != dim)
        return rewriter.notifyMatchFailure(op, "the reshape joins dimensions");
      if (*sliced < int64_t(begin) || *sliced >= int64_t(next))
        continue;
      for (int64_t i = begin; i < *sliced; ++i)
        if (!to[i].isConstant(1))
          return rewriter.notifyMatchFailure(op, "not the outermost part");
      DimExpr inner = productOf(
          op.getContext(), ArrayRef(to).slice(*sliced + 1, next - *sliced - 1));
      Range moved(from);
      moved.offsets[axis] = range.offsets[*sliced] * inner;
      moved.sizes[axis] = range.sizes[*sliced] * inner;
      Value slice =
          createSlice(rewriter, op.getLoc(), reshape.getInput(), moved);
      rewriter.replaceOp(op, buildReshape(rewriter, op.getLoc(), slice,
                                          dimsOf(op.getResult())));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "slices a dimension of size 1");
  }
};

} // namespace

void addSlicePatterns(RewritePatternSet &patterns) {
  patterns.add<GatherToSlice, SliceOnce, SliceOfConcat, SliceBeforeTranspose,
               SliceBeforeReshape>(patterns.getContext());
}

} // namespace mlir::tenon::graph
