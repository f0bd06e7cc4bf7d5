// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small algorithms of numerical and graph codes.

#include <cstdint>
#include <curand_kernel.h>

// Forces of all on all, positions through tiles in shared memory.
extern "C" __global__ void bodies(const float4 *position, float4 *force,
                                  int n) {
  extern __shared__ float4 tile[];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float4 me = position[i], f = {0, 0, 0, 0};
  for (int start = 0; start < n; start += blockDim.x) {
    tile[threadIdx.x] = position[start + threadIdx.x];
    __syncthreads();
#pragma unroll 4
    for (int j = 0; j < blockDim.x; ++j) {
      float dx = tile[j].x - me.x, dy = tile[j].y - me.y, dz = tile[j].z - me.z;
      float r = rsqrtf(dx * dx + dy * dy + dz * dz + 1e-2f);
      float s = tile[j].w * r * r * r;
      f.x += dx * s, f.y += dy * s, f.z += dz * s;
    }
    __syncthreads();
  }
  force[i] = f;
}

// Radix-2 FFT of 512 complex numbers in shared memory, one block each.
extern "C" __global__ void fft512(const float2 *in, float2 *out) {
  __shared__ float2 a[512];
  for (int i = threadIdx.x; i < 512; i += blockDim.x)
    a[__brev(i) >> 23] = in[blockIdx.x * 512 + i];
  for (int half = 1; half < 512; half *= 2) {
    __syncthreads();
    int k = threadIdx.x & (half - 1), i = (threadIdx.x - k) * 2 + k;
    float s, c;
    sincospif(-(float)k / half, &s, &c);
    float2 x = a[i], y = a[i + half];
    float2 t = {y.x * c - y.y * s, y.x * s + y.y * c};
    a[i] = {x.x + t.x, x.y + t.y};
    a[i + half] = {x.x - t.x, x.y - t.y};
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 512; i += blockDim.x)
    out[blockIdx.x * 512 + i] = a[i];
}

// Cholesky factor of a 32 x 32 f64 matrix, a warp each, columns in turn.
extern "C" __global__ void cholesky(double *matrices) {
  __shared__ double a[32][33];
  double *m = matrices + blockIdx.x * 1024;
  int lane = threadIdx.x;
  for (int r = 0; r < 32; ++r)
    a[r][lane] = m[r * 32 + lane];
  __syncwarp();
  for (int k = 0; k < 32; ++k) {
    if (lane == k)
      a[k][k] = sqrt(a[k][k]);
    __syncwarp();
    if (lane > k)
      a[lane][k] /= a[k][k];
    __syncwarp();
    if (lane > k)
      for (int j = k + 1; j <= lane; ++j)
        a[lane][j] -= a[lane][k] * a[j][k];
    __syncwarp();
  }
  for (int r = 0; r < 32; ++r)
    m[r * 32 + lane] = lane <= r ? a[r][lane] : 0;
}

// Sparse matrix times vector: CSR, a warp a row.
extern "C" __global__ void sparse_product(const int *rows, const int *columns,
                                          const float *values, const float *x,
                                          float *y, int n) {
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
  int lane = threadIdx.x % 32;
  if (row >= n)
    return;
  float s = 0;
  for (int i = rows[row] + lane; i < rows[row + 1]; i += 32)
    s += values[i] * __ldg(&x[columns[i]]);
  for (int d = 16; d; d /= 2)
    s += __shfl_xor_sync(~0u, s, d);
  if (lane == 0)
    y[row] = s;
}

// One level of a breadth-first search; launched until `grew` stays 0.
extern "C" __global__ void search_level(const int *starts, const int *edges,
                                        int *depth, int *grew, int level,
                                        int n) {
  int v = blockIdx.x * blockDim.x + threadIdx.x;
  if (v >= n || depth[v] != level)
    return;
  for (int e = starts[v]; e < starts[v + 1]; ++e)
    if (atomicCAS(&depth[edges[e]], -1, level + 1) == -1)
      *grew = 1;
}

// All shortest paths, one pivot a launch.
extern "C" __global__ void floyd_warshall(int *distance, int n, int k) {
  int i = blockIdx.y * blockDim.y + threadIdx.y;
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n || j >= n || i == k || j == k)
    return;
  int through = distance[i * n + k] + distance[k * n + j];
  if (through < distance[i * n + j])
    distance[i * n + j] = through;
}

