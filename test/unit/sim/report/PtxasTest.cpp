//===- PtxasTest.cpp - Registers as ptxas measures them -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/report/Ptxas.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace tenon::sim::report;

namespace {
/// A folder with a program in ptxas's place.
struct Ptxas : testing::Test {
  Ptxas() : folder(testing::TempDir() + "simcuda-ptxas-test") {
    std::filesystem::create_directories(folder + "/bin");
  }
  ~Ptxas() override { std::filesystem::remove_all(folder); }
  std::string script(const std::string &lines) {
    std::string path = folder + "/bin/ptxas";
    std::ofstream(path) << "#!/bin/sh\n" << lines;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  std::string folder;
};
} // namespace

// The words of ptxas 13.0.
TEST_F(Ptxas, LogOfTwoKernels) {
  EXPECT_EQ(
      registersFromLog(
          "ptxas info    : 0 bytes gmem\n"
          "ptxas info    : Compiling entry function 'a' for 'sm_80'\n"
          "ptxas info    : Function properties for a\n"
          "    0 bytes stack frame, 0 bytes spill stores\n"
          "ptxas info    : Used 27 registers, used 1 barriers, 372 bytes "
          "cmem[0]\n"
          "ptxas info    : Compile time = 5.5 ms\n"
          "ptxas info    : Compiling entry function '_Z1bPf' for 'sm_80'\n"
          "ptxas info    : Used 8 registers, 352 bytes cmem[0]\n"),
      (std::map<std::string, unsigned>{{"_Z1bPf", 8}, {"a", 27}}));
  EXPECT_TRUE(registersFromLog("").empty());
}

TEST_F(Ptxas, IsFoundWhereTheOptionSays) {
  std::string path = script("");
  EXPECT_EQ(findPtxas(path, "", ""), path);
  EXPECT_EQ(findPtxas("", folder + "/bin", folder), "");
  EXPECT_EQ(findPtxas(folder + "/none", folder + "/bin", folder), "");
  EXPECT_EQ(findPtxas("auto", "/none::" + folder + "/bin", ""), path);
  EXPECT_EQ(findPtxas("auto", "/none", folder), path);
  EXPECT_EQ(findPtxas("auto", "", ""), "");
}

TEST_F(Ptxas, IsRunOnTheText) {
  // -v -arch=sm_86 INPUT -o OUTPUT
  std::string path = script(
      "[ \"$2\" = -arch=sm_86 ] || exit 1\n"
      "echo \"Compiling entry function '$(cat \"$3\")' for 'sm_86'\" >&2\n"
      "echo 'Used 12 registers' >&2\n");
  auto registers = measureRegisters("kernel name", 86, path);
  ASSERT_TRUE(registers);
  EXPECT_EQ(*registers, (std::map<std::string, unsigned>{{"kernel name", 12}}));
  EXPECT_FALSE(measureRegisters("kernel name", 80, path));
  EXPECT_FALSE(measureRegisters("kernel name", 86, ""));
  EXPECT_FALSE(measureRegisters("kernel name", 86, folder + "/none"));
}
