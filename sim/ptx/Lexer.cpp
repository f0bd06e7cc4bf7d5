//===- Lexer.cpp - Tokens of PTX text -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Lexer.h"

#include <bit>
#include <cstdlib>
#include <string>

using namespace tenon::sim::ptx;

// The locale's <cctype> would let it decide what a letter is.
static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool isWord(char c) {
  return isLetter(c) || isDigit(c) || c == '_' || c == '$';
}

/// The value of a digit in any base up to 16, or 99.
static unsigned digitValue(char c) {
  if (isDigit(c))
    return unsigned(c - '0');
  if (c >= 'a' && c <= 'f')
    return unsigned(c - 'a' + 10);
  if (c >= 'A' && c <= 'F')
    return unsigned(c - 'A' + 10);
  return 99;
}

void Lexer::advance(size_t count) {
  for (size_t i = 0; i < count && position < text.size(); ++i, ++position) {
    if (text[position] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
}

void Lexer::skipSpace() {
  while (position < text.size()) {
    char c = text[position];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' ||
        c == '\f') {
      advance(1);
    } else if (c == '/' && at(1) == '/') {
      size_t end = text.find('\n', position);
      advance((end == std::string_view::npos ? text.size() : end) - position);
    } else if (c == '/' && at(1) == '*') {
      size_t end = text.find("*/", position + 2);
      if (end == std::string_view::npos) {
        unclosedComment = true;
        return;
      }
      advance(end + 2 - position);
    } else {
      return;
    }
  }
}

/// PTX ISA 4.5.1 and 4.5.2.
Token Lexer::number(Token token) {
  size_t start = position;
  auto invalid = [&](std::string_view reason, size_t length) {
    token.kind = Token::Kind::Invalid;
    token.text = reason;
    advance(length);
    return token;
  };
  char second = at(1);
  if (at(0) == '0' &&
      (second == 'f' || second == 'F' || second == 'd' || second == 'D')) {
    bool single = second == 'f' || second == 'F';
    size_t digits = single ? 8 : 16, count = 0;
    while (digitValue(at(2 + count)) < 16)
      ++count;
    if (count != digits)
      return invalid(single ? "expected 8 hexadecimal digits after 0f"
                            : "expected 16 hexadecimal digits after 0d",
                     2 + count);
    for (size_t i = 0; i < digits; ++i)
      token.bits = token.bits << 4 | digitValue(at(2 + i));
    token.kind = single ? Token::Kind::Float : Token::Kind::Double;
    token.text = text.substr(start, 2 + digits);
    advance(2 + digits);
    return token;
  }

  unsigned base = 10;
  size_t skip = 0;
  if (at(0) == '0' && (second == 'x' || second == 'X'))
    base = 16, skip = 2;
  else if (at(0) == '0' && (second == 'b' || second == 'B'))
    base = 2, skip = 2;
  else if (at(0) == '0' && isDigit(second))
    base = 8, skip = 1;
  size_t length = skip;
  bool overflow = false;
  while (digitValue(at(length)) < (base == 8 ? 10 : base)) {
    uint64_t digit = digitValue(at(length++));
    overflow |= token.bits > (UINT64_MAX - digit) / base;
    token.bits = token.bits * base + digit;
  }
  // A decimal float: digits, then a fraction or an exponent.
  bool exponent = (at(length) == 'e' || at(length) == 'E') &&
                  (isDigit(at(length + 1)) ||
                   ((at(length + 1) == '-' || at(length + 1) == '+') &&
                    isDigit(at(length + 2))));
  if ((base == 10 || base == 8) &&
      ((at(length) == '.' && !isLetter(at(length + 1))) || exponent)) {
    if (at(length) == '.')
      for (++length; isDigit(at(length));)
        ++length;
    if ((at(length) == 'e' || at(length) == 'E') &&
        (isDigit(at(length + 1)) ||
         ((at(length + 1) == '-' || at(length + 1) == '+') &&
          isDigit(at(length + 2)))))
      for (length += 2; isDigit(at(length));)
        ++length;
    token.text = text.substr(start, length);
    token.kind = Token::Kind::Double;
    token.bits = std::bit_cast<uint64_t>(
        std::strtod(std::string(token.text).c_str(), nullptr));
    advance(length);
    return token;
  }
  if (base == 8)
    for (size_t i = 1; i < length; ++i)
      if (at(i) > '7')
        return invalid("expected octal digits after a leading 0", length);
  if (length == skip && base != 8)
    return invalid("expected digits after the base prefix", length);
  if (overflow)
    return invalid("number does not fit 64 bits", length);
  if (at(length) == 'U') {
    token.isUnsigned = true;
    ++length;
  }
  if (isWord(at(length))) {
    while (isWord(at(length)))
      ++length;
    return invalid("letters follow a number", length);
  }
  token.kind = Token::Kind::Integer;
  token.text = text.substr(start, length);
  advance(length);
  return token;
}

Token Lexer::next() {
  size_t before = position;
  skipSpace();
  Token token;
  token.line = line;
  token.column = column;
  token.adjacent = position == before;
  auto take = [&](Token::Kind kind, size_t length) {
    token.kind = kind;
    token.text = text.substr(position, length);
    advance(length);
    return token;
  };
  if (unclosedComment) {
    unclosedComment = false;
    position = text.size();
    token.kind = Token::Kind::Invalid;
    token.text = "comment is not closed";
    return token;
  }
  if (position >= text.size())
    return token;

  char c = at(0);
  if (isDigit(c))
    return number(token);
  if (c == '.' && (isWord(at(1)))) {
    size_t length = 1;
    while (isWord(at(length)) || (at(length) == ':' && at(length + 1) == ':' &&
                                  isWord(at(length + 2))))
      length += at(length) == ':' ? 2 : 1;
    take(Token::Kind::Dotted, length);
    token.text.remove_prefix(1);
    return token;
  }
  // PTX ISA 4.4: [a-zA-Z][a-zA-Z0-9_$]* or [_$%][a-zA-Z0-9_$]+; a lone `_` is
  // the sink, a lone `%` the remainder of constant expressions.
  if (isWord(c) || (c == '%' && isWord(at(1)) && !isDigit(at(1)))) {
    size_t length = 1;
    while (isWord(at(length)))
      ++length;
    return take(Token::Kind::Identifier, length);
  }
  if (c == '"') {
    size_t length = 1;
    while (position + length < text.size() && at(length) != '"' &&
           at(length) != '\n')
      length +=
          at(length) == '\\' && position + length + 1 < text.size() ? 2 : 1;
    if (at(length) != '"') {
      advance(length);
      token.kind = Token::Kind::Invalid;
      token.text = "string is not closed";
      return token;
    }
    take(Token::Kind::String, length + 1);
    token.text = token.text.substr(1, token.text.size() - 2);
    return token;
  }
  static constexpr std::string_view kPairs[] = {
      "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
  for (std::string_view pair : kPairs)
    if (text.substr(position, 2) == pair)
      return take(Token::Kind::Punctuation, 2);
  static constexpr std::string_view kSingles = ".,;:(){}[]<>=+-*/%!~&|^?@#";
  if (kSingles.find(c) != std::string_view::npos)
    return take(Token::Kind::Punctuation, 1);
  take(Token::Kind::Invalid, 1);
  token.text = "unexpected character";
  return token;
}
