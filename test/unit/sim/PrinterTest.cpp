//===- PrinterTest.cpp - A module back to PTX text
//--------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Printer.h"
#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>

using namespace tenon::sim::ptx;
using namespace tenon::test;

TEST(Printer, WhatItPrintsParsesToTheSameModule) {
  for (const std::string &name : dataFiles()) {
    Module first = parseGood(readData(name));
    std::string text = toText(first);
    Module second = parseGood(text);
    EXPECT_TRUE(first == second) << name << "\n" << text;
    EXPECT_EQ(text, toText(second)) << name;
  }
}

TEST(Printer, InstructionsAsMessagesQuoteThem) {
  for (const char *line :
       {"@!p1 bra L;", "ld.global.v2.f32 {f0, f1}, [d0+16];",
        "setp.lt.and.s32 p0|p1, r0, -5, !p2;", "mov.u32 r0, %ctaid.x;",
        "call.uni (r0), callee, (r1);", "mov.b64 {r0, _}, d1;",
        "st.shared.f32 [tile+4], 0f3F800000;",
        "atom.global.add.f64 e0, [d0], 0d3FF0000000000000;"}) {
    Module module = parseGood(kernelWith("L: " + std::string(line)));
    ASSERT_EQ(module.functions.size(), 2u);
    const Function &function = module.functions[1];
    EXPECT_EQ(toText(module, function, function.instructions[0]), line);
  }
}

TEST(Printer, TheLeastIntegerKeepsItsType) {
  Module module =
      parseGood(kernelWith("mov.s64 d0, -9223372036854775807 - 1;"));
  Module again = parseGood(toText(module));
  EXPECT_TRUE(module == again);
}
