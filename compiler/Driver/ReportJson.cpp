//===- ReportJson.cpp - A report for programs -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The fields are those of docs/report.schema.json, in its order: seconds,
// bytes and operations as they are, no units to parse.
//
// Tests: test/compiler/Driver/report.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Report.h"
#include "llvm/Support/JSON.h"

namespace mlir::tenon {

using llvm::json::OStream;

static constexpr int kVersion = 1;

/// Names of the model may be any bytes, JSON is UTF-8.
static std::string utf8(StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

static void strings(OStream &json, StringRef key, ArrayRef<std::string> list) {
  json.attributeArray(key, [&] {
    for (const std::string &text : list)
      json.value(utf8(text));
  });
}

static void numbers(OStream &json, StringRef key, ArrayRef<int64_t> list) {
  json.attributeArray(key, [&] {
    for (int64_t number : list)
      json.value(number);
  });
}

static void buffers(OStream &json, StringRef key, ArrayRef<BufferReport> list) {
  json.attributeArray(key, [&] {
    for (const BufferReport &buffer : list)
      json.object([&] {
        json.attribute("type", buffer.type);
        numbers(json, "shape", buffer.shape);
      });
  });
}

static void device(OStream &json, const DeviceInfo &info) {
  json.attributeObject("device", [&] {
    json.attribute("key", utf8(info.key));
    json.attribute("name", utf8(info.name));
    json.attribute("multiprocessors", info.multiprocessors);
    json.attribute("clockHz", info.clock);
    json.attribute("memoryBandwidth", info.memoryBandwidth);
    json.attribute("l2Bandwidth", info.l2Bandwidth);
  });
}

static void cuda(OStream &json, const LaunchReport &launch) {
  const Cost &cost = *launch.cost;
  numbers(json, "grid", launch.grid);
  numbers(json, "block", launch.block);
  json.attribute("sharedBytes", cost.shared);
  json.attribute("registers", cost.registers);
  json.attribute("registersFrom",
                 cost.registersAreMeasured ? "ptxas" : "estimate");
  if (launch.spillBytes >= 0)
    json.attribute("spillBytes", launch.spillBytes);
  json.attributeObject("occupancy", [&] {
    json.attribute("blocks", cost.occupancy.blocks);
    json.attribute("warps", cost.occupancy.warps);
    json.attribute("mostWarps", cost.occupancy.mostWarps);
    json.attribute("limiter", cost.occupancy.limiter);
  });
  json.attributeObject("predicted", [&] {
    json.attribute("seconds", cost.seconds);
    json.attribute("compute", cost.compute);
    json.attribute("dram", cost.dram);
    json.attribute("l2", cost.l2);
    json.attribute("launch", cost.launch);
    json.attribute("limit", nameOf(cost.bound()));
    json.attribute("fractionOfPeak", cost.fractionOfPeak());
  });
}

static void launchObject(OStream &json, const LaunchReport &launch) {
  json.attribute("kernel", launch.kernel);
  json.attribute("family", launch.family);
  json.attribute("schedule", launch.schedule);
  json.attribute("pinned", launch.isPinned);
  json.attributeArray("nodes", [&] {
    for (const graph::PrecisionRow &node : launch.nodes)
      json.object([&] {
        json.attribute("name", utf8(node.node));
        if (node.type.empty())
          return;
        json.attribute("type", node.type);
        json.attribute("reason", utf8(node.reason));
      });
  });
  buffers(json, "reads", launch.reads);
  buffers(json, "writes", launch.writes);
  json.attribute("flops", launch.flops);
  json.attribute("bytes", launch.bytes);
  strings(json, "otherChoices", launch.otherChoices);
  if (launch.cost)
    cuda(json, launch);
}

static void targetObject(OStream &json, const TargetReport &target) {
  json.attribute("target", target.target);
  if (target.device) {
    device(json, *target.device);
    if (!target.ptxas.empty())
      json.attribute("ptxas", target.ptxas);
  }
  json.attributeArray("openSizes", [&] {
    for (const TypicalSizes::Row &row : target.sizes)
      json.object([&] {
        json.attribute("symbol", utf8(row.symbol));
        json.attribute("value", row.value);
        json.attribute("from", row.isGiven ? "--opt-shapes" : "assumed");
      });
  });
  double flops = 0, bytes = 0;
  for (const LaunchReport &launch : target.launches) {
    flops += launch.flops;
    bytes += launch.bytes;
  }
  json.attributeObject("totals", [&] {
    if (target.device)
      json.attribute("seconds", target.seconds());
    json.attribute("launches", int64_t(target.launches.size()));
    json.attribute("kernels", target.kernels);
    json.attribute("otherInstructions", target.otherInstructions);
    json.attribute("flops", flops);
    json.attribute("bytes", bytes);
    json.attribute("weightBytes", target.weightBytes);
    if (target.arenaBytes)
      json.attribute("arenaBytes", *target.arenaBytes);
    else
      json.attribute("arenaProblem", utf8(target.arenaProblem));
  });
  json.attributeArray("launches", [&] {
    for (const LaunchReport &launch : target.launches)
      json.object([&] { launchObject(json, launch); });
  });
}

std::string reportJson(const CompileReport &report) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OStream json(os, /*IndentSize=*/1);
  json.object([&] {
    json.attribute("version", kVersion);
    json.attribute("model", utf8(report.model));
    json.attribute("builder", report.builder);
    json.attributeArray("targets", [&] {
      for (const TargetReport &target : report.targets)
        json.object([&] { targetObject(json, target); });
    });
  });
  os << "\n";
  return text;
}

} // namespace mlir::tenon
