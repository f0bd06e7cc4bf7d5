//===- Pipeline.h - The stages of a compilation ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_DRIVER_PIPELINE_H
#define TENON_COMPILER_DRIVER_PIPELINE_H

#include "compiler/Driver/Target.h"
#include "compiler/Graph/Precision.h"
#include "compiler/Target/CUDA/Ptxas.h"
#include "compiler/Target/EngineFile/EngineBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir::tenon {

/// What all stages share.
struct CompileContext {
  int optLevel = 3;
  unsigned threads = 1;
  std::string saveTemps; // folder, or empty
  Ptxas ptxas;           // assembles CUDA kernels, if it is there
  /// Lets CUDA code refer to the lines of the kernels in `saveTemps`.
  bool lineInfo = false;
  /// Who chooses among schedules; null: the cost model.
  const ScheduleSource *schedules = nullptr;
  /// Memory of the constants that folding made; outlives the module.
  std::deque<std::vector<char>> constantPool;
  /// Called when LLVM fails on a kernel (a defect of Tenon).
  std::function<void(StringRef kernel, StringRef ir)> onInternalError;
};

/// Whether the target computes every element type of the model; errors name
/// the nodes that it does not.
LogicalResult checkElementTypes(ModuleOp module);

/// Graph passes that no target needs to know of: canonical forms, patterns,
/// affine folding. `widen`: compute f16 and bf16 in f32.
LogicalResult runGraphPasses(ModuleOp module);

/// Evaluates everything that depends on constants alone, by compiling and
/// running it.
LogicalResult foldConstants(ModuleOp module, CompileContext &context);

/// The same as a pass, on all threads of the machine.
std::unique_ptr<Pass> createFoldConstantsPass();

/// Layouts for a target, and ops in terms of those that it has kernels for.
/// `precision` is for CUDA targets: CPUs compute in f32.
LogicalResult runLayoutPasses(ModuleOp module, const Target &target,
                              const graph::Precision &precision);
/// Kernels.
LogicalResult runFusion(ModuleOp module);

/// What is known of a program, for reports.
struct VariantRecord : ProgramRecord {
  /// CUDA: the type of each node and why.
  SmallVector<graph::PrecisionRow, 0> precisions;
  /// What ptxas made of each function, without its code.
  llvm::StringMap<Assembled> assembled;
  std::string ptxas; // its version; empty: none was at hand
};

/// An engine in the making: a module of the engine dialect, and the target and
/// record of each of its programs, in order.
struct EngineModule {
  OwningOpRef<ModuleOp> module;
  SmallVector<const Target *> targets;
  std::deque<VariantRecord> records = {};
};

/// An engine with the interface of @main and no program yet.
EngineModule beginEngine(ModuleOp module, StringRef model);

/// Builds the kernels of @main for `target` and adds them and a program.
LogicalResult addProgram(ModuleOp module, const Target &target,
                         const CompileContext &context, EngineModule &engine);

/// The code of all kernels, to the LLVM dialect.
LogicalResult lowerKernelCode(EngineModule &engine, CompileContext &context);

/// Machine code and constants. `engine` must outlive `built`. The program that
/// was added last comes first: targets are given in ascending order.
LogicalResult buildEngine(EngineModule &engine, CompileContext &context,
                          BuiltEngine &built);

/// Registers each stage as a pipeline for tenon-opt: `--stage-fuse` takes what
/// `tenonc --stop-after=layout` prints.
void registerStagePipelines();

/// The function that a model becomes.
func::FuncOp mainOf(ModuleOp module);

} // namespace mlir::tenon

#endif // TENON_COMPILER_DRIVER_PIPELINE_H
