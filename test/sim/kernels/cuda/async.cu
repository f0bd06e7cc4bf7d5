// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asynchronous copies and the barriers that end them.

#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cuda/barrier>
#include <cuda/pipeline>
#include <cuda_pipeline.h>

namespace cg = cooperative_groups;

// Four stages of 16-byte copies through the primitives of cuda_pipeline.h; the
// tail beyond n is filled with zeros. Sums each tile of 1024 floats.
extern "C" __global__ void pipeline_primitives(const float *in, float *sums,
                                               int tiles, int n) {
  constexpr int kStages = 4, kTile = 1024;
  __shared__ __align__(16) float tile[kStages][kTile];
  __shared__ float partial[8];
  auto fetch = [&](int i) {
    if (i < tiles) {
      int at = i * kTile + threadIdx.x * 4;
      int valid = min(max((n - at) * 4, 0), 16);
      // A source that is wholly outside stays at the buffer's start.
      __pipeline_memcpy_async(&tile[i % kStages][threadIdx.x * 4],
                              in + (valid ? at : 0), 16, 16 - valid);
    }
    __pipeline_commit();
  };
  for (int i = 0; i < kStages - 1; ++i)
    fetch(i);
  for (int i = 0; i < tiles; ++i) {
    __pipeline_wait_prior(kStages - 2);
    __syncthreads();
    fetch(i + kStages - 1);
    float v = 0;
    for (int j = threadIdx.x; j < kTile; j += blockDim.x)
      v += tile[i % kStages][j];
    for (int d = 16; d; d /= 2)
      v += __shfl_down_sync(~0u, v, d);
    if (threadIdx.x % 32 == 0)
      partial[threadIdx.x / 32] = v;
    __syncthreads();
    if (threadIdx.x == 0) {
      float s = 0;
      for (int w = 0; w < blockDim.x / 32; ++w)
        s += partial[w];
      sums[i] = s;
    }
  }
}

// cuda::pipeline of block scope, all threads producers and consumers.
extern "C" __global__ void pipeline_block(const int *in, int *out,
                                          int batches) {
  constexpr int kStages = 2, kBatch = 256;
  __shared__ int buffer[kStages][kBatch];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, kStages>
      state;
  auto block = cg::this_thread_block();
  auto pipe = cuda::make_pipeline(block, &state);
  for (int next = 0, i = 0; i < batches; ++i) {
    for (; next < batches && next < i + kStages; ++next) {
      pipe.producer_acquire();
      cuda::memcpy_async(block, buffer[next % kStages], in + next * kBatch,
                         sizeof(int) * kBatch, pipe);
      pipe.producer_commit();
    }
    pipe.consumer_wait();
    int v = buffer[i % kStages][(threadIdx.x * 7 + 3) % kBatch];
    out[i * kBatch + threadIdx.x] = v * v + i;
    pipe.consumer_release();
  }
}

// Half of the warps copies, half computes.
extern "C" __global__ void pipeline_roles(const float *in, float *out,
                                          int batches) {
  constexpr int kStages = 3, kBatch = 128;
  __shared__ __align__(16) float buffer[kStages][kBatch];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, kStages>
      state;
  auto block = cg::this_thread_block();
  auto role = block.thread_rank() < 64 ? cuda::pipeline_role::producer
                                       : cuda::pipeline_role::consumer;
  auto pipe = cuda::make_pipeline(block, &state, role);
  for (int i = 0; i < batches; ++i) {
    if (role == cuda::pipeline_role::producer) {
      pipe.producer_acquire();
      int at = threadIdx.x * 2;
      cuda::memcpy_async(&buffer[i % kStages][at], in + i * kBatch + at,
                         cuda::aligned_size_t<8>(8), pipe);
      pipe.producer_commit();
    } else {
      pipe.consumer_wait();
      int lane = threadIdx.x - 64;
      float *b = buffer[i % kStages];
      out[i * 64 + lane] = b[lane] * b[127 - lane];
      pipe.consumer_release();
    }
  }
}

