//===- ElementType.h - Sizes and names of element types ----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table for tenon.h's TenonElementType and the schema's ElementType, whose
// numbers are the same (ONNX's).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_ELEMENTTYPE_H
#define TENON_RUNTIME_ELEMENTTYPE_H

#include "runtime/include/tenon/tenon.h"
#include <cstdint>
#include <string>

namespace tenon::runtime {

/// Bits of an element; 0 for what cannot be stored (undefined, string, or a
/// number that is no type).
int elementBits(int type);

/// "float32"; "undefined" for numbers that are no type.
const char *elementName(int type);

/// The type with that name, or TENON_UNDEFINED.
TenonElementType elementTypeFromName(const std::string &name);

/// Alignment in bytes that a pointer to such elements must have.
int elementAlignment(int type);

/// Bytes of a dense tensor; false if a dimension is negative, the type cannot
/// be stored, or the result exceeds int64.
bool tensorBytes(int type, const int64_t *dims, int rank, int64_t &bytes);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_ELEMENTTYPE_H
