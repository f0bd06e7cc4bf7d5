//===- ExportTable.cpp - cuGetExportTable ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CUDA runtime asks the driver for tables of private functions, whose
// layout is not published. None is offered.
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
        "as the CUDA runtime does; the simulator has the documented driver API "
        "only: load the kernels as PTX with cuModuleLoadData or cuLibraryLoad");
    return CUDA_ERROR_NOT_FOUND;
  });
}
