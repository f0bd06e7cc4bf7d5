//===- main.cpp - tenonc: compiles a model --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Flags to CompileOptions, problems to stderr. Exit codes: 0 fine; 1 the model
// is at fault; 2 wrong usage; 3 a defect of Tenon.
//
//===----------------------------------------------------------------------===//

#include "compiler/include/tenon/compiler.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace {

constexpr int kUsage = 2;

/// Flags of later versions: known by name, so that a script fails with a
/// reason and not with a typo's message.
const char *const kLater[] = {
    "--int8",       "--fp8",   "--best",         "--sparsity", "--min-shapes",
    "--max-shapes", "--calib", "--timing-cache", "--refit",    "--cuda-driver"};

bool color() { return isatty(STDERR_FILENO) && !std::getenv("NO_COLOR"); }

void print(const std::string &severity, const std::string &text) {
  const char *code = severity == "error"     ? "\033[1;31m"
                     : severity == "warning" ? "\033[1;33m"
                                             : "\033[1m";
  if (color())
    std::fprintf(stderr, "%s%s:\033[0m %s\n", code, severity.c_str(),
                 text.c_str());
  else
    std::fprintf(stderr, "%s: %s\n", severity.c_str(), text.c_str());
}

int usage(const std::string &text) {
  print("error", text + "; see tenonc --help");
  return kUsage;
}

