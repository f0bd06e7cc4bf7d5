//===- Arrays.cpp - NumPy's .npy and .npz files ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Arrays.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <zip.h>

using namespace tenon::tools;

std::string tenon::tools::shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : "x") + std::to_string(size);
  return text.empty() ? "scalar" : text;
}

Problem tenon::tools::readFile(const std::string &path,
                               std::vector<char> &bytes) {
  std::FILE *file = std::fopen(path.c_str(), "rb");
  if (!file)
    return path + ": cannot open it: " + std::strerror(errno);
  bytes.clear();
  char block[1 << 16];
  size_t count;
  while ((count = std::fread(block, 1, sizeof(block), file)) > 0)
    bytes.insert(bytes.end(), block, block + count);
  bool failed = std::ferror(file) != 0;
  std::fclose(file);
  return failed ? path + ": cannot read it: " + std::strerror(errno) : "";
}

/// The text after `'key':` in a header such as
/// {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }
static std::string headerField(const std::string &header,
                               const std::string &key) {
  size_t at = header.find("'" + key + "'");
  if (at == std::string::npos)
    return "";
  at = header.find(':', at);
  if (at == std::string::npos)
    return "";
  at = header.find_first_not_of(' ', at + 1);
  return at == std::string::npos ? "" : header.substr(at);
}

static bool parseShape(const std::string &text, std::vector<int64_t> &shape) {
  if (text.empty() || text[0] != '(')
    return false;
  const char *at = text.c_str() + 1;
  while (*at && *at != ')') {
    if (*at == ' ' || *at == ',' || *at == 'L') {
      ++at;
      continue;
    }
    char *end;
    errno = 0;
    long long size = std::strtoll(at, &end, 10);
    if (end == at || size < 0 || errno)
      return false;
    shape.push_back(size);
    at = end;
  }
  return *at == ')';
}

static void swapBytes(std::vector<char> &data, size_t width) {
  for (size_t i = 0; i + width <= data.size(); i += width)
    std::reverse(data.begin() + long(i), data.begin() + long(i + width));
}

/// First dimension fastest => last dimension fastest.
static void transpose(Array &array, size_t width) {
  std::vector<char> source = std::move(array.data);
  array.data.resize(source.size());
  size_t rank = array.shape.size();
  std::vector<int64_t> index(rank, 0), stride(rank, 1);
  for (size_t d = 1; d < rank; ++d)
    stride[d] = stride[d - 1] * array.shape[d - 1];
  for (size_t i = 0; i < source.size() / width; ++i) {
    int64_t from = 0;
    for (size_t d = 0; d < rank; ++d)
      from += index[d] * stride[d];
    std::memcpy(&array.data[i * width], &source[size_t(from) * width], width);
    for (size_t d = rank; d-- > 0;) {
      if (++index[d] < array.shape[d])
        break;
      index[d] = 0;
    }
  }
}

Problem tenon::tools::parseNpy(const std::string &name,
                               const std::vector<char> &bytes, Array &array) {
  auto byte = [&](size_t i) { return size_t(uint8_t(bytes[i])); };
  if (bytes.size() < 12 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0)
    return name + ": not a NumPy array";
  bool wide = byte(6) >= 2;
  size_t start = wide ? 12 : 10;
  size_t length = byte(8) | byte(9) << 8;
  if (wide)
    length |= byte(10) << 16 | byte(11) << 24;
  if (length > bytes.size() - start)
    return name + ": the array's header is cut off";
  std::string header(bytes.data() + start, length);

  std::string type = headerField(header, "descr");
  if (type.empty() || type[0] != '\'')
    return name + ": arrays with named fields are not supported";
  type = type.substr(1, type.find('\'', 1) - 1);
  if (type.size() < 3)
    return name + ": unknown element type '" + type + "'";
  char order = type[0];
  array.type = type.substr(1);
  if (!std::strchr("fiubcV", array.type[0]))
    return name + ": elements of type '" + type +
           "' (strings or objects) are not supported";
  long long width = std::atoll(array.type.c_str() + 1);
  array.shape.clear();
  if (width < 1 || width > 16 ||
      !parseShape(headerField(header, "shape"), array.shape))
    return name + ": the array's header is damaged";

  size_t there = bytes.size() - start - length;
  unsigned long long needed = (unsigned long long)width;
  bool empty = std::count(array.shape.begin(), array.shape.end(), 0) > 0;
  for (int64_t size : array.shape)
    if (!empty &&
        __builtin_mul_overflow(needed, (unsigned long long)size, &needed))
      return name + ": the array's shape is impossible";
  if (empty)
    needed = 0;
  if (needed > there)
    return name + ": shape " + shapeText(array.shape) + " needs " +
           std::to_string(needed) + " bytes, " + std::to_string(there) +
           " are there";
  const char *data = bytes.data() + start + length;
  array.data.assign(data, data + needed);
  if (order == '>')
    swapBytes(array.data, size_t(array.type[0] == 'c' ? width / 2 : width));
  if (headerField(header, "fortran_order").compare(0, 4, "True") == 0 &&
      array.shape.size() > 1)
    transpose(array, size_t(width));
  return "";
}

