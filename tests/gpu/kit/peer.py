# PyTorch on the same card: training steps of ResNet-18 for CIFAR (batch 128, eager and compiled, AMP in bfloat16 and
# channels_last, and plain float32) and of Kim's CNN (50 sentences of 20 words). Prints lines of the kit's table.
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.a = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.an = nn.BatchNorm2d(cout)
        self.b = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(cout)
        self.short = None
        if stride != 1 or cin != cout:
            self.short = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = self.bn(self.b(F.relu(self.an(self.a(x)))))
        return F.relu(y + (self.short(x) if self.short else x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    cin = 64
    for cout, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        layers.append(Block(cin, cout, stride))
        cin = cout
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class KimCNN(nn.Module):
    def __init__(self, words=20000, dim=300, maps=100):
        super().__init__()
        self.table = nn.Embedding(words, dim, sparse=False)
        self.convs = nn.ModuleList(nn.Conv1d(dim, maps, w, padding=w - 1) for w in (3, 4, 5))
        self.out = nn.Linear(3 * maps, 2)

    def forward(self, words, partner, lam):
        x = self.table(words)
        x = (lam * x + (1 - lam) * x[partner]).transpose(1, 2)
        x = torch.cat([F.relu(c(x)).amax(2) for c in self.convs], 1)
        return self.out(F.dropout(x, 0.5, self.training))


def rate(name, n, step, steps=50):
    for _ in range(10):
        step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    print(f"PyTorch {torch.__version__}, {name}\t{n * steps / (time.perf_counter() - start):.0f} records/s", flush=True)


def images(compiled, amp):
    model = resnet18().cuda().to(memory_format=torch.channels_last)
    model = torch.compile(model) if compiled else model
    opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
    x = torch.randn(128, 3, 32, 32, device="cuda").to(memory_format=torch.channels_last)
    y = torch.randint(10, (128,), device="cuda")

    def step():
        opt.zero_grad(set_to_none=True)
        perm = torch.randperm(128, device="cuda")
        with torch.autocast("cuda", torch.bfloat16, enabled=amp):
            z = model(0.4 * x + 0.6 * x[perm])
            loss = 0.4 * F.cross_entropy(z, y) + 0.6 * F.cross_entropy(z, y[perm])
        loss.backward()
        opt.step()

    rate(f"ResNet-18, 128, {'bf16' if amp else 'float32'}, {'compiled' if compiled else 'eager'}", 128, step)


def text():
    model = KimCNN().cuda()
    opt = torch.optim.Adadelta(model.parameters(), 1.0)
    words = torch.randint(20000, (50, 20), device="cuda")
    y = torch.randint(2, (50,), device="cuda")

    def step():
        opt.zero_grad(set_to_none=True)
        perm = torch.randperm(50, device="cuda")
        z = model(words, perm, 0.4)
        (0.4 * F.cross_entropy(z, y) + 0.6 * F.cross_entropy(z, y[perm])).backward()
        opt.step()

    rate("Kim-CNN, 50, float32, eager", 50, step)


torch.backends.cudnn.benchmark = True
images(False, False)
images(False, True)
text()
images(True, True)
