//===- ThreadChoiceTest.cpp - What kernels of threads are given -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The schedules that typical kernels get, those that users can pin, and the
// reasons against others. That their results are right is test/e2e's.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target/CPU/LowerKernel.h"
#include "compiler/Target/CUDA/CudaCode.h"
#include "kernels/Cuda/ThreadFamily.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::tenon;
using llvm::formatv;

namespace {

class ThreadChoice : public testing::Test {
protected:
  ThreadChoice() {
    DialectRegistry registry;
    registerCpuTargetDialects(registry);
    registerCudaTargetDialects(registry);
    registry.insert<graph::GraphDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    target.computeCapability = 80;
  }

  /// A kernel of `body`, which reads %a, %b, .. of `types` and yields %r.
  static std::string kernelOf(ArrayRef<std::string> types,
                              const std::string &result,
                              const std::string &body) {
    std::string formals, actuals, blocks;
    for (auto [i, type] : llvm::enumerate(types)) {
      const char *comma = i ? ", " : "";
      formals += formatv("{0}%p{1}: {2}", comma, i, type);
      actuals += formatv("{0}%p{1}", comma, i);
      blocks += formatv("{0}%{1}: {2}", comma, char('a' + i), type);
    }
    return formatv("func.func @main({0}) -> {1} {{\n"
                   "%0 = graph.kernel \"k\"({2}) {{graph.constants = "
                   "array<i64>, graph.nodes = []} : ({3}) -> {1} {{\n"
                   "^bb0({4}):\n{5}\ngraph.yield %r : {1}\n}\n"
                   "return %0 : {1}\n}\n",
                   formals, result, actuals, llvm::join(types, ", "), blocks,
                   body);
  }
  static std::string tensor(const char *shape) {
    return formatv("tensor<{0}>", shape);
  }
  static std::string softmax(const char *shape, int axis) {
    std::string type = tensor(shape);
    return kernelOf({type}, type,
                    formatv("%r = graph.softmax %a {{graph.anchor, axis = {0} "
                            ": i64} : ({1}) -> {1}",
                            axis, type));
  }
  static std::string norm(const char *shape, const char *scale, int axis) {
    std::string type = tensor(shape), of = tensor(scale);
    return kernelOf(
        {type, of, of}, type,
        formatv("%r = graph.layer_norm %a scale %b bias %c {{graph.anchor, "
                "axis = {0} : i64, epsilon = 1.0e-5 : f64} : ({1}, {2}, {2}) "
                "-> {1}",
                axis, type, of));
  }
  static std::string reduce(const char *shape, const char *axes,
                            const char *result) {
    return kernelOf(
        {tensor(shape)}, tensor(result),
        formatv("%r = graph.reduce %a {{graph.anchor, kind = "
                "#graph.reduce_kind<mean>, axes = array<i64: {0}>, keep = "
                "false} : ({1}) -> {2}",
                axes, tensor(shape), tensor(result)));
  }
  static std::string argmax(const char *shape, const char *result) {
    return kernelOf(
        {tensor(shape)}, tensor(result),
        formatv("%r = graph.arg_reduce %a {{graph.anchor, kind = "
                "#graph.reduce_kind<max>, axis = 1 : i64, keep = false} : "
                "({0}) -> {1}",
                tensor(shape), tensor(result)));
  }
  static std::string transpose(const char *shape, const char *order,
                               const char *result) {
    return kernelOf({tensor(shape)}, tensor(result),
                    formatv("%r = graph.transpose %a {{perm = array<i64: {0}>} "
                            ": ({1}) -> {2}",
                            order, tensor(shape), tensor(result)));
  }
  static std::string addRelu(const char *shape) {
    std::string type = tensor(shape);
    return kernelOf({type, type}, type,
                    formatv("%s = graph.add %a, %b : ({0}, {0}) -> {0}\n"
                            "%r = graph.relu %s : ({0}) -> {0}",
                            type));
  }
  static std::string conv(const char *input, const char *filter, int pad,
                          int groups, const char *result) {
    return kernelOf(
        {tensor(input), tensor(filter)}, tensor(result),
        formatv("%r = graph.conv %a, %b {{graph.anchor, strides = array<i64: "
                "1, 1>, pads = array<i64: {0}, {0}, {0}, {0}>, dilations = "
                "array<i64: 1, 1>, groups = {1} : i64} : ({2}, {3}) -> {4}",
                pad, groups, tensor(input), tensor(filter), tensor(result)));
  }

