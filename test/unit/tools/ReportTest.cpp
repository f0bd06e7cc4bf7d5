//===- ReportTest.cpp - Percentiles and comparisons -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Report.h"
#include "test/unit/tools/ToolRunner.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace tenon::test;
using namespace tenon::tools;

TEST(Report, Percentiles) {
  std::vector<double> seconds;
  for (int i = 100; i >= 1; --i)
    seconds.push_back(1e-3 * i);
  Latency latency = summarize(seconds);
  EXPECT_DOUBLE_EQ(1, latency.min);
  EXPECT_DOUBLE_EQ(10, latency.p10);
  EXPECT_DOUBLE_EQ(50, latency.p50);
  EXPECT_DOUBLE_EQ(90, latency.p90);
  EXPECT_DOUBLE_EQ(99, latency.p99);
  EXPECT_NEAR(50.5, latency.mean, 1e-9);
  latency = summarize({0.002});
  EXPECT_DOUBLE_EQ(2, latency.p10);
  EXPECT_DOUBLE_EQ(2, latency.p99);
}

static Difference compareFloats(const std::vector<float> &actual,
                                const std::vector<float> &expected, double rtol,
                                double atol) {
  int64_t n = int64_t(actual.size()), m = int64_t(expected.size());
  return compare({{"y", floatArray({n}, actual)}},
                 {{"y", floatArray({m}, expected)}}, rtol, atol)[0];
}

TEST(Report, ToleranceIsRelativeToTheLargestMagnitude) {
  EXPECT_TRUE(compareFloats({0.0009f, 10}, {0, 10}, 1e-4, 0).passed);
  EXPECT_FALSE(compareFloats({0.0011f, 10}, {0, 10}, 1e-4, 0).passed);
  EXPECT_TRUE(compareFloats({0.0011f, 10}, {0, 10}, 1e-4, 1e-3).passed);
  EXPECT_TRUE(compareFloats({0, 0}, {0, 0}, 1e-4, 0).passed);
}

TEST(Report, SpecialValuesMustAgree) {
  float inf = INFINITY;
  EXPECT_TRUE(compareFloats({NAN, inf, -inf}, {NAN, inf, -inf}, 0, 0).passed);
  EXPECT_FALSE(compareFloats({NAN}, {1}, 1e9, 1e9).passed);
  EXPECT_FALSE(compareFloats({1}, {NAN}, 1e9, 1e9).passed);
  EXPECT_FALSE(compareFloats({inf}, {-inf}, 1e9, 1e9).passed);
}

TEST(Report, OtherShapesAndMissingOutputs) {
  EXPECT_EQ("shape 2, expected 1", compareFloats({1, 2}, {1}, 1, 1).fault);
  auto missing = compare({}, {{"y", floatArray({1}, {1})}}, 1, 1);
  ASSERT_EQ(1u, missing.size());
  EXPECT_EQ("the engine has no such output", missing[0].fault);
  EXPECT_FALSE(missing[0].passed);
}
