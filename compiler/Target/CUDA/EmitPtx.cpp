//===- EmitPtx.cpp - One LLVM module to PTX -----------------------*- C++ -*-=//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's default pipeline (no vectorizers: kernels are written with the loads
// that they need, and no library function exists), then the NVPTX back end.
// No fast-math: `add.rn` and `mul.rn` keep ptxas from contracting what the
// kernel did not contract.
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CUDA/EmitPtx.h"

#include "compiler/Target/CPU/EmitObject.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

#include <memory>
#include <mutex>

using namespace llvm;
using namespace mlir::tenon;

static Error fail(const Twine &text) {
  return createStringError(inconvertibleErrorCode(), text);
}

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const CudaTarget &target, int optLevel) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const Target *llvmTarget = TargetRegistry::lookupTarget(triple, message);
  if (!llvmTarget)
    return fail("this LLVM has no NVPTX back end: " + message);
  std::string features = "+ptx" + std::to_string(target.ptxVersion);
  std::unique_ptr<TargetMachine> machine(llvmTarget->createTargetMachine(
      triple, target.name, features, TargetOptions(), Reloc::PIC_,
      CodeModel::Small,
      optLevel == 0 ? CodeGenOptLevel::None : CodeGenOptLevel::Aggressive));
  if (!machine)
    return fail("LLVM has no target machine for '" + target.name + "'");
  return machine;
}

Expected<std::string> mlir::tenon::emitPtx(Module &module,
                                           const CudaTarget &target,
                                           const PtxOptions &options) {
  Expected<std::unique_ptr<TargetMachine>> machine =
      createMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  for (Function &function : module)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::NoUnwind);
  optimizeModule(module, **machine, options.optLevel, /*vectorizeLoops=*/false,
                 /*memoryFunctions=*/false);
  if (options.irText) {
    raw_string_ostream os(*options.irText);
    module.print(os, nullptr);
  }
  // What is still called and not an intrinsic has no definition anywhere.
  for (const Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() &&
        !function.use_empty())
      return fail("undefined function '" + function.getName() + "'");
  SmallString<0> text;
  raw_svector_ostream os(text);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr,
                                      CodeGenFileType::AssemblyFile))
    return fail("LLVM's NVPTX back end cannot write PTX");
  passes.run(module);
  return text.str().str();
}
