//===- compiler.h - From a model to an engine file ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The compiler's public interface: one call compiles one model. It shows
// nothing of MLIR or LLVM and may be called from several threads at once.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_H
#define TENON_COMPILER_H

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tenon {

struct CompileOptions {
  std::string model;  // path of the ONNX file
  std::string output; // path of the engine; empty: none is written
  /// Sizes of inputs, by name, in place of the declared ones; -1: dynamic.
  std::map<std::string, std::vector<int64_t>> shapes;
  /// What to compile for, one engine variant each, the best last: instruction
  /// set levels ("x86-64-v3", "x86-64-v4", "native") and CUDA architectures
  /// ("cuda:sm_80", "cuda:sm_86", "cuda:sm_87", "cuda:sm_89").
  std::vector<std::string> targets = {"x86-64-v3"};
  /// The program that makes machine code of CUDA kernels beside their PTX:
  /// empty: ptxas where it is usually found; "none": PTX alone.
  std::string ptxas;
  /// What CUDA variants compute in where that is safe: "f16", "bf16" or "f32";
  /// empty: the type that the model is written in. CPU variants compute in f32.
  /// Inputs and outputs keep their types in any case.
  std::string precision;
  /// Lets products of f32 on CUDA use TF32.
  bool tf32 = false;
  /// The same for single nodes, "NODE_PATTERN:TYPE": TYPE is f32, tf32, f16 or
  /// bf16, `*` and `?` stand for any characters, and the last pattern that
  /// matches a node decides. One that matches none is an error.
  std::vector<std::string> nodePrecisions;
  /// GPUs to tune CUDA variants for: names ("a100", "l4", ...) or paths of JSON
  /// files (sim/device); each is for the variant that would run on it. A
  /// variant without one is for a typical GPU of its architecture.
  std::vector<std::string> devices;
  /// Sizes of inputs that are typical, by name; -1: not said. Schedules are
  /// chosen for them where sizes are open; the engine still takes any.
  std::map<std::string, std::vector<int64_t>> optShapes;
  /// Schedules of single nodes on CUDA, "NODE_PATTERN:SCHEDULE", as `explain`
  /// prints them; the last pattern that matches a node of a kernel decides. One
  /// that decides for no kernel is an error.
  std::vector<std::string> schedules;
  /// Patterns of nodes whose kernels are explained, to `explainOutput`: all
  /// candidates, their predicted times, and why they lost. Without `output` and
  /// `report` nothing else is done.
  std::vector<std::string> explain;
  std::function<void(const std::string &text)> explainOutput;
  /// A file for the report on kernels, launches and predicted times: JSON if it
  /// ends in .json, else text. Empty: none.
  std::string report;
  /// CUDA code refers to the lines of the kernels that `saveTemps` keeps.
  bool lineInfo = false;
  /// Builds kernels as for vectors of this many bits, whatever the level has
  /// (LLVM splits wider ones), so that the kernels of a wide level can be
  /// tested anywhere. 0: the level's own.
  unsigned vectorBits = 0;
  /// Tensors that become outputs beside the declared ones.
  std::vector<std::string> markOutputs;
  int optLevel = 3;
  unsigned threads = 0; // 0: one a core
  /// A folder for the IR of each stage and the code of each kernel; must not
  /// be a file. Empty: nothing is kept.
  std::string saveTemps;
  /// Name of the stage whose IR is printed to `stageOutput` in place of
  /// writing an engine: see `compileStages`.
  std::string stopAfter;
  std::function<void(const std::string &text)> stageOutput;
  /// Prints IR with locations: the names of ONNX nodes.
  bool locations = false;
  /// For tests: behave as if this stage failed.
  std::string failAt;
  /// Hears of each problem: severity ("error", "warning", "note") and text;
  /// and, as a "remark", of what was decided for a node.
  std::function<void(const std::string &severity, const std::string &text)>
      diagnostic;
  /// Hears of the stage that starts and how far compilation is, in [0, 1].
  std::function<void(const std::string &stage, double done)> progress;
};

struct CompileResult {
  /// 0: compiled; 1: the model or input is at fault; 2: wrong options; 3: a
  /// defect of Tenon.
  int status = 0;
  unsigned kernels = 0;  // distinct ones, of the first variant
  unsigned launches = 0; // of one inference
  uint64_t engineBytes = 0;
};

/// Names of the stages, in order: "import", "graph", "fold", "layout", "fuse",
/// "engine", "llvm".
const std::vector<std::string> &compileStages();

/// Compiles. Problems go to `options.diagnostic`; nothing is thrown, and a
/// file at `options.output` is replaced only by a whole engine.
CompileResult compile(const CompileOptions &options);

/// Lists everything in the model that this version cannot compile, node by
/// node, as text to `out`. The status is 1 if there is any such thing.
CompileResult check(const CompileOptions &options,
                    const std::function<void(const std::string &)> &out);

/// The operators that this version imports, with their opsets: a table in
/// Markdown (docs/operators.md).
std::string operatorTable();

} // namespace tenon

#endif // TENON_COMPILER_H
