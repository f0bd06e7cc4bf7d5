//===- CudaContext.h - Inferences on a CUDA device ---------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stream, the arena and the states on the device, and what lies between the
// caller's memory and the device's:
//
//   device memory     used in place
//   pinned memory     copied by the device from and to a buffer of its own
//   any other memory  staged through pinned memory, by `run` alone
//
// An enqueue returns while the device works. What it leaves to be done (faults
// to be reported, an arena that must not be freed yet) is a ticket: an event
// and a copy of the error records, looked at by later calls.
//
// Shown by test/unit/runtime/CudaContextTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_CUDACONTEXT_H
#define TENON_RUNTIME_CUDA_CUDACONTEXT_H

#include "runtime/Context.h"
#include "runtime/cuda/CudaExecutor.h"

namespace tenon::runtime::cuda {

class CudaContext final : public Context {
public:
  static Status create(std::shared_ptr<const Engine> engine,
                       const Options &options,
                       std::unique_ptr<Context> &context);
  ~CudaContext() override;
  void memory(TenonMemoryInfo &info) const override;

private:
  /// Where the caller's memory of a binding is.
  enum class Place {
    Null,     // there is none: it is the context's
    Pageable, // on the host; the device cannot reach it
    Pinned,   // on the host; the device can
    InPlace,  // on the device
    Apart     // on the device, but not aligned for vector instructions
  };
  struct BindingMemory {
    char *data = nullptr; // on the device, of this run
    Place place = Place::Null;
    bool brought = false;   // the caller's tensor had memory
    char *caller = nullptr; // the caller's memory
    char *given = nullptr;  // what a tensor got from the context last
    uint64_t capacity = 0;  // of it
    int64_t bytes = 0;      // to be copied to the caller's memory after the run
    int64_t stateBytes = -1;
    DeviceBuffer own;     // of a state, or where `place` is not InPlace
    PinnedBuffer staging; // for pageable memory; or an output's own
  };
  struct Ticket {
    EventHandle done = nullptr;
    PinnedBuffer faults;
    bool pending = false;
  };
  static constexpr size_t kTickets = 8;

  CudaContext(std::shared_ptr<const Engine> engine, const Options &options);
  Status prepare(const Options &options);
  Status runPlanned(Plan &plan, Call &call) override;
  Status runCurrent(Plan &plan);
  Status activate(Plan &plan) override;
  Status finish() override;
  Status stateMemory(uint32_t binding, TenonTensor &view) override;
  Status clearStates() override;
  Status takeStates(Context &source) override;
  Executor &executor() override { return player; }
  Status allocate(uint32_t binding, int64_t bytes, char *&data) override;

  Status classify(const char *kind, const Binding &binding, const void *data,
                  uint64_t bytes, Place &place) const;
  Status bindInputs();
  Status bindOutputs();
  Status bindAlias(BindingMemory &memory, const Binding &binding,
                   int64_t bytes);
  void giveOut(BindingMemory &memory, TenonTensor &tensor);
  Status stage(BindingMemory &memory, int64_t bytes, const char *name);
  Status ownMemory(BindingMemory &memory, int64_t bytes, const char *name);
  Status copyInput(BindingMemory &memory, const Binding &binding,
                   int64_t bytes);
  Status copyOutputs();
  Status fillOutputs();
  Status waitForEarlier();
  Status reap(bool wait);
  Status look(Ticket &ticket);
  Status endRun(Status status);
  Status endEnqueue();

  std::shared_ptr<Device> device;
  CudaExecutor player;
  StreamHandle ownStream = nullptr;  // made here, unless one was given
  StreamHandle homeStream = nullptr; // of runs
  StreamHandle stream = nullptr;     // of this run
  // Work that may not be done yet ends with `lastWork` in `lastStream`.
  EventHandle lastWork = nullptr;
  StreamHandle lastStream = nullptr;
  bool working = false;
  std::vector<BindingMemory> memories; // by engine.bindings
  Call *call = nullptr;
  DeviceBuffer arena;
  char *externalArena = nullptr;
  uint64_t externalBytes = 0;
  Ticket tickets[kTickets];
  size_t nextTicket = 0;
};

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_CUDACONTEXT_H
