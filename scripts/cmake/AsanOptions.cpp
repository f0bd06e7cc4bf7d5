//===- AsanOptions.cpp - What the address sanitizer may assume ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Linked into every program of the asan preset that uses MLIR. LLVM's allocator
// poisons its slabs by hand where its headers are compiled with the sanitizer,
// but Debian's libraries, which are not, take memory from the same slabs and
// never unpoison it.
//
//===----------------------------------------------------------------------===//

extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}
