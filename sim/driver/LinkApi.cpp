//===- LinkApi.cpp - cuLink* ----------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker of PTX: each input's text is kept, and the result is one text that
// cuModuleLoadData takes. The first input's .version, .target and
// .address_size stand for all; a symbol that one declares .extern and another
// defines is resolved by the loader, which sees one module then.
//
// Libraries hold machine code, of which nothing can be taken; a program that
// needs nothing of one does not notice. Of NVIDIA's device runtime there is
// what DeviceRuntime.h holds.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/DeviceRuntime.h"
#include "sim/driver/Driver.h"
#include "sim/driver/Module.h"
#include "sim/ptx/Parser.h"

#include <cstring>
#include <fstream>
#include <iterator>

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace tenon::sim::driver {
class Linker {
public:
  JitOptions jit;
  std::mutex mutex;
  // Guarded by `mutex`.
  std::string text;
  bool complete = false, hasLibrary = false;
};
} // namespace tenon::sim::driver

/// Without the three directives that begin a module (PTX ISA 11.1).
static std::string withoutHeader(const std::string &ptx) {
  std::string text;
  for (size_t at = 0; at < ptx.size();) {
    size_t end = std::min(ptx.find('\n', at), ptx.size());
    std::string_view line(ptx.data() + at, end - at);
    size_t first = line.find_first_not_of(" \t");
    std::string_view word =
        first == line.npos ? std::string_view() : line.substr(first);
    if (!word.starts_with(".version") && !word.starts_with(".target") &&
        !word.starts_with(".address_size"))
      text += line;
    text += '\n';
    at = end + 1;
  }
  return text;
}

static CUresult addText(Driver &driver, Linker &linker, const void *data,
                        size_t size) {
  std::string ptx;
  if (CUresult error = ptxOf(driver, data, size, linker.jit, ptx))
    return error;
  auto parsed = ptx::parse(ptx);
  if (const auto *errors = std::get_if<ptx::Diagnostics>(&parsed)) {
    std::string text;
    for (const ptx::Diagnostic &error : *errors)
      text += error.text() + "\n";
    linker.jit.writeError(text);
    return CUDA_ERROR_INVALID_PTX;
  }
  std::lock_guard lock(linker.mutex);
  if (linker.complete)
    return CUDA_ERROR_INVALID_VALUE;
  linker.text += linker.text.empty() ? ptx : withoutHeader(ptx);
  return CUDA_SUCCESS;
}

CUresult cuLinkCreate_v2(unsigned int count, CUjit_option *options,
                         void **values, CUlinkState *state) {
  return inContext([&](Context &context) -> CUresult {
    if (!state)
      return CUDA_ERROR_INVALID_VALUE;
    auto linker = std::make_shared<Linker>();
    if (CUresult error = JitOptions::read(count, options, values, linker->jit))
      return error;
    *state = context.driver.linkers.add<CUlinkState>(std::move(linker));
    return CUDA_SUCCESS;
  });
}
CUresult cuLinkCreate(unsigned int count, CUjit_option *options, void **values,
                      CUlinkState *state) {
  return cuLinkCreate_v2(count, options, values, state);
}

CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data,
                          size_t size, const char *, unsigned int count,
                          CUjit_option *options, void **values) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<Linker> linker = context.driver.linkers.find(state);
    if (!linker)
      return CUDA_ERROR_INVALID_HANDLE;
    JitOptions ignored; // of this input alone
    if (CUresult error = JitOptions::read(count, options, values, ignored))
      return error;
    switch (type) {
    case CU_JIT_INPUT_PTX:
    case CU_JIT_INPUT_FATBINARY:
      return data && size ? addText(context.driver, *linker, data, size)
                          : CUDA_ERROR_INVALID_VALUE;
    case CU_JIT_INPUT_LIBRARY: {
      if (!data || size < 8 || std::memcmp(data, "!<arch>\n", 8) != 0)
        return CUDA_ERROR_INVALID_IMAGE;
      std::lock_guard lock(linker->mutex);
      if (linker->complete)
        return CUDA_ERROR_INVALID_VALUE;
      linker->hasLibrary = true;
      return CUDA_SUCCESS;
    }
    case CU_JIT_INPUT_CUBIN:
    case CU_JIT_INPUT_OBJECT:
      linker->jit.writeError("only PTX can be linked");
      return CUDA_ERROR_NO_BINARY_FOR_GPU;
    case CU_JIT_INPUT_NVVM:
      return CUDA_ERROR_NOT_SUPPORTED;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}
CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void *data,
                       size_t size, const char *name, unsigned int count,
                       CUjit_option *options, void **values) {
  return cuLinkAddData_v2(state, type, data, size, name, count, options,
                          values);
}

CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type,
                          const char *path, unsigned int count,
                          CUjit_option *options, void **values) {
  return guarded([&]() -> CUresult {
    if (!path)
      return CUDA_ERROR_INVALID_VALUE;
    std::ifstream file(path, std::ios::binary);
    if (!file)
      return CUDA_ERROR_FILE_NOT_FOUND;
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    return cuLinkAddData_v2(state, type, bytes.data(), bytes.size(), path,
                            count, options, values);
  });
}
CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char *path,
                       unsigned int count, CUjit_option *options,
                       void **values) {
  return cuLinkAddFile_v2(state, type, path, count, options, values);
}

/// Defines the functions of the device runtime that a module declares.
static void addDeviceRuntime(const ptx::Module &module, std::string &text) {
  for (const ptx::Function &function : module.functions)
    for (const DeviceRuntimeFunction &known : kDeviceRuntime)
      if (!function.isDefined && function.name == known.name)
        text += known.ptx;
}

CUresult cuLinkComplete(CUlinkState state, void **image, size_t *size) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<Linker> linker = context.driver.linkers.find(state);
    if (!linker)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!image)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(linker->mutex);
    auto parsed = ptx::parse(linker->text);
    if (const auto *errors = std::get_if<ptx::Diagnostics>(&parsed)) {
      std::string text;
      for (const ptx::Diagnostic &error : *errors)
        text += error.text() + "\n";
      linker->jit.writeError(text);
      return CUDA_ERROR_INVALID_PTX;
    }
    if (linker->hasLibrary)
      addDeviceRuntime(std::get<ptx::Module>(parsed), linker->text);
    linker->complete = true;
    linker->jit.writeError("");
    linker->jit.writeInfo("");
    *image = linker->text.data(); // lives until cuLinkDestroy
    if (size)
      *size = linker->text.size() + 1;
    return CUDA_SUCCESS;
  });
}

CUresult cuLinkDestroy(CUlinkState state) {
  return inDriver([&](Driver &driver) -> CUresult {
    return driver.linkers.remove(state) ? CUDA_SUCCESS
                                        : CUDA_ERROR_INVALID_HANDLE;
  });
}
