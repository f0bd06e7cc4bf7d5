//===- CudaEngineTest.cpp - Variants, images and constants on CUDA --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"
#include "test/unit/runtime/HostProgram.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;

static std::string loadMessage(EngineBuilder &b, TenonLoadOptions options) {
  std::string message;
  tenon_engine_destroy(b.load(&message, options));
  return message;
}

static bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

/// The CUDA engine of cudaAddOne with a CPU variant of the same program behind
/// it.
static CudaBuilder bothVariants() {
  EngineBuilder cpu = addOneEngine();
  CudaBuilder b = cudaAddOne();
  b.block(0, 1);
  auto other = std::make_unique<schema::VariantT>(cpu.variant());
  other->blocks.emplace_back(0, 1);
  other->code = 1;
  b.blobs.push_back(cpu.blobs[0]);
  // What the CPU's program names: numbers by the same indices.
  auto &launch = *other->instructions[0]->operation.AsLaunch();
  launch.choices[0]->tasks = b.choiceOf(0).tasks;
  for (size_t v = 0; v < 2; ++v)
    other->values[v]->size = b.variant().values[v]->size;
  b.engine.variants.push_back(std::move(other));
  return b;
}

static TenonEngineInfo infoOf(TenonEngine *engine) {
  TenonEngineInfo info = {};
  info.struct_size = sizeof(info);
  EXPECT_EQ(TENON_OK, tenon_engine_info(engine, &info));
  return info;
}

TEST(CudaEngine, InfoNamesTheDevice) {
  CudaBuilder b = cudaAddOne();
  CudaSession s(b);
  TenonEngineInfo info = infoOf(s.engine);
  EXPECT_STREQ("sm_80", info.target);
  EXPECT_EQ(TENON_DEVICE_CUDA, info.device);
  EXPECT_TRUE(contains(info.device_name, "A100")) << info.device_name;
}

TEST(CudaEngine, AutoTakesTheBestThatTheMachineRuns) {
  CudaBuilder b = bothVariants();
  std::vector<float> x(4, 1.0f);
  std::vector<TenonTensor> out(1);
  for (TenonDevice device :
       {TENON_DEVICE_AUTO, TENON_DEVICE_CPU, TENON_DEVICE_CUDA}) {
    TenonLoadOptions options = simulated();
    options.device = device;
    Session s(b, options, {});
    EXPECT_EQ("", s.run({tensor(x, {1, 4})}, out));
    EXPECT_EQ(std::vector<float>(4, 2.0f), floats(out[0]));
    TenonEngineInfo info = infoOf(s.engine);
    bool cpu = device == TENON_DEVICE_CPU;
    EXPECT_STREQ(cpu ? "x86-64" : "sm_80", info.target);
    EXPECT_EQ(cpu ? TENON_DEVICE_CPU : TENON_DEVICE_CUDA, info.device);
    out[0] = {};
  }
}

TEST(CudaEngine, AutoFallsBackToTheCpuAndSaysWhy) {
  std::vector<float> x(4, 1.0f);
  std::vector<TenonTensor> out(1);
  auto runs = [&](CudaBuilder &b, TenonLoadOptions options, const Log &log,
                  const std::string &why) {
    options.device = TENON_DEVICE_AUTO;
    Session s(b, options, {});
    EXPECT_STREQ("x86-64", infoOf(s.engine).target);
    out[0] = {};
    EXPECT_EQ("", s.run({tensor(x, {1, 4})}, out));
    EXPECT_EQ(1u, log.count(why)) << why;
  };
  CudaBuilder b = bothVariants();
  Log noDriver, oldDevice, badPtx;
  TenonLoadOptions options = simulated(&noDriver);
  options.cuda_driver = "/no/such/libcuda.so.1";
  runs(b, options, noDriver,
       "variant sm_80 is not used: no CUDA driver: cannot open /no/such/");
  b.variant().target->compute_capability = 90;
  runs(b, simulated(&oldDevice), oldDevice,
       "variant sm_90 is not used: NVIDIA A100");
  // The device fits, but the code does not load.
  b.variant().target->compute_capability = 80;
  b.blobs[0] = {'n', 'o', 0};
  runs(b, simulated(&badPtx), badPtx, "variant sm_80 does not load: ");
}

