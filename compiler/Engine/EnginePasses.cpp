//===- EnginePasses.cpp - Passes to and within the engine dialect ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Engine.
//
//===----------------------------------------------------------------------===//

#include "compiler/Engine/BuildProgram.h"
#include "compiler/Engine/Passes.h"
#include "compiler/Target/CPU/CpuTarget.h"
#include "compiler/Target/CPU/LowerKernel.h"
#include "compiler/Target/CUDA/CudaTarget.h"
#include "compiler/Tile/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::tenon::engine {

#define GEN_PASS_DEF_BUILDPROGRAMPASS
#include "compiler/Engine/Passes.h.inc"

namespace {

struct BuildProgram : impl::BuildProgramPassBase<BuildProgram> {
  using BuildProgramPassBase::BuildProgramPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    const CpuTarget *host = lookupCpuTarget(cpu);
    const CudaTarget *device = lookupCudaTarget(cuda);
    if (!main || (cuda.empty() ? !host : !device)) {
      module.emitError() << (!main          ? "expected a function @main"
                             : cuda.empty() ? "unknown cpu '" + cpu + "'"
                                            : "unknown cuda '" + cuda + "'");
      return signalPassFailure();
    }
    ProgramTarget target =
        device ? programTarget(*device) : programTarget(*host);
    auto model = main->getAttrOfType<StringAttr>("graph.model");
    buildInterface(main, model ? model.getValue() : "main", module);
    if (failed(buildProgram(main, target, module)))
      return signalPassFailure();
    main.erase();
  }
};

} // namespace

ProgramTarget programTarget(const CpuTarget &cpu) {
  ProgramTarget target;
  target.name = cpu.variantName();
  target.arch = cpu.level;
  target.features = cpu.features;
  target.compiledFor = cpu.compiledFor;
  target.kernels.vectorBits = cpu.vectorBits;
  return target;
}

ProgramTarget programTarget(const CudaTarget &cuda) {
  ProgramTarget target;
  target.kind = TargetKind::cuda;
  target.name = target.arch = cuda.name;
  target.kernels.computeCapability = cuda.computeCapability;
  return target;
}

void buildLowerKernelsPipeline(OpPassManager &pm) {
  OpPassManager &kernels =
      pm.nest<ProgramOp>().nest<KernelOp>().nest<ModuleOp>();
  kernels.addPass(tile::createExpandPipelinesPass());
  kernels.addPass(tile::createLowerTilePass());
  buildLowerKernelPipeline(kernels);
}

} // namespace mlir::tenon::engine
