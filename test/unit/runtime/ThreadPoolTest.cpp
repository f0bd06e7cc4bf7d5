//===- ThreadPoolTest.cpp - Ranges, idleness, overcommitment --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/ThreadPool.h"
#include "runtime/cpu/CpuTarget.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <thread>

using namespace tenon::runtime;

namespace {
/// Counts how often each task ran.
struct Counts {
  explicit Counts(int64_t tasks) : count(size_t(tasks)) {}
  std::vector<std::atomic<int>> count;
  std::atomic<int> calls{0}, worstThread{0}, shortest{INT32_MAX};

  static void task(void *argument, int64_t begin, int64_t end, int thread) {
    Counts &counts = *static_cast<Counts *>(argument);
    ++counts.calls;
    counts.worstThread = std::max(counts.worstThread.load(), thread);
    for (int64_t i = begin; i < end; ++i)
      ++counts.count[size_t(i)];
    if (end != int64_t(counts.count.size()))
      counts.shortest = std::min(counts.shortest.load(), int(end - begin));
  }
  bool eachOnce() const {
    return std::all_of(count.begin(), count.end(),
                       [](const auto &n) { return n.load() == 1; });
  }
};
} // namespace

TEST(ThreadPool, EveryTaskOnce) {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round)
      for (int64_t tasks : {1, 2, 3, 7, 64, 1000}) {
        Counts counts(tasks);
        pool.parallelFor(tasks, 1, Counts::task, &counts);
        ASSERT_TRUE(counts.eachOnce()) << threads << " threads, " << tasks;
        ASSERT_LT(counts.worstThread.load(), threads);
      }
  }
}

TEST(ThreadPool, NoTasksNoCalls) {
  ThreadPool pool(2);
  Counts counts(1);
  pool.parallelFor(0, 1, Counts::task, &counts);
  pool.parallelFor(-5, 1, Counts::task, &counts);
  EXPECT_EQ(0, counts.calls.load());
}

TEST(ThreadPool, GrainIsTheLeastThatAThreadTakes) {
  ThreadPool pool(3);
  Counts counts(1000);
  pool.parallelFor(1000, 150, Counts::task, &counts);
  EXPECT_TRUE(counts.eachOnce());
  EXPECT_GE(counts.shortest.load(), 150);
  Counts small(100);
  pool.parallelFor(100, 100, Counts::task, &small);
  EXPECT_EQ(1, small.calls.load()) << "on the caller alone";
}

TEST(ThreadPool, StopStartsNoFurtherRanges) {
  ThreadPool pool(2);
  std::atomic<bool> stop{true};
  Counts counts(1000);
  pool.parallelFor(1000, 1, Counts::task, &counts, &stop);
  EXPECT_EQ(0, counts.calls.load());
}

TEST(ThreadPool, CallersOwnPool) {
  struct Own {
    int runs = 0;
    static void run(void *user, int32_t count, void (*task)(void *, int32_t),
                    void *argument) {
      ++static_cast<Own *>(user)->runs;
      for (int32_t i = count; i-- > 0;)
        task(argument, i);
    }
  } own;
  TenonThreadPool description = {sizeof(TenonThreadPool), &own, 5, Own::run};
  ThreadPool pool(description);
  EXPECT_EQ(5, pool.threads());
  Counts counts(997);
  pool.parallelFor(997, 1, Counts::task, &counts);
  EXPECT_TRUE(counts.eachOnce());
  EXPECT_EQ(1, own.runs);
}

/// CPU time of all threads but this one.
static double othersSeconds() {
  auto seconds = [](int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  return seconds(RUSAGE_SELF) - seconds(RUSAGE_THREAD);
}

static void awaitSleep(const ThreadPool &pool) {
  while (pool.sleepingWorkers() != pool.threads() - 1)
    std::this_thread::yield();
}

TEST(ThreadPool, WorkersSleepSoonAfterARun) {
  ThreadPool pool(4);
  Counts counts(1000);
  pool.beginRun();
  pool.parallelFor(1000, 1, Counts::task, &counts);
  pool.endRun();
  double before = othersSeconds();
  awaitSleep(pool);
  EXPECT_LT(othersSeconds() - before, 0.010);
}

TEST(ThreadPool, WakesAgainAfterSleeping) {
  ThreadPool pool(3);
  for (int round = 0; round < 5; ++round) {
    awaitSleep(pool);
    Counts counts(100);
    pool.beginRun();
    pool.parallelFor(100, 1, Counts::task, &counts);
    pool.endRun();
    EXPECT_TRUE(counts.eachOnce());
  }
}

TEST(ThreadPool, ManyPoolsAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      ThreadPool pool(3);
      for (int round = 0; round < 100; ++round) {
        Counts counts(64);
        pool.parallelFor(64, 1, Counts::task, &counts);
        right += counts.eachOnce();
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(400, right.load());
}
