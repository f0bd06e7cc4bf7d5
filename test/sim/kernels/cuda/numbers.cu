// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The math library and the small types. Row k of `out` is the k-th function.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#define FUNCTIONS(name, T, ...)                                                \
  extern "C" __global__ void name(const T *a, const T *b, T *out, int n) {     \
    int i = blockIdx.x * blockDim.x + threadIdx.x;                             \
    if (i >= n)                                                                \
      return;                                                                  \
    T x = a[i], y = b[i], p = x < 0 ? -x : x;                                  \
    const T r[] = {__VA_ARGS__};                                               \
    for (int k = 0; k < int(sizeof(r) / sizeof(T)); ++k)                       \
      out[k * n + i] = r[k];                                                   \
  }

FUNCTIONS(functions_f32, float, sinf(x), cosf(x), tanf(x), expf(x), exp2f(x),
          expm1f(x), logf(p), log2f(p), log10f(p), log1pf(p), powf(p, y),
          sqrtf(p), cbrtf(x), rsqrtf(p), hypotf(x, y), atan2f(x, y), asinhf(x),
          tanhf(x), erff(x), erfcf(x), lgammaf(p), tgammaf(p), fmodf(x, y),
          remainderf(x, y), x / y, fmaf(x, y, p), floorf(x), rintf(x),
          roundf(x), truncf(x), copysignf(x, y), fmaxf(x, y), fdimf(x, y),
          sinpif(x), j0f(x), normcdff(x))
FUNCTIONS(functions_f64, double, sin(x), cos(x), tan(x), exp(x), exp2(x),
          expm1(x), log(p), log2(p), log10(p), log1p(p), pow(p, y), sqrt(p),
          cbrt(x), rsqrt(p), hypot(x, y), atan2(x, y), asinh(x), tanh(x),
          erf(x), erfc(x), lgamma(p), tgamma(p), fmod(x, y), remainder(x, y),
          x / y, fma(x, y, p), floor(x), rint(x), round(x), trunc(x),
          copysign(x, y), fmax(x, y), fdim(x, y), sinpi(x), j0(x), normcdf(x))
FUNCTIONS(fast_f32, float, __sinf(x), __cosf(x), __expf(x), __logf(p),
          __log2f(p), __powf(p, y), __fdividef(x, y), __frcp_rn(y),
          __frsqrt_rn(p), __saturatef(x), __tanf(y), __exp10f(y))
FUNCTIONS(rounding_f32, float, __fadd_rd(x, y), __fadd_ru(x, y),
          __fadd_rz(x, y), __fmul_rd(x, y), __fmul_ru(x, y), __fmul_rz(x, y),
          __fmaf_rd(x, y, p), __fmaf_ru(x, y, p), __fmaf_rz(x, y, p),
          __fdiv_rd(x, y), __fdiv_ru(x, y), __fdiv_rz(x, y), __fsqrt_rd(p),
          __fsqrt_ru(p), __fsqrt_rz(p), __frcp_rd(y), __frcp_ru(y),
          __frcp_rz(y))
FUNCTIONS(rounding_f64, double, __dadd_rd(x, y), __dadd_ru(x, y),
          __dadd_rz(x, y), __dmul_rd(x, y), __dmul_ru(x, y), __dmul_rz(x, y),
          __fma_rd(x, y, p), __fma_ru(x, y, p), __ddiv_rd(x, y),
          __ddiv_ru(x, y), __ddiv_rz(x, y), __dsqrt_rd(p), __dsqrt_ru(p),
          __drcp_rd(y), __drcp_ru(y))

// Float to integer and back in every rounding; out of range saturates.
extern "C" __global__ void conversions(const float *a, const double *b, int *oi,
                                       long long *ol, float *of, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float x = a[i];
  double y = b[i];
  const int ints[] = {__float2int_rn(x),       __float2int_rd(x),
                      __float2int_ru(x),       __float2int_rz(x),
                      __double2int_rn(y),      __double2int_rd(y),
                      (int)__float2uint_rz(x), (int)__double2uint_rn(y)};
  for (int k = 0; k < 8; ++k)
    oi[k * n + i] = ints[k];
  const long long longs[] = {__float2ll_rd(x), __double2ll_rn(y),
                             (long long)__double2ull_rz(y),
                             __double_as_longlong(y)};
  for (int k = 0; k < 4; ++k)
    ol[k * n + i] = longs[k];
  const float floats[] = {__double2float_rn(y),
                          __double2float_rd(y),
                          __double2float_ru(y),
                          __int2float_rd(__float_as_int(x)),
                          __uint2float_ru(__float_as_int(x)),
                          __ll2float_rz(__double_as_longlong(y)),
                          (float)__ll2double_ru(__double_as_longlong(y))};
  for (int k = 0; k < 7; ++k)
    of[k * n + i] = floats[k];
}

