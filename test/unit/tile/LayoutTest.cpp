//===- LayoutTest.cpp - Laws of layouts -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Layouts are made at random: a domain of mixed factors, whose modes are dealt
// to dimensions in some order and given compact, padded or column-major
// strides. Each law is checked at every point of the domain. The generator has
// a fixed seed. Where an operation may refuse, the tests count how often it
// did not, so that no law holds for want of cases.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Layout.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <random>
#include <set>

using namespace mlir::tenon::tile;

namespace {

constexpr int kRounds = 2000;

class LayoutTest : public testing::Test {
protected:
  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  }

  static Layout parse(const char *text) {
    auto layout = Layout::parse(text);
    EXPECT_TRUE(layout) << text;
    return layout ? *layout : Layout();
  }

  /// Modes of the given sizes with strides in random order; `gaps`: room
  /// between them now and then, so that not every number is reached.
  Layout draw(bool gaps) {
    static const int64_t sizes[] = {1, 2, 2, 2, 3, 4, 4, 6};
    Modes modes(pick(1, 4));
    for (Mode &mode : modes)
      mode.size = sizes[pick(0, 7)];
    std::vector<size_t> order(modes.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    int64_t stride = 1;
    for (size_t i : order) {
      if (gaps && pick(0, 2) == 0)
        stride *= pick(2, 3);
      modes[i].stride = stride;
      stride *= modes[i].size;
    }
    llvm::SmallVector<Modes, 2> dims(1);
    for (const Mode &mode : modes) {
      if (!dims.back().empty() && pick(0, 1))
        dims.emplace_back();
      dims.back().push_back(mode);
    }
    return Layout(dims);
  }
  Layout bijection() { return draw(false); }
  Layout injection() { return draw(true); }

  Swizzle swizzle() {
    unsigned bits = pick(0, 3);
    return {bits, unsigned(pick(0, 3)), unsigned(bits + pick(0, 2))};
  }

  std::mt19937 random{20240229};
};

TEST_F(LayoutTest, EvaluatesThePicturesOfTheHeader) {
  Layout split = parse("(2:1,2:6)(3:2)");
  int64_t expected[4][3] = {{0, 2, 4}, {1, 3, 5}, {6, 8, 10}, {7, 9, 11}};
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 3; ++j)
      EXPECT_EQ(split({i, j}), expected[i][j]);
  EXPECT_EQ(*divide(parse("(12:1)"), parse("(4:1)")), parse("(4:1)(3:4)"));
  EXPECT_EQ(*divide(parse("(12:1)"), parse("(4:3)")), parse("(4:3)(3:1)"));
  EXPECT_EQ(*complement(parse("(4:2)"), 8), parse("(2:1)"));
  Swizzle s{3, 3, 3};
  for (int64_t row = 0; row < 8; ++row)
    for (int64_t piece = 0; piece < 8; ++piece)
      EXPECT_EQ(s(row * 64 + piece * 8), row * 64 + (piece ^ row) * 8);
}

TEST_F(LayoutTest, TextRoundTrips) {
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection().withSwizzle(swizzle());
    auto back = Layout::parse(a.str());
    ASSERT_TRUE(back) << a.str();
    if (a.getSwizzle().bits)
      EXPECT_EQ(a, *back);
    else
      EXPECT_EQ(a.str(), back->str());
  }
}

TEST_F(LayoutTest, RefusesTextThatIsNoLayout) {
  for (const char *text :
       {"", "4:1", "(4)", "(4:1", "(4:1,)", "(0:1)", "(4:-1)", "(-4:1)", "()",
        "(4:1)x", "(4:1)swizzle<3,3>", "(4:1)swizzle<3,3,2>",
        "(4:1)swizzle<3,30,30>", "swizzle<1,1,1>"})
    EXPECT_FALSE(Layout::parse(text)) << text;
}

TEST_F(LayoutTest, CosizeIsOneMoreThanTheLargestResult) {
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection().withSwizzle(swizzle());
    int64_t last = 0;
    for (int64_t n = 0; n < a.size(); ++n)
      last = std::max(last, a(n));
    ASSERT_EQ(a.cosize(), last + 1) << a.str();
  }
}

