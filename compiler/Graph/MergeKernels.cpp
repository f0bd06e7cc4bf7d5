//===- MergeKernels.cpp - Pointwise kernels with several results ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// After fusion a value with several users is the result of a kernel of its own.
// Where two pointwise kernels walk the same elements and one reads what the
// other writes, or both read the same tensor, one kernel with several results
// does: it is started once and reads each element once.
//
//     c = f * c0 + i * g                 one kernel, which yields c and h, and
//     h = o * tanh(c)          ==>       keeps c in a register for h
//
// Two kernels are merged where
//   - their results have the same sizes and layout;
//   - every value is computed at the position of the result. Slices and
//     broadcasts read elsewhere and are fine, but not of a value that the other
//     kernel computes; transposes, gathers and the like keep to themselves, as
//     they would take the vectors away from the rest;
//   - there is a place where all operands are known and no result is yet used.
//
// The rewrite as IR is in Passes.td, cases in
// test/compiler/Graph/merge-kernels.mlir.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Passes.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#define DEBUG_TYPE "graph-merge-kernels"

namespace mlir::tenon::graph {

#define GEN_PASS_DEF_MERGEKERNELSPASS
#include "compiler/Graph/Passes.h.inc"

namespace {

/// Beyond these, what is kept in registers costs more than a launch.
constexpr unsigned kMostResults = 4, kMostOperands = 12;

bool sameDomain(Value a, Value b) {
  return dimsOf(a) == dimsOf(b) &&
         layoutOf(a.getType()) == layoutOf(b.getType());
}

/// A kernel whose ops all compute at the position of its results, but for
/// slices and broadcasts.
bool isFlat(KernelOp kernel) {
  if (kernel.getFamily() != "pointwise")
    return false;
  for (Value result : kernel.getResults())
    if (!sameDomain(result, kernel.getResult(0)))
      return false;
  return llvm::all_of(
      kernel.getBody().front().without_terminator(), [](Operation &op) {
        return op.hasTrait<Pointwise>() ||
               isa<ConstantOp, DimsOp, IotaOp, SliceOp, BroadcastOp>(op);
      });
}

int64_t channelBlockOf(Value v) {
  LayoutAttr layout = layoutOf(v.getType());
  return layout ? layout.getChannelBlock() : 0;
}

/// Whether the body reads its argument only where its results are computed.
bool readsInPlace(KernelOp kernel, unsigned operand) {
  Value argument = kernel.getBody().getArgument(operand);
  Value result = kernel.getResult(0);
  if (dimsOf(argument) != dimsOf(result) ||
      channelBlockOf(argument) != channelBlockOf(result))
    return false;
  SmallVector<Value> work = {argument};
  DenseSet<Value> seen = {argument};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (isa<YieldOp>(user))
        continue;
      if (!user->hasTrait<Pointwise>())
        return false;
      if (seen.insert(user->getResult(0)).second)
        work.push_back(user->getResult(0));
    }
  return true;
}

class Merger {
public:
  Merger(KernelOp first, KernelOp second) : first(first), second(second) {}

  /// Merges the two if that can be done and pays; null if not.
  KernelOp run() {
    if (!sameDomain(first.getResult(0), second.getResult(0)) || !sharesData())
      return {};
    collect();
    if (operands.size() > kMostOperands || results.size() > kMostResults)
      return {};
    Operation *place = findPlace();
    if (!place)
      return {};
    return build(place);
  }

private:
  bool isOwn(Value v) {
    Operation *def = v.getDefiningOp();
    return def == first || def == second;
  }

  /// Whether a tensor of full size is read once instead of twice. Values that
  /// one computes for the other must be read in place.
  bool sharesData() {
    bool shares = false;
    for (auto [i, v] : llvm::enumerate(second.getInputs())) {
      if (v.getDefiningOp() == first) {
        if (!readsInPlace(second, i))
          return false;
        shares = true;
      } else if (llvm::is_contained(first.getInputs(), v)) {
        shares |= readsInPlace(second, i) &&
                  readsInPlace(first, llvm::find(first.getInputs(), v) -
                                          first.getInputs().begin());
      }
    }
    return shares;
  }

