# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Inputs of the models in cases.py, as each model's own package prepares them:
# a photographed page for text detection and recognition, photographs for
# pictures, plausible integers for the rest. Every function takes the run's
# sizes and returns a dict of arrays; the same call gives the same arrays.

import functools

import numpy as np

import models
import picture


@functools.cache
def photo(name):
    return picture.read(models.get(name))


def pageDetector(scale=2):
    """The page at some scale, normalized for PP-OCR's detectors."""
    page = photo("page.png")
    height, width = (int(side * scale) for side in page.shape[:2])
    return {"x": picture.detectorInput(picture.resize(page, height, width))}


def pageSquare(side=640):
    return {"x": picture.detectorInput(
        picture.resize(photo("page.png"), side, side))}


def pageLine(width=320, height=48, batch=1):
    """Lines of the page, cut out and normalized for recognizers: [-1, 1]."""
    tops = [18, 45, 63, 81, 99, 117]
    lines = []
    for i in range(batch):
        top = tops[i % len(tops)]
        cut = photo("page.png")[top:top + 20, 4:372]
        x = picture.resize(cut, height, width).astype(np.float32)
        lines.append((x / 127.5 - 1).transpose(2, 0, 1))
    return {"x": np.ascontiguousarray(np.stack(lines))}


def faces(height=480, width=640):
    """CenterFace takes RGB in 0 to 255 as it is."""
    x = picture.resize(photo("astronaut.png"), height, width)
    return {"input.1": np.ascontiguousarray(
        x.astype(np.float32).transpose(2, 0, 1)[None])}


def nsfw(batch=1):
    """Yahoo's preprocessing: BGR, 224x224 out of the middle of 256x256."""
    x = picture.resize(photo("coffee.png"), 256, 256)[16:240, 16:240, ::-1]
    x = x.astype(np.float32) - np.array([104, 117, 123], np.float32)
    shift = np.arange(batch, dtype=np.float32).reshape(-1, 1, 1, 1)
    return {"input:0": np.ascontiguousarray(x[None] + shift)}


def reaction(seq_len=40):
    """Two molecules as chains of carbon, nitrogen and oxygen; the distance
    between atoms of one is their distance in the chain."""
    half = seq_len // 2
    rng = np.random.default_rng(7)
    atoms = rng.choice([8, 9, 10], (1, seq_len))
    neighbors = np.full((1, seq_len), 4)
    at = np.arange(seq_len)
    far = np.minimum(np.abs(at[:, None] - at[None, :]) + 2, 12)
    same = (at[:, None] < half) == (at[None, :] < half)
    roles = np.where(at < half, 2, 3)[None]
    arrays = dict(atoms=atoms, neighbors=neighbors,
                  distances=np.where(same, far, 1)[None], roles=roles)
    return {name: array.astype(np.int64) for name, array in arrays.items()}


def zoo(path, seed=0, **sizes):
    """By the recipes that zoo.py leaves in the model's metadata."""
    import onnx
    from zoo import BIND, feeds
    model = onnx.load(str(path), load_external_data=False)
    return feeds(model, {**BIND, **sizes}, seed)
