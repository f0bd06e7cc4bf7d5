//===- Ptxas.cpp - Registers as ptxas measures them -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both files lie in a folder of their own, which goes away at the end. The
// program is run without a shell, so that no name can be a command. It keeps
// the process's environment, but not LD_PRELOAD or a library path, which would
// load the simulator into it.
//
//===----------------------------------------------------------------------===//

#include "sim/report/Ptxas.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char **environ;

using namespace tenon::sim;

static bool isProgram(const std::string &path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) &&
         access(path.c_str(), X_OK) == 0;
}

std::string report::findPtxas(std::string_view option,
                              std::string_view searchPath,
                              std::string_view cudaHome) {
  if (option != "auto")
    return isProgram(std::string(option)) ? std::string(option) : "";
  while (!searchPath.empty()) {
    size_t end = std::min(searchPath.find(':'), searchPath.size());
    std::string path = std::string(searchPath.substr(0, end)) + "/ptxas";
    if (end > 0 && isProgram(path))
      return path;
    searchPath.remove_prefix(std::min(end + 1, searchPath.size()));
  }
  std::string path = std::string(cudaHome) + "/bin/ptxas";
  return !cudaHome.empty() && isProgram(path) ? path : "";
}

std::map<std::string, unsigned> report::registersFromLog(std::string_view log) {
  std::map<std::string, unsigned> registers;
  std::string kernel, line;
  std::istringstream lines{std::string(log)};
  while (std::getline(lines, line)) {
    static constexpr std::string_view kEntry = "Compiling entry function '",
                                      kUsed = "Used ";
    if (size_t at = line.find(kEntry); at != std::string::npos) {
      at += kEntry.size();
      kernel = line.substr(at, line.find('\'', at) - at);
    } else if (size_t at = line.find(kUsed);
               at != std::string::npos && !kernel.empty() &&
               line.find(" registers") != std::string::npos) {
      registers[kernel] =
          unsigned(std::strtoul(line.c_str() + at + kUsed.size(), nullptr, 10));
      kernel.clear();
    }
  }
  return registers;
}

/// Runs a program with its output in a file; whether it ended with 0.
static bool run(const std::vector<std::string> &words,
                const std::string &output) {
  std::vector<char *> arguments, environment;
  for (const std::string &word : words)
    arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  for (char **entry = environ; *entry; ++entry)
    if (std::strncmp(*entry, "LD_", 3) != 0)
      environment.push_back(*entry);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (posix_spawn_file_actions_init(&actions) != 0)
    return false;
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  int failed = posix_spawn(&child, words[0].c_str(), &actions, nullptr,
                           arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed)
    return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::optional<std::map<std::string, unsigned>>
report::measureRegisters(std::string_view ptx, unsigned sm,
                         const std::string &ptxas) {
  if (ptxas.empty())
    return std::nullopt;
  std::error_code error;
  std::string folder =
      std::filesystem::temp_directory_path(error).string() + "/simcuda-XXXXXX";
  if (error || !mkdtemp(folder.data()))
    return std::nullopt;
  std::string input = folder + "/module.ptx", log = folder + "/log";
  std::ofstream(input, std::ios::binary) << ptx;
  std::optional<std::map<std::string, unsigned>> registers;
  if (run({ptxas, "-v", "-arch=sm_" + std::to_string(sm), input, "-o",
           folder + "/module.cubin"},
          log)) {
    std::ostringstream text;
    text << std::ifstream(log).rdbuf();
    registers = registersFromLog(text.str());
  }
  std::filesystem::remove_all(folder, error);
  return registers;
}
