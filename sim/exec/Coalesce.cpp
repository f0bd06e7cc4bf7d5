//===- Coalesce.cpp - What a warp's access costs --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each question has a fast answer for what well-written kernels do, and an
// exact one for the rest:
//
//   sectors   all near the first: one bit each in a word; else sorted
//   passes    each bank asked once, or all in one row of the banks; else words
//             listed by bank
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Coalesce.h"

#include <algorithm>
#include <cstring>

using namespace tenon::sim::exec;

static constexpr unsigned kSectorShift = 5;

/// Calls `each` with every lane of `mask`.
template <typename F> static inline void forLanes(uint32_t mask, F each) {
  for (; mask; mask &= mask - 1)
    each(unsigned(std::countr_zero(mask)));
}

/// Sectors of addresses in any order and of any width.
static unsigned countSorted(const uint64_t *addresses, uint32_t mask,
                            unsigned bytes) {
  std::array<uint64_t, 32> firsts;
  unsigned count = 0;
  uint64_t previous = 0;
  bool isSorted = true;
  forLanes(mask, [&](unsigned lane) {
    firsts[count++] = addresses[lane];
    isSorted &= addresses[lane] >= previous;
    previous = addresses[lane];
  });
  if (!isSorted)
    std::sort(firsts.begin(), firsts.begin() + count);
  // Rising addresses touch rising intervals of sectors: each adds what lies
  // behind the last one seen.
  unsigned sectors = 0;
  uint64_t next = 0;
  for (unsigned i = 0; i < count; ++i) {
    uint64_t begin = std::max(firsts[i] >> kSectorShift, next);
    uint64_t end = ((firsts[i] + bytes - 1) >> kSectorShift) + 1;
    if (end > begin) {
      sectors += unsigned(end - begin);
      next = end;
    }
  }
  return sectors;
}

namespace {
using Four [[gnu::vector_size(32)]] = uint64_t;

/// Sectors near each other: bit n stands for sector `base` + n.
struct Window {
  uint64_t base = 0, bits = 0;
  bool fits = false; ///< all sectors lie in it
};
} // namespace

/// Coalesced accesses span up to 32 sectors forward or backward from any lane,
/// so that a window around one lane's holds them, and no minimum is needed.
static Window window(const uint64_t *addresses, uint32_t mask, unsigned bytes) {
  uint64_t any = addresses[std::countr_zero(mask)];
  Window result;
  result.base = std::max<uint64_t>(any >> kSectorShift, 16) - 16;
  Four unaligned = {}, outside = {}, bits = {};
  for (unsigned lane = 0; lane < 32; lane += 4) {
    Four at;
    std::memcpy(&at, addresses + lane, sizeof(at));
    if (mask != ~0u) {
      Four active = ((mask >> lane) & Four{1, 2, 4, 8}) != 0;
      at = (at & active) | (any & ~active);
    }
    unaligned |= at;
    at = (at >> kSectorShift) - result.base;
    outside |= at;
    bits |= Four{1, 1, 1, 1} << (at & 63);
  }
  auto join = [](Four v) { return v[0] | v[1] | v[2] | v[3]; };
  result.bits = join(bits);
  // Aligned lanes of at most a sector end in the one in which they begin.
  result.fits = std::has_single_bit(bytes) && bytes <= 1u << kSectorShift &&
                !(join(unaligned) & (bytes - 1)) && join(outside) < 64;
  return result;
}

unsigned tenon::sim::exec::globalSectors(const uint64_t *addresses,
                                         uint32_t mask, unsigned bytes) {
  if (!mask)
    return 0;
  Window near = window(addresses, mask, bytes);
  return near.fits ? unsigned(std::popcount(near.bits))
                   : countSorted(addresses, mask, bytes);
}

