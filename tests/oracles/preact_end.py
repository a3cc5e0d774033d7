#!/usr/bin/env python3
"""What the last norm of a pre-activation network is for (docs/REPRODUCTION.md): PyTorch's losses, batch by batch, of
PreActResNet-18 with it and without it, as manifold mixup's code has it, at the paper's rate (0.1, Nesterov, 128 records).

    python3 tests/oracles/preact_end.py FOLDER      of CIFAR-10's binary version: data_batch_1.bin

Initial weights: PyTorch's own and He's, seeds 1 to 3; 20 batches without the norm, 30 with it."""
import os
import sys

import numpy as np
import torch
from torch import nn

from make_nets import NETS

raw = np.fromfile(os.path.join(sys.argv[1], "data_batch_1.bin"), np.uint8).reshape(-1, 3073)
raw = raw[np.random.RandomState(0).permutation(len(raw))]
x = torch.tensor(raw[:, 1:].reshape(-1, 3, 32, 32) / 255, dtype=torch.float32)
x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
y = torch.tensor(raw[:, 0].astype(np.int64))
for norm, steps in (("without", 20), ("with", 30)):
    for first in ("PyTorch", "He"):
        for seed in (1, 2, 3):
            torch.manual_seed(seed)
            net = NETS["preactresnet18"](1, 3, 10)
            if norm == "without":
                del net.bn
            for m in net.modules():
                if first == "He" and isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            rule = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
            losses = []
            for at in range(0, steps * 128, 128):
                rule.zero_grad()
                loss = nn.functional.cross_entropy(net(x[at:at + 128]), y[at:at + 128])
                loss.backward()
                rule.step()
                losses.append(loss.item())
            print(norm, first, seed, " ".join(f"{v:.3g}" for v in losses), flush=True)
