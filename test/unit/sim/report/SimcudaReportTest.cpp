//===- SimcudaReportTest.cpp - The program simcuda-report -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/report/Report.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/wait.h>

using namespace tenon::sim;
using namespace tenon::sim::exec;
using namespace tenon::sim::report;

static InstructionCounters instruction(uint32_t line, const char *text,
                                       OpClass opClass, Pipe pipe,
                                       uint64_t warps) {
  InstructionCounters result;
  result.function = "gemm";
  result.ptxLine = line;
  result.ptxText = text;
  result.opClass = opClass;
  result.pipe = pipe;
  result.warps = warps;
  result.threads = warps * 32;
  return result;
}

/// `conflicts` more passes for each store to shared memory.
static KernelCounters gemm(uint64_t conflicts) {
  KernelCounters counters;
  counters.kernel = "gemm";
  counters.launch = 1;
  counters.grid = {8, 2, 1};
  counters.block = {128, 1, 1};
  counters.dynamicShared = 4096;
  counters.registers = 90;
  counters.blocksPerMultiprocessor = 5;
  counters.occupancy = 0.3125;
  counters.occupancyLimit = "registers";
  counters.blocksRun = 16;
  InstructionCounters load =
      instruction(40, "ld.global.b32 %r1, [%rd1];", OpClass::GlobalLoad,
                  Pipe::LoadStore, 64);
  load.sourceFile = "/src/gemm.py";
  load.sourceLine = 12;
  load.globalBytes = 64 * 128;
  load.globalSectors = 64 * 32;
  InstructionCounters store =
      instruction(41, "st.shared.b32 [%r2], %r1;", OpClass::SharedStore,
                  Pipe::LoadStore, 64);
  store.sharedBytes = 64 * 128;
  store.sharedIdeal = 64;
  store.sharedWavefronts = 64 * (1 + conflicts);
  InstructionCounters mma =
      instruction(50, "mma.sync ...;", OpClass::Mma, Pipe::Tensor, 20000);
  mma.mmaType = "f16.f32";
  mma.flopsPerWarp = 4096;
  counters.instructions = {load, store, mma};
  return counters;
}

static KernelCounters axpy() {
  KernelCounters counters;
  counters.kernel = "axpy";
  counters.launch = 2;
  counters.grid = {100, 1, 1};
  counters.block = {256, 1, 1};
  counters.registers = 16;
  counters.registersMeasured = true;
  counters.blocksPerMultiprocessor = 8;
  counters.occupancy = 1;
  counters.occupancyLimit = "threads";
  counters.blocksRun = 10;
  InstructionCounters fma = instruction(9, "fma.rn.f32 %f1, %f2, %f3, %f4;",
                                        OpClass::Float32, Pipe::Fma, 80);
  fma.function = "axpy";
  fma.flopsPerWarp = 2;
  counters.instructions = {fma};
  return counters;
}

namespace {
struct Ran {
  int code = -1;
  std::string out, err;
};

struct SimcudaReport : testing::Test {
  SimcudaReport() {
    std::string pattern = testing::TempDir() + "simcuda-report-XXXXXX";
    folder = mkdtemp(pattern.data());
    auto device = findDevice("a100");
    ReportSink first(std::get<DeviceDescription>(device), {});
    first.addLaunch(gemm(3));
    first.addLaunch(axpy());
    Finding finding;
    finding.what = "shared-memory race";
    finding.kernel = "gemm";
    finding.ptxLine = 41;
    finding.ptxText = "st.shared.b32 [%r2], %r1;";
    first.addFinding(finding);
    EXPECT_EQ(first.write(folder + "/a.json"), "");
    ReportSink second(std::get<DeviceDescription>(device), {});
    second.addLaunch(gemm(0));
    EXPECT_EQ(second.write(folder + "/b.json"), "");
  }
  ~SimcudaReport() override { std::filesystem::remove_all(folder); }

