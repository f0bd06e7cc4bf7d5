//===- Coalesce.h - What a warp's access costs ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pure functions of 32 addresses, the lanes that take part, and the bytes of
// each lane:
//
//   global   memory moves in sectors of 32 bytes: how many are touched
//   shared   32 banks of 4 bytes serve one word each in a wavefront (a pass):
//            how many wavefronts, and how many there would be without conflicts
//
// Rules for shared memory (CUDA C++ Programming Guide, compute capability 5.x
// and later, "Shared memory"; wider accesses as profilers count them):
//
//   up to 4 bytes   the 32 lanes at once
//   8 bytes         two halves of 16 lanes, one after the other
//   16 bytes        four groups of 8 lanes; 32 bytes: eight of 4
//   a group         as many wavefronts as the bank with most distinct words;
//                   lanes that want the same word share it (broadcast)
//   atomics         lanes of the same word do not share: each is a pass
//   matrices        ldmatrix and stmatrix move 8 rows of 16 bytes as one group
//
//   lane n reads word 2n:   banks 0, 2, ... 30 hold two words each -> 2
//   lane n reads word 32n:  bank 0 holds all                       -> 32
//   lane n reads word n/2:  each word is read by two lanes         -> 1
//
// A group without active lanes costs nothing, and every other at least one
// wavefront, which is the ideal.
//
// Shown by test/unit/sim/exec/CoalesceTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_COALESCE_H
#define TENON_SIM_EXEC_COALESCE_H

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace tenon::sim::exec {

/// Sectors that the lanes of `mask` touch, each once. Any alignment; `bytes`
/// is at least 1.
unsigned globalSectors(const uint64_t *addresses, uint32_t mask,
                       unsigned bytes);

struct SharedPasses {
  unsigned wavefronts = 0;
  unsigned ideal = 0;
  bool operator==(const SharedPasses &) const = default;
};

/// Of a load or store of 1, 2, 4, 8, 16 or 32 bytes a lane, aligned to them.
/// Only the bits of an address that choose a word matter.
SharedPasses sharedPasses(const uint64_t *addresses, uint32_t mask,
                          unsigned bytes);

/// Of an atomic operation of 2, 4, 8 or 16 bytes.
SharedPasses atomicPasses(const uint64_t *addresses, uint32_t mask,
                          unsigned bytes);

/// Sectors seen so far: a launch's unique ones. One for each host thread, put
/// together at the end.
class SectorSet {
public:
  /// Adds the sectors of one access, and says how many it touches, as
  /// globalSectors. Grows by 4 KiB for each MiB of addresses that is touched.
  unsigned add(const uint64_t *addresses, uint32_t mask, unsigned bytes);
  void add(const SectorSet &other);
  uint64_t size() const;

private:
  static constexpr unsigned kPageBits = 15; ///< sectors of a page: 1 MiB
  using Page = std::array<uint64_t, (1u << kPageBits) / 64>;
  /// `word` counts 64 sectors.
  void addWord(uint64_t word, uint64_t bits) {
    if (uint64_t number = word >> (kPageBits - 6); number != lastNumber)
        [[unlikely]]
      find(number);
    (*last)[word % last->size()] |= bits;
  }
  void find(uint64_t number);

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
  uint64_t lastNumber = ~uint64_t(0);
  Page *last = nullptr;
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_COALESCE_H
