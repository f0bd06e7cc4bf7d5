//===- TensorData.cpp - ONNX tensors as attributes ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A TensorProto holds its elements in one of five ways: external file, raw
// bytes, or lists of float, int32, int64, double, uint64. Steps: check type and
// sizes; find the bytes, or repack the list; compare their number with what
// the sizes ask for; choose between a dense attribute, a splat and a resource
// that points to the bytes in place. Tests: test/compiler/Import/tensors.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/TensorData.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::tenon {

using ::onnx::TensorProto;

/// Larger values are resources: dense attributes are copied and never freed.
constexpr size_t kMaxDenseBytes = 1024;

static llvm::Error fail(const llvm::Twine &text) {
  return llvm::createStringError(text.str());
}

Type elementType(MLIRContext *context, int32_t dataType) {
  auto integer = [&](unsigned width, bool isUnsigned = false) -> Type {
    return IntegerType::get(context, width,
                            isUnsigned ? IntegerType::Unsigned
                                       : IntegerType::Signless);
  };
  switch (dataType) {
  case TensorProto::FLOAT:
    return Float32Type::get(context);
  case TensorProto::DOUBLE:
    return Float64Type::get(context);
  case TensorProto::FLOAT16:
    return Float16Type::get(context);
  case TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case TensorProto::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case TensorProto::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case TensorProto::BOOL:
    return integer(1);
  case TensorProto::INT8:
    return integer(8);
  case TensorProto::INT16:
    return integer(16);
  case TensorProto::INT32:
    return integer(32);
  case TensorProto::INT64:
    return integer(64);
  case TensorProto::INT4:
    return integer(4);
  case TensorProto::INT2:
    return integer(2);
  case TensorProto::UINT8:
    return integer(8, true);
  case TensorProto::UINT16:
    return integer(16, true);
  case TensorProto::UINT32:
    return integer(32, true);
  case TensorProto::UINT64:
    return integer(64, true);
  case TensorProto::UINT4:
    return integer(4, true);
  case TensorProto::UINT2:
    return integer(2, true);
  default:
    return {};
  }
}

std::string dataTypeName(int32_t dataType) {
  if (::onnx::TensorProto_DataType_IsValid(dataType))
    return ::onnx::TensorProto_DataType_Name(TensorProto::DataType(dataType));
  return std::to_string(dataType);
}

namespace {

/// Reads one tensor.
class TensorReader {
public:
  TensorReader(MLIRContext *context, ImportedModel::Storage &storage,
               const TensorProto &tensor, StringRef name, bool allowExternal)
      : context(context), storage(storage), tensor(tensor), name(name),
        allowExternal(allowExternal) {}

  llvm::Expected<ElementsAttr> read() {
    if (llvm::Error error = readType())
      return std::move(error);
    auto bytes = findBytes();
    if (!bytes)
      return bytes.takeError();
    return toAttr(*bytes);
  }

private:
  llvm::Error readType() {
    if (tensor.has_segment())
      return fail("tensors in segments are not supported");
    Type element = elementType(context, tensor.data_type());
    if (!element)
      return fail("element type " + dataTypeName(tensor.data_type()) +
                  " is not supported");
    SmallVector<int64_t> sizes;
    int64_t product = 1; // with zeros counted as ones, against overflow
    for (int64_t size : tensor.dims()) {
      if (size < 0)
        return fail("expected sizes >= 0, got " + llvm::Twine(size));
      if (size > kMaxElements / product)
        return fail("more than 2^40 elements");
      sizes.push_back(size);
      product *= std::max<int64_t>(size, 1);
      count *= size;
    }
    type = RankedTensorType::get(sizes, element);
    bits = element.getIntOrFloatBitWidth();
    if (bits == 1)
      bits = 8; // bool: a byte each
    return llvm::Error::success();
  }

  size_t packedBytes() const { return (size_t(count) * bits + 7) / 8; }

  llvm::Error mismatch(int64_t got, StringRef unit) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "its sizes ask for "
        << (unit == "bytes" ? packedBytes() : size_t(count)) << " " << unit
        << ", its data has " << got;
    return fail(text);
  }

