# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Pictures for the demo and the tests, without an imaging library: 8-bit PNG in
# and out, bilinear resize, and what a text detector needs: its input from a
# picture, boxes from its scores, outlines. Pictures are uint8 arrays, height x
# width x 3.

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunks(data):
    at = len(SIGNATURE)
    while at < len(data):
        size, = struct.unpack_from(">I", data, at)
        yield data[at + 4:at + 8], data[at + 8:at + 8 + size]
        at += size + 12


def unfilter(raw, height, stride, step):
    """Undoes PNG's per-row prediction (PNG specification, section 9)."""
    rows = np.zeros((height + 1, stride), np.int32)
    data = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    for y in range(height):
        kind, line, above = data[y, 0], data[y, 1:].astype(np.int32), rows[y]
        row = rows[y + 1]
        if kind == 0:
            row[:] = line
        elif kind == 2:
            row[:] = (line + above) & 255
        else:
            for x in range(stride):
                left = row[x - step] if x >= step else 0
                corner = above[x - step] if x >= step else 0
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + above[x]) // 2
                else:
                    p = left + above[x] - corner
                    a, b, c = abs(p - left), abs(p - above[x]), abs(p - corner)
                    guess = (left if a <= b and a <= c
                             else above[x] if b <= c else corner)
                row[x] = (line[x] + guess) & 255
    return rows[1:].astype(np.uint8)


def read(path):
    data = open(path, "rb").read()
    if data[:8] != SIGNATURE:
        raise ValueError(f"{path}: not a PNG file")
    parts = list(chunks(data))
    width, height, depth, color, _, _, interlace = struct.unpack(
        ">IIBBBBB", dict(parts)[b"IHDR"])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}.get(color)
    if depth != 8 or channels is None or interlace:
        raise ValueError(f"{path}: expected 8-bit grey or RGB, not interlaced")
    raw = zlib.decompress(b"".join(d for k, d in parts if k == b"IDAT"))
    image = unfilter(raw, height, width * channels, channels)
    image = image.reshape(height, width, channels)
    return np.repeat(image[..., :1], 3, 2) if channels < 3 else image[..., :3]


def write(path, image):
    height, width, _ = image.shape

    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    lines = np.zeros((height, width * 3 + 1), np.uint8)
    lines[:, 1:] = image.reshape(height, -1)
    with open(path, "wb") as file:
        file.write(SIGNATURE + chunk(b"IHDR", struct.pack(
            ">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)))
        file.write(chunk(b"IEND", b""))


def resize(image, height, width):
    """Bilinear, pixel centres at one half."""
    def weights(old, new):
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        low = np.minimum(at.astype(int), max(old - 2, 0))
        return low, np.minimum(low + 1, old - 1), (at - low)[:, None]

    top, bottom, fy = weights(image.shape[0], height)
    left, right, fx = weights(image.shape[1], width)
    image = image.astype(np.float32)
    rows = image[top] * (1 - fy[..., None]) + image[bottom] * fy[..., None]
    out = rows[:, left] * (1 - fx) + rows[:, right] * fx
    return np.round(out).astype(np.uint8)


def outline(image, corners, color=(220, 30, 30), thick=2):
    """Draws the outline of a polygon with corners (row, column) into image."""
    height, width, _ = image.shape
    for start, end in zip(corners, np.roll(corners, -1, axis=0)):
        steps = int(np.ceil(np.abs(end - start).max())) * 2 + 1
        points = np.round(np.linspace(start, end, steps)).astype(int)
        for down in range(thick):
            for across in range(thick):
                rows = np.clip(points[:, 0] + down, 0, height - 1)
                image[rows, np.clip(points[:, 1] + across, 0, width - 1)] = color


def regions(inside):
    """The four-connected regions of a mask, each an array of (row, column)."""
    seen = ~inside
    height, width = inside.shape
    for y, x in zip(*np.nonzero(inside)):
        if seen[y, x]:
            continue
        seen[y, x], todo, points = True, [(y, x)], []
        while todo:
            r, c = todo.pop()
            points.append((r, c))
            for r2, c2 in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                if (0 <= r2 < height and 0 <= c2 < width
                        and not seen[r2, c2]):
                    seen[r2, c2] = True
                    todo.append((r2, c2))
        yield np.array(points, float)


def textBoxes(score, threshold=0.3, smallest=12):
    """
    The four corners of each text region of a detector's score map (height x
    width): a rectangle along the region's principal axis, grown by what the
    detector was trained to shrink it: area * 1.6 / perimeter on each side.
    """
    boxes = []
    for points in regions(score > threshold):
        if len(points) < smallest:
            continue
        centre = points.mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((points - centre).T))
        along = (points - centre) @ axes
        low, high = along.min(axis=0) - 0.5, along.max(axis=0) + 0.5
        sides = high - low
        grow = sides.prod() * 1.6 / (2 * sides.sum())
        low, high = low - grow, high + grow
        corners = np.array([[low[0], low[1]], [low[0], high[1]],
                            [high[0], high[1]], [high[0], low[1]]])
        boxes.append(corners @ axes.T + centre)
    return boxes


def detectorInput(image):
    """PP-OCR's detector input: BGR, normalized, sides multiples of 32."""
    height, width = (max(32, round(s / 32) * 32) for s in image.shape[:2])
    x = resize(image, height, width)[..., ::-1].astype(np.float32) / 255
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    return np.ascontiguousarray(((x - mean) / deviation).transpose(2, 0, 1)[None])
