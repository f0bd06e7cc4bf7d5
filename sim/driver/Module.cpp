//===- Module.cpp - Loaded code and its functions -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Module.h"
#include "sim/report/Ptxas.h"

#include "sim/driver/Driver.h"
#include "sim/driver/Fatbin.h"

#include <algorithm>
#include <chrono>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

std::shared_ptr<Function> Module::function(std::string_view name) const {
  for (const std::shared_ptr<Function> &function : functions)
    if (function->kernel->name == name)
      return function;
  return nullptr;
}

// --- Options -----------------------------------------------------------------

CUresult JitOptions::read(unsigned count, const CUjit_option *options,
                          void **values, JitOptions &result) {
  if (count && (!options || !values))
    return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i) {
    // Small values are passed in the pointer itself.
    size_t number = reinterpret_cast<uintptr_t>(values[i]);
    switch (int(options[i])) {
    case CU_JIT_INFO_LOG_BUFFER:
      result.infoLog = static_cast<char *>(values[i]);
      break;
    case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
      result.infoLogSize = size_t(unsigned(number));
      result.infoLogFilled = &values[i];
      break;
    case CU_JIT_ERROR_LOG_BUFFER:
      result.errorLog = static_cast<char *>(values[i]);
      break;
    case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
      result.errorLogSize = size_t(unsigned(number));
      result.errorLogFilled = &values[i];
      break;
    case CU_JIT_WALL_TIME:
      result.wallTime = reinterpret_cast<float *>(&values[i]);
      break;
    case CU_JIT_LOG_VERBOSE:
      result.verbose = number != 0;
      break;
    default:
      if (int(options[i]) < 0 || options[i] >= CU_JIT_NUM_OPTIONS)
        return CUDA_ERROR_INVALID_VALUE;
      break; // tuning of a compiler that is not there
    }
  }
  return CUDA_SUCCESS;
}

/// Fills a log as the driver does: the size becomes the bytes written.
static void writeLog(std::string_view text, char *log, size_t size,
                     void **filled) {
  size_t count = 0;
  if (log && size) {
    count = std::min(text.size(), size - 1);
    std::memcpy(log, text.data(), count);
    log[count] = 0;
  }
  if (filled)
    *filled = reinterpret_cast<void *>(count);
}
void JitOptions::writeError(std::string_view text) const {
  writeLog(text, errorLog, errorLogSize, errorLogFilled);
}
void JitOptions::writeInfo(std::string_view text) const {
  writeLog(text, infoLog, infoLogSize, infoLogFilled);
}

// --- Images ------------------------------------------------------------------

