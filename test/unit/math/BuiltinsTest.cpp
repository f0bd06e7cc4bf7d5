//===- BuiltinsTest.cpp - Functions that LLVM's back end calls ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// compiler/Target/CPU/Builtins.c, reached as generated code reaches it: from
// memory intrinsics, frem and conversions without an instruction.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "test/unit/math/Harness.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::tenon;
using namespace mlir::tenon::test;

namespace {

std::string memoryKernel(const std::string &name, const std::string &call) {
  return "llvm.func @memcmp(!llvm.ptr, !llvm.ptr, i64) -> i32\n"
         "func.func @" +
         name + R"((%buffers: !llvm.ptr, %scalars: !llvm.ptr, %begin: i64,
    %end: i64, %scratch: !llvm.ptr, %error: !llvm.ptr) -> i32 {
  %zero = arith.constant 0 : i32
  %a = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %slot = llvm.getelementptr %buffers[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %b = llvm.load %slot : !llvm.ptr -> !llvm.ptr
)" + call +
         "}\n";
}

class MemoryTest : public testing::Test {
protected:
  void SetUp() override {
    library = compileAndOpen(kernels, kernels.parse({
                                          memoryKernel("copy", R"(
  "llvm.intr.memcpy"(%b, %a, %end) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
  func.return %zero : i32
)"),
                                          memoryKernel("move", R"(
  "llvm.intr.memmove"(%b, %a, %end) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
  func.return %zero : i32
)"),
                                          memoryKernel("fill", R"(
  %v = llvm.load %a : !llvm.ptr -> i8
  "llvm.intr.memset"(%b, %v, %end) <{isVolatile = false}> : (!llvm.ptr, i8, i64) -> ()
  func.return %zero : i32
)"),
                                          memoryKernel("compare", R"(
  %r = llvm.call @memcmp(%a, %b, %end) : (!llvm.ptr, !llvm.ptr, i64) -> i32
  func.return %r : i32
)"),
                                      }));
    ASSERT_TRUE(library);
  }
  int32_t run(const char *name, void *a, void *b, size_t n) {
    void *buffers[] = {a, b};
    return library->find(name)(buffers, nullptr, 0, int64_t(n), nullptr,
                               nullptr);
  }
  KernelContext kernels;
  std::unique_ptr<Library> library;
};

TEST_F(MemoryTest, CopyAndFillEverySize) {
  for (size_t n = 0; n < 600; ++n) {
    std::vector<uint8_t> a(n + 64), b(n + 64, 0xee), expected;
    for (size_t i = 0; i < a.size(); ++i)
      a[i] = uint8_t(i * 37 + 1);
    expected = b;
    std::copy_n(a.begin() + 3, n, expected.begin() + 5);
    run("copy", a.data() + 3, b.data() + 5, n);
    EXPECT_EQ(b, expected) << n;
    std::fill_n(expected.begin() + 7, n, a[9]);
    run("fill", &a[9], b.data() + 7, n);
    EXPECT_EQ(b, expected) << n;
  }
}

TEST_F(MemoryTest, MoveOverlapping) {
  for (size_t n : {0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 129,
                   200, 256, 500})
    for (int shift :
         {-200, -33, -32, -31, -8, -1, 0, 1, 2, 8, 31, 32, 33, 130, 300}) {
      std::vector<uint8_t> a(1200), expected;
      for (size_t i = 0; i < a.size(); ++i)
        a[i] = uint8_t(i * 31 + i / 256);
      expected = a;
      std::vector<uint8_t> source(a.begin() + 350, a.begin() + 350 + long(n));
      std::copy(source.begin(), source.end(), expected.begin() + 350 + shift);
      run("move", a.data() + 350, a.data() + 350 + shift, n);
      EXPECT_EQ(a, expected) << n << " by " << shift;
    }
}

TEST_F(MemoryTest, Compare) {
  for (size_t n : {1, 7, 8, 9, 16, 100})
    for (size_t at = 0; at < n; ++at) {
      std::vector<uint8_t> a(n, 5), b(n, 5);
      EXPECT_EQ(run("compare", a.data(), b.data(), n), 0);
      b[at] = 200;
      EXPECT_LT(run("compare", a.data(), b.data(), n), 0);
      EXPECT_GT(run("compare", b.data(), a.data(), n), 0);
    }
}

TEST(Builtins, RemainderAndNarrowing) {
  KernelContext kernels;
  OpBuilder b(&kernels.context);
  std::vector<OwningOpRef<ModuleOp>> modules;
  auto remainder = [](OpBuilder &b, Location loc, ValueRange v) -> Value {
    return arith::RemFOp::create(b, loc, v[0], v[1]);
  };
  Type f64 = b.getF64Type(), f32 = b.getF32Type();
  modules.push_back(buildElementwise(
      kernels, {"remainder64", {f64, f64}, f64, 0, remainder}));
  modules.push_back(buildElementwise(
      kernels, {"remainder32", {f32, f32}, f32, 4, remainder}));
  for (auto [name, type] : {std::pair("half", Type(b.getF16Type())),
                            std::pair("brain", Type(b.getBF16Type()))})
    modules.push_back(buildElementwise(
        kernels,
        {name,
         {f64},
         type,
         0,
         [type = type](OpBuilder &b, Location loc, ValueRange v) -> Value {
           return LLVM::FPTruncOp::create(b, loc, type, v[0]);
         }}));
  modules.push_back(buildElementwise(
      kernels, {"brainOfFloat",
                {f32},
                b.getBF16Type(),
                0,
                [](OpBuilder &b, Location loc, ValueRange v) -> Value {
                  return LLVM::FPTruncOp::create(b, loc, b.getBF16Type(), v[0]);
                }}));
  auto library = compileAndOpen(kernels, std::move(modules));
  ASSERT_TRUE(library);

  std::mt19937_64 random(6);
  std::vector<double> x, y;
  for (int i = 0; i < 20000; ++i) {
    x.push_back(std::bit_cast<double>(random()));
    y.push_back(i % 2 ? std::bit_cast<double>(random())
                      : std::ldexp(x.back(), -int(random() % 100)) * 1.37);
  }
  const double inf = INFINITY;
  for (double a : {0.0, -0.0, 1.0, -5.5, inf, -inf, double(NAN), 5e-324, 1e308})
    for (double c :
         {0.0, 1.0, -2.0, inf, double(NAN), 5e-324, 3e-310, -1e308}) {
      x.push_back(a);
      y.push_back(c);
    }
  while (x.size() % 4) {
    x.push_back(5);
    y.push_back(3);
  }
  size_t n = x.size();
  std::vector<double> z(n);
  void *buffers[] = {x.data(), y.data(), z.data()};
  library->find("remainder64")(buffers, nullptr, 0, int64_t(n), nullptr,
                               nullptr);
  std::vector<float> xf(x.begin(), x.end()), yf(y.begin(), y.end()), zf(n);
  void *buffersF[] = {xf.data(), yf.data(), zf.data()};
  library->find("remainder32")(buffersF, nullptr, 0, int64_t(n), nullptr,
                               nullptr);
  std::vector<uint16_t> half(n), brain(n), brainF(n);
  void *buffersH[] = {x.data(), half.data()};
  library->find("half")(buffersH, nullptr, 0, int64_t(n), nullptr, nullptr);
  void *buffersB[] = {x.data(), brain.data()};
  library->find("brain")(buffersB, nullptr, 0, int64_t(n), nullptr, nullptr);
  void *buffersBF[] = {xf.data(), brainF.data()};
  library->find("brainOfFloat")(buffersBF, nullptr, 0, int64_t(n), nullptr,
                                nullptr);
  auto same = [](auto a, auto c) {
    return (std::isnan(a) && std::isnan(c)) ||
           (a == c && std::signbit(a) == std::signbit(c));
  };
  for (size_t i = 0; i < n; ++i) {
    EXPECT_TRUE(same(z[i], std::fmod(x[i], y[i])))
        << x[i] << " mod " << y[i] << " gives " << z[i];
    EXPECT_TRUE(same(zf[i], std::fmod(xf[i], yf[i])))
        << xf[i] << " mod " << yf[i] << " gives " << zf[i];
    if (std::isnan(x[i])) {
      EXPECT_GT(half[i] & 0x7fff, 0x7c00);
      EXPECT_GT(brain[i] & 0x7fff, 0x7f80);
      EXPECT_GT(brainF[i] & 0x7fff, 0x7f80);
      continue;
    }
    EXPECT_EQ(half[i], std::bit_cast<uint16_t>(_Float16(x[i]))) << x[i];
    EXPECT_EQ(brain[i], nearestBf16(x[i])) << x[i];
    EXPECT_EQ(brainF[i], nearestBf16(xf[i])) << x[i];
  }
}

} // namespace
