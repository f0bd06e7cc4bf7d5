//===- main.cpp - tenon-run: runs an engine -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads an engine, feeds it, times it, and writes or compares its outputs,
// through the public interface alone. Exit codes: 0 fine; 1 the engine, the
// inputs, or the comparison is at fault; 2 wrong usage; 3 a defect of Tenon.
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Report.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <unistd.h>

using namespace tenon;
using namespace tenon::tools;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {
struct Flags {
  std::string engine, outputs, device = "auto", json, reference, target;
  std::string cudaDriver, nvtx;
  TenonDevice deviceKind = TENON_DEVICE_AUTO;
  int cudaOrdinal = 0;
  InputFlags inputs;
  std::vector<uint64_t> seed;
  int threads = 0, iterations = 0, warmup = -1;
  double duration = 0, rtol = 1e-4, atol = 0;
  bool profile = false, hugePages = false, verbose = false, quiet = false;
};

/// The exit code of what went wrong.
struct Fault {
  int code;
  std::string message;
};
} // namespace

static Fault faultOf(const Error &error) {
  return {error.status() == TENON_INTERNAL ? 3 : 1, error.message()};
}

static void check(const Error &error) {
  if (error)
    throw faultOf(error);
}

static void check(const Problem &problem) {
  if (!problem.empty())
    throw Fault{1, problem};
}

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

static void addFlags(CLI::App &app, Flags &flags) {
  app.add_option("MODEL.tenon", flags.engine, "The engine file")->required();
  app.add_option("--inputs", flags.inputs.files,
                 "FILE.npz, or NAME:FILE.npy, or NAME:FILE.bin (raw bytes); "
                 "may be repeated")
      ->allow_extra_args(false);
  app.add_option("--random-inputs", flags.seed,
                 "Make the inputs that are not given from this seed: floats "
                 "normally distributed, integers 0 or 1")
      ->expected(1);
  app.add_option("--shapes", flags.inputs.shapes,
                 "Shapes for raw and random inputs: NAME:1x3x224x224[,NAME:…]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--outputs", flags.outputs, "Write the outputs to FILE.npz");
  app.add_option("--compare", flags.reference,
                 "Compare the outputs with those in FILE.npz; exits with 1 if "
                 "they differ");
  app.add_option("--rtol", flags.rtol,
                 "Tolerance, relative to the reference's largest magnitude")
      ->capture_default_str();
  app.add_option("--atol", flags.atol, "Tolerance, absolute, added to it")
      ->capture_default_str();
  app.add_option("--device", flags.device,
                 "auto, cpu, cuda, or cuda:N for device number N")
      ->capture_default_str();
  app.add_option("--cuda-driver", flags.cudaDriver,
                 "The CUDA driver library (default libcuda.so.1), or the "
                 "simulated GPU's")
      ->envname("TENON_CUDA_DRIVER");
  app.add_option("--nvtx", flags.nvtx,
                 "A profiler's NVTX injection library, which is shown ranges "
                 "with the nodes' names")
      ->envname("NVTX_INJECTION64_PATH");
  app.add_option("--target", flags.target,
                 "Run the variant with this name (x86-64-v3) instead of the "
                 "best");
  app.add_option("--threads", flags.threads, "Threads; 0: all cores")
      ->check(CLI::Range(0, 1024));
  app.add_option("--iterations", flags.iterations, "Timed runs (default 1)")
      ->check(CLI::Range(1, 1000000000));
  app.add_option("--duration", flags.duration,
                 "Timed runs for at least so many seconds")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--warmup", flags.warmup,
                 "Runs before those (default 0, or 3 with --iterations or "
                 "--duration)")
      ->check(CLI::Range(0, 1000000000));
  app.add_flag("--profile", flags.profile,
               "Print kernel, ONNX nodes, schedule, time, share, GFLOP/s and "
               "GB/s of each instruction");
  app.add_flag("--huge-pages", flags.hugePages,
               "Copy constants into 2 MiB pages");
  app.add_option("--json", flags.json,
                 "Write a report to FILE (- for standard output)");
  app.add_flag("-v,--verbose", flags.verbose, "Say what is being done");
  app.add_flag("--quiet", flags.quiet, "Print errors only");
  app.set_version_flag("--version",
                       std::string("tenon-run ") + tenon_version());
}

static void parseDevice(Flags &flags) {
  const std::string &name = flags.device;
  if (name == "auto") {
    flags.deviceKind = TENON_DEVICE_AUTO;
  } else if (name == "cpu") {
    flags.deviceKind = TENON_DEVICE_CPU;
  } else if (name.compare(0, 4, "cuda") == 0) {
    flags.deviceKind = TENON_DEVICE_CUDA;
    std::string number = name.size() > 5 ? name.substr(5) : "";
    bool fine = name.size() == 4 ||
                (name[4] == ':' && !number.empty() && number.size() < 5 &&
                 number.find_first_not_of("0123456789") == std::string::npos);
    if (!fine)
      throw Fault{2, "--device=" + name + ": expected cuda or cuda:N"};
    flags.cudaOrdinal = number.empty() ? 0 : std::stoi(number);
  } else {
    throw Fault{2, "--device=" + name + ": expected auto, cpu, cuda or cuda:N"};
  }
}

