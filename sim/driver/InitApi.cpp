//===- InitApi.cpp - cuInit, versions, errors, entry points ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Every export by its address ---------------------------------------------

namespace exports {
// The prototypes do not matter for an address.
#define ADDRESS_OF(symbol)                                                     \
  extern "C" char address_##symbol __asm__(#symbol)                            \
      __attribute__((visibility("default")));
#define DONE(symbol, name, since, streams) ADDRESS_OF(symbol)
#define MISSING(symbol, name, since, streams) ADDRESS_OF(symbol)
#include "sim/driver/Exports.inc"
#undef DONE
#undef MISSING
} // namespace exports

namespace {

enum class Streams : uint8_t { Legacy, PerThread };

struct Export {
  void *address;
  int since;
  Streams streams;
};

using ExportTable = std::unordered_map<std::string_view, std::vector<Export>>;

const ExportTable &exportTable() {
  static const ExportTable *const table = [] {
    auto *table = new ExportTable;
#define ROW(symbol, name, since, streams)                                      \
  (*table)[#name].push_back(                                                   \
      {&exports::address_##symbol, since, Streams::streams});
#define DONE(symbol, name, since, streams) ROW(symbol, name, since, streams)
#define MISSING(symbol, name, since, streams) ROW(symbol, name, since, streams)
#include "sim/driver/Exports.inc"
#undef DONE
#undef MISSING
    return table;
  }();
  return *table;
}

/// The newest version of a function that `cudaVersion` knows.
CUdriverProcAddressQueryResult findEntry(std::string_view name, int cudaVersion,
                                         bool perThread, void **address) {
  *address = nullptr;
  auto row = exportTable().find(name);
  if (row == exportTable().end())
    return CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  const Export *best = nullptr;
  for (const Export &entry : row->second) {
    if (entry.since > cudaVersion ||
        (entry.streams == Streams::PerThread && !perThread))
      continue;
    if (!best || (perThread && entry.streams > best->streams) ||
        (entry.streams == best->streams && entry.since >= best->since))
      best = &entry;
  }
  if (!best)
    return CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
  *address = best->address;
  return CU_GET_PROC_ADDRESS_SUCCESS;
}

struct ErrorText {
  CUresult error;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
#define ERROR(name, text) {name, #name, text},
#include "sim/driver/Errors.inc"
#undef ERROR
};

const ErrorText *textOf(CUresult error) {
  for (const ErrorText &entry : kErrors)
    if (entry.error == error)
      return &entry;
  return nullptr;
}

} // namespace

// --- The functions -----------------------------------------------------------

CUresult cuInit(unsigned int flags) {
  return guarded([&]() -> CUresult {
    if (flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    return Driver::get().initialize();
  });
}

CUresult cuDriverGetVersion(int *version) {
  if (!version)
    return CUDA_ERROR_INVALID_VALUE;
  *version = CUDA_VERSION;
  return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **name) {
  if (!name)
    return CUDA_ERROR_INVALID_VALUE;
  const ErrorText *entry = textOf(error);
  *name = entry ? entry->name : nullptr;
  return entry ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  if (!text)
    return CUDA_ERROR_INVALID_VALUE;
  const ErrorText *entry = textOf(error);
  *text = entry ? entry->text : nullptr;
  return entry ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetProcAddress_v2(const char *symbol, void **address,
                             int cudaVersion, cuuint64_t flags,
                             CUdriverProcAddressQueryResult *status) {
  return guarded([&]() -> CUresult {
    if (!symbol || !address || cudaVersion > CUDA_VERSION || cudaVersion < 0 ||
        flags > CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM)
      return CUDA_ERROR_INVALID_VALUE;
    auto result = findEntry(
        symbol, cudaVersion,
        flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, address);
    if (status)
      *status = result;
    return CUDA_SUCCESS;
  });
}

/// Of CUDA 11: what is not there is an error.
CUresult cuGetProcAddress(const char *symbol, void **address, int cudaVersion,
                          cuuint64_t flags) {
  CUdriverProcAddressQueryResult status = CU_GET_PROC_ADDRESS_SUCCESS;
  if (CUresult error =
          cuGetProcAddress_v2(symbol, address, cudaVersion, flags, &status))
    return error;
  return status == CU_GET_PROC_ADDRESS_SUCCESS ? CUDA_SUCCESS
                                               : CUDA_ERROR_NOT_FOUND;
}

CUresult cuProfilerStart() {
  return inContext([](Context &) { return CUDA_SUCCESS; });
}
CUresult cuProfilerStop() {
  return inContext([](Context &) { return CUDA_SUCCESS; });
}
