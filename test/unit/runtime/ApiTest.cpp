//===- ApiTest.cpp - The C and C++ interfaces -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/include/tenon/tenon.hpp"
#include "test/unit/runtime/EngineBuilder.h"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

using tenon::test::addOneEngine;
using tenon::test::EngineBuilder;
using tenon::test::floats;
using tenon::test::tensor;

TEST(Api, NamesAndVersion) {
  EXPECT_STREQ("0.1.0", tenon_version());
  EXPECT_STREQ("ok", tenon_status_name(TENON_OK));
  EXPECT_STREQ("internal", tenon_status_name(TENON_INTERNAL));
  EXPECT_STREQ("device-error", tenon_status_name(TENON_DEVICE_ERROR));
  EXPECT_STREQ("unknown", tenon_status_name(TenonStatus(99)));
  EXPECT_STREQ("float32", tenon_element_type_name(TENON_FLOAT32));
  EXPECT_STREQ("int2", tenon_element_type_name(TENON_INT2));
  EXPECT_STREQ("undefined", tenon_element_type_name(TenonElementType(77)));
  EXPECT_EQ(32, tenon_element_type_bits(TENON_FLOAT32));
  EXPECT_EQ(4, tenon_element_type_bits(TENON_UINT4));
  EXPECT_EQ(0, tenon_element_type_bits(TENON_STRING));
}

TEST(Api, NullsAreErrorsNotCrashes) {
  TenonError error;
  TenonEngine *engine;
  TenonContext *context;
  TenonTensor t = {};
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_engine_load_file(nullptr, nullptr, &engine, &error));
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_engine_load_file("x", nullptr, nullptr, &error));
  EXPECT_EQ(TENON_INVALID_ARGUMENT, tenon_engine_info(nullptr, nullptr));
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(nullptr, nullptr, &context, nullptr));
  EXPECT_EQ(
      TENON_INVALID_ARGUMENT,
      tenon_context_run(nullptr, nullptr, 0, nullptr, 0, nullptr, &error));
  EXPECT_STREQ("context: null", error.message);
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_state(nullptr, 0, &t, nullptr));
  EXPECT_EQ(-1, tenon_engine_find(nullptr, TENON_INPUT, "x"));
  EXPECT_EQ(0, tenon_context_profile_count(nullptr));
  tenon_context_cancel(nullptr);
  tenon_context_destroy(nullptr);
  tenon_engine_destroy(nullptr);
  EngineBuilder b = addOneEngine();
  engine = b.load();
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, nullptr, &context, &error));
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_run(context, nullptr, 1, &t, 1, nullptr, &error));
  std::vector<float> x(4);
  TenonTensor in = tensor(x, {1, 4});
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_run(context, &in, 1, nullptr, 1, nullptr, &error));
  EXPECT_STREQ("outputs: null", error.message);
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
}

TEST(Api, OptionsNeedTheirSize) {
  EngineBuilder b = addOneEngine();
  TenonEngine *engine = b.load();
  TenonContext *context;
  TenonContextOptions options = {};
  TenonError error;
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(engine, &options, &context, &error));
  EXPECT_STREQ("TenonContextOptions: struct_size is not set: expected "
               "sizeof(TenonContextOptions)",
               error.message);
  // A caller built with an older, shorter struct.
  options.struct_size = offsetof(TenonContextOptions, profile);
  options.threads = 1;
  options.profile = 1;
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, &options, &context, &error));
  EXPECT_EQ(0, tenon_context_profile_count(context));
  tenon_context_destroy(context);
  options.struct_size = sizeof(options);
  options.threads = -1;
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(engine, &options, &context, &error));
  options.threads = 1;
  options.arena = reinterpret_cast<void *>(8);
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(engine, &options, &context, &error));
  EXPECT_STREQ("arena: 0x8 is not aligned to 64 bytes", error.message);
  tenon_engine_destroy(engine);
}

