//===- ExecConvertTest.cpp - cvt, PTX ISA 9.7.9.21 ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every form of the table, and integers in registers wider than their type,
// against exact numbers that are rounded once (ExactFloat.h).
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/FloatCases.h"

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
class ExecConvert : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Levels, ExecConvert, testing::ValuesIn(levels()),
                         levelName);

uint64_t toInteger(const Instruction &i, Type to, Type from, const Exact &x) {
  unsigned bits = bitsOf(to);
  bool isSigned = kindOf(to) == TypeKind::Signed, wasFloat(formatOf(from));
  __int128 most = (__int128(1) << (bits - isSigned)) - 1;
  __int128 least = isSigned ? -most - 1 : 0;
  __int128 value = 0;
  if (x.isNaN) {
    bool isZero = from != Type::F64 && bits != 64;
    value = isZero ? 0 : __int128(1) << (bits - 1);
  } else if (x.isInfinite) {
    value = x.isNegative ? least : most;
  } else {
    Exact whole = wasFloat ? exactIntegral(x, roundOf(i)) : x;
    if (whole.magnitude.top() > Big::kUnit + 100)
      value = x.isNegative ? least : most;
    else
      value = integerOf(whole);
    if (wasFloat || i.has(Mod::Sat))
      value = std::clamp(value, least, most);
  }
  uint64_t low = uint64_t(value) & maskOf(bits);
  // Extended to a wider register by its own sign.
  return isSigned ? uint64_t(signedOf(low, bits)) : low;
}

uint64_t toFloat(const Instruction &i, Type to, Exact x) {
  FloatFormat format = *formatOf(to);
  bool isIntegral =
      i.has(Mod::Rni) || i.has(Mod::Rzi) || i.has(Mod::Rmi) || i.has(Mod::Rpi);
  if (isIntegral)
    x = exactIntegral(x, roundOf(i));
  Round round = isIntegral ? Round::Nearest : roundOf(i);
  uint64_t d = encodeFloat(format, x, round);
  uint64_t sign = uint64_t(1) << (format.bits() - 1);
  Exact infinite;
  infinite.isInfinite = true;
  uint64_t infinity = encodeFloat(format, infinite, round);
  // e4m3 has a NaN where others have infinity.
  uint64_t most = (format.hasInfinity ? infinity : sign - 1) - 1;
  if (i.has(Mod::Satfinite) && !x.isNaN && (d & ~sign) > most)
    d = (d & sign) | most;
  if (i.has(Mod::Ftz) && to == Type::F32)
    d = flushFloat(format, d);
  if (i.has(Mod::Sat))
    d = saturateFloat(format, d);
  if (i.has(Mod::Relu))
    d = reluFloat(format, d);
  if (to == Type::TF32) // the upper bits of f32
    d = x.isNaN ? 0x7fffffff : d << 13;
  return d;
}

uint64_t convertOne(const Instruction &i, Type to, Type from, uint64_t bits) {
  bits &= maskOf(isPair(from) ? bitsOf(from) / 2 : bitsOf(from));
  Exact x;
  if (auto format = formatOf(from)) {
    if (i.has(Mod::Ftz) && from == Type::F32)
      bits = flushFloat(*format, bits);
    x = decodeFloat(*format, bits);
    // What the ISA leaves open: a NaN of f64 keeps its payload, and bf16 is
    // shifted to f32.
    if (x.isNaN && to == Type::F64 && !i.has(Mod::Sat)) {
      uint64_t sign = bits >> (format->bits() - 1) << 63;
      uint64_t payload = bits & maskOf(unsigned(format->mantissaBits));
      return sign | 0x7ff8000000000000 | payload << (52 - format->mantissaBits);
    }
    if (x.isNaN && to == Type::F32 && from == Type::BF16 && !i.has(Mod::Sat) &&
        !i.has(Mod::Ftz))
      return bits << 16;
  } else if (kindOf(from) == TypeKind::Signed) {
    x = exactInteger(signedOf(bits, bitsOf(from)));
  } else {
    x = exactInteger(bits);
  }
  return isInteger(to) ? toInteger(i, to, from, x) : toFloat(i, to, x);
}

LaneOut convert(const Instruction &i, const LaneIn &in) {
  Type to = i.types[0], from = i.types[1];
  if (!isPair(to))
    return {.d = convertOne(i, to, from, in.s[0])};
  uint64_t upper, lower;
  if (isPair(from)) {
    unsigned half = bitsOf(from) / 2;
    upper = convertOne(i, to, from, in.s[0] >> half);
    lower = convertOne(i, to, from, in.s[0]);
  } else {
    upper = convertOne(i, to, from, in.s[0]);
    lower = convertOne(i, to, from, in.s[1]);
  }
  return {.d = upper << (bitsOf(to) / 2) | lower};
}

