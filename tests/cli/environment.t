#!/bin/sh
# What the system cannot do is not bad data: --on-bad skip leaves damaged images out, and nothing else. And what lies in
# a folder of data is not always a file.
. "$(dirname "$0")/lib.sh"
golden=$ROOT/tests/golden/images
shim=$TOOLS/inject.so
records() { vic-cat --stats "$@" | sed -n 's/^records //p'; }
# As somebody whom permissions bind: root gives itself up for the time of one command.
bound() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

chmod 755 "$T"
mkdir -p "$T/f/a" "$T/f/b"
cp "$golden/rgb420.jpg" "$golden/progressive.jpg" "$golden/grey.png" "$T/f/a"
cp "$golden/palette.png" "$golden/cmyk.jpg" "$T/f/b"
head -c 500 "$golden/rgb422.jpg" >"$T/f/b/cut.jpg"
echo 'no image' >"$T/f/b/text.png"
cd "$T" || exit 1
pack='vic-images --threads 2 --resize 8 --on-bad skip'

vic-images -q --threads 2 --resize 8 --on-bad skip f >whole.vic
same 'the good images are there' 5 "$(records whole.vic)"
like 'and how many were left out, and why' \
	'2 images left out that do not decode; the first: f/b/cut.jpg: JPEG: Premature end' \
	"$($pack f 2>&1 >/dev/null)"

# Permissions
chmod 000 f/a/grey.png
if bound test -r f/b/cut.jpg && ! bound test -r f/a/grey.png; then
	fails 1 '^vic-images: f/a/grey.png: Permission denied$' 'a file that may not be read ends it' bound $pack -o \
		/dev/null f
	chmod 644 f/a/grey.png
	chmod 000 f/b
	fails 1 '^vic-images: f/b: Permission denied$' 'a folder that may not be read too' bound $pack -o /dev/null f
	chmod 755 f/b
else
	skip 'a file that may not be read ends it' 'nobody here whom permissions bind'
fi
chmod 644 f/a/grey.png

# Descriptors: as many as fit, from too few to start with to enough
n=4 ended=0 whole=0 lost=0
while [ $n -le 24 ]; do
	if (ulimit -n $n && exec vic-images -q --threads 2 --resize 8 --on-bad skip -o n.vic f) 2>n.err; then
		whole=$((whole + 1))
		cmp -s n.vic whole.vic || lost=$((lost + 1))
	elif grep -q 'Too many open files\|cannot open shared object\|error while loading' n.err; then
		ended=$((ended + 1))
	else
		lost=$((lost + 1))
		diag n.err
	fi
	n=$((n + 1))
done
same "few descriptors: all images or an error ($ended errors, $whole whole)" 0 $lost
ok 'both were seen' test $ended -gt 0 -a $whole -gt 0

# Each read, open and allocation that fails, for good or once
if [ "${MODE:-release}" = release ]; then
	for call in read read:once open open:once; do
		ok "failing $call: nothing but damaged images is left out" "$TOOLS/sweep" fail $call "$shim" -- \
			vic-images --threads 1 --resize 8 --on-bad skip f
		ok "failing $call: nor is another encoding chosen" "$TOOLS/sweep" fail $call "$shim" -- \
			vic-images --threads 1 --on-bad skip f
	done
	for call in alloc alloc:once; do
		ok "failing $call: nothing but damaged images is left out" "$TOOLS/sweep" fail -e 15 $call "$shim" -- \
			vic-images --threads 1 --resize 8 --on-bad skip f
	done
else
	skip 'failing reads, opens and allocations' 'a sanitizer has its own allocator'
fi
finish
