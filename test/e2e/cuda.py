# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Models compiled for the CPU and for CUDA: both on the same inputs. The CUDA
# variant runs on the simulated GPU with all checks on: a finding of any of them
# fails the test. With another driver it runs on that one's device.
#
#   cuda.py --driver=LIBCUDA [--bin=FOLDER] [--set=ci|full] [--only=NAME]
#           [--resume=FILE]
#
# fp32    both sum products in another order: 1e-4 of the largest magnitude, as
#         beside onnxruntime (common.py).
# fp16    1e-2 from the CPU in f32, and at most twice what roundings at the same
#         points bring in onnxruntime (emulate.py).
# bf16    3 bits less than fp16: eight times as much.
# tf32    1e-2: it rounds the operands of products to 11 bits.
#
# The full set takes most of an hour. With --resume, what has passed is written to
# FILE and not run again, as long as the engine, the runtime and the simulator are
# the same: a change of the compiler repeats what it changes the engine of.

import hashlib
import json
import os
import pathlib
import sys
from collections import namedtuple

import common
import emulate
import runModel
from cases import DECODING, case, zooRuns

Run = namedtuple("Run", "model precision target schedule sets")
BOUND = {"fp32": common.TOLERANCE["fp32"], "fp16": common.TOLERANCE["fp16"],
         "tf32": common.TOLERANCE["fp16"],
         "bf16": 8 * common.TOLERANCE["fp16"]}
# Twice, as sums in another order move values across the border of a rounding;
# and the last bits of an f32 sum, where the roundings happen to cancel.
SLACK, FLOOR = 2.0, 1e-4
DEVICE = {"sm_80": "a100", "sm_86": "a10", "sm_87": "orin-agx", "sm_89": "l4"}

OPSET = dict(opset=17)
DYNAMIC = dict(batch="dyn", **OPSET)
MODELS = {
    "resnet18": case("cuda", "resnet18", DYNAMIC,
                     runs=zooRuns(dict(batch_size=1))),
    "mobilenet_v2": case("cuda", "mobilenet_v2", DYNAMIC,
                         runs=zooRuns(dict(batch_size=1))),
    "llama-tiny": case("cuda", "llama-tiny", OPSET, runs=DECODING),
    "bert_base": case("cuda", "bert_base", dict(seq="dyn", **DYNAMIC),
                      runs=zooRuns(dict(batch_size=1, sequence_length=16))),
    "ppocr-v4-rec": case("cuda", "ppocr-v4-rec",
                         runs=[("pageLine", dict(width=320))]),
    "vit_b16": case("cuda", "vit_b16", OPSET),
    "segformer_b0": case("cuda", "segformer_b0", OPSET),
    "resnet50": case("cuda", "resnet50", OPSET),
    "rxnmap": case("cuda", "rxnmap", runs=[("reaction", dict(seq_len=40))]),
    "open-nsfw": case("cuda", "open-nsfw", runs=[("nsfw", {})]),
}
CI_MODELS = list(MODELS)[:5]
ORDERS = ("lazy", "random:7")


def runs():
    """What is run: precision, target, order of the simulator's threads. Each
    model in one way, then each in the next: what ends early has seen most."""
    ways = [("fp32", "sm_80", "eager", "ci"), ("fp16", "sm_80", "eager", "ci"),
            ("bf16", "sm_80", "eager", ""), ("tf32", "sm_80", "eager", ""),
            ("fp32", "sm_89", "eager", ""), ("fp16", "sm_89", "eager", "")]
    for order in ORDERS:
        # Orders differ where threads meet: a small model is in CI, too.
        ways += [("fp32", "sm_80", order, "llama-tiny"),
                 ("fp16", "sm_80", order, "")]
    for precision, target, order, ci in ways:
        for name in MODELS:
            quick = name in CI_MODELS if ci == "ci" else name == ci
            yield Run(name, precision, target, order,
                      ("ci", "full") if quick else ("full",))


