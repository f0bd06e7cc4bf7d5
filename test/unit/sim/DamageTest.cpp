//===- DamageTest.cpp - The parser takes any bytes
//--------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//
// No crash, hang or wild memory on texts that are cut off, mutated or built to
// exhaust the parser. What parses despite its damage must print and parse
// again; what does not has an error with a place.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Printer.h"
#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>
#include <random>

using namespace tenon::sim::ptx;
using namespace tenon::test;

static void parseAnything(const std::string &text) {
  auto result = parse(text);
  if (auto *errors = std::get_if<Diagnostics>(&result)) {
    ASSERT_FALSE(errors->empty());
    ASSERT_LE(errors->size(), kMaxErrors);
    for (const Diagnostic &error : *errors) {
      ASSERT_GT(error.line, 0u) << error.text();
      ASSERT_GT(error.column, 0u) << error.text();
      ASSERT_FALSE(error.message.empty());
    }
    return;
  }
  std::string printed = toText(std::get<Module>(result));
  ASSERT_EQ(errorsOf(printed), "") << printed;
}

TEST(Damage, EveryTruncationOfRealKernels) {
  for (const char *name : {"triton-matmul.ptx", "directives.ptx"}) {
    std::string text = readData(name);
    for (size_t length = 0; length < text.size(); ++length)
      parseAnything(text.substr(0, length));
  }
}

TEST(Damage, TwoThousandMutations) {
  std::mt19937 random(4);
  auto below = [&](size_t limit) { return size_t(random() % limit); };
  std::vector<std::string> texts;
  for (const char *name : {"triton-matmul.ptx", "directives.ptx",
                           "llvm-calls-lines.ptx", "forms-logic.ptx"})
    texts.push_back(readData(name));
  static constexpr char kBytes[] = ".,;:(){}[]<>=+-*/%!|@_\"\\\n 09afxrpU\xff";
  for (int i = 0; i < 2000; ++i) {
    std::string text = texts[below(texts.size())];
    for (size_t n = 1 + below(4); n > 0; --n) {
      size_t at = below(text.size());
      size_t length = std::min(1 + below(12), text.size() - at);
      switch (below(4)) {
      case 0:
        text[at] = kBytes[below(sizeof kBytes - 1)];
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(below(text.size()), length));
        break;
      default:
        text[at] = char(below(256));
      }
    }
    parseAnything(text);
  }
}

static std::string repeat(const std::string &text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

TEST(Damage, NestingIsBounded) {
  EXPECT_EQ(errorsOf(kernelWith(repeat("{", 100000))),
            "ptx:10:128: scopes are nested too deeply");
  for (const char *open : {"(", "-", "~", "!", "1+(", "(.s64)", "1?1:"})
    EXPECT_NE(errorsOf(kernelWith("mov.u32 r0, " + repeat(open, 100000))), "")
        << open;
  EXPECT_NE(errorsOf(".version 9.0\n.global .b8 a[2] = " + repeat("{", 100000)),
            "");
  EXPECT_NE(errorsOf(kernelWith("mov.b64 d0, " + repeat("{", 100000))), "");
}

TEST(Damage, CountsAreBounded) {
  EXPECT_EQ(errorsOf(kernelWith(".reg .b32 x<4294967295>;")),
            "ptx:10:11: more than 1048576 registers");
  EXPECT_EQ(errorsOf(kernelWith(".reg .b32 x<1048570>, y<1000>;")),
            "ptx:10:11: more than 1048576 registers");
  EXPECT_NE(errorsOf(kernelWith(".param .b32 x<100000>;")), "");
  EXPECT_NE(errorsOf(".global .b8 a[4294967296][4294967296];"), "");
  EXPECT_NE(errorsOf(kernelWith("add" + repeat(".f32", 10000) + " f0;")), "");
  EXPECT_NE(errorsOf(kernelWith("add.f32 f0" + repeat(", f0", 10000) + ";")),
            "");
}

TEST(Damage, SumsOverTheModuleAreBounded) {
  std::string functions, variables;
  for (int i = 0; i < 20; ++i)
    functions +=
        ".func f" + std::to_string(i) + "() { .reg .b32 x<1000000>; }\n";
  EXPECT_NE(errorsOf(functions).find("more than 16777216 registers in the "
                                     "module"),
            std::string::npos);
  for (int i = 0; i < 70; ++i)
    variables += ".global .b32 v" + std::to_string(i) + "_<4096>;\n";
  EXPECT_NE(errorsOf(variables).find("more than 262144 variables"),
            std::string::npos);
}

TEST(Damage, DivisionInConstantsIsGuarded) {
  EXPECT_EQ(errorsOf(kernelWith("mov.u32 r0, 1 / 0;")),
            "ptx:10:15: division by zero in a constant expression");
  EXPECT_EQ(
      errorsOf(kernelWith("mov.s64 d0, (-9223372036854775807 - 1) / -1;")), "");
}

TEST(Damage, BytesThatAreNoText) {
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string text(random() % 300, '\0');
    for (char &c : text)
      c = char(random());
    parseAnything(text);
    parseAnything(kernelWith(text));
  }
  parseAnything("");
  parseAnything(std::string("\0\0", 2));
}
