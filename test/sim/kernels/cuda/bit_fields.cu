// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bit-fields that get their values one by one in memory nobody wrote before.

struct Flags {
  unsigned ready : 1, kind : 3, count : 12, rest : 16;
  unsigned char low : 4, high : 4;
  unsigned long long wide : 40, tail : 24;
};

extern "C" __global__ void fill(Flags *all, const int *in) {
  int i = threadIdx.x;
  Flags &f = all[i];
  f.ready = in[i] & 1;
  if (in[i] > 5)
    f.kind = in[i];
  else
    f.kind = 2;
  __syncwarp();
  f.count = in[i] * 3;
  f.rest = i;
  f.low = in[i];
  __syncwarp();
  f.high = i;
  f.wide = in[i] * 123456789ll;
  __syncwarp();
  f.tail = i;
}

extern "C" __global__ void drain(const Flags *all, unsigned *out) {
  int i = threadIdx.x, n = blockDim.x;
  Flags f = all[i];
  out[i] = f.ready + f.kind * 2 + f.count * 16 + (f.rest << 16);
  out[n + i] = f.low * 100 + f.high;
  out[2 * n + i] = f.wide % 1000003 + f.tail;
}

// Through pointers to local memory.
__device__ __noinline__ void setKind(Flags *f, int v) { f->kind = v; }
__device__ __noinline__ void setOthers(Flags *f, int v) {
  f->ready = v, f->count = v, f->rest = v;
}
extern "C" __global__ void local_fields(unsigned *out) {
  Flags f;
  setKind(&f, threadIdx.x);
  setOthers(&f, threadIdx.x * 7);
  out[threadIdx.x] = f.ready + f.kind * 2 + f.count * 16 + (f.rest << 16);
}
