//===- InstructionsTest.cpp - The instruction table
//-------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Instructions.h"
#include "sim/ptx/Printer.h"
#include "sim/ptx/FormExamples.h"
#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>
#include <set>

using namespace tenon;
using namespace tenon::sim::ptx;
using namespace tenon::test;

class FormFile : public testing::TestWithParam<const char *> {};

// The instructions of these files were taken from the examples of PTX ISA 9.7
// or written after its syntax lines; ptxas 13.0 accepts each file.
TEST_P(FormFile, IsAccepted) {
  Module module = parseGood(readData(GetParam()));
  ASSERT_EQ(module.functions.size(), 1u);
  EXPECT_GT(module.functions[0].instructions.size(), 5u);
}
INSTANTIATE_TEST_SUITE_P(
    Instructions, FormFile,
    testing::Values("forms-float.ptx", "forms-integer.ptx", "forms-logic.ptx",
                    "forms-matrix.ptx", "forms-memory.ptx", "forms-more.ptx",
                    "forms-more-sm100.ptx", "forms-more-sm90.ptx",
                    "forms-sm89.ptx", "forms-sm90.ptx", "forms-sync.ptx"));

TEST(Instructions, EveryOpcodeIsUsedInTheTestData) {
  std::set<uint16_t> used;
  for (const std::string &name : dataFiles())
    for (const Function &function : parseGood(readData(name)).functions)
      for (const Instruction &instruction : function.instructions)
        used.insert(instruction.opcode);
  for (size_t i = 0; i < opcodes().size(); ++i)
    if (!opcodes()[i].refused)
      EXPECT_TRUE(used.count(uint16_t(i))) << opcodes()[i].name;
}

TEST(Instructions, EveryFormIsUsedInTheTestData) {
  std::set<uint16_t> used;
  for (const std::string &name : dataFiles())
    for (const Function &function : parseGood(readData(name)).functions)
      for (const Instruction &instruction : function.instructions)
        used.insert(instruction.form);
  for (size_t i = 0; i < forms().size(); ++i)
    if (!forms()[i].refused())
      EXPECT_TRUE(used.count(uint16_t(i))) << "sm_" << forms()[i].row->sm << " "
                                           << examplesOf(forms()[i]).front();
}

/// Instructions that the table itself describes: each form accepts one of its
/// own, which is printed and read as the same.
TEST(Instructions, EveryFormAcceptsItsExamples) {
  for (size_t i = 0; i < forms().size(); ++i) {
    if (forms()[i].refused())
      continue;
    // What sm_70 no longer has is for older targets.
    std::string opcode = forms()[i].row->opcode;
    std::string target =
        "sm_" + std::to_string(std::max(forms()[i].row->sm, 60u));
    bool isFound = false;
    for (const std::string &text : examplesOf(forms()[i])) {
      auto result = parse(frameBegin(target) + text + "\n" + kFrameEnd);
      auto *module = std::get_if<Module>(&result);
      if (!module)
        continue;
      const Function &kernel = module->functions[1];
      if (kernel.instructions[0].form != i)
        continue;
      isFound = true;
      EXPECT_EQ(toText(*module, kernel, kernel.instructions[0]), text);
    }
    EXPECT_TRUE(isFound) << opcode << " " << forms()[i].row->modifiers;
  }
}

TEST(Instructions, EveryRowNamesItsSection) {
  for (const Form &form : forms()) {
    EXPECT_TRUE(std::string_view(form.row->section).starts_with("9.7."))
        << form.row->opcode;
    EXPECT_EQ(form.refused(), form.row->reason != nullptr) << form.row->opcode;
  }
}

TEST(Instructions, RefusedOnesSayWhy) {
  for (const Opcode &opcode : opcodes()) {
    if (!opcode.refused)
      continue;
    std::string name(opcode.name);
    const FormRow &row = *forms()[opcode.forms[0]].row;
    std::string reason = row.reason;
    if (row.sm >= 90)
      reason += " (sm_" + std::to_string(row.sm) + ")";
    EXPECT_EQ(errorsOf(kernelWith(name + ".some.thing r0;", "sm_90a")),
              "ptx:10:1: " + name + ".some.thing: '" + name +
                  "' is refused in this version, " + reason);
  }
}

/// The first instruction of a kernel with one.
static Instruction single(const std::string &line) {
  Module module = parseGood(kernelWith(line));
  return module.functions.size() == 2 &&
                 !module.functions[1].instructions.empty()
             ? module.functions[1].instructions[0]
             : Instruction();
}

