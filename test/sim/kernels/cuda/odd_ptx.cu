// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions that compilers seldom write, as inline PTX; each kernel computes
// one small table.

#include <cstdint>

#define AT (blockIdx.x * blockDim.x + threadIdx.x)

extern "C" __global__ void permutes(const unsigned *a, const unsigned *b,
                                    const unsigned *c, unsigned *out, int n) {
  int i = AT;
  unsigned d;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a[i]), "r"(b[i]), "r"(c[i]));
  out[i] = d;
#define MODE(m, k)                                                             \
  asm("prmt.b32." m " %0, %1, %2, %3;"                                         \
      : "=r"(d)                                                                \
      : "r"(a[i]), "r"(b[i]), "r"(c[i] & 3));                                  \
  out[k * n + i] = d
  MODE("f4e", 1);
  MODE("b4e", 2);
  MODE("rc8", 3);
  MODE("ecl", 4);
  MODE("ecr", 5);
  MODE("rc16", 6);
}

extern "C" __global__ void fields(const unsigned *a, const unsigned *b,
                                  const unsigned *c, unsigned *out, int n) {
  int i = AT;
  unsigned x = a[i], y = b[i], z = c[i], d;
#define FIELD(k, text, ...)                                                    \
  asm(text : "=r"(d) : __VA_ARGS__);                                           \
  out[k * n + i] = d
  FIELD(0, "shf.l.clamp.b32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z & 63));
  FIELD(1, "shf.r.clamp.b32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z & 63));
  FIELD(2, "shf.l.wrap.b32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z & 63));
  FIELD(3, "shf.r.wrap.b32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z & 63));
  FIELD(4, "bfind.u32 %0, %1;", "r"(x));
  FIELD(5, "bfind.s32 %0, %1;", "r"(x));
  FIELD(6, "bfind.shiftamt.u32 %0, %1;", "r"(x >> (z & 31)));
  FIELD(7, "bmsk.clamp.b32 %0, %1, %2;", "r"(y & 63), "r"(z & 63));
  FIELD(8, "bmsk.wrap.b32 %0, %1, %2;", "r"(y & 63), "r"(z & 63));
  FIELD(9, "szext.clamp.u32 %0, %1, %2;", "r"(x), "r"(z & 63));
  FIELD(10, "szext.wrap.s32 %0, %1, %2;", "r"(x), "r"(z & 63));
  FIELD(11, "fns.b32 %0, %1, %2, %3;", "r"(x), "r"(y & 31),
        "r"((int)(z % 9) - 4));
  FIELD(12, "sad.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(13, "sad.u32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(14, "mad24.lo.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(15, "mul24.hi.u32 %0, %1, %2;", "r"(x), "r"(y));
  FIELD(16, "dp2a.lo.s32.u32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(17, "dp2a.hi.u32.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(18, "dp4a.u32.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(19, "brev.b32 %0, %1;", "r"(x));
  FIELD(20, "bfe.s32 %0, %1, %2, %3;", "r"(x), "r"(y & 63), "r"(z & 63));
  FIELD(21, "bfi.b32 %0, %1, %2, %3, 7;", "r"(x), "r"(y), "r"(z & 63));
  FIELD(22, "slct.u32.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(23, "cnot.b32 %0, %1;", "r"(x & z & 1));
  FIELD(24, "lop3.b32 %0, %1, %2, %3, 0x6a;", "r"(x), "r"(y), "r"(z));
  FIELD(25, "mad.hi.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(26, "mad.hi.sat.s32 %0, %1, %2, %3;", "r"(x), "r"(y), "r"(z));
  FIELD(27, "add.sat.s32 %0, %1, %2;", "r"(x), "r"(y));
  FIELD(28, "sub.sat.s32 %0, %1, %2;", "r"(x), "r"(y));
  FIELD(29, "clz.b32 %0, %1;", "r"(x >> (z & 31)));
}

extern "C" __global__ void carries(const uint64_t *a, const uint64_t *b,
                                   uint64_t *out, int n) {
  int i = AT;
  uint64_t lo, hi, top;
  asm("add.cc.u64 %0, %3, %5;\n\taddc.cc.u64 %1, %4, %6;\n\taddc.u64 %2, 0, 0;"
      : "=l"(lo), "=l"(hi), "=l"(top)
      : "l"(a[2 * i]), "l"(a[2 * i + 1]), "l"(b[2 * i]), "l"(b[2 * i + 1]));
  out[i] = lo, out[n + i] = hi, out[2 * n + i] = top;
  asm("sub.cc.u64 %0, %2, %4;\n\tsubc.u64 %1, %3, %5;"
      : "=l"(lo), "=l"(hi)
      : "l"(a[2 * i]), "l"(a[2 * i + 1]), "l"(b[2 * i]), "l"(b[2 * i + 1]));
  out[3 * n + i] = lo, out[4 * n + i] = hi;
  asm("mad.lo.cc.u64 %0, %2, %3, %4;\n\tmadc.hi.u64 %1, %2, %3, %5;"
      : "=l"(lo), "=l"(hi)
      : "l"(a[2 * i]), "l"(b[2 * i]), "l"(a[2 * i + 1]), "l"(b[2 * i + 1]));
  out[5 * n + i] = lo, out[6 * n + i] = hi;
  // A borrow through a branch, then more bits.
  unsigned w0, w1, w2, x0 = (unsigned)a[2 * i], x1 = (unsigned)(a[2 * i] >> 32);
  asm("{\n\t.reg .u32 t;\n\tmul.lo.u32 %0, %3, %4;\n\tmad.hi.cc.u32 %1, %3, "
      "%4, %4;\n\t"
      "madc.lo.cc.u32 %1, %4, %4, %1;\n\tmadc.hi.u32 %2, %4, %4, 0;\n\t}"
      : "=&r"(w0), "=&r"(w1), "=&r"(w2)
      : "r"(x0), "r"(x1));
  out[7 * n + i] = w0 | (uint64_t)w1 << 32, out[8 * n + i] = w2;
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void packed_converts(const float *a, const float *b,
                                           unsigned *out, int n) {
  int i = AT;
  unsigned d;
#define PACK(k, text)                                                          \
  asm(text " %0, %1, %2;" : "=r"(d) : "f"(a[i]), "f"(b[i]));                   \
  out[k * n + i] = d
  PACK(0, "cvt.rn.f16x2.f32");
  PACK(1, "cvt.rz.f16x2.f32");
  PACK(2, "cvt.rn.relu.f16x2.f32");
  PACK(3, "cvt.rn.bf16x2.f32");
  PACK(4, "cvt.rz.relu.bf16x2.f32");
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(d) : "f"(a[i]));
  out[5 * n + i] = d;
  int x = __float2int_rz(a[i] * 1000), y = __float2int_rz(b[i] * 1000);
  asm("cvt.pack.sat.s16.s32 %0, %1, %2;" : "=r"(d) : "r"(x), "r"(y));
  out[6 * n + i] = d;
  asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;"
      : "=r"(d)
      : "r"(x), "r"(y), "r"(out[6 * n + i]));
  out[7 * n + i] = d;
  asm("cvt.pack.sat.s4.s32.b32 %0, %1, %2, %3;"
      : "=r"(d)
      : "r"(x >> 8), "r"(y >> 8), "r"(0x12345678));
  out[8 * n + i] = d;
}

// min and max by every rule for NaN and signs.
extern "C" __global__ void extrema(const float *a, const float *b,
                                   const float *c, float *out, int n) {
  int i = AT;
  float d;
#define PAIR(k, text)                                                          \
  asm(text " %0, %1, %2;" : "=f"(d) : "f"(a[i]), "f"(b[i]));                   \
  out[k * n + i] = d
  PAIR(0, "min.f32");
  PAIR(1, "max.f32");
  PAIR(2, "min.NaN.f32");
  PAIR(3, "max.NaN.f32");
  PAIR(4, "min.ftz.f32");
  PAIR(5, "copysign.f32");
#if __CUDA_ARCH__ >= 860
  PAIR(6, "min.xorsign.abs.f32");
  PAIR(7, "max.NaN.xorsign.abs.f32");
#endif
  asm("fma.rn.ftz.sat.f32 %0, %1, %2, %3;"
      : "=f"(d)
      : "f"(a[i]), "f"(b[i]), "f"(c[i]));
  out[8 * n + i] = d;
  asm("fma.rm.f32 %0, %1, %2, %3;" : "=f"(d) : "f"(a[i]), "f"(b[i]), "f"(c[i]));
  out[9 * n + i] = d;
  asm("add.rp.ftz.f32 %0, %1, %2;" : "=f"(d) : "f"(a[i]), "f"(b[i]));
  out[10 * n + i] = d;
  asm("mul.rz.sat.f32 %0, %1, %2;" : "=f"(d) : "f"(a[i]), "f"(b[i]));
  out[11 * n + i] = d;
  asm("div.full.f32 %0, %1, %2;" : "=f"(d) : "f"(a[i]), "f"(b[i]));
  out[12 * n + i] = d;
  asm("set.gtu.f32.f32 %0, %1, %2;" : "=f"(d) : "f"(a[i]), "f"(b[i]));
  out[13 * n + i] = d;
  asm("slct.ftz.f32.f32 %0, %1, %2, %3;"
      : "=f"(d)
      : "f"(a[i]), "f"(b[i]), "f"(c[i]));
  out[14 * n + i] = d;
}

#endif

extern "C" __global__ void tests(const float *a, const double *b, unsigned *out,
                                 int n) {
  int i = AT;
  unsigned bits = 0;
#define TEST(k, text, ...)                                                     \
  {                                                                            \
    unsigned p;                                                                \
    asm("{\n\t.reg .pred q, r;\n\t" text ";\n\tselp.u32 %0, 1, 0, q;\n\t}"        \
        : "=r"(p)                                                              \
        : __VA_ARGS__);                                                        \
    bits |= p << k;                                                            \
  }
  TEST(0, "testp.finite.f32 q, %1", "f"(a[i]));
  TEST(1, "testp.infinite.f32 q, %1", "f"(a[i]));
  TEST(2, "testp.number.f32 q, %1", "f"(a[i]));
  TEST(3, "testp.notanumber.f32 q, %1", "f"(a[i]));
  TEST(4, "testp.normal.f32 q, %1", "f"(a[i]));
  TEST(5, "testp.subnormal.f32 q, %1", "f"(a[i]));
  TEST(6, "testp.subnormal.f64 q, %1", "d"(b[i]));
  TEST(7, "testp.normal.f64 q, %1", "d"(b[i]));
  TEST(8, "setp.equ.ftz.f32 q, %1, 0f00000000", "f"(a[i]));
  TEST(9, "setp.nan.f32 q, %1, %1", "f"(a[i]));
  TEST(10, "setp.num.f64 q, %1, %1", "d"(b[i]));
  TEST(11,
       "setp.lt.u32 r, %2, 7; setp.lt.xor.f32 q|r, %1, 0f3f800000, !r",
       "f"(a[i]), "r"(i & 15));
  TEST(12,
       "setp.ne.u32 r, %2, 3; setp.ge.and.f32 r|q, %1, 0f00000000, r",
       "f"(a[i]), "r"(i & 7));
  out[i] = bits;
}

// Addresses: which space, to and fro.
__device__ int global_word = 5;
__constant__ int constant_word = 6;
extern "C" __global__ void spaces(int *out) {
  __shared__ int shared_word;
  int local_word[4] = {1, 2, 3, (int)threadIdx.x};
  const void *all[4] = {&global_word, &constant_word, &shared_word,
                        local_word + (threadIdx.x & 3)};
  for (int k = 0; k < 4; ++k) {
    unsigned g, c, s, l;
    asm("{\n\t.reg .pred q;\n\tisspacep.global q, %4;\n\tselp.u32 %0, 1, 0, "
        "q;\n\t"
        "isspacep.const q, %4;\n\tselp.u32 %1, 1, 0, q;\n\t"
        "isspacep.shared q, %4;\n\tselp.u32 %2, 1, 0, q;\n\t"
        "isspacep.local q, %4;\n\tselp.u32 %3, 1, 0, q;\n\t}"
        : "=r"(g), "=r"(c), "=r"(s), "=r"(l)
        : "l"(all[k]));
    out[threadIdx.x * 4 + k] = g | c << 1 | s << 2 | l << 3;
  }
  out[blockDim.x * 4 + threadIdx.x] = local_word[out[threadIdx.x * 4] & 3];
}

// A jump table by hand, and a call through a prototype.
extern "C" __global__ void branches(const unsigned *in, unsigned *out) {
  int i = AT;
  unsigned d;
  asm volatile("{\n\t"
               "ts: .branchtargets L0, L1, L2, L3;\n\t"
               ".reg .u32 k;\n\t"
               "and.b32 k, %1, 3;\n\t"
               "brx.idx k, ts;\n"
               "L0:\n\tadd.u32 %0, %1, 100;\n\tbra.uni LE;\n"
               "L1:\n\tmul.lo.u32 %0, %1, 3;\n\tbra LE;\n"
               "L2:\n\tnot.b32 %0, %1;\n\tbra LE;\n"
               "L3:\n\tpopc.b32 %0, %1;\n"
               "LE:\n\t}"
               : "=r"(d)
               : "r"(in[i]));
  out[i] = d;
}

// What the machine says of itself.
extern "C" __global__ void specials(unsigned *out, uint64_t *times) {
  int i = AT;
  unsigned lane, warp, warps, grid, lt, le, eq, ge, gt, dyn, tot, sm, sms;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  asm("mov.u32 %0, %%warpid;" : "=r"(warp));
  asm("mov.u32 %0, %%nwarpid;" : "=r"(warps));
  asm("mov.u32 %0, %%lanemask_lt;" : "=r"(lt));
  asm("mov.u32 %0, %%lanemask_le;" : "=r"(le));
  asm("mov.u32 %0, %%lanemask_eq;" : "=r"(eq));
  asm("mov.u32 %0, %%lanemask_ge;" : "=r"(ge));
  asm("mov.u32 %0, %%lanemask_gt;" : "=r"(gt));
  asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(dyn));
  asm("mov.u32 %0, %%total_smem_size;" : "=r"(tot));
  asm("mov.u32 %0, %%smid;" : "=r"(sm));
  asm("mov.u32 %0, %%nsmid;" : "=r"(sms));
  asm("mov.u32 %0, %%nctaid.y;" : "=r"(grid));
  unsigned *o = out + i * 9;
  o[0] = lane, o[1] = warp < warps, o[2] = lt, o[3] = le | eq, o[4] = ge,
  o[5] = gt, o[6] = dyn, o[7] = tot >= dyn && sm < sms, o[8] = grid;
  uint64_t a, b, c, d;
  asm volatile("mov.u64 %0, %%clock64;" : "=l"(a));
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(b));
  asm volatile("nanosleep.u32 100;");
  asm volatile("mov.u64 %0, %%clock64;" : "=l"(c));
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(d));
  times[i] = (c >= a) + 2 * (d >= b) + 4 * (b > 1);
}

// Loads and stores with every decoration.
extern "C" __global__ void decorated(const unsigned *in, unsigned *out, int n) {
  int i = AT;
  unsigned a, b, c, d;
#define LOAD(k, text)                                                          \
  asm volatile(text " %0, [%1];" : "=r"(a) : "l"(in + i) : "memory");          \
  out[k * n + i] = a
  LOAD(0, "ld.global.ca.u32");
  LOAD(1, "ld.global.cg.u32");
  LOAD(2, "ld.global.cs.u32");
  LOAD(3, "ld.global.lu.u32");
  LOAD(4, "ld.global.cv.u32");
  LOAD(5, "ld.volatile.global.u32");
  LOAD(6, "ld.relaxed.sys.global.u32");
  LOAD(7, "ld.acquire.gpu.global.u32");
  LOAD(8, "ld.global.nc.L1::no_allocate.u32");
  LOAD(9, "ld.global.L1::evict_last.u32");
  LOAD(10, "ld.global.nc.L2::128B.u32");
  LOAD(11, "ldu.global.u32");
  LOAD(12, "ld.relaxed.cta.u32");
  asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
               : "l"(in + (i & ~3)));
  out[13 * n + i] = a ^ b ^ c ^ d;
  unsigned *to = out + 14 * n + i;
  asm volatile("st.global.wb.u32 [%0], %1;" ::"l"(to), "r"(a) : "memory");
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(to + n), "r"(b)
               : "memory");
  asm volatile("st.global.cs.u8 [%0], %1;" ::"l"(to + 2 * n), "r"(c)
               : "memory");
  asm volatile("st.global.wt.u16 [%0+2], %1;" ::"l"(to + 2 * n), "h"((short)d)
               : "memory");
  asm volatile("st.volatile.global.u8 [%0+1], %1;" ::"l"(to + 2 * n), "r"(a)
               : "memory");
  asm volatile("prefetch.global.L2 [%0];" ::"l"(in));
  asm volatile("prefetchu.L1 [%0];" ::"l"(in));
  asm volatile("fence.sc.gpu; membar.sys; fence.acq_rel.cta;" ::: "memory");
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void warp_odds(const unsigned *in, unsigned *out, int n) {
  int i = AT, lane = threadIdx.x & 31;
  unsigned v = in[i], d, mask = lane < 20 ? 0xfffff : 0xfff00000;
#define REDUX(k, text)                                                         \
  if (lane < 20) {                                                             \
    asm volatile(text " %0, %1, 0xfffff;" : "=r"(d) : "r"(v));                 \
  } else {                                                                     \
    asm volatile(text " %0, %1, %2;" : "=r"(d) : "r"(v), "r"(mask));           \
  }                                                                            \
  out[k * n + i] = d
  REDUX(0, "redux.sync.add.s32");
  REDUX(1, "redux.sync.min.s32");
  REDUX(2, "redux.sync.max.u32");
  REDUX(3, "redux.sync.xor.b32");
  REDUX(4, "redux.sync.and.b32");
  REDUX(5, "redux.sync.or.b32");
  asm volatile("match.any.sync.b32 %0, %1, 0xffffffff;" : "=r"(d) : "r"(v & 7));
  out[6 * n + i] = d;
  unsigned p;
  asm volatile("{\n\t.reg .pred q;\n\tmatch.all.sync.b64 %0|q, %2, %3;\n\t"
               "selp.u32 %1, 1, 0, q;\n\t}"
               : "=r"(d), "=r"(p)
               : "l"((uint64_t)(i >> 5) << 40), "r"(mask));
  out[7 * n + i] = d ^ p;
  asm volatile("{\n\t.reg .pred q;\n\tshfl.sync.down.b32 %0|q, %2, 3, 0x1c07, "
               "0xffffffff;\n\tselp.u32 %1, 1, 0, q;\n\t}"
               : "=r"(d), "=r"(p)
               : "r"(v));
  out[8 * n + i] = d, out[9 * n + i] = p;
  asm volatile("{\n\t.reg .pred q, r;\n\tsetp.lt.u32 q, %1, 100;\n\t"
               "vote.sync.uni.pred r, q, %2;\n\tselp.u32 %0, 1, 0, r;\n\t}"
               : "=r"(d)
               : "r"(v), "r"(mask));
  out[10 * n + i] = d;
  asm volatile(
      "{\n\t.reg .pred q;\n\tsetp.lt.u32 q, %1, 100;\n\t"
      "barrier.sync 3, 64;\n\tbarrier.red.popc.aligned.u32 %0, 2, q;\n\t}"
      : "=r"(d)
      : "r"(v));
  out[11 * n + i] = d;
}
#endif
