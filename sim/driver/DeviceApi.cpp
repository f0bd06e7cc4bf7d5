//===- DeviceApi.cpp - cuDevice* ------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// There is one device, number 0, as its description says. What a description
// does not hold is the same on every GPU from Turing to Hopper, or 0 for what
// the simulator lacks.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

static constexpr const char *kBusId = "0000:01:00.0";

/// `body(const DeviceDescription &)` for a device that exists.
template <typename Body>
static CUresult onDevice(CUdevice device, Body &&body) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    return body(driver.device);
  });
}

static int clampInt(uint64_t value) {
  return int(std::min<uint64_t>(value, INT_MAX));
}

/// Single to double precision, as the description's throughputs say.
static int doubleRatio(const DeviceDescription &device) {
  double fp32 = device.throughput("fp32"), fp64 = device.throughput("fp64");
  return fp64 > 0 ? int(fp32 / fp64 + 0.5) : 0;
}

static CUresult attributeOf(const DeviceDescription &d, int attribute,
                            int &value) {
  bool hopper = d.sm >= 90;
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    value = int(d.maxThreadsPerBlock);
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
    value = 1024;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
    value = 64;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
    value = INT_MAX;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    value = 65535;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    value = clampInt(d.sharedPerBlock);
    break;
  case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
    value = 65536;
    break;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    value = 32;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_PITCH:
    value = INT_MAX;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    value = int(d.registers);
    break;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: // kHz
    value = clampInt(d.clockHz / 1000);
    break;
  case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: // kHz
    value = clampInt(d.memoryClockHz / 1000);
    break;
  case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
    value = int(d.memoryBusBits);
    break;
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    value = clampInt(d.l2Bytes);
    break;
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    value = int(d.multiprocessors);
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    value = int(d.maxThreads);
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
    value = int(d.maxBlocks);
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    value = clampInt(d.sharedBytes);
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    value = clampInt(d.sharedPerBlockOptIn);
    break;
  case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
    value = clampInt(d.sharedReserved);
    break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    value = int(d.sm / 10);
    break;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    value = int(d.sm % 10);
    break;
  case CU_DEVICE_ATTRIBUTE_INTEGRATED:
    value = d.integrated;
    break;
  case CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO:
    value = doubleRatio(d);
    break;
  case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
    value = d.integrated ? 1 : 2;
    break;
  case CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT:
  case CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT:
    value = 512;
    break;
  case CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT:
    value = 32;
    break;
  case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID:
    value = 1;
    break;
  // A persisting part of the L2 is accepted and makes no difference.
  case CU_DEVICE_ATTRIBUTE_MAX_PERSISTING_L2_CACHE_SIZE:
    value = d.sm >= 80 ? clampInt(d.l2Bytes * 3 / 4) : 0;
    break;
  case CU_DEVICE_ATTRIBUTE_MAX_ACCESS_POLICY_WINDOW_SIZE:
    value = d.sm >= 80 ? 128 << 20 : 0;
    break;
  case CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT:
    value = hopper ? 4 : 1;
    break;
  case CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID:
  case CU_DEVICE_ATTRIBUTE_NUMA_ID:
    value = -1;
    break;
  case CU_DEVICE_ATTRIBUTE_GPU_OVERLAP:
  case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
  case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
  case CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
  case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
  case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_READ_ONLY_HOST_REGISTER_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR:
    value = 1;
    break;
  default:
    // Textures, peers, IPC, clusters and whatever else is not there.
    if (attribute <= 0 || attribute >= CU_DEVICE_ATTRIBUTE_MAX)
      return CUDA_ERROR_INVALID_VALUE;
    value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  return inDriver([&](Driver &) -> CUresult {
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    if (ordinal != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    *device = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetCount(int *count) {
  return inDriver([&](Driver &) -> CUresult {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = 1;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &d) -> CUresult {
    if (!name || size <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    snprintf(name, size_t(size), "%s", d.name.c_str());
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &d) -> CUresult {
    if (!uuid)
      return CUDA_ERROR_INVALID_VALUE;
    // FNV-1a of the key, twice: the same for the same device.
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t half = 0; half < 2; ++half) {
      for (char c : "simcuda " + d.key)
        hash = (hash ^ uint8_t(c)) * 0x100000001b3;
      std::memcpy(uuid->bytes + 8 * half, &hash, 8);
    }
    return CUDA_SUCCESS;
  });
}
CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  return cuDeviceGetUuid_v2(uuid, device);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &d) -> CUresult {
    if (!bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *bytes = d.memoryBytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute,
                              CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &d) -> CUresult {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    return attributeOf(d, int(attribute), *value);
  });
}

CUresult cuDeviceGetProperties(CUdevprop *properties, CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &d) -> CUresult {
    if (!properties)
      return CUDA_ERROR_INVALID_VALUE;
    *properties = {};
    properties->maxThreadsPerBlock = int(d.maxThreadsPerBlock);
    properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
    properties->maxThreadsDim[2] = 64;
    properties->maxGridSize[0] = INT_MAX;
    properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
    properties->sharedMemPerBlock = clampInt(d.sharedPerBlock);
    properties->totalConstantMemory = 65536;
    properties->SIMDWidth = 32;
    properties->memPitch = INT_MAX;
    properties->regsPerBlock = int(d.registers);
    properties->clockRate = clampInt(d.clockHz / 1000);
    properties->textureAlign = 512;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &d) -> CUresult {
    if (!major || !minor)
      return CUDA_ERROR_INVALID_VALUE;
    *major = int(d.sm / 10);
    *minor = int(d.sm % 10);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *busId) {
  return inDriver([&](Driver &) -> CUresult {
    if (!device || !busId)
      return CUDA_ERROR_INVALID_VALUE;
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
    if (sscanf(busId, "%x:%x:%x.%x", &domain, &bus, &slot, &function) < 3 &&
        (domain = 0, sscanf(busId, "%x:%x.%x", &bus, &slot, &function) < 2))
      return CUDA_ERROR_INVALID_VALUE;
    if (domain || bus != 1 || slot || function)
      return CUDA_ERROR_INVALID_DEVICE;
    *device = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetPCIBusId(char *busId, int size, CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &) -> CUresult {
    if (!busId || size <= int(strlen(kBusId)))
      return CUDA_ERROR_INVALID_VALUE;
    snprintf(busId, size_t(size), "%s", kBusId);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetExecAffinitySupport(int *value, CUexecAffinityType type,
                                        CUdevice device) {
  return onDevice(device, [&](const DeviceDescription &) -> CUresult {
    if (!value || type != CU_EXEC_AFFINITY_TYPE_SM_COUNT)
      return CUDA_ERROR_INVALID_VALUE;
    *value = 0;
    return CUDA_SUCCESS;
  });
}

// --- Peers: there is one device ----------------------------------------------

CUresult cuDeviceCanAccessPeer(int *possible, CUdevice device, CUdevice peer) {
  return onDevice(device, [&](const DeviceDescription &) -> CUresult {
    if (!possible)
      return CUDA_ERROR_INVALID_VALUE;
    if (peer != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    *possible = 0; // as a device to itself
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetP2PAttribute(int *, CUdevice_P2PAttribute, CUdevice device,
                                 CUdevice peer) {
  // Asked of a device and itself, which is an error on hardware as well.
  return onDevice(device, [&](const DeviceDescription &) -> CUresult {
    return CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuCtxEnablePeerAccess(CUcontext, unsigned int) {
  return inContext([](Context &) { return CUDA_ERROR_INVALID_DEVICE; });
}
CUresult cuCtxDisablePeerAccess(CUcontext) {
  return inContext(
      [](Context &) { return CUDA_ERROR_PEER_ACCESS_NOT_ENABLED; });
}
