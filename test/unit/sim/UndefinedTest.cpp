//===- UndefinedTest.cpp - What becomes of values never written -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each case loads a word of shared memory of which only some bytes were
// written, does something with it and stores a result. A finding must come
// exactly if undefined bytes matter to what is stored, decided or addressed.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace tenon::sim;
using namespace tenon::sim::test;

namespace {

struct Case {
  const char *name;
  /// %r4: a word of which bytes 2 and 3 are undefined; %r5: all of it is;
  /// %rd5: bytes 4 to 7 are. %r1: the thread. To be stored: %r9.
  const char *body;
  bool isFound;
};

const Case kCases[] = {
    {"Dropped", "mov.u32 %r9, %r1;", false},
    {"Stored", "mov.u32 %r9, %r5;", true},
    {"LowBytes", "and.b32 %r9, %r4, 65535;", false},
    {"HighBytes", "and.b32 %r9, %r4, 16711680;", true},
    {"OrOfOnes", "or.b32 %r9, %r4, 0xffff0000;", false},
    {"OrOfZeros", "or.b32 %r9, %r4, 255;", true},
    {"XorOfItself", "xor.b32 %r9, %r5, %r5;", false},
    {"ShiftOut", "shl.b32 %r9, %r4, 16;", false},
    {"ShiftTooLittle", "shl.b32 %r9, %r4, 15;", true},
    {"ShiftRight", "shl.b32 %r6, %r4, 16; shr.u32 %r9, %r6, 16;", false},
    {"ShiftRightUndefined", "shr.u32 %r9, %r4, 12;", true},
    {"ShiftByUndefined", "shl.b32 %r9, %r1, %r5;", true},
    {"Sum", "add.u32 %r9, %r4, 1;", true},
    {"PermuteGood", "prmt.b32 %r9, %r4, %r1, 0x7610;", false},
    {"PermuteBad", "prmt.b32 %r9, %r4, %r1, 0x7620;", true},
    {"PermuteSecond", "prmt.b32 %r9, %r1, %r4, 0x5454;", false},
    {"ExtractGood", "bfe.u32 %r9, %r4, 3, 13;", false},
    {"ExtractBad", "bfe.u32 %r9, %r4, 3, 14;", true},
    {"LogicMasks", "lop3.b32 %r9, %r4, 65535, 0, 0xc0;", false}, // a & b
    {"LogicKeeps", "lop3.b32 %r9, %r4, %r1, 0, 0xf0;", true},    // a
    {"LogicIgnores", "lop3.b32 %r9, %r5, %r1, 0, 0xcc;", false}, // b
    {"Narrow", "cvt.u16.u32 %rs1, %r4; cvt.u32.u16 %r9, %rs1;", false},
    {"NarrowSigned", "cvt.s16.s32 %rs1, %r4; cvt.s32.s16 %r9, %rs1;", false},
    {"NarrowUndefined", "cvt.u16.u32 %rs1, %r5; cvt.u32.u16 %r9, %rs1;", true},
    {"Wide",
     "cvt.u64.u32 %rd6, %r4; shl.b64 %rd6, %rd6, 48;"
     "shr.u64 %rd6, %rd6, 32; cvt.u32.u64 %r9, %rd6;",
     false},
    {"UnpackGood", "mov.b32 {%rs1, %rs2}, %r4; cvt.u32.u16 %r9, %rs1;", false},
    {"UnpackBad", "mov.b32 {%rs1, %rs2}, %r4; cvt.u32.u16 %r9, %rs2;", true},
    {"PackGood", "mov.b64 %rd6, {%r1, %r5}; cvt.u32.u64 %r9, %rd6;", false},
    {"PackBad", "mov.b64 %rd6, {%r5, %r1}; cvt.u32.u64 %r9, %rd6;", true},
    {"VectorLoad", "cvt.u32.u64 %r9, %rd5;", false},
    {"SelectGood", "setp.lt.u32 %p1, %r1, 99; selp.u32 %r9, %r1, %r5, %p1;",
     false},
    {"SelectBad", "setp.lt.u32 %p1, %r1, 99; selp.u32 %r9, %r5, %r1, %p1;",
     true},
    {"SelectByUndefined",
     "setp.lt.u32 %p1, %r5, 99; selp.u32 %r9, %r1, 7, %p1;", true},
    {"PredicateDecided",
     "setp.lt.u32 %p1, %r5, 9; setp.gt.u32 %p2, %r1, 99;"
     "and.pred %p1, %p1, %p2; selp.u32 %r9, 1, 0, %p1;",
     false},
    {"PredicateOpen",
     "setp.lt.u32 %p1, %r5, 9; setp.lt.u32 %p2, %r1, 99;"
     "and.pred %p1, %p1, %p2; selp.u32 %r9, 1, 0, %p1;",
     true},
    {"PredicateOr",
     "setp.lt.u32 %p1, %r5, 9; setp.lt.u32 %p2, %r1, 99;"
     "or.pred %p1, %p1, %p2; selp.u32 %r9, 1, 0, %p1;",
     false},
    {"CompareAndDecided",
     "setp.gt.u32 %p2, %r1, 99; setp.lt.and.u32 %p1, %r5, 9, %p2;"
     "selp.u32 %r9, 1, 0, %p1;",
     false},
    {"CompareAndOpen",
     "setp.lt.u32 %p2, %r1, 99; setp.lt.and.u32 %p1, %r5, 9, %p2;"
     "selp.u32 %r9, 1, 0, %p1;",
     true},
    {"NotPredicate",
     "setp.lt.u32 %p1, %r5, 9; setp.lt.u32 %p2, %r1, 99;"
     "and.pred %p1, !%p1, %p2; selp.u32 %r9, 1, 0, %p1;",
     true},
    {"Branch",
     "mov.u32 %r9, 0; setp.eq.u32 %p1, %r5, 0; @%p1 bra L; add.u32 %r9, %r9, "
     "1; L:",
     true},
    {"Guard", "mov.u32 %r9, 0; setp.eq.u32 %p1, %r5, 0; @%p1 mov.u32 %r9, 1;",
     true},
    {"Address",
     "mov.u32 %r9, 0; and.b32 %r6, %r5, 4; mov.u32 %r7, buffer;"
     "add.u32 %r6, %r6, %r7; st.shared.u32 [%r6], %r1;",
     true},
    {"Atomic", "mov.u32 %r9, 0; red.shared.add.u32 [buffer+4], %r5;", true},
    {"HalvesGood", "add.rn.f16x2 %r6, %r4, %r4; and.b32 %r9, %r6, 65535;",
     false},
    {"HalvesBad", "add.rn.f16x2 %r9, %r4, %r4;", true},
    {"PackFloatsGood",
     "mov.b32 %f1, %r5; mov.b32 %f2, %r1; cvt.rn.f16x2.f32 %r6, %f1, %f2;"
     "and.b32 %r9, %r6, 65535;",
     false},
    {"PackFloatsBad",
     "mov.b32 %f1, %r5; mov.b32 %f2, %r1; cvt.rn.f16x2.f32 %r6, %f2, %f1;"
     "and.b32 %r9, %r6, 65535;",
     true},
    {"ThroughSharedUnread", "mov.u32 %r9, 0; st.shared.u32 [buffer+512], %r5;",
     false},
    {"ThroughShared",
     "st.shared.u32 [buffer+512], %r5; ld.shared.u32 %r9, [buffer+512];", true},
    {"ThroughSharedInPart",
     "st.shared.u32 [buffer+512], %r4; ld.shared.u16 %r9, [buffer+512];",
     false},
    {"ThroughLocal", "st.local.u32 [mine], %r5; ld.local.u32 %r9, [mine];",
     true},
    {"ThroughLocalInPart",
     "st.local.u32 [mine], %r4; ld.local.u16 %r9, [mine];", false},
    {"BitField",
     "and.b32 %r6, %r5, -2; or.b32 %r6, %r6, 1; st.shared.u32 [buffer+8], %r6;"
     "ld.shared.u8 %r6, [buffer+8]; and.b32 %r9, %r6, 1;",
     false},
    {"BitFieldInserted",
     "bfi.b32 %r6, %r1, %r5, 4, 7; st.shared.u32 [buffer+8], %r6;"
     "ld.shared.u16 %r9, [buffer+8];",
     false},
    {"BitFieldOfAnotherByte",
     "and.b32 %r6, %r5, -2; or.b32 %r6, %r6, 1; st.shared.u32 [buffer+8], %r6;"
     "ld.shared.u8 %r9, [buffer+9];",
     true},
    {"BitFieldElsewhere",
     "and.b32 %r6, %r5, -2; or.b32 %r6, %r6, 1;"
     "st.shared.u32 [buffer+512], %r6; ld.shared.u8 %r9, [buffer+512];",
     true},
    {"BitFieldOfGlobal",
     "ld.global.u32 %r6, [%rd1]; and.b32 %r6, %r6, -8; or.b32 %r6, %r6, 5;"
     "st.global.u32 [%rd1], %r6; mov.u32 %r9, 0;",
     false},
    {"NoBitFieldOfGlobal",
     "ld.global.u32 %r6, [%rd1]; add.u32 %r6, %r6, 5;"
     "st.global.u32 [%rd1], %r6; mov.u32 %r9, 0;",
     true},
    {"NoBitField",
     "add.u32 %r6, %r5, 1; st.shared.u32 [buffer+8], %r6;"
     "ld.shared.u32 %r9, [buffer+8];",
     true},
    {"Overwritten", "mov.u32 %r9, %r5; mov.u32 %r9, %r1;", false},
    {"Shuffled", "shfl.sync.bfly.b32 %r9, %r5, 1, 31, -1;", true},
    // Lane 0 alone has what is undefined, and nobody takes it.
    {"ShuffledAway",
     "setp.eq.u32 %p1, %r1, 0; selp.u32 %r6, %r5, %r1, %p1;"
     "shfl.sync.idx.b32 %r9, %r6, 3, 31, -1;",
     false},
    {"ShuffledToAll",
     "setp.eq.u32 %p1, %r1, 0; selp.u32 %r6, %r5, %r1, %p1;"
     "shfl.sync.idx.b32 %r9, %r6, 0, 31, -1;",
     true},
    {"Vote", "setp.eq.u32 %p1, %r5, 0; vote.sync.ballot.b32 %r9, %p1, -1;",
     true},
    {"Carry", "add.cc.u32 %r6, %r5, 1; addc.u32 %r9, %r1, 0;", true},
    {"NoCarry", "add.cc.u32 %r6, %r1, 1; addc.u32 %r9, %r1, 0;", false},
    {"CallPasses", "call (%r9), twice, (%r5);", true},
    {"CallDrops", "call (%r9), seven, (%r5);", false},
};

class Undefined : public testing::TestWithParam<Case> {};

} // namespace

