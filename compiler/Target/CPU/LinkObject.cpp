//===- LinkObject.cpp - Objects to a shared library, by lld ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// lld runs inside the process. It takes and writes files only, so objects go
// through a temporary folder; two links at once would crash, hence one mutex.
// The output does not depend on the folder's name.
// Test: test/unit/math/CodeObjectTest.cpp
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CPU/LinkObject.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>
#include <vector>

LLD_HAS_DRIVER(elf)

using namespace mlir::tenon;

static llvm::Error fail(const llvm::Twine &text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

static llvm::Error writeFile(const std::string &path,
                             llvm::ArrayRef<char> bytes) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os.write(bytes.data(), bytes.size());
    os.close();
    code = os.error();
    os.clear_error();
  }
  return code ? fail("cannot write temporary file: " + code.message())
              : llvm::Error::success();
}

/// A file name that is legal whatever the kernel is called.
static std::string fileNameFor(const ObjectFile &object, size_t index) {
  bool plain = !object.name.empty() && object.name.size() <= 200 &&
               llvm::all_of(object.name, [](char c) {
                 return llvm::isAlnum(c) || c == '_' || c == '-';
               });
  return plain ? object.name + ".o" : "kernel" + std::to_string(index) + ".o";
}

bool mlir::tenon::hasUndefinedSymbols(const ObjectFile &object) {
  auto file = llvm::object::ELF64LEObjectFile::create(llvm::MemoryBufferRef(
      llvm::StringRef(object.bytes.data(), object.bytes.size()), object.name));
  if (!file) {
    llvm::consumeError(file.takeError());
    return true; // the linker says what is wrong with it
  }
  return llvm::any_of(file->symbols(), [](llvm::object::ELFSymbolRef symbol) {
    llvm::Expected<uint32_t> flags = symbol.getFlags();
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    bool known =
        flags && name &&
        (name->empty() || !(*flags & llvm::object::SymbolRef::SF_Undefined));
    if (!flags)
      llvm::consumeError(flags.takeError());
    if (!name)
      llvm::consumeError(name.takeError());
    return !known;
  });
}

llvm::Expected<llvm::SmallVector<char>>
mlir::tenon::linkSharedLibrary(llvm::ArrayRef<ObjectFile> objects,
                               const ObjectFile *library) {
  llvm::SmallString<128> folder;
  if (std::error_code code =
          llvm::sys::fs::createUniqueDirectory("tenon-link", folder))
    return fail("cannot create a temporary folder: " + code.message());
  auto removeFolder =
      llvm::scope_exit([&] { llvm::sys::fs::remove_directories(folder); });
  std::string prefix = (folder + "/").str();

  std::vector<std::string> args = {"ld.lld",
                                   "-shared",
                                   "--no-dynamic-linker",
                                   "--threads=1",
                                   "--build-id=none",
                                   "--hash-style=gnu",
                                   "--strip-all",
                                   "--gc-sections",
                                   "--no-undefined",
                                   "--fatal-warnings",
                                   "--color-diagnostics=never",
                                   "-Bsymbolic",
                                   "-zdefs",
                                   "-znoexecstack",
                                   "-zrelro",
                                   "-znow",
                                   "-ztext",
                                   "-zseparate-code",
                                   "-zmax-page-size=4096",
                                   "-o",
                                   prefix + "out.so"};
  for (auto [index, object] : llvm::enumerate(objects)) {
    args.push_back(prefix + fileNameFor(object, index));
    if (llvm::Error error = writeFile(args.back(), object.bytes))
      return std::move(error);
  }
  if (library) {
    args.push_back("--start-lib");
    args.push_back(prefix + library->name + ".lib.o");
    if (llvm::Error error = writeFile(args.back(), library->bytes))
      return std::move(error);
    args.push_back("--end-lib");
  }

  std::vector<const char *> argv;
  for (const std::string &arg : args)
    argv.push_back(arg.c_str());
  std::string messages;
  llvm::raw_string_ostream os(messages);
  lld::Result result;
  {
    static std::mutex linkMutex;
    std::lock_guard<std::mutex> lock(linkMutex);
    result = lld::lldMain(argv, os, os, {{lld::Gnu, &lld::elf::link}});
  }
  if (result.retCode != 0) {
    // The folder's name says nothing to the reader and differs between runs.
    for (size_t at; (at = messages.find(prefix)) != std::string::npos;)
      messages.erase(at, prefix.size());
    return fail("cannot link the code object: " +
                llvm::StringRef(messages).trim().str());
  }
  auto buffer = llvm::MemoryBuffer::getFile(prefix + "out.so",
                                            /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false,
                                            /*IsVolatile=*/true);
  if (!buffer)
    return fail("cannot read the linked code object: " +
                buffer.getError().message());
  llvm::StringRef bytes = (*buffer)->getBuffer();
  return llvm::SmallVector<char>(bytes.begin(), bytes.end());
}
