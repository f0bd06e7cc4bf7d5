//===- ExecLogicTest.cpp - Comparison, logic and shifts, 9.7.6 to 9.7.8 ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/OpFixture.h"

#include <bit>
#include <cmath>

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
std::string_view opcodeOf(const Instruction &i) {
  return opcodes()[i.opcode].name;
}

/// 9.3.1: the outcome of two numbers, and whether one is a NaN.
template <typename T> bool holds(Mod compare, T a, T b, bool isNaN) {
  switch (compare) {
  case Mod::Eq:
    return !isNaN && a == b;
  case Mod::Ne:
    return !isNaN && a != b;
  case Mod::Lt:
  case Mod::Lo:
    return !isNaN && a < b;
  case Mod::Le:
  case Mod::Ls:
    return !isNaN && a <= b;
  case Mod::Gt:
  case Mod::Hi:
    return !isNaN && a > b;
  case Mod::Ge:
  case Mod::Hs:
    return !isNaN && a >= b;
  case Mod::Equ:
    return isNaN || a == b;
  case Mod::Neu:
    return isNaN || a != b;
  case Mod::Ltu:
    return isNaN || a < b;
  case Mod::Leu:
    return isNaN || a <= b;
  case Mod::Gtu:
    return isNaN || a > b;
  case Mod::Geu:
    return isNaN || a >= b;
  case Mod::Num:
    return !isNaN;
  case Mod::Nan:
    return isNaN;
  default:
    ADD_FAILURE() << "no comparison";
    return false;
  }
}

bool isUnsignedCompare(Mod compare) {
  return compare == Mod::Lo || compare == Mod::Ls || compare == Mod::Hi ||
         compare == Mod::Hs;
}

bool compare(const Instruction &i, Type type, uint64_t a, uint64_t b) {
  Mod mod = i.get(Field::Compare);
  if (type == Type::F64) {
    auto x = std::bit_cast<double>(a), y = std::bit_cast<double>(b);
    return holds(mod, x, y, std::isnan(x) || std::isnan(y));
  }
  if (type == Type::F32) {
    auto read = [&](uint64_t bits) {
      auto x = std::bit_cast<float>(uint32_t(bits));
      if (i.has(Mod::Ftz) && std::fpclassify(x) == FP_SUBNORMAL)
        return std::copysign(0.0f, x);
      return x;
    };
    float x = read(a), y = read(b);
    return holds(mod, x, y, std::isnan(x) || std::isnan(y));
  }
  unsigned bits = bitsOf(type);
  if (kindOf(type) == TypeKind::Signed && !isUnsignedCompare(mod))
    return holds(mod, signedOf(a, bits), signedOf(b, bits), false);
  return holds(mod, a, b, false);
}

bool boolOp(const Instruction &i, bool t, bool c) {
  switch (i.get(Field::BoolOp)) {
  case Mod::And:
    return t && c;
  case Mod::Or:
    return t || c;
  case Mod::Xor:
    return t != c;
  default:
    return t;
  }
}

LaneOut setp(const Instruction &i, const LaneIn &in) {
  bool t = compare(i, i.types[0], in.s[0], in.s[1]);
  return {.d = boolOp(i, t, in.s[2]), .second = boolOp(i, !t, in.s[2])};
}
LaneOut set(const Instruction &i, const LaneIn &in) {
  bool t = boolOp(i, compare(i, i.types[1], in.s[0], in.s[1]), in.s[2]);
  switch (i.types[0]) {
  case Type::F32:
    return {.d = t ? std::bit_cast<uint32_t>(1.0f) : 0};
  case Type::F16: // 1.0 is sign 0, exponent 15, mantissa 0
    return {.d = t ? 15u << 10 : 0};
  case Type::BF16:
    return {.d = t ? 127u << 7 : 0};
  default:
    return {.d = t ? 0xffffffff : 0};
  }
}
/// Those that compare f16 or bf16 are of another family.
bool comparesOthers(const std::string &text) {
  std::string modifiers = text.substr(0, text.find(' '));
  std::string last = modifiers.substr(modifiers.rfind('.'));
  return last != ".f16" && last != ".f16x2" && last != ".bf16" &&
         last != ".bf16x2";
}