  static std::string upConv(const char *input, const char *filter,
                            const char *result) {
    return kernelOf(
        {tensor(input), tensor(filter)}, tensor(result),
        formatv("%r = graph.conv_transpose %a, %b {{graph.anchor, strides = "
                "array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = "
                "array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = "
                "1 : i64} : ({0}, {1}) -> {2}",
                tensor(input), tensor(filter), tensor(result)));
  }

  BuiltKernel build(const std::string &text,
                    std::vector<std::string> pinned = {}) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << text;
      return {};
    }
    graph::KernelOp kernel;
    module->walk([&](graph::KernelOp op) { kernel = op; });
    target.pinned = std::move(pinned);
    auto built = buildCudaThreads(kernel, "k", target);
    if (!built) {
      ADD_FAILURE() << "no family takes " << text;
      return {};
    }
    return std::move(*built);
  }
  std::string chosenFor(const std::string &text) {
    BuiltKernel built = build(text);
    if (built.candidates.empty())
      return "";
    EXPECT_EQ(built.pinned, "");
    return built.candidates[built.chosen].schedule;
  }
  std::string problemOf(const std::string &text, const std::string &pin) {
    BuiltKernel built = build(text, {pin});
    EXPECT_TRUE(built.steps.empty() || built.pinProblem.empty());
    return built.pinProblem;
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  KernelTarget target;
};

/// What was measured on devices is kept (bench/results/gpu-h100.md), and
/// devices are not left idle.
TEST_F(ThreadChoice, TypicalKernels) {
  struct {
    std::string kernel, schedule;
  } cases[] = {
      {norm("1x128x768xf32", "768xf32", 2),
       "#tenon.rows<threads 32, vector 4, registers, parts 1>"},
      {norm("1x128x768xf16", "768xf16", 2),
       "#tenon.rows<threads 32, vector 8, registers, parts 1>"},
      {norm("4096x4096xf16", "4096xf16", 1),
       "#tenon.rows<threads 256, vector 8, registers, parts 1>"},
      {softmax("1x12x128x128xf32", 3),
       "#tenon.rows<threads 32, vector 4, registers, parts 1>"},
      {softmax("4096x4096xf32", 1),
       "#tenon.rows<threads 256, vector 4, registers, parts 1>"},
      {softmax("4096x4096xf16", 1),
       "#tenon.rows<threads 256, vector 8, registers, parts 1>"},
      // One row: a warp alone would take long.
      {softmax("1x1000xf32", 1),
       "#tenon.rows<threads 256, vector 4, registers, parts 1>"},
      {softmax("2x100000xf32", 1),
       "#tenon.rows<threads 512, vector 4, memory, parts 1>"},
      // 49 elements have no vectors.
      {reduce("1x2048x7x7xf32", "2, 3", "1x2048xf32"),
       "#tenon.rows<threads 32, vector 1, registers, parts 1>"},
      {reduce("4096x4096xf32", "1", "4096xf32"),
       "#tenon.rows<threads 256, vector 4, registers, parts 1>"},
      {reduce("4096x4096xf32", "0", "4096xf32"),
       "#tenon.columns<vector 4, warps 8, parts 8>"},
      {softmax("64x256x1024xf32", 1),
       "#tenon.columns<vector 4, warps 8, parts 1>"},
      {argmax("128x1000xf32", "128xi64"),
       "#tenon.argrows<threads 256, vector 4>"},
      {addRelu("1024x1024xf32"), "#tenon.pointwise<vector 4, threads 128>"},
      {addRelu("1024x1024xf16"), "#tenon.pointwise<vector 8, threads 128>"},
      {addRelu("1023x1023xf16"), "#tenon.pointwise<vector 8, threads 128>"},
      // The innermost dimension stays: nothing to turn.
      {transpose("1x128x12x64xf32", "0, 2, 1, 3", "1x12x128x64xf32"),
       "#tenon.pointwise<vector 4, threads 128>"},
      {transpose("1x12x128x64xf32", "0, 1, 3, 2", "1x12x64x128xf32"),
       "#tenon.transpose<tile 32, warps 8>"},
      {transpose("4096x4096xf16", "1, 0", "4096x4096xf16"),
       "#tenon.transpose<tile 64, warps 8>"},
      // Tiles would mostly lie outside.
      {transpose("1x3x224x224xf32", "0, 2, 3, 1", "1x224x224x3xf32"),
       "#tenon.pointwise<vector 1, threads 128>"},
      {upConv("1x128x128x128xf32", "128x64x2x2xf32", "1x64x256x256xf32"),
       "#tenon.scalar<threads 128>"},
      {conv("1x64x56x56xf32", "64x64x3x3xf32", 1, 1, "1x64x56x56xf32"),
       "#tenon.conv<channels 8, split 8>"},
      {conv("1x96x56x56xf32", "96x1x3x3xf32", 1, 96, "1x96x56x56xf32"),
       "#tenon.conv<channels 1, split 1>"},
      {conv("1x256x14x14xf32", "1024x256x1x1xf32", 0, 1, "1x1024x14x14xf32"),
       "#tenon.conv<channels 8, split 8>"}};
  for (const auto &each : cases)
    EXPECT_EQ(chosenFor(each.kernel), each.schedule) << each.kernel;
}

