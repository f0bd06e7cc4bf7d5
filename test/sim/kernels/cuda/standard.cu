// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libcu++ on the device: synchronization, vocabulary types, algorithms.

#include <cuda/annotated_ptr>
#include <cuda/atomic>
#include <cuda/barrier>
#include <cuda/latch>
#include <cuda/pipeline>
#include <cuda/semaphore>
#include <cuda/std/__algorithm/equal_range.h>
#include <cuda/std/__algorithm/upper_bound.h>
#include <cuda/std/array>
#include <cuda/std/bit>
#include <cuda/std/complex>
#include <cuda/std/functional>
#include <cuda/std/limits>
#include <cuda/std/mdspan>
#include <cuda/std/numeric>
#include <cuda/std/optional>
#include <cuda/std/span>
#include <cuda/std/tuple>
#include <cuda/std/variant>

#include <cstdint>
#include <new>

#define AT (blockIdx.x * blockDim.x + threadIdx.x)

// A latch opens once all have counted down; half of the threads do not wait.
extern "C" __global__ void latches(const int *in, int *out) {
  using Latch = cuda::latch<cuda::thread_scope_block>;
  __shared__ alignas(Latch) char place[sizeof(Latch)];
  __shared__ int values[128];
  auto *latch = reinterpret_cast<Latch *>(place);
  if (!threadIdx.x)
    new (latch) Latch(blockDim.x);
  __syncthreads();
  values[threadIdx.x] = in[AT];
  if (threadIdx.x % 2) {
    latch->count_down();
  } else {
    latch->arrive_and_wait();
    out[AT / 2] = values[threadIdx.x] + values[threadIdx.x ^ 1] +
                  values[blockDim.x - 1 - threadIdx.x];
  }
}

// At most three threads of each block are inside.
extern "C" __global__ void semaphores(unsigned *most, unsigned *total) {
  using Semaphore = cuda::counting_semaphore<cuda::thread_scope_block, 3>;
  __shared__ alignas(Semaphore) char place[sizeof(Semaphore)];
  __shared__ cuda::atomic<unsigned, cuda::thread_scope_block> inside, highest;
  auto *gate = reinterpret_cast<Semaphore *>(place);
  if (!threadIdx.x) {
    new (gate) Semaphore(3);
    inside.store(0), highest.store(0);
  }
  __syncthreads();
  gate->acquire();
  unsigned now = inside.fetch_add(1) + 1;
  highest.fetch_max(now, cuda::memory_order_relaxed);
  atomicAdd(total, threadIdx.x);
  inside.fetch_sub(1);
  gate->release();
  __syncthreads();
  if (!threadIdx.x)
    most[blockIdx.x] = highest.load();
}

struct Complete {
  int *rounds;
  __device__ void operator()() noexcept { ++*rounds; }
};
// A barrier with a function that the last arrival calls.
extern "C" __global__ void completions(int *data, int *rounds, int n) {
  using Barrier = cuda::barrier<cuda::thread_scope_block, Complete>;
  __shared__ alignas(Barrier) char place[sizeof(Barrier)];
  auto *barrier = reinterpret_cast<Barrier *>(place);
  if (!threadIdx.x)
    new (barrier) Barrier(blockDim.x, Complete{rounds + blockIdx.x});
  __syncthreads();
  int *mine = data + blockIdx.x * blockDim.x;
  for (int i = 0; i < n; ++i) {
    int next = mine[(threadIdx.x + 1) % blockDim.x] + 1;
    barrier->wait(barrier->arrive());
    mine[threadIdx.x] = next;
    barrier->arrive_and_wait();
  }
  if (threadIdx.x < 7)
    barrier->arrive_and_drop();
  else
    barrier->arrive_and_wait();
}

// Blocks hand a token round, with wait and notify.
extern "C" __global__ void
hand_over(cuda::atomic<int, cuda::thread_scope_device> *token, int *order,
          int *count, int rounds) {
  if (threadIdx.x)
    return;
  for (int r = 0; r < rounds; ++r) {
    int turn = r * gridDim.x + blockIdx.x, seen;
    while ((seen = token->load(cuda::memory_order_acquire)) != turn)
      token->wait(seen, cuda::memory_order_relaxed);
    order[(*count)++] = blockIdx.x;
    token->store(turn + 1, cuda::memory_order_release);
    token->notify_all();
  }
}

// Atomics of every width and operation.
extern "C" __global__ void widths(const int *in, short *s, unsigned char *b,
                                  float *f, double *d, long long *l,
                                  __int128 *q) {
  int v = in[AT];
  using cuda::atomic_ref, cuda::thread_scope_device;
  atomic_ref<short, thread_scope_device>(s[AT % 5]).fetch_add(v % 7);
  atomic_ref<short, thread_scope_device>(s[5]).fetch_max(v);
  atomic_ref<unsigned char, thread_scope_device>(b[AT % 3]).fetch_xor(v);
  atomic_ref<unsigned char, thread_scope_device>(b[3]).fetch_or(v & 0x5a);
  atomic_ref<float, thread_scope_device>(f[0]).fetch_add(v);
  atomic_ref<float, thread_scope_device>(f[1]).fetch_max(v);
  atomic_ref<double, thread_scope_device>(d[0]).fetch_sub(v);
  atomic_ref<double, thread_scope_device>(d[1]).fetch_min(v);
  atomic_ref<long long, thread_scope_device>(l[0]).fetch_and(
      ~(1ll << (v & 63)));
  atomic_ref<long long, thread_scope_device>(l[1]).fetch_max(v * 1000000007ll);
  unsigned char old = 0;
  atomic_ref<unsigned char, thread_scope_device> cell(b[4]);
  while (!cell.compare_exchange_weak(old, old * 2 + 1 > 250 ? 3 : old + 1))
    ;
  (void)q;
}

