#!/usr/bin/env python3
"""The image networks in PyTorch (pip install torch torchvision): writes tests/golden/nets/*.txt for tests/unit/models/test_nets.c.

    python3 tests/oracles/make_nets.py tests/golden/nets [CASE ...]

Each network is defined here once more, from its publication; ResNet-50 and ResNeXt-101 are checked against torchvision's own
(same names, shapes and outputs) and all against the published numbers of parameters. Weights, pictures, targets and mixing
weights come from a hash of (name, element) that the C test computes too, so no tensor is stored. Everything runs in float64; the
same in float32 says what rounding alone does (`floor`, for the reader).

A file: `net NAME`, `case SEED WIDTH H W C N CLASSES MIX_AT BCE BOUND` (BOUND: of a gradient's relative error), `parameters` (of full
width, native input), `predict` and `logits` (N x CLASSES, with the drawn running statistics and in training), `loss` (N), then for
each parameter `grad NAME SCALE P P P P` and, for the running statistics after that one training step, `state` likewise. P are sums
of the elements under fixed random signs: for a difference d of two tensors the mean square of its four sums estimates |d|^2,
wherever d lies. SCALE is the tensor's norm; for a bias that a batch norm takes away again, whose gradient is 0, the norm of the
gradient of the weight beside it."""
import os
import sys

import numpy as np
import torch
import torchvision
from torch import nn

M64 = (1 << 64) - 1


def fnv(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 & M64
    return h


def hashed(name, n):
    """n 64-bit numbers: the finaliser of splitmix64 over (name, element)."""
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(fnv(name))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, n):
    return (hashed(name, n) >> np.uint64(40)).astype(np.float64) / 2**24


def weights(name, shape):
    """Small convolutions, so that eps is a visible part of each variance; bottlenecks add little to what passes by them, else
    batch norms in a row make rounding grow beyond what can be compared (100 layers: to some percent of a gradient)."""
    n = int(np.prod(shape))
    u = uniform(name, n)
    if len(shape) == 4:
        w = 0.05 * np.sqrt(6 / np.prod(shape[1:])) * (2 * u - 1)
    elif len(shape) == 2:
        w = np.sqrt(3 / shape[1]) * (2 * u - 1)
    elif name.endswith("running_var"):
        w = 0.0025 * (0.5 + u)
    elif name.endswith("running_mean"):
        w = 0.05 * (u - 0.5)
    elif name.endswith("bn3.weight"):
        w = 0.1 + 0.1 * u
    elif name.endswith("weight"):
        w = 0.75 + 0.5 * u
    else:
        w = 0.25 * (2 * u - 1)
    return torch.from_numpy(w.astype(np.float32).reshape(shape))


def digest(name, t):
    t = t.detach().double().numpy().ravel()
    h = hashed("sign " + name, t.size)
    return np.array([np.sum(np.where(h >> np.uint64(k) & np.uint64(1), t, -t)) for k in range(4)])


def conv3(a, b, stride=1, groups=1):
    return nn.Conv2d(a, b, 3, stride, 1, groups=groups, bias=False)


def narrow(width, channels, unit=8):
    return channels if width == 1 else unit * max(1, int(channels * width / unit + 0.5))


class Basic(nn.Module):
    """He et al. 2016, figure 2; the shortcut of option B."""

    def __init__(self, a, b, stride, shortcut, **_):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv3(a, b, stride), nn.BatchNorm2d(b), conv3(b, b), nn.BatchNorm2d(b)
        self.side = shortcut
        if stride > 1 or a != b:
            setattr(self, shortcut, nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)))

    def forward(self, x):
        s = getattr(self, self.side)(x) if hasattr(self, self.side) else x
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + s).relu()


class Bottleneck(nn.Module):
    """He et al. 2016, figure 5; Xie et al. 2017, figure 3 (c)."""

    def __init__(self, a, b, stride, shortcut, mid, groups):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, mid, 1, bias=False), nn.BatchNorm2d(mid)
        self.conv2, self.bn2 = conv3(mid, mid, stride, groups), nn.BatchNorm2d(mid)
        self.conv3, self.bn3 = nn.Conv2d(mid, b, 1, bias=False), nn.BatchNorm2d(b)
        self.side = shortcut
        if stride > 1 or a != b:
            setattr(self, shortcut, nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)))

    def forward(self, x):
        s = getattr(self, self.side)(x) if hasattr(self, self.side) else x
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        return (self.bn3(self.conv3(y)) + s).relu()


