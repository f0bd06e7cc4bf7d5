//===- OrderTest.cpp - Which accesses are unordered -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Order.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace {

/// Every byte of a region.
std::set<uint64_t> bytesOf(const Region &region) {
  std::set<uint64_t> bytes;
  for (uint64_t i = 0; i < region.rows(); ++i)
    for (uint64_t x = 0; x < region.width; ++x)
      bytes.insert(region.row(i) + x);
  return bytes;
}

TEST(StreamOrder, overlapOfBoxesIsThatOfTheirBytes) {
  std::mt19937 random(7);
  auto upTo = [&](unsigned limit) { return random() % limit; };
  unsigned meetings = 0;
  for (int round = 0; round < 3000; ++round) {
    auto box = [&] {
      Region region;
      region.address = 100 + upTo(60);
      region.width = 1 + upTo(6);
      region.height = 1 + upTo(5);
      region.pitch = region.width + upTo(8);
      region.depth = 1 + upTo(3);
      region.slice = region.pitch * region.height + upTo(9);
      return region;
    };
    Region a = box(), b = box();
    std::set<uint64_t> left = bytesOf(a), right = bytesOf(b);
    bool meet = std::any_of(left.begin(), left.end(), [&](uint64_t byte) {
      return right.count(byte) != 0;
    });
    uint64_t at = 0, count = overlap(a, b, at);
    ASSERT_EQ(count != 0, meet) << round;
    for (uint64_t i = 0; i < count; ++i)
      ASSERT_TRUE(left.count(at + i) && right.count(at + i)) << round;
    meetings += meet;
  }
  EXPECT_GT(meetings, 300u);
  EXPECT_LT(meetings, 2900u);
}

TEST(StreamOrder, tilesThatAKernelTouchedAreFewRegions) {
  DeviceMemory memory(1 << 20);
  auto first = memory.allocate(4096), second = memory.allocate(4096);
  std::vector<Access> touched;
  for (unsigned row = 0; row < 16; ++row)
    touched.push_back({first->address + 128 * row, 32, true});
  touched.push_back({second->address, 32, true}); // of the same width
  touched.push_back({second->address + 512, 8, true});
  auto find = [&](uint64_t at) { return memory.find(at); };
  auto list = regions(touched, find);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].address, first->address);
  EXPECT_EQ(list[0].height, 16u);
  EXPECT_EQ(list[0].pitch, 128u);
  EXPECT_EQ(list[0].width, 32u);
  EXPECT_EQ(list[1].address, second->address);
  EXPECT_EQ(list[1].height, 1u);
  // Too scattered to be compared.
  touched.clear();
  for (unsigned i = 0; i < 2 * kMostRegions; ++i)
    touched.push_back({first->address + i * i, i % 2 + 1, false});
  touched.push_back({second->address, 4, true});
  list = regions(touched, find);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_TRUE(list[0].write);
}

class OrderTest : public ::testing::Test {
protected:
  DeviceMemory memory{1 << 20};
  Order order{true};
  std::shared_ptr<const Allocation> buffer = memory.allocate(4096);
  uint64_t count = 0;

  Operator next(unsigned strand, const char *name,
                std::vector<const Operator *> after = {}) {
    Operator who;
    who.number = ++count;
    who.name = name;
    who.place = "stream " + std::to_string(strand);
    who.strand = strand;
    order.place(who, after);
    return who;
  }
  std::vector<std::string> touch(const Operator &who, uint64_t offset,
                                 uint64_t size, bool write) {
    Region region;
    region.address = buffer->address + offset;
    region.width = size;
    region.write = write;
    return order.touch(who, {region},
                       [&](uint64_t at) { return memory.find(at); });
  }
};

TEST_F(OrderTest, twoStrandsWithoutAnEventConflict) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  EXPECT_TRUE(touch(next(a, "cuMemcpyHtoDAsync"), 0, 256, true).empty());
  auto messages = touch(next(b, "cuMemcpyDtoHAsync"), 128, 256, false);
  ASSERT_EQ(messages.size(), 1u);
  char address[32];
  snprintf(address, sizeof address, "0x%llx",
           (unsigned long long)buffer->address);
  EXPECT_EQ(messages[0],
            "unordered access of streams: cuMemcpyHtoDAsync (operation 1, "
            "stream 0) writes and cuMemcpyDtoHAsync (operation 2, stream 1) "
            "reads bytes 128 to 255 of allocation 1 (4096 bytes at " +
                std::string(address) +
                "), but neither waits for the other\n  cure: cuEventRecord "
                "after the former and cuStreamWaitEvent before the latter, or "
                "cuStreamSynchronize between them");
}