TEST(Instructions, ModifiersAreResolvedToFields) {
  Instruction load = single("ld.relaxed.gpu.global.L1::evict_last.v2.f32 "
                            "{f0, f1}, [d0];");
  EXPECT_EQ(load.get(Field::Order), Mod::Relaxed);
  EXPECT_EQ(load.get(Field::Scope), Mod::Gpu);
  EXPECT_EQ(load.get(Field::Space), Mod::Global);
  EXPECT_EQ(load.get(Field::Evict), Mod::L1EvictLast);
  EXPECT_EQ(load.get(Field::Vector), Mod::V2);
  EXPECT_EQ(load.types[0], Type::F32);

  Instruction multiply = single("mul.hi.u32 r0, r1, r2;");
  EXPECT_EQ(multiply.get(Field::MulMode), Mod::Hi);
  EXPECT_EQ(multiply.get(Field::Compare), Mod::None);
  Instruction compare = single("setp.hi.and.u32 p0, r1, r2, p1;");
  EXPECT_EQ(compare.get(Field::Compare), Mod::Hi);
  EXPECT_EQ(compare.get(Field::BoolOp), Mod::And);
  EXPECT_EQ(compare.get(Field::MulMode), Mod::None);

  Instruction matrix = single(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {f0,f1,f2,f3}, "
      "{r0,r1,r2,r3}, {r4,r5}, {f4,f5,f6,f7};");
  EXPECT_EQ(matrix.get(Field::Shape), Mod::M16N8K16);
  EXPECT_EQ(matrix.get(Field::LayoutA), Mod::Row);
  EXPECT_EQ(matrix.get(Field::LayoutB), Mod::Col);
  EXPECT_EQ(matrix.typeCount, 4);
  EXPECT_EQ(matrix.types[1], Type::BF16);
}

TEST(Instructions, AtomicsTakeModifiersInAnyOrder) {
  Instruction a = single("atom.acq_rel.gpu.global.add.f32 f0, [d0], f1;");
  Instruction b = single("atom.global.gpu.acq_rel.add.f32 f0, [d0], f1;");
  EXPECT_EQ(a.fields, b.fields);
  EXPECT_EQ(a.types, b.types);
  EXPECT_EQ(a.form, b.form);
}

// nvcc and CUTLASS write some so.
TEST(Instructions, ModifiersMayStandInAnyOrderButTypesMayNot) {
  Instruction matrix =
      single("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32.satfinite "
             "{r0,r1,r2,r3}, {r0,r1,r2,r3}, {r4,r5}, {r4,r5,r6,r7};");
  EXPECT_TRUE(matrix.has(Mod::Satfinite));
  EXPECT_EQ(matrix.get(Field::LayoutB), Mod::Col);
  EXPECT_EQ(matrix.types[1], Type::S8);
  Instruction load =
      single("ldmatrix.sync.aligned.x2.trans.m8n8.shared.b16 {r0,r1}, [d0];");
  EXPECT_EQ(load.get(Field::Number), Mod::X2);
  EXPECT_EQ(errorsOf(kernelWith("cvt.f32.sat.ftz.f16 f0, h0;")), "");
  EXPECT_NE(errorsOf(kernelWith("cvt.rn.f32.f16 h0, f0;")), "");
  EXPECT_NE(errorsOf(kernelWith("mma.sync.aligned.m16n8k16.col.row.f32.f16."
                                "f16.f32 {f0,f1,f2,f3}, {r0,r1,r2,r3}, "
                                "{r4,r5}, {f4,f5,f6,f7};")),
            "");
}

TEST(Instructions, SizesAreRelaxedForLoadsStoresAndConversions) {
  for (const char *good :
       {"ld.global.u8 r0, [d0];", "ld.global.s16 d1, [d0];",
        "st.global.u8 [d0], r0;", "cvt.u32.u8 r0, d0;", "cvt.u64.s8 d0, h0;"})
    EXPECT_EQ(errorsOf(kernelWith(good)), "") << good;
  EXPECT_NE(errorsOf(kernelWith("add.u16 r0, r1, r2;")), "");
  EXPECT_NE(errorsOf(kernelWith("ld.global.u64 r0, [d0];")), "");
}

TEST(Instructions, BitsFitAnyTypeOfTheirSize) {
  for (const char *good :
       {"add.f32 r0, r1, r2;", "add.s32 u0, r1, u2;", "mov.b32 r0, f1;",
        "and.b32 f0, f1, f2;", "fma.rn.f16x2 r0, r1, r2, r3;"})
    EXPECT_EQ(errorsOf(kernelWith(good)), "") << good;
  for (const char *bad :
       {"add.f32 u0, f1, f2;", "add.s32 f0, r1, r2;", "add.f64 f0, e1, e2;",
        "mov.f32 f0, u1;", "add.f16x2 u0, u1, u2;", "cvt.s32.f32 r0, f1;",
        "cvt.rn.f32.f32 f0, f1;"})
    EXPECT_NE(errorsOf(kernelWith(bad)), "") << bad;
}
