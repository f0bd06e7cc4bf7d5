//===- EmitPtx.h - One LLVM module to PTX -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Test: test/compiler/Driver/cuda-targets.test
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CUDA_EMITPTX_H
#define TENON_COMPILER_TARGET_CUDA_EMITPTX_H

#include "compiler/Target/CUDA/CudaTarget.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
} // namespace llvm

namespace mlir::tenon {

struct PtxOptions {
  int optLevel = 3;
  /// If set, gets the optimized IR as text.
  std::string *irText = nullptr;
};

/// Optimizes `module`, which is spent afterwards, and writes it as PTX. May end
/// in LLVM's fatal error: run it under runGuarded.
llvm::Expected<std::string> emitPtx(llvm::Module &module,
                                    const CudaTarget &target,
                                    const PtxOptions &options);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CUDA_EMITPTX_H
