//===- Description.cpp - Reads device files -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A device file is one JSON object that has every field of DeviceDescription
// but the key, with the same names, and no other. Every fault is reported by
// file and field:
//
//   mine.json: field 'sharedBytes': expected a whole number from 1, got "164K"
//
// After the fields their relations are checked, so that the rest of the
// simulator can divide by any of them.
//
// Shown by test/unit/sim/device/DescriptionTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/device/Description.h"
#include "sim/device/Embedded.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

using namespace tenon::sim;
using Json = nlohmann::json;

namespace {

/// Takes fields out of an object, and keeps the first fault.
class Reader {
public:
  Reader(const Json &object, std::string file)
      : object(object), file(std::move(file)) {}

  template <typename T>
  void whole(const char *name, T &value, uint64_t least = 1,
             uint64_t most = std::numeric_limits<T>::max()) {
    const Json *field = find(name);
    if (!field)
      return;
    std::string wanted = "a whole number from " + std::to_string(least);
    if (most < std::numeric_limits<T>::max())
      wanted += " to " + std::to_string(most);
    if (!field->is_number_unsigned() || field->get<uint64_t>() < least ||
        field->get<uint64_t>() > most)
      return fail(name, "expected " + wanted + ", got " + shown(*field));
    value = field->get<T>();
  }

  void positive(const char *name, double &value) {
    if (const Json *field = find(name)) {
      if (!isPositive(*field))
        return fail(name, "expected a number above 0, got " + shown(*field));
      value = field->get<double>();
    }
  }

  void boolean(const char *name, bool &value) {
    if (const Json *field = find(name)) {
      if (!field->is_boolean())
        return fail(name, "expected true or false, got " + shown(*field));
      value = field->get<bool>();
    }
  }

  void text(const char *name, std::string &value) {
    if (const Json *field = find(name)) {
      if (!field->is_string() || field->get<std::string>().empty())
        return fail(name, "expected a text, got " + shown(*field));
      value = field->get<std::string>();
    }
  }

  void throughputs(const char *name,
                   std::vector<DeviceDescription::Throughput> &values) {
    const Json *field = find(name);
    if (!field)
      return;
    if (!field->is_object() || field->empty())
      return fail(name,
                  "expected an object of operations, got " + shown(*field));
    for (const auto &[operation, rate] : field->items()) {
      if (!isPositive(rate))
        return fail(std::string(name) + "." + operation,
                    "expected a number above 0, got " + shown(rate));
      values.push_back({operation, rate.get<double>()});
    }
  }

  /// Any field that was not asked for.
  void finish() {
    for (const auto &[name, value] : object.items())
      if (!seen.contains(name))
        return fail(name, "no such field in a device file");
  }

  void fail(const std::string &name, const std::string &what) {
    if (error.empty())
      error = file + ": field '" + name + "': " + what;
  }

  std::string error;

private:
  const Json *find(const char *name) {
    seen.insert(name);
    auto at = object.find(name);
    if (at != object.end())
      return &*at;
    fail(name, "missing");
    return nullptr;
  }
  static bool isPositive(const Json &value) {
    return value.is_number() && std::isfinite(value.get<double>()) &&
           value.get<double>() > 0;
  }
  static std::string shown(const Json &value) {
    std::string text =
        value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return text.size() > 40 ? text.substr(0, 40) + "..." : text;
  }

  const Json &object;
  std::string file;
  std::set<std::string> seen;
};

} // namespace

