//===- ModuleApi.cpp - cuModule*, cuLibrary*, cuLink* ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Module.h"
#include "sim/ptx/Parser.h"

#include <fstream>
#include <iterator>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// Bytes of a file, with a zero behind them.
static CUresult readFile(const char *path, std::string &bytes) {
  if (!path)
    return CUDA_ERROR_INVALID_VALUE;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return CUDA_ERROR_FILE_NOT_FOUND;
  bytes.assign(std::istreambuf_iterator<char>(file), {});
  return CUDA_SUCCESS;
}

// --- Modules -----------------------------------------------------------------

/// `size` 0: the image says.
static CUresult loadImage(CUmodule *handle, const void *image, size_t size,
                          unsigned count, CUjit_option *options,
                          void **values) {
  return inContext([&](Context &context) -> CUresult {
    if (!handle || !image)
      return CUDA_ERROR_INVALID_VALUE;
    JitOptions jit;
    if (CUresult error = JitOptions::read(count, options, values, jit))
      return error;
    if (CUresult error = context.streams->checkUnsafeCall())
      return error;
    std::string ptx;
    std::shared_ptr<Module> module;
    if (CUresult error = ptxOf(context.driver, image, size, jit, ptx))
      return error;
    if (CUresult error = loadModule(context, ptx, jit, module))
      return error;
    *handle = reinterpret_cast<CUmodule>(module.get());
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  return loadImage(module, image, 0, 0, nullptr, nullptr);
}
CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                            unsigned int count, CUjit_option *options,
                            void **values) {
  return loadImage(module, image, 0, count, options, values);
}
CUresult cuModuleLoadFatBinary(CUmodule *module, const void *image) {
  return loadImage(module, image, 0, 0, nullptr, nullptr);
}
CUresult cuModuleLoad(CUmodule *module, const char *path) {
  return guarded([&]() -> CUresult {
    std::string bytes;
    if (CUresult error = readFile(path, bytes))
      return error;
    if (bytes.empty())
      return CUDA_ERROR_INVALID_IMAGE;
    return loadImage(module, bytes.data(), bytes.size(), 0, nullptr, nullptr);
  });
}

/// `body(Context &, Module &)`.
template <typename Body>
static CUresult withModule(CUmodule handle, Body &&body) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<Module> module = context.driver.modules.find(handle);
    if (!module)
      return CUDA_ERROR_INVALID_HANDLE;
    return body(context, module);
  });
}
using ModulePointer = const std::shared_ptr<Module> &;

