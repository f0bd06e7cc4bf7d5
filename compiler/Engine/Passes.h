//===- Passes.h - Passes to and within the engine dialect -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_ENGINE_PASSES_H
#define TENON_COMPILER_ENGINE_PASSES_H

#include "compiler/Engine/BuildProgram.h"
#include "compiler/Target/CPU/CpuTarget.h"
#include "compiler/Target/CUDA/CudaTarget.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::tenon::engine {

#define GEN_PASS_DECL
#include "compiler/Engine/Passes.h.inc"

/// The target of a program for a CPU.
ProgramTarget programTarget(const CpuTarget &cpu);
/// The target of a program for a CUDA architecture.
ProgramTarget programTarget(const CudaTarget &cuda);

/// Adds what takes the code of all kernels of an engine module to the LLVM
/// dialect; `tenon-opt --stage-llvm`.
void buildLowerKernelsPipeline(OpPassManager &pm);

#define GEN_PASS_REGISTRATION
#include "compiler/Engine/Passes.h.inc"

} // namespace mlir::tenon::engine

#endif // TENON_COMPILER_ENGINE_PASSES_H
