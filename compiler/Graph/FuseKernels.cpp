//===- FuseKernels.cpp - Group ops into kernels ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Walks the function once, in order, and decides for each op where it runs:
//
//   anchor    matmul, conv, softmax, ...: starts a group of its own
//   epilogue  a pointwise op of the same shape that is the only user of an
//             anchor's group joins it; so does a transpose (and the reshape
//             before it) that keeps the last dimension last
//   pending   other pointwise and movement ops wait for their consumer: it
//             absorbs them (each element is then computed where it is read),
//             or, if it cannot, they become a group of their own
//   alias     a reshape of a row-major tensor outside of all groups: the same
//             bytes under another type, no kernel
//
// A pending op is absorbed only where it is not computed more often than
// before: one user, no larger result. Views are free and may be copied.
// Constants that are splats, sizes and ranges are copied into each user.
//
// Then each group becomes a `graph.kernel` at the place of its last op. The
// rewrite as IR is in Passes.td, cases in
// test/compiler/Graph/fuse-kernels.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/FuseKernels.h"
#include "compiler/Graph/Passes.h"
#include "kernels/Emit/EmitMovement.h"
#include "kernels/Emit/StridedView.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#define DEBUG_TYPE "graph-fuse-kernels"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_FUSEKERNELSPASS
#include "compiler/Graph/Passes.h.inc"

bool isAlias(Operation *op) {
  auto reshape = dyn_cast<ReshapeOp>(op);
  if (!reshape || layoutOf(reshape.getType()))
    return false;
  LayoutAttr layout = layoutOf(reshape.getInput().getType());
  if (!layout)
    return true;
  // Whole blocks of one pixel each lie in the order of the channels.
  SmallVector<DimExpr> dims = dimsOf(reshape.getInput());
  return layout.getHalo().empty() && layout.getChannelBlock() > 0 &&
         llvm::all_of(ArrayRef(dims).drop_front(2),
                      [](DimExpr d) { return d.isConstant(1); }) &&
         dims[1].knownDivisor() % layout.getChannelBlock() == 0;
}

