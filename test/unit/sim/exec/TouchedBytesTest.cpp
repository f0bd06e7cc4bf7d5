//===- TouchedBytesTest.cpp - Which bytes a kernel used -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/TouchedBytes.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

using namespace tenon::sim::exec;

namespace {

using ByteRun = TouchedBytes::Run;

TEST(TouchedBytes, aWarpSideBySideIsOneRun) {
  uint64_t addresses[32];
  for (unsigned lane = 0; lane < 32; ++lane)
    addresses[lane] = 0x300000000FF0 + 16 * lane; // across a page
  TouchedBytes set;
  set.add(addresses, ~0u, 16);
  EXPECT_EQ(set.runs(9), std::vector<ByteRun>{(ByteRun{0x300000000FF0, 512})});
}

TEST(TouchedBytes, onlyLanesOfTheMaskCount) {
  uint64_t addresses[32] = {100, 200, 300};
  TouchedBytes set;
  set.add(addresses, 5, 4);
  EXPECT_EQ(set.runs(9), (std::vector<ByteRun>{{100, 4}, {300, 4}}));
  EXPECT_EQ(set.runs(1), (std::vector<ByteRun>{{100, 4}}));
}

TEST(TouchedBytes, isTheSetOfItsBytes) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 50; ++round) {
    std::set<uint64_t> bytes;
    TouchedBytes parts[2], all;
    for (int access = 0; access < 20; ++access) {
      uint64_t addresses[32];
      unsigned size = 1u << random() % 5;
      auto lanes = uint32_t(random());
      for (unsigned lane = 0; lane < 32; ++lane) {
        addresses[lane] = 65536 - 600 + random() % 1200;
        for (unsigned i = 0; i < size && (lanes >> lane & 1); ++i)
          bytes.insert(addresses[lane] + i);
      }
      parts[access % 2].add(addresses, lanes, size);
    }
    all.add(parts[0]);
    all.add(parts[1]);
    std::set<uint64_t> got;
    uint64_t end = 0;
    for (const ByteRun &run : all.runs(1000000)) {
      EXPECT_GT(run.address, end); // apart and in order
      end = run.address + run.size;
      for (uint64_t i = 0; i < run.size; ++i)
        got.insert(run.address + i);
    }
    ASSERT_EQ(got, bytes) << round;
  }
}

} // namespace
