//===- EngineBuilder.h - From a function of kernels to an engine ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Turns a function whose ops are graph.kernel, graph.constant and aliases into
// the engine's program: symbols and size expressions, bindings, constants
// (packed as their kernels read them), values, and one launch a kernel.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TARGET_ENGINEFILE_ENGINEBUILDER_H
#define TENON_COMPILER_TARGET_ENGINEFILE_ENGINEBUILDER_H

#include "compiler/Conversion/LowerKernels.h"
#include "runtime/schema/EngineFormat.h"
#include <deque>

namespace mlir::tenon {

/// An engine in the making; owns what its blobs point to.
struct BuiltEngine {
  ::tenon::schema::EngineT engine;
  std::vector<::tenon::BlobContent> blobs;
  std::deque<std::vector<char>> storage;
};

/// Starts an engine from the interface of `main`: symbols, constraints,
/// bindings. `model` is the graph's name.
LogicalResult beginEngine(func::FuncOp main, StringRef model,
                          BuiltEngine &engine);

/// Adds one CPU variant: `main` lowered for `isa`, its kernels, and their code
/// object.
LogicalResult addCpuVariant(func::FuncOp main, StringRef isa,
                            const LoweredKernels &kernels,
                            ArrayRef<char> codeObject, BuiltEngine &engine);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_ENGINEFILE_ENGINEBUILDER_H