class PreAct(nn.Module):
    """He et al. 2016, "Identity mappings", figure 4 (e)."""

    def __init__(self, a, b, stride, shortcut, **_):
        super().__init__()
        self.bn1, self.conv1, self.bn2, self.conv2 = nn.BatchNorm2d(a), conv3(a, b, stride), nn.BatchNorm2d(b), conv3(b, b)
        if stride > 1 or a != b:
            self.shortcut = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False))

    def forward(self, x):
        y = self.bn1(x).relu()
        s = self.shortcut(y) if hasattr(self, "shortcut") else x
        return self.conv2(self.bn2(self.conv1(y)).relu()) + s


class Residual(nn.Module):
    def __init__(self, block, blocks, names, width, channels, classes, planes=64, imagenet=False, groups=1, base=64):
        super().__init__()
        a = narrow(width, planes)
        self.conv1 = nn.Conv2d(channels, a, 7, 2, 3, bias=False) if imagenet else conv3(channels, a)
        if block is not PreAct:
            self.bn1 = nn.BatchNorm2d(a)
        self.pool = nn.MaxPool2d(3, 2, 1) if imagenet else nn.Identity()
        self.layers, self.head = [], names[1]
        for i, n in enumerate(blocks):
            b = narrow(width, (planes << i) * (4 if block is Bottleneck else 1))
            mid = narrow(width, (planes << i) * base // 64 * groups, max(groups, 8))
            made = []
            for k in range(n):
                made.append(block(a, b, 2 if i and not k else 1, names[0], mid=mid, groups=groups))
                a = b
            setattr(self, f"layer{i + 1}", nn.Sequential(*made))
            self.layers.append(f"layer{i + 1}")
        if block is PreAct:
            self.bn = nn.BatchNorm2d(a)
        setattr(self, names[1], nn.Linear(a, classes))

    def forward(self, x, mix_at=0, mix=None):
        x = self.conv1(x)
        x = self.bn1(x).relu() if hasattr(self, "bn1") else x
        x = self.pool(x)
        for i, layer in enumerate(self.layers):
            x = getattr(self, layer)(x)
            x = mix(x) if mix_at == i + 1 else x
        x = self.bn(x).relu() if hasattr(self, "bn") else x
        return getattr(self, self.head)(x.mean((2, 3)))


class Relu(nn.Module):
    def forward(self, x):
        return x.relu()


class Vgg(nn.Module):
    """Simonyan and Zisserman 2015, configuration D, with batch norm; the mean over what the last pool leaves."""

    def __init__(self, width, channels, classes):
        super().__init__()
        made, a = [], channels
        for b in [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]:
            if b:
                b = narrow(width, b)
                made += [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), Relu()]
                a = b
            else:
                made.append(nn.MaxPool2d(2))
        self.features, self.classifier = nn.Sequential(*made), nn.Linear(a, classes)

    def forward(self, x, mix_at=0, mix=None):
        return self.classifier(self.features(x).mean((2, 3)))


class Small(nn.Module):
    def __init__(self, width, channels, classes):
        super().__init__()
        a = channels
        for i in range(6):
            b = narrow(width, 16 << i // 2)
            setattr(self, f"conv{i + 1}", conv3(a, b))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(b))
            a = b
        self.fc = nn.Linear(a, classes)

    def forward(self, x, mix_at=0, mix=None):
        for i in range(1, 7):
            x = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)).relu()
            x = nn.functional.max_pool2d(x, 2) if i in (2, 4) else x
        return self.fc(x.mean((2, 3)))


def residual(*args, **kw):
    return lambda width, channels, classes: Residual(*args, width, channels, classes, **kw)


