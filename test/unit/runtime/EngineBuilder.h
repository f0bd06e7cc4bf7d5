//===- EngineBuilder.h - Hand-made engines for tests -------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A few words in which a test writes an engine, on top of the schema's object
// API. Everything returns the index of what it added. Kernels are those of
// TestKernels.c. What no word covers is done on `engine` and `variant()`.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_RUNTIME_ENGINEBUILDER_H
#define TENON_TEST_UNIT_RUNTIME_ENGINEBUILDER_H

#include "runtime/include/tenon/tenon.h"
#include "runtime/schema/EngineFormat.h"
#include <initializer_list>
#include <string>
#include <vector>

namespace tenon::test {

using Indices = std::vector<uint32_t>;

class EngineBuilder {
public:
  EngineBuilder();

  schema::EngineT engine;
  std::vector<std::vector<char>> blobs; // 0: the code object
  schema::VariantT &variant() { return *engine.variants[0]; }

  // --- Numbers: indices into exprs.
  uint32_t constant(int64_t value);
  uint32_t symbolExpr(uint32_t symbol);
  uint32_t binary(schema::ExprCode code, uint32_t a, uint32_t b);
  uint32_t mul(uint32_t a, uint32_t b) {
    return binary(schema::ExprCode::Mul, a, b);
  }
  uint32_t expr(std::initializer_list<schema::ExprOp> ops);

  // --- Symbols.
  uint32_t symbol(const std::string &name, int64_t min, int64_t max,
                  int binding, int dim);
  uint32_t runTimeSymbol(const std::string &name, int64_t min, int64_t max) {
    return symbol(name, min, max, -1, 0);
  }

  // --- Bindings and values. `dims` are exprs; the value's size follows.
  uint32_t binding(schema::BindingKind kind, const std::string &name,
                   schema::ElementType type, const Indices &dims);
  uint32_t bindingValue(schema::ValueKind kind, const std::string &name,
                        schema::ElementType type, const Indices &dims);
  uint32_t input(const std::string &name, const Indices &dims,
                 schema::ElementType type = schema::ElementType::Float32) {
    return bindingValue(schema::ValueKind::Input, name, type, dims);
  }
  uint32_t output(const std::string &name, const Indices &dims,
                  schema::ElementType type = schema::ElementType::Float32) {
    return bindingValue(schema::ValueKind::Output, name, type, dims);
  }
  uint32_t state(const std::string &name, const Indices &dims,
                 schema::ElementType type = schema::ElementType::Float32) {
    return bindingValue(schema::ValueKind::State, name, type, dims);
  }
  uint32_t temp(uint32_t sizeExpr);
  uint32_t alias(uint32_t base, uint32_t offsetExpr, uint32_t sizeExpr);
  /// A raw constant in a blob of its own, and its value.
  uint32_t constantValue(const std::vector<float> &numbers);
  /// A derived constant of `bytes` bytes, and its value.
  uint32_t derivedValue(uint64_t bytes);

  // --- Instructions, added to the end of the list.
  uint32_t launch(const std::string &kernel, const Indices &buffers,
                  uint32_t firstOutput, const Indices &scalars, uint32_t tasks,
                  const std::string &node = "");
  template <typename Op> uint32_t instruction(Op op) {
    auto instruction = std::make_unique<schema::InstructionT>();
    instruction->operation.Set(std::move(op));
    variant().instructions.push_back(std::move(instruction));
    return uint32_t(variant().instructions.size() - 1);
  }
  uint32_t copy(uint32_t source, uint32_t target);
  uint32_t fill(uint32_t target, uint8_t byte);
  uint32_t readBack(uint32_t value, schema::ElementType type, uint32_t symbol);
  /// The instructions from `first` to the end become a block.
  uint32_t block(uint32_t first, uint32_t count);

  /// The file; the main block is all instructions if none was made.
  std::vector<uint8_t> file();
  /// Loads it; on failure the engine is null and `message` says why.
  TenonEngine *load(std::string *message = nullptr,
                    TenonLoadOptions options = {});

private:
  uint32_t kernel(const std::string &symbol);
  uint32_t sizeOf(schema::ElementType type, const Indices &dims);
};

/// Owns an engine and a context of it.
struct Session {
  TenonEngine *engine = nullptr;
  TenonContext *context = nullptr;

  Session(EngineBuilder &builder, TenonLoadOptions load,
          TenonContextOptions options);
  explicit Session(EngineBuilder &builder, int threads = 1,
                   bool profile = false);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  /// Runs; "" or the error's text.
  std::string run(std::vector<TenonTensor> inputs,
                  std::vector<TenonTensor> &outputs);
};

TenonTensor tensor(const std::vector<float> &data,
                   std::initializer_list<int64_t> dims);
TenonTensor tensor(const std::vector<int64_t> &data,
                   std::initializer_list<int64_t> dims);
/// The elements of a tensor of floats.
std::vector<float> floats(const TenonTensor &tensor);

/// y = x + 1 over a batch symbol: inputs x[batch, 4], output y[batch, 4].
EngineBuilder addOneEngine();

/// Loads bytes; "" or the error's text.
std::string loadError(const std::vector<uint8_t> &file);

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_ENGINEBUILDER_H
