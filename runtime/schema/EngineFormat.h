//===- EngineFormat.h - The container of an engine file ----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An engine file, byte for byte (little endian):
//
//   0          preamble, 64 bytes, the last 8 of which check the first 56
//   64         one XXH3-64 for each chunk of the body; zero padding
//   body       FlatBuffer of engine.fbs, `header` bytes; zero padding
//   blobs      blob area, aligned to 4096: the blobs, each at its own
//              alignment, zero padding between them, up to the end of file
//
// The body is all that follows the table, cut into chunks of 4 MiB from its
// start; the table (with its padding) has its own checksum in the preamble. So
// each byte of the file lies under exactly one checksum, and chunks can be
// checked in parallel or later.
//
// `writeEngineFile` is the one writer; runtime/EngineFile.cpp is the one
// reader. Shown by test/unit/runtime/EngineFormatTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_SCHEMA_ENGINEFORMAT_H
#define TENON_RUNTIME_SCHEMA_ENGINEFORMAT_H

#include "runtime/schema/engine_generated.h"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tenon {

/// Changes when an old runtime must not read a new file.
constexpr uint32_t kEngineFormatVersion = 1;
constexpr char kEngineMagic[8] = {'T', 'E', 'N', 'O', 'N', '\r', '\n', '\x1a'};
constexpr uint64_t kChunkBytes = uint64_t(4) << 20;
constexpr uint64_t kBlobAreaAlignment = 4096;

struct EnginePreamble {
  char magic[8];
  uint32_t formatVersion;
  uint32_t reserved; // 0
  uint64_t fileBytes;
  uint64_t bodyOffset;    // multiple of 64; the table ends here
  uint64_t headerBytes;   // size of the FlatBuffer at bodyOffset
  uint64_t blobsOffset;   // multiple of 4096
  uint64_t tableChecksum; // of bytes [64, bodyOffset)
  uint64_t checksum;      // of bytes [0, 56)
};
static_assert(sizeof(EnginePreamble) == 64);

/// The bytes of one blob, owned by the caller until the file is written.
struct BlobContent {
  const void *data = nullptr;
  uint64_t size = 0;
  uint32_t alignment = 64; // 64, or 4096 for code
};

/// Gives the file's bytes in order; returns false to stop (disk full).
using EngineSink = std::function<bool(const void *data, size_t size)>;

/// Fills in `engine.blobs` from `blobs` (index i of the one is index i of the
/// other) and writes the whole file through `sink`. The bytes depend on the
/// arguments alone. Returns false as soon as the sink does.
bool writeEngineFile(schema::EngineT &engine,
                     const std::vector<BlobContent> &blobs,
                     const EngineSink &sink);

/// The same into memory, for tests and for engines that are loaded at once.
std::vector<uint8_t> writeEngineToMemory(schema::EngineT &engine,
                                         const std::vector<BlobContent> &blobs);

} // namespace tenon

#endif // TENON_RUNTIME_SCHEMA_ENGINEFORMAT_H
