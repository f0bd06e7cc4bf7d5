//===- EngineTest.cpp - Variants, constants, the init program -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CpuTarget.h"
#include "test/unit/runtime/EngineBuilder.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

using namespace tenon;
using namespace tenon::test;

static std::string loadMessage(EngineBuilder &b) {
  std::string message;
  tenon_engine_destroy(b.load(&message));
  return message;
}

/// Adds a copy of the variant for another target, before the first.
static void addVariantBefore(EngineBuilder &b, const std::string &isa) {
  if (b.variant().blocks.empty())
    b.block(0, uint32_t(b.variant().instructions.size()));
  b.engine.variants.insert(b.engine.variants.begin(),
                           std::make_unique<schema::VariantT>(b.variant()));
  b.variant().target->isa = isa;
}

static std::string targetOf(TenonEngine *engine) {
  TenonEngineInfo info = {};
  info.struct_size = sizeof(info);
  return tenon_engine_info(engine, &info) == TENON_OK ? info.target : "?";
}

TEST(Engine, TakesTheFirstVariantThatTheMachineRuns) {
  EngineBuilder b = addOneEngine();
  addVariantBefore(b, "x86-64-v99");
  TenonEngine *engine = b.load();
  ASSERT_TRUE(engine);
  EXPECT_EQ("x86-64", targetOf(engine));
  tenon_engine_destroy(engine);

  std::string level = runtime::hostCpuLevel();
  if (level != "x86-64" && !level.empty()) {
    EngineBuilder c = addOneEngine();
    addVariantBefore(c, level);
    engine = c.load();
    ASSERT_TRUE(engine);
    EXPECT_EQ(level, targetOf(engine));
    tenon_engine_destroy(engine);
  }
}

TEST(Engine, NoVariantRunsHere) {
  EngineBuilder b = addOneEngine();
  b.variant().target->features = {"avx512quantum"};
  EXPECT_EQ("no variant runs on this machine, which is " +
                runtime::hostCpuLevel() +
                " (x86-64+avx512quantum: this machine lacks avx512quantum): "
                "recompile for it with tenonc --cpu",
            loadMessage(b));
  b.variant().target->features.clear();
  b.variant().target->isa = "armv9-a";
  EXPECT_NE(std::string::npos, loadMessage(b).find("unknown level 'armv9-a'"));
  b.engine.variants.clear();
  std::vector<uint8_t> file = writeEngineToMemory(b.engine, {});
  EXPECT_EQ("the engine holds no variant", loadError(file));
}

TEST(Engine, TargetCanBeAskedFor) {
  EngineBuilder b = addOneEngine();
  addVariantBefore(b, "x86-64-v2");
  std::vector<uint8_t> bytes = b.file();
  TenonLoadOptions options = {};
  options.struct_size = sizeof(options);
  options.target = "x86-64";
  TenonEngine *engine = nullptr;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_engine_load_memory(bytes.data(), bytes.size(), 1,
                                               &options, &engine, &error));
  EXPECT_EQ("x86-64", targetOf(engine));
  tenon_engine_destroy(engine);
  options.target = "x86-64-v7";
  EXPECT_EQ(TENON_UNSUPPORTED,
            tenon_engine_load_memory(bytes.data(), bytes.size(), 1, &options,
                                     &engine, &error));
  EXPECT_STREQ("cannot use variant 'x86-64-v7' (x86-64-v2: not the one asked "
               "for; x86-64: not the one asked for)",
               error.message);
}

/// y = x * w, where w is a raw constant or, twice as large, a derived one.
static EngineBuilder weightEngine(bool derived) {
  EngineBuilder b;
  uint32_t n = b.constant(4);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t w = b.constantValue({1, 2, 3, 4});
  uint32_t used = w;
  if (derived)
    used = b.derivedValue(16);
  b.launch("multiply", {x, used, y}, 2, {}, n);
  if (derived) {
    uint32_t t = b.temp(b.constant(16));
    b.launch("twice", {w, t}, 1, {}, n);
    b.copy(t, used);
    b.block(0, 1);
    b.variant().init_block = int32_t(b.block(1, 2));
  }
  return b;
}

