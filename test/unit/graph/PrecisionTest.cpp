//===- PrecisionTest.cpp - Rounding and patterns of names -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// compiler/Graph/Precision.h. Rounding is compared with LLVM's APFloat at each
// value of the narrow type, halfway to the next, and beside these.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Precision.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir::tenon::graph;
using llvm::APFloat;

namespace {

uint16_t reference(float value, const llvm::fltSemantics &semantics) {
  APFloat number(value);
  bool loses;
  number.convert(semantics, APFloat::rmNearestTiesToEven, &loses);
  return number.bitcastToAPInt().getZExtValue();
}

float widened(uint16_t bits, const llvm::fltSemantics &semantics) {
  return APFloat(semantics, llvm::APInt(16, bits)).convertToFloat();
}

void check(float value, uint16_t (*round)(float),
           const llvm::fltSemantics &semantics) {
  if (std::isnan(value)) {
    EXPECT_TRUE(std::isnan(widened(round(value), semantics)));
    return;
  }
  ASSERT_EQ(round(value), reference(value, semantics)) << value;
}

void checkAll(uint16_t (*round)(float), const llvm::fltSemantics &semantics) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = widened(bits, semantics);
    check(value, round, semantics);
    if (!std::isfinite(value))
      continue;
    float next = widened(bits + 1, semantics);
    if (!std::isfinite(next)) // what the next value would be
      next = value + (value - widened(bits - 1, semantics));
    float half = value + (next - value) / 2;
    for (float near :
         {half, std::nextafter(half, 0.0f), std::nextafter(half, 2 * half),
          std::nextafter(value, 0.0f)})
      check(near, round, semantics);
  }
}

TEST(PrecisionTest, RoundsToF16) {
  checkAll(bitsOfF16, APFloat::IEEEhalf());
  EXPECT_EQ(bitsOfF16(65519.99f), 0x7bff);
  EXPECT_EQ(bitsOfF16(65520.0f), 0x7c00);
  EXPECT_EQ(bitsOfF16(-1e30f), 0xfc00);
  EXPECT_EQ(bitsOfF16(1e-30f), 0x0000);
}

TEST(PrecisionTest, RoundsToBf16) {
  checkAll(bitsOfBf16, APFloat::BFloat());
  EXPECT_EQ(bitsOfBf16(3.40282347e+38f), 0x7f80);
}

TEST(PrecisionTest, KeepsNaN) {
  // A NaN whose set bits all lie below those that are kept.
  float nan = llvm::bit_cast<float>(0x7f800001u);
  EXPECT_TRUE(std::isnan(widened(bitsOfF16(nan), APFloat::IEEEhalf())));
  EXPECT_TRUE(std::isnan(widened(bitsOfBf16(nan), APFloat::BFloat())));
}

TEST(PrecisionTest, PatternsOfNames) {
  EXPECT_TRUE(matchesPattern("", ""));
  EXPECT_TRUE(matchesPattern("*", ""));
  EXPECT_TRUE(matchesPattern("*", "/a/b[0]"));
  EXPECT_TRUE(matchesPattern("/a/b[0]", "/a/b[0]"));
  EXPECT_TRUE(matchesPattern("/a/*/c", "/a/b/b/c"));
  EXPECT_TRUE(matchesPattern("*ab*b", "aabab"));
  EXPECT_TRUE(matchesPattern("layer?", "layer1"));
  EXPECT_TRUE(matchesPattern("a**", "a"));
  EXPECT_FALSE(matchesPattern("", "a"));
  EXPECT_FALSE(matchesPattern("a", ""));
  EXPECT_FALSE(matchesPattern("layer?", "layer"));
  EXPECT_FALSE(matchesPattern("layer?", "layer10"));
  EXPECT_FALSE(matchesPattern("/a/*/c", "/a/b/b/d"));
  EXPECT_FALSE(matchesPattern("a", "ab"));
}

} // namespace
