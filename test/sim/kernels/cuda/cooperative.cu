// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cooperative groups, warp intrinsics, threads of a grid that wait for others.

#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

namespace cg = cooperative_groups;

// Jacobi iterations with a barrier of the whole grid between them: a
// cooperative launch.
extern "C" __global__ void grid_sync(float *a, float *b, int n, int rounds) {
  auto grid = cg::this_grid();
  for (int r = 0; r < rounds; ++r) {
    for (unsigned i = grid.thread_rank(); i < n; i += grid.size()) {
      float left = i ? a[i - 1] : 0, right = i + 1 < n ? a[i + 1] : 0;
      b[i] = 0.25f * left + 0.5f * a[i] + 0.25f * right;
    }
    grid.sync();
    float *t = a;
    a = b, b = t;
  }
}

// A barrier of the grid made by hand, from atomics: every block must be
// resident and progress.
extern "C" __global__ void grid_barrier(int *data, unsigned *arrived,
                                        int rounds) {
  for (int r = 0; r < rounds; ++r) {
    if (threadIdx.x == 0)
      data[(r + 1) * gridDim.x + blockIdx.x] =
          data[r * gridDim.x + blockIdx.x] +
          ((volatile int *)data)[r * gridDim.x + (blockIdx.x + 1) % gridDim.x];
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence();
      atomicAdd(arrived, 1);
      while (*(volatile unsigned *)arrived < (r + 1) * gridDim.x)
        ;
      __threadfence();
    }
    __syncthreads();
  }
}

// The last block to finish adds up what the others left.
__device__ unsigned finished = 0;
extern "C" __global__ void last_block(const float *in, float *partial,
                                      float *out, int n) {
  __shared__ bool last;
  __shared__ float warps[8];
  auto block = cg::this_thread_block();
  auto warp = cg::tiled_partition<32>(block);
  auto sum = [&](float v) {
    v = cg::reduce(warp, v, cg::plus<float>());
    if (warp.thread_rank() == 0)
      warps[warp.meta_group_rank()] = v;
    block.sync();
    v = 0;
    for (int w = 0; w < warp.meta_group_size(); ++w)
      v += warps[w];
    block.sync();
    return v;
  };
  float v = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    v += in[i];
  v = sum(v);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = v;
    __threadfence();
    last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
  }
  block.sync();
  if (last) {
    v = threadIdx.x < gridDim.x ? ((volatile float *)partial)[threadIdx.x] : 0;
    v = sum(v);
    if (threadIdx.x == 0)
      *out = v;
  }
}

template <int Size> __device__ void tile(const int *in, int *out) {
  auto part = cg::tiled_partition<Size>(cg::this_thread_block());
  int i = threadIdx.x, v = in[i];
  out[i] = cg::reduce(part, v, cg::plus<int>());
  out[i + 128] = cg::reduce(part, v, cg::less<int>());
  out[i + 256] = cg::inclusive_scan(part, v);
  out[i + 384] = cg::exclusive_scan(part, v, cg::bit_xor<int>());
  out[i + 512] = part.shfl(v, part.size() / 3) + part.any(v == 5);
  out[i + 640] = part.shfl_xor(v, 1) * 2 + (part.ballot(v & 1) & 1);
}
extern "C" __global__ void tiles4(const int *in, int *out) { tile<4>(in, out); }
extern "C" __global__ void tiles16(const int *in, int *out) {
  tile<16>(in, out);
}
extern "C" __global__ void tiles32(const int *in, int *out) {
  tile<32>(in, out);
}

// Groups that depend on data.
extern "C" __global__ void data_groups(const int *in, int *out) {
  auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  int i = threadIdx.x, v = in[i];
  auto label = cg::labeled_partition(warp, v % 5);
  out[i] = cg::reduce(label, v, cg::plus<int>()) * 32 + label.thread_rank();
  auto two = cg::binary_partition(warp, v % 2 == 0);
  out[i + 64] = two.size() * 100 + two.thread_rank();
  if (v % 3 == 0) {
    auto active = cg::coalesced_threads();
    int first = active.shfl(v, 0);
    out[i + 128] = first + active.thread_rank() + active.size() * 10000;
    active.sync();
  } else {
    out[i + 128] = -1;
  }
}

// One atomic for all threads of a warp that append.
extern "C" __global__ void compaction(const int *in, int *out, int *count,
                                      int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n || in[i] % 3)
    return;
  auto active = cg::coalesced_threads();
  int base = 0;
  if (active.thread_rank() == 0)
    base = atomicAdd(count, active.size());
  out[active.shfl(base, 0) + active.thread_rank()] = in[i];
}

extern "C" __global__ void shuffles(const int *in, double *wide, int *out) {
  int lane = threadIdx.x, v = in[lane];
  out[lane] = __shfl_sync(~0u, v, (lane * 7) & 31);
  out[lane + 32] = __shfl_up_sync(~0u, v, 3);
  out[lane + 64] = __shfl_down_sync(~0u, v, 5, 16);
  out[lane + 96] = __shfl_xor_sync(~0u, v, 9, 8);
  out[lane + 128] = __match_any_sync(~0u, v & 3);
  int all;
  unsigned same = __match_all_sync(~0u, v >= 0, &all);
  out[lane + 160] = same + all;
  out[lane + 192] = __ballot_sync(~0u, v & 4) ^ __activemask();
  out[lane + 224] = __reduce_max_sync(~0u, v) - __reduce_min_sync(~0u, v);
  out[lane + 256] = __reduce_xor_sync(~0u, (unsigned)v) ^
                    __reduce_and_sync(~0u, (unsigned)v) ^
                    __reduce_or_sync(~0u, (unsigned)v);
  wide[lane] = __shfl_xor_sync(~0u, wide[lane], 16) +
               __longlong_as_double(
                   __shfl_sync(~0u, __double_as_longlong(wide[lane]), 31));
}

extern "C" __global__ void block_votes(const int *in, int *out) {
  int v = in[blockIdx.x * blockDim.x + threadIdx.x];
  int count = __syncthreads_count(v > 0), all = __syncthreads_and(v > -50),
      any = __syncthreads_or(v == 77);
  if (threadIdx.x == 0)
    out[blockIdx.x] = count * 4 + (all != 0) * 2 + (any != 0);
}

// Two halves of a block hand a value back and forth with named barriers.
extern "C" __global__ void named_barriers(const int *in, int *out, int rounds) {
  __shared__ int box[64];
  int lane = threadIdx.x & 63;
  if (threadIdx.x < 64) {
    for (int r = 0; r < rounds; ++r) {
      box[lane] = in[r * 64 + lane] * 3;
      asm volatile("bar.arrive 1, 128;" ::: "memory");
      asm volatile("bar.sync 2, 128;" ::: "memory");
    }
  } else {
    for (int r = 0; r < rounds; ++r) {
      asm volatile("bar.sync 1, 128;" ::: "memory");
      out[r * 64 + lane] = box[63 - lane] + r;
      asm volatile("bar.arrive 2, 128;" ::: "memory");
    }
  }
}
