//===- OldLaunch.cpp - cuParamSet*, cuLaunch, cuLaunchGrid ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches as they were before CUDA 4.0, and as PyCUDA still does them: the
// block's shape, its dynamic shared memory and the parameters are set in the
// function, each by a call of its own, and stay for its next launches.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Module.h"

#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// Of one launch; more than a kernel may have (PTX ISA 4.4, 32,764 bytes).
static constexpr size_t kMostParameterBytes = 1 << 15;

/// `body(OldLaunch &)` of a function of the current context, with its lock.
template <typename Body>
static CUresult inFunction(CUfunction handle, Body &&body) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<Function> function;
    if (CUresult error = functionOf(context, handle, function))
      return error;
    std::lock_guard lock(function->oldLaunch.mutex);
    return body(function->oldLaunch);
  });
}

CUresult cuFuncSetBlockShape(CUfunction function, int x, int y, int z) {
  return inFunction(function, [&](OldLaunch &launch) -> CUresult {
    if (x <= 0 || y <= 0 || z <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    launch.block[0] = unsigned(x);
    launch.block[1] = unsigned(y);
    launch.block[2] = unsigned(z);
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetSharedSize(CUfunction function, unsigned int bytes) {
  return inFunction(function, [&](OldLaunch &launch) {
    launch.sharedBytes = bytes;
    return CUDA_SUCCESS;
  });
}

CUresult cuParamSetSize(CUfunction function, unsigned int bytes) {
  return inFunction(function, [&](OldLaunch &launch) -> CUresult {
    if (bytes > kMostParameterBytes)
      return CUDA_ERROR_INVALID_VALUE;
    launch.parameters.resize(bytes);
    return CUDA_SUCCESS;
  });
}

CUresult cuParamSetv(CUfunction function, int offset, void *from,
                     unsigned int bytes) {
  return inFunction(function, [&](OldLaunch &launch) -> CUresult {
    if (!from || offset < 0 || bytes > kMostParameterBytes ||
        size_t(offset) > kMostParameterBytes - bytes)
      return CUDA_ERROR_INVALID_VALUE;
    size_t end = size_t(offset) + bytes;
    // The size is said by cuParamSetSize, perhaps afterwards.
    if (launch.parameters.size() < end)
      launch.parameters.resize(end);
    std::memcpy(launch.parameters.data() + offset, from, bytes);
    return CUDA_SUCCESS;
  });
}
CUresult cuParamSeti(CUfunction function, int offset, unsigned int value) {
  return cuParamSetv(function, offset, &value, sizeof value);
}
CUresult cuParamSetf(CUfunction function, int offset, float value) {
  return cuParamSetv(function, offset, &value, sizeof value);
}

CUresult cuLaunchGridAsync(CUfunction function, int width, int height,
                           CUstream stream) {
  unsigned block[3], sharedBytes = 0;
  std::vector<char> parameters;
  CUresult error = inFunction(function, [&](OldLaunch &launch) -> CUresult {
    if (width <= 0 || height <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(block, launch.block, sizeof block);
    sharedBytes = launch.sharedBytes;
    parameters = launch.parameters;
    return CUDA_SUCCESS;
  });
  if (error)
    return error;
  size_t size = parameters.size();
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, parameters.data(),
                   CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_KERNEL_PARAMS_END};
  return cuLaunchKernel(function, unsigned(width), unsigned(height), 1,
                        block[0], block[1], block[2], sharedBytes, stream,
                        nullptr, size ? extra : nullptr);
}
CUresult cuLaunchGrid(CUfunction function, int width, int height) {
  return cuLaunchGridAsync(function, width, height, nullptr);
}
CUresult cuLaunch(CUfunction function) { return cuLaunchGrid(function, 1, 1); }
