#!/usr/bin/env python3
"""Small image files and what Pillow makes of them (pip install pillow numpy).

usage: images_pillow.py FOLDER    (tests/golden/images)

Writes FOLDER/*.jpg, *.png and FOLDER/expected.tsv: file, height, width, channels and the CRC-32 of Pillow's pixels
(EXIF orientation applied, alpha dropped, CMYK by ink coverage); then lines `resize SIDE ...` with the CRC-32 of Pillow's
BILINEAR resizes of the picture that tests/unit/vision/test_vision_codec.c computes by the same formula."""
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

folder = sys.argv[1]


def picture(h, w, c):
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    return ((x * 7 + y * 13 + k * 85 + (x * y) % 17) & 255).astype(np.uint8)


def smooth(h, w, c):
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    return np.clip(128 + 90 * np.sin(x / 5 + k) + 30 * np.cos(y / 4 - k), 0, 255).astype(np.uint8)


lines = []


def note(name, kept):
    a = np.asarray(kept)
    a = a[:, :, None] if a.ndim == 2 else a
    lines.append(f"{name}\t{a.shape[0]}\t{a.shape[1]}\t{a.shape[2]}\t{zlib.crc32(a.tobytes()):08x}")


def jpeg(name, image, **how):
    image.save(f"{folder}/{name}", "JPEG", quality=80, **how)
    kept = ImageOps.exif_transpose(Image.open(f"{folder}/{name}"))
    note(name, kept if kept.mode == "L" else kept.convert("RGB"))


def png(name, image, mode, **how):
    image.save(f"{folder}/{name}", "PNG", **how)
    note(name, Image.open(f"{folder}/{name}").convert(mode))


rgb, grey = Image.fromarray(smooth(27, 41, 3)), Image.fromarray(smooth(27, 41, 1)[:, :, 0])
for sub in ("4:4:4", "4:2:2", "4:2:0"):
    jpeg("rgb" + sub.replace(":", "") + ".jpg", rgb, subsampling=sub)
jpeg("progressive.jpg", rgb, progressive=True)
jpeg("restart.jpg", rgb, restart_marker_blocks=2)
jpeg("grey.jpg", grey)
jpeg("cmyk.jpg", rgb.convert("CMYK"))
for value in range(0, 10):
    exif = Image.Exif()
    exif[0x0112] = value
    jpeg(f"exif{value}.jpg", rgb, exif=exif)
png("rgb.png", rgb, "RGB")
png("rgba.png", Image.fromarray(smooth(27, 41, 4)), "RGB")
png("grey.png", grey, "L")
png("grey_alpha.png", Image.fromarray(smooth(27, 41, 2), "LA"), "L")
png("bits1.png", grey.convert("1"), "L")
png("palette.png", rgb.quantize(60), "RGB")
png("palette4.png", rgb.quantize(11), "RGB")
png("palette_clear.png", rgb.quantize(60), "RGB", transparency=3)

for c in (1, 3):
    src = Image.fromarray(picture(53, 37, c)[:, :, 0] if c == 1 else picture(53, 37, c))
    for h, w in ((53, 37), (16, 16), (7, 5), (80, 60), (53, 10), (10, 37), (1, 1), (120, 3), (26, 18)):
        note(f"resize{h}x{w}x{c}", src.resize((w, h), Image.BILINEAR))
with open(f"{folder}/expected.tsv", "w") as f:
    f.write("\n".join(lines) + "\n")
