//===- Fatbin.h - PTX in what nvcc embeds -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fat binary is a header and entries, each code for one architecture:
//
//   header   u32 0xBA55ED50, u16 version, u16 header bytes, u64 bytes behind it
//   entry    u16 kind (1: PTX, 2: ELF), u16 version, u32 header bytes,
//            u64 payload bytes, u32 compressed bytes, u32 options offset,
//            u16 minor, u16 major, u32 architecture (80), u32 name offset,
//            u32 name bytes, u64 flags, u64 0, u64 uncompressed bytes
//   payload  as it is, LZ4 (flag 0x2000) or zstd (flag 0x8000)
//
// Programs of nvcc pass the address of a wrapper that points to it
// (u32 0x466243B1, u32 version, header *, file name or more).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_FATBIN_H
#define TENON_SIM_DRIVER_FATBIN_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tenon::sim::driver {

inline constexpr uint32_t kFatbinMagic = 0xBA55ED50, kWrapperMagic = 0x466243B1,
                          kElfMagic = 0x464C457F;

/// What was found in an image.
struct FatbinContent {
  enum class Kind : uint8_t {
    Ptx,
    OnlyBinaries, ///< code for real GPUs, or PTX for later ones
    Damaged,
  };
  Kind kind = Kind::Damaged;
  std::string ptx;
  std::string message; ///< why there is no PTX
};

/// The PTX of the highest architecture that is at most `sm`. `size` 0: the
/// header says.
FatbinContent readFatbin(const void *image, size_t size, unsigned sm);

/// Decodes a block of LZ4 (github.com/lz4/lz4, doc/lz4_Block_format.md) to
/// exactly `size` bytes; false if it is damaged.
bool decodeLz4(std::string_view block, size_t size, std::string &text);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_FATBIN_H
