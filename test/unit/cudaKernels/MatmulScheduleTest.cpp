//===- MatmulScheduleTest.cpp - Schedules as text, and their choice -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulSchedule.h"
#include "llvm/ADT/StringRef.h"
#include "gtest/gtest.h"

using namespace mlir::tenon;

namespace {

constexpr MatmulMath kMaths[] = {MatmulMath::f16, MatmulMath::bf16,
                                 MatmulMath::tf32, MatmulMath::tf32x3,
                                 MatmulMath::fma};

TEST(MatmulScheduleTest, TextRoundTrips) {
  MatmulSchedule s{64, 64, 32, 2, 2, 3, MatmulMath::f16, 1};
  EXPECT_EQ(s.str(),
            "#tenon.matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1>");
  for (MatmulMath math : kMaths)
    for (const MatmulSchedule &each : matmulSchedules(math)) {
      auto back = MatmulSchedule::parse(each.str());
      ASSERT_TRUE(back) << each.str();
      EXPECT_EQ(*back, each);
    }
  MatmulSchedule vectors{
      4, 2, 4, 1, 8, 1, MatmulMath::bf16, 2, MatmulKind::along, true};
  EXPECT_EQ(vectors.str(), "#tenon.gemv<along turned, 4x2, warps 8, loads 4, "
                           "bf16, splitk 2>");
  for (MatmulMath math : kMaths)
    for (const MatmulSchedule &each : vectorSchedules(math)) {
      auto back = MatmulSchedule::parse(each.str());
      ASSERT_TRUE(back) << each.str();
      EXPECT_EQ(*back, each);
    }
}

TEST(MatmulScheduleTest, ReadsWhatPeopleType) {
  MatmulSchedule s{64, 64, 32, 2, 2, 3, MatmulMath::f16, 1};
  for (const char *text :
       {"matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1>",
        "#tenon.matmul<64x64x32,warps2x2,stages3,f16,splitk1>",
        "matmul< 64 x 64 x 32 , warps 2x2,stages 3,f16,splitk 1 >"}) {
    auto read = MatmulSchedule::parse(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, s) << text;
  }
}

TEST(MatmulScheduleTest, RefusesOtherText) {
  for (const char *text :
       {"", "#tenon.matmul<64x64, warps 2x2, stages 3, f16, splitk 1>",
        "#tenon.matmul<64x64x32, warps 2x2, stages 3, f17, splitk 1>",
        "#tenon.matmul<64x64x32, warps 2x2, stages 0, f16, splitk 1>",
        "#tenon.matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1",
        "#tenon.matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1> x",
        "#tenon.gemv<beside, 1x4, warps 4, loads 2, f16, splitk 1>",
        "#tenon.gemv<along, 1x4, loads 2, f16, splitk 1>",
        "#tenon.gemv<along, 1x0, warps 4, loads 2, f16, splitk 1>"})
    EXPECT_FALSE(MatmulSchedule::parse(text)) << text;
}

TEST(MatmulScheduleTest, SaysWhatIsWrong) {
  auto problem = [](const char *text) {
    auto schedule = MatmulSchedule::parse(text);
    EXPECT_TRUE(schedule) << text;
    return schedule ? schedule->problem(99 << 10) : std::string();
  };
  EXPECT_EQ(problem("#tenon.matmul<96x64x32, warps 2x2, stages 3, f16, "
                    "splitk 1>"),
            "expected powers of 2, got 96");
  EXPECT_EQ(problem("#tenon.matmul<16x64x32, warps 2x2, stages 3, f16, "
                    "splitk 1>"),
            "expected tiles of 16x8 for each warp, got 8x32");
  EXPECT_EQ(problem("#tenon.matmul<64x64x8, warps 2x2, stages 3, f16, "
                    "splitk 1>"),
            "expected a step that is a multiple of 16 and of 32 bytes, got 8");
  EXPECT_EQ(problem("#tenon.matmul<256x256x32, warps 8x8, stages 2, f16, "
                    "splitk 1>"),
            "expected up to 1024 threads, got 2048");
  EXPECT_EQ(problem("#tenon.matmul<128x128x64, warps 2x2, stages 4, f16, "
                    "splitk 1>"),
            "needs 131072 bytes of shared memory, a block has 101376");
  EXPECT_EQ(problem("#tenon.matmul<256x128x32, warps 2x2, stages 2, f16, "
                    "splitk 1>"),
            "needs about 344 registers for each of 128 threads");
  EXPECT_EQ(problem("#tenon.gemv<along, 1x3, warps 4, loads 2, f16, splitk 1>"),
            "expected powers of 2, got 3");
  EXPECT_EQ(problem("#tenon.gemv<across, 1x16, warps 4, loads 2, fma, splitk "
                    "1>"),
            "expected 32 to 256 columns, got 16");
  EXPECT_EQ(problem("#tenon.gemv<along, 1x4, warps 4, loads 2, tf32, splitk "
                    "1>"),
            "expected f16, bf16 or fma: Tensor Cores multiply tiles");
  EXPECT_EQ(problem("#tenon.gemv<along, 8x32, warps 4, loads 2, f16, splitk "
                    "1>"),
            "needs about 616 registers for each of 128 threads");
}

TEST(MatmulScheduleTest, EachCanBeBuilt) {
  for (MatmulMath math : kMaths)
    for (const MatmulSchedule &each : matmulSchedules(math))
      EXPECT_EQ(each.problem(99 << 10), "") << each.str();
}

TEST(MatmulScheduleTest, ChoosesBySize) {
  for (int64_t capability : {80, 86, 89, 90}) {
    DeviceInfo device = deviceFor(capability);
    auto best = [&](MatmulSize size) {
      return bestMatmulSchedule(MatmulMath::f16, size, device);
    };
    // A thin side: the other is read as it lies, by all of the device.
    for (bool along : {false, true}) {
      MatmulSchedule one = best({1, 1, 4096, 4096, true, along});
      EXPECT_EQ(one.kind, along ? MatmulKind::along : MatmulKind::across);
      EXPECT_EQ(one.m, 1) << capability;
      EXPECT_FALSE(one.turned) << capability;
    }
    MatmulSchedule column = best({1, 4096, 1, 4096, true, false});
    EXPECT_EQ(column.kind, MatmulKind::along) << capability;
    EXPECT_TRUE(column.turned) << capability;
    // Few rows: no tile that is mostly padding. Many: large tiles.
    EXPECT_LE(best({1, 16, 4096, 4096}).m, 32) << capability;
    EXPECT_GE(best({1, 8192, 8192, 4096}).m * best({1, 8192, 8192, 4096}).n,
              128 * 64)
        << capability;
    // A long k and a small result: few blocks alone leave most of it idle.
    EXPECT_EQ(best({1, 8192, 8192, 4096}).splitK, 1) << capability;
    EXPECT_GT(best({1, 64, 64, 65536}).splitK, 1) << capability;
  }
}

TEST(MatmulScheduleTest, ShortSumsOfF32AreOfFmas) {
  DeviceInfo device = deviceFor(80);
  auto math = [&](int64_t k) {
    return bestMatmulSchedule(MatmulMath::tf32x3, {1, 1024, 1024, k}, device)
        .math;
  };
  EXPECT_EQ(math(16), MatmulMath::fma);
  EXPECT_EQ(math(63), MatmulMath::fma);
  EXPECT_EQ(math(64), MatmulMath::tf32x3);
  EXPECT_EQ(math(4096), MatmulMath::tf32x3);
}

TEST(MatmulScheduleTest, SplitsOnlyWhereItMay) {
  DeviceInfo device = deviceFor(80);
  MatmulSize size{1, 64, 64, 65536};
  EXPECT_GT(bestMatmulSchedule(MatmulMath::f16, size, device).splitK, 1);
  EXPECT_EQ(bestMatmulSchedule(MatmulMath::f16, size, device, false).splitK, 1);
  for (const Candidate &each :
       matmulCandidates(MatmulMath::f16, size, device, false))
    EXPECT_TRUE(llvm::StringRef(each.schedule).ends_with("splitk 1>") ||
                !each.problem.empty())
        << each.schedule;
}

TEST(MatmulScheduleTest, VectorsAreForThinSides) {
  DeviceInfo device = deviceFor(80);
  for (const Candidate &each :
       matmulCandidates(MatmulMath::f16, {1, 3, 512, 512}, device)) {
    llvm::StringRef schedule = each.schedule;
    if (!schedule.contains("gemv") || !each.problem.empty())
      continue;
    EXPECT_TRUE(schedule.contains(", 4x")) << each.schedule;
    EXPECT_FALSE(schedule.contains("turned")) << each.schedule;
  }
}

TEST(MatmulScheduleTest, MoreWorkCostsMore) {
  DeviceInfo device = deviceFor(80);
  for (MatmulMath math : kMaths)
    for (const MatmulSchedule &each : matmulSchedules(math)) {
      auto seconds = [&](MatmulSize size) {
        return costOf(each, size, device).seconds;
      };
      double once = seconds({1, 1024, 1024, 1024});
      EXPECT_GT(once, 0);
      EXPECT_LT(once, seconds({1, 1024, 1024, 8192}));
      EXPECT_LT(once, seconds({8, 1024, 1024, 1024}));
    }
}

} // namespace
