//===- Ranges.h - Bytes of the device's memory ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A range of device addresses may reach over several allocations that touch
// each other, as the virtual memory API makes them; these functions go through
// its pieces.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_RANGES_H
#define TENON_SIM_DRIVER_RANGES_H

#include "sim/memory/DeviceMemory.h"

#include <algorithm>
#include <memory>

namespace tenon::sim::driver {

/// Calls `body(const Allocation &, uint64_t address, uint64_t size)` for the
/// pieces of a range; false, and nothing further, at the first byte that is in
/// no live allocation.
template <typename Body>
bool forPieces(const DeviceMemory &memory, uint64_t address, uint64_t size,
               Body &&body) {
  while (size != 0) {
    std::shared_ptr<const Allocation> piece = memory.find(address);
    if (!piece)
      return false;
    uint64_t count = std::min(size, piece->end() - address);
    body(*piece, address, count);
    address += count;
    size -= count;
  }
  return true;
}

/// Whether the device can reach every byte.
inline bool isMapped(const DeviceMemory &memory, uint64_t address,
                     uint64_t size) {
  return size == 0 ? memory.find(address) != nullptr
                   : forPieces(memory, address, size,
                               [](const Allocation &, uint64_t, uint64_t) {});
}

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_RANGES_H
