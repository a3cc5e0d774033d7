#!/bin/sh
# Packed files are read everywhere as what is in them, from a file and a pipe; what is cut, damaged or followed by
# something else is refused. Tools that are not here are passed over, as are kinds that the build does without.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
printf 'label\ttext\n' >a.tsv
i=0
while [ $i -lt 300 ]; do
	printf '%d\tsome film %d\n' $((i % 2)) $i
	i=$((i + 1))
done | tee b.tsv >>a.tsv
mkdir -p d/a d/b && cp "$ROOT/tests/golden/images/rgb.png" d/a/1.png && cp "$ROOT/tests/golden/images/rgb420.jpg" d/b/2.jpg
tar -cf d.tar d
vic-tokenize -q -f tsv b.tsv >b.tokens
seq 20 | awk '{ print "w" $1, $1, 1.5, -2 }' >vectors
printf '0,1,2\n1,2,1\n' >l.csv

# packer KIND FILE: packs to stdout.
packer() {
	case $1 in
	gzip | bzip2 | xz) "$1" -c "$2" ;;
	zstd) zstd -q -c "$2" ;;
	zip) zip -q out.zip "$2" && cat out.zip && rm out.zip ;;
	pipe-zip) zip -q - - <"$2" ;;
	stored-zip) zip -q -0 out.zip "$2" && cat out.zip && rm out.zip ;;
	esac
}
has() {
	command -v "${1#*-}" >/dev/null && vic-cat --version | grep -q "$2"
}
# what a command prints, less the line of provenance that names the file
data() { vic-cat | grep -v provenance; }
while read -r kind library; do
	has "$kind" "$library" || { skip "$kind" "no $kind here, or built without $library"; continue; }
	for f in a.tsv b.tsv b.tokens vectors l.csv d.tar; do
		packer "$kind" $f >"$f.$kind"
	done
	for how in file pipe; do
		given() { if [ $how = pipe ]; then cat "$1.$kind" | "$2" -q $3 $4 -; else "$2" -q $3 $4 "$1.$kind"; fi; }
		same "$kind, $how: vic-tokenize" "$(vic-tokenize -q -f tsv b.tsv | data | cksum)" \
			"$(given b.tsv vic-tokenize -f tsv | data | cksum)"
		same "$kind, $how: vic-embed" "$(vic-embed -q --random --dim 2 b.tokens | data | cksum)" \
			"$(given b.tokens vic-embed --random --dim=2 | data | cksum)"
		same "$kind, $how: vic-cat" 300 "$(given b.tokens vic-cat --stats "" | sed -n 's/^records //p')"
		[ "$kind" = pipe-zip ] || # the tar in it has no name
			same "$kind, $how: vic-images" 2 "$(given d.tar vic-images "" "" | vic-cat --stats | sed -n 's/^records //p')"
	done
	size=$(wc -c <"b.tsv.$kind")
	for keep in $((size / 2)) $((size - 1)); do
		head -c $keep "b.tsv.$kind" >cut
		vic-tokenize -q -f tsv cut >/dev/null 2>said
		same "$kind: $keep of $size bytes are refused" '1 1' "$? $(grep -c 'cut: the .*truncated' said)"
	done
	{ cat "b.tsv.$kind" && echo more; } >more
	vic-tokenize -q -f tsv more >/dev/null 2>said
	same "$kind: bytes after the end are refused" '1 1' "$? $(grep -c 'more: .*follow' said)"
	case $kind in zip | *-zip) continue ;; esac
	cat "b.tsv.$kind" "b.tsv.$kind" >twice
	same "$kind: two one after the other are one" 600 "$(vic-tokenize -q -f tsv twice | vic-cat --stats | sed -n 's/^records //p')"
done <<'L'
gzip zlib
bzip2 libbz2
xz liblzma
zstd libzstd
zip zlib
stored-zip zlib
pipe-zip zlib
L

if command -v zip >/dev/null; then
	zip -q -r d.zip d
	same 'a zip of pictures' "$(vic-images -q d | data | cksum)" "$(vic-images -q d.zip | data | cksum)"
	same 'the same from a pipe' "$(vic-images -q d | data | cksum)" "$(cat d.zip | vic-images -q - | data | cksum)"
	mkdir flat && (cd flat && find ../d -type f | while read -r f; do
		cp "$f" "$(printf %s "${f#../}" | tr / '\\')"
	done && zip -q -r ../windows.zip .)
	same 'one whose folders end in backslashes' "$(vic-images -q d | data | cksum)" "$(vic-images -q windows.zip | data | cksum)"
	tar -cf inside.tar d d.zip
	like 'an archive in an archive is said to be left alone' \
		'^vic-images: 1 of them is an archive, which nobody looks into: unpack it, or give each as a PATH; the first: inside.tar: d.zip$' \
		"$(vic-images inside.tar 2>&1 >/dev/null)"
	mkdir packs && cp d.zip packs/d1.ZIP && cp inside.tar packs/ && cp -R d packs/
	like 'in a folder, too' '^vic-images: 2 of them are archives, .* the first: packs/d1.ZIP$' \
		"$(vic-images packs 2>&1 >/dev/null)"
	zip -q two.zip a.tsv b.tsv
	fails 1 'two.zip: the zip archive holds several files' 'a zip of two tables' vic-tokenize -f tsv two.zip
	size=$(wc -c <d.zip)
	for keep in 100 $((size / 2)) $((size - 30)) $((size - 1)); do
		head -c $keep d.zip >cut.zip
		fails 1 'cut.zip: the zip archive is truncated' "$keep bytes of a zip" vic-images cut.zip
	done
	{ head -c 200 d.zip && printf 'x' && tail -c +202 d.zip; } >bad.zip
	fails 1 'bad.zip: the zip archive is damaged' 'a damaged zip' vic-images bad.zip
	zip -q -e -P secret locked.zip a.tsv
	fails 1 'locked.zip: the zip archive is encrypted' 'an encrypted zip' vic-tokenize -f tsv locked.zip
	mkdir up && (cd up && mkdir in && cp ../d/a/1.png . && cd in && zip -q ../../up.zip ../1.png)
	same 'a name that leads up is one of the archive' '1.png' "$(vic-images -q up.zip | vic-cat | grep -o '[^	]*png$')"
else
	skip 'zips of pictures' 'no zip here'
fi
finish
