//===- ToolRunner.cpp - Running a program in a folder of its own ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/tools/ToolRunner.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/wait.h>

using namespace tenon;
using namespace tenon::test;

WorkFolder::WorkFolder() {
  std::string pattern = testing::TempDir() + "tenon-tools-XXXXXX";
  const char *made = mkdtemp(&pattern[0]);
  EXPECT_TRUE(made);
  folder = pattern;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

void WorkFolder::write(const std::string &name,
                       const std::string &bytes) const {
  std::ofstream(path(name), std::ios::binary) << bytes;
}

void WorkFolder::write(const std::string &name, EngineBuilder &engine) const {
  std::vector<uint8_t> bytes = engine.file();
  write(name, std::string(bytes.begin(), bytes.end()));
}

std::string WorkFolder::read(const std::string &name) const {
  std::ifstream file(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool WorkFolder::exists(const std::string &name) const {
  return std::filesystem::exists(path(name));
}

Ran WorkFolder::run(const std::string &command) const {
  Ran ran;
  std::string line = "cd '" + folder + "' && " + command + " >.out 2>.err";
  int status = std::system(line.c_str());
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  ran.out = read(".out");
  ran.err = read(".err");
  return ran;
}

tools::Array tenon::test::floatArray(const std::vector<int64_t> &shape,
                                     const std::vector<float> &values) {
  tools::Array array;
  array.type = "f4";
  array.shape = shape;
  array.data.resize(values.size() * 4);
  if (!values.empty())
    std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}
