//===- DirectivesTest.cpp - Variables and directives
//------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/TestData.h"

#include <gtest/gtest.h>

using namespace tenon::sim::ptx;
using namespace tenon::test;

static const std::string kHead =
    ".version 9.0\n.target sm_80\n.address_size 64\n";

/// The first variable of a module.
static Variable variableOf(const std::string &declaration) {
  Module module = parseGood(kHead + declaration);
  return module.variables.empty() ? Variable() : module.variables[0];
}

TEST(Directives, HeadOfAModule) {
  Module module = parseGood(".version 7.8\n.target sm_90a, debug\n"
                            ".address_size 32\n.pragma \"a\", \"b\";\n");
  EXPECT_EQ(module.versionMajor, 7u);
  EXPECT_EQ(module.versionMinor, 8u);
  EXPECT_EQ(module.target, "sm_90a");
  EXPECT_EQ(module.sm, 90u);
  EXPECT_EQ(module.targetOptions, std::vector<std::string>{"debug"});
  EXPECT_EQ(module.addressSize, 32u);
  EXPECT_EQ(module.pragmas.size(), 2u);
}

TEST(Directives, AnyVersionIsAccepted) {
  EXPECT_EQ(parseGood(".version 12.7\n.target sm_80\n").versionMajor, 12u);
}

TEST(Directives, VariablesKnowSizeAndAlignment) {
  Variable array = variableOf(".shared .align 128 .b8 tile[16][4];");
  EXPECT_EQ(array.size(), 64u);
  EXPECT_EQ(array.effectiveAlignment(), 128u);
  EXPECT_EQ(array.space, Mod::Shared);
  Variable vector = variableOf(".global .v4 .f32 v;");
  EXPECT_EQ(vector.size(), 16u);
  EXPECT_EQ(vector.effectiveAlignment(), 16u);
  Variable unsized = variableOf(".extern .shared .b32 dynamic[];");
  EXPECT_EQ(unsized.linkage, Linkage::Extern);
  EXPECT_EQ(unsized.size(), 0u);
}

TEST(Directives, LinkageOfVariables) {
  EXPECT_EQ(variableOf(".visible .global .b32 a;").linkage, Linkage::Visible);
  EXPECT_EQ(variableOf(".weak .global .b32 a;").linkage, Linkage::Weak);
  EXPECT_EQ(variableOf(".common .global .b32 a;").linkage, Linkage::Common);
  EXPECT_EQ(variableOf(".global .b32 a;").linkage, Linkage::Internal);
}

TEST(Directives, InitializersAreFlat) {
  Variable list = variableOf(".global .s32 a[2][2] = {{1, -2}, {0x3, 4}};");
  using Kind = Initializer::Kind;
  std::vector<Kind> kinds;
  for (const Initializer &leaf : list.initializer)
    kinds.push_back(leaf.kind);
  EXPECT_EQ(kinds, (std::vector<Kind>{Kind::Open, Kind::Open, Kind::Number,
                                      Kind::Number, Kind::Close, Kind::Open,
                                      Kind::Number, Kind::Number, Kind::Close,
                                      Kind::Close}));
  EXPECT_EQ(int64_t(list.initializer[3].value), -2);
}

TEST(Directives, InitializersNameSymbols) {
  Variable address = variableOf(".global .u64 p = generic(p) + 8;");
  EXPECT_EQ(address.initializer[0].kind, Initializer::Kind::Generic);
  EXPECT_EQ(address.initializer[0].value, 8u);
  Variable mask = variableOf(".global .u8 m[2] = {0xff(m), 0xff00(m+4)};");
  EXPECT_EQ(mask.initializer[2].mask, 0xff00u);
  EXPECT_EQ(mask.initializer[2].symbol, "m");
  EXPECT_EQ(mask.initializer[2].value, 4u);
}

TEST(Directives, ParametersOfKernels) {
  Module module = parseGood(
      kHead + ".visible .entry k(.param .u64 .ptr .global .align 16 a,\n"
              ".param .align 8 .b8 b[24]) .maxntid 128, 2 .minnctapersm 3 {}");
  const Function &kernel = module.functions[0];
  EXPECT_TRUE(kernel.isEntry);
  ASSERT_EQ(kernel.signature.parameters.size(), 2u);
  const Variable &pointer = module.variables[kernel.signature.parameters[0]];
  EXPECT_TRUE(pointer.isPointer);
  EXPECT_EQ(pointer.pointerSpace, Mod::Global);
  EXPECT_EQ(pointer.pointerAlignment, 16u);
  EXPECT_EQ(module.variables[kernel.signature.parameters[1]].size(), 24u);
  ASSERT_EQ(kernel.directives.size(), 2u);
  EXPECT_EQ(kernel.directives[0].values, (std::vector<uint64_t>{128, 2}));
}

TEST(Directives, EveryFunctionDirective) {
  for (const char *directive :
       {".maxnreg 32", ".maxntid 1, 2, 3", ".reqntid 64", ".minnctapersm 2",
        ".maxnctapersm 2", ".explicitcluster", ".reqnctapercluster 2, 1, 1",
        ".maxclusterrank 8", ".blocksareclusters", ".pragma \"nounroll\";"})
    EXPECT_EQ(errorsOf(kHead + ".entry k() " + directive + " {}"), "")
        << directive;
}

TEST(Directives, FunctionsMayBeNoreturnAndHaveRegisterParameters) {
  Module module = parseGood(
      kHead + ".func (.reg .u32 y) f(.reg .u32 x) .noreturn { mov.u32 y, x; }");
  EXPECT_TRUE(module.functions[0].signature.noReturn);
  EXPECT_EQ(module.functions[0].registers.size(), 2u);
}

TEST(Directives, FilesSectionsAndAliases) {
  Module module = parseGood(readData("directives.ptx"));
  ASSERT_EQ(module.aliases.size(), 1u);
  EXPECT_EQ(module.aliases[0].target, "target_of");
  Module triton = parseGood(readData("triton-matmul.ptx"));
  ASSERT_EQ(triton.files.size(), 2u);
  EXPECT_EQ(triton.files[1].time, 1700000000u);
  ASSERT_EQ(triton.sections.size(), 1u);
  EXPECT_EQ(triton.sections[0].name, ".debug_str");
}
