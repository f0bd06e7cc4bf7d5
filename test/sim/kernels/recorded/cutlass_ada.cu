// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUTLASS 2.x products of 8-bit floats for sm_89, recorded.

#include "Recorder.h"

#include <cutlass/epilogue/thread/linear_combination_generic.h>
#include <cutlass/gemm/device/gemm_sparse.h>
#include <cutlass/gemm/device/gemm_universal.h>

#include <cstdio>
#include <cstdlib>

namespace corpus {
using namespace cutlass;
using recorder::buffer;
using Row = layout::RowMajor;
using Column = layout::ColumnMajor;
template <int M, int N, int K> using Tile = gemm::GemmShape<M, N, K>;
using InOrder = gemm::threadblock::GemmIdentityThreadblockSwizzle<>;
using arch::OpClassTensorOp, arch::Sm89;

static void must(Status status) {
  if (status != Status::kSuccess) {
    std::fprintf(stderr, "cutlass: %s\n", cutlassGetStatusString(status));
    std::exit(1);
  }
}

template <typename Gemm>
static void record(const char *name, int m, int n, int k) {
  recorder::program(name, [=] {
    using C = typename Gemm::ElementC;
    typename Gemm::Arguments arguments(
        gemm::GemmUniversalMode::kGemm, {m, n, k}, 1, {1.0f, 0.5f},
        buffer<typename Gemm::ElementA>("a", m * k),
        buffer<typename Gemm::ElementB>("b", k * n), buffer<C>("c", m * n),
        buffer<C>("d", m * n), m * k, k * n, m * n, m * n, k, k, n, n);
    Gemm gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });
}

template <typename A, typename B, typename C, int count, typename Operation>
using Fp8 = gemm::device::GemmUniversal<
    A, Row, B, Column, C, Row, float, OpClassTensorOp, Sm89, Tile<64, 128, 64>,
    Tile<32, 64, 64>, Tile<16, 8, 32>,
    epilogue::thread::LinearCombination<C, count, float, float>, InOrder, 3, 16,
    16, Operation>;
} // namespace corpus

int main(int argc, char **argv) {
  using namespace corpus;
  recorder::open(argc, argv, CORPUS_TARGET);
  record<Fp8<float_e4m3_t, float_e4m3_t, float, 4, arch::OpMultiplyAdd>>(
      "e4m3", 64, 128, 128);
  record<Fp8<float_e5m2_t, float_e4m3_t, bfloat16_t, 8,
             arch::OpMultiplyAddFastAccum>>("e5m2_e4m3_fast", 80, 136, 96);
  record<
      Fp8<float_e4m3_t, float_e5m2_t, float_e4m3_t, 16, arch::OpMultiplyAdd>>(
      "e4m3_out", 64, 128, 64);
  return recorder::close();
}
