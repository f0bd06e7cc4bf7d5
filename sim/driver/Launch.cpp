//===- Launch.cpp - Arguments of a launch ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// makeLaunch checks what the driver checks before a kernel is queued: sizes of
// grid and block, shared memory, registers, attributes, and copies the
// parameters.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Module.h"

#include <algorithm>
#include <climits>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// Dynamic shared memory that a function may have.
uint64_t tenon::sim::driver::dynamicSharedLimit(const DeviceDescription &device,
                                                const Function &function) {
  uint64_t fixed = function.kernel->staticShared;
  int set = function.attributes.maxDynamicShared;
  if (set >= 0)
    return uint64_t(set);
  return device.sharedPerBlock - std::min(device.sharedPerBlock, fixed);
}

uint64_t
tenon::sim::driver::threadsPerBlockLimit(const DeviceDescription &device,
                                         const exec::Kernel &kernel) {
  uint64_t limit = device.maxThreadsPerBlock;
  if (kernel.maxThreads)
    limit = std::min<uint64_t>(limit, kernel.maxThreads);
  // An estimate of the registers forbids nothing.
  if (kernel.registersMeasured && kernel.registers) {
    uint64_t granularity = std::max(device.registerGranularity, 1u);
    uint64_t warp =
        (kernel.registers * 32 + granularity - 1) / granularity * granularity;
    limit = std::min<uint64_t>(limit, device.registers / warp * 32);
  }
  return limit;
}

static CUresult checkAttributes(const DeviceDescription &device,
                                const CUlaunchConfig &config,
                                exec::LaunchRequest &request) {
  if (config.numAttrs && !config.attrs)
    return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const CUlaunchAttributeValue &value = config.attrs[i].value;
    switch (config.attrs[i].id) {
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
      request.cooperative = value.cooperative != 0;
      break;
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
      if (uint64_t(value.clusterDim.x) * value.clusterDim.y *
              value.clusterDim.z >
          1)
        return device.sm < 90 ? CUDA_ERROR_INVALID_CLUSTER_SIZE
                              : CUDA_ERROR_NOT_SUPPORTED;
      break;
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
    case CU_LAUNCH_ATTRIBUTE_DEVICE_UPDATABLE_KERNEL_NODE:
      return CUDA_ERROR_NOT_SUPPORTED;
    default: // hints, and overlap that a later kernel must not rely on
      break;
    }
  }
  return CUDA_SUCCESS;
}

/// Parameters from an array of pointers, or from the buffer that `extra` names.
static CUresult readParameters(const exec::Kernel &kernel, void **parameters,
                               void **extra, std::vector<std::byte> &bytes) {
  bytes.assign(kernel.parameterBytes, std::byte{0});
  if (parameters && extra)
    return CUDA_ERROR_INVALID_VALUE;
  if (extra) {
    const void *buffer = nullptr;
    size_t size = 0;
    for (void **at = extra; *at != CU_KERNEL_PARAMS_END; at += 2) {
      if (*at == CU_LAUNCH_PARAM_BUFFER_POINTER)
        buffer = at[1];
      else if (*at == CU_LAUNCH_PARAM_BUFFER_SIZE && at[1])
        size = *static_cast<const size_t *>(at[1]);
      else
        return CUDA_ERROR_INVALID_VALUE;
    }
    uint64_t used = 0;
    for (const exec::Parameter &parameter : kernel.parameters)
      used = std::max(used, parameter.offset + parameter.size);
    if (size < used || (used && !buffer))
      return CUDA_ERROR_INVALID_VALUE;
    if (used)
      std::memcpy(bytes.data(), buffer, used);
    return CUDA_SUCCESS;
  }
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    const exec::Parameter &parameter = kernel.parameters[i];
    if (!parameters || (parameter.size && !parameters[i]))
      return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(bytes.data() + parameter.offset, parameters[i], parameter.size);
  }
  return CUDA_SUCCESS;
}

