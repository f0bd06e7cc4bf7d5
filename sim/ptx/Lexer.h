//===- Lexer.h - Tokens of PTX text -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 4.3 to 4.5: comments, identifiers, numbers, strings. A word after a
// dot is one token with its qualifiers, as in `.L2::128B`. Tokens are views
// into the text, which must outlive them. Any bytes lex: what is no token is
// one of kind Invalid with the reason.
//
// Shown by test/unit/sim/LexerTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_PTX_LEXER_H
#define TENON_SIM_PTX_LEXER_H

#include <cstdint>
#include <string_view>

namespace tenon::sim::ptx {

struct Token {
  enum class Kind : uint8_t {
    End,
    Identifier, ///< `foo`, `%r1`, `$L_1`, `_Z3barv`
    Dotted,     ///< `.f32`, `.shared::cta`; `text` is without the dot
    Integer,    ///< value in `bits`; a `U` suffix sets `isUnsigned`
    Float,      ///< f32 bits of `0f...`
    Double,     ///< f64 bits of `0d...` and of decimal numbers
    String,     ///< `text` is without the quotes
    Punctuation,
    Invalid, ///< `text` is the reason
  };
  Kind kind = Kind::End;
  bool isUnsigned = false;
  /// No space stands between this token and the one before.
  bool adjacent = false;
  uint32_t line = 1, column = 1;
  std::string_view text;
  uint64_t bits = 0;

  bool is(char c) const {
    return kind == Kind::Punctuation && text.size() == 1 && text[0] == c;
  }
  bool is(std::string_view punctuation) const {
    return kind == Kind::Punctuation && text == punctuation;
  }
  bool isDotted(std::string_view word) const {
    return kind == Kind::Dotted && text == word;
  }
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}

  /// The next token; at the end, End again and again.
  Token next();

private:
  void skipSpace();
  void advance(size_t count);
  Token number(Token token);
  char at(size_t offset) const {
    return position + offset < text.size() ? text[position + offset] : '\0';
  }

  std::string_view text;
  size_t position = 0;
  uint32_t line = 1, column = 1;
  bool unclosedComment = false;
};

} // namespace tenon::sim::ptx

#endif // TENON_SIM_PTX_LEXER_H
