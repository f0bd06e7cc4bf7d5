//===- ExecHalfTest.cpp - f16, f16x2, bf16 and bf16x2, PTX ISA 9.7.4 ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Against exact arithmetic that is rounded once (ExactFloat.h).
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/FloatCases.h"

#include <cmath>

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
class ExecHalf : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Levels, ExecHalf, testing::ValuesIn(levels()),
                         levelName);

bool isHalfForm(const std::string &text) {
  return !mentions(text, ".f32") &&
         (mentions(text, ".f16") || mentions(text, ".f16x2") ||
          mentions(text, ".bf16") || mentions(text, ".bf16x2"));
}

/// One half of each source.
using HalfReference = uint64_t (*)(const Instruction &, FloatFormat,
                                   const uint64_t (&)[3]);
template <HalfReference F>
LaneOut eachHalf(const Instruction &i, const LaneIn &in) {
  FloatFormat format = *formatOf(i.types[0]);
  uint64_t d = 0;
  for (unsigned half = 0; half < (isPair(i.types[0]) ? 2u : 1u); ++half) {
    uint64_t x[3];
    for (unsigned s = 0; s < 3; ++s) {
      x[s] = in.s[s] >> (16 * half) & 0xffff;
      if (i.has(Mod::Ftz))
        x[s] = flushFloat(format, x[s]);
    }
    uint64_t result = F(i, format, x);
    if (i.has(Mod::Ftz))
      result = flushFloat(format, result);
    d |= result << (16 * half);
  }
  return {.d = d};
}

uint64_t arithmetic(const Instruction &i, FloatFormat format,
                    const uint64_t (&x)[3]) {
  std::string_view name = nameOf(i);
  if (i.has(Mod::Oob) && (x[0] == 0xffff || x[1] == 0xffff))
    return 0;
  Exact a = decodeFloat(format, x[0]), b = decodeFloat(format, x[1]);
  Exact result;
  if (name == "mul") {
    result = exactProduct(a, b);
  } else if (name == "fma") {
    result =
        exactSum(exactProduct(a, b), decodeFloat(format, x[2]), Round::Nearest);
  } else {
    b.isNegative ^= name == "sub";
    result = exactSum(a, b, Round::Nearest);
  }
  uint64_t d = encodeFloat(format, result, Round::Nearest);
  if (i.has(Mod::Sat))
    d = saturateFloat(format, d);
  return i.has(Mod::Relu) ? reluFloat(format, d) : d;
}

TEST_P(ExecHalf, ArithmeticIsRoundedOnce) {
  checkFloats(GetParam(), {"add", "sub", "mul", "fma"}, eachHalf<arithmetic>,
              isHalfForm, 200);
}

// A sum whose rounding to f32, and then to f16, goes the other way than its
// rounding to f16: 1 + 2^-11 + 2^-36 lies above the middle of 1 and the next.
TEST_P(ExecHalf, FmaOfF16DoesNotRoundTwice) {
  OneOp op(GetParam(), "fma.rn.f16 h0, h1, h2, h3;");
  ASSERT_EQ(op.error(), "");
  op.set("h1", 0, 0x1001); // 2^-11 * (1 + 2^-10)
  op.set("h2", 0, 0x3c00);
  op.set("h3", 0, 0x3c00);
  op.run(1);
  EXPECT_EQ(op.get("h0", 0), 0x3c01u);
  op.set("h1", 0, 0x0401); // 2^-14 * (1 + 2^-10)
  op.set("h2", 0, 0x0400); // 2^-14: the product is far below half a place
  op.set("h3", 0, 0x3c00);
  op.run(1);
  EXPECT_EQ(op.get("h0", 0), 0x3c00u);
}

// Products of bf16 below the least number of f32, and sums beyond its greatest.
TEST_P(ExecHalf, FmaOfBf16AtTheEndsOfTheRange) {
  Variant variant{"fma.rn.bf16 h0, h1, h2, h3;", "h0", "", {"h1", "h2", "h3"}};
  auto ends = [&](bool high) {
    return [=](OneOp &op, uint32_t, std::mt19937_64 &random) {
      for (unsigned lane = 0; lane < 32; ++lane) {
        auto number = [&](int exponent) {
          return (random() & 1) << 15 |
                 uint64_t(std::clamp(exponent, 0, 254)) << 7 |
                 (random() & 0x7f);
        };
        int e = int(random() % 40) - 20;
        op.set("h1", lane, number((high ? 190 : 60) + e));
        op.set("h2", lane,
               number((high ? 190 : 60) - e + int(random() % 24) - 12));
        op.set("h3", lane,
               number(high ? 254 - int(random() % 3) : int(random() % 12)));
      }
    };
  };
  auto eachLane = [](const Instruction &i, const LaneIn(&in)[32], uint32_t,
                     LaneOut(&out)[32]) {
    for (unsigned lane = 0; lane < 32; ++lane)
      out[lane] = eachHalf<arithmetic>(i, in[lane]);
  };
  checkVariant(GetParam(), variant, eachLane, ends(false), 200);
  checkVariant(GetParam(), variant, eachLane, ends(true), 200);
}

