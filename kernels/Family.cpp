//===- Family.cpp - Which family builds a kernel --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Family.h"
#include "kernels/Cuda/Matmul.h"
#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/ThreadCost.h"
#include "mlir/IR/Diagnostics.h"

namespace mlir::tenon {

Operation *anchorOf(graph::KernelOp kernel) {
  for (Operation &op : kernel.getBody().front())
    if (op.hasAttr("graph.anchor"))
      return &op;
  return nullptr;
}

Value epilogueEnd(Value yielded) {
  while (Operation *op = yielded.getDefiningOp()) {
    if (!isa<graph::TransposeOp, graph::ReshapeOp, graph::RelayoutOp>(op))
      break;
    yielded = op->getOperand(0);
  }
  return yielded;
}

bool isConstantOperand(graph::KernelOp kernel, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto list = kernel->getAttrOfType<DenseI64ArrayAttr>("graph.constants");
  return argument && list &&
         llvm::is_contained(list.asArrayRef(),
                            int64_t(argument.getArgNumber()));
}

void KernelCode::launchOverTasks(int64_t threads) {
  graph::DimExpr one = graph::DimExpr::constant(tasks.getContext(), 1);
  grid = {tasks.ceilDiv(threads), one, one};
  block = {threads, 1, 1};
}

namespace {

using Build = std::optional<KernelCode> (*)(graph::KernelOp, StringRef,
                                            const KernelTarget &);

/// The first family of `families` that takes the kernel builds it.
std::optional<KernelCode> buildFirst(ArrayRef<Build> families,
                                     graph::KernelOp kernel, StringRef name,
                                     const KernelTarget &target) {
  for (Build build : families)
    if (auto code = build(kernel, name, target)) {
      code->name = name.str();
      return code;
    }
  return std::nullopt;
}

/// A kernel of one launch that reads all operands and writes all results.
KernelStep &onlyStep(BuiltKernel &built, graph::KernelOp kernel) {
  KernelStep &step = built.steps.emplace_back();
  unsigned operands = kernel->getNumOperands();
  for (unsigned i = 0; i < operands; ++i)
    step.ins.push_back(i);
  for (unsigned i = 0; i < kernel->getNumResults(); ++i)
    step.outs.push_back(operands + i);
  return step;
}

/// Elements that an index of 32 bits reaches with room to spare: for the last
/// block's threads, and for positions before bounds are checked.
constexpr int64_t kMostElements32 = int64_t(1) << 30;

/// Above 0 where 32 bits hold every index of the kernel.
graph::DimExpr fits32(graph::KernelOp kernel) {
  MLIRContext *context = kernel.getContext();
  graph::DimExpr limit = graph::DimExpr::constant(context, kMostElements32);
  graph::DimExpr least = limit;
  auto add = [&](Value v) {
    graph::DimExpr elements = graph::productOf(context, graph::dimsOf(v));
    least = graph::DimExpr::min(least, limit - elements);
  };
  for (Block &block : kernel.getBody()) {
    for (BlockArgument argument : block.getArguments())
      add(argument);
    for (Operation &op : block)
      for (Value result : op.getResults())
        add(result);
  }
  return least;
}

/// Code with indices of 32 bits where they suffice, else of 64, or both.
bool buildForThreads(ArrayRef<Build> families, graph::KernelOp kernel,
                     StringRef name, KernelTarget target, BuiltKernel &built) {
  graph::DimExpr fits = fits32(kernel);
  auto known = fits.asConstant();
  SmallVector<KernelCode, 1> choices;
  for (bool narrow : {true, false}) {
    if (known && narrow != (*known > 0))
      continue;
    target.index32 = narrow;
    bool last = false;
    for (target.choice = 0; !last; ++target.choice) {
      std::string own = name.str() + (!known && !narrow ? "_wide" : "");
      if (target.choice > 0)
        own += "_" + std::to_string(target.choice);
      auto code = buildFirst(families, kernel, own, target);
      if (!code)
        return false;
      last = !code->guard;
      // Sizes that need 64 bits are rare: the code without a guard is enough.
      if (!known && !narrow && !last)
        continue;
      if (!known && narrow)
        code->guard = last ? fits : graph::DimExpr::min(code->guard, fits);
      if (!code->cost)
        code->cost = threadCost(kernel, *code, target);
      target.scalars.assign(code->scalars.begin(), code->scalars.end());
      choices.push_back(std::move(*code));
    }
  }
  // A family that weighs several ways lists them itself.
  if (built.candidates.empty())
    built.candidates.push_back({choices[0].schedule, *choices[0].cost, ""});
  onlyStep(built, kernel).choices = std::move(choices);
  return true;
}

} // namespace

FailureOr<BuiltKernel> buildKernel(graph::KernelOp kernel, StringRef name,
                                   const KernelTarget &target) {
  BuiltKernel built;
  if (target.isCuda()) {
    if (auto matmul = buildCudaMatmul(kernel, name, target)) {
      if (!matmul->pinProblem.empty())
        return kernel->emitError()
               << "cannot be built with schedule '" << target.pinned
               << "': " << matmul->pinProblem
               << "; --explain lists those that can";
      return std::move(*matmul);
    }
    if (auto split = buildSplitReduce(kernel, name, target))
      return std::move(*split);
    // The last one computes an element a thread, from its definition.
    static constexpr Build families[] = {
        buildRowThreads, buildColumns,   buildArgRows, buildDirectConv,
        buildTranspose,  buildPointwise, buildScalar};
    if (buildForThreads(families, kernel, name, target, built))
      return std::move(built);
    return kernel->emitError("no kernel family takes this kernel");
  }
  // Specialized families first; the last takes every anchor.
  static constexpr Build families[] = {
      buildDepthwise, buildConv,   buildMatmul,    buildAttention, buildPool,
      buildRow,       buildReduce, buildPointwise, buildScalar};
  if (auto code = buildFirst(families, kernel, name, target)) {
    onlyStep(built, kernel).choices.push_back(std::move(*code));
    return std::move(built);
  }
  return kernel->emitError("no kernel family takes this kernel");
}

} // namespace mlir::tenon
