//===- EngineFile.h - An engine file in memory -------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Maps a file (or takes the caller's bytes) and checks its container: what it
// is, its version, its size, every checksum, the FlatBuffer's structure and
// the bounds of the blobs. What the FlatBuffer *means* is checked by
// Program.cpp and Engine.cpp.
//
// In a file above kLazyBytes only the chunks that are used are checked, by
// `verifyBlob`.
//
// Shown by test/unit/runtime/EngineFileTest.cpp and DamageTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_ENGINEFILE_H
#define TENON_RUNTIME_ENGINEFILE_H

#include "runtime/Memory.h"
#include "runtime/Status.h"
#include "runtime/cpu/ThreadPool.h"
#include "runtime/schema/EngineFormat.h"

namespace tenon::runtime {

class EngineFile {
public:
  EngineFile() = default;
  ~EngineFile();
  EngineFile(const EngineFile &) = delete;
  EngineFile &operator=(const EngineFile &) = delete;

  static constexpr uint64_t kLazyBytes = uint64_t(1) << 30;

  /// One of these, once.
  Status openPath(const char *path);
  Status openDescriptor(int descriptor);
  Status openMemory(const void *data, size_t size, bool copy);

  /// Checks the container, on the threads of `pool`; in a file of more than
  /// `lazyBytes` no checksums but those of the header.
  Status verify(ThreadPool &pool, uint64_t lazyBytes = kLazyBytes);
  /// Checks the chunks under a blob, unless `verify` did.
  Status verifyBlob(uint32_t index, ThreadPool &pool);

  const schema::Engine &engine() const { return *root; }
  uint64_t size() const { return bytes; }

  /// The bytes of blob `index`, which must exist.
  const char *blob(uint32_t index) const;
  uint64_t blobBytes(uint32_t index) const;
  uint32_t blobCount() const;

private:
  Status checkPreamble();
  Status checkChunks(uint64_t first, uint64_t end, ThreadPool &pool);
  Status recognize() const;

  const char *data = nullptr;
  uint64_t bytes = 0;
  void *mapping = nullptr;
  Region copied;
  EnginePreamble preamble = {};
  const schema::Engine *root = nullptr;
  std::vector<uint8_t> checked; // by chunk
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_ENGINEFILE_H
