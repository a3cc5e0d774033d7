#!/usr/bin/env python3
"""vic-images beside Pillow and torchvision: images decoded and resized a second, on the same threads, in one run.

usage: bench_images.py BIN DATA [THREADS]    BIN: folder of the programs; DATA: data folder

Two rates a row, each the best of five, taken in turns. By the clock: ours is the whole process, from the tar to the stream on
/dev/null; theirs the loop alone, files already in memory, imports and worker start not counted; Pillow in THREADS processes,
torchvision in THREADS threads (its decoder lets go of Python's lock). By the processor: images a second of CPU time, user and
system, of one thread; what counts on a machine that others use too."""
import concurrent.futures as cf
import io
import multiprocessing as mp
import os
import resource
import subprocess
import sys
import tarfile
import time

import torch
import torchvision.io
import torchvision.transforms.v2.functional as tvf
from PIL import Image

BIN, DATA = sys.argv[1], sys.argv[2]
THREADS = int(sys.argv[3]) if len(sys.argv) > 3 else 2
REPEATS = 5


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


def timed(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def cpu(f, who=resource.RUSAGE_SELF):
    def spent():
        use = resource.getrusage(who)
        return use.ru_utime + use.ru_stime

    start = spent()
    f()
    return spent() - start


def show(name, n, best):
    rates = {who: n / t for who, t in best.items()}
    print(f"{name:46}" + "".join(f"{who} {rate:7.0f}/s  " for who, rate in rates.items())
          + f"{rates['vic-images'] / max(rates['Pillow'], rates['torchvision']):.2f} times the better")


def row(name, tar, size, pool, threads):
    jobs = [(data, size) for data in files_of(tar)]
    ours = [BIN + "/vic-images", "-q", "-o", "/dev/null", tar]
    ours += ["--resize", str(size)] if size else ["--encoding", "raw"]
    chunk = max(1, len(jobs) // (8 * THREADS))
    clock, processor = {}, {}

    def best(table, who, seconds):
        table[who] = min(table.get(who, 1e9), seconds)

    for _ in range(REPEATS):
        best(clock, "vic-images", timed(lambda: subprocess.run([*ours, "-t", str(THREADS)], check=True)))
        best(clock, "Pillow", timed(lambda: pool.map(pillow_one, jobs, chunksize=chunk)))
        best(clock, "torchvision", timed(lambda: list(threads.map(torchvision_one, jobs))))
        best(processor, "vic-images",
             cpu(lambda: subprocess.run([*ours, "-t", "1"], check=True), resource.RUSAGE_CHILDREN))
        best(processor, "Pillow", cpu(lambda: list(map(pillow_one, jobs))))
        best(processor, "torchvision", cpu(lambda: list(map(torchvision_one, jobs))))
    show(name + ", clock", len(jobs), clock)
    show(name + ", processor", len(jobs), processor)


def main():
    torch.set_num_threads(1)
    print(f"{THREADS} threads, {os.cpu_count()} processors, Pillow {Image.__version__}, torchvision {torchvision.__version__}")
    with mp.get_context("spawn").Pool(THREADS) as pool, cf.ThreadPoolExecutor(THREADS) as threads:
        pool.map(pillow_one, [(files_of(f"{DATA}/cifar-10/imagefolder-subset.tar")[0], 0)] * 8)
        row("CIFAR-10 as JPEG, 32x32", f"{DATA}/cifar-10/imagefolder-subset.tar", 0, pool, threads)
        row("Imagenette 224x224, decoded", f"{DATA}/imagenet-sample/imagenette2-224-subset.tar", 0, pool, threads)
        row("Imagenette 224x224 to 160", f"{DATA}/imagenet-sample/imagenette2-224-subset.tar", 160, pool, threads)
        row("ImageNet, whole files, to 224", f"{DATA}/imagenet-sample/imagenet-fullsize-sample.tar", 224, pool, threads)
        row("ImageNet, whole files, to 64", f"{DATA}/imagenet-sample/imagenet-fullsize-sample.tar", 64, pool, threads)


if __name__ == "__main__":
    main()
