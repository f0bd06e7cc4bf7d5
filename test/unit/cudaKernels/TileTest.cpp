//===- TileTest.cpp - Tile ops on the simulated GPU -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Products of 8-bit integers and floats, which no family uses yet: a warp
// copies both sides to shared memory, loads fragments with ldmatrix, multiplies
// two steps of k and stores sums, and what tile.reduce makes of each row. Sums
// are exact, so every bit must be right.
//
//===----------------------------------------------------------------------===//

#include "SimulatedDevice.h"
#include "compiler/Target/CPU/LowerKernel.h"
#include "compiler/Target/CUDA/CudaCode.h"
#include "compiler/Tile/Passes.h"
#include "kernels/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstdlib>
#include <random>

using namespace mlir;
using namespace mlir::tenon;

namespace {

constexpr int64_t kM = 32, kN = 16, kK = 64;

/// The default device has no 8-bit floats.
const int kDevice = setenv("TENON_SIMCUDA_DEVICE", "l4", /*overwrite=*/0);

class CudaTile : public testing::Test {
protected:
  CudaTile() {
    DialectRegistry registry;
    registerCpuTargetDialects(registry);
    registerCudaTargetDialects(registry);
    registry.insert<tile::TileDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// `type`: of both sides; `sum`: of the result; `larger`: a comparison that
  /// picks the larger of two sums.
  static std::string kernelText(const char *type, const char *sum,
                                const char *atom, const char *larger) {
    return llvm::formatv(
        R"mlir(
!sa = !tile.shared<{0}x{2}x{3}, "({0}:{2})({2}:1)", 1>
!sb = !tile.shared<{1}x{2}x{3}, "({1}:{2})({2}:1)", 1>
!a = !tile.fragment<{0}x32x{3}, a, "{5}">
!b = !tile.fragment<{1}x32x{3}, b, "{5}">
!c = !tile.fragment<{0}x{1}x{4}, c, "{5}">
!r = !tile.fragment<{0}x1x{4}, rows, "{5}">
func.func @k(%pa: !llvm.ptr<1>, %pb: !llvm.ptr<1>, %pc: !llvm.ptr<1>,
             %pm: !llvm.ptr<1>)
    attributes {{tenon.entry = array<i32: 32, 1, 1>, tile.sm = 89 : i64} {{
  %zero = arith.constant 0 : i64
  %pitch = arith.constant {2} : i64
  %width = arith.constant {1} : i64
  %sa = tile.alloc : !sa
  %sb = tile.alloc : !sb
  tile.copy_async %pa[%zero, %zero] pitch %pitch to %sa[%zero]
      using "SM80_CP_ASYNC_CG_16" threads 32 : !llvm.ptr<1>, !sa
  tile.copy_async %pb[%zero, %zero] pitch %pitch to %sb[%zero]
      using "SM80_CP_ASYNC_CG_16" threads 32 : !llvm.ptr<1>, !sb
  tile.commit
  tile.wait 0
  tile.barrier
  %c0 = tile.zero : !c
  %a0 = tile.load %sa[%zero][0, 0] using "SM75_LDSM_X4" : !sa -> !a
  %b0 = tile.load %sb[%zero][0, 0] using "SM75_LDSM_X4" : !sb -> !b
  %c1 = tile.mma %a0, %b0, %c0 : !a, !b, !c
  %a1 = tile.load %sa[%zero][0, 32] using "VECTOR" : !sa -> !a
  %b1 = tile.load %sb[%zero][0, 32] using "SM75_LDSM_X2" : !sb -> !b
  %c2 = tile.mma %a1, %b1, %c1 : !a, !b, !c
  tile.for_each %c2 at(%zero, %zero) vector 2 {{
  ^bb0(%m: i64, %n: i64, %v: vector<2x{4}>):
    %line = arith.muli %m, %width : i64
    %at = arith.addi %line, %n : i64
    %to = llvm.getelementptr %pc[%at] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {4}
    llvm.store %v, %to : vector<2x{4}>, !llvm.ptr<1>
    tile.yield
  } : !c
  %most = tile.reduce %c2 {{
  ^bb0(%x: {4}, %y: {4}):
    %larger = {6}, %x, %y : {4}
    %z = arith.select %larger, %x, %y : {4}
    tile.yield %z : {4}
  } : !c -> !r
  %all = tile.map %c2, %most {{
  ^bb0(%x: {4}, %y: {4}):
    tile.yield %y : {4}
  } : !c, !r -> !c
  tile.for_each %all at(%zero, %zero) vector 1 {{
  ^bb0(%m: i64, %n: i64, %v: {4}):
    %line = arith.muli %m, %width : i64
    %at = arith.addi %line, %n : i64
    %to = llvm.getelementptr %pm[%at] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, {4}
    llvm.store %v, %to : {4}, !llvm.ptr<1>
    tile.yield
  } : !c
  return
}
)mlir",
        kM, kN, kK, type, sum, atom, larger);
  }

  template <typename Sum>
  void check(const std::string &text, const std::vector<uint8_t> &a,
             const std::vector<uint8_t> &b,
             llvm::function_ref<double(uint8_t)> valueOf) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    PassManager passes(&context);
    passes.addPass(tile::createExpandPipelinesPass());
    passes.addPass(tile::createLowerTilePass());
    buildLowerKernelPipeline(passes);
    ASSERT_TRUE(succeeded(passes.run(*module)));
    // The first PTX that has products of 8-bit floats; a family that uses them
    // must ask for it.
    CudaTarget target = *lookupCudaTarget("sm_89");
    target.ptxVersion = 84;
    auto codes = emitCudaCode(&context, {{*module, "k"}}, target, {}, {});
    ASSERT_TRUE(succeeded(codes));

    test::SimulatedDevice &device = test::SimulatedDevice::get();
    std::vector<Sum> sums(kM * kN), most(kM * kN);
    size_t bytes = sums.size() * sizeof(Sum);
    uint64_t pa = device.allocate(a.size()), pb = device.allocate(b.size());
    uint64_t pc = device.allocate(bytes), pm = device.allocate(bytes);
    device.upload(pa, a.data(), a.size());
    device.upload(pb, b.data(), b.size());
    device.launch(codes->front().ptx, "k", 1, 32, (kM + kN) * kK,
                  {pa, pb, pc, pm});
    device.download(sums.data(), pc, bytes);
    device.download(most.data(), pm, bytes);
    for (uint64_t pointer : {pa, pb, pc, pm})
      device.free(pointer);

    for (int64_t m = 0; m < kM; ++m) {
      double largest = -std::numeric_limits<double>::infinity();
      for (int64_t n = 0; n < kN; ++n) {
        double expected = 0;
        for (int64_t k = 0; k < kK; ++k)
          expected += valueOf(a[m * kK + k]) * valueOf(b[n * kK + k]);
        EXPECT_EQ(double(sums[m * kN + n]), expected) << m << ", " << n;
        largest = std::max(largest, expected);
      }
      for (int64_t n = 0; n < kN; ++n)
        EXPECT_EQ(double(most[m * kN + n]), largest) << m << ", " << n;
    }
  }

  static std::vector<uint8_t> bytes(size_t count, unsigned seed,
                                    llvm::function_ref<uint8_t(int)> of) {
    std::mt19937 random(seed);
    std::vector<uint8_t> all(count);
    for (uint8_t &one : all)
      one = of(int(random() % 256));
    return all;
  }

  /// Quarters up to 2: their products and the sums of these are
  /// exact.
  void checkFloat(const char *type, const char *atom,
                  const llvm::fltSemantics &semantics) {
    auto encode = [&](int number) {
      llvm::APFloat value(float(number % 17 - 8) / 4);
      bool loses;
      value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &loses);
      return uint8_t(value.bitcastToAPInt().getZExtValue());
    };
    auto decode = [&](uint8_t byte) {
      llvm::APFloat value(semantics, llvm::APInt(8, byte));
      bool loses;
      value.convert(llvm::APFloat::IEEEdouble(),
                    llvm::APFloat::rmNearestTiesToEven, &loses);
      return value.convertToDouble();
    };
    check<float>(kernelText(type, "f32", atom, "arith.cmpf ogt"),
                 bytes(kM * kK, 1, encode), bytes(kN * kK, 2, encode), decode);
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

TEST_F(CudaTile, Int8) {
  auto same = [](int number) { return uint8_t(number); };
  check<int32_t>(
      kernelText("i8", "i32", "SM80_16x8x32_S32S8S8S32_TN", "arith.cmpi sgt"),
      bytes(kM * kK, 1, same), bytes(kN * kK, 2, same),
      [](uint8_t byte) { return double(int8_t(byte)); });
}

TEST_F(CudaTile, E4M3) {
  checkFloat("f8E4M3FN", "SM89_16x8x32_F32E4M3E4M3F32_TN",
             llvm::APFloat::Float8E4M3FN());
}

TEST_F(CudaTile, E5M2) {
  checkFloat("f8E5M2", "SM89_16x8x32_F32E5M2E5M2F32_TN",
             llvm::APFloat::Float8E5M2());
}

} // namespace
