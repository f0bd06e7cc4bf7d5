//===- AssignLayouts.cpp - Which tensors are channel-blocked --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Decides the layout of every tensor of the convolutional part of a graph
// once, so that no reorder is left inside it.
//
//   1. Convolutions give channel-blocked results; pools, reductions over the
//      spatial dimensions, resizes, pads, concatenations on block boundaries
//      and pointwise ops keep the layout of their input.
//   2. Each blocked tensor gets a halo as wide as the widest window past its
//      border of a convolution that reads it: kernels then have no border case.
//   3. `graph.relayout` is put in where a row-major tensor enters (with a halo
//      but unblocked if it has few channels: the network's input) and where a
//      blocked one leaves to a result or a matmul.
//
// The rewrite as IR is in Passes.td; @resnet_block in
// test/compiler/Graph/assign-layouts.mlir shows it.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Passes.h"
#include "dialects/Graph/GraphOps.h"
#include "kernels/Contraction/Window.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

#define DEBUG_TYPE "graph-assign-layouts"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_ASSIGNLAYOUTSPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

class LayoutAssigner {
public:
  LayoutAssigner(func::FuncOp function, int64_t block)
      : function(function), block(block), context(function.getContext()) {}

  void run() {
    for (Operation &op : function.getBody().front())
      for (Value result : op.getResults())
        if (becomesBlocked(&op))
          blocked.insert(result);
    for (Operation &op : function.getBody().front())
      if (auto window = windowOf(&op))
        needHalo(op.getOperand(0), window->halo());
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front()))
      rewrite(&op);
    for (Value v : blocked)
      v.setType(withLayout(typeOf(v), layoutFor(v)));
  }

private:
  /// f32, with two or three spatial dimensions.
  static bool canBeBlocked(RankedTensorType type) {
    return type.getElementType().isF32() && type.getRank() >= 4 &&
           type.getRank() <= 5;
  }

  /// The window of a convolution that the blocked families take
  /// (kernels/Contraction); else none.
  std::optional<ConvWindow> windowOf(Operation *op) {
    if (!isa<ConvOp, ConvTransposeOp>(op) ||
        !canBeBlocked(typeOf(op->getResult(0))))
      return std::nullopt;
    RankedTensorType filter = typeOf(op->getOperand(1));
    if (!filter.hasStaticShape() || filter.getNumElements() == 0)
      return std::nullopt;
    return ConvWindow::of(op);
  }

  /// Whether `op` keeps channels in their blocks: results follow the input.
  bool becomesBlocked(Operation *op) {
    if (op->getNumResults() != 1 || op->getNumOperands() == 0)
      return false;
    RankedTensorType type =
        dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !canBeBlocked(type))
      return false;
    if (windowOf(op))
      return true;
    Value input = op->getOperand(0);
    auto sameDim = [&](Value v, int64_t d) {
      return dimOf(v, d) == dimOf(op->getResult(0), d);
    };
    if (op->hasTrait<Pointwise>()) {
      return llvm::any_of(op->getOperands(), [&](Value v) {
        return blocked.contains(v) && dimsOf(v) == dimsOf(op->getResult(0));
      });
    }
    if (auto concat = dyn_cast<ConcatOp>(op)) {
      if (!llvm::all_of(concat.getInputs(),
                        [&](Value v) { return blocked.contains(v); }))
        return false;
      return concat.getAxis() != 1 ||
             llvm::all_of(concat.getInputs(), [&](Value v) {
               return dimOf(v, 1).knownDivisor() % block == 0;
             });
    }
    if (!blocked.contains(input))
      return false;
    return TypeSwitch<Operation *, bool>(op)
        .Case([&](PoolOp) { return true; })
        .Case([&](ReduceOp reduce) {
          return reduce.getKeep() &&
                 llvm::all_of(reduce.getAxes(),
                              [](int64_t a) { return a >= 2; });
        })
        .Case<ResizeOp, PadOp, SliceOp>(
            [&](auto) { return sameDim(input, 0) && sameDim(input, 1); })
        .Default(false);
  }

  void needHalo(Value v, ArrayRef<int64_t> needed) {
    if (!blocked.contains(v))
      return;
    SmallVector<int64_t> &halo = halos[v];
    halo.resize(needed.size());
    for (auto [have, need] : llvm::zip(halo, needed))
      have = std::max(have, need);
  }

  LayoutAttr layoutFor(Value v) {
    ArrayRef<int64_t> halo;
    if (auto it = halos.find(v); it != halos.end())
      halo = it->second;
    if (llvm::all_of(halo, [](int64_t h) { return h == 0; }))
      halo = {};
    return LayoutAttr::get(context, block, halo);
  }

  void rewrite(Operation *op) {
    if (auto window = windowOf(op)) {
      enter(op, window->halo());
    } else if (isa<MatmulOp, AttentionOp, func::ReturnOp>(op)) {
      for (OpOperand &operand : op->getOpOperands())
        if (blocked.contains(operand.get()))
          operand.set(relayout(op, operand.get(), LayoutAttr()));
    }
  }

  /// Brings a row-major input of a convolution into a layout that it reads.
  void enter(Operation *op, SmallVector<int64_t> halo) {
    Value input = op->getOperand(0);
    if (blocked.contains(input))
      return;
    bool padded = llvm::any_of(halo, [](int64_t side) { return side != 0; });
    auto channels = dimOf(input, 1).asConstant();
    int64_t groups = op->getAttrOfType<IntegerAttr>("groups").getInt();
    // Few channels are read as they are: blocks would be mostly padding.
    bool few = channels && *channels < block && groups == 1 && isa<ConvOp>(op);
    if (few && !padded)
      return;
    if (!padded)
      halo.clear();
    LayoutAttr layout = LayoutAttr::get(context, few ? 0 : block, halo);
    Value &copy = entered[{input, layout}];
    if (!copy)
      copy = relayout(op, input, layout);
    op->setOperand(0, copy);
  }

  Value relayout(Operation *before, Value input, LayoutAttr layout) {
    OpBuilder b(before);
    Location loc = input.getDefiningOp() ? input.getDefiningOp()->getLoc()
                                         : before->getLoc();
    RankedTensorType plain = withLayout(typeOf(input), LayoutAttr());
    return RelayoutOp::create(
        b, loc, layout ? withLayout(plain, layout) : plain, input);
  }

  func::FuncOp function;
  int64_t block;
  MLIRContext *context;
  llvm::SetVector<Value> blocked;
  DenseMap<Value, SmallVector<int64_t>> halos;
  DenseMap<std::pair<Value, Attribute>, Value> entered;
};

struct AssignLayouts : impl::AssignLayoutsPassBase<AssignLayouts> {
  using AssignLayoutsPassBase::AssignLayoutsPassBase;

  void runOnOperation() override {
    LayoutAssigner(getOperation(), channelBlock).run();
  }
};

} // namespace
} // namespace mlir::tenon::graph
