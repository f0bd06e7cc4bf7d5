//===- CudaBindings.cpp - The caller's memory and the device's ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each input and output: where is the caller's memory, may the device use
// it as it is, and if not, how does its content get there and back.
//
// Shown by test/unit/runtime/CudaContextTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/CudaContext.h"

#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::cuda;
using schema::BindingKind;

// The widest access of a thread. Kernels are compiled for what the runtime
// allocates, which is aligned to more.
static constexpr uint64_t kVectorBytes = 16;

/// Finds out whose memory `data` is, and that `bytes` bytes may be used there.
Status CudaContext::classify(const char *kind, const Binding &binding,
                             const void *data, uint64_t bytes,
                             Place &place) const {
  const Driver &driver = device->api();
  place = Place::Pageable;
  unsigned type = 0;
  int result =
      driver.pointerAttribute(&type, kPointerMemoryType, addressOf(data));
  // So says the driver of memory that it does not know.
  if (result == kInvalidValue)
    type = 0;
  else if (result != kSuccess)
    return device->failure(result, formatText("looking at the memory of %s "
                                              "'%s'",
                                              kind, binding.name));
  if (type != kDeviceMemory) {
    place = type == kHostMemory ? Place::Pinned : Place::Pageable;
    if (call->async && place == Place::Pageable)
      return fail(TENON_INVALID_ARGUMENT,
                  "%s '%s': its data at %p is host memory that is not pinned, "
                  "which an enqueue cannot use: allocate it with "
                  "cuMemHostAlloc, pin it with cuMemHostRegister, or call "
                  "tenon_context_run",
                  kind, binding.name, data);
    return {};
  }
  int ordinal = device->ordinal();
  ContextHandle owner = nullptr; // null for memory of a pool
  driver.pointerAttribute(&ordinal, kPointerOrdinal, addressOf(data));
  driver.pointerAttribute(&owner, kPointerContext, addressOf(data));
  if (ordinal != device->ordinal())
    return fail(TENON_INVALID_ARGUMENT,
                "%s '%s': its data at %p is on device %d, the engine on "
                "device %d",
                kind, binding.name, data, ordinal, device->ordinal());
  if (owner && owner != device->context())
    return fail(TENON_INVALID_ARGUMENT,
                "%s '%s': its data at %p belongs to another CUcontext: load "
                "the engine with that one",
                kind, binding.name, data);
  DevicePointer base = 0;
  size_t size = 0;
  if (driver.addressRange(&base, &size, addressOf(data)) == kSuccess) {
    uint64_t left = base + size - addressOf(data);
    if (left < bytes)
      return fail(TENON_INVALID_ARGUMENT,
                  "%s '%s': %" PRIu64 " bytes are left in the allocation at "
                  "%p, its shape needs %" PRIu64,
                  kind, binding.name, left, data, bytes);
  }
  place = addressOf(data) % kVectorBytes ? Place::Apart : Place::InPlace;
  return {};
}

/// Makes memory.staging at least so large; what is in it is lost.
Status CudaContext::stage(BindingMemory &memory, int64_t bytes,
                          const char *name) {
  return memory.staging.size() < uint64_t(bytes)
             ? memory.staging.allocate(device, uint64_t(bytes), name)
             : Status();
}

/// Makes memory.own at least so large; what is in it is lost.
Status CudaContext::ownMemory(BindingMemory &memory, int64_t bytes,
                              const char *name) {
  if (memory.own.size() < uint64_t(bytes)) {
    // What is in the stream, or was recorded for it, may use the old one.
    if (memory.own.size())
      TENON_TRY(player.drain());
    TENON_TRY(memory.own.allocate(
        device, alignUp(uint64_t(bytes), kDeviceAlignment), name));
  }
  memory.data = memory.own.data();
  return {};
}

Status CudaContext::copyInput(BindingMemory &memory, const Binding &binding,
                              int64_t bytes) {
  const Driver &driver = device->api();
  DevicePointer target = memory.own.address();
  size_t count = size_t(bytes);
  int result;
  if (memory.place == Place::Apart) {
    result =
        driver.copyOnDevice(target, addressOf(memory.caller), count, stream);
  } else {
    const char *source = memory.caller;
    if (memory.place == Place::Pageable) {
      TENON_TRY(stage(memory, bytes, binding.name));
      std::memcpy(memory.staging.data(), source, count);
      source = memory.staging.data();
    }
    result = driver.copyToDevice(target, source, count, stream);
  }
  if (result == kSuccess)
    return {};
  return device->failure(
      result, formatText("copying input '%s' to the device", binding.name));
}

