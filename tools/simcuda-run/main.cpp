//===- main.cpp - simcuda-run: a program with the simulated GPU -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sets the environment and becomes the program: LD_LIBRARY_PATH with the folder
// that holds the simulator as libcuda.so.1, and LD_PRELOAD, which wins over a
// program's RPATH. Exit codes are the program's; 2: wrong usage; 126 and 127 as
// a shell's: the program cannot be run, is not found.
//
// Tests: test/tools/simcuda-run.sh.
//
//===----------------------------------------------------------------------===//

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace fs = std::filesystem;

namespace {
struct Flag {
  const char *name, *variable, *help;
  std::optional<std::string> value;
};
} // namespace

/// The folder with libcuda.so.1: beside this program in a build tree or an
/// installed one.
static fs::path libraryFolder() {
  std::error_code error;
  fs::path self = fs::read_symlink("/proc/self/exe", error);
  for (const char *relative : {"../lib/simcuda", TENON_SIMCUDA_FOLDER}) {
    fs::path folder =
        fs::weakly_canonical(self.parent_path() / relative, error);
    if (fs::exists(folder / "libcuda.so.1", error))
      return folder;
  }
  return {};
}

static void putFirst(const char *variable, const std::string &value,
                     char separator) {
  const char *old = std::getenv(variable);
  std::string text = old && *old ? value + separator + old : value;
  setenv(variable, text.c_str(), 1);
}

int main(int argc, char **argv) {
  std::vector<Flag> flags = {
      {"--device",
       "TENON_SIMCUDA_DEVICE",
       "The GPU: a100 (default), a10, l4, rtx4090, orin-agx, h100, h200, or a "
       "description's path",
       {}},
      {"--schedule",
       "TENON_SIMCUDA_SCHEDULE",
       "Order of what is unordered: eager (default), lazy, random or "
       "random:SEED",
       {}},
      {"--checks",
       "TENON_SIMCUDA_CHECKS",
       "all, none, default, or names with '-' before them to switch off: "
       "bounds, uninitialized, shared-races, global-races (not in default), "
       "async-copies, barriers, limits, streams",
       {}},
      {"--options",
       "TENON_SIMCUDA_OPTIONS",
       "deterministic=1, mma=exact, threads=N, watchdog=N, counters=1",
       {}},
      {"--sample",
       "TENON_SIMCUDA_SAMPLE",
       "Execute so many blocks of each launch: counts only, results are wrong",
       {}},
      {"--report",
       "TENON_SIMCUDA_REPORT",
       "Write counters and findings to this file (JSON; see simcuda-report)",
       {}},
      {"--log",
       "TENON_SIMCUDA_LOG",
       "Write messages to this file instead of standard error",
       {}},
      {"--faults",
       "TENON_SIMCUDA_FAULTS",
       "Inject faults: alloc=N, launch=N, lost=N (counted from 1), "
       "slow-copies=10x or 100ms",
       {}},
  };
  CLI::App app("Runs a program with the simulated GPU in the driver's place:\n"
               "  simcuda-run [OPTIONS] CMD ARGS...",
               "simcuda-run");
  app.footer("Each option sets the environment variable that docs/simcuda.md "
             "describes.\nThe exit status is the program's.");
  for (Flag &flag : flags)
    app.add_option(flag.name, flag.value, flag.help)->envname(flag.variable);
  app.prefix_command();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::vector<std::string> command = app.remaining();
  if (!command.empty() && command.front() == "--")
    command.erase(command.begin());
  if (command.empty() || command.front().starts_with("-")) {
    std::fprintf(stderr,
                 command.empty()
                     ? "simcuda-run: error: expected a program to run; see "
                       "simcuda-run --help\n"
                     : "simcuda-run: error: unknown option %s; see "
                       "simcuda-run --help\n",
                 command.empty() ? "" : command.front().c_str());
    return 2;
  }
  fs::path folder = libraryFolder();
  if (folder.empty()) {
    std::fprintf(stderr, "simcuda-run: error: libcuda.so.1 of the simulator is "
                         "not in ../lib/simcuda beside this program\n");
    return 126;
  }
  for (const Flag &flag : flags)
    if (flag.value)
      setenv(flag.variable, flag.value->c_str(), 1);
  putFirst("LD_LIBRARY_PATH", folder.string(), ':');
  putFirst("LD_PRELOAD", (folder / "libcuda.so.1").string(), ':');
  // Triton looks for the driver in the system's list of libraries otherwise.
  setenv("TRITON_LIBCUDA_PATH", folder.c_str(), 1);

  std::vector<char *> arguments;
  for (std::string &word : command)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  int error = errno;
  std::fprintf(stderr, "simcuda-run: error: %s: %s\n", arguments[0],
               std::strerror(error));
  return error == ENOENT ? 127 : 126;
}
