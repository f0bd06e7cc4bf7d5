//===- MatmulFixture.h - Runs products on the simulated GPU ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Builds the kernel of relu(a b + bias) with one schedule, runs it on the
// simulator with all of its checks (a finding fails the launch), and compares
// it with sums in float64.
//
// Bounds: a product of numbers of 11 or 24 bits is off by at most half a last
// bit of each; a sum of K by K roundings of f32 of the sum of magnitudes. tf32
// keeps 11 bits of a factor.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_CUDAKERNELS_MATMULFIXTURE_H
#define TENON_TEST_UNIT_CUDAKERNELS_MATMULFIXTURE_H

#include "SimulatedDevice.h"
#include "compiler/Target/CPU/LowerKernel.h"
#include "compiler/Target/CUDA/CudaCode.h"
#include "compiler/Tile/Passes.h"
#include "kernels/Cuda/Matmul.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FormatVariadic.h"
#include <random>

namespace mlir::tenon::test {

/// Numbers in the element type of a tensor.
class Numbers {
public:
  Numbers(MatmulMath math, size_t count, unsigned seed) : math(math) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < count; ++i)
      push(normal(random));
  }
  Numbers(MatmulMath math, size_t count) : math(math) {
    for (size_t i = 0; i < count; ++i)
      push(0);
  }
  size_t elementBytes() const {
    return math == MatmulMath::f16 || math == MatmulMath::bf16 ? 2 : 4;
  }
  void set(size_t i, float number) {
    std::vector<char> all;
    all.swap(bytes);
    push(number);
    std::copy(bytes.begin(), bytes.end(), all.begin() + i * elementBytes());
    bytes.swap(all);
  }
  double at(size_t i) const {
    uint64_t raw = 0;
    memcpy(&raw, bytes.data() + i * elementBytes(), elementBytes());
    llvm::APFloat value(semantics(), llvm::APInt(8 * elementBytes(), raw));
    bool loses;
    value.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &loses);
    return value.convertToDouble();
  }

  std::vector<char> bytes;

private:
  const llvm::fltSemantics &semantics() const {
    return math == MatmulMath::f16    ? llvm::APFloat::IEEEhalf()
           : math == MatmulMath::bf16 ? llvm::APFloat::BFloat()
                                      : llvm::APFloat::IEEEsingle();
  }
  void push(float number) {
    llvm::APFloat value(number);
    bool loses;
    value.convert(semantics(), llvm::APFloat::rmNearestTiesToEven, &loses);
    uint64_t raw = value.bitcastToAPInt().getZExtValue();
    const char *from = reinterpret_cast<const char *>(&raw);
    bytes.insert(bytes.end(), from, from + elementBytes());
  }

  MatmulMath math;
};

struct Size {
  int64_t m, n, k;
};