static void readFields(Reader &reader, DeviceDescription &device) {
  reader.text("name", device.name);
  reader.whole("sm", device.sm, 75, 999);
  reader.boolean("integrated", device.integrated);
  reader.whole("memoryBytes", device.memoryBytes, 1 << 20, uint64_t(1) << 46);
  reader.whole("l2Bytes", device.l2Bytes);
  reader.whole("multiprocessors", device.multiprocessors, 1, 65535);
  reader.whole("clockHz", device.clockHz);
  reader.whole("memoryClockHz", device.memoryClockHz);
  reader.whole("memoryBusBits", device.memoryBusBits);
  reader.positive("memoryBandwidth", device.memoryBandwidth);
  reader.positive("l2Bandwidth", device.l2Bandwidth);
  reader.whole("maxThreads", device.maxThreads, 32, 65536);
  reader.whole("maxWarps", device.maxWarps, 1, 2048);
  reader.whole("maxBlocks", device.maxBlocks, 1, 2048);
  reader.whole("registers", device.registers);
  reader.whole("registerGranularity", device.registerGranularity);
  reader.whole("sharedBytes", device.sharedBytes, 1, 1 << 24);
  reader.whole("sharedGranularity", device.sharedGranularity, 1, 1 << 16);
  reader.whole("sharedReserved", device.sharedReserved, 0, 1 << 16);
  reader.whole("maxThreadsPerBlock", device.maxThreadsPerBlock, 32, 1024);
  reader.whole("maxRegistersPerThread", device.maxRegistersPerThread, 16, 255);
  reader.whole("sharedPerBlock", device.sharedPerBlock);
  reader.whole("sharedPerBlockOptIn", device.sharedPerBlockOptIn);
  reader.throughputs("throughputs", device.throughputs);
  reader.finish();
}

/// What one field promises another.
static void checkRelations(Reader &reader, const DeviceDescription &device) {
  if (device.maxWarps * 32 != device.maxThreads)
    reader.fail("maxWarps", "expected maxThreads / 32, " +
                                std::to_string(device.maxThreads / 32) +
                                ", got " + std::to_string(device.maxWarps));
  if (device.maxThreadsPerBlock > device.maxThreads)
    reader.fail("maxThreadsPerBlock", "expected at most maxThreads, " +
                                          std::to_string(device.maxThreads));
  if (device.sharedPerBlock > device.sharedPerBlockOptIn)
    reader.fail("sharedPerBlock",
                "expected at most sharedPerBlockOptIn, " +
                    std::to_string(device.sharedPerBlockOptIn));
  if (device.sharedPerBlockOptIn + device.sharedReserved > device.sharedBytes)
    reader.fail("sharedPerBlockOptIn",
                "expected at most sharedBytes - sharedReserved, " +
                    std::to_string(device.sharedBytes - device.sharedReserved));
  if (device.registerGranularity > device.registers)
    reader.fail("registerGranularity", "expected at most registers, " +
                                           std::to_string(device.registers));
}

static std::variant<DeviceDescription, std::string>
readDevice(const std::string &text, const std::string &key,
           const std::string &file) {
  Json object;
  try {
    object = Json::parse(text);
  } catch (const Json::parse_error &error) {
    return file + ": not JSON: " + error.what();
  }
  if (!object.is_object())
    return file + ": expected an object with the fields of a device";
  DeviceDescription device;
  device.key = key;
  Reader reader(object, file);
  readFields(reader, device);
  if (reader.error.empty())
    checkRelations(reader, device);
  if (!reader.error.empty())
    return reader.error;
  return device;
}

double DeviceDescription::throughput(std::string_view operation) const {
  for (const Throughput &entry : throughputs)
    if (entry.name == operation)
      return entry.perClock;
  return 0;
}

std::vector<std::string> tenon::sim::knownDevices() {
  std::vector<std::string> keys;
  for (const EmbeddedDevice *device = kEmbeddedDevices; device->key; ++device)
    keys.push_back(device->key);
  return keys;
}

std::variant<DeviceDescription, std::string>
tenon::sim::findDevice(std::string_view keyOrPath) {
  std::string key(keyOrPath);
  if (key.find('/') != std::string::npos || keyOrPath.ends_with(".json")) {
    std::ifstream file(key, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf()))
      return key + ": cannot read the device file: " +
             std::strerror(errno ? errno : EIO);
    size_t begin = key.find_last_of('/') + 1;
    size_t end = key.ends_with(".json") ? key.size() - 5 : key.size();
    return readDevice(text.str(), key.substr(begin, end - begin), key);
  }
  std::string known;
  for (const EmbeddedDevice *device = kEmbeddedDevices; device->key; ++device) {
    if (key == device->key)
      return readDevice(device->json, key, key + ".json");
    known += (known.empty() ? "" : ", ") + std::string(device->key);
  }
  return "unknown device '" + key + "', expected one of " + known +
         ", or the path of a device file (.json)";
}
