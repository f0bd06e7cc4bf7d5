//===- Api.cpp - The C interface ------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// tenon.h in terms of Engine and Context: argument checks, struct sizes, and
// the border that no exception crosses (only std::bad_alloc and what threads
// throw can occur). Shown by test/unit/runtime/ApiTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/Context.h"
#include "runtime/ElementType.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

using namespace tenon;
using namespace tenon::runtime;
using schema::BindingKind;

struct TenonEngine {
  std::shared_ptr<const Engine> engine;
};
struct TenonContext {
  std::unique_ptr<Context> context;
};

static TenonStatus report(const Status &status, TenonError *error) {
  if (error) {
    error->status = status.code();
    std::snprintf(error->message, sizeof(error->message), "%s",
                  status.message().c_str());
  }
  return status.code();
}

/// Runs `body`, which returns a Status, and keeps exceptions inside.
template <typename Body>
static TenonStatus guarded(TenonError *error, Body body) {
  try {
    return report(body(), error);
  } catch (const std::bad_alloc &) {
    if (error) {
      error->status = TENON_OUT_OF_MEMORY;
      std::snprintf(error->message, sizeof(error->message), "out of memory");
    }
    return TENON_OUT_OF_MEMORY;
  } catch (const std::exception &exception) {
    if (error) {
      error->status = TENON_INTERNAL;
      std::snprintf(error->message, sizeof(error->message), "%s",
                    exception.what());
    }
    return TENON_INTERNAL;
  }
}

/// Copies the part of the caller's struct that it and we know; the rest of
/// `known` keeps its defaults.
template <typename T> static bool readStruct(const T *given, T &known) {
  known = T();
  if (!given)
    return true;
  if (given->struct_size < sizeof(size_t))
    return false;
  std::memcpy(static_cast<void *>(&known), given,
              std::min(given->struct_size, sizeof(T)));
  return true;
}

/// The other way round.
template <typename T> static bool writeStruct(T *given, T &known) {
  if (!given || given->struct_size < sizeof(size_t))
    return false;
  known.struct_size = given->struct_size;
  std::memcpy(static_cast<void *>(given), &known,
              std::min(given->struct_size, sizeof(T)));
  return true;
}

static Status needSize(const char *name) {
  return fail(TENON_INVALID_ARGUMENT,
              "%s: struct_size is not set: expected sizeof(%s)", name, name);
}

const char *tenon_version(void) {
#define TENON_TEXT2(x) #x
#define TENON_TEXT(x) TENON_TEXT2(x)
  return TENON_TEXT(TENON_VERSION_MAJOR) "." TENON_TEXT(
      TENON_VERSION_MINOR) "." TENON_TEXT(TENON_VERSION_PATCH);
}

const char *tenon_status_name(TenonStatus status) {
  static const char *const names[] = {"ok",
                                      "invalid-argument",
                                      "io-error",
                                      "invalid-engine",
                                      "unsupported",
                                      "invalid-input",
                                      "buffer-too-small",
                                      "out-of-memory",
                                      "kernel-error",
                                      "cancelled",
                                      "busy",
                                      "internal",
                                      "device-error"};
  return unsigned(status) < sizeof(names) / sizeof(names[0]) ? names[status]
                                                             : "unknown";
}

const char *tenon_element_type_name(TenonElementType type) {
  return elementName(type);
}
int tenon_element_type_bits(TenonElementType type) { return elementBits(type); }

//===----------------------------------------------------------------------===//
// Engines
//===----------------------------------------------------------------------===//

static TenonStatus loadEngine(const TenonLoadOptions *given,
                              TenonEngine **result, TenonError *error,
                              const char *name, const Engine::Open &open) {
  if (result)
    *result = nullptr;
  return guarded(error, [&]() -> Status {
    TenonLoadOptions options;
    if (!result)
      return fail(TENON_INVALID_ARGUMENT, "engine: null");
    if (!readStruct(given, options))
      return needSize("TenonLoadOptions");
    Engine::Options engineOptions;
    engineOptions.logger = {options.log, options.log_user,
                            options.log_severity};
    engineOptions.threads = std::min(options.threads, 64);
    engineOptions.hugePages = options.huge_pages != 0;
    engineOptions.target = options.target;
    if (unsigned(options.device) > TENON_DEVICE_CUDA)
      return fail(TENON_INVALID_ARGUMENT, "device: %d, expected 0 to %d",
                  int(options.device), int(TENON_DEVICE_CUDA));
    engineOptions.device = options.device;
    engineOptions.cuda = {options.cuda_driver, options.cuda_ordinal,
                          options.cuda_context};
    engineOptions.nvtx = options.nvtx;
    auto engine = std::make_unique<TenonEngine>();
    Status status = Engine::load(open, engineOptions, engine->engine);
    if (status.failed())
      return name ? Status(status.code(),
                           std::string(name) + ": " + status.message())
                  : status;
    *result = engine.release();
    return {};
  });
}

