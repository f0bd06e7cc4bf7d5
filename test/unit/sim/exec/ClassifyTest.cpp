//===- ClassifyTest.cpp - What kind of work an instruction is -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Classify.h"
#include "sim/device/Description.h"
#include "sim/ptx/Instructions.h"
#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>
#include <set>

using namespace tenon;
using namespace tenon::sim::exec;
using namespace tenon::sim::ptx;
using namespace tenon::test;

namespace {
struct Case {
  const char *line;
  OpClass opClass;
  Pipe pipe;
  uint64_t flops = 0;
};
class Classified : public testing::TestWithParam<Case> {};
} // namespace

static Classification classified(const std::string &line) {
  Module module = parseGood(kernelWith(line, "sm_90"));
  const Function &kernel = module.functions.back();
  EXPECT_EQ(kernel.instructions.size(), 1u) << line;
  return kernel.instructions.empty() ? Classification()
                                     : classify(kernel.instructions[0]);
}

TEST_P(Classified, AsExpected) {
  const Case &expected = GetParam();
  Classification result = classified(expected.line);
  EXPECT_STREQ(opClassName(result.opClass), opClassName(expected.opClass))
      << expected.line;
  EXPECT_STREQ(pipeName(result.pipe), pipeName(expected.pipe)) << expected.line;
  EXPECT_EQ(result.flops, expected.flops) << expected.line;
  EXPECT_EQ(result.mmaType, "") << expected.line;
}

INSTANTIATE_TEST_SUITE_P(
    Classify, Classified,
    testing::Values(
        Case{"add.s32 r0, r1, r2;", OpClass::Integer, Pipe::Alu},
        Case{"mul.wide.u32 d0, r1, r2;", OpClass::Integer, Pipe::Fma},
        Case{"mad.lo.s32 r0, r1, r2, r3;", OpClass::Integer, Pipe::Fma},
        Case{"div.s32 r0, r1, r2;", OpClass::Integer, Pipe::Sfu},
        Case{"popc.b32 r0, r1;", OpClass::Integer, Pipe::Sfu},
        Case{"add.f32 f0, f1, f2;", OpClass::Float32, Pipe::Fma, 1},
        Case{"fma.rn.f32 f0, f1, f2, f3;", OpClass::Float32, Pipe::Fma, 2},
        Case{"max.f32 f0, f1, f2;", OpClass::Float32, Pipe::Alu},
        Case{"div.rn.f32 f0, f1, f2;", OpClass::Float32, Pipe::Sfu, 1},
        Case{"rcp.approx.f32 f0, f1;", OpClass::Special, Pipe::Sfu, 1},
        Case{"ex2.approx.f32 f0, f1;", OpClass::Special, Pipe::Sfu},
        Case{"fma.rn.f64 e0, e1, e2, e3;", OpClass::Float64, Pipe::Fp64, 2},
        Case{"sqrt.rn.f64 e0, e1;", OpClass::Float64, Pipe::Fp64, 1},
        Case{"fma.rn.f16x2 r0, r1, r2, r3;", OpClass::Float16, Pipe::Fp16, 4},
        Case{"fma.rn.bf16 h0, h1, h2, h3;", OpClass::Float16, Pipe::Fp16, 2},
        Case{"max.f16x2 r0, r1, r2;", OpClass::Float16, Pipe::Alu},
        Case{"setp.lt.s32 p0, r1, r2;", OpClass::Compare, Pipe::Alu},
        Case{"setp.lt.f64 p0, e1, e2;", OpClass::Compare, Pipe::Fp64},
        Case{"set.lt.f16.f16 h0, h1, h2;", OpClass::Compare, Pipe::Fp16},
        Case{"selp.b32 r0, r1, r2, p0;", OpClass::Compare, Pipe::Alu},
        Case{"shl.b32 r0, r1, 3;", OpClass::Logic, Pipe::Alu},
        Case{"mov.b32 r0, r1;", OpClass::Move, Pipe::Alu},
        Case{"cvt.u32.u16 u0, h1;", OpClass::Convert, Pipe::Alu},
        Case{"cvt.rn.f32.s32 f0, r1;", OpClass::Convert, Pipe::Sfu},
        Case{"ld.global.b32 r0, [d0];", OpClass::GlobalLoad, Pipe::LoadStore},
        Case{"st.global.b32 [d0], r0;", OpClass::GlobalStore, Pipe::LoadStore},
        Case{"ld.shared.b32 r0, [tile];", OpClass::SharedLoad, Pipe::LoadStore},
        Case{"st.shared::cta.b32 [tile], r0;", OpClass::SharedStore,
             Pipe::LoadStore},
        Case{"ld.local.b32 r0, [d0];", OpClass::LocalLoad, Pipe::LoadStore},
        Case{"ld.const.b32 r0, [d0];", OpClass::ConstantLoad, Pipe::LoadStore},
        Case{"ld.param.b64 d0, [argument];", OpClass::ParameterLoad, Pipe::Alu},
        Case{"ld.b32 r0, [d0];", OpClass::GenericLoad, Pipe::LoadStore},
        Case{"st.b32 [d0], r0;", OpClass::GenericStore, Pipe::LoadStore},
        Case{"atom.shared.add.u32 r0, [tile], r1;", OpClass::Atomic,
             Pipe::LoadStore},
        Case{"cp.async.cg.shared.global [tile], [d0], 16;", OpClass::AsyncCopy,
             Pipe::LoadStore},
        Case{"ldmatrix.sync.aligned.m8n8.x1.shared.b16 {r0}, [tile];",
             OpClass::MatrixLoad, Pipe::LoadStore},
        Case{"shfl.sync.idx.b32 r0, r1, r2, r3, r4;", OpClass::Shuffle,
             Pipe::LoadStore},
        Case{"vote.sync.ballot.b32 r0, p0, r1;", OpClass::Vote, Pipe::Control},
        Case{"bar.sync 0;", OpClass::Barrier, Pipe::Control},
        Case{"fence.sc.gpu;", OpClass::Fence, Pipe::LoadStore},
        Case{"ret;", OpClass::Branch, Pipe::Control},
        Case{"nanosleep.u32 20;", OpClass::Other, Pipe::Control}));

