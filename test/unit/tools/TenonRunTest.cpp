//===- TenonRunTest.cpp - The program tenon-run ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"
#include "test/unit/tools/ToolRunner.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::test;
using namespace tenon::tools;

namespace {
/// A folder with m.tenon (y = x + 1) and x.npz.
struct TenonRun : testing::Test {
  TenonRun() {
    EngineBuilder b = addOneEngine();
    folder.write("m.tenon", b);
    EXPECT_EQ("", writeNpz(folder.path("x.npz"),
                           {{"x", floatArray({1, 4}, {1, 2, 3, 4})}}));
    EXPECT_EQ("", writeNpz(folder.path("y.npz"),
                           {{"y", floatArray({1, 4}, {2, 3, 4, 5})}}));
    EXPECT_EQ("", writeNpz(folder.path("wrong.npz"),
                           {{"y", floatArray({1, 4}, {2, 3, 4, 6})}}));
  }
  Ran run(const std::string &arguments) {
    return folder.run("'" TENON_TEST_RUN "' " + arguments);
  }
  WorkFolder folder;
};
} // namespace

TEST_F(TenonRun, WritesOutputs) {
  Ran ran = run("m.tenon --inputs=x.npz --outputs=out.npz");
  EXPECT_EQ(0, ran.code) << ran.err;
  EXPECT_TRUE(contains(ran.out, "output 'y': float32 1x4")) << ran.out;
  EXPECT_TRUE(contains(ran.out, "latency over 1 runs"));
  std::map<std::string, Array> out;
  ASSERT_EQ("", readNpz(folder.path("out.npz"), out));
  EXPECT_EQ(floatArray({1, 4}, {2, 3, 4, 5}).data, out["y"].data);
}

TEST_F(TenonRun, Compares) {
  Ran ran = run("m.tenon --inputs=x.npz --compare=y.npz");
  EXPECT_EQ(0, ran.code) << ran.err;
  EXPECT_TRUE(contains(ran.out, "passed")) << ran.out;
  ran = run("m.tenon --inputs=x.npz --compare=wrong.npz --quiet");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-run: output 'y': largest difference 1, allowed 0.0006\n",
            ran.err);
  EXPECT_EQ("", ran.out);
  ran = run("m.tenon --inputs=x.npz --compare=wrong.npz --atol=1 --quiet");
  EXPECT_EQ(0, ran.code) << ran.err;
}

TEST_F(TenonRun, JsonReport) {
  Ran ran = run("m.tenon --random-inputs=5 --shapes=x:3x4 --iterations=20 "
                "--threads=2 --profile --json=-");
  ASSERT_EQ(0, ran.code) << ran.err;
  nlohmann::json report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(20, report["iterations"]);
  EXPECT_EQ(2, report["threads"]);
  for (const char *key : {"min", "p10", "p50", "p90", "p99", "mean"})
    EXPECT_TRUE(report["latency_ms"][key].is_number()) << key;
  EXPECT_GT(report["throughput_per_s"], 0);
  EXPECT_GT(report["load_ms"], 0);
  EXPECT_GT(report["peak_rss_bytes"], 1000000);
  EXPECT_EQ((std::vector<int64_t>{3, 4}), report["outputs"][0]["shape"]);
  EXPECT_EQ("add_one", report["profile"][0]["kernel"]);
  EXPECT_EQ("Add_0", report["profile"][0]["nodes"][0]);
  EXPECT_EQ(20, report["profile"][0]["calls"]);
}

TEST_F(TenonRun, ProfileTable) {
  Ran ran = run("m.tenon --inputs=x.npz --profile");
  EXPECT_EQ(0, ran.code) << ran.err;
  for (const char *column :
       {"time us", "share", "GFLOP/s", "GB/s", "kernel", "schedule",
        "ONNX nodes", "100.0%", "add_one", "#test.plain", "Add_0"})
    EXPECT_TRUE(contains(ran.out, column)) << column << "\n" << ran.out;
}

TEST_F(TenonRun, FaultsOfEngineAndInputs) {
  folder.write("model.onnx", std::string("\x08\x08\x12\x07pytorch", 11));
  EXPECT_EQ("tenon-run: error: model.onnx: this is an ONNX model: run tenonc "
            "first\n",
            run("model.onnx").err);
  EXPECT_EQ(1, run("model.onnx").code);
  EXPECT_EQ("tenon-run: error: absent.tenon: cannot open it: No such file or "
            "directory\n",
            run("absent.tenon").err);
  Ran ran = run("m.tenon --outputs=out.npz");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-run: error: input 'x' is missing: give it with --inputs, "
            "or use --random-inputs=SEED\n",
            ran.err);
  EXPECT_FALSE(folder.exists("out.npz"));
  ran = run("m.tenon --random-inputs=1 --shapes=x:65x4");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-run: error: input 'x': dimension 0 (batch) is 65, must be "
            "at most 64\n",
            ran.err);
  ran = run("m.tenon --inputs=x.npz --outputs=no/such.npz");
  EXPECT_EQ(1, ran.code);
  EXPECT_TRUE(contains(ran.err, "no/such.npz: cannot write it")) << ran.err;
  ran = run("m.tenon --inputs=x.npz --target=x86-64-v7");
  EXPECT_EQ(1, ran.code);
}

