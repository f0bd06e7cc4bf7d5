//===- SharedShadow.h - Who touched which byte of shared memory -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A race is two accesses to one byte by different warps, one of them a write,
// that nothing orders. Order is kept by vector clocks (Flanagan and Freund,
// "FastTrack", PLDI 2009), with warps as threads: warp w knows for each warp v
// up to which tick of the block's clock v's accesses lie before its own.
//
//   barrier         all who take part know what each of them knew
//   mbarrier, atom  arriving or releasing leaves what the warp knows at the
//   and fences      address; waiting or acquiring takes it from there
//
// Accesses of one warp are ordered, for its lanes run in step unless they part.
// A byte remembers the tick and warp of its last write, and of the reads since.
// While barriers of the whole block are all there is, every warp knows what
// lies before the current tick and nothing of it, so that one tick and one
// warp, or "several", say all of the reads. Once finer synchronization appears,
// each byte keeps a tick for each warp.
//
// The same bytes know whether they were ever written, and whether an
// asynchronous copy is under way to them.
//
// Most accesses are of whole words. So each four bytes have one entry, until an
// access makes them differ: the word is then split, and its bytes have entries
// of their own until a write makes them equal again.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_SHAREDSHADOW_H
#define TENON_SIM_EXEC_SHAREDSHADOW_H

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tenon::sim::exec {

class SharedShadow {
public:
  static constexpr unsigned kMaxWarps = 32;
  /// What a warp, or a place that it released, knows of each warp.
  using Clock = std::array<uint32_t, kMaxWarps>;

  enum class Kind : uint8_t { Read, Write, StrongRead, StrongWrite, Atomic };

  struct Conflict {
    enum class Kind : uint8_t {
      WriteAfterWrite,
      WriteAfterRead,
      ReadAfterWrite,
      Unwritten,
      AsyncPending, ///< a cp.async to the byte has not been waited for
    } kind;
    unsigned lane = 0;
    uint32_t address = 0;
    unsigned otherWarp = 0;
    uint32_t otherPc = 0;
  };

  /// Which conflicts are looked for.
  struct Look {
    bool initial = true, races = true, copies = true;
  };

  void configure(uint32_t bytes, unsigned warps, Look look);
  void reset();

  /// Checks and records an access of `bytes` at addresses[lane] - window of
  /// each of `lanes`, which lie within the memory; the first conflict found, of
  /// kind Unwritten only if there is no other.
  /// Strong accesses (volatile, relaxed, acquire, release) and atomics do not
  /// race with each other, and order what lies around them.
  std::optional<Conflict> access(unsigned warp, const uint64_t *addresses,
                                 uint64_t window, uint32_t lanes,
                                 unsigned bytes, uint32_t pc, Kind kind);

  /// An asynchronous copy begins, and has been waited for by its warp.
  std::optional<Conflict> beginCopy(unsigned warp, const uint32_t *addresses,
                                    uint32_t lanes, unsigned bytes,
                                    uint32_t pc);
  void endCopy(unsigned warp, const uint32_t *addresses, uint32_t lanes,
               unsigned bytes);

  /// Which of up to 32 bytes were never written, bit n for at + n; nothing
  /// where that is not looked for. `unwrite` makes them so again.
  uint32_t unwritten(uint32_t at, unsigned bytes) const;
  void unwrite(uint32_t at, uint32_t bytes);

  /// Warps in the mask passed a barrier together.
  void barrier(uint32_t warps);
  /// Fine synchronization through an address.
  void release(unsigned warp, uint32_t address);
  void acquire(unsigned warp, uint32_t address);

private:
  // Stamps of writes: tick << 5 | warp; 0 is never. Of reads, while !fine_:
  // tick << 6 | warp, or kSeveral for the warp.
  uint32_t size_ = 0;
  unsigned warps_ = 0;
  Look look_;
  uint32_t tick_ = 1;
  bool fine_ = false;
  struct Entries {
    std::vector<uint32_t> written, reads;
    std::vector<uint8_t> flags;
  };
  Entries words_, bytes_;                  ///< bytes_: of split words
  std::vector<uint32_t> writePc_, readPc_; ///< of words
  std::vector<uint32_t> fineReads_;        ///< [byte][warp], while fine_
  std::array<Clock, kMaxWarps> clock_{};
  std::array<uint32_t, kMaxWarps> safe_{}; ///< the least of each clock
  std::unordered_map<uint32_t, Clock> released_;

  static constexpr uint32_t kSeveral = 63;
  static constexpr uint8_t kHasWritten = 1, kPending = 2, kAtomic = 4,
                           kSplit = 8; ///< of a word

  bool knows(unsigned warp, uint32_t stamp) const {
    return (stamp >> 5) <= safe_[warp] || (stamp & 31) == warp ||
           (stamp >> 5) <= clock_[warp][stamp & 31];
  }
  void becomeFine();
  void split(uint32_t word);
  /// Makes a word whole whose bytes agree.
  void join(uint32_t word);
  uint8_t flagsAt(uint32_t at) const {
    uint8_t flags = words_.flags[at / 4];
    return flags & kSplit ? bytes_.flags[at] : flags;
  }
  void updateSafe(unsigned warp);
  std::optional<Conflict> checkByte(unsigned warp, uint32_t at,
                                    Kind kind) const;
  /// Of whole words.
  bool readFast(unsigned warp, uint32_t at, uint32_t bytes);
  bool writeFast(unsigned warp, uint32_t at, uint32_t bytes);
  void record(unsigned warp, uint32_t at, Kind kind);
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_SHAREDSHADOW_H
