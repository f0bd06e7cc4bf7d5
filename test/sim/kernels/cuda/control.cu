// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Control flow, calls and the stack. Compiled optimized and with -G.

#include <cassert>
#include <cstdint>
#include <cstdio>

extern "C" __global__ void local_array(const int *in, int *out, int n) {
  // Indexed by data, so that it lives in local memory.
  int order[16], i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int k = 0; k < 16; ++k)
    order[k] = k;
  unsigned state = in[i];
  for (int k = 15; k > 0; --k) {
    state = state * 1664525u + 1013904223u;
    int j = (state >> 8) % (k + 1);
    int t = order[k];
    order[k] = order[j], order[j] = t;
  }
  int code = 0;
  for (int k = 0; k < n; ++k)
    code = code * 7 + order[(k * 5 + threadIdx.x) & 15];
  out[i] = code;
}

__noinline__ __device__ int fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
extern "C" __global__ void recursion(int *out) {
  out[threadIdx.x] = fibonacci(threadIdx.x % 13);
}

__noinline__ __device__ unsigned ackermann(unsigned m, unsigned n) {
  if (m == 0)
    return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
extern "C" __global__ void deep_recursion(unsigned *out) {
  out[threadIdx.x] = ackermann(threadIdx.x % 3, threadIdx.x % 7);
}

// Each thread sorts its own array, recursively, through a pointer to local
// memory.
__noinline__ __device__ void quickSort(short *a, int lo, int hi) {
  while (lo < hi) {
    short pivot = a[(lo + hi) / 2];
    int i = lo, j = hi;
    while (i <= j) {
      while (a[i] < pivot)
        ++i;
      while (a[j] > pivot)
        --j;
      if (i <= j) {
        short t = a[i];
        a[i++] = a[j], a[j--] = t;
      }
    }
    quickSort(a, lo, j);
    lo = i;
  }
}
extern "C" __global__ void quick_sort(short *data, int n) {
  short mine[48];
  short *row = data + (blockIdx.x * blockDim.x + threadIdx.x) * n;
  for (int i = 0; i < n; ++i)
    mine[i] = row[i];
  quickSort(mine, 0, n - 1);
  for (int i = 0; i < n; ++i)
    row[i] = mine[i];
}

// Function pointers: in a table, chosen by lane.
__device__ int opAdd(int a, int b) { return a + b; }
__device__ int opSub(int a, int b) { return a - b; }
__device__ int opMul(int a, int b) { return a * b; }
__device__ int opMix(int a, int b) { return (a ^ b) * 31 + (a & b); }
typedef int (*Operation)(int, int);
__device__ Operation operations[4] = {opAdd, opSub, opMul, opMix};
extern "C" __global__ void function_pointers(const int *a, const int *b,
                                             const int *which, int *out) {
  int i = threadIdx.x;
  out[i] = operations[which[i]](a[i], b[i]);
}

struct Shape {
  __device__ virtual float area() const = 0;
  __device__ virtual float scaled(float by) const { return area() * by; }
};
struct Circle : Shape {
  float r;
  __device__ Circle(float r) : r(r) {}
  __device__ float area() const override { return 3.0f * r * r; }
};
struct Rectangle : Shape {
  float w, h;
  __device__ Rectangle(float w, float h) : w(w), h(h) {}
  __device__ float area() const override { return w * h; }
  __device__ float scaled(float by) const override {
    return Shape::scaled(by) + 1;
  }
};
extern "C" __global__ void virtual_calls(const float *in, float *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  Circle circle(in[i]);
  Rectangle rectangle(in[i], 2.0f);
  const Shape *shape = i % 3 ? (const Shape *)&circle : &rectangle;
  out[i] = shape->scaled(0.5f);
}

// Structures by value, in and out.
struct Vector {
  float x, y, z;
  double w;
  char tag[5];
};
__noinline__ __device__ Vector rotated(Vector v, int by) {
  Vector r = {v.y, v.z, v.x, v.w * by, {}};
  for (int i = 0; i < 5; ++i)
    r.tag[i] = v.tag[(i + by) % 5];
  return r;
}
extern "C" __global__ void struct_calls(const float *in, float *out) {
  int i = threadIdx.x;
  Vector v = {in[i], in[i] + 1, in[i] + 2, in[i] * 0.5, {1, 2, 3, 4, 5}};
  for (int k = 0; k < i % 4; ++k)
    v = rotated(v, k + 1);
  out[i] = v.x * 100 + v.y * 10 + v.z + float(v.w) + v.tag[0] * 1000;
}

extern "C" __global__ void jump_table(const int *ops, int *out, int n) {
  // A small stack machine: a dense switch in a loop, different in each lane.
  int i = blockIdx.x * blockDim.x + threadIdx.x, a = i, b = 1;
  for (int pc = 0; pc < n;) {
    switch (ops[(pc + i) % n]) {
    case 0:
      a += b;
      ++pc;
      break;
    case 1:
      b += 3;
      ++pc;
      break;
    case 2:
      a ^= b << 3;
      ++pc;
      break;
    case 3: {
      int t = a;
      a = b;
      b = t;
      ++pc;
      break;
    }
    case 4:
      pc += (a & 1) + 1;
      break;
    case 5:
      a = a * 5 - b;
      ++pc;
      break;
    case 6:
      b = ~b;
      ++pc;
      break;
    case 7:
      a >>= 1;
      pc += 2;
      break;
    case 8:
      b = b * b + 1;
      ++pc;
      break;
    default:
      pc += 3;
      break;
    }
  }
  out[i] = a + 17 * b;
}

// Lanes of one warp take a lock in turn: ends only if a lane that waits does
// not keep its holder from running (independent thread scheduling).
extern "C" __global__ void lane_lock(int *lock, volatile int *counter,
                                     int *order) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      __threadfence();
      int n = *counter;
      order[n] = blockIdx.x * blockDim.x + threadIdx.x;
      *counter = n + 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}