CIFAR, TORCHVISION = ("shortcut", "linear"), ("downsample", "fc")
NETS = {
    "smallcnn": Small,
    "resnet20": residual(Basic, [3, 3, 3], TORCHVISION, planes=16),
    "vgg16": Vgg,
    "resnet18": residual(Basic, [2, 2, 2, 2], CIFAR),
    "resnet34": residual(Basic, [3, 4, 6, 3], CIFAR),
    "resnet50": residual(Bottleneck, [3, 4, 6, 3], TORCHVISION, imagenet=True),
    "resnext101-32x4d": residual(Bottleneck, [3, 4, 23, 3], TORCHVISION, imagenet=True, groups=32, base=4),
    "preactresnet18": residual(PreAct, [2, 2, 2, 2], CIFAR),
    "preactresnet34": residual(PreAct, [3, 4, 6, 3], CIFAR),
}
# Published numbers: kuangliu/pytorch-cifar, chenyaofo/pytorch-cifar-models (0.27M) and torchvision's model pages.
# kuangliu's pre-activation network lacks the last norm, which has two numbers a channel.
COUNTS = {"resnet20": 272474, "vgg16": 14728266, "resnet18": 11173962, "resnet34": 21282122, "resnet50": 25557032,
          "resnext101-32x4d": 44177704, "preactresnet18": 11171146 + 2 * 512}
# name: network, width, h, w, channels, n, classes, mix_at, bce, bound; "full" cases are as wide as published. A ReLU input
# so near to 0 that rounding decides it moves gradients by more than 1e-4, in PyTorch's float32 too: of SEEDS sets of pictures
# the one whose nearest lies farthest is taken. In the millions of the full ResNeXt there is always one (float32 PyTorch is off
# by 0.03 there), hence its bound; its outputs, losses and statistics keep to 1e-4.
SEEDS = 24
CASES = {
    "smallcnn": ("smallcnn", 0.5, 14, 13, 1, 6, 10, 0, 0, 1e-4),
    "resnet20": ("resnet20", 0.5, 12, 12, 3, 6, 10, 0, 0, 1e-4),
    "vgg16": ("vgg16", 0.125, 64, 32, 3, 5, 10, 0, 0, 1e-4),
    "resnet18": ("resnet18", 0.125, 16, 16, 3, 6, 10, 0, 0, 1e-4),
    "resnet34": ("resnet34", 0.125, 16, 16, 3, 5, 10, 0, 0, 1e-4),
    "resnet50": ("resnet50", 0.125, 48, 40, 3, 4, 7, 0, 0, 1e-4),
    "resnext101": ("resnext101-32x4d", 0.125, 48, 40, 3, 4, 7, 0, 0, 1e-4),
    "preactresnet18": ("preactresnet18", 0.125, 16, 16, 3, 6, 10, 1, 1, 1e-4),
    "preactresnet34": ("preactresnet34", 0.125, 16, 16, 3, 5, 10, 2, 0, 1e-4),
    "resnet18-full": ("resnet18", 1, 32, 32, 3, 2, 10, 0, 0, 1e-4),
    "vgg16-full": ("vgg16", 1, 32, 32, 3, 4, 10, 0, 0, 1e-4),
    "resnext101-full": ("resnext101-32x4d", 1, 64, 64, 3, 4, 10, 0, 0, 0.1),
}


def count(net):
    return sum(p.numel() for p in net.parameters())


