//===- Product.h - Whole and upper products of lanes ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mul.wide and mul.hi, PTX ISA 9.7.1.3, for vectors of any number of lanes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ALU_PRODUCT_H
#define TENON_SIM_EXEC_ALU_PRODUCT_H

#include "sim/exec/alu/Map.h"

namespace tenon::sim::exec::TENON_SIM_ISA {
namespace {

template <typename T>
constexpr auto wideProduct =
    [](auto a, auto b) { return convert<Wide<T>>(a) * convert<Wide<T>>(b); };

template <typename T>
constexpr auto highProduct = [](auto a, auto b) {
  if constexpr (sizeof(T) < 8) {
    return convert<T>(wideProduct<T>(a, b) >> (8 * sizeof(T)));
  } else {
    // By halves: there is no vector of 128 bits a lane.
    using U = Vec<uint64_t, sizeof(a) / 8>;
    U x = U(a), y = U(b), xl = x & 0xffffffff, yl = y & 0xffffffff,
      xh = x >> 32, yh = y >> 32;
    U low = xl * yl, cross = xl * yh;
    U middle = (low >> 32) + (cross & 0xffffffff) + xh * yl;
    U high = xh * yh + (cross >> 32) + (middle >> 32);
    if constexpr (std::is_signed_v<T>)
      high -= (a < 0 ? y : U{}) + (b < 0 ? x : U{});
    return decltype(a)(high);
  }
};

} // namespace
} // namespace tenon::sim::exec::TENON_SIM_ISA

#endif // TENON_SIM_EXEC_ALU_PRODUCT_H