Problem tenon::tools::readNpz(const std::string &path,
                              std::map<std::string, Array> &arrays) {
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return path + ": cannot read it as .npz: " + text;
  }
  Problem problem;
  zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count && problem.empty(); ++i) {
    zip_stat_t info;
    zip_file_t *entry = nullptr;
    if (zip_stat_index(archive, zip_uint64_t(i), 0, &info) == 0)
      entry = zip_fopen_index(archive, zip_uint64_t(i), 0);
    if (!entry) {
      problem = path + ": cannot read entry " + std::to_string(i) + ": " +
                zip_strerror(archive);
      break;
    }
    std::string name = info.name;
    std::vector<char> bytes;
    char block[1 << 16];
    zip_int64_t got;
    while ((got = zip_fread(entry, block, sizeof(block))) > 0)
      bytes.insert(bytes.end(), block, block + got);
    bool failed = zip_fclose(entry) != 0 || got < 0;
    if (failed) {
      problem = path + ": entry '" + name + "' is damaged";
      break;
    }
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0)
      name.resize(name.size() - 4);
    problem = parseNpy(path + " (" + name + ")", bytes, arrays[name]);
  }
  zip_discard(archive);
  return problem;
}

static std::string npyBytes(const Array &array) {
  std::string shape;
  for (int64_t size : array.shape)
    shape += std::to_string(size) + ",";
  char order = array.type == "b1" || array.type == "i1" || array.type == "u1"
                   ? '|'
                   : '<';
  std::string header = std::string("{'descr': '") + order + array.type +
                       "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // The data starts at a multiple of 64.
  size_t padding = 64 - (10 + header.size() + 1) % 64;
  header += std::string(padding, ' ') + "\n";
  std::string bytes = "\x93NUMPY\x01";
  bytes.push_back('\0');
  bytes.push_back(char(header.size() & 255));
  bytes.push_back(char(header.size() >> 8));
  bytes += header;
  bytes.append(array.data.data(), array.data.size());
  return bytes;
}

Problem tenon::tools::writeNpz(
    const std::string &path,
    const std::vector<std::pair<std::string, Array>> &arrays) {
  std::string temporary = path + ".tmp" + std::to_string(getpid());
  int code = 0;
  zip_t *archive =
      zip_open(temporary.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!archive)
    return path + ": cannot create it: " + std::strerror(errno);
  std::vector<std::string> contents; // must outlive zip_close
  contents.reserve(arrays.size());
  for (const auto &[name, array] : arrays) {
    contents.push_back(npyBytes(array));
    zip_source_t *source = zip_source_buffer(archive, contents.back().data(),
                                             contents.back().size(), 0);
    zip_int64_t index =
        source ? zip_file_add(archive, (name + ".npy").c_str(), source,
                              ZIP_FL_OVERWRITE | ZIP_FL_ENC_UTF_8)
               : -1;
    if (index < 0) {
      std::string text = zip_strerror(archive);
      if (source)
        zip_source_free(source);
      zip_discard(archive);
      return path + ": cannot add '" + name + "': " + text;
    }
    zip_set_file_compression(archive, zip_uint64_t(index), ZIP_CM_STORE, 0);
    // The same results give the same file: 1980-01-01, zip's first day.
    zip_file_set_dostime(archive, zip_uint64_t(index), 0, 0x21, 0);
  }
  if (zip_close(archive) != 0) {
    std::string text = zip_strerror(archive);
    zip_discard(archive);
    std::remove(temporary.c_str());
    return path + ": cannot write it: " + text;
  }
  // An archive without entries is not written at all.
  if (!arrays.empty() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::string text = std::strerror(errno);
    std::remove(temporary.c_str());
    return path + ": cannot write it: " + text;
  }
  return "";
}
