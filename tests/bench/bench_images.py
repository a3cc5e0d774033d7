"""Decoding and resizing: vic-images beside Pillow and torchvision, in one run on one core each.

    BIN=build/bin python3 tests/bench/bench_images.py

Prints a row for each set of images and peer: name, ours, peer, unit, ratio, separated by tabs. Ours is the whole program,
from the tar on disk to a stream on /dev/null; the peers are loops over files that already lie in memory, so reading and
writing are not held against them. Times are of the processor (user and system), for all alike, so that a busy machine
disturbs them less; all are single-threaded, and figures are medians.
"""
import io
import os
import statistics
import subprocess
import sys
import tarfile

from PIL import Image

try:
    import torch
    import torchvision.io
    import torchvision.transforms.v2.functional as tvf
except ImportError:
    torch = None

RUNS = 7
SETS = [
    ("cifar-as-jpeg-32", "cifar-10/imagefolder-subset.tar", 0),
    ("imagenette-224-decode", "imagenet-sample/imagenette2-224-subset.tar", 0),
    ("imagenette-224-to-160", "imagenet-sample/imagenette2-224-subset.tar", 160),
    ("imagenet-whole-to-224", "imagenet-sample/imagenet-fullsize-sample.tar", 224),
    ("imagenet-whole-to-64", "imagenet-sample/imagenet-fullsize-sample.tar", 64),
]


def find(name):
    for root in filter(None, [os.environ.get("VIC_DATA"), "data", "../shared/data"]):
        if os.path.exists(os.path.join(root, name)):
            return os.path.join(root, name)
    return None


def files_of(tar):
    with tarfile.open(tar) as t:
        return [t.extractfile(m).read() for m in t if m.isfile() and m.name.lower().endswith(("jpg", "jpeg"))]


def pillow_one(job):
    data, size = job
    im = Image.open(io.BytesIO(data)).convert("RGB")
    if size:
        w, h = im.size
        im = im.resize((size, h * size // w) if w <= h else (w * size // h, size), Image.BILINEAR)
        left, top = round((im.width - size) / 2), round((im.height - size) / 2)
        im = im.crop((left, top, left + size, top + size))
    return len(im.tobytes())


def torchvision_one(job):
    data, size = job
    im = torchvision.io.decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), torchvision.io.ImageReadMode.RGB)
    if size:
        im = tvf.center_crop(tvf.resize(im, [size], antialias=True), [size, size])
    return im.numel()


def processor():
    """Seconds of this process and of its finished children."""
    return sum(os.times()[:4])


def rate(n, work):
    times = []
    for _ in range(RUNS):
        begin = processor()
        work()
        times.append(processor() - begin)
    return n / statistics.median(times)


def main():
    peers = {"pillow": pillow_one}
    if torch:
        torch.set_num_threads(1)
        peers["torchvision"] = torchvision_one
    else:
        print("torchvision is not installed: its rows are left out", file=sys.stderr)
    program = os.path.join(os.environ.get("BIN", "build/bin"), "vic-images")
    for name, path, size in SETS:
        tar = find(path)
        if not tar:
            print(f"# SKIP {name}: no {path} in $VIC_DATA, data or ../shared/data", file=sys.stderr)
            continue
        command = [program, "-q", "-t", "1", "-o", "/dev/null", tar]
        command += ["--resize", str(size)] if size else ["--encoding", "raw"]
        jobs = [(data, size) for data in files_of(tar)]
        ours = rate(len(jobs), lambda: subprocess.run(command, check=True))
        for who, one in peers.items():
            theirs = rate(len(jobs), lambda: list(map(one, jobs)))
            print(f"images-{name}/{who}", f"{ours:.0f}", f"{theirs:.0f}", "images/s", f"{ours / theirs:.2f}", sep="\t")


main()
