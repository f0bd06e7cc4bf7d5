//===- EngineBuilder.h - From the engine dialect to an engine file --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Writes an engine module (see dialects/Engine) into the file's schema: one
// record for each op, in the same order. Constants are packed here, as their
// kernels read them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_TARGET_ENGINEFILE_ENGINEBUILDER_H
#define TENON_COMPILER_TARGET_ENGINEFILE_ENGINEBUILDER_H

#include "compiler/Target/CUDA/CudaCode.h"
#include "dialects/Engine/EngineOps.h"
#include "runtime/schema/EngineFormat.h"
#include <deque>

namespace mlir::tenon {

/// An engine in the making; owns what its blobs point to, but for constants
/// that are used as they are: those belong to the module.
struct BuiltEngine {
  ::tenon::schema::EngineT engine;
  std::vector<::tenon::BlobContent> blobs;
  std::deque<std::vector<char>> storage;
};

/// The machine code of a program: for a CPU, or for a CUDA architecture.
struct ProgramCode {
  engine::ProgramOp program;
  SmallVector<char> object;            // empty if the program has no kernels
  std::vector<CudaKernelCode> entries; // in the order of the kernels
};

/// Builds the engine of `module` with its programs as variants, best first in
/// the order of `programs`.
LogicalResult buildEngine(ModuleOp module, ArrayRef<ProgramCode> programs,
                          BuiltEngine &built);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_ENGINEFILE_ENGINEBUILDER_H