// cuda::barrier: phases counted by all, data exchanged between them.
extern "C" __global__ void barrier_phases(const int *in, int *out, int rounds) {
  __shared__ cuda::barrier<cuda::thread_scope_block> bar;
  __shared__ int data[2][128];
  if (threadIdx.x == 0)
    init(&bar, blockDim.x);
  __syncthreads();
  data[0][threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  bar.arrive_and_wait();
  for (int r = 0; r < rounds; ++r) {
    int v = data[r % 2][threadIdx.x] +
            data[r % 2][(threadIdx.x + (1 << r)) % blockDim.x];
    data[1 - r % 2][threadIdx.x] = v;
    auto token = bar.arrive();
    bar.wait(std::move(token));
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = data[rounds % 2][threadIdx.x];
}

// A copy whose end is a phase of a cuda::barrier (cp.async.mbarrier.arrive).
extern "C" __global__ void barrier_copy(const double *in, double *out) {
  __shared__ __align__(16) double tile[256];
  __shared__ cuda::barrier<cuda::thread_scope_block> bar;
  auto block = cg::this_thread_block();
  if (threadIdx.x == 0)
    init(&bar, blockDim.x);
  block.sync();
  cuda::memcpy_async(&tile[threadIdx.x * 2],
                     in + blockIdx.x * 256 + threadIdx.x * 2,
                     cuda::aligned_size_t<16>(16), bar);
  bar.arrive_and_wait();
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    out[blockIdx.x * 256 + i] = tile[255 - i];
}

extern "C" __global__ void group_copy(const short *in, short *out, int n) {
  __shared__ short tile[600];
  auto block = cg::this_thread_block();
  const short *from = in + blockIdx.x * n;
  // An odd number of 2-byte elements: the copy falls back to small pieces.
  cg::memcpy_async(block, tile, from, sizeof(short) * n);
  cg::wait(block);
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    out[blockIdx.x * n + i] = tile[n - 1 - i];
}

// Tiled f32 product, double buffered with 4-, 8- and 16-byte cp.async of
// inline PTX, dynamic shared memory beyond 48 KiB.
extern "C" __global__ void tiled_product(const float *a, const float *b,
                                         float *c, int n) {
  extern __shared__ __align__(128) char memory[];
  constexpr int kTile = 64;
  float (*sa)[kTile][kTile] = (float (*)[kTile][kTile])memory;
  float (*sb)[kTile][kTile] = sa + 2;
  int row0 = blockIdx.y * kTile, col0 = blockIdx.x * kTile;
  auto copy = [&](int stage, int k0) {
    for (int i = threadIdx.x; i < kTile * kTile / 4; i += blockDim.x) {
      int r = i / (kTile / 4), q = i % (kTile / 4) * 4;
      unsigned to = __cvta_generic_to_shared(&sa[stage][r][q]);
      asm volatile(
          "cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to),
          "l"(a + (row0 + r) * n + k0 + q));
      to = __cvta_generic_to_shared(&sb[stage][r][q]);
      const float *from = b + (k0 + r) * n + col0 + q;
      asm volatile("cp.async.ca.shared.global [%0], [%1], 8;\n\t"
                   "cp.async.ca.shared.global [%2], [%3], 4;\n\t"
                   "cp.async.ca.shared.global [%4], [%5], 4;" ::"r"(to),
                   "l"(from), "r"(to + 8), "l"(from + 2), "r"(to + 12),
                   "l"(from + 3));
    }
    asm volatile("cp.async.commit_group;");
  };
  int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  float acc[4][4] = {};
  copy(0, 0);
  for (int k0 = 0, stage = 0; k0 < n; k0 += kTile, stage ^= 1) {
    if (k0 + kTile < n) {
      copy(stage ^ 1, k0 + kTile);
      asm volatile("cp.async.wait_group 1;");
    } else {
      asm volatile("cp.async.wait_all;");
    }
    __syncthreads();
    for (int k = 0; k < kTile; ++k)
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j)
          acc[i][j] += sa[stage][ty + 16 * i][k] * sb[stage][k][tx + 16 * j];
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      c[(row0 + ty + 16 * i) * n + col0 + tx + 16 * j] = acc[i][j];
}
