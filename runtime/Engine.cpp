//===- Engine.cpp - A loaded engine ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Engine.h"

#include "runtime/cpu/CpuExecutor.h"
#include "runtime/cpu/CpuTarget.h"
#include "runtime/cuda/CudaExecutor.h"
#include <algorithm>
#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using schema::ConstantKind;
using schema::ValueKind;

static constexpr int kMostLoadThreads = 4;

Status Engine::load(const Open &open, const Options &options,
                    std::shared_ptr<const Engine> &result) {
  auto engine = std::make_shared<Engine>();
  engine->log = options.logger;
  TENON_TRY(open(engine->file));
  int threads = options.threads > 0 ? options.threads
                                    : std::min(kMostLoadThreads, usableCores());
  // A small file is checked before a second thread has started.
  if (engine->file.size() < 2 * kChunkBytes && options.threads <= 0)
    threads = 1;
  ThreadPool pool(threads);
  TENON_TRY(engine->file.verify(pool));

  const schema::Engine &source = engine->source();
  TENON_TRY(engine->exprTable.decode(source));
  TENON_TRY(engine->userInterface.decode(source, engine->exprTable));
  std::string reasons;
  for (uint32_t first = 0;; first = engine->variantIndex + 1) {
    TENON_TRY(engine->chooseVariant(options, first, reasons));
    Status status = engine->loadVariant(options, pool);
    bool mayFallBack = status.code() == TENON_UNSUPPORTED &&
                       engine->variantProgram.cuda && !options.target &&
                       options.device == TENON_DEVICE_AUTO;
    if (!status.failed())
      break;
    if (!mayFallBack)
      return status;
    engine->log.log(TENON_WARNING, "variant " + engine->isa +
                                       " does not load: " + status.message());
    reasons +=
        (reasons.empty() ? "" : "; ") + engine->isa + ": " + status.message();
  }
  engine->log.log(TENON_INFO,
                  formatText("loaded '%s': variant %s, %zu instructions, "
                             "%" PRIu64 " bytes of constants",
                             textOf(source.model()), engine->isa.c_str(),
                             engine->variantProgram.instructions.size(),
                             engine->totalConstantBytes()));
  result = std::move(engine);
  return {};
}

static std::string variantName(const schema::Variant &variant) {
  const schema::Target *target = variant.target();
  if (!target)
    return "";
  if (target->kind() == schema::TargetKind::Cuda)
    return "sm_" + std::to_string(target->compute_capability());
  std::string name = textOf(target->isa());
  for (uint32_t i = 0; target->features() && i < target->features()->size();
       ++i)
    name += "+" + target->features()->Get(i)->str();
  return name;
}

/// Whether the device runs the variant; why not, otherwise.
Status Engine::cudaRuns(const schema::Variant &variant,
                        const Options &options) {
  if (!gpu && !gpuFailure.failed())
    gpuFailure = cuda::Device::open(options.cuda, gpu);
  TENON_TRY(Status(gpuFailure));
  int wanted = variant.target()->compute_capability();
  if (wanted > gpu->capability())
    return fail(TENON_UNSUPPORTED,
                "%s is sm_%d: recompile with tenonc "
                "--target=cuda:sm_%d",
                gpu->name().c_str(), gpu->capability(), gpu->capability());
  return {};
}

/// Takes the first variant from number `first` on that this machine runs.
/// `reasons` says why those before it were not taken.
Status Engine::chooseVariant(const Options &options, uint32_t first,
                             std::string &reasons) {
  const auto *variants = source().variants();
  if (!variants || variants->size() == 0)
    return fail(TENON_INVALID_ENGINE, "the engine holds no variant");
  for (uint32_t i = first; i < variants->size(); ++i) {
    const schema::Variant &variant = *variants->Get(i);
    std::string name = variantName(variant), missing;
    bool cuda = variant.target() &&
                variant.target()->kind() == schema::TargetKind::Cuda;
    if (options.target && name != options.target) {
      missing = "not the one asked for";
    } else if (!variant.target()) {
      missing = "it has no target";
    } else if (options.device != TENON_DEVICE_AUTO &&
               cuda != (options.device == TENON_DEVICE_CUDA)) {
      missing = "not for the device asked for";
    } else if (cuda) {
      Status status = cudaRuns(variant, options);
      if (!status.failed()) {
        variantIndex = i;
        isa = name;
        return {};
      }
      // What is not there may be missing; what is there and fails may not.
      if (status.code() != TENON_UNSUPPORTED)
        return status;
      missing = status.message();
      log.log(options.device == TENON_DEVICE_AUTO ? TENON_INFO : TENON_DEBUG,
              "variant " + name + " is not used: " + missing);
    } else {
      std::vector<std::string> features;
      const auto *list = variant.target()->features();
      for (uint32_t k = 0; list && k < list->size(); ++k)
        features.push_back(list->Get(k)->str());
      if (hostRuns(textOf(variant.target()->isa()), features, missing)) {
        variantIndex = i;
        isa = name;
        return {};
      }
      missing = "this machine lacks " + missing;
    }
    reasons += (reasons.empty() ? "" : "; ") + name + ": " + missing;
  }
  if (options.target)
    return fail(TENON_UNSUPPORTED, "cannot use variant '%s' (%s)",
                options.target, reasons.c_str());
  if (options.device == TENON_DEVICE_CUDA)
    return fail(TENON_UNSUPPORTED, "no variant runs on a CUDA device here (%s)",
                reasons.c_str());
  return fail(TENON_UNSUPPORTED,
              "no variant runs on this machine, which is %s (%s): recompile "
              "for it with tenonc --cpu",
              hostCpuLevel().c_str(), reasons.c_str());
}

