//===- InputsTest.cpp - From flags to tensors -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Inputs.h"
#include "test/unit/tools/ToolRunner.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;
using namespace tenon::tools;
using schema::ElementType;

/// An engine with one input of that type, x[n], and one named "a:0"[2].
static Engine engineOf(ElementType type) {
  EngineBuilder b;
  uint32_t n = b.symbolExpr(b.symbol("n", 0, 1000, 0, 0));
  b.input("x", {n}, type);
  b.input("a:0", {b.constant(2)});
  std::vector<uint8_t> file = b.file();
  auto engine = Engine::loadMemory(file.data(), file.size());
  EXPECT_TRUE(engine) << engine.error().message();
  return std::move(*engine);
}

static std::string make(const Engine &engine, const InputFlags &flags,
                        std::vector<BoundTensor> &inputs) {
  std::vector<std::string> notes;
  inputs.clear();
  return makeInputs(engine, flags, inputs, notes);
}

TEST(Inputs, RandomIsSeededAndSmall) {
  Engine engine = engineOf(ElementType::Int64);
  InputFlags flags;
  flags.random = true;
  flags.shapes = {"x:100"};
  std::vector<BoundTensor> one, two;
  ASSERT_EQ("", make(engine, flags, one));
  ASSERT_EQ("", make(engine, flags, two));
  EXPECT_EQ(one[0].data, two[0].data);
  EXPECT_EQ(one[1].data, two[1].data);
  flags.seed = 1;
  ASSERT_EQ("", make(engine, flags, two));
  EXPECT_NE(one[0].data, two[0].data);
  const auto *integers = reinterpret_cast<const int64_t *>(one[0].data.data());
  int64_t sum = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(integers[i] == 0 || integers[i] == 1);
    sum += integers[i];
  }
  EXPECT_GT(sum, 20);
  EXPECT_LT(sum, 80);
}

TEST(Inputs, RandomFloatsAreNormal) {
  Engine engine = engineOf(ElementType::Float32);
  InputFlags flags;
  flags.random = true;
  flags.shapes = {"x:1000"};
  std::vector<BoundTensor> inputs;
  ASSERT_EQ("", make(engine, flags, inputs));
  const auto *values = reinterpret_cast<const float *>(inputs[0].data.data());
  double sum = 0, squares = 0;
  for (int i = 0; i < 1000; ++i) {
    sum += values[i];
    squares += double(values[i]) * values[i];
  }
  // Five standard errors of 1000 draws.
  EXPECT_NEAR(0, sum / 1000, 0.16);
  EXPECT_NEAR(1, squares / 1000, 0.23);
}

TEST(Inputs, UnspecifiedDimensionsAreOneAndSaidSo) {
  Engine engine = engineOf(ElementType::Float32);
  InputFlags flags;
  flags.random = true;
  std::vector<BoundTensor> inputs;
  std::vector<std::string> notes;
  ASSERT_EQ("", makeInputs(engine, flags, inputs, notes));
  ASSERT_EQ(1u, notes.size());
  EXPECT_EQ("input 'x': dimension 0 (n) is not given, taking 1; see --shapes",
            notes[0]);
  EXPECT_EQ(1, inputs[0].tensor.dims[0]);
}

TEST(Inputs, FilesByNameAndArchives) {
  WorkFolder folder;
  Engine engine = engineOf(ElementType::Float32);
  ASSERT_EQ(
      "", writeNpz(folder.path("in.npz"), {{"x", floatArray({3}, {1, 2, 3})},
                                           {"a:0", floatArray({2}, {4, 5})}}));
  InputFlags flags;
  flags.files = {folder.path("in.npz")};
  std::vector<BoundTensor> inputs;
  ASSERT_EQ("", make(engine, flags, inputs));
  EXPECT_EQ(3, inputs[0].tensor.dims[0]);
  EXPECT_EQ(12u, inputs[0].tensor.bytes);
  // Names may hold colons.
  folder.write("a.bin", std::string(8, '\0'));
  flags.files = {folder.path("in.npz"), "a:0:" + folder.path("a.bin")};
  ASSERT_EQ("", make(engine, flags, inputs));
  EXPECT_EQ(std::vector<char>(8, '\0'), inputs[1].data);
  flags.files = {"x:" + folder.path("a.bin"), "a:0:" + folder.path("a.bin")};
  flags.shapes = {"x:2"};
  ASSERT_EQ("", make(engine, flags, inputs));
  EXPECT_EQ(2, inputs[0].tensor.dims[0]);
}

