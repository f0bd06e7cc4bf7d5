# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The models that must compile and match onnxruntime: each line one compilation
# and the runs of its engine. `cases.py ci|full` lists the groups of a set, one
# a line: CMake makes a test of each.
#
#   group     ctest name (e2e-GROUP); what shares a downloaded or generated file
#   options   zoo.py's options for generated models
#   shapes    sizes fixed by tenonc --shapes
#   runs      (input function, its arguments) a run; None: zoo.py's own recipes
#   flags     further flags for tenonc

import sys
from collections import namedtuple

Case = namedtuple("Case",
                  "group model options shapes runs sets precision flags")
CI, FULL = {"ci", "full"}, {"full"}


def case(group, model, options=None, shapes=None, runs=((None, {}),), sets=CI,
         precision="fp32", flags=()):
    return Case(group, model, options or {}, shapes, list(runs), sets,
                precision, flags)


def zooRuns(*sizes):
    return [(None, size) for size in sizes]


DYNAMIC = dict(batch="dyn")
BATCHES = zooRuns(dict(batch_size=1), dict(batch_size=3))
SEQUENCE = dict(batch="dyn", seq="dyn")
SENTENCES = zooRuns(dict(batch_size=1, sequence_length=128),
                    dict(batch_size=2, sequence_length=9),
                    dict(batch_size=1, sequence_length=1))
# Prefill (nothing in the cache), then one and several tokens onto a cache.
DECODING = zooRuns(
    dict(batch_size=1, sequence_length=64, past_sequence_length=0),
    dict(batch_size=1, sequence_length=1, past_sequence_length=64),
    dict(batch_size=2, sequence_length=5, past_sequence_length=11))


def smallNets():
    """Quick to make and to compile: every opset, fixed and dynamic, in CI."""
    for name in ("resnet18", "mobilenet_v2", "efficientnet_b0"):
        for opset in (13, 17, 21):
            yield case(name, name, dict(opset=opset), sets=(
                CI if opset != 17 else FULL))
            yield case(name, name, dict(opset=opset, **DYNAMIC), runs=BATCHES,
                       sets=CI if opset == 17 else FULL)
    yield case("resnet18", "resnet18", {"opset": 17, "fold-bn": True},
               sets=FULL)
    yield case("resnet18", "resnet18", dict(opset=17, dtype="fp16"),
               precision="fp16")
    yield case("mobilenet_v2", "mobilenet_v2", dict(opset=17, **DYNAMIC),
               dict(input=(4, 3, 224, 224)), zooRuns(dict(batch_size=4)))


def largeNets():
    """Once in CI; opset 17 at batch 1 and dynamic in full."""
    for name in ("resnet50", "segformer_b0", "vit_b16"):
        yield case(name, name, dict(opset=17))
        yield case(name, name, dict(opset=17, **DYNAMIC), runs=BATCHES,
                   sets=FULL)
    yield case("bert_base", "bert_base", dict(opset=17), sets=FULL)
    yield case("bert_base", "bert_base", dict(opset=17, **SEQUENCE),
               runs=SENTENCES)
    yield case("bert_base", "bert_base", dict(opset=13, **SEQUENCE),
               runs=SENTENCES, sets=FULL)
    yield case("bert_base", "bert_base", dict(opset=17, dtype="fp16"),
               sets=FULL, precision="fp16")
    for opset in (13, 17, 21):
        yield case("llama-tiny", "llama-tiny", dict(opset=opset),
                   runs=DECODING, sets=CI if opset != 21 else FULL)


def realModels():
    yield case("ppocr-det", "ppocr-v4-det", runs=[
        ("pageDetector", dict(scale=2)), ("pageDetector", dict(scale=1)),
        ("pageSquare", dict(side=640))])
    yield case("ppocr-det", "ppocr-v4-det", shapes=dict(x=(1, 3, 384, 768)),
               runs=[("pageDetector", dict(scale=2))], sets=FULL)
    yield case("ppocr-rec", "ppocr-v4-rec", runs=[
        ("pageLine", dict(width=320)),
        ("pageLine", dict(width=200, batch=3))])
    yield case("ppocr-cls", "ppocr-cls", runs=[
        ("pageLine", dict(width=192)),
        ("pageLine", dict(width=192, batch=2))])
    yield case("ppocr-v6-rec", "ppocr-v6-rec", runs=[
        ("pageLine", dict(width=320)),
        ("pageLine", dict(width=160, batch=2))])
    yield case("centerface", "centerface",
               shapes={"input.1": (1, 3, 480, 640)}, runs=[("faces", {})])
    yield case("open-nsfw", "open-nsfw", runs=[
        ("nsfw", {}), ("nsfw", dict(batch=2))])
    yield case("rxnmap", "rxnmap", runs=[
        ("reaction", dict(seq_len=40)), ("reaction", dict(seq_len=7))])


def wideKernels():
    """The kernels of x86-64-v4, on any machine: LLVM splits their vectors."""
    flags = ("--vector-bits=512",)
    for name in ("mobilenet_v2", "segformer_b0"):
        yield case("wide", name, dict(opset=17, **DYNAMIC), runs=BATCHES,
                   sets=FULL, flags=flags)
    yield case("wide", "bert_base", dict(opset=17, **SEQUENCE),
               runs=SENTENCES, sets=FULL, flags=flags)
    yield case("wide", "llama-tiny", dict(opset=17), runs=DECODING, sets=FULL,
               flags=flags)
    yield case("wide", "ppocr-v4-det", sets=FULL, flags=flags, runs=[
        ("pageDetector", dict(scale=2)), ("pageDetector", dict(scale=1))])


CASES = [*smallNets(), *largeNets(), *realModels(), *wideKernels()]


def title(case):
    words = [case.model]
    words += [f"{k}={v}" for k, v in case.options.items()]
    words += ["shapes"] if case.shapes else []
    words += case.flags
    return " ".join(words)


if __name__ == "__main__":
    wanted = sys.argv[1]
    print("\n".join(dict.fromkeys(c.group for c in CASES if wanted in c.sets)))