TenonStatus tenon_engine_load_file(const char *path,
                                   const TenonLoadOptions *options,
                                   TenonEngine **engine, TenonError *error) {
  return loadEngine(options, engine, error, path,
                    [&](EngineFile &file) -> Status {
                      if (!path)
                        return fail(TENON_INVALID_ARGUMENT, "path: null");
                      return file.openPath(path);
                    });
}

TenonStatus tenon_engine_load_descriptor(int descriptor,
                                         const TenonLoadOptions *options,
                                         TenonEngine **engine,
                                         TenonError *error) {
  return loadEngine(options, engine, error, nullptr, [&](EngineFile &file) {
    return file.openDescriptor(descriptor);
  });
}

TenonStatus tenon_engine_load_memory(const void *data, size_t size, int copy,
                                     const TenonLoadOptions *options,
                                     TenonEngine **engine, TenonError *error) {
  return loadEngine(options, engine, error, nullptr, [&](EngineFile &file) {
    return file.openMemory(data, size, copy != 0);
  });
}

void tenon_engine_destroy(TenonEngine *engine) { delete engine; }

TenonStatus tenon_engine_info(const TenonEngine *engine,
                              TenonEngineInfo *info) {
  if (!engine)
    return TENON_INVALID_ARGUMENT;
  const Engine &loaded = *engine->engine;
  const Interface &interface = loaded.interface();
  const auto *target = loaded.program().source().target();
  TenonEngineInfo known = {};
  known.model = textOf(loaded.source().model());
  known.builder = textOf(loaded.source().builder());
  bool cuda = loaded.program().cuda;
  known.target = cuda     ? loaded.targetName().c_str()
                 : target ? textOf(target->isa())
                          : "";
  known.file_bytes = loaded.container().size();
  known.constant_bytes = loaded.totalConstantBytes();
  known.format_version = int32_t(kEngineFormatVersion);
  known.input_count = int32_t(interface.inputCount());
  known.output_count = int32_t(interface.outputCount());
  known.state_count = int32_t(interface.stateCount());
  known.variant_count = int32_t(loaded.source().variants()->size());
  known.device = cuda ? TENON_DEVICE_CUDA : TENON_DEVICE_CPU;
  known.device_name = cuda ? loaded.cudaDevice()->name().c_str() : "";
  return writeStruct(info, known) ? TENON_OK : TENON_INVALID_ARGUMENT;
}

TenonStatus tenon_engine_binding(const TenonEngine *engine,
                                 TenonBindingKind kind, int32_t index,
                                 TenonBindingInfo *info) {
  if (!engine || unsigned(kind) > TENON_STATE)
    return TENON_INVALID_ARGUMENT;
  const Engine &loaded = *engine->engine;
  const Interface &interface = loaded.interface();
  const auto &list = interface.ofKind(BindingKind(kind));
  if (index < 0 || index >= int32_t(list.size()))
    return TENON_INVALID_ARGUMENT;
  const Binding &binding = interface.bindings()[list[size_t(index)]];
  TenonBindingInfo known = {};
  known.name = binding.name;
  known.kind = kind;
  known.type = TenonElementType(binding.type);
  known.rank = int32_t(binding.dims.size());
  for (size_t d = 0; d < binding.dims.size(); ++d) {
    known.dim_names[d] = binding.dimNames[d].c_str();
    known.dims[d] = binding.fixedDims[d];
  }
  known.alias = -1;
  if (binding.alias >= 0) {
    const Binding &other = interface.bindings()[size_t(binding.alias)];
    known.alias = other.slot + (other.kind == BindingKind::State
                                    ? int32_t(interface.inputCount())
                                    : 0);
  }
  return writeStruct(info, known) ? TENON_OK : TENON_INVALID_ARGUMENT;
}

