# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# onnxFromText.py IN.onnxtxt OUT.onnx: ONNX's own text format to a model file,
# so that importer tests read as text. Lines that start with # are comments
# (RUN and CHECK lines among them). The model is not checked: tests of bad
# models need it as it is.

import sys

import onnx.parser


def main():
    source, target = sys.argv[1:]
    with open(source) as text:
        lines = [l for l in text if not l.lstrip().startswith("#")]
    with open(target, "wb") as out:
        out.write(onnx.parser.parse_model("".join(lines)).SerializeToString())


if __name__ == "__main__":
    main()