  llvm::Expected<ArrayRef<char>> findBytes() {
    if (tensor.data_location() == TensorProto::EXTERNAL)
      return checked(readExternal());
    if (tensor.has_raw_data())
      return checked(
          ArrayRef<char>(tensor.raw_data().data(), tensor.raw_data().size()));
    switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return inPlace(tensor.float_data());
    case TensorProto::DOUBLE:
      return inPlace(tensor.double_data());
    case TensorProto::INT64:
      return inPlace(tensor.int64_data());
    case TensorProto::INT32:
      return inPlace(tensor.int32_data());
    case TensorProto::UINT64:
      return inPlace(tensor.uint64_data());
    case TensorProto::UINT32:
      return repack<uint32_t>(tensor.uint64_data());
    default:
      return bits == 16 ? repack<uint16_t>(tensor.int32_data())
                        : repack<uint8_t>(tensor.int32_data());
    }
  }

  llvm::Expected<ArrayRef<char>> readExternal() {
    if (!allowExternal)
      return fail("external data is not allowed here");
    StringRef location;
    int64_t offset = 0, length = -1;
    for (const auto &entry : tensor.external_data()) {
      StringRef value = entry.value();
      if (entry.key() == "location")
        location = value;
      else if (entry.key() == "offset" && value.getAsInteger(10, offset))
        return fail("external data with offset '" + value + "'");
      else if (entry.key() == "length" &&
               (value.getAsInteger(10, length) || length < 0))
        return fail("external data with length '" + value + "'");
    }
    if (length < 0)
      length = int64_t(packedBytes());
    return externalBytes(storage, location, offset, length);
  }

  llvm::Expected<ArrayRef<char>> checked(llvm::Expected<ArrayRef<char>> bytes) {
    if (bytes && bytes->size() != packedBytes())
      return mismatch(int64_t(bytes->size()), "bytes");
    return bytes;
  }

  template <typename List>
  llvm::Expected<ArrayRef<char>> inPlace(const List &list) {
    if (list.size() != count)
      return mismatch(list.size(), "elements");
    return ArrayRef<char>(reinterpret_cast<const char *>(list.data()),
                          packedBytes());
  }

  template <typename T, typename List>
  llvm::Expected<ArrayRef<char>> repack(const List &list) {
    int64_t stored = int64_t(packedBytes() / sizeof(T));
    if (list.size() != stored)
      return mismatch(list.size(), "elements");
    MutableArrayRef<char> bytes = storage.allocate(packedBytes());
    for (int64_t i = 0; i < stored; ++i) {
      T value = T(list[int(i)]);
      std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
    }
    return ArrayRef<char>(bytes);
  }

  /// Elements below 8 bits get a byte each; signed ones are extended.
  ArrayRef<char> unpack(ArrayRef<char> packed) {
    MutableArrayRef<char> bytes = storage.allocate(size_t(count));
    unsigned perByte = 8 / bits;
    bool isSigned = type.getElementType().isSignlessInteger();
    for (int64_t i = 0; i < count; ++i) {
      int value = uint8_t(packed[size_t(i / perByte)]) >> (i % perByte * bits);
      value &= (1 << bits) - 1;
      if (isSigned && (value >> (bits - 1)))
        value -= 1 << bits;
      bytes[size_t(i)] = char(value);
    }
    return bytes;
  }

  ElementsAttr toAttr(ArrayRef<char> bytes) {
    if (count == 0)
      return DenseElementsAttr::get(type, ArrayRef<Attribute>());
    if (bits < 8) {
      bytes = unpack(bytes);
      bits = 8;
    }
    size_t width = bits / 8;
    bool isSplat = count > 1;
    for (size_t at = width; isSplat && at < bytes.size(); at += width)
      isSplat = std::memcmp(bytes.data(), bytes.data() + at, width) == 0;
    if (isSplat || bytes.size() <= kMaxDenseBytes)
      return dense(isSplat ? bytes.take_front(width) : bytes);

    if (reinterpret_cast<uintptr_t>(bytes.data()) % width != 0) {
      MutableArrayRef<char> aligned = storage.allocate(bytes.size());
      std::memcpy(aligned.data(), bytes.data(), bytes.size());
      bytes = aligned;
    }
    return DenseResourceElementsAttr::get(
        type, name.empty() ? "weight" : name,
        UnmanagedAsmResourceBlob::allocateWithAlign(bytes, width));
  }

  ElementsAttr dense(ArrayRef<char> bytes) {
    if (!type.getElementType().isInteger(1))
      return DenseElementsAttr::getFromRawBuffer(type, bytes);
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, ArrayRef<bool>(values));
  }

  MLIRContext *context;
  ImportedModel::Storage &storage;
  const TensorProto &tensor;
  StringRef name;
  bool allowExternal;
  RankedTensorType type;
  int64_t count = 1;
  unsigned bits = 0;
};

} // namespace

llvm::Expected<ElementsAttr> readTensor(MLIRContext *context,
                                        ImportedModel::Storage &storage,
                                        const TensorProto &tensor,
                                        StringRef name, bool allowExternal) {
  return TensorReader(context, storage, tensor, name, allowExternal).read();
}

} // namespace mlir::tenon
