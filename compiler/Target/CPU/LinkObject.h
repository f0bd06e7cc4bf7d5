//===- LinkObject.h - Objects to a shared library, by lld -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_COMPILER_TARGET_CPU_LINKOBJECT_H
#define TENON_COMPILER_TARGET_CPU_LINKOBJECT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mlir::tenon {

/// One relocatable object. `name` appears in the linker's messages.
struct ObjectFile {
  std::string name;
  llvm::SmallVector<char, 0> bytes;
};

/// True if `object` refers to a symbol that it does not define.
bool hasUndefinedSymbols(const ObjectFile &object);

/// Links `objects` into a shared library, taking from `library` (may be null)
/// what they refer to; exports the default-visibility symbols of `objects`.
/// Fails, with the linker's text, if a symbol is undefined or defined twice.
llvm::Expected<llvm::SmallVector<char>>
linkSharedLibrary(llvm::ArrayRef<ObjectFile> objects,
                  const ObjectFile *library);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_LINKOBJECT_H