namespace {

/// Copied into each kernel that uses it: it costs nothing there.
bool isFree(Operation *op) {
  if (isa<DimsOp>(op))
    return true;
  if (auto constant = dyn_cast<ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  return false;
}

/// Moves elements with an affine index: may be computed anywhere for nothing.
bool isView(Operation *op) {
  return isa<TransposeOp, SliceOp, BroadcastOp, ReshapeOp>(op);
}

bool isAnchor(Operation *op) {
  return isa<MatmulOp, ConvOp, ConvTransposeOp, PoolOp, ReduceOp, ArgReduceOp,
             SoftmaxOp, LayerNormOp, AttentionOp>(op);
}

bool isNarrowFloat(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return element.isF16() || element.isBF16();
}

struct Group {
  SetVector<Operation *> ops; // in no order; the block's order is used
  Operation *anchor = nullptr;
  Operation *root = nullptr;
};

class Fuser {
public:
  explicit Fuser(func::FuncOp function) : function(function) {}

  void run() {
    Block &block = function.getBody().front();
    for (Operation &op : block)
      visit(&op);
    SmallVector<Group *> ordered;
    for (auto &group : groups)
      if (group->root)
        ordered.push_back(group.get());
    llvm::sort(ordered, [](Group *a, Group *b) {
      return a->root->isBeforeInBlock(b->root);
    });
    for (Group *group : ordered)
      extract(*group);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>())
        op.erase();
  }

private:
  Group *newGroup(Operation *root) {
    groups.push_back(std::make_unique<Group>());
    Group *group = groups.back().get();
    group->root = root;
    group->ops.insert(root);
    groupOf[root] = group;
    return group;
  }

  bool isPending(Value v) {
    Operation *op = v.getDefiningOp();
    return op && !groupOf.count(op) && !aliases.contains(op) && !isFree(op) &&
           isEmittable(op);
  }

  static bool hasOneUser(Operation *op) {
    Operation *user = nullptr;
    for (Operation *u : op->getUsers()) {
      if (user && u != user)
        return false;
      user = u;
    }
    return user != nullptr;
  }

  static DimExpr elementsOf(Value v) {
    return productOf(v.getContext(), dimsOf(v));
  }

  void visit(Operation *op) {
    if (isFree(op) || isa<ConstantOp>(op))
      return;
    if (op->hasTrait<OpTrait::IsTerminator>()) {
      for (OpOperand &operand : op->getOpOperands())
        settleResult(operand);
      return;
    }
    if (isAnchor(op))
      return visitAnchor(op);
    if (joinEpilogue(op))
      return;
    // Pending. What has several users is computed once, unless it is a view.
    if (!hasOneUser(op)) {
      if (isView(op)) {
        settle(op->getOperand(0));
        return;
      }
      materialize(op);
    }
  }

  void visitAnchor(Operation *op) {
    Group *group = newGroup(op);
    group->anchor = op;
    for (OpOperand &operand : op->getOpOperands()) {
      Value v = operand.get();
      if (!isPending(v))
        continue;
      if (isa<MatmulOp, AttentionOp>(op)) {
        if (!absorbView(*group, op, operand.getOperandNumber()))
          settle(v);
      } else if (isa<ReduceOp, ArgReduceOp, SoftmaxOp, LayerNormOp>(op) &&
                 operand.getOperandNumber() == 0 && readsOnce(op)) {
        absorb(*group, v, op->getOperand(0));
      } else {
        settle(v);
      }
    }
  }

  /// A softmax across columns reads its input three times.
  bool readsOnce(Operation *op) {
    if (auto softmax = dyn_cast<SoftmaxOp>(op))
      return int64_t(softmax.getAxis()) + 1 ==
             cast<RankedTensorType>(softmax.getType()).getRank();
    return true;
  }

  /// Takes the views above a matmul operand into its kernel if together they
  /// are strided with a unit stride where the kernel needs one.
  bool absorbView(Group &group, Operation *op, unsigned number) {
    Value v = op->getOperand(number);
    auto isBase = [&](Value x) {
      Operation *def = x.getDefiningOp();
      return !def || !isView(def) || groupOf.count(def) ||
             aliases.contains(def);
    };
    auto view = viewOf(v, isBase);
    if (!view)
      return false;
    size_t rank = view->strides.size();
    SmallVector<DimExpr> dims = dimsOf(v);
    auto unit = [&](size_t i) {
      return view->strides[i].isConstant(1) || dims[i].isConstant(1);
    };
    bool lastOnly = number == 0 || isa<AttentionOp>(op);
    if (!unit(rank - 1) && (lastOnly || !unit(rank - 2)))
      return false;
    settle(view->base);
    for (Value x = v; x != view->base; x = x.getDefiningOp()->getOperand(0))
      group.ops.insert(x.getDefiningOp());
    return true;
  }

  /// Computes a pending value inside `group`, where each element of `like` is
  /// computed once.
  void absorb(Group &group, Value v, Value like) {
    if (!isPending(v))
      return;
    Operation *op = v.getDefiningOp();
    if (!isView(op) && !hasOneUser(op))
      return settle(v);
    // The same bytes: nothing to compute where they are read.
    if (isAlias(op) && !isPending(op->getOperand(0)))
      return settle(v);
    if (elementsOf(v) != elementsOf(like) && !isCheap(op, 3))
      return settle(v);
    group.ops.insert(op);
    if (isa<ResizeOp>(op)) { // reads its input several times
      settle(op->getOperand(0));
      return;
    }
    for (Value operand : op->getOperands()) {
      // The indices of a gather are read once a row, its table at random.
      if (isa<GatherOp, GatherElementsOp>(op) && isPending(operand) &&
          !isView(operand.getDefiningOp()))
        settle(operand);
      else
        absorb(group, operand, v);
    }
  }

  /// Whether recomputing a pending value costs next to nothing.
  bool isCheap(Operation *op, int depth) {
    if (!op || groupOf.count(op) || isFree(op))
      return true;
    if (depth == 0)
      return false;
    if (!isView(op) && !isa<AddOp, SubOp, MulOp, CastOp, CompareOp, SelectOp,
                            AndOp, OrOp, NotOp, IotaOp, NegOp, GatherOp>(op))
      return false;
    return llvm::all_of(op->getOperands(), [&](Value v) {
      return !isPending(v) || isCheap(v.getDefiningOp(), depth - 1);
    });
  }

  /// Makes sure that a value exists in memory: as an alias or as the result
  /// of a kernel.
  void settle(Value v) {
    if (!isPending(v)) {
      return;
    }
    Operation *op = v.getDefiningOp();
    if (isAlias(op) && !inputIsComputedHere(op)) {
      aliases.insert(op);
      return;
    }
    materialize(op);
  }

  /// A result of @main. Sizes (a Shape of the model) that others copy into
  /// their kernels need a kernel of their own here.
  void settleResult(OpOperand &operand) {
    if (auto dims = operand.get().getDefiningOp<DimsOp>()) {
      auto own = cast<DimsOp>(OpBuilder(operand.getOwner()).clone(*dims));
      operand.set(own.getResult());
      return materialize(own);
    }
    settle(operand.get());
  }

  /// Settles the input of an alias; false if it is in memory then.
  bool inputIsComputedHere(Operation *op) {
    settle(op->getOperand(0));
    Operation *input = op->getOperand(0).getDefiningOp();
    return input && isFree(input);
  }

  void materialize(Operation *op) {
    Group *group = newGroup(op);
    if (isa<ResizeOp>(op))
      settle(op->getOperand(0));
    for (Value operand : op->getOperands())
      absorb(*group, operand, op->getResult(0));
  }

  //===--- Epilogues
  //-------------------------------------------------------===//

  Group *anchorGroup(Value v) {
    Operation *op = v.getDefiningOp();
    if (!op)
      return nullptr;
    auto it = groupOf.find(op);
    if (it == groupOf.end() || !it->second->anchor || it->second->root != op ||
        !hasOneUser(op))
      return nullptr;
    return it->second;
  }

  /// A cast to f32 that the kernel of its one user computes as it reads: the
  /// narrow value is what should lie in memory.
  bool isReadThrough(Operation *op) {
    auto cast = dyn_cast<CastOp>(op);
    if (!cast || !hasOneUser(op) || !isNarrowFloat(cast.getInput()) ||
        !isa<FloatType>(getElementTypeOrSelf(cast.getType())))
      return false;
    Operation *user = *op->getUsers().begin();
    return isa<ReduceOp, ArgReduceOp, SoftmaxOp, LayerNormOp>(user) &&
           user->getOperand(0) == cast.getResult() && readsOnce(user);
  }

  bool joinEpilogue(Operation *op) {
    if (isReadThrough(op))
      return false;
    if (isa<TransposeOp>(op))
      return joinTranspose(cast<TransposeOp>(op));
    if (!op->hasTrait<Pointwise>())
      return false;
    // The latest anchor among the operands: the others are ready by then.
    Group *best = nullptr;
    Value result = op->getResult(0);
    for (Value v : op->getOperands()) {
      Group *group = anchorGroup(v);
      if (!group || dimsOf(v) != dimsOf(result) || !sameBlocks(v, result))
        continue;
      if (isa<PoolOp, AttentionOp>(group->anchor) &&
          !isa<PoolOp>(group->anchor))
        continue;
      if (isMoved(*group))
        continue;
      if (!best || best->root->isBeforeInBlock(group->root))
        best = group;
    }
    if (!best)
      return false;
    Operation *previous = best->root;
    join(*best, op);
    for (Value v : op->getOperands())
      if (v.getDefiningOp() != previous)
        absorb(*best, v, result);
    return true;
  }

  /// Whether the group already ends in a transpose or reshape.
  bool isMoved(Group &group) { return isa<TransposeOp, ReshapeOp>(group.root); }

  static bool sameBlocks(Value a, Value b) {
    auto block = [](Value v) {
      LayoutAttr layout = layoutOf(v.getType());
      return layout ? layout.getChannelBlock() : 0;
    };
    return block(a) == block(b);
  }

  /// transpose(reshape(anchor)) ==> the anchor stores at the moved place.
  bool joinTranspose(TransposeOp op) {
    int64_t rank = op.getPerm().size();
    if (rank < 2 || op.getPerm().back() != rank - 1)
      return false;
    Value from = op.getInput();
    auto reshape = from.getDefiningOp<ReshapeOp>();
    if (reshape && (!isPending(from) || !hasOneUser(reshape)))
      return false;
    Value base = reshape ? reshape.getInput() : from;
    Group *group = anchorGroup(base);
    if (!group || layoutOf(base.getType()) || isMoved(*group) ||
        !isa<MatmulOp, AttentionOp, LayerNormOp>(group->anchor))
      return false;
    // A vector of the anchor must stay a vector.
    auto last = dimsOf(from).back().asConstant();
    if (reshape && (!last || *last % 8 != 0))
      return false;
    if (reshape)
      join(*group, reshape);
    join(*group, op);
    return true;
  }

  void join(Group &group, Operation *op) {
    group.ops.insert(op);
    group.root = op;
    groupOf[op] = &group;
  }

  //===--- Extraction
  //------------------------------------------------------===//

  void extract(Group &group) {
    // Free ops that the group reads come along, but not weights: families
    // pack them, whatever their values are.
    SmallVector<Operation *> ops(group.ops.begin(), group.ops.end());
    SetVector<Operation *> all(ops.begin(), ops.end());
    SmallVector<Value> weights;
    if (group.anchor && isa<ConvOp, ConvTransposeOp>(group.anchor))
      weights = {group.anchor->getOperand(1)};
    else if (group.anchor && isa<MatmulOp>(group.anchor))
      weights = llvm::to_vector(group.anchor->getOperands());
    for (Operation *op : ops)
      for (Value v : op->getOperands())
        if (Operation *def = v.getDefiningOp();
            def && isFree(def) && !llvm::is_contained(weights, v))
          all.insert(def);
    ops.assign(all.begin(), all.end());
    llvm::sort(
        ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });

    SetVector<Value> inputs;
    SetVector<StringAttr> names;
    for (Operation *op : ops) {
      for (Value v : op->getOperands())
        if (!all.contains(v.getDefiningOp()))
          inputs.insert(v);
      if (!isFree(op) || op == group.root)
        collectNames(op->getLoc(), names);
    }
    Operation *root = group.root;
    OpBuilder b(root);
    MLIRContext *context = b.getContext();
    StringRef family = group.anchor ? group.anchor->getName().stripDialect()
                                    : StringRef("pointwise");
    auto kernel = KernelOp::create(b, root->getLoc(), root->getResultTypes(),
                                   inputs.getArrayRef(),
                                   b.getStringAttr(family), DictionaryAttr());
    SmallVector<int64_t> constants;
    Block *body = &kernel.getBody().emplaceBlock();
    IRMapping mapping;
    for (auto [i, v] : llvm::enumerate(inputs)) {
      mapping.map(v, body->addArgument(v.getType(), v.getLoc()));
      if (v.getDefiningOp<ConstantOp>())
        constants.push_back(i);
    }
    OpBuilder inner = OpBuilder::atBlockEnd(body);
    for (Operation *op : ops) {
      Operation *clone = inner.clone(*op, mapping);
      if (op == group.anchor)
        clone->setAttr("graph.anchor", b.getUnitAttr());
    }
    YieldOp::create(inner, root->getLoc(), mapping.lookup(root->getResult(0)));
    kernel->setAttr("graph.constants",
                    DenseI64ArrayAttr::get(context, constants));
    SmallVector<Attribute> nameList(names.begin(), names.end());
    kernel->setAttr("graph.nodes", b.getArrayAttr(nameList));
    root->getResult(0).replaceAllUsesWith(kernel.getResult(0));
  }

  static void collectNames(Location loc, SetVector<StringAttr> &names) {
    loc->walk([&](Location inner) {
      if (auto name = dyn_cast<NameLoc>(inner))
        names.insert(name.getName());
      return WalkResult::advance();
    });
  }

  func::FuncOp function;
  std::vector<std::unique_ptr<Group>> groups;
  DenseMap<Operation *, Group *> groupOf;
  DenseSet<Operation *> aliases;
};

struct FuseKernels : impl::FuseKernelsPassBase<FuseKernels> {
  void runOnOperation() override { Fuser(getOperation()).run(); }
};

} // namespace
} // namespace mlir::tenon::graph
