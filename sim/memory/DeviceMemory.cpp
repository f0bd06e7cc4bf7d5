//===- DeviceMemory.cpp - The memory of a simulated device ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Space for a device allocation comes from the addresses never used so far;
// when the quarantine of freed space is full, its oldest piece becomes a gap,
// and the smallest gap that fits is taken first. Nothing is mapped or unmapped
// in doing so: backing and shadow are two reservations without swap space
// (MAP_NORESERVE) whose pages appear when touched.
//
// Tests: test/unit/sim/DeviceMemoryTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/memory/DeviceMemory.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

using namespace tenon::sim;

namespace {

/// The first address that is given out: so that small offsets from the base
/// are errors.
constexpr uint64_t kFirstOffset = uint64_t(2) << 20;
/// From this size on, freed bytes go back to the operating system.
constexpr uint64_t kReturnedSize = uint64_t(1) << 20;
constexpr uint64_t kHugeSize = uint64_t(1) << 62;

uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

bool isHost(MemoryKind kind) {
  return kind == MemoryKind::Managed || kind == MemoryKind::Pinned ||
         kind == MemoryKind::Registered;
}

uint64_t pageSize() {
  static const uint64_t size = uint64_t(sysconf(_SC_PAGESIZE));
  return size;
}

void *map(void *at, uint64_t size, int protection, int flags) {
  void *result =
      mmap(at, size, protection,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  return result == MAP_FAILED ? nullptr : result;
}

/// Keeps the device's addresses free of anything else, for the whole process
/// and its whole life: several DeviceMemory may stand on one reservation, and
/// a pointer stays dead after its device. Where the range cannot be had
/// (RLIMIT_AS), nothing is lost but the guarantee.
void reserveAddresses(uint64_t base, uint64_t span) {
#ifdef MAP_FIXED_NOREPLACE
  constexpr int flags = MAP_FIXED_NOREPLACE;
#else
  constexpr int flags = 0;
#endif
  static void *const reserved =
      map(reinterpret_cast<void *>(base), span, PROT_NONE, flags);
  (void)reserved;
}

/// Gives the whole pages of a range back; they read as zeros then.
void returnPages(char *begin, uint64_t size) {
  uint64_t first = alignUp(uint64_t(begin), pageSize());
  uint64_t last = (uint64_t(begin) + size) & ~(pageSize() - 1);
  if (first < last)
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
}

} // namespace

DeviceMemory::DeviceMemory(uint64_t capacity) : capacity_(capacity) {
  reserveAddresses(kDeviceBase, kDeviceSpan);
  // Room for red zones, quarantine and fragments beside what counts.
  span_ = std::min(kDeviceSpan, alignUp(std::min(capacity, kDeviceSpan) * 4 +
                                            (uint64_t(1) << 30),
                                        pageSize()));
  backing_ =
      static_cast<char *>(map(nullptr, span_, PROT_READ | PROT_WRITE, 0));
  shadow_ =
      static_cast<uint8_t *>(map(nullptr, span_, PROT_READ | PROT_WRITE, 0));
  if (!backing_ || !shadow_) {
    if (backing_)
      munmap(backing_, span_);
    if (shadow_)
      munmap(shadow_, span_);
    throw std::bad_alloc();
  }
  // A core file of zeros and shadows helps nobody.
  madvise(shadow_, span_, MADV_DONTDUMP);
  next_ = kFirstOffset;
}

DeviceMemory::~DeviceMemory() {
  for (const auto &[address, allocation] : allocations_)
    if (!allocation->freed && isHost(allocation->kind) &&
        allocation->kind != MemoryKind::Registered) {
      Space space = spaces_.at(address);
      munmap(reinterpret_cast<void *>(space.offset), space.size);
    }
  munmap(backing_, span_);
  munmap(shadow_, span_);
}

void DeviceMemory::removeGap(std::map<uint64_t, uint64_t>::iterator gap) {
  gapsBySize_.erase({gap->second, gap->first});
  gaps_.erase(gap);
}

void DeviceMemory::addGap(uint64_t offset, uint64_t size) {
  auto after = gaps_.lower_bound(offset);
  if (after != gaps_.begin()) {
    auto before = std::prev(after);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      removeGap(before);
    }
  }
  if (after != gaps_.end() && offset + size == after->first) {
    size += after->second;
    removeGap(after);
  }
  gaps_.emplace(offset, size);
  gapsBySize_.emplace(size, offset);
}

