# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The demo behind scripts/demo.sh, which builds the tools first: compile, run
# beside onnxruntime in alternating rounds, compare, and, for the text detector,
# draw what was found.

import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

import models
import oracle
import picture

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build" / "release" / "bin"
OUT = ROOT / "build" / "demo"
THREADS, ROUNDS, SECONDS = 2, 5, 0.5
OPEN_SIZE = 64  # where a model leaves a size open and --shapes does not say


def tool(name, *args):
    command = [str(BIN / name), *map(str, args)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"demo: {name} ended with exit code {done.returncode}")
    return done.stdout


def randomFeeds(reference, shapes):
    """Normal numbers; integers 0 and 1, which are indices of nearly anything."""
    kinds = {"tensor(float)": np.float32, "tensor(float16)": np.float16,
             "tensor(double)": np.float64, "tensor(bool)": np.bool_,
             "tensor(uint8)": np.uint8, "tensor(int8)": np.int8,
             "tensor(int32)": np.int32, "tensor(int64)": np.int64}
    rng, feeds = np.random.default_rng(0), {}
    for value in reference.get_inputs():
        sizes = shapes.get(value.name) or [
            d if isinstance(d, int) and d > 0 else (1 if i == 0 else OPEN_SIZE)
            for i, d in enumerate(value.shape)]
        kind = kinds[value.type]
        feeds[value.name] = (
            rng.standard_normal(sizes) if np.issubdtype(kind, np.floating)
            else rng.integers(0, 2, sizes)).astype(kind)
    return feeds


def beside(engine, reference, feeds):
    """Median milliseconds of both, in alternating rounds, and Tenon's outputs."""
    source, target = OUT / "in.npz", OUT / "out.npz"
    np.savez(source, **feeds)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        tool("tenon-run", engine, f"--inputs={source}", f"--outputs={target}",
             f"--threads={THREADS}", f"--duration={SECONDS}", "--quiet",
             f"--json={OUT / 'run.json'}")
        ours.append(json.loads(
            (OUT / "run.json").read_text())["latency_ms"]["p50"])
        times, end = [], time.perf_counter() + SECONDS
        reference.run(None, feeds)
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            reference.run(None, feeds)
            times.append((time.perf_counter() - start) * 1e3)
        theirs.append(statistics.median(times))
    with np.load(target) as results:
        outputs = {name: results[name] for name in results.files}
    return statistics.median(ours), statistics.median(theirs), outputs


def drawBoxes(page, score):
    """Outlines of the found text, on the page at the size it was given."""
    scale = np.array(page.shape[:2]) / np.array(score.shape)
    boxes = picture.textBoxes(score)
    for corners in boxes:
        picture.outline(page, corners * scale)
    path = OUT / "page.png"
    picture.write(path, page)
    return len(boxes), path


def main():
    global BIN
    flags = [a for a in sys.argv[1:] if a.startswith("--shapes=")]
    for folder in [a[6:] for a in sys.argv[1:] if a.startswith("--bin=")]:
        BIN = pathlib.Path(folder)
    given = [a for a in sys.argv[1:] if not a.startswith("-")]
    shapes = oracle.parseShapes(flags)
    OUT.mkdir(parents=True, exist_ok=True)
    model = pathlib.Path(given[0] if given else models.get("ppocr-v4-det"))
    engine = OUT / (model.stem + ".tenon")

    start = time.perf_counter()
    tool("tenonc", model, "-o", engine, *flags)
    seconds = time.perf_counter() - start
    kernels = len(json.loads(tool("tenon-inspect", engine, "--json"))["kernels"])

    reference = oracle.session(model, shapes, THREADS)
    page = None
    if given:
        feeds = randomFeeds(reference, shapes)
    else:
        page = picture.read(models.get("page.png"))
        page = picture.resize(page, page.shape[0] * 2, page.shape[1] * 2)
        feeds = {"x": picture.detectorInput(page)}
    ours, theirs, outputs = beside(engine, reference, feeds)
    worst = oracle.difference(oracle.outputs(reference, feeds), outputs)
    sizes = ", ".join(f"{k} {'x'.join(map(str, v.shape))}"
                      for k, v in feeds.items())
    print(f"""
model               {model.name}
input               {sizes}
compiled in         {seconds:.1f} s
kernels             {kernels}
engine              {engine.stat().st_size / 1e6:.1f} MB, {engine}
latency             {ours:.2f} ms (median, {THREADS} threads)
onnxruntime's       {theirs:.2f} ms (Tenon takes {ours / theirs:.2f}x as long)
largest difference  {worst:.1e} of the largest output""")
    if page is not None:
        score = outputs["sigmoid_0.tmp_0"][0, 0]
        found, path = drawBoxes(page, score)
        print(f"text boxes          {found}\npicture             {path}")


if __name__ == "__main__":
    main()
