//===- Family.cpp - Which family builds a kernel --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Family.h"
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

FailureOr<KernelCode> buildKernel(graph::KernelOp kernel, StringRef name,
                                  const KernelTarget &target) {
  using Build = std::optional<KernelCode> (*)(graph::KernelOp, StringRef,
                                              const KernelTarget &);
  // Specialized families first; the last takes every anchor.
  static constexpr Build families[] = {
      buildDepthwise, buildConv,   buildMatmul,    buildAttention, buildPool,
      buildRow,       buildReduce, buildPointwise, buildScalar};
  for (Build build : families)
    if (auto code = build(kernel, name, target))
      return std::move(*code);
  return kernel->emitError("no kernel family takes this kernel");
}

} // namespace mlir::tenon
