//===- ExecApproximateTest.cpp - .approx and .full, PTX ISA 9.7.3 ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Corner cases as the ISA's tables have them, and errors against long double:
// the bounds are those that Transcendental.h promises, which are tighter than
// the ISA's.
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/FloatCases.h"

#include <cmath>
#include <limits>

using namespace tenon::test;

namespace {
class ExecApproximate : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Levels, ExecApproximate, testing::ValuesIn(levels()),
                         levelName);

constexpr uint32_t kInfinity = 0x7f800000, kNaN = 0x7fffffff, kOne = 0x3f800000,
                   kSign = 0x80000000;

float asFloat(uint64_t bits) {
  return __builtin_bit_cast(float, uint32_t(bits));
}
double asDouble(uint64_t bits) { return __builtin_bit_cast(double, bits); }
uint32_t bitsOf(float value) { return __builtin_bit_cast(uint32_t, value); }

uint64_t run(Level level, const std::string &text, uint64_t a, uint64_t b = 0) {
  OneOp op(level, text);
  EXPECT_EQ(op.error(), "");
  bool isDouble = mentions(text, ".f64");
  op.set(isDouble ? "d1" : "r1", 17, a);
  op.set(isDouble ? "d2" : "r2", 17, b);
  op.run(1u << 17);
  return op.get(isDouble ? "d0" : "r0", 17);
}

TEST_P(ExecApproximate, CornerCases) {
  struct Case {
    const char *name;
    uint32_t minusInfinity, minusOne, minusZero, zero, infinity;
  };
  static constexpr Case kCases[] = {
      {"rcp", kSign, kOne | kSign, kInfinity | kSign, kInfinity, 0},
      {"sqrt", kNaN, kNaN, kSign, 0, kInfinity},
      {"rsqrt", kNaN, kNaN, kInfinity | kSign, kInfinity, 0},
      {"lg2", kNaN, kNaN, kInfinity | kSign, kInfinity | kSign, kInfinity},
      {"ex2", 0, 0x3f000000, kOne, kOne, kInfinity},
      {"sin", kNaN, 0, kSign, 0, kNaN},
      {"cos", kNaN, 0, kOne, kOne, kNaN},
      {"tanh", kOne | kSign, 0, kSign, 0, kOne},
  };
  for (const Case &c : kCases)
    for (bool ftz : {false, true}) {
      if (ftz && c.name == std::string("tanh"))
        continue;
      std::string text = std::string(c.name) + ".approx" + (ftz ? ".ftz" : "") +
                         ".f32 r0, r1;";
      SCOPED_TRACE(text);
      auto get = [&](uint32_t a) { return run(GetParam(), text, a); };
      EXPECT_EQ(get(kInfinity | kSign), c.minusInfinity);
      if (c.minusOne)
        EXPECT_EQ(get(kOne | kSign), c.minusOne);
      EXPECT_EQ(get(kSign), c.minusZero);
      EXPECT_EQ(get(0), c.zero);
      EXPECT_EQ(get(kInfinity), c.infinity);
      EXPECT_EQ(get(0x7f800001), kNaN);
      EXPECT_EQ(get(0xffc00000), kNaN);
      if (ftz) { // subnormal sources are zeros
        EXPECT_EQ(get(0x007fffff), c.zero);
        EXPECT_EQ(get(0x807fffff), c.minusZero);
      }
    }
}

/// A source that shows something: bits by a counter that visits all exponents.
struct Sweep {
  const char *text;
  long double (*exact)(long double);
  /// Bounds: relative, absolute; what is within either passes.
  long double relative, absolute;
  float least, most; ///< of the source's size
  bool negative = true;
};