/// Everything that belongs to the variant that was chosen.
Status Engine::loadVariant(const Options &options, ThreadPool &pool) {
  variantProgram = Program();
  kernelFunctions.clear();
  constantData.clear();
  constantSizes.clear();
  TENON_TRY(
      variantProgram.decode(source(), variantIndex, exprTable, userInterface));
  mainLifetimes = findLifetimes(variantProgram, variantProgram.mainBlock);
  if (variantProgram.cuda && options.nvtx) {
    Status status = cuda::Nvtx::open(options.nvtx, profiler);
    if (status.failed())
      log.log(TENON_WARNING, status.message());
  }
  if (variantProgram.cuda)
    TENON_TRY(modules.load(gpu, file, variantProgram, variantIndex, log, pool));
  else
    TENON_TRY(loadCode(pool));
  TENON_TRY(checkConstants(pool));
  TENON_TRY(variantProgram.cuda ? uploadConstants() : loadConstants(options));
  return runInit(pool);
}

Status Engine::loadCode(ThreadPool &pool) {
  const schema::Variant &variant = variantProgram.source();
  if (variant.code() >= 0) {
    if (uint32_t(variant.code()) >= file.blobCount())
      return fail(TENON_INVALID_ENGINE,
                  "variants[%u].code: %d is past the end (%u blobs)",
                  variantIndex, variant.code(), file.blobCount());
    uint32_t blob = uint32_t(variant.code());
    TENON_TRY(file.verifyBlob(blob, pool));
    TENON_TRY(code.load(file.blob(blob), file.blobBytes(blob)));
  }
  for (size_t i = 0; i < variantProgram.kernels.size(); ++i) {
    const Kernel &kernel = variantProgram.kernels[i];
    TenonKernelFunction function = code.find(kernel.symbol);
    if (!function)
      return fail(TENON_INVALID_ENGINE,
                  "variants[%u].kernels[%zu]: the code object has no symbol "
                  "'%s'",
                  variantIndex, i, kernel.symbol);
    kernelFunctions.push_back(function);
  }
  return {};
}

/// Their places in the file, and the sizes of the values that name them.
Status Engine::checkConstants(ThreadPool &pool) {
  const auto *constants = variantProgram.source().constants();
  uint32_t count = constants ? constants->size() : 0;
  for (uint32_t i = 0; i < count; ++i) {
    const schema::Constant &constant = *constants->Get(i);
    if (constant.kind() != ConstantKind::Derived) {
      uint32_t blob = uint32_t(constant.blob());
      if (constant.blob() < 0 || blob >= file.blobCount())
        return fail(TENON_INVALID_ENGINE,
                    "variants[%u].constants[%u].blob: %d is past the end (%u "
                    "blobs)",
                    variantIndex, i, constant.blob(), file.blobCount());
      uint64_t whole = file.blobBytes(blob);
      if (constant.offset() > whole ||
          constant.size() > whole - constant.offset() ||
          constant.offset() % uint64_t(kBufferAlignment))
        return fail(
            TENON_INVALID_ENGINE,
            "variants[%u].constants[%u]: bytes %" PRIu64 " + %" PRIu64
            " are not in blob %u (%" PRIu64 " bytes), or not aligned to 64",
            variantIndex, i, constant.offset(), constant.size(), blob, whole);
      TENON_TRY(file.verifyBlob(blob, pool));
    }
    if (constant.size() > (uint64_t(1) << 46))
      return fail(TENON_INVALID_ENGINE,
                  "variants[%u].constants[%u]: impossible size %" PRIu64,
                  variantIndex, i, constant.size());
    constantSizes.push_back(int64_t(constant.size()));
  }
  for (size_t v = 0; v < variantProgram.values.size(); ++v) {
    const Value &value = variantProgram.values[v];
    if (value.kind != ValueKind::Constant)
      continue;
    int64_t size = -1, whole = constantSizes[size_t(value.index)];
    if (!exprTable.constantValue(value.size, size) || size < 0 || size > whole)
      return fail(TENON_INVALID_ENGINE,
                  "variants[%u].values[%zu].size: %" PRId64
                  " bytes, but constant %d has %" PRId64,
                  variantIndex, v, size, value.index, whole);
  }
  return {};
}

