#!/usr/bin/env python3
"""Image networks: a training step beside PyTorch, its memory, and the input pipeline beside torchvision, in one run.

    BIN=build/bin TOOLS=build/tests/bench python3 tests/bench/bench_images_train.py [--quick] [NET...]

Prints TSV rows: name, ours, peer, unit, ratio. Ours is vic-train as a whole, on synthetic pictures in CIFAR-10's format, cropped, flipped
and mixed: the difference of a long and a short run, so start-up is left out and the input is not. The peer is handed normalised batches
that lie in memory already and mixes them: its input pipeline is left out, a favour to it. PyTorch trains the same network, batch and
SGD (Nesterov, weight decay, foreach), values and weights channels_last, oneDNN on, in-place ReLU. Both are measured in turn,
REPEAT times, and medians shown: on one thread in processor time, which a busy machine disturbs little, and on all in wall time, where
the peer's is the better of its figures with one thread and with all. Memory: ours the peak of the process; the peer's what its
steps add to a process that has loaded the library but not built the network.
"""
import json, os, resource, statistics, subprocess, sys, tempfile, time

# PyTorch is measured without these; our programs with the environment as it is.
ENV = dict(os.environ)
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
BIN = os.path.abspath(os.environ.get("BIN", "build/bin"))
TOOLS = os.path.abspath(os.environ.get("TOOLS", os.path.join(BIN, "../tests/bench")))
QUICK = "--quick" in sys.argv
REPEAT = 3 if QUICK else 5
THREADS = len(os.sched_getaffinity(0))
# name, batch, steps of an epoch, title
NETS = [("resnet20", 128, 4, "ResNet-20"), ("resnet20", 64, 8, "ResNet-20"), ("resnet18", 64, 2, "ResNet-18 (CIFAR)"),
        ("vgg16", 64, 2, "VGG-16-BN")]


def run(line):
    """Wall and processor seconds and peak memory in MiB of one of our programs."""
    start = time.perf_counter()
    child = subprocess.Popen(line, env=dict(ENV, PATH=BIN + ":" + ENV["PATH"]), shell=False)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{line[0]} failed")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def ours_step(net, batch, steps, stream, threads):
    """Wall and processor seconds a step, and the peak memory."""
    short, long = (run(["vic-train", "-q", "-m", net, "--mixup", "1", "-b", str(batch), "--epochs", str(epochs), "--threads",
                        str(threads), "-o", "/dev/null", stream]) for epochs in (1, 3))
    return (long[0] - short[0]) / (2 * steps), (long[1] - short[1]) / (2 * steps), long[2]


def peer_main(name, batch):
    """The peer's process: a line of JSON when it is ready, then one for every line that it reads."""
    import torch
    from torch import nn
    import torch.nn.functional as F
    torch.manual_seed(1)

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.c1, self.b1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
            self.c2, self.b2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
            same = stride == 1 and i == o
            self.short = nn.Identity() if same else nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            y = self.b2(self.c2(F.relu(self.b1(self.c1(x)), inplace=True)))
            y += self.short(x)
            return F.relu(y, inplace=True)

    def resnet(widths, blocks):
        m, i = [nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)], widths[0]
        for k, (o, count) in enumerate(zip(widths, blocks)):
            for j in range(count):
                m.append(Block(i, o, 2 if k and not j else 1))
                i = o
        return nn.Sequential(*m, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, 10))

    def vgg():
        m, i = [], 3
        for v in [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]:
            m += [nn.Conv2d(i, v, 3, 1, 1), nn.BatchNorm2d(v), nn.ReLU(inplace=True)] if v else [nn.MaxPool2d(2, 2)]
            i = v or i
        return nn.Sequential(*m, nn.Flatten(), nn.Linear(512, 10))

    nets = {"resnet20": lambda: resnet([16, 32, 64], [3, 3, 3]), "resnet18": lambda: resnet([64, 128, 256, 512], [2, 2, 2, 2]),
            "vgg16": vgg}
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = peak()
    net = nets[name]().to(memory_format=torch.channels_last)
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True, foreach=True)
    x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,))

    def step():
        perm = torch.randperm(batch)
        z = net(0.3 * x + 0.7 * x[perm])
        loss = 0.3 * F.cross_entropy(z, y) + 0.7 * F.cross_entropy(z, y[perm])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()

    step()
    step()
    print(json.dumps({"memory": peak() - before, "version": torch.__version__}), flush=True)
    for line in sys.stdin:
        threads, steps = map(int, line.split())
        torch.set_num_threads(threads)
        step()
        start, processor = time.perf_counter(), time.process_time()
        for _ in range(steps):
            step()
        print(json.dumps([(time.perf_counter() - start) / steps, (time.process_time() - processor) / steps]), flush=True)


