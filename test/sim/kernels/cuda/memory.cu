// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// State spaces, generic addresses, vector and unaligned types, variables.

#include <cstdint>
#include <cstring>

__constant__ float coefficients[16];
__constant__ int primes[8] = {2, 3, 5, 7, 11, 13, 17, 19};
__device__ int counter = 5;
__device__ double table[4] = {0.5, 0.25, -1.0, 1e300};
__device__ const char *const words[3] = {"alpha", "beta", "gamma"};
__managed__ int shared_with_host = 3;

extern "C" __global__ void constants(const float *in, float *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float v = 0;
  for (int k = 15; k >= 0; --k)
    v = v * in[i] + coefficients[k];
  out[i] = v + primes[i & 7];
}

extern "C" __global__ void globals(double *out, int *lengths) {
  int i = threadIdx.x;
  if (i < 4)
    out[i] = table[i] * 2;
  if (i < 3) {
    int n = 0;
    while (words[i][n])
      ++n;
    lengths[i] = n * 256 + words[i][1];
  }
  atomicAdd(&counter, i);
  if (i == 0)
    shared_with_host = shared_with_host * 7 + 1;
}

extern "C" __global__ void dynamic_shared(const int *in, int *out, int n) {
  extern __shared__ int memory[];
  // Two arrays and a byte array in the one dynamic region.
  int *a = memory, *b = memory + n;
  unsigned char *flags = (unsigned char *)(b + n);
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    a[i] = in[i];
    b[n - 1 - i] = in[i] * 3;
    flags[i] = in[i] % 7 == 0;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    out[i] = a[i] + b[i] + (flags[(i + 1) % n] ? 1000000 : 0);
}

// One pointer that may go to global, shared or local memory.
__noinline__ __device__ int sumOf(const int *p, int n) {
  int s = 0;
  for (int i = 0; i < n; ++i)
    s = s * 3 + p[i];
  return s;
}
extern "C" __global__ void generic_pointers(const int *in, int *out) {
  __shared__ int tile[64];
  int mine[8], i = threadIdx.x;
  tile[i] = in[i] ^ 0x55;
  for (int k = 0; k < 8; ++k)
    mine[(k * 3 + i) % 8] = in[(i + k) % 64] + k;
  __syncthreads();
  const int *p = i % 3 == 0 ? in + i % 56 : i % 3 == 1 ? tile + i % 56 : mine;
  int kind = __isShared(p) * 4 + __isGlobal(p) * 2 + __isLocal(p);
  out[i] = sumOf(p, 8) * 8 + kind;
}

struct __attribute__((packed)) Record {
  uint8_t kind;
  uint16_t length;
  uint32_t offset;
  uint64_t stamp;
  int flags : 5;
  unsigned level : 11;
};
extern "C" __global__ void packed_records(const Record *in, Record *out,
                                          unsigned *sums, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  Record r = in[i];
  r.offset += r.length;
  r.stamp = r.stamp << 8 | r.kind;
  r.flags = -r.flags;
  r.level ^= 0x2a5;
  out[n - 1 - i] = r;
  sums[i] = r.offset ^ unsigned(r.stamp) ^ r.level;
}

extern "C" __global__ void vectors(const float4 *a, const double2 *b,
                                   const uchar4 *c, float4 *oa, double2 *ob,
                                   uchar4 *oc, short2 *od) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float4 x = __ldg(&a[i]);
  oa[i] = make_float4(x.w, x.z, x.y, x.x);
  double2 y = __ldcs(&b[i]);
  __stcg(&ob[i], make_double2(y.x + y.y, y.x - y.y));
  uchar4 z = c[i];
  oc[i] = make_uchar4(255 - z.x, z.y / 2, z.z + z.w, z.w ^ 0xf0);
  od[i] = make_short2((short)(z.x * z.y), (short)(z.z - z.w));
}

extern "C" __global__ void copies(const char *in, char *out, int n) {
  // memcpy and memset of sizes known and unknown, at odd addresses.
  char buffer[96];
  int i = threadIdx.x;
  memset(buffer, i, sizeof(buffer));
  memcpy(buffer + i % 7, in + i * n, n);
  memcpy(out + i * 96, buffer, 96);
}

// 1-byte to 16-byte accesses through volatile and restrict pointers.
extern "C" __global__ void widths(const int8_t *__restrict__ a,
                                  const int16_t *__restrict__ b,
                                  const int64_t *__restrict__ c,
                                  volatile int8_t *oa, int16_t *ob,
                                  int64_t *oc) {
  int i = threadIdx.x;
  int s = a[i] + b[i];
  oa[i] = (int8_t)s;
  ob[i] = (int16_t)(s * b[i]);
  oc[i] = c[i] * s + (uint8_t)a[i];
}

// Transposes in shared memory: one padded, one that conflicts in every bank.
template <int Pad>
__device__ void transposed(const float *in, float *out, int n) {
  __shared__ float tile[32][32 + Pad];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * n + x];
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x, y = blockIdx.x * 32 + threadIdx.y;
  for (int j = 0; j < 32; j += 8)
    out[(y + j) * n + x] = tile[threadIdx.x][threadIdx.y + j];
}
extern "C" __global__ void transpose_padded(const float *in, float *out,
                                            int n) {
  transposed<1>(in, out, n);
}
extern "C" __global__ void transpose_conflicts(const float *in, float *out,
                                               int n) {
  transposed<0>(in, out, n);
}

struct Arguments {
  const float *in;
  float *out;
  int n;
  char mode;
  double scale;
  int shifts[6];
};
// A large parameter by value, indexed by data.
extern "C" __global__ void by_value(const __grid_constant__ Arguments args,
                                    short bias, unsigned char step) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= args.n)
    return;
  const Arguments *p = &args;
  float v = args.in[i * step % args.n] * (float)p->scale + bias;
  args.out[i] = args.mode == 'n' ? -v + p->shifts[i % 6] : v;
}

// A grid of three dimensions with odd block shapes.
extern "C" __global__ void indices(int *out) {
  int bx = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  int tx = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  int i = bx * blockDim.x * blockDim.y * blockDim.z + tx;
  unsigned lane, warp;
  asm("mov.u32 %0, %laneid;" : "=r"(lane));
  asm("mov.u32 %0, %warpid;" : "=r"(warp));
  out[i] = threadIdx.z * 1000000 + threadIdx.y * 10000 + threadIdx.x * 100 +
           blockIdx.z * 16 + blockIdx.y * 4 + blockIdx.x +
           (lane == tx % 32 && warp < 32 ? 0 : 1 << 30);
}
