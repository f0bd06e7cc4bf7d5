//===- Expr.h - Integer expressions over an engine's symbols -----*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes, offsets, task counts and guards of an engine are postfix expressions
// (engine.fbs, ExprOp). `ExprTable` checks them once, so that evaluation need
// not: every reference is in range and earlier, no stack over- or underflow.
//
// Evaluation is total. Overflow, division by zero and unset symbols make a
// number *undefined*, and undefined operands make an undefined result, except
// for the operand that Select does not take. What needs the number reports it.
//
// Shown by test/unit/runtime/ExprTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_EXPR_H
#define TENON_RUNTIME_EXPR_H

#include "runtime/Status.h"
#include "runtime/schema/engine_generated.h"
#include <string>
#include <utility>
#include <vector>

namespace tenon::runtime {

/// A list of numbers, each of which may be undefined.
struct Numbers {
  std::vector<int64_t> value;
  std::vector<uint8_t> defined;

  void resize(size_t count) {
    value.assign(count, 0);
    defined.assign(count, 0);
  }
  size_t size() const { return value.size(); }
  void set(size_t index, int64_t number) {
    value[index] = number;
    defined[index] = 1;
  }
  /// False if undefined.
  bool get(size_t index, int64_t &number) const {
    number = value[index];
    return defined[index] != 0;
  }
};

class ExprTable {
public:
  /// Checks and copies the expressions of an engine. Errors give the path,
  /// as in `exprs[3].ops[1]: symbol 9 is past the end (2 symbols)`.
  Status decode(const schema::Engine &engine);

  uint32_t size() const { return uint32_t(ranges.size()); }

  /// Whether the value changes while a program runs.
  bool isDynamic(uint32_t index) const { return ranges[index].dynamic; }
  /// Whether no symbol occurs in it.
  bool isConstant(uint32_t index) const { return ranges[index].constant; }
  /// Whether it is the symbol `symbol` and nothing else.
  bool isSymbol(uint32_t index, uint32_t symbol) const;
  /// For each expression, whether it depends on `symbol`.
  std::vector<uint8_t> dependents(uint32_t symbol) const;

  /// Marks `index` and all that it refers to in `used`.
  void markUsed(uint32_t index, std::vector<uint8_t> &used) const;

  /// Sets results[index] from the symbols and from earlier results.
  void evaluate(uint32_t index, const Numbers &symbols, Numbers &results) const;

  /// The value of a constant expression; false if it has none.
  bool constantValue(uint32_t index, int64_t &number) const;

  /// As people write it: "2*height + 1", with names that are not identifiers
  /// in single quotes; parts longer than `longest` characters become "...".
  std::string text(uint32_t index, size_t longest = 200) const;

private:
  struct Range {
    uint32_t first = 0, count = 0;
    bool dynamic = false, constant = true;
  };
  struct Op {
    int64_t value;
    schema::ExprCode code;
  };
  static constexpr int kMaxStack = 32;

  std::pair<std::string, int> piece(uint32_t index, int depth,
                                    size_t longest) const;

  std::vector<Range> ranges;
  std::vector<Op> ops;
  std::vector<std::string> symbolNames;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_EXPR_H
