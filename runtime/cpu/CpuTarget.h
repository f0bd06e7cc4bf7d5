//===- CpuTarget.h - What this machine's CPU can run -------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decides whether a variant's target predicate (an ISA level and features
// beyond it) holds here, by cpuid and by what the operating system saves.
// A level is one row of a table. Shown by test/unit/runtime/CpuTargetTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CPU_CPUTARGET_H
#define TENON_RUNTIME_CPU_CPUTARGET_H

#include <string>
#include <vector>

namespace tenon::runtime {

/// Features of this machine, by LLVM's names: "avx2", "avx512f". Sorted.
const std::vector<std::string> &hostCpuFeatures();

/// Whether the level ("x86-64-v3") and all of `features` are there. If not,
/// `missing` says what is not: "avx512f", or "unknown level 'x'".
bool hostRuns(const std::string &level,
              const std::vector<std::string> &features, std::string &missing);

/// The best level of the table that this machine runs; "" if none.
std::string hostCpuLevel();

/// Cores that the process may use: affinity mask and cgroup quota, at least 1.
int usableCores();

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPU_CPUTARGET_H
