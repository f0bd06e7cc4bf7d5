//===- BuildProgram.h - From a function of kernels to a program -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Turns a function whose ops are graph.kernel, graph.constant and aliases into
// the engine dialect: symbols, bindings and constraints once, then for each
// target a program with its kernels, values, and one launch a graph.kernel.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_ENGINE_BUILDPROGRAM_H
#define TENON_COMPILER_ENGINE_BUILDPROGRAM_H

#include "compiler/Conversion/TypicalSizes.h"
#include "dialects/Engine/EngineOps.h"
#include "kernels/Family.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::tenon {

/// The attribute of an engine module that holds the model's name.
inline constexpr llvm::StringLiteral kModelAttr = "engine.model";

/// Adds the interface of `main` to `engine`: symbols, bindings, constraints.
void buildInterface(func::FuncOp main, StringRef model, ModuleOp engine);

/// What a program runs on: the attributes of engine.program.
struct ProgramTarget {
  engine::TargetKind kind = engine::TargetKind::cpu;
  std::string name; // of the program
  std::string arch;
  std::vector<std::string> features;
  std::string compiledFor;
  KernelTarget kernels;
};

/// What was known when a program was built, for reports; nothing in it is part
/// of the engine.
struct ProgramRecord {
  /// One for each kernel that was built: how its schedule was chosen.
  struct Kernel {
    std::vector<Candidate> candidates;
    size_t chosen = 0;
    std::string pinned; // what the user asked for, or empty
  };
  struct Launch {
    engine::LaunchOp op;
    unsigned kernel; // of `kernels`
    unsigned step;   // of its launches
  };
  std::vector<Kernel> kernels;
  std::vector<Launch> launches; // in order
  /// Predictions, by function; none for CPUs.
  llvm::StringMap<Cost> costs;
  TypicalSizes sizes;
};

/// Builds the code of the kernels of `main` and adds a program that launches
/// them. `main` stays as it is. Fills `record`, if it is not null.
FailureOr<engine::ProgramOp> buildProgram(func::FuncOp main,
                                          const ProgramTarget &target,
                                          ModuleOp engine,
                                          ProgramRecord *record = nullptr);

} // namespace mlir::tenon

#endif // TENON_COMPILER_ENGINE_BUILDPROGRAM_H
