//===- FunctionApi.cpp - cuFunc*, cuKernel*, cuOccupancy* -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Module.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// `body(Context &, Function &)`; takes a CUkernel as well.
template <typename Handle, typename Body>
static CUresult withFunction(Handle handle, Body &&body) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<Function> function;
    if (CUresult error =
            functionOf(context, reinterpret_cast<CUfunction>(handle), function))
      return error;
    return body(context, *function);
  });
}

/// `body(Driver &, LibraryKernel &, Library &)`.
template <typename Body>
static CUresult withKernel(CUkernel handle, Body &&body) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
    std::shared_ptr<Library> library =
        kernel ? kernel->library.lock() : nullptr;
    if (!library)
      return CUDA_ERROR_INVALID_HANDLE;
    return body(driver, *kernel, *library);
  });
}

// --- Attributes --------------------------------------------------------------

static CUresult attributeOf(const DeviceDescription &device,
                            const Function &function,
                            CUfunction_attribute attribute, int &value) {
  const exec::Kernel &kernel = *function.kernel;
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    value = int(threadsPerBlockLimit(device, kernel));
    break;
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    value = int(kernel.staticShared);
    break;
  case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
    value = int(kernel.constantBytes);
    break;
  case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
    value = int(kernel.localBytes);
    break;
  case CU_FUNC_ATTRIBUTE_NUM_REGS:
    value = int(kernel.registers);
    break;
  case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    value = int(kernel.ptxVersion);
    break;
  case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
    value = int(kernel.binaryVersion);
    break;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    value = int(dynamicSharedLimit(device, function));
    break;
  case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    value = function.attributes.carveout;
    break;
  case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    value = function.attributes.nonPortableCluster;
    break;
  default:
    if (int(attribute) < 0 || attribute >= CU_FUNC_ATTRIBUTE_MAX)
      return CUDA_ERROR_INVALID_VALUE;
    value = 0; // caches and clusters
  }
  return CUDA_SUCCESS;
}

