//===- CodeObject.cpp - Compiled kernels in memory ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CodeObject.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace tenon::runtime;

#if defined(__x86_64__)
static const int kHostMachine = EM_X86_64;
#elif defined(__aarch64__)
static const int kHostMachine = EM_AARCH64;
#else
static const int kHostMachine = EM_NONE;
#endif

static Status writeAll(int descriptor, const void *data, size_t size) {
  const char *bytes = static_cast<const char *>(data);
  while (size) {
    ssize_t written = write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return fail(TENON_OUT_OF_MEMORY, "cannot store the engine's code: %s",
                  std::strerror(errno));
    bytes += written;
    size -= size_t(written);
  }
  return {};
}

CodeObject::~CodeObject() {
  if (library)
    dlclose(library);
  if (descriptor >= 0)
    close(descriptor);
}

Status CodeObject::load(const void *data, size_t size, Way way) {
  Elf64_Ehdr header;
  if (size < sizeof(header))
    return fail(TENON_INVALID_ENGINE,
                "code object: %zu bytes are too few for a shared library",
                size);
  std::memcpy(&header, data, sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN)
    return fail(TENON_INVALID_ENGINE,
                "code object: not a 64-bit ELF shared library");
  if (header.e_machine != kHostMachine)
    return fail(TENON_UNSUPPORTED,
                "code object: for another kind of CPU (ELF machine %d, this "
                "is %d)",
                int(header.e_machine), kHostMachine);
  if (way == Way::Best && !loadFromMemoryFile(data, size).failed())
    return {};
  return loadFromTemporaryFile(data, size);
}

Status CodeObject::loadFromMemoryFile(const void *data, size_t size) {
  const unsigned closeOnExec = 1; // MFD_CLOEXEC, absent from old headers
  int file = int(syscall(SYS_memfd_create, "tenon-kernels", closeOnExec));
  if (file < 0)
    return fail(TENON_IO_ERROR, "no anonymous files here");
  Status status = writeAll(file, data, size);
  if (!status.failed()) {
    char path[64];
    std::snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      const char *text = dlerror();
      status = fail(TENON_INVALID_ENGINE, "code object: %s",
                    text ? text : "cannot be loaded");
    }
  }
  if (status.failed()) {
    close(file);
    return status;
  }
  descriptor = file;
  return {};
}

Status CodeObject::loadFromTemporaryFile(const void *data, size_t size) {
  Status status;
  // A folder may be missing, full, or mounted without execute permission.
  for (const char *folder : {"/tmp", "/var/tmp", "/dev/shm", "."}) {
    char path[64];
    std::snprintf(path, sizeof(path), "%s/tenon-XXXXXX", folder);
    int file = mkostemp(path, 02000000 /* O_CLOEXEC */);
    if (file < 0) {
      status = fail(TENON_IO_ERROR,
                    "cannot create a temporary file for the engine's code: %s",
                    std::strerror(errno));
      continue;
    }
    status = writeAll(file, data, size);
    if (!status.failed()) {
      // A name with a slash, or the loader would search its own folders.
      library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
      if (!library) {
        const char *text = dlerror();
        status = fail(TENON_INVALID_ENGINE, "code object: %s",
                      text ? text : "cannot be loaded");
      }
    }
    unlink(path);
    close(file);
    if (library)
      return {};
  }
  return status;
}

TenonKernelFunction CodeObject::find(const char *symbol) const {
  return library ? reinterpret_cast<TenonKernelFunction>(dlsym(library, symbol))
                 : nullptr;
}
