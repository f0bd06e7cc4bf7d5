//===- Inputs.cpp - Where inputs come from --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Inputs.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace tenon;
using namespace tenon::tools;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// NumPy's name of a type; "" if it has none.
static const char *numpyType(TenonElementType type) {
  switch (type) {
  case TENON_FLOAT32:
    return "f4";
  case TENON_UINT8:
    return "u1";
  case TENON_INT8:
    return "i1";
  case TENON_UINT16:
    return "u2";
  case TENON_INT16:
    return "i2";
  case TENON_INT32:
    return "i4";
  case TENON_INT64:
    return "i8";
  case TENON_BOOL:
    return "b1";
  case TENON_FLOAT16:
    return "f2";
  case TENON_FLOAT64:
    return "f8";
  case TENON_UINT32:
    return "u4";
  case TENON_UINT64:
    return "u8";
  case TENON_COMPLEX64:
    return "c8";
  case TENON_COMPLEX128:
    return "c16";
  default:
    return "";
  }
}

namespace {
/// A float type that NumPy lacks: sign, exponent and mantissa.
struct SmallFloat {
  TenonElementType type;
  int exponentBits, mantissaBits, bias;
  bool infinite;     // has infinities and IEEE NaNs
  bool unsignedZero; // FNUZ: the only NaN is 0x80
};
} // namespace

static const SmallFloat kSmallFloats[] = {
    {TENON_BFLOAT16, 8, 7, 127, true, false},
    {TENON_FLOAT16, 5, 10, 15, true, false},
    {TENON_FLOAT8E4M3FN, 4, 3, 7, false, false},
    {TENON_FLOAT8E4M3FNUZ, 4, 3, 8, false, true},
    {TENON_FLOAT8E5M2, 5, 2, 15, true, false},
    {TENON_FLOAT8E5M2FNUZ, 5, 2, 16, false, true}};

static const SmallFloat *smallFloat(TenonElementType type) {
  for (const SmallFloat &format : kSmallFloats)
    if (format.type == type)
      return &format;
  return nullptr;
}

static float decodeFloat(const SmallFloat &format, uint32_t bits) {
  int width = 1 + format.exponentBits + format.mantissaBits;
  uint32_t mantissaMask = (1u << format.mantissaBits) - 1;
  uint32_t exponentMask = (1u << format.exponentBits) - 1;
  bool negative = bits >> (width - 1) & 1;
  uint32_t exponent = bits >> format.mantissaBits & exponentMask;
  uint32_t mantissa = bits & mantissaMask;
  if (format.unsignedZero && bits == 1u << (width - 1))
    return NAN;
  if (format.infinite && exponent == exponentMask)
    return mantissa ? NAN : negative ? -INFINITY : INFINITY;
  if (!format.infinite && !format.unsignedZero && exponent == exponentMask &&
      mantissa == mantissaMask)
    return NAN;
  double value =
      exponent
          ? std::ldexp(double(mantissa | (mantissaMask + 1)),
                       int(exponent) - format.bias - format.mantissaBits)
          : std::ldexp(double(mantissa), 1 - format.bias - format.mantissaBits);
  return float(negative ? -value : value);
}

/// Nearest, ties to even; too large becomes the largest number (or infinity
/// where there is one).
static uint32_t encodeFloat(const SmallFloat &format, float value) {
  int width = 1 + format.exponentBits + format.mantissaBits;
  uint32_t sign = std::signbit(value) ? 1u << (width - 1) : 0;
  uint32_t magnitudes = 1u << (width - 1);
  if (std::isnan(value))
    return format.unsignedZero ? 1u << (width - 1) : magnitudes - 1;
  // Magnitudes grow with their bits, up to the largest finite one.
  uint32_t most =
      format.infinite
          ? (((1u << format.exponentBits) - 1) << format.mantissaBits) - 1
          : magnitudes - (format.unsignedZero ? 1 : 2);
  float magnitude = std::fabs(value);
  uint32_t low = 0, high = most;
  while (low < high) {
    uint32_t middle = (low + high + 1) / 2;
    if (decodeFloat(format, middle) <= magnitude)
      low = middle;
    else
      high = middle - 1;
  }
  if (low < most) {
    double down = double(magnitude) - decodeFloat(format, low);
    double up = double(decodeFloat(format, low + 1)) - magnitude;
    if (up < down || (up == down && (low & 1)))
      ++low;
  } else if (format.infinite) {
    double step =
        double(decodeFloat(format, most)) - decodeFloat(format, most - 1);
    if (double(magnitude) >= decodeFloat(format, most) + step / 2)
      ++low;
  }
  return low == 0 && format.unsignedZero ? 0 : sign | low;
}