/// Kernels with every kind of schedule, small enough to build all of them.
TEST_F(ThreadChoice, EachCandidateCanBeBuiltOrSaysWhyNot) {
  std::string kernels[] = {
      norm("3x5x96xf16", "96xf16", 2),
      softmax("7x40xf32", 1),
      softmax("7x2000xf32", 1),
      reduce("3x9000xf32", "1", "3xf32"),
      reduce("700x24xf32", "0", "24xf32"),
      softmax("9x30x12xf16", 1),
      argmax("5x100xf32", "5xi64"),
      addRelu("9x31xf16"),
      transpose("64x40xf16", "1, 0", "40x64xf16"),
      conv("1x32x6x6xf32", "24x32x3x3xf32", 1, 1, "1x24x6x6xf32")};
  for (const std::string &kernel : kernels) {
    std::vector<Candidate> all = build(kernel).candidates;
    EXPECT_GT(all.size(), 3u);
    size_t count = 0;
    for (const Candidate &one : all) {
      SCOPED_TRACE(one.schedule + " of " + kernel);
      BuiltKernel built = build(kernel, {one.schedule});
      EXPECT_EQ(built.pinned, one.schedule);
      if (!one.problem.empty()) {
        EXPECT_EQ(built.pinProblem, one.problem);
        continue;
      }
      // Of vectors, the code itself may say no.
      if (ThreadSchedule::parse(one.schedule)->vector > 1 &&
          StringRef(built.pinProblem).contains("in pieces of less"))
        continue;
      ASSERT_EQ(built.pinProblem, "");
      ++count;
      ASSERT_FALSE(built.steps.empty());
      const KernelCode &code = built.steps[0].choices[0];
      EXPECT_EQ(code.schedule, one.schedule);
      EXPECT_EQ(built.candidates[built.chosen].schedule, one.schedule);
      // Shared memory is predicted as the code has it, and reported.
      EXPECT_EQ(one.cost.shared, code.staticShared + code.sharedBytes);
      EXPECT_EQ(code.cost->shared, one.cost.shared);
      EXPECT_EQ(one.cost.threads, code.block[0]);
      EXPECT_EQ(one.cost.blocks,
                *code.grid[0].asConstant() * *code.grid[1].asConstant());
      EXPECT_GT(one.cost.seconds, kLaunchSeconds);
    }
    EXPECT_GT(count, 2u);
  }
}

