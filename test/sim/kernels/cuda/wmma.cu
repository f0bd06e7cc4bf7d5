// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// nvcuda::wmma in every type: one warp, one fragment of C over K steps.
// A is row major [M,K], B column major [K,N] (that is [N,K] in memory).

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

using namespace nvcuda;

template <int M, int N, int K, typename Stored, typename Type, typename Acc>
__device__ void product(const Stored *a, const Stored *b, Acc *c, int k) {
  wmma::fragment<wmma::matrix_a, M, N, K, Type, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, M, N, K, Type, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, M, N, K, Acc> fc;
  wmma::fill_fragment(fc, Acc(0));
  for (int i = 0; i < k; i += K) {
    wmma::load_matrix_sync(fa, a + i, k);
    wmma::load_matrix_sync(fb, b + i, k);
    wmma::mma_sync(fc, fa, fb, fc);
  }
  wmma::store_matrix_sync(c, fc, N, wmma::mem_row_major);
}

#define PRODUCT(name, M, N, K, Stored, Type, Acc)                              \
  extern "C" __global__ void name(const Stored *a, const Stored *b, Acc *c,    \
                                  int k) {                                     \
    product<M, N, K, Stored, Type, Acc>(a, b, c, k);                           \
  }

PRODUCT(wmma_f16, 16, 16, 16, half, half, float)
PRODUCT(wmma_f16_32x8, 32, 8, 16, half, half, float)
PRODUCT(wmma_f16_8x32, 8, 32, 16, half, half, float)
PRODUCT(wmma_f16_acc_f16, 16, 16, 16, half, half, half)
PRODUCT(wmma_s8, 16, 16, 16, signed char, signed char, int)
PRODUCT(wmma_u8_32x8, 32, 8, 16, unsigned char, unsigned char, int)
#if __CUDA_ARCH__ >= 800
PRODUCT(wmma_bf16, 16, 16, 16, __nv_bfloat16, __nv_bfloat16, float)
PRODUCT(wmma_tf32, 16, 16, 8, float, wmma::precision::tf32, float)
PRODUCT(wmma_f64, 8, 8, 4, double, double, double)
#endif

// Sub-byte types: leading dimensions count elements; A, B are packed words.
template <typename Type, int K>
__device__ void packed(const void *a, const void *b, int *c, int k) {
  wmma::fragment<wmma::matrix_a, 8, 8, K, Type, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, K, Type, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 8, 8, K, int> fc;
  wmma::fill_fragment(fc, 0);
  constexpr int kInWord = K == 128 ? 32 : 8;
  for (int i = 0; i < k; i += K) {
    wmma::load_matrix_sync(fa, (const unsigned *)a + i / kInWord, k);
    wmma::load_matrix_sync(fb, (const unsigned *)b + i / kInWord, k);
    wmma::mma_sync(fc, fa, fb, fc);
  }
  wmma::store_matrix_sync(c, fc, 8, wmma::mem_row_major);
}

extern "C" __global__ void wmma_s4(const int *a, const int *b, int *c, int k) {
  wmma::fragment<wmma::matrix_a, 8, 8, 32, wmma::experimental::precision::s4,
                 wmma::row_major>
      fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 32, wmma::experimental::precision::s4,
                 wmma::col_major>
      fb;
  wmma::fragment<wmma::accumulator, 8, 8, 32, int> fc;
  wmma::fill_fragment(fc, 0);
  for (int i = 0; i < k; i += 32) {
    wmma::load_matrix_sync(fa, a + i / 8, k);
    wmma::load_matrix_sync(fb, b + i / 8, k);
    wmma::mma_sync(fc, fa, fb, fc);
  }
  wmma::store_matrix_sync(c, fc, 8, wmma::mem_row_major);
}

extern "C" __global__ void wmma_u4(const int *a, const int *b, int *c, int k) {
  packed<wmma::experimental::precision::u4, 32>(a, b, c, k);
}

// c counts differing bits; `both` bits set in both operands (sm_80).
extern "C" __global__ void wmma_b1(const unsigned *a, const unsigned *b, int *c,
                                   int *both, int k) {
  wmma::fragment<wmma::matrix_a, 8, 8, 128, wmma::experimental::precision::b1,
                 wmma::row_major>
      fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 128, wmma::experimental::precision::b1,
                 wmma::col_major>
      fb;
  wmma::fragment<wmma::accumulator, 8, 8, 128, int> x, n;
  wmma::fill_fragment(x, 0);
  wmma::fill_fragment(n, 0);
  for (int i = 0; i < k; i += 128) {
    wmma::load_matrix_sync(fa, a + i / 32, k);
    wmma::load_matrix_sync(fb, b + i / 32, k);
    wmma::bmma_sync(x, fa, fb, x, wmma::experimental::bmmaBitOpXOR);
#if __CUDA_ARCH__ >= 800
    wmma::bmma_sync(n, fa, fb, n, wmma::experimental::bmmaBitOpAND);
#endif
  }
  wmma::store_matrix_sync(c, x, 8, wmma::mem_row_major);
  wmma::store_matrix_sync(both, n, 8, wmma::mem_row_major);
}

// A tiled product as in NVIDIA's samples: blocks of 2x2 warps, tiles in shared
// memory, alpha and beta applied to the fragments' elements.
extern "C" __global__ void wmma_gemm(const half *a, const half *b,
                                     const float *c, float *d, int m, int n,
                                     int k, float alpha, float beta) {
  __shared__ half sa[32][32 + 8], sb[32][32 + 8];
  int warp = threadIdx.x / 32, wm = warp / 2, wn = warp % 2;
  int m0 = blockIdx.y * 32, n0 = blockIdx.x * 32;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> acc, old;
  wmma::fill_fragment(acc, 0.0f);
  for (int k0 = 0; k0 < k; k0 += 32) {
    for (int i = threadIdx.x; i < 32 * 4; i += blockDim.x) {
      int row = i / 4, col = i % 4 * 8;
      *(int4 *)&sa[row][col] = *(const int4 *)&a[(m0 + row) * k + k0 + col];
      *(int4 *)&sb[row][col] = *(const int4 *)&b[(k0 + row) * n + n0 + col];
    }
    __syncthreads();
    for (int kk = 0; kk < 32; kk += 16) {
      wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
      wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> fb;
      wmma::load_matrix_sync(fa, &sa[wm * 16][kk], 40);
      wmma::load_matrix_sync(fb, &sb[kk][wn * 16], 40);
      wmma::mma_sync(acc, fa, fb, acc);
    }
    __syncthreads();
  }
  size_t at = (size_t)(m0 + wm * 16) * n + n0 + wn * 16;
  wmma::load_matrix_sync(old, c + at, n, wmma::mem_row_major);
  for (int i = 0; i < acc.num_elements; ++i)
    acc.x[i] = alpha * acc.x[i] + beta * old.x[i];
  wmma::store_matrix_sync(d + at, acc, n, wmma::mem_row_major);
}
