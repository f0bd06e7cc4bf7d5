//===- CpuTargetTest.cpp - ISA levels -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CpuTarget.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tenon::runtime;

#if defined(__x86_64__)
TEST(CpuTarget, AgreesWithTheCompilersDetection) {
  const auto &features = hostCpuFeatures();
  auto has = [&](const char *name) {
    return std::count(features.begin(), features.end(), name) > 0;
  };
  EXPECT_EQ(bool(__builtin_cpu_supports("avx2")), has("avx2"));
  EXPECT_EQ(bool(__builtin_cpu_supports("fma")), has("fma"));
  EXPECT_EQ(bool(__builtin_cpu_supports("bmi2")), has("bmi2"));
  EXPECT_EQ(bool(__builtin_cpu_supports("sse4.2")), has("sse4.2"));
  EXPECT_EQ(bool(__builtin_cpu_supports("avx512f")), has("avx512f"));
  EXPECT_EQ(bool(__builtin_cpu_supports("avx512vnni")), has("avx512vnni"));
}

TEST(CpuTarget, LevelsIncludeTheOnesBefore) {
  std::string missing;
  EXPECT_TRUE(hostRuns("x86-64", {}, missing));
  bool before = true;
  for (const char *level : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    bool runs = hostRuns(level, {}, missing);
    EXPECT_TRUE(!runs || before);
    EXPECT_EQ(runs, missing.empty());
    before = runs;
  }
  EXPECT_TRUE(hostRuns(hostCpuLevel(), {}, missing));
}
#endif

TEST(CpuTarget, SaysWhatIsMissing) {
  std::string missing;
  EXPECT_FALSE(hostRuns("sparc", {}, missing));
  EXPECT_EQ("unknown level 'sparc'", missing);
#if defined(__x86_64__)
  EXPECT_FALSE(hostRuns("x86-64", {"warp-drive", "time-travel"}, missing));
  EXPECT_EQ("warp-drive, time-travel", missing);
#endif
}

TEST(CpuTarget, AtLeastOneCore) { EXPECT_GE(usableCores(), 1); }
