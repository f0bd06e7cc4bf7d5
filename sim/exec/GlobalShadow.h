//===- GlobalShadow.h - Who touched which word of global memory -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The check `global-races`: two accesses of one kernel to the same bytes of
// global memory, one of them a write, not both atomic or strong (PTX ISA 8.6),
// that nothing orders. It takes nine times the memory that a kernel touches, so
// it is off unless asked for.
//
// A grid has one clock, which barriers and fences move. A word keeps its last
// write and two reads since, each with block, warp and time. What orders them:
//
//   within a warp     always
//   within a block    a barrier of the whole block in between. Once its warps
//                     synchronize by finer means (some of them at a barrier,
//                     mbarriers, atomics on shared memory), nothing is told of
//                     them any more
//   between blocks    a release and an acquire of what it left (PTX ISA 8.8):
//                     a fence of gpu or system scope and a strong write or
//                     atomic, which leave what the warp knows at the address;
//                     any strong read or atomic takes it from there, for all
//                     of its block. Fences that other warps executed before a
//                     barrier of the block count too: "all fence, all meet, one
//                     counts up" is how CUDA programs write it
//
// What is told is a race; not every race is told: reads beyond two are
// forgotten, and of words that are accessed in parts the parts beside the last.
// A plain read beside an atomic is let pass: loops around compare-and-swap
// begin with one everywhere, and the atomic finds out whether the value still
// holds.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_GLOBALSHADOW_H
#define TENON_SIM_EXEC_GLOBALSHADOW_H

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tenon::sim::exec {

/// Up to when accesses of a block are known.
struct KnownBlock {
  uint32_t all = 0; ///< of each of its warps
  /// Later, of some.
  std::vector<std::pair<uint8_t, uint32_t>> warps;
};
using KnownBlocks = std::unordered_map<uint32_t, KnownBlock>;

/// What a block knows.
struct GlobalOrder {
  uint32_t block = 0;
  uint32_t barrier = 0; ///< when all of its warps met last
  bool isFine = false;  ///< its warps synchronize by finer means
  KnownBlocks others;
  /// What each warp's last fence covers: times of all warps and of its own.
  struct Fence {
    uint32_t all = 0, own = 0; ///< 0: none yet
  };
  std::array<Fence, 32> fences{};
  /// Each warp's own part of its last fence before the barrier; 0: none.
  std::array<uint32_t, 32> fenced{};

  void start(uint32_t number) {
    *this = GlobalOrder();
    block = number;
  }
};

class GlobalShadow {
public:
  enum class Kind : uint8_t { Read, Write, StrongRead, StrongWrite, Atomic };

  struct Conflict {
    bool otherWrites = false;
    uint32_t otherBlock = 0, otherPc = 0;
    unsigned otherWarp = 0;
    unsigned lane = 0;
    uint64_t address = 0;
  };

  // From any host thread; `order` is that of the block that one runs.

  /// Checks and records accesses of `bytes` at the address of each lane; the
  /// first conflict. `releases`: a strong access that needs no fence to
  /// release.
  std::optional<Conflict> access(GlobalOrder &order, unsigned warp,
                                 const uint64_t *addresses, uint32_t lanes,
                                 unsigned bytes, uint32_t pc, Kind kind,
                                 bool releases);
  /// A strong read or atomic has its value: takes what was left there.
  void acquire(GlobalOrder &order, unsigned warp, const uint64_t *addresses,
               uint32_t lanes, unsigned bytes);
  /// Held from the check of a plain store until its bytes are there: whether
  /// two stores differ is seen in memory.
  std::unique_lock<std::mutex> lockStores() {
    return std::unique_lock(stores_);
  }
  void barrier(GlobalOrder &order);
  void fence(GlobalOrder &order, unsigned warp);

private:
  struct Stamp {
    uint32_t block = 0;
    uint32_t time = 0; ///< 0: none; 27 bits, then 5 of the warp
    uint32_t pc = 0;
    uint8_t bytes = 0; ///< of the word
    bool strong = false, atomic = false;

    uint32_t when() const { return time >> 5; }
    unsigned warp() const { return time & 31; }
  };
  struct Word {
    Stamp write, reads[2];
  };
  static constexpr unsigned kPageBits = 10; ///< words
  using Page = std::array<Word, 1u << kPageBits>;
  static constexpr size_t kShards = 64;
  struct Shard {
    std::mutex mutex;
    std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
    std::unordered_map<uint64_t, KnownBlocks> released; ///< by address
  };

  std::mutex stores_;
  std::atomic<uint32_t> clock_{1};
  std::array<Shard, kShards> shards_;

  static constexpr uint32_t kLastTime = (1u << 27) - 1;
  static bool isOrdered(const GlobalOrder &order, unsigned warp,
                        const Stamp &stamp);
  // By word.
  void acquire(GlobalOrder &order, Shard &shard, uint64_t word, unsigned warp);
  void release(GlobalOrder &order, Shard &shard, uint64_t word, unsigned warp,
               bool releases);
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_GLOBALSHADOW_H
