//===- CoalesceTest.cpp - What a warp's access costs ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Examples derived by hand from the rules of Coalesce.h, then the same rules
// written as sets and compared on random accesses.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Coalesce.h"

#include <array>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

using namespace tenon::sim::exec;

using Addresses = std::array<uint64_t, 32>;
static constexpr uint32_t kAll = ~0u;

static Addresses addresses(const std::function<uint64_t(unsigned)> &of) {
  Addresses result;
  for (unsigned lane = 0; lane < 32; ++lane)
    result[lane] = of(lane);
  return result;
}

static unsigned sectors(const std::function<uint64_t(unsigned)> &of,
                        unsigned bytes, uint32_t mask = kAll) {
  return globalSectors(addresses(of).data(), mask, bytes);
}
static SharedPasses shared(const std::function<uint64_t(unsigned)> &of,
                           unsigned bytes, uint32_t mask = kAll) {
  return sharedPasses(addresses(of).data(), mask, bytes);
}
static SharedPasses atomics(const std::function<uint64_t(unsigned)> &of,
                            unsigned bytes, uint32_t mask = kAll) {
  return atomicPasses(addresses(of).data(), mask, bytes);
}

TEST(GlobalSectors, ConsecutiveLanes) {
  // 32 lanes of n bytes are n sectors.
  for (unsigned bytes : {1u, 2u, 4u, 8u, 16u, 32u})
    EXPECT_EQ(sectors([&](unsigned n) { return 0x1000 + n * bytes; }, bytes),
              bytes);
}

TEST(GlobalSectors, OneByteOffTouchesOneMore) {
  EXPECT_EQ(sectors([](unsigned n) { return 0x1004 + n * 4; }, 4), 5u);
  EXPECT_EQ(sectors([](unsigned n) { return 0x101c + n * 4; }, 4), 5u);
}

TEST(GlobalSectors, StridesUpToASectorEach) {
  EXPECT_EQ(sectors([](unsigned n) { return n * 8; }, 4), 8u);
  EXPECT_EQ(sectors([](unsigned n) { return n * 32; }, 4), 32u);
  EXPECT_EQ(sectors([](unsigned n) { return n * 4096; }, 4), 32u);
  EXPECT_EQ(sectors([](unsigned n) { return (31 - n) * 4096; }, 4), 32u);
}

TEST(GlobalSectors, SameAddressAndPermutations) {
  EXPECT_EQ(sectors([](unsigned) { return 0x2000; }, 4), 1u);
  EXPECT_EQ(sectors([](unsigned n) { return 0x2000 + (n * 7 % 32) * 4; }, 4),
            4u);
  EXPECT_EQ(sectors([](unsigned n) { return uint64_t(n % 2) << 40; }, 4), 2u);
}

TEST(GlobalSectors, OnlyActiveLanesCount) {
  auto rising = [](unsigned n) { return uint64_t(n) * 32; };
  EXPECT_EQ(sectors(rising, 4, 0), 0u);
  EXPECT_EQ(sectors(rising, 4, 1), 1u);
  EXPECT_EQ(sectors(rising, 4, 0x80000001), 2u);
  EXPECT_EQ(sectors(rising, 4, 0x0000ffff), 16u);
}

TEST(GlobalSectors, AnyAlignmentAndWidth) {
  // A lane across the border of two sectors; intervals that overlap.
  EXPECT_EQ(sectors([](unsigned) { return 30; }, 4, 1), 2u);
  EXPECT_EQ(sectors([](unsigned n) { return n * 16; }, 64, 0x3), 3u);
  EXPECT_EQ(sectors([](unsigned n) { return n * 100000; }, 64, 0x3), 4u);
  EXPECT_EQ(sectors([](unsigned) { return ~uint64_t(0) - 31; }, 32), 1u);
}

TEST(GlobalSectors, AgreesWithASetOfSectors) {
  std::mt19937_64 random(1);
  for (unsigned round = 0; round < 20000; ++round) {
    unsigned bytes = 1u << random() % 6;
    uint64_t span = uint64_t(1) << (5 + random() % 20);
    uint32_t mask = uint32_t(round % 3 ? random() : ~0u);
    bool aligned = random() % 2;
    Addresses lanes = addresses([&](unsigned) {
      uint64_t at = 0x7f0000000000 + random() % span;
      return aligned ? at / bytes * bytes : at;
    });
    std::set<uint64_t> touched;
    for (unsigned lane = 0; lane < 32; ++lane)
      if (mask >> lane & 1)
        for (unsigned i = 0; i < bytes; ++i)
          touched.insert((lanes[lane] + i) / 32);
    ASSERT_EQ(globalSectors(lanes.data(), mask, bytes), touched.size())
        << "round " << round;
  }
}

