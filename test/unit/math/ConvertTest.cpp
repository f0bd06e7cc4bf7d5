//===- ConvertTest.cpp - Conversions and guarded divisions ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kernels/Math/Convert.h against the compiler's own conversions: f16 and bf16
// over all their values and around every tie, float to integer at every edge,
// division by 0 and -1.
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Convert.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "test/unit/math/Harness.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::test;

namespace {

enum Kind { F64, F32, F16, BF16 };
constexpr const char *kNames[] = {"f64", "f32", "f16", "bf16"};

class ConvertTest : public testing::Test {
protected:
  KernelContext kernels;
  std::vector<OwningOpRef<ModuleOp>> modules;
  std::unique_ptr<Library> library;
  OpBuilder b{&kernels.context};

  FloatType floatType(Kind kind) {
    switch (kind) {
    case F64:
      return b.getF64Type();
    case F32:
      return b.getF32Type();
    case F16:
      return b.getF16Type();
    case BF16:
      return b.getBF16Type();
    }
    return {};
  }

  void add(const std::string &name, std::vector<Type> inputs, Type output,
           std::function<Value(OpBuilder &, Location, ValueRange)> body,
           unsigned lanes = 8) {
    modules.push_back(
        buildElementwise(kernels, {name, inputs, output, lanes, body}));
  }

  void compile() {
    library = compileAndOpen(kernels, std::move(modules));
    ASSERT_TRUE(library);
  }

  template <typename Out>
  std::vector<Out> run(const std::string &name,
                       std::vector<const void *> inputs, size_t count) {
    std::vector<Out> output(count);
    std::vector<void *> buffers;
    for (const void *input : inputs)
      buffers.push_back(const_cast<void *>(input));
    buffers.push_back(output.data());
    TenonKernelFunction kernel = library->find(name);
    EXPECT_TRUE(kernel) << name;
    if (kernel)
      kernel(buffers.data(), nullptr, 0, int64_t(count), nullptr, nullptr);
    return output;
  }
};

/// Doubles at and around each f16 or bf16 value and each tie between two.
template <typename Value>
std::vector<double> samples(Value valueOf, uint32_t count) {
  std::vector<double> x;
  for (uint32_t bits = 0; bits + 1 < count; ++bits) {
    double here = valueOf(bits), next = valueOf(bits + 1);
    double tie = std::isinf(next) ? here * (1 + 0x1p-12) : (here + next) / 2;
    for (double v : {here, tie, std::nextafter(tie, 0.0),
                     std::nextafter(tie, 1e300), -tie})
      x.push_back(v);
  }
  for (double v : {1e300, -1e300, double(INFINITY), -double(INFINITY),
                   double(NAN), 1e-300, -1e-320, -0.0, 65519.99, 65520.0,
                   65520.01, 0x1p-25, 0x1.0000001p-25, 3.4e38, 3.39e38})
    x.push_back(v);
  while (x.size() % 8)
    x.push_back(1);
  return x;
}

TEST_F(ConvertTest, Floats) {
  for (Kind from : {F64, F32, F16, BF16})
    for (Kind to : {F64, F32, F16, BF16})
      for (unsigned lanes : {8u, 0u})
        add(
            std::string(kNames[from]) + "_" + kNames[to] +
                (lanes ? "" : "_scalar"),
            {floatType(from)}, floatType(to),
            [=, this](OpBuilder &b, Location loc, ValueRange v) {
              return emitFloatCast(b, loc, v[0], floatType(to));
            },
            lanes);
  compile();
  auto f16 = [](uint32_t bits) {
    return double(std::bit_cast<_Float16>(uint16_t(bits)));
  };
  auto bf16 = [](uint32_t bits) {
    return double(std::bit_cast<float>(bits << 16));
  };
  for (const char *suffix : {"", "_scalar"}) {
    std::vector<double> x = samples(f16, 0x7c01);
    std::vector<float> xf(x.begin(), x.end());
    auto y =
        run<uint16_t>(std::string("f64_f16") + suffix, {x.data()}, x.size());
    auto yf =
        run<uint16_t>(std::string("f32_f16") + suffix, {xf.data()}, xf.size());
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i])) {
        EXPECT_TRUE((y[i] & 0x7c00) == 0x7c00 && (y[i] & 0x3ff));
        continue;
      }
      EXPECT_EQ(y[i], std::bit_cast<uint16_t>(_Float16(x[i]))) << x[i];
      EXPECT_EQ(yf[i], std::bit_cast<uint16_t>(_Float16(xf[i]))) << xf[i];
    }
    x = samples(bf16, 0x7f81);
    xf.assign(x.begin(), x.end());
    y = run<uint16_t>(std::string("f64_bf16") + suffix, {x.data()}, x.size());
    yf =
        run<uint16_t>(std::string("f32_bf16") + suffix, {xf.data()}, xf.size());
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i])) {
        EXPECT_TRUE((y[i] & 0x7f80) == 0x7f80 && (y[i] & 0x7f));
        EXPECT_TRUE((yf[i] & 0x7f80) == 0x7f80 && (yf[i] & 0x7f));
        continue;
      }
      EXPECT_EQ(y[i], nearestBf16(x[i])) << x[i];
      EXPECT_EQ(yf[i], nearestBf16(xf[i])) << xf[i];
    }
    // The way back is exact.
    std::vector<uint16_t> all(1 << 16);
    for (size_t i = 0; i < all.size(); ++i)
      all[i] = uint16_t(i);
    auto wide =
        run<double>(std::string("f16_f64") + suffix, {all.data()}, all.size());
    auto wideB =
        run<double>(std::string("bf16_f64") + suffix, {all.data()}, all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      if (!std::isnan(f16(i)))
        EXPECT_EQ(wide[i], f16(i));
      if (!std::isnan(bf16(i)))
        EXPECT_EQ(wideB[i], bf16(i));
    }
  }
}

