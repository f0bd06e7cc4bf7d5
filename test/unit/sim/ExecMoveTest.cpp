//===- ExecMoveTest.cpp - mov, prmt and cvt.pack, PTX ISA 9.7.9 -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/OpFixture.h"

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
LaneOut mov(const Instruction &, const LaneIn &in) { return {.d = in.s[0]}; }
bool isNot128(const std::string &text) {
  return text.find(".b128") == std::string::npos;
}

/// 9.7.9.7: the generic form, and the table of modes as the ISA prints it, for
/// bytes 3, 2, 1, 0 of d.
LaneOut prmt(const Instruction &i, const LaneIn &in) {
  uint64_t bytes = in.s[1] << 32 | in.s[0];
  auto byte = [&](unsigned at) { return uint32_t(bytes >> (8 * at) & 0xff); };
  static constexpr uint8_t kF4e[4][4] = {
      {3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}};
  static constexpr uint8_t kB4e[4][4] = {
      {5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}};
  static constexpr uint8_t kRc8[4][4] = {
      {0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}};
  static constexpr uint8_t kEcl[4][4] = {
      {3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}};
  static constexpr uint8_t kEcr[4][4] = {
      {0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}};
  static constexpr uint8_t kRc16[4][4] = {
      {1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}};
  const uint8_t (*table)[4] = nullptr;
  switch (i.get(Field::Select)) {
  case Mod::F4e:
    table = kF4e;
    break;
  case Mod::B4e:
    table = kB4e;
    break;
  case Mod::Rc8:
    table = kRc8;
    break;
  case Mod::Ecl:
    table = kEcl;
    break;
  case Mod::Ecr:
    table = kEcr;
    break;
  case Mod::Rc16:
    table = kRc16;
    break;
  default:
    break;
  }
  uint32_t d = 0;
  for (unsigned k = 0; k < 4; ++k) {
    uint32_t value;
    if (table) {
      value = byte(table[in.s[2] & 3][3 - k]);
    } else {
      unsigned selector = in.s[2] >> (4 * k) & 0xf;
      value = byte(selector & 7);
      if (selector & 8)
        value = value & 0x80 ? 0xff : 0;
    }
    d |= value << (8 * k);
  }
  return {.d = d};
}

/// 9.7.9.22.
LaneOut cvtPack(const Instruction &i, const LaneIn &in) {
  unsigned size = bitsOf(i.types[0]);
  bool isSigned = kindOf(i.types[0]) == TypeKind::Signed;
  int64_t least = isSigned ? -(int64_t(1) << (size - 1)) : 0;
  int64_t most =
      isSigned ? (int64_t(1) << (size - 1)) - 1 : (int64_t(1) << size) - 1;
  auto clamp = [&](uint64_t raw) {
    int64_t x = signedOf(raw, 32);
    return uint64_t(x < least ? least : x > most ? most : x) & maskOf(size);
  };
  uint64_t d = clamp(in.s[0]) << size | clamp(in.s[1]);
  if (size < 16)
    d |= in.s[2] << (2 * size);
  return {.d = d & 0xffffffff};
}
} // namespace

class ExecMove : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Level, ExecMove, testing::ValuesIn(levels()),
                         levelName);

TEST_P(ExecMove, Mov) { checkForms(GetParam(), {"mov"}, mov, isNot128); }

TEST_P(ExecMove, MovOfNumbersAndPredicates) {
  auto check = [&](const char *text, const char *d, uint64_t value) {
    checkVariant(
        GetParam(), {text, d, "", {}},
        [=](const Instruction &, const LaneIn &) {
          return LaneOut{.d = value};
        },
        3);
  };
  check("mov.u16 h0, 7;", "h0", 7);
  check("mov.s32 r0, -7;", "r0", 0xfffffff9);
  check("mov.f64 d0, 1.25;", "d0", 0x3ff4000000000000);
  check("mov.pred p0, 1;", "p0", 1);
  check("mov.pred p0, 0;", "p0", 0);
}

// Special registers were of 16 bits once, PTX ISA 10.1.
TEST_P(ExecMove, MovOfSpecialRegisters) {
  checkVariant(GetParam(), {"mov.u16 h0, %tid.x;", "h0", "", {"r7"}},
               [](const Instruction &, const LaneIn &in) {
                 return LaneOut{.d = in.s[0] & 0xffff};
               });
  checkVariant(GetParam(), {"mov.u32 r0, %tid.x;", "r0", "", {"r7"}}, mov);
}

TEST_P(ExecMove, Mov128) {
  OneOp op(GetParam(), "mov.b128 q0, q1;"), old(GetParam(), "mov.b128 q0, q1;");
  ASSERT_EQ(op.error(), "");
  std::mt19937_64 random(1);
  for (uint32_t mask : {~0u, 0xf0f01234u, 0u}) {
    op.fill(random);
    old.copyFrom(op);
    op.run(mask);
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned part = 0; part < 2; ++part) {
        uint64_t value = old.get(mask >> lane & 1 ? "q1" : "q0", lane, part);
        EXPECT_EQ(op.get("q0", lane, part), value);
        old.set("q0", lane, value, part);
      }
    EXPECT_TRUE(op.sameState(old));
  }
}

