# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Models compiled for the CPU and for CUDA: both variants of one engine on the
# same inputs. The CUDA variant runs on the simulated GPU with all checks on: a
# finding of any of them fails the test.
#
#   cuda.py --driver=LIBCUDA [--bin=FOLDER] [--set=ci|full] [--only=NAME]
#
# Both sum products in another order: 1e-4 of the largest magnitude, as beside
# onnxruntime (common.py).

import os
import sys

import common
import runModel
from cases import DECODING, case, zooRuns

OPSET = dict(opset=17)
MODELS = {
    "resnet18": case("cuda", "resnet18", dict(opset=17, batch="dyn"),
                     runs=zooRuns(dict(batch_size=1))),
    "mobilenet_v2": case("cuda", "mobilenet_v2", dict(batch="dyn", **OPSET),
                         runs=zooRuns(dict(batch_size=1))),
    "llama-tiny": case("cuda", "llama-tiny", OPSET, runs=DECODING),
    "bert_base": case("cuda", "bert_base", dict(
        batch="dyn", seq="dyn", **OPSET), runs=zooRuns(
            dict(batch_size=1, sequence_length=16))),
    "ppocr-v4-rec": case("cuda", "ppocr-v4-rec",
                         runs=[("pageLine", dict(width=320))]),
}


def runCase(chosen, tools, folder, driver):
    import models
    path = models.get(chosen.model, **chosen.options)
    engine = folder / "model.tenon"
    seconds = tools.compile(path, engine, "--target=cpu,cuda:sm_80",
                            "--ptxas=none")
    bound = common.TOLERANCE[chosen.precision]
    worst = 0.0
    for run in chosen.runs:
        feeds = runModel.feedsOf(run, path)
        expected = tools.infer(engine, feeds, folder, 2, "--device=cpu")
        got = tools.infer(engine, feeds, folder, 2, "--device=cuda",
                          f"--cuda-driver={driver}")
        difference = common.compare(expected, got)
        worst = max(worst, difference)
        if difference > bound:
            raise common.Failed(f"run {run[1]}: largest difference "
                                f"{difference:.2e}, expected at most {bound}")
    return (f"difference {worst:.1e} in {len(chosen.runs)} runs, compiled in "
            f"{seconds:.1f} s")


def main():
    args = common.arguments("CUDA variants beside the CPU's", only={},
                            driver=dict(required=True))
    os.environ.setdefault("TENON_SIMCUDA_CHECKS", "all")
    report, tools = common.Report("cuda"), common.Tools(args.bin)
    for name, chosen in MODELS.items():
        if args.only in (None, name):
            with common.workFolder() as folder:
                report.check(name, runCase, chosen, tools,
                             common.pathlib.Path(folder), args.driver)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
