//===- Harness.cpp - Compile kernels and call them ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Harness.h.
//
//===----------------------------------------------------------------------===//
#include "test/unit/math/Harness.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <dlfcn.h>

namespace mlir::tenon::test {

KernelContext::KernelContext() {
  DialectRegistry registry;
  registerCpuTargetDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  context.getDiagEngine().registerHandler(
      [this](Diagnostic &diagnostic) { messages.push_back(diagnostic.str()); });
}

std::vector<OwningOpRef<ModuleOp>>
KernelContext::parse(const std::vector<std::string> &texts) {
  std::vector<OwningOpRef<ModuleOp>> modules;
  for (const std::string &text : texts) {
    modules.push_back(parseSourceString<ModuleOp>(text, &context));
    EXPECT_TRUE(modules.back()) << text;
  }
  for (const std::string &message : messages)
    ADD_FAILURE() << message;
  return modules;
}

TemporaryFolder::TemporaryFolder() {
  llvm::SmallString<128> folder;
  if (!llvm::sys::fs::createUniqueDirectory("tenon-test", folder))
    path = folder.str().str();
  EXPECT_FALSE(path.empty());
}

TemporaryFolder::~TemporaryFolder() { llvm::sys::fs::remove_directories(path); }

std::string TemporaryFolder::read(const std::string &name) const {
  auto buffer = llvm::MemoryBuffer::getFile(path + "/" + name);
  EXPECT_TRUE(bool(buffer)) << name;
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

Library::Library(llvm::ArrayRef<char> bytes) {
  TemporaryFolder folder;
  std::string file = folder.path + "/kernels.so";
  std::error_code code;
  {
    llvm::raw_fd_ostream os(file, code);
    os.write(bytes.data(), bytes.size());
  }
  handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  EXPECT_TRUE(handle) << dlerror();
}

Library::~Library() {
  if (handle)
    dlclose(handle);
}

TenonKernelFunction Library::find(const std::string &name) const {
  return handle ? reinterpret_cast<TenonKernelFunction>(
                      dlsym(handle, name.c_str()))
                : nullptr;
}

std::unique_ptr<Library>
compileAndOpen(KernelContext &kernels,
               std::vector<OwningOpRef<ModuleOp>> modules) {
  CodeObjectOptions options;
  options.threads = 2;
  auto bytes = compileToCodeObject(&kernels.context, modules,
                                   *lookupCpuTarget("x86-64-v3"), options);
  for (const std::string &message : kernels.messages)
    ADD_FAILURE() << message;
  if (failed(bytes))
    return nullptr;
  return std::make_unique<Library>(*bytes);
}

OwningOpRef<ModuleOp> buildElementwise(KernelContext &kernels,
                                       const Elementwise &kernel) {
  MLIRContext *context = &kernels.context;
  OpBuilder builder(context);
  Location loc = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToStart(module->getBody());
  Type ptr = LLVM::LLVMPointerType::get(context);
  Type i64 = builder.getI64Type();
  auto function = func::FuncOp::create(
      builder, loc, kernel.name,
      builder.getFunctionType({ptr, ptr, i64, i64, ptr, ptr},
                              {builder.getI32Type()}));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getI64IntegerAttr(value));
  };
  std::vector<Value> buffers;
  for (size_t i = 0; i <= kernel.inputs.size(); ++i) {
    Value slot =
        LLVM::GEPOp::create(builder, loc, ptr, ptr, entry->getArgument(0),
                            ArrayRef<LLVM::GEPArg>{int32_t(i)});
    buffers.push_back(LLVM::LoadOp::create(builder, loc, ptr, slot));
  }
  auto widened = [&](Type element) -> Type {
    return kernel.lanes
               ? Type(VectorType::get({int64_t(kernel.lanes)}, element))
               : element;
  };
  unsigned step = kernel.lanes ? kernel.lanes : 1;
  auto loop = scf::ForOp::create(builder, loc, entry->getArgument(2),
                                 entry->getArgument(3), constant(step));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    auto address = [&](size_t buffer, Type element) -> Value {
      return LLVM::GEPOp::create(
          builder, loc, ptr, element, buffers[buffer],
          ArrayRef<LLVM::GEPArg>{loop.getInductionVar()});
    };
    auto alignment = [](Type element) {
      return std::max(1u, element.getIntOrFloatBitWidth() / 8);
    };
    std::vector<Value> values;
    for (auto [i, type] : llvm::enumerate(kernel.inputs))
      values.push_back(LLVM::LoadOp::create(builder, loc, widened(type),
                                            address(i, type), alignment(type)));
    Value result = kernel.body(builder, loc, values);
    LLVM::StoreOp::create(builder, loc, result,
                          address(kernel.inputs.size(), kernel.output),
                          alignment(kernel.output));
  }
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  func::ReturnOp::create(builder, loc, zero);
  return module;
}

uint16_t nearestBf16(double x) {
  if (std::isnan(x))
    return 0x7fc0;
  uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  double a = std::fabs(x);
  uint32_t low = 0, high = 0x7f80; // the largest with value <= a
  auto value = [](uint32_t bits) {
    // Infinity counts as the next power of two for rounding.
    return bits == 0x7f80 ? 0x1p128 : double(std::bit_cast<float>(bits << 16));
  };
  if (a >= 0x1p128)
    return sign | 0x7f80;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (value(middle) <= a ? low : high) = middle;
  }
  double down = a - value(low), up = value(high) - a;
  bool takeUp = up < down || (up == down && (low & 1));
  return uint16_t(sign | (takeUp ? high : low));
}

} // namespace mlir::tenon::test
