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

namespace mlir::tenon {

/// An ISA level. Immutable; rows live as long as the process.
struct CpuTarget {
  /// What the user writes and the engine file records: "x86-64-v3".
  std::string name;
  /// LLVM's CPU name and feature string ("+avx2,+fma").
  std::string llvmCpu;
  std::string features;
  /// Width of the widest vector register that generated code should use.
  unsigned vectorBits = 256;
  /// Number of vector registers: bounds the register blocks of schedules.
  unsigned vectorRegisters = 16;
  /// True if code for this level may depend on the machine that compiled it:
  /// such engines are not reproducible elsewhere.
  bool isNative = false;

  /// Vector lanes for elements of `elementBits` bits: 8 for f32 on v3.
  unsigned lanes(unsigned elementBits) const {
    return vectorBits / elementBits;
  }
};

/// All rows that are the same on every machine, in ascending order.
llvm::ArrayRef<CpuTarget> cpuTargets();

/// The row called `name`, or null. "native" resolves to the CPU that this
/// process runs on (`llvmCpu` and `features` say which); null if that CPU is
/// below x86-64-v3.
const CpuTarget *lookupCpuTarget(llvm::StringRef name);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CPU_CPUTARGET_H
