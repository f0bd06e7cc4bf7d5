//===- Memory.h - Allocations of contexts and pools -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_MEMORY_H
#define TENON_SIM_DRIVER_MEMORY_H

#include "sim/driver/Context.h"
#include "sim/driver/Cuda.h"
#include "sim/memory/DeviceMemory.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace tenon::sim::driver {

class Driver;

/// A pool of cuMemAllocAsync. Memory goes back to the device when it is freed,
/// so that a pool holds what is in use and nothing more.
class MemoryPool {
public:
  explicit MemoryPool(bool isDefault) : isDefault(isDefault) {}
  const bool isDefault;

  std::mutex mutex;
  // Guarded by `mutex`.
  std::map<uint64_t, uint64_t> blocks; ///< size by address
  uint64_t used = 0, usedHigh = 0, reservedHigh = 0, releaseThreshold = 0;
  int reuse[3] = {1, 1, 1}; ///< CU_MEMPOOL_ATTR_REUSE_*
};

/// Where an allocation of this size begins: documented are 256 bytes, but
/// drivers give allocations of a megabyte or more pages of their own, and
/// programs count on that (Taichi's runtime takes blocks of 4096 bytes from a
/// buffer of just the size that they need).
uint64_t alignmentOf(uint64_t size);
/// Allocates for a context; CUDA_ERROR_OUT_OF_MEMORY if there is no room or an
/// injected fault says so.
CUresult allocateFor(Context &context, uint64_t size, MemoryKind kind,
                     std::shared_ptr<const Allocation> &allocation);
/// The context that made an allocation; nullptr: none (a variable).
std::shared_ptr<Context> ownerOf(Driver &driver, uint64_t address);
/// Takes an address off its context's and its pool's list.
void forgetAllocation(Driver &driver, uint64_t address);
/// The pool that an address is from; nullptr: none.
std::shared_ptr<MemoryPool> poolOf(Driver &driver, uint64_t address);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_MEMORY_H
