//===- MemoryApi.cpp - cuMemAlloc*, cuMemHost*, managed memory ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Memory.h"
#include "sim/driver/Ranges.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Who owns what -----------------------------------------------------------

uint64_t tenon::sim::driver::alignmentOf(uint64_t size) {
  constexpr uint64_t kLarge = uint64_t(1) << 20, kPage = uint64_t(2) << 20;
  return size >= kLarge ? kPage : 512;
}

CUresult
tenon::sim::driver::allocateFor(Context &context, uint64_t size,
                                MemoryKind kind,
                                std::shared_ptr<const Allocation> &allocation) {
  // Pinned memory is the host's: faults of the device's memory spare it.
  if (kind != MemoryKind::Pinned && context.driver.failAllocation())
    return CUDA_ERROR_OUT_OF_MEMORY;
  allocation = context.memory.allocate(size, alignmentOf(size), kind);
  if (!allocation)
    return CUDA_ERROR_OUT_OF_MEMORY;
  std::lock_guard lock(context.mutex);
  context.allocations.insert(allocation->address);
  return CUDA_SUCCESS;
}

std::shared_ptr<Context> tenon::sim::driver::ownerOf(Driver &driver,
                                                     uint64_t address) {
  for (const std::shared_ptr<Context> &context : driver.contexts.all()) {
    std::lock_guard lock(context->mutex);
    if (context->allocations.count(address))
      return context;
  }
  return nullptr;
}

std::shared_ptr<MemoryPool> tenon::sim::driver::poolOf(Driver &driver,
                                                       uint64_t address) {
  for (const std::shared_ptr<MemoryPool> &pool : driver.pools.all()) {
    std::lock_guard lock(pool->mutex);
    if (pool->blocks.count(address))
      return pool;
  }
  return nullptr;
}

void tenon::sim::driver::forgetAllocation(Driver &driver, uint64_t address) {
  if (std::shared_ptr<Context> owner = ownerOf(driver, address)) {
    std::lock_guard lock(owner->mutex);
    owner->allocations.erase(address);
  }
  if (std::shared_ptr<MemoryPool> pool = poolOf(driver, address)) {
    std::lock_guard lock(pool->mutex);
    auto block = pool->blocks.find(address);
    if (block != pool->blocks.end()) {
      pool->used -= block->second;
      pool->blocks.erase(block);
    }
  }
}

/// Frees what begins at an address if it is of one of these kinds.
static CUresult freeMemory(Context &context, uint64_t address,
                           std::initializer_list<MemoryKind> kinds,
                           const char *call) {
  if (CUresult error = context.streams->checkUnsafeCall())
    return error;
  std::shared_ptr<const Allocation> allocation = context.memory.find(address);
  if (!allocation || allocation->address != address ||
      allocation->owner == MemoryOwner::Mapping ||
      std::find(kinds.begin(), kinds.end(), allocation->kind) == kinds.end())
    return CUDA_ERROR_INVALID_VALUE;
  context.streams->beforeFree(address, call);
  if (allocation->owner == MemoryOwner::Graph)
    return context.fault(); // the node keeps it for the graph's next launch
  forgetAllocation(context.driver, address);
  if (!context.memory.release(address))
    return CUDA_ERROR_INVALID_VALUE;
  return context.fault();
}

// --- Memory of the device ----------------------------------------------------

CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  return inContext([&](Context &context) -> CUresult {
    if (!free || !total)
      return CUDA_ERROR_INVALID_VALUE;
    *total = context.memory.capacity();
    *free = *total - context.memory.used();
    return CUDA_SUCCESS;
  });
}