bool DeviceMemory::takeSpace(uint64_t size, uint64_t alignment,
                             uint64_t &offset) {
  for (bool everything : {false, true}) {
    while (!quarantine_.empty() && (everything || quarantined_ > kQuarantine)) {
      Space space = quarantine_.front();
      quarantine_.pop_front();
      quarantined_ -= space.size;
      addGap(space.offset, space.size);
    }
    // The smallest that fits; one that is large enough whatever its alignment
    // lies at most `alignment` further on.
    for (auto at = gapsBySize_.lower_bound({size, 0}); at != gapsBySize_.end();
         ++at) {
      auto [room, begin] = *at;
      uint64_t first = alignUp(begin, alignment);
      if (first + size > begin + room)
        continue;
      removeGap(gaps_.find(begin));
      if (first > begin)
        addGap(begin, first - begin);
      if (first + size < begin + room)
        addGap(first + size, begin + room - first - size);
      offset = first;
      return true;
    }
    uint64_t first = alignUp(next_, alignment);
    if (first <= span_ && size <= span_ - first) {
      if (first > next_)
        addGap(next_, first - next_);
      next_ = first + size;
      offset = first;
      return true;
    }
  }
  return false;
}

void DeviceMemory::forgetFreed(uint64_t begin, uint64_t end) {
  auto at = allocations_.upper_bound(begin);
  if (at != allocations_.begin())
    --at;
  while (at != allocations_.end() && at->first < end) {
    bool overlaps = at->second->end() > begin || at->first >= begin;
    at = overlaps && at->second->freed ? allocations_.erase(at) : std::next(at);
  }
}

bool DeviceMemory::overlapsLive(uint64_t begin, uint64_t end) const {
  auto at = allocations_.upper_bound(begin);
  if (at != allocations_.begin())
    --at;
  for (; at != allocations_.end() && at->first < end; ++at)
    if (!at->second->freed && at->second->end() > begin)
      return true;
  return false;
}

std::shared_ptr<const Allocation> DeviceMemory::insert(Allocation allocation) {
  allocation.number = ++count_;
  auto shared = std::make_shared<const Allocation>(std::move(allocation));
  forgetFreed(shared->address, std::max(shared->end(), shared->address + 1));
  allocations_[shared->address] = shared;
  generation_.fetch_add(1, std::memory_order_release);
  return shared;
}

