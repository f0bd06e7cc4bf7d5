//===- ProgramTest.cpp - What the decoder refuses -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Program.h"
#include "runtime/EngineFile.h"
#include "test/unit/runtime/CudaBuilder.h"

#include <functional>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;
using schema::ElementType;
using schema::ValueKind;

/// One of each instruction: values x 0, w 1, y 2, t 3, flag 4, alias 5;
/// instructions launch 0, copy 1, read_back 2, if 3, while 4, and in blocks
/// fill 5, set_symbol 6.
static EngineBuilder fullEngine() {
  EngineBuilder b;
  uint32_t more = b.runTimeSymbol("more", 0, 1);
  uint32_t n = b.constant(4), size = b.constant(16), one = b.constant(1);
  uint32_t x = b.input("x", {n});
  uint32_t w = b.constantValue({1, 2, 3, 4});
  uint32_t y = b.output("y", {n});
  uint32_t t = b.temp(size), flag = b.temp(one);
  uint32_t part = b.alias(t, b.constant(0), size);
  b.launch("multiply", {x, w, t}, 2, {}, n, "Mul_0");
  b.copy(part, y);
  schema::FillT fill;
  fill.target = flag;
  b.readBack(flag, ElementType::Bool, more);
  schema::IfT branch;
  branch.condition = b.symbolExpr(more);
  branch.then_block = 1;
  b.instruction(std::move(branch));
  schema::WhileT loop;
  loop.condition = b.constant(0);
  loop.body_block = 2;
  b.instruction(std::move(loop));
  b.instruction(std::move(fill));
  schema::SetSymbolT set;
  set.symbol = more;
  set.expr = one;
  b.instruction(std::move(set));
  b.block(0, 5);
  b.block(5, 1);
  b.block(6, 1);
  return b;
}

static std::string
messageAfter(const std::function<void(EngineBuilder &)> &change) {
  EngineBuilder b = fullEngine();
  change(b);
  std::string message;
  tenon_engine_destroy(b.load(&message));
  return message;
}

#define CHANGE [](EngineBuilder & b)

template <typename T> static T &op(EngineBuilder &b, uint32_t index) {
  return *static_cast<T *>(b.variant().instructions[index]->operation.value);
}

TEST(Program, WholeEngineLoads) {
  EXPECT_EQ("", messageAfter(CHANGE { (void)b; }));
}

TEST(Program, Values) {
  EXPECT_EQ("variants[0].values[3].size: -1 is past the end (11 expressions)",
            messageAfter(CHANGE { b.variant().values[3]->size = -1; }));
  EXPECT_EQ("variants[0].values[1].index: 5 is past the end (1 constants)",
            messageAfter(CHANGE { b.variant().values[1]->index = 5; }));
  EXPECT_EQ("variants[0].values[0].index: 9 is past the end (2 bindings)",
            messageAfter(CHANGE { b.variant().values[0]->index = 9; }));
  EXPECT_EQ("variants[0].values[0].index: the binding is of another kind",
            messageAfter(CHANGE { b.variant().values[0]->index = 1; }));
  EXPECT_EQ("variants[0].values[5].base: 5 is past the end (5 earlier values)",
            messageAfter(CHANGE { b.variant().values[5]->base = 5; }));
  EXPECT_EQ("variants[0].values[5].offset: 99 is past the end (11 "
            "expressions)",
            messageAfter(CHANGE { b.variant().values[5]->offset = 99; }));
  EXPECT_EQ("variants[0].values[3].kind: unknown kind", messageAfter(CHANGE {
              b.variant().values[3]->kind = ValueKind(9);
            }));
  EXPECT_EQ("variants[0].values[1].size: 20 bytes, but constant 0 has 16",
            messageAfter(CHANGE {
              b.variant().values[1]->size = int32_t(b.constant(20));
            }));
  EXPECT_EQ("variants[0].values[1]: the size of a constant depends on a "
            "symbol",
            messageAfter(CHANGE {
              b.variant().values[1]->size = int32_t(b.symbolExpr(0));
            }));
}

