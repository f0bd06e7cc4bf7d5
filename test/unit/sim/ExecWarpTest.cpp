//===- ExecWarpTest.cpp - Exchange among the lanes of a warp --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.7.9.5, 9.7.9.6 and 9.7.13.8 to 9.7.13.14.
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/OpFixture.h"

#include <bit>
#include <cmath>

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
/// 9.7.9.6, line by line.
void shfl(const Instruction &i, const LaneIn (&in)[32], uint32_t,
          LaneOut (&out)[32]) {
  for (int lane = 0; lane < 32; ++lane) {
    int bval = in[lane].s[1] & 0x1f, cval = in[lane].s[2] & 0x1f;
    int segmask = in[lane].s[2] >> 8 & 0x1f;
    int maxLane = (lane & segmask) | (cval & ~segmask);
    int minLane = lane & segmask;
    int j = 0;
    bool pval = false;
    switch (i.get(Field::ShiftMode)) {
    case Mod::Up:
      j = lane - bval;
      pval = j >= maxLane;
      break;
    case Mod::Down:
      j = lane + bval;
      pval = j <= maxLane;
      break;
    case Mod::Bfly:
      j = lane ^ bval;
      pval = j <= maxLane;
      break;
    case Mod::Idx:
      j = minLane | (bval & ~segmask);
      pval = j <= maxLane;
      break;
    default:
      ADD_FAILURE();
    }
    if (!pval)
      j = lane;
    out[lane] = {.d = in[j].s[0], .second = pval};
  }
}

/// The lanes that take part: `operand` holds the membermask, if there is one.
uint32_t membersOf(const LaneIn (&in)[32], uint32_t mask, unsigned operand) {
  uint32_t members = mask;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1)
      members &= uint32_t(in[lane].s[operand]);
  return members;
}

void vote(const Instruction &i, const LaneIn (&in)[32], uint32_t mask,
          LaneOut (&out)[32]) {
  uint32_t members = i.has(Mod::Sync) ? membersOf(in, mask, 1) : mask;
  unsigned yes = 0, count = 0;
  uint32_t ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(members >> lane & 1))
      continue;
    ++count;
    yes += unsigned(in[lane].s[0]);
    ballot |= uint32_t(in[lane].s[0]) << lane;
  }
  for (LaneOut &each : out)
    switch (i.get(Field::Operation)) {
    case Mod::All:
      each.d = yes == count;
      break;
    case Mod::Any:
      each.d = yes > 0;
      break;
    case Mod::Uni:
      each.d = yes == count || yes == 0;
      break;
    default:
      each.d = ballot;
    }
}

void match(const Instruction &i, const LaneIn (&in)[32], uint32_t mask,
           LaneOut (&out)[32]) {
  uint32_t members = membersOf(in, mask, 1);
  bool all = true;
  for (unsigned lane = 0; lane < 32; ++lane) {
    out[lane].d = 0;
    for (unsigned other = 0; other < 32; ++other)
      if (members >> other & 1) {
        bool same = in[lane].s[0] == in[other].s[0];
        out[lane].d |= uint64_t(same) << other;
        if (members >> lane & 1)
          all &= same;
      }
  }
  if (i.get(Field::Operation) == Mod::All)
    for (LaneOut &each : out)
      each = {.d = all ? members : 0, .second = all};
}

