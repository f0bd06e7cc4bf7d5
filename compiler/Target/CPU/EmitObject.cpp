//===- EmitObject.cpp - One LLVM module to one object ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps: (1) target and ABI attributes; (2) alias scopes for buffers that are
// promised not to overlap; (3) LLVM's default pipeline, without the SLP and,
// but for kernels that ask for it, the loop vectorizer (kernels are written
// with vectors; they would only undo a register block) and with no library
// function known but memcpy, memmove and memset; (4) the x86 back end, position
// independent. No fast-math anywhere.
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CPU/EmitObject.h"

#include "compiler/Target/CPU/CpuBuiltins.inc"

#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <memory>
#include <mutex>

using namespace llvm;
using namespace mlir::tenon;

static constexpr StringLiteral kTriple = "x86_64-unknown-linux-gnu";

static Error fail(const Twine &text) {
  return createStringError(inconvertibleErrorCode(), text);
}

/// The features beyond the level, as LLVM writes them.
static std::string featureString(const CpuTarget &target) {
  std::string text;
  for (const std::string &feature : target.features)
    text += (text.empty() ? "+" : ",+") + feature;
  return text;
}

static Expected<std::unique_ptr<TargetMachine>>
createMachine(const CpuTarget &target, int optLevel) {
  static std::once_flag initialized;
  std::call_once(initialized, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  });
  Triple triple(kTriple);
  std::string message;
  const Target *llvmTarget = TargetRegistry::lookupTarget(triple, message);
  if (!llvmTarget)
    return fail("this LLVM has no x86-64 back end: " + message);
  TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  std::unique_ptr<TargetMachine> machine(llvmTarget->createTargetMachine(
      triple, target.level, featureString(target), options, Reloc::PIC_,
      CodeModel::Small,
      optLevel == 0 ? CodeGenOptLevel::None : CodeGenOptLevel::Aggressive));
  if (!machine)
    return fail("LLVM has no target machine for '" + target.name + "'");
  return machine;
}

/// Attributes that hold for every function, and those of the kernel ABI.
static void setAttributes(Module &module, const CpuTarget &target,
                          StringRef kernel) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.level);
    if (!target.features.empty())
      function.addFnAttr("target-features", featureString(target));
    if (!target.compiledFor.empty())
      function.addFnAttr("tune-cpu", target.compiledFor);
    function.addFnAttr(Attribute::NoUnwind);
    if (kernel.empty()) {
      function.setVisibility(GlobalValue::HiddenVisibility);
      continue;
    }
    function.addFnAttr("prefer-vector-width",
                       std::to_string(target.vectorBits));
    if (function.getName() != kernel) {
      function.setLinkage(GlobalValue::InternalLinkage);
      continue;
    }
    // The argument arrays overlap nothing that a kernel writes to.
    for (unsigned index : {0u, 1u}) {
      function.addParamAttr(index, Attribute::NoAlias);
      function.addParamAttr(index, Attribute::ReadOnly);
    }
    for (unsigned index : {4u, 5u})
      function.addParamAttr(index, Attribute::NoAlias);
  }
}

/// The buffer number k if `pointer` is derived from a load of `buffers[k]`, k
/// constant.
static std::optional<int64_t> bufferNumber(const Value *pointer,
                                           const Function &kernel) {
  auto *load = dyn_cast<LoadInst>(getUnderlyingObject(pointer, 64));
  if (!load)
    return std::nullopt;
  APInt offset(64, 0);
  const Value *base =
      load->getPointerOperand()->stripAndAccumulateConstantOffsets(
          kernel.getDataLayout(), offset, /*AllowNonInbounds=*/true);
  if (base != kernel.getArg(0) || offset.getSExtValue() % 8 != 0)
    return std::nullopt;
  return offset.getSExtValue() / 8;
}