Status CudaContext::bindInputs() {
  const Interface &interface = sharedEngine->interface();
  for (size_t i = 0; i < interface.inputCount(); ++i) {
    const Binding &binding = interface.input(i);
    const TenonTensor &tensor = call->inputs[i];
    int64_t bytes = 0;
    interface.bytes(binding, current->exprs, bytes);
    if (bytes && !tensor.data)
      return fail(TENON_INVALID_ARGUMENT, "input '%s': its data is null",
                  binding.name);
    if (tensor.bytes < uint64_t(bytes))
      return fail(TENON_INVALID_ARGUMENT,
                  "input '%s': %" PRIu64 " bytes at data, its shape needs "
                  "%" PRId64,
                  binding.name, tensor.bytes, bytes);
    TENON_TRY(checkAlignment("input", binding, tensor.data));
    BindingMemory &memory = memories[interface.ofKind(BindingKind::Input)[i]];
    memory.caller = static_cast<char *>(tensor.data);
    memory.place = Place::Null;
    memory.data = sharedEngine->emptyConstant();
    if (bytes == 0)
      continue;
    TENON_TRY(
        classify("input", binding, tensor.data, uint64_t(bytes), memory.place));
    if (memory.place == Place::InPlace) {
      memory.data = memory.caller;
      continue;
    }
    TENON_TRY(ownMemory(memory, bytes, binding.name));
    TENON_TRY(copyInput(memory, binding, bytes));
  }
  return {};
}

/// Called for each output as soon as its size is known.
Status CudaContext::allocate(uint32_t index, int64_t bytes, char *&data) {
  const Binding &binding = sharedEngine->interface().bindings()[index];
  BindingMemory &memory = memories[index];
  TenonTensor &tensor = call->outputs[binding.slot];
  const TenonRunOptions *options = call->options;
  memory.bytes = bytes;
  if (memory.brought && memory.capacity < uint64_t(bytes))
    return fail(TENON_BUFFER_TOO_SMALL,
                "output '%s': %" PRIu64 " bytes at data, it needs %" PRId64,
                binding.name, memory.capacity, bytes);
  if (bytes == 0) {
    data = memory.data = sharedEngine->emptyConstant();
    return {};
  }
  if (!memory.brought && options->allocate &&
      memory.capacity < uint64_t(bytes)) {
    tensor.data = options->allocate(options->allocate_user, binding.slot,
                                    uint64_t(bytes));
    if (!tensor.data)
      return fail(TENON_OUT_OF_MEMORY,
                  "output '%s': the caller's allocator gave no memory for "
                  "%" PRId64 " bytes",
                  binding.name, bytes);
    tensor.bytes = memory.capacity = uint64_t(bytes);
    memory.caller = static_cast<char *>(tensor.data);
    TENON_TRY(checkAlignment("output", binding, tensor.data));
  }
  if (memory.caller)
    TENON_TRY(classify("output", binding, memory.caller, uint64_t(bytes),
                       memory.place));
  if (memory.place == Place::InPlace) {
    data = memory.data = memory.caller;
    return {};
  }
  // Now, as an allocation waits for the device, and would report its faults.
  if (!call->async &&
      (memory.place == Place::Null || memory.place == Place::Pageable))
    TENON_TRY(stage(memory, bytes, binding.name));
  TENON_TRY(ownMemory(memory, bytes, binding.name));
  data = memory.data;
  if (!memory.caller)
    giveOut(memory, tensor);
  return {};
}

/// The tensor gets memory of the context: at once, so that it never points to
/// what an earlier run gave out and this one has freed.
void CudaContext::giveOut(BindingMemory &memory, TenonTensor &tensor) {
  tensor.data = memory.given =
      call->async ? memory.data : memory.staging.data();
  tensor.bytes = uint64_t(memory.bytes);
}

/// An output that is the memory of an input or a state.
Status CudaContext::bindAlias(BindingMemory &memory, const Binding &binding,
                              int64_t bytes) {
  const Binding &other =
      sharedEngine->interface().bindings()[size_t(binding.alias)];
  const BindingMemory &shared = memories[size_t(binding.alias)];
  TenonTensor &tensor = call->outputs[binding.slot];
  memory.data = shared.data;
  memory.bytes = bytes;
  if (other.kind == BindingKind::Input) {
    if (tensor.data && tensor.data != shared.caller)
      return fail(TENON_INVALID_ARGUMENT,
                  "output '%s' shares the memory of '%s': its data must be "
                  "null or the same",
                  binding.name, other.name);
    // What was copied in is copied back.
    memory.place = shared.place;
    if (memory.place == Place::Pageable)
      TENON_TRY(stage(memory, bytes, binding.name));
    tensor.data = memory.caller = shared.caller;
    tensor.bytes = uint64_t(bytes);
    return {};
  }
  // A state is on the device: an enqueue gives it out, a run copies it for
  // those who asked for memory or brought some.
  if (tensor.data == shared.data || (!tensor.data && call->async)) {
    memory.place = Place::InPlace;
    tensor.data = memory.given = shared.data;
    tensor.bytes = uint64_t(bytes);
    return {};
  }
  if (!tensor.data || bytes == 0) {
    TENON_TRY(stage(memory, bytes, binding.name));
    giveOut(memory, tensor);
    return {};
  }
  if (memory.capacity < uint64_t(bytes))
    return fail(TENON_BUFFER_TOO_SMALL,
                "output '%s': %" PRIu64 " bytes at data, it needs %" PRId64,
                binding.name, memory.capacity, bytes);
  TENON_TRY(
      classify("output", binding, tensor.data, uint64_t(bytes), memory.place));
  if (memory.place == Place::InPlace)
    memory.place = Place::Apart;
  return memory.place == Place::Pageable ? stage(memory, bytes, binding.name)
                                         : Status();
}

