//===- AtomsTest.cpp - Atoms against the PTX ISA --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The formulas are those of the PTX ISA's sections "Matrix Fragments for
// mma.m16n8k8", "... mma.m16n8k16" and "... mma.m16n8k32", written as they
// stand there: groupID = lane >> 2, threadID_in_group = lane % 4.
//
//===----------------------------------------------------------------------===//

#include "dialects/Tile/Atoms.h"
#include "llvm/IR/Intrinsics.h"
#include "gtest/gtest.h"
#include <set>

using namespace mlir::tenon::tile;

namespace {

struct At {
  int64_t row, column;
};

/// Compares a fragment layout with a formula of lane and value.
void expectFragment(const Layout &layout, int64_t rows,
                    llvm::function_ref<At(int, int)> isa) {
  ASSERT_EQ(layout.size(0), 32);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < layout.size(1); ++i) {
      At at = isa(lane, i);
      ASSERT_EQ(layout({lane, i}), at.row + rows * at.column)
          << layout.str() << " lane " << lane << " value " << i;
    }
}

/// c0..c3 of all: row = groupID for i < 2, groupID + 8 for i >= 2;
/// column = threadID_in_group * 2 + (i & 1).
At accumulator(int lane, int i) {
  return {(lane >> 2) + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1)};
}

