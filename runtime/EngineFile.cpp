//===- EngineFile.cpp - An engine file in memory --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/EngineFile.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace tenon;
using namespace tenon::runtime;

EngineFile::~EngineFile() {
  if (mapping)
    munmap(mapping, bytes);
}

Status EngineFile::openPath(const char *path) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(TENON_IO_ERROR, "cannot open it: %s", std::strerror(errno));
  Status status = openDescriptor(descriptor);
  close(descriptor);
  return status;
}

Status EngineFile::openDescriptor(int descriptor) {
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return fail(TENON_IO_ERROR, "cannot read it: %s", std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail(TENON_IO_ERROR, "%s",
                S_ISDIR(info.st_mode) ? "it is a folder, expected a file"
                                      : "not a regular file");
  bytes = uint64_t(info.st_size);
  if (bytes == 0)
    return fail(TENON_INVALID_ENGINE, "the file is empty");
  void *memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED) {
    bytes = 0;
    return fail(TENON_IO_ERROR, "cannot map it: %s", std::strerror(errno));
  }
  mapping = memory;
  data = static_cast<const char *>(memory);
  return {};
}

Status EngineFile::openMemory(const void *memory, size_t size, bool copy) {
  if (!memory || size == 0)
    return fail(TENON_INVALID_ENGINE, "the engine has no bytes");
  if (copy) {
    if (!copied.allocate(size))
      return fail(TENON_OUT_OF_MEMORY, "no memory for %zu bytes", size);
    std::memcpy(copied.data(), memory, size);
    memory = copied.data();
  } else if (reinterpret_cast<uintptr_t>(memory) % 64) {
    return fail(TENON_INVALID_ARGUMENT,
                "engine memory at %p is not aligned to 64 bytes: align it, or "
                "let it be copied",
                memory);
  }
  data = static_cast<const char *>(memory);
  bytes = size;
  return {};
}

/// Says what a file that is no engine seems to be.
Status EngineFile::recognize() const {
  auto startsWith = [&](const char *text, size_t at = 0) {
    size_t length = std::strlen(text);
    return bytes >= at + length && std::memcmp(data + at, text, length) == 0;
  };
  auto byte = [&](size_t i) { return i < bytes ? uint8_t(data[i]) : 0; };

  // ModelProto: field 1 (ir_version), then nearly always producer name (2),
  // opset (8), graph (7) or domain (4).
  if (byte(0) == 0x08 && byte(1) >= 1 && byte(1) <= 30 &&
      (byte(2) == 0x12 || byte(2) == 0x3a || byte(2) == 0x42 ||
       byte(2) == 0x22 || byte(2) == 0x1a))
    return fail(TENON_INVALID_ENGINE,
                "this is an ONNX model: run tenonc first");
  if (startsWith("ftrt") || startsWith("ptrt"))
    return fail(TENON_INVALID_ENGINE,
                "this is a TensorRT plan: recompile from ONNX");
  const char *what = nullptr;
  if (startsWith("PK\x03\x04"))
    what = "a zip archive (.npz, .pt or other)";
  else if (startsWith("\x93NUMPY"))
    what = "a NumPy array";
  else if (startsWith("\x7f"
                      "ELF"))
    what = "a program or shared library";
  else if (startsWith("ORTM", 4))
    what = "an onnxruntime model";
  else if (startsWith("TFL3", 4))
    what = "a TensorFlow Lite model";
  else if (startsWith("version https://git-lfs"))
    what = "a Git LFS pointer: fetch the file itself";
  else if (startsWith("TENON"))
    what = "an engine damaged at its very start (a transfer in text mode?)";
  if (what)
    return fail(TENON_INVALID_ENGINE, "not an engine file: this is %s", what);
  return fail(TENON_INVALID_ENGINE,
              "not an engine file: it does not start with the mark TENON");
}