std::shared_ptr<const Allocation>
DeviceMemory::allocateShared(Allocation allocation, uint64_t alignment) {
  // A page without access on both sides: the host's overruns fault as well.
  uint64_t page = pageSize();
  uint64_t slack = alignment > page ? alignment : 0;
  uint64_t bytes = alignUp(std::max<uint64_t>(allocation.size, 1), page);
  uint64_t total = bytes + slack + 2 * page;
  char *begin = static_cast<char *>(map(nullptr, total, PROT_NONE, 0));
  if (!begin)
    return nullptr;
  char *bytesBegin = reinterpret_cast<char *>(
      alignUp(uint64_t(begin) + page, std::max(alignment, page)));
  if (mprotect(bytesBegin, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(begin, total);
    return nullptr;
  }
  allocation.address = uint64_t(bytesBegin);
  allocation.bytes = bytesBegin;
  spaces_[allocation.address] = {uint64_t(begin), total};
  return insert(std::move(allocation));
}

std::shared_ptr<const Allocation>
DeviceMemory::allocate(uint64_t size, uint64_t alignment, MemoryKind kind,
                       std::string name, MemoryOwner owner) {
  if (size > kHugeSize || alignment > kHugeSize)
    return nullptr;
  Allocation allocation;
  allocation.size = size;
  allocation.kind = kind;
  allocation.owner = owner;
  allocation.name = std::move(name);
  alignment = std::max(alignment, kGranularity);
  std::lock_guard lock(mutex_);
  if (isHost(kind))
    return allocateShared(std::move(allocation), alignment);
  uint64_t bytes = alignUp(size, kGranularity);
  uint64_t offset;
  if (bytes > capacity_ - used_ ||
      !takeSpace(bytes + kRedZone, alignment, offset))
    return nullptr;
  used_ += bytes;
  allocation.address = kDeviceBase + offset;
  allocation.bytes = backing_ + offset;
  allocation.shadow = shadow_ + offset;
  spaces_[allocation.address] = {offset, bytes + kRedZone};
  return insert(std::move(allocation));
}

std::shared_ptr<const Allocation> DeviceMemory::registerHost(void *begin,
                                                             uint64_t size) {
  std::lock_guard lock(mutex_);
  uint64_t address = uint64_t(begin);
  if (!begin || size == 0 || size > kHugeSize || isDeviceAddress(address) ||
      overlapsLive(address, address + size))
    return nullptr;
  Allocation allocation;
  allocation.address = address;
  allocation.size = size;
  allocation.kind = MemoryKind::Registered;
  allocation.bytes = static_cast<char *>(begin);
  return insert(std::move(allocation));
}

void DeviceMemory::giveBack(const Space &space, uint64_t size) {
  used_ -= space.size - kRedZone;
  // Space that nobody has is unwritten. Large pieces lose their pages, and
  // what they share with a neighbour's is cleared by hand.
  uint8_t *shadow = shadow_ + space.offset;
  uint64_t edge = size;
  if (size >= kReturnedSize) {
    edge = pageSize();
    returnPages(backing_ + space.offset, size);
    returnPages(reinterpret_cast<char *>(shadow), size);
  }
  std::memset(shadow, kUnwritten, edge);
  std::memset(shadow + size - edge, kUnwritten, edge);
  quarantine_.push_back(space);
  quarantined_ += space.size;
}

bool DeviceMemory::release(uint64_t address) {
  std::lock_guard lock(mutex_);
  auto at = allocations_.find(address);
  if (at == allocations_.end() || at->second->freed ||
      at->second->owner == MemoryOwner::Mapping)
    return false;
  auto freed = std::make_shared<Allocation>(*at->second);
  freed->freed = true;
  if (isHost(freed->kind)) {
    if (freed->kind != MemoryKind::Registered) {
      Space space = spaces_.at(address);
      munmap(reinterpret_cast<void *>(space.offset), space.size);
    }
    freed->bytes = nullptr;
    freedHost_.push_back(address);
    if (freedHost_.size() > kFreedHost) {
      auto oldest = allocations_.find(freedHost_.front());
      freedHost_.pop_front();
      if (oldest != allocations_.end() && oldest->second->freed)
        allocations_.erase(oldest);
    }
  } else {
    giveBack(spaces_.at(address), freed->size);
  }
  spaces_.erase(address);
  at->second = std::move(freed);
  generation_.fetch_add(1, std::memory_order_release);
  return true;
}

// --- Addresses and memory apart ----------------------------------------------

uint64_t DeviceMemory::reserve(uint64_t size, uint64_t alignment,
                               uint64_t wish) {
  if (size == 0 || size > kDeviceSpan || alignment > kDeviceSpan)
    return 0;
  alignment = std::max(alignment, kGranularity);
  std::lock_guard lock(mutex_);
  auto take = [&](uint64_t offset) {
    reserved_[offset] = size;
    return kDeviceBase + offset;
  };
  // The first gap that is wide enough; there are few reservations.
  uint64_t first = 0, from = span_;
  bool found = false;
  auto consider = [&](uint64_t begin, uint64_t end) {
    uint64_t offset = wish - kDeviceBase;
    if (isDeviceAddress(wish) && wish % alignment == 0 && offset >= begin &&
        offset <= end && size <= end - offset) {
      first = offset;
      return true;
    }
    uint64_t aligned = alignUp(kDeviceBase + begin, alignment) - kDeviceBase;
    if (!found && aligned <= end && size <= end - aligned) {
      first = aligned;
      found = true;
    }
    return false;
  };
  for (const auto &[offset, length] : reserved_) {
    if (consider(from, offset))
      return take(first);
    from = offset + length;
  }
  if (consider(from, kDeviceSpan) || found)
    return take(first);
  return 0;
}

void DeviceMemory::unreserve(uint64_t address) {
  std::lock_guard lock(mutex_);
  reserved_.erase(address - kDeviceBase);
}

std::shared_ptr<const DeviceMemory::Physical>
DeviceMemory::allocatePhysical(uint64_t size) {
  if (size == 0 || size > kHugeSize)
    return nullptr;
  std::lock_guard lock(mutex_);
  uint64_t bytes = alignUp(size, kGranularity);
  Space space{0, bytes + kRedZone};
  if (bytes > capacity_ - used_ ||
      !takeSpace(space.size, pageSize(), space.offset))
    return nullptr;
  used_ += bytes;
  // What lay there once is not what messages about these addresses mean.
  forgetFreed(kDeviceBase + space.offset,
              kDeviceBase + space.offset + space.size);
  return std::shared_ptr<const Physical>(new Physical(*this, space, size));
}

DeviceMemory::Physical::~Physical() {
  std::lock_guard lock(memory_.mutex_);
  memory_.giveBack(space_, size_);
}

std::shared_ptr<const Allocation>
DeviceMemory::mapPhysical(uint64_t address, uint64_t size,
                          const Physical &physical, uint64_t offset) {
  std::lock_guard lock(mutex_);
  if (size == 0 || offset > physical.size_ || size > physical.size_ - offset ||
      overlapsLive(address, address + size))
    return nullptr;
  Allocation allocation;
  allocation.address = address;
  allocation.size = size;
  allocation.owner = MemoryOwner::Mapping;
  allocation.bytes = backing_ + physical.space_.offset + offset;
  allocation.shadow = shadow_ + physical.space_.offset + offset;
  return insert(std::move(allocation));
}

bool DeviceMemory::unmapPhysical(uint64_t address) {
  std::lock_guard lock(mutex_);
  auto at = allocations_.find(address);
  if (at == allocations_.end() || at->second->freed ||
      at->second->owner != MemoryOwner::Mapping)
    return false;
  auto freed = std::make_shared<Allocation>(*at->second);
  freed->freed = true;
  at->second = std::move(freed);
  generation_.fetch_add(1, std::memory_order_release);
  return true;
}

DeviceMemory::Table::const_iterator
DeviceMemory::holder(uint64_t address) const {
  auto at = allocations_.upper_bound(address);
  return at == allocations_.begin() ? allocations_.end() : std::prev(at);
}

std::shared_ptr<const Allocation> DeviceMemory::find(uint64_t address) const {
  std::lock_guard lock(mutex_);
  auto at = holder(address);
  if (at == allocations_.end() || at->second->freed ||
      !at->second->contains(address))
    return nullptr;
  return at->second;
}

std::shared_ptr<const Allocation>
DeviceMemory::nearest(uint64_t address) const {
  std::lock_guard lock(mutex_);
  auto before = holder(address);
  auto after = allocations_.upper_bound(address);
  if (before == allocations_.end())
    return after == allocations_.end() ? nullptr : after->second;
  if (after == allocations_.end() || before->second->contains(address))
    return before->second;
  uint64_t behind = address - std::min(address, before->second->end());
  return after->first - address < behind ? after->second : before->second;
}

std::vector<std::shared_ptr<const Allocation>> DeviceMemory::live() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const Allocation>> list;
  for (const auto &[address, allocation] : allocations_)
    if (!allocation->freed)
      list.push_back(allocation);
  return list;
}

uint64_t DeviceMemory::used() const {
  std::lock_guard lock(mutex_);
  return used_;
}

void DeviceMemory::markWritten(const Allocation &allocation, uint64_t address,
                               uint64_t size) {
  if (allocation.shadow)
    std::memset(allocation.shadow + (address - allocation.address), kWritten,
                size);
}

void DeviceMemory::copyShadow(const Allocation &to, uint64_t toAddress,
                              const Allocation &from, uint64_t fromAddress,
                              uint64_t size) {
  if (!to.shadow)
    return;
  if (!from.shadow)
    return markWritten(to, toAddress, size);
  std::memmove(to.shadow + (toAddress - to.address),
               from.shadow + (fromAddress - from.address), size);
}
