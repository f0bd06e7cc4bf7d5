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

LogicalResult checkElementTypes(ModuleOp module) {
  auto isSupported = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    if (auto real = dyn_cast<FloatType>(element))
      return real.isF16() || real.isBF16() || real.isF32() || real.isF64();
    auto integer = dyn_cast<IntegerType>(element);
    return integer && llvm::is_contained({1u, 8u, 16u, 32u, 64u},
                                         integer.getWidth());
  };
  func::FuncOp main = mainOf(module);
  bool fine = true;
  auto check = [&](Type type, Location loc) {
    if (isSupported(type))
      return;
    fine = false;
    emitError(loc) << "element type " << getElementTypeOrSelf(type)
                   << " is not in this version, expected bool, f16, bf16, "
                      "f32, f64 or an integer of 8 to 64 bits";
  };
  for (BlockArgument argument : main.getArguments())
    check(argument.getType(), main.getLoc());
  for (Operation &op : main.getBody().front())
    for (Type type : op.getResultTypes())
      check(type, op.getLoc());
  return success(fine);
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
