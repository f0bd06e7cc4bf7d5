//===- FloatCases.h - Sources for tests of floating point -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random bits are seldom numbers that cancel, tie or leave a range. These
// sources are: special values, numbers of few bits, of near exponents, at both
// ends of the range, and neighbours of other sources.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_SIM_FLOAT_CASES_H
#define TENON_TEST_SIM_FLOAT_CASES_H

#include "test/unit/sim/ExactFloat.h"
#include "test/unit/sim/OpFixture.h"

#include <optional>

namespace tenon::test {

/// Of f16x2 that of f16, and so on; none of what is no float.
std::optional<FloatFormat> formatOf(sim::ptx::Type type);
/// Two numbers a register: f16x2, bf16x2, e4m3x2, e5m2x2.
bool isPair(sim::ptx::Type type);
/// .rn where there is none.
Round roundOf(const sim::ptx::Instruction &instruction);
std::string_view nameOf(const sim::ptx::Instruction &instruction);

uint64_t randomFloat(FloatFormat format, std::mt19937_64 &random);

/// .sat: [0, 1], and +0 for a NaN. .relu: 0 for what is negative.
uint64_t saturateFloat(FloatFormat format, uint64_t bits);
uint64_t reluFloat(FloatFormat format, uint64_t bits);

/// All variants of opcodes, with such sources; those of other types as the
/// fixture fills them.
void checkFloats(Level level, const std::vector<std::string> &opcodes,
                 const Reference &reference,
                 const std::function<bool(const std::string &)> &accept,
                 unsigned rounds = 24);
void checkFloatVariant(Level level, const Variant &variant,
                       const Reference &reference, unsigned rounds = 24);

/// Has a modifier or a type of this spelling, with its dot.
bool mentions(const std::string &text, const std::string &part);

} // namespace tenon::test

#endif // TENON_TEST_SIM_FLOAT_CASES_H