Status EngineFile::checkPreamble() {
  size_t known = std::min<uint64_t>(bytes, sizeof(kEngineMagic));
  if (std::memcmp(data, kEngineMagic, known) != 0)
    return recognize();
  if (bytes < sizeof(preamble))
    return fail(TENON_INVALID_ENGINE,
                "truncated: %" PRIu64 " bytes, too few for the start of an "
                "engine",
                bytes);
  std::memcpy(&preamble, data, sizeof(preamble));
  bool intact = preamble.checksum ==
                XXH3_64bits(data, offsetof(EnginePreamble, checksum));
  if (preamble.formatVersion != kEngineFormatVersion)
    return fail(intact ? TENON_UNSUPPORTED : TENON_INVALID_ENGINE,
                "%sformat version %u, this runtime (%s) reads version %u: "
                "%s",
                intact ? "" : "damaged, or ", preamble.formatVersion,
                tenon_version(), kEngineFormatVersion,
                preamble.formatVersion > kEngineFormatVersion
                    ? "use a newer runtime, or recompile from ONNX"
                    : "recompile from ONNX");
  if (!intact)
    return fail(TENON_INVALID_ENGINE,
                "damaged: the checksum of bytes 0 to 63 does not match");
  if (bytes < preamble.fileBytes)
    return fail(TENON_INVALID_ENGINE,
                "truncated: %" PRIu64 " bytes of %" PRIu64 " are there", bytes,
                preamble.fileBytes);
  if (bytes > preamble.fileBytes)
    return fail(TENON_INVALID_ENGINE,
                "damaged: %" PRIu64 " bytes, expected %" PRIu64, bytes,
                preamble.fileBytes);

  // From here on a fault is not an accident, as the checksum holds.
  uint64_t body = preamble.bodyOffset, header = preamble.headerBytes;
  uint64_t blobs = preamble.blobsOffset;
  if (preamble.reserved != 0 || body < sizeof(preamble) || body % 64 ||
      body > bytes || header > bytes - body || blobs < body + header ||
      blobs > bytes || blobs % kBlobAreaAlignment)
    return fail(TENON_INVALID_ENGINE,
                "preamble: the offsets of its parts are impossible");
  uint64_t chunks = (bytes - body + kChunkBytes - 1) / kChunkBytes;
  if ((body - sizeof(preamble)) / 8 < chunks)
    return fail(TENON_INVALID_ENGINE,
                "preamble: %" PRIu64 " bytes of checksums are too few for "
                "%" PRIu64 " chunks",
                body - sizeof(preamble), chunks);
  if (preamble.tableChecksum !=
      XXH3_64bits(data + sizeof(preamble), body - sizeof(preamble)))
    return fail(TENON_INVALID_ENGINE,
                "damaged: the checksum of bytes 64 to %" PRIu64
                " does not match",
                body - 1);
  checked.assign(chunks, 0);
  return {};
}

namespace {
struct ChunkCheck {
  const char *data;
  uint64_t bytes;
  uint64_t bodyOffset;
  uint64_t first;
  bool populate;
  uint8_t *checked;
  std::atomic<uint64_t> worst; // lowest damaged chunk
};
} // namespace

static void checkChunk(ChunkCheck &check, uint64_t chunk) {
  if (check.checked[chunk])
    return;
  uint64_t begin = check.bodyOffset + chunk * kChunkBytes;
  uint64_t size = std::min(kChunkBytes, check.bytes - begin);
  if (check.populate) {
    // One call instead of a page fault for each 64 KiB; MADV_POPULATE_READ
    // (Linux 5.14), whose failure costs nothing but time.
    const int populateRead = 22;
    uint64_t page = (reinterpret_cast<uint64_t>(check.data) + begin) & ~4095ull;
    madvise(reinterpret_cast<void *>(page),
            reinterpret_cast<uint64_t>(check.data) + begin + size - page,
            populateRead);
  }
  uint64_t expected;
  std::memcpy(&expected, check.data + sizeof(EnginePreamble) + chunk * 8, 8);
  if (XXH3_64bits(check.data + begin, size) == expected) {
    check.checked[chunk] = 1;
    return;
  }
  uint64_t worst = check.worst.load();
  while (chunk < worst && !check.worst.compare_exchange_weak(worst, chunk)) {
  }
}