TEST(Inputs, FaultsAreNamed) {
  WorkFolder folder;
  Engine engine = engineOf(ElementType::Float32);
  std::vector<BoundTensor> inputs;
  auto message = [&](std::vector<std::string> files,
                     std::vector<std::string> shapes = {}) {
    InputFlags flags;
    flags.files = std::move(files);
    flags.shapes = std::move(shapes);
    return make(engine, flags, inputs);
  };
  EXPECT_EQ("input 'x' is missing: give it with --inputs, or use "
            "--random-inputs=SEED",
            message({}));
  EXPECT_EQ("--shapes=q:1: no such input; the engine has 'x', 'a:0'",
            message({}, {"q:1"}));
  EXPECT_EQ("--shapes=x:1y2: expected sizes as in 1x3x224x224, got '1y2'",
            message({}, {"x:1y2"}));
  EXPECT_EQ("--inputs=what.txt: expected FILE.npz, or NAME:FILE with NAME one "
            "of 'x', 'a:0'",
            message({"what.txt"}));
  std::string archive = folder.path("in.npz");
  ASSERT_EQ("", writeNpz(archive, {{"z", floatArray({1}, {1})}}));
  EXPECT_EQ(archive + ": the engine has no input 'z'; it has 'x', 'a:0'",
            message({archive}));
  tools::Array wrong = floatArray({1}, {1});
  wrong.type = "i4";
  ASSERT_EQ("", writeNpz(archive, {{"x", wrong}}));
  EXPECT_EQ("input 'x': expected type float32, got NumPy type i4",
            message({archive}));
  ASSERT_EQ("", writeNpz(archive, {{"x", floatArray({1}, {1})},
                                   {"a:0", floatArray({2}, {1, 2})}}));
  EXPECT_EQ("input 'x': the data has shape 1, --shapes says 2",
            message({archive}, {"x:2"}));
  folder.write("a.bin", std::string(8, '\0'));
  EXPECT_EQ("input 'x': a raw file has no shape: give --shapes=x:...",
            message({"x:" + folder.path("a.bin")}));
  EXPECT_EQ(folder.path("a.bin") + ": 8 bytes, input 'x' of shape 3 has 12",
            message({"x:" + folder.path("a.bin")}, {"x:3"}));
}

/// floats => type => floats, through an input and back as an output would.
static std::vector<float> roundTrip(ElementType type,
                                    const std::vector<float> &values) {
  WorkFolder folder;
  Engine engine = engineOf(type);
  EXPECT_EQ("", writeNpz(folder.path("in.npz"),
                         {{"x", floatArray({int64_t(values.size())}, values)},
                          {"a:0", floatArray({2}, {0, 0})}}));
  InputFlags flags;
  flags.files = {folder.path("in.npz")};
  std::vector<BoundTensor> inputs;
  EXPECT_EQ("", make(engine, flags, inputs));
  std::vector<double> wide;
  EXPECT_TRUE(toDoubles(toArray(inputs[0].tensor), wide));
  return {wide.begin(), wide.end()};
}

TEST(Inputs, TypesThatNumPyLacks) {
  float inf = INFINITY;
  // 1 + 2^-8 lies half way between two bfloat16: to even.
  EXPECT_EQ((std::vector<float>{1, -2.5f, 1, 1.015625f, inf, -0.0f}),
            roundTrip(ElementType::BFloat16,
                      {1, -2.5f, 1.00390625f, 1.01171875f, 3.4e38f, -0.0f}));
  EXPECT_EQ(
      (std::vector<float>{448, 448, -448, 1.125f, 0.015625f}),
      roundTrip(ElementType::Float8E4M3FN, {448, 1e6f, -inf, 1.1f, 0.0156f}));
  EXPECT_EQ((std::vector<float>{57344, inf, 1.25f, -inf}),
            roundTrip(ElementType::Float8E5M2, {57344, 1e6f, 1.2f, -inf}));
  EXPECT_EQ((std::vector<float>{240, 240, 1.125f}),
            roundTrip(ElementType::Float8E4M3FNUZ, {240, 1e6f, 1.1f}));
  EXPECT_TRUE(std::isnan(roundTrip(ElementType::Float8E4M3FN, {NAN})[0]));
  EXPECT_TRUE(std::isnan(roundTrip(ElementType::Float8E5M2FNUZ, {NAN})[0]));
  EXPECT_TRUE(std::isnan(roundTrip(ElementType::BFloat16, {NAN})[0]));
}

TEST(Inputs, PackedIntegers) {
  WorkFolder folder;
  for (auto [type, expected] :
       {std::pair(ElementType::Int4, std::vector<double>{-8, 7, -1}),
        std::pair(ElementType::UInt4, std::vector<double>{8, 7, 15}),
        std::pair(ElementType::Int2, std::vector<double>{0, -1, -1}),
        std::pair(ElementType::UInt2, std::vector<double>{0, 3, 3})}) {
    Engine engine = engineOf(type);
    tools::Array array;
    array.type = "i1";
    array.shape = {3};
    array.data = {-8, 7, -1};
    ASSERT_EQ("", writeNpz(folder.path("in.npz"),
                           {{"x", array}, {"a:0", floatArray({2}, {0, 0})}}));
    InputFlags flags;
    flags.files = {folder.path("in.npz")};
    std::vector<BoundTensor> inputs;
    ASSERT_EQ("", make(engine, flags, inputs));
    EXPECT_EQ(type == ElementType::Int4 || type == ElementType::UInt4 ? 2u : 1u,
              inputs[0].tensor.bytes);
    std::vector<double> wide;
    ASSERT_TRUE(toDoubles(toArray(inputs[0].tensor), wide));
    EXPECT_EQ(expected, wide);
  }
}
