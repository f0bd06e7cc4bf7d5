//===- SchedulerTest.cpp - When items are executed ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

using namespace tenon::sim;
using namespace tenon::sim::driver;
using namespace std::chrono_literals;

namespace {

/// Fills memory of its own; kernels are what the test says: the
/// number of the launch is the index into `kernels`.
class FakeExecutor final : public Executor {
public:
  /// Not DeviceMemory, whose addresses a thread sanitizer cannot watch.
  std::vector<char> storage = std::vector<char>(4096);
  std::shared_ptr<Allocation> allocation = std::make_shared<Allocation>();
  std::vector<std::function<CUresult(Executed &)>> kernels;
  std::atomic<CUresult> fault_{CUDA_SUCCESS};
  std::mutex mutex;
  std::vector<std::string> messages;
  std::atomic<int> executed{0};

  FakeExecutor() {
    kernels.reserve(256); // they stay where they are while others run
    allocation->bytes = storage.data();
    allocation->address = reinterpret_cast<uint64_t>(storage.data());
    allocation->size = storage.size();
    allocation->number = 1;
  }
  CUresult execute(const Operation &operation, Executed &done) override {
    ++executed;
    if (const auto *fill = std::get_if<Fill>(&operation))
      memset(bytes(fill->to), int(fill->value), fill->width);
    else if (const auto *launch = std::get_if<KernelLaunch>(&operation)) {
      return kernels[launch->request.number](done);
    }
    return CUDA_SUCCESS;
  }
  static char *bytes(uint64_t address) {
    return reinterpret_cast<char *>(address);
  }
  CUresult fault() override { return fault_; }
  void setFault(CUresult error) override { fault_ = error; }
  std::shared_ptr<const Allocation> find(uint64_t address) override {
    return allocation->contains(address) ? allocation : nullptr;
  }
  double seconds(const Work &work, const Executed &) override {
    return std::holds_alternative<Mark>(work) ? 0 : 1e-6;
  }
  void log(std::string_view text) override {
    std::lock_guard lock(mutex);
    messages.emplace_back(text);
  }
};

class SchedulerTest : public ::testing::TestWithParam<Schedule> {
protected:
  std::shared_ptr<FakeExecutor> executor = std::make_shared<FakeExecutor>();
  Scheduler scheduler{GetParam(), 11, true};
  std::map<unsigned, ItemPtr> last; ///< by strand
  uint64_t buffer = executor->allocation->address;

  bool isEager() const { return GetParam() == Schedule::Eager; }
  bool isLazy() const { return GetParam() == Schedule::Lazy; }

