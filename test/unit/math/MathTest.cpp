//===- MathTest.cpp - Errors and special values of kernels/Math -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each function as a kernel on f32 (every 97th bit pattern of all 2^32) against
// the C library in double, and on f64 (samples) against it in long double. The
// bounds are those that kernels/Math/Math.h states. Also: scalars give the bits
// of vectors; zeros, infinities and NaN are C's.
//
//===----------------------------------------------------------------------===//
#include "kernels/Math/Math.h"
#include "test/unit/math/Harness.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::test;

namespace {

using Emit = Value (*)(OpBuilder &, Location, Value);
using Reference = long double (*)(long double);
using Reference32 = double (*)(double);

struct Function {
  const char *name;
  Emit emit;
  Reference32 reference32;
  Reference reference64;
  /// Largest error in ulp; 0 = no f64 test.
  double ulp32, ulp64;
  /// Arguments of the f64 samples.
  double low64, high64;
};

double sigmoid(double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
long double sigmoidl(long double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
double softplus(double x) {
  return (x > 0 ? x : x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x)));
}
long double softplusl(long double x) {
  return (x > 0 ? x : x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x)));
}
double rsqrt(double x) { return 1 / std::sqrt(x); }
long double rsqrtl(long double x) { return 1 / std::sqrt(x); }

#define BOTH(f) static_cast<Reference32>(f), static_cast<Reference>(f)
const Function kFunctions[] = {
    {"exp", emitExp, BOTH(std::exp), 0.9, 0.9, -745, 710},
    {"exp2", emitExp2, BOTH(std::exp2), 1.1, 1.1, -1074, 1024},
    {"expm1", emitExpm1, BOTH(std::expm1), 0.51, 1.5, -40, 710},
    {"log", emitLog, BOTH(std::log), 0.8, 0.8, 0, 20},
    {"log1p", emitLog1p, BOTH(std::log1p), 0.51, 1.5, -1, 20},
    {"tanh", emitTanh, BOTH(std::tanh), 1.5, 1.5, -20, 20},
    {"sigmoid", emitSigmoid, sigmoid, sigmoidl, 2.3, 2.1, -50, 50},
    {"softplus", emitSoftplus, softplus, softplusl, 0.51, 1.8, -50, 50},
    {"erf", emitErf, BOTH(std::erf), 1.25, 1, -7, 7},
    {"sin", emitSin, BOTH(std::sin), 0.51, 1.5, -1e5, 1e5},
    {"cos", emitCos, BOTH(std::cos), 0.51, 1.5, -1e5, 1e5},
    {"tan", emitTan, BOTH(std::tan), 0.51, 3.2, -1e5, 1e5},
    {"asin", emitAsin, BOTH(std::asin), 0.51, 2.1, -1, 1},
    {"acos", emitAcos, BOTH(std::acos), 0.51, 1.1, -1, 1},
    {"atan", emitAtan, BOTH(std::atan), 0.51, 1.5, -10, 10},
    {"sinh", emitSinh, BOTH(std::sinh), 0.51, 3.4, -710.4, 710.4},
    {"cosh", emitCosh, BOTH(std::cosh), 0.51, 2.6, -710.4, 710.4},
    {"asinh", emitAsinh, BOTH(std::asinh), 0.51, 1.8, -1e9, 1e9},
    {"acosh", emitAcosh, BOTH(std::acosh), 0.51, 2, 1, 1e9},
    {"atanh", emitAtanh, BOTH(std::atanh), 0.51, 2.1, -1, 1},
    {"sqrt", emitSqrt, BOTH(std::sqrt), .5, .5, 0, 1e300},
    {"rsqrt", emitRsqrt, rsqrt, rsqrtl, 1.5, 1.5, 0, 1e300},
    {"roundEven", emitRoundEven, BOTH(std::nearbyint), 0, 0, -1e6, 1e6},
    {"floor", emitFloor, BOTH(std::floor), 0, 0, -1e6, 1e6},
    {"ceil", emitCeil, BOTH(std::ceil), 0, 0, -1e6, 1e6},
    {"trunc", emitTrunc, BOTH(std::trunc), 0, 0, -1e6, 1e6},
};
#undef BOTH