static CUresult setAttribute(const DeviceDescription &device,
                             uint64_t staticShared,
                             FunctionAttributes &attributes,
                             CUfunction_attribute attribute, int value) {
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    if (value < 0 ||
        uint64_t(value) + staticShared > device.sharedPerBlockOptIn)
      return CUDA_ERROR_INVALID_VALUE;
    attributes.maxDynamicShared = value;
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    if (value < -1 || value > 100)
      return CUDA_ERROR_INVALID_VALUE;
    attributes.carveout = value;
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    if (device.sm < 90)
      return CUDA_ERROR_NOT_SUPPORTED;
    attributes.nonPortableCluster = value != 0;
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
  case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    return CUDA_ERROR_NOT_SUPPORTED;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute,
                            CUfunction handle) {
  return withFunction(handle, [&](Context &context, Function &function) {
    return value
               ? attributeOf(context.driver.device, function, attribute, *value)
               : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute,
                            int value) {
  return withFunction(handle, [&](Context &context, Function &function) {
    return setAttribute(context.driver.device, function.kernel->staticShared,
                        function.attributes, attribute, value);
  });
}

CUresult cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache config) {
  return withFunction(handle, [&](Context &, Function &) {
    return int(config) < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL
               ? CUDA_ERROR_INVALID_VALUE
               : CUDA_SUCCESS;
  });
}

CUresult cuFuncSetSharedMemConfig(CUfunction handle, CUsharedconfig config) {
  return withFunction(handle, [&](Context &, Function &) {
    return int(config) < 0 || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE
               ? CUDA_ERROR_INVALID_VALUE
               : CUDA_SUCCESS;
  });
}

CUresult cuFuncGetModule(CUmodule *module, CUfunction handle) {
  return withFunction(handle, [&](Context &, Function &function) {
    if (!module)
      return CUDA_ERROR_INVALID_VALUE;
    *module = reinterpret_cast<CUmodule>(function.module.lock().get());
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetName(const char **name, CUfunction handle) {
  return withFunction(handle, [&](Context &, Function &function) {
    if (!name)
      return CUDA_ERROR_INVALID_VALUE;
    *name = function.kernel->name.c_str();
    return CUDA_SUCCESS;
  });
}

static CUresult parameterOf(const Function &function, size_t index,
                            size_t *offset, size_t *size) {
  const auto &parameters = function.kernel->parameters;
  if (!offset || index >= parameters.size())
    return CUDA_ERROR_INVALID_VALUE;
  *offset = parameters[index].offset;
  if (size)
    *size = parameters[index].size;
  return CUDA_SUCCESS;
}

CUresult cuFuncGetParamInfo(CUfunction handle, size_t index, size_t *offset,
                            size_t *size) {
  return withFunction(handle, [&](Context &, Function &function) {
    return parameterOf(function, index, offset, size);
  });
}

CUresult cuFuncIsLoaded(CUfunctionLoadingState *state, CUfunction handle) {
  return withFunction(handle, [&](Context &, Function &) {
    if (!state)
      return CUDA_ERROR_INVALID_VALUE;
    *state = CU_FUNCTION_LOADING_STATE_LOADED;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncLoad(CUfunction handle) {
  return withFunction(handle,
                      [](Context &, Function &) { return CUDA_SUCCESS; });
}

// --- Kernels of libraries ----------------------------------------------------

CUresult cuKernelGetFunction(CUfunction *result, CUkernel kernel) {
  return withFunction(kernel, [&](Context &, Function &function) {
    if (!result)
      return CUDA_ERROR_INVALID_VALUE;
    *result = reinterpret_cast<CUfunction>(&function);
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetLibrary(CUlibrary *result, CUkernel kernel) {
  return withKernel(kernel, [&](Driver &, LibraryKernel &, Library &library) {
    if (!result)
      return CUDA_ERROR_INVALID_VALUE;
    *result = reinterpret_cast<CUlibrary>(&library);
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetName(const char **name, CUkernel handle) {
  return withKernel(handle, [&](Driver &, LibraryKernel &kernel, Library &) {
    if (!name)
      return CUDA_ERROR_INVALID_VALUE;
    *name = kernel.name.c_str();
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t *offset,
                              size_t *size) {
  return withFunction(kernel, [&](Context &, Function &function) {
    return parameterOf(function, index, offset, size);
  });
}

CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute,
                              CUkernel kernel, CUdevice device) {
  if (device != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  return withFunction(kernel, [&](Context &context, Function &function) {
    return value
               ? attributeOf(context.driver.device, function, attribute, *value)
               : CUDA_ERROR_INVALID_VALUE;
  });
}

/// For the functions that exist and those that other contexts will load.
CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value,
                              CUkernel handle, CUdevice device) {
  if (device != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  return withKernel(
      handle,
      [&](Driver &driver, LibraryKernel &kernel, Library &library) -> CUresult {
        std::lock_guard lock(library.mutex);
        for (const auto &[context, module] : library.modules)
          if (auto function = module->function(kernel.name))
            if (CUresult error =
                    setAttribute(driver.device, function->kernel->staticShared,
                                 function->attributes, attribute, value))
              return error;
        return setAttribute(driver.device, 0, kernel.attributes, attribute,
                            value);
      });
}

CUresult cuKernelSetCacheConfig(CUkernel handle, CUfunc_cache config,
                                CUdevice device) {
  if (device != 0)
    return CUDA_ERROR_INVALID_DEVICE;
  return withKernel(handle, [&](Driver &, LibraryKernel &, Library &) {
    return int(config) < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL
               ? CUDA_ERROR_INVALID_VALUE
               : CUDA_SUCCESS;
  });
}

// --- Occupancy ---------------------------------------------------------------

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, CUfunction handle, int blockSize, size_t dynamicShared,
    unsigned int flags) {
  return withFunction(handle, [&](Context &context, Function &function) {
    const DeviceDescription &device = context.driver.device;
    if (!blocks || blockSize <= 0 ||
        flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
      return CUDA_ERROR_INVALID_VALUE;
    bool fits =
        uint64_t(blockSize) <= threadsPerBlockLimit(device, *function.kernel) &&
        dynamicShared + function.kernel->staticShared <=
            device.sharedPerBlockOptIn;
    *blocks = fits ? int(exec::occupancy(device, *function.kernel,
                                         uint64_t(blockSize), dynamicShared)
                             .blocks)
                   : 0;
    return CUDA_SUCCESS;
  });
}
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                     CUfunction function,
                                                     int blockSize,
                                                     size_t dynamicShared) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
      blocks, function, blockSize, dynamicShared, CU_OCCUPANCY_DEFAULT);
}

/// The block size with the most threads resident; of several the largest.
CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(
    int *minGridSize, int *blockSize, CUfunction handle,
    CUoccupancyB2DSize sharedOf, size_t dynamicShared, int limit,
    unsigned int flags) {
  return withFunction(handle, [&](Context &context, Function &function) {
    const DeviceDescription &device = context.driver.device;
    if (!minGridSize || !blockSize || limit < 0 ||
        flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
      return CUDA_ERROR_INVALID_VALUE;
    int most = int(threadsPerBlockLimit(device, *function.kernel));
    if (limit)
      most = std::min(most, limit);
    uint64_t bestThreads = 0;
    *minGridSize = *blockSize = 0;
    for (int size = (most + 31) / 32 * 32; size > 0; size -= 32) {
      int threads = std::min(size, most);
      size_t shared = sharedOf ? sharedOf(threads) : dynamicShared;
      if (shared + function.kernel->staticShared > device.sharedPerBlockOptIn)
        continue;
      uint64_t blocks =
          exec::occupancy(device, *function.kernel, uint64_t(threads), shared)
              .blocks;
      if (blocks * uint64_t(threads) <= bestThreads)
        continue;
      bestThreads = blocks * uint64_t(threads);
      *blockSize = threads;
      *minGridSize = int(blocks * device.multiprocessors);
    }
    return CUDA_SUCCESS;
  });
}
CUresult cuOccupancyMaxPotentialBlockSize(int *minGridSize, int *blockSize,
                                          CUfunction function,
                                          CUoccupancyB2DSize sharedOf,
                                          size_t dynamicShared, int limit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(
      minGridSize, blockSize, function, sharedOf, dynamicShared, limit,
      CU_OCCUPANCY_DEFAULT);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes,
                                                 CUfunction handle, int blocks,
                                                 int blockSize) {
  return withFunction(handle, [&](Context &context, Function &function) {
    const DeviceDescription &device = context.driver.device;
    if (!bytes || blocks <= 0 || blockSize <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    // The largest size, in steps of the granularity, with so many blocks.
    uint64_t step = std::max(device.sharedGranularity, 1u);
    uint64_t fixed = function.kernel->staticShared;
    uint64_t low = 0, high = (device.sharedPerBlockOptIn -
                              std::min(device.sharedPerBlockOptIn, fixed)) /
                             step;
    auto fits = [&](uint64_t steps) {
      return exec::occupancy(device, *function.kernel, uint64_t(blockSize),
                             steps * step)
                 .blocks >= unsigned(blocks);
    };
    if (!fits(0))
      return CUDA_ERROR_INVALID_VALUE;
    while (low < high) {
      uint64_t middle = (low + high + 1) / 2;
      if (fits(middle))
        low = middle;
      else
        high = middle - 1;
    }
    *bytes = low * step;
    return CUDA_SUCCESS;
  });
}

// Clusters come with Hopper's instructions.
CUresult cuOccupancyMaxPotentialClusterSize(int *, CUfunction,
                                            const CUlaunchConfig *) {
  return inContext([](Context &) { return CUDA_ERROR_NOT_SUPPORTED; });
}
CUresult cuOccupancyMaxActiveClusters(int *, CUfunction,
                                      const CUlaunchConfig *) {
  return inContext([](Context &) { return CUDA_ERROR_NOT_SUPPORTED; });
}
