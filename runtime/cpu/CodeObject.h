//===- CodeObject.h - Compiled kernels in memory -----------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A variant's code is a shared library inside the engine file. The dynamic
// loader wants a file name: an anonymous file (memfd) under /proc/self/fd, or,
// where there is no /proc, a temporary file that is removed at once. The
// loader maps code read-execute and data read-write, so that no memory is ever
// both writable and executable.
//
// The descriptor stays open as long as the library: the loader knows libraries
// by name, and a reused /proc/self/fd/N would give the old one back.
//
// Shown by test/unit/runtime/CodeObjectTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CPU_CODEOBJECT_H
#define TENON_RUNTIME_CPU_CODEOBJECT_H

#include "runtime/Status.h"
#include "runtime/include/tenon/kernel_abi.h"
#include <cstddef>

namespace tenon::runtime {

class CodeObject {
public:
  CodeObject() = default;
  ~CodeObject();
  CodeObject(const CodeObject &) = delete;
  CodeObject &operator=(const CodeObject &) = delete;

  enum class Way { Best, TemporaryFile };

  /// Loads the shared library in `data`, which may go away afterwards.
  Status load(const void *data, size_t size, Way way = Way::Best);

  /// The kernel with that name, or null.
  TenonKernelFunction find(const char *symbol) const;

private:
  Status loadFromMemoryFile(const void *data, size_t size);
  Status loadFromTemporaryFile(const void *data, size_t size);

  void *library = nullptr;
  int descriptor = -1;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPU_CODEOBJECT_H
