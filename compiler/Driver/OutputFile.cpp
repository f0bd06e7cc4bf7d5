//===- OutputFile.cpp - Engines appear whole or not at all ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "compiler/Driver/OutputFile.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mlir::tenon {

/// Writes all of it; false with errno set on failure.
static bool writeAll(int file, const void *data, size_t size) {
  auto *bytes = static_cast<const char *>(data);
  while (size) {
    ssize_t n = ::write(file, bytes, std::min<size_t>(size, 64 << 20));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    bytes += n;
    size -= size_t(n);
  }
  return true;
}

/// Where an engine grows before it is renamed: beside its place.
static std::string temporaryName(const std::string &path) {
  return path + ".XXXXXX";
}

static std::string describe(const std::string &path, int code) {
  std::string problem = "cannot write '" + path + "': " + std::strerror(code);
  if (code == EFBIG || code == ENOSPC)
    problem += "; free some space or write elsewhere";
  return problem;
}

bool checkWritable(const std::string &path, std::string &problem) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    // Renaming onto a device would replace it.
    problem = S_ISDIR(status.st_mode)
                  ? describe(path, EISDIR)
                  : "cannot write '" + path + "': it is not a regular file";
    return false;
  }
  std::string temporary = temporaryName(path);
  int file = ::mkstemp(temporary.data());
  if (file < 0) {
    problem = describe(path, errno);
    return false;
  }
  ::close(file);
  ::unlink(temporary.c_str());
  return true;
}

/// Writes what `produce` hands to its argument, which returns false when the
/// disk is full: under a temporary name, then renamed.
static bool writeWhole(
    const std::string &path, std::string &problem,
    llvm::function_ref<bool(llvm::function_ref<bool(const void *, size_t)>)>
        produce) {
  auto fail = [&](int code) {
    problem = describe(path, code);
    return false;
  };
  std::string temporary = temporaryName(path);
  int file = ::mkstemp(temporary.data());
  if (file < 0)
    return fail(errno);
  int code = 0;
  bool whole = produce([&](const void *data, size_t size) {
    if (writeAll(file, data, size))
      return true;
    code = errno;
    return false;
  });
  mode_t mask = ::umask(0);
  ::umask(mask);
  if (whole && ::fchmod(file, 0666 & ~mask) != 0)
    code = errno, whole = false;
  if (::close(file) != 0 && whole)
    code = errno, whole = false;
  if (whole && ::rename(temporary.c_str(), path.c_str()) != 0)
    code = errno, whole = false;
  if (!whole) {
    ::unlink(temporary.c_str());
    return fail(code);
  }
  return true;
}

bool writeText(const std::string &path, StringRef text, std::string &problem) {
  return writeWhole(path, problem, [&](auto write) {
    return write(text.data(), text.size());
  });
}

bool writeEngine(const std::string &path, BuiltEngine &engine, uint64_t &bytes,
                 std::string &problem) {
  bytes = 0;
  return writeWhole(path, problem, [&](auto write) {
    return ::tenon::writeEngineFile(engine.engine, engine.blobs,
                                    [&](const void *data, size_t size) {
                                      bytes += size;
                                      return write(data, size);
                                    });
  });
}

} // namespace mlir::tenon
