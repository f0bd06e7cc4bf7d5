//===- Memory.cpp - Owned regions of memory -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Memory.h"

#include <sys/mman.h>

using namespace tenon::runtime;

static constexpr uint64_t kHugePage = uint64_t(2) << 20;

bool Region::allocate(uint64_t size) {
  release();
  if (size == 0)
    return true;
  if (size > (uint64_t(1) << 46))
    return false;
  bool huge = size >= kHugePage;
  uint64_t wanted =
      huge ? alignUp(size, kHugePage) + kHugePage : alignUp(size, 4096);
  void *memory = mmap(nullptr, wanted, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  mapping = memory;
  mappedBytes = wanted;
  start = static_cast<char *>(memory);
  bytes = size;
  if (huge) {
    start = reinterpret_cast<char *>(
        alignUp(reinterpret_cast<uint64_t>(memory), kHugePage));
    // Only a wish: without huge pages everything works, slower.
    madvise(start, alignUp(size, kHugePage), MADV_HUGEPAGE);
  }
  return true;
}

void Region::release() {
  if (mapping)
    munmap(mapping, mappedBytes);
  mapping = nullptr;
  mappedBytes = 0;
  start = nullptr;
  bytes = 0;
}

void Region::protect() {
  if (mapping)
    mprotect(mapping, mappedBytes, PROT_READ);
}