TEST_P(ExecConvert, EveryForm) {
  checkFloats(GetParam(), {"cvt"}, convert, {});
}

// 9.4.1: the source's low bits count, and the result is extended.
TEST_P(ExecConvert, RegistersWiderThanTheirTypes) {
  std::vector<Variant> variants =
      variantsOf("cvt", [](const std::string &text) {
        return mentions(text, ".u8") || mentions(text, ".s8") ||
               mentions(text, ".u16") || mentions(text, ".s16") ||
               mentions(text, ".u32") || mentions(text, ".s32");
      });
  size_t count = 0;
  for (const Variant &variant : variants) {
    OneOp parsed(GetParam(), variant.text);
    const Instruction &i = parsed.instruction();
    const Form &form = forms()[i.form];
    for (const char *to : {"h0", "r0", "d0"})
      for (const char *from : {"h1", "r1", "d1"}) {
        auto bytes = [](const char *name) {
          return name[0] == 'h' ? 16u : name[0] == 'r' ? 32u : 64u;
        };
        auto fits = [&](const char *name, const OperandSpec &spec, Type type) {
          return bytes(name) == std::max(bitsOf(type), 16u) ||
                 (spec.relaxed && bytes(name) >= bitsOf(type));
        };
        if (!fits(to, form.operands[0], i.types[0]) ||
            !fits(from, form.operands[1], i.types[1]))
          continue;
        Variant wide = variant;
        wide.d = to;
        wide.sources = {from};
        wide.text = variant.text.substr(0, variant.text.find(' ')) + " " + to +
                    ", " + from + ";";
        checkFloatVariant(GetParam(), wide, convert, 4);
        ++count;
      }
  }
  EXPECT_GT(count, 1000u);
}

// All bytes of the 8-bit formats, both ways.
TEST_P(ExecConvert, BytesRoundTrip) {
  for (std::string type : {"e4m3x2", "e5m2x2"}) {
    OneOp up(GetParam(), "cvt.rn.f16x2." + type + " r0, h1;");
    OneOp down(GetParam(), "cvt.rn.satfinite." + type + ".f16x2 h0, r1;");
    ASSERT_EQ(up.error() + down.error(), "");
    FloatFormat format = type[1] == '4' ? kE4M3 : kE5M2;
    for (unsigned byte = 0; byte < 256; ++byte) {
      up.set("h1", 9, byte | (255 - byte) << 8);
      up.run(1u << 9);
      down.set("r1", 9, up.get("r0", 9));
      down.run(1u << 9);
      auto want = [&](unsigned x) -> unsigned {
        Exact value = decodeFloat(format, x);
        if (value.isNaN)
          return 0x7f;
        if (value.isInfinite) // .satfinite
          return (x & 0x80) | 0x7b;
        return x;
      };
      EXPECT_EQ(down.get("h0", 9), want(byte) | want(255 - byte) << 8);
    }
  }
}

// Ties of f16, bf16 and 8-bit formats go to even.
TEST_P(ExecConvert, TiesGoToEven) {
  struct Case {
    const char *text;
    uint64_t source, result;
  };
  static constexpr Case kCases[] = {
      {"cvt.rn.f16.f32 h0, r1;", 0x3f801000, 0x3c00},
      {"cvt.rn.f16.f32 h0, r1;", 0x3f803000, 0x3c02},
      {"cvt.rn.bf16.f32 h0, r1;", 0x3f808000, 0x3f80},
      {"cvt.rn.bf16.f32 h0, r1;", 0x3f818000, 0x3f82},
      {"cvt.rna.tf32.f32 r0, r1;", 0x3f801000, 0x3f802000},
      {"cvt.rn.tf32.f32 r0, r1;", 0x3f801000, 0x3f800000},
      {"cvt.rni.s32.f32 r0, r1;", 0x40200000, 2},
      {"cvt.rni.s32.f32 r0, r1;", 0xc0600000, 0xfffffffc},
      {"cvt.rni.s32.f32 r0, r1;", 0x7fc00000, 0},
      {"cvt.rzi.s32.f64 r0, d1;", 0x7ff8000000000000, 0x80000000},
      {"cvt.rzi.u32.f64 r0, d1;", 0x7ff8000000000000, 0x80000000},
      {"cvt.rzi.u32.f32 r0, r1;", 0xbf800000, 0},
      {"cvt.rzi.u32.f32 r0, r1;", 0x4f800000, 0xffffffff},
  };
  for (const Case &c : kCases) {
    OneOp op(GetParam(), c.text);
    ASSERT_EQ(op.error(), "") << c.text;
    std::string text = c.text;
    bool isHalf = text.find("h0") != std::string::npos;
    op.set(text.find("d1") != std::string::npos ? "d1" : "r1", 0, c.source);
    op.run(1);
    EXPECT_EQ(op.get(isHalf ? "h0" : "r0", 0), c.result) << c.text;
  }
}
} // namespace
