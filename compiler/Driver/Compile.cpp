//===- Compile.cpp - From a model to an engine file -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The pipeline from top to bottom. Every stage can be printed (`stopAfter`,
// `saveTemps`), and the engine is written under a temporary name first.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Diagnostics.h"
#include "compiler/Driver/OutputFile.h"
#include "compiler/Driver/Pipeline.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/Schedules.h"
#include "compiler/Import/Import.h"
#include "compiler/Target/CPU/CodeObject.h"
#include "compiler/Target/CUDA/CudaCode.h"
#include "compiler/include/tenon/compiler.h"
#include "dialects/Graph/GraphOps.h"
#include "mlir/IR/AsmState.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"
#include <fstream>

namespace tenon {

using namespace mlir;
namespace mt = mlir::tenon;

const std::vector<std::string> &compileStages() {
  static const std::vector<std::string> stages = {
      "import", "graph", "fold", "layout", "fuse", "engine", "llvm"};
  return stages;
}

namespace {

class Compilation {
public:
  explicit Compilation(const CompileOptions &options)
      : options(options), context(registry(), MLIRContext::Threading::DISABLED),
        reporter(context, options), pins(options.schedules) {
    // Messages name nodes; the IR is there with --stop-after.
    context.printOpOnDiagnostic(false);
    unsigned threads = options.threads;
    if (!threads)
      threads =
          std::max(1u, llvm::hardware_concurrency().compute_thread_count());
    if (threads > 1) {
      pool.emplace(llvm::hardware_concurrency(threads));
      context.setThreadPool(*pool);
    }
    shared.threads = threads;
    shared.optLevel = options.optLevel;
    shared.saveTemps = options.saveTemps;
    shared.lineInfo = options.lineInfo;
    shared.schedules = &pins;
    shared.onInternalError = [this, &options](StringRef kernel, StringRef ir) {
      internal = true;
      std::string path = (kernel + ".failed.ll").str();
      if (!options.output.empty())
        path = options.output + "." + path;
      std::error_code code;
      llvm::raw_fd_ostream os(path, code);
      if (!code)
        os << ir;
      report("error", "internal error: LLVM failed on kernel '" + kernel.str() +
                          "'; its IR (no weights, no paths) is "
                          "in '" +
                          path + "': run llc on it to reproduce");
    };
  }

  CompileResult run() {
    result.status = 1;
    if (!options.saveTemps.empty())
      if (auto code = llvm::sys::fs::create_directories(options.saveTemps)) {
        report("error", "cannot create folder '" + options.saveTemps +
                            "': " + code.message());
        return result;
      }
    // Programs point to their targets.
    std::vector<mt::Target> targets;
    if (!lookupTargets(targets))
      return result;
    std::string problem;
    for (const std::string &path : {options.output, options.report})
      if (!path.empty() && !mt::checkWritable(path, problem)) {
        report("error", problem);
        return result;
      }

    progress("import", 0);
    OwningOpRef<ModuleOp> module = import();
    if (module && !checkNodeOptions(mt::mainOf(*module))) {
      result.status = 2;
      return result;
    }
    if (!module || stage("import", *module))
      return finished(module);
    progress("graph passes", 0.1);
    if (failed(mt::checkElementTypes(*module)))
      return result;
    if (fails("graph", mt::runGraphPasses(*module)))
      return failedInside("graph");
    if (stage("graph", *module))
      return finished(module);
    progress("fold constants", 0.2);
    if (fails("fold", mt::foldConstants(*module, shared)))
      return failedInside("fold");
    if (stage("fold", *module))
      return finished(module);

    mt::EngineModule engine = mt::beginEngine(*module, modelName(*module));
    for (auto [i, target] : llvm::enumerate(targets)) {
      OwningOpRef<ModuleOp> own = i + 1 == targets.size()
                                      ? std::move(module)
                                      : OwningOpRef<ModuleOp>(module->clone());
      std::string suffix =
          targets.size() > 1 ? "." + target.program().name : "";
      progress("layout and fusion", 0.3);
      current = &target;
      if (fails("layout", mt::runLayoutPasses(*own, target, precision())))
        return failedInside("layout");
      reportPrecisions(target, *own);
      if (stage("layout", *own, suffix))
        return finished(own);
      if (fails("fuse", mt::runFusion(*own)))
        return failedInside("fuse");
      if (stage("fuse", *own, suffix))
        return finished(own);
      progress("kernels for " + target.name(), 0.4);
      if (fails("engine", mt::addProgram(*own, target, shared, engine)))
        return failedInside("engine");
    }
    if (!checkKernelOptions(engine)) {
      result.status = 2;
      return result;
    }
    if (!options.explain.empty() && options.output.empty() &&
        options.report.empty() && options.stopAfter.empty()) {
      result.status = 0;
      return result;
    }
    if (stage("engine", *engine.module))
      return finished(engine.module);
    progress("code", 0.5);
    if (fails("llvm", mt::lowerKernelCode(engine, shared)))
      return failedInside("llvm");
    if (stage("llvm", *engine.module))
      return finished(engine.module);
    mt::BuiltEngine built;
    if (failed(mt::buildEngine(engine, shared, built))) {
      // LLVM's failures have their own reproducer: onInternalError.
      result.status = 3;
      return result;
    }
    progress("write", 0.95);
    result.kernels = built.engine.variants.front()->kernels.size();
    result.launches = built.engine.variants.front()->instructions.size();
    if (!options.output.empty() &&
        !mt::writeEngine(options.output, built, result.engineBytes, problem)) {
      report("error", problem);
      return result;
    }
    if (!options.report.empty() && !writeReport(engine))
      return result;
    progress("done", 1);
    result.status = 0;
    return result;
  }

