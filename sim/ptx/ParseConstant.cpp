//===- ParseConstant.cpp - Constant expressions and initializers ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 4.5.3 to 4.5.6: expressions are computed in 64 bits, signed unless an
// operand is unsigned; floats take part in nothing but signs. Overflow wraps.
// Initializers: PTX ISA 5.4.4 and 5.4.5.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/ParserImpl.h"

#include <bit>

using namespace tenon::sim::ptx;

static unsigned precedenceOf(const Token &token) {
  if (token.kind != Token::Kind::Punctuation)
    return 0;
  static constexpr std::string_view kLevels[] = {
      "||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"};
  unsigned level = 0;
  for (std::string_view operators : kLevels) {
    ++level;
    while (!operators.empty()) {
      size_t end = operators.find(' ');
      if (operators.substr(0, end) == token.text)
        return level;
      operators = end == std::string_view::npos ? std::string_view()
                                                : operators.substr(end + 1);
    }
  }
  return 0;
}

/// condition ? a : b, or a binary expression.
bool ParserImpl::constant(Constant &result, unsigned depth) {
  if (depth > kMaxDepth)
    return errorHere("expression is nested too deeply");
  if (!binary(result, 1, depth))
    return false;
  if (!peek().is('?'))
    return true;
  take();
  Constant yes, no;
  if (!constant(yes, depth + 1) || !expect(':') || !constant(no, depth + 1))
    return false;
  result = result.bits ? yes : no;
  return true;
}

bool ParserImpl::binary(Constant &left, unsigned precedence, unsigned depth) {
  if (depth > kMaxDepth)
    return errorHere("expression is nested too deeply");
  if (!unary(left, depth))
    return false;
  for (;;) {
    unsigned level = precedenceOf(peek());
    if (level < precedence || level == 0)
      return true;
    Token op = take();
    Constant right;
    if (!binary(right, level + 1, depth + 1) || !apply(op, left, right))
      return false;
  }
}

bool ParserImpl::apply(const Token &op, Constant &left, const Constant &right) {
  if (left.type == Type::F64 || left.type == Type::F32 ||
      right.type == Type::F64 || right.type == Type::F32)
    return error(placeOf(op),
                 "floating-point constants take no operators but signs");
  bool isUnsigned = left.type == Type::U64 || right.type == Type::U64;
  uint64_t a = left.bits, b = right.bits;
  int64_t sa = int64_t(a), sb = int64_t(b);
  std::string_view text = op.text;
  bool isCompare = false;
  uint64_t value = 0;
  auto compare = [&](bool result) {
    isCompare = true;
    value = result;
  };
  if (text == "||")
    compare(a || b);
  else if (text == "&&")
    compare(a && b);
  else if (text == "==")
    compare(a == b);
  else if (text == "!=")
    compare(a != b);
  else if (text == "<")
    compare(isUnsigned ? a < b : sa < sb);
  else if (text == "<=")
    compare(isUnsigned ? a <= b : sa <= sb);
  else if (text == ">")
    compare(isUnsigned ? a > b : sa > sb);
  else if (text == ">=")
    compare(isUnsigned ? a >= b : sa >= sb);
  else if (text == "|")
    value = a | b;
  else if (text == "^")
    value = a ^ b;
  else if (text == "&")
    value = a & b;
  else if (text == "<<")
    value = b < 64 ? a << b : 0;
  else if (text == ">>")
    value = left.type == Type::U64 ? (b < 64 ? a >> b : 0)
                                   : uint64_t(sa >> (b < 64 ? b : 63));
  else if (text == "+")
    value = a + b;
  else if (text == "-")
    value = a - b;
  else if (text == "*")
    value = a * b;
  else if (b == 0)
    return error(placeOf(op), "division by zero in a constant expression");
  else if (text == "/")
    value = isUnsigned ? a / b : sb == -1 ? 0 - a : uint64_t(sa / sb);
  else
    value = isUnsigned ? a % b : sb == -1 ? 0 : uint64_t(sa % sb);
  left.bits = value;
  bool isShift = text == "<<" || text == ">>";
  left.type = isCompare    ? Type::S64
              : isShift    ? left.type
              : isUnsigned ? Type::U64
                           : Type::S64;
  return true;
}

