//===- CudaCode.h - Kernel modules to PTX and cubins ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA target's back half: kernels in the LLVM and NVVM dialects go in, the
// images of each kernel come out: PTX, and a cubin where ptxas is at hand.
//
// The same modules for the same target, with the same ptxas or none, give the
// same bytes for any number of threads.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CUDA_CUDACODE_H
#define TENON_COMPILER_TARGET_CUDA_CUDACODE_H

#include "compiler/Target/CPU/CodeObject.h"
#include "compiler/Target/CUDA/CudaTarget.h"
#include "compiler/Target/CUDA/Ptxas.h"

namespace mlir::tenon {

/// The code of one kernel.
struct CudaKernelCode {
  std::string name;
  std::string ptx;     // with the final NUL
  Assembled assembled; // empty if there is no ptxas
};

/// Writes a kernel to NAME.TARGET.mlir as it is before its tile ops are
/// lowered, if `saveTemps` asks for it. With `lineInfo`, its ops get the lines
/// of that file as their locations.
LogicalResult saveTileModule(const KernelModule &kernel, llvm::StringRef target,
                             const CodeObjectOptions &options);

/// Compiles each kernel; all problems are reported as diagnostics. saveTemps
/// gets NAME.TARGET.ll and NAME.TARGET.ptx.
FailureOr<std::vector<CudaKernelCode>>
emitCudaCode(MLIRContext *context, llvm::ArrayRef<KernelModule> kernels,
             const CudaTarget &target, const CodeObjectOptions &options,
             const Ptxas &ptxas);

/// Registers the dialects that CUDA kernels use beside the CPU's, and their
/// translation to LLVM IR.
void registerCudaTargetDialects(DialectRegistry &registry);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CUDA_CUDACODE_H