extern "C" __global__ void half_functions(const half *a, const half *b,
                                          half *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  half x = a[i], y = b[i];
  const half r[] = {__hadd(x, y),
                    __hsub(x, y),
                    __hmul(x, y),
                    __hdiv(x, y),
                    __hfma(x, y, x),
                    __hneg(x),
                    __habs(x),
                    __hmax(x, y),
                    __hmin_nan(x, y),
                    __hadd_sat(x, y),
                    hexp(y),
                    hsqrt(__habs(x)),
                    hrint(x),
                    hsin(y),
                    __h2div({x, y}, {y, x}).y,
                    __hfma_relu(x, y, y),
                    __float2half_rd(__half2float(x) / 3),
                    __int2half_rn(i * 37),
                    htanh(y)};
  for (int k = 0; k < int(sizeof(r) / sizeof(half)); ++k)
    out[k * n + i] = r[k];
}

extern "C" __global__ void half2_functions(const half2 *a, const half2 *b,
                                           half2 *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  half2 x = a[i], y = b[i];
  const half2 r[] = {
      __hadd2(x, y),       __hmul2_sat(x, y),    __hfma2(x, y, y),
      __hmax2(x, y),       __hgt2(x, y),         __lows2half2(x, y),
      __highs2half2(x, y), __lowhigh2highlow(x), __hcmadd(x, y, x)};
  for (int k = 0; k < 9; ++k)
    out[k * n + i] = r[k];
}

extern "C" __global__ void bfloat_functions(const __nv_bfloat16 *a,
                                            const __nv_bfloat16 *b,
                                            __nv_bfloat16 *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  __nv_bfloat16 x = a[i], y = b[i];
  const __nv_bfloat16 r[] = {__hadd(x, y),
                             __hmul(x, y),
                             __hsub(y, x),
                             __hdiv(x, y),
                             __hmax(x, y),
                             __hneg(x),
                             __float2bfloat16_rz(__bfloat162float(x) / 3),
                             __float2bfloat16_ru(__bfloat162float(y) / 7),
                             hlog2(__habs(x)),
                             __hsub_sat(x, y)};
  for (int k = 0; k < int(sizeof(r) / sizeof(r[0])); ++k)
    out[k * n + i] = r[k];
}

// fp8 both ways: through instructions on sm_89, in software below.
extern "C" __global__ void fp8_functions(const float *in, unsigned char *e4m3,
                                         unsigned char *e5m2, float *back,
                                         int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  __nv_fp8_e4m3 x(in[i]);
  __nv_fp8_e5m2 y(in[i]);
  e4m3[i] = x.__x, e5m2[i] = y.__x;
  back[i] = float(x), back[n + i] = float(y);
  __nv_fp8x2_storage_t pair = __nv_cvt_float2_to_fp8x2(
      make_float2(in[i], -in[i]), __NV_SATFINITE, __NV_E4M3);
  back[2 * n + i] = pair;
}

FUNCTIONS(integers_u32, unsigned, x / (y | 1), x % (y | 1), __umulhi(x, y),
          __brev(x), __clz(x), __ffs(x), __popc(x), __byte_perm(x, y, 0x2761),
          __funnelshift_l(x, y, y), __funnelshift_r(x, y, x),
          __funnelshift_lc(x, y, y & 63), __usad(x, y, 7u), __uhadd(x, y),
          __urhadd(x, y), __dp4a(x, y, 1000u), __dp2a_lo(x, y, 5u),
          __dp2a_hi(x, y, 5u), __umul24(x, y), __vadd4(x, y),
          __vabsdiffu4(x, y), __vmaxu2(x, y), __vcmpgtu4(x, y), __vsubus4(x, y),
          __fns(x | 1, 0, 1))
FUNCTIONS(integers_i32, int, x / (y | 1), x % (y | 1), __mulhi(x, y), abs(x),
          x >> (y & 31), (signed char)x, (short)y, __dp4a(x, y, -9),
          __hadd(x, y), __rhadd(x, y), __sad(x, y, 3), __vavgs2(x, y),
          __vaddss4(x, y), __vmins4(x, y), min(x, y), max(x, y))
FUNCTIONS(integers_i64, long long, x / (y | 1), x % (y | 1), __mul64hi(x, y),
          (long long)__umul64hi(x, y), x >> (y & 63), x *y, __clzll(x),
          __popcll(x), __ffsll(x), (long long)__brevll(x), llabs(x),
          (long long)((unsigned long long)x / ((unsigned long long)y | 3)),
          min(x, y))
FUNCTIONS(integers_i16, short, short(x / (y | 1)), short(x % (y | 1)),
          short(x *y), short(x >> (y & 15)), short(__brev(x) >> 16),
          short(min(x, y)), short(abs(x)), short((unsigned short)x >> 3))
