//===- MultiplyTest.cpp - How Tensor Cores add ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The vectors against the plain loops, bit by bit, on values of every kind; the
// plain loops against a model in 128-bit integers written here from the papers
// that Model.h cites; and sums worked out by hand.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/mma/Multiply.h"
#include "sim/exec/mma/Formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using ptx::Type;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  unsigned sm;
  Type a, b, d;
  unsigned k; ///< stored elements
  bool sparse;
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (unsigned sm : {70u, 75u, 80u, 86u, 89u, 90u})
    for (bool sparse : {false, true}) {
      for (Type d : {Type::F32, Type::F16}) {
        result.push_back({sm, Type::F16, Type::F16, d, 8, sparse});
        result.push_back({sm, Type::F16, Type::F16, d, 16, sparse});
        if (sm < 89)
          continue;
        for (Type a : {Type::E4M3, Type::E5M2})
          for (Type b : {Type::E4M3, Type::E5M2})
            for (unsigned k : {16u, 32u})
              result.push_back({sm, a, b, d, k, sparse});
      }
      if (sm < 80)
        continue;
      result.push_back({sm, Type::BF16, Type::BF16, Type::F32, 8, sparse});
      result.push_back({sm, Type::BF16, Type::BF16, Type::F32, 16, sparse});
      result.push_back({sm, Type::TF32, Type::TF32, Type::F32, 4, sparse});
      result.push_back({sm, Type::TF32, Type::TF32, Type::F32, 8, sparse});
    }
  return result;
}

FloatProduct productOf(const Case &c) {
  FloatProduct product;
  product.k = c.k;
  product.depth = c.sparse ? 2 * c.k : c.k;
  product.minExponentA = minExponentOf(c.a);
  product.minExponentB = minExponentOf(c.b);
  product.sparse = c.sparse;
  product.halfResult = c.d == Type::F16;
  return product;
}

/// What values look like.
enum class Mix {
  Near,    ///< exponents near 0
  Spread,  ///< any bits of the type that are finite
  Zeros,   ///< half of them zeros
  Special, ///< infinities and NaN among them
  Edge,    ///< the largest, the smallest, subnormals
};

class Values {
public:
  Values(unsigned seed, Mix mix) : random(seed), mix(mix) {}

  float next(Type type) {
    for (;;) {
      uint32_t bits = random();
      if (type == Type::F32 && mix != Mix::Edge && mix != Mix::Spread)
        bits = (bits & 0x87ffffff) | 0x38000000;
      float value = toFloat(type, narrow(type, bits));
      if (mix == Mix::Near && type != Type::F32)
        value = toFloat(type, encode(type, nearOne()));
      if (mix == Mix::Edge)
        value = toFloat(type, edge(type));
      if (mix == Mix::Zeros && random() % 2)
        return random() % 2 ? 0.0f : -0.0f;
      bool isSpecial = !std::isfinite(value);
      if (!isSpecial && mix == Mix::Special && random() % 64 == 0)
        return random() % 3 == 0   ? std::bit_cast<float>(kNaN)
               : random() % 2 == 0 ? kInfinity
                                   : -kInfinity;
      if (!isSpecial)
        return value;
    }
  }

private:
  std::mt19937 random;
  Mix mix;

  static uint64_t narrow(Type type, uint32_t bits) {
    unsigned width = ptx::bitsOf(type);
    return width == 32 ? bits : bits & ((1u << width) - 1);
  }
  float nearOne() {
    float value =
        std::ldexp(1 + float(random() % 8) / 8, int(random() % 5) - 2);
    return random() % 2 ? -value : value;
  }
  /// Of a value that the type has.
  static uint64_t encode(Type type, float value) {
    uint16_t half = std::bit_cast<uint16_t>(_Float16(value));
    switch (type) {
    case Type::F16:
      return half;
    case Type::BF16:
      return std::bit_cast<uint32_t>(value) >> 16;
    case Type::E5M2:
      return half >> 8;
    case Type::E4M3: // the exponent's bias is 7, not 15
      return uint64_t(half >> 8 & 0x80) | uint64_t((half >> 7 & 0x7f) - 64);
    default:
      return std::bit_cast<uint32_t>(value);
    }
  }
  uint64_t edge(Type type) {
    unsigned width = ptx::bitsOf(type);
    unsigned mantissa = type == Type::F16    ? 10
                        : type == Type::BF16 ? 7
                        : type == Type::E4M3 ? 3
                        : type == Type::E5M2 ? 2
                                             : 23;
    uint64_t sign = uint64_t(random() % 2) << (width - 1);
    uint64_t fraction = random() & ((uint64_t(1) << mantissa) - 1);
    uint64_t most = (uint64_t(1) << (width - 1 - mantissa)) - 2;
    uint64_t exponent = random() % 3 == 0   ? 0
                        : random() % 2 == 0 ? most - random() % 2
                                            : random() % most;
    return sign | exponent << mantissa | fraction;
  }
};

