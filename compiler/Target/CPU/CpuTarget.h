//===- CpuTarget.h - The table of CPU instruction set levels ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row an ISA level that Tenon generates code for. A new level (or a level
// plus an extension) is a row in CpuTarget.cpp, nothing else.
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CPU_CPUTARGET_H
#define TENON_COMPILER_TARGET_CPU_CPUTARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace mlir::tenon {

/// An ISA level. Immutable; rows live as long as the process.
struct CpuTarget {
  /// What the user writes: "x86-64-v3", "native".
  std::string name;
  /// The psABI level, which is also LLVM's CPU name. The engine records it.
  std::string level;
  /// Features needed beyond the level, sorted: "avx512vnni". LLVM's names, and
  /// those of runtime/cpu/CpuTarget.cpp. The engine records them.
  std::vector<std::string> features;
  /// The CPU that "native" resolved to ("znver3"): instructions are scheduled
  /// for it. The engine records it for people. Empty: no CPU in particular.
  std::string compiledFor;
  /// Width of the widest vector register that generated code should use.
  unsigned vectorBits = 256;
  /// Number of vector registers: bounds the register blocks of schedules.
  unsigned vectorRegisters = 16;

  /// Level and features, as the engine's tools write them:
  /// "x86-64-v4+avx512vnni".
  std::string variantName() const;

  /// Vector lanes for elements of `elementBits` bits: 8 for f32 on v3.
  unsigned lanes(unsigned elementBits) const {
    return vectorBits / elementBits;
  }
};

/// All rows that are the same on every machine, in ascending order.
llvm::ArrayRef<CpuTarget> cpuTargets();

/// The row called `name`, or null. "native" resolves to the CPU that this
/// process runs on: its level, what it has beyond that, and its name; null if
/// it is below x86-64-v3. Engines for it are not reproducible elsewhere.
const CpuTarget *lookupCpuTarget(llvm::StringRef name);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_CPUTARGET_H