TEST(CudaEngine, WhyACudaVariantCannotBeUsed) {
  CudaBuilder b = cudaAddOne();
  TenonLoadOptions options = simulated();
  options.cuda_driver = "/no/such/libcuda.so.1";
  std::string message = loadMessage(b, options);
  EXPECT_TRUE(contains(message, "no variant runs on a CUDA device here (sm_80: "
                                "no CUDA driver: cannot open /no/such/"
                                "libcuda.so.1"))
      << message;
  // A library that is no driver: the first function that it lacks.
  options.cuda_driver = TENON_TEST_KERNELS;
  message = loadMessage(b, options);
  EXPECT_TRUE(contains(message, "has no function cuInit: a driver for CUDA "
                                "11.4 or later is needed"))
      << message;
  options = simulated();
  options.cuda_ordinal = 3;
  EXPECT_EQ("CUDA device 3: there is 1, numbered from 0",
            loadMessage(b, options));
  options.cuda_ordinal = 0;
  options.target = "sm_86";
  EXPECT_EQ("cannot use variant 'sm_86' (sm_80: not the one asked for)",
            loadMessage(b, options));
  options.target = nullptr;
  b.variant().target->compute_capability = 89;
  EXPECT_EQ("no variant runs on a CUDA device here (sm_89: NVIDIA "
            "A100-SXM4-80GB is sm_80: recompile with tenonc "
            "--target=cuda:sm_80)",
            loadMessage(b, options));
  EngineBuilder cpu = addOneEngine();
  EXPECT_EQ("no variant runs on a CUDA device here (x86-64: not for the device "
            "asked for)",
            loadMessage(cpu, options));
  options.device = TenonDevice(7);
  EXPECT_EQ("device: 7, expected 0 to 2", loadMessage(cpu, options));
}

TEST(CudaEngine, CpuEnginesHaveNoStreams) {
  EngineBuilder b = addOneEngine();
  Session s(b);
  int stream;
  TenonContextOptions options = {};
  options.struct_size = sizeof(options);
  options.stream = &stream;
  TenonContext *context = nullptr;
  TenonError error;
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_context_create(s.engine, &options, &context, &error));
  EXPECT_STREQ("stream: the engine runs on the CPU, which has no streams: pass "
               "null",
               error.message);
  EXPECT_EQ(TENON_OK, tenon_context_synchronize(s.context, &error));
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

static void addCubin(CudaBuilder &b, int capability, uint32_t launch = 0) {
  // Machine code, as far as anybody can tell from its first bytes.
  std::vector<char> elf(256, 0);
  std::memcpy(elf.data(),
              "\x7f"
              "ELF\2\1\1",
              7);
  b.blobs.push_back(elf);
  auto cubin = std::make_unique<schema::CudaImageT>();
  cubin->kind = schema::CudaImageKind::Cubin;
  cubin->compute_capability = capability;
  cubin->blob = uint32_t(b.blobs.size() - 1);
  cubin->tool = "ptxas 13.9";
  auto &images = b.kernelOf(launch).images;
  images.insert(images.begin(), std::move(cubin));
}

TEST(CudaEngine, ARefusedCubinFallsBackToPtx) {
  CudaBuilder b = cudaAddOne();
  addCubin(b, 80);
  Log log;
  CudaSession s(b, &log); // the simulator takes no machine code
  std::vector<float> x(4, 1.0f);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("", s.run({tensor(x, {1, 4})}, out));
  EXPECT_EQ(std::vector<float>(4, 2.0f), floats(out[0]));
  EXPECT_EQ(1u, log.count("1 of the engine's images do not load, the next best "
                          "are used instead (the first: loading the sm_80 "
                          "cubin of kernel 'add_one' (made by ptxas 13.9): "
                          "CUDA_ERROR_NO_BINARY_FOR_GPU"));
}

TEST(CudaEngine, ManyRefusedCubinsAreOneWarning) {
  CudaBuilder b;
  uint32_t n = b.constant(4);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  uint32_t t = b.temp(b.constant(16));
  for (uint32_t launch :
       {b.cuda("add_one", {x, t}, 1, n), b.cuda("twice", {t, y}, 1, n)})
    addCubin(b, 80, launch);
  Log log;
  CudaSession s(b, &log);
  EXPECT_EQ(1u, log.count("2 of the engine's images do not load"));
  EXPECT_EQ(1u, log.count("cubin"));
}

TEST(CudaEngine, CubinsOfOtherDevicesAreNotTried) {
  for (int capability : {86, 90, 75}) {
    CudaBuilder b = cudaAddOne();
    addCubin(b, capability);
    Log log;
    CudaSession s(b, &log);
    EXPECT_EQ(0u, log.count("cubin"));
  }
  CudaBuilder b = cudaAddOne();
  addCubin(b, 86);
  b.kernelOf(0).images.pop_back();
  EXPECT_EQ("kernel 'add_one' has no image for sm_80, which is NVIDIA "
            "A100-SXM4-80GB (it has sm_86 cubin): recompile for this device",
            loadMessage(b, simulated()));
}

