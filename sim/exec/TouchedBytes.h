//===- TouchedBytes.h - Which bytes a kernel used ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A set of bytes of global memory, one bit each, in pages that come with the
// first byte. It tells what a launch touched to the check of order between
// streams, which compares launches to the byte.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_TOUCHEDBYTES_H
#define TENON_SIM_EXEC_TOUCHEDBYTES_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace tenon::sim::exec {

class TouchedBytes {
public:
  struct Run {
    uint64_t address = 0, size = 0;
    bool operator==(const Run &) const = default;
  };

  /// `bytes` at the address of each lane of `lanes`.
  void add(const uint64_t *addresses, uint32_t lanes, unsigned bytes);
  void add(const TouchedBytes &other);
  /// The longest runs of bytes, by address; `most` of them at most.
  std::vector<Run> runs(size_t most) const;

private:
  static constexpr unsigned kWordBits = 6, kPageWordBits = 10; ///< 64 KiB
  using Page = std::array<uint64_t, 1u << kPageWordBits>;

  uint64_t &word(uint64_t number) {
    if (uint64_t page = number >> kPageWordBits; page != lastNumber_)
        [[unlikely]]
      find(page);
    return (*last_)[number % last_->size()];
  }
  void find(uint64_t page);
  void addRange(uint64_t address, uint64_t size);

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;
  uint64_t lastNumber_ = ~uint64_t(0);
  Page *last_ = nullptr;
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_TOUCHEDBYTES_H
