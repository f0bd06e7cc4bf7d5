//===- DeviceTest.cpp - The compiler's devices are the simulator's --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Device.h"
#include "sim/device/Description.h"
#include "gtest/gtest.h"
#include <cstdio>
#include <fstream>

using namespace mlir::tenon;
namespace sim = ::tenon::sim;

namespace {

DeviceInfo info(const std::string &name) {
  auto found = findDeviceInfo(name);
  if (auto *device = std::get_if<DeviceInfo>(&found))
    return *device;
  ADD_FAILURE() << std::get<std::string>(found);
  return {};
}

std::string errorOf(const std::string &name) {
  auto found = findDeviceInfo(name);
  const auto *error = std::get_if<std::string>(&found);
  return error ? *error : "";
}

TEST(DeviceTest, NumbersAreThoseOfTheFiles) {
  ASSERT_EQ(deviceNames(), sim::knownDevices());
  for (const std::string &name : deviceNames()) {
    DeviceInfo have = info(name);
    auto want = std::get<sim::DeviceDescription>(sim::findDevice(name));
    EXPECT_EQ(have.key, name);
    EXPECT_EQ(have.name, want.name);
    EXPECT_EQ(have.computeCapability, int64_t(want.sm)) << name;
    EXPECT_EQ(have.multiprocessors, int64_t(want.multiprocessors)) << name;
    EXPECT_EQ(have.clock, double(want.clockHz)) << name;
    EXPECT_EQ(have.memoryBandwidth, want.memoryBandwidth) << name;
    EXPECT_EQ(have.l2Bandwidth, want.l2Bandwidth) << name;
    EXPECT_EQ(have.l2Bytes, int64_t(want.l2Bytes)) << name;
    EXPECT_EQ(have.sharedPerMultiprocessor, int64_t(want.sharedBytes)) << name;
    EXPECT_EQ(have.registersPerMultiprocessor, int64_t(want.registers)) << name;
    EXPECT_EQ(have.threadsPerMultiprocessor, int64_t(want.maxThreads)) << name;
    EXPECT_EQ(have.blocksPerMultiprocessor, int64_t(want.maxBlocks)) << name;
    EXPECT_EQ(have.fmaRate, want.throughput("fp32")) << name;
    // mma.sync does not reach the rate of wgmma.
    double part = want.sm >= 90 ? 0.62 : 1;
    EXPECT_EQ(have.tf32Rate, want.throughput("mma.tf32.f32") * part) << name;
    EXPECT_EQ(have.f16Rate, want.throughput("mma.f16.f32") * part) << name;
    EXPECT_EQ(have.issueRate, want.throughput("issue")) << name;
    EXPECT_GT(have.l2Bandwidth, have.memoryBandwidth) << name;
  }
}

// What is written for one GPU runs on all newer ones: sm_86 has 99 KiB.
TEST(DeviceTest, BlocksTakeNoMoreThanEveryDeviceHas) {
  for (const std::string &name : deviceNames())
    EXPECT_EQ(info(name).sharedPerBlock, 99 << 10) << name;
}

TEST(DeviceTest, EachCapabilityHasItsTypicalDevice) {
  for (auto [capability, key] :
       {std::pair(80, "a100"), std::pair(86, "a10"), std::pair(87, "orin-agx"),
        std::pair(89, "l4"), std::pair(90, "h100")}) {
    EXPECT_EQ(deviceFor(capability).key, key);
    EXPECT_EQ(deviceFor(capability).computeCapability, capability);
  }
}

TEST(DeviceTest, SaysWhatIsWrong) {
  EXPECT_EQ(errorOf("b300"),
            "unknown device 'b300', expected one of a100, a10, "
            "l4, rtx4090, orin-agx, h100, h200, or the path "
            "of a device file (.json)");
  EXPECT_EQ(errorOf("/no/such.json"), "/no/such.json: cannot read the device "
                                      "file: No such file or directory");
}

TEST(DeviceTest, NeedsTheRatesThatCostsDivideBy) {
  std::ifstream source(std::string(TENON_SIM_DEVICES) + "/a100.json");
  std::string text((std::istreambuf_iterator<char>(source)), {});
  std::string rate = "\"mma.tf32.f32\": 512,";
  size_t at = text.find(rate);
  ASSERT_NE(at, std::string::npos);
  text.erase(at, rate.size());
  std::string path = testing::TempDir() + "untensored.json";
  std::ofstream(path) << text;
  EXPECT_EQ(errorOf(path), "untensored: field 'throughputs.mma.tf32.f32': "
                           "missing, the compiler needs it");
  std::remove(path.c_str());
}

} // namespace
