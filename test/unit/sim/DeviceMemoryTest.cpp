//===- DeviceMemoryTest.cpp - The memory of a simulated device ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/memory/DeviceMemory.h"

#include <cstring>
#include <random>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace tenon::sim;

namespace {

constexpr uint64_t MiB = uint64_t(1) << 20, GiB = uint64_t(1) << 30;

/// Whether the process may read at an address: the kernel refuses to read from
/// there with EFAULT otherwise.
bool hostCanRead(uint64_t address) {
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  bool ok = write(fds[1], reinterpret_cast<const void *>(address), 1) == 1;
  close(fds[0]);
  close(fds[1]);
  return ok;
}

TEST(DeviceMemory, GivesAddressesThatTheHostCannotRead) {
  DeviceMemory memory(64 * MiB);
  auto a = memory.allocate(1000);
  ASSERT_TRUE(a);
  EXPECT_TRUE(DeviceMemory::isDeviceAddress(a->address));
  EXPECT_EQ(a->address % 256, 0u);
  EXPECT_FALSE(hostCanRead(a->address));
  EXPECT_TRUE(hostCanRead(uint64_t(a->bytes)));
  EXPECT_FALSE(DeviceMemory::isDeviceAddress(uint64_t(a->bytes)));
}

TEST(DeviceMemory, BackingLiesAtAConstantDistance) {
  DeviceMemory memory(64 * MiB);
  auto a = memory.allocate(1000), b = memory.allocate(5 * MiB);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(b->address - a->address, uint64_t(b->bytes - a->bytes));
  EXPECT_EQ(b->address - a->address, uint64_t(b->shadow - a->shadow));
}

TEST(DeviceMemory, LeavesARedZone) {
  DeviceMemory memory(64 * MiB);
  auto a = memory.allocate(256), b = memory.allocate(256);
  EXPECT_GE(b->address, a->end() + 256);
  EXPECT_EQ(memory.find(a->end() - 1), a);
  EXPECT_EQ(memory.find(a->end()), nullptr);
  EXPECT_EQ(memory.find(a->address - 1), nullptr);
  EXPECT_TRUE(a->contains(a->address, 256));
  EXPECT_FALSE(a->contains(a->address + 1, 256));
}

TEST(DeviceMemory, HonoursAlignment) {
  DeviceMemory memory(64 * MiB);
  memory.allocate(1);
  for (uint64_t alignment : {512, 4096, 1 << 21})
    EXPECT_EQ(memory.allocate(100, alignment)->address % alignment, 0u);
  auto pinned = memory.allocate(100, 1 << 21, MemoryKind::Pinned);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->address % (1 << 21), 0u);
}

TEST(DeviceMemory, RefusesMoreThanItsCapacity) {
  DeviceMemory memory(10 * MiB);
  auto a = memory.allocate(6 * MiB);
  ASSERT_TRUE(a);
  EXPECT_EQ(memory.used(), 6 * MiB);
  EXPECT_FALSE(memory.allocate(5 * MiB));
  EXPECT_FALSE(memory.allocate(~uint64_t(0)));
  auto b = memory.allocate(4 * MiB);
  EXPECT_TRUE(b);
  EXPECT_TRUE(memory.release(a->address));
  EXPECT_EQ(memory.used(), 4 * MiB);
  EXPECT_TRUE(memory.allocate(6 * MiB));
  // Host memory is not the device's.
  EXPECT_TRUE(memory.allocate(1 * MiB, 256, MemoryKind::Pinned));
  EXPECT_TRUE(memory.allocate(1 * MiB, 256, MemoryKind::Managed));
}

TEST(DeviceMemory, AnEightyGigabyteDeviceFitsASmallMachine) {
  DeviceMemory memory(80 * GiB);
  auto a = memory.allocate(70 * GiB), b = memory.allocate(9 * GiB);
  ASSERT_TRUE(a && b);
  a->bytes[0] = 1;
  a->bytes[70 * GiB - 1] = 2;
  EXPECT_EQ(a->shadow[69 * GiB], kUnwritten);
  EXPECT_TRUE(memory.release(a->address));
  EXPECT_TRUE(memory.allocate(70 * GiB));
}

TEST(DeviceMemory, FragmentsDoNotCount) {
  DeviceMemory memory(64 * MiB);
  std::vector<uint64_t> all;
  for (int i = 0; i < 64; ++i)
    all.push_back(memory.allocate(MiB)->address);
  EXPECT_FALSE(memory.allocate(1));
  for (size_t i = 0; i < all.size(); i += 2)
    EXPECT_TRUE(memory.release(all[i]));
  EXPECT_TRUE(memory.allocate(32 * MiB));
}