static std::string matrices(const std::string &line) {
  Classification result = classified(line);
  EXPECT_EQ(result.opClass, OpClass::Mma);
  EXPECT_EQ(result.pipe, Pipe::Tensor);
  return result.mmaType + " " + std::to_string(result.flops);
}

// 2 m n k.
TEST(Classify, MatrixOperations) {
  EXPECT_EQ(matrices("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                     "{f0,f1,f2,f3}, {r0,r1,r2,r3}, {r4,r5}, {f4,f5,f6,f7};"),
            "bf16.f32 4096");
  EXPECT_EQ(matrices("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 "
                     "{r0,r1}, {r0,r1,r2,r3}, {r4,r5}, {r6,r7};"),
            "f16.f16 4096");
  EXPECT_EQ(matrices("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 "
                     "{r0,r1,r2,r3}, {r0,r1,r2,r3}, {r4,r5}, {r0,r1,r2,r3};"),
            "int8.s32 8192");
  EXPECT_EQ(matrices("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32 "
                     "{f0,f1,f2,f3}, {r0,r1,r2,r3}, {r4,r5}, {f4,f5,f6,f7};"),
            "fp8.f32 8192");
  EXPECT_EQ(matrices("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 "
                     "{e0,e1}, {e2}, {e3}, {e0,e1};"),
            "f64.f64 512");
}

// Sparse matrices count as dense ones of the same shape.
TEST(Classify, SparseMatrixOperations) {
  EXPECT_EQ(
      matrices("mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 "
               "{f0,f1,f2,f3}, {r0,r1,r2,r3}, {r0,r1,r2,r3}, {f4,f5,f6,f7}, "
               "r7, 0;"),
      "f16.f32.sp 8192");
}

// Four quad pairs, PTX ISA 9.7.14.5.1.
TEST(Classify, EightByEightByFourOfHalvesIsFourMatrices) {
  EXPECT_EQ(matrices("mma.sync.aligned.m8n8k4.row.col.f16.f16.f16.f16 "
                     "{r0,r1,r2,r3}, {r0,r1}, {r2,r3}, {r0,r1,r2,r3};"),
            "f16.f16 2048");
}

TEST(Classify, WmmaNamesItsTypesInTwoWays) {
  EXPECT_EQ(matrices("wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 "
                     "{f0,f1,f2,f3,f4,f5,f6,f7}, {r0,r1,r2,r3,r4,r5,r6,r7}, "
                     "{r0,r1,r2,r3,r4,r5,r6,r7}, {f0,f1,f2,f3,f4,f5,f6,f7};"),
            "f16.f32 8192");
  EXPECT_EQ(matrices("wmma.mma.sync.aligned.row.col.m8n8k4.f64.f64.f64.f64 "
                     "{e0,e1}, {e2}, {e3}, {e0,e1};"),
            "f64.f64 512");
}

/// An instruction of the form with the n-th alternative of each slot.
static Instruction instructionOf(const Form &form, size_t n) {
  Instruction instruction;
  instruction.opcode = form.opcode;
  for (const ModifierSlot &slot : form.slots) {
    size_t count = slot.mods.size() + slot.types.size();
    if (count == 0)
      continue;
    size_t choice = n % count;
    if (choice < slot.types.size()) {
      if (instruction.typeCount < Instruction::kMaxTypes)
        instruction.types[instruction.typeCount++] = slot.types[choice];
      continue;
    }
    Mod mod = slot.mods[choice - slot.types.size()];
    Field field = slot.field == Field::Count ? fieldOf(mod) : slot.field;
    instruction.fields[size_t(field)] = mod;
    instruction.modifiers[instruction.modifierCount++] = mod;
  }
  return instruction;
}

// No form of the table is left out, whatever its modifiers.
TEST(Classify, EveryFormHasAClass) {
  const std::set<std::string_view> others = {"prefetch",
                                             "prefetchu",
                                             "applypriority",
                                             "discard",
                                             "createpolicy.fractional",
                                             "createpolicy.range",
                                             "createpolicy.cvt",
                                             "brkpt",
                                             "nanosleep",
                                             "pmevent",
                                             "pmevent.mask",
                                             "trap",
                                             "griddepcontrol.launch_dependents",
                                             "griddepcontrol.wait"};
  for (const Form &form : forms()) {
    if (form.refused())
      continue;
    std::string_view name = opcodes()[form.opcode].name;
    size_t most = 1;
    for (const ModifierSlot &slot : form.slots)
      most = std::max(most, slot.mods.size() + slot.types.size());
    for (size_t n = 0; n < most; ++n) {
      Classification result = classify(instructionOf(form, n));
      EXPECT_EQ(result.opClass == OpClass::Other, others.contains(name))
          << name << form.row->modifiers;
      EXPECT_EQ(result.opClass == OpClass::Mma, !result.mmaType.empty())
          << name;
      if (result.opClass == OpClass::Mma) {
        EXPECT_GT(result.flops, 0u) << name << form.row->modifiers;
      }
    }
  }
}

// The instructions of the test data, types and all: each mma is one that some
// device has a throughput for.
TEST(Classify, MatrixTypesAreThoseOfTheDeviceDescriptions) {
  std::set<std::string> known;
  for (const std::string &key : sim::knownDevices()) {
    auto found = sim::findDevice(key);
    for (const auto &entry :
         std::get<sim::DeviceDescription>(found).throughputs)
      known.insert(entry.name);
  }
  unsigned count = 0;
  for (const std::string &name : dataFiles()) {
    for (const Function &function : parseGood(readData(name)).functions)
      for (const Instruction &instruction : function.instructions) {
        Classification result = classify(instruction);
        if (result.opClass != OpClass::Mma)
          continue;
        std::string type = "mma." + result.mmaType;
        if (type.ends_with(".sp"))
          type.resize(type.size() - 3);
        EXPECT_TRUE(known.contains(type)) << type;
        ++count;
      }
  }
  EXPECT_GT(count, 50u);
}

TEST(Classify, NamesAreUniqueAndComplete) {
  std::set<std::string> classes, pipes;
  for (unsigned i = 0; i < unsigned(OpClass::Count); ++i)
    classes.insert(opClassName(OpClass(i)));
  for (unsigned i = 0; i < unsigned(Pipe::Count); ++i)
    pipes.insert(pipeName(Pipe(i)));
  EXPECT_EQ(classes.size(), size_t(OpClass::Count));
  EXPECT_EQ(pipes.size(), size_t(Pipe::Count));
  EXPECT_FALSE(classes.contains("?"));
  EXPECT_FALSE(pipes.contains("?"));
}
