//===- ContextApi.cpp - cuCtx*, cuDevicePrimaryCtx* -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// The context of a handle; CUDA_ERROR_INVALID_CONTEXT if it is none.
static CUresult contextOf(Driver &driver, CUcontext handle,
                          std::shared_ptr<Context> &context) {
  context = driver.contexts.find(handle);
  if (!context)
    return CUDA_ERROR_INVALID_CONTEXT;
  return context->alive ? CUDA_SUCCESS : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

/// As contextOf, but nullptr means the current one.
static CUresult contextOrCurrent(Driver &driver, CUcontext handle,
                                 std::shared_ptr<Context> &context) {
  if (handle)
    return contextOf(driver, handle, context);
  context = driver.current();
  return context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

// --- The primary context -----------------------------------------------------

/// `body(Driver &)` under the primary context's lock.
template <typename Body>
static CUresult onPrimary(CUdevice device, Body &&body) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard lock(driver.primaryMutex);
    return body(driver);
  });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  return onPrimary(device, [&](Driver &driver) -> CUresult {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> primary = driver.primary();
    if (driver.primaryHolders++ == 0) {
      std::lock_guard lock(primary->mutex);
      primary->flags = driver.primaryFlags;
      primary->apiVersion = 3020;
      primary->alive = true;
    }
    *context = primary->handle();
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return onPrimary(device, [&](Driver &driver) -> CUresult {
    if (driver.primaryHolders == 0)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (--driver.primaryHolders == 0) {
      driver.primary()->alive = false;
      driver.primary()->reset();
    }
    return CUDA_SUCCESS;
  });
}
CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
  return cuDevicePrimaryCtxRelease_v2(device);
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return onPrimary(device, [&](Driver &driver) -> CUresult {
    // Whoever retained it still holds it.
    driver.primary()->reset();
    return CUDA_SUCCESS;
  });
}
CUresult cuDevicePrimaryCtxReset(CUdevice device) {
  return cuDevicePrimaryCtxReset_v2(device);
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned int flags) {
  return onPrimary(device, [&](Driver &driver) -> CUresult {
    if (flags & ~unsigned(CU_CTX_FLAGS_MASK))
      return CUDA_ERROR_INVALID_VALUE;
    driver.primaryFlags = flags;
    std::lock_guard lock(driver.primary()->mutex);
    driver.primary()->flags = flags;
    return CUDA_SUCCESS;
  });
}
CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned int flags) {
  return cuDevicePrimaryCtxSetFlags_v2(device, flags);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags,
                                    int *active) {
  return onPrimary(device, [&](Driver &driver) -> CUresult {
    if (!flags || !active)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = driver.primaryFlags;
    *active = driver.primaryHolders != 0;
    return CUDA_SUCCESS;
  });
}

// --- Own contexts ------------------------------------------------------------

static CUresult createContext(CUcontext *handle, unsigned flags,
                              CUdevice device, unsigned version) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (!handle || (flags & ~unsigned(CU_CTX_FLAGS_MASK)))
      return CUDA_ERROR_INVALID_VALUE;
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    auto context = std::make_shared<Context>(driver, flags, version, false);
    driver.contexts.add(context);
    driver.push(context);
    *handle = context->handle();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxCreate(CUcontext *context, unsigned int flags, CUdevice device) {
  return createContext(context, flags, device, 3010);
}
CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags,
                        CUdevice device) {
  return createContext(context, flags, device, 3020);
}
CUresult cuCtxCreate_v3(CUcontext *context, CUexecAffinityParam *affinity,
                        int count, unsigned int flags, CUdevice device) {
  if (count != 0 || affinity)
    return inDriver(
        [](Driver &) { return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY; });
  return createContext(context, flags, device, 3020);
}
CUresult cuCtxCreate_v4(CUcontext *context, CUctxCreateParams *parameters,
                        unsigned int flags, CUdevice device) {
  if (parameters &&
      (parameters->numExecAffinityParams || parameters->cigParams))
    return inDriver(
        [](Driver &) { return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY; });
  return createContext(context, flags, device, 3020);
}

CUresult cuCtxDestroy_v2(CUcontext handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (CUresult error = contextOf(driver, handle, context))
      return error;
    if (context->primary)
      return CUDA_ERROR_INVALID_CONTEXT;
    context->streams->synchronize(); // pending work ends first
    context->alive = false;
    driver.contexts.remove(handle);
    if (driver.current() == context)
      driver.pop();
    context->reset();
    return CUDA_SUCCESS;
  });
}
CUresult cuCtxDestroy(CUcontext context) { return cuCtxDestroy_v2(context); }

CUresult cuCtxAttach(CUcontext *handle, unsigned int flags) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (!handle || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = driver.current();
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    std::lock_guard lock(context->mutex);
    ++context->attached;
    *handle = context->handle();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxDetach(CUcontext handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (CUresult error = contextOf(driver, handle, context))
      return error;
    if (context->primary)
      return CUDA_ERROR_INVALID_CONTEXT;
    {
      std::lock_guard lock(context->mutex);
      if (context->attached > 1) {
        --context->attached;
        return CUDA_SUCCESS;
      }
    }
    return cuCtxDestroy_v2(handle);
  });
}

