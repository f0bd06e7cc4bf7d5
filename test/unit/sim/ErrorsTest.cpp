//===- ErrorsTest.cpp - Error texts of the PTX parser
//-----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/TestData.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tenon::test;

/// Errors of a kernel whose line 10 is `line`.
static std::string in(const std::string &line) {
  return errorsOf(kernelWith(line));
}

/// Errors of a module whose line 4 is `line`.
static std::string atTop(const std::string &line) {
  return errorsOf(".version 9.0\n.target sm_80\n.address_size 64\n" + line +
                  "\n");
}

// As ptxas has it: a statement has something before its ';'.
TEST(Errors, EmptyStatements) {
  EXPECT_EQ(in("mov.u32 r0, 1;;"),
            "ptx:10:15: expected an instruction, got ';'");
  EXPECT_EQ(in("{ mov.u32 r0, 1; };"),
            "ptx:10:19: expected an instruction, got ';'");
  EXPECT_EQ(atTop(";"),
            "ptx:4:1: expected a directive, a variable or a function, got ';'");
}

TEST(Errors, Instructions) {
  EXPECT_EQ(in("mad.lo.f32 f0, f1, f2, f3;"),
            "ptx:10:4: mad.lo.f32: modifier .lo is for integer types, expected "
            ".f32 without .lo");
  EXPECT_EQ(in("frobnicate.u32 r0, r1;"),
            "ptx:10:1: unknown instruction 'frobnicate.u32'");
  EXPECT_EQ(
      in("add r0, r1, r2;"),
      "ptx:10:1: add: expected modifier .u16, .u32, .u64, .s16, .s32, .s64, "
      ".sat, .u16x2, .s16x2, .cc, .rn, .rz, .rm, .rp, .ftz, .f32 ... after it");
  EXPECT_EQ(in("add.foo.u32 r0, r1, r2;"),
            "ptx:10:4: add.foo.u32: unknown modifier '.foo'");
  EXPECT_EQ(in("add.rn.u32 r0, r1, r2;"),
            "ptx:10:4: add.rn.u32: modifier .rn is for floating-point types, "
            "expected .u32 without .rn");
  EXPECT_EQ(in("setp.lo.f16x3 p0, f1, f2;"),
            "ptx:10:8: setp.lo.f16x3: unknown modifier '.f16x3'");
  EXPECT_EQ(in("cvt.rn.f32.s32.s32 f0, r1;"),
            "ptx:10:15: cvt.rn.f32.s32.s32: modifier .s32 does not fit here, "
            "expected none");
  EXPECT_EQ(in("mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 "
               "{f0,f1,f2,f3}, {r0,r1}, {r4,r5}, {f4,f5,f6,f7};"),
            "ptx:10:30: mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32: "
            "modifier .row does not fit here, expected .col");
  EXPECT_EQ(in("elect.sync r0|p0, -1;"),
            "ptx:10:1: elect.sync: needs sm_90, the module is for sm_80");
  EXPECT_EQ(in("add.bf16 h0, h1, h2;"),
            "ptx:10:1: add.bf16: needs sm_90, the module is for sm_80");
  EXPECT_EQ(in("wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 f0;"),
            "ptx:10:1: wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16: "
            "'wgmma.mma_async' is refused in this version, comes with Hopper "
            "(sm_90)");
  EXPECT_EQ(in("add.rn.f32x2 d0, d1, d2;"),
            "ptx:10:7: add.rn.f32x2: .f32x2 is refused in this version, comes "
            "with Blackwell (sm_100)");
  EXPECT_EQ(in("ld.global.v8.b32 {r0,r1,r2,r3,r4,r5,r6,r7}, [d0];"),
            "ptx:10:10: ld.global.v8.b32: .v8 is refused in this version, "
            "comes with Blackwell (sm_100)");
  EXPECT_EQ(in("mbarrier.arrive.shared::cluster.b64 _, [d0];"),
            "ptx:10:16: mbarrier.arrive.shared::cluster.b64: .shared::cluster "
            "is refused in this version, comes with Hopper (sm_90)");
  EXPECT_EQ(in("tex.2d.v4.f32.f32 {f0,f1,f2,f3}, [t, {f0,f1}];"),
            "ptx:10:1: tex.2d.v4.f32.f32: 'tex' is refused in this version, "
            "textures and surfaces are left out");
  EXPECT_EQ(in("vadd.u32.u32.u32 r0, r1, r2;"),
            "ptx:10:1: vadd.u32.u32.u32: 'vadd' is refused in this version, "
            "video instructions are left out");
  EXPECT_EQ(in(".weird 3;"), "ptx:10:1: unknown directive '.weird'");
}