TEST(SharedPasses, ConsecutiveLanesAreIdeal) {
  EXPECT_EQ(shared([](unsigned n) { return n; }, 1), (SharedPasses{1, 1}));
  EXPECT_EQ(shared([](unsigned n) { return n * 2; }, 2), (SharedPasses{1, 1}));
  EXPECT_EQ(shared([](unsigned n) { return n * 4; }, 4), (SharedPasses{1, 1}));
  EXPECT_EQ(shared([](unsigned n) { return n * 8; }, 8), (SharedPasses{2, 2}));
  EXPECT_EQ(shared([](unsigned n) { return n * 16; }, 16),
            (SharedPasses{4, 4}));
  EXPECT_EQ(shared([](unsigned n) { return n * 32; }, 32),
            (SharedPasses{8, 8}));
}

// Stride s of words: the bank repeats after 32 / gcd(s, 32) lanes.
TEST(SharedPasses, StridesConflictByTheirPowerOfTwo) {
  unsigned expected[][2] = {{1, 1}, {2, 2},   {3, 1},   {4, 4},  {5, 1},
                            {8, 8}, {16, 16}, {32, 32}, {33, 1}, {64, 32}};
  for (auto [stride, wavefronts] : expected)
    EXPECT_EQ(shared([&](unsigned n) { return n * stride * 4; }, 4),
              (SharedPasses{wavefronts, 1}))
        << stride;
}

TEST(SharedPasses, LanesOfTheSameWordShareIt) {
  EXPECT_EQ(shared([](unsigned) { return 64; }, 4), (SharedPasses{1, 1}));
  EXPECT_EQ(shared([](unsigned n) { return n / 2 * 4; }, 4),
            (SharedPasses{1, 1}));
  // Bytes of one word.
  EXPECT_EQ(shared([](unsigned n) { return n % 4; }, 1), (SharedPasses{1, 1}));
  // Two words of bank 0, each by 16 lanes.
  EXPECT_EQ(shared([](unsigned n) { return n % 2 * 128; }, 4),
            (SharedPasses{2, 1}));
}

TEST(SharedPasses, HalvesOfAWarpForEightBytes) {
  // A stride of 16 bytes puts lanes 0 and 8 of a half on the same banks.
  EXPECT_EQ(shared([](unsigned n) { return n * 16; }, 8), (SharedPasses{4, 2}));
  // Lanes 0 and 16 share banks, but not a half.
  EXPECT_EQ(shared([](unsigned n) { return n % 16 * 8 + n / 16 * 128; }, 8),
            (SharedPasses{2, 2}));
  EXPECT_EQ(shared([](unsigned n) { return n * 8; }, 8, 0xffff),
            (SharedPasses{1, 1}));
}

TEST(SharedPasses, GroupsOfEightForSixteenBytes) {
  // Rows of 128 bytes, a column of 16 bytes: all eight on the same banks.
  EXPECT_EQ(shared([](unsigned n) { return n * 128; }, 16),
            (SharedPasses{32, 4}));
  // Padded by 16 bytes.
  EXPECT_EQ(shared([](unsigned n) { return n * 144; }, 16),
            (SharedPasses{4, 4}));
  // Swizzled: chunk c of row r lies at c ^ (r % 8).
  EXPECT_EQ(shared([](unsigned n) { return n * 128 + (3 ^ n % 8) * 16; }, 16),
            (SharedPasses{4, 4}));
  EXPECT_EQ(shared([](unsigned n) { return n * 128; }, 16, 0x0101),
            (SharedPasses{2, 2}));
}

TEST(SharedPasses, NoLanesNoPasses) {
  EXPECT_EQ(shared([](unsigned n) { return n * 4; }, 4, 0),
            (SharedPasses{0, 0}));
}

TEST(AtomicPasses, SerializeOnTheSameAddress) {
  EXPECT_EQ(atomics([](unsigned n) { return n * 4; }, 4), (SharedPasses{1, 1}));
  EXPECT_EQ(atomics([](unsigned) { return 0; }, 4), (SharedPasses{32, 1}));
  EXPECT_EQ(atomics([](unsigned n) { return n % 8 * 4; }, 4),
            (SharedPasses{4, 1}));
  EXPECT_EQ(atomics([](unsigned) { return 0; }, 8), (SharedPasses{32, 2}));
  EXPECT_EQ(atomics([](unsigned) { return 0; }, 4, 0x7), (SharedPasses{3, 1}));
  // Halves of the same word.
  EXPECT_EQ(atomics([](unsigned n) { return n % 2 * 2; }, 2, 0x3),
            (SharedPasses{2, 1}));
}