TEST_F(OrderTest, readsDoNotConflict) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  EXPECT_TRUE(touch(next(a, "x"), 0, 256, false).empty());
  EXPECT_TRUE(touch(next(b, "y"), 0, 256, false).empty());
}

TEST_F(OrderTest, neighboursDoNotConflict) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  EXPECT_TRUE(touch(next(a, "x"), 0, 256, true).empty());
  EXPECT_TRUE(touch(next(b, "y"), 256, 256, true).empty());
}

TEST_F(OrderTest, oneStrandIsInOrder) {
  unsigned a = order.takeStrand();
  Operator first = next(a, "x");
  EXPECT_TRUE(touch(first, 0, 256, true).empty());
  EXPECT_TRUE(touch(next(a, "y", {&first}), 0, 256, true).empty());
}

TEST_F(OrderTest, anEventOrdersThroughAThirdStrand) {
  unsigned a = order.takeStrand(), b = order.takeStrand(),
           c = order.takeStrand();
  Operator first = next(a, "x");
  EXPECT_TRUE(touch(first, 0, 256, true).empty());
  Operator middle = next(b, "wait", {&first});
  EXPECT_TRUE(touch(next(c, "y", {&middle}), 0, 256, true).empty());
}

TEST_F(OrderTest, theHostOrdersWhatItHasWaitedFor) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  Operator first = next(a, "x");
  EXPECT_TRUE(touch(first, 0, 256, true).empty());
  order.observe(first);
  EXPECT_TRUE(touch(next(b, "y"), 0, 256, true).empty());
}

TEST_F(OrderTest, waitingForAnEarlierOperationDoesNotOrderALaterOne) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  Operator first = next(a, "x");
  Operator second = next(a, "y", {&first});
  EXPECT_TRUE(touch(second, 0, 256, true).empty());
  order.observe(first);
  EXPECT_EQ(touch(next(b, "z"), 0, 256, true).size(), 1u);
}

TEST_F(OrderTest, whatAKernelTouchedMayBecomeKnownLate) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  Operator kernel = next(a, "kernel k");
  Operator copy = next(b, "copy");
  Operator after = next(b, "copy", {&copy, &kernel});
  EXPECT_TRUE(touch(copy, 0, 16, false).empty());
  EXPECT_TRUE(touch(after, 512, 16, false).empty());
  EXPECT_TRUE(touch(kernel, 512, 16, true).empty());
  EXPECT_EQ(touch(kernel, 0, 16, true).size(), 1u);
}

TEST_F(OrderTest, theSamePairIsReportedOnce) {
  unsigned a = order.takeStrand(), b = order.takeStrand();
  size_t reports = 0;
  for (int i = 0; i < 10; ++i) {
    reports += touch(next(a, "x"), 0, 8, true).size();
    reports += touch(next(b, "y"), 0, 8, true).size();
  }
  EXPECT_EQ(reports, 2u); // x before y, and y before x
}

TEST_F(OrderTest, freeingMemoryThatIsInUse) {
  unsigned a = order.takeStrand();
  Operator copy = next(a, "cuMemcpyDtoHAsync");
  touch(copy, 0, 64, true);
  auto messages = order.touchByHost("cuMemFreeHost", *buffer);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_NE(messages[0].find("cuMemFreeHost of the host frees bytes 0 to 63"),
            std::string::npos)
      << messages[0];
  EXPECT_NE(messages[0].find("the host has not waited for the former"),
            std::string::npos);
}

TEST_F(OrderTest, freeingMemoryThatWasWaitedFor) {
  unsigned a = order.takeStrand();
  Operator copy = next(a, "cuMemcpyDtoHAsync");
  touch(copy, 0, 64, true);
  order.observe(copy);
  EXPECT_TRUE(order.touchByHost("cuMemFreeHost", *buffer).empty());
}

TEST_F(OrderTest, loopsDoNotLengthenTheNotes) {
  unsigned a = order.takeStrand();
  Operator last = next(a, "x");
  for (int i = 0; i < 1000; ++i) {
    last = next(a, "x", {&last});
    touch(last, 0, 8, true);
    touch(last, 16, 8, false);
  }
  EXPECT_EQ(order.notes(), 2u);
  order.observe(last);
  order.forgetThePast();
  EXPECT_EQ(order.notes(), 0u);
}

TEST_F(OrderTest, offReportsNothing) {
  Order off(false);
  unsigned a = off.takeStrand(), b = off.takeStrand();
  for (unsigned strand : {a, b}) {
    Operator who;
    who.number = ++count;
    who.strand = strand;
    off.place(who, {});
    Region region;
    region.address = buffer->address;
    region.width = 8;
    region.write = true;
    EXPECT_TRUE(
        off.touch(who, {region}, [&](uint64_t at) { return memory.find(at); })
            .empty());
  }
}

} // namespace
