//===- EngineFileTest.cpp - Files that are no engines, or others' ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/EngineFile.h"
#include "test/unit/runtime/EngineBuilder.h"

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace tenon;
using namespace tenon::test;

static std::string loadText(const std::string &text) {
  return loadError(std::vector<uint8_t>(text.begin(), text.end()));
}

/// Changes the preamble and makes its checksum right again.
template <typename Change> static std::string loadWithPreamble(Change change) {
  std::vector<uint8_t> file = addOneEngine().file();
  EnginePreamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  change(preamble);
  preamble.checksum =
      XXH3_64bits(&preamble, offsetof(EnginePreamble, checksum));
  std::memcpy(file.data(), &preamble, sizeof(preamble));
  return loadError(file);
}

TEST(EngineFile, SwappedFilesAreRecognized) {
  EXPECT_EQ("this is an ONNX model: run tenonc first",
            loadText(std::string("\x08\x08\x12\x07pytorch\x1a", 12)));
  EXPECT_EQ("this is a TensorRT plan: recompile from ONNX",
            loadText("ftrt1234567890"));
  EXPECT_EQ("not an engine file: this is a zip archive (.npz, .pt or other)",
            loadText("PK\x03\x04rest"));
  EXPECT_EQ("not an engine file: this is a NumPy array",
            loadText("\x93NUMPY\x01"));
  EXPECT_EQ("not an engine file: this is a program or shared library",
            loadText("\x7f"
                     "ELF\x02"));
  EXPECT_EQ("not an engine file: this is an onnxruntime model",
            loadText("xxxxORTM"));
  EXPECT_EQ("not an engine file: this is a TensorFlow Lite model",
            loadText("xxxxTFL3"));
  EXPECT_EQ("not an engine file: this is a Git LFS pointer: fetch the file "
            "itself",
            loadText("version https://git-lfs.github.com/spec/v1\n"));
  EXPECT_EQ("not an engine file: this is an engine damaged at its very start "
            "(a transfer in text mode?)",
            loadText("TENON\n\x1a and so on"));
  EXPECT_EQ("not an engine file: it does not start with the mark TENON",
            loadText("hello"));
}

TEST(EngineFile, OtherVersions) {
  EXPECT_EQ("format version 2, this runtime (0.1.0) reads version 1: use a "
            "newer runtime, or recompile from ONNX",
            loadWithPreamble([](EnginePreamble &p) { p.formatVersion = 2; }));
  EXPECT_EQ("format version 0, this runtime (0.1.0) reads version 1: "
            "recompile from ONNX",
            loadWithPreamble([](EnginePreamble &p) { p.formatVersion = 0; }));
}

TEST(EngineFile, ImpossiblePreambles) {
  std::string impossible = "preamble: the offsets of its parts are impossible";
  EXPECT_EQ(impossible, loadWithPreamble([](EnginePreamble &p) {
              p.bodyOffset = UINT64_MAX - 63;
            }));
  EXPECT_EQ(impossible, loadWithPreamble([](EnginePreamble &p) {
              p.headerBytes = UINT64_MAX;
            }));
  EXPECT_EQ(impossible,
            loadWithPreamble([](EnginePreamble &p) { p.blobsOffset += 64; }));
  EXPECT_EQ(impossible, loadWithPreamble([](EnginePreamble &p) {
              p.blobsOffset = uint64_t(1) << 40;
            }));
  EXPECT_EQ(impossible,
            loadWithPreamble([](EnginePreamble &p) { p.reserved = 1; }));
  EXPECT_EQ("preamble: 0 bytes of checksums are too few for 1 chunks",
            loadWithPreamble([](EnginePreamble &p) { p.bodyOffset = 64; }));
}

