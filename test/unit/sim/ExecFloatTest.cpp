//===- ExecFloatTest.cpp - f32 and f64, PTX ISA 9.7.3 and 9.7.5 -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Against exact arithmetic that is rounded once (ExactFloat.h). Approximations
// are in ExecApproximateTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/FloatCases.h"

using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
class ExecFloat : public testing::TestWithParam<Level> {};
INSTANTIATE_TEST_SUITE_P(Levels, ExecFloat, testing::ValuesIn(levels()),
                         levelName);

bool isExactForm(const std::string &text) {
  return (mentions(text, ".f32") || mentions(text, ".f64")) &&
         !mentions(text, ".approx") && !mentions(text, ".full") &&
         !text.starts_with("cvt");
}

/// f64: the first source that is a NaN, made quiet; else what an invalid
/// operation gives.
uint64_t nanOf64(const uint64_t *sources, unsigned count) {
  for (unsigned s = 0; s < count; ++s)
    if (isNaNBits(kF64, sources[s]))
      return sources[s] | uint64_t(1) << 51;
  return 0xfff8000000000000;
}

LaneOut arithmetic(const Instruction &i, const LaneIn &in) {
  std::string_view name = nameOf(i);
  FloatFormat format = *formatOf(i.types[0]);
  Round round = roundOf(i);
  auto count = unsigned(i.operands.size()) - 1;
  uint64_t bits[3] = {};
  Exact x[3];
  for (unsigned s = 0; s < count; ++s) {
    // Of mixed precision, all but the last source are halves.
    FloatFormat own =
        i.typeCount == 2 && s + 1 < count ? *formatOf(i.types[1]) : format;
    bits[s] = i.has(Mod::Ftz) ? flushFloat(own, in.s[s]) : in.s[s];
    x[s] = decodeFloat(own, bits[s]);
  }
  Exact result;
  if (name == "add") {
    result = exactSum(x[0], x[1], round);
  } else if (name == "sub") {
    x[1].isNegative = !x[1].isNegative;
    result = exactSum(x[0], x[1], round);
  } else if (name == "mul") {
    result = exactProduct(x[0], x[1]);
  } else if (name == "div") {
    result = exactQuotient(format, bits[0], bits[1]);
  } else if (name == "rcp") {
    uint64_t one = uint64_t(format.bias()) << format.mantissaBits;
    result = exactQuotient(format, one, bits[0]);
  } else if (name == "sqrt") {
    result = exactRoot(format, bits[0]);
  } else {
    result = exactSum(exactProduct(x[0], x[1]), x[2], round);
  }
  uint64_t d = encodeFloat(format, result, round);
  if (result.isNaN && format.bits() == 64)
    d = nanOf64(in.s, count);
  if (i.has(Mod::Ftz))
    d = flushFloat(format, d);
  if (i.has(Mod::Sat))
    d = saturateFloat(format, d);
  return {.d = d};
}

TEST_P(ExecFloat, ArithmeticIsRoundedOnce) {
  checkFloats(GetParam(),
              {"add", "sub", "mul", "fma", "mad", "div", "rcp", "sqrt"},
              arithmetic, isExactForm);
}

LaneOut minMax(const Instruction &i, const LaneIn &in) {
  FloatFormat format = *formatOf(i.types[0]);
  bool isMin = nameOf(i) == "min";
  uint64_t sign = uint64_t(1) << (format.bits() - 1);
  auto count = unsigned(i.operands.size()) - 1;
  uint64_t x[3];
  for (unsigned s = 0; s < count; ++s) {
    x[s] = i.has(Mod::Ftz) ? flushFloat(format, in.s[s]) : in.s[s];
    if (i.has(Mod::Abs))
      x[s] &= ~sign;
  }
  auto two = [&](uint64_t a, uint64_t b) -> uint64_t {
    bool isNaNA = isNaNBits(format, a), isNaNB = isNaNBits(format, b);
    if (isNaNA && isNaNB)
      return format.bits() == 64 ? a | uint64_t(1) << 51 : 0x7fffffff;
    if (i.has(Mod::NaN) && (isNaNA || isNaNB))
      return 0x7fffffff;
    if (isNaNA || isNaNB)
      return isNaNA ? b : a;
    int order = compareExact(decodeFloat(format, a), decodeFloat(format, b));
    if (order == 0) // -0 is less than +0
      order = int(b >> 63 ? 1 : 0) - int(a >> 63 ? 1 : 0);
    if (order == 0 && a != b)
      order = a & sign ? -1 : 1;
    return (order < 0) == isMin ? a : b;
  };
  uint64_t d = two(x[0], x[1]);
  if (count == 3)
    d = two(d, x[2]);
  if (i.has(Mod::XorSign) && !isNaNBits(format, d))
    d = (d & ~sign) | ((in.s[0] ^ in.s[1]) & sign);
  return {.d = d};
}

TEST_P(ExecFloat, MinimumAndMaximum) {
  checkFloats(GetParam(), {"min", "max"}, minMax, isExactForm);
}

LaneOut signs(const Instruction &i, const LaneIn &in) {
  FloatFormat format = *formatOf(i.types[0]);
  uint64_t sign = uint64_t(1) << (format.bits() - 1), a = in.s[0];
  if (nameOf(i) == "copysign")
    return {.d = (a & sign) | (in.s[1] & ~sign)};
  if (i.has(Mod::Ftz))
    a = flushFloat(format, a);
  uint64_t d = nameOf(i) == "abs" ? a & ~sign : a ^ sign;
  if (format.bits() == 32 && isNaNBits(format, a))
    d = 0x7fffffff;
  return {.d = d};
}

TEST_P(ExecFloat, Signs) {
  checkFloats(GetParam(), {"copysign", "abs", "neg"}, signs, isExactForm);
}

LaneOut testp(const Instruction &i, const LaneIn &in) {
  FloatFormat format = *formatOf(i.types[0]);
  Exact x = decodeFloat(format, in.s[0]);
  bool isFinite = !x.isNaN && !x.isInfinite;
  bool isTiny = isFinite && flushFloat(format, in.s[0]) != in.s[0];
  switch (i.get(Field::Test)) {
  case Mod::Finite:
    return {.d = isFinite};
  case Mod::Infinite:
    return {.d = x.isInfinite};
  case Mod::Number_:
    return {.d = !x.isNaN};
  case Mod::NotANumber:
    return {.d = x.isNaN};
  case Mod::Normal:
    return {.d = isFinite && !isTiny};
  default:
    return {.d = isTiny};
  }
}

TEST_P(ExecFloat, Testp) {
  checkFloats(GetParam(), {"testp"}, testp, isExactForm);
}

// The rounding of the host must be as before.
TEST_P(ExecFloat, RoundingIsRestored) {
  OneOp up(GetParam(), "add.rp.f32 r0, r1, r2;");
  OneOp nearest(GetParam(), "add.rn.f32 r3, r1, r2;");
  ASSERT_EQ(up.error() + nearest.error(), "");
  for (OneOp *op : {&up, &nearest}) {
    op->set("r1", 3, 0x3f800000);
    op->set("r2", 3, 0x2f800000); // 2^-32
    op->run(1u << 3);
  }
  EXPECT_EQ(up.get("r0", 3), 0x3f800001u);
  EXPECT_EQ(nearest.get("r3", 3), 0x3f800000u);
}
} // namespace
