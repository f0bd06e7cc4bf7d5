//===- ExportTable.cpp - cuGetExportTable ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CUDA runtime (cudart, static or shared) asks the driver for eight tables
// of private functions, whose layout is not published, and has one of them
// prove that the driver is NVIDIA's. None is offered: such programs end with an
// error of the runtime, and this message says why.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"

using namespace tenon::sim::driver;

CUresult cuGetExportTable(const void **table, const CUuuid *id) {
  return guarded([&]() -> CUresult {
    if (!table || !id)
      return CUDA_ERROR_INVALID_VALUE;
    *table = nullptr;
    Driver::get().logOnce(
        "the program asks for the driver's private tables (cuGetExportTable), "
        "which the simulator does not have: NVRTC does without them; the CUDA "
        "runtime runs on NVIDIA's driver alone: compile its kernels with nvcc "
        "-ptx or -fatbin, and load and launch them with cuModuleLoad and "
        "cuLaunchKernel");
    return CUDA_ERROR_NOT_FOUND;
  });
}
