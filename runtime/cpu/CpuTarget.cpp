//===- CpuTarget.cpp - What this machine's CPU can run --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CpuTarget.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <sched.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace tenon::runtime;

namespace {
struct Level {
  const char *name;
  const char *features[16]; // beyond the level before it; ends with null
};
} // namespace

// x86-64 psABI, table 3.1. Worst first; each level needs the ones before it.
static const Level kLevels[] = {
    {"x86-64", {nullptr}},
    {"x86-64-v2", {"cx16", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"}},
    {"x86-64-v3",
     {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}},
    {"x86-64-v4", {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}};

static std::vector<std::string> detectFeatures() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  auto add = [&](unsigned reg, int bit, const char *name) {
    if (reg >> bit & 1)
      features.push_back(name);
  };
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return features;
  add(c, 0, "sse3");
  add(c, 9, "ssse3");
  add(c, 13, "cx16");
  add(c, 19, "sse4.1");
  add(c, 20, "sse4.2");
  add(c, 22, "movbe");
  add(c, 23, "popcnt");
  // Vector registers count only if the system saves them: XCR0.
  bool ymm = false, zmm = false, tiles = false;
  if (c >> 27 & 1) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    ymm = (low & 0x6) == 0x6;
    zmm = ymm && (low & 0xe0) == 0xe0;
    tiles = (low & 0x60000) == 0x60000;
  }
  if (ymm) {
    add(c, 12, "fma");
    add(c, 28, "avx");
    add(c, 29, "f16c");
  }
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    add(c, 5, "lzcnt");
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    add(b, 3, "bmi");
    add(b, 8, "bmi2");
    if (ymm)
      add(b, 5, "avx2");
    if (zmm) {
      add(b, 16, "avx512f");
      add(b, 17, "avx512dq");
      add(b, 21, "avx512ifma");
      add(b, 28, "avx512cd");
      add(b, 30, "avx512bw");
      add(b, 31, "avx512vl");
      add(c, 1, "avx512vbmi");
      add(c, 6, "avx512vbmi2");
      add(c, 11, "avx512vnni");
      add(c, 12, "avx512bitalg");
      add(c, 14, "avx512vpopcntdq");
      add(d, 23, "avx512fp16");
    }
    if (tiles) {
      add(d, 22, "amx-bf16");
      add(d, 24, "amx-tile");
      add(d, 25, "amx-int8");
    }
    unsigned deepest = a;
    if (deepest >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
      if (ymm) {
        add(a, 4, "avxvnni");
        add(d, 4, "avxvnniint8");
      }
      if (zmm)
        add(a, 5, "avx512bf16");
    }
  }
#endif
  std::sort(features.begin(), features.end());
  return features;
}

const std::vector<std::string> &tenon::runtime::hostCpuFeatures() {
  static const std::vector<std::string> features = detectFeatures();
  return features;
}

static bool hasFeature(const std::string &name) {
  const std::vector<std::string> &all = hostCpuFeatures();
  return std::binary_search(all.begin(), all.end(), name);
}

bool tenon::runtime::hostRuns(const std::string &level,
                              const std::vector<std::string> &features,
                              std::string &missing) {
  auto need = [&](const std::string &name) {
    if (!hasFeature(name))
      missing += (missing.empty() ? "" : ", ") + name;
  };
  missing.clear();
  bool known = false;
#if defined(__x86_64__)
  for (const Level &row : kLevels) {
    for (const char *const *name = row.features; *name; ++name)
      need(*name);
    if (level == row.name) {
      known = true;
      break;
    }
  }
#endif
  if (!known) {
    missing = "unknown level '" + level + "'";
    return false;
  }
  for (const std::string &name : features)
    need(name);
  return missing.empty();
}

std::string tenon::runtime::hostCpuLevel() {
  std::string best, missing;
  for (const Level &row : kLevels)
    if (hostRuns(row.name, {}, missing))
      best = row.name;
  return best;
}

/// Cores of the control group's quota, rounded up; 0 without one.
static int quotaCores() {
  std::FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file)
    return 0;
  long long quota = 0, period = 0;
  int read = std::fscanf(file, "%lld %lld", &quota, &period);
  std::fclose(file);
  return read == 2 && quota > 0 && period > 0
             ? int((quota + period - 1) / period)
             : 0;
}

int tenon::runtime::usableCores() {
  int cores = 1;
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0)
    cores = std::max(1, CPU_COUNT(&mask));
  int quota = quotaCores();
  return quota ? std::min(cores, quota) : cores;
}
