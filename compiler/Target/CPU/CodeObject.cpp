//===- CodeObject.cpp - Kernel modules to one shared library --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps: check the modules; lower them all to the LLVM dialect (one pass
// manager over a parent module, in parallel on the context's threads);
// translate, optimize and compile each in an LLVM context of its own, on
// `threads` threads; link in the modules' order. Every result goes to its own
// slot, so that the number of threads cannot be seen in the output.
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CPU/CodeObject.h"

#include "compiler/Target/CPU/EmitObject.h"
#include "compiler/Target/CPU/FatalErrors.h"
#include "compiler/Target/CPU/LinkObject.h"
#include "compiler/Target/CPU/LowerKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace mlir::tenon;

void mlir::tenon::registerCpuTargetDialects(DialectRegistry &registry) {
  registry
      .insert<arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
              index::IndexDialect, LLVM::LLVMDialect, math::MathDialect,
              scf::SCFDialect, ub::UBDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

namespace {

/// One kernel on its way.
struct Kernel {
  ModuleOp module;
  std::string name;
  bool distinctBuffers = false;
  bool vectorizeLoops = false;
  ObjectFile object;
};

} // namespace

LogicalResult mlir::tenon::saveKernelText(const CodeObjectOptions &options,
                                          Location loc, const std::string &name,
                                          StringRef text) {
  std::string path = options.saveTemps + "/" + name;
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

LogicalResult
mlir::tenon::emitKernel(const KernelModule &kernel, StringRef target,
                        const CodeObjectOptions &options,
                        std::mutex &internalErrorMutex,
                        function_ref<llvm::Error(llvm::Module &)> emit) {
  ModuleOp from = kernel.module;
  Location loc = from.getLoc();
  // If LLVM gives up, its context cannot be destroyed: both leak then.
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(from, *context, kernel.name);
  if (!module)
    return emitError(loc) << "internal error: cannot translate kernel '"
                          << kernel.name << "' to LLVM IR";
  std::string before;
  if (options.onInternalError) {
    llvm::raw_string_ostream os(before);
    module->print(os, nullptr);
  }
  std::string message;
  std::optional<std::string> fatal = runGuarded([&] {
    if (llvm::Error error = emit(*module))
      message = llvm::toString(std::move(error));
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
                          << kernel.name << "' for " << target << ": "
                          << StringRef(message).trim();
  return success();
}

/// From the LLVM dialect to an object, for one kernel.
static LogicalResult compileKernel(Kernel &kernel, const CpuTarget &target,
                                   const CodeObjectOptions &options,
                                   std::mutex &internalErrorMutex) {
  std::string ir, assembly;
  EmitOptions emit;
  emit.optLevel = options.optLevel;
  emit.kernel = kernel.name;
  emit.distinctBuffers = kernel.distinctBuffers;
  emit.vectorizeLoops = kernel.vectorizeLoops;
  if (!options.saveTemps.empty()) {
    emit.irText = &ir;
    emit.assemblyText = &assembly;
  }
  auto toObject = [&](llvm::Module &module) -> llvm::Error {
    auto object = emitObject(module, target, emit);
    if (!object)
      return object.takeError();
    kernel.object.bytes = std::move(*object);
    return llvm::Error::success();
  };
  if (failed(emitKernel({kernel.module, kernel.name}, target.name, options,
                        internalErrorMutex, toObject)))
    return failure();
  kernel.object.name = kernel.name;
  if (options.saveTemps.empty())
    return success();
  Location loc = kernel.module.getLoc();
  StringRef bytes(kernel.object.bytes.data(), kernel.object.bytes.size());
  return success(
      succeeded(saveKernelText(options, loc, kernel.name + ".ll", ir)) &&
      succeeded(saveKernelText(options, loc, kernel.name + ".s", assembly)) &&
      succeeded(saveKernelText(options, loc, kernel.name + ".o", bytes)));
}

LogicalResult
mlir::tenon::compileEach(MLIRContext *context, size_t count,
                         const CodeObjectOptions &options,
                         function_ref<LogicalResult(size_t)> compile) {
  FatalErrorScope fatalErrors;
  ParallelDiagnosticHandler diagnostics(context);
  std::atomic<size_t> next = 0;
  std::atomic<bool> fine = true;
  auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      diagnostics.setOrderIDForThread(i);
      if (failed(compile(i)))
        fine = false;
      diagnostics.eraseOrderIDForThread();
    }
  };
  size_t threads = context->isMultithreadingEnabled() ? options.threads : 1;
  threads = std::min(std::max<size_t>(threads, 1), count);
  std::vector<std::thread> helpers;
  for (size_t i = 1; i < threads; ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
  return success(fine);
}

LogicalResult mlir::tenon::saveKernelModules(ArrayRef<KernelModule> kernels,
                                             const CodeObjectOptions &options) {
  if (options.saveTemps.empty())
    return success();
  for (KernelModule kernel : kernels) {
    std::string text;
    llvm::raw_string_ostream os(text);
    kernel.module.print(os);
    if (failed(saveKernelText(options, kernel.module.getLoc(),
                              kernel.name + ".mlir", text)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<char>> mlir::tenon::compileToCodeObject(
    MLIRContext *context, MutableArrayRef<OwningOpRef<ModuleOp>> modules,
    const CpuTarget &target, const CodeObjectOptions &options) {
  OwningOpRef<ModuleOp> parent = ModuleOp::create(UnknownLoc::get(context));
  SmallVector<KernelModule> kernels;
  llvm::StringSet<> names;
  for (OwningOpRef<ModuleOp> &owned : modules) {
    ModuleOp module = owned.release();
    parent->getBody()->push_back(module);
    FailureOr<StringRef> name = verifyKernelModule(module);
    if (failed(name))
      return failure();
    if (!names.insert(*name).second)
      return module.emitError() << "two kernels are called '" << *name << "'";
    kernels.push_back({module, name->str()});
  }
  PassManager passes(context);
  buildLowerKernelPipeline(passes.nest<ModuleOp>());
  if (failed(saveKernelModules(kernels, options)) ||
      failed(passes.run(*parent)))
    return failure();
  return emitCodeObject(context, kernels, target, options);
}

FailureOr<SmallVector<char>> mlir::tenon::emitCodeObject(
    MLIRContext *context, ArrayRef<KernelModule> modules,
    const CpuTarget &target, const CodeObjectOptions &options) {
  Location unknown = UnknownLoc::get(context);
  if (modules.empty())
    return emitError(unknown, "a code object needs at least one kernel");
  SmallVector<Kernel> kernels;
  for (const KernelModule &from : modules) {
    Kernel kernel;
    kernel.module = from.module;
    kernel.name = from.name;
    auto function = kernel.module.lookupSymbol<LLVM::LLVMFuncOp>(kernel.name);
    if (!function)
      return kernel.module.emitError() << "expected a function '" << kernel.name
                                       << "' in the LLVM dialect";
    kernel.distinctBuffers = function->hasAttr(kDistinctBuffersAttr);
    kernel.vectorizeLoops = function->hasAttr(kVectorizeLoopsAttr);
    kernels.push_back(std::move(kernel));
  }
  std::mutex internalErrorMutex;
  auto compile = [&](size_t i) {
    return compileKernel(kernels[i], target, options, internalErrorMutex);
  };
  if (failed(compileEach(context, kernels.size(), options, compile)))
    return failure();

  std::vector<ObjectFile> objects;
  for (Kernel &kernel : kernels)
    objects.push_back(std::move(kernel.object));
  // Few code objects need the builtins.
  ObjectFile builtins{"builtins", {}};
  bool needed = llvm::any_of(objects, hasUndefinedSymbols);
  if (needed) {
    auto object = emitBuiltins(target);
    if (!object)
      return emitError(unknown, "internal error: cannot compile the builtins: ")
             << llvm::toString(object.takeError());
    builtins.bytes = std::move(*object);
  }
  auto library = linkSharedLibrary(objects, needed ? &builtins : nullptr);
  if (!library)
    return emitError(unknown) << llvm::toString(library.takeError());
  return std::move(*library);
}
