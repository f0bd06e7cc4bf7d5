//===- MatmulScheduleTest.cpp - Schedules as text, and their choice -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulSchedule.h"
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
        "#tenon.matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1> x"})
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
  EXPECT_EQ(problem("#tenon.matmul<64x64x32, warps 2x2, stages 3, f16, "
                    "splitk 2>"),
            "expected splitk 1, the only one in this version, got 2");
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
    // Few rows: no tile that is mostly padding. Many: large tiles.
    EXPECT_LE(best({1, 1, 4096, 4096}).m, 32) << capability;
    EXPECT_LE(best({1, 16, 4096, 4096}).m, 32) << capability;
    EXPECT_GE(best({1, 8192, 8192, 4096}).m * best({1, 8192, 8192, 4096}).n,
              128 * 64)
        << capability;
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
