//===- Family.cpp - Which family builds a kernel --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Family.h"
#include "kernels/Cuda/Matmul.h"
#include "kernels/Cuda/ThreadFamily.h"
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

KernelStep &addStep(BuiltKernel &built, graph::KernelOp kernel) {
  KernelStep &step = built.steps.emplace_back();
  unsigned operands = kernel->getNumOperands();
  for (unsigned i = 0; i < operands; ++i)
    step.ins.push_back(i);
  for (unsigned i = 0; i < kernel->getNumResults(); ++i)
    step.outs.push_back(operands + i);
  return step;
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

} // namespace

FailureOr<BuiltKernel> buildKernel(graph::KernelOp kernel, StringRef name,
                                   const KernelTarget &target) {
  if (target.isCuda()) {
    auto built = buildCudaMatmul(kernel, name, target);
    if (!built)
      built = buildCudaThreads(kernel, name, target);
    if (!built)
      return kernel->emitError("no kernel family takes this kernel");
    if (!built->pinProblem.empty())
      return kernel->emitError() << "cannot be built with schedule '"
                                 << built->pinned << "': " << built->pinProblem
                                 << "; --explain lists those that can";
    return std::move(*built);
  }
  // Specialized families first; the last takes every anchor.
  static constexpr Build families[] = {
      buildDepthwise, buildConv,   buildMatmul,    buildAttention, buildPool,
      buildRow,       buildReduce, buildPointwise, buildScalar};
  if (auto code = buildFirst(families, kernel, name, target)) {
    BuiltKernel built;
    addStep(built, kernel).choices.push_back(std::move(*code));
    return std::move(built);
  }
  return kernel->emitError("no kernel family takes this kernel");
}

} // namespace mlir::tenon
