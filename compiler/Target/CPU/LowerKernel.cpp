//===- LowerKernel.cpp - Kernel modules to the LLVM dialect ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps: expand what has no single LLVM counterpart (floor and ceil division,
// bf16 conversions), structured control flow to branches, vectors, then all
// the rest in one full conversion, which names an op that nothing lowers.
//
//   scf.for … { vector.fma … }   ⇒   llvm.br ^bb1 … llvm.intr.fma
//
// Neither the canonicalizer nor CSE runs: LLVM does both, faster, and MLIR's
// math folders use the host's libm.
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CPU/LowerKernel.h"

#include "kernels/Target.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mlir::tenon;

FailureOr<StringRef> mlir::tenon::verifyKernelModule(ModuleOp module) {
  func::FuncOp kernel;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic())
      continue;
    if (kernel)
      return function.emitError()
             << "expected one public function in a kernel module, got '"
             << kernel.getName() << "' and '" << function.getName() << "'";
    kernel = function;
  }
  if (!kernel)
    return module.emitError("expected a public function in a kernel module");
  MLIRContext *context = module.getContext();
  Type ptr = LLVM::LLVMPointerType::get(context);
  Type i64 = IntegerType::get(context, 64);
  auto abi = FunctionType::get(context, {ptr, ptr, i64, i64, ptr, ptr},
                               {IntegerType::get(context, 32)});
  if (kernel.getFunctionType() != abi)
    return kernel.emitError()
           << "kernel '" << kernel.getName() << "' has type "
           << kernel.getFunctionType() << ", expected the kernel ABI " << abi;
  if (kernel.isExternal())
    return kernel.emitError()
           << "kernel '" << kernel.getName() << "' has no body";
  return kernel.getName();
}

namespace {

/// arith.floordivsi and friends and bf16 conversions to plain integer ops.
struct ExpandArithPass
    : public PassWrapper<ExpandArithPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandArithPass)
  StringRef getArgument() const final { return "cpu-expand-arith"; }
  StringRef getDescription() const final {
    return "expand arith ops that have no LLVM counterpart";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, vector::VectorDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    arith::populateExpandBFloat16Patterns(patterns);
    FrozenRewritePatternSet frozen(std::move(patterns));
    // Only the ops named: the greedy driver would also fold and delete.
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      bool bf16 = isa<arith::ExtFOp, arith::TruncFOp>(op) &&
                  (getElementTypeOrSelf(op->getOperand(0)).isBF16() ||
                   getElementTypeOrSelf(op->getResult(0)).isBF16());
      if (bf16 ||
          isa<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op))
        ops.push_back(op);
    });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingOps);
    if (failed(applyOpPatternsGreedily(ops, frozen, config)))
      signalPassFailure();
  }
};

/// Everything that is not scf or vector to the LLVM dialect, or an error.
struct LowerToLlvmPass
    : public PassWrapper<LowerToLlvmPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerToLlvmPass)
  StringRef getArgument() const final { return "cpu-lower-to-llvm"; }
  StringRef getDescription() const final {
    return "lower func, cf, arith, math, index and ub to the LLVM dialect";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>();
  }
  /// kEntryAttr in NVVM's words. The largest block bounds the registers that
  /// the assembler may give a thread.
  static void markEntry(LLVM::LLVMFuncOp function) {
    auto block = function->getAttrOfType<DenseI32ArrayAttr>(kEntryAttr);
    if (!block)
      return;
    function->removeAttr(kEntryAttr);
    function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(),
                      UnitAttr::get(function.getContext()));
    function->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(), block);
  }
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns,
                                         /*approximateLog1p=*/false);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    target.addLegalDialect<NVVM::NVVMDialect>(); // of GPUs' kernels
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>())
      markEntry(function);
  }
};

} // namespace

void mlir::tenon::buildLowerKernelPipeline(OpPassManager &pm) {
  pm.addPass(std::make_unique<ExpandArithPass>());
  pm.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectorOptions;
  vectorOptions.force32BitVectorIndices = false;
  pm.addPass(createConvertVectorToLLVMPass(vectorOptions));
  pm.addPass(std::make_unique<LowerToLlvmPass>());
  pm.addPass(createReconcileUnrealizedCastsPass());
}
