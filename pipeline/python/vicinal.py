"""vicinal: streams of vicinal to and from NumPy, and the evaluator from Python. docs/PYTHON.md is its page.

Needs NumPy and nothing else. A stream is documents end to end (docs/STREAM.md); every checksum, count and length is
checked when one is read, and what does not agree raises StreamError with the record.
"""

import io
import json
import os
import struct
import subprocess
import zlib
from contextlib import contextmanager

import numpy as np

SPLITS = ("train", "dev", "test", "extra")
SIGNATURE = b"\x89VIC\r\n\x1a\n\x01\x00\x00\x00".ljust(64, b"\0")
MAX_BLOCK, MAX_HEAD, BLOCK, MAX_NAME = 256 << 20, 16 << 20, 1 << 20, 65535
MAX_SAMPLES, MAX_SIDE, MAX_CHANNELS = 100000, 65535, 4


class StreamError(ValueError):
    """The bytes are no whole stream, or the arguments make none."""


class Document:
    """One document: its head as a dict, the stages passed (provenance), and its records as columns.

    ids u64 [n], labels i32 [n] (-1: none), splits u8 [n] (numbers of SPLITS). names: a list of str ("": none) where
    names travel, else None; bytes that are no UTF-8 are surrogates, as os.fsdecode makes them. `records` depends on
    the kind:
      logits  [n][classes], or [n][samples][classes] where samples > 1; f32 or f64
      images  u8 or f32 [n][height][width][channels]; jpeg: a list of bytes
      tokens  a list of str
      text    a list of u32 arrays, numbers into `words` (list of str) and `vectors` (f32 [words][dim])
    """

    def __init__(self, head, provenance):
        self.head, self.provenance = head, provenance
        self.words, self.origins, self.vectors = [], None, None
        self.ids = self.labels = self.splits = self.records = self.names = None

    @property
    def classes(self):
        return self.head["classes"]

    def split(self, name):
        """A mask of the records of that split."""
        return self.splits == SPLITS.index(name)


@contextmanager
def _opened(file, mode):
    if isinstance(file, io.TextIOBase):
        raise StreamError(f"the file is open for text; a stream is bytes: open it with {mode!r}")
    if hasattr(file, "read" if mode == "rb" else "write"):
        yield file
    else:
        with open(file, mode) as f:
            yield f


def _padded(data):
    return data + b"\0" * (-len(data) % 64)


# Reading.


def _some(f, n):
    """n bytes, fewer only at the end: pipes and unbuffered files may give them in parts."""
    data = f.read(n)
    parts, got = [data], len(data)
    while data and got < n:
        data = f.read(n - got)
        parts.append(data)
        got += len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _take(f, n, where):
    data = _some(f, n)
    if len(data) < n:
        raise StreamError(f"the stream is truncated {where}")
    return data


def _zeros(data):
    if any(data):
        raise StreamError("padding or reserved bytes are not zero")


def _block(f, where):
    """Type, payload, count and checksum of the next block."""
    head = _take(f, 64, where)
    kind, crc, n, count, zero, head_crc = struct.unpack("<4sIQIII", head[:28])
    if zlib.crc32(head[:24]) != head_crc or zero:
        raise StreamError(f"a block's header is damaged {where}")
    _zeros(head[28:])
    if n > (MAX_HEAD if kind in (b"HEAD", b"PROV") else MAX_BLOCK):
        raise StreamError(f"a block is longer than the format allows {where}")
    data = _take(f, n, where)
    _zeros(_take(f, -n % 64, where))
    if zlib.crc32(data) != crc:
        raise StreamError(f"a block does not match its checksum {where}")
    return kind, data, count, crc


