//===- FatalErrors.cpp - LLVM's fatal errors as values --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's fatal-error handler is one for the process. Ours looks for the crash
// recovery context of the failing thread, keeps the reason for it and jumps
// out; without one it returns, and LLVM goes on to abort as it would have.
// Test: test/unit/math/CodeObjectTest.cpp, CannotSelectIsADiagnostic
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CPU/FatalErrors.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"

#include <mutex>

using namespace mlir::tenon;

/// Where the fatal error of this thread is to be kept; null outside
/// runGuarded.
static thread_local std::string *fatalReason = nullptr;

static void onFatalError(void *, const char *reason, bool) {
  llvm::CrashRecoveryContext *recovery =
      llvm::CrashRecoveryContext::GetCurrent();
  if (!recovery || !fatalReason)
    return;
  *fatalReason = reason;
  recovery->HandleExit(3);
}

namespace {
struct ScopeCount {
  std::mutex mutex;
  unsigned scopes = 0;
};
} // namespace

/// The process-wide count behind LLVM's process-wide handler.
static ScopeCount &scopeCount() {
  static ScopeCount count;
  return count;
}

FatalErrorScope::FatalErrorScope() {
  std::lock_guard<std::mutex> lock(scopeCount().mutex);
  if (scopeCount().scopes++ == 0) {
    llvm::CrashRecoveryContext::Enable();
    llvm::install_fatal_error_handler(onFatalError);
  }
}

FatalErrorScope::~FatalErrorScope() {
  std::lock_guard<std::mutex> lock(scopeCount().mutex);
  if (--scopeCount().scopes == 0) {
    llvm::remove_fatal_error_handler();
    llvm::CrashRecoveryContext::Disable();
  }
}

std::optional<std::string>
mlir::tenon::runGuarded(llvm::function_ref<void()> body) {
  // Static storage, not the stack: control comes back by longjmp.
  static thread_local std::string reason;
  reason.clear();
  fatalReason = &reason;
  llvm::CrashRecoveryContext recovery;
  bool completed = recovery.RunSafely(body);
  fatalReason = nullptr;
  if (completed)
    return std::nullopt;
  return reason.empty() ? std::string("LLVM crashed") : reason;
}