  CompileResult check(const std::function<void(const std::string &)> &out) {
    std::string text;
    llvm::raw_string_ostream os(text);
    bool fine =
        succeeded(mt::checkOnnx(context, options.model, importOptions(), os));
    out(text);
    result.status = fine ? 0 : 1;
    return result;
  }

private:
  static DialectRegistry registry() {
    DialectRegistry registry;
    mt::registerCpuTargetDialects(registry);
    mt::registerCudaTargetDialects(registry);
    registry.insert<mt::engine::EngineDialect, mt::graph::GraphDialect,
                    func::FuncDialect>();
    return registry;
  }

  /// Options that name nodes of the model; false after errors.
  bool checkNodeOptions(func::FuncOp main) {
    bool fine =
        succeeded(mt::graph::checkNodePrecisions(main, options.nodePrecisions));
    fine &= succeeded(mt::setTypicalShapes(main, options.optShapes));
    fine &= succeeded(pins.check(main));
    for (const std::string &pattern : options.explain) {
      std::string problem = mt::graph::noSuchNode(main, pattern);
      if (problem.empty())
        continue;
      report("error", "--explain='" + pattern + "': " + problem);
      fine = false;
    }
    return fine;
  }

  /// The same for what is known once kernels are built; explains them.
  bool checkKernelOptions(const mt::EngineModule &engine) {
    SmallVector<const mt::ProgramRecord *> programs;
    for (auto [target, record] :
         llvm::zip_equal(engine.targets, engine.records))
      if (target->cuda())
        programs.push_back(&record);
    if (failed(pins.checkUsed(&context, programs)))
      return false;
    for (const std::string &pattern : options.explain) {
      std::string text = mt::explainKernels(engine, pattern);
      if (text.empty()) {
        report("error", "--explain='" + pattern +
                            "': the node is in no CUDA kernel: it became a "
                            "constant, or a view of another tensor");
        return false;
      }
      if (options.explainOutput)
        options.explainOutput(text);
    }
    return true;
  }

  bool writeReport(const mt::EngineModule &engine) {
    mt::CompileReport facts = mt::gatherReport(engine, options.output);
    bool isJson = StringRef(options.report).ends_with(".json");
    std::string problem;
    if (mt::writeText(options.report,
                      isJson ? mt::reportJson(facts) : mt::reportText(facts),
                      problem))
      return true;
    report("error", problem);
    return false;
  }

  /// Gives each of `options.devices` to the target that would run on it.
  bool assignDevices(std::vector<mt::Target> &targets) {
    for (const std::string &name : options.devices) {
      auto found = mt::findDeviceInfo(name);
      if (auto *problem = std::get_if<std::string>(&found)) {
        report("error", "--device: " + *problem);
        return false;
      }
      const mt::DeviceInfo &device = std::get<mt::DeviceInfo>(found);
      mt::Target *best = nullptr;
      for (mt::Target &target : targets)
        if (target.cuda() &&
            target.cuda()->computeCapability <= device.computeCapability &&
            (!best || best->cuda()->computeCapability <
                          target.cuda()->computeCapability))
          best = &target;
      std::string what = "--device=" + name + ": ";
      if (!best)
        report("error", what + "no target runs on it: it is sm_" +
                            std::to_string(device.computeCapability) +
                            "; expected a --target=cuda:sm_NN no newer than "
                            "that");
      else if (best->device)
        report("error", what + "target " + best->name() +
                            " is tuned for device " + best->device->key +
                            " already; give each device a target of its own");
      if (!best || best->device)
        return false;
      best->device = device;
    }
    return true;
  }