  std::string read(const std::string &name) const {
    std::ostringstream text;
    text << std::ifstream(folder + "/" + name).rdbuf();
    return text.str();
  }
  Ran run(const std::string &arguments) const {
    std::string line = "cd '" + folder +
                       "' && '" TENON_TEST_SIMCUDA_REPORT "' " + arguments +
                       " >.out 2>.err";
    int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, read(".out"),
            read(".err")};
  }
  /// A report whose JSON was changed.
  template <typename F> std::string errorOfChanged(F change) const {
    auto json = nlohmann::json::parse(read("a.json"));
    change(json);
    std::ofstream(folder + "/c.json") << json;
    Ran ran = run("c.json");
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.out, "");
    return ran.err;
  }
  std::string folder;
};
} // namespace

// axpy ran 10 of its 100 blocks. 2048 multiply-adds of 20000 mma, 1024 a clock:
// 40000 clocks of the Tensor Cores; 20128 warps issued, 4 a clock: 5032.
TEST_F(SimcudaReport, Summary) {
  Ran ran = run("a.json");
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out,
            "NVIDIA A100-SXM4-80GB, 2 launches of 2 kernels, 1 findings\n"
            "\n"
            "kernel  launches  warp instr   share  regs  occupancy  limit      "
            "busiest  mma util  sectors  coalescing  conflicts\n"
            "gemm           1      20.1 k  96.2 %   90~     31.2 %  registers  "
            "tensor    100.0 %     2048      12.5 %     75.0 %\n"
            "axpy *         1         800   3.8 %    16    100.0 %  threads    "
            "fma             -        0           -          -\n"
            "* only some blocks ran: scaled to the whole grid\n"
            "\n"
            "findings\n"
            "gemm: shared-memory race, 1 times\n"
            "  ptx:41: st.shared.b32 [%r2], %r1;\n");
}

TEST_F(SimcudaReport, OrderAndLength) {
  EXPECT_LT(run("a.json --sort=name").out.find("axpy"),
            run("a.json --sort=name").out.find("gemm  "));
  EXPECT_GT(run("a.json --sort=occupancy").out.find("axpy"),
            run("a.json --sort=occupancy").out.find("gemm  "));
  EXPECT_EQ(run("a.json --top=1").out.find("axpy"), std::string::npos);
  EXPECT_NE(run("a.json --top=1").out.find("gemm  "), std::string::npos);
}

TEST_F(SimcudaReport, Detail) {
  Ran ran = run("a.json --kernel='^ge'");
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const char *part :
       {"gemm\n  launches    1, the first with 8x2 blocks of 128 threads\n",
        "  registers   90 (estimate), local 0 bytes\n",
        "  shared      0 static + 4096 dynamic bytes\n",
        "  occupancy   31.2 %, 5 blocks, limited by registers\n",
        "  global      8192 bytes, 2048 sectors, coalescing 12.5 %\n",
        "  shared      256 wavefronts, conflicts 75.0 %\n",
        "  mma         f16.f32: 81.9 M operations\n",
        "  busiest     tensor, Tensor Cores at 100.0 % of it\n",
        "mma               20.0 k  99.4 %  100.0 %\n",
        "load-store         128   0.6 %  100.0 %\n",
        "hottest instructions\nptx  source      warp instr  coalescing  "
        "conflicts  instruction\n"
        " 50  -               20.0 k           -          -  mma.sync ...;\n"
        " 40  gemm.py:12          64      12.5 %          -  "
        "ld.global.b32 %r1, [%rd1];\n",
        "bank conflicts\nptx  source  warp instr  coalescing  conflicts  "
        "instruction\n"
        " 41  -               64           -     75.0 %  "
        "st.shared.b32 [%r2], %r1;\n",
        "uncoalesced accesses\nptx  source      warp instr  coalescing"})
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << ran.out;
  EXPECT_EQ(ran.out.find("axpy"), std::string::npos);
}

TEST_F(SimcudaReport, Json) {
  Ran ran = run("a.json --json --kernel=axpy");
  ASSERT_EQ(ran.code, 0) << ran.err;
  auto json = nlohmann::json::parse(ran.out);
  ASSERT_EQ(json["kernels"].size(), 1u);
  EXPECT_EQ(json["kernels"][0]["instructions"]["warps"], 800);
  EXPECT_EQ(json["device"]["key"], "a100");
}

