//===- ExportsTest.cpp - Every name of libcuda.so.1 -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/driver/Api.h"

#include <set>

using namespace tenon::sim::test;

namespace {

struct Row {
  const char *symbol, *name;
  int since;
  bool perThread, done;
};
enum Streams { Legacy, PerThread };
constexpr Row kRows[] = {
#define DONE(symbol, name, since, streams)                                     \
  {#symbol, #name, since, streams == PerThread, true},
#define MISSING(symbol, name, since, streams)                                  \
  {#symbol, #name, since, streams == PerThread, false},
#include "sim/driver/Exports.inc"
};

TEST(Exports, EveryRowIsThere) {
  std::set<std::string> symbols;
  for (const Row &row : kRows) {
    EXPECT_NE(dlsym(library(), row.symbol), nullptr) << row.symbol;
    EXPECT_TRUE(symbols.insert(row.symbol).second) << row.symbol << " twice";
  }
  EXPECT_EQ(symbols.size(), 637u) << "CUDA 13.0 exports so many";
}

TEST(Exports, NothingElseIsThere) {
  for (const char *name : {"ZSTD_decompress", "_ZSt4cout", "malloc_usable",
                           "_ZN5tenon3sim6driver6Driver3getEv"})
    if (void *address = dlsym(library(), name)) {
      // Found in a dependency at most, never in the library itself.
      Dl_info info{}, own{};
      dladdr(address, &info);
      dladdr(entry("cuInit"), &own);
      EXPECT_NE(info.dli_fbase, own.dli_fbase) << name;
    }
}

/// Without its arguments: what is missing looks at none.
#if defined(__clang__)
[[clang::no_sanitize("function")]]
#endif
static CUresult callBare(void *function) {
  return reinterpret_cast<CUresult (*)()>(function)();
}

TEST(Exports, WhatIsMissingSaysSo) {
  for (const Row &row : kRows)
    if (!row.done)
      GIVES(CUDA_ERROR_NOT_SUPPORTED, callBare(entry(row.symbol)))
          << row.symbol;
}

TEST(Exports, GetProcAddressKnowsEveryRow) {
  for (const Row &row : kRows) {
    void *address = nullptr;
    CUdriverProcAddressQueryResult status;
    OK(CU(cuGetProcAddress_v2)(row.name, &address, row.since,
                               row.perThread ? 2 : 1, &status));
    EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SUCCESS) << row.name;
    EXPECT_EQ(address, dlsym(library(), row.symbol)) << row.symbol;
  }
}

TEST(Exports, GetProcAddressChoosesTheVersion) {
  void *address = nullptr;
  CUdriverProcAddressQueryResult status;
  auto lookup = [&](const char *name, int version, cuuint64_t flags) {
    OK(CU(cuGetProcAddress_v2)(name, &address, version, flags, &status));
  };
  lookup("cuCtxCreate", 11000, 0);
  EXPECT_EQ(address, entry("cuCtxCreate_v2"));
  lookup("cuCtxCreate", 12000, 0);
  EXPECT_EQ(address, entry("cuCtxCreate_v3"));
  lookup("cuCtxCreate", 13000, 0);
  EXPECT_EQ(address, entry("cuCtxCreate_v4"));
  lookup("cuMemcpyHtoD", 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
  EXPECT_EQ(address, entry("cuMemcpyHtoD_v2_ptds"));
  lookup("cuMemcpyHtoD", 13000, CU_GET_PROC_ADDRESS_LEGACY_STREAM);
  EXPECT_EQ(address, entry("cuMemcpyHtoD_v2"));
  // Without a version for threads, the only one there is.
  lookup("cuInit", 13000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM);
  EXPECT_EQ(address, entry("cuInit"));
  lookup("cuLibraryLoadData", 11000, 0);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
  EXPECT_EQ(address, nullptr);
  lookup("cuNoSuchThing", 13000, 0);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuGetProcAddress_v2)("cuInit", &address, 99000, 0, &status));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuGetProcAddress_v2)(nullptr, &address, 12000, 0, &status));
  // CUDA 11's has no status.
  GIVES(CUDA_ERROR_NOT_FOUND,
        CU(cuGetProcAddress)("cuNoSuchThing", &address, 11030, 0));
  OK(CU(cuGetProcAddress)("cuInit", &address, 11030, 0));
}

TEST(Exports, ErrorsHaveNamesAndTexts) {
  const char *text = nullptr;
  OK(CU(cuGetErrorString)(CUDA_ERROR_OUT_OF_MEMORY, &text));
  EXPECT_STREQ(text, "out of memory");
  OK(CU(cuGetErrorName)(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuGetErrorName)(CUresult(12345), &text));
  EXPECT_EQ(text, nullptr);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuGetErrorString)(CUDA_ERROR_UNKNOWN, nullptr));
}

TEST(Exports, PrivateTablesAreRefused) {
  CUuuid id{};
  const void *table = &id;
  GIVES(CUDA_ERROR_NOT_FOUND, CU(cuGetExportTable)(&table, &id));
  EXPECT_EQ(table, nullptr);
}

} // namespace
