//===- Driver.cpp - The CUDA driver, opened when it is needed -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/Driver.h"

#include <dlfcn.h>

using namespace tenon::runtime;
using namespace tenon::runtime::cuda;

Status Driver::open(const char *path) {
  const char *name = path ? path : "libcuda.so.1";
  // Never closed: the driver may run threads of its own, and others in this
  // process may use it, too.
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    return fail(TENON_UNSUPPORTED, "no CUDA driver: cannot open %s (%s): %s",
                name, why ? why : "unknown reason",
                path ? "check the path of the driver library"
                     : "install the NVIDIA driver, or name another driver "
                       "library");
  }
#define TENON_DRIVER_FUNCTION(member, symbol, parameters)                      \
  member = reinterpret_cast<decltype(member)>(dlsym(library, symbol));         \
  if (!member)                                                                 \
    return fail(TENON_UNSUPPORTED,                                             \
                "%s has no function " symbol                                   \
                ": a driver for CUDA 11.4 or later is needed",                 \
                name);
#define TENON_DRIVER_OPTIONAL(member, symbol, parameters)                      \
  member = reinterpret_cast<decltype(member)>(dlsym(library, symbol));
#include "runtime/cuda/DriverFunctions.inc"
  return {};
}

std::string Driver::nameOf(int result) const {
  const char *name = nullptr, *text = nullptr;
  if (errorName(result, &name) != kSuccess || !name)
    return "CUresult " + std::to_string(result);
  if (errorString(result, &text) != kSuccess || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}
