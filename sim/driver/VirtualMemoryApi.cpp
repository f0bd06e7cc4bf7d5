//===- VirtualMemoryApi.cpp - cuMemAddress*, cuMemCreate, cuMemMap ... ----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See VirtualMemory.h. Everything comes in pages of 2 MiB, as on hardware.
// Memory of the host and handles that other processes can open are refused:
// CUDA_ERROR_NOT_SUPPORTED. Access is the device's to read and write, or none.
//
// Tests: test/unit/sim/driver/VirtualMemoryTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/VirtualMemory.h"

#include "sim/driver/Driver.h"

#include <algorithm>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::driver;

static constexpr uint64_t kPage = uint64_t(2) << 20;

static bool isPages(uint64_t value) { return value % kPage == 0; }

/// `body(Driver &, VirtualMemory &)` with the lock.
template <typename Body> static CUresult inVirtualMemory(Body &&body) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::lock_guard lock(driver.virtualMemory.mutex);
    return body(driver, driver.virtualMemory);
  });
}

/// Before memory goes: what the current context's streams still do with it.
static void waitForUsers(Driver &driver, uint64_t address, const char *call) {
  std::shared_ptr<Context> context = driver.current();
  if (context && context->alive)
    context->streams->beforeFree(address, call);
}

// --- Addresses ---------------------------------------------------------------

CUresult cuMemAddressReserve(CUdeviceptr *address, size_t size,
                             size_t alignment, CUdeviceptr wish,
                             unsigned long long flags) {
  return inVirtualMemory([&](Driver &driver, VirtualMemory &all) -> CUresult {
    if (!address || size == 0 || !isPages(size) || flags != 0 ||
        (alignment & (alignment - 1)) != 0)
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t found = driver.memory->reserve(
        size, std::max<uint64_t>(alignment, kPage), wish);
    if (!found)
      return CUDA_ERROR_OUT_OF_MEMORY;
    all.reservations[found] = size;
    *address = found;
    return CUDA_SUCCESS;
  });
}

/// The mappings that lie in a range; false if one lies in it partly or, where
/// `gapless`, if they leave a part of it free.
static bool mappingsOf(VirtualMemory &all, uint64_t address, uint64_t size,
                       bool gapless, std::vector<uint64_t> &found) {
  uint64_t reached = address, end = address + size;
  auto at = all.mappings.upper_bound(address);
  if (at != all.mappings.begin() &&
      std::prev(at)->first + std::prev(at)->second.size > address)
    --at;
  for (; at != all.mappings.end() && at->first < end; ++at) {
    uint64_t last = at->first + at->second.size;
    if (at->first < address || last > end || (gapless && at->first != reached))
      return false;
    reached = last;
    found.push_back(at->first);
  }
  return !gapless || reached == end;
}

CUresult cuMemAddressFree(CUdeviceptr address, size_t size) {
  return inVirtualMemory([&](Driver &driver, VirtualMemory &all) -> CUresult {
    auto at = all.reservations.find(address);
    std::vector<uint64_t> mapped;
    if (at == all.reservations.end() || at->second != size ||
        !mappingsOf(all, address, size, false, mapped) || !mapped.empty())
      return CUDA_ERROR_INVALID_VALUE;
    driver.memory->unreserve(address);
    all.reservations.erase(at);
    return CUDA_SUCCESS;
  });
}

// --- Memory ------------------------------------------------------------------