void fill(FloatMatrices &x, const Case &c, Values &values,
          std::mt19937 &random) {
  for (auto &row : x.a)
    for (float &value : row)
      value = values.next(c.a);
  for (auto &row : x.b)
    for (float &value : row)
      value = values.next(c.b);
  for (auto &row : x.c)
    for (float &value : row)
      value = values.next(c.d == Type::F16 ? Type::F16 : Type::F32);
  for (auto &row : x.at)
    for (unsigned i = 0; i < FloatMatrices::kMaxK; ++i)
      row[i] = uint8_t((i * 2 + random() % 2) % (2 * c.k));
}

std::string describe(const Case &c) {
  return "sm_" + std::to_string(c.sm) + " " + std::string(spelling(c.a)) + " " +
         std::string(spelling(c.b)) + " " + std::string(spelling(c.d)) + " k " +
         std::to_string(c.k) + (c.sparse ? " sparse" : "");
}

} // namespace

TEST(MmaMultiply, FastEqualsSlow) {
  auto fast = std::make_unique<FloatMatrices>(),
       slow = std::make_unique<FloatMatrices>();
  std::mt19937 random(3);
  for (const Case &c : cases())
    for (Mix mix :
         {Mix::Near, Mix::Spread, Mix::Zeros, Mix::Special, Mix::Edge})
      for (unsigned seed = 0; seed < 4; ++seed) {
        Values values(seed, mix);
        fill(*fast, c, values, random);
        *slow = *fast;
        AddModel model = addModel(c.sm, c.a, c.d);
        FloatProduct product = productOf(c);
        multiplyAdd(*fast, product, model);
        multiplyAddSlow(*slow, product, model);
        for (unsigned i = 0; i < product.m; ++i)
          for (unsigned j = 0; j < product.n; ++j)
            ASSERT_EQ(std::bit_cast<uint32_t>(fast->d[i][j]),
                      std::bit_cast<uint32_t>(slow->d[i][j]))
                << describe(c) << " mix " << int(mix) << ": " << fast->d[i][j]
                << " and " << slow->d[i][j];
      }
}

// Shapes of wmma: 16 and 32 columns, 8 and 32 rows.
TEST(MmaMultiply, WideShapes) {
  auto fast = std::make_unique<FloatMatrices>(),
       slow = std::make_unique<FloatMatrices>();
  std::mt19937 random(3);
  Case c = {80, Type::F16, Type::F16, Type::F32, 16, false};
  for (auto [m, n] : {std::pair{16u, 16u}, {32u, 8u}, {8u, 32u}}) {
    Values values(1, Mix::Spread);
    fill(*fast, c, values, random);
    *slow = *fast;
    FloatProduct product = productOf(c);
    product.m = m;
    product.n = n;
    multiplyAdd(*fast, product, addModel(80, c.a, c.d));
    multiplyAddSlow(*slow, product, addModel(80, c.a, c.d));
    for (unsigned i = 0; i < m; ++i)
      for (unsigned j = 0; j < n; ++j)
        ASSERT_EQ(fast->d[i][j], slow->d[i][j]);
  }
}

// --- A model in 128-bit integers, units of 2^-60 ----------------------------

namespace {

using Wide = __int128;

Wide toWide(double value) {
  // Values here are multiples of 2^-48 below 2^40.
  return Wide(std::ldexp(value, 48)) << 12;
}
int floorLog2(Wide magnitude) {
  int result = -61;
  while (magnitude) {
    magnitude >>= 1;
    ++result;
  }
  return result;
}
/// Cut off, or rounded to nearest even, to multiples of 2^unit.
Wide roundTo(Wide value, int unit, bool nearest) {
  int drop = unit + 60;
  if (drop <= 0)
    return value;
  bool negative = value < 0;
  Wide magnitude = negative ? -value : value, one = Wide(1) << drop;
  Wide rest = magnitude % one;
  magnitude -= rest;
  if (nearest &&
      (2 * rest > one || (2 * rest == one && magnitude / one % 2 != 0)))
    magnitude += one;
  return negative ? -magnitude : magnitude;
}
double toDouble(Wide value) { return std::ldexp(double(value), -60); }

int typeExponent(double value, int least) {
  int exponent;
  std::frexp(value, &exponent);
  return std::max(exponent - 1, least);
}

double referenceBlock(const std::vector<std::pair<float, float>> &factors,
                      double c, unsigned fraction, int floor, int leastA,
                      int leastB, int keptBits, bool half) {
  int largest = floor;
  if (c != 0)
    largest = std::max(largest, typeExponent(c, -126));
  for (auto [a, b] : factors)
    if (a != 0 && b != 0)
      largest =
          std::max(largest, typeExponent(a, leastA) + typeExponent(b, leastB));
  int unit = largest - int(fraction);
  Wide sum = roundTo(toWide(c), unit, false);
  for (auto [a, b] : factors)
    sum += roundTo(toWide(double(a) * double(b)), unit, false);
  int top = floorLog2(sum < 0 ? -sum : sum);
  if (half)
    return toDouble(roundTo(sum, std::max(top, -14) - 10, true));
  return toDouble(roundTo(sum, top - keptBits, false));
}

} // namespace