def names(net):
    return {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def against_torchvision():
    tv = torchvision.models
    for name, a in (("resnet50", tv.resnet50()),
                    ("resnext101-32x4d", tv.ResNet(tv.resnet.Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4))):
        a, b = a.eval(), NETS[name](1, 3, 1000).eval()
        assert {k: v.shape for k, v in a.state_dict().items()} == {k: v.shape for k, v in b.state_dict().items()}, name
        b.load_state_dict(a.state_dict())
        x = torch.randn(1, 3, 224, 224)
        assert torch.allclose(a(x), b(x), rtol=1e-5, atol=1e-5), name
        print(f"{name}: torchvision's names, shapes and outputs")


def pictures(seed, h, w, c, n):
    """Sample 1 is flipped, sample 2 moved by (-1, 2): what leaves the picture is the pixel 0. Units: shift + scale * byte."""
    raw = (hashed(f"image {seed}", n * h * w * c) >> np.uint64(56)).astype(np.float64).reshape(n, h, w, c)
    scale = np.array([0.015, 0.016, 0.017], np.float32)[:c].astype(np.float64)
    shift = np.array([-1.9, -2.0, -1.8], np.float32)[:c].astype(np.float64)
    raw[1] = raw[1, :, ::-1]
    if n > 2:
        moved = np.zeros((h, w, c))
        moved[1:, : w - 2] = raw[2, : h - 1, 2:]
        raw[2] = moved
    return torch.from_numpy(shift + scale * raw).permute(0, 3, 1, 2).contiguous()


class Nearest:
    """Inside: the ReLU input nearest to 0, as a part of its tensor's root mean square."""

    def __enter__(self):
        self.relu, self.value = torch.Tensor.relu, 1.0

        def relu(x):
            self.value = min(self.value, (x.abs().min() / x.square().mean().sqrt()).item())
            return self.relu(x)

        torch.Tensor.relu = relu
        return self

    def __exit__(self, *_):
        torch.Tensor.relu = self.relu


def step(net, dtype, seed, h, w, c, n, classes, mix_at, bce):
    net = net.to(dtype)
    with torch.no_grad():
        for k, v in names(net).items():
            v.copy_(weights(k, tuple(v.shape)))
    lam = torch.from_numpy(uniform("lambda", n).astype(np.float32)).to(dtype).view(-1, 1, 1, 1)
    partner = [(i + 2) % n for i in range(n)]
    mix = lambda x: lam * x + (1 - lam) * x[partner]
    u = uniform("target", n * classes).reshape(n, classes)
    target = torch.from_numpy((u / np.add.accumulate(u, 1)[:, -1:]).astype(np.float32)).to(dtype)
    x = pictures(seed, h, w, c, n).to(dtype)
    with torch.no_grad():
        predict = net.eval()(x)
    net.train()
    with Nearest() as nearest:
        z = net(x, mix_at, mix) if mix_at else net(mix(x))
    log_p = z.log_softmax(1)
    if bce:
        loss = -(target * log_p + (1 - target) * torch.log1p(-log_p.exp())).mean(1)
    else:
        loss = -(target * log_p).sum(1)
    loss.mean().backward()
    return nearest.value, predict, z.detach(), loss.detach(), {k: p.grad for k, p in net.named_parameters()}, {
        k: v.detach() for k, v in names(net).items() if "running" in k}


def numbers(values):
    return " ".join(f"{v:.8g}" for v in values.double().ravel().tolist())


def line(kind, name, scale, values):
    return f"{kind} {name} {scale:.6g} " + " ".join(f"{v:.6g}" for v in values)


def write(folder, case):
    name, width, h, w, c, n, classes, mix_at, bce, bound = CASES[case]
    native = (1, 10) if name == "smallcnn" else (3, 1000) if name in ("resnet50", "resnext101-32x4d") else (3, 10)
    total = count(NETS[name](1, *native))
    assert COUNTS.get(name, total) == total, (name, total)
    run = lambda seed, dtype: step(NETS[name](width, c, classes), dtype, seed, h, w, c, n, classes, mix_at, bce)
    nearest, seed = max((run(seed, torch.float64)[0], seed) for seed in range(SEEDS))
    (_, predict, z, loss, grads, states), single = run(seed, torch.float64), run(seed, torch.float32)
    lines = [f"net {name}", f"case {seed} {width:g} {h} {w} {c} {n} {classes} {mix_at} {bce} {bound:g}", f"parameters {total}",
             "predict " + numbers(predict), "logits " + numbers(z), "loss " + numbers(loss)]
    norm = {k: g.norm().item() for k, g in grads.items()}
    floor = [((a - b.double()).norm() / a.norm()).item() for a, b in zip((predict, z), single[1:3])]
    worst = (0, "")
    for k, g in grads.items():
        scale = norm[k]
        if scale < 1e-9:
            scale = norm[k[: -len("bias")] + "weight"]
        lines.append(line("grad", k, scale, digest(k, g)))
        worst = max(worst, (((g - single[4][k].double()).norm() / scale).item(), k))
    for k, v in states.items():
        lines.append(line("state", k, v.norm().item(), digest(k, v)))
    lines.insert(3, f"floor predict {floor[0]:.2g} logits {floor[1]:.2g} gradient {worst[0]:.2g} {worst[1]} nearest {nearest:.2g}")
    with open(os.path.join(folder, case + ".txt"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print(case, total, *lines[3].split()[1:], flush=True)


def main():
    torch.manual_seed(1)
    if len(sys.argv) == 2:
        against_torchvision()
    for case in sys.argv[2:] or CASES:
        write(sys.argv[1], case)


if __name__ == "__main__":
    sys.exit(main())