  /// The targets that the options name; false after an error.
  bool lookupTargets(std::vector<mt::Target> &targets) {
    result.status = 2;
    bool cuda = false;
    for (const std::string &name : options.targets) {
      auto target = mt::lookupTarget(name);
      if (!target) {
        report("error", unknownTarget(name));
        return false;
      }
      for (const mt::Target &other : targets)
        if (other.name() == target->name()) {
          report("error", "target '" + name + "' is named twice");
          return false;
        }
      cuda |= target->cuda() != nullptr;
      if (options.vectorBits && target->cpu())
        std::get<mt::CpuTarget>(target->is).vectorBits = options.vectorBits;
      targets.push_back(*target);
    }
    std::string problem;
    if (!cuda && (!options.precision.empty() || options.tf32 ||
                  !options.nodePrecisions.empty()))
      report("warning", "a precision is for CUDA targets, and there is none: "
                        "CPU variants compute in f32");
    const char *forCuda = !options.schedules.empty() ? "--schedule"
                          : !options.explain.empty() ? "--explain"
                                                     : nullptr;
    if (!cuda && forCuda) {
      report("error", std::string(forCuda) +
                          " is for CUDA kernels, and there is no CUDA target: "
                          "add --target=cuda:sm_80");
      return false;
    }
    if (options.lineInfo && options.saveTemps.empty()) {
      report("error", "--lineinfo refers to kernels that --save-temps keeps: "
                      "add --save-temps=DIR");
      return false;
    }
    if (!assignDevices(targets))
      return false;
    if (cuda)
      shared.ptxas = mt::findPtxas(options.ptxas, problem);
    if (!problem.empty()) {
      report("error", problem + "; give another --ptxas, or none");
      return false;
    }
    result.status = 1;
    return true;
  }

  mt::graph::Precision precision() const {
    return {options.precision, options.tf32, options.nodePrecisions};
  }

  /// What tenon-opt's pipeline of a stage takes: target and precision.
  std::string stageOptions(StringRef name) {
    std::string text = current->option();
    if (name != "layout" || !current->cuda())
      return text;
    if (!options.precision.empty())
      text += " type=" + options.precision;
    if (options.tf32)
      text += " tf32";
    if (!options.nodePrecisions.empty())
      text += " nodes=" + llvm::join(options.nodePrecisions, ",");
    return text == current->option() ? text : "'" + text + "'";
  }

  /// Which type each node computes in, and why.
  void reportPrecisions(const mt::Target &target, ModuleOp module) {
    for (const mt::graph::PrecisionRow &row :
         mt::graph::collectPrecisions(module))
      report("remark", target.name() + ": node '" + row.node + "' in " +
                           row.type + ": " + row.reason);
  }

  static std::string unknownTarget(StringRef name) {
    if (!name.starts_with("cuda:"))
      return "unknown or unsupported cpu '" + name.str() +
             "', expected x86-64-v3, x86-64-v4 or native";
    std::string known;
    for (const mt::CudaTarget &target : mt::cudaTargets())
      known += (known.empty() ? "cuda:" : ", cuda:") + target.name;
    unsigned number = 0;
    bool old = name.starts_with("cuda:sm_") &&
               !name.drop_front(8).getAsInteger(10, number) && number < 80;
    return std::string(old ? "too old a target '" : "unknown target '") +
           name.str() + "', expected one of " + known;
  }

  mt::ImportOptions importOptions() {
    mt::ImportOptions import;
    for (auto &[name, dims] : options.shapes)
      import.shapes[name] = SmallVector<int64_t>(dims.begin(), dims.end());
    import.markOutputs = options.markOutputs;
    return import;
  }

  /// Files that users give by mistake, told by their first bytes.
  bool isMistaken() {
    std::ifstream file(options.model, std::ios::binary);
    char head[8] = {};
    file.read(head, sizeof(head));
    StringRef start(head, size_t(file.gcount()));
    const char *what = nullptr;
    if (start.starts_with("TENON\r\n"))
      what = "this is a Tenon engine: run it with tenon-run";
    else if (start.starts_with("ftrt") || start.starts_with("ptrt"))
      what = "this is a TensorRT plan: recompile from ONNX";
    if (what)
      report("error", "'" + options.model + "': " + what);
    return what;
  }

