// main.cpp - Finds the lines of text in a photograph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   tenonc ch_PP-OCRv4_det_infer.onnx -o det.tenon
//   detect-text det.tenon page.ppm
//
// Prints one box a line, in pixels of the photograph: left top right bottom
// score. Any engine will do that takes [1, 3, h, w] floats and gives a map of
// probabilities [1, 1, h, w].
#include "Boxes.h"
#include "Image.h"

#include <tenon/tenon.hpp>

#include <cstdio>

static int fail(const std::string &message) {
  std::fprintf(stderr, "detect-text: %s\n", message.c_str());
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: detect-text DETECTOR.tenon IMAGE.ppm\n");
    return 2;
  }
  Image image;
  if (std::string problem = readImage(argv[2], image); !problem.empty())
    return fail(problem);

  tenon::Result<tenon::Engine> engine = tenon::Engine::load(argv[1]);
  if (!engine)
    return fail(engine.error().message());
  if (engine->inputCount() != 1 || engine->outputCount() != 1)
    return fail("expected a detector with one input and one output");
  tenon::Result<tenon::Context> context = engine->createContext();
  if (!context)
    return fail(context.error().message());

  int width, height;
  detectorSize(image, 960, width, height);
  std::vector<float> pixels = detectorInput(image, width, height);
  tenon::Tensor input = tenon::Tensor::of(pixels.data(), {1, 3, height, width});
  tenon::Tensor map; // memory of the context
  if (tenon::Error error = context->run(&input, 1, &map, 1))
    return fail(error.message());
  if (!map.as<float>() || map.elements() != int64_t(width) * height)
    return fail("expected a map of probabilities as large as the input");

  float scaleX = float(image.width) / width;
  float scaleY = float(image.height) / height;
  for (const Box &box : findBoxes(map.as<float>(), width, height))
    std::printf("%d %d %d %d %.3f\n", int(box.left * scaleX),
                int(box.top * scaleY), int(box.right * scaleX),
                int(box.bottom * scaleY), box.score);
  return 0;
}
