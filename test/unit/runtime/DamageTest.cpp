//===- DamageTest.cpp - Truncated and altered engines ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every byte of the file lies under a checksum, so every change must be an
// error. A hostile file has right checksums: there the decoder is on its own,
// and must neither crash nor read past the end (this is what the sanitizers
// watch), whether it loads or not.
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace tenon;
using namespace tenon::test;

/// An engine with a bit of everything.
static EngineBuilder richEngine() {
  EngineBuilder b = addOneEngine();
  uint32_t w = b.constantValue({1, 2, 3, 4});
  uint32_t d = b.derivedValue(16);
  uint32_t t = b.temp(b.constant(16));
  uint32_t s = b.runTimeSymbol("s", 0, 9);
  uint32_t n = b.temp(b.constant(8));
  b.launch("count_positive", {w, n}, 1, {b.constant(4)}, b.constant(1));
  b.readBack(n, schema::ElementType::Int64, s);
  schema::IfT branch;
  branch.condition = b.symbolExpr(s);
  branch.then_block = 1;
  b.instruction(std::move(branch));
  b.launch("multiply", {w, d, t}, 2, {}, b.constant(4), "Mul_1");
  b.launch("twice", {w, d}, 1, {}, b.constant(4));
  b.block(0, 4);
  b.block(4, 1);
  b.variant().init_block = int32_t(b.block(5, 1));
  auto rule = std::make_unique<schema::ConstraintT>();
  rule->kind = schema::ConstraintKind::LessEqual;
  rule->lhs = 0;
  rule->rhs = b.constant(64);
  rule->text = "batch must be at most 64";
  b.engine.constraints.push_back(std::move(rule));
  return b;
}

TEST(Damage, RichEngineIsSound) {
  EngineBuilder b = richEngine();
  Session s(b, 2);
  std::vector<float> x(8);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {2, 4})}, out));
}

TEST(Damage, TruncatedAnywhere) {
  std::vector<uint8_t> file = richEngine().file();
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    size_t length = i < 70 ? size_t(i) : random() % file.size();
    std::string message = loadError(
        std::vector<uint8_t>(file.begin(), file.begin() + long(length)));
    EXPECT_TRUE(message.find("truncated") != std::string::npos ||
                (length == 0 && !message.empty()))
        << length << ": " << message;
  }
}

TEST(Damage, EveryChangedByteIsFound) {
  std::vector<uint8_t> file = richEngine().file();
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    // The first kilobyte wholly, the rest at random.
    size_t at = i < 1000 ? size_t(i) : random() % file.size();
    uint8_t before = file[at];
    file[at] = uint8_t(before ^ (1 + random() % 255));
    std::string message = loadError(file);
    EXPECT_TRUE(message.find("damaged") != std::string::npos ||
                message.find("not an engine") != std::string::npos ||
                message.find("ONNX") != std::string::npos)
        << "byte " << at << ": " << message;
    file[at] = before;
  }
}

TEST(Damage, TrailingBytes) {
  std::vector<uint8_t> file = richEngine().file();
  file.push_back(0);
  EXPECT_NE(std::string::npos, loadError(file).find("damaged"));
}

static void repairChecksums(std::vector<uint8_t> &file) {
  EnginePreamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  for (uint64_t chunk = 0, at = preamble.bodyOffset; at < file.size();
       ++chunk, at += kChunkBytes) {
    uint64_t size = std::min<uint64_t>(kChunkBytes, file.size() - at);
    uint64_t checksum = XXH3_64bits(file.data() + at, size);
    std::memcpy(&file[64 + chunk * 8], &checksum, 8);
  }
  preamble.tableChecksum = XXH3_64bits(&file[64], preamble.bodyOffset - 64);
  preamble.checksum =
      XXH3_64bits(&preamble, offsetof(EnginePreamble, checksum));
  std::memcpy(file.data(), &preamble, sizeof(preamble));
}

/// Changes bytes of the program in `file` at random, 3000 times, and gives each
/// engine that still loads to `use`. Returns how many were refused.
template <typename Use>
static int loadAltered(const std::vector<uint8_t> &file,
                       const TenonLoadOptions *options, Use use) {
  EnginePreamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  std::mt19937 random(3);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<uint8_t> changed = file;
    for (int k = 1 + int(random() % 4); k > 0; --k) {
      size_t at = preamble.bodyOffset + random() % preamble.headerBytes;
      static const uint8_t interesting[] = {0, 1, 0x7f, 0x80, 0xff};
      changed[at] =
          random() % 2 ? uint8_t(random()) : interesting[random() % 5];
    }
    repairChecksums(changed);
    TenonEngine *engine = nullptr;
    TenonContext *context = nullptr;
    if (tenon_engine_load_memory(changed.data(), changed.size(), 1, options,
                                 &engine, nullptr) != TENON_OK) {
      ++refused;
      continue;
    }
    if (tenon_context_create(engine, nullptr, &context, nullptr) == TENON_OK)
      use(context);
    tenon_context_destroy(context);
    tenon_engine_destroy(engine);
  }
  return refused;
}

static TenonTensor twoByFour() {
  TenonTensor in = {};
  in.type = TENON_FLOAT32;
  in.rank = 2;
  in.dims[0] = 2;
  in.dims[1] = 4;
  return in;
}

TEST(Damage, HostileProgramsNeverCrashTheLoader) {
  // Without the init program, which would run.
  EngineBuilder rich = richEngine();
  rich.variant().init_block = -1;
  // What survives is planned, but not run: the kernels' own bounds are what the
  // compiler promised (an engine holds native code).
  int refused = loadAltered(rich.file(), nullptr, [](TenonContext *context) {
    TenonTensor in = twoByFour(), out = {};
    (void)tenon_context_output_shapes(context, &in, 1, &out, 1, nullptr);
  });
  EXPECT_GT(refused, 1000);
}

TEST(Damage, HostileCudaProgramsNeverCrashTheRuntime) {
  // On a driver whose kernels do nothing, what survives can even be run, its
  // init program, too: copies and fills must stay inside.
  CudaBuilder b = cudaAddOne();
  uint32_t w = b.constantValue({1, 2, 3, 4}), d = b.derivedValue(16);
  uint32_t t = b.temp(b.constant(16)), n = b.temp(b.constant(8));
  uint32_t part = b.alias(t, b.constant(8), b.constant(8));
  uint32_t s = b.runTimeSymbol("s", 0, 9);
  b.fill(n, 1);
  b.copy(n, part);
  b.readBack(n, schema::ElementType::UInt8, s);
  schema::IfT branch;
  branch.condition = b.symbolExpr(s);
  branch.then_block = 1;
  b.instruction(std::move(branch));
  b.cuda("multiply", {w, d, t}, 2, b.constant(4), {}, "Mul_1");
  b.cuda("twice", {w, d}, 1, b.constant(4));
  b.copy(w, d);
  b.block(0, 5);
  b.block(5, 1);
  b.variant().init_block = int32_t(b.block(6, 2));
  TenonLoadOptions options = {};
  options.struct_size = sizeof(options);
  options.device = TENON_DEVICE_CUDA;
  options.cuda_driver = TENON_TEST_FAKE_DRIVER;
  int ran = 0;
  int refused = loadAltered(b.file(), &options, [&](TenonContext *context) {
    std::vector<float> data(8);
    TenonTensor in = tensor(data, {2, 4}), out = {};
    ran += tenon_context_run(context, &in, 1, &out, 1, nullptr, nullptr) ==
           TENON_OK;
  });
  EXPECT_GT(refused, 1000);
  EXPECT_GT(ran, 100);
}
