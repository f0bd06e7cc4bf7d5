//===- Unsupported.cpp - Functions that the simulator lacks ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Defines every MISSING row of Exports.inc. Arguments are not looked at, so
// that prototypes are not needed: caller and callee agree without them on every
// platform that CUDA runs on.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"

using namespace tenon::sim::driver;

static int notSupported(const char *name) {
  return guarded([&]() -> CUresult {
    Driver::get().logOnce(std::string(name) + " is not supported");
    return CUDA_ERROR_NOT_SUPPORTED;
  });
}

namespace missing {
// Named by the assembler label alone: some have another prototype in api/.
#define DONE(symbol, name, since, streams)
#define MISSING(symbol, name, since, streams)                                  \
  extern "C" __attribute__((visibility("default"))) int                        \
  missing_##symbol() __asm__(#symbol);                                         \
  extern "C" int missing_##symbol() { return notSupported(#symbol); }
#include "sim/driver/Exports.inc"
} // namespace missing