std::vector<std::string> splitAtCommas(const std::string &text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// Splits "a:1x3,b:2" at commas, each at its last colon: names may hold
/// colons. "?" or "-1" leaves a dimension dynamic. False if it is malformed.
bool parseShapes(const std::string &text,
                 std::map<std::string, std::vector<int64_t>> &shapes) {
  size_t start = 0;
  while (start <= text.size()) {
    size_t end = std::min(text.find(',', start), text.size());
    std::string item = text.substr(start, end - start);
    size_t colon = item.rfind(':');
    if (colon == std::string::npos || colon == 0)
      return false;
    std::vector<int64_t> dims;
    std::string sizes = item.substr(colon + 1);
    size_t at = 0;
    while (at < sizes.size() || (at > 0 && at == sizes.size())) {
      size_t next = std::min(sizes.find('x', at), sizes.size());
      std::string size = sizes.substr(at, next - at);
      if (size == "?") {
        dims.push_back(-1);
      } else {
        char *rest = nullptr;
        errno = 0;
        long long value = std::strtoll(size.c_str(), &rest, 10);
        if (size.empty() || *rest || errno || value < -1)
          return false;
        dims.push_back(value);
      }
      if (next == sizes.size())
        break;
      at = next + 1;
    }
    shapes[item.substr(0, colon)] = dims;
    start = end + 1;
    if (end == text.size())
      break;
  }
  return true;
}

} // namespace

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    flag = flag.substr(0, flag.find('='));
    for (const char *later : kLater)
      if (flag == later)
        return usage("'" + flag + "' is not in this version");
  }

  // A full disk (or ulimit -f) is an error of the write, not a signal.
  std::signal(SIGXFSZ, SIG_IGN);

  tenon::CompileOptions options;
  std::string target = "cpu", cpus = "x86-64-v3";
  std::vector<std::string> shapes, optShapes;
  bool fp16 = false, bf16 = false;
  bool check = false, quiet = false, verbose = false, version = false;
  CLI::App app("tenonc: compiles an ONNX model into an engine file", "tenonc");
  app.footer(
      "Examples:\n"
      "  tenonc model.onnx -o model.tenon\n"
      "  tenonc model.onnx -o model.tenon --shapes=x:1x3x480x640\n"
      "  tenonc --check model.onnx\n"
      "  tenonc model.onnx --stop-after=fuse\n"
      "  tenonc model.onnx --target=cuda:sm_80 --explain=/layer1/MatMul\n"
      "  tenonc model.onnx -o model.tenon --target=cuda:sm_80 "
      "--report=why.txt\n\n"
      "Exit codes: 0 fine, 1 the model is at fault, 2 wrong usage, "
      "3 a defect of Tenon.");
  app.add_option("model", options.model, "The ONNX file")
      ->type_name("MODEL.onnx");
  app.add_option("-o,--output", options.output, "The engine file to write")
      ->type_name("FILE");
  app.add_option("--target", target,
                 "Targets, separated by commas, one variant of the engine "
                 "each: cpu, cuda:sm_80, cuda:sm_86, cuda:sm_87, cuda:sm_89")
      ->capture_default_str();
  app.add_option("--cpu", cpus,
                 "Instruction set levels, one variant each: x86-64-v3, "
                 "x86-64-v4, native (this machine's CPU)")
      ->capture_default_str();
  app.add_option("--device", options.devices,
                 "The GPU that a CUDA target is tuned for: a100, a10, l4, "
                 "rtx4090, orin-agx, h100, h200, or a JSON file like those of "
                 "sim/device. Default: a typical one of the architecture. With "
                 "several targets, each device counts for the one that would "
                 "run on it")
      ->delimiter(',')
      ->type_name("NAME|FILE.json")
      ->allow_extra_args(false);
  app.add_option("--ptxas", options.ptxas,
                 "NVIDIA's assembler, which adds machine code to the PTX of "
                 "CUDA kernels; none: PTX alone. Default: the ptxas in PATH, "
                 "CUDA_HOME or /usr/local/cuda, if there is one")
      ->type_name("PROGRAM");
  app.add_option("--shapes", shapes,
                 "Sizes of inputs, e.g. x:1x3x224x224,ids:1x?; fixed sizes "
                 "give specialized kernels, ? leaves a dimension open")
      ->type_name("NAME:DIMS");
  app.add_option("--opt-shapes", optShapes,
                 "Typical sizes of inputs that stay open, as in --shapes: CUDA "
                 "schedules are chosen for them, and reports count with them. "
                 "Default: 1 for a first dimension, 512 for others")
      ->type_name("NAME:DIMS");
  app.add_flag("--fp16", fp16,
               "CUDA kernels compute in f16 where it is safe, and accumulate "
               "in f32; inputs and outputs stay as the model says. Default: "
               "the type that the model is written in");
  app.add_flag("--bf16", bf16, "The same in bf16");
  app.add_flag("--tf32", options.tf32,
               "Products of f32 in CUDA kernels may use TF32 (10 bits of the "
               "operands' fractions)");
  app.add_option("--precision", options.nodePrecisions,
                 "The type of single nodes on CUDA: f32, tf32, f16 or bf16. * "
                 "and ? stand for any characters; the last that matches "
                 "decides. -v prints each node's type and why")
      ->type_name("NODE_PATTERN:TYPE")
      ->allow_extra_args(false);
  app.add_option("--explain", options.explain,
                 "Print, for each CUDA kernel that holds such a node, all "
                 "schedules that were weighed, what each is predicted to take, "
                 "what limits it, and why it lost. * and ? stand for any "
                 "characters. Compiles no further unless -o or --report is "
                 "given")
      ->type_name("NODE_PATTERN")
      ->allow_extra_args(false);
  app.add_option("--schedule", options.schedules,
                 "Build the CUDA kernel of such nodes with this schedule, as "
                 "--explain prints it, e.g. '/layer1/*:matmul<64x64x32, warps "
                 "2x2, stages 3, f16, splitk 1>'. Repeatable; the last that "
                 "matches decides")
      ->type_name("NODE_PATTERN:SCHEDULE")
      ->allow_extra_args(false);
  app.add_option("--report", options.report,
                 "Write what each launch is: kernel, nodes, schedule, types "
                 "and why, registers, occupancy, predicted time and what "
                 "limits it. JSON if FILE ends in .json, else text")
      ->type_name("FILE");
  // Unlisted: for tests of wide kernels on narrow machines.
  app.add_option("--vector-bits", options.vectorBits)
      ->check(CLI::IsMember({128, 256, 512}))
      ->group("");
  app.add_option("--fail-at", options.failAt)->group("");
  app.add_option("--mark-output", options.markOutputs,
                 "A tensor of the model that becomes an output too")
      ->type_name("TENSOR");
  app.add_flag("--check", check,
               "List all that this version cannot compile, and stop");
  bool operators = false;
  app.add_flag("--list-operators", operators,
               "Print the operators that this version knows, as Markdown");
  app.add_option("--stop-after", options.stopAfter,
                 "Print the IR after a stage, and stop: import, graph, fold, "
                 "layout, fuse, engine, llvm")
      ->type_name("STAGE");
  app.add_option("--save-temps", options.saveTemps,
                 "Keep the IR of each stage and the code of each kernel; of "
                 "CUDA kernels their tile IR, LLVM IR and PTX")
      ->type_name("DIR");
  app.add_flag("--lineinfo", options.lineInfo,
               "Let profilers show the lines of the kernels' tile IR that "
               "--save-temps keeps");
  app.add_option("--threads", options.threads,
                 "Threads to compile with; the engine does not depend on it")
      ->type_name("N");
  app.add_option("-O", options.optLevel, "Optimization level, 0 to 3")
      ->check(CLI::Range(0, 3))
      ->capture_default_str();
  app.add_flag("-v,--verbose", verbose,
               "Say what happens; print IR with the names of nodes");
  app.add_flag("--quiet", quiet, "Print errors only");
  app.add_flag("--version", version, "Print the version");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    std::printf("%s", app.help().c_str());
    return 0;
  } catch (const CLI::ParseError &error) {
    return usage(error.what());
  }
  if (version) {
    std::printf("tenonc %s\n", TENON_VERSION);
    return 0;
  }
  if (operators) {
    std::printf("%s", tenon::operatorTable().c_str());
    return 0;
  }
  if (options.model.empty())
    return usage("expected an ONNX file");
  // Levels of the CPU come first: a machine with a GPU should use it.
  options.targets.clear();
  std::vector<std::string> devices;
  for (const std::string &one : splitAtCommas(target)) {
    if (one == "cpu")
      for (const std::string &level : splitAtCommas(cpus))
        options.targets.push_back(level);
    else if (one.rfind("cuda:", 0) == 0)
      devices.push_back(one);
    else
      return usage("unknown target '" + one +
                   "', expected cpu or cuda:sm_80, cuda:sm_86, …");
  }
  std::sort(devices.begin(), devices.end());
  options.targets.insert(options.targets.end(), devices.begin(), devices.end());
  if (fp16 && bf16)
    return usage("--fp16 and --bf16 exclude each other; give single nodes "
                 "another type with --precision");
  options.precision = fp16 ? "f16" : bf16 ? "bf16" : "";
  for (const std::string &text : shapes)
    if (!parseShapes(text, options.shapes))
      return usage("malformed --shapes '" + text +
                   "', expected NAME:1x3x224x224,…");
  for (const std::string &text : optShapes)
    if (!parseShapes(text, options.optShapes))
      return usage("malformed --opt-shapes '" + text +
                   "', expected NAME:1x3x224x224,…");
  bool known = options.stopAfter.empty();
  std::string stages;
  for (const std::string &stage : tenon::compileStages()) {
    known |= stage == options.stopAfter;
    stages += (stages.empty() ? "" : ", ") + stage;
  }
  if (!known)
    return usage("unknown stage '" + options.stopAfter + "', expected one of " +
                 stages);
  if (!options.stopAfter.empty() && !options.report.empty())
    return usage("--report is about a whole compilation, and --stop-after ends "
                 "it early");
  if (!check && options.stopAfter.empty() && options.output.empty() &&
      options.explain.empty() && options.report.empty())
    return usage("expected an output file, -o MODEL.tenon");

  bool live = !quiet && isatty(STDERR_FILENO);
  size_t width = 0;
  auto clear = [&] {
    if (width)
      std::fprintf(stderr, "\r%*s\r", int(width), "");
    width = 0;
  };
  options.locations = verbose;
  options.diagnostic = [&](const std::string &severity,
                           const std::string &text) {
    if ((quiet && severity != "error" && severity != "note") ||
        (severity == "remark" && !verbose))
      return;
    clear();
    print(severity, text);
  };
  auto start = std::chrono::steady_clock::now();
  options.progress = [&](const std::string &stage, double done) {
    if (verbose && !live)
      std::fprintf(stderr, "%s\n", stage.c_str());
    if (!live)
      return;
    clear();
    width = std::fprintf(stderr, "[%3.0f %%] %s", done * 100, stage.c_str());
    std::fflush(stderr);
  };
  options.stageOutput = [](const std::string &text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  };

  options.explainOutput = options.stageOutput;

  if (check) {
    auto result = tenon::check(options, [](const std::string &text) {
      std::fwrite(text.data(), 1, text.size(), stdout);
    });
    return result.status;
  }
  tenon::CompileResult result = tenon::compile(options);
  clear();
  if (result.status == 0 && !options.output.empty() &&
      options.stopAfter.empty() && !quiet) {
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    std::fprintf(stderr, "%s: %u kernels, %u launches, %.1f MB, %.1f s\n",
                 options.output.c_str(), result.kernels, result.launches,
                 double(result.engineBytes) / 1e6, seconds);
  }
  return result.status;
}