uint64_t signs(const Instruction &i, FloatFormat format,
               const uint64_t (&x)[3]) {
  if (isNaNBits(format, x[0]))
    return 0x7fff;
  return nameOf(i) == "abs" ? x[0] & 0x7fff : x[0] ^ 0x8000;
}
TEST_P(ExecHalf, Signs) {
  checkFloats(GetParam(), {"abs", "neg"}, eachHalf<signs>, isHalfForm);
}

uint64_t minMax(const Instruction &i, FloatFormat format,
                const uint64_t (&x)[3]) {
  uint64_t a = x[0], b = x[1], sign = (a ^ b) & 0x8000;
  if (i.has(Mod::Abs)) {
    a &= 0x7fff;
    b &= 0x7fff;
  }
  bool isNaNA = isNaNBits(format, a), isNaNB = isNaNBits(format, b);
  if ((isNaNA && isNaNB) || (i.has(Mod::NaN) && (isNaNA || isNaNB)))
    return 0x7fff;
  int order = 0;
  if (!isNaNA && !isNaNB)
    order = compareExact(decodeFloat(format, a), decodeFloat(format, b));
  if (order == 0 && a != b) // -0 is less than +0
    order = a & 0x8000 ? -1 : 1;
  uint64_t d = isNaNA                                ? b
               : isNaNB                              ? a
               : (order < 0) == (nameOf(i) == "min") ? a
                                                     : b;
  return i.has(Mod::XorSign) ? (d & 0x7fff) | sign : d;
}
TEST_P(ExecHalf, MinimumAndMaximum) {
  // .xorsign needs .abs, 9.7.4.7: the parser takes it alone.
  checkFloats(GetParam(), {"min", "max"}, eachHalf<minMax>,
              [](const std::string &text) {
                return isHalfForm(text) &&
                       (mentions(text, ".abs") || !mentions(text, ".xorsign"));
              });
}

long double valueOf(FloatFormat format, uint64_t bits) {
  uint64_t m = bits & ((1u << format.mantissaBits) - 1);
  int field =
      int(bits >> format.mantissaBits) & ((1 << format.exponentBits) - 1);
  if (field)
    m |= 1u << format.mantissaBits;
  long double size = std::ldexp(
      (long double)m, std::max(field, 1) - format.bias() - format.mantissaBits);
  return bits & 0x8000 ? -size : size;
}

// All 65536 sources. The bounds are the ISA's, 9.7.4.9 and 9.7.4.10; what a
// correctly rounded result may miss of them below the normal numbers is half a
// place.
TEST_P(ExecHalf, Approximations) {
  for (const char *type : {"f16", "f16x2", "bf16", "bf16x2"})
    for (bool isTanh : {true, false}) {
      bool isBf16 = type[0] == 'b', isTwo = std::string(type).ends_with("x2");
      FloatFormat format = isBf16 ? kBF16 : kF16;
      std::string text = isTanh   ? "tanh.approx."
                         : isBf16 ? "ex2.approx.ftz."
                                  : "ex2.approx.";
      text += type + std::string(isTwo ? " r0, r1;" : " h0, h1;");
      SCOPED_TRACE(text);
      std::string d = isTwo ? "r0" : "h0", a = isTwo ? "r1" : "h1";
      OneOp op(GetParam(), text);
      ASSERT_EQ(op.error(), "");
      for (uint64_t first = 0; first < 65536; first += 32) {
        for (unsigned lane = 0; lane < 32; ++lane)
          op.set(a, lane, (first + lane) * (isTwo ? 0x10001u : 1u));
        op.run(~0u);
        for (unsigned lane = 0; lane < 32; ++lane) {
          uint64_t x = first + lane, got = op.get(d, lane);
          if (isTwo)
            ASSERT_EQ(got >> 16, got & 0xffff);
          got &= 0xffff;
          Exact exact = decodeFloat(format, x);
          if (exact.isNaN) {
            ASSERT_EQ(got, 0x7fffu);
            continue;
          }
          uint64_t one = uint64_t(format.bias()) << format.mantissaBits;
          uint64_t infinity = isBf16 ? 0x7f80 : 0x7c00;
          if (exact.isInfinite) {
            uint64_t sign = x & 0x8000;
            ASSERT_EQ(got, isTanh ? one | sign : sign ? 0 : infinity);
            continue;
          }
          long double v = valueOf(format, x);
          long double want = isTanh ? std::tanh(v) : std::exp2(v);
          if (isTanh && v == 0) {
            ASSERT_EQ(got, x);
            continue;
          }
          long double least = std::ldexp(1.0L, 1 - format.bias());
          long double most = valueOf(format, infinity - 1);
          if (got == infinity) {
            ASSERT_GT(want, most);
            continue;
          }
          long double error = std::abs(valueOf(format, got) - want);
          long double bound = isTanh
                                  ? std::ldexp(1.0L, isBf16 ? -8 : -11)
                                  : want * std::ldexp(1.0L, isBf16 ? -7 : -10);
          long double half = least * std::ldexp(1.0L, -format.mantissaBits - 1);
          bool flushed = isBf16 && !isTanh && want < least && got == 0;
          ASSERT_TRUE(flushed || error <= bound + half)
              << std::hex << x << " gave " << got;
        }
      }
    }
}
} // namespace