TEST_P(ExecApproximate, Errors) {
  constexpr long double kNone = 0;
  auto bound = [](double power) { return std::exp2((long double)power); };
  auto rcp = [](long double x) { return 1 / x; };
  auto rsqrt = [](long double x) { return 1 / std::sqrt(x); };
  const Sweep kSweeps[] = {
      {"rcp.approx.f32 r0, r1;", rcp, bound(-24), kNone, 0x1p-127f, 0x1p126f},
      {"sqrt.approx.f32 r0, r1;", std::sqrt, bound(-24), kNone, 0x1p-149f,
       0x1.fffffep127f, false},
      {"rsqrt.approx.f32 r0, r1;", rsqrt, bound(-23.9), kNone, 0x1p-149f,
       0x1.fffffep127f, false},
      {"ex2.approx.f32 r0, r1;", std::exp2, bound(-23), 0x1p-149L, 0x1p-149f,
       127.9f},
      // Relative to the number's last place near 1, where the ISA's bound is
      // absolute.
      {"lg2.approx.f32 r0, r1;", std::log2, bound(-23.4), bound(-23.4),
       0x1p-149f, 0x1.fffffep127f, false},
      {"sin.approx.f32 r0, r1;", std::sin, kNone, bound(-23.3), 0x1p-149f,
       0x1p40f},
      {"cos.approx.f32 r0, r1;", std::cos, kNone, bound(-23.3), 0x1p-149f,
       0x1p40f},
      {"tanh.approx.f32 r0, r1;", std::tanh, bound(-21.5), 0x1p-150L, 0x1p-149f,
       100.0f},
  };
  std::mt19937_64 random(7);
  for (const Sweep &sweep : kSweeps) {
    SCOPED_TRACE(sweep.text);
    OneOp op(GetParam(), sweep.text);
    ASSERT_EQ(op.error(), "");
    long double worst = 0;
    for (unsigned round = 0; round < 20000; ++round) {
      for (unsigned lane = 0; lane < 32; ++lane) {
        // Bits of sources are spread evenly, so that every exponent comes; or
        // near 1.
        uint32_t low = bitsOf(sweep.least), high = bitsOf(sweep.most);
        uint32_t bits = low + uint32_t(random() % (high - low + 1));
        if (lane % 4 == 0)
          bits = std::clamp(kOne - 0x1000000 + uint32_t(random() % 0x2000000),
                            low, high);
        bits |= sweep.negative ? uint32_t(random() & kSign) : 0;
        op.set("r1", lane, bits);
      }
      op.run(~0u);
      for (unsigned lane = 0; lane < 32; ++lane) {
        float x = asFloat(op.get("r1", lane)),
              got = asFloat(op.get("r0", lane));
        long double want = sweep.exact(x);
        long double error = std::abs(got - want);
        if (error > sweep.absolute)
          worst = std::max(worst, error / std::abs(want));
        ASSERT_TRUE(error <= sweep.absolute ||
                    error <= sweep.relative * std::abs(want))
            << x << " gave " << got << ", expected " << double(want);
      }
    }
    // Nothing but exact results has no logarithm.
    RecordProperty(sweep.text, int(std::log2(std::max(worst, 0x1p-100L))));
  }
}

// 2 to a whole number and the logarithm of a power of two are exact.
TEST_P(ExecApproximate, PowersOfTwoAreExact) {
  OneOp power(GetParam(), "ex2.approx.f32 r0, r1;");
  OneOp logarithm(GetParam(), "lg2.approx.f32 r0, r1;");
  ASSERT_EQ(power.error() + logarithm.error(), "");
  for (int n = -149; n < 128; ++n) {
    power.set("r1", 0, bitsOf(float(n)));
    power.run(1);
    EXPECT_EQ(asFloat(power.get("r0", 0)), std::ldexp(1.0f, n)) << n;
    logarithm.set("r1", 0, bitsOf(std::ldexp(1.0f, n)));
    logarithm.run(1);
    EXPECT_EQ(asFloat(logarithm.get("r0", 0)), float(n)) << n;
  }
}

TEST_P(ExecApproximate, Ex2LeavesTheRange) {
  auto get = [&](const char *text, float x) {
    return run(GetParam(), text, bitsOf(x));
  };
  const char *plain = "ex2.approx.f32 r0, r1;";
  EXPECT_EQ(get(plain, 128.0f), kInfinity);
  EXPECT_EQ(get(plain, 1e30f), kInfinity);
  EXPECT_EQ(get(plain, -151.0f), 0u);
  EXPECT_EQ(get(plain, -1e30f), 0u);
  EXPECT_EQ(get("ex2.approx.ftz.f32 r0, r1;", -126.5f), 0u);
  EXPECT_EQ(get("ex2.approx.ftz.f32 r0, r1;", -126.0f), 0x00800000u);
}

// Whatever the source, a sine is one.
TEST_P(ExecApproximate, SinesOfHugeNumbers) {
  for (const char *text : {"sin.approx.f32 r0, r1;", "cos.approx.f32 r0, r1;"})
    for (float x : {0x1p45f, -0x1.234p60f, 0x1p63f, 0x1.8p100f, -0x1p127f})
      EXPECT_LE(std::abs(asFloat(run(GetParam(), text, bitsOf(x)))), 1.0f)
          << text << x;
}

// A lane's result does not depend on the other lanes.
TEST_P(ExecApproximate, LanesAreIndependent) {
  OneOp op(GetParam(), "sin.approx.f32 r0, r1;");
  for (unsigned lane = 0; lane < 32; ++lane)
    op.set("r1", lane, bitsOf(float(lane) * 1.37f));
  op.run(~0u);
  std::vector<uint64_t> alone;
  for (unsigned lane = 0; lane < 32; ++lane)
    alone.push_back(op.get("r0", lane));
  for (unsigned lane = 0; lane < 32; lane += 2)
    op.set("r1", lane, bitsOf(1e6f));
  op.run(~0u);
  for (unsigned lane = 1; lane < 32; lane += 2)
    EXPECT_EQ(op.get("r0", lane), alone[lane]);
}

