//===- Work.h - What waits in a stream --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that streams, events and graphs order is an Item with the items
// that it has to wait for:
//
//   stream 1   copy #1 ── kernel #2 ── record #3
//                                        \ (cuStreamWaitEvent)
//   stream 2                              wait #4 ── kernel #5
//
// Order within a stream, with the legacy default stream, through events and
// among the nodes of a graph differ only in which edges they add; the scheduler
// (Scheduler.h) sees the edges alone. What is to be done is held by value.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_WORK_H
#define TENON_SIM_DRIVER_STREAM_WORK_H

#include "sim/driver/Cuda.h"
#include "sim/driver/Operations.h"
#include "sim/driver/stream/Order.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tenon::sim::driver {

/// cuLaunchHostFunc.
struct HostCall {
  CUhostFn function = nullptr;
  void *data = nullptr;
};

/// cuStreamAddCallback: called after an error as well.
struct Callback {
  CUstreamCallback function = nullptr;
  CUstream stream = nullptr;
  void *data = nullptr;
};

/// Takes no time and does nothing but wait: an event, a wait for one, an empty
/// node, the end of a graph.
struct Mark {
  const char *name = "";
  std::shared_ptr<const void> keeps{}; ///< alive until it is done
};

/// cuStreamWriteValue32 and 64.
struct WriteValue {
  uint64_t address = 0, value = 0;
  unsigned bytes = 4;
};

/// cuStreamWaitValue32 and 64: waits until a value in memory passes.
struct WaitValue {
  uint64_t address = 0, value = 0;
  unsigned bytes = 4, flags = 0;
  /// Whether `now` lets it pass (CUstreamWaitValue_flags).
  bool passes(uint64_t now) const;
};

using Work =
    std::variant<Mark, Operation, HostCall, Callback, WriteValue, WaitValue>;

/// Whether a caller's thread may execute it: it ends soon by itself.
bool isBrief(const Work &work);

/// Who executes the items of a context, and what they may know of it. Called
/// without a lock, save fault(), find() and seconds(), which take none of the
/// scheduler's.
class Executor {
public:
  virtual ~Executor() = default;
  virtual CUresult execute(const Operation &operation, Executed &executed) = 0;
  /// The sticky error of the context: its items are no longer executed.
  virtual CUresult fault() = 0;
  virtual void setFault(CUresult error) = 0;
  /// The live allocation that holds an address, or nullptr.
  virtual std::shared_ptr<const Allocation> find(uint64_t address) = 0;
  /// How long it takes in simulated time (Timing.h).
  virtual double seconds(const Work &work, const Executed &executed) = 0;
  virtual void log(std::string_view text) = 0;
};

struct Item;
using ItemPtr = std::shared_ptr<Item>;

/// Guarded by the scheduler's mutex, but for what is set once when it is made.
struct Item {
  uint64_t number = 0; ///< by submission, from 1
  std::shared_ptr<Executor> executor;
  Work work;
  Operator who; ///< for the order between streams, and messages

  /// What it waits for; emptied when it is done, so that the past is freed.
  std::vector<ItemPtr> after;
  std::vector<ItemPtr> before; ///< what waits for it
  size_t pending = 0;          ///< of `after`, not yet done

  enum class State : uint8_t { Waiting, Running, Done } state = State::Waiting;
  bool demanded = false; ///< it is to be executed as soon as it can
  CUresult result = CUDA_SUCCESS;
  /// Where a failure that is not sticky is to be shown, if no caller waits.
  std::shared_ptr<CUresult> failure;
  std::chrono::steady_clock::time_point submitted, started;
  double begin = 0, end = 0; ///< in simulated seconds, when done

  bool done() const { return state == State::Done; }
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_WORK_H
