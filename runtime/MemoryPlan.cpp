//===- MemoryPlan.cpp - Where temporaries lie in the arena ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/MemoryPlan.h"

#include <algorithm>
#include <numeric>

using namespace tenon::runtime;
using tenon::schema::Operation;

namespace {
class LifetimeWalk {
public:
  LifetimeWalk(const Program &program, Lifetimes &out)
      : program(program), out(out) {}

  void block(uint32_t index) {
    const Block &range = program.blocks[index];
    for (uint32_t i = range.first; i < range.first + range.count; ++i)
      instruction(program.instructions[i]);
  }

private:
  void mention(uint32_t value) {
    uint32_t root = program.values[value].root;
    out.first[root] = std::min(out.first[root], position);
    out.last[root] = position;
    if (out.first[root] == position)
      mentioned.push_back(root);
  }

  void instruction(const Instruction &instruction) {
    ++position;
    switch (instruction.kind) {
    case Operation::Launch:
      for (uint32_t k = 0; k < instruction.buffers.count; ++k)
        mention(program.buffers[instruction.buffers.first + k]);
      break;
    case Operation::Copy:
      mention(instruction.source);
      mention(instruction.target);
      break;
    case Operation::Fill:
      mention(instruction.target);
      break;
    case Operation::ReadBack:
      mention(instruction.source);
      break;
    case Operation::If:
      block(uint32_t(instruction.firstBlock));
      if (instruction.secondBlock >= 0)
        block(uint32_t(instruction.secondBlock));
      break;
    case Operation::While: {
      uint32_t start = position;
      if (instruction.firstBlock >= 0)
        block(uint32_t(instruction.firstBlock));
      block(uint32_t(instruction.secondBlock));
      ++position;
      for (uint32_t root : mentioned)
        if (out.last[root] >= start) {
          out.first[root] = std::min(out.first[root], start);
          out.last[root] = position;
        }
      break;
    }
    default:
      break;
    }
  }

  const Program &program;
  Lifetimes &out;
  std::vector<uint32_t> mentioned; // roots; may repeat
  uint32_t position = 0;
};
} // namespace

Lifetimes tenon::runtime::findLifetimes(const Program &program,
                                        uint32_t block) {
  Lifetimes lifetimes;
  lifetimes.first.assign(program.values.size(), UINT32_MAX);
  lifetimes.last.assign(program.values.size(), 0);
  LifetimeWalk(program, lifetimes).block(block);
  return lifetimes;
}

int64_t tenon::runtime::packIntervals(std::vector<Interval> &intervals,
                                      int64_t alignment) {
  auto rounded = [&](int64_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  };
  std::vector<uint32_t> order(intervals.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    if (intervals[a].bytes != intervals[b].bytes)
      return intervals[a].bytes > intervals[b].bytes;
    return a < b;
  });

  constexpr int64_t kMost = int64_t(1) << 46;
  int64_t arena = 0;
  std::vector<uint32_t> placed; // ascending offsets
  placed.reserve(intervals.size());
  for (uint32_t index : order) {
    Interval &interval = intervals[index];
    if (interval.bytes > kMost)
      return -1;
    int64_t bytes = rounded(interval.bytes);
    int64_t end = 0, best = -1, bestGap = INT64_MAX;
    for (uint32_t other : placed) {
      const Interval &there = intervals[other];
      if (there.first > interval.last || there.last < interval.first)
        continue;
      int64_t gap = there.offset - end;
      if (gap >= bytes && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = std::max(end, there.offset + rounded(there.bytes));
    }
    interval.offset = best >= 0 ? best : end;
    if (interval.offset > kMost)
      return -1;
    arena = std::max(arena, interval.offset + bytes);
    auto spot = std::upper_bound(placed.begin(), placed.end(), interval.offset,
                                 [&](int64_t offset, uint32_t other) {
                                   return offset < intervals[other].offset;
                                 });
    placed.insert(spot, index);
  }
  return arena;
}
