// Boxes.h - From the detector's map of probabilities to boxes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef DETECT_TEXT_BOXES_H
#define DETECT_TEXT_BOXES_H

#include <vector>

/// In pixels; left and top inside, right and bottom just outside.
struct Box {
  int left, top, right, bottom;
  float score; // mean probability of its pixels
};

/// One box for each connected region of pixels above `threshold`, grown as
/// PP-OCR does (the map marks the shrunken middle of each line): by area *
/// `growth` / perimeter. Boxes below `leastScore` are dropped. From top to
/// bottom.
std::vector<Box> findBoxes(const float *map, int width, int height,
                           float threshold = 0.3f, float leastScore = 0.5f,
                           float growth = 1.6f);

#endif // DETECT_TEXT_BOXES_H