// What forms cannot say: CheckRules.cpp.
TEST(Errors, Rules) {
  EXPECT_EQ(in("setp.lo.s32 p0, r1, r2;"),
            "ptx:10:1: setp.lo.s32: type .s32 has no comparison .lo");
  EXPECT_EQ(in("setp.lt.b32 p0, r1, r2;"),
            "ptx:10:1: setp.lt.b32: type .b32 has no comparison .lt");
  EXPECT_EQ(in("setp.lt.ftz.f64 p0, e1, e2;"),
            "ptx:10:1: setp.lt.ftz.f64: .ftz is for operands of type .f32, "
            ".f16 and .f16x2, not .f64");
  EXPECT_EQ(in("ld.shared.L1::evict_last.b32 r0, [r1];"),
            "ptx:10:1: ld.shared.L1::evict_last.b32: .L1::evict_last is for "
            "global memory, not .shared");
  EXPECT_EQ(in("ld.global.ca.L1::evict_last.b32 r0, [d1];"),
            "ptx:10:1: ld.global.ca.L1::evict_last.b32: .L1::evict_last and "
            ".ca exclude each other");
  EXPECT_EQ(in("ld.global.v4.b64 {d0,d1,d2,d3}, [d4];"),
            "ptx:10:1: ld.global.v4.b64: a vector has at most 128 bits, "
            ".v4.b64 has 256");
  EXPECT_EQ(in("cvt.sat.s32.s16 r0, h0;"),
            "ptx:10:1: cvt.sat.s32.s16: .s32 holds every value of .s16, "
            "expected no .sat");
  EXPECT_EQ(in("shfl.up.b32 r0, r1, r2, r3;"),
            "ptx:10:1: shfl.up.b32: expected .sync on sm_70 or later from PTX "
            "6.4 on");
  EXPECT_EQ(in("discard.global.L2 [d0], 64;"),
            "ptx:10:1: discard.global.L2: expected a size of 128, got 64");
  EXPECT_EQ(in("cp.async.cg.shared.global [r0], [d0], 8;"),
            "ptx:10:1: cp.async.cg.shared.global: expected a size of 16, got "
            "8");
  EXPECT_EQ(in("cp.async.ca.shared.global [r0], [d0], 12;"),
            "ptx:10:1: cp.async.ca.shared.global: expected a size of 4, 8 or "
            "16, got 12");
  EXPECT_EQ(in("lop3.or.b32 r0, r1, r2, r3, 1, p0;"),
            "ptx:10:1: lop3.or.b32: expected a pair d|p as destination");
  EXPECT_EQ(errorsOf(kernelWith("ld.global.L2::256B.b32 r0, [d0];", "sm_75")),
            "ptx:10:1: ld.global.L2::256B.b32: needs sm_80, the module is for "
            "sm_75");
  EXPECT_EQ(in("fence.acq_rel.cluster;"),
            "ptx:10:1: fence.acq_rel.cluster: needs sm_90, the module is for "
            "sm_80");
}

