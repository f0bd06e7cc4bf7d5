//===- ReportTest.cpp - What TENON_SIMCUDA_REPORT writes ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/report/Report.h"
#include "test/unit/sim/report/Schema.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>

using namespace tenon;
using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::report;
using Json = nlohmann::json;

static std::string readFile(const std::string &path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
static DeviceDescription a100() {
  auto found = findDevice("a100");
  return std::get<DeviceDescription>(found);
}

/// 4 blocks of 2 warps: a load with half its sectors wasted, a store to shared
/// memory with two-way conflicts, 10 mma and 3 fma for each warp.
static KernelCounters gemm(uint64_t number, uint64_t blocksRun = 4) {
  KernelCounters counters;
  counters.kernel = "gemm";
  counters.launch = number;
  counters.grid = {4, 1, 1};
  counters.block = {64, 1, 1};
  counters.staticShared = 1024;
  counters.registers = 40;
  counters.registersMeasured = true;
  counters.blocksPerMultiprocessor = 24;
  counters.occupancyLimit = "registers";
  counters.occupancy = 0.75;
  counters.blocksRun = blocksRun;
  counters.uniqueReadSectors = 8;
  uint64_t warps = 2 * blocksRun;
  InstructionCounters load;
  load.function = "gemm";
  load.ptxLine = 20;
  load.ptxText = "ld.global.b32 %r1, [%rd1];";
  load.sourceFile = "gemm.py";
  load.sourceLine = 7;
  load.opClass = OpClass::GlobalLoad;
  load.pipe = Pipe::LoadStore;
  load.warps = warps;
  load.threads = warps * 32;
  load.globalBytes = warps * 128;
  load.globalSectors = warps * 8;
  InstructionCounters store = load;
  store.ptxLine = 21;
  store.ptxText = "st.shared.b32 [%r2], %r1;";
  store.sourceLine = 0;
  store.opClass = OpClass::SharedStore;
  store.globalBytes = store.globalSectors = 0;
  store.sharedBytes = warps * 128;
  store.sharedWavefronts = warps * 2;
  store.sharedIdeal = warps;
  InstructionCounters mma;
  mma.function = "gemm";
  mma.ptxLine = 30;
  mma.ptxText = "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 ...;";
  mma.opClass = OpClass::Mma;
  mma.pipe = Pipe::Tensor;
  mma.mmaType = "f16.f32";
  mma.flopsPerWarp = 4096;
  mma.warps = warps * 10;
  mma.threads = warps * 320;
  InstructionCounters fma;
  fma.function = "gemm";
  fma.ptxLine = 31;
  fma.ptxText = "fma.rn.f32 %f1, %f2, %f3, %f4;";
  fma.opClass = OpClass::Float32;
  fma.pipe = Pipe::Fma;
  fma.flopsPerWarp = 2;
  fma.warps = warps * 3;
  fma.threads = warps * 96;
  counters.instructions = {load, store, mma, fma};
  return counters;
}

static Finding race(uint32_t line) {
  Finding finding;
  finding.check = CheckSharedRaces;
  finding.what = "shared-memory race";
  finding.kernel = "gemm";
  finding.ptxLine = line;
  finding.ptxText = "st.shared.b32 [%r2], %r1;";
  finding.sourceFile = "gemm.py";
  finding.sourceLine = 9;
  finding.block = {1, 2, 3};
  finding.hasAddress = true;
  finding.address = 64;
  finding.note = "read by thread 3";
  return finding;
}

TEST(Report, FitsItsSchema) {
  Json schema = Json::parse(readFile(TENON_DOCS "/simcuda-report.schema.json"));
  ReportSink sink(a100(), {});
  EXPECT_EQ(test::breachOf(schema, Json::parse(sink.text())), "");
  sink.addLaunch(gemm(1));
  sink.addLaunch(gemm(2, 1));
  sink.addFinding(race(21));
  sink.addFinding({});
  Json report = Json::parse(sink.text());
  EXPECT_EQ(test::breachOf(schema, report), "");
  // The check itself finds breaches.
  Json missing = report;
  missing["kernels"][0].erase("pipes");
  EXPECT_EQ(test::breachOf(schema, missing), "$.kernels[0]: missing pipes");
  Json extra = report;
  extra["launches"][0]["lines"][0]["x"] = 1;
  EXPECT_EQ(test::breachOf(schema, extra),
            "$.launches[0].lines[0].x: not in the schema");
  Json wrong = report;
  wrong["findings"][0]["count"] = "1";
  EXPECT_EQ(test::breachOf(schema, wrong),
            "$.findings[0].count: \"1\" breaks minimum 0");
}

TEST(Report, SumsOfALaunch) {
  ReportSink sink(a100(), {});
  sink.addLaunch(gemm(1));
  Json launch = Json::parse(sink.text())["launches"][0];
  EXPECT_EQ(launch["kernel"], "gemm");
  EXPECT_EQ(launch["number"], 1);
  EXPECT_EQ(launch["grid"], Json({4, 1, 1}));
  EXPECT_EQ(launch["registersFrom"], "ptxas");
  EXPECT_EQ(launch["occupancy"]["fraction"], 0.75);
  EXPECT_EQ(launch["occupancy"]["limit"], "registers");
  EXPECT_EQ(launch["blocksRun"], 4);
  EXPECT_EQ(launch["scale"], 1);
  // 8 warps.
  EXPECT_EQ(launch["instructions"]["warps"], 8 * 15);
  EXPECT_EQ(launch["instructions"]["threads"], 8 * 15 * 32);
  EXPECT_EQ(launch["classes"]["mma"]["warps"], 80);
  EXPECT_FALSE(launch["classes"].contains("atomic"));
  EXPECT_EQ(launch["pipes"]["load-store"]["warps"], 16);
  EXPECT_EQ(launch["mmaFlops"]["f16.f32"], 80 * 4096);
  EXPECT_EQ(launch["flops"]["f32"], 8 * 96 * 2);
  EXPECT_EQ(launch["global"]["bytes"], 1024);
  EXPECT_EQ(launch["global"]["requestedSectors"], 32);
  EXPECT_EQ(launch["global"]["sectors"], 64);
  EXPECT_EQ(launch["global"]["efficiency"], 0.5);
  EXPECT_EQ(launch["global"]["uniqueReadSectors"], 8);
  EXPECT_EQ(launch["shared"]["wavefronts"], 16);
  EXPECT_EQ(launch["shared"]["conflicts"], 8);
  ASSERT_EQ(launch["lines"].size(), 4u);
  EXPECT_EQ(launch["lines"][0]["ptxLine"], 20);
  EXPECT_EQ(launch["lines"][0]["sourceFile"], "gemm.py");
  EXPECT_EQ(launch["lines"][0]["sourceLine"], 7);
  EXPECT_FALSE(launch["lines"][1].contains("sourceFile"));
  EXPECT_FALSE(launch["lines"][1].contains("global"));
}

// By the throughputs of an A100: 128 lanes issued, 1024 multiply-adds of f16
// matrices, 64 of f32, one wavefront of shared memory a clock.
TEST(Report, ClocksOfTheUnits) {
  ReportSink sink(a100(), {});
  sink.addLaunch(gemm(1));
  Json launch = Json::parse(sink.text())["launches"][0];
  EXPECT_EQ(launch["clocks"]["issue"], 120 * 32 / 128);
  EXPECT_EQ(launch["clocks"]["tensor"], 80 * 2048 / 1024);
  EXPECT_EQ(launch["clocks"]["fma"], 24 * 32 / 64);
  EXPECT_EQ(launch["clocks"]["shared"], 16);
  EXPECT_FALSE(launch["clocks"].contains("fp64"));
  EXPECT_EQ(launch["busiest"], "tensor");
  EXPECT_EQ(launch["mmaUtilization"], 1);
}

TEST(Report, SampledLaunchesAreScaledInTheKernelsSums) {
  ReportSink sink(a100(), {});
  sink.addLaunch(gemm(1, 1));
  sink.addLaunch(gemm(2));
  Json report = Json::parse(sink.text());
  EXPECT_EQ(report["launches"][0]["instructions"]["warps"], 30);
  EXPECT_EQ(report["launches"][0]["scale"], 4);
  Json kernel = report["kernels"][0];
  EXPECT_EQ(kernel["launches"], 2);
  EXPECT_EQ(kernel["sampledLaunches"], 1);
  EXPECT_EQ(kernel["blocks"], 8);
  EXPECT_EQ(kernel["instructions"]["warps"], 240);
  EXPECT_EQ(kernel["lines"][2]["warps"], 160);
}

TEST(Report, TheOrderOfAdditionDoesNotShow) {
  KernelCounters other = gemm(9);
  other.kernel = "axpy";
  ReportSink a(a100(), {}, 2), b(a100(), {}, 2);
  for (const auto &launch : {gemm(1), gemm(5), gemm(3), other})
    a.addLaunch(launch);
  for (const auto &launch : {other, gemm(3), gemm(5), gemm(1)})
    b.addLaunch(launch);
  for (uint32_t line : {21, 3, 100})
    a.addFinding(race(line));
  for (uint32_t line : {100, 21, 3})
    b.addFinding(race(line));
  EXPECT_EQ(a.text(), b.text());
  Json report = Json::parse(a.text());
  EXPECT_EQ(report["launchCount"], 4);
  ASSERT_EQ(report["launches"].size(), 2u);
  EXPECT_EQ(report["launches"][0]["number"], 1);
  EXPECT_EQ(report["launches"][1]["number"], 3);
  EXPECT_EQ(report["kernels"][0]["kernel"], "axpy");
  EXPECT_EQ(report["findings"][0]["ptxLine"], 3);
  EXPECT_EQ(report["findings"][2]["ptxLine"], 100);
}

TEST(Report, TheSameFindingIsCounted) {
  ReportSink sink(a100(), {});
  sink.addFinding(race(21));
  sink.addFinding(race(21));
  Json report = Json::parse(sink.text());
  ASSERT_EQ(report["findings"].size(), 1u);
  EXPECT_EQ(report["findings"][0]["count"], 2);
  EXPECT_EQ(report["findings"][0]["block"], Json({1, 2, 3}));
  EXPECT_EQ(report["findings"][0]["address"], 64);
  EXPECT_EQ(report["findingCount"], 2);
}

TEST(Report, FindingsAreLimited) {
  ReportSink sink(a100(), {});
  for (uint32_t line = 0; line < ReportSink::kMaxFindings + 10; ++line)
    sink.addFinding(race(line));
  Json report = Json::parse(sink.text());
  EXPECT_EQ(report["findings"].size(), size_t(ReportSink::kMaxFindings));
  EXPECT_EQ(report["findingCount"], ReportSink::kMaxFindings + 10);
}

TEST(Report, ManyThreadsAdd) {
  ReportSink sink(a100(), {});
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&sink, t] {
      for (uint64_t i = 0; i < 25; ++i) {
        sink.addLaunch(gemm(4 * i + t));
        sink.addFinding(race(uint32_t(i)));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  Json report = Json::parse(sink.text());
  EXPECT_EQ(report["launchCount"], 100);
  EXPECT_EQ(report["kernels"][0]["instructions"]["warps"], 12000);
  EXPECT_EQ(report["findings"].size(), 25u);
}

TEST(Report, OptionsAreNamed) {
  Options options;
  options.schedule = Schedule::Random;
  options.seed = 7;
  options.checks = CheckBounds | CheckSharedRaces;
  options.mma = MmaModel::Exact;
  Json report = Json::parse(ReportSink(a100(), options).text());
  EXPECT_EQ(report["options"]["schedule"], "random");
  EXPECT_EQ(report["options"]["checks"], Json({"bounds", "shared-races"}));
  EXPECT_EQ(report["options"]["mma"], "exact");
  EXPECT_EQ(report["device"]["key"], "a100");
}

TEST(Report, IsWrittenWhole) {
  std::string folder = testing::TempDir() + "simcuda-report-test";
  std::filesystem::create_directories(folder);
  ReportSink sink(a100(), {});
  sink.addLaunch(gemm(1));
  EXPECT_EQ(sink.write(folder + "/r.json"), "");
  EXPECT_EQ(readFile(folder + "/r.json"), sink.text());
  sink.addLaunch(gemm(2));
  EXPECT_EQ(sink.write(folder + "/r.json"), "");
  EXPECT_EQ(readFile(folder + "/r.json"), sink.text());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_EQ(sink.write(folder + "/none/r.json"),
            folder + "/none/r.json: cannot write the report: No such file or "
                     "directory");
  std::filesystem::create_directories(folder + "/d/x");
  EXPECT_NE(sink.write(folder + "/d"), "");
  std::filesystem::remove_all(folder);
}