CUresult cuModuleUnload(CUmodule handle) {
  return withModule(handle, [&](Context &context, ModulePointer module) {
    if (module->ofLibrary)
      return CUDA_ERROR_NOT_PERMITTED;
    CUresult error = context.streams->synchronize();
    unloadModule(context.driver, module);
    return error;
  });
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) {
  return inDriver([&](Driver &) -> CUresult {
    if (!mode)
      return CUDA_ERROR_INVALID_VALUE;
    *mode = CU_MODULE_EAGER_LOADING;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle,
                             const char *name) {
  return withModule(handle, [&](Context &, ModulePointer module) {
    if (!function || !name || !*name)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Function> found = module->function(name);
    if (!found)
      return CUDA_ERROR_NOT_FOUND;
    *function = reinterpret_cast<CUfunction>(found.get());
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunctionCount(unsigned int *count, CUmodule handle) {
  return withModule(handle, [&](Context &, ModulePointer module) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = unsigned(module->functions.size());
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleEnumerateFunctions(CUfunction *functions, unsigned int count,
                                    CUmodule handle) {
  return withModule(handle, [&](Context &, ModulePointer module) {
    if (!functions)
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count && i < module->functions.size(); ++i)
      functions[i] = reinterpret_cast<CUfunction>(module->functions[i].get());
    return CUDA_SUCCESS;
  });
}

static CUresult globalOf(const Module &module, const char *name,
                         CUdeviceptr *address, size_t *size) {
  if (!name || !*name)
    return CUDA_ERROR_INVALID_VALUE;
  const exec::GlobalVariable *variable = module.code->variable(name);
  if (!variable)
    return CUDA_ERROR_NOT_FOUND;
  if (address)
    *address = variable->address;
  if (size)
    *size = variable->size;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *size,
                              CUmodule handle, const char *name) {
  return withModule(handle, [&](Context &, ModulePointer module) {
    return globalOf(*module, name, address, size);
  });
}

// --- Libraries ---------------------------------------------------------------

/// Makes a library of PTX that has been found in an image: parsed here, for its
/// kernels and for errors; loaded in each context at the first use.
static CUresult makeLibrary(Driver &driver, std::string ptx,
                            const JitOptions &jit, CUlibrary *handle) {
  auto library = std::make_shared<Library>();
  auto parsed = ptx::parse(ptx);
  if (const auto *errors = std::get_if<ptx::Diagnostics>(&parsed)) {
    std::string text;
    for (const ptx::Diagnostic &error : *errors)
      text += error.text() + "\n";
    jit.writeError(text);
    if (!jit.errorLog || !jit.errorLogSize)
      driver.log("a library was not loaded: " + text);
    return CUDA_ERROR_INVALID_PTX;
  }
  const ptx::Module &module = std::get<ptx::Module>(parsed);
  if (module.sm > driver.device.sm) {
    jit.writeError("the PTX is for " + module.target + ", the device is sm_" +
                   std::to_string(driver.device.sm));
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  for (const ptx::Function &function : module.functions) {
    if (!function.isEntry || !function.isDefined)
      continue;
    auto kernel = std::make_shared<LibraryKernel>();
    kernel->library = library;
    kernel->name = function.name;
    library->kernels.push_back(std::move(kernel));
  }
  library->ptx = std::move(ptx);
  jit.writeError("");
  jit.writeInfo("");
  // Where there is a context, errors of loading are this call's.
  std::shared_ptr<Context> context = driver.current();
  std::shared_ptr<Module> loaded;
  if (context && context->alive)
    if (CUresult error = moduleOf(*context, *library, loaded))
      return error;
  for (const std::shared_ptr<LibraryKernel> &kernel : library->kernels)
    driver.kernels.add(kernel);
  *handle = driver.libraries.add<CUlibrary>(library);
  return CUDA_SUCCESS;
}

static CUresult loadLibrary(CUlibrary *handle, const void *image, size_t size,
                            CUjit_option *options, void **values,
                            unsigned count) {
  return inDriver([&](Driver &driver) -> CUresult {
    if (!handle || !image)
      return CUDA_ERROR_INVALID_VALUE;
    JitOptions jit;
    if (CUresult error = JitOptions::read(count, options, values, jit))
      return error;
    std::string ptx;
    if (CUresult error = ptxOf(driver, image, size, jit, ptx))
      return error;
    return makeLibrary(driver, std::move(ptx), jit, handle);
  });
}

CUresult cuLibraryLoadData(CUlibrary *library, const void *code,
                           CUjit_option *options, void **values,
                           unsigned int count, CUlibraryOption *, void **,
                           unsigned int) {
  return loadLibrary(library, code, 0, options, values, count);
}
CUresult cuLibraryLoadFromFile(CUlibrary *library, const char *path,
                               CUjit_option *options, void **values,
                               unsigned int count, CUlibraryOption *, void **,
                               unsigned int) {
  return guarded([&]() -> CUresult {
    std::string bytes;
    if (CUresult error = readFile(path, bytes))
      return error;
    if (bytes.empty())
      return CUDA_ERROR_INVALID_IMAGE;
    return loadLibrary(library, bytes.data(), bytes.size(), options, values,
                       count);
  });
}

/// `body(Driver &, const std::shared_ptr<Library> &)`.
template <typename Body>
static CUresult withLibrary(CUlibrary handle, Body &&body) {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Library> library = driver.libraries.find(handle);
    if (!library)
      return CUDA_ERROR_INVALID_HANDLE;
    return body(driver, library);
  });
}
using LibraryPointer = const std::shared_ptr<Library> &;

CUresult cuLibraryUnload(CUlibrary handle) {
  return withLibrary(handle, [&](Driver &driver, LibraryPointer library) {
    for (const std::shared_ptr<Context> &context : driver.contexts.all())
      if (context->alive)
        context->streams->synchronize();
    driver.libraries.remove(handle);
    std::lock_guard lock(library->mutex);
    for (const std::shared_ptr<LibraryKernel> &kernel : library->kernels)
      driver.kernels.remove(kernel.get());
    for (const auto &[context, module] : library->modules)
      unloadModule(driver, module);
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary handle,
                            const char *name) {
  return withLibrary(handle, [&](Driver &, LibraryPointer library) {
    if (!kernel || !name)
      return CUDA_ERROR_INVALID_VALUE;
    for (const std::shared_ptr<LibraryKernel> &candidate : library->kernels)
      if (candidate->name == name) {
        *kernel = reinterpret_cast<CUkernel>(candidate.get());
        return CUDA_SUCCESS;
      }
    return CUDA_ERROR_NOT_FOUND;
  });
}

CUresult cuLibraryGetKernelCount(unsigned int *count, CUlibrary handle) {
  return withLibrary(handle, [&](Driver &, LibraryPointer library) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = unsigned(library->kernels.size());
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryEnumerateKernels(CUkernel *kernels, unsigned int count,
                                   CUlibrary handle) {
  return withLibrary(handle, [&](Driver &, LibraryPointer library) {
    if (!kernels)
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count && i < library->kernels.size(); ++i)
      kernels[i] = reinterpret_cast<CUkernel>(library->kernels[i].get());
    return CUDA_SUCCESS;
  });
}

/// `body(Module &)`: the library's module in the current context.
template <typename Body>
static CUresult withLibraryModule(CUlibrary handle, Body &&body) {
  return inContext([&](Context &context) -> CUresult {
    std::shared_ptr<Library> library = context.driver.libraries.find(handle);
    if (!library)
      return CUDA_ERROR_INVALID_HANDLE;
    std::shared_ptr<Module> module;
    if (CUresult error = moduleOf(context, *library, module))
      return error;
    return body(*module);
  });
}

CUresult cuLibraryGetModule(CUmodule *module, CUlibrary library) {
  return withLibraryModule(library, [&](Module &found) {
    if (!module)
      return CUDA_ERROR_INVALID_VALUE;
    *module = reinterpret_cast<CUmodule>(&found);
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *size,
                            CUlibrary library, const char *name) {
  return withLibraryModule(library, [&](Module &found) {
    return globalOf(found, name, address, size);
  });
}

/// PTX ISA 5.4.8: variables with .attribute(.managed).
CUresult cuLibraryGetManaged(CUdeviceptr *address, size_t *size,
                             CUlibrary library, const char *name) {
  return withLibraryModule(library, [&](Module &found) {
    const exec::GlobalVariable *variable =
        name ? found.code->variable(name) : nullptr;
    if (variable && !variable->isManaged)
      return CUDA_ERROR_NOT_FOUND;
    return globalOf(found, name, address, size);
  });
}

CUresult cuLibraryGetUnifiedFunction(void **, CUlibrary library,
                                     const char *name) {
  return withLibraryModule(library, [&](Module &) {
    return name ? CUDA_ERROR_NOT_FOUND : CUDA_ERROR_INVALID_VALUE;
  });
}
