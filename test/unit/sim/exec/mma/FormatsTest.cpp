//===- FormatsTest.cpp - Elements of matrices as floats -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All values of the narrow types, against their definitions (PTX ISA 5.2.3).
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

/// sign, `exponentBits` with their usual bias, the rest a fraction.
static double define(unsigned bits, unsigned width, unsigned exponentBits,
                     bool hasInfinity) {
  unsigned fractionBits = width - 1 - exponentBits;
  int bias = (1 << (exponentBits - 1)) - 1;
  unsigned exponent = bits >> fractionBits & ((1u << exponentBits) - 1);
  unsigned fraction = bits & ((1u << fractionBits) - 1);
  double sign = bits >> (width - 1) & 1 ? -1 : 1;
  if (exponent == (1u << exponentBits) - 1) {
    if (hasInfinity)
      return fraction ? NAN : sign * INFINITY;
    if (fraction == (1u << fractionBits) - 1)
      return NAN;
  }
  double significand =
      double(fraction) / double(1u << fractionBits) + (exponent ? 1 : 0);
  return sign * std::ldexp(significand, std::max(1, int(exponent)) - bias);
}

static void compare(Type type, unsigned width, unsigned exponentBits,
                    bool hasInfinity) {
  std::vector<uint8_t> packed;
  unsigned count = 1u << width;
  for (unsigned bits = 0; bits < count; ++bits)
    for (unsigned byte = 0; byte < width / 8; ++byte)
      packed.push_back(uint8_t(bits >> (8 * byte)));
  std::vector<float> unpacked(count);
  unpack(type, packed.data(), 0, 1, count, unpacked.data(), 0);
  for (unsigned bits = 0; bits < count; ++bits) {
    double expected = define(bits, width, exponentBits, hasInfinity);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(unpacked[bits])) << bits;
      EXPECT_TRUE(std::isnan(toFloat(type, bits))) << bits;
      continue;
    }
    EXPECT_EQ(unpacked[bits], expected) << bits;
    EXPECT_EQ(toFloat(type, bits), expected) << bits;
    EXPECT_EQ(std::signbit(unpacked[bits]), std::signbit(expected)) << bits;
    if (type == Type::F16) {
      EXPECT_EQ(toHalf(unpacked[bits]), bits);
    }
  }
}

TEST(MmaFormats, E4M3) { compare(Type::E4M3, 8, 4, false); }
TEST(MmaFormats, E5M2) { compare(Type::E5M2, 8, 5, true); }
TEST(MmaFormats, F16) { compare(Type::F16, 16, 5, true); }
TEST(MmaFormats, BF16) { compare(Type::BF16, 16, 8, true); }

TEST(MmaFormats, Tf32ReadsNineteenBits) {
  uint32_t bits[8] = {0x3f801fff, 0x3f802000, 0xbfffffff, 0x7f800001,
                      0x00001fff, 0x80003fff, 0x42280000, 0x7f803000};
  float values[8];
  unpack(Type::TF32, bits, 0, 1, 8, values, 0);
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), bits[i] & 0xffffe000u);
  EXPECT_EQ(toFloat(Type::TF32, bits[0]), 1.0f);
}