static void checkFlags(Flags &flags) {
  parseDevice(flags);
  flags.inputs.random = !flags.seed.empty();
  if (!flags.seed.empty())
    flags.inputs.seed = flags.seed.front();
  bool timed = flags.iterations > 0 || flags.duration > 0;
  if (flags.warmup < 0)
    flags.warmup = timed ? 3 : 0;
  if (!flags.iterations)
    flags.iterations = 1;
}

static void writeLog(void *, TenonSeverity severity, const char *message) {
  static const char *const names[] = {"debug", "info", "warning"};
  std::fprintf(stderr, "tenon-run: %s: %s\n", names[severity], message);
}

namespace {
/// One run of the tool, step by step.
class Session {
public:
  explicit Session(Flags &flags) : flags(flags) {}
  int run();

private:
  Engine load();
  Context makeContext(const Engine &engine);
  void timeRuns(Context &context);
  void note(const std::string &text) {
    if (!flags.quiet)
      std::fprintf(stderr, "tenon-run: %s\n", text.c_str());
  }
  void print(const char *format, ...) __attribute__((format(printf, 2, 3)));
  bool compareOutputs(Json &report);
  void describe(const Engine &engine, const Context &context, Json &report);
  void writeJson(const Json &report);

  Flags &flags;
  double loadSeconds = 0, firstSeconds = 0;
  std::vector<BoundTensor> inputs;
  std::vector<Tensor> inputTensors, outputTensors;
  std::vector<std::pair<std::string, Array>> outputs;
  std::vector<double> times;
};
} // namespace

void Session::print(const char *format, ...) {
  // A report on standard output must not be mixed with text.
  if (flags.quiet || flags.json == "-")
    return;
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
}

Engine Session::load() {
  TenonLoadOptions options = {};
  if (!flags.quiet) {
    options.log = writeLog;
    options.log_severity = flags.verbose ? TENON_DEBUG : TENON_WARNING;
  }
  options.huge_pages = flags.hugePages;
  options.target = flags.target.empty() ? nullptr : flags.target.c_str();
  options.device = flags.deviceKind;
  options.cuda_ordinal = flags.cudaOrdinal;
  options.cuda_driver =
      flags.cudaDriver.empty() ? nullptr : flags.cudaDriver.c_str();
  options.nvtx = flags.nvtx.empty() ? nullptr : flags.nvtx.c_str();
  auto start = Clock::now();
  Result<Engine> engine = Engine::load(flags.engine, options);
  if (!engine)
    throw faultOf(engine.error());
  loadSeconds = secondsSince(start);
  return std::move(*engine);
}

Context Session::makeContext(const Engine &engine) {
  TenonContextOptions options = {};
  options.threads = flags.threads;
  options.profile = flags.profile;
  Result<Context> context = engine.createContext(options);
  if (!context)
    throw faultOf(context.error());
  return std::move(*context);
}

void Session::timeRuns(Context &context) {
  auto once = [&] {
    auto start = Clock::now();
    check(context.run(inputTensors, outputTensors));
    return secondsSince(start);
  };
  for (int i = 0; i < flags.warmup; ++i) {
    double time = once();
    if (i == 0)
      firstSeconds = time;
  }
  context.resetProfile();
  auto start = Clock::now();
  for (int i = 0; i < flags.iterations || secondsSince(start) < flags.duration;
       ++i)
    times.push_back(once());
  if (flags.warmup == 0)
    firstSeconds = times.front();
}

bool Session::compareOutputs(Json &report) {
  std::map<std::string, Array> reference;
  check(readNpz(flags.reference, reference));
  bool passed = true;
  Json list = Json::array();
  for (const Difference &difference :
       compare(outputs, reference, flags.rtol, flags.atol)) {
    passed &= difference.passed;
    Json entry = {{"output", difference.name}, {"passed", difference.passed}};
    if (!difference.fault.empty()) {
      std::fprintf(stderr, "tenon-run: output '%s': %s\n",
                   difference.name.c_str(), difference.fault.c_str());
      entry["fault"] = difference.fault;
    } else {
      double relative = difference.magnitude > 0
                            ? difference.largest / difference.magnitude
                            : difference.largest;
      print("output '%s': largest difference %.3g, %.3g of the largest "
            "magnitude %.3g: %s\n",
            difference.name.c_str(), difference.largest, relative,
            difference.magnitude, difference.passed ? "passed" : "FAILED");
      if (!difference.passed)
        std::fprintf(stderr,
                     "tenon-run: output '%s': largest difference %g, allowed "
                     "%g\n",
                     difference.name.c_str(), difference.largest,
                     difference.limit);
      entry["largest_difference"] = difference.largest;
      entry["relative_difference"] = relative;
      entry["magnitude"] = difference.magnitude;
    }
    list.push_back(entry);
  }
  report["compare"] = list;
  return passed;
}

