//===- MoveTransposes.cpp - Transposes that meet --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A transpose moves up through a tree of pointwise ops if that leaves fewer
// transposes than before:
//
//   1. Grow the tree from the transpose upwards: pointwise ops of its rank
//      that nobody outside the tree uses.
//   2. Count at the leaves: a transpose that cancels is one less, any other
//      leaf one more; constants, and tensors with one dimension that is not 1,
//      cost nothing.
//   3. If the sum, less the transpose at the root, is below zero, build the
//      tree again on transposed leaves.
//
// Two more cases sink it: both operands of a pointwise op have the same
// transpose; a reduction leaves a smaller tensor to transpose. And a matmul
// reads its right side transposed, so that this transpose vanishes.
//
// Tests: test/compiler/Graph/canonicalize-movement-transpose.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "compiler/Graph/MovePatterns.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::tenon::graph {
namespace {

constexpr size_t kMaxTreeSize = 32;

bool isPointwise(Operation *op) {
  return op && op->hasTrait<Pointwise>() && op->getNumResults() == 1;
}

SmallVector<int64_t> composed(ArrayRef<int64_t> inner,
                              ArrayRef<int64_t> outer) {
  SmallVector<int64_t> perm;
  for (int64_t axis : outer)
    perm.push_back(inner[axis]);
  return perm;
}

SmallVector<int64_t> inverse(ArrayRef<int64_t> perm) {
  SmallVector<int64_t> result(perm.size());
  for (auto [i, axis] : llvm::enumerate(perm))
    result[axis] = i;
  return result;
}

Type permutedType(Value value, ArrayRef<int64_t> perm) {
  SmallVector<DimExpr> from = dimsOf(value), dims;
  for (int64_t axis : perm)
    dims.push_back(from[axis]);
  return tensorType(dims, elementOf(value));
}

/// At most one dimension is not 1: any permutation is a reshape.
bool isVector(Value value) {
  return llvm::count_if(dimsOf(value),
                        [](DimExpr dim) { return !dim.isConstant(1); }) <= 1;
}

/// `value`, of lower rank perhaps, as it is seen after `perm`.
Value transposedLeaf(OpBuilder &builder, Location loc, Value value,
                     ArrayRef<int64_t> perm) {
  if (rankOf(value) == 0)
    return value;
  value = buildReshape(builder, loc, value, alignedDims(value, perm.size()));
  return buildTranspose(builder, loc, value, perm);
}

//===----------------------------------------------------------------------===//
// Upwards
//===----------------------------------------------------------------------===//

struct PointwiseTree {
  SmallVector<Operation *> ops; // the root transpose first
  SmallVector<Value> leaves;