static CUresult check(const CUmemAllocationProp *what) {
  if (!what || what->type != CU_MEM_ALLOCATION_TYPE_PINNED ||
      what->win32HandleMetaData)
    return CUDA_ERROR_INVALID_VALUE;
  switch (what->location.type) {
  case CU_MEM_LOCATION_TYPE_DEVICE:
    break;
  case CU_MEM_LOCATION_TYPE_HOST:
  case CU_MEM_LOCATION_TYPE_HOST_NUMA:
  case CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT:
    Driver::get().logOnce("cuMemCreate of memory of the host is not supported");
    return CUDA_ERROR_NOT_SUPPORTED;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (what->location.id != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  if (what->requestedHandleTypes != CU_MEM_HANDLE_TYPE_NONE) {
    Driver::get().logOnce("cuMemCreate of memory for other processes is not "
                          "supported");
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return CUDA_SUCCESS;
}

CUresult
cuMemGetAllocationGranularity(size_t *granularity,
                              const CUmemAllocationProp *what,
                              CUmemAllocationGranularity_flags option) {
  return inDriver([&](Driver &) -> CUresult {
    if (!granularity || (option != CU_MEM_ALLOC_GRANULARITY_MINIMUM &&
                         option != CU_MEM_ALLOC_GRANULARITY_RECOMMENDED))
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = check(what))
      return error;
    *granularity = kPage;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size,
                     const CUmemAllocationProp *what,
                     unsigned long long flags) {
  return inVirtualMemory([&](Driver &driver, VirtualMemory &all) -> CUresult {
    if (!handle || size == 0 || !isPages(size) || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = check(what))
      return error;
    if (driver.failAllocation())
      return CUDA_ERROR_OUT_OF_MEMORY;
    auto physical = std::make_shared<PhysicalMemory>();
    physical->memory = driver.memory->allocatePhysical(size);
    if (!physical->memory)
      return CUDA_ERROR_OUT_OF_MEMORY;
    physical->properties = *what;
    // A hint; nothing is compressed here.
    physical->properties.allocFlags.compressionType = 0;
    *handle = reinterpret_cast<uint64_t>(physical.get());
    all.handles[*handle] = std::move(physical);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
  return inVirtualMemory([&](Driver &, VirtualMemory &all) -> CUresult {
    auto at = all.handles.find(handle);
    if (at == all.handles.end())
      return CUDA_ERROR_INVALID_VALUE;
    if (--at->second->count == 0)
      all.handles.erase(at);
    return CUDA_SUCCESS;
  });
}

CUresult
cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *properties,
                                       CUmemGenericAllocationHandle handle) {
  return inVirtualMemory([&](Driver &, VirtualMemory &all) -> CUresult {
    auto at = all.handles.find(handle);
    if (!properties || at == all.handles.end())
      return CUDA_ERROR_INVALID_VALUE;
    *properties = at->second->properties;
    return CUDA_SUCCESS;
  });
}

/// The mapping that holds an address, or the end.
static auto holderOf(VirtualMemory &all, uint64_t address) {
  auto at = all.mappings.upper_bound(address);
  if (at == all.mappings.begin())
    return all.mappings.end();
  --at;
  return address - at->first < at->second.size ? at : all.mappings.end();
}

CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle,
                                     void *pointer) {
  return inVirtualMemory([&](Driver &, VirtualMemory &all) -> CUresult {
    auto at = holderOf(all, reinterpret_cast<uint64_t>(pointer));
    if (!handle || at == all.mappings.end())
      return CUDA_ERROR_INVALID_VALUE;
    const std::shared_ptr<PhysicalMemory> &physical = at->second.physical;
    *handle = reinterpret_cast<uint64_t>(physical.get());
    // Perhaps the mapping alone has kept it so far.
    auto [held, isNew] = all.handles.emplace(*handle, physical);
    held->second->count = isNew ? 1 : held->second->count + 1;
    return CUDA_SUCCESS;
  });
}

// --- The one in the other ----------------------------------------------------

CUresult cuMemMap(CUdeviceptr address, size_t size, size_t offset,
                  CUmemGenericAllocationHandle handle,
                  unsigned long long flags) {
  return inVirtualMemory([&](Driver &, VirtualMemory &all) -> CUresult {
    auto physical = all.handles.find(handle);
    if (physical == all.handles.end() || size == 0 || !isPages(size) ||
        !isPages(address) || !isPages(offset) || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t whole = physical->second->memory->size();
    if (offset > whole || size > whole - offset)
      return CUDA_ERROR_INVALID_VALUE;
    auto room = all.reservations.upper_bound(address);
    if (room == all.reservations.begin())
      return CUDA_ERROR_INVALID_VALUE;
    --room;
    uint64_t into = address - room->first;
    std::vector<uint64_t> mapped;
    if (into > room->second || size > room->second - into ||
        !mappingsOf(all, address, size, false, mapped) || !mapped.empty())
      return CUDA_ERROR_INVALID_VALUE;
    all.mappings[address] = {size, offset, physical->second, false};
    return CUDA_SUCCESS;
  });
}

static void setAccess(Driver &driver, uint64_t address, MemoryMapping &mapping,
                      bool accessible, const char *call) {
  if (mapping.accessible == accessible)
    return;
  mapping.accessible = accessible;
  if (accessible) {
    driver.memory->mapPhysical(address, mapping.size, *mapping.physical->memory,
                               mapping.offset);
  } else {
    waitForUsers(driver, address, call);
    driver.memory->unmapPhysical(address);
  }
}

CUresult cuMemUnmap(CUdeviceptr address, size_t size) {
  return inVirtualMemory([&](Driver &driver, VirtualMemory &all) -> CUresult {
    std::vector<uint64_t> mapped;
    if (size == 0 || !mappingsOf(all, address, size, true, mapped))
      return CUDA_ERROR_INVALID_VALUE;
    for (uint64_t at : mapped) {
      setAccess(driver, at, all.mappings.at(at), false, "cuMemUnmap");
      all.mappings.erase(at);
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuMemSetAccess(CUdeviceptr address, size_t size,
                        const CUmemAccessDesc *descriptions, size_t count) {
  return inVirtualMemory([&](Driver &driver, VirtualMemory &all) -> CUresult {
    std::vector<uint64_t> mapped;
    if (!descriptions || count == 0 || size == 0 ||
        !mappingsOf(all, address, size, true, mapped))
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; ++i) {
      const CUmemAccessDesc &what = descriptions[i];
      if (what.location.type != CU_MEM_LOCATION_TYPE_DEVICE)
        return CUDA_ERROR_INVALID_VALUE; // memory of a device, not the host's
      if (what.location.id != 0)
        return CUDA_ERROR_INVALID_DEVICE;
      if (what.flags == CU_MEM_ACCESS_FLAGS_PROT_READ) {
        driver.logOnce("cuMemSetAccess to read alone is not supported");
        return CUDA_ERROR_NOT_SUPPORTED;
      }
      if (what.flags != CU_MEM_ACCESS_FLAGS_PROT_NONE &&
          what.flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
        return CUDA_ERROR_INVALID_VALUE;
    }
    bool accessible =
        descriptions[count - 1].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    for (uint64_t at : mapped)
      setAccess(driver, at, all.mappings.at(at), accessible, "cuMemSetAccess");
    return CUDA_SUCCESS;
  });
}

CUresult cuMemGetAccess(unsigned long long *flags,
                        const CUmemLocation *location, CUdeviceptr address) {
  return inVirtualMemory([&](Driver &, VirtualMemory &all) -> CUresult {
    auto at = holderOf(all, address);
    if (!flags || !location || at == all.mappings.end() ||
        location->type != CU_MEM_LOCATION_TYPE_DEVICE)
      return CUDA_ERROR_INVALID_VALUE;
    if (location->id != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    *flags = at->second.accessible ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE
                                   : CU_MEM_ACCESS_FLAGS_PROT_NONE;
    return CUDA_SUCCESS;
  });
}
