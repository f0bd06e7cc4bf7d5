//===- ThreadScheduleTest.cpp - Schedules of threads as text --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadSchedule.h"
#include "gtest/gtest.h"

using namespace mlir::tenon;

namespace {

constexpr const char *kTexts[] = {
    "#tenon.rows<threads 32, vector 4, registers, parts 1>",
    "#tenon.rows<threads 256, vector 1, memory, parts 16>",
    "#tenon.columns<vector 4, warps 8, parts 2>",
    "#tenon.argrows<threads 32, vector 4>",
    "#tenon.pointwise<vector 8, threads 256>",
    "#tenon.transpose<tile 64, warps 4>",
    "#tenon.conv<channels 8, split 4>",
    "#tenon.scalar<threads 64>"};

TEST(ThreadScheduleTest, TextRoundTrips) {
  for (const char *text : kTexts) {
    auto schedule = ThreadSchedule::parse(text);
    ASSERT_TRUE(schedule) << text;
    EXPECT_EQ(schedule->str(), text);
    EXPECT_EQ(expectedSchedule(text), "");
    EXPECT_EQ(scheduleFamily(text), nameOf(schedule->kind).str());
  }
}

TEST(ThreadScheduleTest, NumbersAreTheFields) {
  auto rows =
      ThreadSchedule::parse("rows<threads 64, vector 2, memory, parts 8>");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->kind, ThreadKind::rows);
  EXPECT_EQ(rows->threads, 64);
  EXPECT_EQ(rows->vector, 2);
  EXPECT_FALSE(rows->registers);
  EXPECT_EQ(rows->parts, 8);
  ThreadSchedule conv{ThreadKind::conv};
  conv.channels = 4;
  conv.split = 2;
  EXPECT_EQ(conv.str(), "#tenon.conv<channels 4, split 2>");
  ThreadSchedule other = conv;
  other.vector = 4; // which it does not have
  EXPECT_TRUE(conv == other);
  other.split = 4;
  EXPECT_FALSE(conv == other);
}

TEST(ThreadScheduleTest, ReadsWhatPeopleType) {
  for (const char *text :
       {"columns<vector 4, warps 8, parts 2>", "columns<vector4,warps8,parts2>",
        "#tenon.columns< vector 4,warps 8 ,parts 2 >"}) {
    auto read = ThreadSchedule::parse(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->str(), kTexts[2]);
  }
}

TEST(ThreadScheduleTest, RefusesOtherText) {
  for (const char *text :
       {"", "rows", "rows<>", "#tenon.rows<threads 32, vector 4, registers>",
        "#tenon.rows<threads 32, vector 4, somewhere, parts 1>",
        "#tenon.rows<vector 4, threads 32, registers, parts 1>",
        "#tenon.rows<threads 0, vector 4, registers, parts 1>",
        "#tenon.rows<threads 32, vector 4, registers, parts 1",
        "#tenon.rows<threads 32, vector 4, registers, parts 1> x",
        "#tenon.rows<threads 99999999999999999999, vector 4, memory, parts 1>",
        "#tenon.row<threads 32, vector 4, registers, parts 1>",
        "#tenon.pointwise<vector -4, threads 128>",
        "#tenon.matmul<64x64x32, warps 2x2, stages 3, f16, splitk 1>"})
    EXPECT_FALSE(ThreadSchedule::parse(text)) << text;
}

TEST(ThreadScheduleTest, SaysWhatWasExpected) {
  EXPECT_EQ(expectedSchedule("#tenon.rows<threads 32>"),
            "rows<threads T, vector V, registers|memory, parts P>");
  EXPECT_EQ(expectedSchedule("conv<channels 8>"), "conv<channels C, split S>");
  // What names no family gets all of them.
  std::string all = expectedSchedule("fast");
  for (const ScheduleGrammar &one : scheduleGrammars())
    EXPECT_NE(all.find(one.text), std::string::npos) << one.text;
  EXPECT_EQ(scheduleGrammars().size(), 9u);
  EXPECT_EQ(scheduleFamily("fast"), "");
  EXPECT_EQ(scheduleFamily("sum of parts"), "");
}

} // namespace
