// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor Core instructions as inline PTX, one warp each. Operands are loaded
// word by word as the fragment layouts say (PTX ISA 9.7.14); numpy's product is
// the reference. A is [16,K] row major, B is [8,K] (column major), C is [16,8].

#include <cstdint>
#include <cuda_fp16.h>

__device__ uint32_t word(const void *base, int bytes) {
  return *(const uint32_t *)((const char *)base + bytes);
}

// The fragment of a 16 x (4 words) matrix: rows g, g+8; words t, t+4.
__device__ void loadA(const void *a, int rowBytes, uint32_t (&r)[4]) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  r[0] = word(a, g * rowBytes + t * 4);
  r[1] = word(a, (g + 8) * rowBytes + t * 4);
  r[2] = word(a, g * rowBytes + t * 4 + 16);
  r[3] = word(a, (g + 8) * rowBytes + t * 4 + 16);
}
__device__ void loadB(const void *b, int rowBytes, uint32_t (&r)[2]) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  r[0] = word(b, g * rowBytes + t * 4);
  r[1] = word(b, g * rowBytes + t * 4 + 16);
}
template <typename T> __device__ void storeC(T *c, const T (&r)[4]) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  c[g * 8 + t * 2] = r[0], c[g * 8 + t * 2 + 1] = r[1];
  c[(g + 8) * 8 + t * 2] = r[2], c[(g + 8) * 8 + t * 2 + 1] = r[3];
}

#define MMA(name, Acc, constraint, instruction)                                \
  extern "C" __global__ void name(const void *a, const void *b, Acc *c) {      \
    uint32_t x[4], y[2];                                                       \
    Acc r[4] = {0, 0, 0, 0};                                                   \
    loadA(a, 32, x);                                                           \
    loadB(b, 32, y);                                                           \
    asm volatile(instruction " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "        \
                             "{%0,%1,%2,%3};"                                  \
                 : "+" constraint(r[0]), "+" constraint(r[1]),                 \
                   "+" constraint(r[2]), "+" constraint(r[3])                  \
                 : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]),      \
                   "r"(y[1]));                                                 \
    storeC(c, r);                                                              \
  }

MMA(mma_f16, float, "f", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
MMA(mma_bf16, float, "f", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
MMA(mma_tf32, float, "f", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
MMA(mma_s8, int, "r", "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32")
MMA(mma_s8_u8_sat, int, "r",
    "mma.sync.aligned.m16n8k32.row.col.satfinite.s32.s8.u8.s32")
MMA(mma_s4, int, "r", "mma.sync.aligned.m16n8k64.row.col.s32.s4.s4.s32")
MMA(mma_u4_s4, int, "r", "mma.sync.aligned.m16n8k64.row.col.s32.u4.s4.s32")
MMA(mma_b1_xor, int, "r",
    "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.xor.popc")
MMA(mma_b1_and, int, "r",
    "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc")
#if __CUDA_ARCH__ >= 890
MMA(mma_e4m3, float, "f", "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32")
MMA(mma_e5m2_e4m3, float, "f",
    "mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e4m3.f32")
#endif

extern "C" __global__ void mma_f64(const double *a, const double *b,
                                   double *c) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  double x = 0, y = 0;
  asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, "
               "{%3}, {%0,%1};"
               : "+d"(x), "+d"(y)
               : "d"(a[g * 4 + t]), "d"(b[g * 4 + t]));
  c[g * 8 + t * 2] = x, c[g * 8 + t * 2 + 1] = y;
}

// 2:4 sparse: A holds the kept half of each row, one word of metadata covers
// rows g and g+8 (PTX ISA 9.7.14.6). `metadata` has 32 words: one a lane; the
// selector names the lanes that are read.
#define SPARSE(name, Acc, constraint, instruction, selector)                   \
  extern "C" __global__ void name(const void *a, const void *b,                \
                                  const uint32_t *metadata, Acc *c) {          \
    uint32_t x[4], y[4];                                                       \
    Acc r[4] = {0, 0, 0, 0};                                                   \
    loadA(a, 32, x);                                                           \
    int g = threadIdx.x / 4, t = threadIdx.x % 4;                              \
    for (int i = 0; i < 4; ++i)                                                \
      y[i] = word(b, g * 64 + t * 4 + i * 16);                                 \
    asm volatile(                                                              \
        instruction " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9,%10,%11}, "         \
                    "{%0,%1,%2,%3}, %12, " selector ";"                        \
        : "+" constraint(r[0]), "+" constraint(r[1]), "+" constraint(r[2]),    \
          "+" constraint(r[3])                                                 \
        : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]),    \
          "r"(y[2]), "r"(y[3]), "r"(metadata[threadIdx.x]));                   \
    storeC(c, r);                                                              \
  }
SPARSE(mma_sp_f16, float, "f",
       "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32",
       "0x0")
SPARSE(mma_sp_f16_selector1, float, "f",
       "mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32", "0x1")
SPARSE(mma_sp_s8, int, "r",
       "mma.sp.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32", "0x0")

// ldmatrix with and without transpose: words of [2, x4] fragments as they lie
// in the registers.
extern "C" __global__ void load_matrix(const half *in, uint32_t *out) {
  __shared__ __align__(16) half tile[32][8];
  for (int i = threadIdx.x; i < 256; i += 32)
    tile[i / 8][i % 8] = in[i];
  __syncwarp();
  uint32_t at = (uint32_t)__cvta_generic_to_shared(tile[threadIdx.x]);
  uint32_t r[4], s[4];
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at));
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
      : "=r"(s[0]), "=r"(s[1]), "=r"(s[2]), "=r"(s[3])
      : "r"(at));
  for (int i = 0; i < 4; ++i) {
    out[i * 32 + threadIdx.x] = r[i];
    out[128 + i * 32 + threadIdx.x] = s[i];
  }
}

// Subnormals, infinities and cancellation through one f16 instruction with an
// f16 accumulator.
extern "C" __global__ void mma_f16_acc_f16(const void *a, const void *b,
                                           const uint32_t *c, uint32_t *d) {
  uint32_t x[4], y[2];
  loadA(a, 32, x);
  loadB(b, 32, y);
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  uint32_t r0, r1;
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, "
               "{%2,%3,%4,%5}, {%6,%7}, {%8,%9};"
               : "=r"(r0), "=r"(r1)
               : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]),
                 "r"(y[1]), "r"(c[g * 4 + t]), "r"(c[(g + 8) * 4 + t]));
  d[g * 4 + t] = r0, d[(g + 8) * 4 + t] = r1;
}
