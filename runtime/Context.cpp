//===- Context.cpp - One stream of inferences -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Context.h"

#include "runtime/ElementType.h"
#include "runtime/cpu/CpuTarget.h"
#include <algorithm>
#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using schema::BindingKind;
using schema::ValueKind;

static constexpr int kMostThreads = 1024;

/// Holds the context for one call, or finds that another thread holds it.
class Context::Busy {
public:
  explicit Busy(Context &context) : context(context) {
    held = !context.busy.exchange(true, std::memory_order_acquire);
  }
  ~Busy() {
    if (held)
      context.busy.store(false, std::memory_order_release);
  }
  Status check() const {
    return held ? Status()
                : fail(TENON_BUSY, "the context is in use on another thread: "
                                   "use one context for each thread");
  }

private:
  Context &context;
  bool held;
};

Status Context::create(std::shared_ptr<const Engine> engine,
                       const Options &options,
                       std::unique_ptr<Context> &result) {
  if (options.threads < 0 || options.threads > kMostThreads)
    return fail(TENON_INVALID_ARGUMENT,
                "threads: %d, expected 0 (all cores) to %d", options.threads,
                kMostThreads);
  if (reinterpret_cast<uintptr_t>(options.arena) % 64)
    return fail(TENON_INVALID_ARGUMENT, "arena: %p is not aligned to 64 bytes",
                options.arena);
  if (options.plans < 0)
    return fail(TENON_INVALID_ARGUMENT, "plans: %d, expected at least 0",
                options.plans);
  std::unique_ptr<Context> context(new Context());
  if (options.pool) {
    if (!options.pool->run || options.pool->threads < 1 ||
        options.pool->threads > kMostThreads)
      return fail(TENON_INVALID_ARGUMENT,
                  "pool: expected a run function and 1 to %d threads",
                  kMostThreads);
    context->pool = std::make_unique<ThreadPool>(*options.pool);
  } else {
    context->pool = std::make_unique<ThreadPool>(
        options.threads ? options.threads : usableCores());
  }
  context->sharedEngine = std::move(engine);
  context->executor = std::make_unique<Executor>(*context->sharedEngine,
                                                 *context->pool, context.get());
  context->memories.resize(
      context->sharedEngine->interface().bindings().size());
  context->externalArena = static_cast<char *>(options.arena);
  context->externalBytes = options.arenaBytes;
  if (options.plans)
    context->mostPlans = size_t(options.plans);
  if (options.profile) {
    context->profileRows.resize(
        context->sharedEngine->program().instructions.size());
    context->executor->setProfile(&context->profileRows);
    context->profileNodes.resize(context->profileRows.size());
    const auto *list = context->sharedEngine->program().source().instructions();
    for (uint32_t i = 0; i < context->profileRows.size(); ++i) {
      const auto *nodes = list->Get(i)->nodes();
      for (uint32_t k = 0; nodes && k < nodes->size(); ++k)
        context->profileNodes[i].push_back(nodes->Get(k)->c_str());
    }
  }
  result = std::move(context);
  return {};
}

Status Context::findPlan(const TenonTensor *inputs, int32_t count,
                         Plan *&plan) {
  TENON_TRY(sharedEngine->interface().checkInputs(inputs, count));
  shapeKey.clear();
  for (int32_t i = 0; i < count; ++i)
    shapeKey.insert(shapeKey.end(), inputs[i].dims,
                    inputs[i].dims + inputs[i].rank);
  for (const std::unique_ptr<Plan> &known : plans)
    if (known->shapes == shapeKey) {
      known->lastUse = ++clock;
      plan = known.get();
      return {};
    }
  auto fresh = std::make_unique<Plan>();
  TENON_TRY(sharedEngine->plan(inputs, *fresh));
  fresh->shapes = shapeKey;
  fresh->lastUse = ++clock;
  if (plans.size() >= mostPlans) {
    auto oldest = std::min_element(
        plans.begin(), plans.end(),
        [](const auto &a, const auto &b) { return a->lastUse < b->lastUse; });
    if (current == oldest->get())
      current = nullptr;
    plans.erase(oldest);
  }
  plans.push_back(std::move(fresh));
  plan = plans.back().get();
  sharedEngine->logger().log(TENON_DEBUG,
                             formatText("planned %" PRIu64
                                        " bytes of activations for new shapes",
                                        plan->arenaBytes));
  return {};
}

