//===- CpuContext.cpp - Inferences on the CPU
//-------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CpuContext.h"

#include "runtime/cpu/CpuTarget.h"
#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using schema::BindingKind;
using schema::ValueKind;

CpuContext::CpuContext(std::shared_ptr<const Engine> engine,
                       const Options &options)
    : Context(std::move(engine), options),
      pool(options.pool
               ? std::make_unique<ThreadPool>(*options.pool)
               : std::make_unique<ThreadPool>(options.threads ? options.threads
                                                              : usableCores())),
      player(*sharedEngine, *pool, this),
      memories(sharedEngine->interface().bindings().size()),
      externalArena(static_cast<char *>(options.arena)),
      externalBytes(options.arenaBytes) {
  player.setProfile(profileTarget());
}

Status CpuContext::create(std::shared_ptr<const Engine> engine,
                          const Options &options,
                          std::unique_ptr<Context> &result) {
  if (reinterpret_cast<uintptr_t>(options.arena) % 64)
    return fail(TENON_INVALID_ARGUMENT, "arena: %p is not aligned to 64 bytes",
                options.arena);
  if (options.stream)
    return fail(TENON_INVALID_ARGUMENT,
                "stream: the engine runs on the CPU, which has no streams: "
                "pass null");
  result.reset(new CpuContext(std::move(engine), options));
  return {};
}

Status CpuContext::activate(Plan &plan) {
  uint64_t wanted = alignUp(plan.arenaBytes, 64) +
                    plan.scratchBytes * uint64_t(pool->threads());
  if (externalArena) {
    if (wanted > externalBytes)
      return fail(TENON_BUFFER_TOO_SMALL,
                  "the caller's arena has %" PRIu64 " bytes, these input "
                  "shapes need %" PRIu64,
                  externalBytes, wanted);
  } else if (wanted > arena.size() && !arena.allocate(wanted)) {
    return fail(TENON_OUT_OF_MEMORY,
                "no memory for %" PRIu64 " bytes of activations", wanted);
  }
  const Interface &interface = sharedEngine->interface();
  for (size_t i = 0; i < interface.stateCount(); ++i) {
    const Binding &state = interface.state(i);
    uint32_t index = interface.ofKind(BindingKind::State)[i];
    BindingMemory &memory = memories[index];
    int64_t bytes;
    if (!interface.bytes(state, plan.exprs, bytes))
      return fail(TENON_INVALID_INPUT,
                  "state '%s': its size is not legal for these input shapes",
                  state.name);
    if (bytes != memory.stateBytes) {
      if (memory.stateBytes >= 0 && sharedEngine->logger().takes(TENON_INFO))
        sharedEngine->logger().log(
            TENON_INFO, formatText("state '%s' changes its size from %" PRId64
                                   " to %" PRId64 " bytes and starts from zero",
                                   state.name, memory.stateBytes, bytes));
      if (!memory.own.allocate(uint64_t(bytes)))
        return fail(TENON_OUT_OF_MEMORY,
                    "no memory for state '%s' (%" PRId64 " bytes)", state.name,
                    bytes);
      memory.stateBytes = bytes;
    }
    memory.data = bytes ? memory.own.data() : emptyBuffer();
  }
  current = &plan;
  return {};
}

Status CpuContext::bindInputs(const TenonTensor *inputs) {
  const Interface &interface = sharedEngine->interface();
  for (size_t i = 0; i < interface.inputCount(); ++i) {
    const Binding &binding = interface.input(i);
    int64_t bytes = 0;
    interface.bytes(binding, current->exprs, bytes);
    if (bytes && !inputs[i].data)
      return fail(TENON_INVALID_ARGUMENT, "input '%s': its data is null",
                  binding.name);
    if (inputs[i].bytes < uint64_t(bytes))
      return fail(TENON_INVALID_ARGUMENT,
                  "input '%s': %" PRIu64 " bytes at data, its shape needs "
                  "%" PRId64,
                  binding.name, inputs[i].bytes, bytes);
    TENON_TRY(checkAlignment("input", binding, inputs[i].data));
    memories[interface.ofKind(BindingKind::Input)[i]].data =
        bytes ? static_cast<char *>(inputs[i].data) : emptyBuffer();
  }
  return {};
}