def title(run):
    return f"{run.model} {run.precision} {run.target} {run.schedule}"


def runCase(run, tools, folder, driver, resumed):
    import models
    os.environ["TENON_SIMCUDA_DEVICE"] = DEVICE[run.target]
    os.environ["TENON_SIMCUDA_SCHEDULE"] = run.schedule
    chosen = MODELS[run.model]
    path = models.get(chosen.model, **chosen.options)
    engine = folder / "model.tenon"
    flags = [] if run.precision == "fp32" else [f"--{run.precision}"]
    seconds = tools.compile(path, engine, f"--target=cpu,cuda:{run.target}",
                            "--ptxas=none", *flags)
    before = resumed.detail(title(run), engine)
    if before:
        return f"passed before: {before}"
    program = tools.must("tenon-inspect", engine, "--program",
                         f"--target={run.target}").stdout
    bound, worst, emulated = BOUND[run.precision], 0.0, 0.0
    for inputs in chosen.runs:
        feeds = runModel.feedsOf(inputs, path)
        expected = tools.infer(engine, feeds, folder, 2, "--device=cpu")
        got = tools.infer(engine, feeds, folder, 2, "--device=cuda",
                          f"--cuda-driver={driver}")
        difference = common.compare(expected, got)
        worst = max(worst, difference)
        if not difference <= bound:
            raise common.Failed(f"run {inputs[1]}: largest difference "
                                f"{difference:.2e}, expected at most {bound}")
        if run.precision in ("fp16", "bf16"):
            own = common.compare(expected,
                                 emulate.outputs(path, program, feeds))
            emulated = max(emulated, own)
            if difference > SLACK * own + FLOOR:
                raise common.Failed(
                    f"run {inputs[1]}: difference {difference:.2e}, roundings "
                    f"at the same points make {own:.2e}")
    also = f", emulated {emulated:.1e}" if emulated else ""
    detail = (f"difference {worst:.1e}{also} in {len(chosen.runs)} runs, "
              f"compiled in {seconds:.1f} s")
    resumed.add(title(run), engine, detail)
    return detail


def digest(*files):
    total = hashlib.sha256()
    for file in files:
        total.update(pathlib.Path(file).read_bytes())
    return total.hexdigest()


class Resumed:
    """What passed, by its engine, with this runtime and simulator, in a file."""

    def __init__(self, path, tools, driver):
        self.path = path and pathlib.Path(path)
        self.passed = {}
        if not self.path:
            return
        self.ran = digest(tools.folder / "tenon-run",
                          tools.folder.parent / "lib/libtenon.so", driver)
        if self.path.exists():
            kept = json.loads(self.path.read_text())
            if kept.get("ran") == self.ran:
                self.passed = kept["passed"]

    def detail(self, name, engine):
        """What was printed when NAME passed with this engine, or None."""
        found = self.passed.get(name, {})
        if found and found["engine"] == digest(engine):
            return found["detail"]
        return None

    def add(self, name, engine, detail):
        if not self.path:
            return
        self.passed[name] = {"engine": digest(engine), "detail": detail}
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps({"ran": self.ran, "passed": self.passed},
                                   indent=1))
        os.replace(part, self.path)


def main():
    args = common.arguments("CUDA variants beside the CPU's", only={},
                            driver=dict(required=True), resume={})
    os.environ.setdefault("TENON_SIMCUDA_CHECKS", "all")
    if args.set == "full":
        common.MAX_SECONDS = 3600  # large models, with all checks
    report, tools = common.Report("cuda"), common.Tools(args.bin)
    resumed = Resumed(args.resume, tools, args.driver)

    for run in runs():
        if args.set not in run.sets or args.only not in (None, run.model):
            continue
        with common.workFolder() as folder:
            report.check(title(run), runCase, run, tools, pathlib.Path(folder),
                         args.driver, resumed)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