static Json tensorJson(const std::string &name, const Tensor &tensor) {
  return {{"name", name},
          {"type", tenon_element_type_name(tensor.type)},
          {"shape", tensor.shape()}};
}

void Session::describe(const Engine &engine, const Context &context,
                       Json &report) {
  TenonEngineInfo info = engine.info();
  TenonMemoryInfo memory = context.memory();
  Latency latency = summarize(times);
  report["engine"] = flags.engine;
  report["model"] = info.model;
  report["builder"] = info.builder;
  report["target"] = info.target;
  if (info.device == TENON_DEVICE_CUDA)
    report["device"] = info.device_name;
  report["threads"] = flags.threads;
  report["load_ms"] = 1e3 * loadSeconds;
  report["first_run_ms"] = 1e3 * firstSeconds;
  report["iterations"] = times.size();
  report["latency_ms"] = {{"min", latency.min}, {"p10", latency.p10},
                          {"p50", latency.p50}, {"p90", latency.p90},
                          {"p99", latency.p99}, {"mean", latency.mean}};
  report["throughput_per_s"] = latency.mean > 0 ? 1e3 / latency.mean : 0;
  report["engine_bytes"] = info.file_bytes;
  report["constant_bytes"] = info.constant_bytes;
  report["arena_bytes"] = memory.arena_bytes;
  report["scratch_bytes"] = memory.scratch_bytes;
  report["peak_rss_bytes"] = peakMemory();
  for (const BoundTensor &input : inputs)
    report["inputs"].push_back(tensorJson(input.name, input.tensor));
  for (size_t i = 0; i < outputTensors.size(); ++i)
    report["outputs"].push_back(tensorJson(outputs[i].first, outputTensors[i]));
  std::string place = info.target;
  if (info.device == TENON_DEVICE_CUDA)
    place += std::string(" on ") + info.device_name;
  print("%s: variant %s, loaded in %.2f ms\n", flags.engine.c_str(),
        place.c_str(), 1e3 * loadSeconds);
  for (size_t i = 0; i < outputTensors.size(); ++i)
    print("output '%s': %s %s\n", outputs[i].first.c_str(),
          tenon_element_type_name(outputTensors[i].type),
          shapeText(outputTensors[i].shape()).c_str());
  print("latency over %zu runs: median %.3f ms, min %.3f, p10 %.3f, p90 %.3f, "
        "p99 %.3f, mean %.3f; %.2f per second\n",
        times.size(), latency.p50, latency.min, latency.p10, latency.p90,
        latency.p99, latency.mean, latency.mean > 0 ? 1e3 / latency.mean : 0);
}

void Session::writeJson(const Json &report) {
  std::string text =
      report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (flags.json == "-") {
    std::fputs(text.c_str(), stdout);
    return;
  }
  std::string temporary = flags.json + ".tmp" + std::to_string(getpid());
  std::FILE *file = std::fopen(temporary.c_str(), "wb");
  bool fine =
      file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file)
    fine &= std::fclose(file) == 0;
  if (!fine || std::rename(temporary.c_str(), flags.json.c_str()) != 0) {
    std::string why = std::strerror(errno);
    if (file)
      std::remove(temporary.c_str());
    throw Fault{1, flags.json + ": cannot write it: " + why};
  }
}

int Session::run() {
  checkFlags(flags);
  Engine engine = load();
  std::vector<std::string> notes;
  check(makeInputs(engine, flags.inputs, inputs, notes));
  for (const std::string &text : notes)
    note(text);
  for (const BoundTensor &input : inputs)
    inputTensors.push_back(input.tensor);
  outputTensors.resize(size_t(engine.outputCount()));

  Context context = makeContext(engine);
  timeRuns(context);
  for (int i = 0; i < engine.outputCount(); ++i)
    outputs.emplace_back(engine.output(i).name,
                         flags.outputs.empty() && flags.reference.empty()
                             ? Array()
                             : toArray(outputTensors[size_t(i)]));

  Json report = Json::object();
  describe(engine, context, report);
  if (flags.profile) {
    std::vector<TenonProfileRow> rows = context.profile();
    print("%s", profileText(rows).c_str());
    report["profile"] = profileJson(rows);
  }
  if (!flags.outputs.empty())
    check(writeNpz(flags.outputs, outputs));
  bool passed = flags.reference.empty() || compareOutputs(report);
  if (!flags.json.empty())
    writeJson(report);
  return passed ? 0 : 1;
}

int main(int argc, char **argv) {
  // A full disk is an error of the write, not a signal.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app("Runs an engine file that tenonc made", "tenon-run");
  Flags flags;
  addFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    int code = Session(flags).run();
    if (std::fflush(stdout) != 0)
      throw Fault{1, "cannot write to standard output"};
    return code;
  } catch (const Fault &fault) {
    std::fprintf(stderr, "tenon-run: error: %s\n", fault.message.c_str());
    return fault.code;
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "tenon-run: error: out of memory\n");
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "tenon-run: internal error: %s\n", error.what());
    return 3;
  }
}