  OwningOpRef<ModuleOp> import() {
    if (isMistaken())
      return {};
    context.loadDialect<mt::graph::GraphDialect, func::FuncDialect>();
    return mt::importOnnx(context, options.model, importOptions(), holder);
  }

  std::string modelName(ModuleOp module) {
    if (auto name =
            mt::mainOf(module)->getAttrOfType<StringAttr>("graph.model"))
      return name.getValue().str();
    return llvm::sys::path::stem(options.model).str();
  }

  /// Prints the IR where it is asked for; true if compilation stops here.
  /// Files are called NAME, then `suffix` (which of several targets).
  bool stage(StringRef name, ModuleOp module, StringRef suffix = "") {
    if (options.saveTemps.empty() && options.stopAfter != name)
      return false;
    OpPrintingFlags flags;
    flags.elideLargeResourceString(64).elideLargeElementsAttrs(64);
    if (options.locations)
      flags.enableDebugInfo();
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os, flags);
    os << "\n";
    if (!options.saveTemps.empty()) {
      SmallString<128> path(options.saveTemps);
      llvm::sys::path::append(path, name + suffix + ".mlir");
      std::error_code code;
      llvm::raw_fd_ostream file(path, code);
      if (!code)
        file << text;
    }
    if (options.stopAfter != name)
      return false;
    if (options.stageOutput)
      options.stageOutput(text);
    return true;
  }

  CompileResult finished(OwningOpRef<ModuleOp> &module) {
    result.status = module ? 0 : 1;
    return result;
  }

  bool fails(StringRef name, LogicalResult done) {
    return failed(done) || options.failAt == name;
  }

  /// A stage after the import failed. What the user gave was accepted before,
  /// so this is a defect of Tenon, but for operations that no kernel family
  /// builds: those are reported as errors of the model.
  CompileResult failedInside(StringRef name) {
    bool buildsKernels = name == "fold" || name == "engine";
    if (buildsKernels && reporter.errors() && !internal)
      return result;
    result.status = 3;
    std::string text = "internal error: stage '" + name.str() + "' failed";
    std::string path = writeReproducer(name);
    if (!path.empty()) {
      text += "; the program before it (names of nodes and tensors, no "
              "weights, no paths) is in '" +
              path + "': reproduce with tenon-opt --stage-" + name.str();
      if (current && (name == "layout" || name == "engine"))
        text += "=" + stageOptions(name);
      text += " " + path;
    }
    report("error", text);
    return result;
  }

  /// Compiles again up to the stage before `name` and writes the IR; returns
  /// the file's path, or nothing if that fails too.
  std::string writeReproducer(StringRef name) {
    const std::vector<std::string> &stages = compileStages();
    auto at = llvm::find(stages, name);
    if (at == stages.begin() || at == stages.end())
      return {};
    std::string path = options.output.empty()
                           ? llvm::sys::path::stem(options.model).str()
                           : options.output;
    path += ".failed.mlir";
    bool written = false;
    CompileOptions again = options;
    again.stopAfter = *std::prev(at);
    again.output = again.saveTemps = again.failAt = again.report = "";
    again.lineInfo = false;
    again.explain.clear();
    again.schedules.clear();
    if (current)
      again.targets = {current->name()};
    again.locations = true;
    again.diagnostic = nullptr;
    again.progress = nullptr;
    again.stageOutput = [&](const std::string &ir) {
      std::error_code code;
      llvm::raw_fd_ostream file(path, code);
      if (code)
        return;
      file << ir;
      file.close();
      written = !file.has_error();
      file.clear_error();
    };
    Compilation(again).run();
    return written ? path : std::string();
  }

  void report(const std::string &severity, const std::string &text) {
    reporter.report(severity, text);
  }
  void progress(const std::string &stage, double done) {
    if (options.progress)
      options.progress(stage, done);
  }

  const CompileOptions &options;
  std::optional<llvm::DefaultThreadPool> pool;
  mt::ImportedModel holder;
  MLIRContext context;
  mt::DiagnosticReporter reporter;
  mt::PinnedSchedules pins;
  mt::CompileContext shared;
  CompileResult result;
  const mt::Target *current = nullptr; // of the stage that runs
  bool internal = false;
};

} // namespace

CompileResult compile(const CompileOptions &options) {
  return Compilation(options).run();
}

CompileResult check(const CompileOptions &options,
                    const std::function<void(const std::string &)> &out) {
  return Compilation(options).check(out);
}

std::string operatorTable() {
  std::string text;
  llvm::raw_string_ostream os(text);
  mt::printOperators(os);
  return text;
}

} // namespace tenon