INSTANTIATE_TEST_SUITE_P(, Undefined, testing::ValuesIn(kCases),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST_P(Undefined, IsFoundWhereItMatters) {
  Machine machine;
  ASSERT_TRUE(machine.load(std::string(R"(
.shared .align 8 .b8 buffer[1024];
.func (.reg .b32 result) twice(.reg .b32 value)
{
  add.u32 result, value, value;
  ret;
}
.func (.reg .b32 result) seven(.reg .b32 value)
{
  mov.u32 result, 7;
  ret;
}
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<6>;
  .reg .b32 %r<16>;
  .reg .b64 %rd<10>;
  .reg .b16 %rs<6>;
  .reg .f32 %f<4>;
  .local .align 4 .b8 mine[16];
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd1, %rd1, %rd2;
  st.shared.u16 [buffer], 7;
  st.shared.u32 [buffer+16], 9;
  ld.shared.u32 %r4, [buffer];
  ld.shared.u32 %r5, [buffer+8];
  ld.shared.u64 %rd5, [buffer+16];
)") + GetParam().body +
                           R"(
  st.global.u32 [%rd1], %r9;
  ret;
}
)"));
  auto out = machine.array<uint32_t>(32);
  auto outcome = machine.launch("k", {1}, {32}, {out.address});
  EXPECT_EQ(outcome.fault, exec::Fault::None);
  if (!GetParam().isFound) {
    for (const exec::Finding &finding : outcome.findings)
      ADD_FAILURE() << finding.text();
    return;
  }
  ASSERT_EQ(outcome.findings.size(), 1u);
  const exec::Finding &finding = outcome.findings[0];
  EXPECT_EQ(finding.check, CheckUninitialized);
  EXPECT_NE(finding.text().find("ld."), std::string::npos) << finding.text();
  EXPECT_NE(finding.note.find("; line "), std::string::npos) << finding.note;
}

// The finding names the load, and its note the use.
TEST(UndefinedText, NamesBothPlaces) {
  Machine machine;
  ASSERT_TRUE(machine.load(R"(
.shared .align 8 .b8 buffer[64];
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [out];
  ld.shared.u32 %r1, [buffer+4];
  add.u32 %r2, %r1, 1;
  st.global.u32 [%rd1], %r2;
  ret;
}
)"));
  auto out = machine.array<uint32_t>(1);
  auto outcome = machine.launch("k", {1}, {1}, {out.address});
  ASSERT_EQ(outcome.findings.size(), 1u);
  std::string text = outcome.findings[0].text();
  EXPECT_NE(text.find("ld.shared.u32 %r1, [buffer+4];"), std::string::npos)
      << text;
  EXPECT_NE(text.find("gives it to global memory: st.global.u32 [%rd1], %r2;"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("address 0x4"), std::string::npos) << text;
}

// Rows of a tile that were never filled make rows of the product undefined, not
// all of it: with an even number of rows, the upper ones are dropped.
TEST(UndefinedMatrix, RowsOfAAndColumnsOfB) {
  auto kernel = [](bool storesAll) {
    return std::string(R"(
.shared .align 16 .b8 a[512];
.shared .align 16 .b8 b[256];
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<2>;
  .reg .b32 %r<30>;
  .reg .b64 %rd<4>;
  .reg .f32 %f<8>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  // Rows 0 to 7 of A: 16 halves each. All of B.
  shl.b32 %r2, %r1, 3;
  mov.u32 %r3, a;
  add.u32 %r4, %r3, %r2;
  mov.u32 %r5, 0x3c003c00;
  st.shared.v2.u32 [%r4], {%r5, %r5};
  mov.u32 %r6, b;
  add.u32 %r7, %r6, %r2;
  st.shared.v2.u32 [%r7], {%r5, %r5};
  bar.warp.sync -1;
  // ldmatrix: row lane % 16 of A, half lane / 16.
  and.b32 %r8, %r1, 15;
  shl.b32 %r8, %r8, 5;
  shr.u32 %r9, %r1, 4;
  shl.b32 %r9, %r9, 4;
  add.u32 %r8, %r8, %r9;
  add.u32 %r8, %r8, %r3;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r8];
  shl.b32 %r9, %r1, 4;
  and.b32 %r9, %r9, 255;
  add.u32 %r9, %r9, %r6;
  ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r14, %r15}, [%r9];
  mov.f32 %f1, 0f00000000;
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
    {%f2, %f3, %f4, %f5}, {%r10, %r11, %r12, %r13}, {%r14, %r15},
    {%f1, %f1, %f1, %f1};
  mul.wide.u32 %rd2, %r1, 16;
  add.u64 %rd1, %rd1, %rd2;
  st.global.v2.f32 [%rd1], {%f2, %f3}; // row lane / 4
)") + (storesAll ? "  st.global.v2.f32 [%rd1+8], {%f4, %f5};\n" : "") +
           "  ret;\n}\n";
  };
  Machine machine;
  auto out = machine.array<float>(128);
  ASSERT_TRUE(machine.load(kernel(false)));
  machine.run("k", {1}, {32}, {out.address});
  EXPECT_EQ(machine.read<float>(out)[0], 16.0f);
  ASSERT_TRUE(machine.load(kernel(true)));
  auto outcome = machine.launch("k", {1}, {32}, {out.address});
  ASSERT_EQ(outcome.findings.size(), 1u);
  EXPECT_NE(outcome.findings[0].text().find("ldmatrix"), std::string::npos);
}
