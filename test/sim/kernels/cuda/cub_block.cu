// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUB's collectives of a block and of a warp.

#include <cub/block/block_shuffle.cuh>
#include <cub/cub.cuh>

template <cub::BlockScanAlgorithm How>
__device__ void scan(const int *in, int *out, int *total) {
  using Scan = cub::BlockScan<int, 128, How>;
  __shared__ typename Scan::TempStorage storage;
  int v[4], sum;
  cub::LoadDirectBlocked(threadIdx.x, in + blockIdx.x * 512, v);
  Scan(storage).ExclusiveSum(v, v, sum);
  cub::StoreDirectBlocked(threadIdx.x, out + blockIdx.x * 512, v);
  if (threadIdx.x == 0)
    total[blockIdx.x] = sum;
}
extern "C" __global__ void block_scan(const int *in, int *out, int *total) {
  scan<cub::BLOCK_SCAN_WARP_SCANS>(in, out, total);
}
extern "C" __global__ void block_scan_raking(const int *in, int *out,
                                             int *total) {
  scan<cub::BLOCK_SCAN_RAKING>(in, out, total);
}

struct Max {
  __device__ double operator()(double a, double b) const {
    return a > b ? a : b;
  }
};
extern "C" __global__ void block_reduce(const double *in, double *sums,
                                        double *most, int n) {
  using Sum = cub::BlockReduce<double, 96>;
  using Raking = cub::BlockReduce<double, 96, cub::BLOCK_REDUCE_RAKING>;
  __shared__ union {
    typename Sum::TempStorage sum;
    typename Raking::TempStorage most;
  } storage;
  int i = blockIdx.x * 96 + threadIdx.x;
  double s = Sum(storage.sum).Sum(i < n ? in[i] : 0);
  __syncthreads();
  double m = Raking(storage.most).Reduce(i < n ? in[i] : -1e300, Max());
  if (threadIdx.x == 0)
    sums[blockIdx.x] = s, most[blockIdx.x] = m;
}

extern "C" __global__ void block_radix_sort(unsigned *keys, int *values) {
  using Sort = cub::BlockRadixSort<unsigned, 128, 4, int>;
  using Load = cub::BlockLoad<unsigned, 128, 4, cub::BLOCK_LOAD_TRANSPOSE>;
  using Store = cub::BlockStore<int, 128, 4, cub::BLOCK_STORE_WARP_TRANSPOSE>;
  __shared__ union {
    typename Sort::TempStorage sort;
    typename Load::TempStorage load;
    typename Store::TempStorage store;
  } storage;
  unsigned k[4];
  int v[4];
  Load(storage.load).Load(keys + blockIdx.x * 512, k);
  for (int i = 0; i < 4; ++i)
    v[i] = threadIdx.x * 4 + i;
  __syncthreads();
  Sort(storage.sort).SortDescending(k, v);
  __syncthreads();
  cub::StoreDirectBlocked(threadIdx.x, keys + blockIdx.x * 512, k);
  Store(storage.store).Store(values + blockIdx.x * 512, v);
}

struct Less {
  __device__ bool operator()(float a, float b) const { return a < b; }
};
extern "C" __global__ void block_merge_sort(float *keys, int n) {
  using Sort = cub::BlockMergeSort<float, 64, 5>;
  __shared__ typename Sort::TempStorage storage;
  float k[5];
  for (int i = 0; i < 5; ++i) {
    int at = threadIdx.x * 5 + i;
    k[i] = at < n ? keys[blockIdx.x * n + at] : 3e38f;
  }
  Sort(storage).Sort(k, Less(), n, 3e38f);
  for (int i = 0; i < 5; ++i)
    if (threadIdx.x * 5 + i < n)
      keys[blockIdx.x * n + threadIdx.x * 5 + i] = k[i];
}

extern "C" __global__ void warp_collectives(const int *in, int *out) {
  using Scan = cub::WarpScan<int>;
  using Reduce = cub::WarpReduce<int, 16>;
  using Sort = cub::WarpMergeSort<int, 2, 32>;
  __shared__ typename Scan::TempStorage scan[4];
  __shared__ typename Reduce::TempStorage reduce[8];
  __shared__ typename Sort::TempStorage sort[4];
  int i = threadIdx.x, warp = i / 32, v = in[i], r, total;
  Scan(scan[warp]).InclusiveSum(v, r, total);
  out[i] = r + total * 100000;
  out[128 + i] = Reduce(reduce[i / 16]).Sum(v);
  out[256 + i] = Reduce(reduce[i / 16]).HeadSegmentedSum(v, v % 3 == 0);
  int two[2] = {v, in[127 - i]};
  Sort(sort[warp]).Sort(two, [](int a, int b) { return a > b; });
  out[384 + 2 * i] = two[0], out[384 + 2 * i + 1] = two[1];
}

extern "C" __global__ void block_histogram(const unsigned char *in,
                                           unsigned *sorted, unsigned *atomic) {
  using Sorted =
      cub::BlockHistogram<unsigned char, 64, 8, 64, cub::BLOCK_HISTO_SORT>;
  using Atomic =
      cub::BlockHistogram<unsigned char, 64, 8, 64, cub::BLOCK_HISTO_ATOMIC>;
  __shared__ typename Sorted::TempStorage storage;
  __shared__ typename Atomic::TempStorage other;
  __shared__ unsigned bins[2][64];
  unsigned char v[8];
  cub::LoadDirectBlocked(threadIdx.x, in + blockIdx.x * 512, v);
  Atomic(other).Histogram(v, bins[1]);
  __syncthreads();
  Sorted(storage).Histogram(v, bins[0]);
  __syncthreads();
  sorted[blockIdx.x * 64 + threadIdx.x] = bins[0][threadIdx.x];
  atomic[blockIdx.x * 64 + threadIdx.x] = bins[1][threadIdx.x];
}

// Heads of runs, differences of neighbours, and a shuffle of the block.
extern "C" __global__ void block_neighbours(const int *in, int *heads,
                                            int *differences, int *rotated) {
  using Heads = cub::BlockDiscontinuity<int, 128>;
  using Differences = cub::BlockAdjacentDifference<int, 128>;
  using Shuffle = cub::BlockShuffle<int, 128>;
  __shared__ union {
    typename Heads::TempStorage heads;
    typename Differences::TempStorage differences;
    typename Shuffle::TempStorage shuffle;
  } storage;
  int v[1] = {in[threadIdx.x]}, h[1], d[1];
  Heads(storage.heads).FlagHeads(h, v, cuda::std::not_equal_to<>());
  __syncthreads();
  Differences(storage.differences).SubtractLeft(v, d, [](int a, int b) {
    return a - b;
  });
  __syncthreads();
  int r;
  Shuffle(storage.shuffle).Rotate(v[0], r, 17);
  heads[threadIdx.x] = h[0], differences[threadIdx.x] = d[0];
  rotated[threadIdx.x] = r;
}

extern "C" __global__ void block_exchange(const short *in, short *out) {
  using Exchange = cub::BlockExchange<short, 64, 6, true>;
  __shared__ typename Exchange::TempStorage storage;
  short v[6];
  cub::LoadDirectStriped<64>(threadIdx.x, in + blockIdx.x * 384, v);
  Exchange(storage).StripedToBlocked(v, v);
  for (int i = 0; i < 6; ++i)
    v[i] = v[i] * 6 + i;
  __syncthreads();
  Exchange(storage).BlockedToWarpStriped(v, v);
  cub::StoreDirectWarpStriped(threadIdx.x, out + blockIdx.x * 384, v);
}