/// Checks the chunks that overlap bytes [first, end) of the body.
Status EngineFile::checkChunks(uint64_t first, uint64_t end, ThreadPool &pool) {
  if (first >= end)
    return {};
  uint64_t firstChunk = first / kChunkBytes;
  uint64_t endChunk = (end + kChunkBytes - 1) / kChunkBytes;
  ChunkCheck check = {data,
                      bytes,
                      preamble.bodyOffset,
                      firstChunk,
                      mapping != nullptr,
                      checked.data(),
                      {UINT64_MAX}};
  pool.parallelFor(
      int64_t(endChunk - firstChunk), 1,
      [](void *argument, int64_t begin, int64_t end, int) {
        ChunkCheck &check = *static_cast<ChunkCheck *>(argument);
        for (int64_t i = begin; i < end; ++i)
          checkChunk(check, check.first + uint64_t(i));
      },
      &check);
  uint64_t worst = check.worst.load();
  if (worst == UINT64_MAX)
    return {};
  uint64_t begin = preamble.bodyOffset + worst * kChunkBytes;
  return fail(TENON_INVALID_ENGINE,
              "damaged: the checksum of bytes %" PRIu64 " to %" PRIu64
              " does not match",
              begin, std::min(bytes, begin + kChunkBytes) - 1);
}

/// The FlatBuffers verifier checks that scalars in tables are aligned, but not
/// the elements of vectors wider than their length field.
static bool vectorsAreAligned(const schema::Engine &engine) {
  auto aligned = [](const auto *vector) {
    return !vector || reinterpret_cast<uintptr_t>(vector->Data()) % 8 == 0;
  };
  auto each = [](const auto *vector, auto check) {
    for (uint32_t i = 0; vector && i < vector->size(); ++i)
      if (!check(*vector->Get(i)))
        return false;
    return true;
  };
  return aligned(engine.blobs()) &&
         each(engine.exprs(),
              [&](const schema::Expr &expr) { return aligned(expr.ops()); }) &&
         each(engine.profiles(),
              [&](const schema::Profile &profile) {
                return each(
                    profile.shapes(), [&](const schema::ProfileShape &shape) {
                      return aligned(shape.min()) && aligned(shape.opt()) &&
                             aligned(shape.max());
                    });
              }) &&
         each(engine.variants(), [&](const schema::Variant &variant) {
           return each(variant.constants(),
                       [&](const schema::Constant &constant) {
                         return aligned(constant.dims());
                       });
         });
}

Status EngineFile::verify(ThreadPool &pool, uint64_t lazyBytes) {
  TENON_TRY(checkPreamble());
  uint64_t body = bytes - preamble.bodyOffset;
  TENON_TRY(
      checkChunks(0, bytes > lazyBytes ? preamble.headerBytes : body, pool));

  const uint8_t *header =
      reinterpret_cast<const uint8_t *>(data + preamble.bodyOffset);
  flatbuffers::Verifier verifier(header, preamble.headerBytes, 64, 8000000);
  if (preamble.headerBytes < 16 || !schema::VerifyEngineBuffer(verifier))
    return fail(TENON_INVALID_ENGINE,
                "the program is not a well-formed FlatBuffer");
  root = schema::GetEngine(header);
  if (!vectorsAreAligned(*root))
    return fail(TENON_INVALID_ENGINE,
                "the program is not a well-formed FlatBuffer: a list is not "
                "aligned");

  uint64_t area = bytes - preamble.blobsOffset;
  for (uint32_t i = 0; i < blobCount(); ++i) {
    const schema::Blob &blob = *root->blobs()->Get(i);
    if (blob.offset() > area || blob.size() > area - blob.offset())
      return fail(TENON_INVALID_ENGINE,
                  "blobs[%u]: bytes %" PRIu64 " + %" PRIu64
                  " are past the end of the blob area (%" PRIu64 " bytes)",
                  i, blob.offset(), blob.size(), area);
    if (blob.offset() % 64)
      return fail(TENON_INVALID_ENGINE,
                  "blobs[%u]: offset %" PRIu64 " is not a multiple of 64", i,
                  blob.offset());
  }
  return {};
}

Status EngineFile::verifyBlob(uint32_t index, ThreadPool &pool) {
  const schema::Blob &blob = *root->blobs()->Get(index);
  uint64_t begin = preamble.blobsOffset + blob.offset() - preamble.bodyOffset;
  return checkChunks(begin, begin + blob.size(), pool);
}

const char *EngineFile::blob(uint32_t index) const {
  return data + preamble.blobsOffset + root->blobs()->Get(index)->offset();
}

uint64_t EngineFile::blobBytes(uint32_t index) const {
  return root->blobs()->Get(index)->size();
}

uint32_t EngineFile::blobCount() const {
  return root->blobs() ? root->blobs()->size() : 0;
}
