//===- OpFixture.h - Runs one instruction on a warp -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `OneOp` parses an instruction, lays out the registers of a warp, and calls
// the handler that a family selects, for one ISA level:
//
//   OneOp op(Level::V3, "add.s32 r0, r1, r2;");
//   op.set("r1", 5, 40);            // lane 5
//   op.run(0xffffffff);
//   op.get("r0", 5);
//
// Registers: p0 to p7 (.pred), b0.. (.b8), h0.. (.b16), r0.. (.b32), d0..
// (.b64), q0.. (.b128; `part` 1 is the upper half); r7 stands for any special
// register.
//
// `checkForms` takes every form of some opcodes from the instruction table,
// with each combination of its modifiers, and compares what the handler does
// with a reference for one lane, on special and random values and under full
// and partial masks. Registers and lanes that the instruction does not name
// must stay as they were.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_SIM_OP_FIXTURE_H
#define TENON_TEST_SIM_OP_FIXTURE_H

#include "sim/exec/Op.h"
#include "sim/exec/Warp.h"
#include "sim/ptx/Ast.h"
#include "sim/ptx/Instructions.h"

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tenon::test {

enum class Level { V3, V4 };
/// What ISA levels the tests run at: those of this machine.
std::vector<Level> levels();
std::string levelName(const testing::TestParamInfo<Level> &info);

class OneOp {
public:
  OneOp(Level level, const std::string &text);
  OneOp(const OneOp &other);
  ~OneOp();

  /// Empty if the text parsed and a family has a handler.
  const std::string &error() const { return problem; }
  const sim::ptx::Instruction &instruction() const;

  uint64_t get(const std::string &name, unsigned lane, unsigned part = 0) const;
  void set(const std::string &name, unsigned lane, uint64_t value,
           unsigned part = 0);
  bool carry(unsigned lane) const;
  void setCarry(unsigned lane, bool value);
  /// Every register, the carry flags too, with special and random values.
  void fill(std::mt19937_64 &random);
  void run(uint32_t mask);

  /// All registers and the carry flags.
  void copyFrom(const OneOp &other);
  bool sameState(const OneOp &other) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
  std::string problem;
};

/// One lane of an instruction: values of the source operands in their order,
/// predicates as 0 or 1; results.
struct LaneIn {
  uint64_t s[5] = {};
  unsigned lane = 0;
  bool carry = false;
};
struct LaneOut {
  uint64_t d = 0;
  bool second = false; ///< the predicate after `|`
  bool carry = false;  ///< only read if `writesCarry`
  bool writesCarry = false;
};
using Reference =
    std::function<LaneOut(const sim::ptx::Instruction &, const LaneIn &)>;

/// An instruction of the table and how its operands are called.
struct Variant {
  std::string text;
  std::string d, second; ///< destinations; empty: none
  std::vector<std::string> sources;
};
/// All combinations of modifiers of the forms of an opcode that the parser
/// takes. `accept` leaves some out.
std::vector<Variant>
variantsOf(const std::string &opcode,
           const std::function<bool(const std::string &)> &accept = {});

/// A reference that sees the whole warp, and the lanes that execute.
using WarpReference =
    std::function<void(const sim::ptx::Instruction &, const LaneIn (&in)[32],
                       uint32_t mask, LaneOut (&out)[32])>;
/// Changes registers before an instruction runs.
using Prepare = std::function<void(OneOp &, uint32_t mask, std::mt19937_64 &)>;

void checkVariant(Level level, const Variant &variant,
                  const WarpReference &reference, const Prepare &prepare,
                  unsigned rounds);
void checkVariant(Level level, const Variant &variant,
                  const Reference &reference, unsigned rounds = 16);
void checkForms(Level level, const std::vector<std::string> &opcodes,
                const Reference &reference,
                const std::function<bool(const std::string &)> &accept = {},
                unsigned rounds = 16);

/// Sign-extends the low `bits`.
int64_t signedOf(uint64_t value, unsigned bits);
uint64_t maskOf(unsigned bits);

} // namespace tenon::test

#endif // TENON_TEST_SIM_OP_FIXTURE_H
