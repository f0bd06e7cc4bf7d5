//===- Context.cpp - A context of the driver API --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Context.h"

#include "sim/driver/Driver.h"
#include "sim/driver/Memory.h"
#include "sim/driver/Module.h"
#include "sim/driver/Report.h"

using namespace tenon::sim;
using namespace tenon::sim::driver;

static uint64_t nextId() {
  static std::atomic<uint64_t> count{0};
  return ++count;
}

/// What a new context has on an A100; read back by cuCtxGetLimit.
static void setDefaults(std::array<size_t, CU_LIMIT_MAX> &limits) {
  limits.fill(0);
  limits[CU_LIMIT_STACK_SIZE] = 1024;
  limits[CU_LIMIT_PRINTF_FIFO_SIZE] = size_t(1) << 20;
  limits[CU_LIMIT_MALLOC_HEAP_SIZE] = size_t(8) << 20;
  limits[CU_LIMIT_MAX_L2_FETCH_GRANULARITY] = 64;
}

Context::Context(Driver &driver, unsigned flags, unsigned apiVersion,
                 bool primary)
    : driver(driver), memory(*driver.memory), primary(primary), id(nextId()),
      flags(flags), apiVersion(apiVersion) {
  setDefaults(limits);
  streams = makeStreams(*this);
}

Context::~Context() = default;

void Context::reset() {
  streams->abandon();
  forgetContext(driver, *this);
  std::set<uint64_t> owned;
  {
    std::lock_guard lock(mutex);
    owned.swap(allocations);
    hostFlags.clear();
    cacheConfig = CU_FUNC_CACHE_PREFER_NONE;
    sharedConfig = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
    setDefaults(limits);
  }
  for (uint64_t address : owned) {
    forgetAllocation(driver, address);
    memory.release(address);
  }
  fault_ = CUDA_SUCCESS;
  writeReport(driver);
}
