#!/usr/bin/env python3
"""Model files beside the reference implementation (pip install safetensors numpy).

usage: safetensors_files.py FOLDER    (tests/golden)

Writes FOLDER/peer.safetensors, which tests/unit/pipeline/test_safetensors.c reads, and checks FOLDER/ours.safetensors, which that
test compares byte for byte with what the writer makes: so the reference has read exactly our bytes."""
import json
import sys
import zlib

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

folder = sys.argv[1]
save_file(
    {
        "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7,
        "half": np.array([1.5, -2, 65504], dtype=np.float16),
        "ids": np.array([[-(2**63), 2**63 - 1]], dtype=np.int64),
        "u32": np.array([0, 2**32 - 1], dtype=np.uint32),
        "bytes": np.array([0, 128, 255], dtype=np.uint8),
        "scalar": np.array(1 / 3, dtype=np.float64),
        "empty": np.zeros((0, 5), dtype=np.float32),
        "flag": np.array([True, False]),
    },
    folder + "/peer.safetensors",
    metadata={"format": "np", "quote": 'a "b" \\ \n é'},
)

ours = load_file(folder + "/ours.safetensors")
expected = {
    "odd": np.array([1, 2, 3, 4, 255], dtype=np.uint8),
    "conv.w": np.array([[1, 2, 3], [4, 5, -6.5]], dtype=np.float32),
    "scalar": np.array(1 / 3),
    "none": np.zeros((4, 0, 9), dtype=np.float32),
    "ids": np.array([-(2**63), 2**63 - 1], dtype=np.int64),
}
assert set(ours) == set(expected), set(ours)
for name, want in expected.items():
    assert ours[name].dtype == want.dtype and ours[name].shape == want.shape, name
    assert np.array_equal(ours[name], want), name
with safe_open(folder + "/ours.safetensors", "np") as f:
    meta = f.metadata()
    sums = json.loads(meta.pop("tensors crc32"))
    seal = meta.pop("vicinal crc32")
    assert meta == {"words": 'a\nb "c" é', "seed": "2"}, meta
assert sums == {name: "%08x" % zlib.crc32(t.tobytes()) for name, t in ours.items()}
raw = open(folder + "/ours.safetensors", "rb").read()
head = raw[: 8 + int.from_bytes(raw[:8], "little")]
blank = head.replace(b'"vicinal crc32":"' + seal.encode(), b'"vicinal crc32":"00000000')
assert seal == "%08x" % zlib.crc32(blank)
print("ours.safetensors: read by the reference, every value and checksum equal; peer.safetensors: written")