TEST(MmaMultiply, SlowEqualsWideIntegers) {
  struct Device {
    unsigned sm;
    Type type, d;
    unsigned block, fraction;
    int floor, kept;
  };
  // Numbers as the papers give them, not from the table under test.
  const Device devices[] = {
      {70, Type::F16, Type::F32, 4, 23, -1000, 23},
      {70, Type::F16, Type::F16, 4, 23, -19, 23},
      {75, Type::F16, Type::F32, 8, 24, -1000, 23},
      {80, Type::F16, Type::F32, 8, 24, -132, 23},
      {80, Type::F16, Type::F16, 8, 24, -20, 23},
      {89, Type::F16, Type::F32, 8, 24, -132, 23},
      {89, Type::E4M3, Type::F32, 16, 13, -132, 13},
      {89, Type::E5M2, Type::F32, 16, 13, -132, 13},
      {89, Type::E4M3, Type::F16, 16, 13, -132, 13},
      {90, Type::F16, Type::F32, 16, 25, -133, 23},
      {90, Type::F16, Type::F16, 16, 25, -21, 23},
  };
  auto x = std::make_unique<FloatMatrices>();
  std::mt19937 random(9);
  for (const Device &device : devices)
    for (Mix mix : {Mix::Near, Mix::Spread, Mix::Zeros, Mix::Edge}) {
      Case c = {device.sm, device.type, device.type, device.d, 16, false};
      Values values(5, mix);
      fill(*x, c, values, random);
      bool half = device.d == Type::F16;
      for (auto &row : x->c)
        for (float &value : row) // within what the wide integers hold
          value = std::ldexp(float(int32_t(random())), -38);
      if (half)
        for (auto &row : x->c)
          for (float &value : row)
            value = fromHalf(toHalf(value));
      FloatProduct product = productOf(c);
      multiplyAddSlow(*x, product, addModel(device.sm, device.type, device.d));
      int least = minExponentOf(device.type);
      for (unsigned i = 0; i < 16; ++i)
        for (unsigned j = 0; j < 8; ++j) {
          double sum = x->c[i][j];
          for (unsigned k = 0; k < 16; k += device.block) {
            std::vector<std::pair<float, float>> factors;
            for (unsigned s = k; s < k + device.block; ++s)
              factors.emplace_back(x->a[i][s], x->b[s][j]);
            sum = referenceBlock(factors, sum, device.fraction, device.floor,
                                 least, least, device.kept, half);
            if (half && std::fabs(sum) >= 65520)
              sum = std::copysign(kInfinity, sum);
            if (std::isinf(sum))
              break;
          }
          ASSERT_EQ(x->d[i][j], sum) << describe(c) << " mix " << int(mix)
                                     << " row " << i << " column " << j;
        }
    }
}

// --- By hand ----------------------------------------------------------------

namespace {

float compute(unsigned sm, Type type, Type d,
              const std::vector<std::pair<float, float>> &factors, float c,
              unsigned k = 16) {
  auto x = std::make_unique<FloatMatrices>();
  for (size_t i = 0; i < factors.size(); ++i) {
    x->a[0][i] = factors[i].first;
    x->b[i][0] = factors[i].second;
  }
  x->c[0][0] = c;
  FloatProduct product = productOf({sm, type, type, d, k, false});
  multiplyAdd(*x, product, addModel(sm, type, d));
  return x->d[0][0];
}
float compute(unsigned sm, const std::vector<float> &products, float c) {
  std::vector<std::pair<float, float>> factors;
  for (float product : products)
    factors.emplace_back(product, 1.0f);
  return compute(sm, Type::F16, Type::F32, factors, c);
}

} // namespace

