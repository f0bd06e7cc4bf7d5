//===- OutputFile.h - Engines appear whole or not at all ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_DRIVER_OUTPUTFILE_H
#define TENON_COMPILER_DRIVER_OUTPUTFILE_H

#include "compiler/Target/EngineFile/EngineBuilder.h"

namespace mlir::tenon {

/// Whether a file can be made at `path`; else `problem` says why. Asked before
/// the work is done; leaves nothing behind.
bool checkWritable(const std::string &path, std::string &problem);

/// Writes a text to `path` in the same way.
bool writeText(const std::string &path, StringRef text, std::string &problem);

/// Writes an engine to `path`: under a temporary name in the same folder,
/// then renamed. On failure nothing is left behind, a file that was there
/// stays as it was, and `problem` says why.
bool writeEngine(const std::string &path, BuiltEngine &engine, uint64_t &bytes,
                 std::string &problem);

} // namespace mlir::tenon

#endif // TENON_COMPILER_DRIVER_OUTPUTFILE_H