void redux(const Instruction &i, const LaneIn (&in)[32], uint32_t mask,
           LaneOut (&out)[32]) {
  uint32_t members = membersOf(in, mask, 1);
  bool isSigned = i.types[0] == Type::S32, isFloat = i.types[0] == Type::F32;
  Mod operation = i.get(Field::Operation);
  bool first = true, sawNaN = false;
  int64_t value = 0;
  float best = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(members >> lane & 1))
      continue;
    if (isFloat) {
      auto x = std::bit_cast<float>(uint32_t(in[lane].s[0]));
      if (i.has(Mod::Abs))
        x = std::fabs(x);
      if (std::isnan(x)) {
        sawNaN = true;
        continue;
      }
      // +0.0 > -0.0
      bool less =
          x < best || (x == best && std::signbit(x) && !std::signbit(best));
      bool more =
          x > best || (x == best && !std::signbit(x) && std::signbit(best));
      if (first || (operation == Mod::Min ? less : more))
        best = x;
      first = false;
      continue;
    }
    int64_t x = isSigned ? signedOf(in[lane].s[0], 32) : int64_t(in[lane].s[0]);
    switch (operation) {
    case Mod::Add:
      value += x;
      break;
    case Mod::Min:
      value = first ? x : std::min(value, x);
      break;
    case Mod::Max:
      value = first ? x : std::max(value, x);
      break;
    case Mod::And:
      value = first ? x : value & x;
      break;
    case Mod::Or:
      value |= x;
      break;
    default:
      value ^= x;
    }
    first = false;
  }
  if (isFloat)
    value = first || (sawNaN && i.has(Mod::NaN))
                ? 0x7fffffff
                : std::bit_cast<uint32_t>(best);
  for (LaneOut &each : out)
    each.d = uint64_t(value) & 0xffffffff;
}

void activemask(const Instruction &, const LaneIn (&)[32], uint32_t mask,
                LaneOut (&out)[32]) {
  for (LaneOut &each : out)
    each.d = mask;
}

void elect(const Instruction &, const LaneIn (&in)[32], uint32_t mask,
           LaneOut (&out)[32]) {
  uint32_t members = membersOf(in, mask, 0);
  unsigned leader = 0;
  while (leader < 32 && !(members >> leader & 1))
    ++leader;
  for (unsigned lane = 0; lane < 32; ++lane)
    out[lane] = {.d = leader, .second = lane == leader};
}

void nothing(const Instruction &, const LaneIn (&)[32], uint32_t,
             LaneOut (&)[32]) {}

/// Lanes that execute agree on a membermask that holds them all, and maybe
/// lanes that have exited.
Prepare withMembers(const std::string &name) {
  return [name](OneOp &op, uint32_t mask, std::mt19937_64 &random) {
    uint32_t members = mask | (random() % 2 ? uint32_t(random()) : 0);
    for (unsigned lane = 0; lane < 32; ++lane)
      if (mask >> lane & 1)
        op.set(name, lane, members);
  };
}
} // namespace