// Fasi et al., section 4: what is cut off, and where it is not.
TEST(MmaMultiply, CutsOffBelowTheLargest) {
  // Each 2^-24 is one unit of the 24 bits kept beside 1: none is lost, though
  // adding them one by one in f32 would lose all.
  float tiny = 0x1p-24f;
  EXPECT_EQ(compute(80, {tiny, tiny, tiny, tiny}, 1), 1 + 4 * tiny);
  // V100 keeps 23.
  EXPECT_EQ(compute(70, {tiny, tiny, tiny, tiny}, 1), 1);
  // Below that they vanish, one by one.
  std::vector<std::pair<float, float>> smaller(4, {tiny, 0.5f});
  EXPECT_EQ(compute(80, Type::F16, Type::F32, smaller, 1), 1);
  // H100 keeps one bit more.
  EXPECT_EQ(compute(90, Type::F16, Type::F32, smaller, 1), 1 + 2 * tiny);
  // The result is cut off, not rounded.
  EXPECT_EQ(compute(80, {tiny}, 1), 1);
  EXPECT_EQ(compute(80, {tiny, tiny, tiny}, 1), 1 + 2 * tiny);
  // Negative: towards zero.
  EXPECT_EQ(compute(80, {-tiny}, -1), -1);
  // Large values cancel within a block, but hide the small ones beside them.
  EXPECT_EQ(compute(80, {0x1p15f, -0x1p15f, 0x1p-14f}, 0), 0);
  EXPECT_EQ(compute(80, {0x1p9f, -0x1p9f, 0x1p-14f}, 0), 0x1p-14f);
}

TEST(MmaMultiply, BlocksOfADevice) {
  // The cancellation happens before the small value comes, if that is in the
  // next block.
  for (unsigned at : {3u, 4u, 7u, 8u, 15u}) {
    std::vector<float> products(16, 0.0f);
    products[0] = 0x1p15f;
    products[1] = -0x1p15f;
    products[at] = 0x1p-14f;
    EXPECT_EQ(compute(70, products, 0), at < 4 ? 0 : 0x1p-14f);
    EXPECT_EQ(compute(80, products, 0), at < 8 ? 0 : 0x1p-14f);
    EXPECT_EQ(compute(90, products, 0), 0);
  }
}

TEST(MmaMultiply, HalfResultsRoundToNearest) {
  auto half = [](const std::vector<std::pair<float, float>> &factors, float c) {
    return compute(80, Type::F16, Type::F16, factors, c, 8);
  };
  // Ties to even.
  EXPECT_EQ(half({{0x1p-11f, 1}}, 1), 1);
  EXPECT_EQ(half({{0x1p-11f, 1}}, 1 + 0x1p-10f), 1 + 0x1p-9f);
  // A bit far below a tie decides; cutting off to f32 first would lose it.
  EXPECT_EQ(half({{0x1p-11f, 1}, {0x1p-12f, 0x1p-12f}}, 1), 1 + 0x1p-10f);
  EXPECT_EQ(half({{60000, 2}}, 0), kInfinity);
  EXPECT_EQ(half({{-60000, 2}}, 0), -kInfinity);
  // Subnormal results.
  EXPECT_EQ(half({{0x1p-12f, 0x1p-12f}}, 0), 0x1p-24f);
  EXPECT_EQ(half({{0x1p-12f, 0x1p-13f}}, 0), 0);
  EXPECT_EQ(half({{0x1.8p-12f, 0x1p-12f}}, 0), 0x1p-23f);
}

TEST(MmaMultiply, HalfResultsRoundAfterEachBlock) {
  std::vector<std::pair<float, float>> factors(16, {0.0f, 0.0f});
  factors[0] = {0x1p-12f, 1};
  factors[8] = {0x1p-12f, 1};
  // Each a quarter of a unit, lost twice on A100; added together on H100 they
  // make a tie, which goes to even, as does any first.
  EXPECT_EQ(compute(80, Type::F16, Type::F16, factors, 1 + 0x1p-10f),
            1 + 0x1p-10f);
  EXPECT_EQ(compute(90, Type::F16, Type::F16, factors, 1 + 0x1p-10f),
            1 + 0x1p-9f);
}

// SageAttention 2, arXiv 2411.10958, section 3.3.
TEST(MmaMultiply, Fp8OfAdaKeepsThirteenBits) {
  float c = 1 + 0x1p-13f + 0x1p-14f;
  EXPECT_EQ(compute(89, Type::E4M3, Type::F32, {}, c), 1 + 0x1p-13f);
  // Of larger sums, too.
  EXPECT_EQ(compute(89, Type::E4M3, Type::F32, {{1, 1}}, 1 + 0x1p-13f), 2);
}

