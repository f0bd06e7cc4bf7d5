//===- ThreadPool.h - The threads of one context -----------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A network is a hundred or more short launches after one another, so that
// starting and ending one must cost about a microsecond. Hence:
//
//   * The caller's thread takes part; there are threads - 1 workers.
//   * A launch is published by making `generation` odd. Workers that watch it
//     enter (active + 1), look once more, and take chunks from a shared
//     counter. The caller takes chunks too; when none are left it closes the
//     launch (generation even) and waits for those that entered, not for those
//     that did not come: a worker that was descheduled delays nothing.
//   * Between the launches of one run workers spin; after a run they go on for
//     kIdleSpin and then sleep on a condition variable. A run thus wakes and
//     puts to sleep each worker once at most (twice only if it holds a gap
//     without parallel work of more than kRunSpin).
//   * With more threads than cores, and after a while in any case, waiting
//     yields the core at every step.
//
// The cut of [0, tasks) into chunks depends on the number of threads; results
// must not (kernel_abi.h).
//
// Shown by test/unit/runtime/ThreadPoolTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CPU_THREADPOOL_H
#define TENON_RUNTIME_CPU_THREADPOOL_H

#include "runtime/include/tenon/tenon.h"
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tenon::runtime {

class ThreadPool {
public:
  /// Computes tasks [begin, end). `thread` is below threads().
  using Task = void (*)(void *argument, int64_t begin, int64_t end, int thread);

  /// `threads` in all, the caller's included. Fewer if the system refuses.
  explicit ThreadPool(int threads);
  /// Runs on the caller's own pool, which must outlive this object.
  explicit ThreadPool(const TenonThreadPool &external);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int threads() const { return threadCount; }

  /// Calls `task` for ranges that make up [0, tasks), each but the last of at
  /// least `grain` tasks, and returns when all are done. Once `*stop` is true
  /// no further ranges are started. One thread at a time may call this.
  void parallelFor(int64_t tasks, int64_t grain, Task task, void *argument,
                   const std::atomic<bool> *stop = nullptr);

  /// Brackets the launches of one run, between which workers stay awake.
  void beginRun() { inRun.store(true, std::memory_order_relaxed); }
  void endRun() { inRun.store(false, std::memory_order_relaxed); }

  /// How many workers sleep right now.
  int sleepingWorkers() const { return sleepers.load(); }

private:
  struct alignas(64) Job {
    Task task = nullptr;
    void *argument = nullptr;
    int64_t tasks = 0;
    int64_t chunk = 1;
    const std::atomic<bool> *stop = nullptr;
  };

  void work(int thread);
  uint32_t awaitLaunch(uint32_t seen);
  uint32_t sleepUntilLaunch(uint32_t seen);
  void runChunks(int thread);
  static void runExternal(void *argument, int32_t index);

  int threadCount = 1;
  bool crowded = false; // more threads than cores
  TenonThreadPool external = {};
  std::vector<std::thread> workers;

  Job job;
  alignas(64) std::atomic<int64_t> nextTask{0};
  alignas(64) std::atomic<uint32_t> generation{0}; // odd: a launch is open
  alignas(64) std::atomic<int32_t> active{0};
  alignas(64) std::atomic<bool> inRun{false};
  std::atomic<bool> stopping{false};
  std::atomic<int32_t> started{0};
  std::atomic<int32_t> sleepers{0};
  std::mutex mutex;
  std::condition_variable wake;
  uint64_t wakeTicket = 0; // under mutex
};

/// Puts the floating-point unit into the state that kernels expect for as long
/// as the object lives: round to nearest, denormals kept, exceptions masked.
class FloatEnvironment {
public:
  FloatEnvironment();
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

private:
  uint64_t saved;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPU_THREADPOOL_H
