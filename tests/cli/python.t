#!/bin/sh
# vicinal.py against vic-cat, both ways: what each writes the other reads as the same records. And docs/PYTHON.md's example.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
python=
for candidate in ${PYTHON:+"$PYTHON"} python3; do
	"$candidate" -c 'import numpy' 2>/dev/null && python=$candidate && break
done
if [ -z "$python" ]; then
	skip 'vicinal.py' 'no python3 with numpy'
	finish
fi
PYTHONPATH=$ROOT/pipeline/python PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE

# The twin's lines without its heads, by the module alone.
cat >twin.py <<'END'
import sys, zlib, vicinal
for doc in vicinal.documents(sys.stdin.buffer):
    names = doc.classes
    for i, r in enumerate(doc.records):
        kind = doc.head["kind"]
        if kind == "tokens":
            text = r
        elif kind == "text":
            text = " ".join(doc.words[w] for w in r)
        elif kind == "logits":
            digits = "%.17g" if r.dtype == "f8" else "%.9g"
            text = " | ".join(" ".join(digits % v for v in p) for p in (r if r.ndim == 2 else [r]))
        else:
            text = zlib.crc32(r if isinstance(r, bytes) else r.tobytes())
        own = [doc.names[i].replace("\t", "\\t")] if doc.names is not None else []
        print(doc.ids[i], vicinal.SPLITS[doc.splits[i]], names[doc.labels[i]] if doc.labels[i] >= 0 else "-", text,
              *own, sep="\t")
END
# copy KIND: a stream read and written again.
cat >copy.py <<'END'
import sys, vicinal
doc = vicinal.read(sys.stdin.buffer)
h = doc.head
vicinal.write(sys.stdout.buffer, doc.records, doc.labels, doc.classes, kind=h["kind"], values=h.get("values", "logits"),
              split=doc.splits, ids=doc.ids, name=h.get("name"), names=doc.names)
END
for kind in tokens text logits f64 probs passes named-tokens named-text named-passes; do
	"$TOOLS/mkstream" $kind 2000 >in
	"$python" twin.py <in >got
	vic-cat in | grep -v '^#' >want
	ok "reads what the programs write: $kind" cmp want got
done
for kind in tokens logits f64 probs passes images pixels named-tokens named-logits named-images; do
	"$TOOLS/mkstream" $kind 2000 >in
	"$python" copy.py <in >out
	ok "writes a whole stream: $kind" vic-cat --check out
	vic-cat in | sed 1,2d >want
	vic-cat out | sed 1,2d >got
	ok "of the same records: $kind" cmp want got
	same "and the same head: $kind" "$(vic-cat --head in | sed 's/,"provenance.*//')" \
		"$(vic-cat --head out | sed 's/,"provenance.*//')"
done
for kind in images jpeg; do
	"$TOOLS/mkstream" $kind 5 >in
	same "reads pictures: $kind" 5 "$("$python" twin.py <in | wc -l | tr -d ' ')"
done
"$TOOLS/mkstream" logits 9 >in
cat in in >two
same 'documents end to end' 18 "$("$python" twin.py <two | wc -l | tr -d ' ')"

# What is damaged is refused, wherever.
"$python" - <<'END'
import io, vicinal
good = open("in", "rb").read()
for at in range(0, len(good), 5):
    for bad in (good[:at], good[:at] + bytes([good[at] ^ 4]) + good[at + 1:]):
        try:
            vicinal.read(io.BytesIO(bad))
        except vicinal.StreamError:
            continue
        raise SystemExit("not noticed at byte %d" % at)
END
tap $? 'every cut and every changed bit is noticed'
"$TOOLS/mkstream" named-logits 9 >named
"$python" - <<'END'
import io, json, struct, zlib, vicinal
good = open("named", "rb").read()
n = struct.unpack("<Q", good[72:80])[0]
head = good[128:128 + n].replace(b'"name"', b'"mane"')
block = struct.pack("<4sIQII", b"HEAD", zlib.crc32(head), n, 0, 0)
block = (block + struct.pack("<I", zlib.crc32(block))).ljust(64, b"\0")
try:
    vicinal.read(io.BytesIO(good[:64] + block + head + good[128 + n:]))
except vicinal.StreamError as e:
    raise SystemExit("mane" not in str(e))
raise SystemExit("taken")
END
tap $? 'a column that is not known is refused by name'
"$python" - <<'END'
import io, numpy as np, vicinal
z = np.array([[.5, .5], [.25, .75]])
bad = [dict(records=np.array([[np.nan, 0.]])), dict(records=np.array([[np.inf, 0.]])), dict(labels=[0, 2]),
       dict(labels=[0]), dict(labels=[0, .5]), dict(classes=["a"]), dict(split=[0, 4]), dict(ids=[.5, 1]),
       dict(records=z * 2, values="probs"), dict(records=z[0]), dict(kind="text"), dict(names=["a"]),
       dict(names=["a", "b" * 65536])]
