//===- MemoryPlanTest.cpp - Laws of the memory plan -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/MemoryPlan.h"
#include "test/unit/runtime/EngineBuilder.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

static std::vector<Interval> randomIntervals(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Interval> intervals(1 + random() % 120);
  for (Interval &interval : intervals) {
    interval.bytes = int64_t(random() % 5 == 0 ? random() % 100000
                                               : 64 * (1 + random() % 50));
    interval.first = random() % 100;
    interval.last = interval.first + random() % 20;
  }
  return intervals;
}

static int64_t rounded(int64_t bytes) {
  return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

TEST(MemoryPlan, LiveBuffersNeverOverlap) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::vector<Interval> plan = randomIntervals(seed);
    int64_t alignment = seed % 2 ? kCudaBufferAlignment : kBufferAlignment;
    int64_t arena = packIntervals(plan, alignment);
    for (size_t i = 0; i < plan.size(); ++i) {
      ASSERT_EQ(0, plan[i].offset % alignment);
      ASSERT_GE(plan[i].offset, 0);
      ASSERT_LE(plan[i].offset + plan[i].bytes, arena);
      for (size_t k = 0; k < i; ++k) {
        bool together =
            plan[i].first <= plan[k].last && plan[k].first <= plan[i].last;
        bool apart = plan[i].offset >= plan[k].offset + plan[k].bytes ||
                     plan[k].offset >= plan[i].offset + plan[i].bytes;
        ASSERT_TRUE(!together || apart || !plan[i].bytes || !plan[k].bytes)
            << "seed " << seed << ": " << i << " and " << k;
      }
    }
  }
}

TEST(MemoryPlan, ArenaIsBetweenThePeakAndTheSum) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::vector<Interval> plan = randomIntervals(seed);
    int64_t arena = packIntervals(plan), sum = 0, peak = 0;
    for (uint32_t time = 0; time < 120; ++time) {
      int64_t alive = 0;
      for (const Interval &interval : plan)
        if (interval.first <= time && time <= interval.last)
          alive += rounded(interval.bytes);
      peak = std::max(peak, alive);
    }
    for (const Interval &interval : plan)
      sum += rounded(interval.bytes);
    EXPECT_LE(peak, arena);
    EXPECT_LE(arena, sum);
    EXPECT_LE(arena, peak + peak / 2) << "greedy is far off, seed " << seed;
  }
}

TEST(MemoryPlan, DependsOnTheIntervalsAlone) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::vector<Interval> one = randomIntervals(seed), two = one;
    EXPECT_EQ(packIntervals(one), packIntervals(two));
    for (size_t i = 0; i < one.size(); ++i)
      EXPECT_EQ(one[i].offset, two[i].offset);
  }
}

TEST(MemoryPlan, TightestGapIsTaken) {
  // Big blocks 0 and 1 leave nothing between; 2 lives with 1 alone and fits
  // into what 0 left.
  std::vector<Interval> plan = {{1024, 0, 1}, {512, 1, 3}, {256, 2, 3}};
  EXPECT_EQ(1536, packIntervals(plan));
  EXPECT_EQ(0, plan[0].offset);
  EXPECT_EQ(1024, plan[1].offset);
  EXPECT_EQ(0, plan[2].offset);
}

TEST(MemoryPlan, ImpossibleSizes) {
  std::vector<Interval> plan = {{INT64_MAX, 0, 1}};
  EXPECT_EQ(-1, packIntervals(plan));
  std::vector<Interval> many(100, {int64_t(1) << 45, 0, 1});
  EXPECT_EQ(-1, packIntervals(many));
}

/// Decodes the builder's program.
static Lifetimes lifetimesOf(EngineBuilder &b, Program &program) {
  b.file(); // makes the main block if there is none
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(schema::Engine::Pack(builder, &b.engine));
  const schema::Engine &engine = *schema::GetEngine(builder.GetBufferPointer());
  ExprTable exprs;
  Interface interface;
  EXPECT_FALSE(exprs.decode(engine).failed());
  EXPECT_FALSE(interface.decode(engine, exprs).failed());
  Status status = program.decode(engine, 0, exprs, interface);
  EXPECT_FALSE(status.failed()) << status.message();
  return findLifetimes(program, program.mainBlock);
}

TEST(Lifetimes, FromFirstToLastMention) {
  EngineBuilder b;
  uint32_t size = b.constant(64);
  uint32_t a = b.temp(size), c = b.temp(size), d = b.temp(size);
  uint32_t view = b.alias(a, b.constant(0), size);
  uint32_t unused = b.temp(size);
  b.copy(a, c);    // 1
  b.copy(c, d);    // 2
  b.copy(view, d); // 3
  Program program;
  Lifetimes lifetimes = lifetimesOf(b, program);
  EXPECT_EQ(1u, lifetimes.first[a]);
  EXPECT_EQ(3u, lifetimes.last[a]) << "through its alias";
  EXPECT_EQ(1u, lifetimes.first[c]);
  EXPECT_EQ(2u, lifetimes.last[c]);
  EXPECT_FALSE(lifetimes.lives(unused));
}

TEST(Lifetimes, WholeLoopForWhatItMentions) {
  EngineBuilder b;
  uint32_t size = b.constant(64);
  uint32_t before = b.temp(size), inside = b.temp(size), after = b.temp(size);
  uint32_t alone = b.temp(size);
  b.copy(before, alone); // 1
  schema::WhileT loop;   // 2 .. 5
  loop.condition = b.constant(0);
  loop.body_block = 1;
  b.instruction(std::move(loop));
  b.copy(inside, after);  // 6
  b.copy(before, inside); // in the loop: 3
  b.copy(inside, before); // in the loop: 4
  b.block(0, 3);
  b.block(3, 2);
  Program program;
  Lifetimes lifetimes = lifetimesOf(b, program);
  EXPECT_EQ(1u, lifetimes.first[before]);
  EXPECT_EQ(5u, lifetimes.last[before]);
  EXPECT_EQ(2u, lifetimes.first[inside]);
  EXPECT_EQ(6u, lifetimes.last[inside]);
  EXPECT_EQ(1u, lifetimes.last[alone]);
  EXPECT_EQ(6u, lifetimes.first[after]);
}