TEST(Engine, ConstantsAreUsedInPlaceOrDerived) {
  for (bool derived : {false, true}) {
    EngineBuilder b = weightEngine(derived);
    Session s(b);
    std::vector<float> x = {1, 1, 1, 10};
    std::vector<TenonTensor> out(1);
    EXPECT_EQ("", s.run({tensor(x, {4})}, out));
    EXPECT_EQ(derived ? (std::vector<float>{2, 4, 6, 80})
                      : (std::vector<float>{1, 2, 3, 40}),
              floats(out[0]));
  }
}

TEST(Engine, HugePagesGiveTheSameResults) {
  EngineBuilder b = weightEngine(true);
  b.constantValue(std::vector<float>(1 << 20, 1.0f));
  std::vector<uint8_t> bytes = b.file();
  TenonLoadOptions options = {};
  options.struct_size = sizeof(options);
  options.huge_pages = 1;
  TenonEngine *engine = nullptr;
  TenonContext *context = nullptr;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_engine_load_memory(bytes.data(), bytes.size(), 1,
                                               &options, &engine, &error))
      << error.message;
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, nullptr, &context, &error));
  std::vector<float> x = {1, 1, 1, 1};
  TenonTensor in = tensor(x, {4}), out = {};
  EXPECT_EQ(TENON_OK,
            tenon_context_run(context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_EQ((std::vector<float>{2, 4, 6, 8}), floats(out));
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
}

TEST(Engine, InitFailuresAreReported) {
  EngineBuilder b = weightEngine(true);
  auto &choices = b.variant().instructions[1]->operation.AsLaunch()->choices;
  choices[0]->guard = int32_t(b.constant(0));
  EXPECT_EQ("while preparing constants: instruction 1 (kernel 'twice'): none "
            "of its kernels takes these sizes",
            loadMessage(b));
}

TEST(Engine, MalformedConstantsAreRefused) {
  EngineBuilder b = weightEngine(false);
  b.variant().constants[0]->offset = 64;
  EXPECT_EQ("variants[0].constants[0]: bytes 64 + 16 are not in blob 1 (16 "
            "bytes), or not aligned to 64",
            loadMessage(b));
  b.variant().constants[0]->offset = 0;
  b.variant().constants[0]->blob = 2;
  EXPECT_EQ("variants[0].constants[0].blob: 2 is past the end (2 blobs)",
            loadMessage(b));
  b.variant().constants[0]->blob = -1;
  EXPECT_EQ("variants[0].constants[0].blob: -1 is past the end (2 blobs)",
            loadMessage(b));
  b.variant().constants[0]->kind = schema::ConstantKind::Derived;
  b.variant().constants[0]->size = uint64_t(1) << 60;
  EXPECT_EQ("variants[0].constants[0]: impossible size 1152921504606846976",
            loadMessage(b));
}

TEST(Engine, InfoAndLog) {
  EngineBuilder b = weightEngine(false);
  std::vector<uint8_t> bytes = b.file();
  std::string log;
  TenonLoadOptions options = {};
  options.struct_size = sizeof(options);
  options.log_user = &log;
  options.log = [](void *user, TenonSeverity, const char *message) {
    *static_cast<std::string *>(user) += message;
  };
  TenonEngine *engine = nullptr;
  ASSERT_EQ(TENON_OK, tenon_engine_load_memory(bytes.data(), bytes.size(), 1,
                                               &options, &engine, nullptr));
  EXPECT_EQ("loaded 'test': variant x86-64, 1 instructions, 16 bytes of "
            "constants",
            log);
  TenonEngineInfo info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(TENON_OK, tenon_engine_info(engine, &info));
  EXPECT_STREQ("test", info.model);
  EXPECT_STREQ("tenon test", info.builder);
  EXPECT_EQ(bytes.size(), info.file_bytes);
  EXPECT_EQ(16u, info.constant_bytes);
  EXPECT_EQ(1, info.format_version);
  EXPECT_EQ(1, info.input_count);
  EXPECT_EQ(1, info.output_count);
  EXPECT_EQ(0, info.state_count);
  EXPECT_EQ(1, info.variant_count);
  tenon_engine_destroy(engine);
}
