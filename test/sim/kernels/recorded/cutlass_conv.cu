// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUTLASS 2.x for sm_80 beyond plain products: convolutions as implicit
// products, stream-K, complex, emulated f32, triangular, recorded.

#include "Recorder.h"

#include <cutlass/conv/conv2d_problem_size.h>
#include <cutlass/conv/convolution.h>
#include <cutlass/conv/device/implicit_gemm_convolution.h>
#include <cutlass/conv/kernel/default_conv2d_dgrad.h>
#include <cutlass/conv/kernel/default_conv2d_fprop.h>
#include <cutlass/conv/kernel/default_conv2d_wgrad.h>
#include <cutlass/gemm/device/gemm.h>
#include <cutlass/gemm/device/gemm_complex.h>
#include <cutlass/gemm/device/gemm_universal.h>
#include <cutlass/gemm/device/rank_k.h>

#include <cstdio>
#include <cstdlib>

namespace corpus {
using namespace cutlass;
using recorder::buffer;
using Row = layout::RowMajor;
using Column = layout::ColumnMajor;
using Nhwc = layout::TensorNHWC;
template <int M, int N, int K> using Tile = gemm::GemmShape<M, N, K>;
using InOrder = gemm::threadblock::GemmIdentityThreadblockSwizzle<>;
template <typename T, int count, typename A = T, typename C = T>
using Linear = epilogue::thread::LinearCombination<T, count, A, C>;
using arch::OpClassTensorOp, arch::Sm80;

static void must(Status status) {
  if (status != Status::kSuccess) {
    std::fprintf(stderr, "cutlass: %s\n", cutlassGetStatusString(status));
    std::exit(1);
  }
}

/// x: N H W C, w: K R S C, y: N P Q K; a and b by the operator's role.
template <typename Kernel>
static void convolve(conv::Conv2dProblemSize p, size_t a, size_t b, size_t c,
                     Nhwc la, Nhwc lb, Nhwc lc) {
  using Conv = conv::device::ImplicitGemmConvolution<Kernel>;
  using A = typename Conv::ElementA;
  using C = typename Conv::ElementC;
  typename Conv::Arguments arguments{p,
                                     {buffer<A>("a", a), la},
                                     {buffer<A>("b", b), lb},
                                     {buffer<C>("c", c), lc},
                                     {buffer<C>("d", c), lc},
                                     {1.0f, 0.0f}};
  Conv conv;
  must(conv.can_implement(arguments));
  void *workspace = nullptr;
  if (size_t size = conv.get_workspace_size(arguments))
    workspace = recorder::bytes("workspace", size);
  must(conv.initialize(arguments, workspace));
  must(conv());
}

static void convolutions() {
  constexpr int n = 2, h = 9, w = 8, c = 16, k = 24, r = 3, s = 3, st = 2;
  constexpr int q = (h + 2 - 3) / st + 1, z = (w + 2 - 3) / st + 1;
  conv::Conv2dProblemSize p(n, h, w, c, k, r, s, q, z, 1, 1, st, st, 1, 1,
                            conv::Mode::kCrossCorrelation);
  auto x = Nhwc::packed({n, h, w, c}), f = Nhwc::packed({k, r, s, c}),
       y = Nhwc::packed({n, q, z, k});
  size_t sx = n * h * w * c, sf = k * r * s * c, sy = n * q * z * k;

  using Forward = typename conv::kernel::DefaultConv2dFprop<
      half_t, Nhwc, half_t, Nhwc, half_t, Nhwc, float, OpClassTensorOp, Sm80,
      Tile<64, 64, 32>, Tile<32, 32, 32>, Tile<16, 8, 16>,
      Linear<half_t, 8, float, float>, InOrder, 3, arch::OpMultiplyAdd,
      conv::IteratorAlgorithm::kOptimized>::Kernel;
  recorder::program("conv_forward",
                    [=] { convolve<Forward>(p, sx, sf, sy, x, f, y); });
  using Data = typename conv::kernel::DefaultConv2dDgrad<
      half_t, Nhwc, half_t, Nhwc, float, Nhwc, float, OpClassTensorOp, Sm80,
      Tile<64, 64, 32>, Tile<32, 32, 32>, Tile<16, 8, 16>, Linear<float, 4>,
      conv::threadblock::StridedDgradIdentityThreadblockSwizzle<1>, 3,
      arch::OpMultiplyAdd, conv::IteratorAlgorithm::kOptimized,
      conv::StrideSupport::kStrided>::Kernel;
  recorder::program("conv_data",
                    [=] { convolve<Data>(p, sy, sf, sx, y, f, x); });
  using Weights = typename conv::kernel::DefaultConv2dWgrad<
      half_t, Nhwc, half_t, Nhwc, float, Nhwc, float, OpClassTensorOp, Sm80,
      Tile<64, 64, 32>, Tile<32, 32, 32>, Tile<16, 8, 16>, Linear<float, 4>,
      InOrder, 3, arch::OpMultiplyAdd,
      conv::IteratorAlgorithm::kAnalytic>::Kernel;
  recorder::program("conv_weights",
                    [=] { convolve<Weights>(p, sy, sx, sf, y, x, f); });
}

static void products() {
  using StreamK = gemm::device::GemmUniversal<
      half_t, Row, half_t, Column, float, Row, float, OpClassTensorOp, Sm80,
      Tile<64, 64, 32>, Tile<32, 32, 32>, Tile<16, 8, 16>, Linear<float, 4>,
      gemm::threadblock::ThreadblockSwizzleStreamK, 3>;
  recorder::program("stream_k", [] {
    constexpr int m = 192, n = 128, k = 320;
    StreamK::Arguments arguments(
        gemm::GemmUniversalMode::kGemm, {m, n, k}, 1, {1.0f, 0.5f},
        buffer<half_t>("a", m * k), buffer<half_t>("b", k * n),
        buffer<float>("c", m * n), buffer<float>("d", m * n), m * k, k * n,
        m * n, m * n, k, k, n, n, 8);
    StreamK gemm;
    void *workspace =
        recorder::bytes("workspace", StreamK::get_workspace_size(arguments));
    must(gemm.initialize(arguments, workspace));
    must(gemm());
  });

  using C32 = complex<float>;
  using Complex = gemm::device::GemmComplex<
      C32, Row, C32, Column, C32, Row, C32, OpClassTensorOp, Sm80,
      Tile<32, 32, 16>, Tile<16, 16, 16>, Tile<16, 8, 8>, Linear<C32, 1>,
      InOrder, 3, ComplexTransform::kNone, ComplexTransform::kConjugate>;
  recorder::program("complex_tf32", [] {
    int m = 40, n = 32, k = 24;
    Complex::Arguments arguments(
        {m, n, k}, {buffer<C32>("a", m * k), k}, {buffer<C32>("b", k * n), k},
        {buffer<C32>("c", m * n), n}, {buffer<C32>("d", m * n), n},
        {C32(1, 0), C32(0, 0)});
    Complex gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });

  using C64 = complex<double>;
  using ComplexF64 = gemm::device::GemmComplex<
      C64, Column, C64, Row, C64, Row, C64, OpClassTensorOp, Sm80,
      Tile<16, 32, 8>, Tile<16, 16, 8>, Tile<8, 8, 4>, Linear<C64, 1>, InOrder,
      3, ComplexTransform::kConjugate, ComplexTransform::kNone,
      arch::OpMultiplyAddGaussianComplex>;
  recorder::program("complex_f64_gaussian", [] {
    int m = 16, n = 40, k = 24;
    ComplexF64::Arguments arguments(
        {m, n, k}, {buffer<C64>("a", m * k), m}, {buffer<C64>("b", k * n), n},
        {buffer<C64>("c", m * n), n}, {buffer<C64>("d", m * n), n},
        {C64(1, 0), C64(0, 1)});
    ComplexF64 gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });

  // f32 as three products of tf32.
  using Emulated =
      gemm::device::Gemm<float, Row, float, Row, float, Row, float,
                         OpClassTensorOp, Sm80, Tile<64, 64, 16>,
                         Tile<32, 32, 16>, Tile<16, 8, 8>, Linear<float, 4>,
                         InOrder, 3, 4, 4, false, arch::OpMultiplyAddFastF32>;
  recorder::program("f32_by_tf32", [] {
    int m = 64, n = 68, k = 48;
    Emulated::Arguments arguments({m, n, k}, {buffer<float>("a", m * k), k},
                                  {buffer<float>("b", k * n), n},
                                  {buffer<float>("c", m * n), n},
                                  {buffer<float>("d", m * n), n}, {1.0f, 0.0f});
    Emulated gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });

  using S4 =
      gemm::device::Gemm<int4b_t, Row, int4b_t, Column, int32_t, Row, int32_t,
                         OpClassTensorOp, Sm80, Tile<64, 64, 128>,
                         Tile<32, 32, 128>, Tile<16, 8, 64>, Linear<int32_t, 4>,
                         InOrder, 3>;
  recorder::program("s4", [] {
    int m = 64, n = 64, k = 256;
    S4::Arguments arguments(
        {m, n, k}, {(int4b_t *)recorder::bytes("a", m * k / 2), k},
        {(int4b_t *)recorder::bytes("b", k * n / 2), k},
        {buffer<int>("c", m * n), n}, {buffer<int>("d", m * n), n}, {1, 0});
    S4 gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });

  using B1 = gemm::device::Gemm<
      uint1b_t, Row, uint1b_t, Column, int32_t, Row, int32_t, OpClassTensorOp,
      Sm80, Tile<64, 64, 512>, Tile<32, 32, 512>, Tile<16, 8, 256>,
      Linear<int32_t, 4>, InOrder, 3, 128, 128, false, arch::OpAndPopc>;
  recorder::program("b1_and", [] {
    int m = 64, n = 64, k = 1024;
    B1::Arguments arguments(
        {m, n, k}, {(uint1b_t *)recorder::bytes("a", m * k / 8), k},
        {(uint1b_t *)recorder::bytes("b", k * n / 8), k},
        {buffer<int>("c", m * n), n}, {buffer<int>("d", m * n), n}, {1, 0});
    B1 gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });

  using Syrk =
      gemm::device::RankK<double, Row, double, Row, FillMode::kLower, double,
                          OpClassTensorOp, Sm80, Tile<32, 32, 16>,
                          Tile<16, 16, 16>, Tile<8, 8, 4>, Linear<double, 1>,
                          InOrder, 3>;
  recorder::program("syrk_f64", [] {
    int n = 72, k = 40;
    Syrk::Arguments arguments(
        gemm::GemmUniversalMode::kGemm, {n, n, k}, 1, {1.0, 2.0},
        buffer<double>("a", n * k), buffer<double>("c", n * n),
        buffer<double>("d", n * n), n * k, n * n, n * n, k, n, n);
    Syrk syrk;
    must(syrk.initialize(arguments, nullptr));
    must(syrk());
  });
}
} // namespace corpus

int main(int argc, char **argv) {
  recorder::open(argc, argv, CORPUS_TARGET);
  corpus::convolutions();
  corpus::products();
  return recorder::close();
}