CUresult tenon::sim::driver::makeLaunch(Context &context,
                                        const CUlaunchConfig &config,
                                        CUfunction handle, void **parameters,
                                        void **extra, KernelLaunch &launch) {
  const DeviceDescription &device = context.driver.device;
  if (CUresult error = functionOf(context, handle, launch.function))
    return error;
  const exec::Kernel &kernel = *launch.function->kernel;
  exec::LaunchRequest &request = launch.request;
  request = {};
  request.module = launch.function->code;
  request.kernel = &kernel;
  request.grid = {config.gridDimX, config.gridDimY, config.gridDimZ};
  request.block = {config.blockDimX, config.blockDimY, config.blockDimZ};
  request.dynamicShared = config.sharedMemBytes;

  // CUDA C++ Programming Guide, "Technical Specifications per Compute
  // Capability".
  const exec::Dim3 &grid = request.grid, &block = request.block;
  if (!grid.x || !grid.y || !grid.z || grid.x > INT_MAX || grid.y > 65535 ||
      grid.z > 65535)
    return CUDA_ERROR_INVALID_VALUE;
  if (!block.x || !block.y || !block.z || block.x > 1024 || block.y > 1024 ||
      block.z > 64 || block.count() > device.maxThreadsPerBlock)
    return CUDA_ERROR_INVALID_VALUE;
  if (kernel.maxThreads && block.count() > kernel.maxThreads)
    return CUDA_ERROR_INVALID_VALUE;
  // .reqntid: PTX ISA 11.4, "Performance-Tuning Directives".
  const unsigned *required = kernel.required;
  if (required[0] &&
      (block.x != required[0] || block.y != std::max(required[1], 1u) ||
       block.z != std::max(required[2], 1u)))
    return CUDA_ERROR_INVALID_VALUE;
  if (block.count() > threadsPerBlockLimit(device, kernel))
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  if (request.dynamicShared > dynamicSharedLimit(device, *launch.function))
    return CUDA_ERROR_INVALID_VALUE;

  if (CUresult error = checkAttributes(device, config, request))
    return error;
  if (request.cooperative) {
    exec::Occupancy fit =
        exec::occupancy(device, kernel, block.count(), request.dynamicShared);
    if (grid.count() > uint64_t(fit.blocks) * device.multiprocessors)
      return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
  }
  return readParameters(kernel, parameters, extra, request.parameters);
}

CUresult tenon::sim::driver::makeLaunch(Context &context,
                                        const CUDA_KERNEL_NODE_PARAMS_v2 &what,
                                        KernelLaunch &launch) {
  CUlaunchConfig config{};
  config.gridDimX = what.gridDimX;
  config.gridDimY = what.gridDimY;
  config.gridDimZ = what.gridDimZ;
  config.blockDimX = what.blockDimX;
  config.blockDimY = what.blockDimY;
  config.blockDimZ = what.blockDimZ;
  config.sharedMemBytes = what.sharedMemBytes;
  CUfunction function =
      what.func ? what.func : reinterpret_cast<CUfunction>(what.kern);
  return makeLaunch(context, config, function, what.kernelParams, what.extra,
                    launch);
}

// --- The functions -----------------------------------------------------------

static CUresult launchKernel(const CUlaunchConfig *config, CUfunction function,
                             void **parameters, void **extra) {
  return inContext([&](Context &context) -> CUresult {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    KernelLaunch launch;
    if (CUresult error =
            makeLaunch(context, *config, function, parameters, extra, launch))
      return error;
    return context.streams->submit(config->hStream, std::move(launch),
                                   Wait::No);
  });
}

static CUstream ofThread(CUstream stream) {
  return stream ? stream : CU_STREAM_PER_THREAD;
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function,
                          void **parameters, void **extra) {
  return launchKernel(config, function, parameters, extra);
}
CUresult cuLaunchKernelEx_ptsz(const CUlaunchConfig *config,
                               CUfunction function, void **parameters,
                               void **extra) {
  if (!config)
    return launchKernel(config, function, parameters, extra);
  CUlaunchConfig own = *config;
  own.hStream = ofThread(own.hStream);
  return launchKernel(&own, function, parameters, extra);
}

#define GEOMETRY                                                               \
  CUfunction function, unsigned int gridX, unsigned int gridY,                 \
      unsigned int gridZ, unsigned int blockX, unsigned int blockY,            \
      unsigned int blockZ, unsigned int shared, CUstream stream
#define CONFIG(stream)                                                         \
  CUlaunchConfig{gridX,  gridY,  gridZ,  blockX,  blockY,                      \
                 blockZ, shared, stream, nullptr, 0}

CUresult cuLaunchKernel(GEOMETRY, void **parameters, void **extra) {
  CUlaunchConfig config = CONFIG(stream);
  return launchKernel(&config, function, parameters, extra);
}
CUresult cuLaunchKernel_ptsz(GEOMETRY, void **parameters, void **extra) {
  CUlaunchConfig config = CONFIG(ofThread(stream));
  return launchKernel(&config, function, parameters, extra);
}

static CUresult launchCooperative(CUlaunchConfig config, CUfunction function,
                                  void **parameters) {
  CUlaunchAttribute attribute{};
  attribute.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
  attribute.value.cooperative = 1;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return launchKernel(&config, function, parameters, nullptr);
}
CUresult cuLaunchCooperativeKernel(GEOMETRY, void **parameters) {
  return launchCooperative(CONFIG(stream), function, parameters);
}
CUresult cuLaunchCooperativeKernel_ptsz(GEOMETRY, void **parameters) {
  return launchCooperative(CONFIG(ofThread(stream)), function, parameters);
}