/// Makes arena and states fit the plan.
Status Context::activate(Plan &plan) {
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

static Status checkAlignment(const char *kind, const Binding &binding,
                             const void *data) {
  int alignment = elementAlignment(binding.type);
  if (reinterpret_cast<uintptr_t>(data) % uintptr_t(alignment))
    return fail(TENON_INVALID_ARGUMENT,
                "%s '%s': data at %p is not aligned to its elements (%d bytes)",
                kind, binding.name, data, alignment);
  return {};
}

Status Context::bindInputs(const TenonTensor *inputs) {
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

Status Context::allocate(uint32_t index, int64_t bytes, char *&data) {
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

Status Context::bindOutputs(TenonTensor *outputs, int32_t count) {
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

Status Context::fillOutputs(TenonTensor *outputs) {
  const Interface &interface = sharedEngine->interface();
  for (size_t i = 0; i < interface.outputCount(); ++i) {
    const Binding &binding = interface.output(i);
    const Numbers &numbers = executor->numbers();
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

Status Context::runPlanned(const TenonTensor *inputs, int32_t inputCount,
                           TenonTensor *outputs, int32_t outputCount) {
  Plan *plan;
  TENON_TRY(findPlan(inputs, inputCount, plan));
  if (plan != current)
    TENON_TRY(activate(*plan));
  TENON_TRY(bindInputs(inputs));
  TENON_TRY(bindOutputs(outputs, outputCount));

  char *base = externalArena ? externalArena : arena.data();
  executor->begin(*plan, base, base + alignUp(plan->arenaBytes, 64));
  const Program &program = sharedEngine->program();
  for (uint32_t v = 0; v < program.values.size(); ++v) {
    const Value &value = program.values[v];
    if (plan->bytes[v] >= 0 &&
        (value.kind == ValueKind::Input || value.kind == ValueKind::State ||
         value.kind == ValueKind::Output))
      executor->bind(v, memories[size_t(value.index)].data);
  }
  executor->settle(*plan);
  TENON_TRY(executor->run(program.mainBlock));
  return fillOutputs(outputs);
}

Status Context::run(const TenonTensor *inputs, int32_t inputCount,
                    TenonTensor *outputs, int32_t outputCount,
                    const TenonRunOptions *options) {
  Busy lock(*this);
  TENON_TRY(lock.check());
  runOutputs = outputs;
  runOptions = options;
  return runPlanned(inputs, inputCount, outputs, outputCount);
}

Status Context::outputShapes(const TenonTensor *inputs, int32_t inputCount,
                             TenonTensor *outputs, int32_t outputCount) {
  Busy lock(*this);
  TENON_TRY(lock.check());
  Plan *plan;
  TENON_TRY(findPlan(inputs, inputCount, plan));
  const Interface &interface = sharedEngine->interface();
  if (outputCount != int32_t(interface.outputCount()) ||
      (outputCount && !outputs))
    return fail(TENON_INVALID_ARGUMENT, "expected %zu outputs, got %d",
                interface.outputCount(), outputCount);
  for (size_t i = 0; i < interface.outputCount(); ++i) {
    const Binding &binding = interface.output(i);
    int64_t bytes = 0;
    outputs[i].type = TenonElementType(binding.type);
    outputs[i].rank = int32_t(binding.dims.size());
    interface.dims(binding, plan->exprs, outputs[i].dims);
    interface.bytes(binding, plan->exprs, bytes);
    outputs[i].bytes = uint64_t(bytes);
  }
  return {};
}

Status Context::reserve(const TenonTensor *inputs, int32_t inputCount) {
  Busy lock(*this);
  TENON_TRY(lock.check());
  Plan *plan;
  TENON_TRY(findPlan(inputs, inputCount, plan));
  return activate(*plan);
}

Status Context::state(int32_t index, TenonTensor &view) {
  Busy lock(*this);
  TENON_TRY(lock.check());
  const Interface &interface = sharedEngine->interface();
  if (index < 0 || index >= int32_t(interface.stateCount()))
    return fail(TENON_INVALID_ARGUMENT, "state %d: there are %zu", index,
                interface.stateCount());
  if (!current)
    return fail(TENON_INVALID_ARGUMENT,
                "state %d has no memory yet: run or reserve first", index);
  const Binding &binding = interface.state(size_t(index));
  BindingMemory &memory =
      memories[interface.ofKind(BindingKind::State)[size_t(index)]];
  view.data = memory.data;
  view.bytes = uint64_t(memory.stateBytes);
  view.type = TenonElementType(binding.type);
  view.rank = int32_t(binding.dims.size());
  interface.dims(binding, current->exprs, view.dims);
  return {};
}

Status Context::resetStates() {
  Busy lock(*this);
  TENON_TRY(lock.check());
  for (uint32_t index : sharedEngine->interface().ofKind(BindingKind::State))
    if (memories[index].stateBytes > 0)
      std::memset(memories[index].own.data(), 0,
                  size_t(memories[index].stateBytes));
  return {};
}

Status Context::copyStates(Context &source) {
  if (&source == this)
    return {};
  if (source.sharedEngine != sharedEngine)
    return fail(TENON_INVALID_ARGUMENT,
                "the contexts are of different engines");
  Busy lock(*this), other(source);
  TENON_TRY(lock.check());
  TENON_TRY(other.check());
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
  // The sizes may be those of other shapes than our last ones.
  current = nullptr;
  return {};
}

void Context::profileRow(uint32_t index, TenonProfileRow &row) const {
  const Program &program = sharedEngine->program();
  const Instruction &instruction = program.instructions[index];
  const InstructionProfile &profile = profileRows[index];
  row.kernel = schema::EnumNameOperation(instruction.kind);
  row.family = row.schedule = "";
  if (instruction.kind == schema::Operation::Launch) {
    uint32_t choice =
        profile.calls ? profile.choice : instruction.choices.first;
    const Kernel &kernel = program.kernels[program.choices[choice].kernel];
    row.kernel = *kernel.name ? kernel.name : kernel.symbol;
    row.family = kernel.family;
    row.schedule = kernel.schedule;
  }
  row.node_count = int32_t(profileNodes[index].size());
  row.nodes = profileNodes[index].data();
  row.calls = profile.calls;
  row.seconds = profile.seconds;
  row.flops = profile.flops;
  row.bytes = profile.bytes;
}

void Context::memory(TenonMemoryInfo &info) const {
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