/// On the CPU: used in place, but for those that are derived or that huge pages
/// were asked for.
Status Engine::loadConstants(const Options &options) {
  const auto *constants = variantProgram.source().constants();
  size_t count = constantSizes.size();
  uint64_t regionBytes = 0;
  std::vector<uint64_t> places(count, UINT64_MAX); // in the region
  for (uint32_t i = 0; i < count; ++i) {
    const schema::Constant &constant = *constants->Get(i);
    if ((constant.kind() == ConstantKind::Derived || options.hugePages) &&
        constant.size()) {
      places[i] = regionBytes;
      regionBytes += alignUp(constant.size(), uint64_t(kBufferAlignment));
    }
  }
  if (!derived.allocate(regionBytes))
    return fail(TENON_OUT_OF_MEMORY,
                "no memory for %" PRIu64 " bytes of constants", regionBytes);
  for (uint32_t i = 0; i < count; ++i) {
    const schema::Constant &constant = *constants->Get(i);
    char *data = emptyBuffer();
    if (places[i] != UINT64_MAX)
      data = derived.data() + places[i];
    else if (constant.size())
      data = const_cast<char *>(file.blob(uint32_t(constant.blob()))) +
             constant.offset();
    if (places[i] != UINT64_MAX && constant.kind() != ConstantKind::Derived)
      std::memcpy(data,
                  file.blob(uint32_t(constant.blob())) + constant.offset(),
                  constant.size());
    constantData.push_back(data);
  }
  return {};
}

/// On a device: one allocation, whose first bytes are nobody's.
Status Engine::uploadConstants() {
  const auto *constants = variantProgram.source().constants();
  uint64_t bytes = cuda::kDeviceAlignment;
  std::vector<uint64_t> places;
  for (int64_t size : constantSizes) {
    places.push_back(size ? bytes : 0);
    bytes += alignUp(uint64_t(size), cuda::kDeviceAlignment);
  }
  TENON_TRY(deviceConstants.allocate(gpu, bytes, "constants"));
  cuda::Current current(*gpu);
  TENON_TRY(current.check());
  const cuda::Driver &driver = gpu->api();
  for (uint32_t i = 0; i < places.size(); ++i) {
    const schema::Constant &constant = *constants->Get(i);
    constantData.push_back(deviceConstants.data() + places[i]);
    if (constant.kind() == ConstantKind::Derived || constant.size() == 0)
      continue;
    TENON_TRY(
        gpu->check(driver.copyToDevice(deviceConstants.address() + places[i],
                                       file.blob(uint32_t(constant.blob())) +
                                           constant.offset(),
                                       constant.size(), nullptr),
                   "copying constants to the device"));
  }
  return gpu->check(driver.streamSynchronize(nullptr),
                    "copying constants to the device");
}

uint64_t Engine::totalConstantBytes() const {
  uint64_t sum = 0;
  for (int64_t size : constantSizes)
    sum += uint64_t(size);
  return sum;
}

Status Engine::runInit(ThreadPool &pool) {
  if (variantProgram.initBlock < 0)
    return {};
  uint32_t block = uint32_t(variantProgram.initBlock);
  Plan plan;
  TENON_TRY(planInit(exprTable, userInterface, variantProgram,
                     findLifetimes(variantProgram, block), plan));
  if (variantProgram.cuda)
    return runCudaInit(block, plan);
  Region memory;
  uint64_t arena = alignUp(plan.arenaBytes, 64);
  if (!memory.allocate(arena + plan.scratchBytes * uint64_t(pool.threads())))
    return fail(TENON_OUT_OF_MEMORY,
                "no memory to prepare the constants (%" PRIu64 " bytes)",
                arena);
  CpuExecutor executor(*this, pool, nullptr);
  executor.begin(plan, memory.data(), memory.data() + arena);
  executor.settle(plan);
  Status status = executor.run(block);
  if (status.failed())
    return Status(status.code(),
                  "while preparing constants: " + status.message());
  derived.protect();
  return {};
}

Status Engine::runCudaInit(uint32_t block, const Plan &plan) {
  cuda::DeviceBuffer arena;
  cuda::PinnedBuffer faults;
  TENON_TRY(arena.allocate(gpu, plan.arenaBytes, "preparing the constants"));
  cuda::Current current(*gpu);
  TENON_TRY(current.check());
  cuda::CudaExecutor executor(*this, nullptr);
  TENON_TRY(executor.prepare(false));
  TENON_TRY(faults.allocate(gpu, executor.faultBytes(), "error records"));
  executor.begin(plan, arena.data(), nullptr);
  executor.settle(plan);
  Status status = executor.run(block);
  if (!status.failed())
    status = executor.fetchFaults(faults.data());
  if (!status.failed())
    status = executor.drain();
  if (!status.failed())
    status = executor.faultIn(faults.data());
  if (status.failed())
    return Status(status.code(),
                  "while preparing constants: " + status.message());
  return {};
}
