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
  // name, level, features, compiled for, vector bits, vector registers
  static const std::vector<CpuTarget> table = {
      {"x86-64-v3", "x86-64-v3", {}, "", 256, 16},
      {"x86-64-v4", "x86-64-v4", {}, "", 512, 32},
  };
  return table;
}

std::string CpuTarget::variantName() const {
  std::string text = level;
  for (const std::string &feature : features)
    text += "+" + feature;
  return text;
}

/// The best row that the host runs, with the extensions that kernels may use.
static std::optional<CpuTarget> resolveNative() {
  auto host = llvm::sys::getHostCPUFeatures();
  auto has = [&](llvm::ArrayRef<llvm::StringRef> names) {
    return llvm::all_of(
        names, [&](llvm::StringRef name) { return host.lookup(name); });
  };
  if (!has({"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe", "popcnt"}))
    return std::nullopt;
  bool wide = has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  CpuTarget row = cpuTargets()[wide ? 1 : 0];
  row.name = "native";
  row.compiledFor = llvm::sys::getHostCPUName().str();
  // In alphabetical order: the list is recorded.
  for (llvm::StringRef feature :
       {"avx512bf16", "avx512bitalg", "avx512fp16", "avx512ifma", "avx512vbmi",
        "avx512vbmi2", "avx512vnni", "avx512vpopcntdq", "avxvnni",
        "avxvnniint8"})
    if (host.lookup(feature) && (wide || !feature.starts_with("avx512")))
      row.features.push_back(feature.str());
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
