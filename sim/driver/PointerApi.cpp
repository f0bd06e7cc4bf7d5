//===- PointerApi.cpp - cuPointer*, cuMemRangeGetAttribute* ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Memory.h"
#include "sim/driver/Ranges.h"

#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

template <typename T> static void put(void *data, T value) {
  std::memcpy(data, &value, sizeof value);
}

/// An attribute of memory that the device knows.
static CUresult attributeOf(Driver &driver, const Allocation &allocation,
                            uint64_t address, CUpointer_attribute attribute,
                            void *data) {
  MemoryKind kind = allocation.kind;
  bool host = kind == MemoryKind::Pinned || kind == MemoryKind::Registered;
  bool managed = kind == MemoryKind::Managed;
  switch (attribute) {
  case CU_POINTER_ATTRIBUTE_CONTEXT: {
    std::shared_ptr<Context> owner = ownerOf(driver, allocation.address);
    put(data, owner ? owner->handle() : nullptr);
    return CUDA_SUCCESS;
  }
  case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    put(data, unsigned(host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
    put(data, CUdeviceptr(address));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_HOST_POINTER:
    if (!host && !managed)
      return CUDA_ERROR_INVALID_VALUE;
    put(data, reinterpret_cast<void *>(address));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
    put(data, 0u);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    put(data, (unsigned long long)allocation.number);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    put(data, unsigned(managed));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
    put(data, 0);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
  case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
    put(data, CUdeviceptr(allocation.address));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
  case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
    put(data, size_t(allocation.size));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_MAPPED:
    put(data, 1u);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
  case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
  case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
    put(data, 0u);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
    put(data, 0ull);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
    put(data, unsigned(CU_MEM_ACCESS_FLAGS_PROT_READWRITE));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
    put(data, reinterpret_cast<CUmemoryPool>(
                  poolOf(driver, allocation.address).get()));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
    put(data, (unsigned long long)allocation.number);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_P2P_TOKENS:
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

/// What cuPointerGetAttributes says of memory that the device does not know.
static CUresult attributeOfUnknown(CUpointer_attribute attribute,
                                   uint64_t address, void *data) {
  switch (attribute) {
  case CU_POINTER_ATTRIBUTE_CONTEXT:
  case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
  case CU_POINTER_ATTRIBUTE_BUFFER_ID:
  case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
  case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
  case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
  case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
  case CU_POINTER_ATTRIBUTE_MAPPING_SIZE:
  case CU_POINTER_ATTRIBUTE_MAPPING_BASE_ADDR:
  case CU_POINTER_ATTRIBUTE_MEMORY_BLOCK_ID:
    put(data, uint64_t(0));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_HOST_POINTER:
    put(data, reinterpret_cast<void *>(address));
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
    put(data, CU_DEVICE_INVALID);
    return CUDA_SUCCESS;
  case CU_POINTER_ATTRIBUTE_P2P_TOKENS:
    return CUDA_ERROR_NOT_SUPPORTED;
  case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
  case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
  case CU_POINTER_ATTRIBUTE_IS_MANAGED:
  case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
  case CU_POINTER_ATTRIBUTE_MAPPED:
  case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
  case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
  case CU_POINTER_ATTRIBUTE_IS_HW_DECOMPRESS_CAPABLE:
    put(data, 0u);
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute,
                               CUdeviceptr address) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<const Allocation> allocation = context.memory.find(address);
    if (!data || !allocation)
      return CUDA_ERROR_INVALID_VALUE;
    return attributeOf(context.driver, *allocation, address, attribute, data);
  });
}

CUresult cuPointerGetAttributes(unsigned int count,
                                CUpointer_attribute *attributes, void **data,
                                CUdeviceptr address) {
  return inContext([&](Context &context) -> CUresult {
    if (count == 0 || !attributes || !data)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<const Allocation> allocation = context.memory.find(address);
    for (unsigned i = 0; i < count; ++i) {
      CUresult error =
          !data[i]     ? CUDA_ERROR_INVALID_VALUE
          : allocation ? attributeOf(context.driver, *allocation, address,
                                     attributes[i], data[i])
                       : attributeOfUnknown(attributes[i], address, data[i]);
      // Memory of the device has no host pointer, which is no error here.
      if (error == CUDA_ERROR_INVALID_VALUE && data[i] &&
          attributes[i] == CU_POINTER_ATTRIBUTE_HOST_POINTER) {
        put(data[i], static_cast<void *>(nullptr));
        error = CUDA_SUCCESS;
      }
      if (error)
        return error;
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute,
                               CUdeviceptr address) {
  return inContext([&](Context &context) -> CUresult {
    // Copies of this memory are synchronous or not: either is right.
    if (!value || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS ||
        !context.memory.find(address))
      return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemRangeGetAttribute(void *data, size_t size,
                                CUmem_range_attribute attribute,
                                CUdeviceptr address, size_t count) {
  return inContext([&](Context &context) -> CUresult {
    if (!data || size < sizeof(int) || count == 0 ||
        !isMapped(context.memory, address, count) ||
        context.memory.find(address)->kind != MemoryKind::Managed)
      return CUDA_ERROR_INVALID_VALUE;
    switch (attribute) {
    case CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY:
      put(data, 0);
      return CUDA_SUCCESS;
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION:
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION:
      put(data, CU_DEVICE_INVALID);
      return CUDA_SUCCESS;
    case CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY:
      for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int))
        put(static_cast<char *>(data) + i, CU_DEVICE_INVALID);
      return CUDA_SUCCESS;
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_TYPE:
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_TYPE:
      put(data, int(CU_MEM_LOCATION_TYPE_INVALID));
      return CUDA_SUCCESS;
    case CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION_ID:
    case CU_MEM_RANGE_ATTRIBUTE_LAST_PREFETCH_LOCATION_ID:
      put(data, 0);
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemRangeGetAttributes(void **data, size_t *sizes,
                                 CUmem_range_attribute *attributes,
                                 size_t count, CUdeviceptr address,
                                 size_t bytes) {
  if (!data || !sizes || !attributes || count == 0)
    return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < count; ++i)
    if (CUresult error = cuMemRangeGetAttribute(data[i], sizes[i],
                                                attributes[i], address, bytes))
      return error;
  return CUDA_SUCCESS;
}