template <typename Int> Int saturate(double x) {
  if (std::isnan(x))
    return 0;
  x = std::trunc(x);
  if (x <= double(std::numeric_limits<Int>::min()))
    return std::numeric_limits<Int>::min();
  // 2^63 and 2^64 are the rounded maxima: exact comparisons.
  if (x >= double(std::numeric_limits<Int>::max()))
    return std::numeric_limits<Int>::max();
  return Int(x);
}

TEST_F(ConvertTest, FloatToInteger) {
  for (Kind from : {F64, F32})
    for (unsigned bits : {1, 8, 16, 32, 64})
      for (bool isSigned : {false, true})
        add(std::string(kNames[from]) + (isSigned ? "_s" : "_u") +
                std::to_string(bits),
            {floatType(from)}, b.getIntegerType(bits == 1 ? 8 : bits),
            [=](OpBuilder &b, Location loc, ValueRange v) -> Value {
              Value y = emitFloatToInt(b, loc, v[0], b.getIntegerType(bits),
                                       isSigned);
              if (bits > 1)
                return y;
              auto type = cast<VectorType>(y.getType()).clone(b.getI8Type());
              return arith::ExtUIOp::create(b, loc, type, y);
            });
  compile();
  std::vector<double> x = {0,         -0.0,   .5,    -.5,   .999,
                           -.999,     1,      -1,    NAN,   INFINITY,
                           -INFINITY, 1e-310, 1e300, -1e300};
  for (int power : {7, 8, 15, 16, 31, 32, 63, 64})
    for (double sign : {1.0, -1.0})
      for (double delta : {-1.5, -1.0, -.5, 0.0, .5, 1.0, 1.5})
        x.push_back(sign * std::ldexp(1.0, power) + delta);
  for (int power : {31, 63, 64})
    for (double sign : {1.0, -1.0}) {
      double edge = sign * std::ldexp(1.0, power);
      x.push_back(std::nextafter(edge, 0.0));
      x.push_back(double(std::nextafter(float(edge), 0.0f)));
    }
  while (x.size() % 8)
    x.push_back(3.7);
  std::vector<float> xf(x.begin(), x.end());
  auto check = [&]<typename Int>(const std::string &suffix, Int) {
    auto y = run<Int>("f64" + suffix, {x.data()}, x.size());
    auto yf = run<Int>("f32" + suffix, {xf.data()}, xf.size());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(y[i], saturate<Int>(x[i])) << suffix << " of " << x[i];
      EXPECT_EQ(yf[i], saturate<Int>(xf[i])) << suffix << " of f32 " << xf[i];
    }
  };
  check("_s8", int8_t());
  check("_u8", uint8_t());
  check("_s16", int16_t());
  check("_u16", uint16_t());
  check("_s32", int32_t());
  check("_u32", uint32_t());
  check("_s64", int64_t());
  check("_u64", uint64_t());
  auto y = run<uint8_t>("f64_s1", {x.data()}, x.size());
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(y[i], x[i] != 0) << x[i];
}

