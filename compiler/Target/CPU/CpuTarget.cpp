//===- CpuTarget.cpp - The table of CPU instruction set levels ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rows, and the resolution of "native" by LLVM's view of the host.
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CPU/CpuTarget.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>
#include <optional>
#include <vector>

using namespace mlir::tenon;

llvm::ArrayRef<CpuTarget> mlir::tenon::cpuTargets() {
  // name, LLVM CPU, features, vector bits, vector registers, native
  static const std::vector<CpuTarget> table = {
      {"x86-64-v3", "x86-64-v3", "", 256, 16, false},
      {"x86-64-v4", "x86-64-v4", "", 512, 32, false},
  };
  return table;
}

/// The host as a row. Features are sorted: the string ends up in code objects.
static std::optional<CpuTarget> resolveNative() {
  auto features = llvm::sys::getHostCPUFeatures();
  auto has = [&](llvm::ArrayRef<llvm::StringRef> names) {
    return llvm::all_of(
        names, [&](llvm::StringRef name) { return features.lookup(name); });
  };
  if (!has({"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe", "popcnt"}))
    return std::nullopt;
  bool wide = has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  std::vector<std::string> list;
  for (auto &entry : features)
    list.push_back((entry.getValue() ? "+" : "-") + entry.getKey().str());
  std::sort(list.begin(), list.end());
  CpuTarget row;
  row.name = "native";
  row.llvmCpu = llvm::sys::getHostCPUName().str();
  row.features = llvm::join(list, ",");
  row.vectorBits = wide ? 512 : 256;
  row.vectorRegisters = wide ? 32 : 16;
  row.isNative = true;
  return row;
}

const CpuTarget *mlir::tenon::lookupCpuTarget(llvm::StringRef name) {
  if (name == "native") {
    static const std::optional<CpuTarget> native = resolveNative();
    return native ? &*native : nullptr;
  }
  for (const CpuTarget &row : cpuTargets())
    if (name == row.name)
      return &row;
  return nullptr;
}