TEST_F(TenonRun, DeviceIsChosen) {
  EXPECT_EQ(0, run("m.tenon --inputs=x.npz --device=cpu").code);
  Ran ran = run("m.tenon --inputs=x.npz --device=cuda");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-run: error: m.tenon: no variant runs on a CUDA device here "
            "(x86-64: not for the device asked for)\n",
            ran.err);
}

#ifdef TENON_TEST_SIMCUDA
TEST_F(TenonRun, OnTheSimulatedGpu) {
  CudaBuilder b = cudaAddOne();
  folder.write("cuda.tenon", b);
  std::string driver = " --cuda-driver='" TENON_TEST_SIMCUDA "'";
  Ran ran = run("cuda.tenon --inputs=x.npz --compare=y.npz --device=cuda:0 "
                "--profile --iterations=3 --json=-" +
                driver);
  ASSERT_EQ(0, ran.code) << ran.err;
  nlohmann::json report = nlohmann::json::parse(ran.out);
  EXPECT_EQ("sm_80", report["target"]);
  EXPECT_TRUE(contains(report["device"], "A100")) << report["device"];
  EXPECT_EQ(true, report["compare"][0]["passed"]);
  EXPECT_EQ("add_one", report["profile"][0]["kernel"]);
  EXPECT_EQ(3, report["profile"][0]["calls"]);
  EXPECT_GT(report["profile"][0]["time_us"], 0) << "device time, by events";
  // The environment names the driver for the tool; auto finds the device.
  ran = folder.run("TENON_CUDA_DRIVER='" TENON_TEST_SIMCUDA "' '" TENON_TEST_RUN
                   "' cuda.tenon --inputs=x.npz");
  EXPECT_EQ(0, ran.code) << ran.err;
  EXPECT_TRUE(contains(ran.out, "variant sm_80 on ")) << ran.out;
  ran = run("cuda.tenon --inputs=x.npz --device=cuda:7" + driver);
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-run: error: cuda.tenon: CUDA device 7: there is 1, numbered "
            "from 0\n",
            ran.err);
  ran = run("cuda.tenon --inputs=x.npz --device=cuda "
            "--cuda-driver=/no/libcuda.so");
  EXPECT_EQ(1, ran.code);
  EXPECT_TRUE(contains(ran.err, "no CUDA driver: cannot open /no/libcuda.so"))
      << ran.err;
}
#endif

TEST_F(TenonRun, WrongUsage) {
  EXPECT_EQ(2, run("").code);
  EXPECT_EQ(2, run("m.tenon --no-such-flag").code);
  EXPECT_EQ(2, run("m.tenon --iterations=0").code);
  EXPECT_EQ(2, run("m.tenon --threads=-1").code);
  EXPECT_EQ(2, run("m.tenon --device=abacus").code);
  for (const char *device : {"cuda:", "cuda1", "cuda:-1", "cuda:99999"}) {
    Ran ran = run(std::string("m.tenon --device=") + device);
    EXPECT_EQ(2, ran.code);
    EXPECT_EQ(std::string("tenon-run: error: --device=") + device +
                  ": expected cuda or cuda:N\n",
              ran.err);
  }
}

TEST_F(TenonRun, FullDiskLeavesNothing) {
  // Room for the engine's code, which passes through a file in memory, but not
  // for the output of 400 kB.
  EngineBuilder b;
  uint32_t n = b.constant(100000);
  uint32_t x = b.input("x", {n}), y = b.output("y", {n});
  b.launch("add_one", {x, y}, 1, {}, n);
  folder.write("big.tenon", b);
  std::string limited = "sh -c \"ulimit -f 200; exec '" TENON_TEST_RUN
                        "' big.tenon --random-inputs=1 --quiet ";
  Ran ran = folder.run(limited + "--outputs=out.npz\"");
  EXPECT_EQ(1, ran.code);
  EXPECT_TRUE(contains(ran.err, "out.npz: cannot write it: ")) << ran.err;
  EXPECT_FALSE(contains(folder.run("ls -A").out, "out.npz"));
}

TEST_F(TenonRun, VersionHelpAndVerbosity) {
  EXPECT_EQ("tenon-run 0.1.0\n", run("--version").out);
  Ran ran = run("--help");
  EXPECT_EQ(0, ran.code);
  ran = run("m.tenon --inputs=x.npz -v");
  EXPECT_TRUE(contains(ran.err, "tenon-run: info: loaded 'test'")) << ran.err;
  ran = run("m.tenon --inputs=x.npz --quiet");
  EXPECT_EQ("", ran.out + ran.err);
}
