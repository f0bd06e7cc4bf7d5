//===- Fatbin.cpp - PTX in what nvcc embeds -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/sim/driver/FatbinTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Fatbin.h"

#include <algorithm>
#include <cstring>
#include <zstd.h>

using namespace tenon::sim::driver;

namespace {

struct Header {
  uint32_t magic;
  uint16_t version, headerBytes;
  uint64_t bytes;
};
static_assert(sizeof(Header) == 16);

struct Entry {
  uint16_t kind, version;
  uint32_t headerBytes;
  uint64_t payloadBytes;
  uint32_t compressedBytes, optionsOffset;
  uint16_t minor, major;
  uint32_t architecture, nameOffset, nameBytes;
  uint64_t flags, zero, uncompressedBytes;
};
static_assert(sizeof(Entry) == 64);

constexpr uint16_t kPtx = 1, kElf = 2;
constexpr uint64_t kLz4 = 0x2000, kZstd = 0x8000;
/// More PTX than anybody writes: a damaged size does not take the memory.
constexpr uint64_t kMostPtx = uint64_t(1) << 30;

bool unpack(const Entry &entry, std::string_view payload, std::string &ptx) {
  if (!(entry.flags & (kLz4 | kZstd))) {
    ptx = payload;
    return true;
  }
  if (entry.compressedBytes > payload.size() ||
      entry.uncompressedBytes > kMostPtx)
    return false;
  payload = payload.substr(0, entry.compressedBytes);
  if (entry.flags & kLz4)
    return decodeLz4(payload, entry.uncompressedBytes, ptx);
  ptx.resize(entry.uncompressedBytes);
  return ZSTD_decompress(ptx.data(), ptx.size(), payload.data(),
                         payload.size()) == ptx.size();
}

} // namespace

bool tenon::sim::driver::decodeLz4(std::string_view block, size_t size,
                                   std::string &text) {
  text.clear();
  text.reserve(size);
  size_t at = 0;
  // A length of 15 goes on in bytes until one is below 255.
  auto readLength = [&](size_t nibble) -> size_t {
    size_t length = nibble;
    if (nibble != 15)
      return length;
    for (uint8_t byte = 255; byte == 255 && at < block.size();)
      length += byte = uint8_t(block[at++]);
    return length;
  };
  while (at < block.size()) {
    uint8_t token = uint8_t(block[at++]);
    size_t literals = readLength(token >> 4);
    if (literals > block.size() - at || literals > size - text.size())
      return false;
    text.append(block, at, literals);
    at += literals;
    if (at == block.size())
      break; // the last sequence has no match
    if (block.size() - at < 2)
      return false;
    size_t distance =
        size_t(uint8_t(block[at])) | size_t(uint8_t(block[at + 1])) << 8;
    at += 2;
    size_t length = readLength(token & 15) + 4;
    if (distance == 0 || distance > text.size() || length > size - text.size())
      return false;
    // Byte by byte: a match may overlap what it produces.
    for (size_t from = text.size() - distance; length; --length)
      text.push_back(text[from++]);
  }
  return text.size() == size;
}

FatbinContent tenon::sim::driver::readFatbin(const void *image, size_t size,
                                             unsigned sm) {
  FatbinContent content;
  const char *bytes = static_cast<const char *>(image);
  Header header;
  auto damaged = [&](const char *what) {
    content.kind = FatbinContent::Kind::Damaged;
    content.message = std::string("damaged fat binary: ") + what;
    return content;
  };
  if (size != 0 && size < sizeof header)
    return damaged("shorter than its header");
  std::memcpy(&header, bytes, sizeof header);
  if (header.magic != kFatbinMagic || header.headerBytes < sizeof header)
    return damaged("no header");
  if (size != 0 &&
      (header.headerBytes > size || header.bytes > size - header.headerBytes))
    return damaged("longer than the image");

  std::string_view rest(bytes + header.headerBytes, header.bytes);
  uint32_t best = 0;
  std::string seen;
  while (rest.size() >= sizeof(Entry)) {
    Entry entry;
    std::memcpy(&entry, rest.data(), sizeof entry);
    if (entry.headerBytes < sizeof entry || entry.headerBytes > rest.size() ||
        entry.payloadBytes > rest.size() - entry.headerBytes)
      return damaged("an entry is longer than the rest");
    std::string_view payload =
        rest.substr(entry.headerBytes, entry.payloadBytes);
    rest.remove_prefix(entry.headerBytes + entry.payloadBytes);
    if (entry.kind == kPtx && entry.architecture <= sm &&
        entry.architecture >= best) {
      if (!unpack(entry, payload, content.ptx))
        return damaged("PTX cannot be decompressed");
      // The text ends at the first zero; the rest is padding.
      content.ptx.resize(std::min(content.ptx.find('\0'), content.ptx.size()));
      best = entry.architecture;
      content.kind = FatbinContent::Kind::Ptx;
    }
    seen += (seen.empty() ? "" : ", ") +
            std::string(entry.kind == kPtx   ? "PTX for compute_"
                        : entry.kind == kElf ? "machine code for sm_"
                                             : "something else for sm_") +
            std::to_string(entry.architecture);
  }
  if (content.kind != FatbinContent::Kind::Ptx) {
    content.kind = FatbinContent::Kind::OnlyBinaries;
    content.message = "the fat binary has no PTX that sm_" +
                      std::to_string(sm) + " can run; it holds " +
                      (seen.empty() ? "nothing" : seen) +
                      "; compile with -gencode arch=compute_80,code=compute_80";
  }
  return content;
}
