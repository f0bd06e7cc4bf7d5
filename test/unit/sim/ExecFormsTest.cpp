//===- ExecFormsTest.cpp - Every form has a handler -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Names.h"
#include "test/unit/sim/OpFixture.h"

using namespace tenon::test;

// Opcodes of the integer, logic, move and warp families; the forms of others
// are those that compute on floating point.
TEST(ExecForms, EveryFormHasExactlyOneHandler) {
  static const char *const kNames[] = {
#define X(name, spelling) spelling,
      TENON_SIM_ALU_NAMES(X)
#undef X
  };
  size_t count = 0, others = 0;
  for (Level level : levels())
    for (const char *name : kNames) {
      std::vector<Variant> variants = variantsOf(name);
      EXPECT_FALSE(variants.empty()) << name;
      for (const Variant &variant : variants) {
        OneOp op(level, variant.text);
        ++count;
        if (op.error().empty())
          continue;
        // Only what adds or compares floating point may be missing.
        ++others;
        EXPECT_EQ(op.error(), variant.text + ": 0 families have a handler");
        std::string modifiers = variant.text.substr(0, variant.text.find(' '));
        std::string last = modifiers.substr(modifiers.rfind('.'));
        bool isFloat = last == ".f16" || last == ".f16x2" || last == ".bf16" ||
                       last == ".bf16x2" || last == ".f32" || last == ".f64";
        bool isCompare = modifiers.starts_with("set");
        EXPECT_TRUE(isFloat &&
                    !(isCompare && (last == ".f32" || last == ".f64")))
            << variant.text;
        EXPECT_FALSE(
            modifiers.starts_with("mov") || modifiers.starts_with("selp") ||
            modifiers.starts_with("slct") || modifiers.starts_with("redux"))
            << variant.text;
      }
    }
  EXPECT_GT(count, 1000u);
  EXPECT_GT(others, 50u);
}