TEST_F(LayoutTest, CoalesceKeepsTheFunctionOfEachDimension) {
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection(), b = coalesce(a);
    ASSERT_EQ(a.rank(), b.rank());
    for (unsigned d = 0; d < a.rank(); ++d) {
      ASSERT_EQ(a.size(d), b.size(d));
      ASSERT_LE(b.modes(d).size(), a.modes(d).size());
      for (int64_t n = 0; n < a.size(d); ++n)
        ASSERT_EQ(a.part(d, n), b.part(d, n)) << a.str();
    }
  }
}

TEST_F(LayoutTest, CompositionIsCompositionOfFunctions) {
  int made = 0;
  for (int i = 0; i < kRounds * 4; ++i) {
    Layout a = injection().withSwizzle(swizzle()), b = injection();
    auto c = compose(a, b);
    if (!c)
      continue;
    ++made;
    ASSERT_EQ(c->rank(), b.rank());
    for (int64_t n = 0; n < b.size(); ++n)
      ASSERT_EQ((*c)(n), a(b(n))) << a.str() << " o " << b.str();
  }
  EXPECT_GT(made, kRounds / 4);
}

TEST_F(LayoutTest, CompositionIsAssociative) {
  int made = 0;
  for (int i = 0; i < kRounds * 8; ++i) {
    Layout a = injection(), b = injection(), c = injection();
    auto ab = compose(a, b), bc = compose(b, c);
    if (!ab || !bc)
      continue;
    auto left = compose(*ab, c), right = compose(a, *bc);
    if (!left || !right)
      continue;
    ++made;
    for (int64_t n = 0; n < c.size(); ++n)
      ASSERT_EQ((*left)(n), (*right)(n));
  }
  EXPECT_GT(made, kRounds / 20);
}

TEST_F(LayoutTest, CompositionRefusesWhatIsNoLayout) {
  EXPECT_FALSE(compose(parse("(4:1,3:10)"), parse("(6:1)"))); // 4 | 6 fails
  EXPECT_FALSE(compose(parse("(6:1)"), parse("(8:1)")));      // leaves domain
  EXPECT_FALSE(compose(parse("(2:1,2:10)"), parse("(2:1,2:1)"))); // overlap
  EXPECT_FALSE(compose(parse("(8:1)"), parse("(8:1)swizzle<1,0,1>")));
}

TEST_F(LayoutTest, InverseUndoesABijection) {
  for (int i = 0; i < kRounds; ++i) {
    Layout a = bijection();
    ASSERT_TRUE(a.isBijective()) << a.str();
    auto back = inverse(a);
    ASSERT_TRUE(back) << a.str();
    for (int64_t n = 0; n < a.size(); ++n)
      ASSERT_EQ((*back)(a(n)), n) << a.str();
  }
}

TEST_F(LayoutTest, InverseRefusesWhatIsNoBijection) {
  int refused = 0;
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection();
    ASSERT_EQ(bool(inverse(a)), a.isBijective()) << a.str();
    refused += !a.isBijective();
  }
  EXPECT_GT(refused, kRounds / 4);
  EXPECT_FALSE(inverse(parse("(4:0)")));
}

TEST_F(LayoutTest, ComplementFillsTheCodomainOnce) {
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection();
    int64_t n = 1;
    for (const Mode &mode : a.flat())
      if (mode.size > 1)
        n = std::max(n, mode.size * mode.stride);
    n *= pick(1, 3);
    auto rest = complement(a, n);
    ASSERT_TRUE(rest) << a.str() << " in " << n;
    Layout both = concat(a, *rest);
    ASSERT_EQ(both.size(), n);
    ASSERT_TRUE(both.isBijective()) << both.str();
  }
}

TEST_F(LayoutTest, ComplementRefusesRepeatsAndOverlaps) {
  EXPECT_FALSE(complement(parse("(4:0)"), 8));
  EXPECT_FALSE(complement(parse("(4:1,2:2)"), 8));
  EXPECT_FALSE(complement(parse("(2:1,2:3)"), 6)); // 3 is no multiple of 2
  EXPECT_FALSE(complement(parse("(4:1)"), 6));
}

TEST_F(LayoutTest, DivisionVisitsEveryElementOnce) {
  int made = 0;
  for (int i = 0; i < kRounds * 2; ++i) {
    Layout a = bijection(), tile = injection();
    auto parts = divide(a, tile);
    if (!parts)
      continue;
    ++made;
    ASSERT_EQ(parts->rank(), 2u);
    ASSERT_EQ(parts->size(0), tile.size());
    ASSERT_TRUE(parts->isBijective()) << a.str() << " / " << tile.str();
    for (int64_t n = 0; n < tile.size(); ++n)
      ASSERT_EQ((*parts)({n, 0}), a(tile(n)));
  }
  EXPECT_GT(made, kRounds / 20);
}

