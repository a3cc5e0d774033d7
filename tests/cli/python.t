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