// On H100 mma of fp8 goes through f16, with C added last, to nearest.
TEST(MmaMultiply, Fp8OfHopperGoesThroughHalf) {
  float c = 1 + 0x1p-13f + 0x1p-14f;
  EXPECT_EQ(compute(90, Type::E4M3, Type::F32, {}, c), c);
  // Half a unit of C: rounded to even, not cut off.
  std::vector<std::pair<float, float>> small = {{0x1p-6f, 0x1p-7f}};
  EXPECT_EQ(compute(90, Type::E4M3, Type::F32, small, 0x1p11f), 0x1p11f);
  EXPECT_EQ(compute(90, Type::E4M3, Type::F32, small, 0x1p11f + 0x1p-12f),
            0x1p11f + 0x1p-11f);
  // Columns 0 and 1 of each four are one block, 2 and 3 the other.
  auto apart = [](unsigned first, unsigned second, unsigned small) {
    std::vector<std::pair<float, float>> factors(32, {0.0f, 0.0f});
    factors[first] = {256, 256};
    factors[second] = {-256, 256};
    factors[small] = {0x1p-9f, 0x1p-9f};
    return compute(90, Type::E4M3, Type::F32, factors, 0, 32);
  };
  EXPECT_EQ(apart(0, 5, 29), 0);
  EXPECT_EQ(apart(0, 5, 30), 0x1p-18f);
  EXPECT_EQ(apart(2, 7, 30), 0);
}

TEST(MmaMultiply, SpecialValues) {
  auto bits = [](float value) { return std::bit_cast<uint32_t>(value); };
  for (unsigned sm : {70u, 80u, 90u}) {
    EXPECT_EQ(compute(sm, {kInfinity, 1}, 2), kInfinity);
    EXPECT_EQ(compute(sm, {1}, -kInfinity), -kInfinity);
    EXPECT_EQ(bits(compute(sm, {kInfinity, -kInfinity}, 0)), kNaN);
    EXPECT_EQ(bits(compute(sm, {kInfinity}, -kInfinity)), kNaN);
    float nan = std::bit_cast<float>(0xffc12345u);
    EXPECT_EQ(bits(compute(sm, {nan}, 0)), kNaN);
    EXPECT_EQ(bits(compute(sm, {1}, nan)), kNaN);
    EXPECT_EQ(bits(compute(sm, Type::F16, Type::F32, {{kInfinity, 0.0f}}, 1)),
              kNaN);
    // Zero is positive, also of negative zeros.
    EXPECT_EQ(bits(compute(sm, {-0.0f}, -0.0f)), 0u);
    EXPECT_EQ(bits(compute(sm, {1, -1}, 0)), 0u);
    // Overflow is infinity, although results are cut off.
    EXPECT_EQ(compute(sm, Type::BF16, Type::F32, {{0x1p127f, 1}}, 0x1p127f),
              kInfinity);
    // Subnormals of f32 are kept.
    EXPECT_EQ(compute(sm, {}, 0x1p-149f), 0x1p-149f);
    EXPECT_EQ(compute(sm, Type::BF16, Type::F32, {{0x1p-100f, 0x1p-45f}}, 0),
              0x1p-145f);
  }
}

// Everything exact, one rounding: against sums in wide integers.
TEST(MmaMultiply, ExactRoundsOnce) {
  std::mt19937 random(5);
  auto x = std::make_unique<FloatMatrices>();
  for (bool half : {false, true})
    for (int trial = 0; trial < 200; ++trial) {
      *x = {};
      // Values are integers times 2^-20 below 2^3: sums fit 128 bits exactly.
      Wide sum = 0;
      for (unsigned i = 0; i < 16; ++i) {
        auto a = int64_t(random() % (1u << 24)) - (1 << 23),
             b = int64_t(random() % (1u << 24)) - (1 << 23);
        x->a[0][i] = std::ldexp(float(a), -20);
        x->b[i][0] = std::ldexp(float(b), -20);
        sum += Wide(a) * b << 20;
      }
      AddModel model;
      model.exact = true;
      FloatProduct product;
      product.k = product.depth = 16;
      product.halfResult = half;
      multiplyAdd(*x, product, model);
      int top = floorLog2(sum < 0 ? -sum : sum);
      EXPECT_EQ(x->d[0][0],
                toDouble(roundTo(sum, top - (half ? 10 : 23), true)));
    }
}