constexpr int kCount = std::size(kFunctions);

/// Ulps of T (exponent clamped to its normal range) between a result and the
/// exact value; infinity if one is NaN, infinite or zero-signed otherwise.
template <typename T> double ulps(T result, long double exact) {
  const double infinity = std::numeric_limits<double>::infinity();
  if (std::isnan(result) || std::isnan(exact))
    return std::isnan(result) && std::isnan(exact) ? 0 : infinity;
  T rounded = T(exact);
  if (result == rounded)
    return std::signbit(result) == std::signbit(rounded)
               ? std::isinf(result)
                     ? 0
                     : double(
                           std::fabs((long double)result - exact) /
                           std::ldexp(
                               1.0L,
                               std::max(exact == 0 ? -99999 : std::ilogb(exact),
                                        std::numeric_limits<T>::min_exponent -
                                            1) -
                                   std::numeric_limits<T>::digits + 1))
               : infinity;
  if (std::isinf(result) || std::isinf(rounded)) {
    // One of them overflowed: near the largest number that is a rounding error.
    long double largest = std::numeric_limits<T>::max();
    long double finite =
        std::isinf(result) ? std::fabs(exact) : std::fabs((long double)result);
    long double ulp = largest - std::nextafter(T(largest), T(0));
    return std::isinf(exact) ? infinity
                             : double((largest + ulp - finite) / ulp);
  }
  int exponent = std::max(exact == 0 ? -99999 : std::ilogb(exact),
                          std::numeric_limits<T>::min_exponent - 1);
  long double ulp =
      std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits + 1);
  return double(std::fabs((long double)result - exact) / ulp);
}

/// All functions compiled once: NAME_f32, NAME_f64, NAME_scalar, and a few
/// more.
class Compiled {
public:
  static Compiled &get() {
    static Compiled compiled;
    return compiled;
  }
  KernelContext kernels;
  std::unique_ptr<Library> library;

  template <typename T>
  void run(const std::string &name, std::vector<const void *> inputs, T *output,
           size_t count) {
    std::vector<void *> buffers;
    for (const void *input : inputs)
      buffers.push_back(const_cast<void *>(input));
    buffers.push_back(output);
    TenonKernelFunction kernel = library->find(name);
    ASSERT_TRUE(kernel) << name;
    EXPECT_EQ(
        kernel(buffers.data(), nullptr, 0, int64_t(count), nullptr, nullptr),
        TENON_KERNEL_OK);
  }

private:
  Compiled() {
    OpBuilder b(&kernels.context);
    std::vector<OwningOpRef<ModuleOp>> modules;
    auto unary = [&](const std::string &name, Type type, unsigned lanes,
                     Emit emit) {
      modules.push_back(buildElementwise(
          kernels, {name,
                    {type},
                    type,
                    lanes,
                    [=](OpBuilder &b, Location loc, ValueRange v) {
                      return emit(b, loc, v[0]);
                    }}));
    };
    for (const Function &function : kFunctions) {
      std::string name = function.name;
      unary(name + "_f32", b.getF32Type(), 8, function.emit);
      unary(name + "_f64", b.getF64Type(), 4, function.emit);
      unary(name + "_scalar", b.getF32Type(), 0, function.emit);
    }
    unary("gelu_f32", b.getF32Type(), 8, emitGelu);
    unary("geluTanh_f32", b.getF32Type(), 8, emitGeluTanh);
    unary("silu_f32", b.getF32Type(), 8, emitSilu);
    unary("expNonPositive_f32", b.getF32Type(), 8, emitExpNonPositive);
    unary("tanh_f16", b.getF16Type(), 8, emitTanh);
    unary("tanh_bf16", b.getBF16Type(), 8, emitTanh);
    for (auto [name, type, lanes] :
         {std::tuple("pow_f32", Type(b.getF32Type()), 8u),
          std::tuple("pow_f64", Type(b.getF64Type()), 4u)})
      modules.push_back(buildElementwise(
          kernels, {name,
                    {type, type},
                    type,
                    lanes,
                    [](OpBuilder &b, Location loc, ValueRange v) {
                      return emitPow(b, loc, v[0], v[1]);
                    }}));
    library = compileAndOpen(kernels, std::move(modules));
  }
};