// The form that dead-locked before Volta: the waiters spin inside.
extern "C" __global__ void lane_lock_spin(int *lock, volatile int *sum) {
  while (atomicCAS(lock, 0, 1) != 0)
    __nanosleep(20);
  __threadfence();
  *sum = *sum + threadIdx.x + 1;
  __threadfence();
  atomicExch(lock, 0);
}

// Producer and consumer in one warp, through flags in shared memory.
extern "C" __global__ void lane_mailbox(const int *in, int *out, int n) {
  __shared__ volatile int box, full;
  if (threadIdx.x == 0)
    full = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 0; i < n; ++i) {
      while (full)
        ;
      box = in[i] * 2;
      __threadfence_block();
      full = 1;
    }
  } else if (threadIdx.x == 1) {
    for (int i = 0; i < n; ++i) {
      while (!full)
        ;
      out[i] = box + 1;
      __threadfence_block();
      full = 0;
    }
  }
}

// Loops that each lane leaves at another time, with warp functions inside.
extern "C" __global__ void divergent_votes(const int *in, int *out) {
  int v = in[threadIdx.x], rounds = 0, seen = 0;
  while (v != 1) {
    unsigned mask = __activemask();
    seen += __popc(__ballot_sync(mask, v & 1)) >= 0;
    v = v & 1 ? 3 * v + 1 : v / 2;
    ++rounds;
  }
  __syncwarp();
#if __CUDA_ARCH__ >= 800
  int total = __reduce_add_sync(~0u, rounds);
#else
  int total = rounds;
  for (int d = 16; d; d /= 2)
    total += __shfl_xor_sync(~0u, total, d);
#endif
  out[threadIdx.x] = rounds * 1000 + (total % 1000);
  out[32 + threadIdx.x] = seen;
  if (threadIdx.x < 20) {
    int left = __shfl_up_sync(0xfffff, rounds, 1);
    out[64 + threadIdx.x] = left + __any_sync(0xfffff, rounds > 100);
  } else {
    out[64 + threadIdx.x] = __all_sync(0xfff00000, rounds >= 0) +
                            __match_any_sync(0xfff00000, rounds % 4) % 97;
  }
}

extern "C" __global__ void print_values(const int *in, int n) {
  int i = threadIdx.x;
  if (i < n)
    printf("thread %d: %5d %#x %s %.3f %c %lld %%\n", i, in[i], in[i],
           in[i] & 1 ? "odd" : "even", in[i] / 8.0, 'a' + i,
           (long long)in[i] * 1000000007LL);
}

// Fails on a value of `limit` and above: CUDA_ERROR_ASSERT.
extern "C" __global__ void asserts(const int *in, int *out, int limit) {
  assert(in[threadIdx.x] < limit);
  out[threadIdx.x] = in[threadIdx.x] + 1;
}

// Early exit of lanes and of whole warps before barriers of the rest.
extern "C" __global__ void early_exit(const int *in, int *out) {
  __shared__ int total;
  int warp = threadIdx.x / 32;
  if (threadIdx.x == 0)
    total = 0;
  __syncthreads();
  if (warp == 3)
    return;
  int v = in[threadIdx.x];
  if (v < 0)
    v = 0;
  atomicAdd(&total, v);
  // Named barrier of the three warps that are left.
  asm volatile("bar.sync 1, 96;");
  out[threadIdx.x] = total - v;
}

// N queens by backtracking with an explicit stack in local memory.
extern "C" __global__ void queens(int *count, int n) {
  int columns[12], solutions = 0, row = 1;
  if (threadIdx.x >= n)
    return;
  columns[0] = threadIdx.x;
  columns[1] = -1;
  while (row >= 1) {
    int c = ++columns[row];
    if (c == n) {
      --row;
      continue;
    }
    bool ok = true;
    for (int r = 0; r < row && ok; ++r)
      ok = columns[r] != c && abs(columns[r] - c) != row - r;
    if (!ok)
      continue;
    if (row + 1 == n) {
      ++solutions;
    } else {
      columns[++row] = -1;
    }
  }
  atomicAdd(count, solutions);
}
