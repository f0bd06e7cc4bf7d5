# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Convolutions of every form (convolutions.py) on the simulated GPU against
# onnxruntime: all checks on, in the simulator's eager, lazy and random order,
# the same bits each time, also with pinned schedules. Those whose input channels
# are shared by the threads of a pixel meet in shared memory without bank
# conflicts. Those with one tap are products of matrices.

import json
import os
import pathlib
import random
import sys

import common
import convolutions
from common import Failed
from convolutions import form

MODELS = {"ci": 3, "full": 40}
SCHEDULES = ("eager", "lazy", "random:5")


def shared():
    """Few pixels, many channels: 16, 8, 4 and 2 threads a pixel; channels that
    these do not divide; fewer output channels than threads; groups."""
    yield form("Conv", 128, 24, [3, 3], [7, 7], pads=[1] * 4, epilogue="relu")
    yield form("Conv", 70, 16, [2, 1], [6, 5], epilogue="residual")
    yield form("Conv", 150, 3, [3], [40], pads=[1, 1])
    yield form("Conv", 33, 8, [1, 2], [9, 5], batch=2, bias=False)
    yield form("Conv", 16, 10, [3, 3], [6, 7], pads=[0, 1, 1, 0])
    yield form("Conv", 96, 40, [3, 3], [8, 9], group=2, strides=[2, 2],
               pads=[1] * 4, epilogue="sigmoid")


def pinned():
    """Channels of a thread and threads of a pixel that divide neither the
    pixels nor the input's channels; groups."""
    for channels in (1, 2, 4, 8):
        for split in (1, 2, 8, 16):
            yield (form("Conv", 38, 32, [3, 3], [5, 7], pads=[1] * 4,
                        group=1 + split % 2, epilogue="relu"),
                   f"conv<channels {channels}, split {split}>")


def products():
    """One tap: pixels that no vector divides, a single one, strides, one and
    three dimensions, with and without what follows."""
    yield form("Conv", 64, 48, [1, 1], [14, 14], epilogue="relu")
    yield form("Conv", 19, 33, [1, 1], [7, 7], batch=2, epilogue="residual")
    yield form("Conv", 40, 24, [1, 1], [1, 1], batch=3, epilogue="sigmoid")
    yield form("Conv", 8, 16, [1, 1], [9, 11], strides=[2, 2], bias=False)
    yield form("Conv", 70, 5, [1], [64], strides=[3], epilogue="relu")
    yield form("Conv", 16, 130, [1, 1, 1], [3, 5, 4], epilogue="residual")


def agrees(forms, dynamic, seed, tools, folder, driver, pins=()):
    path, engine = folder / "model.onnx", folder / "model.tenon"
    feeds = convolutions.build(forms, dynamic, seed, path)
    tools.compile(path, engine, "--target=cuda:sm_80", "--ptxas=none",
                  *(f"--schedule={pin}" for pin in pins))
    expected = common.oracle(path, feeds)
    counts = folder / "report.json"
    os.environ["TENON_SIMCUDA_REPORT"] = str(counts)
    results = []
    for schedule in SCHEDULES:
        os.environ["TENON_SIMCUDA_SCHEDULE"] = schedule
        results.append(tools.infer(engine, feeds, folder, 2, "--device=cuda",
                                   f"--cuda-driver={driver}"))
    worst = 0.0
    for name, reference in expected.items():
        difference = common.compare({name: reference},
                                    {name: results[0][name]})
        worst = max(worst, difference)
        if difference > convolutions.TOLERANCE:
            raise Failed(f"{name}: difference {difference:.2e}, of "
                         f"{forms[int(name[1:])]}")
        for schedule, other in zip(SCHEDULES[1:], results[1:]):
            if other[name].tobytes() != results[0][name].tobytes():
                raise Failed(f"{name}: {schedule} differs, of "
                             f"{forms[int(name[1:])]}")
    conflicts = sum(kernel["shared"]["conflicts"]
                    for kernel in json.loads(counts.read_text())["kernels"])
    if conflicts:
        raise Failed(f"{conflicts} bank conflicts")
    program = json.loads(tools.must("tenon-inspect", engine, "--json").stdout)
    split = sum("#tenon.conv<" in k["schedule"] and
                "split 1>" not in k["schedule"] for k in program["kernels"])
    direct = sum(k["family"] == "conv" for k in program["kernels"])
    return f"difference {worst:.1e}, {split} kernels share channels", split, direct


def main():
    args = common.arguments("convolutions on the simulated GPU",
                            driver=dict(required=True))
    os.environ.setdefault("TENON_SIMCUDA_CHECKS", "all")
    report, tools = common.Report("cudaConv"), common.Tools(args.bin)

    def check(forms, dynamic, seed, folder):
        return agrees(forms, dynamic, seed, tools, folder, args.driver)[0]

    def mustShare(dynamic, folder):
        detail, split, _ = agrees(list(shared()), dynamic, 1, tools, folder,
                                  args.driver)
        if not dynamic and split < len(list(shared())):
            raise Failed(detail)
        return detail

    def areChosen(dynamic, folder):
        forms, schedules = zip(*pinned())
        detail = agrees(list(forms), dynamic, 1, tools, folder, args.driver,
                        [f"y{i}:{s}" for i, s in enumerate(schedules)])[0]
        text = (folder / "model.tenon").read_bytes()
        for schedule in schedules:
            if f"#tenon.{schedule}".encode() not in text:
                raise Failed(f"no kernel has {schedule}")
        return detail

    def areProducts(dynamic, folder):
        detail, _, direct = agrees(list(products()), dynamic, 1, tools, folder,
                                   args.driver)
        if direct:
            raise Failed(f"{direct} of these are no products of matrices")
        return detail

    with common.workFolder() as name:
        folder = pathlib.Path(name)
        for dynamic in (False, True):
            words = " dynamic" * dynamic
            report.check(f"shared channels{words}", mustShare, dynamic, folder)
            report.check(f"pinned schedules{words}", areChosen, dynamic,
                         folder)
            report.check(f"one tap{words}", areProducts, dynamic, folder)
            report.check(f"table{words}", check,
                         list(convolutions.table()), dynamic, 1, folder)
        for seed in range(MODELS[args.set]):
            rng, dynamic = random.Random(seed), bool(seed % 2)
            forms = [convolutions.draw(rng)
                     for _ in range(convolutions.FORMS)]
            report.check(f"seed {seed}{' dynamic' * dynamic}", check, forms,
                         dynamic, seed, folder)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
