//===- EngineBuilder.cpp - Hand-made engines for tests --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/EngineBuilder.h"

#include "runtime/ElementType.h"
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

using namespace tenon;
using namespace tenon::test;
using schema::ExprCode;
using schema::ExprOp;
using schema::ValueKind;

static std::vector<char> readTestKernels() {
  std::ifstream file(TENON_TEST_KERNELS, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

EngineBuilder::EngineBuilder() {
  engine.builder = "tenon test";
  engine.model = "test";
  auto variant = std::make_unique<schema::VariantT>();
  variant->target = std::make_unique<schema::TargetT>();
  variant->target->isa = "x86-64";
  variant->code = 0;
  engine.variants.push_back(std::move(variant));
  static const std::vector<char> kernels = readTestKernels();
  blobs.push_back(kernels);
}

uint32_t EngineBuilder::expr(std::initializer_list<ExprOp> ops) {
  auto expr = std::make_unique<schema::ExprT>();
  expr->ops.assign(ops.begin(), ops.end());
  engine.exprs.push_back(std::move(expr));
  return uint32_t(engine.exprs.size() - 1);
}
uint32_t EngineBuilder::constant(int64_t value) {
  return expr({ExprOp(value, ExprCode::Const)});
}
uint32_t EngineBuilder::symbolExpr(uint32_t symbol) {
  return expr({ExprOp(symbol, ExprCode::Symbol)});
}
uint32_t EngineBuilder::binary(ExprCode code, uint32_t a, uint32_t b) {
  return expr(
      {ExprOp(a, ExprCode::Expr), ExprOp(b, ExprCode::Expr), ExprOp(0, code)});
}

uint32_t EngineBuilder::symbol(const std::string &name, int64_t min,
                               int64_t max, int binding, int dim) {
  auto symbol = std::make_unique<schema::SymbolT>();
  symbol->name = name;
  symbol->min = min;
  symbol->max = max;
  symbol->binding = binding;
  symbol->dim = dim;
  engine.symbols.push_back(std::move(symbol));
  return uint32_t(engine.symbols.size() - 1);
}

uint32_t EngineBuilder::binding(schema::BindingKind kind,
                                const std::string &name,
                                schema::ElementType type, const Indices &dims) {
  auto binding = std::make_unique<schema::BindingT>();
  binding->name = name;
  binding->kind = kind;
  binding->type = type;
  binding->dims = dims;
  engine.bindings.push_back(std::move(binding));
  return uint32_t(engine.bindings.size() - 1);
}

uint32_t EngineBuilder::sizeOf(schema::ElementType type, const Indices &dims) {
  uint32_t size = constant(runtime::elementBits(int(type)) / 8);
  for (uint32_t dim : dims)
    size = mul(size, dim);
  return size;
}

uint32_t EngineBuilder::bindingValue(ValueKind kind, const std::string &name,
                                     schema::ElementType type,
                                     const Indices &dims) {
  auto value = std::make_unique<schema::ValueT>();
  value->kind = kind;
  value->index =
      int32_t(binding(kind == ValueKind::Input    ? schema::BindingKind::Input
                      : kind == ValueKind::Output ? schema::BindingKind::Output
                                                  : schema::BindingKind::State,
                      name, type, dims));
  value->size = int32_t(sizeOf(type, dims));
  value->name = name;
  variant().values.push_back(std::move(value));
  return uint32_t(variant().values.size() - 1);
}

uint32_t EngineBuilder::temp(uint32_t sizeExpr) {
  auto value = std::make_unique<schema::ValueT>();
  value->kind = ValueKind::Temp;
  value->size = int32_t(sizeExpr);
  variant().values.push_back(std::move(value));
  return uint32_t(variant().values.size() - 1);
}

uint32_t EngineBuilder::alias(uint32_t base, uint32_t offsetExpr,
                              uint32_t sizeExpr) {
  uint32_t index = temp(sizeExpr);
  variant().values[index]->kind = ValueKind::Alias;
  variant().values[index]->base = int32_t(base);
  variant().values[index]->offset = int32_t(offsetExpr);
  return index;
}

uint32_t EngineBuilder::constantValue(const std::vector<float> &numbers) {
  std::vector<char> bytes(numbers.size() * sizeof(float));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  blobs.push_back(bytes);
  auto constant = std::make_unique<schema::ConstantT>();
  constant->blob = int32_t(blobs.size() - 1);
  constant->size = bytes.size();
  variant().constants.push_back(std::move(constant));
  uint32_t index = temp(this->constant(int64_t(bytes.size())));
  variant().values[index]->kind = ValueKind::Constant;
  variant().values[index]->index = int32_t(variant().constants.size() - 1);
  return index;
}

uint32_t EngineBuilder::derivedValue(uint64_t bytes) {
  auto constant = std::make_unique<schema::ConstantT>();
  constant->kind = schema::ConstantKind::Derived;
  constant->size = bytes;
  variant().constants.push_back(std::move(constant));
  uint32_t index = temp(this->constant(int64_t(bytes)));
  variant().values[index]->kind = ValueKind::Constant;
  variant().values[index]->index = int32_t(variant().constants.size() - 1);
  return index;
}

uint32_t EngineBuilder::kernel(const std::string &symbol) {
  for (size_t i = 0; i < variant().kernels.size(); ++i)
    if (variant().kernels[i]->symbol == symbol)
      return uint32_t(i);
  auto kernel = std::make_unique<schema::KernelT>();
  kernel->symbol = symbol;
  kernel->name = symbol;
  kernel->family = "test";
  kernel->schedule = "#test.plain";
  variant().kernels.push_back(std::move(kernel));
  return uint32_t(variant().kernels.size() - 1);
}

uint32_t EngineBuilder::launch(const std::string &symbol,
                               const Indices &buffers, uint32_t firstOutput,
                               const Indices &scalars, uint32_t tasks,
                               const std::string &node) {
  schema::LaunchT launch;
  auto choice = std::make_unique<schema::LaunchChoiceT>();
  choice->kernel = kernel(symbol);
  choice->tasks = tasks;
  launch.choices.push_back(std::move(choice));
  launch.buffers = buffers;
  launch.first_output = firstOutput;
  launch.scalars = scalars;
  uint32_t index = instruction(std::move(launch));
  if (!node.empty())
    variant().instructions[index]->nodes.push_back(node);
  return index;
}

uint32_t EngineBuilder::copy(uint32_t source, uint32_t target) {
  schema::CopyT copy;
  copy.source = source;
  copy.target = target;
  return instruction(std::move(copy));
}

uint32_t EngineBuilder::fill(uint32_t target, uint8_t byte) {
  schema::FillT fill;
  fill.target = target;
  fill.byte = byte;
  return instruction(std::move(fill));
}

uint32_t EngineBuilder::readBack(uint32_t value, schema::ElementType type,
                                 uint32_t symbol) {
  schema::ReadBackT read;
  read.value = value;
  read.type = type;
  read.symbol = symbol;
  return instruction(std::move(read));
}

uint32_t EngineBuilder::block(uint32_t first, uint32_t count) {
  variant().blocks.emplace_back(first, count);
  return uint32_t(variant().blocks.size() - 1);
}

std::vector<uint8_t> EngineBuilder::file() {
  if (variant().blocks.empty())
    block(0, uint32_t(variant().instructions.size()));
  std::vector<BlobContent> contents;
  for (size_t i = 0; i < blobs.size(); ++i)
    contents.push_back(
        {blobs[i].data(), blobs[i].size(), i == 0 ? 4096u : 64u});
  return writeEngineToMemory(engine, contents);
}

TenonEngine *EngineBuilder::load(std::string *message,
                                 TenonLoadOptions options) {
  std::vector<uint8_t> bytes = file();
  options.struct_size = sizeof(options);
  TenonEngine *loaded = nullptr;
  TenonError error;
  error.message[0] = 0;
  tenon_engine_load_memory(bytes.data(), bytes.size(), 1, &options, &loaded,
                           &error);
  if (message)
    *message = error.message;
  return loaded;
}

Session::Session(EngineBuilder &builder, TenonLoadOptions load,
                 TenonContextOptions options) {
  std::string message;
  engine = builder.load(&message, load);
  EXPECT_TRUE(engine) << message;
  if (!engine)
    return;
  options.struct_size = sizeof(options);
  TenonError error;
  EXPECT_EQ(TENON_OK, tenon_context_create(engine, &options, &context, &error))
      << error.message;
}

static TenonContextOptions contextOptions(int threads, bool profile) {
  TenonContextOptions options = {};
  options.threads = threads;
  options.profile = profile;
  return options;
}

Session::Session(EngineBuilder &builder, int threads, bool profile)
    : Session(builder, {}, contextOptions(threads, profile)) {}

Session::~Session() {
  tenon_context_destroy(context);
  tenon_engine_destroy(engine);
}

std::string Session::run(std::vector<TenonTensor> inputs,
                         std::vector<TenonTensor> &outputs) {
  if (!context)
    return "no context";
  TenonError error;
  TenonStatus status = tenon_context_run(
      context, inputs.data(), int32_t(inputs.size()), outputs.data(),
      int32_t(outputs.size()), nullptr, &error);
  return status == TENON_OK ? "" : error.message;
}

template <typename T>
static TenonTensor makeTensor(const std::vector<T> &data, TenonElementType type,
                              std::initializer_list<int64_t> dims) {
  TenonTensor tensor = {};
  tensor.data = const_cast<T *>(data.data());
  tensor.bytes = data.size() * sizeof(T);
  tensor.type = type;
  for (int64_t dim : dims)
    tensor.dims[tensor.rank++] = dim;
  return tensor;
}

TenonTensor tenon::test::tensor(const std::vector<float> &data,
                                std::initializer_list<int64_t> dims) {
  return makeTensor(data, TENON_FLOAT32, dims);
}
TenonTensor tenon::test::tensor(const std::vector<int64_t> &data,
                                std::initializer_list<int64_t> dims) {
  return makeTensor(data, TENON_INT64, dims);
}

std::vector<float> tenon::test::floats(const TenonTensor &tensor) {
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    count *= tensor.dims[i];
  const float *data = static_cast<const float *>(tensor.data);
  return count ? std::vector<float>(data, data + count) : std::vector<float>();
}

EngineBuilder tenon::test::addOneEngine() {
  EngineBuilder b;
  uint32_t batch = b.symbol("batch", 0, 64, 0, 0);
  Indices dims = {b.symbolExpr(batch), b.constant(4)};
  uint32_t x = b.input("x", dims), y = b.output("y", dims);
  b.launch("add_one", {x, y}, 1, {}, b.mul(dims[0], dims[1]), "Add_0");
  return b;
}

std::string tenon::test::loadError(const std::vector<uint8_t> &file) {
  TenonEngine *engine = nullptr;
  TenonError error;
  TenonStatus status = tenon_engine_load_memory(file.data(), file.size(), 1,
                                                nullptr, &engine, &error);
  tenon_engine_destroy(engine);
  return status == TENON_OK ? "" : error.message;
}