TEST_F(SimcudaReport, Diff) {
  Ran ran = run("a.json --diff=b.json");
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const char *part : {"counter               first  second   ratio\n",
                           "warp instructions    20.1 k  20.1 k       =\n",
                           "shared wavefronts       256      64  0.250x\n",
                           "bank conflicts          192       0  0.000x\n",
                           "only in the first: axpy\n"})
    EXPECT_NE(ran.out.find(part), std::string::npos) << part << ran.out;
  ran = run("b.json --diff=a.json");
  EXPECT_NE(ran.out.find("bank conflicts            0     192     new\n"),
            std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("only in the second: axpy\n"), std::string::npos);
}

TEST_F(SimcudaReport, FilesAreNotTerminals) {
  EXPECT_EQ(run("a.json").out.find('\033'), std::string::npos);
}

// `script` gives the program a terminal.
TEST_F(SimcudaReport, ColoursButWithNoColor) {
  if (std::system("command -v script >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no script(1)";
  std::string command = "script -qec \"'" TENON_TEST_SIMCUDA_REPORT
                        "' a.json\" /dev/null >.out 2>.err";
  std::string in = "cd '" + folder + "' && ";
  ASSERT_EQ(std::system((in + "env -u NO_COLOR " + command).c_str()), 0);
  EXPECT_NE(read(".out").find("\033[1mkernel"), std::string::npos);
  ASSERT_EQ(std::system((in + "NO_COLOR=1 " + command).c_str()), 0);
  EXPECT_NE(read(".out").find("gemm"), std::string::npos);
  EXPECT_EQ(read(".out").find("\033[1m"), std::string::npos);
}

TEST_F(SimcudaReport, WrongUsage) {
  EXPECT_EQ(run("").code, 2);
  EXPECT_EQ(run("a.json --sort=beauty").code, 2);
  EXPECT_EQ(run("a.json --top=0").code, 2);
  EXPECT_EQ(run("a.json --json --diff=b.json").code, 2);
  Ran help = run("--help");
  EXPECT_EQ(help.code, 0);
  for (const char *part : {"REPORT.json", "--kernel", "--sort", "--top",
                           "--json", "--diff", "NO_COLOR", "Exit codes"})
    EXPECT_NE(help.out.find(part), std::string::npos) << part;
}

TEST_F(SimcudaReport, BadFilesAreNamedWithTheCure) {
  EXPECT_EQ(run("none.json").err,
            "simcuda-report: error: none.json: cannot read the report: No such "
            "file or directory\n");
  std::ofstream(folder + "/bad.json") << "{";
  EXPECT_EQ(run("bad.json").err,
            "simcuda-report: error: bad.json: not a JSON object; expected a "
            "report that TENON_SIMCUDA_REPORT wrote\n");
  EXPECT_EQ(run("a.json --diff=bad.json").code, 1);
  EXPECT_EQ(errorOfChanged([](auto &json) { json["version"] = 2; }),
            "simcuda-report: error: c.json: version 2, expected 1; use the "
            "simcuda-report of the simulator that wrote it\n");
  EXPECT_EQ(errorOfChanged(
                [](auto &json) { json["kernels"][0].erase("instructions"); }),
            "simcuda-report: error: c.json: kernels[0]: missing "
            "'instructions'; expected a report that TENON_SIMCUDA_REPORT "
            "wrote\n");
  EXPECT_NE(errorOfChanged([](auto &json) {
              json["kernels"][1]["lines"][0]["warps"] = "many";
            }).find("kernels[1].lines[0].warps is no count"),
            std::string::npos);
}

TEST_F(SimcudaReport, BadExpressionsSaySo) {
  EXPECT_NE(run("a.json --kernel='('").err.find("not a regular expression"),
            std::string::npos);
  EXPECT_EQ(run("a.json --kernel=conv").err,
            "simcuda-report: error: --kernel=conv: no kernel matches, expected "
            "one of axpy, gemm\n");
  EXPECT_EQ(run("a.json --kernel=conv").code, 1);
}
