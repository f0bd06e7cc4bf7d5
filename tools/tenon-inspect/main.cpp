//===- main.cpp - tenon-inspect: shows what is in an engine ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exit codes: 0 fine; 1 the engine or the shapes are at fault; 2 wrong usage.
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-inspect/Inspected.h"

#include <CLI/CLI.hpp>
#include <cstdio>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::tools;

namespace {
struct Flags {
  std::string engine, target, ptx, kernel;
  std::vector<std::string> shapes;
  bool json = false, program = false, verbose = false, quiet = false;
};
} // namespace

static void addFlags(CLI::App &app, Flags &flags) {
  app.add_option("MODEL.tenon", flags.engine, "The engine file")->required();
  app.add_option("--target", flags.target,
                 "Show this variant (x86-64-v3) instead of the one that would "
                 "run here");
  app.add_option("--shapes", flags.shapes,
                 "Show the memory plan for these shapes: "
                 "NAME:1x3x224x224[,NAME:...]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_flag("--program", flags.program, "Print the program as text");
  app.add_option("--kernel", flags.kernel,
                 "Print all about the kernel with this name or symbol, with "
                 "the nodes of all its launches");
  app.add_option("--ptx", flags.ptx,
                 "Print the PTX of the kernel with this name or symbol");
  app.add_flag("--json", flags.json, "Print JSON");
  app.add_flag("-v,--verbose", flags.verbose,
               "Say what is being done on standard error");
  app.add_flag("--quiet", flags.quiet, "Only verify the file");
  app.set_version_flag("--version",
                       std::string("tenon-inspect ") + tenon_version());
}

static std::string dump(const Json &json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// The entry of the kernel with that name or symbol.
static Status findKernel(const Inspected &engine, const std::string &name,
                         Json &found) {
  std::string names;
  const Json report = describeKernels(engine);
  for (const Json &kernel : report["kernels"]) {
    if (kernel["name"] == name || kernel["symbol"] == name) {
      found = kernel;
      return {};
    }
    names += (names.empty() ? "" : ", ") + kernel["symbol"].get<std::string>();
  }
  return fail(TENON_INVALID_INPUT,
              "--kernel=%s: no such kernel; the variant "
              "has %s",
              name.c_str(), names.c_str());
}

static Status inspect(const Flags &flags) {
  Inspected engine;
  if (flags.verbose)
    std::fprintf(stderr, "tenon-inspect: verifying %s\n", flags.engine.c_str());
  TENON_TRY(engine.open(flags.engine, flags.target));
  if (!flags.ptx.empty()) {
    std::string ptx;
    TENON_TRY(ptxOf(engine, flags.ptx, ptx));
    if (!flags.quiet)
      std::fputs(ptx.c_str(), stdout);
    return {};
  }
  if (!flags.kernel.empty()) {
    Json kernel;
    TENON_TRY(findKernel(engine, flags.kernel, kernel));
    if (!flags.quiet)
      std::fputs(flags.json ? dump(kernel).c_str() : kernelText(kernel).c_str(),
                 stdout);
    return {};
  }
  if (flags.program) {
    if (!flags.quiet)
      std::fputs(programText(engine).c_str(), stdout);
    return {};
  }
  Json report = describeHeader(engine, flags.engine);
  report.update(describeVariants(engine));
  report.update(describeBindings(engine));
  report.update(describeKernels(engine));
  report.update(describeConstants(engine));
  Plan plan;
  std::string missing;
  TENON_TRY(engine.plan(flags.shapes, plan, missing));
  if (missing.empty())
    report.update(describeMemory(engine, plan));
  else
    report["memory"] = missing;
  if (flags.quiet)
    return {};
  std::fputs(flags.json ? dump(report).c_str() : toText(report).c_str(),
             stdout);
  return {};
}

int main(int argc, char **argv) {
  CLI::App app("Shows what is in an engine file", "tenon-inspect");
  Flags flags;
  addFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    Status status = inspect(flags);
    if (!status.failed() && std::fflush(stdout) == 0)
      return 0;
    std::fprintf(stderr, "tenon-inspect: error: %s: %s\n", flags.engine.c_str(),
                 status.failed() ? status.message().c_str()
                                 : "cannot write to standard output");
    return 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "tenon-inspect: error: %s: %s\n", flags.engine.c_str(),
                 error.what());
    return 1;
  }
}
