//===- LexerTest.cpp - Tokens of PTX text
//-----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Lexer.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace tenon::sim::ptx;
using Kind = Token::Kind;

static std::vector<Token> lex(std::string_view text) {
  Lexer lexer(text);
  std::vector<Token> tokens;
  for (Token token = lexer.next(); token.kind != Kind::End;
       token = lexer.next())
    tokens.push_back(token);
  return tokens;
}

/// The only token of a text.
static Token one(std::string_view text) {
  auto tokens = lex(text);
  EXPECT_EQ(tokens.size(), 1u) << text;
  return tokens.empty() ? Token() : tokens[0];
}

TEST(Lexer, NamesHoldPercentDollarAndUnderscore) {
  for (const char *text :
       {"foo", "%r12", "$L__BB0_1", "_Z3barv", "_", "%_x", "a$b", "WARP_SZ"}) {
    Token token = one(text);
    EXPECT_EQ(token.kind, Kind::Identifier) << text;
    EXPECT_EQ(token.text, text);
  }
}

TEST(Lexer, DottedWordsKeepTheirQualifiers) {
  auto tokens = lex("ld.shared::cta.L2::128B.m16n8k16.f32");
  ASSERT_EQ(tokens.size(), 5u);
  EXPECT_EQ(tokens[1].text, "shared::cta");
  EXPECT_EQ(tokens[2].text, "L2::128B");
  EXPECT_EQ(tokens[3].text, "m16n8k16");
  EXPECT_TRUE(tokens[4].isDotted("f32"));
}

TEST(Lexer, IntegersOfEveryBase) {
  EXPECT_EQ(one("0").bits, 0u);
  EXPECT_EQ(one("42").bits, 42u);
  EXPECT_EQ(one("0x2A").bits, 42u);
  EXPECT_EQ(one("0X2a").bits, 42u);
  EXPECT_EQ(one("052").bits, 42u);
  EXPECT_EQ(one("0b101010").bits, 42u);
  EXPECT_EQ(one("18446744073709551615").bits, UINT64_MAX);
  EXPECT_FALSE(one("42").isUnsigned);
  EXPECT_TRUE(one("42U").isUnsigned);
  EXPECT_TRUE(one("0x2AU").isUnsigned);
}

TEST(Lexer, FloatsByBitsAndInDecimal) {
  EXPECT_EQ(one("0f3F800000").kind, Kind::Float);
  EXPECT_EQ(one("0f3F800000").bits, 0x3F800000u);
  EXPECT_EQ(one("0d3FF0000000000000").kind, Kind::Double);
  EXPECT_EQ(one("0d3FF0000000000000").bits, 0x3FF0000000000000u);
  EXPECT_EQ(one("1.0").bits, 0x3FF0000000000000u);
  EXPECT_EQ(one("0.5").bits, 0x3FE0000000000000u);
  EXPECT_EQ(one("10e-1").bits, 0x3FF0000000000000u);
  EXPECT_EQ(one("1.").bits, 0x3FF0000000000000u);
  EXPECT_EQ(one("1.25E+1").bits, 0x4029000000000000u);
}

TEST(Lexer, WhatIsNoNumberHasItsReason) {
  auto reason = [](std::string_view text) {
    Token token = lex(text)[0];
    EXPECT_EQ(token.kind, Kind::Invalid) << text;
    return std::string(token.text);
  };
  EXPECT_EQ(reason("0f3F8"), "expected 8 hexadecimal digits after 0f");
  EXPECT_EQ(reason("0d3F800000"), "expected 16 hexadecimal digits after 0d");
  EXPECT_EQ(reason("0x"), "expected digits after the base prefix");
  EXPECT_EQ(reason("089"), "expected octal digits after a leading 0");
  EXPECT_EQ(reason("18446744073709551616"), "number does not fit 64 bits");
  EXPECT_EQ(reason("12abc"), "letters follow a number");
  EXPECT_EQ(reason("\"abc"), "string is not closed");
  EXPECT_EQ(reason("/* abc"), "comment is not closed");
  EXPECT_EQ(reason("\x01"), "unexpected character");
}

TEST(Lexer, CommentsAndSpaceSeparate) {
  auto tokens = lex("a // b\n/* c\n d */ e\tf\r\n");
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_EQ(tokens[1].text, "e");
  EXPECT_EQ(tokens[1].line, 3u);
  EXPECT_EQ(tokens[1].column, 7u);
  EXPECT_EQ(tokens[2].column, 9u);
}

TEST(Lexer, PunctuationOfOneAndTwoCharacters) {
  auto tokens = lex("@!%p {<<>=||}");
  ASSERT_EQ(tokens.size(), 8u);
  EXPECT_TRUE(tokens[0].is('@'));
  EXPECT_TRUE(tokens[1].is('!'));
  EXPECT_EQ(tokens[2].text, "%p");
  EXPECT_TRUE(tokens[4].is("<<"));
  EXPECT_TRUE(tokens[5].is(">="));
  EXPECT_TRUE(tokens[6].is("||"));
}

TEST(Lexer, StringsKeepTheirEscapes) {
  EXPECT_EQ(one("\"a \\\" b\"").text, "a \\\" b");
}

TEST(Lexer, EndIsReturnedAgainAndAgain) {
  Lexer lexer("a");
  lexer.next();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(lexer.next().kind, Kind::End);
}
