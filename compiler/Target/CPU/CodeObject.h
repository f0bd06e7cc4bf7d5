//===- CodeObject.h - Kernel modules to one shared library ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU target's back half: kernels as MLIR go in, the bytes of one ELF
// shared library (an engine's code object) come out.
//
// In: one ModuleOp a kernel, holding exactly one public func.func with the
// kernel ABI of runtime/include/tenon/kernel_abi.h,
//
//   func.func @name(%buffers: !llvm.ptr, %scalars: !llvm.ptr, %begin: i64,
//                   %end: i64, %scratch: !llvm.ptr, %error: !llvm.ptr) -> i32
//
// and any number of private func.func helpers. Bodies use func, scf, cf, arith,
// vector (1-D, or n-D as far as convert-vector-to-llvm goes), index, math (what
// has an instruction), ub and llvm ops; memory is reached by
// llvm.getelementptr, llvm.load and llvm.store. The name must not be that of a
// C library function (LLVM and the builtins give those a meaning): use a
// prefix.
//
// LLVM's vectorizers do not run: a loop that must be vectorized is written with
// vectors. The unit attribute `tenon.vectorize_loops` on the kernel function
// runs the loop vectorizer on it, for loops over scalars (results do not
// change: it reorders no floating-point sum).
//
// The unit attribute `tenon.distinct_buffers` on the kernel function promises
// that no two of its buffers overlap (but for buffers that are only read);
// loads and stores whose pointer comes from `buffers[constant]` then get alias
// scopes.
//
// Out: the library exports the kernel functions only, has no undefined symbol,
// no text relocation, no constructor, no writable data and no memory that is
// both writable and executable. The same modules, in the same order, for the
// same target give the same bytes for any number of threads.
//
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CPU_CODEOBJECT_H
#define TENON_COMPILER_TARGET_CPU_CODEOBJECT_H

#include "compiler/Target/CPU/CpuTarget.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <mutex>
#include <string>

namespace llvm {
class Module;
}

namespace mlir::tenon {

/// The names of the attributes described above.
inline constexpr llvm::StringLiteral kDistinctBuffersAttr =
    "tenon.distinct_buffers";
inline constexpr llvm::StringLiteral kVectorizeLoopsAttr =
    "tenon.vectorize_loops";

struct CodeObjectOptions {
  /// LLVM's optimization level, 0 to 3.
  int optLevel = 3;
  /// Kernels compiled at once in the LLVM part; 1 if the context is not
  /// multithreaded. (The MLIR part uses the context's thread pool.)
  unsigned threads = 1;
  /// If not empty: an existing folder that gets NAME.mlir, NAME.ll (after
  /// optimization), NAME.s and NAME.o of each kernel.
  std::string saveTemps;
  /// CUDA: code says which lines of the kernels in `saveTemps` it comes from.
  bool lineInfo = false;
  /// If set: called, from any thread but never twice at once, when LLVM fails
  /// on a kernel, which is Tenon's fault and not the user's. `ir` is the
  /// kernel as LLVM IR before the failing step (no weights, no paths), which
  /// `llc` and `opt` take. tenonc writes it out and exits with 3.
  std::function<void(llvm::StringRef kernel, llvm::StringRef ir)>
      onInternalError;
};

/// Compiles and links `modules`, which are consumed. All problems are reported
/// as diagnostics at the modules' locations, in the order of the modules;
/// nothing aborts, not even where LLVM cannot select an instruction.
/// Call registerCpuTargetDialects on the context's registry first. Several
/// calls may run at once on different contexts.
FailureOr<llvm::SmallVector<char>>
compileToCodeObject(MLIRContext *context,
                    MutableArrayRef<OwningOpRef<ModuleOp>> modules,
                    const CpuTarget &target, const CodeObjectOptions &options);

/// A kernel's module and its function in there.
struct KernelModule {
  ModuleOp module;
  std::string name;
  std::string nodes = {}; // of the model, for people who read the code
};

/// Writes NAME.mlir of each kernel, if `saveTemps` asks for it.
LogicalResult saveKernelModules(llvm::ArrayRef<KernelModule> kernels,
                                const CodeObjectOptions &options);

/// Writes `text` to the file NAME in the folder that `saveTemps` names.
LogicalResult saveKernelText(const CodeObjectOptions &options, Location loc,
                             const std::string &name, StringRef text);

/// Calls `compile(i)` for each i below `count`, on up to options.threads
/// threads, with LLVM's fatal errors caught (runGuarded) and diagnostics in the
/// order of i. Fails if one call does.
LogicalResult compileEach(MLIRContext *context, size_t count,
                          const CodeObjectOptions &options,
                          llvm::function_ref<LogicalResult(size_t)> compile);

/// Translates a kernel in the LLVM dialect to LLVM IR and hands that to `emit`,
/// under runGuarded. What LLVM fails on becomes a diagnostic that names the
/// kernel and `target`, and goes to options.onInternalError, one at a time by
/// `internalErrorMutex`.
LogicalResult emitKernel(const KernelModule &kernel, StringRef target,
                         const CodeObjectOptions &options,
                         std::mutex &internalErrorMutex,
                         llvm::function_ref<llvm::Error(llvm::Module &)> emit);

/// The second half of compileToCodeObject, for kernels in the LLVM dialect (as
/// after buildLowerKernelPipeline). The modules stay as they are.
FailureOr<llvm::SmallVector<char>>
emitCodeObject(MLIRContext *context, llvm::ArrayRef<KernelModule> kernels,
               const CpuTarget &target, const CodeObjectOptions &options);

/// Registers the dialects that kernel modules may use and their translation
/// to LLVM IR.
void registerCpuTargetDialects(DialectRegistry &registry);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_CODEOBJECT_H