class MathTest : public testing::TestWithParam<int> {
protected:
  const Function &function = kFunctions[GetParam()];
};

/// Calls `check(x[], y[])` with blocks of every 97th float.
template <typename Check>
void forEveryFloat(const std::string &kernel, Check check) {
  constexpr size_t block = 1 << 15;
  std::vector<float> x(block), y(block);
  uint64_t pattern = 0;
  while (pattern < uint64_t(1) << 32) {
    for (float &value : x) {
      value = std::bit_cast<float>(uint32_t(pattern));
      pattern += 97;
    }
    Compiled::get().run(kernel, {x.data()}, y.data(), block);
    for (size_t i = 0; i < block; ++i)
      check(x[i], y[i]);
  }
}

TEST_P(MathTest, ErrorF32) {
  ASSERT_TRUE(Compiled::get().library);
  double worst = 0;
  float worstAt = 0, worstResult = 0;
  forEveryFloat(std::string(function.name) + "_f32", [&](float x, float y) {
    double exact = function.reference32(x);
    // Most results are the rounded exact value: cheap to see.
    if (y == float(exact) && function.ulp32 >= .5 && y != 0)
      return;
    double error = ulps<float>(y, exact);
    if (error > worst) {
      worst = error;
      worstAt = x;
      worstResult = y;
    }
  });
  RecordProperty("ulp", std::to_string(worst));
  printf("    %s f32: %.3f ulp at %a\n", function.name, worst, worstAt);
  EXPECT_LE(worst, function.ulp32)
      << worstAt << " gives " << worstResult << ", expected "
      << function.reference32(worstAt);
}

TEST_P(MathTest, ErrorF64) {
  ASSERT_TRUE(Compiled::get().library);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(function.low64,
                                                 function.high64);
  constexpr size_t count = 1 << 18;
  std::vector<double> x(count), y(count);
  for (size_t i = 0; i < count; ++i) {
    x[i] = uniform(random);
    // Half of them near zero, or near where the range ends.
    if (i % 4 == 0)
      x[i] = std::ldexp(x[i], -int(random() % 60));
    if (i % 4 == 1 && function.low64 >= -1 && function.low64 != 0)
      x[i] = function.low64 +
             std::ldexp(uniform(random) - function.low64, -int(random() % 40));
  }
  Compiled::get().run(std::string(function.name) + "_f64", {x.data()}, y.data(),
                      count);
  double worst = 0, worstAt = 0, worstResult = 0;
  for (size_t i = 0; i < count; ++i) {
    double error = ulps<double>(y[i], function.reference64(x[i]));
    if (error > worst) {
      worst = error;
      worstAt = x[i];
      worstResult = y[i];
    }
  }
  printf("    %s f64: %.3f ulp at %a\n", function.name, worst, worstAt);
  EXPECT_LE(worst, function.ulp64)
      << worstAt << " gives " << worstResult << ", expected "
      << double(function.reference64(worstAt));
}

TEST_P(MathTest, SpecialValues) {
  ASSERT_TRUE(Compiled::get().library);
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> x = {0,      inf,     NAN,      1,     2,      0x1p-149f,
                          1e-40f, 3.4e38f, 0x1p127f, 88.7f, 89,     104,
                          0.5f,   710,     1e4f,     0.95f, 1e-20f, 16};
  for (size_t i = 0, n = x.size(); i < n; ++i)
    x.push_back(-x[i]);
  x.resize((x.size() + 7) / 8 * 8, 1.0f);
  std::vector<float> y(x.size());
  Compiled::get().run(std::string(function.name) + "_f32", {x.data()}, y.data(),
                      x.size());
  std::vector<double> wide(x.begin(), x.end()), wideY(x.size());
  Compiled::get().run(std::string(function.name) + "_f64", {wide.data()},
                      wideY.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_LE(ulps<float>(y[i], function.reference32(x[i])), function.ulp32)
        << x[i] << " gives " << y[i];
    bool circular =
        llvm::is_contained({emitSin, emitCos, emitTan}, function.emit);
    if (circular && std::fabs(x[i]) > 0x1p27f && !std::isinf(x[i]))
      continue;
    EXPECT_LE(ulps<double>(wideY[i], function.reference64(x[i])),
              function.ulp64)
        << x[i] << " gives " << wideY[i] << " in f64";
  }
}

