// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUTLASS 2.x products for sm_80, recorded.

#include "Recorder.h"

#include <cutlass/epilogue/thread/linear_combination_relu.h>
#include <cutlass/gemm/device/gemm.h>
#include <cutlass/gemm/device/gemm_batched.h>
#include <cutlass/gemm/device/gemm_sparse.h>
#include <cutlass/gemm/device/gemm_splitk_parallel.h>
#include <cutlass/gemm/device/gemm_universal.h>

#include <cstdio>
#include <cstdlib>

// A namespace of its own: CUTLASS and CuTe share many names.
namespace corpus {
using namespace cutlass;
using recorder::buffer;
using Row = layout::RowMajor;
using Column = layout::ColumnMajor;
template <int M, int N, int K> using Tile = gemm::GemmShape<M, N, K>;
using InOrder = gemm::threadblock::GemmIdentityThreadblockSwizzle<>;

static void must(Status status) {
  if (status != Status::kSuccess) {
    std::fprintf(stderr, "cutlass: %s\n", cutlassGetStatusString(status));
    std::exit(1);
  }
}

/// alpha*A*B + beta*C of one device::Gemm.
template <typename Gemm>
static void record(int m, int n, int k, float alpha, float beta) {
  auto a = buffer<typename Gemm::ElementA>("a", size_t(m) * k);
  auto b = buffer<typename Gemm::ElementB>("b", size_t(k) * n);
  auto c = buffer<typename Gemm::ElementC>("c", size_t(m) * n);
  auto d = buffer<typename Gemm::ElementC>("d", size_t(m) * n);
  using E = typename Gemm::EpilogueOutputOp::ElementCompute;
  auto stride = [](auto layout, int rows, int columns) {
    return std::is_same_v<decltype(layout), Row> ? columns : rows;
  };
  typename Gemm::Arguments arguments(
      {m, n, k}, {a, stride(typename Gemm::LayoutA(), m, k)},
      {b, stride(typename Gemm::LayoutB(), k, n)}, {c, n}, {d, n},
      {E(alpha), E(beta)});
  Gemm gemm;
  must(gemm.can_implement(arguments));
  must(gemm.initialize(arguments, nullptr));
  must(gemm());
}

static void recordAll() {
  using arch::OpClassSimt, arch::OpClassTensorOp, arch::Sm80;

  using F16 = gemm::device::Gemm<
      half_t, Row, half_t, Column, half_t, Row, float, OpClassTensorOp, Sm80,
      Tile<128, 128, 32>, Tile<64, 64, 32>, Tile<16, 8, 16>,
      epilogue::thread::LinearCombination<half_t, 8, float, float>, InOrder, 4>;
  recorder::program("f16", [] { record<F16>(256, 128, 96, 1.5f, 0.5f); });

  using Relu = gemm::device::Gemm<
      half_t, Column, half_t, Row, float, Row, float, OpClassTensorOp, Sm80,
      Tile<64, 64, 32>, Tile<32, 32, 32>, Tile<16, 8, 16>,
      epilogue::thread::LinearCombinationRelu<float, 4, float, float>, InOrder,
      3>;
  recorder::program("f16_relu", [] { record<Relu>(72, 104, 80, 1, -1); });

  using Bf16 =
      gemm::device::Gemm<bfloat16_t, Row, bfloat16_t, Row, float, Row, float,
                         OpClassTensorOp, Sm80, Tile<64, 128, 32>,
                         Tile<32, 64, 32>, Tile<16, 8, 16>>;
  recorder::program("bf16", [] { record<Bf16>(64, 136, 64, 1, 0); });

  using Tf32 =
      gemm::device::Gemm<tfloat32_t, Row, tfloat32_t, Column, float, Row, float,
                         OpClassTensorOp, Sm80, Tile<64, 64, 16>,
                         Tile<32, 32, 16>, Tile<16, 8, 8>>;
  recorder::program("tf32", [] { record<Tf32>(64, 64, 40, 1, 1); });

  using S8 = gemm::device::Gemm<
      int8_t, Row, int8_t, Column, int32_t, Row, int32_t, OpClassTensorOp, Sm80,
      Tile<128, 64, 64>, Tile<64, 32, 64>, Tile<16, 8, 32>,
      epilogue::thread::LinearCombination<int32_t, 4, int32_t, int32_t>,
      InOrder, 3>;
  recorder::program("s8", [] { record<S8>(128, 128, 160, 2, 1); });

  using F64 =
      gemm::device::Gemm<double, Row, double, Column, double, Row, double,
                         OpClassTensorOp, Sm80, Tile<32, 32, 16>,
                         Tile<16, 16, 16>, Tile<8, 8, 4>>;
  recorder::program("f64", [] { record<F64>(32, 64, 24, 1, 0.25f); });

  using Simt = gemm::device::Gemm<float, Row, float, Row, float, Row, float,
                                  OpClassSimt, Sm80>;
  recorder::program("simt_f32", [] { record<Simt>(65, 50, 33, 1, 0); });

  // 2:4 sparse: A holds half of K; E is the reordered metadata.
  using Sparse = gemm::device::SparseGemm<
      half_t, Row, half_t, Column, half_t, Row, float, OpClassTensorOp, Sm80,
      Tile<128, 128, 64>, Tile<64, 64, 64>, Tile<16, 8, 32>,
      epilogue::thread::LinearCombination<half_t, 8, float, float>, InOrder, 3>;
  recorder::program("sparse_f16", [] {
    constexpr int m = 128, n = 128, k = 256;
    auto a = buffer<half_t>("a", m * k / 2);
    auto b = buffer<half_t>("b", k * n);
    auto c = buffer<half_t>("c", m * n);
    auto d = buffer<half_t>("d", m * n);
    constexpr int kWords = k / 2 / Sparse::kElementsPerElementE;
    auto e = buffer<typename Sparse::ElementE>("e", m * kWords);
    typename Sparse::Arguments arguments(
        {m, n, k}, {a, k / 2}, {b, k}, {c, n}, {d, n},
        {e, Sparse::LayoutE::packed({m, kWords})}, {1.0f, 0.0f});
    Sparse gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });

  // K in slices, added up by a second kernel.
  using SplitK = gemm::device::GemmSplitKParallel<
      half_t, Row, half_t, Column, float, Row, float, OpClassTensorOp, Sm80,
      Tile<64, 64, 32>, Tile<32, 32, 32>, Tile<16, 8, 16>>;
  recorder::program("split_k", [] {
    constexpr int m = 64, n = 64, k = 256;
    auto a = buffer<half_t>("a", m * k);
    auto b = buffer<half_t>("b", k * n);
    auto c = buffer<float>("c", m * n);
    auto d = buffer<float>("d", m * n);
    typename SplitK::Arguments arguments({m, n, k}, {a, k}, {b, k}, {c, n},
                                         {d, n}, {1.0f, 2.0f}, 4);
    void *workspace =
        recorder::bytes("workspace", SplitK::get_workspace_size(arguments));
    SplitK gemm;
    must(gemm.initialize(arguments, workspace));
    must(gemm());
  });

  using Batched =
      gemm::device::GemmBatched<half_t, Row, half_t, Row, half_t, Row, float,
                                OpClassTensorOp, Sm80, Tile<64, 64, 32>,
                                Tile<32, 32, 32>, Tile<16, 8, 16>>;
  recorder::program("batched", [] {
    constexpr int m = 64, n = 32, k = 64, batch = 3;
    auto a = buffer<half_t>("a", batch * m * k);
    auto b = buffer<half_t>("b", batch * k * n);
    auto c = buffer<half_t>("c", batch * m * n);
    auto d = buffer<half_t>("d", batch * m * n);
    typename Batched::Arguments arguments({m, n, k}, {a, k}, m * k, {b, n},
                                          k * n, {c, n}, m * n, {d, n}, m * n,
                                          {1.0f, 0.0f}, batch);
    Batched gemm;
    must(gemm.initialize(arguments, nullptr));
    must(gemm());
  });
}
} // namespace corpus

int main(int argc, char **argv) {
  recorder::open(argc, argv, CORPUS_TARGET);
  corpus::recordAll();
  return recorder::close();
}