static size_t packedBytes(TenonElementType type, int64_t elements) {
  return (size_t(elements) * size_t(tenon_element_type_bits(type)) + 7) / 8;
}

static int64_t elementCount(const std::vector<int64_t> &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// The bytes of `array` as elements of `type`.
static Problem toElements(const std::string &name, const Array &array,
                          TenonElementType type, std::vector<char> &data) {
  int bits = tenon_element_type_bits(type);
  int64_t count = elementCount(array.shape);
  std::string wanted = numpyType(type);
  std::string width = std::to_string(bits / 8);
  if (!wanted.empty() && array.type == wanted) {
    data = array.data;
    return "";
  }
  const SmallFloat *format = smallFloat(type);
  if (wanted.empty() && bits >= 8 &&
      (array.type == "u" + width || array.type == "V" + width)) {
    data = array.data;
    return "";
  }
  if (wanted.empty() && format && array.type == "f4") {
    data.resize(packedBytes(type, count));
    for (int64_t i = 0; i < count; ++i) {
      float value;
      std::memcpy(&value, &array.data[size_t(i) * 4], 4);
      uint32_t code = encodeFloat(*format, value);
      std::memcpy(&data[size_t(i) * size_t(bits / 8)], &code, size_t(bits / 8));
    }
    return "";
  }
  if (bits > 0 && bits < 8 && (array.type == "i1" || array.type == "u1")) {
    data.assign(packedBytes(type, count), 0);
    for (int64_t i = 0; i < count; ++i) {
      unsigned element = uint8_t(array.data[size_t(i)]) & ((1u << bits) - 1);
      data[size_t(i * bits / 8)] =
          char(uint8_t(data[size_t(i * bits / 8)]) | element << i * bits % 8);
    }
    return "";
  }
  return "input '" + name + "': expected type " +
         tenon_element_type_name(type) + ", got NumPy type " + array.type;
}

Array tenon::tools::toArray(const Tensor &tensor) {
  Array array;
  array.shape = tensor.shape();
  array.type = numpyType(tensor.type);
  int bits = tenon_element_type_bits(tensor.type);
  size_t count = size_t(tensor.elements());
  const char *data = static_cast<const char *>(tensor.data);
  if (!array.type.empty()) {
    if (count)
      array.data.assign(data, data + count * size_t(bits) / 8);
    return array;
  }
  if (const SmallFloat *format = smallFloat(tensor.type)) {
    array.type = "f4";
    array.data.resize(count * 4);
    for (size_t i = 0; i < count; ++i) {
      uint32_t code = 0;
      std::memcpy(&code, data + i * size_t(bits) / 8, size_t(bits) / 8);
      float value = decodeFloat(*format, code);
      std::memcpy(&array.data[i * 4], &value, 4);
    }
    return array;
  }
  bool isSigned = tensor.type == TENON_INT4 || tensor.type == TENON_INT2;
  array.type = isSigned ? "i1" : "u1";
  array.data.resize(count);
  for (size_t i = 0; i < count; ++i) {
    int width = bits ? bits : 8;
    int element =
        uint8_t(data[i * size_t(width) / 8]) >> i * size_t(width) % 8 &
        ((1 << width) - 1);
    if (isSigned && element >> (width - 1))
      element -= 1 << width;
    array.data[i] = char(element);
  }
  return array;
}

template <typename T>
static void widen(const Array &array, std::vector<double> &numbers) {
  size_t count = array.data.size() / sizeof(T);
  numbers.resize(count);
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, &array.data[i * sizeof(T)], sizeof(T));
    numbers[i] = double(value);
  }
}