LaneOut choose(const Instruction &i, const LaneIn &in) {
  bool first;
  if (opcodeOf(i) == "selp") {
    first = in.s[2];
  } else if (i.types[1] == Type::S32) {
    first = signedOf(in.s[2], 32) >= 0;
  } else {
    auto c = std::bit_cast<float>(uint32_t(in.s[2]));
    if (i.has(Mod::Ftz) && std::fpclassify(c) == FP_SUBNORMAL)
      c = 0;
    first = c >= 0; // false for a NaN, true for -0
  }
  return {.d = in.s[first ? 0 : 1]};
}

LaneOut logic(const Instruction &i, const LaneIn &in) {
  std::string_view opcode = opcodeOf(i);
  uint64_t a = in.s[0], b = in.s[1], mask = maskOf(bitsOf(i.types[0]));
  if (opcode == "and")
    return {.d = a & b};
  if (opcode == "or")
    return {.d = a | b};
  if (opcode == "xor")
    return {.d = a ^ b};
  if (opcode == "not")
    return {.d = ~a & mask};
  return {.d = a == 0}; // cnot
}

uint32_t table(unsigned immLut, uint64_t a, uint64_t b, uint64_t c) {
  uint32_t d = 0;
  for (unsigned k = 0; k < 32; ++k) {
    unsigned index =
        unsigned((a >> k & 1) << 2 | (b >> k & 1) << 1 | (c >> k & 1));
    d |= (immLut >> index & 1) << k;
  }
  return d;
}
LaneOut lop3(const Instruction &i, const LaneIn &in) {
  uint32_t d = table(unsigned(i.operands[4].value), in.s[0], in.s[1], in.s[2]);
  return {.d = d, .second = boolOp(i, d != 0, in.s[3])};
}

LaneOut shift(const Instruction &i, const LaneIn &in) {
  unsigned bits = bitsOf(i.types[0]);
  auto amount = unsigned(std::min<uint64_t>(in.s[1], bits));
  unsigned __int128 a = in.s[0];
  if (opcodeOf(i) == "shl")
    return {.d = uint64_t(a << amount) & maskOf(bits)};
  if (kindOf(i.types[0]) == TypeKind::Signed)
    a = (unsigned __int128)(__int128(signedOf(in.s[0], bits)));
  if (kindOf(i.types[0]) == TypeKind::Signed)
    return {.d = uint64_t(__int128(a) >> amount) & maskOf(bits)};
  return {.d = uint64_t(a >> amount)};
}
LaneOut funnel(const Instruction &i, const LaneIn &in) {
  auto a = uint64_t(in.s[0]), b = uint64_t(in.s[1]), c = uint64_t(in.s[2]);
  uint64_t n = i.has(Mod::Wrap) ? c & 0x1f : std::min<uint64_t>(c, 32);
  if (i.get(Field::ShiftMode) == Mod::L)
    return {.d = uint32_t(b << n | a >> (32 - n))};
  return {.d = uint32_t(b << (32 - n) | a >> n)};
}
} // namespace

class ExecLogic : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Level, ExecLogic, testing::ValuesIn(levels()),
                         levelName);

TEST_P(ExecLogic, Setp) {
  checkForms(GetParam(), {"setp"}, setp, comparesOthers, 8);
}
TEST_P(ExecLogic, Set) { // Thousands of forms: each a little.
  checkForms(GetParam(), {"set"}, set, comparesOthers, 3);
}
TEST_P(ExecLogic, SelpSlct) {
  checkForms(GetParam(), {"selp", "slct"}, choose);
}
TEST_P(ExecLogic, Logic) {
  checkForms(GetParam(), {"and", "or", "xor", "not", "cnot"}, logic);
}
TEST_P(ExecLogic, Lop3) { checkForms(GetParam(), {"lop3"}, lop3); }
TEST_P(ExecLogic, Shifts) { checkForms(GetParam(), {"shl", "shr"}, shift); }
TEST_P(ExecLogic, Shf) { checkForms(GetParam(), {"shf"}, funnel); }

