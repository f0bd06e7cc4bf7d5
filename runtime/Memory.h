//===- Memory.h - Owned regions of memory ------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Activations and prepared constants live in few large regions. A region from
// 2 MiB up starts at a multiple of 2 MiB and asks for huge pages: 4 KiB pages
// overflow the TLB and stop the hardware prefetcher. Regions come zeroed and
// cost physical memory only where they are touched.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_MEMORY_H
#define TENON_RUNTIME_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tenon::runtime {

class Region {
public:
  Region() = default;
  ~Region() { release(); }
  Region(Region &&other) noexcept { *this = std::move(other); }
  Region &operator=(Region &&other) noexcept {
    std::swap(mapping, other.mapping);
    std::swap(mappedBytes, other.mappedBytes);
    std::swap(start, other.start);
    std::swap(bytes, other.bytes);
    return *this;
  }

  /// Replaces the region by a zeroed one of at least `size` bytes, aligned to
  /// 64. False if there is no memory; the region is then empty.
  bool allocate(uint64_t size);
  void release();

  /// Makes the pages read-only.
  void protect();

  char *data() const { return start; }
  uint64_t size() const { return bytes; }

private:
  void *mapping = nullptr;
  size_t mappedBytes = 0;
  char *start = nullptr;
  uint64_t bytes = 0;
};

/// Rounds up to a multiple of `alignment`, a power of two.
inline uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

} // namespace tenon::runtime

#endif // TENON_RUNTIME_MEMORY_H