TEST_F(ThreadChoice, SaysWhatIsWrongWithAPin) {
  std::string rows = softmax("7x2000xf32", 1);
  EXPECT_EQ(problemOf(rows, "rows<threads 48, vector 4, memory, parts 1>"),
            "expected threads to be a power of 2 from 1 to 512, got 48");
  EXPECT_EQ(problemOf(rows, "rows<threads 32, vector 8, memory, parts 1>"),
            "expected vector to be a power of 2 from 1 to 4, got 8");
  EXPECT_EQ(problemOf(rows, "rows<threads 32, vector 4, registers, parts 1>"),
            "a row has 2000 elements, 32 threads keep up to 1024");
  EXPECT_EQ(problemOf(rows, "rows<threads 256, vector 4, memory, parts 2>"),
            "only reductions have parts");
  EXPECT_EQ(problemOf(softmax("7x33xf32", 1),
                      "rows<threads 32, vector 4, registers, parts 1>"),
            "vectors of 4 do not divide the 33 elements that lie together");
  std::string sum = reduce("3x9000xf32", "1", "3xf32");
  EXPECT_EQ(problemOf(sum, "rows<threads 32, vector 4, memory, parts 4>"),
            "parts of rows are read from memory, by more than 32 threads");
  EXPECT_EQ(problemOf(sum, "rows<threads 256, vector 4, memory, parts 2000>"),
            "expected up to 1024 parts, got 2000");
  EXPECT_EQ(problemOf(addRelu("64x64xf32"), "pointwise<vector 4, threads 48>"),
            "expected threads to be a power of 2 from 32 to 1024, got 48");
  EXPECT_EQ(problemOf(transpose("33x40xf16", "1, 0", "40x33xf16"),
                      "transpose<tile 64, warps 8>"),
            "lanes have 2 neighbours, which do not surely divide both "
            "dimensions");
  // A vector across a transpose: only the code shows it.
  EXPECT_EQ(problemOf(transpose("64x40xf16", "1, 0", "40x64xf16"),
                      "pointwise<vector 8, threads 128>"),
            "some operand would be read or written in pieces of less than 8 "
            "elements");
  std::string image = conv("1x6x6x6xf32", "12x6x3x3xf32", 1, 1, "1x12x6x6xf32");
  EXPECT_EQ(problemOf(image, "conv<channels 8, split 1>"),
            "8 channels do not divide the 12 of a group");
  EXPECT_EQ(problemOf(image, "conv<channels 4, split 8>"),
            "8 threads cannot share 6 input channels");
}

TEST_F(ThreadChoice, PinsOfOtherFamiliesDoNotCount) {
  std::string text = softmax("7x2000xf32", 1);
  std::string other = "columns<vector 1, warps 8, parts 1>",
              own = "#tenon.rows<threads 64, vector 4, memory, parts 1>";
  BuiltKernel built = build(text, {other});
  EXPECT_EQ(built.pinned, "");
  EXPECT_EQ(build(text, {other, own}).pinned, own);
  // The first of its own.
  EXPECT_EQ(
      build(text, {own, "rows<threads 1, vector 1, memory, parts 1>"}).pinned,
      own);
  // A turn has two families.
  std::string turn = transpose("64x40xf32", "1, 0", "40x64xf32");
  EXPECT_EQ(build(turn, {"pointwise<vector 1, threads 64>"}).pinned,
            "pointwise<vector 1, threads 64>");
  EXPECT_EQ(build(turn, {"transpose<tile 32, warps 4>"}).pinned,
            "transpose<tile 32, warps 4>");
}

TEST_F(ThreadChoice, OpenSizesGetCodeForAllOfThem) {
  std::string rows = "tensor<?x?xf32, #graph.shape<[s0, s1]>>";
  target.typicalSizes = {3, 128};
  std::string text =
      kernelOf({rows}, rows,
               formatv("%r = graph.softmax %a {{graph.anchor, axis = 1 : i64} "
                       ": ({0}) -> {0}",
                       rows));
  auto guards = [&](const BuiltKernel &built) {
    std::vector<std::string> all;
    for (const KernelCode &code : built.steps[0].choices)
      all.push_back(code.schedule);
    // 32 bits do not hold all sizes: the last one is for the others, too.
    EXPECT_FALSE(built.steps[0].choices.back().guard);
    return all;
  };
  for (const char *pin :
       {"#tenon.rows<threads 64, vector 4, registers, parts 1>",
        "#tenon.rows<threads 32, vector 2, memory, parts 1>",
        "#tenon.rows<threads 1, vector 1, memory, parts 1>"}) {
    std::vector<std::string> all = guards(build(text, {pin}));
    EXPECT_EQ(all.front(), pin);
    for (const std::string &one : all) // the same threads at all sizes
      EXPECT_EQ(ThreadSchedule::parse(one)->threads,
                ThreadSchedule::parse(pin)->threads);
  }
  EXPECT_GE(guards(build(text)).size(), 5u);
}

} // namespace
