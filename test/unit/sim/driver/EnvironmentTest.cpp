//===- EnvironmentTest.cpp - TENON_SIMCUDA_* ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Environment.h"

#include <gtest/gtest.h>
#include <map>

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace {

std::variant<Settings, std::string>
readWith(const std::map<std::string, std::string> &variables) {
  return readSettings([&](const char *name) -> const char * {
    static constexpr std::string_view kOurs = "TENON_SIMCUDA_";
    std::string_view key = name;
    if (key.starts_with(kOurs))
      key.remove_prefix(kOurs.size());
    auto at = variables.find(std::string(key));
    return at == variables.end() ? nullptr : at->second.c_str();
  });
}
Settings good(const std::map<std::string, std::string> &variables) {
  auto read = readWith(variables);
  if (auto *message = std::get_if<std::string>(&read)) {
    ADD_FAILURE() << *message;
    return {};
  }
  return std::get<Settings>(read);
}
std::string mistake(const std::map<std::string, std::string> &variables) {
  auto read = readWith(variables);
  auto *message = std::get_if<std::string>(&read);
  return message ? *message : "no mistake";
}

TEST(Environment, DefaultsWhereNothingIsSet) {
  Settings settings = good({});
  EXPECT_EQ(settings.device, "a100");
  EXPECT_EQ(settings.options.schedule, Schedule::Eager);
  EXPECT_EQ(settings.options.checks, uint32_t(kDefaultChecks));
  EXPECT_FALSE(settings.options.counters);
  EXPECT_EQ(settings.faults.allocation, 0u);
  EXPECT_EQ(good({{"SCHEDULE", ""}, {"DEVICE", ""}}).device, "a100");
}

TEST(Environment, PtxasIsFoundOrMissed) {
  EXPECT_EQ(good({}).ptxas, "");
  EXPECT_EQ(good({{"PTXAS", "/bin/sh"}}).ptxas, "/bin/sh"); // any program
  EXPECT_EQ(mistake({{"PTXAS", "auto"}, {"PATH", "/nowhere"}}),
            "TENON_SIMCUDA_PTXAS: there is no ptxas in PATH or CUDA_HOME; name "
            "its path, or leave the variable out to have registers estimated");
  EXPECT_EQ(mistake({{"PTXAS", "/nowhere/ptxas"}}),
            "TENON_SIMCUDA_PTXAS: '/nowhere/ptxas' is no program; name the "
            "path of ptxas, or write auto to look in PATH and CUDA_HOME");
}

TEST(Environment, Schedules) {
  EXPECT_EQ(good({{"SCHEDULE", "lazy"}}).options.schedule, Schedule::Lazy);
  Settings settings = good({{"SCHEDULE", "random:42"}});
  EXPECT_EQ(settings.options.schedule, Schedule::Random);
  EXPECT_EQ(settings.options.seed, 42u);
  EXPECT_EQ(mistake({{"SCHEDULE", "late"}}),
            "TENON_SIMCUDA_SCHEDULE: 'late' at character 1 is no schedule; "
            "expected eager, lazy, random or random:SEED");
  EXPECT_EQ(mistake({{"SCHEDULE", "random:x"}}),
            "TENON_SIMCUDA_SCHEDULE: 'random:x' at character 1 has no whole "
            "number; expected, for example, random:7");
}

TEST(Environment, ChecksAreSwitchedFromLeftToRight) {
  auto checks = [](const char *text) {
    return good({{"CHECKS", text}}).options.checks;
  };
  EXPECT_EQ(checks("all"), uint32_t(kAllChecks));
  EXPECT_EQ(checks("none"), uint32_t(CheckAlignment));
  EXPECT_EQ(checks("none,bounds"), CheckAlignment | CheckBounds);
  EXPECT_EQ(checks("all,-bounds,-shared-races"),
            kAllChecks & ~(CheckBounds | CheckSharedRaces));
  EXPECT_EQ(checks("global-races"), kDefaultChecks | CheckGlobalRaces);
  EXPECT_EQ(checks("none,default"), uint32_t(kDefaultChecks));
  EXPECT_EQ(mistake({{"CHECKS", "all,-bouds"}}),
            "TENON_SIMCUDA_CHECKS: '-bouds' at character 5 is no check; "
            "expected all, none, default, or (with '-' before it to switch it "
            "off) one of bounds, alignment, uninitialized, shared-races, "
            "global-races, async-copies, barriers, limits, streams");
  EXPECT_EQ(mistake({{"CHECKS", "-alignment"}}),
            "TENON_SIMCUDA_CHECKS: '-alignment' at character 1 cannot be "
            "switched off; a misaligned access is a fault on every device");
}

TEST(Environment, Options) {
  Settings settings =
      good({{"OPTIONS", "deterministic=1,mma=exact,threads=2,watchdog=9"},
            {"SAMPLE", "16"},
            {"REPORT", "r.json"},
            {"LOG", "l.txt"}});
  EXPECT_TRUE(settings.options.deterministic);
  EXPECT_EQ(settings.options.mma, MmaModel::Exact);
  EXPECT_EQ(settings.options.threads, 2u);
  EXPECT_EQ(settings.options.watchdog, 9u);
  EXPECT_EQ(settings.options.sampleBlocks, 16u);
  EXPECT_TRUE(settings.options.counters) << "a report needs them";
  EXPECT_EQ(settings.reportPath, "r.json");
  EXPECT_EQ(settings.logPath, "l.txt");
  EXPECT_EQ(mistake({{"OPTIONS", "threads=two"}}),
            "TENON_SIMCUDA_OPTIONS: 'threads=two' at character 1 has no whole "
            "number; expected, for example, threads=2");
  EXPECT_EQ(mistake({{"OPTIONS", "mma=exakt"}}),
            "TENON_SIMCUDA_OPTIONS: 'mma=exakt' at character 1 is no option; "
            "expected deterministic=0|1, counters=0|1, mma=device|exact, "
            "threads=N or watchdog=N");
  EXPECT_NE(mistake({{"SAMPLE", "few"}}), "no mistake");
}

TEST(Environment, Faults) {
  Faults faults =
      good({{"FAULTS", "alloc=3,launch=2,lost=5,slow-copies=10x"}}).faults;
  EXPECT_EQ(faults.allocation, 3u);
  EXPECT_EQ(faults.launch, 2u);
  EXPECT_EQ(faults.lost, 5u);
  EXPECT_EQ(faults.copyFactor, 10);
  EXPECT_DOUBLE_EQ(good({{"FAULTS", "slow-copies=100ms"}}).faults.copySeconds,
                   0.1);
  EXPECT_DOUBLE_EQ(good({{"FAULTS", "slow-copies=1.5s"}}).faults.copySeconds,
                   1.5);
  EXPECT_EQ(mistake({{"FAULTS", "alloc=0"}}),
            "TENON_SIMCUDA_FAULTS: 'alloc=0' at character 1 counts from 0; the "
            "first is 1");
  EXPECT_EQ(mistake({{"FAULTS", "lost=1,alocc=1"}}),
            "TENON_SIMCUDA_FAULTS: 'alocc=1' at character 8 is no fault; "
            "expected alloc=N, launch=N, lost=N, slow-copies=10x or "
            "slow-copies=100ms");
  for (const char *bad : {"slow-copies=10", "slow-copies=0.5x", "slow-copies",
                          "slow-copies=-1s", "alloc=", "alloc"})
    EXPECT_NE(mistake({{"FAULTS", bad}}), "no mistake") << bad;
}

} // namespace
