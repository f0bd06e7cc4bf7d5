//===- OnnxFile.h - Parsing of model files --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_IMPORT_ONNXFILE_H
#define TENON_COMPILER_IMPORT_ONNXFILE_H

#include "compiler/Import/Import.h"
#include "onnx.pb.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::tenon {

/// What an ImportedModel keeps alive.
struct ImportedModel::Storage {
  ::onnx::ModelProto model;
  /// Folder of the model file, with symbolic links resolved.
  std::string folder;
  /// External data by name as written in the model.
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
  /// Weights that had to be copied: unpacked, or moved for alignment.
  std::vector<std::unique_ptr<char[]>> copies;
  /// Bodies of local functions, specialized for calls without some inputs.
  std::vector<std::unique_ptr<::onnx::FunctionProto>> bodies;

  /// 64-byte aligned memory that lives as long as this.
  MutableArrayRef<char> allocate(size_t bytes);
};

/// Parses the model file into `storage`; the error is a whole sentence
/// without the file's name.
llvm::Error parseOnnxFile(StringRef path, ImportedModel::Storage &storage);

/// The bytes [offset, offset + length) of a file in the model's folder;
/// `length` < 0: to its end. Refuses paths that lead out of the folder.
llvm::Expected<ArrayRef<char>> externalBytes(ImportedModel::Storage &storage,
                                             StringRef location, int64_t offset,
                                             int64_t length);

} // namespace mlir::tenon

#endif // TENON_COMPILER_IMPORT_ONNXFILE_H