/// Gives the accesses to each buffer a scope of their own:
///   load float, ptr %p   ⇒   load float, ptr %p, !alias.scope !a, !noalias !b
static void addAliasScopes(Function &kernel) {
  SmallVector<std::pair<Instruction *, int64_t>> accesses;
  MapVector<int64_t, Metadata *> scopes;
  MDBuilder builder(kernel.getContext());
  MDNode *domain = builder.createAnonymousAliasScopeDomain(kernel.getName());
  for (BasicBlock &block : kernel)
    for (Instruction &instruction : block)
      if (const Value *pointer = getLoadStorePointerOperand(&instruction))
        if (std::optional<int64_t> number = bufferNumber(pointer, kernel)) {
          accesses.emplace_back(&instruction, *number);
          if (!scopes.count(*number))
            scopes[*number] = builder.createAnonymousAliasScope(domain);
        }
  if (scopes.size() < 2)
    return;
  for (auto [instruction, number] : accesses) {
    SmallVector<Metadata *> others;
    for (auto &[other, scope] : scopes)
      if (other != number)
        others.push_back(scope);
    LLVMContext &context = kernel.getContext();
    instruction->setMetadata(LLVMContext::MD_alias_scope,
                             MDNode::get(context, {scopes[number]}));
    instruction->setMetadata(LLVMContext::MD_noalias,
                             MDNode::get(context, others));
  }
}

void mlir::tenon::optimizeModule(Module &module, TargetMachine &machine,
                                 int optLevel, bool vectorizeLoops,
                                 bool memoryFunctions) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = vectorizeLoops;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  if (memoryFunctions)
    for (LibFunc function : {LibFunc_memcpy, LibFunc_memmove, LibFunc_memset})
      library.setAvailable(function);
  functions.registerPass([&] { return TargetLibraryAnalysis(library); });
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  OptimizationLevel level = optLevel <= 0   ? OptimizationLevel::O0
                            : optLevel == 1 ? OptimizationLevel::O1
                            : optLevel == 2 ? OptimizationLevel::O2
                                            : OptimizationLevel::O3;
  llvm::ModulePassManager passes =
      level == OptimizationLevel::O0
          ? builder.buildO0DefaultPipeline(level)
          : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

static Error generate(Module &module, TargetMachine &machine,
                      CodeGenFileType type, SmallVectorImpl<char> &output) {
  raw_svector_ostream os(output);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, type))
    return fail("LLVM's x86-64 back end cannot write this kind of file");
  passes.run(module);
  return Error::success();
}

Expected<SmallVector<char, 0>>
mlir::tenon::emitObject(Module &module, const CpuTarget &target,
                        const EmitOptions &options) {
  Expected<std::unique_ptr<TargetMachine>> machine =
      createMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  setAttributes(module, target, options.kernel);
  if (options.distinctBuffers)
    addAliasScopes(*module.getFunction(options.kernel));
  optimizeModule(module, **machine, options.optLevel, options.vectorizeLoops,
                 /*memoryFunctions=*/true);
  if (options.irText) {
    raw_string_ostream os(*options.irText);
    module.print(os, nullptr);
  }
  if (options.assemblyText) {
    // Code generation changes the module: the text is made from a copy.
    SmallString<0> text;
    if (Error error = generate(*CloneModule(module), **machine,
                               CodeGenFileType::AssemblyFile, text))
      return std::move(error);
    *options.assemblyText = text.str().str();
  }
  SmallVector<char, 0> object;
  if (Error error =
          generate(module, **machine, CodeGenFileType::ObjectFile, object))
    return std::move(error);
  return object;
}

Expected<SmallVector<char, 0>>
mlir::tenon::emitBuiltins(const CpuTarget &target) {
  LLVMContext context;
  StringRef bitcode(reinterpret_cast<const char *>(kCpuBuiltins),
                    sizeof(kCpuBuiltins));
  Expected<std::unique_ptr<Module>> module =
      parseBitcodeFile(MemoryBufferRef(bitcode, "builtins"), context);
  if (!module)
    return module.takeError();
  // Compiled for the oldest CPU at Tenon's build time: drop what was recorded.
  for (Function &function : **module)
    for (StringRef name : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(name);
  EmitOptions options;
  options.optLevel = 2;
  return emitObject(**module, target, options);
}
