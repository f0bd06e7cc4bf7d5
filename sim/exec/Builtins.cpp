//===- Builtins.cpp - Functions that the driver gives to kernels ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Builtins.h"
#include "sim/exec/MemoryAccess.h"

#include <bit>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::exec;

Builtin tenon::sim::exec::builtinOf(std::string_view function) {
  if (function == "vprintf")
    return Builtin::Vprintf;
  if (function == "__assertfail")
    return Builtin::AssertFail;
  if (function == "malloc")
    return Builtin::Malloc;
  if (function == "free")
    return Builtin::Free;
  return Builtin::None;
}

/// One lane's value of an argument, up to 8 bytes.
static uint64_t valueOf(WarpState &warp, const CallSlot &slot, unsigned lane) {
  uint64_t value = 0;
  const char *from;
  unsigned bytes;
  if (slot.row == kNoRow) {
    from = warp.local.data() + uint64_t(lane) * warp.localBytes +
           warp.frame->localBase + slot.local;
    bytes = std::min(slot.bytes, 8u);
  } else {
    bytes = std::min<unsigned>(slot.width, 8);
    from = warp.row(slot.row) + lane * bytes;
  }
  std::memcpy(&value, from, bytes);
  return value;
}

static void setValue(WarpState &warp, const CallSlot &slot, unsigned lane,
                     uint64_t value) {
  if (slot.row == kNoRow) {
    uint64_t at =
        uint64_t(lane) * warp.localBytes + warp.frame->localBase + slot.local;
    unsigned bytes = std::min(slot.bytes, 8u);
    std::memcpy(warp.local.data() + at, &value, bytes);
    if (!warp.localShadow.empty())
      std::memset(warp.localShadow.data() + at, kWritten, bytes);
  } else {
    unsigned bytes = std::min<unsigned>(slot.width, 8);
    std::memcpy(warp.row(slot.row) + lane * bytes, &value, bytes);
  }
}

/// A string in the thread's memory, of at most 64 KiB.
static bool readString(WarpState &warp, uint64_t address, unsigned lane,
                       std::string &text) {
  for (unsigned i = 0; i < (1u << 16); ++i) {
    char *at = nullptr;
    if (!resolveOne(warp, address + i, lane, 1, Space::Generic,
                    AccessKind::UsedRead, at))
      return false;
    if (!*at)
      return true;
    text += *at;
  }
  return true;
}

namespace {
/// One conversion of a format: `%-8.3llx`.
struct Conversion {
  std::string flags;
  char kind = 0;
  size_t length = 0; ///< of its text
};
} // namespace

static Conversion parseConversion(std::string_view text) {
  Conversion conversion;
  size_t at = 1;
  while (at < text.size() && std::strchr("-+ #0", text[at]))
    conversion.flags += text[at++];
  while (at < text.size() && (std::isdigit(uint8_t(text[at])) ||
                              text[at] == '.' || text[at] == '*'))
    conversion.flags += text[at++];
  while (at < text.size() && std::strchr("hlLjzt", text[at]))
    ++at;
  if (at < text.size())
    conversion.kind = text[at++];
  conversion.length = at;
  return conversion;
}

/// The programming guide's printf: arguments lie in a buffer, each aligned to
/// its size (integers 4 or 8 by the length modifier, doubles and pointers 8).
static bool format(WarpState &warp, unsigned lane, const std::string &text,
                   uint64_t arguments, std::string &result) {
  uint64_t offset = 0;
  auto next = [&](unsigned bytes, uint64_t &value) {
    offset = (offset + bytes - 1) / bytes * bytes;
    char *at = nullptr;
    if (!resolveOne(warp, arguments + offset, lane, bytes, Space::Generic,
                    AccessKind::UsedRead, at))
      return false;
    value = 0;
    std::memcpy(&value, at, bytes);
    offset += bytes;
    return true;
  };
  auto append = [&](const std::string &spec, auto value) {
    char buffer[512];
    std::snprintf(buffer, sizeof buffer, spec.c_str(), value);
    result += buffer;
  };
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '%') {
      result += text[i++];
      continue;
    }
    Conversion c = parseConversion(std::string_view(text).substr(i));
    std::string_view whole = std::string_view(text).substr(i, c.length);
    i += c.length;
    bool wide = whole.find('l') != whole.npos ||
                whole.find('j') != whole.npos ||
                whole.find('z') != whole.npos || whole.find('t') != whole.npos;
    // Widths given as arguments come first.
    std::string flags;
    uint64_t value = 0;
    for (char f : c.flags) {
      if (f != '*') {
        flags += f;
        continue;
      }
      if (!next(4, value))
        return false;
      flags += std::to_string(int32_t(value));
    }
    switch (c.kind) {
    case '%':
      result += '%';
      break;
    case 'd':
    case 'i':
      if (!next(wide ? 8 : 4, value))
        return false;
      append("%" + flags + "lld",
             wide ? (long long)(value) : (long long)(int32_t(value)));
      break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      if (!next(wide ? 8 : 4, value))
        return false;
      append("%" + flags + "ll" + c.kind, (unsigned long long)(value));
      break;
    case 'c':
      if (!next(4, value))
        return false;
      append("%" + flags + "c", int(value));
      break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
      if (!next(8, value))
        return false;
      append("%" + flags + c.kind, std::bit_cast<double>(value));
      break;
    case 'p':
      if (!next(8, value))
        return false;
      append("%" + flags + "p",
             reinterpret_cast<void *>(static_cast<uintptr_t>(value)));
      break;
    case 's': {
      if (!next(8, value))
        return false;
      std::string string;
      if (!readString(warp, value, lane, string))
        return false;
      append("%" + flags + "s", string.c_str());
      break;
    }
    default:
      result += whole;
    }
  }
  return true;
}

Step tenon::sim::exec::callBuiltin(WarpState &warp, Builtin builtin,
                                   const CallSite &site, uint32_t lanes) {
  Grid &grid = warp.block->grid;
  auto argument = [&](size_t i, unsigned lane) {
    return i < site.arguments.size() ? valueOf(warp, site.arguments[i], lane)
                                     : 0;
  };
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t result = 0;
    switch (builtin) {
    case Builtin::None:
      break;
    case Builtin::Vprintf: {
      std::string text, printed;
      if (!readString(warp, argument(0, lane), lane, text) ||
          !format(warp, lane, text, argument(1, lane), printed))
        return Step::Fault;
      result = printed.size();
      grid.print(std::move(printed));
      break;
    }
    case Builtin::AssertFail: {
      // message, file, line, function, size of a character
      std::string message, file, function;
      if (!readString(warp, argument(0, lane), lane, message) ||
          !readString(warp, argument(1, lane), lane, file) ||
          !readString(warp, argument(3, lane), lane, function))
        return Step::Fault;
      return fault(warp, Fault::Assert, 0, 1u << lane,
                   "assertion `" + message + "` failed",
                   file + ":" + std::to_string(uint32_t(argument(2, lane))) +
                       ": " + function);
    }
    case Builtin::Malloc: {
      auto made = grid.memory.allocate(argument(0, lane), 16);
      result = made ? made->address : 0;
      break;
    }
    case Builtin::Free: {
      uint64_t address = argument(0, lane);
      if (address && !grid.memory.release(address))
        return faultAt(warp, Fault::IllegalAddress, CheckBounds, 1u << lane,
                       address, "free of what malloc did not return",
                       describeAddress(warp, address));
      break;
    }
    }
    if (!site.results.empty())
      setValue(warp, site.results[0], lane, result);
  }
  return Step::Next;
}