# What would wrap around, lose digits or be written as another thing.
bad += [dict(labels=[2**32, 1]), dict(labels=[-2**32, 1]), dict(labels=np.array([2**32, 2**63], "u8")), dict(ids=[-1, 0]),
        dict(ids=[2**64, 0]), dict(split=[256, 1]), dict(split=-254), dict(split="tset"), dict(split=["train", "tset"]),
        dict(labels=[np.nan, 0]), dict(labels=[np.inf, 0]), dict(labels=[None, 0]), dict(labels=["0", "1"]),
        dict(labels=np.ma.masked_array([0, 1], [0, 1])), dict(records=np.ma.masked_array(z, z > .6)),
        dict(records=np.array([[1e300, 0.], [0, 1]], "g")), dict(records=[[10**400, 0], [0, 1]]), dict(records=z * 1j),
        dict(records=[["x", "y"], ["z", "w"]]), dict(records=[[1, 2], [3]]), dict(kind="images", records=[[1, 2], [3]]), dict(records=np.full((2, 2), -np.inf)), dict(records=np.ones((2, 0, 2))),
        dict(records=np.ones((2, 0)), classes=[]), dict(classes=["a", "a"]), dict(classes=["a", ""]),
        dict(classes=["a", "\udcff"]), dict(classes=["a", "b\0"]), dict(classes=[b"a", b"b"]), dict(name="\udcff"),
        dict(names=[None, "b"]), dict(names="ab"), dict(kind="tokens", records=["a\0", "b"]),
        dict(kind="tokens", records=["a\udcff", "b"]), dict(kind="tokens", records=["a", None]),
        dict(kind="tokens", records="ab"), dict(kind="images", records=np.full((2, 3, 3, 1), 255)),
        dict(kind="images", records=np.zeros((2, 3, 9, 9), "u1")), dict(kind="images", records=np.zeros((2, 0, 9, 1), "u1"))]
# What has no order, is masked, is a date or one class, or a text where a list of them is wanted.
days = np.array(["2020-01-01", "2020-01-02"], "M8[D]")
bad += [dict(classes={"a", "b"}), dict(classes="ab"), dict(classes=np.ma.array(["a", "b"], mask=[1, 0])),
        dict(split=np.ma.array([1, 2], mask=[1, 0])), dict(labels={0, 1}), dict(ids={5, 6}), dict(labels=days),
        dict(ids=days), dict(records=np.stack([days, days])), dict(labels=[[0], [1, 2]]),
        dict(records=z[:, :1], labels=[0, 0], classes=["a"]), dict(kind="tokens", records={"a", "b"})]
for change in bad:
    call = dict(records=z, labels=[0, 1], classes=["a", "b"])
    call.update(change)
    if "records" in change and len(call["records"]) != 2:
        call["labels"] = None
    out = io.BytesIO()
    try:
        vicinal.write(out, **call)
    except vicinal.StreamError:
        if not out.getvalue():
            continue
    raise SystemExit("taken: %s" % change)
END
tap $? 'what is no stream is refused before a byte is written'
"$python" - <<'END'
import io, numpy as np, vicinal
out = io.BytesIO()
vicinal.write(out, np.eye(2), [0., True], ["a", "b"], split=["train", "extra"], ids=np.array([2**64 - 1, 0], "u8"))
doc = vicinal.read(io.BytesIO(out.getvalue()))
kept = np.array([[1e300, 1 / 3], [-np.inf, 0]])
for z in (kept.astype(">f8"), np.asfortranarray(kept), kept[::-1][::-1]):
    held = io.BytesIO()
    vicinal.write(held, z, None, ["a", "b"])
    assert vicinal.read(io.BytesIO(held.getvalue())).records.tolist() == kept.tolist(), z.dtype
assert doc.ids.tolist() == [2**64 - 1, 0] and doc.splits.tolist() == [0, 3] and doc.labels.tolist() == [0, 1]
END
tap $? 'the ends of the ranges are written, splits by name, and float64 of either byte order as it is'

"$python" - <<'END'
import io, os, numpy as np, vicinal
z, out = np.eye(2), io.BytesIO()
each = lambda a: (one for one in a)
vicinal.write(out, each(z), each([0, 1]), each("ab"), split=each(["dev", 2]), ids=each([7, 8]), names=each("xy"))
doc = vicinal.read(io.BytesIO(out.getvalue()))
assert doc.records.tolist() == z.tolist() and doc.labels.tolist() == [0, 1] and doc.classes == ["a", "b"]
assert doc.splits.tolist() == [1, 2] and doc.ids.tolist() == [7, 8] and doc.names == ["x", "y"]