def steps_row(net, batch, steps, title, folder):
    n = batch * steps
    run(["vic-corpora", "synth", "images", "-q", "--layout", "cifar", "-n", str(n), "--to", f"{folder}/{n}"])
    stream = f"{folder}/{n}.vic"
    with open(stream, "wb") as out:
        subprocess.run([f"{BIN}/vic-images", "-q", "-f", "cifar10", "--only", "train", f"{folder}/{n}"], check=True, stdout=out)
    peer = subprocess.Popen([sys.executable, __file__, "--peer", net, str(batch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)
    ready = json.loads(peer.stdout.readline())
    ours, theirs, memory = {1: [], THREADS: []}, {1: [], THREADS: []}, 0
    for _ in range(REPEAT):
        for threads in ours:
            ours[threads].append(ours_step(net, batch, steps, stream, threads))
            time.sleep(0.3)  # threads that spin have gone to sleep
            peer.stdin.write(f"{threads} {steps}\n")
            peer.stdin.flush()
            theirs[threads].append(json.loads(peer.stdout.readline()))
            time.sleep(0.3)
    peer.stdin.close()
    peer.wait()
    rate = lambda runs, what: batch / statistics.median(r[what] for r in runs)
    a, b = rate(ours[1], 1), rate(theirs[1], 1)
    print(f"train {title}, batch {batch}, mixup, 1 thread (peer: PyTorch {ready['version']})\t{a:.0f}\t{b:.0f}\timages/s\t"
          f"{a / b:.2f}")
    a, b = rate(ours[THREADS], 0), max(rate(theirs[t], 0) for t in theirs)
    print(f"the same, {THREADS} threads\t{a:.0f}\t{b:.0f}\timages/s\t{a / b:.2f}")
    memory = max(r[2] for r in ours[THREADS])
    print(f"its peak memory (peer: growth over the loaded library)\t{memory:.0f}\t{ready['memory']:.0f}\tMiB\t"
          f"{ready['memory'] / memory:.2f}", flush=True)
    return 1 / a


def input_rows(seconds_each):
    """Crop, flip, normalise, mix: OP_IMAGES beside torchvision's transforms and a mixed batch, one thread each."""
    import torch
    from torchvision.transforms import v2
    torch.set_num_threads(1)
    pictures = torch.randint(0, 256, (2048, 3, 32, 32), dtype=torch.uint8)
    chain = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True),
                        v2.Normalize((0.49, 0.48, 0.45), (0.2, 0.2, 0.2))])

    def theirs():
        start = time.perf_counter()
        for begin in range(0, len(pictures), 128):
            x = torch.stack([chain(p) for p in pictures[begin:begin + 128]])
            x = 0.3 * x + 0.7 * x[torch.randperm(len(x))]
        return len(pictures) / (time.perf_counter() - start)

    def ours(threads):
        return float(subprocess.run([f"{TOOLS}/images_rate", str(threads)], check=True, capture_output=True, text=True,
                                    env=dict(ENV, VIC_BACKENDS=os.path.join(BIN, "../lib/vicinal"))).stdout)

    theirs()
    a, all_threads, b = [], [], []
    for _ in range(REPEAT):
        a.append(ours(1))
        all_threads.append(ours(THREADS))
        b.append(theirs())
    mine, peer = statistics.median(a), statistics.median(b)
    print(f"input of 32x32 pictures: crop, flip, normalise, mix, 1 thread (peer: torchvision v2)\t{mine:.0f}\t{peer:.0f}\timages/s\t"
          f"{mine / peer:.1f}")
    share = 1 / statistics.median(all_threads) / seconds_each
    print(f"# that is {100 * share:.2f} % of a ResNet-20 step", flush=True)


def main():
    if "--peer" in sys.argv:
        at = sys.argv.index("--peer")
        peer_main(sys.argv[at + 1], int(sys.argv[at + 2]))
        return
    asked = [a for a in sys.argv[1:] if not a.startswith("-")]
    each = {}
    with tempfile.TemporaryDirectory() as folder:
        for net, batch, steps, title in NETS:
            if not asked or net in asked:
                each.setdefault(net, steps_row(net, batch, steps, title, folder))
    if "resnet20" in each:
        input_rows(each["resnet20"])


main()