// 9.7.9.4: all widths of braces, both ways. 128 bits are two parts.
TEST_P(ExecMove, PackAndUnpack) {
  struct Case {
    unsigned bits, part;
  };
  std::mt19937_64 random(1);
  for (Case each :
       {Case{16, 8}, Case{32, 8}, Case{64, 8}, Case{32, 16}, Case{64, 16},
        Case{128, 16}, Case{64, 32}, Case{128, 32}, Case{128, 64}})
    for (bool isPack : {true, false}) {
      unsigned count = each.bits / each.part;
      auto prefix = [](unsigned bits) {
        return std::string(1, bits == 8    ? 'b'
                              : bits == 16 ? 'h'
                              : bits == 32 ? 'r'
                              : bits == 64 ? 'd'
                                           : 'q');
      };
      // Of a register, the one of the whole is of another type.
      std::string whole = prefix(each.bits) + "0", braces,
                  p = prefix(each.part);
      for (unsigned k = 0; k < count; ++k)
        braces += (k ? ", " : "{") + p + std::to_string(k);
      braces += "}";
      std::string text =
          "mov.b" + std::to_string(each.bits) + " " +
          (isPack ? whole + ", " + braces : braces + ", " + whole) + ";";
      SCOPED_TRACE(text);
      OneOp op(GetParam(), text), expected(GetParam(), text);
      ASSERT_EQ(op.error(), "");
      for (uint32_t mask : {~0u, uint32_t(random()), 1u << 31, 0u}) {
        op.fill(random);
        expected.copyFrom(op);
        for (unsigned lane = 0; lane < 32; ++lane) {
          if (!(mask >> lane & 1))
            continue;
          unsigned __int128 value = 0;
          for (unsigned k = 0; k < count && isPack; ++k)
            value |= (unsigned __int128)(op.get(p + std::to_string(k), lane) &
                                         maskOf(each.part))
                     << (k * each.part);
          if (isPack) {
            expected.set(whole, lane, uint64_t(value));
            if (each.bits == 128)
              expected.set(whole, lane, uint64_t(value >> 64), 1);
            continue;
          }
          value = op.get(whole, lane);
          if (each.bits == 128)
            value |= (unsigned __int128)op.get(whole, lane, 1) << 64;
          for (unsigned k = 0; k < count; ++k)
            expected.set(p + std::to_string(k), lane,
                         uint64_t(value >> (k * each.part)) &
                             maskOf(each.part));
        }
        op.run(mask);
        ASSERT_TRUE(op.sameState(expected)) << std::hex << mask;
      }
    }
}

TEST_P(ExecMove, SinksAndNumbersInBraces) {
  auto check = [&](Variant variant, auto value) {
    checkVariant(GetParam(), variant,
                 [=](const Instruction &, const LaneIn &in) {
                   return LaneOut{.d = value(in)};
                 });
  };
  check({"mov.b64 {_, r1}, d1;", "r1", "", {"d1"}},
        [](const LaneIn &in) { return in.s[0] >> 32; });
  check({"mov.b64 {r1, _}, d1;", "r1", "", {"d1"}},
        [](const LaneIn &in) { return in.s[0] & 0xffffffff; });
  check({"mov.b64 {_, h1, _, _}, d1;", "h1", "", {"d1"}},
        [](const LaneIn &in) { return in.s[0] >> 16 & 0xffff; });
  check({"mov.b32 r0, {h1, 5};", "r0", "", {"h1"}},
        [](const LaneIn &in) { return 5 << 16 | in.s[0]; });
  check({"mov.b64 d0, {0, r1};", "d0", "", {"r1"}},
        [](const LaneIn &in) { return in.s[0] << 32; });
  // The same register in both places.
  check({"mov.b32 r0, {h1, h1};", "r0", "", {"h1"}},
        [](const LaneIn &in) { return in.s[0] << 16 | in.s[0]; });
}

TEST_P(ExecMove, Prmt) { checkForms(GetParam(), {"prmt"}, prmt, {}, 64); }

TEST_P(ExecMove, PrmtInPlace) {
  checkVariant(GetParam(),
               {"prmt.b32 r1, r1, r2, r1;", "r1", "", {"r1", "r2", "r1"}},
               prmt);
  auto constant = [](const Instruction &i, const LaneIn &in) {
    LaneIn all = in;
    all.s[2] = 0x7632;
    return prmt(i, all);
  };
  checkVariant(GetParam(),
               {"prmt.b32 r0, r1, r2, 0x7632;", "r0", "", {"r1", "r2"}},
               constant);
}

TEST_P(ExecMove, CvtPack) {
  checkForms(GetParam(), {"cvt.pack"}, cvtPack, {}, 64);
}
