//===- LowerKernel.h - Kernel modules to the LLVM dialect -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_COMPILER_TARGET_CPU_LOWERKERNEL_H
#define TENON_COMPILER_TARGET_CPU_LOWERKERNEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::tenon {

/// Checks one kernel module (a ModuleOp with exactly one public function, of
/// the kernel ABI) and returns that function's name; emits errors.
FailureOr<StringRef> verifyKernelModule(ModuleOp module);

/// Adds the passes that take a kernel module to the LLVM dialect.
void buildLowerKernelPipeline(OpPassManager &pm);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_LOWERKERNEL_H
