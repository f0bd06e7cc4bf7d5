//===- Order.h - Unordered access of streams --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The check `streams`: two operations touch the same bytes, one of them writes,
// and nothing orders them.
//
// Order is a vector clock. Each stream, and each chain of a graph's nodes, is a
// *strand* whose operations follow each other; an operation's clock says for
// every strand up to which tick it comes after. The host is one strand for all
// its threads: what one has waited for, another may know through means that
// the driver does not see.
//
//   copy #1 on strand 1: (1,0)       kernel #2 on strand 2: (0,1)
//   -> neither clock holds the other's tick: unordered
//   with cuStreamWaitEvent:          kernel #2: (1,1) -> ordered
//
// The host comes after an operation that it synchronized with, or found done by
// a query, or whose host function ran. It can also learn of progress by looking
// at memory: an operation that writes up to kSignalBytes of memory that the
// host sees may be such a signal, and counts as one, so that a program that
// polls is not accused. What operations touch is known to the byte, for rows of
// 2D and 3D copies too.
//
// Threads: the scheduler's mutex guards it.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_ORDER_H
#define TENON_SIM_DRIVER_STREAM_ORDER_H

#include "sim/driver/Operations.h"
#include "sim/memory/DeviceMemory.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tenon::sim::driver {

/// Ticks by strand.
using Clock = std::vector<uint64_t>;

/// Who touched memory, and when.
struct Operator {
  uint64_t number = 0; ///< of the operation
  std::string name;    ///< `cuMemcpyHtoDAsync`, `kernel gemm`
  std::string place;   ///< `stream 3`, `graph 1 on stream 3`
  unsigned strand = 0;
  uint64_t tick = 0; ///< on its strand
  std::shared_ptr<const Clock> clock;

  /// Whether `other` has ended when this begins.
  bool isAfter(const Operator &other) const {
    return other.strand < clock->size() && (*clock)[other.strand] >= other.tick;
  }
};

/// Bytes in memory: `depth` slices of `height` rows.
struct Region {
  uint64_t address = 0, width = 0, height = 1, pitch = 0, depth = 1, slice = 0;
  bool write = false;
  bool free = false; ///< the operation frees them

  uint64_t rows() const { return height * depth; }
  uint64_t row(uint64_t index) const {
    return address + index / height * slice + index % height * pitch;
  }
  uint64_t end() const { return row(rows() - 1) + width; }
  bool empty() const { return width == 0 || height == 0 || depth == 0; }
};

/// The first byte that both hold and how many follow each other; 0: none.
uint64_t overlap(const Region &a, const Region &b, uint64_t &at);

/// What an operation touches; of a kernel, nothing.
std::vector<Region> regions(const Operation &operation);
using FindAllocation =
    std::function<std::shared_ptr<const Allocation>(uint64_t)>;

/// What a kernel has touched: runs of equal size at equal distances, like the
/// rows of a tile, become one region. None if that leaves more than
/// kMostRegions of reads or writes: the access is not looked at then.
inline constexpr size_t kMostRegions = 512;
std::vector<Region> regions(const std::vector<Access> &touched,
                            const FindAllocation &find);

class Order {
public:
  static constexpr uint64_t kSignalBytes = 16;

  explicit Order(bool check) : check_(check) {}

  /// A strand of its own, until it is given back.
  unsigned takeStrand();
  void giveBack(unsigned strand);

  /// The next operation of a strand, after those given and what the host has
  /// waited for.
  void place(Operator &who, const std::vector<const Operator *> &after);
  /// From now on the host comes after it.
  void observe(const Operator &who);

  /// Notes what it touches; a message for each conflict with an earlier note.
  /// The same pair of operations on the same allocation is reported once.
  std::vector<std::string> touch(const Operator &who,
                                 const std::vector<Region> &regions,
                                 const FindAllocation &find);
  /// What the host does now (`call`) to an allocation, as freeing it.
  std::vector<std::string> touchByHost(const char *call,
                                       const Allocation &allocation);
  /// Nothing is in flight: what the host knows to be done needs no check.
  void forgetThePast();

  bool checks() const { return check_; }
  /// Whether there is more than one strand, so that something can be unordered.
  bool canConflict() const { return check_ && ticks_.size() > 1; }
  size_t notes() const;

private:
  struct Note {
    std::shared_ptr<const Operator> who;
    Region region;
  };
  /// Of an allocation. More than kNotes: the oldest ones are forgotten.
  static constexpr size_t kNotes = 1024;

  std::string describe(const Operator &first, const Region &firstRegion,
                       const Operator &second, const Region &secondRegion,
                       const Allocation &allocation, uint64_t at,
                       uint64_t count) const;

  bool check_;
  Clock host_;
  std::vector<uint64_t> ticks_; ///< last of each strand
  std::vector<unsigned> free_;
  std::map<uint64_t, std::deque<Note>> notes_; ///< by number of allocation
  std::set<std::string> reported_;
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_ORDER_H