TEST_F(LayoutTest, ProductRepeatsItsFirstFactor) {
  int made = 0;
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection(), tiling = injection();
    auto both = product(a, tiling);
    if (!both)
      continue;
    ++made;
    ASSERT_EQ(both->size(0), a.size());
    ASSERT_EQ(both->size(1), tiling.size());
    std::set<int64_t> seen;
    for (int64_t t = 0; t < tiling.size(); ++t)
      for (int64_t n = 0; n < a.size(); ++n) {
        ASSERT_EQ((*both)({n, t}), a(n) + both->part(1, t));
        ASSERT_TRUE(seen.insert((*both)({n, t})).second) << both->str();
      }
    if (a.isBijective()) // whole copies, one behind the other
      for (int64_t t = 0; t < tiling.size(); ++t)
        ASSERT_EQ(both->part(1, t), a.size() * tiling(t));
  }
  EXPECT_GT(made, kRounds / 4);
}

TEST_F(LayoutTest, SwizzleIsAnInvolutionAndABijection) {
  for (unsigned bits = 0; bits < 4; ++bits)
    for (unsigned base = 0; base < 4; ++base)
      for (unsigned shift = bits; shift < 6; ++shift) {
        Swizzle s{bits, base, shift};
        ASSERT_TRUE(s.valid());
        std::set<int64_t> seen;
        for (int64_t x = 0; x < 2 * s.period(); ++x) {
          ASSERT_EQ(s(s(x)), x);
          seen.insert(s(x));
          ASSERT_EQ(s(x + s.period()), s(x) + s.period());
          if (bits) // aligned runs stay together
            ASSERT_EQ(s(x), s(x - x % s.run()) + x % s.run());
        }
        ASSERT_EQ(int64_t(seen.size()), 2 * s.period());
        ASSERT_EQ(*seen.rbegin(), 2 * s.period() - 1);
      }
  EXPECT_FALSE((Swizzle{3, 0, 2}).valid());
}

TEST_F(LayoutTest, ContiguousRunsAreAlignedAndLongest) {
  for (int i = 0; i < kRounds; ++i) {
    Layout a = injection().withSwizzle(swizzle());
    unsigned dim = pick(0, a.rank() - 1);
    // Counted: at every place of the other dimensions.
    auto holds = [&](int64_t run) {
      if (a.size(dim) % run)
        return false;
      int64_t before = 1;
      for (unsigned d = 0; d < dim; ++d)
        before *= a.size(d);
      for (int64_t n = 0; n < a.size(); ++n) {
        int64_t index = n / before % a.size(dim), in = index % run;
        int64_t first = a(n - in * before);
        if (first % run != 0 || a(n) != first + in)
          return false;
      }
      return true;
    };
    int64_t run = contiguous(a, dim, 8);
    ASSERT_TRUE(holds(run)) << a.str() << " dim " << dim << " run " << run;
    if (!a.getSwizzle().bits && run < 8)
      ASSERT_FALSE(holds(run * 2)) << a.str() << " dim " << dim;
  }
}

TEST_F(LayoutTest, CountsWavefronts) {
  auto strided = [](int64_t step, int64_t threads = 32) {
    std::vector<int64_t> at;
    for (int64_t t = 0; t < threads; ++t)
      at.push_back(t * step);
    return at;
  };
  EXPECT_EQ(bankConflicts(strided(4), 4), 0);
  EXPECT_EQ(bankConflicts(strided(0), 4), 0); // one word for all
  EXPECT_EQ(bankConflicts(strided(2), 2), 0); // two threads in a word
  EXPECT_EQ(wavefronts(strided(8), 4), 2);    // every second bank
  EXPECT_EQ(wavefronts(strided(128), 4), 32); // one bank
  EXPECT_EQ(wavefronts(strided(16), 16), 4);  // eight threads at once
  EXPECT_EQ(bankConflicts(strided(16), 16), 0);
  EXPECT_EQ(wavefronts(strided(128), 16), 32); // rows of 128 bytes
  EXPECT_EQ(bankConflicts(strided(8), 8), 0);
  EXPECT_EQ(bankConflicts(strided(144, 8), 16), 0); // padded rows
}

} // namespace
