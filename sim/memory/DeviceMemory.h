//===- DeviceMemory.h - The memory of a simulated device --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Device addresses have a range of their own, which the process keeps reserved
// and inaccessible: a host pointer in a kernel is out of bounds, and a device
// pointer that the host dereferences faults as beside a real GPU. The bytes lie
// elsewhere, at a constant distance:
//
//   device address  kDeviceBase + n   no access        what programs hold
//   backing         backing_    + n   the bytes        what executes
//   shadow          shadow_     + n   one state a byte written or not
//
// Memory that the host shares (pinned, registered, managed) has the same
// address on both sides and is its own backing. The host writes to it unseen,
// so that it has no shadow.
//
// Allocations are 256-byte aligned with a gap (the red zone) behind each. As on
// a device, whose pages are mapped wherever there is room, only the sum of the
// sizes is limited: the addresses span several times the capacity. Freed
// allocations stay in the table, so that a late access finds whose memory it
// was, until kQuarantine bytes were freed after them and the space is reused.
// Bytes of a large allocation go back to the operating system at once, so that
// an 80 GB device costs what a program touches.
//
// Addresses and memory can also be had apart, as the virtual memory API has
// them: reserved addresses lie behind the others and have no bytes of their
// own, physical memory has bytes but no address, and a mapping is an allocation
// at the one with the bytes of the other. The same bytes may be mapped twice.
//
// Threads: every member function locks; bytes do not. An Allocation that was
// handed out does not change: `freed` says how it stood at that time.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_MEMORY_DEVICEMEMORY_H
#define TENON_SIM_MEMORY_DEVICEMEMORY_H

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tenon::sim {

enum class MemoryKind : uint8_t {
  Device,
  Managed,    ///< one address for host and device
  Pinned,     ///< host memory that the driver allocated
  Registered, ///< host memory of the program, registered with the driver
  Variable,   ///< of a module
  Constant,   ///< of a module; kernels cannot write it
};

/// Who gives it back; all but the program's own is refused to cuMemFree.
enum class MemoryOwner : uint8_t {
  Program,
  Graph,  ///< of an allocation node
  Mapping ///< made by mapPhysical()
};

struct Allocation {
  uint64_t address = 0, size = 0;
  MemoryKind kind = MemoryKind::Device;
  MemoryOwner owner = MemoryOwner::Program;
  uint64_t number = 0; ///< 1 for the first of the process, and so on
  bool freed = false;
  std::string name;          ///< of a variable
  char *bytes = nullptr;     ///< backing
  uint8_t *shadow = nullptr; ///< one a byte, or none: all counts as written

  uint64_t end() const { return address + size; }
  bool contains(uint64_t at, uint64_t count = 1) const {
    return at >= address && count <= size && at - address <= size - count;
  }
};

/// States of a shadow byte.
inline constexpr uint8_t kUnwritten = 0, kWritten = 1;

class DeviceMemory {
public:
  static constexpr uint64_t kDeviceBase = 0x300000000000;

  /// `capacity` bytes at most. Throws std::bad_alloc if the process may not
  /// reserve the addresses.
  explicit DeviceMemory(uint64_t capacity);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// nullptr if there is no room. `alignment` is a power of two. Only Device,
  /// Variable and Constant count against the capacity.
  std::shared_ptr<const Allocation>
  allocate(uint64_t size, uint64_t alignment = 256,
           MemoryKind kind = MemoryKind::Device, std::string name = {},
           MemoryOwner owner = MemoryOwner::Program);
  /// Host memory of the program that kernels may read and write from now on;
  /// nullptr if it is empty or a part of it is known already.
  std::shared_ptr<const Allocation> registerHost(void *begin, uint64_t size);
  /// Frees the allocation that begins at `address`; false if none does, or a
  /// mapping.
  bool release(uint64_t address);

  /// Addresses that nothing is mapped to, at `wish` if they are free there;
  /// 0 if there is no room. `alignment` is a power of two, or 0.
  uint64_t reserve(uint64_t size, uint64_t alignment, uint64_t wish = 0);
  void unreserve(uint64_t address);
  /// Memory without an address, given back when nobody holds it any more;
  /// nullptr if there is no room. Mappings do not hold it.
  class Physical;
  std::shared_ptr<const Physical> allocatePhysical(uint64_t size);
  /// Gives `size` bytes of it from `offset` on an address; nullptr if something
  /// live is there.
  std::shared_ptr<const Allocation> mapPhysical(uint64_t address, uint64_t size,
                                                const Physical &physical,
                                                uint64_t offset);
  /// Undoes a mapPhysical() of this address; false if there is none.
  bool unmapPhysical(uint64_t address);

  /// The live allocation that holds an address, or nullptr.
  std::shared_ptr<const Allocation> find(uint64_t address) const;
  /// For messages: the allocation, live or freed, that holds the address or is
  /// closest to it; nullptr if there is none.
  std::shared_ptr<const Allocation> nearest(uint64_t address) const;
  /// Every live allocation, by address.
  std::vector<std::shared_ptr<const Allocation>> live() const;

  uint64_t capacity() const { return capacity_; }
  uint64_t used() const;
  /// Whether an address lies in the range that belongs to the device.
  static bool isDeviceAddress(uint64_t address) {
    return address - kDeviceBase < kDeviceSpan;
  }

  /// Counts the changes of the table, so that caches of it know their age.
  uint64_t generation() const {
    return generation_.load(std::memory_order_acquire);
  }

  /// Host side copies: marks bytes as written, or as the source's state.
  static void markWritten(const Allocation &allocation, uint64_t address,
                          uint64_t size);
  static void copyShadow(const Allocation &to, uint64_t toAddress,
                         const Allocation &from, uint64_t fromAddress,
                         uint64_t size);

private:
  static constexpr uint64_t kDeviceSpan = uint64_t(1) << 40;
  static constexpr uint64_t kRedZone = 256, kGranularity = 256;
  /// Freed bytes that wait before their space is used again.
  static constexpr uint64_t kQuarantine = uint64_t(256) << 20;
  /// Freed allocations of host memory that are remembered for messages.
  static constexpr size_t kFreedHost = 256;

  struct Space {
    uint64_t offset = 0, size = 0;
  };
  using Table = std::map<uint64_t, std::shared_ptr<const Allocation>>;

  bool takeSpace(uint64_t size, uint64_t alignment, uint64_t &offset);
  void addGap(uint64_t offset, uint64_t size);
  void removeGap(std::map<uint64_t, uint64_t>::iterator gap);
  void forgetFreed(uint64_t begin, uint64_t end);
  bool overlapsLive(uint64_t begin, uint64_t end) const;
  void giveBack(const Space &space, uint64_t size);
  std::shared_ptr<const Allocation> allocateShared(Allocation allocation,
                                                   uint64_t alignment);
  std::shared_ptr<const Allocation> insert(Allocation allocation);
  Table::const_iterator holder(uint64_t address) const;

  mutable std::mutex mutex_;
  const uint64_t capacity_;
  uint64_t span_ = 0; ///< of the addresses, backing and shadow
  uint64_t used_ = 0, count_ = 0;
  std::atomic<uint64_t> generation_{1};
  char *backing_ = nullptr;
  uint8_t *shadow_ = nullptr;
  /// Live and freed allocations, by address; they never overlap.
  Table allocations_;
  /// Device offsets: never used from here on, free, freed lately.
  uint64_t next_ = 0;
  std::map<uint64_t, uint64_t> gaps_; ///< size by offset
  std::set<std::pair<uint64_t, uint64_t>> gapsBySize_;
  std::deque<Space> quarantine_;
  uint64_t quarantined_ = 0;
  /// What lies around a device or shared allocation, by its address.
  std::unordered_map<uint64_t, Space> spaces_;
  std::deque<uint64_t> freedHost_;
  /// Of reserved addresses: size by offset. They begin at span_.
  std::map<uint64_t, uint64_t> reserved_;
};

class DeviceMemory::Physical {
public:
  ~Physical();
  Physical(const Physical &) = delete;
  Physical &operator=(const Physical &) = delete;
  uint64_t size() const { return size_; }

private:
  friend class DeviceMemory;
  Physical(DeviceMemory &memory, Space space, uint64_t size)
      : memory_(memory), space_(space), size_(size) {}
  DeviceMemory &memory_;
  const Space space_;
  const uint64_t size_;
};

} // namespace tenon::sim

#endif // TENON_SIM_MEMORY_DEVICEMEMORY_H
