#!/usr/bin/env python3
"""Training beside PyTorch (pip install torch torchvision): three epochs of vic-train, each one batch of all records, and the same three
steps of torch.optim.SGD from the same first weights. That is all but what is drawn: normalisation, loss, the update rule, what
weight decay pulls at, the schedule, running statistics. The measure is PyTorch in float64. Prints the largest difference of each
case, relative to the largest value of its tensor (of a running mean: to the deviation beside it), PyTorch's own float32 by the same
measure, and how far training went. A ReLU whose input rounding pushes over 0 makes both large; exits with 1 where ours is above
1e-5 and above twice PyTorch's.

    python3 tests/oracles/train_steps.py build/bin"""
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_nets import NETS  # noqa: E402

RECORDS = 60
# options, and what they mean here: network, width, SGD's arguments, rates of the epochs, smoothing, ERL, loss, who decays
SGD = dict(momentum=0.9, nesterov=True, weight_decay=5e-4)
CASES = [
    ("-m smallcnn --width 0.5 --lr 0.01", ("smallcnn", 0.5, SGD, (0.01, 0.01, 0.005), 0, 0, "ce", "all")),
    ("-m resnet20 --width 0.5 --lr 0.01", ("resnet20", 0.5, SGD, (0.01, 0.01, 0.005), 0, 0, "ce", "all")),
    ("-m resnet18 --width 0.25 --schedule cosine --label-smoothing 0.1 --lr 0.01",
     ("resnet18", 0.25, SGD, (0.01, 0.0075, 0.0025), 0.1, 0, "ce", "all")),
    ("-m vgg16 --width 0.25 --no-nesterov --decay weights --weight-decay 0.01 --schedule constant --lr 0.002",
     ("vgg16", 0.25, dict(momentum=0.9, weight_decay=0.01), (0.002, 0.002, 0.002), 0, 0, "ce", "weights")),
    ("-m preactresnet18 --width 0.25 --loss bce --erl 0.1 --lr 0.01",
     ("preactresnet18", 0.25, SGD, (0.01, 0.01, 0.005), 0, 0.1, "bce", "all")),
    ("-m resnet20 --width 0.25 --schedule goyal --batch 128 --lr 0.02",
     ("resnet20", 0.25, dict(SGD, weight_decay=1e-4), (0.01, 0.01, 0.01), 0, 0, "ce", "weights")),
]


def read(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    head, out = json.loads(data[8:8 + n]), {}
    for name, t in head.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            out[name] = np.frombuffer(data[8 + n + a:8 + n + b], "<f4").reshape(t["shape"]).copy()
    return out, json.loads(head["__metadata__"]["net"])


def records(folder):
    raw = np.fromfile(os.path.join(folder, "data_batch_1.bin"), np.uint8)[:RECORDS * 3073].reshape(RECORDS, 3073)
    return raw[:, 1:].reshape(RECORDS, 3, 32, 32).astype(np.float64), raw[:, 0].astype(np.int64)


def loss_of(z, y, smoothing, erl, kind):
    k = z.shape[1]
    t = torch.full_like(z, smoothing / (k - 1)).scatter_(1, y[:, None], 1 - smoothing)
    log_p = z.log_softmax(1)
    p = log_p.exp()
    first = -(t * log_p).sum(1) if kind == "ce" else -(t * log_p + (1 - t) * torch.log1p(-p)).mean(1)
    return (first + erl * (p * log_p).sum(1)).mean()


def steps(case, first, x, y, dtype):
    name, width, sgd, rates, smoothing, erl, kind, decays = case
    net = NETS[name](width, 3, 10).to(dtype)
    net.load_state_dict({k: torch.tensor(v).to(dtype) for k, v in first.items()}, strict=False)
    weights = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim == 1]
    rule = torch.optim.SGD([dict(params=weights), dict(params=others, **({} if decays == "all" else {"weight_decay": 0}))],
                           lr=1, **sgd)
    x, y = torch.tensor(x).to(dtype), torch.tensor(y)
    for lr in rates:
        for group in rule.param_groups:
            group["lr"] = lr
        rule.zero_grad()
        loss_of(net(x), y, smoothing, erl, kind).backward()
        rule.step()
    return {k: v.numpy() for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def main():
    bin, bad = os.path.abspath(sys.argv[1]), 0
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as t:
        def run(line):
            subprocess.run(line, shell=True, check=True, cwd=t, env=dict(os.environ, PATH=bin + ":" + os.environ["PATH"]))
        run(f"vic-corpora synth images -q --layout cifar --n {RECORDS} --seed 5 --to synth >corpus.txt")
        run("vic-images -q -f cifar10 synth >images")
        folder = next(d for d, _, f in os.walk(os.path.join(t, "synth")) if "data_batch_1.bin" in f)
        x, y = records(folder)
        mean, deviation = x.mean((0, 2, 3)), x.std((0, 2, 3))
        for options, case in CASES:
            batch = "" if "--batch" in options else f"--batch {RECORDS}"
            plain = f"vic-train -q {options} {batch} --crop-pad 0 --no-flip --select last"
            run(f"{plain} --epochs 3 -o last images")
            run(f"vic-train -q {options.split(' --lr ')[0]} {batch} --crop-pad 0 --no-flip --select last --lr 0 --epochs 1 -o first images")
            first, _ = read(os.path.join(t, "first"))
            last, settings = read(os.path.join(t, "last"))
            assert np.allclose(settings["mean"], mean, 1e-12) and np.allclose(settings["deviation"], deviation, 1e-12)
            for k in first:
                if k.endswith("running_mean"):
                    first[k] = np.zeros_like(first[k])
                if k.endswith("running_var"):
                    first[k] = np.ones_like(first[k])
            normal = (x - mean[:, None, None]) / deviation[:, None, None]
            exact, single = (steps(case, first, normal, y, d) for d in (torch.float64, torch.float32))
            assert sorted(exact) == sorted(last), sorted(set(exact) ^ set(last))
            size = {k: max(np.abs(v).max(), 1e-3) for k, v in exact.items()}
            for k in exact:
                if k.endswith("running_mean"):
                    size[k] = max(size[k], np.sqrt(exact[k.replace("mean", "var")].max()))

            def worst(a):
                return max(np.abs(a[k] - exact[k]).max() / size[k] for k in exact)
            moved = np.median([np.abs(first[k] - exact[k]).max() / size[k] for k in exact])
            ours, theirs = worst(last), worst(single)
            bad |= not ours <= max(1e-5, 2 * theirs)
            print(f"{ours:.1e}  (float32 PyTorch {theirs:.1e}, moved {moved:.1e})  {options}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