TEST(AtomsTest, M16N8K16Fragments) {
  for (const char *name :
       {"SM80_16x8x16_F32F16F16F32_TN", "SM80_16x8x16_F32BF16BF16F32_TN"}) {
    const MmaAtom *atom = findMmaAtom(name);
    ASSERT_TRUE(atom) << name;
    expectFragment(atom->a, 16, [](int lane, int i) {
      bool upper = i < 2 || (i >= 4 && i < 6);
      return At{(lane >> 2) + (upper ? 0 : 8),
                lane % 4 * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
    });
    expectFragment(atom->b, 8, [](int lane, int i) { // row: k, column: n
      return At{lane >> 2, lane % 4 * 2 + (i & 1) + (i >= 2 ? 8 : 0)};
    });
    expectFragment(atom->c, 16, accumulator);
  }
}

TEST(AtomsTest, M16N8K8Fragments) {
  const MmaAtom *atom = findMmaAtom("SM80_16x8x8_F32TF32TF32F32_TN");
  ASSERT_TRUE(atom);
  expectFragment(atom->a, 16, [](int lane, int i) {
    return At{(lane >> 2) + (i == 0 || i == 2 ? 0 : 8),
              lane % 4 + (i < 2 ? 0 : 4)};
  });
  expectFragment(atom->b, 8, [](int lane, int i) {
    return At{lane >> 2, lane % 4 + (i == 0 ? 0 : 4)};
  });
  expectFragment(atom->c, 16, accumulator);
}

TEST(AtomsTest, M16N8K32Fragments) {
  for (const char *name :
       {"SM80_16x8x32_S32S8S8S32_TN", "SM89_16x8x32_F32E4M3E4M3F32_TN",
        "SM89_16x8x32_F32E5M2E5M2F32_TN"}) {
    const MmaAtom *atom = findMmaAtom(name);
    ASSERT_TRUE(atom) << name;
    expectFragment(atom->a, 16, [](int lane, int i) {
      bool upper = i < 4 || (i >= 8 && i < 12);
      return At{(lane >> 2) + (upper ? 0 : 8),
                lane % 4 * 4 + (i & 3) + (i >= 8 ? 16 : 0)};
    });
    expectFragment(atom->b, 8, [](int lane, int i) {
      return At{lane >> 2, lane % 4 * 4 + (i & 3) + (i >= 4 ? 16 : 0)};
    });
    expectFragment(atom->c, 16, accumulator);
  }
}

TEST(AtomsTest, EachElementIsHeldAndThoseOfCOnce) {
  for (const MmaAtom &atom : mmaAtoms())
    for (Role role : {Role::A, Role::B, Role::C}) {
      const Layout &layout = atom.layoutOf(role);
      auto [rows, columns] = atom.shapeOf(role);
      std::set<int64_t> held;
      for (int64_t n = 0; n < layout.size(); ++n)
        held.insert(layout(n));
      EXPECT_EQ(int64_t(held.size()), rows * columns) << atom.name.str();
      EXPECT_EQ(*held.rbegin(), rows * columns - 1) << atom.name.str();
      if (role == Role::C || atom.kind == AtomKind::Mma)
        EXPECT_TRUE(layout.isBijective()) << atom.name.str();
    }
}

/// A name that LLVM does not know would become a call of a function.
TEST(AtomsTest, IntrinsicsExist) {
  for (const MmaAtom &atom : mmaAtoms())
    if (atom.kind == AtomKind::Mma)
      EXPECT_NE(llvm::Intrinsic::lookupIntrinsicID(atom.intrinsic),
                llvm::Intrinsic::not_intrinsic)
          << atom.intrinsic.str();
}

TEST(AtomsTest, NamesAreUniqueAndSayTheShape) {
  std::set<llvm::StringRef> names;
  for (const MmaAtom &atom : mmaAtoms()) {
    EXPECT_TRUE(names.insert(atom.name).second);
    std::string shape = std::to_string(atom.m) + "x" + std::to_string(atom.n) +
                        "x" + std::to_string(atom.k);
    EXPECT_TRUE(atom.name.contains("_" + shape + "_")) << atom.name.str();
    if (atom.kind == AtomKind::Mma)
      EXPECT_TRUE(atom.name.starts_with("SM" + std::to_string(atom.sm)));
  }
  for (const CopyAtom &atom : copyAtoms())
    EXPECT_TRUE(names.insert(atom.name).second);
  EXPECT_FALSE(findMmaAtom("SM80_CP_ASYNC_CG_16"));
  EXPECT_FALSE(findCopyAtom("SM80_16x8x8_F32TF32TF32F32_TN"));
}

TEST(AtomsTest, CopiesCoverTheTileInWholeSectors) {
  for (int64_t columns : {16, 32, 64, 128}) {
    Layout map = copyMap(64, columns, 8, 128);
    std::set<int64_t> seen;
    for (int64_t n = 0; n < map.size(); ++n)
      seen.insert(map(n));
    ASSERT_EQ(int64_t(seen.size()), 64 * columns);
    ASSERT_EQ(*seen.rbegin(), 64 * columns - 1);
    // A warp: 32 neighbouring runs, that is whole rows or a part of one.
    for (int64_t t = 0; t < 128; ++t)
      for (int64_t v = 0; v < 8; ++v)
        ASSERT_EQ(map({t, v, 0}), t * 8 + v);
  }
}

/// Rows and columns, in a swizzled row-major tile, to bytes.
std::vector<int64_t> addresses(int64_t columns, int64_t bytes, Swizzle s,
                               llvm::function_ref<At(int)> at, int threads) {
  std::vector<int64_t> result;
  for (int t = 0; t < threads; ++t)
    result.push_back(s(at(t).row * columns + at(t).column) * bytes);
  return result;
}

TEST(AtomsTest, SwizzledTilesHaveNoBankConflicts) {
  for (int64_t bytes : {1, 2, 4}) {
    int64_t piece = 16 / bytes;
    for (int64_t columns = piece * 2; columns <= 256; columns *= 2) {
      Swizzle s = swizzleFor(columns, bytes, piece);
      ASSERT_TRUE(s.valid());
      for (int64_t column = 0; column < columns; column += piece) {
        // ldmatrix: eight rows of one column of pieces.
        auto rows = addresses(
            columns, bytes, s, [&](int t) { return At{t, column}; }, 8);
        ASSERT_EQ(bankConflicts(rows, 16), 0) << bytes << " " << columns;
      }
      // The copy: runs in row-major order.
      auto runs = addresses(
          columns, bytes, s, [&](int t) { return At{0, t * piece}; }, 32);
      ASSERT_EQ(bankConflicts(runs, 16), 0) << bytes << " " << columns;
    }
  }
  // tf32 from a tile whose rows are k: four rows by eight columns.
  for (int64_t columns = 32; columns <= 256; columns *= 2) {
    Swizzle s = swizzleFor(columns, 4, 8);
    auto words =
        addresses(columns, 4, s, [](int t) { return At{t % 4, t / 4}; }, 32);
    ASSERT_EQ(bankConflicts(words, 4), 0) << columns;
  }
  // FMA, k-major B: thread t has rows 4 t + j, and reads four k at once.
  for (int64_t columns = 8; columns <= 64; columns *= 2) {
    Swizzle s = swizzleFor(columns, 4, 4, 4);
    for (int64_t j = 0; j < 4; ++j) {
      auto words = addresses(
          columns, 4, s, [&](int t) { return At{t % 8 * 4 + j, 0}; }, 32);
      ASSERT_EQ(bankConflicts(words, 16), 0) << columns;
    }
  }
  // Without a swizzle the same accesses do collide.
  auto plain = addresses(64, 2, {}, [](int t) { return At{t, 0}; }, 8);
  EXPECT_EQ(wavefronts(plain, 16), 8);
}

} // namespace