// ptxas refuses these and takes those in GoodCalls.
TEST(Errors, CallsWithArgumentsOfAnotherSize) {
  EXPECT_EQ(in("call (r0), callee, (d1);"),
            "ptx:10:21: call: parameter 1 of 'callee': expected 4 bytes "
            "aligned to 4, got register 'd1' of type .b64");
  EXPECT_EQ(in("call (h0), callee, (r1);"),
            "ptx:10:7: call: result 1 of 'callee': expected 4 bytes aligned to "
            "4, got register 'h0' of type .b16");
  EXPECT_EQ(in(".param .b64 s; call (r0), callee, (s);"),
            "ptx:10:36: call: parameter 1 of 'callee': expected 4 bytes "
            "aligned to 4, got 's' with 8 bytes aligned to 8");
  EXPECT_EQ(in(".param .b8 s[4]; call (r0), callee, (s);"),
            "ptx:10:38: call: parameter 1 of 'callee': expected 4 bytes "
            "aligned to 4, got 's' with 4 bytes aligned to 1");
  std::string proto =
      "t: .callprototype (.param .b32 _) _ (.param .align 8 .b8 _[16]);";
  EXPECT_EQ(in(proto + "call (r0), d0, (d1), t;"),
            "ptx:10:81: call: parameter 1 of 't': expected 16 bytes aligned to "
            "8, got register 'd1' of type .b64");
  EXPECT_EQ(in(proto + "call (r0), d0, (d1, d1), t;"),
            "ptx:10:80: call: 't' has 1 parameter, got 2");
  EXPECT_EQ(in("t: .calltargets callee; call (r0), d0, (d1), t;"),
            "ptx:10:41: call: parameter 1 of 'callee': expected 4 bytes "
            "aligned to 4, got register 'd1' of type .b64");
}

TEST(Errors, GoodCalls) {
  for (const char *good :
       {"call (r0), callee, (f1);", "call (f0), callee, (1.5);",
        "call (_), callee, (-1);", ".param .f32 s; call (s), callee, (s);",
        ".param .align 4 .b8 s[4]; call (s), callee, (r0);",
        "t: .callprototype (.param .b32 _) _ (.param .b32 _);"
        "call (r0), d0, (r1), t;"})
    EXPECT_EQ(in(good), "") << good;
}

