//===- CudaCode.cpp - Kernel modules to PTX and cubins --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kernel is a module of its own: it is translated, optimized and written
// in an LLVM context of its own, on `threads` threads, into a slot of its own.
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CUDA/CudaCode.h"

#include "compiler/Target/CUDA/EmitPtx.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/LocationSnapshot.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::tenon;

void mlir::tenon::registerCudaTargetDialects(DialectRegistry &registry) {
  registry.insert<NVVM::NVVMDialect>();
  registerNVVMDialectTranslation(registry);
}

/// Names of the model may be any bytes, and lines of PTX are ASCII and short.
static std::string asComment(StringRef nodes) {
  constexpr size_t kLongest = 400;
  std::string text = "// nodes: ";
  for (char c : nodes.take_front(kLongest))
    text += llvm::isPrint(c) ? c : '?';
  return text + (nodes.size() > kLongest ? " ..." : "") + "\n";
}

/// Puts a line with the nodes above the entry.
static void nameNodes(const KernelModule &kernel, std::string &ptx) {
  size_t entry = ptx.find(".visible .entry " + kernel.name + "(");
  if (entry != std::string::npos && !kernel.nodes.empty())
    ptx.insert(entry, asComment(kernel.nodes));
}

LogicalResult mlir::tenon::saveTileModule(const KernelModule &kernel,
                                          StringRef target,
                                          const CodeObjectOptions &options) {
  if (options.saveTemps.empty())
    return success();
  std::string file = (kernel.name + "." + target + ".mlir").str();
  std::string text;
  llvm::raw_string_ostream os(text);
  ModuleOp module = kernel.module;
  Location loc = module.getLoc();
  // The file's name alone: engines hold no paths.
  if (options.lineInfo)
    generateLocationsFromIR(os, file, module, OpPrintingFlags());
  else
    module.print(os);
  // Below the code, whose lines are counted.
  os << "\n" << asComment(kernel.nodes);
  return saveKernelText(options, loc, file, text);
}

/// Gives functions the scopes that line numbers need: no more than `.loc` and
/// `.file` come of it, as from nvcc's -lineinfo.
static LogicalResult addLineScopes(ModuleOp module) {
  PassManager pm(module.getContext());
  LLVM::DIScopeForLLVMFuncOpPassOptions options;
  options.emissionKind = LLVM::DIEmissionKind::DebugDirectivesOnly;
  pm.addPass(LLVM::createDIScopeForLLVMFuncOpPass(options));
  return pm.run(module);
}

static LogicalResult
compileKernel(const KernelModule &kernel, const CudaTarget &target,
              const CodeObjectOptions &options, const Ptxas &ptxas,
              std::mutex &internalErrorMutex, CudaKernelCode &code) {
  ModuleOp module = kernel.module;
  Location loc = module.getLoc();
  code.name = kernel.name;
  std::string ir;
  PtxOptions emit;
  emit.optLevel = options.optLevel;
  if (!options.saveTemps.empty())
    emit.irText = &ir;
  auto toPtx = [&](llvm::Module &translated) -> llvm::Error {
    auto text = emitPtx(translated, target, emit);
    if (!text)
      return text.takeError();
    code.ptx = std::move(*text);
    return llvm::Error::success();
  };
  if (failed(
          emitKernel(kernel, target.name, options, internalErrorMutex, toPtx)))
    return failure();
  nameNodes(kernel, code.ptx);
  if (!options.saveTemps.empty()) {
    std::string stem = kernel.name + "." + target.name;
    if (failed(saveKernelText(options, loc, stem + ".ll", ir)) ||
        failed(saveKernelText(options, loc, stem + ".ptx", code.ptx)))
      return failure();
  }
  if (!ptxas.path.empty()) {
    std::string problem = assemble(ptxas, code.ptx, target.name,
                                   options.lineInfo, code.assembled);
    if (!problem.empty())
      return emitError(loc)
             << "internal error: ptxas " << ptxas.version
             << " cannot assemble kernel '" << kernel.name << "' for "
             << target.name << ": " << StringRef(problem).trim();
  }
  code.ptx.push_back('\0');
  return success();
}

FailureOr<std::vector<CudaKernelCode>>
mlir::tenon::emitCudaCode(MLIRContext *context, ArrayRef<KernelModule> kernels,
                          const CudaTarget &target,
                          const CodeObjectOptions &options,
                          const Ptxas &ptxas) {
  if (options.lineInfo)
    for (const KernelModule &kernel : kernels)
      if (failed(addLineScopes(kernel.module)))
        return failure();
  std::vector<CudaKernelCode> codes(kernels.size());
  std::mutex internalErrorMutex;
  auto compile = [&](size_t i) {
    return compileKernel(kernels[i], target, options, ptxas, internalErrorMutex,
                         codes[i]);
  };
  if (failed(compileEach(context, kernels.size(), options, compile)))
    return failure();
  return std::move(codes);
}