CUresult tenon::sim::driver::ptxOf(const Driver &driver, const void *image,
                                   size_t size, const JitOptions &jit,
                                   std::string &ptx) {
  if (!image)
    return CUDA_ERROR_INVALID_VALUE;
  const char *bytes = static_cast<const char *>(image);
  // A text of three characters has no magic number behind its end.
  uint32_t magic = 0;
  size_t known = size ? size : strnlen(bytes, sizeof magic);
  if (known >= sizeof magic ||
      uint8_t(bytes[0]) == uint8_t(kFatbinMagic & 0xFF))
    std::memcpy(&magic, bytes, sizeof magic);
  if (magic == kWrapperMagic) {
    std::memcpy(&image, bytes + 8, sizeof image);
    if (!image)
      return CUDA_ERROR_INVALID_IMAGE;
    size = 0;
    std::memcpy(&magic, image, sizeof magic);
  }
  if (magic == kElfMagic) {
    jit.writeError("the image is machine code (ELF) for a real GPU; the "
                   "simulator runs PTX: compile with "
                   "-gencode arch=compute_80,code=compute_80");
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  if (magic != kFatbinMagic) {
    ptx = size ? std::string(bytes, strnlen(bytes, size)) : std::string(bytes);
    if (ptx.empty())
      return CUDA_ERROR_INVALID_IMAGE;
    return CUDA_SUCCESS;
  }
  FatbinContent content = readFatbin(image, size, driver.device.sm);
  if (content.kind == FatbinContent::Kind::Ptx) {
    ptx = std::move(content.ptx);
    return CUDA_SUCCESS;
  }
  jit.writeError(content.message);
  return content.kind == FatbinContent::Kind::Damaged
             ? CUDA_ERROR_INVALID_IMAGE
             : CUDA_ERROR_NO_BINARY_FOR_GPU;
}

// --- Modules -----------------------------------------------------------------

static CUresult errorOf(const exec::LoadError &error) {
  switch (error.kind) {
  case exec::LoadError::Kind::InvalidPtx:
  case exec::LoadError::Kind::Unresolved: // as ptxas fails on it
    return CUDA_ERROR_INVALID_PTX;
  case exec::LoadError::Kind::WrongTarget:
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  case exec::LoadError::Kind::OutOfMemory:
    return CUDA_ERROR_OUT_OF_MEMORY;
  case exec::LoadError::Kind::NotSupported:
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  return CUDA_ERROR_UNKNOWN;
}

CUresult tenon::sim::driver::loadModule(Context &context, std::string_view ptx,
                                        const JitOptions &jit,
                                        std::shared_ptr<Module> &module) {
  Driver &driver = context.driver;
  auto begin = std::chrono::steady_clock::now();
  auto loaded = exec::load(ptx, driver.device, *driver.memory);
  if (jit.wallTime)
    *jit.wallTime = std::chrono::duration<float, std::milli>(
                        std::chrono::steady_clock::now() - begin)
                        .count();
  if (const auto *error = std::get_if<exec::LoadError>(&loaded)) {
    jit.writeError(error->message);
    jit.writeInfo("");
    // Who gave no buffer for it would never learn the reason.
    if (!jit.errorLog || !jit.errorLogSize)
      driver.log("a module was not loaded: " + error->message);
    return errorOf(*error);
  }
  jit.writeError("");
  module = std::make_shared<Module>();
  module->context = &context;
  auto &code = std::get<0>(loaded);
  if (!driver.settings.ptxas.empty()) {
    auto measured =
        report::measureRegisters(ptx, driver.device.sm, driver.settings.ptxas);
    if (!measured)
      driver.logOnce("TENON_SIMCUDA_PTXAS: " + driver.settings.ptxas +
                     " does not take a module; registers are estimated");
    for (const std::unique_ptr<exec::Kernel> &kernel : code->kernels)
      if (measured && measured->count(kernel->name)) {
        kernel->registers = measured->at(kernel->name);
        kernel->registersMeasured = true;
      }
  }
  module->code = std::move(code);
  std::string info;
  for (const std::unique_ptr<exec::Kernel> &kernel : module->code->kernels) {
    auto function = std::make_shared<Function>();
    function->module = module;
    function->code = module->code;
    function->kernel = kernel.get();
    function->context = &context;
    info += kernel->name + ": " + std::to_string(kernel->registers) +
            " registers, " + std::to_string(kernel->staticShared) +
            " bytes shared, " + std::to_string(kernel->localBytes) +
            " bytes local\n";
    driver.functions.add(function);
    module->functions.push_back(std::move(function));
  }
  jit.writeInfo(jit.verbose ? info : "");
  driver.modules.add(module);
  return CUDA_SUCCESS;
}

void tenon::sim::driver::unloadModule(Driver &driver,
                                      const std::shared_ptr<Module> &module) {
  for (const std::shared_ptr<Function> &function : module->functions)
    driver.functions.remove(function.get());
  driver.modules.remove(module.get());
}

// --- Libraries ---------------------------------------------------------------

CUresult tenon::sim::driver::moduleOf(Context &context, Library &library,
                                      std::shared_ptr<Module> &module) {
  std::lock_guard lock(library.mutex);
  std::shared_ptr<Module> &slot = library.modules[&context];
  if (!slot) {
    if (CUresult error = loadModule(context, library.ptx, {}, slot)) {
      library.modules.erase(&context);
      return error;
    }
    slot->ofLibrary = true;
    // What was set for the kernel holds for its functions.
    for (const std::shared_ptr<LibraryKernel> &kernel : library.kernels)
      if (auto function = slot->function(kernel->name)) {
        FunctionAttributes &to = function->attributes;
        to.maxDynamicShared = kernel->attributes.maxDynamicShared.load();
        to.carveout = kernel->attributes.carveout.load();
        to.nonPortableCluster = kernel->attributes.nonPortableCluster.load();
      }
  }
  module = slot;
  return CUDA_SUCCESS;
}

CUresult tenon::sim::driver::functionOf(Context &context, CUfunction handle,
                                        std::shared_ptr<Function> &function) {
  Driver &driver = context.driver;
  function = driver.functions.find(handle);
  if (function)
    return function->context == &context ? CUDA_SUCCESS
                                         : CUDA_ERROR_INVALID_HANDLE;
  std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
  std::shared_ptr<Library> library = kernel ? kernel->library.lock() : nullptr;
  if (!library)
    return CUDA_ERROR_INVALID_HANDLE;
  std::shared_ptr<Module> module;
  if (CUresult error = moduleOf(context, *library, module))
    return error;
  function = module->function(kernel->name);
  return function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

void tenon::sim::driver::forgetContext(Driver &driver, Context &context) {
  for (const std::shared_ptr<Module> &module : driver.modules.all())
    if (module->context == &context)
      unloadModule(driver, module);
  for (const std::shared_ptr<Library> &library : driver.libraries.all()) {
    std::lock_guard lock(library->mutex);
    library->modules.erase(&context);
  }
}
