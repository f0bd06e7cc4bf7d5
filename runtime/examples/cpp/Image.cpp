// Image.cpp - PPM files, scaling, and the detector's input.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Image.h"

#include <algorithm>
#include <fstream>
#include <iterator>

/// The next number of a PPM header, after white space and comments.
static int readNumber(std::istream &file) {
  while (true) {
    int c = file.peek();
    if (c == '#') {
      std::string comment;
      std::getline(file, comment);
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      file.get();
    } else {
      break;
    }
  }
  int number = -1;
  file >> number;
  return file ? number : -1;
}

std::string readImage(const std::string &path, Image &image) {
  std::ifstream file(path, std::ios::binary);
  char kind[2] = {};
  file.read(kind, 2);
  if (!file || kind[0] != 'P' || (kind[1] != '5' && kind[1] != '6'))
    return path + ": expected a binary PPM or PGM file";
  int width = readNumber(file), height = readNumber(file);
  int most = readNumber(file);
  file.get(); // one white space ends the header
  if (width < 1 || height < 1 || width > 65536 || height > 65536 || most != 255)
    return path + ": its header is not one of an 8-bit image";
  size_t channels = kind[1] == '6' ? 3 : 1;
  size_t count = size_t(width) * size_t(height);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < count * channels)
    return path + ": the image is cut off";
  image.width = width;
  image.height = height;
  image.pixels.resize(count * 3);
  for (size_t i = 0; i < count; ++i)
    for (size_t c = 0; c < 3; ++c)
      image.pixels[3 * i + c] =
          uint8_t(bytes[i * channels + std::min(c, channels - 1)]);
  return "";
}

void detectorSize(const Image &image, int limit, int &width, int &height) {
  double scale =
      std::min(1.0, double(limit) / std::max(image.width, image.height));
  auto round32 = [&](int size) {
    return std::max(32, int(size * scale / 32 + 0.5) * 32);
  };
  width = round32(image.width);
  height = round32(image.height);
}

std::vector<float> detectorInput(const Image &image, int width, int height) {
  static const float mean[] = {0.485f, 0.456f, 0.406f};
  static const float deviation[] = {0.229f, 0.224f, 0.225f};
  std::vector<float> input(size_t(3) * height * width);
  for (int y = 0; y < height; ++y) {
    // Bilinear, pixel centres at halves.
    float sourceY = std::clamp((y + 0.5f) * image.height / height - 0.5f, 0.0f,
                               float(image.height - 1));
    int y0 = int(sourceY), y1 = std::min(y0 + 1, image.height - 1);
    float fy = sourceY - y0;
    for (int x = 0; x < width; ++x) {
      float sourceX = std::clamp((x + 0.5f) * image.width / width - 0.5f, 0.0f,
                                 float(image.width - 1));
      int x0 = int(sourceX), x1 = std::min(x0 + 1, image.width - 1);
      float fx = sourceX - x0;
      for (int plane = 0; plane < 3; ++plane) {
        int channel = 2 - plane;
        float top = image.at(x0, y0, channel) * (1 - fx) +
                    image.at(x1, y0, channel) * fx;
        float bottom = image.at(x0, y1, channel) * (1 - fx) +
                       image.at(x1, y1, channel) * fx;
        float value = (top * (1 - fy) + bottom * fy) / 255;
        input[(size_t(plane) * height + y) * width + x] =
            (value - mean[plane]) / deviation[plane];
      }
    }
  }
  return input;
}
