//===- TenonInspectTest.cpp - The program tenon-inspect -------------------===//
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

/// y = (x + 1) * w over a batch, with one temporary.
static EngineBuilder smallEngine() {
  EngineBuilder b;
  uint32_t batch = b.symbolExpr(b.symbol("batch", 1, 64, 0, 0));
  uint32_t size = b.mul(batch, b.constant(4));
  uint32_t x = b.input("x", {batch}), y = b.output("y", {batch});
  uint32_t w = b.constantValue(std::vector<float>(64, 2.0f));
  b.variant().constants[0]->initializers = {"weight"};
  b.variant().constants[0]->recipe = "as it is";
  uint32_t t = b.temp(size);
  b.variant().values[t]->name = "sum";
  b.launch("add_one", {x, t}, 1, {}, batch, "Add_0");
  b.launch("multiply", {t, w, y}, 2, {}, batch, "Mul_1");
  return b;
}

namespace {
struct TenonInspect : testing::Test {
  TenonInspect() {
    EngineBuilder b = smallEngine();
    folder.write("m.tenon", b);
  }
  Ran run(const std::string &arguments) {
    return folder.run("'" TENON_TEST_INSPECT "' " + arguments);
  }
  WorkFolder folder;
};
} // namespace

TEST_F(TenonInspect, Json) {
  Ran ran = run("m.tenon --json --shapes=x:10");
  ASSERT_EQ(0, ran.code) << ran.err;
  nlohmann::json report = nlohmann::json::parse(ran.out);
  EXPECT_EQ("test", report["model"]);
  EXPECT_EQ("x86-64", report["variants"][0]["target"]);
  EXPECT_EQ("input", report["bindings"][0]["kind"]);
  EXPECT_EQ("batch", report["bindings"][0]["dims"][0]);
  EXPECT_EQ(64, report["symbols"][0]["max"]);
  EXPECT_EQ("dimension 0 of input 'x'", report["symbols"][0]["bound_by"]);
  EXPECT_EQ("add_one", report["kernels"][0]["name"]);
  EXPECT_EQ(1, report["kernels"][0]["launches"]);
  EXPECT_EQ("Mul_1", report["kernels"][1]["nodes"][0]);
  EXPECT_EQ(256, report["constants"][0]["bytes"]);
  EXPECT_EQ("weight", report["constants"][0]["initializers"][0]);
  EXPECT_EQ("as it is", report["constants"][0]["recipe"]);
  EXPECT_EQ(64, report["memory"]["arena_bytes"]);
  EXPECT_EQ(40, report["memory"]["temporaries"][0]["bytes"]);
  EXPECT_EQ("sum", report["memory"]["temporaries"][0]["name"]);
}

TEST_F(TenonInspect, Text) {
  Ran ran = run("m.tenon");
  ASSERT_EQ(0, ran.code) << ran.err;
  for (const char *part :
       {"model: test", "variants (1)", "bindings (2)", "kernels (2)",
        "constants (1)",
        "memory: dimension 0 (batch) of input 'x' is not fixed: give "
        "--shapes=x:..."})
    EXPECT_TRUE(contains(ran.out, part)) << part << "\n" << ran.out;
}

TEST_F(TenonInspect, Program) {
  Ran ran = run("m.tenon --program");
  EXPECT_EQ(
      "module attributes {engine.model = \"test\"} {\n"
      "  engine.symbol \"batch\" from \"x\"[0] min 1 max 64\n"
      "  engine.binding input \"x\" : f32[batch]\n"
      "  engine.binding output \"y\" : f32[batch]\n"
      "  engine.program @\"x86-64\" target(cpu, \"x86-64\") {\n"
      "    engine.kernel @add_one family(\"test\") schedule(\"#test.plain\")\n"
      "    engine.kernel @multiply family(\"test\") schedule(\"#test.plain\")\n"
      "    %0 = engine.input \"x\" bytes(\"4*batch\") : none[]\n"
      "    %1 = engine.output \"y\" bytes(\"4*batch\") : none[]\n"
      "    %2 = engine.constant [\"weight\"] bytes(256) : none[]\n"
      "    %3 = engine.temp bytes(\"batch*4\") : none[]\n"
      "    engine.launch @add_one tasks(batch) grain(1) scratch(0) ins(%0) "
      "outs(%3) scalars [] flops(0) bytes(0) nodes [\"Add_0\"]\n"
      "    engine.launch @multiply tasks(batch) grain(1) scratch(0) ins(%3, "
      "%2) outs(%1) scalars [] flops(0) bytes(0) nodes [\"Mul_1\"]\n"
      "  }\n"
      "}\n",
      ran.out);
}

TEST_F(TenonInspect, VariantsForOtherMachines) {
  EngineBuilder b = smallEngine();
  b.variant().target->isa = "x86-64-v99";
  folder.write("other.tenon", b);
  Ran ran = run("other.tenon --json");
  ASSERT_EQ(0, ran.code) << ran.err;
  EXPECT_EQ(false, nlohmann::json::parse(ran.out)["variants"][0]["runs_here"]);
  ran = run("other.tenon --target=x86-64");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-inspect: error: other.tenon: no variant 'x86-64'; the "
            "engine has x86-64-v99\n",
            ran.err);
}

