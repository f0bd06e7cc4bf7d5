//===- Expr.cpp - Integer expressions over an engine's symbols ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Expr.h"

#include <cinttypes>

using namespace tenon::runtime;
using tenon::schema::ExprCode;

/// Operands that an operation takes from the stack, or -1 if it is unknown.
static int operandCount(ExprCode code) {
  switch (code) {
  case ExprCode::Const:
  case ExprCode::Symbol:
  case ExprCode::Expr:
    return 0;
  case ExprCode::Add:
  case ExprCode::Sub:
  case ExprCode::Mul:
  case ExprCode::FloorDiv:
  case ExprCode::CeilDiv:
  case ExprCode::Mod:
  case ExprCode::Min:
  case ExprCode::Max:
  case ExprCode::Equal:
  case ExprCode::Less:
  case ExprCode::LessEqual:
    return 2;
  case ExprCode::Select:
    return 3;
  }
  return -1;
}

Status ExprTable::decode(const schema::Engine &engine) {
  uint32_t symbolCount = engine.symbols() ? engine.symbols()->size() : 0;
  for (uint32_t i = 0; i < symbolCount; ++i) {
    const auto *name = engine.symbols()->Get(i)->name();
    symbolNames.push_back(name && name->size() ? name->str()
                                               : "s" + std::to_string(i));
  }
  uint32_t count = engine.exprs() ? engine.exprs()->size() : 0;
  for (uint32_t i = 0; i < count; ++i) {
    const auto *source = engine.exprs()->Get(i)->ops();
    Range range;
    range.first = uint32_t(ops.size());
    range.count = source ? source->size() : 0;
    int depth = 0;
    for (uint32_t k = 0; k < range.count; ++k) {
      Op op = {source->Get(k)->value(), source->Get(k)->code()};
      int operands = operandCount(op.code);
      if (operands < 0)
        return fail(TENON_INVALID_ENGINE, "exprs[%u].ops[%u]: unknown code %d",
                    i, k, int(op.code));
      if (depth < operands)
        return fail(TENON_INVALID_ENGINE,
                    "exprs[%u].ops[%u]: expected %d operands, got %d", i, k,
                    operands, depth);
      if (op.code == ExprCode::Symbol) {
        if (op.value < 0 || op.value >= int64_t(symbolCount))
          return fail(TENON_INVALID_ENGINE,
                      "exprs[%u].ops[%u]: symbol %" PRId64
                      " is past the end (%u symbols)",
                      i, k, op.value, symbolCount);
        range.constant = false;
        range.dynamic |=
            engine.symbols()->Get(uint32_t(op.value))->binding() < 0;
      }
      if (op.code == ExprCode::Expr) {
        if (op.value < 0 || op.value >= int64_t(i))
          return fail(TENON_INVALID_ENGINE,
                      "exprs[%u].ops[%u]: expression %" PRId64
                      " is not an earlier one",
                      i, k, op.value);
        range.constant &= ranges[op.value].constant;
        range.dynamic |= ranges[op.value].dynamic;
      }
      depth += 1 - operands;
      if (depth > kMaxStack)
        return fail(TENON_INVALID_ENGINE,
                    "exprs[%u].ops[%u]: needs a stack of more than %d", i, k,
                    kMaxStack);
      ops.push_back(op);
    }
    if (depth != 1)
      return fail(TENON_INVALID_ENGINE,
                  "exprs[%u]: leaves %d numbers on the stack, expected 1", i,
                  depth);
    ranges.push_back(range);
  }
  return {};
}

bool ExprTable::isSymbol(uint32_t index, uint32_t symbol) const {
  const Op &op = ops[ranges[index].first];
  return ranges[index].count == 1 && op.code == ExprCode::Symbol &&
         op.value == int64_t(symbol);
}

std::vector<uint8_t> ExprTable::dependents(uint32_t symbol) const {
  // Forward over all expressions: no recursion, whatever the nesting.
  std::vector<uint8_t> depends(ranges.size(), 0);
  for (size_t i = 0; i < ranges.size(); ++i)
    for (uint32_t k = 0; k < ranges[i].count; ++k) {
      const Op &op = ops[ranges[i].first + k];
      depends[i] |=
          (op.code == ExprCode::Symbol && op.value == int64_t(symbol)) ||
          (op.code == ExprCode::Expr && depends[op.value]);
    }
  return depends;
}

void ExprTable::markUsed(uint32_t index, std::vector<uint8_t> &used) const {
  std::vector<uint32_t> work = {index};
  while (!work.empty()) {
    uint32_t i = work.back();
    work.pop_back();
    if (used[i])
      continue;
    used[i] = 1;
    for (uint32_t k = 0; k < ranges[i].count; ++k) {
      const Op &op = ops[ranges[i].first + k];
      if (op.code == ExprCode::Expr)
        work.push_back(uint32_t(op.value));
    }
  }
}

namespace {
struct Number {
  int64_t value;
  bool defined;
};
} // namespace

static Number floorDivide(int64_t a, int64_t b) {
  if (b == 0 || (a == INT64_MIN && b == -1))
    return {0, false};
  int64_t quotient = a / b;
  if (a % b != 0 && (a < 0) != (b < 0))
    --quotient;
  return {quotient, true};
}

