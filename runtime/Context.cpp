//===- Context.cpp - One stream of inferences
//-------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/Context.h"

#include "runtime/ElementType.h"
#include "runtime/cpu/CpuContext.h"
#include "runtime/cuda/CudaContext.h"
#include <algorithm>
#include <cinttypes>

using namespace tenon;
using namespace tenon::runtime;
using schema::BindingKind;

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
  if (options.plans < 0)
    return fail(TENON_INVALID_ARGUMENT, "plans: %d, expected at least 0",
                options.plans);
  if (options.pool && (!options.pool->run || options.pool->threads < 1 ||
                       options.pool->threads > kMostThreads))
    return fail(TENON_INVALID_ARGUMENT,
                "pool: expected a run function and 1 to %d threads",
                kMostThreads);
  return engine->program().cuda
             ? cuda::CudaContext::create(std::move(engine), options, result)
             : CpuContext::create(std::move(engine), options, result);
}

Context::Context(std::shared_ptr<const Engine> engine, const Options &options)
    : sharedEngine(std::move(engine)) {
  if (options.plans)
    mostPlans = size_t(options.plans);
  if (!options.profile)
    return;
  profileRows.resize(sharedEngine->program().instructions.size());
  profileNodes.resize(profileRows.size());
  const auto *list = sharedEngine->program().source().instructions();
  for (uint32_t i = 0; i < profileRows.size(); ++i) {
    const auto *nodes = list->Get(i)->nodes();
    for (uint32_t k = 0; nodes && k < nodes->size(); ++k)
      profileNodes[i].push_back(nodes->Get(k)->c_str());
  }
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
      ++known->uses;
      plan = known.get();
      return {};
    }
  auto fresh = std::make_unique<Plan>();
  TENON_TRY(sharedEngine->plan(inputs, *fresh));
  fresh->shapes = shapeKey;
  fresh->lastUse = fresh->id = ++clock;
  fresh->uses = 1;
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

Status tenon::runtime::checkAlignment(const char *kind, const Binding &binding,
                                      const void *data) {
  int alignment = elementAlignment(binding.type);
  if (reinterpret_cast<uintptr_t>(data) % uintptr_t(alignment))
    return fail(TENON_INVALID_ARGUMENT,
                "%s '%s': data at %p is not aligned to its elements (%d bytes)",
                kind, binding.name, data, alignment);
  return {};
}

Status Context::run(Call &call, int32_t inputCount) {
  Busy lock(*this);
  TENON_TRY(lock.check());
  Plan *plan;
  TENON_TRY(findPlan(call.inputs, inputCount, plan));
  return runPlanned(*plan, call);
}

Status Context::synchronize() {
  Busy lock(*this);
  TENON_TRY(lock.check());
  return finish();
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
  view.type = TenonElementType(binding.type);
  view.rank = int32_t(binding.dims.size());
  interface.dims(binding, current->exprs, view.dims);
  return stateMemory(interface.ofKind(BindingKind::State)[size_t(index)], view);
}

Status Context::resetStates() {
  Busy lock(*this);
  TENON_TRY(lock.check());
  return clearStates();
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
  TENON_TRY(takeStates(source));
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
