//===- Scheduler.h - When items are executed --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One scheduler a process executes the items of all contexts, since events
// order streams of different contexts. An item is executed when all it waits
// for is done and it is *demanded*:
//
//   eager    every item is demanded at once, and the call that submits it
//            returns when it is done, or after kLinger if it takes longer (a
//            kernel may wait for what the host does next)
//   lazy     a synchronization or query demands what it needs and nothing more
//   random   each call demands a random number of items that could run, in
//            random order
//
// Among those that can run, eager takes the oldest, lazy the youngest, random
// any. A program that looks at memory to see progress must see some: what has
// waited while the program made no call for kIdle, or for kOldest, is demanded.
//
// Brief items (copies, marks) run on the thread that needs them, all else on
// worker threads: kernels may wait for the host, and host functions may wait
// for a lock that the caller has. One worker is active at a time, unless it has
// been in one item for kStuck: then another goes on, so that a kernel that
// waits for an operation of another stream gets it.
//
// Threads: every function takes the lock that lock() gave, or is called before
// the first. The lock is released while an item is executed.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_SCHEDULER_H
#define TENON_SIM_DRIVER_STREAM_SCHEDULER_H

#include "sim/Options.h"
#include "sim/driver/stream/Order.h"
#include "sim/driver/stream/Work.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace tenon::sim::driver {

class Scheduler {
public:
  using Lock = std::unique_lock<std::mutex>;
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kLinger{200}, kIdle{50}, kStuck{20}, kPoll{1},
      kOldest{1000};
  /// As many as a device has hardware queues.
  static constexpr size_t kWorkers = 32;

  Scheduler(Schedule schedule, uint64_t seed, bool checkOrder);
  /// Waits for what is being executed; the rest is forgotten.
  ~Scheduler();
  /// The same at the end of the process, but no longer than a while: a kernel
  /// may run for ever.
  void stop(Milliseconds atMost);

  Lock lock() { return Lock(mutex_); }

  /// Enters an item that waits for others, done ones included: what they come
  /// after, it comes after. Nothing is executed yet.
  ItemPtr add(Lock &lock, std::shared_ptr<Executor> executor, Work work,
              Operator who, const std::vector<ItemPtr> &after);
  /// What every call that submitted something ends with: lets the schedule
  /// proceed. `last` is the last item that was added.
  void proceed(Lock &lock, const ItemPtr &last);
  /// Returns when it is done, with its result; the host comes after it.
  CUresult wait(Lock &lock, const ItemPtr &item);
  /// Whether it is done, and if so the host comes after it; else demands it.
  bool query(Lock &lock, const ItemPtr &item);
  /// Returns when an executor's items that touch an allocation are done;
  /// reports those that the host has not waited for if `report`.
  void waitForUsers(Lock &lock, const Allocation &allocation, const char *call,
                    bool report, Executor &executor);
  /// Forgets an executor's items that have not begun, and waits for the others.
  void abandon(Lock &lock, const Executor &executor);

  Order &order() { return order_; }
  /// The host's simulated time in seconds.
  double hostTime() const { return hostTime_; }
  /// Of the calling thread.
  static bool inHostFunction();

private:
  using Clock = std::chrono::steady_clock;

  void demand(const ItemPtr &item);
  void demandAll();
  void makeReady(const ItemPtr &item);
  ItemPtr pick();
  bool tryValue(Item &item);
  void perform(Lock &lock, const ItemPtr &item);
  void finish(const ItemPtr &item, CUresult result, const Executed &executed);
  void setTime(Item &item, const Executed &executed);
  void check(const Item &item, const std::vector<Region> &regions);
  void noteAccesses(Item &item);
  void observe(const Item &item);
  void linger(Lock &lock, const ItemPtr &item);
  void waitSlice(Lock &lock);
  void spawnIfNeeded();
  bool mayStart() const;
  void work();

  std::mutex mutex_;
  std::condition_variable done_; ///< an item is done
  std::condition_variable work_; ///< something for the workers
  const Schedule schedule_;
  std::mt19937_64 random_;
  Order order_;

  uint64_t submitted_ = 0;
  /// Not done, by number: all; able to run but not demanded; demanded.
  std::map<uint64_t, ItemPtr> items_, ready_, runnable_;
  std::map<uint64_t, ItemPtr> running_; ///< by workers
  size_t executing_ = 0;                ///< by anyone
  Clock::time_point lastCall_{};

  double hostTime_ = 0;
  /// Until when each engine of the device is busy, in simulated time.
  double engines_[4] = {};

  std::vector<std::thread> workers_;
  size_t idle_ = 0, alive_ = 0; ///< of the workers
  bool stop_ = false;
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_SCHEDULER_H
