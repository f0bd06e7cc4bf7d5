//===- FatbinTest.cpp - PTX in what nvcc embeds ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Fatbin.h"

#include <cstring>
#include <gtest/gtest.h>
#include <vector>
#include <zstd.h>

using namespace tenon::sim::driver;

namespace {

constexpr uint64_t kLz4 = 0x2000, kZstd = 0x8000;

template <typename T> void append(std::string &bytes, T value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}

/// An entry as nvcc 13 writes it: 64 bytes of header here, 80 there.
std::string entry(uint16_t kind, uint32_t architecture, std::string payload,
                  uint64_t flags = 0, uint64_t uncompressed = 0,
                  uint32_t headerBytes = 64) {
  size_t compressed = payload.size();
  payload.resize((payload.size() + 7) / 8 * 8);
  std::string bytes;
  append(bytes, kind);
  append(bytes, uint16_t(0x101));
  append(bytes, headerBytes);
  append(bytes, uint64_t(payload.size()));
  append(bytes, uint32_t(flags & (kLz4 | kZstd) ? compressed : 0));
  append(bytes, uint32_t(64));
  append(bytes, uint16_t(0));
  append(bytes, uint16_t(9));
  append(bytes, architecture);
  append(bytes, uint32_t(0));
  append(bytes, uint32_t(0));
  append(bytes, uint64_t(0x11 | flags));
  append(bytes, uint64_t(0));
  append(bytes, uncompressed);
  bytes.resize(headerBytes);
  return bytes + payload;
}

std::string fatbin(const std::string &entries) {
  std::string bytes;
  append(bytes, kFatbinMagic);
  append(bytes, uint16_t(1));
  append(bytes, uint16_t(16));
  append(bytes, uint64_t(entries.size()));
  return bytes + entries;
}

FatbinContent read(const std::string &image, unsigned sm = 80) {
  return readFatbin(image.data(), image.size(), sm);
}

const std::string kText = ".version 9.0\n.target sm_80\n.address_size 64\n";

TEST(Fatbin, TakesPlainText) {
  FatbinContent content = read(fatbin(entry(1, 80, kText, 0, 0, 80)));
  ASSERT_EQ(content.kind, FatbinContent::Kind::Ptx);
  EXPECT_EQ(content.ptx, kText);
}

TEST(Fatbin, TakesTheHighestThatTheDeviceRuns) {
  std::string image =
      fatbin(entry(1, 75, "seventy-five") + entry(2, 80, "elf") +
             entry(1, 80, "eighty") + entry(1, 90, "ninety"));
  EXPECT_EQ(read(image, 80).ptx, "eighty");
  EXPECT_EQ(read(image, 89).ptx, "eighty");
  EXPECT_EQ(read(image, 90).ptx, "ninety");
  EXPECT_EQ(read(image, 75).ptx, "seventy-five");
}

TEST(Fatbin, SaysWhatThereIsInstead) {
  FatbinContent content = read(fatbin(entry(2, 86, "x") + entry(1, 90, "y")));
  EXPECT_EQ(content.kind, FatbinContent::Kind::OnlyBinaries);
  EXPECT_EQ(content.message,
            "the fat binary has no PTX that sm_80 can run; it holds machine "
            "code for sm_86, PTX for compute_90; compile with -gencode "
            "arch=compute_80,code=compute_80");
}

TEST(Fatbin, DecompressesZstd) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += kText;
  std::string packed(ZSTD_compressBound(text.size()), 0);
  packed.resize(
      ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  EXPECT_EQ(read(fatbin(entry(1, 80, packed, kZstd, text.size()))).ptx, text);
  EXPECT_EQ(read(fatbin(entry(1, 80, packed, kZstd, text.size() - 1))).kind,
            FatbinContent::Kind::Damaged);
}

// By the format's description: 4 literals, then 8 bytes from 4 back, which
// overlap what they make, then 3 literals.
TEST(Fatbin, DecompressesLz4) {
  std::string block("\x44"
                    "abcd\x04\x00\x30xyz",
                    11);
  std::string text;
  ASSERT_TRUE(decodeLz4(block, 15, text));
  EXPECT_EQ(text, "abcdabcdabcdxyz");
  EXPECT_EQ(read(fatbin(entry(1, 80, block, kLz4, 15))).ptx, text);
}

TEST(Fatbin, DecompressesLongLengthsOfLz4) {
  // 15 + 255 + 30 literals, then 15 + 1 + 4 bytes from 1 back, no literals.
  std::string literals(300, 'q');
  literals[299] = 'z';
  std::string block = std::string("\xff\xff\x1e", 3) + literals +
                      std::string("\x01\x00\x01", 3);
  std::string text;
  ASSERT_TRUE(decodeLz4(block, 320, text));
  EXPECT_EQ(text, literals + std::string(20, 'z'));
}

TEST(Fatbin, RefusesDamagedLz4) {
  std::string text;
  std::string good("\x44"
                   "abcd\x04\x00\x30xyz",
                   11);
  EXPECT_FALSE(decodeLz4(good, 14, text));
  EXPECT_FALSE(decodeLz4(good, 16, text));
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decodeLz4(good.substr(0, size), 15, text)) << size;
  std::string far = good;
  far[5] = 5; // before the beginning
  EXPECT_FALSE(decodeLz4(far, 15, text));
  far[5] = 0;
  EXPECT_FALSE(decodeLz4(far, 15, text));
}

TEST(Fatbin, RefusesDamage) {
  std::string good = fatbin(entry(1, 80, kText));
  EXPECT_EQ(read(good.substr(0, 8)).kind, FatbinContent::Kind::Damaged);
  EXPECT_EQ(read(good.substr(0, good.size() - 1)).kind,
            FatbinContent::Kind::Damaged);
  std::string longer = good;
  longer[16 + 8] = char(0xff); // payload
  EXPECT_EQ(read(longer).kind, FatbinContent::Kind::Damaged);
  std::string tiny = good;
  tiny[16 + 4] = 8; // an entry's header below 64 bytes would never end
  EXPECT_EQ(read(tiny).kind, FatbinContent::Kind::Damaged);
  std::string other = good;
  other[0] = 0;
  EXPECT_EQ(read(other).kind, FatbinContent::Kind::Damaged);
}

} // namespace
