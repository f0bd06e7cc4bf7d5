//===- DimExprText.cpp - Size expressions as formulas ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Prints expressions as formulas and reads them back:
//
//   sum      = product (('+' | '-') product)*
//   product  = factor (('*' | 'floordiv' | '//') factor)*
//   factor   = '-' factor | '(' sum ')' | number | name | quoted name
//            | ('min' | 'max') '(' sum ',' sum ')'
//            | 'select' '(' sum ',' sum ',' sum ')'
//            | ('floordiv' | 'ceildiv' | 'mod' | 'less') '(' sum ',' sum ')'
//
// The last line is how engine files write quotients and conditions (1 or 0);
// it is read, and printed in the other forms.
//
// A name that is not an identifier stands in single quotes, with quotes inside
// it doubled. Tests: test/unit/graph/DimExprTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/DimExpr.h"
#include "dialects/Graph/GraphOps.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::tenon::graph {

namespace {

DimExprAttr dim(Attribute attr) { return cast<DimExprAttr>(attr); }

bool isIdentifier(StringRef name) {
  if (name.empty() || !(llvm::isAlpha(name[0]) || name[0] == '_'))
    return false;
  if (name == "floordiv" || name == "min" || name == "max" ||
      name == "select" || name == "mod")
    return false;
  return llvm::all_of(
      name, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
}

/// A symbol's name as it stands in a formula: in quotes unless it is an
/// identifier, with quotes inside it doubled.
void printName(StringRef name, std::string &out) {
  if (isIdentifier(name)) {
    out += name;
    return;
  }
  out += '\'';
  for (char c : name) {
    out += c;
    if (c == '\'')
      out += c;
  }
  out += '\'';
}

/// Puts " + " before the term that `out` ends with, or " - " for its minus.
void joinTerm(std::string &out, size_t start) {
  if (out[start] == '-')
    out.replace(start, 1, " - ");
  else
    out.insert(start, " + ");
}

void print(DimExprAttr e, std::string &out, bool nested) {
  auto list = [&](const char *name) {
    out += name;
    out += '(';
    for (auto [i, operand] : llvm::enumerate(e.getOperands())) {
      if (i)
        out += ", ";
      print(dim(operand), out, false);
    }
    out += ')';
  };
  switch (e.getKind()) {
  case DimKind::Constant:
    out += std::to_string(e.getValue());
    return;
  case DimKind::Symbol:
    return printName(e.getSymbol().getValue(), out);
  case DimKind::Sum: {
    if (nested)
      out += '(';
    for (auto [i, term] : llvm::enumerate(e.getOperands())) {
      size_t start = out.size();
      print(dim(term), out, false);
      if (i)
        joinTerm(out, start);
    }
    if (e.getValue()) {
      size_t start = out.size();
      out += std::to_string(e.getValue());
      joinTerm(out, start);
    }
    if (nested)
      out += ')';
    return;
  }
  case DimKind::Product:
    if (e.getValue() == -1)
      out += '-';
    else if (e.getValue() != 1)
      out += std::to_string(e.getValue()) + "*";
    for (auto [i, factor] : llvm::enumerate(e.getOperands())) {
      if (i)
        out += "*";
      print(dim(factor), out, true);
    }
    return;
  case DimKind::FloorDiv:
    out += '(';
    print(dim(e.getOperands()[0]), out, true);
    out += " floordiv ";
    print(dim(e.getOperands()[1]), out, true);
    out += ')';
    return;
  case DimKind::Min:
    return list("min");
  case DimKind::Max:
    return list("max");
  case DimKind::Select:
    return list("select");
  }
}

/// Recursive descent over the grammar above.
class Parser {
public:
  Parser(MLIRContext *context, StringRef text) : context(context), rest(text) {}

  std::optional<DimExpr> parseAll() {
    auto result = parseSum();
    skip();
    if (!result || !rest.empty())
      return std::nullopt;
    return result;
  }

private:
  void skip() { rest = rest.ltrim(); }
  bool eat(StringRef token) {
    skip();
    return rest.consume_front(token);
  }

  std::optional<DimExpr> parseSum() {
    auto left = parseProduct();
    while (left) {
      bool minus = false;
      if (eat("-"))
        minus = true;
      else if (!eat("+"))
        break;
      auto right = parseProduct();
      if (!right)
        return std::nullopt;
      left = minus ? *left - *right : *left + *right;
    }
    return left;
  }

  std::optional<DimExpr> parseProduct() {
    auto left = parseFactor();
    while (left) {
      if (eat("floordiv") || eat("//")) {
        auto right = parseFactor();
        if (!right)
          return std::nullopt;
        if (auto c = right->asConstant(); c && *c <= 0)
          return std::nullopt;
        left = left->floorDiv(*right);
      } else if (eat("*")) {
        auto right = parseFactor();
        if (!right)
          return std::nullopt;
        left = *left * *right;
      } else {
        break;
      }
    }
    return left;
  }

  std::optional<DimExpr> parseQuotedName() {
    std::string name;
    while (rest.consume_front("'")) {
      size_t end = rest.find('\'');
      if (end == StringRef::npos)
        return std::nullopt;
      name += rest.take_front(end);
      rest = rest.drop_front(end + 1);
      if (rest.starts_with("'"))
        name += '\'';
    }
    return DimExpr::symbol(context, name);
  }

  static bool isFunction(StringRef word) {
    return llvm::is_contained<StringRef>(
        {"min", "max", "select", "floordiv", "ceildiv", "mod", "less"}, word);
  }

  std::optional<DimExpr> parseCall(StringRef name) {
    SmallVector<DimExpr> args;
    eat("(");
    do {
      auto arg = parseSum();
      if (!arg)
        return std::nullopt;
      args.push_back(*arg);
    } while (eat(","));
    if (!eat(")") || args.size() != (name == "select" ? 3u : 2u))
      return std::nullopt;
    if (name == "min")
      return DimExpr::min(args[0], args[1]);
    if (name == "max")
      return DimExpr::max(args[0], args[1]);
    if (name == "select")
      return DimExpr::select(args[0], args[1], args[2]);
    if (name == "less")
      return DimExpr::select(args[1] - args[0], DimExpr::constant(context, 1),
                             DimExpr::constant(context, 0));
    if (auto divisor = args[1].asConstant(); divisor && *divisor <= 0)
      return std::nullopt;
    if (name == "floordiv")
      return args[0].floorDiv(args[1]);
    if (name == "mod")
      return args[0].mod(args[1]);
    return (args[0] + args[1] - 1).floorDiv(args[1]);
  }

  std::optional<DimExpr> parseFactor() {
    // Text comes from models: bound the recursion.
    struct Depth {
      int &depth;
      Depth(int &depth) : depth(depth) { ++depth; }
      ~Depth() { --depth; }
    } level(depth);
    if (depth > kMaxDepth)
      return std::nullopt;
    skip();
    if (eat("-")) {
      auto value = parseFactor();
      return value ? std::optional<DimExpr>(-*value) : std::nullopt;
    }
    if (eat("(")) {
      auto value = parseSum();
      if (!value || !eat(")"))
        return std::nullopt;
      return value;
    }
    if (rest.starts_with("'"))
      return parseQuotedName();
    size_t length = 0;
    while (length < rest.size() && (llvm::isAlnum(rest[length]) ||
                                    rest[length] == '_' || rest[length] == '.'))
      ++length;
    StringRef word = rest.take_front(length);
    rest = rest.drop_front(length);
    if (word.empty())
      return std::nullopt;
    if (llvm::isDigit(word[0])) {
      // Unsigned, so that the most negative number can be read back.
      uint64_t value;
      if (word.getAsInteger(10, value) || value > uint64_t(1) << 63)
        return std::nullopt;
      return DimExpr::constant(context, int64_t(value));
    }
    if (rest.ltrim().starts_with("(") && isFunction(word))
      return parseCall(word);
    if (!isIdentifier(word))
      return std::nullopt;
    return DimExpr::symbol(context, word);
  }

  static constexpr int kMaxDepth = 200;
  MLIRContext *context;
  StringRef rest;
  int depth = 0;
};

} // namespace

std::string DimExpr::str() const {
  std::string out;
  print(attr, out, false);
  return out;
}

std::optional<DimExpr> DimExpr::parse(MLIRContext *context, StringRef text) {
  return Parser(context, text).parseAll();
}

} // namespace mlir::tenon::graph