TEST(CudaEngine, PtxThatDoesNotLoad) {
  CudaBuilder b = cudaAddOne();
  std::vector<char> whole = b.blobs[0];
  std::string text = ".version 7.0\n.target sm_80\n.address_size 64\n"
                     ".visible .entry add_one() {\n  frobnicate.u32 %r0;\n}\n";
  b.blobs[0].assign(text.begin(), text.end());
  EXPECT_EQ("variants[0].kernels[0]: the PTX in blob 0 does not end with a NUL",
            loadMessage(b, simulated()));
  b.blobs[0].push_back(0);
  std::string message = loadMessage(b, simulated());
  EXPECT_TRUE(contains(message, "loading the sm_80 PTX of kernel 'add_one': "
                                "CUDA_ERROR_INVALID_PTX"))
      << message;
  EXPECT_TRUE(contains(message, "frobnicate"))
      << "the driver's own words: " << message;
  b.blobs[0] = whole;
  b.variant().kernels[0]->symbol = "subtract_one";
  EXPECT_EQ("variants[0].kernels[0]: its image has no entry 'subtract_one'",
            loadMessage(b, simulated()));
}

TEST(CudaEngine, LaunchesGiveAllParameters) {
  CudaBuilder b = cudaAddOne();
  b.variant().instructions[0]->operation.AsLaunch()->scalars.clear();
  EXPECT_EQ("variants[0].instructions[0].choices[0]: kernel 'add_one' has 4 "
            "parameters, the launch gives 3",
            loadMessage(b, simulated()));
  std::string text = ".version 7.0\n.target sm_80\n.address_size 64\n"
                     ".visible .entry add_one(.param .u64 x, .param .u32 n) "
                     "{\n  ret;\n}\n";
  b.blobs[0].assign(text.begin(), text.end());
  b.blobs[0].push_back(0);
  EXPECT_EQ("variants[0].kernels[0]: parameter 1 of 'add_one' has 4 bytes at "
            "8, expected 8 at 8",
            loadMessage(b, simulated()));
}

TEST(CudaEngine, SharedMemoryBeyondTheDevice) {
  CudaBuilder b = cudaAddOne();
  b.kernelOf(0).shared = 200 << 10;
  EXPECT_EQ("kernel 'add_one' needs 204800 bytes of shared memory in a block, "
            "NVIDIA A100-SXM4-80GB has 166912: recompile for this device",
            loadMessage(b, simulated()));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

TEST(CudaEngine, ConstantsAreUploadedOrDerived) {
  for (bool derived : {false, true}) {
    CudaBuilder b;
    uint32_t n = b.constant(4);
    uint32_t x = b.input("x", {n}), y = b.output("y", {n});
    b.constantValue({9}); // moves the next one from the start
    uint32_t w = b.constantValue({1, 2, 3, 4});
    uint32_t used = derived ? b.derivedValue(16) : w;
    b.cuda("multiply", {x, used, y}, 2, n);
    if (derived) {
      uint32_t t = b.temp(b.constant(16));
      b.cuda("twice", {w, t}, 1, n);
      b.copy(t, used);
      b.block(0, 1);
      b.variant().init_block = int32_t(b.block(1, 2));
    }
    CudaSession s(b);
    std::vector<float> data = {1, 1, 1, 10};
    std::vector<TenonTensor> out(1);
    EXPECT_EQ("", s.run({tensor(data, {4})}, out));
    EXPECT_EQ(derived ? (std::vector<float>{2, 4, 6, 80})
                      : (std::vector<float>{1, 2, 3, 40}),
              floats(out[0]));
  }
}

TEST(CudaEngine, InitFaultsAreReported) {
  CudaBuilder b;
  uint32_t n = b.constant(2);
  b.output("y", {n});
  uint32_t table = b.constantValue({1, 2, 3, 4});
  uint32_t indices = b.constantValue({0, 0, 1, 0}); // 64 bit: 0, 1 << 31 ...
  uint32_t made = b.derivedValue(8);
  b.cuda("gather", {table, indices, made}, 2, n, {n}, "Gather_0");
  b.block(1, 0);
  b.variant().main_block = 0;
  b.variant().init_block = int32_t(b.block(0, 1));
  std::string message = loadMessage(b, simulated());
  EXPECT_EQ("while preparing constants: instruction 0 (kernel 'gather', nodes "
            "'Gather_0'): index 1065353216 is out of range, expected below 2",
            message);
}

TEST(CudaEngine, MemoryIsGivenBack) {
  CudaBuilder b = cudaAddOne();
  b.constantValue(std::vector<float>(1 << 20, 1.0f));
  HostProgram host;
  uint64_t before = host.freeBytes();
  {
    CudaSession s(b);
    std::vector<float> x(400);
    std::vector<TenonTensor> out(1);
    EXPECT_EQ("", s.run({tensor(x, {100, 4})}, out));
    EXPECT_GE(before - host.freeBytes(), uint64_t(4) << 20);
  }
  EXPECT_EQ(before, host.freeBytes());
}