Status CudaContext::bindOutputs() {
  const Interface &interface = sharedEngine->interface();
  if (call->outputCount != int32_t(interface.outputCount()))
    return fail(TENON_INVALID_ARGUMENT, "expected %zu outputs, got %d",
                interface.outputCount(), call->outputCount);
  if (call->outputCount && !call->outputs)
    return fail(TENON_INVALID_ARGUMENT, "outputs: null");
  for (size_t i = 0; i < interface.outputCount(); ++i) {
    const Binding &binding = interface.output(i);
    TenonTensor &tensor = call->outputs[i];
    uint32_t index = interface.ofKind(BindingKind::Output)[i];
    BindingMemory &memory = memories[index];
    // The tensor of an earlier run may come back as it was filled in.
    if (tensor.data &&
        (tensor.data == memory.given || tensor.data == memory.own.data() ||
         tensor.data == memory.staging.data()))
      tensor.data = nullptr;
    TENON_TRY(checkAlignment("output", binding, tensor.data));
    memory.data = nullptr;
    memory.place = Place::Null;
    memory.caller = static_cast<char *>(tensor.data);
    memory.brought = tensor.data != nullptr;
    memory.capacity = memory.brought ? tensor.bytes : 0;
    memory.bytes = 0;
    if (binding.dynamic)
      continue;
    int64_t bytes;
    if (!interface.bytes(binding, current->exprs, bytes))
      return fail(TENON_INVALID_INPUT,
                  "output '%s': its size is not legal for these input shapes",
                  binding.name);
    char *data;
    TENON_TRY(binding.alias >= 0 ? bindAlias(memory, binding, bytes)
                                 : allocate(index, bytes, data));
  }
  return {};
}

/// What is known of outputs when the program has been walked.
Status CudaContext::fillOutputs() {
  const Interface &interface = sharedEngine->interface();
  const Numbers &numbers = player.numbers();
  for (size_t i = 0; i < interface.outputCount(); ++i) {
    const Binding &binding = interface.output(i);
    TenonTensor &tensor = call->outputs[i];
    uint32_t index = interface.ofKind(BindingKind::Output)[i];
    BindingMemory &memory = memories[index];
    int64_t bytes;
    if (binding.dynamic) {
      if (!interface.bytes(binding, numbers, bytes))
        return fail(TENON_INVALID_INPUT,
                    "output '%s': the program left its size unknown, or it is "
                    "not legal",
                    binding.name);
      char *data;
      if (!memory.data)
        TENON_TRY(allocate(index, bytes, data));
      memory.bytes = bytes;
    }
    tensor.type = TenonElementType(binding.type);
    tensor.rank = int32_t(binding.dims.size());
    interface.dims(binding, numbers, tensor.dims);
  }
  return {};
}

/// Takes outputs from the device to where the caller wants them.
Status CudaContext::copyOutputs() {
  const Driver &driver = device->api();
  const Interface &interface = sharedEngine->interface();
  for (uint32_t index : interface.ofKind(BindingKind::Output)) {
    const Binding &binding = interface.bindings()[index];
    BindingMemory &memory = memories[index];
    size_t bytes = size_t(memory.bytes);
    if (memory.place == Place::InPlace || bytes == 0 ||
        (memory.place == Place::Null && call->async))
      continue;
    int result;
    if (memory.place == Place::Apart) {
      result = driver.copyOnDevice(addressOf(memory.caller),
                                   addressOf(memory.data), bytes, stream);
    } else {
      char *target = memory.caller;
      if (memory.place != Place::Pinned) {
        target = memory.staging.data();
      }
      result = driver.copyToHost(target, addressOf(memory.data), bytes, stream);
    }
    if (result != kSuccess)
      return device->failure(result, formatText("copying output '%s' from the "
                                                "device",
                                                binding.name));
  }
  return {};
}
