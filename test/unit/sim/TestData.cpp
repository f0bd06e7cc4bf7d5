//===- TestData.cpp - PTX of the tests
//--------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/TestData.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace tenon;
using namespace tenon::sim::ptx;

std::string test::readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> test::dataFiles() {
  std::vector<std::string> names;
  for (const auto &entry :
       std::filesystem::directory_iterator(TENON_SIM_TEST_DATA))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string test::readData(const std::string &name) {
  return readFile(std::string(TENON_SIM_TEST_DATA) + "/" + name);
}

std::string test::errorsOf(const std::string &text) {
  auto result = parse(text);
  std::string lines;
  if (const auto *errors = std::get_if<Diagnostics>(&result))
    for (const Diagnostic &error : *errors)
      lines += (lines.empty() ? "" : "\n") + error.text();
  return lines;
}

Module test::parseGood(const std::string &text) {
  auto result = parse(text);
  if (auto *module = std::get_if<Module>(&result))
    return std::move(*module);
  ADD_FAILURE() << errorsOf(text);
  return {};
}

std::string test::kernelWith(const std::string &line,
                             const std::string &target) {
  return ".version 9.0\n.target " + target +
         "\n.address_size 64\n"
         ".shared .align 16 .b8 tile[64];\n"
         ".global .align 16 .b8 data[64];\n"
         ".func (.param .b32 y) callee(.param .b32 x);\n"
         ".entry kernel(.param .u64 argument) { .reg .pred p<4>;\n"
         ".reg .b16 h<4>; .reg .b32 r<8>; .reg .b64 d<8>;\n"
         ".reg .u32 u<4>; .reg .f32 f<8>; .reg .f64 e<8>;\n" +
         line + "\n}\n";
}
