//===- CostTest.cpp - Occupancy, bounds and reasons -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Schedule.h"
#include "gtest/gtest.h"

using namespace mlir::tenon;

namespace {

// CUDA C++ Programming Guide, "Occupancy Calculator", by hand.
TEST(CostTest, OccupancyNamesWhatLimitsIt) {
  DeviceInfo a100 = deviceFor(80);
  struct {
    int64_t threads, shared, registers, blocks;
    const char *limiter;
  } cases[] = {
      {1024, 0, 32, 2, "threads"},
      {32, 0, 32, 32, "blocks"},
      {256, 0, 128, 2, "registers"},
      {128, 40 << 10, 32, 4, "shared memory"}, // 41 KiB with the driver's
      {128, 99 << 10, 32, 1, "shared memory"},
      {1024, 0, 80, 0, "registers"}, // 80 KiB registers: does not run
  };
  for (const auto &each : cases) {
    Occupancy have =
        occupancyOf(a100, each.threads, each.shared, each.registers);
    EXPECT_EQ(have.blocks, each.blocks) << each.limiter;
    EXPECT_EQ(have.limiter, each.limiter);
    EXPECT_EQ(have.warps, each.blocks * each.threads / 32);
    EXPECT_EQ(have.mostWarps, 64);
  }
  // Registers come in units of 256 for a warp: 33 count as 40.
  EXPECT_EQ(occupancyOf(a100, 128, 0, 40).blocks,
            occupancyOf(a100, 128, 0, 33).blocks);
  EXPECT_EQ(occupancyOf(deviceFor(86), 128, 0, 32).mostWarps, 48);
}

TEST(CostTest, TheSlowestPartBinds) {
  DeviceInfo a100 = deviceFor(80);
  ThreadWork copy;
  copy.blocks = 1e6;
  copy.bytes = 1e9;
  copy.instructions = 1e9;
  Cost cost = costOf(copy, a100);
  EXPECT_EQ(cost.bound(), Bound::dram);
  EXPECT_GE(cost.seconds, 1e9 / a100.memoryBandwidth);
  EXPECT_LT(cost.seconds, 1.1 * 1e9 / a100.memoryBandwidth);
  EXPECT_GT(cost.fractionOfPeak(), 0.9);
  EXPECT_LE(cost.fractionOfPeak(), 1);

  ThreadWork count = copy;
  count.bytes = 1e6;
  count.instructions = 1e11;
  EXPECT_EQ(costOf(count, a100).bound(), Bound::compute);
  ThreadWork reread = copy;
  reread.l2Bytes = 1e11;
  EXPECT_EQ(costOf(reread, a100).bound(), Bound::l2);
  ThreadWork little;
  little.bytes = 1000;
  EXPECT_EQ(costOf(little, a100).bound(), Bound::launch);
}

TEST(CostTest, FewBlocksDoNotFillADevice) {
  DeviceInfo a100 = deviceFor(80);
  ThreadWork many;
  many.blocks = 108 * 16;
  many.bytes = 1e8;
  ThreadWork few = many;
  few.blocks = 8;
  EXPECT_GT(costOf(few, a100).seconds, 3 * costOf(many, a100).seconds);
}

TEST(CostTest, SaysWhyOneLost) {
  DeviceInfo a100 = deviceFor(80);
  ThreadWork work;
  work.blocks = 108 * 16;
  work.bytes = 1e8;
  Cost best = costOf(work, a100);
  work.l2Bytes = 1e9;
  EXPECT_NE(whyLost(costOf(work, a100), best, a100)
                .find("slower: fetches 10.0 times the bytes from L2"),
            std::string::npos);
  work.l2Bytes = 0;
  work.blocks = 2;
  EXPECT_NE(whyLost(costOf(work, a100), best, a100)
                .find("slower: 2 blocks for 108 multiprocessors"),
            std::string::npos);
}

TEST(CostTest, TheSourceTakesTheCheapestThatCanBeBuilt) {
  auto candidate = [](double seconds, const char *problem) {
    Candidate one{"x", {}, problem};
    one.cost.seconds = seconds;
    return one;
  };
  EXPECT_EQ(ScheduleSource().choose("", {candidate(3, ""), candidate(1, "no"),
                                         candidate(2, ""), candidate(2, "")}),
            2u);
}

} // namespace