TEST(EngineFile, BlobsOutsideOfTheFile) {
  EngineBuilder b = addOneEngine();
  b.file();
  auto load = [&](uint64_t offset, uint64_t size) {
    // As writeEngineFile does, but with one blob misplaced.
    EngineBuilder copy = addOneEngine();
    copy.blobs.push_back(std::vector<char>(64));
    std::vector<uint8_t> file = copy.file();
    schema::Blob wrong(offset, size, 64, 0);
    schema::Blob right = copy.engine.blobs[1];
    auto *found = static_cast<uint8_t *>(
        memmem(file.data(), file.size(), &right, sizeof(right)));
    if (!found)
      return std::string("not found");
    std::memcpy(found, &wrong, sizeof(wrong));
    // Make the checksums right again: one chunk, one table, one preamble.
    EnginePreamble preamble;
    std::memcpy(&preamble, file.data(), sizeof(preamble));
    uint64_t chunk = XXH3_64bits(file.data() + preamble.bodyOffset,
                                 file.size() - preamble.bodyOffset);
    std::memcpy(&file[64], &chunk, 8);
    preamble.tableChecksum = XXH3_64bits(&file[64], preamble.bodyOffset - 64);
    preamble.checksum =
        XXH3_64bits(&preamble, offsetof(EnginePreamble, checksum));
    std::memcpy(file.data(), &preamble, sizeof(preamble));
    return loadError(file);
  };
  EXPECT_NE(std::string::npos, load(0, uint64_t(1) << 40).find("past the end"));
  EXPECT_NE(std::string::npos, load(UINT64_MAX - 63, 128).find("past the end"));
  EXPECT_EQ("blobs[1]: offset 32 is not a multiple of 64", load(32, 8));
}

TEST(EngineFile, FilesDescriptorsAndFolders) {
  std::string path = testing::TempDir() + "tenon-engine-file-test.tenon";
  std::vector<uint8_t> bytes = addOneEngine().file();
  std::FILE *file = std::fopen(path.c_str(), "wb");
  ASSERT_TRUE(file);
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
  TenonEngine *engine;
  TenonError error;
  EXPECT_EQ(TENON_OK,
            tenon_engine_load_file(path.c_str(), nullptr, &engine, &error));
  tenon_engine_destroy(engine);
  int descriptor = open(path.c_str(), O_RDONLY);
  EXPECT_EQ(TENON_OK,
            tenon_engine_load_descriptor(descriptor, nullptr, &engine, &error));
  close(descriptor);
  tenon_engine_destroy(engine);
  std::remove(path.c_str());

  EXPECT_EQ(TENON_IO_ERROR,
            tenon_engine_load_file(path.c_str(), nullptr, &engine, &error));
  EXPECT_EQ(nullptr, engine);
  EXPECT_EQ(path + ": cannot open it: No such file or directory",
            error.message);
  EXPECT_EQ(TENON_IO_ERROR,
            tenon_engine_load_file("/", nullptr, &engine, &error));
  EXPECT_STREQ("/: it is a folder, expected a file", error.message);
  EXPECT_EQ(TENON_INVALID_ENGINE,
            tenon_engine_load_memory("", 0, 1, nullptr, &engine, &error));
}

TEST(EngineFile, MemoryMayBeBorrowed) {
  std::vector<uint8_t> bytes = addOneEngine().file();
  void *memory = nullptr;
  ASSERT_EQ(0, posix_memalign(&memory, 64, bytes.size() + 1));
  std::memcpy(memory, bytes.data(), bytes.size());
  TenonEngine *engine;
  TenonError error;
  EXPECT_EQ(TENON_OK, tenon_engine_load_memory(memory, bytes.size(), 0, nullptr,
                                               &engine, &error));
  tenon_engine_destroy(engine);
  EXPECT_EQ(TENON_INVALID_ARGUMENT,
            tenon_engine_load_memory(static_cast<char *>(memory) + 1,
                                     bytes.size(), 0, nullptr, &engine,
                                     &error));
  free(memory);
}

TEST(EngineFile, LargeFilesAreCheckedWhereTheyAreUsed) {
  EngineBuilder b = addOneEngine();
  // Larger than the chunks that have checksums.
  for (char content : {'a', 'b'})
    b.blobs.emplace_back(size_t(9) << 20, content);
  std::vector<uint8_t> bytes = b.file();
  bytes[bytes.size() - 100] ^= 1; // in the last blob
  runtime::ThreadPool pool(2);
  runtime::EngineFile whole, lazy;
  ASSERT_FALSE(whole.openMemory(bytes.data(), bytes.size(), true).failed());
  EXPECT_TRUE(whole.verify(pool).failed());
  ASSERT_FALSE(lazy.openMemory(bytes.data(), bytes.size(), true).failed());
  ASSERT_FALSE(lazy.verify(pool, /*lazyBytes=*/bytes.size() - 1).failed());
  EXPECT_FALSE(lazy.verifyBlob(0, pool).failed());
  EXPECT_FALSE(lazy.verifyBlob(1, pool).failed());
  runtime::Status damaged = lazy.verifyBlob(2, pool);
  EXPECT_NE(damaged.message().find("damaged: the checksum of bytes"),
            std::string::npos);
}