class _Columns:
    """A payload cut into columns that are padded to 64 bytes each."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n, dtype, pad=True):
        dtype = np.dtype(dtype)
        end = self.at + n * dtype.itemsize
        if end > len(self.data):
            raise StreamError("a block's length does not fit its records")
        column = np.frombuffer(self.data, dtype, n, self.at)
        self.at = end
        if pad and self.at < len(self.data):
            _zeros(self.data[self.at:self.at + -self.at % 64])
            self.at += -self.at % 64
        return column

    def rest(self):
        return self.data[self.at:]


def _cut(data, ends):
    if len(ends) and (np.any(ends[1:] < ends[:-1]) or ends[-1] != len(data)) or (not len(ends) and data):
        raise StreamError("a block's ends contradict its length")
    return [data[a:b] for a, b in zip(np.r_[0, ends[:-1]].astype(int), ends)]


def _shape(head):
    """Shape and dtype of a record, or None where records differ in size."""
    if head["kind"] == "logits":
        shape = (head["samples"], len(head["classes"]))
        return shape if shape[0] > 1 else shape[1:], "<f8" if head["dtype"] == "f64" else "<f4"
    if head["kind"] == "images" and head["encoding"] != "jpeg":
        return tuple(head["shape"]), "u1" if head["encoding"] == "raw" else "<f4"
    return None


def _rows(doc, data, n, first):
    c, fixed = _Columns(data), _shape(doc.head)
    ids, labels, splits = c.take(n, "<u8"), c.take(n, "<i4"), c.take(n, "u1")
    if np.any(labels < -1) or np.any(labels >= len(doc.classes)) or np.any(splits >= len(SPLITS)):
        raise StreamError(f"a label or split is out of range in the block of record {first}")
    ends = None if fixed else c.take(n, "<u4")
    names = _names(c, n) if "name" in doc.head.get("columns", ()) else []
    if fixed:
        size = int(np.prod(fixed[0])) * np.dtype(fixed[1]).itemsize
        if len(c.rest()) != n * size:
            raise StreamError("a block's length does not fit its records")
        return ids, labels, splits, np.frombuffer(c.rest(), fixed[1]).reshape((n,) + fixed[0]), names
    records = _cut(c.rest(), ends)
    if doc.head["kind"] == "tokens":
        records = [r.decode("utf-8") for r in records]
    elif doc.head["kind"] == "text":
        records = [np.frombuffer(r, "<u4") for r in records]
        if any(len(r) and r.max() >= len(doc.words) for r in records):
            raise StreamError(f"a word id is outside the table in the block of record {first}")
    return ids, labels, splits, records, names


def _names(c, n):
    ends = c.take(n, "<u4")
    names = _cut(c.take(int(ends[-1]) if n else 0, "u1").tobytes(), ends)
    if any(len(name) > MAX_NAME for name in names):
        raise StreamError(f"a name is longer than {MAX_NAME} bytes")
    return [name.decode("utf-8", "surrogateescape") for name in names]


def _words(doc, data):
    n, dim = struct.unpack("<II", data[:8])
    c = _Columns(data)
    c.at = 64
    ends, origin = c.take(n, "<u4"), c.take(n, "u1")
    text = c.take(int(ends[-1]) if n else 0, "u1").tobytes()
    words = [w.decode("utf-8") for w in _cut(text, ends)]
    return words, origin, c.take(n * dim, "<f4", pad=False).reshape(n, dim)


def _finish(doc, rows):
    columns = list(zip(*rows)) or [[np.empty(0, "<u8")], [np.empty(0, "<i4")], [np.empty(0, "u1")], [], []]
    if "name" in doc.head.get("columns", ()):
        doc.names = [name for part in columns[4] for name in part]
    doc.ids, doc.labels, doc.splits = (np.concatenate(c) for c in columns[:3])
    fixed = _shape(doc.head)
    if fixed:
        doc.records = np.concatenate([np.empty((0,) + fixed[0], fixed[1])] + list(columns[3]))
        if doc.head["kind"] == "logits":
            _check_logits(doc.records, doc.classes, doc.head["values"])
        elif not np.isfinite(doc.records).all():
            raise StreamError("a pixel is not finite")
    else:
        doc.records = [r for part in columns[3] for r in part]


def _known(head):
    columns = head.get("columns", [])
    if columns not in ([], ["name"]):
        raise StreamError(f"the head's columns are {columns!r}; 'name' is known here")
    return head


def _document(f):
    start = _some(f, 64)
    if not start:
        return None
    if len(start) < 64 or start[:8] != SIGNATURE[:8]:
        raise StreamError("this is no vicinal stream, or bytes follow its end")
    if start[:12] != SIGNATURE[:12]:
        raise StreamError(f"version {start[8]}.{start[10]} of the stream; 1.0 is read")
    _zeros(start[12:])
    kind, data, _, crc = _block(f, "before its head")
    if kind != b"HEAD":
        raise StreamError("the first block is no HEAD")
    doc, rows, vectors, crcs, blocks, n = Document(_known(json.loads(data)), []), [], [], struct.pack("<I", crc), 0, 0
    while True:
        kind, data, count, crc = _block(f, f"after record {n}")
        if kind == b"DONE":
            break
        crcs += struct.pack("<I", crc)
        if kind == b"PROV":
            doc.provenance.append(json.loads(data))
        elif kind == b"WORD":
            words, origin, vector = _words(doc, data)
            doc.words += words
            vectors.append((origin, vector))
        elif kind == b"ROWS":
            rows.append(_rows(doc, data, count, n))
            n, blocks = n + count, blocks + 1
        else:
            raise StreamError(f"a block of unknown type {kind!r}")
    if len(data) != 24 or struct.unpack("<QQII", data) != (n, blocks, zlib.crc32(crcs), 0):
        raise StreamError("the end contradicts the records: a block is missing, doubled or moved")
    _finish(doc, rows)
    if vectors:
        doc.origins, doc.vectors = (np.concatenate(c) for c in zip(*vectors))
    return doc


def _next(f):
    """The next document or None; whatever a head or a block says that contradicts the format is a StreamError."""
    try:
        return _document(f)
    except StreamError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, struct.error) as why:
        raise StreamError(f"the stream contradicts its format ({type(why).__name__}: {why})") from None


def documents(file):
    """Yields the documents of a path or binary file, in order. Errors: StreamError."""
    with _opened(file, "rb") as f:
        doc = _next(f)
        if doc is None:
            raise StreamError("holds no document: what should have written it failed or wrote nothing")
        while doc is not None:
            yield doc
            doc = _next(f)


def read(file):
    """The only document of a path or binary file; several are an error (see documents)."""
    found = list(documents(file))
    if len(found) > 1:
        raise StreamError(f"holds {len(found)} documents; vicinal.documents() yields each")
    return found[0]


# Writing.


class _Writer:
    def __init__(self, f):
        self.f, self.crcs, self.blocks, self.n = f, b"", 0, 0

    def put(self, data):
        """All of the bytes: unbuffered files may take a part."""
        left = memoryview(data)
        while left:
            took = self.f.write(left)
            left = left[len(left) if took is None else took:]

    def block(self, kind, data, count=0):
        crc = zlib.crc32(data)
        head = struct.pack("<4sIQII", kind, crc, len(data), count, 0)
        self.put((head + struct.pack("<I", zlib.crc32(head))).ljust(64, b"\0") + _padded(data))
        self.crcs += struct.pack("<I", crc)
        self.blocks += kind == b"ROWS"
        self.n += count

    def done(self):
        self.block(b"DONE", struct.pack("<QQII", self.n, self.blocks, zlib.crc32(self.crcs), 0))


def _text(one, what):
    """A name that JSON can hold in a stream."""
    if isinstance(one, bytes) or one is None:
        raise StreamError(f"{what} {one!r} is no text")
    one = str(one)
    if "\0" in one or any("\ud800" <= c <= "\udfff" for c in one):
        raise StreamError(f"{what} {one!r} holds a NUL or is not UTF-8")
    return one


def _listed(a, what):
    """`a` as what NumPy makes an array of: what comes one by one (a generator) becomes a list."""
    if isinstance(a, (set, frozenset)):
        raise StreamError(f"{what} are a set, which has no order; a list is wanted")
    return list(a) if hasattr(a, "__iter__") and not hasattr(a, "__len__") and np.ndim(a) == 0 else a


def _names_of_classes(classes, kind):
    if np.ma.is_masked(classes) or isinstance(classes, (str, bytes, set, frozenset)):
        raise StreamError(f"class names are a list of texts, in the order of their numbers: {classes!r}")
    names = [_text(c, "the class name") for c in classes]
    if len(set(names)) < len(names) or "" in names:
        raise StreamError("a class name is empty, or two are the same")
    if kind == "logits" and len(names) < 2:
        raise StreamError(f"logits of {len(names)} classes: of one, any is a probability of 1, and none says nothing; "
                          "where it is that of the second of two classes, write both")
    return names


def _head(records, kind, classes, name, values):
    head = {"kind": kind, "classes": classes}
    if name is not None:
        head["name"] = _text(name, "the name")
    if kind == "logits":
        head.update(dtype="f64" if records.dtype == np.float64 else "f32", values=values,
                    samples=records.shape[1] if records.ndim == 3 else 1)
    elif kind == "images":
        head.update(shape=list(records.shape[1:]), encoding="raw" if records.dtype == np.uint8 else "f32")
    return head


def _array(records, keep):
    """What is written of `records`: as it is where its type is `keep`, else as f32."""
    if np.ma.is_masked(records):
        raise StreamError("records are masked; a stream holds every value, so fill them or leave them out")
    try:
        records = np.asarray(_listed(records, "records"))
        if np.iscomplexobj(records):
            raise TypeError("complex numbers")
        if records.dtype.kind in "mM":
            raise TypeError("dates or times")
        if records.dtype.newbyteorder("=") == keep:
            return records.astype(keep, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = records.astype(np.float32)
            lost = np.isinf(narrow)
            if lost.any():
                lost &= np.isfinite(records.astype(np.longdouble))
    except (TypeError, ValueError, OverflowError) as why:
        raise StreamError(f"records are no numbers: {why}") from None
    if lost.any():
        at = tuple(int(i) for i in np.argwhere(lost)[0])
        raise StreamError(f"record {at[0]}: {records[at]!r} is beyond float32, which all but float64 is written as")
    return narrow


def _check_logits(z, classes, values):
    if z.ndim not in (2, 3) or z.shape[-1] != len(classes) or z.ndim == 3 and not 1 <= z.shape[1] <= MAX_SAMPLES:
        raise StreamError(f"logits of the shape {z.shape} are no [n][classes] or [n][samples][classes] of "
                          f"{len(classes)} classes")
    if values not in ("logits", "probs"):
        raise StreamError("values is 'logits' or 'probs'")
    bad = ~np.isfinite(z) & ~(z == -np.inf) if values == "logits" else ~((z >= 0) & (z <= 1))
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise StreamError(f"record {at[0]}: class {at[-1]} has the value {z[at]!r}")
    if values == "probs" and z.size:
        off = np.abs(z.sum(-1, dtype=np.float64) - 1) > 1e-3
        if off.any():
            raise StreamError(f"record {int(np.argwhere(off)[0][0])}: probabilities do not sum to 1")


def _is_whole(v):
    try:
        return not isinstance(v, (str, bytes, complex)) and int(v) == v
    except (TypeError, ValueError, OverflowError):  # None, lists, dates; nan; inf
        return False


def _column(a, n, low, high, dtype, what):
    """n whole numbers from low to high, or one for all; nothing wraps around."""
    if np.ma.is_masked(a):
        raise StreamError(f"{what} are masked; write -1 for a label that is none")
    try:
        a = np.asarray(_listed(a, what))
    except ValueError as why:
        raise StreamError(f"{what} are no numbers: {why}") from None
    a = np.broadcast_to(a, (n,)) if a.ndim == 0 else a
    if a.shape != (n,):
        raise StreamError(f"{what} have the shape {a.shape}, not ({n},)")
    for i, v in enumerate(a.tolist() if a.dtype.kind not in "biu" else ()):
        if a.dtype.kind in "mM" or not _is_whole(v):
            raise StreamError(f"{what}: that of record {i} is {v!r}, no whole number")
    if a.dtype.kind not in "biu":
        a = np.array([int(v) for v in a.tolist()], object)
    if n and (int(a.min()) < low or int(a.max()) > high):
        i = int(np.argwhere((a < low) | (a > high))[0][0]) if a.dtype != bool else 0
        raise StreamError(f"{what}: that of record {i} is {a[i]}, outside {low} to {high}")
    return a.astype(dtype)


def _numbers_of_splits(split):
    def number(one):
        if isinstance(one, str) and one not in SPLITS:
            raise StreamError(f"the split {one!r} is none of {', '.join(SPLITS)}")
        return SPLITS.index(one) if isinstance(one, str) else one

    if np.ma.is_masked(split):
        raise StreamError("splits are masked")
    split = _listed(split, "splits")
    if np.ndim(split) == 0:
        return number(split)
    return [number(one) for one in (split.tolist() if isinstance(split, np.ndarray) else split)]


def _check_images(x, whole):
    if x.ndim != 4 or not np.isfinite(x).all():
        raise StreamError("images are [n][height][width][channels], of finite numbers")
    if not (1 <= x.shape[1] <= MAX_SIDE and 1 <= x.shape[2] <= MAX_SIDE and 1 <= x.shape[3] <= MAX_CHANNELS):
        raise StreamError(f"images of the shape {x.shape} are no [n][height][width][channels] of 1 to {MAX_CHANNELS} "
                          "channels, the last")
    if whole and x.dtype != np.uint8:
        raise StreamError("images of whole numbers are u8; floats are in 0..1")


def _tokens(records):
    if isinstance(records, (str, bytes, set, frozenset)):
        raise StreamError("records are one text or a set; a list of texts is wanted")
    out = []
    for i, r in enumerate(records):
        if not isinstance(r, str) or "\0" in r:
            raise StreamError(f"record {i}: {r!r} is no text, or holds a NUL")
        try:
            out.append(" ".join(r.split()).encode("utf-8"))
        except UnicodeEncodeError:
            raise StreamError(f"record {i}: {r!r} is not UTF-8") from None
    return out


def _names_of_records(names, n):
    names = names if isinstance(names, (str, bytes)) else list(_listed(names, "names"))
    if isinstance(names, (str, bytes)) or any(not isinstance(one, str) for one in names):
        raise StreamError("names are no list of str")
    names = [one.encode("utf-8", "surrogateescape") for one in names]
    if len(names) != n or any(len(one) > MAX_NAME for one in names):
        raise StreamError(f"names are not {n} of at most {MAX_NAME} bytes")
    return names


def write(file, records, labels, classes, kind="logits", values="logits", split="test", ids=None, name=None,
          names=None):
    """Writes one document to a path or binary file.

    records: logits [n][classes] or [n][samples][classes] (f64 is kept, all else becomes f32); for kind="images"
    [n][height][width][channels], u8 or floats in 0..1; for kind="tokens" a list of str. labels: whole numbers from 0,
    -1 for none (None: all -1). split: one name of SPLITS, or n names or numbers of them. ids: None for 0, 1, 2 ...
    values: what logits are, "logits" or "probs". name: the stream's title; names: None, or n str, the records' (a
    picture's file). Errors: StreamError, before a byte is written.
    """
    if kind not in ("logits", "images", "tokens"):
        raise StreamError(f"kind {kind!r} is not written here; 'logits', 'images' and 'tokens' are")
    classes = _names_of_classes(classes, kind)
    if kind == "logits":
        records = _array(records, np.float64)
        _check_logits(records, classes, values)
        if values == "logits" and records.size and (records.max(-1) == -np.inf).any():
            at = int(np.argwhere(records.max(-1) == -np.inf)[0][0])
            raise StreamError(f"record {at}: every class has the value -inf")
    elif kind == "images":
        given = records = _listed(records, "records")
        records = _array(records, np.uint8)
        _check_images(records, np.asarray(given).dtype.kind in "iu")
    else:
        records = _tokens(records)
    n = len(records)
    labels = _column(-1 if labels is None else labels, n, -1, len(classes) - 1, "<i4", "labels")
    split = _column(_numbers_of_splits(split), n, 0, len(SPLITS) - 1, "u1", "splits")
    ids = _column(np.arange(n) if ids is None else ids, n, 0, 2**64 - 1, "<u8", "ids")
    head = _head(records, kind, classes, name, values)
    if names is not None:
        names = _names_of_records(names, n)
        head["columns"] = ["name"]
    with _opened(file, "wb") as f:
        _write(_Writer(f), head, records, ids, labels, split, names)


def _ends(parts):
    return _padded(np.cumsum([len(p) for p in parts]).astype("<u4").tobytes())


def _write(w, head, records, ids, labels, split, names):
    w.put(SIGNATURE)
    w.block(b"HEAD", json.dumps(head).encode())
    w.block(b"PROV", json.dumps({"program": "vicinal.py", "version": "1", "args": []}).encode())
    fixed = isinstance(records, np.ndarray)
    size = records[:1].nbytes if fixed else max((len(r) for r in records), default=0)
    size += max((len(one) for one in names or ()), default=0)
    rows = max(1, BLOCK // max(size, 1))
    for at in range(0, len(records), rows):
        part = slice(at, at + rows)
        data = b"".join(_padded(c[part].tobytes()) for c in (ids, labels, split))
        data += b"" if fixed else _ends(records[part])
        data += b"" if names is None else _ends(names[part]) + _padded(b"".join(names[part]))
        if fixed:
            dtype = records.dtype.newbyteorder("<")
            data += np.ascontiguousarray(records[part], dtype).tobytes()
        else:
            data += b"".join(records[part])
        w.block(b"ROWS", data, len(ids[part]))
    w.done()


# The evaluator.


def score(*streams, args=(), program="vic-score"):
    """What `vic-score --json` says: a dict for one stream, a list of dicts for several.

    A stream is a path, or (values, labels, classes) or (values, labels, classes, "probs"), which go to its stdin. args:
    more options, as ["--bootstrap", 1000]. Errors: RuntimeError with the program's own message.
    """
    if not streams and program == "vic-score":
        raise ValueError("no stream to score")
    paths = [s for s in streams if isinstance(s, (str, os.PathLike))]
    if len(paths) < len(streams) and len(streams) > 1:
        raise ValueError("several streams are given as paths; write() makes files")
    if isinstance(args, str):
        raise ValueError(f"args is a list of texts: [{args!r}]")
    held = io.BytesIO()
    if streams and not paths:
        if not isinstance(streams[0], (tuple, list)) or len(streams[0]) not in (3, 4):
            raise ValueError("a stream is a path, or (values, labels, classes) or (values, labels, classes, 'probs')")
        z, labels, classes, values = (tuple(streams[0]) + ("logits",))[:4]
        write(held, z, labels, classes, values=values)
    args = [os.fspath(a) if isinstance(a, (bytes, os.PathLike)) else str(a) for a in args]
    run = subprocess.run([program, "--json", "--quiet", *args, *(["--", *map(os.fspath, paths)] if paths else [])],
                         input=held.getvalue(), capture_output=True)
    if run.returncode:
        raise RuntimeError(run.stderr.decode("utf-8", "replace").strip() or f"{program}: status {run.returncode}")
    found = [json.loads(line) for line in run.stdout.decode("utf-8").splitlines() if line]
    return found[0] if len(found) == 1 else found
