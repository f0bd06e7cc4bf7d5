//===- CodeObjectTest.cpp - Loading kernels from memory -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CodeObject.h"
#include "test/unit/runtime/EngineBuilder.h"

#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>

using namespace tenon;
using namespace tenon::runtime;

static std::vector<char> kernels() { return test::EngineBuilder().blobs[0]; }

static float addOne(const CodeObject &code, float x) {
  TenonKernelFunction function = code.find("add_one");
  EXPECT_TRUE(function);
  float y = 0;
  void *buffers[] = {&x, &y};
  TenonErrorRecord error;
  if (function)
    function(buffers, nullptr, 0, 1, nullptr, &error);
  return y;
}

TEST(CodeObject, BothWays) {
  for (auto way : {CodeObject::Way::Best, CodeObject::Way::TemporaryFile}) {
    std::vector<char> bytes = kernels();
    CodeObject code;
    Status status = code.load(bytes.data(), bytes.size(), way);
    ASSERT_FALSE(status.failed()) << status.message();
    std::fill(bytes.begin(), bytes.end(), 0); // no longer needed
    EXPECT_EQ(3.0f, addOne(code, 2.0f));
    EXPECT_EQ(nullptr, code.find("no_such_kernel"));
  }
}

TEST(CodeObject, ManyAtOnceAreDifferentLibraries) {
  std::vector<char> bytes = kernels();
  std::vector<std::unique_ptr<CodeObject>> all;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 8; ++i) {
      all.push_back(std::make_unique<CodeObject>());
      ASSERT_FALSE(all.back()->load(bytes.data(), bytes.size()).failed());
    }
    for (size_t i = 0; i < all.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        EXPECT_NE(all[i]->find("add_one"), all[k]->find("add_one"));
    // Freed descriptors get reused by the next round.
    all.erase(all.begin(), all.begin() + 4);
  }
}

TEST(CodeObject, NoMemoryIsWritableAndExecutable) {
  std::vector<char> bytes = kernels();
  CodeObject code;
  ASSERT_FALSE(code.load(bytes.data(), bytes.size()).failed());
  std::FILE *maps = std::fopen("/proc/self/maps", "r");
  if (!maps)
    GTEST_SKIP() << "no /proc";
  char line[1024];
  int found = 0;
  while (std::fgets(line, sizeof(line), maps))
    if (std::strstr(line, "tenon-kernels")) {
      ++found;
      const char *permissions = std::strchr(line, ' ') + 1;
      EXPECT_FALSE(permissions[1] == 'w' && permissions[2] == 'x') << line;
    }
  std::fclose(maps);
  EXPECT_GT(found, 0);
}

TEST(CodeObject, OtherThingsAreRefused) {
  CodeObject code;
  EXPECT_EQ("code object: 3 bytes are too few for a shared library",
            code.load("abc", 3).message());
  std::vector<char> bytes(100, 'x');
  EXPECT_EQ("code object: not a 64-bit ELF shared library",
            code.load(bytes.data(), bytes.size()).message());
  bytes = kernels();
  bytes[18] = char(183); // e_machine: AArch64
  Status status = code.load(bytes.data(), bytes.size());
  EXPECT_EQ(TENON_UNSUPPORTED, status.code());
  bytes = kernels();
  bytes.resize(200);
  EXPECT_EQ(TENON_INVALID_ENGINE, code.load(bytes.data(), bytes.size()).code());
}
