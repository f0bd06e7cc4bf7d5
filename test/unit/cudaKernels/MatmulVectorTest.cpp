//===- MatmulVectorTest.cpp - Products with a thin side -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each way to place lanes, for each thin side and direction, with sizes that
// load as vectors and with odd ones.
//
//===----------------------------------------------------------------------===//

#include "MatmulFixture.h"

using namespace mlir::tenon;
using namespace mlir::tenon::test;

namespace {

class CudaMatmulVector : public MatmulFixture {
protected:
  /// Schedules that differ in more than how often they do the same.
  static std::vector<MatmulSchedule> some(MatmulMath math) {
    std::vector<MatmulSchedule> all = vectorSchedules(math);
    llvm::erase_if(all, [](const MatmulSchedule &s) {
      return !((s.m == 1 && s.splitK == 1) || (s.m == 4 && s.splitK == 1) ||
               (s.m == 2 && s.splitK == 8) || (s.m == 8 && s.splitK == 2));
    });
    return all;
  }

  /// `thin` rows of one side, `wide` of the other; the latter lies as the
  /// schedule wants it, or not.
  void checkThin(const MatmulSchedule &s, int64_t thin, int64_t wide, int64_t k,
                 bool fits) {
    bool along = (s.kind == MatmulKind::along) == fits;
    if (s.turned)
      check(s, {wide, thin, k}, /*turnA=*/!along, /*turnB=*/false);
    else
      check(s, {thin, wide, k}, /*turnA=*/false, /*turnB=*/along);
  }

  void checkAll(MatmulMath math) {
    size_t number = 0;
    for (const MatmulSchedule &s : some(math)) {
      checkThin(s, s.m, 72, 1040, true);
      switch (number++ % 4) {
      case 0:
        checkThin(s, s.m + 1, 37, 45, true); // nothing is a vector
        break;
      case 1:
        checkThin(s, 3, 256, 20, false); // fewer k than lanes
        break;
      case 2:
        checkThin(s, 1, 1, 1, true);
        break;
      case 3:
        checkThin(s, 2 * s.m - 1, 130, 523, false);
        break;
      }
    }
  }
};

TEST_F(CudaMatmulVector, F16) { checkAll(MatmulMath::f16); }
TEST_F(CudaMatmulVector, Bf16) { checkAll(MatmulMath::bf16); }
TEST_F(CudaMatmulVector, F32) { checkAll(MatmulMath::fma); }

/// Where there is a ptxas: sums and loads stay in registers.
TEST_F(CudaMatmulVector, NoScheduleSpills) {
  std::string problem;
  Ptxas ptxas = findPtxas("", problem);
  if (ptxas.path.empty())
    GTEST_SKIP() << "no ptxas";
  for (MatmulMath math : {MatmulMath::f16, MatmulMath::bf16, MatmulMath::fma})
    for (const MatmulSchedule &s : vectorSchedules(math)) {
      if (s.splitK > 1 || !s.problem(99 << 10).empty())
        continue;
      bool along = s.kind == MatmulKind::along;
      Size size{s.turned ? 4096 : s.m, s.turned ? s.m : 4096, 4096};
      for (const Built &launch :
           build(kernelText(math, size, s.turned && !along, !s.turned && along),
                 s, ptxas)) {
        EXPECT_EQ(launch.assembled.spillBytes, 0) << s.str();
        EXPECT_LE(launch.assembled.registers, s.registers() + 40) << s.str();
      }
    }
}

} // namespace
