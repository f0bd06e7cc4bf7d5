//===- CudaCode.cpp - Kernel modules to PTX and cubins --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each kernel is a module of its own: it is translated, optimized and written
// in an LLVM context of its own, on `threads` threads, into a slot of its own.
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CUDA/CudaCode.h"

#include "compiler/Target/CPU/FatalErrors.h"
#include "compiler/Target/CUDA/EmitPtx.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace mlir::tenon;

void mlir::tenon::registerCudaTargetDialects(DialectRegistry &registry) {
  registry.insert<NVVM::NVVMDialect>();
  registerNVVMDialectTranslation(registry);
}

static LogicalResult saveText(const std::string &folder, Location loc,
                              const std::string &name, StringRef text) {
  std::string path = folder + "/" + name;
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os << text;
    os.close();
    code = os.error();
    os.clear_error();
  }
  if (code)
    return emitError(loc) << "cannot write '" << path
                          << "': " << code.message();
  return success();
}

static LogicalResult
compileKernel(const KernelModule &kernel, const CudaTarget &target,
              const CodeObjectOptions &options, const Ptxas &ptxas,
              std::mutex &internalErrorMutex, CudaKernelCode &code) {
  KernelModule from = kernel;
  Location loc = from.module.getLoc();
  code.name = kernel.name;
  // If LLVM gives up, its context cannot be destroyed: both leak then.
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(from.module, *context, kernel.name);
  if (!module)
    return emitError(loc) << "internal error: cannot translate kernel '"
                          << kernel.name << "' to LLVM IR";
  std::string before;
  if (options.onInternalError) {
    llvm::raw_string_ostream os(before);
    module->print(os, nullptr);
  }
  std::string ir, message;
  PtxOptions emit;
  emit.optLevel = options.optLevel;
  if (!options.saveTemps.empty())
    emit.irText = &ir;
  std::optional<std::string> fatal = runGuarded([&] {
    auto text = emitPtx(*module, target, emit);
    if (text)
      code.ptx = std::move(*text);
    else
      message = llvm::toString(text.takeError());
  });
  if (fatal) {
    (void)module.release();
    (void)context.release();
    message = *fatal;
    if (options.onInternalError) {
      std::lock_guard<std::mutex> lock(internalErrorMutex);
      options.onInternalError(kernel.name, before);
    }
  }
  if (!message.empty())
    return emitError(loc) << "internal error: LLVM cannot compile kernel '"
                          << kernel.name << "' for " << target.name << ": "
                          << StringRef(message).trim();
  if (!options.saveTemps.empty()) {
    std::string stem = kernel.name + "." + target.name;
    if (failed(saveText(options.saveTemps, loc, stem + ".ll", ir)) ||
        failed(saveText(options.saveTemps, loc, stem + ".ptx", code.ptx)))
      return failure();
  }
  if (!ptxas.path.empty()) {
    std::string problem =
        assemble(ptxas, code.ptx, target.name, code.assembled);
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
  std::vector<CudaKernelCode> codes(kernels.size());
  FatalErrorScope fatalErrors;
  ParallelDiagnosticHandler diagnostics(context);
  std::mutex internalErrorMutex;
  std::atomic<size_t> next = 0;
  std::atomic<bool> ok = true;
  auto work = [&] {
    for (size_t i = next++; i < kernels.size(); i = next++) {
      diagnostics.setOrderIDForThread(i);
      if (failed(compileKernel(kernels[i], target, options, ptxas,
                               internalErrorMutex, codes[i])))
        ok = false;
      diagnostics.eraseOrderIDForThread();
    }
  };
  size_t threads = context->isMultithreadingEnabled() ? options.threads : 1;
  threads = std::min(std::max<size_t>(threads, 1), kernels.size());
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < threads; ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
  if (!ok)
    return failure();
  return std::move(codes);
}
