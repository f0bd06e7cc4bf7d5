//===- WriteTestEngine.cpp - An engine file for tests of programs ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// write-test-engine KIND FILE: `flat` is y[batch, 4] = x[batch, 4] + 1;
// `image` is y[1, 1, h, w] = the green channel of x[1, 3, h, w] as the first
// plane sees it, plus 1: the shapes of a text detector.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/EngineBuilder.h"

#include <cstdio>
#include <string>

using namespace tenon::test;

static EngineBuilder imageEngine() {
  EngineBuilder b;
  uint32_t height = b.symbolExpr(b.symbol("height", 1, 4096, 0, 2));
  uint32_t width = b.symbolExpr(b.symbol("width", 1, 4096, 0, 3));
  uint32_t one = b.constant(1);
  uint32_t x = b.input("x", {one, b.constant(3), height, width});
  uint32_t y = b.output("y", {one, one, height, width});
  b.launch("add_one", {x, y}, 1, {}, b.mul(height, width));
  return b;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  EngineBuilder builder =
      std::string(argv[1]) == "image" ? imageEngine() : addOneEngine();
  std::vector<uint8_t> bytes = builder.file();
  std::FILE *file = std::fopen(argv[2], "wb");
  if (!file)
    return 1;
  bool fine = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && fine ? 0 : 1;
}