TEST(DeviceMemory, RemembersFreedAllocations) {
  DeviceMemory memory(64 * MiB);
  auto a = memory.allocate(1000), b = memory.allocate(1000);
  uint64_t before = memory.generation();
  EXPECT_TRUE(memory.release(a->address));
  EXPECT_GT(memory.generation(), before);
  EXPECT_FALSE(memory.release(a->address));
  EXPECT_FALSE(memory.release(a->address + 1));
  EXPECT_EQ(memory.find(a->address + 5), nullptr);
  auto late = memory.nearest(a->address + 5);
  ASSERT_TRUE(late);
  EXPECT_TRUE(late->freed);
  EXPECT_FALSE(a->freed);
  EXPECT_EQ(late->number, a->number);
  EXPECT_NE(memory.allocate(1000)->address, a->address);
  EXPECT_EQ(memory.nearest(b->end() + 10)->number, b->number);
}

TEST(DeviceMemory, FindsTheNearest) {
  DeviceMemory memory(64 * MiB);
  EXPECT_EQ(memory.nearest(DeviceMemory::kDeviceBase), nullptr);
  auto a = memory.allocate(256);
  EXPECT_EQ(memory.nearest(0), a);
  EXPECT_EQ(memory.nearest(~uint64_t(0)), a);
  auto b = memory.allocate(256);
  EXPECT_EQ(memory.nearest(a->end() + 1), a);
  EXPECT_EQ(memory.nearest(b->address - 1), b);
  ASSERT_EQ(memory.live().size(), 2u);
  EXPECT_EQ(memory.live()[1], b);
}

TEST(DeviceMemory, SharedMemoryHasOneAddress) {
  DeviceMemory memory(64 * MiB);
  for (MemoryKind kind : {MemoryKind::Managed, MemoryKind::Pinned}) {
    auto a = memory.allocate(5000, 256, kind);
    ASSERT_TRUE(a);
    EXPECT_EQ(uint64_t(a->bytes), a->address);
    EXPECT_EQ(a->shadow, nullptr);
    std::memset(a->bytes, 1, 5000);
    EXPECT_EQ(memory.find(a->address + 4999), a);
    EXPECT_TRUE(memory.release(a->address));
    EXPECT_FALSE(hostCanRead(a->address));
  }
}

TEST(DeviceMemory, RegistersHostMemoryOnce) {
  DeviceMemory memory(64 * MiB);
  std::vector<char> host(10000);
  auto a = memory.registerHost(host.data(), host.size());
  ASSERT_TRUE(a);
  EXPECT_EQ(a->bytes, host.data());
  EXPECT_EQ(memory.registerHost(host.data() + 5000, 10), nullptr);
  EXPECT_EQ(memory.registerHost(host.data() - 10, 11), nullptr);
  EXPECT_EQ(memory.registerHost(nullptr, 11), nullptr);
  EXPECT_TRUE(memory.release(a->address));
  EXPECT_TRUE(memory.registerHost(host.data() + 5000, 10));
}

TEST(DeviceMemory, ShadowFollowsWritesAndCopies) {
  DeviceMemory memory(64 * MiB);
  auto a = memory.allocate(1000), b = memory.allocate(1000);
  EXPECT_EQ(a->shadow[10], kUnwritten);
  DeviceMemory::markWritten(*a, a->address + 10, 5);
  EXPECT_EQ(a->shadow[9], kUnwritten);
  EXPECT_EQ(a->shadow[10], kWritten);
  EXPECT_EQ(a->shadow[14], kWritten);
  EXPECT_EQ(a->shadow[15], kUnwritten);
  DeviceMemory::copyShadow(*b, b->address, *a, a->address + 12, 6);
  EXPECT_EQ(b->shadow[2], kWritten);
  EXPECT_EQ(b->shadow[3], kUnwritten);
  auto pinned = memory.allocate(1000, 256, MemoryKind::Pinned);
  DeviceMemory::copyShadow(*b, b->address, *pinned, pinned->address, 6);
  EXPECT_EQ(b->shadow[5], kWritten);
  DeviceMemory::copyShadow(*pinned, pinned->address, *a, a->address, 6);
}

/// Reused space, whose old owner had written it, is unwritten.
TEST(DeviceMemory, NewAllocationsAreUnwritten) {
  DeviceMemory memory(64 * MiB);
  std::mt19937_64 random(1);
  std::map<uint64_t, std::shared_ptr<const Allocation>> live;
  for (int i = 0; i < 1000; ++i) {
    uint64_t size = random() % 4 ? random() % 5000 : random() % (4 * MiB);
    auto a = memory.allocate(size);
    if (a) {
      auto next = live.lower_bound(a->address);
      if (next != live.end())
        ASSERT_LE(a->end() + 256, next->first);
      if (next != live.begin())
        ASSERT_LE(std::prev(next)->second->end() + 256, a->address);
      ASSERT_EQ(std::count(a->shadow, a->shadow + size, kUnwritten),
                ptrdiff_t(size));
      DeviceMemory::markWritten(*a, a->address, size);
      live[a->address] = a;
    }
    while (!live.empty() && (!a || random() % 2)) {
      auto victim = std::next(live.begin(), long(random() % live.size()));
      ASSERT_TRUE(memory.release(victim->first));
      live.erase(victim);
      a = live.empty() ? nullptr : live.begin()->second;
    }
  }
  for (auto &[address, a] : live)
    EXPECT_EQ(memory.find(address + a->size / 2),
              a->size ? a : std::shared_ptr<const Allocation>());
}

} // namespace
