//===- Harness.h - Compile kernels and call them ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the tests of kernels/Math and compiler/Target/CPU share: kernels from
// text or from a builder function, through compileToCodeObject, dlopened.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_UNIT_MATH_HARNESS_H
#define TENON_TEST_UNIT_MATH_HARNESS_H

#include "compiler/Target/CPU/CodeObject.h"
#include "runtime/include/tenon/kernel_abi.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mlir::tenon::test {

/// A context with all that kernels use loaded; diagnostics are collected in
/// `messages` instead of printed.
struct KernelContext {
  KernelContext();
  MLIRContext context;
  std::vector<std::string> messages;

  /// Parses kernel modules; fails the test if one does not parse.
  std::vector<OwningOpRef<ModuleOp>>
  parse(const std::vector<std::string> &texts);
};

/// A code object opened with dlopen.
class Library {
public:
  explicit Library(llvm::ArrayRef<char> bytes);
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;
  /// Null if the library has no such function.
  TenonKernelFunction find(const std::string &name) const;

private:
  void *handle = nullptr;
};

/// A temporary folder, removed at the end.
struct TemporaryFolder {
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path;
  std::string read(const std::string &name) const;
};

/// Compiles `modules` for x86-64-v3 and opens the result; null, with the
/// messages as test failures, if that fails.
std::unique_ptr<Library>
compileAndOpen(KernelContext &kernels,
               std::vector<OwningOpRef<ModuleOp>> modules);

/// One elementwise kernel: `inputs` buffers of type `in`, then one of `out`;
/// `body` maps the loaded values to the stored one. `lanes` = 0 makes scalars.
struct Elementwise {
  std::string name;
  std::vector<Type> inputs;
  Type output;
  unsigned lanes = 8;
  std::function<Value(OpBuilder &, Location, ValueRange)> body;
};

/// The kernel as a module; it does elements [begin, end), which must be a
/// multiple of the lanes.
OwningOpRef<ModuleOp> buildElementwise(KernelContext &kernels,
                                       const Elementwise &kernel);

/// The bf16 nearest to x, ties to even, by search: an independent definition.
uint16_t nearestBf16(double x);

} // namespace mlir::tenon::test

#endif // TENON_TEST_UNIT_MATH_HARNESS_H
