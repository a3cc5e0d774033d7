#!/usr/bin/env python3
"""Small WebP, BMP and TIFF files and what Pillow makes of them (pip install pillow numpy).

usage: images_more.py FOLDER    (tests/golden/images)

Writes FOLDER/*.webp, *.bmp, *.tif and FOLDER/more.tsv: file, height, width, channels and the CRC-32 of Pillow's pixels
(first page or frame, orientation applied, alpha dropped, CMYK by ink coverage), and at the end what is said of it, or
"-". What Pillow writes none of is put together here byte by byte. Pillow takes the high byte of 16 bits (and of grey
ones makes 255); there the numbers are v / 257, rounded, as libpng's png_set_scale_16 has it. 16-bit files are made of
values whose high byte is not that."""
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

folder = sys.argv[1]


def smooth(h, w, c):
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    return np.clip(128 + 90 * np.sin(x / 5 + k) + 30 * np.cos(y / 4 - k), 0, 255).astype(np.uint8)


lines = []


def note(name, pixels, said="-"):
    a = np.asarray(pixels)
    a = a[:, :, None] if a.ndim == 2 else a
    lines.append(f"{name}\t{a.shape[0]}\t{a.shape[1]}\t{a.shape[2]}\t{zlib.crc32(a.tobytes()):08x}\t{said}")


def pillow(name, grey=False, said="-"):
    im = ImageOps.exif_transpose(Image.open(f"{folder}/{name}"))
    note(name, im.convert("RGB").convert("L") if grey else im.convert("RGB"), said)


def put(name, data):
    with open(f"{folder}/{name}", "wb") as f:
        f.write(data)


small = smooth(9, 13, 4)
rgb, rgba = Image.fromarray(small[:, :, :3]), Image.fromarray(small)
grey, la = Image.fromarray(small[:, :, 0]), Image.fromarray(small[:, :, :2], "LA")


def turned(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


# WebP
rgb.save(f"{folder}/lossy.webp", quality=60)
rgb.save(f"{folder}/lossless.webp", lossless=True)
rgba.save(f"{folder}/alpha.webp", lossless=True, exact=True)
rgba.save(f"{folder}/lossy_alpha.webp", quality=60)
rgb.save(f"{folder}/exif6.webp", lossless=True, exif=turned(6))
for n in ("lossy", "lossless", "alpha", "lossy_alpha", "exif6"):
    pillow(n + ".webp")
rgba.save(f"{folder}/moves.webp", lossless=True, save_all=True, append_images=[rgba.rotate(180)], duration=40)
pillow("moves.webp", said="an animation: the first of 2 frames is taken")

# BMP
rgb.save(f"{folder}/rgb.bmp")
grey.save(f"{folder}/grey.bmp")
grey.convert("1").save(f"{folder}/bits1.bmp")
rgb.quantize(60).save(f"{folder}/palette.bmp")
rgba.save(f"{folder}/alpha.bmp")
for n, g in (("rgb", 0), ("grey", 1), ("bits1", 1), ("palette", 0), ("alpha", 0)):
    pillow(n + ".bmp", g)


def bmp(name, w, h, bits, kind, colours, data, masks=b"", header=40, pixels=None, forgotten=False):
    head = struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, kind, len(data), 2835, 2835, len(colours), 0) + masks
    if header == 12:
        head = struct.pack("<IHHHH", 12, w, h, 1, bits)
    table = b"".join(struct.pack("BBB", *c) + (b"" if header == 12 else b"\0") for c in colours)
    at = 14 + len(head) + len(table)
    put(name, b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at - len(table) * forgotten) + head + table + data)
    if pixels is None:
        pillow(name)
    else:
        note(name, pixels)


def rows(a, bits):
    out = b""
    for row in a:
        r = row.tobytes() if bits >= 8 else np.packbits(
            np.unpackbits(row[:, None], axis=1)[:, 8 - bits:].reshape(-1)).tobytes()
        out += r + b"\0" * (-len(r) % 4)
    return out