TEST(Errors, Operands) {
  EXPECT_EQ(in("mov.b64 d0, !tile;"),
            "ptx:10:14: mov.b64: '!' is not allowed here");
  EXPECT_EQ(in("mov.b32 r0, {!h0, h1};"),
            "ptx:10:15: mov.b32: '!' is not allowed here");
  EXPECT_EQ(in("call (r0), callee, (!r1);"),
            "ptx:10:22: call: '!' is not allowed here");
  EXPECT_EQ(in("add.u32 r0, %tid.x, 1;"),
            "ptx:10:13: add.u32: only mov and cvt read special registers");
  EXPECT_EQ(in("add.u32 r0, r1"), "ptx:11:1: expected ';', got '}'");
  EXPECT_EQ(in("add.u32 r0, r1;"),
            "ptx:10:1: add.u32: expected 3 operands, got 2");
  EXPECT_EQ(in("add.u32 r0, r1, r2, r3;"),
            "ptx:10:1: add.u32: expected 3 operands, got 4");
  EXPECT_EQ(in("add.f32 r0, f1, u2;"),
            "ptx:10:17: add.f32: expected an operand of type .f32, got "
            "register 'u2' of type .u32");
  EXPECT_EQ(in("add.u32 5, r1, r2;"),
            "ptx:10:9: add.u32: expected a destination register of type .u32, "
            "got an integer constant");
  EXPECT_EQ(in("add.u32 r0, r1, 1.5;"),
            "ptx:10:17: add.u32: expected an operand of type .u32, got a "
            "floating-point constant");
  EXPECT_EQ(in("add.f32 f0, f1, 1;"), "ptx:10:17: add.f32: expected an operand "
                                      "of type .f32, got an integer constant");
  EXPECT_EQ(in("add.u16 h0, r1, h2;"),
            "ptx:10:13: add.u16: expected an operand of type .u16, got "
            "register 'r1' of type .b32");
  EXPECT_EQ(in("mul.wide.u32 r0, r1, r2;"),
            "ptx:10:14: mul.wide.u32: expected a destination register of type "
            ".u64, got register 'r0' of type .b32");
  EXPECT_EQ(in("setp.lt.f32 r0, f1, f2;"),
            "ptx:10:13: setp.lt.f32: expected a destination register of type "
            ".pred, got register 'r0' of type .b32");
  EXPECT_EQ(in("selp.b32 r0, r1, r2, r3;"),
            "ptx:10:22: selp.b32: expected a register of type .pred, got "
            "register 'r3' of type .b32");
  EXPECT_EQ(in("ld.global.v2.u32 r0, [d0];"),
            "ptx:10:18: ld.global.v2.u32: expected a vector of 2, got register "
            "'r0' of type .b32");
  EXPECT_EQ(
      in("ld.global.v4.u32 {r0, r1}, [d0];"),
      "ptx:10:18: ld.global.v4.u32: expected a vector of 4, got one of 2");
  EXPECT_EQ(in("ld.global.u32 r0, d0;"),
            "ptx:10:19: ld.global.u32: expected an address in brackets, got "
            "register 'd0' of type .b64");
  EXPECT_EQ(in("ld.global.u32 r0, [f0];"),
            "ptx:10:19: ld.global.u32: expected an address register of 32 or "
            "64 bits, got 'f0' of type .f32");
  EXPECT_EQ(in("ld.global.u32 r0, [h0];"),
            "ptx:10:19: ld.global.u32: expected an address register of 32 or "
            "64 bits, got 'h0' of type .b16");
  EXPECT_EQ(in("ld.global.u32 r0, [tile];"),
            "ptx:10:19: ld.global.u32: variable 'tile' is in .shared, expected "
            ".global");
  EXPECT_EQ(in("st.shared.u32 [data], r0;"),
            "ptx:10:15: st.shared.u32: variable 'data' is in .global, expected "
            ".shared");
  EXPECT_EQ(in("ld.global.b32 r0, [d0], d1;"),
            "ptx:10:25: ld.global.b32: a cache policy needs .L2::cache_hint");
  EXPECT_EQ(in("ld.global.L2::cache_hint.b32 r0, [d0];"),
            "ptx:10:1: ld.global.L2::cache_hint.b32: expected a cache policy "
            "as last operand after .L2::cache_hint");
  EXPECT_EQ(in("call (r0), callee;"),
            "ptx:10:12: call: 'callee' has 1 parameter, got 0");
  EXPECT_EQ(in("call callee, (r1);"),
            "ptx:10:14: call: 'callee' has 1 result, got 0");
  EXPECT_EQ(in("call r0, (r1);"),
            "ptx:10:6: call: expected .calltargets or .callprototype of an "
            "indirect call as last operand");
  EXPECT_EQ(in("call d0, (r1);"),
            "ptx:10:6: call: expected .calltargets or .callprototype of an "
            "indirect call as last operand");
  EXPECT_EQ(in("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
               "{f0,f1,f2,f3}, {r0,r1}, {r4,r5}, {f4,f5,f6,f7};"),
            "ptx:10:66: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32: "
            "expected a vector of 4, got one of 2");
  EXPECT_EQ(in("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {r0, r1}, [tile];"),
            "ptx:10:42: ldmatrix.sync.aligned.m8n8.x4.shared.b16: expected a "
            "vector of 4, got one of 2");
  EXPECT_EQ(in("bar.sync;"),
            "ptx:10:1: bar.sync: expected 1 to 2 operands, got 0");
  EXPECT_EQ(in("shfl.sync.bfly.b32 r0|r1, r2, 1, 31, -1;"),
            "ptx:10:23: shfl.sync.bfly.b32: expected a destination register of "
            "type .pred, got register 'r1' of type .b32");
  EXPECT_EQ(in("mov.b64 d0, {r0, h1};"),
            "ptx:10:18: mov.b64: expected a register of 32 bits, got register "
            "'h1' of type .b16");
  EXPECT_EQ(in("mov.b64 d0, f0;"), "ptx:10:13: mov.b64: expected an operand of "
                                   "type .b64, got register 'f0' of type .f32");
  EXPECT_EQ(in("not.b32 r0, !r1;"),
            "ptx:10:14: not.b32: '!' is not allowed here");
  EXPECT_EQ(in(".local .b32 x = 3;"),
            "ptx:10:17: only .global and .const variables have initializers");
  EXPECT_EQ(in("ld.global.u32 r0, [d0;"), "ptx:10:22: expected ']', got ';'");
}

