//===- DescriptionTest.cpp - Device files ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/device/Description.h"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

using namespace tenon::sim;

static DeviceDescription device(const std::string &key) {
  auto found = findDevice(key);
  if (auto *description = std::get_if<DeviceDescription>(&found))
    return *description;
  ADD_FAILURE() << std::get<std::string>(found);
  return {};
}

static std::string errorOf(const std::string &key) {
  auto found = findDevice(key);
  const auto *error = std::get_if<std::string>(&found);
  return error ? *error : "";
}

/// A device file that is a100.json with `from` replaced.
static std::string errorOfChanged(const std::string &from,
                                  const std::string &to) {
  std::ifstream file(std::string(TENON_SIM_DEVICES) + "/a100.json");
  std::stringstream text;
  text << file.rdbuf();
  std::string json = text.str();
  size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at == std::string::npos)
    return "";
  json.replace(at, from.size(), to);
  std::string path = testing::TempDir() + "changed.json";
  std::ofstream(path) << json;
  std::string error = errorOf(path);
  std::remove(path.c_str());
  if (size_t prefix = error.find(path); prefix == 0)
    error.erase(0, path.size() + 2);
  return error;
}

TEST(Description, KnowsTheSevenDevicesAndTheDefaultFirst) {
  EXPECT_EQ(knownDevices(),
            (std::vector<std::string>{"a100", "a10", "l4", "rtx4090",
                                      "orin-agx", "h100", "h200"}));
}

// CUDA programming guide, "Technical specifications per compute capability".
TEST(Description, LimitsAreThoseOfTheComputeCapability) {
  struct {
    const char *key;
    unsigned sm, threads, blocks, sharedKiB, optInKiB;
  } expected[] = {
      {"a100", 80, 2048, 32, 164, 163},     {"a10", 86, 1536, 16, 100, 99},
      {"l4", 89, 1536, 24, 100, 99},        {"rtx4090", 89, 1536, 24, 100, 99},
      {"orin-agx", 87, 1536, 16, 164, 163}, {"h100", 90, 2048, 32, 228, 227},
      {"h200", 90, 2048, 32, 228, 227},
  };
  for (const auto &want : expected) {
    DeviceDescription have = device(want.key);
    EXPECT_EQ(have.key, want.key);
    EXPECT_EQ(have.sm, want.sm) << want.key;
    EXPECT_EQ(have.maxThreads, want.threads) << want.key;
    EXPECT_EQ(have.maxWarps, want.threads / 32) << want.key;
    EXPECT_EQ(have.maxBlocks, want.blocks) << want.key;
    EXPECT_EQ(have.sharedBytes, want.sharedKiB * 1024) << want.key;
    EXPECT_EQ(have.sharedPerBlockOptIn, want.optInKiB * 1024) << want.key;
    EXPECT_EQ(have.sharedPerBlock, 48 * 1024u) << want.key;
    EXPECT_EQ(have.registers, 65536u) << want.key;
    EXPECT_EQ(have.maxRegistersPerThread, 255u) << want.key;
    EXPECT_EQ(have.maxThreadsPerBlock, 1024u) << want.key;
  }
}

// Bandwidth is what clock and bus give, twice a clock. H200's 4.8 TB/s is
// rounded down by its datasheet.
TEST(Description, BandwidthFitsClockAndBus) {
  for (const std::string &key : knownDevices()) {
    DeviceDescription have = device(key);
    double bandwidth = 2.0 * have.memoryClockHz * have.memoryBusBits / 8;
    EXPECT_NEAR(have.memoryBandwidth / bandwidth, 1, 0.025) << key;
  }
}

// The peaks of the datasheets and whitepapers, in 10^12 operations a second,
// at the clock for which they are given. A multiply-add is two operations.
TEST(Description, ThroughputsGiveThePublishedPeaks) {
  struct {
    const char *key, *operation;
    double clock, peak;
  } expected[] = {
      {"a100", "fp32", 1410e6, 19.5},
      {"a100", "fp64", 1410e6, 9.7},
      {"a100", "fp16", 1410e6, 78},
      {"a100", "bf16", 1410e6, 39},
      {"a100", "mma.f64.f64", 1410e6, 19.5},
      {"a100", "mma.tf32.f32", 1410e6, 156},
      {"a100", "mma.f16.f32", 1410e6, 312},
      {"a100", "mma.bf16.f32", 1410e6, 312},
      {"a100", "mma.int8.s32", 1410e6, 624},
      {"a100", "mma.int4.s32", 1410e6, 1248},
      {"a100", "mma.b1.s32", 1410e6, 4992},
      {"a10", "fp32", 1695e6, 31.2},
      {"a10", "mma.tf32.f32", 1695e6, 62.5},
      {"a10", "mma.f16.f32", 1695e6, 125},
      {"a10", "mma.int8.s32", 1695e6, 250},
      {"a10", "mma.int4.s32", 1695e6, 500},
      {"l4", "fp32", 2040e6, 30.3},
      {"l4", "mma.tf32.f32", 2040e6, 60},
      {"l4", "mma.f16.f32", 2040e6, 121},
      {"l4", "mma.fp8.f32", 2040e6, 242.5},
      {"l4", "mma.int8.s32", 2040e6, 242.5},
      {"rtx4090", "fp32", 2520e6, 82.6},
      {"rtx4090", "mma.tf32.f32", 2520e6, 82.6},
      {"rtx4090", "mma.f16.f16", 2520e6, 330.3},
      {"rtx4090", "mma.f16.f32", 2520e6, 165.2},
      {"rtx4090", "mma.fp8.f16", 2520e6, 660.6},
      {"rtx4090", "mma.fp8.f32", 2520e6, 330.3},
      {"rtx4090", "mma.int8.s32", 2520e6, 660.6},
      {"rtx4090", "mma.int4.s32", 2520e6, 1321.2},
      {"orin-agx", "fp32", 1300e6, 5.3},
      {"orin-agx", "mma.f16.f32", 1300e6, 42.5},
      {"orin-agx", "mma.int8.s32", 1300e6, 85},
      {"h100", "fp32", 1980e6, 66.9},
      {"h100", "fp64", 1980e6, 33.5},
      {"h100", "fp16", 1980e6, 133.8},
      {"h100", "mma.f64.f64", 1980e6, 66.9},
      {"h100", "mma.tf32.f32", 1830e6, 494.7},
      {"h100", "mma.f16.f32", 1830e6, 989.4},
      {"h100", "mma.fp8.f32", 1830e6, 1978.9},
      {"h100", "mma.int8.s32", 1830e6, 1978.9},
      {"h200", "mma.f16.f32", 1830e6, 989.4},
  };
  for (const auto &want : expected) {
    DeviceDescription have = device(want.key);
    double peak = 2 * have.throughput(want.operation) * have.multiprocessors *
                  want.clock / 1e12;
    EXPECT_NEAR(peak / want.peak, 1, 0.02) << want.key << " " << want.operation;
  }
}