  bool contains(Operation *op) const { return llvm::is_contained(ops, op); }
  bool ownsAllUsersOf(Value value) const {
    return llvm::all_of(value.getUsers(),
                        [&](Operation *user) { return contains(user); });
  }
};

PointwiseTree treeAbove(TransposeOp root) {
  PointwiseTree tree;
  tree.ops.push_back(root);
  int64_t rank = rankOf(root);
  // An op joins when its last user has joined, so sweep until none does.
  for (bool grew = true; grew && tree.ops.size() < kMaxTreeSize;) {
    grew = false;
    for (size_t i = 0; i < tree.ops.size(); ++i)
      for (Value operand : tree.ops[i]->getOperands()) {
        Operation *op = operand.getDefiningOp();
        if (!isPointwise(op) || tree.contains(op) || rankOf(operand) != rank ||
            op->getBlock() != root->getBlock() || !tree.ownsAllUsersOf(operand))
          continue;
        tree.ops.push_back(op);
        grew = true;
      }
  }
  for (Operation *op : tree.ops)
    for (Value operand : op->getOperands())
      if (!tree.contains(operand.getDefiningOp()) &&
          !llvm::is_contained(tree.leaves, operand))
        tree.leaves.push_back(operand);
  return tree;
}

/// How many transposes more this leaf needs.
int leafCost(const PointwiseTree &tree, Value leaf, ArrayRef<int64_t> perm) {
  if (isVector(leaf) || isConstantExpression(leaf))
    return 0;
  auto transpose = leaf.getDefiningOp<TransposeOp>();
  if (!transpose || rankOf(leaf) != int64_t(perm.size()))
    return 1;
  bool cancels = isIdentityPermutation(composed(transpose.getPerm(), perm));
  bool dies = tree.ownsAllUsersOf(leaf);
  return (cancels ? 0 : 1) - (dies ? 1 : 0);
}

/// transpose(f(transpose(x), c)) ==> f(transpose(x), transpose(c))
struct MoveUp : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp root,
                                PatternRewriter &rewriter) const override {
    if (!isPointwise(root.getInput().getDefiningOp()))
      return rewriter.notifyMatchFailure(root, "no pointwise op above");
    if (isConstantExpression(root))
      return rewriter.notifyMatchFailure(root, "will be folded");
    PointwiseTree tree = treeAbove(root);
    if (tree.ops.size() == 1)
      return rewriter.notifyMatchFailure(root, "what is above has other users");
    ArrayRef<int64_t> perm = root.getPerm();
    int cost = -1;
    for (Value leaf : tree.leaves)
      cost += leafCost(tree, leaf, perm);
    if (cost >= 0)
      return rewriter.notifyMatchFailure(root, "would leave as many");

    IRMapping mapping;
    for (Value leaf : tree.leaves)
      mapping.map(leaf, transposedLeaf(rewriter, root.getLoc(), leaf, perm));
    llvm::sort(tree.ops, [](Operation *a, Operation *b) {
      return a->isBeforeInBlock(b);
    });
    for (Operation *op : ArrayRef(tree.ops).drop_back()) {
      Value old = op->getResult(0);
      Type type = permutedType(old, perm);
      Operation *clone = rewriter.clone(*op, mapping);
      clone->getResult(0).setType(type);
    }
    rewriter.replaceOp(root, mapping.lookup(root.getInput()));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Downwards
//===----------------------------------------------------------------------===//

/// A transpose that moves something when the model runs: not one of a constant,
/// which is folded, nor of what any permutation leaves in its order. MoveUp
/// makes those for nothing, so they must be worth nothing here.
TransposeOp movingTranspose(Value value) {
  if (isVector(value) || isConstantExpression(value))
    return {};
  return value.getDefiningOp<TransposeOp>();
}

/// f(transpose(x), transpose(y), c) ==> transpose(f(x, y, transpose(c)))
struct JoinBelow : RewritePattern {
  JoinBelow(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isPointwise(op) || op->getNumOperands() < 2)
      return failure();
    Value result = op->getResult(0);
    ArrayRef<int64_t> perm;
    int removed = 0;
    for (Value operand : op->getOperands()) {
      auto transpose = movingTranspose(operand);
      if (!transpose) {
        if (isVector(operand) || isConstantExpression(operand))
          continue;
        return rewriter.notifyMatchFailure(op, "an operand is no transpose");
      }
      if (!perm.empty() && perm != transpose.getPerm())
        return rewriter.notifyMatchFailure(op, "the transposes differ");
      perm = transpose.getPerm();
      if (rankOf(operand) != rankOf(result))
        return rewriter.notifyMatchFailure(op, "the ranks differ");
      removed += operand.hasOneUse();
    }
    if (removed < 2)
      return rewriter.notifyMatchFailure(op, "would leave as many");

    Location loc = op->getLoc();
    SmallVector<int64_t> back = inverse(perm);
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      if (auto transpose = movingTranspose(operand))
        mapping.map(operand, transpose.getInput());
      else
        mapping.map(operand, transposedLeaf(rewriter, loc, operand, back));
    }
    Operation *clone = rewriter.clone(*op, mapping);
    clone->getResult(0).setType(
        cast<RankedTensorType>(permutedType(result, back)));
    rewriter.replaceOpWithNewOp<TransposeOp>(op, result.getType(),
                                             clone->getResult(0), perm);
    return success();
  }
};

/// reduce(transpose(x)) ==> transpose(reduce(x)): a smaller transpose
struct ReduceFirst : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getInput().getDefiningOp<TransposeOp>();
    if (!transpose || !transpose->hasOneUse())
      return rewriter.notifyMatchFailure(op, "reduces no lone transpose");
    ArrayRef<int64_t> perm = transpose.getPerm();
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(perm[axis]);
    llvm::sort(axes);
    // Where the sizes are kept the permutation stays; else its rest.
    SmallVector<int64_t> rest(perm);
    if (!op.getKeep()) {
      rest.clear();
      for (auto [i, axis] : llvm::enumerate(perm)) {
        if (llvm::is_contained(op.getAxes(), int64_t(i)))
          continue;
        rest.push_back(axis - llvm::count_if(axes, [&, axis = axis](int64_t a) {
                         return a < axis;
                       }));
      }
    }
    Type type = permutedType(op, inverse(rest));
    Value reduced = ReduceOp::create(
        rewriter, op.getLoc(), type, transpose.getInput(), op.getKindAttr(),
        rewriter.getDenseI64ArrayAttr(axes), op.getKeepAttr());
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), reduced, rest);
    return success();
  }
};

/// matmul(a, transpose(b)) ==> matmul(a, b) {transpose_rhs}
struct ReadTransposed : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getRhs().getDefiningOp<TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the right side is no transpose");
    SmallVector<int64_t> perm(transpose.getPerm());
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    if (!isIdentityPermutation(perm))
      return rewriter.notifyMatchFailure(
          op, "the transpose does more than exchange the last two dimensions");
    rewriter.replaceOpWithNewOp<MatmulOp>(
        op, op.getType(), op.getLhs(), transpose.getInput(),
        rewriter.getBoolAttr(!op.getTransposeRhs()));
    return success();
  }
};

} // namespace

void addTransposePatterns(RewritePatternSet &patterns) {
  patterns.add<MoveUp, JoinBelow, ReduceFirst, ReadTransposed>(
      patterns.getContext());
}

} // namespace mlir::tenon::graph