  unsigned strand() {
    auto lock = scheduler.lock();
    return scheduler.order().takeStrand();
  }
  ItemPtr submit(unsigned strand, Work work, std::vector<ItemPtr> also = {},
                 std::string name = "operation") {
    auto lock = scheduler.lock();
    if (last[strand])
      also.push_back(last[strand]);
    Operator who;
    who.name = std::move(name);
    who.place = "stream " + std::to_string(strand);
    who.strand = strand;
    ItemPtr item = scheduler.add(lock, executor, std::move(work), who, also);
    last[strand] = item;
    scheduler.proceed(lock, item);
    return item;
  }
  CUresult wait(const ItemPtr &item) {
    auto lock = scheduler.lock();
    return scheduler.wait(lock, item);
  }
  bool query(const ItemPtr &item) {
    auto lock = scheduler.lock();
    return scheduler.query(lock, item);
  }
  bool isDone(const ItemPtr &item) {
    auto lock = scheduler.lock();
    return item->done();
  }
  size_t messages() {
    std::lock_guard lock(executor->mutex);
    return executor->messages.size();
  }
  Work fill(uint32_t value, uint64_t offset = 0, uint64_t size = 64) {
    Fill what;
    what.to = buffer + offset;
    what.value = value;
    what.width = what.pitch = size;
    return Operation(what);
  }
  Work kernel(std::function<CUresult(Executed &)> body) {
    KernelLaunch launch;
    launch.request.number = executor->kernels.size();
    executor->kernels.push_back(std::move(body));
    return Operation(launch);
  }
  char first() { return executor->storage[0]; }
};

INSTANTIATE_TEST_SUITE_P(Schedules, SchedulerTest,
                         ::testing::Values(Schedule::Eager, Schedule::Lazy,
                                           Schedule::Random),
                         [](const auto &info) {
                           return info.param == Schedule::Eager  ? "eager"
                                  : info.param == Schedule::Lazy ? "lazy"
                                                                 : "random";
                         });

TEST_P(SchedulerTest, aStreamIsInOrder) {
  unsigned a = strand();
  std::vector<int> order;
  ItemPtr item;
  for (int i = 0; i < 50; ++i)
    item = submit(a, kernel([&order, i](Executed &) {
                    order.push_back(i);
                    return CUDA_SUCCESS;
                  }));
  EXPECT_EQ(wait(item), CUDA_SUCCESS);
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(SchedulerTest, laziestAndEagerestMoments) {
  ItemPtr item = submit(strand(), fill(7));
  if (isEager())
    EXPECT_EQ(first(), 7);
  if (isLazy())
    EXPECT_EQ(first(), 0);
  EXPECT_EQ(wait(item), CUDA_SUCCESS);
  EXPECT_EQ(first(), 7);
}

class LazySchedulerTest : public SchedulerTest {};
INSTANTIATE_TEST_SUITE_P(Lazy, LazySchedulerTest,
                         ::testing::Values(Schedule::Lazy));

TEST_P(LazySchedulerTest, onlyWhatIsAskedForIsExecuted) {
  unsigned a = strand(), b = strand();
  ItemPtr one = submit(a, fill(1)), two = submit(b, fill(2, 128));
  ItemPtr three = submit(a, fill(3, 256));
  wait(one);
  EXPECT_FALSE(isDone(two));
  EXPECT_FALSE(isDone(three));
  wait(three);
  EXPECT_FALSE(isDone(two));
}

TEST_P(SchedulerTest, anEventOrdersStreams) {
  for (int round = 0; round < 30; ++round) {
    unsigned a = strand(), b = strand();
    ItemPtr one = submit(a, fill(unsigned(2 * round + 1)));
    ItemPtr two = submit(b, fill(unsigned(2 * round + 2)), {one});
    wait(two);
    EXPECT_EQ(first(), 2 * round + 2);
  }
  EXPECT_EQ(messages(), 0u);
}

TEST_P(SchedulerTest, streamsWithoutOrderAreReported) {
  submit(strand(), fill(1), {}, "cuMemsetD8Async");
  ItemPtr two = submit(strand(), fill(2), {}, "cuMemsetD8Async");
  wait(two);
  EXPECT_EQ(messages(), 1u);
}

TEST_P(SchedulerTest, hostWaitOrdersStreams) {
  ItemPtr one = submit(strand(), fill(1));
  wait(one);
  wait(submit(strand(), fill(2)));
  EXPECT_EQ(messages(), 0u);
}

TEST_P(SchedulerTest, hostWaitForAnotherStreamDoesNot) {
  unsigned a = strand(), b = strand(), c = strand();
  submit(a, fill(1));
  wait(submit(c, fill(9, 1024)));
  wait(submit(b, fill(2)));
  EXPECT_EQ(messages(), 1u);
}

TEST_P(SchedulerTest, whatKernelsTouchIsCompared) {
  uint64_t at = buffer;
  auto writes = [at](Executed &executed) {
    executed.touched.push_back({at, 4, true});
    return CUDA_SUCCESS;
  };
  unsigned a = strand(), b = strand(), c = strand();
  ItemPtr one = submit(a, kernel(writes), {}, "kernel one");
  ItemPtr two = submit(b, kernel(writes), {one}, "kernel two");
  wait(two);
  EXPECT_EQ(messages(), 0u);
  ItemPtr three = submit(a, kernel(writes), {}, "kernel one");
  ItemPtr four = submit(c, kernel(writes), {}, "kernel three");
  wait(three);
  wait(four);
  EXPECT_EQ(messages(), 1u);
}

TEST_P(SchedulerTest, pollingSeesProgress) {
  ItemPtr item = submit(strand(), fill(5));
  auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!query(item))
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_EQ(first(), 5);
}

TEST_P(SchedulerTest, lookingAtMemorySeesProgress) {
  std::atomic<int> flag{0};
  unsigned a = strand();
  submit(a, fill(5));
  submit(a, kernel([&](Executed &) {
           flag = 1;
           return CUDA_SUCCESS;
         }));
  auto deadline = std::chrono::steady_clock::now() + 10s;
  while (flag == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(1ms);
  }
}

TEST_P(SchedulerTest, aKernelMayWaitForTheHost) {
  std::atomic<int> flag{0};
  ItemPtr item = submit(strand(), kernel([&](Executed &) {
                          while (flag == 0)
                            std::this_thread::yield();
                          return CUDA_SUCCESS;
                        }));
  EXPECT_FALSE(isDone(item));
  flag = 1;
  EXPECT_EQ(wait(item), CUDA_SUCCESS);
}

TEST_P(SchedulerTest, aKernelMayWaitForAnotherStream) {
  std::atomic<int> flag{0};
  ItemPtr one = submit(strand(), kernel([&](Executed &) {
                         while (flag == 0)
                           std::this_thread::yield();
                         return CUDA_SUCCESS;
                       }));
  ItemPtr two = submit(strand(), kernel([&](Executed &) {
                         flag = 1;
                         return CUDA_SUCCESS;
                       }));
  EXPECT_EQ(wait(one), CUDA_SUCCESS);
  EXPECT_EQ(wait(two), CUDA_SUCCESS);
}

TEST_P(SchedulerTest, aHostFunctionMayTakeALockOfTheCaller) {
  struct Data {
    std::mutex mutex;
    int value = 0;
  } data;
  ItemPtr item;
  {
    std::lock_guard guard(data.mutex);
    item = submit(strand(),
                  HostCall{[](void *argument) {
                             auto *mine = static_cast<Data *>(argument);
                             std::lock_guard inner(mine->mutex);
                             mine->value = Scheduler::inHostFunction() ? 2 : 1;
                           },
                           &data});
    EXPECT_EQ(data.value, 0);
  }
  EXPECT_EQ(wait(item), CUDA_SUCCESS);
  EXPECT_EQ(data.value, 2);
  EXPECT_FALSE(Scheduler::inHostFunction());
}

TEST_P(SchedulerTest, aValueIsWaitedFor) {
  unsigned a = strand(), b = strand();
  ItemPtr waiting =
      submit(a, WaitValue{buffer + 512, 3, 4, CU_STREAM_WAIT_VALUE_GEQ});
  ItemPtr after = submit(a, fill(8));
  EXPECT_FALSE(query(after));
  EXPECT_NE(first(), 8);
  submit(b, WriteValue{buffer + 512, 4, 4});
  EXPECT_EQ(wait(after), CUDA_SUCCESS);
  EXPECT_EQ(first(), 8);
  EXPECT_TRUE(isDone(waiting));
}

TEST_P(SchedulerTest, afterAFaultNothingIsExecuted) {
  unsigned a = strand();
  submit(a, kernel([&](Executed &) {
           executor->setFault(CUDA_ERROR_ILLEGAL_ADDRESS);
           return CUDA_ERROR_ILLEGAL_ADDRESS;
         }));
  ItemPtr item = submit(a, fill(6));
  EXPECT_EQ(wait(item), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(first(), 0);
  EXPECT_EQ(executor->executed, 1);
}

TEST_P(SchedulerTest, aCallbackLearnsOfTheFault) {
  unsigned a = strand();
  executor->setFault(CUDA_ERROR_LAUNCH_FAILED);
  CUresult seen = CUDA_SUCCESS;
  ItemPtr item = submit(a, Callback{[](CUstream, CUresult status, void *data) {
                                      *static_cast<CUresult *>(data) = status;
                                    },
                                    nullptr, &seen});
  EXPECT_EQ(wait(item), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(seen, CUDA_ERROR_LAUNCH_FAILED);
}

TEST_P(SchedulerTest, abandonedWorkIsForgotten) {
  unsigned a = strand();
  std::atomic<int> flag{0};
  ItemPtr running = submit(a, kernel([&](Executed &) {
                             while (flag == 0)
                               std::this_thread::yield();
                             return CUDA_SUCCESS;
                           }));
  ItemPtr waiting = submit(a, fill(4));
  {
    auto lock = scheduler.lock();
    // Whether or not it has begun, it can end.
    flag = 1;
    scheduler.abandon(lock, *executor);
  }
  EXPECT_TRUE(isDone(running));
  EXPECT_TRUE(isDone(waiting));
  EXPECT_EQ(first(), 0);
}

TEST_P(SchedulerTest, simulatedTimeFollowsTheOrder) {
  unsigned a = strand();
  ItemPtr begin = submit(a, Mark{"event"});
  ItemPtr work = submit(a, fill(1));
  ItemPtr end = submit(a, Mark{"event"});
  wait(end);
  auto lock = scheduler.lock();
  EXPECT_GT(end->end, begin->end);
  EXPECT_GE(work->begin, begin->end);
  EXPECT_GE(end->end - begin->end, 1e-6);
}

TEST_P(SchedulerTest, manyThreadsOnManyStreams) {
  constexpr unsigned kThreads = 4, kItems = 200;
  std::atomic<unsigned> done{0};
  auto body = kernel([&](Executed &) {
    ++done;
    return CUDA_SUCCESS;
  });
  std::vector<unsigned> strands;
  for (unsigned i = 0; i < kThreads; ++i) {
    strands.push_back(strand());
    last[strands.back()] = nullptr;
  }
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      ItemPtr mine;
      for (unsigned n = 0; n < kItems; ++n) {
        auto lock = scheduler.lock();
        Operator who;
        who.strand = strands[i];
        std::vector<ItemPtr> after;
        if (mine)
          after.push_back(mine);
        Work work = n % 3 == 0 ? fill(n, 1024 + 64 * i, 32) : body;
        mine = scheduler.add(lock, executor, work, who, after);
        scheduler.proceed(lock, mine);
        if (n % 17 == 0)
          scheduler.wait(lock, mine);
      }
      auto lock = scheduler.lock();
      scheduler.wait(lock, mine);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(done, kThreads * (kItems - (kItems + 2) / 3));
  EXPECT_EQ(messages(), 0u);
}

TEST(WaitValue, comparesAsDocumented) {
  auto passes = [](unsigned flags, unsigned bytes, uint64_t value,
                   uint64_t now) {
    return WaitValue{0, value, bytes, flags}.passes(now);
  };
  EXPECT_TRUE(passes(CU_STREAM_WAIT_VALUE_GEQ, 4, 5, 5));
  EXPECT_FALSE(passes(CU_STREAM_WAIT_VALUE_GEQ, 4, 5, 4));
  EXPECT_TRUE(passes(CU_STREAM_WAIT_VALUE_GEQ, 4, 0xFFFFFFFF, 1)); // cyclic
  EXPECT_TRUE(passes(CU_STREAM_WAIT_VALUE_GEQ, 8, 5, 1ull << 40));
  EXPECT_TRUE(passes(CU_STREAM_WAIT_VALUE_EQ, 4, 5, 5));
  EXPECT_FALSE(passes(CU_STREAM_WAIT_VALUE_EQ, 4, 5, 6));
  EXPECT_TRUE(passes(CU_STREAM_WAIT_VALUE_AND, 4, 6, 2));
  EXPECT_FALSE(passes(CU_STREAM_WAIT_VALUE_AND, 4, 6, 8));
  EXPECT_TRUE(passes(CU_STREAM_WAIT_VALUE_NOR, 4, 1, 2));
  EXPECT_FALSE(passes(CU_STREAM_WAIT_VALUE_NOR, 4, 0xFFFFFFFE, 1));
}

} // namespace