class MatmulFixture : public testing::Test {
protected:
  MatmulFixture() {
    DialectRegistry registry;
    registerCpuTargetDialects(registry);
    registerCudaTargetDialects(registry);
    registry.insert<graph::GraphDialect, tile::TileDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  static const char *elementOf(MatmulMath math) {
    return math == MatmulMath::f16    ? "f16"
           : math == MatmulMath::bf16 ? "bf16"
                                      : "f32";
  }

  /// relu(a b + bias), with the sides as memory has them.
  static std::string kernelText(MatmulMath math, Size s, bool turnA,
                                bool turnB) {
    auto type = [&](int64_t rows, int64_t columns) {
      return llvm::formatv("tensor<{0}x{1}x{2}>", rows, columns,
                           elementOf(math))
          .str();
    };
    std::string a = type(s.m, s.k), b = type(s.k, s.n), c = type(s.m, s.n);
    std::string storedA = turnA ? type(s.k, s.m) : a;
    std::string storedB = turnB ? type(s.n, s.k) : b;
    std::string bias = llvm::formatv("tensor<{0}x{1}>", s.n, elementOf(math));
    std::string args = llvm::formatv("({0}, {1}, {2})", storedA, storedB, bias);
    std::string body = llvm::formatv("^bb0(%x: {0}, %y: {1}, %z: {2}):\n",
                                     storedA, storedB, bias);
    auto turned = [&](const char *to, const char *from, std::string fromType,
                      std::string toType) {
      body += llvm::formatv(
          "%{0} = graph.transpose %{1} {{perm = array<i64: 1, 0>} : ({2}) -> "
          "{3}\n",
          to, from, fromType, toType);
    };
    if (turnA)
      turned("a", "x", storedA, a);
    if (turnB)
      turned("b", "y", storedB, b);
    body += llvm::formatv(
        "%m = graph.matmul %{0}, %{1} {{graph.anchor} : ({2}, {3}) -> {4}\n",
        turnA ? "a" : "x", turnB ? "b" : "y", a, b, c);
    body += llvm::formatv("%s = graph.add %m, %z : ({0}, {1}) -> {0}\n"
                          "%r = graph.relu %s : ({0}) -> {0}\n"
                          "graph.yield %r : {0}\n",
                          c, bias);
    return llvm::formatv(
        "func.func @main(%p: {0}, %q: {1}, %o: {2}) -> {3} {{\n"
        "%0 = graph.kernel \"matmul\"(%p, %q, %o) {{graph.constants = "
        "array<i64>, graph.nodes = []} : {4} -> {3} {{\n{5}}\n"
        "return %0 : {3}\n}\n",
        storedA, storedB, bias, c, args, body);
  }

  /// A launch of a kernel, built with one schedule.
  struct Built {
    KernelCode code;
    std::string ptx;
    Assembled assembled;
  };
  std::vector<Built> build(const std::string &text,
                           const MatmulSchedule &schedule,
                           const Ptxas &ptxas = {}) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << text;
      return {};
    }
    graph::KernelOp kernel;
    module->walk([&](graph::KernelOp op) { kernel = op; });
    KernelTarget target;
    target.computeCapability = 80;
    auto built = buildCudaMatmul(kernel, "k", target, schedule);
    if (!built || built->steps.size() != (schedule.splitK > 1 ? 2 : 1)) {
      ADD_FAILURE() << "expected one launch, or two if k is split";
      return {};
    }
    std::vector<Built> launches;
    for (KernelStep &step : built->steps) {
      if (step.choices.size() != 1) {
        ADD_FAILURE() << "expected one choice";
        return {};
      }
      Built launch{std::move(step.choices[0]), "", {}};
      if (!compile(launch, ptxas)) {
        ADD_FAILURE() << "cannot compile";
        return {};
      }
      launches.push_back(std::move(launch));
    }
    return launches;
  }

  /// From tile ops to PTX.
  bool compile(Built &launch, const Ptxas &ptxas) {
    KernelCode &code = launch.code;
    SmallVector<int32_t> block(code.block.begin(), code.block.end());
    code.module->lookupSymbol<func::FuncOp>(code.name)->setAttr(
        kEntryAttr, Builder(&context).getDenseI32ArrayAttr(block));
    PassManager passes(&context);
    passes.addPass(tile::createExpandPipelinesPass());
    passes.addPass(tile::createLowerTilePass());
    buildLowerKernelPipeline(passes);
    if (failed(passes.run(*code.module)))
      return false;
    auto codes = emitCudaCode(&context, {{*code.module, code.name}},
                              *lookupCudaTarget("sm_80"), {}, ptxas);
    if (failed(codes))
      return false;
    launch.ptx = codes->front().ptx;
    launch.assembled = codes->front().assembled;
    return true;
  }

  /// relu(a b + bias).
  Numbers run(const MatmulSchedule &schedule, Size s, bool turnA, bool turnB,
              const Numbers &a, const Numbers &b, const Numbers &bias) {
    Numbers c(schedule.math, s.m * s.n);
    std::vector<Built> launches =
        build(kernelText(schedule.math, s, turnA, turnB), schedule);
    SimulatedDevice &device = SimulatedDevice::get();
    std::vector<uint64_t> parameters;
    for (const Numbers *numbers : std::initializer_list<const Numbers *>{
             &a, &b, &bias, static_cast<const Numbers *>(&c)}) {
      parameters.push_back(device.allocate(numbers->bytes.size()));
      if (numbers != &c)
        device.upload(parameters.back(), numbers->bytes.data(),
                      numbers->bytes.size());
    }
    if (schedule.splitK > 1)
      parameters.push_back(device.allocate(4 * s.m * s.n * schedule.splitK));
    parameters.push_back(0); // no error record
    for (const Built &launch : launches)
      device.launch(launch.ptx, launch.code.name.c_str(),
                    *launch.code.grid[0].asConstant(), launch.code.block[0],
                    launch.code.sharedBytes, parameters);
    if (!launches.empty())
      device.download(c.bytes.data(), parameters[3], c.bytes.size());
    parameters.pop_back();
    for (uint64_t pointer : parameters)
      device.free(pointer);
    return c;
  }

  /// Returns the root of the mean square error.
  double check(const MatmulSchedule &schedule, Size s, bool turnA, bool turnB) {
    MatmulMath math = schedule.math;
    SCOPED_TRACE(llvm::formatv("{0} {1}x{2}x{3} {4}{5}", schedule.str(), s.m,
                               s.n, s.k, turnA ? "T" : "N", turnB ? "T" : "N")
                     .str());
    Numbers a(math, s.m * s.k, 1), b(math, s.k * s.n, 2), bias(math, s.n, 3);
    Numbers c = run(schedule, s, turnA, turnB, a, b, bias);

    double factor = math == MatmulMath::tf32     ? 2 * 0x1p-11
                    : math == MatmulMath::tf32x3 ? 4 * 0x1p-24
                                                 : 0;
    double last = math == MatmulMath::f16    ? 0x1p-11
                  : math == MatmulMath::bf16 ? 0x1p-8
                                             : 0x1p-24;
    int wrong = 0;
    double squares = 0;
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        double sum = bias.at(j), size = std::abs(sum);
        for (int64_t k = 0; k < s.k; ++k) {
          double product = a.at(turnA ? k * s.m + i : i * s.k + k) *
                           b.at(turnB ? j * s.k + k : k * s.n + j);
          sum += product;
          size += std::abs(product);
        }
        double expected = std::max(sum, 0.0);
        double bound = size * (factor + double(s.k + 2) * 0x1p-23) +
                       std::abs(expected) * last + 0x1p-24;
        double got = c.at(i * s.n + j);
        squares += (got - expected) * (got - expected);
        if (!(std::abs(got - expected) <= bound) && ++wrong <= 5)
          ADD_FAILURE() << "at " << i << ", " << j << ": expected " << expected
                        << ", got " << got << ", bound " << bound;
      }
    EXPECT_EQ(wrong, 0);
    return std::sqrt(squares / double(s.m * s.n));
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

} // namespace mlir::tenon::test

#endif // TENON_TEST_UNIT_CUDAKERNELS_MATMULFIXTURE_H