int32_t tenon_engine_find(const TenonEngine *engine, TenonBindingKind kind,
                          const char *name) {
  if (!engine || !name || unsigned(kind) > TENON_STATE)
    return -1;
  const Interface &interface = engine->engine->interface();
  const auto &list = interface.ofKind(BindingKind(kind));
  for (size_t i = 0; i < list.size(); ++i)
    if (std::strcmp(interface.bindings()[list[i]].name, name) == 0)
      return int32_t(i);
  return -1;
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

TenonStatus tenon_context_create(const TenonEngine *engine,
                                 const TenonContextOptions *given,
                                 TenonContext **result, TenonError *error) {
  if (result)
    *result = nullptr;
  return guarded(error, [&]() -> Status {
    TenonContextOptions options;
    TenonThreadPool pool;
    if (!engine || !result)
      return fail(TENON_INVALID_ARGUMENT, "engine or context: null");
    if (!readStruct(given, options))
      return needSize("TenonContextOptions");
    if (options.pool && !readStruct(options.pool, pool))
      return needSize("TenonThreadPool");
    Context::Options contextOptions;
    contextOptions.threads = options.threads;
    contextOptions.profile = options.profile != 0;
    contextOptions.pool = options.pool ? &pool : nullptr;
    contextOptions.arena = options.arena;
    contextOptions.arenaBytes = options.arena_bytes;
    contextOptions.plans = options.plans;
    contextOptions.stream = options.stream;
    auto context = std::make_unique<TenonContext>();
    TENON_TRY(
        Context::create(engine->engine, contextOptions, context->context));
    *result = context.release();
    return {};
  });
}

void tenon_context_destroy(TenonContext *context) { delete context; }

static Status needContext(const TenonContext *context) {
  return context ? Status() : fail(TENON_INVALID_ARGUMENT, "context: null");
}

static TenonStatus start(TenonContext *context, const TenonTensor *inputs,
                         int32_t inputCount, TenonTensor *outputs,
                         int32_t outputCount, const TenonRunOptions *given,
                         void *stream, bool async, TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(context));
    TenonRunOptions options;
    if (!readStruct(given, options))
      return needSize("TenonRunOptions");
    Context::Call call = {inputs,   outputs, outputCount,
                          &options, stream,  async};
    return context->context->run(call, inputCount);
  });
}

TenonStatus tenon_context_run(TenonContext *context, const TenonTensor *inputs,
                              int32_t input_count, TenonTensor *outputs,
                              int32_t output_count,
                              const TenonRunOptions *options,
                              TenonError *error) {
  return start(context, inputs, input_count, outputs, output_count, options,
               nullptr, false, error);
}

TenonStatus tenon_context_enqueue(TenonContext *context,
                                  const TenonTensor *inputs,
                                  int32_t input_count, TenonTensor *outputs,
                                  int32_t output_count,
                                  const TenonRunOptions *options, void *stream,
                                  TenonError *error) {
  return start(context, inputs, input_count, outputs, output_count, options,
               stream, true, error);
}

TenonStatus tenon_context_synchronize(TenonContext *context,
                                      TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(context));
    return context->context->synchronize();
  });
}

TenonStatus
tenon_context_output_shapes(TenonContext *context, const TenonTensor *inputs,
                            int32_t input_count, TenonTensor *outputs,
                            int32_t output_count, TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(context));
    return context->context->outputShapes(inputs, input_count, outputs,
                                          output_count);
  });
}

TenonStatus tenon_context_reserve(TenonContext *context,
                                  const TenonTensor *inputs,
                                  int32_t input_count, TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(context));
    return context->context->reserve(inputs, input_count);
  });
}

void tenon_context_cancel(TenonContext *context) {
  if (context)
    context->context->cancel();
}

TenonStatus tenon_context_memory(const TenonContext *context,
                                 TenonMemoryInfo *info) {
  if (!context)
    return TENON_INVALID_ARGUMENT;
  TenonMemoryInfo known = {};
  context->context->memory(known);
  return writeStruct(info, known) ? TENON_OK : TENON_INVALID_ARGUMENT;
}

TenonStatus tenon_context_state(TenonContext *context, int32_t index,
                                TenonTensor *view, TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(context));
    if (!view)
      return fail(TENON_INVALID_ARGUMENT, "view: null");
    return context->context->state(index, *view);
  });
}

TenonStatus tenon_context_reset(TenonContext *context, TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(context));
    return context->context->resetStates();
  });
}

TenonStatus tenon_context_copy_state(TenonContext *target, TenonContext *source,
                                     TenonError *error) {
  return guarded(error, [&]() -> Status {
    TENON_TRY(needContext(target));
    TENON_TRY(needContext(source));
    return target->context->copyStates(*source->context);
  });
}

//===----------------------------------------------------------------------===//
// Profiles
//===----------------------------------------------------------------------===//

int32_t tenon_context_profile_count(const TenonContext *context) {
  return context ? int32_t(context->context->profile().size()) : 0;
}

TenonStatus tenon_context_profile(const TenonContext *context, int32_t index,
                                  TenonProfileRow *row) {
  if (!context || index < 0 || index >= tenon_context_profile_count(context))
    return TENON_INVALID_ARGUMENT;
  TenonProfileRow known = {};
  context->context->profileRow(uint32_t(index), known);
  return writeStruct(row, known) ? TENON_OK : TENON_INVALID_ARGUMENT;
}

void tenon_context_profile_reset(TenonContext *context) {
  if (context)
    for (InstructionProfile &row : context->context->profile())
      row = InstructionProfile();
}
