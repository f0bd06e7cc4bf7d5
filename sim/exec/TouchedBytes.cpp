//===- TouchedBytes.cpp - Which bytes a kernel used -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/TouchedBytes.h"

#include <algorithm>
#include <bit>

using namespace tenon::sim::exec;

void TouchedBytes::find(uint64_t page) {
  std::unique_ptr<Page> &found = pages_[page];
  if (!found)
    found = std::make_unique<Page>(); // zeroed
  lastNumber_ = page;
  last_ = found.get();
}

void TouchedBytes::addRange(uint64_t address, uint64_t size) {
  while (size != 0) {
    unsigned bit = address & 63;
    uint64_t count = std::min<uint64_t>(size, 64 - bit);
    word(address >> kWordBits) |= (~uint64_t(0) >> (64 - count)) << bit;
    address += count;
    size -= count;
  }
}

void TouchedBytes::add(const uint64_t *addresses, uint32_t lanes,
                       unsigned bytes) {
  // Mostly a whole warp side by side.
  if (lanes == ~uint32_t(0)) {
    uint64_t apart = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
      apart |= addresses[lane] ^ (addresses[0] + uint64_t(lane) * bytes);
    if (apart == 0)
      return addRange(addresses[0], uint64_t(bytes) * 32);
  }
  for (; lanes; lanes &= lanes - 1)
    addRange(addresses[std::countr_zero(lanes)], bytes);
}

void TouchedBytes::add(const TouchedBytes &other) {
  for (const auto &[number, page] : other.pages_) {
    find(number);
    for (size_t i = 0; i < page->size(); ++i)
      (*last_)[i] |= (*page)[i];
  }
}

std::vector<TouchedBytes::Run> TouchedBytes::runs(size_t most) const {
  std::vector<uint64_t> numbers;
  for (const auto &[number, page] : pages_)
    numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  std::vector<Run> list;
  for (uint64_t number : numbers) {
    const Page &page = *pages_.at(number);
    for (size_t i = 0; i < page.size(); ++i) {
      uint64_t base = ((number << kPageWordBits) + i) << kWordBits;
      uint64_t bits = page[i];
      unsigned at = 0;
      while (bits != 0) {
        unsigned skip = unsigned(std::countr_zero(bits));
        bits >>= skip;
        at += skip;
        unsigned size = unsigned(std::countr_one(bits));
        bits = size == 64 ? 0 : bits >> size;
        if (!list.empty() &&
            list.back().address + list.back().size == base + at)
          list.back().size += size;
        else if (list.size() == most)
          return list;
        else
          list.push_back({base + at, size});
        at += size;
      }
    }
  }
  return list;
}
