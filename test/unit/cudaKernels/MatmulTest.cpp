//===- MatmulTest.cpp - Matrix products on the simulated GPU --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Every type, schedule and direction of both sides, with sizes that no tile
// divides and with some that all do. ctest runs this program once for each of
// the simulator's schedules.
//
//===----------------------------------------------------------------------===//

#include "MatmulFixture.h"

using namespace mlir::tenon;
using namespace mlir::tenon::test;

namespace {

class CudaMatmul : public MatmulFixture {
protected:
  /// Sizes that tiles divide and sizes that they do not, each way round.
  void checkAll(MatmulMath math) {
    for (const MatmulSchedule &schedule : matmulSchedules(math)) {
      if (schedule.splitK == 4) // like 2 and 8
        continue;
      if (schedule.splitK > 1) { // parts of several steps, of one, of none
        check(schedule, {40, 72, 8 * schedule.k + 8}, false, false);
        check(schedule, {20, 35, schedule.k + 1}, false, true);
        continue;
      }
      for (bool turnA : {false, true})
        for (bool turnB : {false, true}) {
          check(schedule, {40, 72, 48}, turnA, turnB);
          check(schedule, {schedule.m, schedule.n, 2 * schedule.k}, turnA,
                turnB);
        }
      check(schedule, {schedule.m + 1, 35, 33}, false, false);
      check(schedule, {17, 33, 5}, true, true);
    }
  }
};

TEST_F(CudaMatmul, F16) { checkAll(MatmulMath::f16); }
TEST_F(CudaMatmul, Bf16) { checkAll(MatmulMath::bf16); }
TEST_F(CudaMatmul, Tf32) { checkAll(MatmulMath::tf32); }
TEST_F(CudaMatmul, Tf32x3) { checkAll(MatmulMath::tf32x3); }
TEST_F(CudaMatmul, Fma) { checkAll(MatmulMath::fma); }

/// Three products of tf32 are as exact as FMAs, from the depth on from which
/// they are chosen. (Below, an FMA has a product whole, which they have to
/// 2^-22.)
TEST_F(CudaMatmul, Tf32x3IsAsExactAsFma) {
  for (int64_t k : {kLeastDepthOfTf32x3, int64_t(512), int64_t(2048)}) {
    Size size{32, 32, k};
    double fma = check(matmulSchedules(MatmulMath::fma)[0], size, false, false);
    double tf32x3 =
        check(matmulSchedules(MatmulMath::tf32x3)[0], size, false, false);
    EXPECT_LE(tf32x3, fma) << "k = " << k;
  }
}

/// Infinities, NaN and numbers that tf32 would round to infinity give what FMAs
/// give, with tiles at the edge and parts of k, too.
TEST_F(CudaMatmul, NumbersThatAreNotFinite) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const MatmulSchedule &schedule : matmulSchedules(MatmulMath::tf32x3)) {
    if (schedule.splitK != 1 && schedule.splitK != 2)
      continue;
    SCOPED_TRACE(schedule.str());
    MatmulMath math = schedule.math;
    Size s{40, 72, 3 * schedule.k + 4};
    Numbers a(math, s.m * s.k, 1), b(math, s.k * s.n, 2), bias(math, s.n, 3);
    a.set(3 * s.k + 1, infinity);                           // row 3
    a.set(39 * s.k + s.k - 1, -infinity);                   // row 39
    a.set(17 * s.k + 2, std::numeric_limits<float>::max()); // row 17
    b.set(2 * s.n + 70, 0.25f); // which has a small part of 0
    b.set(1 * s.n + 5, 0.0f);   // infinity * 0
    b.set(5 * s.n + 8, NAN);    // column 8
    Numbers c = run(schedule, s, false, false, a, b, bias);
    int odd = 0;
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        float sum = 0;
        for (int64_t k = 0; k < s.k; ++k)
          sum =
              std::fma(float(a.at(i * s.k + k)), float(b.at(k * s.n + j)), sum);
        sum += float(bias.at(j));
        float expected = sum > 0 ? sum : std::isnan(sum) ? sum : 0;
        float got = float(c.at(i * s.n + j));
        odd += !std::isfinite(expected);
        if (std::isnan(expected))
          EXPECT_TRUE(std::isnan(got)) << i << ", " << j << ": " << got;
        else if (std::isinf(expected))
          EXPECT_EQ(got, expected) << i << ", " << j;
        else
          EXPECT_NEAR(got, expected,
                      1e-5 * double(s.k) + 1e-5 * std::abs(expected))
              << i << ", " << j;
      }
    EXPECT_GT(odd, 72); // the rows, one in two, and the column
  }
}

/// Where there is a ptxas: every schedule keeps its sums in registers.
TEST_F(CudaMatmul, NoScheduleSpills) {
  std::string problem;
  Ptxas ptxas = findPtxas("", problem);
  if (ptxas.path.empty())
    GTEST_SKIP() << "no ptxas";
  for (MatmulMath math : {MatmulMath::f16, MatmulMath::bf16, MatmulMath::tf32,
                          MatmulMath::tf32x3, MatmulMath::fma})
    for (const MatmulSchedule &schedule : matmulSchedules(math))
      for (bool turned : {false, true}) {
        if (schedule.splitK > 1 && (schedule.splitK != 8 || turned))
          continue; // the main loop is that of the others
        for (const Built &launch :
             build(kernelText(math, {4096, 4096, 4096}, turned, turned),
                   schedule, ptxas)) {
          EXPECT_EQ(launch.assembled.spillBytes, 0) << schedule.str();
          EXPECT_GT(launch.assembled.registers, 0) << schedule.str();
        }
      }
}

TEST_F(CudaMatmul, OneOfEach) {
  for (MatmulMath math : {MatmulMath::f16, MatmulMath::tf32x3}) {
    MatmulSchedule schedule = matmulSchedules(math).front();
    check(schedule, {1, 1, 1}, false, false);
    check(schedule, {1, 8, 8}, false, false);
    check(schedule, {300, 1, 16}, false, true);
  }
}

} // namespace