bool tenon::tools::toDoubles(const Array &array, std::vector<double> &numbers) {
  const std::string &type = array.type;
  if (type == "f4" || type == "c8")
    widen<float>(array, numbers);
  else if (type == "f8" || type == "c16")
    widen<double>(array, numbers);
  else if (type == "i1")
    widen<int8_t>(array, numbers);
  else if (type == "u1" || type == "b1")
    widen<uint8_t>(array, numbers);
  else if (type == "i2")
    widen<int16_t>(array, numbers);
  else if (type == "u2")
    widen<uint16_t>(array, numbers);
  else if (type == "i4")
    widen<int32_t>(array, numbers);
  else if (type == "u4")
    widen<uint32_t>(array, numbers);
  else if (type == "i8")
    widen<int64_t>(array, numbers);
  else if (type == "u8")
    widen<uint64_t>(array, numbers);
  else if (type == "f2") {
    std::vector<double> codes;
    widen<uint16_t>(array, codes);
    numbers.resize(codes.size());
    for (size_t i = 0; i < codes.size(); ++i)
      numbers[i] = decodeFloat(*smallFloat(TENON_FLOAT16), uint32_t(codes[i]));
  } else
    return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Sources of inputs
//===----------------------------------------------------------------------===//

/// Splits "NAME:REST" where NAME, which may hold colons, is an input.
static int splitName(const Engine &engine, const std::string &text,
                     std::string &rest) {
  for (size_t at = text.find(':'); at != std::string::npos;
       at = text.find(':', at + 1)) {
    int index = engine.find(TENON_INPUT, text.substr(0, at));
    if (index >= 0) {
      rest = text.substr(at + 1);
      return index;
    }
  }
  return -1;
}

static std::string inputNames(const Engine &engine) {
  std::string names;
  for (int i = 0; i < engine.inputCount(); ++i)
    names += std::string(i ? ", '" : "'") + engine.input(i).name + "'";
  return names.empty() ? "none" : names;
}

static bool parseDims(const std::string &text, std::vector<int64_t> &dims) {
  const char *at = text.c_str();
  if (text == "scalar")
    return true;
  while (true) {
    char *end;
    errno = 0;
    long long size = std::strtoll(at, &end, 10);
    if (end == at || size < 0 || errno)
      return false;
    dims.push_back(size);
    if (*end == 0)
      return dims.size() <= TENON_MAX_RANK;
    if (*end != 'x')
      return false;
    at = end + 1;
  }
}

static bool endsWith(const std::string &text, const char *end) {
  size_t length = std::strlen(end);
  return text.size() >= length &&
         text.compare(text.size() - length, length, end) == 0;
}

namespace {
/// Splitmix64; normal numbers as the sum of twelve uniform ones, which needs
/// no libm and so gives the same bits everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
  }
  double normal() {
    uint64_t sum = 0;
    for (int i = 0; i < 3; ++i) {
      uint64_t bits = next();
      for (int k = 0; k < 4; ++k)
        sum += bits >> 16 * k & 0xffff;
    }
    return double(int64_t(sum)) / 65536.0 - 6.0;
  }

private:
  uint64_t state;
};
} // namespace

static void fillRandom(TenonElementType type, int64_t count, uint64_t seed,
                       std::vector<char> &data) {
  Random random(seed);
  data.assign(packedBytes(type, count), 0);
  const SmallFloat *format = smallFloat(type);
  size_t width = size_t(tenon_element_type_bits(type)) / 8;
  for (int64_t i = 0; i < count; ++i) {
    char *at = data.data() + size_t(i) * width;
    if (type == TENON_FLOAT32 || type == TENON_COMPLEX64) {
      for (size_t k = 0; k < width; k += 4) {
        float value = float(random.normal());
        std::memcpy(at + k, &value, 4);
      }
    } else if (type == TENON_FLOAT64 || type == TENON_COMPLEX128) {
      for (size_t k = 0; k < width; k += 8) {
        double value = random.normal();
        std::memcpy(at + k, &value, 8);
      }
    } else if (format) {
      uint32_t code = encodeFloat(*format, float(random.normal()));
      std::memcpy(at, &code, width);
    } else if (width) {
      at[0] = char(random.next() & 1); // 0 or 1, little endian
    } else {
      int bits = tenon_element_type_bits(type);
      data[size_t(i * bits / 8)] = char(uint8_t(data[size_t(i * bits / 8)]) |
                                        (random.next() & 1) << i * bits % 8);
    }
  }
}

static void setShape(BoundTensor &input, const std::vector<int64_t> &shape) {
  input.tensor.rank = int32_t(shape.size());
  std::copy(shape.begin(), shape.end(), input.tensor.dims);
}

static Problem readInputFile(const std::string &path,
                             const TenonBindingInfo &info,
                             const std::vector<int64_t> *shape,
                             BoundTensor &input) {
  std::vector<char> bytes;
  if (Problem problem = readFile(path, bytes); !problem.empty())
    return problem;
  if (endsWith(path, ".npy")) {
    Array array;
    if (Problem problem = parseNpy(path, bytes, array); !problem.empty())
      return problem;
    if (array.shape.size() > TENON_MAX_RANK)
      return path + ": too many dimensions";
    setShape(input, array.shape);
    return toElements(info.name, array, info.type, input.data);
  }
  // Raw bytes: the shape comes from --shapes, or is fixed.
  std::vector<int64_t> dims(info.dims, info.dims + info.rank);
  if (shape)
    dims = *shape;
  if (std::count(dims.begin(), dims.end(), -1))
    return std::string("input '") + info.name +
           "': a raw file has no shape: give --shapes=" + info.name + ":...";
  setShape(input, dims);
  size_t expected = packedBytes(info.type, elementCount(dims));
  if (bytes.size() != expected)
    return path + ": " + std::to_string(bytes.size()) + " bytes, input '" +
           info.name + "' of shape " + shapeText(dims) + " has " +
           std::to_string(expected);
  input.data = std::move(bytes);
  return "";
}