TEST_F(ConvertTest, IntegerToFloat) {
  for (Kind to : {F64, F32, F16, BF16})
    for (bool isSigned : {false, true})
      add(std::string(isSigned ? "s64_" : "u64_") + kNames[to],
          {b.getI64Type()}, floatType(to),
          [=, this](OpBuilder &b, Location loc, ValueRange v) {
            return emitIntToFloat(b, loc, v[0], floatType(to), isSigned);
          });
  compile();
  std::mt19937_64 random(5);
  std::vector<uint64_t> x = {
      0,        1,     ~uint64_t(0), uint64_t(1) << 63, (uint64_t(1) << 63) - 1,
      16777217, 65519, 65520};
  for (int i = 0; i < 4096; ++i) {
    uint64_t v = random() >> (random() % 64);
    // Ties of bf16 (8 bits) and their neighbours, where rounding twice errs.
    if (i % 2) {
      int shift = int(random() % 54);
      v = ((random() % 128 + 128) * 2 + 1) << shift;
      v += random() % 3 - 1;
    }
    x.push_back(i % 4 < 2 ? v : -v);
  }
  size_t n = x.size();
  auto same = [&](const std::string &name, auto expected, auto element) {
    auto y = run<decltype(element)>(name, {x.data()}, n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(y[i], expected(x[i])) << name << " of " << x[i];
  };
  same("s64_f64", [](uint64_t v) { return double(int64_t(v)); }, double());
  same("u64_f64", [](uint64_t v) { return double(v); }, double());
  same("s64_f32", [](uint64_t v) { return float(int64_t(v)); }, float());
  same("u64_f32", [](uint64_t v) { return float(v); }, float());
  // Exact in long double, whose rounding to a sticky double keeps ties apart.
  auto sticky = [](long double v) {
    double d = double(v);
    if ((long double)d == v)
      return d;
    uint64_t bits = std::bit_cast<uint64_t>(d);
    bool away = std::fabs((long double)d) > std::fabs(v);
    return (bits & 1) ? d : std::bit_cast<double>(away ? bits - 1 : bits + 1);
  };
  same(
      "s64_bf16", [&](uint64_t v) { return nearestBf16(sticky(int64_t(v))); },
      uint16_t());
  same(
      "u64_bf16", [&](uint64_t v) { return nearestBf16(sticky(v)); },
      uint16_t());
  same(
      "s64_f16",
      [&](uint64_t v) {
        return std::bit_cast<uint16_t>(_Float16(sticky(int64_t(v))));
      },
      uint16_t());
}

TEST_F(ConvertTest, Divisions) {
  using Emit = GuardedDivision (*)(OpBuilder &, Location, Value, Value);
  const std::pair<const char *, Emit> all[] = {{"divS", emitDivS},
                                               {"divU", emitDivU},
                                               {"remS", emitRemS},
                                               {"floorMod", emitFloorModS},
                                               {"remU", emitRemU}};
  for (auto [name, emit] : all) {
    add(name, {b.getI32Type(), b.getI32Type()}, b.getI32Type(),
        [emit = emit](OpBuilder &b, Location loc, ValueRange v) {
          return emit(b, loc, v[0], v[1]).result;
        });
    add(std::string(name) + "Zero", {b.getI32Type(), b.getI32Type()},
        b.getI32Type(),
        [emit = emit](OpBuilder &b, Location loc, ValueRange v) -> Value {
          return arith::ExtUIOp::create(b, loc, v[0].getType(),
                                        emit(b, loc, v[0], v[1]).divisorIsZero);
        });
  }
  compile();
  std::vector<int32_t> values = {0,       1,  -1,  2,  -2,        7,
                                 -7,      3,  -3,  10, INT32_MIN, INT32_MAX,
                                 1000003, -5, -10, 64};
  std::vector<int32_t> x, y;
  for (int32_t a : values)
    for (int32_t c : values) {
      x.push_back(a);
      y.push_back(c);
    }
  std::vector<std::vector<int32_t>> results;
  for (auto [name, emit] : all) {
    results.push_back(run<int32_t>(name, {x.data(), y.data()}, x.size()));
    auto zero = run<int32_t>(std::string(name) + "Zero", {x.data(), y.data()},
                             x.size());
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(zero[i], y[i] == 0) << name;
  }
  for (size_t i = 0; i < x.size(); ++i) {
    int64_t a = x[i], c = y[i];
    uint32_t ua = uint32_t(x[i]), uc = uint32_t(y[i]);
    std::string what = std::to_string(a) + " and " + std::to_string(c);
    EXPECT_EQ(results[0][i], c ? int32_t(a / c) : 0) << what;
    EXPECT_EQ(uint32_t(results[1][i]), uc ? ua / uc : 0) << what;
    EXPECT_EQ(results[2][i], c ? int32_t(a % c) : 0) << what;
    EXPECT_EQ(results[3][i], c ? int32_t(((a % c) + c) % c) : 0) << what;
    EXPECT_EQ(uint32_t(results[4][i]), uc ? ua % uc : 0) << what;
  }
}

} // namespace
