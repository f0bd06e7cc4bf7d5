# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Two compilations of one model, from copies in different folders and with
# different numbers of threads, give the same bytes; one engine gives the same
# bits with 1, 2 and 3 threads.

import filecmp
import pathlib
import shutil
import sys

import common
from common import Failed

SETS = {
    "ci": [("mobilenet_v2", {}), ("llama-tiny", {}), ("ppocr-v4-det", {})],
    "full": [("resnet50", {}), ("bert_base", dict(seq="dyn")),
             ("efficientnet_b0", dict(batch="dyn")), ("segformer_b0", {}),
             ("vit_b16", {})],
}


def feedsOf(name, path):
    import inputs
    return inputs.pageDetector() if name.startswith("ppocr") else (
        inputs.zoo(path))


def sameBytes(path, tools, folder):
    engines = []
    for place, threads in (("one", 1), ("another/deeper", 3)):
        target = folder / place
        target.mkdir(parents=True)
        shutil.copy(path, target / path.name)
        engines.append(target / "model.tenon")
        tools.compile(target / path.name, engines[-1], f"--threads={threads}")
        (target / path.name).unlink()
    if not filecmp.cmp(*engines, shallow=False):
        raise Failed("two compilations differ")
    shutil.copy(engines[0], folder / "model.tenon")
    return f"{common.megabytes(engines[0]):.1f} MB"


def sameBits(name, path, tools, folder):
    feeds, engine = feedsOf(name, path), folder / "model.tenon"
    if not engine.exists():
        raise Failed("there is no engine to run")
    first = tools.infer(engine, feeds, folder, 1)
    for threads in (2, 3):
        other = tools.infer(engine, feeds, folder, threads)
        for output, value in first.items():
            if value.tobytes() != other[output].tobytes():
                raise Failed(f"output '{output}' differs between 1 and "
                             f"{threads} threads")
    return f"{len(first)} outputs"


def main():
    import models
    args = common.arguments("same bytes, same bits")
    report, tools = common.Report("determinism"), common.Tools(args.bin)
    chosen = SETS["ci"] + (SETS["full"] if args.set == "full" else [])
    for name, options in chosen:
        path = models.get(name, **options)
        with common.workFolder() as temporary:
            folder = pathlib.Path(temporary)
            report.check(f"{name}: same bytes", sameBytes, path, tools, folder)
            report.check(f"{name}: same bits", sameBits, name, path, tools,
                         folder)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
