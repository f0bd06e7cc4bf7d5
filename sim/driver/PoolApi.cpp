//===- PoolApi.cpp - cuMemPool*, cuMemAllocAsync, cuMemFreeAsync ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An allocation is made at once, since its address is returned at once; it is
// freed when the stream comes to it. Use in another stream before the
// allocation or after the release is then the order of streams' to check.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Memory.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::driver;

static CUmemoryPool handleOf(const std::shared_ptr<MemoryPool> &pool) {
  return reinterpret_cast<CUmemoryPool>(pool.get());
}

/// `body(Driver &, const std::shared_ptr<MemoryPool> &)`.
template <typename Body>
static CUresult withPool(CUmemoryPool handle, Body &&body) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<MemoryPool> pool = driver.pools.find(handle);
    if (!pool)
      return CUDA_ERROR_INVALID_VALUE;
    return body(driver, pool);
  });
}
using PoolPointer = const std::shared_ptr<MemoryPool> &;

/// Whether memory of a pool can lie there: on the one device.
static bool isDevice(const CUmemLocation &location) {
  return location.type == CU_MEM_LOCATION_TYPE_DEVICE && location.id == 0;
}

// --- Which pool --------------------------------------------------------------

static CUresult getPool(CUmemoryPool *pool, CUdevice device, bool isDefault) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    if (!pool)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(driver.poolMutex);
    *pool = handleOf(isDefault ? driver.defaultPool : driver.currentPool);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
  return getPool(pool, device, true);
}
CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
  return getPool(pool, device, false);
}
CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool handle) {
  return withPool(handle, [&](Driver &driver, PoolPointer pool) -> CUresult {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard lock(driver.poolMutex);
    driver.currentPool = pool;
    return CUDA_SUCCESS;
  });
}

/// The device that a location names; memory of the host has no pool here.
static CUresult deviceOf(const CUmemLocation *location,
                         CUmemAllocationType type, CUdevice &device) {
  if (!location)
    return CUDA_ERROR_INVALID_VALUE;
  if (location->type != CU_MEM_LOCATION_TYPE_DEVICE ||
      type != CU_MEM_ALLOCATION_TYPE_PINNED)
    return CUDA_ERROR_NOT_SUPPORTED;
  device = location->id;
  return CUDA_SUCCESS;
}
CUresult cuMemGetDefaultMemPool(CUmemoryPool *pool, CUmemLocation *location,
                                CUmemAllocationType type) {
  CUdevice device;
  if (CUresult error = deviceOf(location, type, device))
    return error;
  return getPool(pool, device, true);
}
CUresult cuMemGetMemPool(CUmemoryPool *pool, CUmemLocation *location,
                         CUmemAllocationType type) {
  CUdevice device;
  if (CUresult error = deviceOf(location, type, device))
    return error;
  return getPool(pool, device, false);
}
CUresult cuMemSetMemPool(CUmemLocation *location, CUmemAllocationType type,
                         CUmemoryPool pool) {
  CUdevice device;
  if (CUresult error = deviceOf(location, type, device))
    return error;
  return cuDeviceSetMemPool(device, pool);
}

// --- Pools -------------------------------------------------------------------

CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *properties) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (!pool || !properties ||
        properties->allocType != CU_MEM_ALLOCATION_TYPE_PINNED)
      return CUDA_ERROR_INVALID_VALUE;
    if (properties->handleTypes != CU_MEM_HANDLE_TYPE_NONE)
      return CUDA_ERROR_NOT_SUPPORTED; // there is no other process
    if (!isDevice(properties->location))
      return properties->location.type == CU_MEM_LOCATION_TYPE_DEVICE
                 ? CUDA_ERROR_INVALID_DEVICE
                 : CUDA_ERROR_NOT_SUPPORTED;
    *pool = driver.pools.add<CUmemoryPool>(std::make_shared<MemoryPool>(false));
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
  return withPool(handle, [&](Driver &driver, PoolPointer pool) -> CUresult {
    if (pool->isDefault)
      return CUDA_ERROR_INVALID_VALUE;
    // What is in use stays until it is freed.
    driver.pools.remove(handle);
    std::lock_guard lock(driver.poolMutex);
    if (driver.currentPool == pool)
      driver.currentPool = driver.defaultPool;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
  return withPool(pool, [](Driver &, PoolPointer) { return CUDA_SUCCESS; });
}

CUresult cuMemPoolSetAttribute(CUmemoryPool handle,
                               CUmemPool_attribute attribute, void *value) {
  return withPool(handle, [&](Driver &, PoolPointer pool) -> CUresult {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(pool->mutex);
    cuuint64_t number = 0;
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      pool->reuse[attribute - 1] = *static_cast<int *>(value) != 0;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      pool->releaseThreshold = *static_cast<cuuint64_t *>(value);
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      // Only a reset to 0 is allowed.
      number = *static_cast<cuuint64_t *>(value);
      if (number != 0)
        return CUDA_ERROR_INVALID_VALUE;
      (attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH ? pool->usedHigh
                                                  : pool->reservedHigh) =
          pool->used;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuMemPoolGetAttribute(CUmemoryPool handle,
                               CUmemPool_attribute attribute, void *value) {
  return withPool(handle, [&](Driver &, PoolPointer pool) -> CUresult {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(pool->mutex);
    auto *number = static_cast<cuuint64_t *>(value);
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
      *static_cast<int *>(value) = pool->reuse[attribute - 1];
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      *number = pool->releaseThreshold;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
      *number = pool->used;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
      *number = pool->reservedHigh;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      *number = pool->usedHigh;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *access,
                            size_t count) {
  return withPool(handle, [&](Driver &, PoolPointer) -> CUresult {
    if (count && !access)
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; ++i) {
      if (!isDevice(access[i].location))
        return CUDA_ERROR_INVALID_DEVICE;
      // Its own device always has access.
      if (access[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
        return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle,
                            CUmemLocation *location) {
  return withPool(handle, [&](Driver &, PoolPointer) -> CUresult {
    if (!flags || !location)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = isDevice(*location) ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE
                                 : CU_MEM_ACCESS_FLAGS_PROT_NONE;
    return CUDA_SUCCESS;
  });
}

// --- Allocation in a stream --------------------------------------------------

static CUresult allocateFrom(CUdeviceptr *address, size_t size,
                             std::shared_ptr<MemoryPool> pool,
                             CUstream stream) {
  return inContext([&](Context &context) -> CUresult {
    if (!address || size == 0 || !pool)
      return CUDA_ERROR_INVALID_VALUE;
    bool capturing = false;
    if (CUresult error = context.streams->isCapturing(stream, capturing))
      return error;
    if (capturing)
      return context.streams->captureAllocation(stream, size, *address);
    std::shared_ptr<const Allocation> allocation;
    if (CUresult error =
            allocateFor(context, size, MemoryKind::Device, allocation))
      return error;
    std::lock_guard lock(pool->mutex);
    pool->blocks[allocation->address] = size;
    pool->used += size;
    pool->usedHigh = std::max(pool->usedHigh, pool->used);
    pool->reservedHigh = std::max(pool->reservedHigh, pool->used);
    *address = allocation->address;
    return CUDA_SUCCESS;
  });
}

static std::shared_ptr<MemoryPool> currentPool() {
  Driver &driver = Driver::get();
  std::lock_guard lock(driver.poolMutex);
  return driver.currentPool;
}

static CUstream ofThread(CUstream stream) {
  return stream ? stream : CU_STREAM_PER_THREAD;
}

CUresult cuMemAllocAsync(CUdeviceptr *address, size_t size, CUstream stream) {
  return allocateFrom(address, size, currentPool(), stream);
}
CUresult cuMemAllocAsync_ptsz(CUdeviceptr *address, size_t size,
                              CUstream stream) {
  return allocateFrom(address, size, currentPool(), ofThread(stream));
}
CUresult cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t size,
                                 CUmemoryPool pool, CUstream stream) {
  return allocateFrom(address, size, Driver::get().pools.find(pool), stream);
}
CUresult cuMemAllocFromPoolAsync_ptsz(CUdeviceptr *address, size_t size,
                                      CUmemoryPool pool, CUstream stream) {
  return allocateFrom(address, size, Driver::get().pools.find(pool),
                      ofThread(stream));
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<const Allocation> allocation = context.memory.find(address);
    if (!allocation || allocation->address != address ||
        allocation->kind != MemoryKind::Device ||
        allocation->owner == MemoryOwner::Mapping)
      return CUDA_ERROR_INVALID_VALUE;
    return context.streams->submit(stream, Release{address}, Wait::No);
  });
}
CUresult cuMemFreeAsync_ptsz(CUdeviceptr address, CUstream stream) {
  return cuMemFreeAsync(address, ofThread(stream));
}
