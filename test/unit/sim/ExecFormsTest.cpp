//===- ExecFormsTest.cpp - Every form has a handler -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/alu/Names.h"
#include "test/unit/sim/OpFixture.h"

using namespace tenon::test;

// Every opcode that computes on rows alone.
TEST(ExecForms, EveryFormHasExactlyOneHandler) {
  static const char *const kNames[] = {
#define X(name, spelling) spelling,
      TENON_SIM_ALU_NAMES(X)
#undef X
  };
  size_t count = 0;
  for (Level level : levels())
    for (const char *name : kNames) {
      std::vector<Variant> variants = variantsOf(name);
      EXPECT_FALSE(variants.empty()) << name;
      for (const Variant &variant : variants) {
        OneOp op(level, variant.text);
        EXPECT_EQ(op.error(), "");
        ++count;
      }
    }
  EXPECT_GT(count, 2000u);
}
