//===- Cuda.h - The CUDA driver API -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The API of CUDA 13.0 in declarations of the project's own, so that neither
// toolkit nor driver is needed to build. TENON_CUDA_NAMES_ONLY leaves out the
// functions, for the test that compares the types with cuda.h.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_CUDA_H
#define TENON_SIM_DRIVER_CUDA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#ifndef TENON_CUDA_NAMES_ONLY
extern "C" {
#endif
#endif

#include "sim/driver/api/Types.h"

#define CUDA_VERSION 13000
#define CU_STREAM_LEGACY ((CUstream)0x1)
#define CU_STREAM_PER_THREAD ((CUstream)0x2)
#define CU_KERNEL_PARAMS_END ((void *)0x00)
#define CU_LAUNCH_PARAM_BUFFER_POINTER ((void *)0x01)
#define CU_LAUNCH_PARAM_BUFFER_SIZE ((void *)0x02)
#define CU_MEMHOSTALLOC_PORTABLE 0x01
#define CU_MEMHOSTALLOC_DEVICEMAP 0x02
#define CU_MEMHOSTALLOC_WRITECOMBINED 0x04
#define CU_MEMHOSTREGISTER_PORTABLE 0x01
#define CU_MEMHOSTREGISTER_DEVICEMAP 0x02
#define CU_MEMHOSTREGISTER_IOMEMORY 0x04
#define CU_MEMHOSTREGISTER_READ_ONLY 0x08
#define CU_DEVICE_CPU ((CUdevice) - 1)
#define CU_DEVICE_INVALID ((CUdevice) - 2)

#ifndef TENON_CUDA_NAMES_ONLY
#pragma GCC visibility push(default)
#include "sim/driver/api/Functions.h"
#include "sim/driver/api/StreamFunctions.h"
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif

#endif // TENON_SIM_DRIVER_CUDA_H
