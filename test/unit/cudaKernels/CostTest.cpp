//===- CostTest.cpp - Occupancy, bounds and reasons -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadCost.h"
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

/// No wave of blocks is faster than one thread alone.
TEST(CostTest, LongThreadsAreWaitedFor) {
  DeviceInfo a100 = deviceFor(80);
  ThreadWork work;
  work.bytes = 1e6;
  work.cycles = 1e5;
  double one = costOf(work, a100).seconds;
  EXPECT_GE(one, kLaunchSeconds + 1e5 / a100.clock);
  // All that fit at once take no longer, twice as many take twice as long.
  Occupancy fits = occupancyOf(a100, 128, 0, work.registers);
  work.blocks = double(a100.multiprocessors * fits.blocks);
  EXPECT_LE(costOf(work, a100).wait, 1e5 / a100.clock);
  work.blocks *= 2;
  EXPECT_DOUBLE_EQ(costOf(work, a100).wait, 2e5 / a100.clock);
}

TEST(CostTest, SectorsAreWhole) {
  EXPECT_EQ(sectorsForBytes(128, true), 1);
  EXPECT_EQ(sectorsForBytes(32, true), 1);
  EXPECT_EQ(sectorsForBytes(16, true), 2);
  EXPECT_EQ(sectorsForBytes(4, true), 8);
  EXPECT_EQ(sectorsForBytes(48, true), 64.0 / 48);
  // A run may begin anywhere: nearly one more.
  EXPECT_NEAR(sectorsForBytes(128, false), 5.0 / 4, 0.01);
  EXPECT_NEAR(sectorsForBytes(32, false), 2, 0.05);
  for (double run : {4., 16., 100., 4096.})
    EXPECT_GE(sectorsForBytes(run, false), run >= 32 ? 1.0 : 32 / run * 0.99);
}

TEST(CostTest, MoreThreadsTakeMoreToCombine) {
  EXPECT_EQ(combineWork(1).cycles, 0);
  EXPECT_EQ(combineWork(1).instructions, 0);
  for (int64_t threads = 1; threads < 512; threads *= 2) {
    EXPECT_LT(combineWork(threads).cycles, combineWork(2 * threads).cycles);
    EXPECT_LT(combineWork(threads).instructions,
              combineWork(2 * threads).instructions);
    if (threads > 1)
      EXPECT_LT(combineWork(threads).cycles, combineWork(threads, 3).cycles);
  }
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
  // What was not tried must promise more.
  std::vector<Candidate> two = {candidate(2, ""), candidate(2.1, "")};
  two[0].handicap = 1.1;
  EXPECT_EQ(ScheduleSource().choose("", two), 1u);
  two[0].handicap = 1.04;
  EXPECT_EQ(ScheduleSource().choose("", two), 0u);
}

} // namespace
