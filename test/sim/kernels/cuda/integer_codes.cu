// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hashes, ciphers, checksums, big integers, codecs: integer instructions.

#include <cstdint>

__constant__ uint32_t shaConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

__device__ uint32_t rotated(uint32_t x, int n) {
  return __funnelshift_r(x, x, n);
}

// One message of `length` < 56 bytes a thread.
extern "C" __global__ void sha256(const uint8_t *in, uint32_t *out, int length,
                                  int n) {
  int id = blockIdx.x * blockDim.x + threadIdx.x;
  if (id >= n)
    return;
  uint32_t w[16] = {};
  for (int i = 0; i < length; ++i)
    w[i / 4] |= uint32_t(in[id * length + i]) << (24 - i % 4 * 8);
  w[length / 4] |= 0x80u << (24 - length % 4 * 8);
  w[15] = length * 8;
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint32_t s[8];
  for (int i = 0; i < 8; ++i)
    s[i] = h[i];
#pragma unroll 16
  for (int i = 0; i < 64; ++i) {
    if (i >= 16) {
      uint32_t a = w[(i + 1) & 15], b = w[(i + 14) & 15];
      w[i & 15] += w[(i + 9) & 15] +
                   (rotated(a, 7) ^ rotated(a, 18) ^ (a >> 3)) +
                   (rotated(b, 17) ^ rotated(b, 19) ^ (b >> 10));
    }
    uint32_t t1 =
        s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)) +
        ((s[4] & s[5]) ^ (~s[4] & s[6])) + shaConstants[i] + w[i & 15];
    uint32_t t2 = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)) +
                  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    for (int k = 7; k > 0; --k)
      s[k] = s[k - 1];
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; ++i)
    out[id * 8 + i] = h[i] + s[i];
}

extern "C" __global__ void crc32(const uint8_t *in, uint32_t *out, int length) {
  __shared__ uint32_t table[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k)
      c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  __syncthreads();
  int id = blockIdx.x * blockDim.x + threadIdx.x;
  uint32_t c = ~0u;
  for (int i = 0; i < length; ++i)
    c = table[(c ^ in[id * length + i]) & 255] ^ (c >> 8);
  out[id] = ~c;
}

__device__ void quarter(uint32_t &a, uint32_t &b, uint32_t &c, uint32_t &d) {
  a += b, d = __byte_perm(d ^ a, 0, 0x1032);
  c += d, b = __funnelshift_l(b ^ c, b ^ c, 12);
  a += b, d = __byte_perm(d ^ a, 0, 0x2103);
  c += d, b = __funnelshift_l(b ^ c, b ^ c, 7);
}
extern "C" __global__ void chacha20(const uint32_t *key, const uint32_t *nonce,
                                    const uint32_t *in, uint32_t *out) {
  uint32_t id = blockIdx.x * blockDim.x + threadIdx.x, s[16], x[16];
  s[0] = 0x61707865, s[1] = 0x3320646e, s[2] = 0x79622d32, s[3] = 0x6b206574;
  for (int i = 0; i < 8; ++i)
    s[4 + i] = key[i];
  s[12] = id;
  for (int i = 0; i < 3; ++i)
    s[13 + i] = nonce[i];
  for (int i = 0; i < 16; ++i)
    x[i] = s[i];
  for (int r = 0; r < 10; ++r) {
    quarter(x[0], x[4], x[8], x[12]), quarter(x[1], x[5], x[9], x[13]);
    quarter(x[2], x[6], x[10], x[14]), quarter(x[3], x[7], x[11], x[15]);
    quarter(x[0], x[5], x[10], x[15]), quarter(x[1], x[6], x[11], x[12]);
    quarter(x[2], x[7], x[8], x[13]), quarter(x[3], x[4], x[9], x[14]);
  }
  for (int i = 0; i < 16; ++i)
    out[id * 16 + i] = in[id * 16 + i] ^ (x[i] + s[i]);
}

