// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Images and stencils on plain memory.

#include <cstdint>

extern "C" __global__ void to_gray(const uchar4 *in, uint8_t *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    out[i] = (in[i].x * 77 + in[i].y * 150 + in[i].z * 29 + 128) >> 8;
}

extern "C" __global__ void sobel(const uint8_t *in, uint8_t *out, int w,
                                 int h) {
  __shared__ uint8_t tile[18][18];
  int x0 = blockIdx.x * 16 - 1, y0 = blockIdx.y * 16 - 1;
  for (int i = threadIdx.y * 16 + threadIdx.x; i < 18 * 18; i += 256) {
    int x = min(max(x0 + i % 18, 0), w - 1),
        y = min(max(y0 + i / 18, 0), h - 1);
    tile[i / 18][i % 18] = in[y * w + x];
  }
  __syncthreads();
  int tx = threadIdx.x + 1, ty = threadIdx.y + 1, x = x0 + tx, y = y0 + ty;
  if (x >= w || y >= h)
    return;
  int gx = tile[ty - 1][tx + 1] + 2 * tile[ty][tx + 1] + tile[ty + 1][tx + 1] -
           tile[ty - 1][tx - 1] - 2 * tile[ty][tx - 1] - tile[ty + 1][tx - 1];
  int gy = tile[ty + 1][tx - 1] + 2 * tile[ty + 1][tx] + tile[ty + 1][tx + 1] -
           tile[ty - 1][tx - 1] - 2 * tile[ty - 1][tx] - tile[ty - 1][tx + 1];
  out[y * w + x] = min(abs(gx) + abs(gy), 255);
}

extern "C" __global__ void median3(const uint8_t *in, uint8_t *out, int w,
                                   int h) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < 1 || y < 1 || x >= w - 1 || y >= h - 1)
    return;
  uint8_t v[9];
  for (int k = 0; k < 9; ++k)
    v[k] = in[(y + k / 3 - 1) * w + x + k % 3 - 1];
  for (int i = 0; i < 5; ++i)
    for (int j = i + 1; j < 9; ++j)
      if (v[j] < v[i]) {
        uint8_t t = v[i];
        v[i] = v[j], v[j] = t;
      }
  out[y * w + x] = v[4];
}

extern "C" __global__ void resize_bilinear(const float *in, float *out, int w,
                                           int h, int ow, int oh) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= ow || y >= oh)
    return;
  float fx = fminf(fmaxf((x + 0.5f) * w / ow - 0.5f, 0), w - 1);
  float fy = fminf(fmaxf((y + 0.5f) * h / oh - 0.5f, 0), h - 1);
  int x0 = (int)fx, y0 = (int)fy, x1 = min(x0 + 1, w - 1),
      y1 = min(y0 + 1, h - 1);
  float ax = fx - x0, ay = fy - y0;
  float top = in[y0 * w + x0] * (1 - ax) + in[y0 * w + x1] * ax;
  float bottom = in[y1 * w + x0] * (1 - ax) + in[y1 * w + x1] * ax;
  out[y * ow + x] = top * (1 - ay) + bottom * ay;
}

// Rows of the summed-area table by warp shuffles; one warp a row.
extern "C" __global__ void integral_rows(const uint8_t *in, unsigned *out,
                                         int w) {
  int row = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int lane = threadIdx.x % 32;
  unsigned carry = 0;
  for (int x = lane; x < w; x += 32) {
    unsigned v = in[row * w + x];
    for (int d = 1; d < 32; d *= 2) {
      unsigned other = __shfl_up_sync(~0u, v, d);
      if (lane >= d)
        v += other;
    }
    out[row * w + x] = v + carry;
    carry += __shfl_sync(~0u, v, 31);
  }
}

// Separable convolution with the taps in constant memory.
__constant__ float taps[9];
extern "C" __global__ void blur_columns(const float *in, float *out, int w,
                                        int h) {
  __shared__ float tile[16 + 8][33];
  int x = blockIdx.x * 32 + threadIdx.x, y0 = blockIdx.y * 16;
  for (int r = threadIdx.y; r < 24; r += blockDim.y) {
    int y = y0 + r - 4;
    tile[r][threadIdx.x] = y >= 0 && y < h ? in[y * w + x] : 0;
  }
  __syncthreads();
  for (int r = threadIdx.y; r < 16; r += blockDim.y) {
    float s = 0;
#pragma unroll
    for (int k = 0; k < 9; ++k)
      s += taps[k] * tile[r + k][threadIdx.x];
    out[(y0 + r) * w + x] = s;
  }
}

// Conway's game of life on a torus, a bit a cell: 32 cells a word.
extern "C" __global__ void life(const uint32_t *in, uint32_t *out, int words,
                                int h) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= words || y >= h)
    return;
  uint32_t one = 0, two = 0, four = 0;
  auto add = [&](uint32_t v) {
    uint32_t c1 = one & v, c2 = two & c1;
    one ^= v, two ^= c1, four |= c2;
  };
  for (int dy = -1; dy <= 1; ++dy) {
    const uint32_t *row = in + (y + dy + h) % h * words;
    uint32_t l = row[(x + words - 1) % words], m = row[x],
             r = row[(x + 1) % words];
    add(__funnelshift_l(l, m, 1));
    if (dy)
      add(m);
    add(__funnelshift_r(m, r, 1));
  }
  uint32_t alive = in[y * words + x];
  out[y * words + x] = ~four & two & (one | alive);
}

// A sphere tracer: vectors in structs, divergent loops, recursion by stack.
struct V {
  float x, y, z;
};
__device__ V operator+(V a, V b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
__device__ V operator*(V a, float s) { return {a.x * s, a.y * s, a.z * s}; }
__device__ float dot(V a, V b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
extern "C" __global__ void trace(const float4 *spheres, int count, float *out,
                                 int w, int h) {
  int px = blockIdx.x * blockDim.x + threadIdx.x;
  int py = blockIdx.y * blockDim.y + threadIdx.y;
  if (px >= w || py >= h)
    return;
  V origin = {0, 0, -4},
    dir = {(px + 0.5f) / w - 0.5f, (py + 0.5f) / h - 0.5f, 1};
  dir = dir * (1 / sqrtf(dot(dir, dir)));
  float light = 0, weight = 1;
  for (int bounce = 0; bounce < 4; ++bounce) {
    float near = 1e30f;
    int hit = -1;
    for (int s = 0; s < count; ++s) {
      V oc = origin + V{spheres[s].x, spheres[s].y, spheres[s].z} * -1.0f;
      float b = dot(oc, dir), c = dot(oc, oc) - spheres[s].w * spheres[s].w;
      float d = b * b - c;
      if (d <= 0)
        continue;
      float t = -b - sqrtf(d);
      if (t > 1e-3f && t < near)
        near = t, hit = s;
    }
    if (hit < 0) {
      light += weight * (0.5f + 0.5f * dir.y);
      break;
    }
    V at = origin + dir * near;
    V n = at + V{spheres[hit].x, spheres[hit].y, spheres[hit].z} * -1.0f;
    n = n * (1 / spheres[hit].w);
    light += weight * fmaxf(dot(n, V{0.6f, -0.64f, -0.48f}), 0.0f);
    weight *= 0.4f;
    dir = dir + n * (-2 * dot(dir, n));
    origin = at;
  }
  out[py * w + px] = light;
}
