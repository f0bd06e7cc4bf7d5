// Image.h - PPM files, scaling, and the detector's input.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef DETECT_TEXT_IMAGE_H
#define DETECT_TEXT_IMAGE_H

#include <cstdint>
#include <string>
#include <vector>

/// Red, green, blue; rows from top to bottom.
struct Image {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;

  uint8_t at(int x, int y, int channel) const {
    return pixels[(size_t(y) * width + x) * 3 + channel];
  }
};

/// Reads a binary PPM or PGM file (P6, P5); "" or what is wrong.
std::string readImage(const std::string &path, Image &image);

/// The size that the detector sees: both sides multiples of 32, the longer one
/// at most `limit`.
void detectorSize(const Image &image, int limit, int &width, int &height);

/// Scales the image and turns it into the detector's input [1, 3, height,
/// width]: blue first, normalized as PP-OCR was trained.
std::vector<float> detectorInput(const Image &image, int width, int height);

#endif // DETECT_TEXT_IMAGE_H
