//===- FatalErrors.h - LLVM's fatal errors as values ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM ends the process when a back end meets what it cannot do ("Cannot
// select"). runGuarded turns that, and a crash, into a message. What the
// guarded code had allocated leaks, so this is for the last words of a process
// (tenonc reports and exits with 3), not for going on for days.
// Test: test/unit/math/CodeObjectTest.cpp, CannotSelectIsADiagnostic
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CPU_FATALERRORS_H
#define TENON_COMPILER_TARGET_CPU_FATALERRORS_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <string>

namespace mlir::tenon {

/// While at least one lives, LLVM's fatal errors and crashes inside runGuarded
/// end in its result; elsewhere they act as before.
class FatalErrorScope {
public:
  FatalErrorScope();
  ~FatalErrorScope();
  FatalErrorScope(const FatalErrorScope &) = delete;
  FatalErrorScope &operator=(const FatalErrorScope &) = delete;
};

/// Runs `body` on this thread under a FatalErrorScope; returns the message if
/// LLVM gave up.
std::optional<std::string> runGuarded(llvm::function_ref<void()> body);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_FATALERRORS_H