TEST(Errors, Names) {
  EXPECT_EQ(in("bra nowhere;"), "ptx:10:5: 'nowhere' is not declared");
  EXPECT_EQ(in("bra r0;"), "ptx:10:5: 'r0' is not declared");
  EXPECT_EQ(in("@r0 exit;"), "ptx:10:2: guard 'r0' is no predicate register");
  EXPECT_EQ(in("@p9 exit;"), "ptx:10:2: 'p9' is not declared");
  EXPECT_EQ(in("add.u32 r0, r1, x;"), "ptx:10:17: 'x' is not declared");
  EXPECT_EQ(in("mov.u32 r0, %tid.w;"), "ptx:10:13: '%tid' is not declared");
  EXPECT_EQ(in(".reg .b32 r<3>;"),
            "ptx:10:11: 'r<...>' is already declared in line 8");
  EXPECT_EQ(in(".reg .b32 q, q;"),
            "ptx:10:14: 'q' is already declared in line 10");
  EXPECT_EQ(in("L: L: exit;"), "ptx:10:4: 'L' is already declared in line 10");
  EXPECT_EQ(in("brx.idx r0, L; L: exit;"),
            "ptx:10:13: 'L' is no table of targets");
}

TEST(Errors, Constants) {
  EXPECT_EQ(in("cp.async.cg.shared.global [r0], [d0], r1;"),
            "ptx:10:39: cp.async.cg.shared.global: expected an integer "
            "constant, got register 'r1' of type .b32");
  EXPECT_EQ(in("lop3.b32 r0, r1, r2, r3, r4;"),
            "ptx:10:26: lop3.b32: expected an integer constant, got register "
            "'r4' of type .b32");
  EXPECT_EQ(in("mov.u32 r0, 1 + ;"), "ptx:10:17: expected a constant, got ';'");
  EXPECT_EQ(in("mov.u32 r0, 089;"),
            "ptx:10:13: expected octal digits after a leading 0");
  EXPECT_EQ(in("mov.u32 r0, (1.0 + 2);"),
            "ptx:10:18: floating-point constants take no operators but signs");
}

TEST(Errors, Directives) {
  EXPECT_EQ(atTop(".entry k() .maxntid 1,2,3,4 {}"),
            "ptx:4:12: .maxntid: expected 1 to 3 numbers, got 4");
  EXPECT_EQ(atTop(".entry k() .frob 1 {}"),
            "ptx:4:12: unknown function directive '.frob'");
  EXPECT_EQ(atTop(".global .b32 a; .global .b32 a;"),
            "ptx:4:30: 'a' is already declared in line 4");
  EXPECT_EQ(atTop(".global .quux a;"), "ptx:4:9: unknown type '.quux'");
  EXPECT_EQ(atTop(".global .align 3 .b32 a;"),
            "ptx:4:16: .align: expected a power of two, got 3");
  EXPECT_EQ(atTop(".shared .b32 a = 3;"),
            "ptx:4:18: only .global and .const variables have initializers");
  EXPECT_EQ(atTop(".global .u64 a = nothing;"),
            "ptx:4:14: initializer of 'a': 'nothing' is not declared");
  EXPECT_EQ(atTop(".func f() { ret; } .func f() { ret; }"),
            "ptx:4:26: 'f' is already declared in line 4");
  EXPECT_EQ(atTop(".func f(); .func f(.param .b32 x) { ret; }"),
            "ptx:4:18: function 'f' differs from its declaration in line 4");
  EXPECT_EQ(atTop(".address_size 48"),
            "ptx:4:15: .address_size: expected 32 or 64, got 48");
  EXPECT_EQ(atTop(".target foo_80, sm_x"),
            "ptx:4:17: .target: expected a target such as sm_80, got 'sm_x'");
  EXPECT_EQ(atTop(".version x"),
            "ptx:4:10: expected a version such as 9.0, got 'x'");
  EXPECT_EQ(atTop(".entry k() { exit;"),
            "ptx:4:8: the body of 'k' is not closed");
  EXPECT_EQ(atTop(".alias a, b;"), "ptx:4:11: .alias: 'b' is no function\n"
                                   "ptx:4:8: .alias: 'a' is no function");
  EXPECT_EQ(atTop(".global .b32 a[99999999999999];"),
            "ptx:4:16: array 'a' is too large");
  EXPECT_EQ(
      atTop("frob;"),
      "ptx:4:1: expected a directive, a variable or a function, got 'frob'");
}

TEST(Errors, SeveralAreReportedAndBounded) {
  std::string bad;
  for (int i = 0; i < 100; ++i)
    bad += "add.u32 r0, r1, x;\n";
  std::string errors = in(bad);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 19);
  EXPECT_TRUE(errors.starts_with("ptx:10:17: 'x' is not declared\n"
                                 "ptx:11:17: 'x' is not declared\n"));
}