colours = [(i * 15, 255 - i * 9, i * i) for i in range(16)]
wide = [(i, 255 - i, i * 7 & 255) for i in range(256)]
number = (small[:, :, 0] >> 4).astype(np.uint8)
bmp("palette4.bmp", 13, 9, 4, 0, colours, rows(number[::-1], 4))
bmp("forgotten.bmp", 13, 9, 4, 0, colours, rows(number[::-1], 4), forgotten=True)  # the palette, where pixels begin
bmp("top_down.bmp", 13, -9, 8, 0, wide, rows(small[:, :, 0], 8))
bmp("os2.bmp", 13, 9, 4, 0, colours, rows(number[::-1], 4), header=12)
v = (small[:, :, 0].astype(np.uint16) * 257) & 0x7fff
bmp("bits555.bmp", 13, 9, 16, 0, [], rows(v[::-1].astype("<u2"), 16))
bmp("bits565.bmp", 13, 9, 16, 3, [], rows((v * 2 + 1)[::-1].astype("<u2"), 16), struct.pack("<III", 0xf800, 0x7e0, 0x1f))
u = small.view("<u4")[:, :, 0]
bmp("masks.bmp", 13, 9, 32, 3, [], rows(u[::-1], 32), struct.pack("<III", 0xff000000, 0xff0000, 0xff00))
run8 = b""
run4 = b""
for y in range(9):
    r = small[8 - y, :, 0]
    run8 += bytes([5, r[0], 0, 7]) + r[5:12].tobytes() + b"\0" + bytes([1, r[12], 0, 0])
    q = number[8 - y]
    a = [int(q[i]) << 4 | int(q[i + 1]) for i in range(7, 13, 2)]  # an even number, for Pillow
    run4 += bytes([7, int(q[0]) << 4 | int(q[1]), 0, 6] + a + [0, 0, 0])
# Jumps, two of whose bytes Pillow skips. What they leave out has the first colour.
left = np.zeros((9, 13), np.uint8)
left[8, :3], left[8, 5:], left[7, :2], left[5, 6:] = 9, 77, 5, 99
left[:5] = np.arange(5)[::-1, None]
bmp("jumps.bmp", 13, 9, 8, 1, wide, bytes([3, 9, 0, 2, 2, 0, 8, 77, 0, 0, 2, 5, 0, 2, 4, 2, 7, 99, 0, 0]) +
    b"".join(bytes([13, i, 0, 0]) for i in range(5)) + b"\0\1", pixels=np.array(wide, np.uint8)[left][:, :, ::-1])
bmp("rle8.bmp", 13, 9, 8, 1, wide, run8 + b"\0\1")
bmp("rle4.bmp", 13, 9, 4, 2, colours, run4 + b"\0\1")
# An odd number of pixels one by one, which Pillow does not read.
bmp("odd.bmp", 7, 1, 4, 2, colours, bytes([0, 5, 0x12, 0x34, 0x50, 0, 2, 0x67, 0, 1]),
    pixels=np.array([[colours[i][::-1] for i in (1, 2, 3, 4, 5, 6, 7)]], np.uint8))

# TIFF
for name, how in (("raw", {}), ("lzw", {"compression": "tiff_lzw"}), ("deflate", {"compression": "tiff_adobe_deflate"}),
                  ("packbits", {"compression": "packbits"}), ("jpeg", {"compression": "jpeg", "quality": 90})):
    rgb.save(f"{folder}/{name}.tif", **how)
    pillow(name + ".tif")
grey.save(f"{folder}/grey.tif")
grey.convert("1").save(f"{folder}/fax.tif", compression="group4")
rgb.quantize(60).save(f"{folder}/palette.tif")
rgba.save(f"{folder}/alpha.tif", compression="tiff_lzw")
la.save(f"{folder}/grey_alpha.tif")
Image.fromarray(small, "CMYK").save(f"{folder}/cmyk.tif")
for n, g in (("grey", 1), ("fax", 1), ("palette", 0), ("alpha", 0), ("grey_alpha", 1), ("cmyk", 0)):
    pillow(n + ".tif", g)
for value in range(2, 9):
    rgb.save(f"{folder}/exif{value}.tif", exif=turned(value), compression="tiff_lzw")
    pillow(f"exif{value}.tif")
rgb.save(f"{folder}/pages.tif", save_all=True, append_images=[rgb.rotate(180)])
pillow("pages.tif", said="the first of several pages is taken")