Status CpuContext::allocate(uint32_t index, int64_t bytes, char *&data) {
  const Binding &binding = sharedEngine->interface().bindings()[index];
  BindingMemory &memory = memories[index];
  TenonTensor &tensor = runOutputs[binding.slot];
  if (memory.brought) {
    if (memory.capacity < uint64_t(bytes))
      return fail(TENON_BUFFER_TOO_SMALL,
                  "output '%s': %" PRIu64 " bytes at data, it needs %" PRId64,
                  binding.name, memory.capacity, bytes);
    data = static_cast<char *>(tensor.data);
  } else if (bytes == 0) {
    data = emptyBuffer();
  } else if (runOptions && runOptions->allocate) {
    if (!memory.data || tensor.bytes < uint64_t(bytes)) {
      tensor.data = runOptions->allocate(runOptions->allocate_user,
                                         binding.slot, uint64_t(bytes));
      tensor.bytes = uint64_t(bytes);
    }
    if (!tensor.data)
      return fail(TENON_OUT_OF_MEMORY,
                  "output '%s': the caller's allocator gave no memory for "
                  "%" PRId64 " bytes",
                  binding.name, bytes);
    data = static_cast<char *>(tensor.data);
    TENON_TRY(checkAlignment("output", binding, data));
  } else {
    if (memory.own.size() < uint64_t(bytes) &&
        !memory.own.allocate(uint64_t(bytes)))
      return fail(TENON_OUT_OF_MEMORY,
                  "output '%s': no memory for %" PRId64 " bytes", binding.name,
                  bytes);
    tensor.data = data = memory.own.data();
    tensor.bytes = uint64_t(bytes);
  }
  memory.data = data;
  return {};
}

Status CpuContext::bindOutputs(TenonTensor *outputs, int32_t count) {
  const Interface &interface = sharedEngine->interface();
  if (count != int32_t(interface.outputCount()))
    return fail(TENON_INVALID_ARGUMENT, "expected %zu outputs, got %d",
                interface.outputCount(), count);
  if (count && !outputs)
    return fail(TENON_INVALID_ARGUMENT, "outputs: null");
  for (size_t i = 0; i < interface.outputCount(); ++i) {
    const Binding &binding = interface.output(i);
    uint32_t index = interface.ofKind(BindingKind::Output)[i];
    BindingMemory &memory = memories[index];
    memory.data = nullptr;
    // The tensor of an earlier run may come back as it was filled in.
    if (outputs[i].data && outputs[i].data == memory.own.data())
      outputs[i].data = nullptr;
    TENON_TRY(checkAlignment("output", binding, outputs[i].data));
    memory.brought = outputs[i].data != nullptr;
    memory.capacity = outputs[i].bytes;
    int64_t bytes;
    if (binding.dynamic)
      continue;
    if (!interface.bytes(binding, current->exprs, bytes))
      return fail(TENON_INVALID_INPUT,
                  "output '%s': its size is not legal for these input shapes",
                  binding.name);
    if (binding.alias >= 0) {
      char *shared = memories[size_t(binding.alias)].data;
      if (outputs[i].data && outputs[i].data != shared)
        return fail(TENON_INVALID_ARGUMENT,
                    "output '%s' shares the memory of '%s': its data must be "
                    "null or the same",
                    binding.name,
                    interface.bindings()[size_t(binding.alias)].name);
      outputs[i].data = memory.data = shared;
      outputs[i].bytes = uint64_t(bytes);
      continue;
    }
    char *data;
    TENON_TRY(allocate(index, bytes, data));
  }
  return {};
}

