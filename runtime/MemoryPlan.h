//===- MemoryPlan.h - Where temporaries lie in the arena ---------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In two steps:
//
//   1. `findLifetimes` walks a program once, at load. A value lives from its
//      first to its last mention (aliases count for their root). What is
//      mentioned inside a loop lives for the whole loop, as the next iteration
//      may read what this one wrote.
//   2. `packIntervals`, for each set of sizes: largest first, each into the
//      tightest gap between those already placed that live at the same time.
//      Ties go by index, so that a plan depends on nothing else.
//
//   time ->   0 1 2 3 4 5
//   A         |---|             offset 0
//   B           |-----|         offset size(A)
//   C             |-----|       offset 0, if size(C) <= size(A)
//
// Laws (test/unit/runtime/MemoryPlanTest.cpp): values that live at the same
// time never overlap; the arena is no smaller than the largest sum of sizes
// alive at one time, and no larger than the sum of all.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_MEMORYPLAN_H
#define TENON_RUNTIME_MEMORYPLAN_H

#include "runtime/Program.h"

namespace tenon::runtime {

constexpr int64_t kBufferAlignment = 64;
constexpr int64_t kCudaBufferAlignment = 256;

/// First and last position of each value in a walk of the program; last <
/// first if it is not mentioned. Set for roots only.
struct Lifetimes {
  std::vector<uint32_t> first, last;

  bool lives(uint32_t value) const { return first[value] <= last[value]; }
};

Lifetimes findLifetimes(const Program &program, uint32_t block);

struct Interval {
  int64_t bytes;
  uint32_t first, last;
  int64_t offset = 0; // result; a multiple of the alignment
};

/// Sets the offsets and returns the size of the arena, or -1 on overflow.
int64_t packIntervals(std::vector<Interval> &intervals,
                      int64_t alignment = kBufferAlignment);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_MEMORYPLAN_H
