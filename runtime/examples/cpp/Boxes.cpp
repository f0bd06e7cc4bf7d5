// Boxes.cpp - From the detector's map of probabilities to boxes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Boxes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

/// Collects the region around `start` (8 neighbours) and marks it as seen.
static Box collectRegion(const float *map, int width, int height,
                         float threshold, size_t start,
                         std::vector<uint8_t> &seen,
                         std::vector<size_t> &work) {
  Box box = {width, height, 0, 0, 0};
  double sum = 0;
  size_t count = 0;
  work.assign(1, start);
  seen[start] = 1;
  while (!work.empty()) {
    size_t at = work.back();
    work.pop_back();
    int x = int(at % width), y = int(at / width);
    sum += map[at];
    ++count;
    box.left = std::min(box.left, x);
    box.top = std::min(box.top, y);
    box.right = std::max(box.right, x + 1);
    box.bottom = std::max(box.bottom, y + 1);
    for (int ny = std::max(0, y - 1); ny <= std::min(height - 1, y + 1); ++ny)
      for (int nx = std::max(0, x - 1); nx <= std::min(width - 1, x + 1);
           ++nx) {
        size_t next = size_t(ny) * width + nx;
        if (!seen[next] && map[next] > threshold) {
          seen[next] = 1;
          work.push_back(next);
        }
      }
  }
  box.score = float(sum / double(count));
  return box;
}

std::vector<Box> findBoxes(const float *map, int width, int height,
                           float threshold, float leastScore, float growth) {
  constexpr int kLeastSide = 3;
  std::vector<uint8_t> seen(size_t(width) * height, 0);
  std::vector<size_t> work;
  std::vector<Box> boxes;
  for (size_t start = 0; start < seen.size(); ++start) {
    if (seen[start] || map[start] <= threshold)
      continue;
    Box box = collectRegion(map, width, height, threshold, start, seen, work);
    int w = box.right - box.left, h = box.bottom - box.top;
    if (box.score < leastScore || std::min(w, h) < kLeastSide)
      continue;
    int margin = int(float(w) * h * growth / (2 * (w + h)) + 0.5f);
    box.left = std::max(0, box.left - margin);
    box.top = std::max(0, box.top - margin);
    box.right = std::min(width, box.right + margin);
    box.bottom = std::min(height, box.bottom + margin);
    boxes.push_back(box);
  }
  std::sort(boxes.begin(), boxes.end(), [](const Box &a, const Box &b) {
    return a.top != b.top ? a.top < b.top : a.left < b.left;
  });
  return boxes;
}
