//===- Nvtx.cpp - Named ranges for profilers ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/Nvtx.h"

#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <mutex>

using namespace tenon::runtime;
using namespace tenon::runtime::cuda;

namespace {
// Names and numbers of nvtxTypes.h.
using FunctionPointer = void (*)();
enum : unsigned { kCallbacksTable = 1, kVersionTable = 3 };
enum : int { kCoreModule = 1, kModules = 7, kMostFunctions = 16 };
enum : int { kRangePushA = 9, kRangePop = 11 };
constexpr unsigned kFunctionsOfModule[kModules] = {0, 16, 9, 15, 7, 16, 7};

struct CallbacksTable {
  size_t structSize;
  int (*getModuleFunctionTable)(int module, FunctionPointer ***table,
                                unsigned *size);
};
struct VersionTable {
  size_t structSize;
  uint32_t version, reserved;
  void (*setInjectionVersion)(uint32_t version);
};

/// What the profiler fills in. The protocol has no user pointer, so that there
/// can be but one of these in a process.
struct Tables {
  FunctionPointer functions[kModules][kMostFunctions] = {};
  FunctionPointer *places[kModules][kMostFunctions + 1] = {};

  Tables() {
    for (int module = 0; module < kModules; ++module)
      for (unsigned i = 1; i < kFunctionsOfModule[module]; ++i)
        places[module][i] = &functions[module][i];
  }
};
} // namespace

static Tables &tables() {
  static Tables all;
  return all;
}

static int getModuleFunctionTable(int module, FunctionPointer ***table,
                                  unsigned *size) {
  if (module <= 0 || module >= kModules)
    return 0;
  if (table)
    *table = tables().places[module];
  if (size)
    *size = kFunctionsOfModule[module];
  return 1;
}

static const void *getExportTable(uint32_t id) {
  static const CallbacksTable callbacks = {sizeof(CallbacksTable),
                                           getModuleFunctionTable};
  static const VersionTable version = {sizeof(VersionTable), 3, 0,
                                       [](uint32_t) {}};
  if (id == kCallbacksTable)
    return &callbacks;
  return id == kVersionTable ? &version : nullptr;
}

/// The library is asked once in a process, as nvtxInit.h does.
static Status attach(const char *path) {
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    return fail(TENON_UNSUPPORTED, "nvtx: cannot open %s: %s", path,
                why ? why : "unknown reason");
  }
  using Initialize = int (*)(const void *(*)(uint32_t));
  auto initialize =
      reinterpret_cast<Initialize>(dlsym(library, "InitializeInjectionNvtx2"));
  if (!initialize || !initialize(getExportTable))
    return fail(TENON_UNSUPPORTED,
                "nvtx: %s is no NVTX injection library, or does not want to be "
                "one",
                path);
  return {};
}

Status Nvtx::open(const char *path, Nvtx &nvtx) {
  static std::mutex mutex;
  static bool attached = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (!attached)
    TENON_TRY(attach(path));
  attached = true;
  const FunctionPointer *core = tables().functions[kCoreModule];
  nvtx.pushRange = reinterpret_cast<int (*)(const char *)>(core[kRangePushA]);
  nvtx.popRange = reinterpret_cast<int (*)()>(core[kRangePop]);
  return {};
}
