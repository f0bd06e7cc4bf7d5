//===- Ptxas.h - NVIDIA's assembler, where it is at hand --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ptxas turns PTX into the machine code of one architecture. Engines work
// without: the driver then compiles the PTX when it is loaded.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CUDA_PTXAS_H
#define TENON_COMPILER_TARGET_CUDA_PTXAS_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace mlir::tenon {

/// What assembles PTX, if anything does.
struct Ptxas {
  std::string path;    // of the program; empty: there is none
  std::string version; // "13.0.88"
};

/// Finds ptxas: the program `path` if that is not empty, else `ptxas` in PATH,
/// else in the bin folder of CUDA_HOME or /usr/local/cuda. "none" finds
/// nothing. `problem` says why a `path` that was given cannot be used.
Ptxas findPtxas(llvm::StringRef path, std::string &problem);

/// What ptxas made of a kernel.
struct Assembled {
  std::vector<char> cubin;
  std::string tool;       // "ptxas 13.0.88"
  int registers = -1;     // of a thread
  int64_t spillBytes = 0; // stores and loads of spilled registers
};

/// Assembles `ptx` for `architecture` ("sm_80"), keeping line numbers if there
/// are such. Returns what is wrong, or an empty text.
std::string assemble(const Ptxas &ptxas, llvm::StringRef ptx,
                     llvm::StringRef architecture, bool lineInfo,
                     Assembled &result);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CUDA_PTXAS_H