static CUresult allocate(CUdeviceptr *address, size_t size, MemoryKind kind) {
  return inContext([&](Context &context) -> CUresult {
    if (!address || size == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = context.streams->checkUnsafeCall())
      return error;
    std::shared_ptr<const Allocation> allocation;
    if (CUresult error = allocateFor(context, size, kind, allocation))
      return error;
    *address = allocation->address;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size) {
  return allocate(address, size, MemoryKind::Device);
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width,
                            size_t height, unsigned int elementBytes) {
  if (!pitch || width == 0 || height == 0 ||
      (elementBytes != 4 && elementBytes != 8 && elementBytes != 16) ||
      width > SIZE_MAX / 2)
    return inContext([](Context &) { return CUDA_ERROR_INVALID_VALUE; });
  size_t rounded = (width + 511) / 512 * 512;
  if (height > SIZE_MAX / rounded)
    return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult error = allocate(address, rounded * height, MemoryKind::Device);
  if (error == CUDA_SUCCESS)
    *pitch = rounded;
  return error;
}

CUresult cuMemAllocManaged(CUdeviceptr *address, size_t size,
                           unsigned int flags) {
  if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST)
    return inContext([](Context &) { return CUDA_ERROR_INVALID_VALUE; });
  return allocate(address, size, MemoryKind::Managed);
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return inContext([&](Context &context) -> CUresult {
    if (address == 0)
      return CUDA_SUCCESS;
    return freeMemory(context, address,
                      {MemoryKind::Device, MemoryKind::Managed}, "cuMemFree");
  });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size,
                                 CUdeviceptr address) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<const Allocation> allocation = context.memory.find(address);
    if (!allocation)
      return CUDA_ERROR_NOT_FOUND;
    if (base)
      *base = allocation->address;
    if (size)
      *size = allocation->size;
    return CUDA_SUCCESS;
  });
}

// --- Memory of the host ------------------------------------------------------

CUresult cuMemHostAlloc(void **pointer, size_t size, unsigned int flags) {
  return inContext([&](Context &context) -> CUresult {
    constexpr unsigned known = CU_MEMHOSTALLOC_PORTABLE |
                               CU_MEMHOSTALLOC_DEVICEMAP |
                               CU_MEMHOSTALLOC_WRITECOMBINED;
    if (!pointer || (flags & ~known))
      return CUDA_ERROR_INVALID_VALUE;
    if (size == 0) {
      *pointer = nullptr;
      return CUDA_SUCCESS;
    }
    if (CUresult error = context.streams->checkUnsafeCall())
      return error;
    std::shared_ptr<const Allocation> allocation;
    if (CUresult error =
            allocateFor(context, size, MemoryKind::Pinned, allocation))
      return error;
    *pointer = allocation->bytes;
    std::lock_guard lock(context.mutex);
    context.hostFlags[allocation->address] = flags | CU_MEMHOSTALLOC_DEVICEMAP;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAllocHost_v2(void **pointer, size_t size) {
  if (size == 0)
    return inContext([](Context &) { return CUDA_ERROR_INVALID_VALUE; });
  return cuMemHostAlloc(pointer, size, 0);
}

CUresult cuMemFreeHost(void *pointer) {
  return inContext([&](Context &context) -> CUresult {
    if (!pointer)
      return CUDA_SUCCESS;
    return freeMemory(context, reinterpret_cast<uint64_t>(pointer),
                      {MemoryKind::Pinned}, "cuMemFreeHost");
  });
}

CUresult cuMemHostRegister_v2(void *pointer, size_t size, unsigned int flags) {
  return inContext([&](Context &context) -> CUresult {
    constexpr unsigned known = CU_MEMHOSTREGISTER_PORTABLE |
                               CU_MEMHOSTREGISTER_DEVICEMAP |
                               CU_MEMHOSTREGISTER_READ_ONLY;
    if (flags & CU_MEMHOSTREGISTER_IOMEMORY)
      return CUDA_ERROR_NOT_SUPPORTED;
    if (!pointer || size == 0 || (flags & ~known) ||
        DeviceMemory::isDeviceAddress(reinterpret_cast<uint64_t>(pointer)))
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<const Allocation> allocation =
        context.memory.registerHost(pointer, size);
    if (!allocation)
      return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    std::lock_guard lock(context.mutex);
    context.allocations.insert(allocation->address);
    context.hostFlags[allocation->address] =
        flags | CU_MEMHOSTREGISTER_DEVICEMAP;
    return CUDA_SUCCESS;
  });
}
CUresult cuMemHostRegister(void *pointer, size_t size, unsigned int flags) {
  return cuMemHostRegister_v2(pointer, size, flags);
}

CUresult cuMemHostUnregister(void *pointer) {
  return inContext([&](Context &context) -> CUresult {
    if (!pointer)
      return CUDA_ERROR_INVALID_VALUE;
    CUresult error =
        freeMemory(context, reinterpret_cast<uint64_t>(pointer),
                   {MemoryKind::Registered}, "cuMemHostUnregister");
    return error == CUDA_ERROR_INVALID_VALUE
               ? CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED
               : error;
  });
}

static bool isShared(MemoryKind kind) {
  return kind == MemoryKind::Pinned || kind == MemoryKind::Registered ||
         kind == MemoryKind::Managed;
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *pointer,
                                      unsigned int flags) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<const Allocation> allocation =
        context.memory.find(reinterpret_cast<uint64_t>(pointer));
    if (!address || flags != 0 || !allocation || !isShared(allocation->kind))
      return CUDA_ERROR_INVALID_VALUE;
    *address = reinterpret_cast<uint64_t>(pointer);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostGetFlags(unsigned int *flags, void *pointer) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<const Allocation> allocation =
        context.memory.find(reinterpret_cast<uint64_t>(pointer));
    std::shared_ptr<Context> owner =
        allocation ? ownerOf(context.driver, allocation->address) : nullptr;
    if (!flags || !owner)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(owner->mutex);
    auto entry = owner->hostFlags.find(allocation->address);
    if (entry == owner->hostFlags.end())
      return CUDA_ERROR_INVALID_VALUE;
    *flags = entry->second;
    return CUDA_SUCCESS;
  });
}

