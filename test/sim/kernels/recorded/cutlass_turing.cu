// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUTLASS 2.x products for sm_75: the instructions of the first integer Tensor
// Cores, and products without Tensor Cores, recorded.

#include "Recorder.h"

#include <cutlass/epilogue/thread/linear_combination_clamp.h>
#include <cutlass/gemm/device/gemm.h>

#include <cstdio>
#include <cstdlib>

namespace corpus {
using namespace cutlass;
using Row = layout::RowMajor;
using Column = layout::ColumnMajor;
template <int M, int N, int K> using Tile = gemm::GemmShape<M, N, K>;
using InOrder = gemm::threadblock::GemmIdentityThreadblockSwizzle<>;
template <typename T, int count, typename A = T, typename C = T>
using Linear = epilogue::thread::LinearCombination<T, count, A, C>;
using arch::OpClassSimt, arch::OpClassTensorOp, arch::Sm75;

static void must(Status status) {
  if (status != Status::kSuccess) {
    std::fprintf(stderr, "cutlass: %s\n", cutlassGetStatusString(status));
    std::exit(1);
  }
}

template <typename T>
static T *matrix(const char *name, int rows, int columns) {
  return static_cast<T *>(recorder::bytes(name, size_t(rows) * columns *
                                                    sizeof_bits<T>::value / 8));
}

/// alpha*A*B + beta*C, with K in `slices` that take turns.
template <typename Gemm>
static void record(int m, int n, int k,
                   typename Gemm::EpilogueOutputOp::Params with,
                   int slices = 1) {
  auto a = matrix<typename Gemm::ElementA>("a", m, k);
  auto b = matrix<typename Gemm::ElementB>("b", k, n);
  auto c = matrix<typename Gemm::ElementC>("c", m, n);
  auto d = matrix<typename Gemm::ElementC>("d", m, n);
  auto stride = [](auto layout, int rows, int columns) {
    return std::is_same_v<decltype(layout), Row> ? columns : rows;
  };
  typename Gemm::Arguments arguments(
      {m, n, k}, {a, stride(typename Gemm::LayoutA(), m, k)},
      {b, stride(typename Gemm::LayoutB(), k, n)}, {c, n}, {d, n}, with,
      slices);
  void *workspace = nullptr;
  if (size_t size = Gemm::get_workspace_size(arguments))
    workspace = recorder::bytes("workspace", size);
  Gemm gemm;
  must(gemm.can_implement(arguments));
  must(gemm.initialize(arguments, workspace));
  must(gemm());
}

static void recordAll() {
  using F16 = gemm::device::Gemm<half_t, Column, half_t, Row, half_t, Row,
                                 half_t, OpClassTensorOp, Sm75,
                                 Tile<64, 64, 32>, Tile<32, 32, 32>,
                                 Tile<16, 8, 8>, Linear<half_t, 8>, InOrder, 2>;
  recorder::program("f16_acc_f16", [] {
    record<F16>(72, 64, 64, {half_t(1.0f), half_t(0.0f)});
  });

  using Serial = gemm::device::Gemm<half_t, Row, half_t, Row, float, Row, float,
                                    OpClassTensorOp, Sm75, Tile<64, 64, 32>,
                                    Tile<32, 32, 32>, Tile<16, 8, 8>,
                                    Linear<float, 4>, InOrder, 2, 8, 8, true>;
  recorder::program("split_k_serial",
                    [] { record<Serial>(64, 128, 256, {1.0f, 0.5f}, 4); });

  using S8 = gemm::device::Gemm<
      int8_t, Row, int8_t, Column, int8_t, Row, int32_t, OpClassTensorOp, Sm75,
      Tile<64, 64, 64>, Tile<32, 32, 64>, Tile<8, 8, 16>,
      epilogue::thread::LinearCombinationClamp<int8_t, 8, int32_t, float>,
      InOrder, 2>;
  recorder::program("s8_clamp",
                    [] { record<S8>(64, 64, 96, {0.0078125f, 0.5f}); });

  using U8 = gemm::device::Gemm<uint8_t, Row, int8_t, Column, int32_t, Row,
                                int32_t, OpClassTensorOp, Sm75,
                                Tile<64, 64, 64>, Tile<32, 32, 64>,
                                Tile<8, 8, 16>, Linear<int32_t, 4>, InOrder, 2>;
  recorder::program("u8_s8", [] { record<U8>(64, 64, 64, {1, 0}); });

  using S4 = gemm::device::Gemm<int4b_t, Row, int4b_t, Column, int32_t, Row,
                                int32_t, OpClassTensorOp, Sm75,
                                Tile<64, 64, 128>, Tile<32, 32, 128>,
                                Tile<8, 8, 32>, Linear<int32_t, 4>, InOrder, 2>;
  recorder::program("s4", [] { record<S4>(64, 128, 160, {1, 1}); });

  using B1 =
      gemm::device::Gemm<uint1b_t, Row, uint1b_t, Column, int32_t, Row, int32_t,
                         OpClassTensorOp, Sm75, Tile<64, 64, 512>,
                         Tile<32, 32, 512>, Tile<8, 8, 128>, Linear<int32_t, 4>,
                         InOrder, 2, 128, 128, false, arch::OpXorPopc>;
  recorder::program("b1_xor", [] { record<B1>(64, 64, 1024, {1, 0}); });

  using Dp4a =
      gemm::device::Gemm<int8_t, Row, int8_t, Column, int32_t, Row, int32_t,
                         OpClassSimt, arch::Sm61, Tile<64, 64, 32>,
                         Tile<32, 32, 32>, Tile<1, 1, 4>, Linear<int32_t, 1>,
                         InOrder, 2>;
  recorder::program("dp4a", [] { record<Dp4a>(50, 36, 48, {3, -1}); });

  using F64 =
      gemm::device::Gemm<double, Column, double, Row, double, Row, double,
                         OpClassSimt, Sm75, Tile<64, 64, 8>, Tile<32, 32, 8>,
                         Tile<1, 1, 1>, Linear<double, 1>, InOrder, 2>;
  recorder::program("simt_f64", [] { record<F64>(33, 47, 21, {1.0, 2.0}); });
}
} // namespace corpus

int main(int argc, char **argv) {
  recorder::open(argc, argv, CORPUS_TARGET);
  corpus::recordAll();
  return recorder::close();
}
