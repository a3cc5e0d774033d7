#!/usr/bin/env python3
"""Windows of a picture as Pillow resizes them (pip install pillow numpy): BILINEAR, which is antialiased, on floats, so
that nothing is rounded to bytes. Prints the rows of `golden` in tests/unit/models/test_imagedefs.c: output, picture,
window, flip, values. torchvision's RandomResizedCrop cuts and resizes pictures in this way, and tensors by the same
formula."""
import numpy as np
from PIL import Image

# output h x w; picture h x w; window at y, x of h x w; flip
CASES = [
    (4, 5, 6, 7, 1, 2, 3, 4, 0),  # grows, neither by a whole number
    (4, 5, 6, 7, 1, 2, 3, 4, 1),
    (3, 3, 6, 7, 5, 6, 1, 1, 0),  # one pixel, in the corner
    (3, 4, 6, 7, 0, 3, 6, 1, 0),  # a column; shrinks to half
    (2, 4, 6, 7, 2, 0, 1, 7, 1),  # a row; shrinks
    (2, 3, 9, 11, 0, 0, 9, 11, 0),  # the whole picture, to less than a quarter
    (5, 2, 9, 11, 4, 1, 5, 10, 0),  # one axis stays
    (1, 1, 9, 11, 2, 3, 7, 8, 0),  # to one pixel
]


def picture(h, w):
    y, x = np.mgrid[0:h, 0:w]
    return ((x * 41 + y * 97 + x * y * 13) % 256).astype(np.float32)


for oh, ow, ph, pw, y, x, h, w, flip in CASES:
    cut = Image.fromarray(picture(ph, pw)[y : y + h, x : x + w].copy())
    out = np.asarray(cut.resize((ow, oh), Image.BILINEAR))
    out = out[:, ::-1] if flip else out
    numbers = ", ".join(f"{v:.7g}" for v in out.ravel())
    print(f"\t{{ {oh}, {ow}, {ph}, {pw}, {{ {y}, {x}, {flip}, {h}, {w} }}, {{ {numbers} }} }},")