// --- Managed memory: where it lies makes no difference -----------------------

/// Whether a range may be prefetched or advised on, and the place exists.
static CUresult checkManaged(Context &context, uint64_t address, size_t size,
                             CUmemLocation location) {
  bool placeKnown =
      (location.type == CU_MEM_LOCATION_TYPE_DEVICE && location.id == 0) ||
      location.type == CU_MEM_LOCATION_TYPE_HOST ||
      location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA ||
      location.type == CU_MEM_LOCATION_TYPE_HOST_NUMA_CURRENT;
  if (!placeKnown)
    return CUDA_ERROR_INVALID_DEVICE;
  if (size == 0 || !isMapped(context.memory, address, size) ||
      context.memory.find(address)->kind != MemoryKind::Managed)
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

static CUmemLocation locationOf(CUdevice device) {
  CUmemLocation location{};
  location.type = device == CU_DEVICE_CPU ? CU_MEM_LOCATION_TYPE_HOST
                                          : CU_MEM_LOCATION_TYPE_DEVICE;
  location.id = device == CU_DEVICE_CPU ? 0 : device;
  return location;
}

static CUresult prefetch(CUdeviceptr address, size_t size,
                         CUmemLocation location, unsigned flags,
                         CUstream stream) {
  return inContext([&](Context &context) -> CUresult {
    bool capturing;
    if (flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = context.streams->isCapturing(stream, capturing))
      return error;
    return checkManaged(context, address, size, location);
  });
}

CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t size,
                               CUmemLocation location, unsigned int flags,
                               CUstream stream) {
  return prefetch(address, size, location, flags, stream);
}
CUresult cuMemPrefetchAsync_v2_ptsz(CUdeviceptr address, size_t size,
                                    CUmemLocation location, unsigned int flags,
                                    CUstream stream) {
  return prefetch(address, size, location, flags, stream);
}
CUresult cuMemPrefetchAsync(CUdeviceptr address, size_t size, CUdevice device,
                            CUstream stream) {
  return prefetch(address, size, locationOf(device), 0, stream);
}
CUresult cuMemPrefetchAsync_ptsz(CUdeviceptr address, size_t size,
                                 CUdevice device, CUstream stream) {
  return prefetch(address, size, locationOf(device), 0, stream);
}

CUresult cuMemAdvise_v2(CUdeviceptr address, size_t size, CUmem_advise advice,
                        CUmemLocation location) {
  return inContext([&](Context &context) -> CUresult {
    if (advice < CU_MEM_ADVISE_SET_READ_MOSTLY ||
        advice > CU_MEM_ADVISE_UNSET_ACCESSED_BY)
      return CUDA_ERROR_INVALID_VALUE;
    // The place is ignored where the advice has none.
    if (advice != CU_MEM_ADVISE_SET_PREFERRED_LOCATION &&
        advice != CU_MEM_ADVISE_SET_ACCESSED_BY &&
        advice != CU_MEM_ADVISE_UNSET_ACCESSED_BY)
      location = locationOf(0);
    return checkManaged(context, address, size, location);
  });
}
CUresult cuMemAdvise(CUdeviceptr address, size_t size, CUmem_advise advice,
                     CUdevice device) {
  return cuMemAdvise_v2(address, size, advice, locationOf(device));
}