TEST(MatrixPasses, AMatrixIsOnePassIfItsRowsSpreadOverAllBanks) {
  auto of = [](const std::function<uint64_t(unsigned)> &row,
               unsigned matrices) {
    // Rows of 16 bytes, as ldmatrix and stmatrix ask for them.
    uint32_t mask = matrices == 4 ? ~0u : (1u << (8 * matrices)) - 1;
    return sharedPasses(addresses(row).data(), mask, 16);
  };
  auto dense = [](unsigned n) { return uint64_t(n) * 16; };
  auto rows64 = [](unsigned n) { return uint64_t(n) * 64; };
  auto rows128 = [](unsigned n) { return uint64_t(n) * 128; };
  EXPECT_EQ(of(dense, 1), (SharedPasses{1, 1}));
  EXPECT_EQ(of(dense, 2), (SharedPasses{2, 2}));
  EXPECT_EQ(of(dense, 4), (SharedPasses{4, 4}));
  // Rows of 64 bytes: rows 0, 2, 4, 6 lie on the same banks.
  EXPECT_EQ(of(rows64, 1), (SharedPasses{4, 1}));
  EXPECT_EQ(of(rows128, 4), (SharedPasses{32, 4}));
  // All rows the same.
  EXPECT_EQ(of([](unsigned) { return uint64_t(0); }, 4), (SharedPasses{4, 4}));
}

/// The rules as sets of words for each bank.
static SharedPasses model(const Addresses &lanes, uint32_t mask, unsigned bytes,
                          bool atomic) {
  unsigned group = bytes <= 4 ? 32 : 128 / bytes;
  SharedPasses result;
  for (unsigned begin = 0; begin < 32; begin += group) {
    std::map<unsigned, std::set<uint64_t>> words;
    std::map<unsigned, unsigned> requests;
    for (unsigned lane = begin; lane < begin + group; ++lane)
      if (mask >> lane & 1)
        for (unsigned i = 0; i < std::max(bytes / 4, 1u); ++i) {
          uint64_t word = lanes[lane] / 4 + i;
          words[word % 32].insert(word);
          ++requests[word % 32];
        }
    size_t most = 0;
    for (const auto &[bank, set] : words)
      most = std::max(most, atomic ? requests[bank] : set.size());
    result.wavefronts += unsigned(most);
    result.ideal += most > 0;
  }
  return result;
}

TEST(SharedPasses, AgreesWithSetsOfWords) {
  std::mt19937_64 random(2);
  for (unsigned round = 0; round < 20000; ++round) {
    unsigned bytes = 1u << random() % 6;
    uint64_t span = uint64_t(1) << (6 + random() % 12);
    uint32_t mask = uint32_t(round % 3 ? random() : ~0u);
    Addresses lanes =
        addresses([&](unsigned) { return random() % span / bytes * bytes; });
    ASSERT_EQ(sharedPasses(lanes.data(), mask, bytes),
              model(lanes, mask, bytes, false))
        << "round " << round;
    if (bytes >= 2 && bytes <= 16)
      ASSERT_EQ(atomicPasses(lanes.data(), mask, bytes),
                model(lanes, mask, bytes, true))
          << "round " << round;
  }
}

TEST(SectorSet, CountsEachSectorOnce) {
  SectorSet set;
  EXPECT_EQ(set.size(), 0u);
  Addresses lanes = addresses([](unsigned n) { return 0x1000 + n * 4; });
  EXPECT_EQ(set.add(lanes.data(), kAll, 4), 4u);
  EXPECT_EQ(set.add(lanes.data(), kAll, 4), 4u);
  EXPECT_EQ(set.add(lanes.data(), 0, 4), 0u);
  EXPECT_EQ(set.size(), 4u);
  lanes = addresses([](unsigned n) { return uint64_t(n) << 30; });
  set.add(lanes.data(), 0xf, 4);
  EXPECT_EQ(set.size(), 8u);
  // Across the border of two pages.
  Addresses one = addresses([](unsigned) { return (1 << 20) - 2; });
  set.add(one.data(), 1, 4);
  EXPECT_EQ(set.size(), 10u);
}

TEST(SectorSet, UnionOfTwo) {
  SectorSet a, b;
  Addresses low = addresses([](unsigned n) { return n * 32; });
  Addresses high = addresses([](unsigned n) { return n * 32 + 512; });
  a.add(low.data(), kAll, 4);
  b.add(high.data(), kAll, 4);
  a.add(b);
  EXPECT_EQ(a.size(), 48u);
  EXPECT_EQ(b.size(), 32u);
}

TEST(SectorSet, AgreesWithASetOfSectors) {
  std::mt19937_64 random(3);
  SectorSet set;
  std::set<uint64_t> touched;
  for (unsigned round = 0; round < 2000; ++round) {
    unsigned bytes = 1u << random() % 6;
    uint64_t base = random() % (1 << 24);
    uint64_t span = uint64_t(1) << (5 + random() % 10);
    uint32_t mask = uint32_t(round % 3 ? random() : ~0u);
    bool aligned = random() % 4;
    Addresses lanes = addresses([&](unsigned) {
      uint64_t at = base + random() % span;
      return aligned ? at / bytes * bytes : at;
    });
    for (unsigned lane = 0; lane < 32; ++lane)
      if (mask >> lane & 1)
        for (unsigned i = 0; i < bytes; ++i)
          touched.insert((lanes[lane] + i) / 32);
    ASSERT_EQ(set.add(lanes.data(), mask, bytes),
              globalSectors(lanes.data(), mask, bytes));
    ASSERT_EQ(set.size(), touched.size()) << "round " << round;
  }
}
