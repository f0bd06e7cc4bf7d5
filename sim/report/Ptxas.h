//===- Ptxas.h - Registers as ptxas measures them ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where the CUDA toolkit's assembler is at hand, it says how many registers a
// thread really takes; nothing in the simulator needs it. The driver reads
// TENON_SIMCUDA_PTXAS (a path, or `auto`), PATH and CUDA_HOME, and hands them
// over here.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_REPORT_PTXAS_H
#define TENON_SIM_REPORT_PTXAS_H

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tenon::sim::report {

/// The program to run: `option` itself, or for `auto` the first ptxas in
/// `searchPath` (as $PATH) or in `cudaHome`/bin. Empty: there is none, or the
/// option is empty.
std::string findPtxas(std::string_view option, std::string_view searchPath,
                      std::string_view cudaHome);

/// Registers of each thread by kernel, from `ptxas -v` for sm_`sm`. Nothing if
/// it cannot be run or refuses the text. Takes as long as ptxas does.
std::optional<std::map<std::string, unsigned>>
measureRegisters(std::string_view ptx, unsigned sm, const std::string &ptxas);

/// What measureRegisters reads: ptxas's own words.
std::map<std::string, unsigned> registersFromLog(std::string_view log);

} // namespace tenon::sim::report

#endif // TENON_SIM_REPORT_PTXAS_H
