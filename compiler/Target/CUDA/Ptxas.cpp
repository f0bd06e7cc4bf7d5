//===- Ptxas.cpp - NVIDIA's assembler, where it is at hand ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the program with files in a folder of its own. `ptxas -v` prints, for a
// kernel:
//
//   ptxas info    : Used 40 registers, used 0 barriers, 384 bytes cmem[0]
//       0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CUDA/Ptxas.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace llvm;
using namespace mlir::tenon;

namespace {

/// A folder that is removed in the end.
struct TemporaryFolder {
  SmallString<128> path;
  bool made = !sys::fs::createUniqueDirectory("tenon-ptxas", path);
  ~TemporaryFolder() {
    if (made)
      sys::fs::remove_directories(path);
  }
  std::string file(StringRef name) const {
    SmallString<128> whole(path);
    sys::path::append(whole, name);
    return whole.str().str();
  }
};

std::string readFile(const std::string &path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// Runs a program, both of its outputs into `log`.
int run(ArrayRef<StringRef> arguments, const std::string &log,
        std::string &problem) {
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  return sys::ExecuteAndWait(arguments.front(), arguments, std::nullopt,
                             redirects, /*SecondsToWait=*/0,
                             /*MemoryLimit=*/0, &problem);
}

/// The number after "V" in what `ptxas --version` prints.
std::string versionOf(const std::string &path, std::string &problem) {
  TemporaryFolder folder;
  if (!folder.made) {
    problem = "cannot make a temporary folder";
    return {};
  }
  std::string log = folder.file("log");
  if (run({path, "--version"}, log, problem) != 0) {
    if (problem.empty())
      problem = "'" + path + " --version' fails";
    return {};
  }
  SmallVector<StringRef> found;
  std::string text = readFile(log);
  if (Regex("V([0-9]+\\.[0-9]+\\.[0-9]+)").match(text, &found))
    return found[1].str();
  problem = "'" + path + "' is not ptxas";
  return {};
}

std::string programPath(StringRef path) {
  if (!path.empty())
    return path.str();
  if (auto found = sys::findProgramByName("ptxas"))
    return *found;
  SmallVector<std::string> folders;
  if (const char *home = std::getenv("CUDA_HOME"))
    folders.push_back(home);
  folders.push_back("/usr/local/cuda");
  for (const std::string &folder : folders) {
    SmallString<128> file(folder);
    sys::path::append(file, "bin", "ptxas");
    if (sys::fs::can_execute(file))
      return file.str().str();
  }
  return {};
}

} // namespace

Ptxas mlir::tenon::findPtxas(StringRef path, std::string &problem) {
  if (path == "none")
    return {};
  Ptxas found;
  found.path = programPath(path);
  if (found.path.empty())
    return {};
  found.version = versionOf(found.path, problem);
  if (found.version.empty())
    return {};
  return found;
}

std::string mlir::tenon::assemble(const Ptxas &ptxas, StringRef ptx,
                                  StringRef architecture, bool lineInfo,
                                  Assembled &result) {
  TemporaryFolder folder;
  if (!folder.made)
    return "cannot make a temporary folder for ptxas";
  std::string source = folder.file("kernel.ptx");
  std::string target = folder.file("kernel.cubin");
  std::string log = folder.file("log");
  {
    std::error_code code;
    raw_fd_ostream os(source, code);
    if (!code) {
      os << ptx;
      os.close();
      code = os.error();
      os.clear_error();
    }
    if (code)
      return "cannot write '" + source + "': " + code.message();
  }
  std::string problem;
  std::string arch = "-arch=" + architecture.str();
  SmallVector<StringRef> arguments = {ptxas.path, "-v", arch,  "-O3",
                                      source,     "-o", target};
  if (lineInfo)
    arguments.push_back("-lineinfo");
  int status = run(arguments, log, problem);
  std::string text = readFile(log);
  if (status != 0)
    return problem.empty() ? text : problem;
  std::string bytes = readFile(target);
  result.cubin.assign(bytes.begin(), bytes.end());
  result.tool = "ptxas " + ptxas.version;
  SmallVector<StringRef> found;
  if (Regex("Used ([0-9]+) registers").match(text, &found))
    result.registers = std::atoi(found[1].str().c_str());
  if (Regex("([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads")
          .match(text, &found))
    result.spillBytes =
        std::atoll(found[1].str().c_str()) + std::atoll(found[2].str().c_str());
  return {};
}