TEST(Api, LongMessagesAreCut) {
  TenonError error;
  std::string path(5000, 'p');
  TenonEngine *engine;
  EXPECT_EQ(TENON_IO_ERROR,
            tenon_engine_load_file(path.c_str(), nullptr, &engine, &error));
  EXPECT_EQ(sizeof(error.message) - 1, std::strlen(error.message));
}

TEST(Api, EnqueueOnTheCpuHasNoStream) {
  EngineBuilder b = addOneEngine();
  TenonEngine *engine = b.load();
  TenonContext *context;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, nullptr, &context, &error));
  std::vector<float> x(4, 1.0f);
  TenonTensor in = tensor(x, {1, 4}), out = {};
  EXPECT_EQ(TENON_OK, tenon_context_enqueue(context, &in, 1, &out, 1, nullptr,
                                            nullptr, &error));
  EXPECT_EQ(2.0f, floats(out)[0]);
  int stream;
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_enqueue(context, &in, 1, &out, 1, nullptr, &stream,
                                  &error));
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
}

TEST(Api, CallersThreadPool) {
  EngineBuilder b;
  uint32_t n = b.constant(1000);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  b.launch("add_one", {x, y}, 1, {}, n);
  TenonEngine *engine = b.load();
  std::atomic<int> tasks{0};
  TenonThreadPool pool = {};
  pool.struct_size = sizeof(pool);
  pool.user = &tasks;
  pool.threads = 4;
  pool.run = [](void *user, int32_t count, void (*task)(void *, int32_t),
                void *argument) {
    for (int32_t i = 0; i < count; ++i) {
      ++*static_cast<std::atomic<int> *>(user);
      task(argument, i);
    }
  };
  TenonContextOptions options = {};
  options.struct_size = sizeof(options);
  options.pool = &pool;
  TenonContext *context;
  TenonError error;
  ASSERT_EQ(TENON_OK, tenon_context_create(engine, &options, &context, &error));
  std::vector<float> data(1000, 1.0f);
  TenonTensor in = tensor(data, {1000}), out = {};
  ASSERT_EQ(TENON_OK,
            tenon_context_run(context, &in, 1, &out, 1, nullptr, &error));
  EXPECT_EQ(std::vector<float>(1000, 2.0f), floats(out));
  EXPECT_EQ(4, tasks.load());
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
}

TEST(Api, CppWrapper) {
  EngineBuilder b = addOneEngine();
  std::vector<uint8_t> file = b.file();
  auto engine = tenon::Engine::loadMemory(file.data(), file.size());
  ASSERT_TRUE(engine) << engine.error().message();
  EXPECT_EQ(1, engine->inputCount());
  EXPECT_STREQ("x", engine->input(0).name);
  EXPECT_STREQ("batch", engine->input(0).dim_names[0]);
  EXPECT_EQ(0, engine->find(TENON_OUTPUT, "y"));
  TenonContextOptions options = {};
  options.threads = 2;
  options.profile = 1;
  auto context = engine->createContext(options);
  ASSERT_TRUE(context);
  std::vector<float> x = {1, 2, 3, 4};
  std::vector<tenon::Tensor> in = {tenon::Tensor::of(x.data(), {1, 4})};
  std::vector<tenon::Tensor> out(1);
  tenon::Error error = context->run(in, out);
  ASSERT_FALSE(error) << error.message();
  EXPECT_EQ((std::vector<int64_t>{1, 4}), out[0].shape());
  ASSERT_TRUE(out[0].as<float>());
  EXPECT_EQ(5.0f, out[0].as<float>()[3]);
  EXPECT_EQ(nullptr, out[0].as<int64_t>());
  EXPECT_EQ(1u, context->profile().size());
  in[0] = tenon::Tensor::of(x.data(), {2, 2});
  error = context->run(in, out);
  EXPECT_TRUE(error);
  EXPECT_EQ(TENON_INVALID_INPUT, error.status());
  auto missing = tenon::Engine::load("/nowhere/x.tenon");
  EXPECT_FALSE(missing);
  EXPECT_EQ(TENON_IO_ERROR, missing.error().status());
}
