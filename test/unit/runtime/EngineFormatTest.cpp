//===- EngineFormatTest.cpp - The container's bytes -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/schema/EngineFormat.h"
#include "test/unit/runtime/EngineBuilder.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;

static EnginePreamble preambleOf(const std::vector<uint8_t> &file) {
  EnginePreamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  return preamble;
}

TEST(EngineFormat, LayoutIsAsDocumented) {
  EngineBuilder b = addOneEngine();
  b.blobs.push_back(std::vector<char>(100, 'a'));
  b.blobs.push_back(std::vector<char>(5, 'b'));
  std::vector<uint8_t> file = b.file();
  EnginePreamble preamble = preambleOf(file);
  EXPECT_EQ(0, std::memcmp(preamble.magic, "TENON\r\n\x1a", 8));
  EXPECT_EQ(1u, preamble.formatVersion);
  EXPECT_EQ(file.size(), preamble.fileBytes);
  EXPECT_EQ(0u, preamble.bodyOffset % 64);
  EXPECT_EQ(0u, preamble.blobsOffset % 4096);
  ASSERT_EQ(3u, b.engine.blobs.size());
  EXPECT_EQ(0u, b.engine.blobs[0].offset());
  EXPECT_EQ(0u, b.engine.blobs[1].offset() % 64);
  EXPECT_EQ(b.engine.blobs[1].offset() + 128, b.engine.blobs[2].offset());
  EXPECT_EQ('b', file[preamble.blobsOffset + b.engine.blobs[2].offset()]);
  EXPECT_EQ("", loadError(file));
}

TEST(EngineFormat, SameInputsSameBytes) {
  EngineBuilder a = addOneEngine(), b = addOneEngine();
  EXPECT_EQ(a.file(), b.file());
}

TEST(EngineFormat, BlobsOfManyChunks) {
  for (uint64_t size : {kChunkBytes - 1, kChunkBytes, kChunkBytes + 1,
                        5 * kChunkBytes + 12345}) {
    EngineBuilder b = addOneEngine();
    b.blobs.emplace_back(size);
    for (uint64_t i = 0; i < size; i += 97)
      b.blobs.back()[i] = char(i * 31);
    std::vector<uint8_t> file = b.file();
    EXPECT_EQ("", loadError(file));
    // The last byte lies under a checksum, too.
    file.back() ^= 1;
    EXPECT_NE(std::string::npos, loadError(file).find("damaged"));
  }
}

TEST(EngineFormat, TableGrowsBeyondItsFirstGuess) {
  // 40 chunks need more than one 64-byte line of checksums.
  EngineBuilder b = addOneEngine();
  b.blobs.emplace_back(40 * kChunkBytes);
  EXPECT_EQ("", loadError(b.file()));
}

TEST(EngineFormat, SinkMayStop) {
  EngineBuilder b = addOneEngine();
  b.file();
  std::vector<BlobContent> blobs(1);
  blobs[0] = {b.blobs[0].data(), b.blobs[0].size(), 4096};
  size_t room = 100;
  EXPECT_FALSE(writeEngineFile(b.engine, blobs, [&](const void *, size_t size) {
    if (size > room)
      return false;
    room -= size;
    return true;
  }));
}
