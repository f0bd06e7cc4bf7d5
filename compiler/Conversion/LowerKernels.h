//===- LowerKernels.h - From graph.kernel to code -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Builds the code of every `graph.kernel` of a function. Kernels with equal
// bodies are built once: the body is compared as text after its symbols are
// renamed in order of appearance (s0, s1, ..), so twelve layers of a network
// are one set of kernels, whatever their nodes are called. For a GPU, what
// decides over the schedule counts too: what open sizes are taken for, and what
// the user pinned.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_CONVERSION_LOWERKERNELS_H
#define TENON_COMPILER_CONVERSION_LOWERKERNELS_H

#include "kernels/Family.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::tenon {

/// How one `graph.kernel` is launched.
struct KernelLaunch {
  unsigned kernel; // index of LoweredKernels::kernels
  /// The symbols of the launch for s0, s1, .. of the code.
  SmallVector<StringAttr> symbols;

  /// An expression of the code in the symbols of the program.
  graph::DimExpr translate(graph::DimExpr expr) const;
};

struct LoweredKernels {
  SmallVector<BuiltKernel, 0> kernels;
  llvm::MapVector<Operation *, KernelLaunch> launches;
};

FailureOr<LoweredKernels> lowerKernels(func::FuncOp function,
                                       const KernelTarget &target);

} // namespace mlir::tenon

#endif // TENON_COMPILER_CONVERSION_LOWERKERNELS_H
