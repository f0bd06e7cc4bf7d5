//===- Hex.h - Addresses in messages ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_HEX_H
#define TENON_SIM_HEX_H

#include <cstdint>
#include <cstdio>
#include <string>

namespace tenon::sim {

/// `0x2a`.
inline std::string hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

} // namespace tenon::sim

#endif // TENON_SIM_HEX_H
