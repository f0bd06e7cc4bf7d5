// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels in the manner of the toolkit's samples: transforms, filters, finance,
// stencils, sorting. Written from memory of what the samples show.

#include <cstdint>

// --- Transforms
// ----------------------------------------------------------------
__constant__ float cosines[64]; // [u][x], set by the host

extern "C" __global__ void dct8x8(const float *in, float *out, int stride) {
  __shared__ float block[4][8][9];
  int x = threadIdx.x, y = threadIdx.y, z = threadIdx.z;
  int left = (blockIdx.x * 4 + z) * 8, top = blockIdx.y * 8;
  block[z][y][x] = in[(top + y) * stride + left + x];
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int k = 0; k < 8; ++k)
    sum += cosines[x * 8 + k] * block[z][y][k];
  __syncthreads();
  block[z][y][x] = sum;
  __syncthreads();
  sum = 0;
#pragma unroll
  for (int k = 0; k < 8; ++k)
    sum += cosines[y * 8 + k] * block[z][k][x];
  out[(top + y) * stride + left + x] = sum;
}

extern "C" __global__ void walsh(float *data, int log2n) {
  extern __shared__ float row[];
  int n = 1 << log2n;
  float *mine = data + (size_t)blockIdx.x * n;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    row[i] = mine[i];
  int stride = n / 2;
  for (; stride >= 2; stride >>= 2) { // radix 4
    int quarter = stride / 2;
    __syncthreads();
    for (int i = threadIdx.x; i < n / 4; i += blockDim.x) {
      int low = i & (quarter - 1), base = ((i - low) << 2) + low;
      float a = row[base], b = row[base + quarter], c = row[base + 2 * quarter],
            d = row[base + 3 * quarter];
      float t = a + c, u = a - c, v = b + d, w = b - d;
      row[base] = t + v, row[base + quarter] = t - v;
      row[base + 2 * quarter] = u + w, row[base + 3 * quarter] = u - w;
    }
  }
  if (log2n & 1) {
    __syncthreads();
    for (int i = threadIdx.x; i < n / 2; i += blockDim.x) {
      float a = row[2 * i], b = row[2 * i + 1];
      row[2 * i] = a + b, row[2 * i + 1] = a - b;
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    mine[i] = row[i];
}

extern "C" __global__ void haar(const float *in, float *approx, float *detail) {
  extern __shared__ float part[];
  int tid = threadIdx.x, n = blockDim.x;
  const float half = 0.70710678f;
  float2 pair = reinterpret_cast<const float2 *>(in)[blockIdx.x * n + tid];
  detail[blockIdx.x * n + tid] = (pair.x - pair.y) * half;
  part[tid] = (pair.x + pair.y) * half;
  int offset = gridDim.x * n;
  for (int width = n / 2; width; width >>= 1) {
    __syncthreads();
    float a = 0, b = 0;
    if (tid < width)
      a = part[2 * tid], b = part[2 * tid + 1];
    __syncthreads();
    if (tid < width) {
      part[tid] = (a + b) * half;
      detail[offset + blockIdx.x * width + tid] = (a - b) * half;
    }
    offset += gridDim.x * width;
  }
  if (!tid)
    approx[blockIdx.x] = part[0];
}

// --- Filters
// ---------------------------------------------------------------------
#define RADIUS 4
__constant__ float taps[2 * RADIUS + 1];

extern "C" __global__ void convolve_rows(const float *in, float *out, int width,
                                         int height) {
  __shared__ float tile[4][3 * 16 + 16];
  int y = blockIdx.y * 4 + threadIdx.y, left = blockIdx.x * 48 - 16;
  if (y < height)
    for (int k = threadIdx.x + 12; k < 16 + 48 + 4; k += 16) {
      int x = left + k;
      if (k - 12 < 64)
        tile[threadIdx.y][k - 12] = x >= 0 && x < width ? in[y * width + x] : 0;
    }
  __syncthreads();
  if (y >= height)
    return;
#pragma unroll
  for (int step = 0; step < 3; ++step) {
    int x = blockIdx.x * 48 + step * 16 + threadIdx.x;
    float sum = 0;
#pragma unroll
    for (int j = -RADIUS; j <= RADIUS; ++j)
      sum +=
          taps[RADIUS - j] * tile[threadIdx.y][step * 16 + threadIdx.x + 4 + j];
    if (x < width)
      out[y * width + x] = sum;
  }
}

extern "C" __global__ void bilateral(const uchar4 *in, uchar4 *out, int w,
                                     int h, int radius, float range) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= w || y >= h)
    return;
  uchar4 c = in[y * w + x];
  float r = 0, g = 0, b = 0, total = 0;
  for (int i = -radius; i <= radius; ++i)
    for (int j = -radius; j <= radius; ++j) {
      int u = min(max(x + j, 0), w - 1), v = min(max(y + i, 0), h - 1);
      uchar4 p = in[v * w + u];
      float dr = (float)p.x - c.x, dg = (float)p.y - c.y, db = (float)p.z - c.z;
      float weight = __expf(-(i * i + j * j) / 8.0f) *
                     __expf(-(dr * dr + dg * dg + db * db) / range);
      r += weight * p.x, g += weight * p.y, b += weight * p.z, total += weight;
    }
  out[y * w + x] =
      make_uchar4(__float2int_rn(r / total), __float2int_rn(g / total),
                  __float2int_rn(b / total), c.w);
}