Status CpuContext::fillOutputs(TenonTensor *outputs) {
  const Interface &interface = sharedEngine->interface();
  for (size_t i = 0; i < interface.outputCount(); ++i) {
    const Binding &binding = interface.output(i);
    const Numbers &numbers = player.numbers();
    int64_t bytes;
    if (binding.dynamic) {
      if (!interface.bytes(binding, numbers, bytes))
        return fail(TENON_INVALID_INPUT,
                    "output '%s': the program left its size unknown, or it is "
                    "not legal",
                    binding.name);
      char *data = nullptr;
      uint32_t index = interface.ofKind(BindingKind::Output)[i];
      if (!memories[index].data)
        TENON_TRY(allocate(index, bytes, data));
    }
    outputs[i].type = TenonElementType(binding.type);
    outputs[i].rank = int32_t(binding.dims.size());
    interface.dims(binding, numbers, outputs[i].dims);
  }
  return {};
}

Status CpuContext::runPlanned(Plan &plan, Call &call) {
  if (call.stream)
    return fail(TENON_INVALID_ARGUMENT,
                "stream: the engine runs on the CPU, which has no streams: "
                "pass null");
  runOutputs = call.outputs;
  runOptions = call.options;
  if (&plan != current)
    TENON_TRY(activate(plan));
  TENON_TRY(bindInputs(call.inputs));
  TENON_TRY(bindOutputs(call.outputs, call.outputCount));

  char *base = externalArena ? externalArena : arena.data();
  player.begin(plan, base, base + alignUp(plan.arenaBytes, 64));
  const Program &program = sharedEngine->program();
  for (uint32_t v = 0; v < program.values.size(); ++v) {
    const Value &value = program.values[v];
    if (plan.bytes[v] >= 0 &&
        (value.kind == ValueKind::Input || value.kind == ValueKind::State ||
         value.kind == ValueKind::Output))
      player.bind(v, memories[size_t(value.index)].data);
  }
  player.settle(plan);
  TENON_TRY(player.run(program.mainBlock));
  return fillOutputs(call.outputs);
}

Status CpuContext::stateMemory(uint32_t binding, TenonTensor &view) {
  view.data = memories[binding].data;
  view.bytes = uint64_t(memories[binding].stateBytes);
  return {};
}

Status CpuContext::clearStates() {
  for (uint32_t index : sharedEngine->interface().ofKind(BindingKind::State))
    if (memories[index].stateBytes > 0)
      std::memset(memories[index].own.data(), 0,
                  size_t(memories[index].stateBytes));
  return {};
}

Status CpuContext::takeStates(Context &other) {
  // Contexts of one engine are on one device.
  CpuContext &source = static_cast<CpuContext &>(other);
  for (uint32_t index : sharedEngine->interface().ofKind(BindingKind::State)) {
    BindingMemory &to = memories[index];
    const BindingMemory &from = source.memories[index];
    if (from.stateBytes < 0)
      continue;
    if (to.stateBytes != from.stateBytes &&
        !to.own.allocate(uint64_t(from.stateBytes)))
      return fail(TENON_OUT_OF_MEMORY,
                  "no memory for %" PRId64 " bytes of state", from.stateBytes);
    to.stateBytes = from.stateBytes;
    to.data = to.stateBytes ? to.own.data() : emptyBuffer();
    if (to.stateBytes)
      std::memcpy(to.own.data(), from.own.data(), size_t(to.stateBytes));
  }
  return {};
}

void CpuContext::memory(TenonMemoryInfo &info) const {
  if (current) {
    info.arena_bytes = current->arenaBytes;
    info.scratch_bytes = current->scratchBytes * uint64_t(pool->threads());
  }
  const Interface &interface = sharedEngine->interface();
  for (size_t b = 0; b < memories.size(); ++b) {
    if (interface.bindings()[b].kind == BindingKind::State)
      info.state_bytes += memories[b].own.size();
    else
      info.output_bytes += memories[b].own.size();
  }
}
