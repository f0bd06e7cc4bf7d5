//===- OnnxFile.cpp - Parsing of model files ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A model file is mapped, parsed and unmapped; files with external data stay
// mapped for as long as weights point into them. Nothing is trusted: sizes,
// versions and paths are checked before use. Tests:
// test/compiler/Import/bad-file.test, external-data.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/OnnxFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::tenon {

constexpr int64_t kMinIrVersion = 3, kMaxIrVersion = 14;
/// Protobuf's own limit: a message has at most 2^31 - 1 bytes.
constexpr size_t kMaxFileBytes = (size_t(1) << 31) - 1;

template <typename... Args> static llvm::Error fail(Args &&...args) {
  std::string text;
  llvm::raw_string_ostream os(text);
  (os << ... << args);
  return llvm::createStringError(text);
}

ImportedModel::ImportedModel() : storage(std::make_unique<Storage>()) {}
ImportedModel::ImportedModel(ImportedModel &&) = default;
ImportedModel &ImportedModel::operator=(ImportedModel &&) = default;
ImportedModel::~ImportedModel() = default;

MutableArrayRef<char> ImportedModel::Storage::allocate(size_t bytes) {
  constexpr size_t kAlign = 64;
  copies.push_back(std::make_unique<char[]>(bytes + kAlign));
  auto address = reinterpret_cast<uintptr_t>(copies.back().get());
  size_t skip = (kAlign - address % kAlign) % kAlign;
  return {copies.back().get() + skip, bytes};
}

llvm::Error parseOnnxFile(StringRef path, ImportedModel::Storage &storage) {
  if (llvm::sys::fs::is_directory(path))
    return fail("expected a file, got a folder");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail("cannot read the file: ", buffer.getError().message());
  size_t size = (*buffer)->getBufferSize();
  if (size == 0)
    return fail("the file is empty, expected an ONNX model");
  if (size > kMaxFileBytes)
    return fail("the file has ", size,
                " bytes, expected at most 2 GiB: save "
                "the weights as external data");

  ::onnx::ModelProto &model = storage.model;
  if (!model.ParseFromArray((*buffer)->getBufferStart(), int(size)))
    return fail("not a complete ONNX model: the file is truncated, damaged or "
                "of another format");
  if (!model.has_graph() || !model.has_ir_version())
    return fail("not an ONNX model: expected the fields 'ir_version' and "
                "'graph'");
  if (model.ir_version() < kMinIrVersion || model.ir_version() > kMaxIrVersion)
    return fail("expected ONNX IR version ", kMinIrVersion, " to ",
                kMaxIrVersion, ", got ", model.ir_version(),
                ": save the model with another version of the onnx package");

  llvm::SmallString<256> real;
  if (llvm::sys::fs::real_path(llvm::sys::path::parent_path(path).empty()
                                   ? StringRef(".")
                                   : llvm::sys::path::parent_path(path),
                               real))
    return fail("cannot find the file's folder");
  storage.folder = std::string(real);
  return llvm::Error::success();
}

llvm::Expected<ArrayRef<char>> externalBytes(ImportedModel::Storage &storage,
                                             StringRef location, int64_t offset,
                                             int64_t length) {
  if (location.empty())
    return fail("external data without a 'location'");
  bool leaves = llvm::sys::path::is_absolute(location) ||
                location.contains('\0') ||
                llvm::any_of(llvm::split(location, '/'),
                             [](StringRef part) { return part == ".."; });
  if (leaves)
    return fail("external data '", location,
                "' lies outside of the model's folder, which is refused");

  auto &slot = storage.files[location];
  if (!slot) {
    llvm::SmallString<256> path(storage.folder), real;
    llvm::sys::path::append(path, location);
    if (std::error_code code = llvm::sys::fs::real_path(path, real))
      return fail("cannot read external data '", location,
                  "': ", code.message());
    StringRef inside = StringRef(real);
    if (!inside.consume_front(storage.folder) ||
        (!inside.starts_with("/") && storage.folder != "/"))
      return fail("external data '", location,
                  "' is a link that leads out of the model's folder, which is "
                  "refused");
    if (!llvm::sys::fs::is_regular_file(real))
      return fail("external data '", location, "' is not a regular file");
    auto buffer = llvm::MemoryBuffer::getFile(real, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return fail("cannot read external data '", location,
                  "': ", buffer.getError().message());
    slot = std::move(*buffer);
  }

  int64_t size = int64_t(slot->getBufferSize());
  if (offset < 0 || offset > size)
    return fail("external data '", location, "' has ", size,
                " bytes, expected data from offset ", offset);
  if (length < 0)
    length = size - offset;
  if (length > size - offset)
    return fail("external data '", location, "' has ", size,
                " bytes, expected ", length, " from offset ", offset);
  return ArrayRef<char>(slot->getBufferStart() + offset, size_t(length));
}

} // namespace mlir::tenon
