//===- CudaContext.cpp - Inferences on a CUDA device ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The life of a run. What binds the caller's memory is in CudaBindings.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/CudaContext.h"

#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::cuda;
using schema::BindingKind;
using schema::ValueKind;

CudaContext::CudaContext(std::shared_ptr<const Engine> engine,
                         const Options &options)
    : Context(std::move(engine), options), device(sharedEngine->cudaDevice()),
      player(*sharedEngine, this),
      memories(sharedEngine->interface().bindings().size()),
      externalArena(static_cast<char *>(options.arena)),
      externalBytes(options.arenaBytes) {
  player.setProfile(profileTarget());
}

Status CudaContext::create(std::shared_ptr<const Engine> engine,
                           const Options &options,
                           std::unique_ptr<Context> &result) {
  TENON_TRY(engine->cudaDevice()->usable());
  std::unique_ptr<CudaContext> context(
      new CudaContext(std::move(engine), options));
  TENON_TRY(context->prepare(options));
  result = std::move(context);
  return {};
}

Status CudaContext::prepare(const Options &options) {
  Current current(*device);
  TENON_TRY(current.check());
  const Driver &driver = device->api();
  if (externalArena) {
    unsigned type = 0;
    int result = driver.pointerAttribute(&type, kPointerMemoryType,
                                         addressOf(externalArena));
    if (result != kSuccess || type != kDeviceMemory)
      return fail(TENON_INVALID_ARGUMENT,
                  "arena: %p is not memory of the device", options.arena);
    if (addressOf(externalArena) % kDeviceAlignment)
      return fail(TENON_INVALID_ARGUMENT,
                  "arena: %p is not aligned to %d bytes", options.arena,
                  int(kDeviceAlignment));
  }
  if (options.stream) {
    homeStream = static_cast<StreamHandle>(options.stream);
  } else {
    TENON_TRY(device->check(driver.streamCreate(&ownStream, kStreamNonBlocking),
                            "creating a stream"));
    homeStream = ownStream;
  }
  TENON_TRY(device->check(driver.eventCreate(&lastWork, kEventDisableTiming),
                          "creating an event"));
  for (Ticket &ticket : tickets) {
    TENON_TRY(
        device->check(driver.eventCreate(&ticket.done, kEventDisableTiming),
                      "creating an event"));
    TENON_TRY(
        ticket.faults.allocate(device, player.faultBytes(), "error records"));
  }
  return player.prepare(!profile().empty());
}

CudaContext::~CudaContext() {
  Current current(*device);
  const Driver &driver = device->api();
  // Nothing of this context may be freed while the device uses it.
  if (working)
    driver.eventSynchronize(lastWork);
  for (Ticket &ticket : tickets)
    if (ticket.done)
      driver.eventDestroy(ticket.done);
  if (lastWork)
    driver.eventDestroy(lastWork);
  if (ownStream)
    driver.streamDestroy(ownStream);
}

/// Until the device has done all that was enqueued.
Status CudaContext::waitForEarlier() {
  if (!working)
    return {};
  working = false;
  return device->check(device->api().eventSynchronize(lastWork),
                       "waiting for the device");
}

Status CudaContext::look(Ticket &ticket) {
  ticket.pending = false;
  Status fault = player.faultIn(ticket.faults.data());
  return fault.failed()
             ? Status(fault.code(),
                      "an earlier enqueued inference: " + fault.message())
             : fault;
}

/// Looks at the tickets whose work is done, oldest first; with `wait` at all.
Status CudaContext::reap(bool wait) {
  Status first;
  for (size_t i = 0; i < kTickets; ++i) {
    Ticket &ticket = tickets[(nextTicket + i) % kTickets];
    if (!ticket.pending)
      continue;
    int result = wait ? device->api().eventSynchronize(ticket.done)
                      : device->api().eventQuery(ticket.done);
    if (result == kNotReady)
      break;
    if (result != kSuccess) {
      ticket.pending = false;
      return device->failure(result, "waiting for an enqueued inference");
    }
    Status fault = look(ticket);
    if (fault.failed() && !first.failed())
      first = std::move(fault);
  }
  working &= !wait;
  return first;
}

Status CudaContext::finish() {
  TENON_TRY(device->usable());
  Current current(*device);
  TENON_TRY(current.check());
  TENON_TRY(reap(true));
  return waitForEarlier();
}

Status CudaContext::activate(Plan &plan) {
  TENON_TRY(device->usable());
  Current scope(*device);
  TENON_TRY(scope.check());
  if (externalArena) {
    if (plan.arenaBytes > externalBytes)
      return fail(TENON_BUFFER_TOO_SMALL,
                  "the caller's arena has %" PRIu64 " bytes, these input "
                  "shapes need %" PRIu64,
                  externalBytes, plan.arenaBytes);
  } else if (plan.arenaBytes > arena.size()) {
    TENON_TRY(waitForEarlier());
    current = nullptr;
    TENON_TRY(arena.allocate(device, plan.arenaBytes, "activations"));
  }
  const Interface &interface = sharedEngine->interface();
  for (size_t i = 0; i < interface.stateCount(); ++i) {
    const Binding &state = interface.state(i);
    BindingMemory &memory = memories[interface.ofKind(BindingKind::State)[i]];
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
      TENON_TRY(waitForEarlier());
      memory.stateBytes = -1;
      current = nullptr;
      TENON_TRY(memory.own.allocate(device, uint64_t(bytes), state.name));
      if (bytes) {
        TENON_TRY(device->check(device->api().fill(memory.own.address(), 0,
                                                   uint64_t(bytes), homeStream),
                                "clearing a state"));
        TENON_TRY(device->check(device->api().streamSynchronize(homeStream),
                                "clearing a state"));
      }
      memory.stateBytes = bytes;
    }
    memory.data = bytes ? memory.own.data() : sharedEngine->emptyConstant();
  }
  current = &plan;
  return {};
}

