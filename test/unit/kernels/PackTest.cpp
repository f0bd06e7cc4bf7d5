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
      std::vector<float> out =
          transposed ? pack(recipe, {n, k}, w) : pack(recipe, {k, n}, w);
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

TEST(PackTest, TransposedConvPanelsHoldThePhasesLastTapFirst) {
  // Kernel 3 x 2, stride 2 x 1: rows of taps {2, 0} and {1}, columns {1, 0}.
  int64_t groups = 2, c = 9, m = 5, width = 8, block = 8, blocks = 2;
  std::vector<float> w = counted(groups * c * m * 6);
  PackRecipe recipe{PackRecipe::ConvPanels, 1, width, block, groups, true};
  recipe.strides = {2, 1};
  recipe.dilations = {1, 1};
  std::vector<float> out = pack(recipe, {groups * c, m, 3, 2}, w);
  EXPECT_EQ(nonZero(out), int64_t(w.size()));
  const std::vector<int64_t> phases[] = {{5, 4, 1, 0}, {3, 2}};
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t phase = 0; phase < 2; ++phase)
      for (size_t t = 0; t < phases[phase].size(); ++t)
        for (int64_t i = 0; i < c; ++i)
          for (int64_t o = 0; o < m; ++o) {
            int64_t start = (g * 6 + phase * 4) * blocks * block;
            int64_t row =
                (i / block * int64_t(phases[phase].size()) + int64_t(t)) *
                    block +
                i % block;
            ASSERT_EQ(out[(start + row) * width + o],
                      w[((g * c + i) * m + o) * 6 + phases[phase][t]]);
          }
}

TEST(PackTest, MixedGroupsReadTheBlocksOfTheirPanels) {
  // Groups of 6 inputs and 5 outputs: panel 1 has outputs 8 .. 14 of groups 1
  // and 2, which read inputs 6 .. 17, so blocks 0 .. 2.
  int64_t groups = 3, c = 6, m = 5, taps = 2, width = 8, block = 8;
  std::vector<float> w = counted(groups * m * c * taps);
  PackRecipe recipe{PackRecipe::ConvPanels, 1, width, block};
  recipe.mixed = groups;
  std::vector<float> out = pack(recipe, {groups * m, c, 1, taps}, w);
  int64_t most = 3;
  EXPECT_EQ(int64_t(out.size()), 2 * most * taps * block * width);
  EXPECT_EQ(nonZero(out), int64_t(w.size()));
  for (int64_t o = 0; o < groups * m; ++o)
    for (int64_t i = 0; i < c; ++i)
      for (int64_t t = 0; t < taps; ++t) {
        int64_t channel = o / m * c + i; // both panels begin at block 0
        int64_t row = ((o / width * most + channel / block) * taps + t) * block;
        ASSERT_EQ(out[(row + channel % block) * width + o % width],
                  w[(o * c + i) * taps + t]);
      }
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

TEST(PackTest, TextOfARecipeIsReadBack) {
  PackRecipe recipe{PackRecipe::ConvPanels, 0, 16, 8, 2, true, 3};
  recipe.strides = {2, 1, 12};
  recipe.dilations = {1, 3, 1};
  std::string text = "conv-panels width=16 block=8 groups=2 mixed=3 transposed "
                     "strides=2x1x12 dilations=1x3x1";
  EXPECT_EQ(recipe.str(), text);
  auto parsed = PackRecipe::parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->str(), text);
  for (const char *bad : {"conv-panels width=0", "conv-panels block=8",
                          "conv-panels width=8 strides=2x",
                          "conv-panels width=8 strides=0", "panels width=8"})
    EXPECT_FALSE(PackRecipe::parse(bad)) << bad;
}

} // namespace