class ExecWarp : public testing::TestWithParam<Level> {
protected:
  void check(const std::string &opcode, const WarpReference &reference,
             unsigned membersOperand, const Prepare &more = {}) {
    for (const Variant &variant : variantsOf(opcode)) {
      Prepare members;
      if (membersOperand < variant.sources.size())
        members = withMembers(variant.sources[membersOperand]);
      checkVariant(
          GetParam(), variant, reference,
          [&](OneOp &op, uint32_t mask, std::mt19937_64 &random) {
            if (members)
              members(op, mask, random);
            if (more)
              more(op, mask, random);
          },
          100);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Level, ExecWarp, testing::ValuesIn(levels()),
                         levelName);

TEST_P(ExecWarp, Shfl) { check("shfl", shfl, 3); }

// The amounts and bounds that shuffles over 32, 16 ... lanes have.
TEST_P(ExecWarp, ShflAsCompilersUseIt) {
  auto bounds = [](OneOp &op, uint32_t, std::mt19937_64 &random) {
    uint32_t width = 1u << random() % 6;
    bool isUp = op.instruction().get(Field::ShiftMode) == Mod::Up;
    uint32_t c = (32 - width) << 8 | (isUp ? 0 : 31);
    auto b = uint32_t(random() % 32);
    for (unsigned lane = 0; lane < 32; ++lane) {
      op.set("r2", lane, b);
      op.set("r3", lane, c);
    }
  };
  check("shfl", shfl, 3, bounds);
}

TEST_P(ExecWarp, ShflSinksAndInPlace) {
  for (const Variant &variant :
       {Variant{"shfl.sync.down.b32 r0, r1, r2, r3, r4;",
                "r0",
                "",
                {"r1", "r2", "r3", "r4"}},
        Variant{"shfl.sync.bfly.b32 r1, r1, r2, r3, r4;",
                "r1",
                "",
                {"r1", "r2", "r3", "r4"}},
        Variant{"shfl.sync.idx.b32 r2|p7, r1, r2, r3, r4;",
                "r2",
                "p7",
                {"r1", "r2", "r3", "r4"}},
        Variant{"shfl.sync.idx.b32 _|p7, r1, r2, r3, r4;",
                "",
                "p7",
                {"r1", "r2", "r3", "r4"}},
        Variant{"shfl.sync.up.b32 r0|_, r1, r2, r3, r4;",
                "r0",
                "",
                {"r1", "r2", "r3", "r4"}}})
    checkVariant(GetParam(), variant, shfl, {}, 50);
}

TEST_P(ExecWarp, Vote) {
  check("vote", vote, 1);
  // Predicates of which all lanes, none, or one hold.
  check("vote", vote, 1, [](OneOp &op, uint32_t, std::mt19937_64 &random) {
    unsigned kind = random() % 3, odd = random() % 32;
    for (unsigned lane = 0; lane < 32; ++lane)
      op.set("p1", lane, kind == 2 ? lane == odd : kind);
  });
}

TEST_P(ExecWarp, VoteOfNumbersAndNegated) {
  auto members = withMembers("r2");
  checkVariant(
      GetParam(), {"vote.sync.ballot.b32 r0, 1, r2;", "r0", "", {"r2"}},
      [](const Instruction &, const LaneIn(&in)[32], uint32_t mask,
         LaneOut(&out)[32]) {
        for (LaneOut &each : out)
          each.d = membersOf(in, mask, 0);
      },
      members, 20);
  checkVariant(
      GetParam(), {"vote.sync.any.pred p0, !p1, r2;", "p0", "", {"p1", "r2"}},
      [](const Instruction &i, const LaneIn(&in)[32], uint32_t mask,
         LaneOut(&out)[32]) {
        LaneIn flipped[32];
        for (unsigned lane = 0; lane < 32; ++lane) {
          flipped[lane] = in[lane];
          flipped[lane].s[0] ^= 1;
        }
        vote(i, flipped, mask, out);
      },
      members, 20);
}

TEST_P(ExecWarp, Match) {
  // Random values seldom match: few different ones, or one alone.
  check("match", match, 1, [](OneOp &op, uint32_t, std::mt19937_64 &random) {
    bool isWide = bitsOf(op.instruction().types[0]) == 64;
    uint64_t values[4] = {random(), random(), random(), random()};
    // Halves that match alone are no match.
    values[1] = (values[1] & ~0xffffffffull) | (values[0] & 0xffffffff);
    unsigned kinds = 1 + random() % 4;
    for (unsigned lane = 0; lane < 32; ++lane)
      op.set(isWide ? "d1" : "r1", lane, values[random() % kinds]);
  });
}

TEST_P(ExecWarp, Redux) {
  check("redux", redux, 1);
  // Lanes that are mostly NaNs and zeros.
  check("redux", redux, 1, [](OneOp &op, uint32_t, std::mt19937_64 &random) {
    static constexpr uint32_t kValues[] = {0x7fc00000, 0xffffffff, 0x7f800001,
                                           0,          0x80000000, 0xff800000};
    unsigned count = 1 + random() % std::size(kValues);
    for (unsigned lane = 0; lane < 32; ++lane)
      op.set("r1", lane, kValues[random() % count]);
  });
}

TEST_P(ExecWarp, Activemask) { check("activemask", activemask, 9); }
TEST_P(ExecWarp, Elect) { check("elect", elect, 0); }
TEST_P(ExecWarp, BarWarpSync) { check("bar.warp.sync", nothing, 0); }
