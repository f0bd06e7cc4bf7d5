//===- FormCases.h - Small programs for instruction forms -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each case is the body of a kernel and what must be in `out` afterwards.
// FormsTest.cpp puts it into this frame and runs it in every schedule:
//
//   .const table[256], .param block[256]   byte i is 0x80 + i, modulo 256
//   d30    `in`, 256 bytes of global memory with the same bytes
//   d31    `out`, words that are kOutBefore before
//   d29    out + 4 * tid
//   r31    tid
//   tile   1024 bytes of shared memory, stack: 256 of local memory
//
// with registers p<8>, h<16>, r<32>, d<32>, f<16>, e<16>.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_SIM_EXEC_FORMCASES_H
#define TENON_TEST_UNIT_SIM_EXEC_FORMCASES_H

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::sim::test {

inline constexpr uint32_t kOutBefore = 0xdeadbeef;

struct FormCase {
  std::string name; ///< with the section of the ISA for groups of cases
  std::string body;
  std::vector<uint32_t> expected; ///< the first words of `out`
  unsigned threads = 1;
  const char *target = "sm_80";
};

std::vector<FormCase> memoryCases();
std::vector<FormCase> atomicCases();
std::vector<FormCase> syncCases();

/// The value of `bytes` bytes at an offset of `in`.
inline uint64_t inputAt(unsigned offset, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= uint64_t((0x80 + offset + i) & 0xff) << (8 * i);
  return value;
}
inline uint32_t inputWord(unsigned offset) {
  return uint32_t(inputAt(offset, 4));
}

} // namespace tenon::sim::test

#endif // TENON_TEST_UNIT_SIM_EXEC_FORMCASES_H