// Bitonic sort of a block's 1024 keys with their values.
extern "C" __global__ void bitonic(unsigned *keys, unsigned short *values) {
  __shared__ unsigned k[1024];
  __shared__ unsigned short v[1024];
  int base = blockIdx.x * 1024;
  for (int i = threadIdx.x; i < 1024; i += blockDim.x)
    k[i] = keys[base + i], v[i] = values[base + i];
  for (int size = 2; size <= 1024; size *= 2)
    for (int step = size / 2; step; step /= 2) {
      __syncthreads();
      for (int t = threadIdx.x; t < 512; t += blockDim.x) {
        int i = 2 * t - (t & (step - 1)), j = i + step;
        if ((k[i] > k[j]) == !(i & size)) {
          unsigned a = k[i];
          k[i] = k[j], k[j] = a;
          unsigned short b = v[i];
          v[i] = v[j], v[j] = b;
        }
      }
    }
  __syncthreads();
  for (int i = threadIdx.x; i < 1024; i += blockDim.x)
    keys[base + i] = k[i], values[base + i] = v[i];
}

// Smith-Waterman score of two strings, anti-diagonals across a block.
extern "C" __global__ void align(const char *a, const char *b, int *best, int n,
                                 int m) {
  __shared__ int row[3][129];
  __shared__ int top;
  int i = threadIdx.x; // a's character; n <= blockDim.x <= 128
  for (int k = 0; k < 3; ++k)
    row[k][i + 1] = 0;
  if (i == 0) {
    row[0][0] = row[1][0] = row[2][0] = 0;
    top = 0;
  }
  __syncthreads();
  int mine = 0;
  for (int d = 0; d < n + m - 1; ++d) {
    int j = d - i;
    int *now = row[d % 3], *last = row[(d + 2) % 3], *before = row[(d + 1) % 3];
    if (i < n && j >= 0 && j < m) {
      int s = before[i] + (a[i] == b[j] ? 3 : -2);
      s = max(max(s, 0), max(last[i], last[i + 1]) - 1);
      if (j == 0)
        s = max(max(a[i] == b[j] ? 3 : -2, 0), last[i] - 1);
      now[i + 1] = s;
      mine = max(mine, s);
    } else if (i < n && j < 0) {
      now[i + 1] = 0;
    }
    __syncthreads();
  }
  atomicMax(&top, mine);
  __syncthreads();
  if (i == 0)
    *best = top;
}

extern "C" __global__ void
black_scholes(const float *price, const float *strike, const float *years,
              float *call, float *put, float rate, float vol, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float root = vol * sqrtf(years[i]);
  float d1 =
      (logf(price[i] / strike[i]) + (rate + 0.5f * vol * vol) * years[i]) /
      root;
  float d2 = d1 - root, discount = expf(-rate * years[i]);
  call[i] = price[i] * normcdff(d1) - strike[i] * discount * normcdff(d2);
  put[i] = strike[i] * discount * normcdff(-d2) - price[i] * normcdff(-d1);
}

// Pi by cuRAND's Philox and XORWOW generators, in the header's device code.
extern "C" __global__ void monte_carlo(unsigned *philox, unsigned *xorwow,
                                       float *normals, int rounds) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  curandStatePhilox4_32_10_t p;
  curand_init(1234, i, 0, &p);
  curandStateXORWOW_t x;
  curand_init(99, i % 4, i, &x);
  unsigned inside = 0;
  for (int r = 0; r < rounds; ++r) {
    float4 u = curand_uniform4(&p);
    inside += u.x * u.x + u.y * u.y < 1;
    inside += u.z * u.z + u.w * u.w < 1;
  }
  philox[i] = inside;
  xorwow[i] = curand(&x) % 1000 + curand(&x) % 1000;
  float2 z = curand_normal2(&p);
  normals[2 * i] = z.x, normals[2 * i + 1] = z.y;
}

// Edit distance by a whole warp in registers: shuffles instead of memory.
extern "C" __global__ void edit_distance(const char *a, const char *b, int *out,
                                         int m) {
  int lane = threadIdx.x, pair = blockIdx.x;
  char mine = a[pair * 32 + lane];
  int current = lane + 1, diagonal = lane, up;
  for (int step = 0; step < m + 31; ++step) {
    int j = step - lane;
    up = __shfl_up_sync(~0u, current, 1);
    if (lane == 0)
      up = j + 1;
    bool active = j >= 0 && j < m;
    int next = current;
    if (active) {
      int cost = mine != b[pair * m + j];
      next = min(min(current, up) + 1, diagonal + cost);
    }
    // The neighbour's value of this step is the diagonal of the next one.
    if (active || j == -1)
      diagonal = j == -1 ? lane : up;
    current = next;
  }
  if (lane == 31)
    out[pair] = current;
}
