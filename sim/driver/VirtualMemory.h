//===- VirtualMemory.h - Addresses and memory apart -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a program did with the virtual memory API:
//
//   cuMemAddressReserve   a reservation: addresses
//   cuMemCreate           a handle: memory
//   cuMemMap              a mapping: the one in the other, without access
//   cuMemSetAccess        ... with access: only now an Allocation that kernels
//                         and copies find
//
// A handle is counted: by cuMemCreate and cuMemRetainAllocationHandle, less
// cuMemRelease. Its memory lives as long as a count or a mapping is left.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_VIRTUALMEMORY_H
#define TENON_SIM_DRIVER_VIRTUALMEMORY_H

#include "sim/driver/Cuda.h"
#include "sim/memory/DeviceMemory.h"

#include <map>
#include <memory>
#include <mutex>

namespace tenon::sim::driver {

/// What a CUmemGenericAllocationHandle names.
struct PhysicalMemory {
  std::shared_ptr<const DeviceMemory::Physical> memory;
  CUmemAllocationProp properties{};
  unsigned count = 1; ///< of handles that the program holds
};

struct MemoryMapping {
  uint64_t size = 0, offset = 0; ///< in the memory
  std::shared_ptr<PhysicalMemory> physical;
  bool accessible = false;
};

struct VirtualMemory {
  std::mutex mutex;
  // Guarded by `mutex`.
  std::map<uint64_t, uint64_t> reservations;  ///< size by address
  std::map<uint64_t, MemoryMapping> mappings; ///< by address
  std::map<CUmemGenericAllocationHandle, std::shared_ptr<PhysicalMemory>>
      handles;
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_VIRTUALMEMORY_H