Problem tenon::tools::makeInputs(const Engine &engine, const InputFlags &flags,
                                 std::vector<BoundTensor> &inputs,
                                 std::vector<std::string> &notes) {
  int count = engine.inputCount();
  inputs.resize(size_t(count));
  std::vector<uint8_t> given(size_t(count), 0), shaped(size_t(count), 0);
  std::vector<std::vector<int64_t>> shapes(static_cast<size_t>(count));

  for (const std::string &text : flags.shapes) {
    std::string rest;
    int index = splitName(engine, text, rest);
    if (index < 0)
      return "--shapes=" + text + ": no such input; the engine has " +
             inputNames(engine);
    if (!parseDims(rest, shapes[size_t(index)]))
      return "--shapes=" + text + ": expected sizes as in 1x3x224x224, got '" +
             rest + "'";
    shaped[size_t(index)] = 1;
  }

  for (const std::string &text : flags.files) {
    std::string path;
    int index = splitName(engine, text, path);
    if (index < 0 && endsWith(text, ".npy") && count == 1) {
      index = 0;
      path = text;
    }
    if (index >= 0) {
      TenonBindingInfo info = engine.input(index);
      Problem problem = readInputFile(
          path, info, shaped[size_t(index)] ? &shapes[size_t(index)] : nullptr,
          inputs[size_t(index)]);
      if (!problem.empty())
        return problem;
      given[size_t(index)] = 1;
      continue;
    }
    if (!endsWith(text, ".npz"))
      return "--inputs=" + text +
             ": expected FILE.npz, or NAME:FILE with NAME one of " +
             inputNames(engine);
    std::map<std::string, Array> arrays;
    if (Problem problem = readNpz(text, arrays); !problem.empty())
      return problem;
    for (const auto &[name, array] : arrays) {
      int slot = engine.find(TENON_INPUT, name);
      if (slot < 0)
        return text + ": the engine has no input '" + name + "'; it has " +
               inputNames(engine);
      if (array.shape.size() > TENON_MAX_RANK)
        return text + " (" + name + "): too many dimensions";
      setShape(inputs[size_t(slot)], array.shape);
      Problem problem = toElements(name, array, engine.input(slot).type,
                                   inputs[size_t(slot)].data);
      if (!problem.empty())
        return problem;
      given[size_t(slot)] = 1;
    }
  }

  for (int i = 0; i < count; ++i) {
    TenonBindingInfo info = engine.input(i);
    BoundTensor &input = inputs[size_t(i)];
    input.name = info.name;
    input.tensor.type = info.type;
    if (!given[size_t(i)]) {
      if (!flags.random)
        return std::string("input '") + info.name +
               "' is missing: give it with --inputs, or use "
               "--random-inputs=SEED";
      std::vector<int64_t> dims(info.dims, info.dims + info.rank);
      if (shaped[size_t(i)]) {
        dims = shapes[size_t(i)];
      } else {
        for (int d = 0; d < info.rank; ++d)
          if (dims[size_t(d)] < 0) {
            dims[size_t(d)] = 1;
            notes.push_back(std::string("input '") + info.name +
                            "': dimension " + std::to_string(d) + " (" +
                            info.dim_names[d] +
                            ") is not given, taking 1; see --shapes");
          }
      }
      double bytes = double(tenon_element_type_bits(info.type)) / 8;
      for (int64_t size : dims)
        bytes *= double(size);
      if (bytes > 1e11)
        return std::string("input '") + info.name + "': shape " +
               shapeText(dims) + " is too large";
      setShape(input, dims);
      fillRandom(info.type, elementCount(dims),
                 flags.seed * 1000003 + uint64_t(i), input.data);
    } else if (shaped[size_t(i)] && input.tensor.shape() != shapes[size_t(i)]) {
      return std::string("input '") + info.name + "': the data has shape " +
             shapeText(input.tensor.shape()) + ", --shapes says " +
             shapeText(shapes[size_t(i)]);
    }
    input.tensor.data = input.data.data();
    input.tensor.bytes = input.data.size();
  }
  return "";
}