TEST(Program, Launches) {
  EXPECT_EQ("variants[0].instructions[0].choices[0].kernel: 1 is past the end "
            "(1 kernels)",
            messageAfter(
                CHANGE { op<schema::LaunchT>(b, 0).choices[0]->kernel = 1; }));
  EXPECT_EQ("variants[0].instructions[0].choices[0].tasks: 99 is past the end "
            "(11 expressions)",
            messageAfter(
                CHANGE { op<schema::LaunchT>(b, 0).choices[0]->tasks = 99; }));
  EXPECT_EQ("variants[0].instructions[0].choices[0].guard: -7 is past the end "
            "(11 expressions)",
            messageAfter(
                CHANGE { op<schema::LaunchT>(b, 0).choices[0]->guard = -7; }));
  EXPECT_EQ("variants[0].instructions[0].buffers[1]: 6 is past the end (6 "
            "values)",
            messageAfter(CHANGE { op<schema::LaunchT>(b, 0).buffers[1] = 6; }));
  EXPECT_EQ("variants[0].instructions[0].scalars[0]: 77 is past the end (11 "
            "expressions)",
            messageAfter(CHANGE { op<schema::LaunchT>(b, 0).scalars = {77}; }));
  EXPECT_EQ(
      "variants[0].instructions[0].first_output: 4 is past the end (3 "
      "buffers)",
      messageAfter(CHANGE { op<schema::LaunchT>(b, 0).first_output = 4; }));
  EXPECT_EQ(
      "variants[0].instructions[0]: a launch needs a kernel",
      messageAfter(CHANGE { op<schema::LaunchT>(b, 0).choices.clear(); }));
  EXPECT_EQ(
      "variants[0].kernels[0]: the code object has no symbol 'nothing'",
      messageAfter(CHANGE { b.variant().kernels[0]->symbol = "nothing"; }));
  EXPECT_EQ("variants[0].kernels[0].symbol: empty",
            messageAfter(CHANGE { b.variant().kernels[0]->symbol = ""; }));
}

TEST(Program, NothingThatIsReadOnlyIsWritten) {
  EXPECT_EQ(
      "variants[0].instructions[0]: value 0 is an input, which cannot "
      "be written",
      messageAfter(CHANGE { op<schema::LaunchT>(b, 0).first_output = 0; }));
  EXPECT_EQ(
      "variants[0].instructions[0]: value 1 is a constant, which cannot "
      "be written here",
      messageAfter(CHANGE { op<schema::LaunchT>(b, 0).first_output = 1; }));
  EXPECT_EQ("variants[0].instructions[1]: value 0 is an input, which cannot "
            "be written",
            messageAfter(CHANGE { op<schema::CopyT>(b, 1).target = 0; }));
  EXPECT_EQ("variants[0].instructions[5]: value 1 is a constant, which cannot "
            "be written here",
            messageAfter(CHANGE { op<schema::FillT>(b, 5).target = 1; }));
}

TEST(Program, OtherOperations) {
  EXPECT_EQ("variants[0].instructions[1].source: 6 is past the end (6 values)",
            messageAfter(CHANGE { op<schema::CopyT>(b, 1).source = 6; }));
  EXPECT_EQ("variants[0].instructions[2].type: cannot read back float32",
            messageAfter(CHANGE {
              op<schema::ReadBackT>(b, 2).type = ElementType::Float32;
            }));
  EXPECT_EQ("variants[0].instructions[2].symbol: 1 is past the end (1 "
            "symbols)",
            messageAfter(CHANGE { op<schema::ReadBackT>(b, 2).symbol = 1; }));
  EXPECT_EQ("variants[0].instructions[3].condition: 55 is past the end (11 "
            "expressions)",
            messageAfter(CHANGE { op<schema::IfT>(b, 3).condition = 55; }));
  EXPECT_EQ("variants[0].instructions[6].expr: 55 is past the end (11 "
            "expressions)",
            messageAfter(CHANGE { op<schema::SetSymbolT>(b, 6).expr = 55; }));
  EXPECT_EQ("variants[0].instructions[2].waits[0]: 2 is past the end (2 "
            "earlier instructions)",
            messageAfter(CHANGE { b.variant().instructions[2]->waits = {2}; }));
  EXPECT_EQ(
      "variants[0].instructions[1]: unknown operation 0",
      messageAfter(CHANGE { b.variant().instructions[1]->operation.Reset(); }));
  EXPECT_EQ("variants[0].instructions[2].symbol: symbol 'n' is bound by an "
            "input",
            messageAfter(CHANGE {
              uint32_t n = b.symbol("n", 0, 9, 0, 0);
              b.engine.bindings[0]->dims[0] = b.symbolExpr(n);
              op<schema::ReadBackT>(b, 2).symbol = n;
            }));
}

