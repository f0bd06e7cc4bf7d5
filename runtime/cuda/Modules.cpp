//===- Modules.cpp - An engine's kernels on a CUDA device -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/Modules.h"

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::cuda;
using schema::CudaImageKind;

// More than that of dynamic shared memory has to be asked for (CUDA C++
// Programming Guide, "Shared Memory" of each compute capability).
static constexpr unsigned kSharedWithoutAsking = 48 << 10;

static std::string nameOf(const CudaImage &image) {
  return formatText("sm_%d %s", image.capability,
                    image.kind == CudaImageKind::Ptx ? "PTX" : "cubin");
}

static bool runsOn(const CudaImage &image, int capability) {
  if (image.kind == CudaImageKind::Ptx)
    return image.capability <= capability;
  return image.capability / 10 == capability / 10 &&
         image.capability <= capability;
}

/// The work of Modules::load.
struct Modules::Loading {
  Modules &modules;
  EngineFile &file;
  const Program &program;
  uint32_t variant;
  const Logger &log;
  ThreadPool &pool;
  std::string firstRefusal; // of an image that others can stand in for
  uint32_t refusals = 0;

  const Device &device() const { return *modules.owner; }

  Status loadModule(const CudaImage &image, uint32_t kernel, Module &module);
  Status loadKernel(uint32_t index);
  Status prepare(uint32_t index, Module &module);
  Status countParameters(uint32_t index, LoadedKernel &loaded);
  Status checkLaunches();
};

Status Modules::Loading::loadModule(const CudaImage &image, uint32_t kernel,
                                    Module &module) {
  const char *data = file.blob(image.blob);
  uint64_t bytes = file.blobBytes(image.blob);
  if (image.kind == CudaImageKind::Ptx && (bytes == 0 || data[bytes - 1] != 0))
    return fail(TENON_INVALID_ENGINE,
                "variants[%u].kernels[%u]: the PTX in blob %u does not end "
                "with a NUL",
                variant, kernel, image.blob);
  std::vector<char> text(8192, 0);
  int options[] = {kJitErrorLog, kJitErrorLogBytes};
  void *values[] = {text.data(), reinterpret_cast<void *>(text.size() - 1)};
  int result =
      device().api().moduleLoad(&module.handle, data, 2, options, values);
  if (result == kSuccess)
    return {};
  module.handle = nullptr;
  std::string what = "loading the " + nameOf(image) + " of kernel '" +
                     program.kernels[kernel].symbol + "'";
  if (!image.tool.empty())
    what += " (made by " + image.tool + ")";
  Status status = device().failure(result, what);
  std::string details = text.data();
  while (!details.empty() && (details.back() == '\n' || details.back() == ' '))
    details.pop_back();
  if (!details.empty())
    status = Status(status.code(), status.message() + ": " + details);
  // An image that the driver does not take is no fault of the device.
  return status.code() == TENON_DEVICE_ERROR && !device().usable().failed()
             ? Status(TENON_UNSUPPORTED, status.message())
             : status;
}

/// Finds the kernel in its module and asks for its shared memory.
Status Modules::Loading::prepare(uint32_t index, Module &module) {
  const Kernel &kernel = program.kernels[index];
  LoadedKernel loaded;
  int result = device().api().moduleFunction(&loaded.function, module.handle,
                                             kernel.symbol);
  if (result == kNotFound)
    return fail(TENON_INVALID_ENGINE,
                "variants[%u].kernels[%u]: its image has no entry '%s'",
                variant, index, kernel.symbol);
  if (result != kSuccess)
    return device().failure(result, std::string("finding the kernel '") +
                                        kernel.symbol + "'");
  loaded.blockX = kernel.block[0];
  loaded.blockY = kernel.block[1];
  loaded.blockZ = kernel.block[2];
  loaded.sharedBytes = kernel.sharedBytes;
  loaded.mayFault = kernel.mayFault;
  if (kernel.sharedBytes > unsigned(device().mostShared()))
    return fail(TENON_UNSUPPORTED,
                "kernel '%s' needs %u bytes of shared memory in a block, %s "
                "has %d: recompile for this device",
                kernel.symbol, kernel.sharedBytes, device().name().c_str(),
                device().mostShared());
  if (kernel.sharedBytes > kSharedWithoutAsking)
    if (int error = device().api().functionSetAttribute(
            loaded.function, kMaxDynamicShared, int(kernel.sharedBytes)))
      return device().failure(error, std::string("asking for the shared memory "
                                                 "of kernel '") +
                                         kernel.symbol + "'");
  TENON_TRY(countParameters(index, loaded));
  modules.list.push_back(loaded);
  return {};
}