class Slow(io.RawIOBase):
    """Takes and gives a few bytes at a time, as pipes and sockets do."""
    def __init__(self, held=b""):
        self.held = held
    def write(self, data):
        self.held += bytes(data[:100])
        return min(len(data), 100)
    def read(self, n):
        part, self.held = self.held[:min(n, 33)], self.held[min(n, 33):]
        return part

slow = Slow()
vicinal.write(slow, np.ones((500, 2)), None, ["a", "b"])
assert len(vicinal.read(Slow(slow.held)).labels) == 500
for mode, call in (("r", vicinal.read), ("w", lambda f: vicinal.write(f, z, None, ["a", "b"]))):
    try:
        call(open("text", mode) if mode == "w" else open("in", mode))
    except vicinal.StreamError as why:
        assert "open for text" in str(why), why
        continue
    raise SystemExit("taken: a file open for text")
os.remove("text")
END
tap $? 'generators are lists; files give and take bytes in parts; one that is open for text is refused'

# Under checksums that hold, what no head or block may say.
"$python" - <<'END'
import io, json, struct, numpy as np, vicinal

def made(head, blocks):
    out = io.BytesIO()
    w = vicinal._Writer(out)
    out.write(vicinal.SIGNATURE)
    w.block(b"HEAD", head if isinstance(head, bytes) else json.dumps(head).encode())
    for kind, data, n in blocks:
        w.block(kind, data, n)
    w.done()
    return io.BytesIO(out.getvalue())

def rows(values, dtype="<f8"):
    z = np.asarray(values, dtype)
    columns = [np.arange(len(z), dtype="<u8"), np.zeros(len(z), "<i4"), np.zeros(len(z), "u1")]
    return b"ROWS", b"".join(vicinal._padded(c.tobytes()) for c in columns) + z.tobytes(), len(z)

head = {"kind": "logits", "classes": ["a", "b"], "dtype": "f64", "values": "logits", "samples": 1}
probs, floats = dict(head, values="probs"), {"kind": "images", "classes": [], "shape": [1, 1, 1], "encoding": "f32"}
assert vicinal.read(made(head, [rows([[1, -np.inf]])])).records.tolist() == [[1, -np.inf]]
text = {"kind": "text", "classes": ["a"], "dim": 1}
row = b"".join(vicinal._padded(c) for c in (bytes(8), bytes(4), bytes(1), struct.pack("<I", 3))) + b"abc"
bad = [(b"{", []), (b"[]", []), (b"\xff", []), ({}, []), (dict(head, samples="x"), [rows([[1, 2]])]),
       (dict(head, classes=3), [rows([[1, 2]])]), (head, [rows([[np.nan, 0]])]), (head, [rows([[np.inf, 0]])]),
       (probs, [rows([[.5, .6]])]), (probs, [rows([[-1, 2]])]), (floats, [rows([[np.nan]], "<f4")]),
       (head, [(b"PROV", b"no", 0)]), (text, [(b"WORD", b"abc", 0)]), (text, [(b"ROWS", row, 1)]),
       ({"kind": "tokens", "classes": ["a"]}, [(b"ROWS", row[:-3] + b"\xff\xfe\xfd", 1)])]
for h, blocks in bad:
    try:
        vicinal.read(made(h, blocks))
    except vicinal.StreamError:
        continue
    raise SystemExit("taken: %r %r" % (h, blocks))
for call in (lambda: vicinal.score((np.eye(2), [0, 1])), lambda: vicinal.score(np.eye(2)),
             lambda: vicinal.score("a", args="--brief")):
    try:
        call()
    except ValueError as e:
        assert "stream is a path" in str(e) or "list of texts" in str(e), e
    else:
        raise SystemExit("no error")
END
tap $? 'a whole stream that contradicts its format is a StreamError, and wrong arguments say which'

# The evaluator.
"$TOOLS/mkstream" f64 200 >a.logits
"$TOOLS/mkstream" logits 100 >b.logits
vic-score -q --json a.logits b.logits >want
"$python" - <<'END'
import json, vicinal
want = [json.loads(line) for line in open("want")]
assert vicinal.score("a.logits") == want[0] and vicinal.score("a.logits", "b.logits") == want
doc = vicinal.read("a.logits")
used = doc.split("test") # what vic-score takes where there are several
got = vicinal.score((doc.records[used], doc.labels[used], doc.classes))
assert all(got[k] == v for k, v in want[0].items() if k not in ("name", "split")), got
try:
    vicinal.score("nowhere")
except RuntimeError as e:
    assert "nowhere" in str(e)
else:
    raise SystemExit("no error")
END
tap $? 'score() gives what vic-score --json says'

awk '/^```/ { on = $0 == "```python"; next } on' "$ROOT/docs/PYTHON.md" >example.py
awk '/^```python$/ { code = 1; next } /^```/ { on = !code && !on; code = 0; next } on' "$ROOT/docs/PYTHON.md" >want
"$python" example.py >got 2>&1
ok "PYTHON.md's example prints what it says" cmp want got
finish
