//===- ParserTest.cpp - Functions, names and operands
//-----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>

using namespace tenon::sim::ptx;
using namespace tenon::test;

/// The kernel around `line`; a test failure if it has errors.
static Function kernelOf(const std::string &line) {
  Module module = parseGood(kernelWith(line));
  return module.functions.size() == 2 ? module.functions[1] : Function();
}

TEST(Parser, ModulesOfCompilersParse) {
  for (const char *name : {"llvm-calls-lines.ptx", "llvm-calls-sm90.ptx",
                           "llvm-gemm.ptx", "triton-matmul.ptx"}) {
    Module module = parseGood(readData(name));
    EXPECT_FALSE(module.functions.empty()) << name;
  }
}

TEST(Parser, RegistersOfARangeHaveDenseIndices) {
  Function kernel = kernelOf(".reg .b32 %r<10>; .reg .pred %p<2>;\n"
                             "add.u32 %r3, %r9, %r0;");
  const Instruction &add = kernel.instructions[0];
  uint32_t first = add.operands[2].index;
  EXPECT_EQ(add.operands[0].index, first + 3);
  EXPECT_EQ(add.operands[1].index, first + 9);
  EXPECT_EQ(kernel.registerName(first + 3), "%r3");
  EXPECT_EQ(kernel.registers[first + 3], Type::B32);
  EXPECT_EQ(kernel.registers[first + 10], Type::Pred);
}

TEST(Parser, ARangeMayHaveDigitsInItsPrefix) {
  Function kernel = kernelOf(".reg .b32 %r1<3>;\n add.u32 %r12, %r10, %r11;");
  EXPECT_EQ(kernel.registerName(kernel.instructions[0].operands[0].index),
            "%r12");
}

TEST(Parser, LabelsAreTheInstructionThatFollows) {
  Function kernel = kernelOf("bra END;\nL:\n add.u32 r0, r0, 1;\n bra L;\n"
                             "END: ret;");
  const auto &operands = kernel.instructions[0].operands;
  EXPECT_EQ(kernel.labels[operands[0].index].name, "END");
  EXPECT_EQ(kernel.labels[operands[0].index].instruction, 3u);
  EXPECT_EQ(kernel.labels[kernel.instructions[2].operands[0].index].instruction,
            1u);
}

TEST(Parser, InnerScopesHideNamesAndLabels) {
  Function kernel = kernelOf("L: { .reg .b32 r0; L: mov.u32 r0, 1; bra L; }\n"
                             "{ L: mov.u32 r0, 2; bra L; } bra L;");
  const auto &code = kernel.instructions;
  EXPECT_NE(code[0].operands[0].index, code[2].operands[0].index);
  EXPECT_EQ(kernel.labels[code[1].operands[0].index].instruction, 0u);
  EXPECT_EQ(kernel.labels[code[3].operands[0].index].instruction, 2u);
  EXPECT_EQ(kernel.labels[code[4].operands[0].index].instruction, 0u);
  EXPECT_NE(code[1].operands[0].index, code[4].operands[0].index);
}

TEST(Parser, GuardsKeepTheirSense) {
  Function kernel = kernelOf("@p1 exit; @!p2 exit; exit;");
  EXPECT_EQ(kernel.registerName(kernel.instructions[0].guard), "p1");
  EXPECT_FALSE(kernel.instructions[0].guardNegated);
  EXPECT_TRUE(kernel.instructions[1].guardNegated);
  EXPECT_EQ(kernel.instructions[2].guard, kNone);
}

TEST(Parser, AddressesHaveBaseAndOffset) {
  Function kernel = kernelOf("ld.global.u32 r0, [d1+-8];\n"
                             "ld.shared.u32 r0, [tile+4*3];\n"
                             "ld.global.u32 r0, [0x100];");
  const Operand &first = kernel.instructions[0].operands[1];
  EXPECT_EQ(first.base, Operand::Kind::Register);
  EXPECT_EQ(first.value, -8);
  const Operand &second = kernel.instructions[1].operands[1];
  EXPECT_EQ(second.base, Operand::Kind::Variable);
  EXPECT_EQ(second.value, 12);
  const Operand &third = kernel.instructions[2].operands[1];
  EXPECT_EQ(third.base, Operand::Kind::Immediate);
  EXPECT_EQ(third.value, 256);
}

TEST(Parser, ConstantExpressionsAreComputed) {
  auto value = [](const std::string &text) {
    return kernelOf("mov.s64 d0, " + text + ";")
        .instructions[0]
        .operands[1]
        .value;
  };
  EXPECT_EQ(value("2 + 3 * 4"), 14);
  EXPECT_EQ(value("(2 + 3) * 4"), 20);
  EXPECT_EQ(value("-7 / 2"), -3);
  EXPECT_EQ(value("-7 % 2"), -1);
  EXPECT_EQ(value("1 << 4 | 1"), 17);
  EXPECT_EQ(value("-8 >> 1"), -4);
  EXPECT_EQ(value("(.u64)-8 >> 60"), 15);
  EXPECT_EQ(value("~0"), -1);
  EXPECT_EQ(value("!3 + 1"), 1);
  EXPECT_EQ(value("3 > 2 && 1 != 1"), 0);
  EXPECT_EQ(value("1 ? 5 : 6"), 5);
  EXPECT_EQ(value("-1 < 0U"), 0);
  EXPECT_EQ(value("WARP_SZ - 1"), 31);
}

TEST(Parser, LinesOfTheSourceStayWithTheInstructions) {
  Module module = parseGood(readData("llvm-calls-lines.ptx"));
  bool found = false;
  for (const Function &function : module.functions)
    for (const Instruction &instruction : function.instructions)
      found |= instruction.file == 1 && instruction.sourceLine == 12;
  EXPECT_TRUE(found);
  ASSERT_FALSE(module.files.empty());
  EXPECT_EQ(module.files[0].number, 1u);
}

TEST(Parser, CallsFindFunctionsAndTables) {
  Function kernel =
      kernelOf("call (r0), callee, (r1);\n"
               "proto: .callprototype (.param .b32 _) _ (.param .b32 _);\n"
               "call (r0), d1, (r1), proto;");
  const Instruction &direct = kernel.instructions[0];
  EXPECT_EQ(direct.operands[1].kind, Operand::Kind::Function);
  const Instruction &indirect = kernel.instructions[1];
  EXPECT_EQ(indirect.operands[3].kind, Operand::Kind::Table);
  EXPECT_EQ(kernel.tables[indirect.operands[3].index].name, "proto");
}

TEST(Parser, ACallOfADeclarationNamesTheDefinition) {
  Module module = parseGood(".version 9.0\n.target sm_80\n.address_size 64\n"
                            ".func f();\n.func g() { call f; ret; }\n"
                            ".func f() { ret; }\n");
  ASSERT_EQ(module.functions.size(), 3u);
  EXPECT_EQ(module.functions[1].instructions[0].operands[0].index, 2u);
}

TEST(Parser, SpecialRegistersHaveTheirTypes) {
  EXPECT_EQ(specialRegister(findSpecialRegister("tid.x")).type, Type::U32);
  EXPECT_EQ(specialRegister(findSpecialRegister("clock64")).type, Type::U64);
  EXPECT_EQ(specialRegister(findSpecialRegister("envreg31")).type, Type::B32);
  EXPECT_EQ(findSpecialRegister("envreg32"), kNone);
  EXPECT_EQ(findSpecialRegister("tid"), kNone);
}
