//===- Pipeline.cpp - The stages of a compilation -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Pipeline.h"
#include "compiler/Graph/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::tenon {

func::FuncOp mainOf(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("main");
}

LogicalResult runGraphPasses(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addPass(graph::createWidenFloatsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(graph::createRecoverPatternsPass());
  pm.addPass(graph::createCanonicalizeMovementPass());
  pm.addPass(graph::createFoldAffinePass());
  pm.addPass(graph::createRecoverPatternsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  return pm.run(module);
}

LogicalResult runLayoutPasses(ModuleOp module, const CpuTarget &target) {
  PassManager pm(module.getContext());
  graph::AssignLayoutsPassOptions options;
  options.channelBlock = target.lanes(32);
  pm.addNestedPass<func::FuncOp>(graph::createAssignLayoutsPass(options));
  return pm.run(module);
}

LogicalResult runFusion(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addNestedPass<func::FuncOp>(graph::createFuseKernelsPass());
  return pm.run(module);
}

LogicalResult addVariant(ModuleOp module, const CpuTarget &target,
                         CompileContext &context, BuiltEngine &engine) {
  func::FuncOp main = mainOf(module);
  KernelTarget kernelTarget;
  kernelTarget.vectorBits = target.vectorBits;
  auto kernels = lowerKernels(main, kernelTarget);
  if (failed(kernels))
    return failure();
  SmallVector<char> code;
  if (!kernels->codes.empty()) {
    SmallVector<OwningOpRef<ModuleOp>> modules;
    for (KernelCode &kernel : kernels->codes)
      modules.push_back(std::move(kernel.module));
    CodeObjectOptions options;
    options.optLevel = context.optLevel;
    options.threads = context.threads;
    options.saveTemps = context.saveTemps;
    options.onInternalError = context.onInternalError;
    auto object =
        compileToCodeObject(module.getContext(), modules, target, options);
    if (failed(object))
      return failure();
    code = std::move(*object);
  }
  return addCpuVariant(main, target.name, *kernels, code, engine);
}

} // namespace mlir::tenon