// 256-bit products and sums by carry chains of inline PTX; out = a*b + c, in
// 16 words.
extern "C" __global__ void big_multiply(const uint32_t *a, const uint32_t *b,
                                        const uint32_t *c, uint32_t *out) {
  int id = blockIdx.x * blockDim.x + threadIdx.x;
  uint32_t r[16] = {};
  for (int i = 0; i < 8; ++i)
    r[i] = c[id * 8 + i];
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    uint32_t x = a[id * 8 + i], carry;
    asm("mad.lo.cc.u32 %0, %1, %2, %0;" : "+r"(r[i]) : "r"(x), "r"(b[id * 8]));
#pragma unroll
    for (int j = 1; j < 8; ++j)
      asm volatile("madc.lo.cc.u32 %0, %1, %2, %0;"
                   : "+r"(r[i + j])
                   : "r"(x), "r"(b[id * 8 + j]));
    asm volatile("addc.u32 %0, 0, 0;" : "=r"(carry));
    asm volatile("mad.hi.cc.u32 %0, %1, %2, %0;"
                 : "+r"(r[i + 1])
                 : "r"(x), "r"(b[id * 8]));
#pragma unroll
    for (int j = 1; j < 7; ++j)
      asm volatile("madc.hi.cc.u32 %0, %1, %2, %0;"
                   : "+r"(r[i + j + 1])
                   : "r"(x), "r"(b[id * 8 + j]));
    asm volatile("madc.hi.u32 %0, %1, %2, %3;"
                 : "=r"(r[i + 8])
                 : "r"(x), "r"(b[id * 8 + 7]), "r"(carry));
  }
  for (int i = 0; i < 16; ++i)
    out[id * 16 + i] = r[i];
}

// base^exponent mod m by 128-bit arithmetic of the compiler (m < 2^63).
extern "C" __global__ void power_mod(const uint64_t *base, const uint64_t *e,
                                     const uint64_t *m, uint64_t *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  uint64_t r = 1, b = base[i] % m[i];
  for (uint64_t k = e[i]; k; k >>= 1) {
    if (k & 1)
      r = (unsigned __int128)r * b % m[i];
    b = (unsigned __int128)b * b % m[i];
  }
  out[i] = r;
}

extern "C" __global__ void primes(const uint32_t *in, uint8_t *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  uint32_t v = in[i];
  bool prime = v > 1;
  for (uint32_t d = 2; d * d <= v && prime; ++d)
    prime = v % d != 0;
  out[i] = prime;
}

// Base64: three bytes to four letters.
extern "C" __global__ void base64(const uint8_t *in, char *out, int groups) {
  const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= groups)
    return;
  uint32_t w = in[3 * i] << 16 | in[3 * i + 1] << 8 | in[3 * i + 2];
  for (int k = 0; k < 4; ++k)
    out[4 * i + k] = letters[w >> (18 - 6 * k) & 63];
}

// Binary Galois field: AES' x * y in GF(2^8) by bit loops, and by lop3 tables.
extern "C" __global__ void galois(const uint32_t *a, const uint32_t *b,
                                  uint32_t *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  uint32_t x = a[i], y = b[i], r = 0;
  for (int k = 0; k < 8; ++k) {
    // Four bytes at once.
    uint32_t mask = ((y >> k) & 0x01010101u) * 255u;
    asm("lop3.b32 %0, %1, %2, %3, 0x78;" : "=r"(r) : "r"(r), "r"(x), "r"(mask));
    uint32_t high = (x >> 7) & 0x01010101u;
    x = ((x << 1) & 0xfefefefeu) ^ (high * 0x1bu);
  }
  out[i] = r;
}

// Bit fields by instruction; one row a kind.
extern "C" __global__ void bit_fields(const uint32_t *a, const uint32_t *b,
                                      uint32_t *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  uint32_t x = a[i], y = b[i], r[10], p = y & 63, l = (y >> 8) & 63;
  asm("bfe.u32 %0, %1, %2, %3;" : "=r"(r[0]) : "r"(x), "r"(p), "r"(l));
  asm("bfe.s32 %0, %1, %2, %3;" : "=r"(r[1]) : "r"(x), "r"(p), "r"(l));
  asm("bfi.b32 %0, %1, %2, %3, %4;"
      : "=r"(r[2])
      : "r"(y), "r"(x), "r"(p), "r"(l));
  asm("bfind.u32 %0, %1;" : "=r"(r[3]) : "r"(x));
  asm("bfind.s32 %0, %1;" : "=r"(r[4]) : "r"(x));
  asm("bfind.shiftamt.u32 %0, %1;" : "=r"(r[5]) : "r"(x));
  asm("bmsk.clamp.b32 %0, %1, %2;" : "=r"(r[6]) : "r"(p), "r"(l));
  asm("szext.wrap.s32 %0, %1, %2;" : "=r"(r[7]) : "r"(x), "r"(p & 31));
  asm("shf.l.clamp.b32 %0, %1, %2, %3;" : "=r"(r[8]) : "r"(x), "r"(y), "r"(p));
  asm("prmt.b32.b4e %0, %1, %2, %3;" : "=r"(r[9]) : "r"(x), "r"(y), "r"(p));
  for (int k = 0; k < 10; ++k)
    out[k * n + i] = r[k];
}