  void collect() {
    for (KernelOp kernel : {first, second}) {
      for (Value v : kernel.getInputs())
        if (!isOwn(v))
          operands.insert(v);
      for (Value v : kernel.getResults())
        if (llvm::any_of(v.getUsers(), [&](Operation *user) {
              return user != first && user != second;
            }))
          results.push_back(v);
    }
  }

  /// The op before which the merged kernel can stand; null if there is none.
  Operation *findPlace() {
    Operation *place = second;
    for (Value v : results)
      for (Operation *user : v.getUsers())
        if (user != second && user->isBeforeInBlock(place))
          place = user;
    for (Value v : operands)
      if (Operation *def = v.getDefiningOp();
          def && !def->isBeforeInBlock(place))
        return nullptr;
    return place;
  }

  KernelOp build(Operation *place) {
    OpBuilder b(place);
    MLIRContext *context = b.getContext();
    SmallVector<Type> types;
    for (Value v : results)
      types.push_back(v.getType());
    Location loc = b.getFusedLoc({first.getLoc(), second.getLoc()});
    auto merged = KernelOp::create(b, loc, types, operands.getArrayRef(),
                                   first.getFamilyAttr(), DictionaryAttr());
    Block *body = &merged.getBody().emplaceBlock();
    DenseMap<Value, Value> inside; // values of the function in the body
    SmallVector<int64_t> constants;
    for (auto [i, v] : llvm::enumerate(operands)) {
      inside[v] = body->addArgument(v.getType(), v.getLoc());
      if (v.getDefiningOp<ConstantOp>())
        constants.push_back(i);
    }
    OpBuilder inner = OpBuilder::atBlockEnd(body);
    for (KernelOp kernel : {first, second}) {
      IRMapping mapping;
      Block &old = kernel.getBody().front();
      for (auto [v, argument] :
           llvm::zip(kernel.getInputs(), old.getArguments()))
        mapping.map(argument, inside.at(v));
      for (Operation &op : old.without_terminator())
        inner.clone(op, mapping);
      for (auto [v, yielded] :
           llvm::zip(kernel.getResults(), old.getTerminator()->getOperands()))
        inside[v] = mapping.lookup(yielded);
    }
    SmallVector<Value> yielded;
    for (Value v : results)
      yielded.push_back(inside.at(v));
    YieldOp::create(inner, loc, yielded);

    SetVector<Attribute> nodes;
    for (KernelOp kernel : {first, second})
      if (auto list = kernel->getAttrOfType<ArrayAttr>("graph.nodes"))
        nodes.insert(list.begin(), list.end());
    merged->setAttr("graph.constants",
                    DenseI64ArrayAttr::get(context, constants));
    merged->setAttr("graph.nodes", b.getArrayAttr(nodes.getArrayRef()));
    for (auto [old, own] : llvm::zip(results, merged.getResults()))
      old.replaceAllUsesWith(own);
    second.erase();
    first.erase();
    return merged;
  }

  KernelOp first, second; // in the order of the block
  SetVector<Value> operands;
  SmallVector<Value> results; // that others use
};

/// Merges `kernel` with an earlier one that it shares data with.
KernelOp mergeWithEarlier(KernelOp kernel) {
  SetVector<Operation *> related;
  for (Value v : kernel.getInputs()) {
    if (auto producer = v.getDefiningOp<KernelOp>())
      related.insert(producer);
    for (Operation *user : v.getUsers())
      if (isa<KernelOp>(user) && user->getBlock() == kernel->getBlock() &&
          user->isBeforeInBlock(kernel))
        related.insert(user);
  }
  // The last first: that moves the fewest.
  SmallVector<Operation *> order(related.begin(), related.end());
  llvm::sort(order,
             [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
  for (Operation *op : order)
    if (isFlat(cast<KernelOp>(op)))
      if (KernelOp merged = Merger(cast<KernelOp>(op), kernel).run())
        return merged;
  return {};
}

struct MergeKernels : impl::MergeKernelsPassBase<MergeKernels> {
  void runOnOperation() override {
    SmallVector<KernelOp> kernels;
    for (auto kernel : getOperation().getBody().front().getOps<KernelOp>())
      if (isFlat(kernel))
        kernels.push_back(kernel);
    for (KernelOp kernel : kernels)
      while (kernel)
        kernel = mergeWithEarlier(kernel);
  }
};

} // namespace
} // namespace mlir::tenon::graph
