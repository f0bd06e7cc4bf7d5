//===- EmitObject.h - One LLVM module to one object -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_COMPILER_TARGET_CPU_EMITOBJECT_H
#define TENON_COMPILER_TARGET_CPU_EMITOBJECT_H

#include "compiler/Target/CPU/CpuTarget.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace mlir::tenon {

/// What emitObject is asked for besides the object.
struct EmitOptions {
  int optLevel = 3;
  /// The one function that is exported; the others become internal. Empty: all
  /// are hidden and kept (the builtins).
  llvm::StringRef kernel;
  bool distinctBuffers = false;
  bool vectorizeLoops = false;
  /// If set, also filled: the optimized IR and the assembly, as text.
  std::string *irText = nullptr;
  std::string *assemblyText = nullptr;
};

/// LLVM's default pipeline without the SLP vectorizer; no library function is
/// known but memcpy, memmove and memset if `memoryFunctions`.
void optimizeModule(llvm::Module &module, llvm::TargetMachine &machine,
                    int optLevel, bool vectorizeLoops, bool memoryFunctions);

/// Prepares (attributes, alias scopes), optimizes and compiles `module`, which
/// is spent afterwards. May end in LLVM's fatal error: run it under runGuarded.
llvm::Expected<llvm::SmallVector<char, 0>>
emitObject(llvm::Module &module, const CpuTarget &target,
           const EmitOptions &options);

/// The object with memcpy, memset and the other functions that LLVM may call
/// by itself (Builtins.c), compiled for `target`.
llvm::Expected<llvm::SmallVector<char, 0>>
emitBuiltins(const CpuTarget &target);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_EMITOBJECT_H