TEST_P(MathTest, ScalarGivesTheBitsOfVector) {
  ASSERT_TRUE(Compiled::get().library);
  std::mt19937 random(2);
  constexpr size_t count = 1 << 14;
  std::vector<float> x(count), vector(count), scalar(count);
  for (float &value : x)
    value = std::bit_cast<float>(uint32_t(random()));
  Compiled::get().run(std::string(function.name) + "_f32", {x.data()},
                      vector.data(), count);
  Compiled::get().run(std::string(function.name) + "_scalar", {x.data()},
                      scalar.data(), count);
  for (size_t i = 0; i < count; ++i)
    if (!std::isnan(vector[i]) || !std::isnan(scalar[i]))
      EXPECT_EQ(std::bit_cast<uint32_t>(vector[i]),
                std::bit_cast<uint32_t>(scalar[i]))
          << x[i];
}

INSTANTIATE_TEST_SUITE_P(All, MathTest, testing::Range(0, kCount),
                         [](const auto &info) {
                           return std::string(kFunctions[info.param].name);
                         });

/// Of functions whose left tail is small by cancellation.
void checkActivation(const std::string &name, double (*reference)(double)) {
  ASSERT_TRUE(Compiled::get().library);
  double worst = 0;
  float worstAt = 0;
  forEveryFloat(name, [&](float x, float y) {
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(y));
      return;
    }
    double exact = std::isinf(x) ? (x > 0 ? x : -0.0) : reference(x);
    if (float(exact) == y)
      return;
    double scale = std::max(std::fabs(exact), std::fabs(double(x)) / 4);
    double ulp = std::ldexp(1.0, std::max(std::ilogb(scale), -126) - 23);
    double error = std::fabs(y - exact) / ulp;
    if (!(error <= worst)) {
      worst = error;
      worstAt = x;
    }
  });
  printf("    %s: %.3f ulp at %a\n", name.c_str(), worst, worstAt);
  EXPECT_LE(worst, 2.5) << worstAt;
}

TEST(Activation, Gelu) {
  checkActivation("gelu_f32", [](double x) {
    return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  });
}
TEST(Activation, GeluTanh) {
  checkActivation("geluTanh_f32", [](double x) {
    double w = 1.5957691216057307 * (x + 0.044715 * x * x * x);
    return x * sigmoid(w);
  });
}
TEST(Activation, Silu) {
  checkActivation("silu_f32", [](double x) { return x * sigmoid(x); });
}

TEST(Exp, NonPositive) {
  ASSERT_TRUE(Compiled::get().library);
  double worst = 0;
  forEveryFloat("expNonPositive_f32", [&](float x, float y) {
    if (x > 0)
      return;
    if (x < -87) {
      EXPECT_EQ(y, 0) << x;
      return;
    }
    worst = std::max(worst, ulps<float>(y, std::exp(double(x))));
  });
  EXPECT_LE(worst, 1);
}