/// Passes of the lanes of `mask`, that all belong to one group, each of `words`
/// words from its address on.
template <bool Atomic>
static unsigned groupPasses(const uint64_t *addresses, uint32_t mask,
                            unsigned words) {
  uint32_t banks = 0;
  uint64_t differs = 0, first = addresses[std::countr_zero(mask)];
  uint32_t row = words >= 32 ? ~0u : (1u << words) - 1;
  if (words == 1 && mask == ~0u) {
    for (unsigned lane = 0; lane < 32; ++lane) {
      banks |= row << (addresses[lane] / 4 % 32);
      differs |= addresses[lane] ^ first;
    }
  } else {
    forLanes(mask, [&](unsigned lane) {
      banks |= row << (addresses[lane] / 4 % 32);
      differs |= addresses[lane] ^ first;
    });
  }
  if (unsigned(std::popcount(banks)) == words * unsigned(std::popcount(mask)))
    return 1;
  // One row of all banks: each has one word, for whichever lanes.
  if (!Atomic && differs < 128)
    return 1;
  // Words of each bank; with atomics one entry a lane.
  uint32_t listed[32][32];
  uint8_t counts[32] = {};
  unsigned most = 1;
  forLanes(mask, [&](unsigned lane) {
    for (unsigned i = 0; i < words; ++i) {
      uint32_t word = uint32_t(addresses[lane] / 4) + i;
      unsigned bank = word % 32;
      unsigned known = 0;
      if constexpr (!Atomic)
        while (known < counts[bank] && listed[bank][known] != word)
          ++known;
      else
        known = counts[bank];
      if (known == counts[bank]) {
        listed[bank][counts[bank]++] = word;
        most = std::max<unsigned>(most, counts[bank]);
      }
    }
  });
  return most;
}

template <bool Atomic>
static SharedPasses passes(const uint64_t *addresses, uint32_t mask,
                           unsigned bytes) {
  unsigned words = (bytes + 3) / 4;
  unsigned lanes = 32 / words;
  uint32_t group = lanes == 32 ? ~0u : (1u << lanes) - 1;
  SharedPasses result;
  for (unsigned begin = 0; begin < 32; begin += lanes) {
    if (uint32_t here = mask & (group << begin)) {
      result.wavefronts += groupPasses<Atomic>(addresses, here, words);
      ++result.ideal;
    }
  }
  return result;
}

SharedPasses tenon::sim::exec::sharedPasses(const uint64_t *addresses,
                                            uint32_t mask, unsigned bytes) {
  return passes<false>(addresses, mask, bytes);
}

SharedPasses tenon::sim::exec::atomicPasses(const uint64_t *addresses,
                                            uint32_t mask, unsigned bytes) {
  return passes<true>(addresses, mask, bytes);
}

void SectorSet::find(uint64_t number) {
  std::unique_ptr<Page> &page = pages[number];
  if (!page)
    page = std::make_unique<Page>();
  last = page.get();
  lastNumber = number;
}

unsigned SectorSet::add(const uint64_t *addresses, uint32_t mask,
                        unsigned bytes) {
  if (!mask)
    return 0;
  Window near = window(addresses, mask, bytes);
  if (near.fits) {
    addWord(near.base / 64, near.bits << near.base % 64);
    if (uint64_t rest = near.bits >> 1 >> (63 - near.base % 64))
      addWord(near.base / 64 + 1, rest);
    return unsigned(std::popcount(near.bits));
  }
  forLanes(mask, [&](unsigned lane) {
    uint64_t end = (addresses[lane] + bytes - 1) >> kSectorShift;
    for (uint64_t at = addresses[lane] >> kSectorShift; at <= end; ++at)
      addWord(at / 64, uint64_t(1) << at % 64);
  });
  return countSorted(addresses, mask, bytes);
}

void SectorSet::add(const SectorSet &other) {
  for (const auto &[number, page] : other.pages) {
    find(number);
    for (size_t i = 0; i < page->size(); ++i)
      (*last)[i] |= (*page)[i];
  }
}

uint64_t SectorSet::size() const {
  uint64_t count = 0;
  for (const auto &[number, page] : pages)
    for (uint64_t word : *page)
      count += uint64_t(std::popcount(word));
  return count;
}