TEST(Description, UnknownThroughputIsZero) {
  EXPECT_EQ(device("a100").throughput("mma.fp8.f32"), 0);
  EXPECT_EQ(device("a10").throughput("mma.fp8.f32"), 0);
  EXPECT_EQ(device("a100").throughput(""), 0);
}

TEST(Description, OnlyTheJetsonSharesItsMemory) {
  for (const std::string &key : knownDevices())
    EXPECT_EQ(device(key).integrated, key == "orin-agx") << key;
}

TEST(Description, AFileOfTheUsersOwn) {
  std::string path = std::string(TENON_SIM_DEVICES) + "/l4.json";
  DeviceDescription have = device(path);
  EXPECT_EQ(have.key, "l4");
  EXPECT_EQ(have.name, "NVIDIA L4");
  EXPECT_EQ(have.multiprocessors, 58u);
}

TEST(Description, UnknownKeyNamesTheKnownOnes) {
  EXPECT_EQ(errorOf("a1000"),
            "unknown device 'a1000', expected one of a100, a10, l4, rtx4090, "
            "orin-agx, h100, h200, or the path of a device file (.json)");
  EXPECT_NE(errorOf(""), "");
}

TEST(Description, MissingFile) {
  EXPECT_EQ(errorOf("./no-such.json"),
            "./no-such.json: cannot read the device file: No such file or "
            "directory");
}

TEST(Description, BadFilesNameTheFieldAndWhatWasExpected) {
  EXPECT_EQ(errorOfChanged("\"sm\": 80,", ""), "field 'sm': missing");
  EXPECT_EQ(errorOfChanged("\"sm\": 80", "\"sm\": 70"),
            "field 'sm': expected a whole number from 75 to 999, got 70");
  EXPECT_EQ(errorOfChanged("167936", "\"164K\""),
            "field 'sharedBytes': expected a whole number from 1 to 16777216, "
            "got \"164K\"");
  EXPECT_EQ(errorOfChanged("\"clockHz\": 1410000000", "\"clockHz\": -1"),
            "field 'clockHz': expected a whole number from 1, got -1");
  EXPECT_EQ(errorOfChanged("\"memoryBandwidth\": 2039000000000",
                           "\"memoryBandwidth\": 0"),
            "field 'memoryBandwidth': expected a number above 0, got 0");
  EXPECT_EQ(errorOfChanged("false", "\"no\""),
            "field 'integrated': expected true or false, got \"no\"");
  EXPECT_EQ(errorOfChanged("\"NVIDIA A100-SXM4-80GB\"", "7"),
            "field 'name': expected a text, got 7");
  EXPECT_EQ(errorOfChanged("\"fp32\": 64", "\"fp32\": null"),
            "field 'throughputs.fp32': expected a number above 0, got null");
  EXPECT_EQ(errorOfChanged("\"sm\": 80", "\"sm\": 80, \"sms\": 1"),
            "field 'sms': no such field in a device file");
}

TEST(Description, BadFilesWhoseFieldsContradictEachOther) {
  EXPECT_EQ(errorOfChanged("\"maxWarps\": 64", "\"maxWarps\": 48"),
            "field 'maxWarps': expected maxThreads / 32, 64, got 48");
  EXPECT_EQ(errorOfChanged("166912", "167936"),
            "field 'sharedPerBlockOptIn': expected at most sharedBytes - "
            "sharedReserved, 166912");
  EXPECT_EQ(errorOfChanged("49152", "167000"),
            "field 'sharedPerBlock': expected at most sharedPerBlockOptIn, "
            "166912");
  EXPECT_EQ(errorOfChanged("\"registerGranularity\": 256",
                           "\"registerGranularity\": 65537"),
            "field 'registerGranularity': expected at most registers, 65536");
}

TEST(Description, BadFilesThatAreNotADevice) {
  std::string path = testing::TempDir() + "bad.json";
  std::ofstream(path) << "{";
  EXPECT_NE(errorOf(path).find("bad.json: not JSON: "), std::string::npos);
  std::ofstream(path) << "[1]";
  EXPECT_NE(errorOf(path).find("expected an object"), std::string::npos);
  std::remove(path.c_str());
}