TEST(Narrow, TanhOfF16AndBf16) {
  ASSERT_TRUE(Compiled::get().library);
  std::vector<uint16_t> x(1 << 16), y(1 << 16);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = uint16_t(i);
  Compiled::get().run("tanh_f16", {x.data()}, y.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    _Float16 in = std::bit_cast<_Float16>(x[i]);
    if (in != in)
      continue;
    // One ulp of f16: the f32 result may lie near a tie.
    double exact = std::tanh(double(in));
    double error = std::fabs(double(std::bit_cast<_Float16>(y[i])) - exact);
    EXPECT_LE(error, std::ldexp(0.501, std::max(std::ilogb(exact), -14) - 10));
  }
  Compiled::get().run("tanh_bf16", {x.data()}, y.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    float in = std::bit_cast<float>(uint32_t(x[i]) << 16);
    if (in != in || in == 0)
      continue;
    double exact = std::tanh(double(in));
    double error =
        std::fabs(double(std::bit_cast<float>(uint32_t(y[i]) << 16)) - exact);
    EXPECT_LE(error, std::ldexp(0.501, std::max(std::ilogb(exact), -126) - 7));
  }
}

TEST(Pow, ErrorF32) {
  ASSERT_TRUE(Compiled::get().library);
  std::mt19937 random(3);
  constexpr size_t count = 1 << 21;
  std::vector<float> x(count), y(count), z(count);
  for (size_t i = 0; i < count; ++i) {
    x[i] = std::bit_cast<float>(uint32_t(random()));
    y[i] = std::bit_cast<float>(uint32_t(random()));
    if (i % 2) // results of all sizes
      y[i] = float(std::ldexp(double(random() % 20000) - 10000, -7)) /
             std::max(1.0f, std::fabs(std::log(std::fabs(x[i]))));
    if (i % 8 == 3)
      y[i] = float(int(random() % 41) - 20);
  }
  Compiled::get().run("pow_f32", {x.data(), y.data()}, z.data(), count);
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    double error = ulps<float>(z[i], std::pow(double(x[i]), double(y[i])));
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  printf("    pow f32: %.3f ulp\n", worst);
  EXPECT_LE(worst, .51) << x[at] << " to the " << y[at] << " gives " << z[at];
}

TEST(Pow, ErrorF64) {
  ASSERT_TRUE(Compiled::get().library);
  std::mt19937_64 random(4);
  constexpr size_t count = 1 << 18;
  std::vector<double> x(count), y(count), z(count);
  std::uniform_real_distribution<double> exponent(-708, 709), part(.5, 2);
  for (size_t i = 0; i < count; ++i) {
    x[i] = std::fabs(std::bit_cast<double>(random()));
    if (i % 2 || !std::isfinite(x[i]))
      x[i] = part(random);
    y[i] = exponent(random) / std::log(x[i]);
    if (i % 8 == 3)
      y[i] = double(int(random() % 41) - 20);
  }
  Compiled::get().run("pow_f64", {x.data(), y.data()}, z.data(), count);
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    double error =
        ulps<double>(z[i], std::pow((long double)x[i], (long double)y[i]));
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  printf("    pow f64: %.3f ulp\n", worst);
  EXPECT_LE(worst, 15) << x[at] << " to the " << y[at] << " gives " << z[at];
}

TEST(Pow, SpecialValues) {
  ASSERT_TRUE(Compiled::get().library);
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<double> values = {
      0,    -0.0, 1,    -1,   2,    -2,    3,      -3,     .5,
      -.5,  2.5,  inf,  -inf, NAN,  1e300, -1e300, 1e-300, 4503599627370497.0,
      1e17, -7,   0.25, 127,  -128, 100};
  std::vector<double> x, y;
  for (double a : values)
    for (double c : values) {
      x.push_back(a);
      y.push_back(c);
    }
  ASSERT_EQ(x.size() % 8, 0u);
  std::vector<double> z(x.size());
  Compiled::get().run("pow_f64", {x.data(), y.data()}, z.data(), x.size());
  std::vector<float> xf(x.begin(), x.end()), yf(y.begin(), y.end()),
      zf(x.size());
  Compiled::get().run("pow_f32", {xf.data(), yf.data()}, zf.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_LE(ulps<double>(z[i], std::pow(x[i], y[i])), 8)
        << x[i] << " to the " << y[i] << " gives " << z[i];
    EXPECT_LE(ulps<float>(zf[i], std::pow(double(xf[i]), double(yf[i]))), .51)
        << xf[i] << " to the " << yf[i] << " gives " << zf[i];
  }
}

} // namespace