using Complex = cuda::std::complex<double>;
extern "C" __global__ void complexes(const Complex *a, const Complex *b,
                                     Complex *out, int n) {
  int i = AT;
  Complex x = a[i], y = b[i];
  out[i] = x * y, out[n + i] = x / y, out[2 * n + i] = cuda::std::exp(x);
  out[3 * n + i] = cuda::std::sqrt(x), out[4 * n + i] = cuda::std::log(x);
  out[5 * n + i] = cuda::std::sin(x), out[6 * n + i] = cuda::std::atan(y);
  out[7 * n + i] = cuda::std::polar(cuda::std::abs(x), cuda::std::arg(y));
  out[8 * n + i] = cuda::std::pow(x, y), out[9 * n + i] = cuda::std::tanh(x);
}

struct Word {
  unsigned a, b;
};
using Choice = cuda::std::variant<int, float, Word, cuda::std::array<short, 3>>;
__device__ __noinline__ Choice choose(int v) {
  switch (v & 3) {
  case 0:
    return v;
  case 1:
    return v * 0.5f;
  case 2:
    return Word{unsigned(v), unsigned(v) * 3};
  }
  return cuda::std::array<short, 3>{short(v), short(v + 1), short(v + 2)};
}
struct Visit {
  __device__ double operator()(int v) const { return v; }
  __device__ double operator()(float v) const { return v * 4; }
  __device__ double operator()(Word v) const { return v.b - v.a; }
  __device__ double operator()(const cuda::std::array<short, 3> &v) const {
    return cuda::std::accumulate(v.begin(), v.end(), 0);
  }
};
__device__ __noinline__ cuda::std::optional<int> root(int v) {
  int r = (int)sqrtf(v);
  return r * r == v ? cuda::std::optional<int>(r) : cuda::std::nullopt;
}
extern "C" __global__ void vocabulary(const int *in, double *out, int *more,
                                      int n) {
  int i = AT;
  out[i] = cuda::std::visit(Visit(), choose(in[i]));
  more[i] = root(in[i] & 0xff).value_or(-1);
  auto [q, r, g] =
      cuda::std::make_tuple(in[i] / 7, in[i] % 7, cuda::std::gcd(in[i], 360));
  more[n + i] = q * 100 + r * 10 + g;
  unsigned u = in[i];
  more[2 * n + i] = cuda::std::popcount(u) | cuda::std::countl_zero(u) << 8 |
                    cuda::std::countr_one(u) << 16 |
                    cuda::std::has_single_bit(u) << 24;
  more[3 * n + i] = cuda::std::rotl(u, 11) ^ cuda::std::bit_ceil(u >> 1) ^
                    cuda::std::bit_cast<unsigned>((float)in[i]) ^
                    cuda::std::byteswap(u);
  cuda::std::mdspan<const int,
                    cuda::std::extents<int, cuda::std::dynamic_extent, 4>>
      grid(in, n / 4);
  more[4 * n + i] = grid((i * 3) % (n / 4), i & 3) + grid(i / 4, 3 - (i & 3));
}

// Each thread sorts and searches its own row.
extern "C" __global__ void algorithms(int *data, int *found, int n) {
  cuda::std::span<int> row(data + AT * n, n);
  for (int i = 1; i < n; ++i) { // binary insertion
    int v = row[i];
    auto at = cuda::std::upper_bound(row.begin(), row.begin() + i, v);
    for (auto p = row.begin() + i; p != at; --p)
      *p = *(p - 1);
    *at = v;
  }
  auto range = cuda::std::equal_range(row.begin(), row.end(), row[n / 2]);
  found[AT * 2] = range.first - row.begin();
  found[AT * 2 + 1] = range.second - range.first;
}

// Three stages in flight, copied by all threads; the last stage is short.
extern "C" __global__ void staged(const float4 *in, float *sums, int n) {
  constexpr int stages = 3;
  __shared__ float4 buffer[stages][64];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, stages>
      state;
  struct Group {
    __device__ unsigned size() const { return blockDim.x; }
    __device__ unsigned thread_rank() const { return threadIdx.x; }
    __device__ void sync() const { __syncthreads(); }
  } group;
  auto pipe = cuda::make_pipeline(group, &state);
  int chunks = (n + 63) / 64, ahead = 0;
  float sum = 0;
  for (int c = 0; c < chunks; ++c) {
    for (; ahead < chunks && ahead < c + stages; ++ahead) {
      pipe.producer_acquire();
      int left = min(64, n - ahead * 64);
      cuda::memcpy_async(group, buffer[ahead % stages], in + ahead * 64,
                         cuda::aligned_size_t<16>(left * 16), pipe);
      pipe.producer_commit();
    }
    pipe.consumer_wait();
    if (c * 64 + threadIdx.x < n) {
      float4 v =
          buffer[c % stages][threadIdx.x ^ (c * 64 + (threadIdx.x ^ 1) < n)];
      sum += v.x + 2 * v.y + 3 * v.z + 4 * v.w;
    }
    pipe.consumer_release();
  }
  sums[AT] = sum;
}

extern "C" __global__ void annotated(const int *in, int *out, int n) {
  cuda::annotated_ptr<const int, cuda::access_property::persisting> from(in);
  cuda::annotated_ptr<int, cuda::access_property::streaming> to(out);
  int i = AT;
  if (i < n)
    to[i] = from[n - 1 - i] * 2;
}