// 9.7.3.8.
TEST_P(ExecApproximate, Division) {
  std::mt19937_64 random(3);
  for (const char *text :
       {"div.approx.f32 r0, r1, r2;", "div.full.f32 r0, r1, r2;",
        "div.approx.ftz.f32 r0, r1, r2;", "div.full.ftz.f32 r0, r1, r2;"}) {
    SCOPED_TRACE(text);
    bool isApprox = mentions(text, ".approx"), ftz = mentions(text, ".ftz");
    OneOp op(GetParam(), text);
    ASSERT_EQ(op.error(), "");
    for (unsigned round = 0; round < 500; ++round) {
      for (const char *name : {"r1", "r2"})
        for (unsigned lane = 0; lane < 32; ++lane)
          op.set(name, lane, randomFloat(kF32, random));
      op.run(~0u);
      for (unsigned lane = 0; lane < 32; ++lane) {
        uint64_t a = op.get("r1", lane), b = op.get("r2", lane);
        uint64_t got = op.get("r0", lane);
        if (ftz) {
          a = flushFloat(kF32, a);
          b = flushFloat(kF32, b);
        }
        uint64_t want =
            encodeFloat(kF32, exactQuotient(kF32, a, b), Round::Nearest);
        uint64_t size = b & ~uint64_t(kSign);
        if (isApprox && size > 0x7e800000 && size < kInfinity &&
            !isNaNBits(kF32, a))
          want = (a & 0x7fffffff) == kInfinity ? kNaN : (a ^ b) & kSign;
        if (ftz)
          want = flushFloat(kF32, want);
        ASSERT_EQ(got, want) << std::hex << a << " / " << b;
      }
    }
  }
}

// Division and roots are the host's, and flush where asked to.
TEST_P(ExecApproximate, FtzFlushesResults) {
  EXPECT_EQ(run(GetParam(), "rcp.approx.ftz.f32 r0, r1;", 0x7f000000), 0u);
  EXPECT_EQ(run(GetParam(), "rcp.approx.f32 r0, r1;", 0x7f000000), 0x00400000u);
  EXPECT_EQ(run(GetParam(), "sin.approx.ftz.f32 r0, r1;", 0x80400000), kSign);
  EXPECT_EQ(run(GetParam(), "sin.approx.f32 r0, r1;", 0x80400000), 0x80400000u);
}

// 9.7.3.14 and 9.7.3.17: 20 bits of mantissa, the lower half is 0.
TEST_P(ExecApproximate, GrossDoubles) {
  std::mt19937_64 random(5);
  for (bool isRoot : {false, true}) {
    std::string text =
        isRoot ? "rsqrt.approx.ftz.f64 d0, d1;" : "rcp.approx.ftz.f64 d0, d1;";
    SCOPED_TRACE(text);
    auto get = [&](uint64_t a) { return run(GetParam(), text, a); };
    constexpr uint64_t infinity = 0x7ff0000000000000, sign = 1ull << 63,
                       nan = 0x7fffffff00000000;
    EXPECT_EQ(get(infinity | sign), isRoot ? nan : sign);
    EXPECT_EQ(get(sign | 5), infinity | sign);
    EXPECT_EQ(get(sign), infinity | sign);
    EXPECT_EQ(get(0), infinity);
    EXPECT_EQ(get(0x000fffffffffffff), infinity);
    EXPECT_EQ(get(infinity), 0u);
    EXPECT_EQ(get(infinity | 1), nan);
    EXPECT_EQ(get(0xfff8000000000000), nan);
    if (isRoot)
      EXPECT_EQ(get(0xbff0000000000000), nan);
    for (unsigned k = 0; k < 2000; ++k) {
      uint64_t bits = (random() & ~(sign | infinity)) | (1 + random() % 2044)
                                                            << 52;
      uint64_t got = get(bits);
      EXPECT_EQ(got & 0xffffffff, 0u);
      long double x = asDouble(bits & 0xffffffff00000000);
      long double want = isRoot ? 1 / std::sqrt(x) : 1 / x;
      if (want < 0x1p-1022L)
        continue;
      EXPECT_LE(std::abs(asDouble(got) - want), want * 0x1.0001p-21L) << k;
    }
    // A reciprocal below the normal numbers.
    if (!isRoot)
      EXPECT_EQ(get(0x7fe0000000000000), 0u);
  }
}

TEST_P(ExecApproximate, RsqrtOfDoubles) {
  std::mt19937_64 random(6);
  const char *text = "rsqrt.approx.f64 d0, d1;";
  for (unsigned k = 0; k < 3000; ++k) {
    uint64_t bits = random() % 0x7ff0000000000000;
    if (k % 8 == 0)
      bits &= 0x001fffffffffffff; // subnormal
    long double x = asDouble(bits);
    if (x == 0)
      continue;
    long double want = 1 / std::sqrt(x);
    EXPECT_LE(std::abs(asDouble(run(GetParam(), text, bits)) - want),
              want * 0x1.01p-53L)
        << std::hex << bits;
  }
  EXPECT_EQ(run(GetParam(), text, 0), 0x7ff0000000000000u);
  EXPECT_EQ(run(GetParam(), text, 1ull << 63), 0xfff0000000000000u);
  EXPECT_EQ(run(GetParam(), text, 0x7ff0000000000000), 0u);
  EXPECT_EQ(run(GetParam(), text, 0xbff0000000000000), 0xfff8000000000000u);
  // A payload is kept.
  EXPECT_EQ(run(GetParam(), text, 0x7ff0000000000123), 0x7ff8000000000123u);
}
} // namespace
