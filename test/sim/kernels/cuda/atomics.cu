// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Atomics of every type, and structures that rely on them.

#include <cstdint>
#include <cuda/atomic>
#include <cuda/latch>
#include <cuda/semaphore>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void atomic_integers(const int *in, int *i32,
                                           unsigned *u32,
                                           unsigned long long *u64,
                                           long long *s64) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, v = in[i];
  atomicAdd(&i32[0], v), atomicSub(&i32[1], v);
  atomicMax(&i32[2], v), atomicMin(&i32[3], v);
  atomicAnd(&i32[4], v | 0xff), atomicOr(&i32[5], v), atomicXor(&i32[6], v);
  atomicMax(&u32[0], (unsigned)v), atomicMin(&u32[1], (unsigned)v);
  atomicInc(&u32[2], 36), atomicDec(&u32[3], 36);
  atomicAdd_block(&u32[4 + blockIdx.x % 4], 1u);
  atomicAdd_system(&u32[8], 2u);
  atomicAdd(&u64[0], (unsigned long long)v * 1000003);
  atomicMax(&u64[1], (unsigned long long)v << 20);
  atomicMin(&u64[2], (unsigned long long)v + 5);
  atomicXor(&u64[3], (unsigned long long)v << 32 | v);
  atomicMax(&s64[0], (long long)v * v * v), atomicMin(&s64[1], -(long long)v);
}

extern "C" __global__ void atomic_floats(const float *in, float *f32,
                                         double *f64, half2 *f16x2,
                                         __nv_bfloat162 *bf16x2, half *f16,
                                         __nv_bfloat16 *bf16) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float v = in[i];
  atomicAdd(&f32[i % 4], v);
  atomicAdd(&f64[i % 2], (double)v);
  atomicAdd(&f16x2[i % 4], __floats2half2_rn(v, 1.0f));
  atomicAdd(&bf16x2[i % 64], __floats2bfloat162_rn(1.0f, v));
  atomicAdd(&f16[i % 8], __float2half(v));
  atomicAdd(&bf16[i % 64], __float2bfloat16(v));
}

// Operations that hardware lacks, made of compare-and-swap.
extern "C" __global__ void compare_and_swap(const float *in, float *product,
                                            unsigned short *bytes,
                                            unsigned long long *best, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int *at = (int *)&product[i % 3], old = *at, seen;
  do {
    seen = old;
    old = atomicCAS(at, seen, __float_as_int(in[i] * __int_as_float(seen)));
  } while (old != seen);
  unsigned short was = bytes[i % 5], mine;
  do {
    mine = was;
    was = atomicCAS(&bytes[i % 5], mine, (unsigned short)(mine + i));
  } while (was != mine);
  // Arg-max in one 64-bit word.
  unsigned long long word =
      (unsigned long long)__float_as_uint(in[i]) << 32 | (unsigned)i;
  unsigned long long have = *best;
  while (word > have) {
    unsigned long long got = atomicCAS(best, have, word);
    if (got == have)
      break;
    have = got;
  }
}

extern "C" __global__ void shared_histogram(const unsigned char *in,
                                            unsigned *out, int n) {
  __shared__ unsigned bins[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    bins[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    atomicAdd(&bins[in[i]], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    atomicAdd(&out[i], bins[i]);
}

// Message passing between blocks with the memory orders of C++.
extern "C" __global__ void message_passing(int *data, int *flags, int *out) {
  using Flag = cuda::atomic_ref<int, cuda::thread_scope_device>;
  int b = blockIdx.x;
  if (threadIdx.x == 0) {
    int v = 1;
    if (b > 0) {
      Flag before(flags[b - 1]);
      while (before.load(cuda::memory_order_acquire) == 0)
        ;
      v = data[b - 1] * 3 + b;
    }
    data[b] = v;
    Flag(flags[b]).store(1, cuda::memory_order_release);
    out[b] = v;
  }
}

extern "C" __global__ void atomic_refs(const int *in, int *out, double *real,
                                       unsigned long long *wide) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  cuda::atomic_ref<int, cuda::thread_scope_device> a(out[0]);
  cuda::atomic_ref<int, cuda::thread_scope_block> local(out[1 + blockIdx.x]);
  cuda::atomic_ref<double, cuda::thread_scope_device> r(*real);
  cuda::atomic_ref<unsigned long long, cuda::thread_scope_system> w(*wide);
  a.fetch_add(in[i], cuda::memory_order_relaxed);
  local.fetch_max(in[i], cuda::memory_order_acq_rel);
  r.fetch_add(in[i] * 0.5);
  unsigned long long old = w.load();
  while (!w.compare_exchange_weak(old, old * 2862933555777941757ull + 1,
                                  cuda::memory_order_seq_cst))
    ;
  cuda::atomic_thread_fence(cuda::memory_order_seq_cst,
                            cuda::thread_scope_device);
}

extern "C" __global__ void semaphore(int *inside, int *most, int *count) {
  __shared__ cuda::counting_semaphore<cuda::thread_scope_block, 3> slots;
  if (threadIdx.x == 0)
    new (&slots) cuda::counting_semaphore<cuda::thread_scope_block, 3>(3);
  __syncthreads();
  slots.acquire();
  atomicMax(most, atomicAdd(inside, 1) + 1);
  atomicAdd(count, 1);
  atomicSub(inside, 1);
  slots.release();
}

// A hash table with linear probing: 64-bit slots of key and value.
extern "C" __global__ void
hash_insert(const unsigned *keys, unsigned long long *slots, int size, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned key = keys[i], h = key * 2654435761u >> 8;
  for (;; ++h) {
    unsigned long long *slot = &slots[h % size];
    unsigned long long old =
        atomicCAS(slot, ~0ull, (unsigned long long)key << 32 | 1);
    if (old == ~0ull)
      return;
    if (old >> 32 == key) {
      atomicAdd(slot, 1ull);
      return;
    }
  }
}
extern "C" __global__ void hash_find(const unsigned *keys,
                                     const unsigned long long *slots, int size,
                                     int *counts, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned key = keys[i], h = key * 2654435761u >> 8;
  counts[i] = 0;
  for (; slots[h % size] != ~0ull; ++h)
    if (slots[h % size] >> 32 == key) {
      counts[i] = (int)slots[h % size];
      return;
    }
}

// A ticket lock between blocks guards a plain update.
extern "C" __global__ void ticket_lock(unsigned *next, unsigned *serving,
                                       volatile unsigned *value) {
  if (threadIdx.x == 0) {
    unsigned mine = atomicAdd(next, 1);
    while (*(volatile unsigned *)serving != mine)
      __nanosleep(100);
    __threadfence();
    *value = *value * 5 + 1;
    __threadfence();
    atomicAdd(serving, 1);
  }
}

// A stack of list nodes shared by all: push, with a counter against ABA.
extern "C" __global__ void list_push(unsigned long long *head, int *next,
                                     int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned long long old = *(volatile unsigned long long *)head, seen;
  do {
    seen = old;
    next[i] = (int)(unsigned)seen;
    __threadfence();
    old = atomicCAS(head, seen, ((seen >> 32) + 1) << 32 | (unsigned)i);
  } while (old != seen);
}