TEST(Program, Blocks) {
  EXPECT_EQ(
      "variants[0].blocks[0]: instructions 0 + 99 are past the end (7 "
      "instructions)",
      messageAfter(CHANGE { b.variant().blocks[0] = schema::Block(0, 99); }));
  EXPECT_EQ("variants[0].main_block: 3 is past the end (3 blocks)",
            messageAfter(CHANGE { b.variant().main_block = 3; }));
  EXPECT_EQ("variants[0].init_block: 9 is past the end (3 blocks)",
            messageAfter(CHANGE { b.variant().init_block = 9; }));
  EXPECT_EQ("variants[0].instructions[3].block: 8 is past the end (3 blocks)",
            messageAfter(CHANGE { op<schema::IfT>(b, 3).then_block = 8; }));
  EXPECT_EQ("variants[0].instructions[3].block: block 0 does not come after "
            "its own block 0",
            messageAfter(CHANGE { op<schema::IfT>(b, 3).then_block = 0; }));
  EXPECT_EQ("variants[0].blocks[2]: is used twice",
            messageAfter(CHANGE { op<schema::IfT>(b, 3).then_block = 2; }));
  EXPECT_EQ(
      "variants[0].blocks[1]: instruction 0 is in another block, too",
      messageAfter(CHANGE { b.variant().blocks[1] = schema::Block(0, 1); }));
  EXPECT_EQ("variants[0].kernel_abi: 2, this runtime has 1: recompile from "
            "ONNX",
            messageAfter(CHANGE { b.variant().kernel_abi = 2; }));
}

TEST(Program, InitHasNoBindings) {
  EXPECT_EQ("variants[0].instructions[7]: value 0 is a binding, which the "
            "init program does not have",
            messageAfter(CHANGE {
              b.copy(0, 3);
              b.variant().init_block = int32_t(b.block(7, 1));
            }));
}

TEST(Program, NestingIsBounded) {
  EngineBuilder b;
  uint32_t one = b.constant(1);
  for (uint32_t i = 0; i < 100; ++i) {
    schema::IfT branch;
    branch.condition = one;
    branch.then_block = i + 1;
    b.instruction(std::move(branch));
    b.block(i, 1);
  }
  b.block(100, 0);
  std::string message;
  tenon_engine_destroy(b.load(&message));
  EXPECT_EQ("variants[0].blocks[65]: is nested deeper than 64", message);
}

TEST(Program, AliasPastItsBase) {
  EngineBuilder b = fullEngine();
  b.variant().values[5]->offset = int32_t(b.constant(4));
  Session s(b);
  std::vector<float> x(4);
  std::vector<TenonTensor> out(1);
  EXPECT_EQ("values[5] (''): bytes 4 + 16 are past the end of value 3 (16 "
            "bytes) for these sizes",
            s.run({tensor(x, {4})}, out));
}

//===----------------------------------------------------------------------===//
// CUDA variants, which are decoded without a device
//===----------------------------------------------------------------------===//