Status Modules::Loading::countParameters(uint32_t index, LoadedKernel &loaded) {
  const Driver &driver = device().api();
  if (!driver.functionParameter)
    return {};
  size_t offset, bytes;
  for (int count = 0;; ++count) {
    int result = driver.functionParameter(loaded.function, size_t(count),
                                          &offset, &bytes);
    if (result == kInvalidValue) { // past the last one
      loaded.parameters = count;
      return {};
    }
    const char *symbol = program.kernels[index].symbol;
    if (result != kSuccess)
      return device().failure(result, std::string("asking for the parameters "
                                                  "of kernel '") +
                                          symbol + "'");
    if (offset != size_t(count) * 8 || bytes != 8)
      return fail(TENON_INVALID_ENGINE,
                  "variants[%u].kernels[%u]: parameter %d of '%s' has %zu "
                  "bytes at %zu, expected 8 at %zu",
                  variant, index, count, symbol, bytes, offset,
                  size_t(count) * 8);
  }
}

/// Each launch gives all parameters that its kernels declare.
Status Modules::Loading::checkLaunches() {
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction &instruction = program.instructions[i];
    int given = int(instruction.buffers.count + 1 + instruction.scalars.count);
    for (uint32_t c = 0; c < instruction.choices.count; ++c) {
      uint32_t kernel = program.choices[instruction.choices.first + c].kernel;
      if (modules.list[kernel].parameters > given)
        return fail(TENON_INVALID_ENGINE,
                    "variants[%u].instructions[%zu].choices[%u]: kernel '%s' "
                    "has %d parameters, the launch gives %d",
                    variant, i, c, program.kernels[kernel].symbol,
                    modules.list[kernel].parameters, given);
    }
  }
  return {};
}

Status Modules::Loading::loadKernel(uint32_t index) {
  const Kernel &kernel = program.kernels[index];
  std::string others;
  Status refused;
  for (const CudaImage &image : kernel.images) {
    if (!runsOn(image, device().capability())) {
      others += (others.empty() ? "" : ", ") + nameOf(image);
      continue;
    }
    TENON_TRY(file.verifyBlob(image.blob, pool));
    auto [place, fresh] = modules.modules.try_emplace(image.blob);
    Module &module = place->second;
    if (fresh) {
      module.failure = loadModule(image, index, module);
      if (module.failure.failed() && &image != &kernel.images.back() &&
          refusals++ == 0)
        firstRefusal = module.failure.message();
    }
    if (!module.failure.failed())
      return prepare(index, module);
    if (module.failure.code() != TENON_UNSUPPORTED)
      return module.failure;
    refused = module.failure;
  }
  if (refused.failed())
    return refused;
  return fail(TENON_UNSUPPORTED,
              "kernel '%s' has no image for sm_%d, which is %s (it has %s): "
              "recompile for this device",
              kernel.symbol, device().capability(), device().name().c_str(),
              others.c_str());
}

Status Modules::load(const std::shared_ptr<Device> &device, EngineFile &file,
                     const Program &program, uint32_t variant,
                     const Logger &log, ThreadPool &pool) {
  owner = device;
  list.clear();
  Current current(*device);
  TENON_TRY(current.check());
  Loading loading = {*this, file, program, variant, log, pool, "", 0};
  for (uint32_t i = 0; i < program.kernels.size(); ++i)
    TENON_TRY(loading.loadKernel(i));
  // One line: a driver that refuses one of them refuses all.
  if (loading.refusals)
    log.log(TENON_WARNING,
            formatText("%u of the engine's images do not load, the next best "
                       "are used instead (the first: %s)",
                       loading.refusals, loading.firstRefusal.c_str()));
  return loading.checkLaunches();
}

Modules::~Modules() {
  if (!owner)
    return;
  Current current(*owner);
  for (auto &entry : modules)
    if (entry.second.handle)
      owner->api().moduleUnload(entry.second.handle);
}