static Number binary(ExprCode code, int64_t a, int64_t b) {
  Number r = {0, true};
  switch (code) {
  case ExprCode::Add:
    r.defined = !__builtin_add_overflow(a, b, &r.value);
    break;
  case ExprCode::Sub:
    r.defined = !__builtin_sub_overflow(a, b, &r.value);
    break;
  case ExprCode::Mul:
    r.defined = !__builtin_mul_overflow(a, b, &r.value);
    break;
  case ExprCode::FloorDiv:
    return floorDivide(a, b);
  case ExprCode::CeilDiv:
    r = floorDivide(a, b);
    if (r.defined && a % b != 0)
      ++r.value;
    break;
  case ExprCode::Mod:
    r = floorDivide(a, b);
    if (r.defined) {
      r.value = a % b;
      if (r.value != 0 && (r.value < 0) != (b < 0))
        r.value += b;
    }
    break;
  case ExprCode::Min:
    r.value = a < b ? a : b;
    break;
  case ExprCode::Max:
    r.value = a > b ? a : b;
    break;
  case ExprCode::Equal:
    r.value = a == b;
    break;
  case ExprCode::Less:
    r.value = a < b;
    break;
  default:
    r.value = a <= b;
    break;
  }
  return r;
}

void ExprTable::evaluate(uint32_t index, const Numbers &symbols,
                         Numbers &results) const {
  Number stack[kMaxStack + 1];
  int depth = 0;
  const Op *op = &ops[ranges[index].first];
  for (uint32_t k = 0; k < ranges[index].count; ++k, ++op) {
    switch (op->code) {
    case ExprCode::Const:
      stack[depth++] = {op->value, true};
      break;
    case ExprCode::Symbol:
      stack[depth++] = {symbols.value[op->value],
                        symbols.defined[op->value] != 0};
      break;
    case ExprCode::Expr:
      stack[depth++] = {results.value[op->value],
                        results.defined[op->value] != 0};
      break;
    case ExprCode::Select: {
      depth -= 2;
      Number condition = stack[depth - 1];
      Number taken = condition.value ? stack[depth] : stack[depth + 1];
      stack[depth - 1] = {taken.value, condition.defined && taken.defined};
      break;
    }
    default: {
      --depth;
      Number a = stack[depth - 1], b = stack[depth];
      stack[depth - 1] = a.defined && b.defined
                             ? binary(op->code, a.value, b.value)
                             : Number{0, false};
      break;
    }
    }
  }
  results.value[index] = stack[0].value;
  results.defined[index] = stack[0].defined;
}

bool ExprTable::constantValue(uint32_t index, int64_t &number) const {
  if (!isConstant(index))
    return false;
  std::vector<uint8_t> used(ranges.size(), 0);
  markUsed(index, used);
  Numbers none, results;
  results.resize(index + 1);
  for (uint32_t i = 0; i <= index; ++i)
    if (used[i])
      evaluate(i, none, results);
  return results.get(index, number);
}

/// `piece` as an operand of an operator that binds at `level`.
static std::string wrap(const std::pair<std::string, int> &piece, int level) {
  return piece.second >= level ? piece.first : "(" + piece.first + ")";
}

/// A name as it stands in a formula; quotes inside of it are doubled.
static std::string quoted(const std::string &name) {
  bool plain = !(name[0] >= '0' && name[0] <= '9') && name[0] != '.';
  for (char c : name)
    plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             (c >= '0' && c <= '9') || c == '_' || c == '.';
  for (const char *word : {"floordiv", "min", "max", "select", "mod"})
    plain &= name != word;
  if (plain)
    return name;
  std::string text = "'";
  for (char c : name)
    text += c == '\'' ? "''" : std::string(1, c);
  return text + "'";
}

std::string ExprTable::text(uint32_t index, size_t longest) const {
  return piece(index, 0, longest).first;
}

/// The text and how tightly its outermost operator binds: 2 atom or call, 1
/// product, 0 sum.
std::pair<std::string, int> ExprTable::piece(uint32_t index, int depth,
                                             size_t longest) const {
  // References are spelled out only as far as people will read.
  constexpr int kDeepest = 6;
  using Piece = std::pair<std::string, int>;
  std::vector<Piece> stack;
  for (uint32_t k = 0; k < ranges[index].count; ++k) {
    const Op &op = ops[ranges[index].first + k];
    if (op.code == ExprCode::Const) {
      stack.push_back({std::to_string(op.value), op.value < 0 ? 0 : 2});
    } else if (op.code == ExprCode::Symbol) {
      stack.push_back({quoted(symbolNames[op.value]), 2});
    } else if (op.code == ExprCode::Expr) {
      stack.push_back(depth < kDeepest
                          ? piece(uint32_t(op.value), depth + 1, longest)
                          : Piece{"e" + std::to_string(op.value), 2});
    } else if (op.code == ExprCode::Select) {
      Piece c = stack.back();
      stack.pop_back();
      Piece b = stack.back();
      stack.pop_back();
      stack.back() = {"select(" + stack.back().first + ", " + b.first + ", " +
                          c.first + ")",
                      2};
    } else {
      Piece b = stack.back();
      stack.pop_back();
      Piece &a = stack.back();
      auto call = [&](const char *name) {
        a = {std::string(name) + "(" + a.first + ", " + b.first + ")", 2};
      };
      switch (op.code) {
      case ExprCode::Add:
        a = {a.first + " + " + wrap(b, 0), 0};
        break;
      case ExprCode::Sub:
        a = {a.first + " - " + wrap(b, 1), 0};
        break;
      case ExprCode::Mul:
        a = {wrap(a, 1) + "*" + wrap(b, 2), 1};
        break;
      case ExprCode::FloorDiv:
        call("floordiv");
        break;
      case ExprCode::CeilDiv:
        call("ceildiv");
        break;
      case ExprCode::Mod:
        call("mod");
        break;
      case ExprCode::Min:
        call("min");
        break;
      case ExprCode::Max:
        call("max");
        break;
      case ExprCode::Equal:
        call("equal");
        break;
      case ExprCode::Less:
        call("less");
        break;
      default:
        call("less_equal");
        break;
      }
    }
    if (stack.back().first.size() > longest)
      stack.back() = {"...", 2};
  }
  return stack.back();
}