Status CudaContext::runPlanned(Plan &plan, Call &newCall) {
  TENON_TRY(device->usable());
  Current scope(*device);
  TENON_TRY(scope.check());
  TENON_TRY(reap(!newCall.async));
  if (tickets[nextTicket].pending) {
    TENON_TRY(
        device->check(device->api().eventSynchronize(tickets[nextTicket].done),
                      "waiting for an enqueued inference"));
    TENON_TRY(look(tickets[nextTicket]));
  }
  call = &newCall;
  stream = call->stream ? static_cast<StreamHandle>(call->stream) : homeStream;
  if (&plan != current)
    TENON_TRY(activate(plan));
  // The arena and the states are still in use by what was enqueued elsewhere.
  if (working && lastStream != stream)
    TENON_TRY(device->check(device->api().streamWaitEvent(stream, lastWork, 0),
                            "waiting for another stream"));
  Status status = runCurrent(plan);
  if (!status.failed() && call->async)
    status = endEnqueue();
  if (call->async && !status.failed())
    return status;
  return endRun(std::move(status));
}

/// Gives all of the inference to the stream.
Status CudaContext::runCurrent(Plan &plan) {
  player.begin(plan, externalArena ? externalArena : arena.data(), stream);
  TENON_TRY(bindInputs());
  TENON_TRY(bindOutputs());
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
  TENON_TRY(fillOutputs());
  TENON_TRY(copyOutputs());
  return player.fetchFaults(tickets[nextTicket].faults.data());
}

/// Leaves a ticket for what the device has not done yet.
Status CudaContext::endEnqueue() {
  Ticket &ticket = tickets[nextTicket];
  TENON_TRY(device->check(device->api().eventRecord(ticket.done, stream),
                          "recording an event"));
  TENON_TRY(device->check(device->api().eventRecord(lastWork, stream),
                          "recording an event"));
  ticket.pending = true;
  working = true;
  lastStream = stream;
  nextTicket = (nextTicket + 1) % kTickets;
  return {};
}

/// Waits for the device, and copies what it left in staging memory.
Status CudaContext::endRun(Status status) {
  int result = device->api().streamSynchronize(stream);
  if (result != kSuccess) {
    Status failure = device->failure(result, "waiting for the device");
    return status.failed() ? status : failure;
  }
  if (status.failed())
    return status;
  TENON_TRY(player.faultIn(tickets[nextTicket].faults.data()));
  for (uint32_t index : sharedEngine->interface().ofKind(BindingKind::Output)) {
    BindingMemory &memory = memories[index];
    if (memory.place == Place::Pageable && memory.bytes)
      std::memcpy(memory.caller, memory.staging.data(), size_t(memory.bytes));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

Status CudaContext::stateMemory(uint32_t binding, TenonTensor &view) {
  view.data = memories[binding].data;
  view.bytes = uint64_t(memories[binding].stateBytes);
  return {};
}

Status CudaContext::clearStates() {
  TENON_TRY(finish());
  Current scope(*device);
  for (uint32_t index : sharedEngine->interface().ofKind(BindingKind::State)) {
    const BindingMemory &memory = memories[index];
    if (memory.stateBytes > 0)
      TENON_TRY(device->check(device->api().fill(memory.own.address(), 0,
                                                 uint64_t(memory.stateBytes),
                                                 homeStream),
                              "clearing a state"));
  }
  return device->check(device->api().streamSynchronize(homeStream),
                       "clearing states");
}

Status CudaContext::takeStates(Context &other) {
  // Contexts of one engine are on one device.
  CudaContext &source = static_cast<CudaContext &>(other);
  TENON_TRY(finish());
  TENON_TRY(source.finish());
  Current scope(*device);
  for (uint32_t index : sharedEngine->interface().ofKind(BindingKind::State)) {
    BindingMemory &to = memories[index];
    const BindingMemory &from = source.memories[index];
    if (from.stateBytes < 0)
      continue;
    if (to.stateBytes != from.stateBytes) {
      to.stateBytes = -1;
      TENON_TRY(to.own.allocate(device, uint64_t(from.stateBytes), "a state"));
    }
    to.stateBytes = from.stateBytes;
    to.data = to.stateBytes ? to.own.data() : sharedEngine->emptyConstant();
    if (to.stateBytes)
      TENON_TRY(device->check(
          device->api().copyOnDevice(to.own.address(), from.own.address(),
                                     uint64_t(to.stateBytes), homeStream),
          "copying a state"));
  }
  return device->check(device->api().streamSynchronize(homeStream),
                       "copying states");
}

void CudaContext::memory(TenonMemoryInfo &info) const {
  if (current)
    info.arena_bytes = current->arenaBytes;
  const Interface &interface = sharedEngine->interface();
  for (size_t b = 0; b < memories.size(); ++b) {
    BindingKind kind = interface.bindings()[b].kind;
    if (kind == BindingKind::State)
      info.state_bytes += memories[b].own.size();
    else if (kind == BindingKind::Output)
      info.output_bytes += memories[b].own.size() + memories[b].staging.size();
  }
}
