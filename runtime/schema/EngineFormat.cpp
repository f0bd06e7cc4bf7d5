//===- EngineFormat.cpp - Writing engine files ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The checksums come before the bytes that they cover, and the blobs may be
// larger than memory would like to hold twice. So the body is produced twice,
// by the same function: once into the hasher, once into the sink.
//
//===----------------------------------------------------------------------===//

#include "runtime/schema/EngineFormat.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace tenon;

static uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// Hashes a stream in chunks of kChunkBytes.
namespace {
class ChunkHasher {
public:
  explicit ChunkHasher(std::vector<uint64_t> &checksums)
      : checksums(checksums), state(XXH3_createState()) {
    XXH3_64bits_reset(state);
  }
  ~ChunkHasher() { XXH3_freeState(state); }
  ChunkHasher(const ChunkHasher &) = delete;
  ChunkHasher &operator=(const ChunkHasher &) = delete;

  void add(const void *data, uint64_t size) {
    const char *bytes = static_cast<const char *>(data);
    while (size) {
      uint64_t part = std::min(size, kChunkBytes - filled);
      XXH3_64bits_update(state, bytes, part);
      bytes += part;
      size -= part;
      filled += part;
      if (filled == kChunkBytes)
        flush();
    }
  }
  void flush() {
    if (filled == 0)
      return;
    checksums.push_back(XXH3_64bits_digest(state));
    XXH3_64bits_reset(state);
    filled = 0;
  }

private:
  std::vector<uint64_t> &checksums;
  XXH3_state_t *state;
  uint64_t filled = 0;
};
} // namespace

bool tenon::writeEngineFile(schema::EngineT &engine,
                            const std::vector<BlobContent> &blobs,
                            const EngineSink &sink) {
  // 1. Place the blobs in the blob area.
  engine.blobs.clear();
  uint64_t areaBytes = 0;
  for (const BlobContent &blob : blobs) {
    uint64_t offset = alignUp(areaBytes, blob.alignment);
    engine.blobs.emplace_back(offset, blob.size, blob.alignment, 0);
    areaBytes = offset + blob.size;
  }

  // 2. Serialize the program. Nothing in it depends on its own size.
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  builder.Finish(schema::Engine::Pack(builder, &engine),
                 schema::EngineIdentifier());
  uint64_t headerBytes = builder.GetSize();

  // 3. Lay the file out. The number of chunks depends on the body's size,
  //    whose padding before the blob area depends on the table's size: grow
  //    the table until it fits.
  uint64_t chunks = 0, bodyOffset = 0, blobsOffset = 0, fileBytes = 0;
  for (uint64_t guess = 1;; guess = chunks) {
    bodyOffset = alignUp(sizeof(EnginePreamble) + guess * 8, 64);
    blobsOffset = alignUp(bodyOffset + headerBytes, kBlobAreaAlignment);
    fileBytes = blobsOffset + areaBytes;
    chunks = (fileBytes - bodyOffset + kChunkBytes - 1) / kChunkBytes;
    if (chunks <= guess)
      break;
  }

  // 4. The body, as a stream.
  static const char zeros[kBlobAreaAlignment] = {};
  auto emitBody = [&](const EngineSink &out) {
    uint64_t at = bodyOffset + headerBytes;
    if (!out(builder.GetBufferPointer(), headerBytes) ||
        !out(zeros, blobsOffset - at))
      return false;
    uint64_t area = 0;
    for (size_t i = 0; i < blobs.size(); ++i) {
      uint64_t offset = engine.blobs[i].offset();
      if (!out(zeros, offset - area) || !out(blobs[i].data, blobs[i].size))
        return false;
      area = offset + blobs[i].size;
    }
    return true;
  };

  std::vector<uint64_t> checksums;
  {
    ChunkHasher hasher(checksums);
    emitBody([&](const void *data, size_t size) {
      hasher.add(data, size);
      return true;
    });
    hasher.flush();
  }

  // 5. Preamble and table, then the body again.
  std::vector<char> table(bodyOffset - sizeof(EnginePreamble), 0);
  std::memcpy(table.data(), checksums.data(), checksums.size() * 8);
  EnginePreamble preamble = {};
  std::memcpy(preamble.magic, kEngineMagic, sizeof(kEngineMagic));
  preamble.formatVersion = kEngineFormatVersion;
  preamble.fileBytes = fileBytes;
  preamble.bodyOffset = bodyOffset;
  preamble.headerBytes = headerBytes;
  preamble.blobsOffset = blobsOffset;
  preamble.tableChecksum = XXH3_64bits(table.data(), table.size());
  preamble.checksum =
      XXH3_64bits(&preamble, offsetof(EnginePreamble, checksum));
  return sink(&preamble, sizeof(preamble)) &&
         sink(table.data(), table.size()) &&
         emitBody([&](const void *data, size_t size) {
           return size == 0 || sink(data, size);
         });
}

std::vector<uint8_t>
tenon::writeEngineToMemory(schema::EngineT &engine,
                           const std::vector<BlobContent> &blobs) {
  std::vector<uint8_t> file;
  writeEngineFile(engine, blobs, [&](const void *data, size_t size) {
    const uint8_t *bytes = static_cast<const uint8_t *>(data);
    file.insert(file.end(), bytes, bytes + size);
    return true;
  });
  return file;
}