// --- Finance
// ---------------------------------------------------------------------
__device__ float cumulative(float d) {
  float k = 1.0f / (1.0f + 0.2316419f * fabsf(d));
  float v =
      0.39894228f * __expf(-0.5f * d * d) *
      (k * (0.31938153f +
            k * (-0.356563782f +
                 k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
  return d > 0 ? 1.0f - v : v;
}
extern "C" __global__ __launch_bounds__(128) void black_scholes(
    float2 *call, float2 *put, const float2 *price, const float2 *strike,
    const float2 *years, float rate, float volatility, int n) {
  int i = blockDim.x * blockIdx.x + threadIdx.x;
  if (i >= n / 2)
    return;
  auto one = [=](float s, float x, float t, float &c, float &p) {
    float root = __fdividef(1.0f, rsqrtf(t));
    float d1 =
        __fdividef(__logf(s / x) + (rate + 0.5f * volatility * volatility) * t,
                   volatility * root);
    float d2 = d1 - volatility * root;
    float n1 = cumulative(d1), n2 = cumulative(d2), e = __expf(-rate * t);
    c = s * n1 - x * e * n2;
    p = x * e * (1.0f - n2) - s * (1.0f - n1);
  };
  float2 c, p;
  one(price[i].x, strike[i].x, years[i].x, c.x, p.x);
  one(price[i].y, strike[i].y, years[i].y, c.y, p.y);
  call[i] = c, put[i] = p;
}

struct Option {
  double s, x, vdt, up, down; // per-step: volatility, weights
};
extern "C" __global__ void binomial(const Option *options, double *values,
                                    int steps) {
  __shared__ double exchange[129];
  constexpr int each = 4;
  const Option o = options[blockIdx.x];
  int tid = threadIdx.x;
  double call[each + 1];
  auto leaf = [&](int i) {
    double d = o.s * exp(o.vdt * (2.0 * i - steps)) - o.x;
    return d > 0 ? d : 0;
  };
  for (int k = 0; k < each; ++k)
    call[k] = leaf(tid * each + k);
  if (!tid)
    exchange[blockDim.x] = leaf(steps);
  int last = max(0, tid * each - 1);
  for (int i = steps; i > 0; --i) {
    exchange[tid] = call[0];
    __syncthreads();
    call[each] = exchange[tid + 1];
    __syncthreads();
    if (i > last)
      for (int k = 0; k < each; ++k)
        call[k] = o.up * call[k + 1] + o.down * call[k];
  }
  if (!tid)
    values[blockIdx.x] = call[0];
}

// --- Random numbers
// ---------------------------------------------------------------
extern "C" __global__ void sobol(const unsigned *directions, unsigned *out,
                                 int n) {
  __shared__ unsigned v[32];
  const unsigned *d = directions + blockIdx.y * 32;
  out += (size_t)blockIdx.y * n;
  if (threadIdx.x < 32)
    v[threadIdx.x] = d[threadIdx.x];
  __syncthreads();
  int i0 = threadIdx.x + blockIdx.x * blockDim.x,
      stride = gridDim.x * blockDim.x;
  unsigned gray = i0 ^ (i0 >> 1), x = 0;
  for (unsigned k = 0; k < __ffs(stride) - 1; ++k) {
    x ^= -(gray & 1) & v[k];
    gray >>= 1;
  }
  unsigned high = v[__ffs(stride) - 2];
  for (unsigned k = __ffs(stride) - 1; gray; ++k, gray >>= 1)
    x ^= -(gray & 1) & v[k];
  for (unsigned i = i0; i < n; i += stride) {
    out[i] = x;
    // Bits above the stride change by the zeros of the index.
    x ^= high ^ v[__ffs(~((i) | (stride - 1))) - 1];
  }
}

extern "C" __global__ void mersenne(unsigned *state, unsigned *out,
                                    int rounds) {
  __shared__ unsigned mt[624];
  unsigned *mine = state + blockIdx.x * 624;
  for (int i = threadIdx.x; i < 624; i += blockDim.x)
    mt[i] = mine[i];
  __syncthreads();
  for (int r = 0; r < rounds; ++r) {
    // Three parts without dependence inside: 227, 227, 170.
    for (int start = 0; start < 624; start += 227) {
      int i = start + threadIdx.x;
      unsigned next = 0;
      bool active = threadIdx.x < 227 && i < 624;
      if (active) {
        unsigned y = (mt[i] & 0x80000000u) | (mt[(i + 1) % 624] & 0x7fffffffu);
        next = mt[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
      }
      __syncthreads();
      if (active)
        mt[i] = next;
      __syncthreads();
    }
    for (int i = threadIdx.x; i < 624; i += blockDim.x) {
      unsigned y = mt[i];
      y ^= y >> 11, y ^= y << 7 & 0x9d2c5680u, y ^= y << 15 & 0xefc60000u;
      out[(blockIdx.x * rounds + r) * 624 + i] = y ^ y >> 18;
    }
    __syncthreads();
  }
}

extern "C" __global__ void mrg32k3a(const unsigned *seeds, double *out, int n) {
  const double m1 = 4294967087.0, m2 = 4294944443.0;
  int id = blockIdx.x * blockDim.x + threadIdx.x;
  double s[6];
  for (int k = 0; k < 6; ++k)
    s[k] = seeds[id * 6 + k];
  for (int i = 0; i < n; ++i) {
    double p = 1403580.0 * s[1] - 810728.0 * s[0];
    p -= floor(p / m1) * m1;
    s[0] = s[1], s[1] = s[2], s[2] = p;
    double q = 527612.0 * s[5] - 1370589.0 * s[3];
    q -= floor(q / m2) * m2;
    s[3] = s[4], s[4] = s[5], s[5] = q;
    out[id * n + i] = (p > q ? p - q : p - q + m1) * 2.328306549295728e-10;
  }
}

// --- Histograms
// ------------------------------------------------------------------- 64 bins
// in bytes, a column a thread; lanes' bytes share words.
extern "C" __global__ void histogram64(const unsigned *data, unsigned *bins,
                                       int words) {
  __shared__ unsigned char counts[64 * 64];
  int tid = threadIdx.x; // 64 threads
  for (int i = 0; i < 16; ++i)
    reinterpret_cast<unsigned *>(counts)[tid + i * 64] = 0;
  int position = (tid & ~63) | (tid & 15) << 2 | (tid & 0x30) >> 4;
  __syncthreads();
  for (int i = blockIdx.x * 64 + tid, k = 0; i < words && k < 63;
       i += gridDim.x * 64, ++k) {
    unsigned d = data[i];
    counts[position + (d >> 2 & 63) * 64]++;
    counts[position + (d >> 10 & 63) * 64]++;
    counts[position + (d >> 18 & 63) * 64]++;
    counts[position + (d >> 26) * 64]++;
  }
  __syncthreads();
  unsigned sum = 0;
  for (int i = 0, at = tid & 15; i < 16; ++i, at = (at + 1) & 15) {
    unsigned four = reinterpret_cast<unsigned *>(counts)[tid * 16 + at];
    sum = __dp4a(four, 0x01010101u, sum);
  }
  atomicAdd(bins + tid, sum);
}

// --- Reductions
// -------------------------------------------------------------------
template <typename T, int size>
__device__ void reduceBlock(const T *in, T *out, int n) {
  __shared__ T part[size];
  int tid = threadIdx.x;
  T sum = 0;
  for (int i = blockIdx.x * size * 2 + tid; i < n; i += size * 2 * gridDim.x) {
    sum += in[i];
    if (i + size < n)
      sum += in[i + size];
  }
  part[tid] = sum;
  __syncthreads();
  if (size >= 512) {
    if (tid < 256)
      part[tid] = sum = sum + part[tid + 256];
    __syncthreads();
  }
  if (size >= 256) {
    if (tid < 128)
      part[tid] = sum = sum + part[tid + 128];
    __syncthreads();
  }
  if (size >= 128) {
    if (tid < 64)
      part[tid] = sum = sum + part[tid + 64];
    __syncthreads();
  }
  if (tid < 32) {
    if (size >= 64)
      sum += part[tid + 32];
    for (int offset = 16; offset; offset /= 2)
      sum += __shfl_down_sync(~0u, sum, offset);
  }
  if (!tid)
    out[blockIdx.x] = sum;
}
extern "C" __global__ void reduce_f64(const double *in, double *out, int n) {
  reduceBlock<double, 256>(in, out, n);
}
extern "C" __global__ void reduce_i64(const long long *in, long long *out,
                                      int n) {
  reduceBlock<long long, 512>(in, out, n);
}
// The old way: a warp in step, through volatile shared memory.
extern "C" __global__ void reduce_volatile(const int *in, int *out) {
  __shared__ int part[128];
  int tid = threadIdx.x;
  part[tid] = in[blockIdx.x * 128 + tid];
  __syncthreads();
  if (tid < 64)
    part[tid] += part[tid + 64];
  __syncthreads();
  if (tid < 32) {
    volatile int *p = part;
    int v = p[tid];
#pragma unroll
    for (int offset = 32; offset; offset /= 2) {
      v += p[tid + offset];
      __syncwarp();
      p[tid] = v;
      __syncwarp();
    }
  }
  if (!tid)
    out[blockIdx.x] = part[0];
}

// --- Stencils
// ---------------------------------------------------------------------
extern "C" __global__ void fdtd3d(const float *in, float *out, int dimx,
                                  int dimy, int dimz) {
  constexpr int r = 2;
  __shared__ float tile[8 + 2 * r][16 + 2 * r];
  const float w[r + 1] = {0.5f, 0.25f, 0.125f};
  int gx = blockIdx.x * 16 + threadIdx.x, gy = blockIdx.y * 8 + threadIdx.y;
  int tx = threadIdx.x + r, ty = threadIdx.y + r;
  int sy = dimx + 2 * r, sz = sy * (dimy + 2 * r);
  bool valid = gx < dimx && gy < dimy;
  int at = (gy + r) * sy + gx + r;
  float infront[r], behind[r], current;
  if (valid) {
    behind[1] = in[at], behind[0] = in[at + sz];
    current = in[at + 2 * sz];
    infront[0] = in[at + 3 * sz], infront[1] = in[at + 4 * sz];
  }
  for (int z = 0; z < dimz; ++z) {
    if (z && valid) {
      behind[1] = behind[0], behind[0] = current, current = infront[0];
      infront[0] = infront[1], infront[1] = in[at + (z + 4) * sz];
    }
    __syncthreads();
    int here = at + (z + r) * sz;
    if (threadIdx.y < r && gx < dimx) {
      tile[threadIdx.y][tx] = in[here - r * sy];
      int below = min(8, dimy - (int)blockIdx.y * 8);
      tile[below + r + threadIdx.y][tx] = in[here + below * sy];
    }
    if (threadIdx.x < r && gy < dimy) {
      tile[ty][threadIdx.x] = in[here - r];
      int right = min(16, dimx - (int)blockIdx.x * 16);
      tile[ty][right + r + threadIdx.x] = in[here + right];
    }
    if (valid)
      tile[ty][tx] = current;
    __syncthreads();
    if (valid) {
      float v = w[0] * current;
#pragma unroll
      for (int k = 1; k <= r; ++k)
        v += w[k] * (infront[k - 1] + behind[k - 1] + tile[ty - k][tx] +
                     tile[ty + k][tx] + tile[ty][tx - k] + tile[ty][tx + k]);
      out[here] = v;
    }
  }
}

// --- Sorting
// ----------------------------------------------------------------------
// Batcher's odd-even merge sort of keys with values, in shared memory.
extern "C" __global__ void odd_even_merge_sort(unsigned *keys,
                                               unsigned *values) {
  __shared__ unsigned k[512], v[512];
  unsigned *gk = keys + blockIdx.x * 512, *gv = values + blockIdx.x * 512;
  for (int i = threadIdx.x; i < 512; i += 256)
    k[i] = gk[i], v[i] = gv[i];
  auto swap = [&](int a, int b) {
    if (k[a] > k[b]) {
      unsigned t = k[a];
      k[a] = k[b], k[b] = t;
      t = v[a], v[a] = v[b], v[b] = t;
    }
  };
  for (unsigned size = 2; size <= 512; size <<= 1) {
    unsigned stride = size / 2, offset = threadIdx.x & (stride - 1);
    __syncthreads();
    unsigned at = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
    swap(at, at + stride);
    stride >>= 1;
    for (; stride; stride >>= 1) {
      __syncthreads();
      unsigned here = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
      if (offset >= stride)
        swap(here - stride, here);
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 512; i += 256)
    gk[i] = k[i], gv[i] = v[i];
}

// One pass of a radix sort by 4 bits: ranks by ballots and a scan over warps.
extern "C" __global__ void radix_pass(const unsigned *in, unsigned *out,
                                      int shift) {
  __shared__ unsigned counts[16][8]; // digit, warp
  int tid = threadIdx.x, lane = tid & 31, warp = tid >> 5;
  unsigned key = in[blockIdx.x * 256 + tid], digit = key >> shift & 15;
  unsigned peers = ~0u;
  for (int b = 0; b < 4; ++b) {
    unsigned votes = __ballot_sync(~0u, digit >> b & 1);
    peers &= digit >> b & 1 ? votes : ~votes;
  }
  if (tid < 128)
    counts[tid >> 3][tid & 7] = 0;
  __syncthreads();
  if (lane == __ffs(peers) - 1)
    counts[digit][warp] = __popc(peers);
  __syncthreads();
  if (tid < 128) {
    unsigned mine = (&counts[0][0])[tid], sum = mine;
    for (int d = 1; d < 32; d *= 2) {
      unsigned up = __shfl_up_sync(~0u, sum, d);
      sum += lane >= d ? up : 0;
    }
    __shared__ unsigned totals[4];
    if (lane == 31)
      totals[warp] = sum;
    asm volatile("bar.sync 1, 128;" ::: "memory");
    for (int w = 0; w < warp; ++w)
      sum += totals[w];
    (&counts[0][0])[tid] = sum - mine;
  }
  __syncthreads();
  unsigned mask;
  asm("mov.u32 %0, %%lanemask_lt;" : "=r"(mask));
  out[blockIdx.x * 256 + counts[digit][warp] + __popc(peers & mask)] = key;
}
