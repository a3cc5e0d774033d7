#!/usr/bin/env python3
"""Two shards beside PyTorch's DistributedDataParallel with two gloo processes (pip install torch numpy): five steps of SGD of a
small network with batch norm, mixed images, thirteen records a step, of which one process has six and the other seven. Writes
tests/golden/ddp.txt for tests/unit/shards/test_ddp.c, which draws the same images and weights.

    python3 tests/oracles/ddp_steps.py tests/golden/ddp.txt

All in float64. DDP averages gradients, so each process scales its mean loss by its share of the records and by 2. Partners come from
the whole batch; a process has the running statistics of both, in proportion to their records, where the next step begins (DDP itself
would copy those of process 0). A line of the file: `loss STEP` and 13 numbers, `logits STEP` and 39; then, after the last step,
each parameter or running statistic by name and its numbers."""
import os
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

STEPS, N, CLASSES, C, H, W, SHARDS = 5, 13, 3, 2, 6, 5, 2


def mixed(j):
    """A hash of j, 32 bits."""
    z = (j + 1) * 2654435761 % 2**32
    z = (z ^ z >> 15) * 2246822519 % 2**32
    return z ^ z >> 13


def image(step, i):
    first = (step * N + i) * H * W * C
    bytes_ = torch.tensor([mixed(first + k) >> 24 for k in range(H * W * C)], dtype=torch.float64)
    return (bytes_ / 64 - 2).reshape(H, W, C).permute(2, 0, 1)


def weight(number, shape, name):
    """Parameter `number` in the order of state_dict, without num_batches_tracked."""
    n = int(torch.tensor(shape).prod())
    u = torch.tensor([(mixed(100000 * (number + 1) + k) >> 8) / 2**24 for k in range(n)], dtype=torch.float64)
    around_one = name.endswith("var") or name.startswith("bn") and name.endswith("weight")
    return ((u + 0.5) if around_one else (u - 0.5)).float().double().reshape(shape)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(C, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, CLASSES)

    def forward(self, x):
        x = self.bn1(self.conv1(x)).relu()
        x = self.bn2(self.conv2(x)).relu()
        return self.fc(x.mean((2, 3)))


def batch(step):
    """Mixed images and their soft labels."""
    share = torch.tensor(0.25 + 0.125 * step, dtype=torch.float64)
    x = torch.stack([image(step, i) for i in range(N)])
    y = nn.functional.one_hot(torch.tensor([(i * 7 + step) % CLASSES for i in range(N)]), CLASSES).double()
    partner = [(i * 5 + step) % N for i in range(N)]
    return share * x + (1 - share) * x[partner], share * y + (1 - share) * y[partner]


def names(net):
    return [k for k in net.state_dict() if not k.endswith("num_batches_tracked")]


def work(rank, out):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29531")
    dist.init_process_group("gloo", rank=rank, world_size=SHARDS)
    torch.set_num_threads(1)
    net = Net().double()
    first = {k: weight(i, tuple(net.state_dict()[k].shape), k) for i, k in enumerate(names(net))}
    net.load_state_dict(first, strict=False)
    ddp = nn.parallel.DistributedDataParallel(net, broadcast_buffers=False)
    rule = torch.optim.SGD(ddp.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    lines = []
    for step in range(STEPS):
        x, t = batch(step)
        begin, end = N * rank // SHARDS, N * (rank + 1) // SHARDS
        z = ddp(x[begin:end])
        loss = -(t[begin:end] * z.log_softmax(1)).sum(1)
        rule.zero_grad()
        (loss.mean() * (end - begin) / N * SHARDS).backward()
        rule.step()
        for name, b in net.named_buffers():
            if not name.endswith("num_batches_tracked"):
                b.mul_((end - begin) / N)
                dist.all_reduce(b)
        both = [None] * SHARDS
        dist.all_gather_object(both, (loss.detach(), z.detach()))
        for k, what in enumerate(("loss", "logits")):
            values = torch.cat([r[k] for r in both]).ravel().tolist()
            lines.append(f"{what} {step} " + " ".join(f"{v:.10g}" for v in values))
    for name in names(net):
        lines.append(name + " " + " ".join(f"{v:.10g}" for v in net.state_dict()[name].ravel().tolist()))
    if not rank:
        with open(out, "w") as f:
            f.write("\n".join(lines) + "\n")
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, (sys.argv[1],), SHARDS)
