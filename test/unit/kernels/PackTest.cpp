//===- PackTest.cpp - Weights in the order of their kernels ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each recipe is checked by its law: where element (m, c, tap) must lie, for
// sizes that do and do not fill panels and blocks, and zeros everywhere else.
//
//===----------------------------------------------------------------------===//

#include "kernels/Family.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <numeric>

using namespace mlir::tenon;

namespace {

/// 1, 2, 3, ..: no element is zero, all differ.
std::vector<float> counted(int64_t n) {
  std::vector<float> values(n);
  std::iota(values.begin(), values.end(), 1.f);
  return values;
}

int64_t nonZero(const std::vector<float> &v) {
  return int64_t(v.size()) - std::count(v.begin(), v.end(), 0.f);
}

TEST(PackTest, MatmulPanelsHoldColumnsSideBySide) {
  for (int64_t n : {16, 17, 5})
    for (bool transposed : {false, true}) {
      int64_t k = 3, width = 16;
      std::vector<float> w = counted(k * n);
      PackRecipe recipe{PackRecipe::MatmulPanels, 1, width, 1, 1, transposed};
      std::vector<float> out = transposed ? pack(recipe, {n, k}, w)
                                          : pack(recipe, {k, n}, w);
      ASSERT_EQ(int64_t(out.size()), (n + width - 1) / width * width * k);
      EXPECT_EQ(nonZero(out), k * n);
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < n; ++j)
          EXPECT_EQ(out[(j / width * k + i) * width + j % width],
                    transposed ? w[j * k + i] : w[i * n + j]);
    }
}

TEST(PackTest, ConvPanelsFollowBlocksThenTapsThenChannels) {
  for (int64_t groups : {1, 2})
    for (int64_t c : {8, 11}) {
      int64_t m = 24, taps = 6, width = 16, block = 8;
      std::vector<float> w = counted(m * c * taps);
      PackRecipe recipe{PackRecipe::ConvPanels, 1, width, block, groups};
      std::vector<float> out = pack(recipe, {m, c, 2, 3}, w);
      EXPECT_EQ(nonZero(out), m * c * taps);
      int64_t own = m / groups, panels = (own + width - 1) / width;
      int64_t blocks = (c + block - 1) / block;
      for (int64_t o = 0; o < m; ++o)
        for (int64_t i = 0; i < c; ++i)
          for (int64_t t = 0; t < taps; ++t) {
            int64_t panel = o / own * panels + o % own / width;
            int64_t row =
                ((panel * blocks + i / block) * taps + t) * block + i % block;
            ASSERT_EQ(out[row * width + o % own % width],
                      w[(o * c + i) * taps + t]);
          }
    }
}

TEST(PackTest, TransposedConvPanelsHaveOneMatrixForEachTap) {
  int64_t c = 9, m = 5, taps = 4, width = 8, block = 8;
  std::vector<float> w = counted(c * m * taps);
  PackRecipe recipe{PackRecipe::TransposedConvPanels, 1, width, block};
  std::vector<float> out = pack(recipe, {c, m, 2, 2}, w);
  EXPECT_EQ(nonZero(out), c * m * taps);
  for (int64_t i = 0; i < c; ++i)
    for (int64_t o = 0; o < m; ++o)
      for (int64_t t = 0; t < taps; ++t)
        EXPECT_EQ(out[((t * 2 + i / block) * block + i % block) * width + o],
                  w[(i * m + o) * taps + t]);
}

TEST(PackTest, DepthwisePanelsHoldOneTapOfABlock) {
  int64_t c = 10, taps = 9, width = 8;
  std::vector<float> w = counted(c * taps);
  std::vector<float> out =
      pack(PackRecipe{PackRecipe::DepthwisePanels, 1, width}, {c, 1, 3, 3}, w);
  EXPECT_EQ(int64_t(out.size()), 2 * taps * width);
  for (int64_t i = 0; i < c; ++i)
    for (int64_t t = 0; t < taps; ++t)
      EXPECT_EQ(out[(i / width * taps + t) * width + i % width],
                w[i * taps + t]);
}

} // namespace