/// y = x + 1 on CUDA, with a cubin beside the PTX.
static CudaBuilder cudaEngine() {
  CudaBuilder b = cudaAddOne();
  b.blobs.push_back(std::vector<char>(100, 'c'));
  auto cubin = std::make_unique<schema::CudaImageT>();
  cubin->kind = schema::CudaImageKind::Cubin;
  cubin->compute_capability = 86;
  cubin->blob = uint32_t(b.blobs.size() - 1);
  cubin->tool = "ptxas 13.0.88";
  auto &kernel = b.kernelOf(0);
  kernel.images.insert(kernel.images.begin(), std::move(cubin));
  kernel.shared = 2048;
  kernel.registers = 17;
  return b;
}

TEST_F(TenonInspect, CudaVariants) {
  CudaBuilder b = cudaEngine();
  folder.write("cuda.tenon", b);
  Ran ran = run("cuda.tenon --json");
  ASSERT_EQ(0, ran.code) << ran.err;
  nlohmann::json report = nlohmann::json::parse(ran.out);
  EXPECT_EQ("sm_80", report["variants"][0]["target"]);
  EXPECT_EQ("a CUDA device of sm_80 or later", report["variants"][0]["needs"]);
  EXPECT_FALSE(report["variants"][0].contains("runs_here"));
  const nlohmann::json &kernel = report["kernels"][0];
  EXPECT_EQ((std::vector<int>{32, 1, 1}), kernel["block"]);
  EXPECT_EQ(2048, kernel["shared_bytes"]);
  EXPECT_EQ(17, kernel["registers"]);
  EXPECT_EQ(false, kernel["may_fault"]);
  EXPECT_EQ("sm_86 cubin, 100 bytes, ptxas 13.0.88", kernel["images"][0]);
  EXPECT_EQ("sm_80 PTX, " + std::to_string(b.blobs[0].size()) + " bytes",
            kernel["images"][1]);
  ran = run("cuda.tenon --program");
  EXPECT_EQ(
      "module attributes {engine.model = \"test\"} {\n"
      "  engine.symbol \"batch\" from \"x\"[0] max 4096\n"
      "  engine.binding input \"x\" : f32[batch, 4]\n"
      "  engine.binding output \"y\" : f32[batch, 4]\n"
      "  engine.program @sm_80 target(cuda, \"sm_80\") {\n"
      "    engine.kernel @add_one family(\"test\") schedule(\"#test.plain\") "
      "entry <block = [32, 1, 1], shared = 2048, may_fault = false>\n"
      "    %0 = engine.input \"x\" bytes(\"4*batch*4\") : none[]\n"
      "    %1 = engine.output \"y\" bytes(\"4*batch*4\") : none[]\n"
      "    engine.launch @add_one tasks(\"batch*4\") grain(1) scratch(0) "
      "grid(\"ceildiv(batch*4, 32)\", 1, 1) ins(%0) outs(%1) scalars "
      "[\"batch*4\"] flops(0) bytes(0) nodes [\"Add_0\"]\n"
      "  }\n"
      "}\n",
      ran.out);
}

TEST_F(TenonInspect, PtxOfAKernel) {
  CudaBuilder b = cudaEngine();
  folder.write("cuda.tenon", b);
  Ran ran = run("cuda.tenon --ptx=add_one");
  EXPECT_EQ(0, ran.code) << ran.err;
  EXPECT_EQ(b.blobs[0].data(), ran.out) << "all but the NUL";
  ran = run("cuda.tenon --ptx=nothing");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-inspect: error: cuda.tenon: --ptx=nothing: no such kernel; "
            "the variant has add_one\n",
            ran.err);
  b.kernelOf(0).images.pop_back();
  folder.write("cubin.tenon", b);
  EXPECT_EQ("tenon-inspect: error: cubin.tenon: --ptx=add_one: the kernel has "
            "cubins only\n",
            run("cubin.tenon --ptx=add_one").err);
  EXPECT_EQ("tenon-inspect: error: m.tenon: --ptx=add_one: variant x86-64 is "
            "for the CPU: choose a CUDA variant with --target\n",
            run("m.tenon --ptx=add_one").err);
}

TEST_F(TenonInspect, Faults) {
  folder.write("plan", "ftrt....");
  Ran ran = run("plan");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-inspect: error: plan: this is a TensorRT plan: recompile "
            "from ONNX\n",
            ran.err);
  ran = run("m.tenon --shapes=x:65");
  EXPECT_EQ(1, ran.code);
  EXPECT_EQ("tenon-inspect: error: m.tenon: input 'x': dimension 0 (batch) is "
            "65, must be at most 64\n",
            ran.err);
  EXPECT_EQ(1, run("m.tenon --shapes=q:65").code);
  EXPECT_EQ(2, run("").code);
  EXPECT_EQ(0, run("m.tenon --quiet").code);
  EXPECT_EQ("tenon-inspect 0.1.0\n", run("--version").out);
}