def tiff(name, tags, blocks, order="<"):
    """tags: {tag: [numbers]}; blocks: bytes of the strips or tiles, whose tags are 273, 279 or 324, 325."""
    at, tile = 8, 322 in tags
    tags = dict(tags)
    tags[324 if tile else 273] = [0] * len(blocks)
    tags[325 if tile else 279] = [len(b) for b in blocks]
    after = 8 + 2 + 12 * len(tags) + 4
    out, extra = b"", b""
    size = sum(4 * len(v) for v in tags.values() if len(v) > 1)
    where, offsets = after + size, []
    for b in blocks:
        offsets.append(where)
        where += len(b)
    tags[324 if tile else 273] = offsets
    for tag in sorted(tags):
        v = tags[tag]
        short = tag not in (273, 279, 324, 325)
        packed = b"".join(struct.pack(order + ("H" if short else "I"), x) for x in v)
        if len(packed) <= 4:
            out += struct.pack(order + "HHI", tag, 3 if short else 4, len(v)) + packed.ljust(4, b"\0")
        else:
            out += struct.pack(order + "HHII", tag, 3 if short else 4, len(v), after + len(extra))
            extra += packed
    extra = extra.ljust(size, b"\0")
    put(name, (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at) +
        struct.pack(order + "H", len(tags)) + out + struct.pack(order + "I", 0) + extra + b"".join(blocks))


def kind(photometric, bits, samples, planar=1, **more):
    t = {256: [13], 257: [9], 258: [bits] * samples, 259: [1], 262: [photometric], 277: [samples], 278: [9], 284: [planar]}
    t.update({int(k[1:]): v for k, v in more.items()})
    return t


a3 = small[:, :, :3]
tiff("white.tif", kind(0, 8, 1), [small[:, :, 0].tobytes()])
pillow("white.tif", True)
tiff("planes.tif", kind(2, 8, 3, 2), [np.ascontiguousarray(a3[:, :, k]).tobytes() for k in range(3)])
pillow("planes.tif")
tiff("grey_planes.tif", kind(1, 8, 2, 2, t338=[2]), [np.ascontiguousarray(small[:, :, k]).tobytes() for k in range(2)])
note("grey_planes.tif", small[:, :, 0])
padded = np.zeros((16, 16, 3), np.uint8)
padded[:9, :13] = a3
t = kind(2, 8, 3, t322=[16], t323=[16])
del t[278]
tiff("tiles.tif", t, [padded.tobytes()], ">")
pillow("tiles.tif")
tiff("strips.tif", kind(2, 8, 3, t278=[4]), [a3[y:y + 4].tobytes() for y in (0, 4, 8)])
pillow("strips.tif")
for bits in (2, 4):
    q = small[:, :, 0] >> (8 - bits)
    packed = b"".join(np.packbits(np.unpackbits(r[:, None], axis=1)[:, 8 - bits:].reshape(-1)).tobytes() for r in q)
    tiff(f"bits{bits}.tif", kind(1, bits, 1), [packed])
    pillow(f"bits{bits}.tif", True)
# premultiplied alpha
p = small.copy()
p[:, :, 3] = np.maximum(p[:, :, :3].max(axis=2), 1)
tiff("premultiplied.tif", kind(2, 8, 4, t338=[1]), [p.tobytes()])
pillow("premultiplied.tif")
# 16 bits
s16 = (small.astype(np.uint16) * 251 + 77)
eight = ((s16.astype(np.uint32) * 255 + 32895) >> 16).astype(np.uint8)
for order, o in (("<", "little"), (">", "big")):
    tiff(f"rgb16{o}.tif", kind(2, 16, 3), [s16[:, :, :3].astype(order + "u2").tobytes()], order)
    note(f"rgb16{o}.tif", eight[:, :, :3])
tiff("grey16.tif", kind(1, 16, 1), [s16[:, :, 0].astype("<u2").tobytes()])
note("grey16.tif", eight[:, :, 0])

# What is refused: a small copy before the picture, floats.
tiff("reduced.tif", kind(1, 8, 1, t254=[1]), [small[:, :, 0].tobytes()])
tiff("floats.tif", kind(1, 32, 1, t339=[3]), [small[:, :, 0].astype("<f4").tobytes()])

with open(f"{folder}/more.tsv", "w") as f:
    f.write("\n".join(lines) + "\n")