static std::string
cudaMessageAfter(const std::function<void(CudaBuilder &)> &change) {
  CudaBuilder b = cudaAddOne();
  change(b);
  std::vector<uint8_t> bytes = b.file();
  runtime::EngineFile file;
  runtime::ThreadPool pool(1);
  runtime::ExprTable exprs;
  runtime::Interface interface;
  runtime::Program program;
  runtime::Status status = file.openMemory(bytes.data(), bytes.size(), true);
  if (!status.failed())
    status = file.verify(pool);
  if (!status.failed())
    status = exprs.decode(file.engine());
  if (!status.failed())
    status = interface.decode(file.engine(), exprs);
  if (!status.failed())
    status = program.decode(file.engine(), 0, exprs, interface);
  return status.message();
}

#define CUDA_CHANGE [](CudaBuilder & b)

TEST(Program, CudaKernels) {
  EXPECT_EQ("", cudaMessageAfter(CUDA_CHANGE { (void)b; }));
  EXPECT_EQ(
      "variants[0].kernels[0].cuda: a kernel of a CUDA variant needs it",
      cudaMessageAfter(CUDA_CHANGE { b.variant().kernels[0]->cuda = {}; }));
  EXPECT_EQ("variants[0].kernels[0].cuda.images: empty",
            cudaMessageAfter(CUDA_CHANGE { b.kernelOf(0).images.clear(); }));
  EXPECT_EQ("variants[0].kernels[0].cuda.images[0].kind: unknown kind 2",
            cudaMessageAfter(CUDA_CHANGE {
              b.kernelOf(0).images[0]->kind = schema::CudaImageKind(2);
            }));
  EXPECT_EQ("variants[0].kernels[0].cuda.images[0].compute_capability: 0, "
            "expected 80, 89, ...",
            cudaMessageAfter(CUDA_CHANGE {
              b.kernelOf(0).images[0]->compute_capability = 0;
            }));
  EXPECT_EQ(
      "variants[0].kernels[0].cuda.images[0].blob: 1 is past the end (1 "
      "blobs)",
      cudaMessageAfter(CUDA_CHANGE { b.kernelOf(0).images[0]->blob = 1; }));
}

TEST(Program, CudaBlocks) {
  const std::string expected = ", expected 1 to 1024 of them, at most 64 along "
                               "z";
  EXPECT_EQ("", cudaMessageAfter(CUDA_CHANGE {
              b.kernelOf(0).block_x = 4;
              b.kernelOf(0).block_y = 4;
              b.kernelOf(0).block_z = 64;
            }));
  EXPECT_EQ("variants[0].kernels[0].cuda: a block of 0 x 1 x 1 threads" +
                expected,
            cudaMessageAfter(CUDA_CHANGE { b.kernelOf(0).block_x = 0; }));
  EXPECT_EQ("variants[0].kernels[0].cuda: a block of 32 x 33 x 1 threads" +
                expected,
            cudaMessageAfter(CUDA_CHANGE { b.kernelOf(0).block_y = 33; }));
  EXPECT_EQ("variants[0].kernels[0].cuda: a block of 1 x 1 x 65 threads" +
                expected,
            cudaMessageAfter(CUDA_CHANGE {
              b.kernelOf(0).block_x = 1;
              b.kernelOf(0).block_z = 65;
            }));
  EXPECT_EQ(
      "variants[0].kernels[0].cuda: a block of 4294967295 x 1 x 1 "
      "threads" +
          expected,
      cudaMessageAfter(CUDA_CHANGE { b.kernelOf(0).block_x = UINT32_MAX; }));
}

TEST(Program, CudaGrids) {
  EXPECT_EQ("variants[0].instructions[0].choices[0].grid: 0 expressions, "
            "expected 3",
            cudaMessageAfter(CUDA_CHANGE { b.choiceOf(0).grid.clear(); }));
  EXPECT_EQ("variants[0].instructions[0].choices[0].grid: 4 expressions, "
            "expected 3",
            cudaMessageAfter(CUDA_CHANGE { b.choiceOf(0).grid.push_back(0); }));
  EXPECT_EQ("variants[0].instructions[0].choices[0].grid[2]: 99 is past the "
            "end (12 expressions)",
            cudaMessageAfter(CUDA_CHANGE { b.choiceOf(0).grid[2] = 99; }));
}