bool ParserImpl::unary(Constant &result, unsigned depth) {
  if (depth > kMaxDepth)
    return errorHere("expression is nested too deeply");
  const Token &token = peek();
  if (token.is('-') || token.is('+') || token.is('~') || token.is('!')) {
    Token op = take();
    if (!unary(result, depth + 1))
      return false;
    bool isFloat = result.type == Type::F64 || result.type == Type::F32;
    if (op.is('-') && result.type == Type::F64)
      result.bits ^= uint64_t(1) << 63;
    else if (op.is('-') && result.type == Type::F32)
      result.bits ^= uint64_t(1) << 31;
    else if (op.is('-'))
      result.bits = 0 - result.bits;
    else if (!op.is('+') && isFloat)
      return error(placeOf(op),
                   "floating-point constants take no operators but signs");
    else if (op.is('~'))
      result.bits = ~result.bits;
    else if (op.is('!'))
      result = {Type::S64, result.bits == 0};
    return true;
  }
  switch (token.kind) {
  case Token::Kind::Integer: {
    // PTX ISA 4.5.1: signed unless it does not fit or says U.
    Token number = take();
    bool isSigned = !number.isUnsigned && number.bits <= uint64_t(INT64_MAX);
    result = {isSigned ? Type::S64 : Type::U64, number.bits};
    return true;
  }
  case Token::Kind::Float:
    result = {Type::F32, take().bits};
    return true;
  case Token::Kind::Double:
    result = {Type::F64, take().bits};
    return true;
  case Token::Kind::Identifier:
    if (token.text == "WARP_SZ") {
      take();
      result = {Type::S64, 32};
      return true;
    }
    break;
  default:
    break;
  }
  if (!token.is('('))
    return unexpected("a constant");
  take();
  if (peek().isDotted("s64") || peek().isDotted("u64")) {
    Type type = take().text == "s64" ? Type::S64 : Type::U64;
    if (!expect(')') || !unary(result, depth + 1))
      return false;
    if (result.type == Type::F64 || result.type == Type::F32)
      return errorHere("floating-point constants take no operators but signs");
    result.type = type;
    return true;
  }
  return constant(result, depth + 1) && expect(')');
}

/// A leaf, or a list in braces whose leaves follow between Open and Close.
bool ParserImpl::initializer(Variable &variable, unsigned depth) {
  if (depth > kMaxDepth)
    return errorHere("initializer is nested too deeply");
  if (!accept('{')) {
    Initializer leaf;
    if (!initializerLeaf(leaf))
      return false;
    variable.initializer.push_back(std::move(leaf));
    return true;
  }
  Initializer bracket;
  bracket.kind = Initializer::Kind::Open;
  variable.initializer.push_back(bracket);
  if (!peek().is('}'))
    do {
      if (!initializer(variable, depth + 1))
        return false;
    } while (accept(','));
  bracket.kind = Initializer::Kind::Close;
  variable.initializer.push_back(bracket);
  return expect('}');
}

/// A number, `symbol`, `symbol+8`, `generic(symbol)+8`, or with a mask
/// `0xff(symbol+8)`, PTX ISA 5.4.5.
bool ParserImpl::initializerLeaf(Initializer &leaf) {
  auto symbol = [&](Initializer::Kind kind) {
    leaf.kind = kind;
    std::string name;
    if (!expectName(name))
      return false;
    if (kind == Initializer::Kind::Symbol && name == "generic" && accept('(')) {
      leaf.kind = Initializer::Kind::Generic;
      if (!expectName(name) || !expect(')'))
        return false;
    }
    leaf.symbol = std::move(name);
    if (!peek().is('+') && !peek().is('-'))
      return true;
    Constant value;
    bool negative = take().is('-');
    if (!binary(value, 10, 0))
      return false;
    if (value.type != Type::S64 && value.type != Type::U64)
      return errorHere("expected an integer offset");
    leaf.value = negative ? 0 - value.bits : value.bits;
    return true;
  };
  if (peek().kind == Token::Kind::Identifier && peek().text != "WARP_SZ")
    return symbol(Initializer::Kind::Symbol);
  if (peek().kind == Token::Kind::Integer && peek(1).is('(')) {
    Token mask = take();
    take();
    if (mask.bits == 0)
      return error(placeOf(mask), "the mask of an initializer is zero");
    leaf.mask = mask.bits;
    return symbol(Initializer::Kind::Symbol) && expect(')');
  }
  Constant value;
  if (!constant(value))
    return false;
  leaf.type = value.type;
  leaf.value = value.bits;
  return true;
}