// --- The stack of the thread -------------------------------------------------

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (CUresult error = contextOf(driver, handle, context))
      return error;
    driver.push(std::move(context));
    return CUDA_SUCCESS;
  });
}
CUresult cuCtxPushCurrent(CUcontext context) {
  return cuCtxPushCurrent_v2(context);
}

CUresult cuCtxPopCurrent_v2(CUcontext *handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context = driver.pop();
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (handle)
      *handle = context->handle();
    return CUDA_SUCCESS;
  });
}
CUresult cuCtxPopCurrent(CUcontext *context) {
  return cuCtxPopCurrent_v2(context);
}

CUresult cuCtxSetCurrent(CUcontext handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (handle)
      if (CUresult error = contextOf(driver, handle, context))
        return error;
    driver.setCurrent(std::move(context));
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext *handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (!handle)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = driver.current();
    *handle = context ? context->handle() : nullptr;
    return CUDA_SUCCESS;
  });
}

// --- What a context says of itself -------------------------------------------

CUresult cuCtxGetDevice(CUdevice *device) {
  return cuCtxGetDevice_v2(device, nullptr);
}
CUresult cuCtxGetDevice_v2(CUdevice *device, CUcontext handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = contextOrCurrent(driver, handle, context))
      return error;
    *device = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetFlags(unsigned int *flags) {
  return inContext([&](Context &context) -> CUresult {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(context.mutex);
    *flags = context.flags;
    return CUDA_SUCCESS;
  });
}
CUresult cuCtxSetFlags(unsigned int flags) {
  return inContext([&](Context &context) -> CUresult {
    if (flags & ~unsigned(CU_CTX_FLAGS_MASK))
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(context.mutex);
    context.flags = flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetId(CUcontext handle, unsigned long long *id) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (!id)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = contextOrCurrent(driver, handle, context))
      return error;
    *id = context->id;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned int *version) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (!version)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = contextOrCurrent(driver, handle, context))
      return error;
    std::lock_guard lock(context->mutex);
    *version = context->apiVersion;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return inContext(
      [](Context &context) { return context.streams->synchronize(); });
}
CUresult cuCtxSynchronize_v2(CUcontext handle) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context;
    if (CUresult error = contextOrCurrent(driver, handle, context))
      return error;
    if (CUresult fault = context->fault())
      return fault;
    return context->streams->synchronize();
  });
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
  return inContext([&](Context &context) -> CUresult {
    std::lock_guard lock(context.mutex);
    switch (limit) {
    case CU_LIMIT_STACK_SIZE: // 512 KB of local memory for each thread
      if (value > size_t(512) << 10)
        return CUDA_ERROR_INVALID_VALUE;
      value = std::max<size_t>((value + 15) & ~size_t(15), 16);
      break;
    case CU_LIMIT_PRINTF_FIFO_SIZE:
    case CU_LIMIT_MALLOC_HEAP_SIZE:
      break;
    case CU_LIMIT_MAX_L2_FETCH_GRANULARITY:
      if (value > 128)
        return CUDA_ERROR_INVALID_VALUE;
      break;
    case CU_LIMIT_PERSISTING_L2_CACHE_SIZE:
      value = std::min<size_t>(value, context.driver.device.l2Bytes * 3 / 4);
      break;
    default:
      return int(limit) < 0 || limit >= CU_LIMIT_MAX
                 ? CUDA_ERROR_INVALID_VALUE
                 : CUDA_ERROR_UNSUPPORTED_LIMIT;
    }
    context.limits[limit] = value;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetLimit(size_t *value, CUlimit limit) {
  return inContext([&](Context &context) -> CUresult {
    if (!value || int(limit) < 0 || limit >= CU_LIMIT_MAX)
      return CUDA_ERROR_INVALID_VALUE;
    if (limit > CU_LIMIT_MALLOC_HEAP_SIZE &&
        limit != CU_LIMIT_MAX_L2_FETCH_GRANULARITY &&
        limit != CU_LIMIT_PERSISTING_L2_CACHE_SIZE)
      return CUDA_ERROR_UNSUPPORTED_LIMIT;
    std::lock_guard lock(context.mutex);
    *value = context.limits[limit];
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCacheConfig(CUfunc_cache *config) {
  return inContext([&](Context &context) -> CUresult {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(context.mutex);
    *config = context.cacheConfig;
    return CUDA_SUCCESS;
  });
}
CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
  return inContext([&](Context &context) -> CUresult {
    if (int(config) < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(context.mutex);
    context.cacheConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetSharedMemConfig(CUsharedconfig *config) {
  return inContext([&](Context &context) -> CUresult {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(context.mutex);
    *config = context.sharedConfig;
    return CUDA_SUCCESS;
  });
}
CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
  return inContext([&](Context &) -> CUresult {
    // Banks are four bytes wide on everything since Maxwell.
    return int(config) < 0 || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE
               ? CUDA_ERROR_INVALID_VALUE
               : CUDA_SUCCESS;
  });
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  return inContext([&](Context &) -> CUresult {
    if (least)
      *least = 0;
    if (greatest)
      *greatest = -5;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxResetPersistingL2Cache() {
  return inContext([](Context &) { return CUDA_SUCCESS; });
}

CUresult cuCtxGetExecAffinity(CUexecAffinityParam *, CUexecAffinityType) {
  return inContext(
      [](Context &) { return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY; });
}