TEST_P(ExecLogic, EveryTableOfLop3) {
  for (unsigned immLut = 0; immLut < 256; ++immLut) {
    std::string number = std::to_string(immLut);
    checkVariant(GetParam(),
                 {"lop3.b32 r0, r1, r2, r3, " + number + ";",
                  "r0",
                  "",
                  {"r1", "r2", "r3"}},
                 lop3, 2);
    checkVariant(GetParam(),
                 {"lop3.or.b32 r0|p7, r1, r2, r3, " + number + ", p4;",
                  "r0",
                  "p7",
                  {"r1", "r2", "r3", "p4"}},
                 lop3, 2);
  }
}

// What variants of the table leave out: one destination, sinks, `!`, numbers,
// and a register that is both source and destination.
TEST_P(ExecLogic, OtherOperands) {
  auto check = [&](Variant variant, const Reference &reference) {
    checkVariant(GetParam(), variant, reference);
  };
  check({"setp.lt.s32 p0, r1, r2;", "p0", "", {"r1", "r2"}}, setp);
  check({"setp.geu.xor.f64 p0, d1, d2, p3;", "p0", "", {"d1", "d2", "p3"}},
        setp);
  check({"setp.hi.and.u16 _|p7, h1, h2, p3;", "", "p7", {"h1", "h2", "p3"}},
        setp);
  check({"setp.ne.or.b64 p0|_, d1, d2, p3;", "p0", "", {"d1", "d2", "p3"}},
        setp);
  check({"lop3.and.b32 _|p7, r1, r2, r3, 0x1b, p4;",
         "",
         "p7",
         {"r1", "r2", "r3", "p4"}},
        lop3);
  check({"lop3.and.b32 r0|_, r1, r2, r3, 0x1b, p4;",
         "r0",
         "",
         {"r1", "r2", "r3", "p4"}},
        lop3);
  // d and a source, p and q.
  check({"lop3.or.b32 r1|p4, r1, r2, r3, 0xe8, p4;",
         "r1",
         "p4",
         {"r1", "r2", "r3", "p4"}},
        lop3);
  check({"setp.lt.and.s32 p3|p7, r1, r2, p3;", "p3", "p7", {"r1", "r2", "p3"}},
        setp);
  check({"shf.l.wrap.b32 r1, r1, r1, r1;", "r1", "", {"r1", "r1", "r1"}},
        funnel);
  check({"selp.b64 d2, d1, d2, p3;", "d2", "", {"d1", "d2", "p3"}}, choose);

  auto negatedThird = [](const Reference &reference) {
    return [reference](const Instruction &i, const LaneIn &in) {
      LaneIn flipped = in;
      flipped.s[2] ^= 1;
      return reference(i, flipped);
    };
  };
  check({"setp.gt.and.s32 p0|p7, r1, r2, !p3;", "p0", "p7", {"r1", "r2", "p3"}},
        negatedThird(setp));
  check({"set.gt.xor.f32.s64 r0, d1, d2, !p3;", "r0", "", {"d1", "d2", "p3"}},
        negatedThird(set));
  check({"selp.b16 h0, h1, h2, !p3;", "h0", "", {"h1", "h2", "p3"}},
        negatedThird(choose));

  auto withSecond = [](uint64_t value, const Reference &reference) {
    return [=](const Instruction &i, const LaneIn &in) {
      LaneIn all = in;
      all.s[1] = value;
      return reference(i, all);
    };
  };
  check({"shl.b64 d0, d1, 63;", "d0", "", {"d1"}}, withSecond(63, shift));
  check({"shl.b32 r0, r1, 32;", "r0", "", {"r1"}}, withSecond(32, shift));
  check({"shr.s16 h0, h1, 77;", "h0", "", {"h1"}}, withSecond(77, shift));
  check({"setp.lt.s16 p0, h1, -5;", "p0", "", {"h1"}},
        withSecond(0xfffb, setp));
  check({"and.b16 h0, h1, 0x0ff0;", "h0", "", {"h1"}},
        withSecond(0x0ff0, logic));
}
