//===- Replay.cpp - Runs a fuzz target on files ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   ptx-replay FOLDER...
//
// In libFuzzer's place, for tests: each file of the folders, and each of them
// cut in half and with a few bytes changed, always the same ones.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void runOn(const std::string &text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(text.data()),
                         text.size());
}

int main(int argc, char **argv) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i)
    for (const auto &entry : std::filesystem::directory_iterator(argv[i]))
      if (entry.is_regular_file())
        files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::mt19937 random(1);
  for (const auto &path : files) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream buffer;
    buffer << file.rdbuf();
    std::string text = buffer.str();
    runOn(text);
    runOn(text.substr(0, text.size() / 2));
    for (int i = 0; i < 20 && !text.empty(); ++i) {
      std::string mutant = text;
      for (int n = 0; n < 3; ++n)
        mutant[random() % mutant.size()] = char(random());
      runOn(mutant);
    }
  }
  std::printf("%zu files\n", files.size());
  return files.empty();
}
