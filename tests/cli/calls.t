#!/bin/sh
# No result changes with how the system's calls come back: few bytes at a time, interrupted by a signal, or from a
# descriptor that does not wait.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/faults/matrix.sh"

if [ "${MODE:-release}" != release ]; then
	skip 'how calls come back' 'a sanitizer has its own calls'
	finish
fi
prepare
tap $? 'the inputs could be made'
cd "$T/inputs" || exit 1
vic-reliability -q --bands 0 logits >bins
gzip -k csv
: >"$T/.none"

# row COMMAND...: the same bytes on stdout and in the file or folder o.
row() {
	rm -rf o want
	"$@" >out 2>err </dev/null || { tap 1 "$*: as calls usually are"; diag err; return; }
	mv out want.out
	[ ! -e o ] || mv o want
	fault=
	for way in short:1 short:7 eintr:2 eintr:3 again:2; do
		rm -rf o
		VIC_FAIL=$way LD_PRELOAD=$preload "$@" >out 2>err </dev/null || fault="$fault $way: $(tail -1 err);"
		cmp -s out want.out || fault="$fault $way: other bytes;"
		[ ! -e want ] || diff -r o want >/dev/null 2>&1 || fault="$fault $way: another file;"
	done
	[ -z "$fault" ]
	tap $? "$*${fault:+:$fault}"
}

row vic-cat --check text
row vic-cat --stats images
row vic-cat --from npz --kind logits npz
row vic-cat --from csv --kind logits csv.gz
row vic-cat --from safetensors --kind logits tensor
row vic-split --dev 0.2 --remark text
row vic-tokenize -q --format tsv -o o tsv
row vic-embed -q --vectors glove -o o tokens
row vic-train -q --maps 2 --epochs 1 --batch 4 --threads 1 --device ref -o o text
row vic-predict -q --device ref -o o model text
row vic-score -q --floor 0 logits
row vic-calibrate -q -o o f64
row vic-conformal -q -o o f64
row vic-report -q --bootstrap 0 --floor 0 -o o logits
row vic-plot --script bins
row vic-images -q --resize 8 -o o pictures
row vic-images -q --resize 8 -o o tgz
row vic-perturb -q -o o images
row vic-corpora synth text -q --n 20 --vocabulary 200 --dim 2 --to o
row vic help
row vic run

# Whatever cannot be looked at, no output takes the place of what is no file.
ln -s target link
harmed='' n=0
while n=$((n + 1)) && rm -f seen pipe && [ $n -lt 200 ]; do
	cp images target
	mkfifo pipe
	exec 8<>pipe # room enough for one small stream, which nobody reads
	for o in pipe link; do
		VIC_FAIL=stat:$n:once VIC_FAIL_SEEN=seen LD_PRELOAD=$preload timeout 20 vic-perturb -q -o $o images \
			>out 2>err || grep -q 'Permission denied' err || harmed="$harmed $o $n: $(cat err)"
		[ -p pipe ] && [ -L link ] && [ -f target ] || harmed="$harmed $o $n: is replaced"
	done
	exec 8<&-
	[ -e seen ] || break
done
ok 'some looks failed' test "$n" -gt 5 -a "$n" -lt 200
same 'and nothing was harmed' '' "$harmed"

# Descriptors that do not wait, as a terminal's may be left by whoever shares it. 1031 is F_SETPIPE_SZ: little room.
nowait() {
	perl -MFcntl -e 'open F, "<&=", shift; fcntl(F, 1031, 4096); fcntl(F, F_SETFL, fcntl(F, F_GETFL, 0) | O_NONBLOCK) or die;
		exec @ARGV' "$@"
}
"$TOOLS/mkstream" logits 4000 >many
vic-cat many >want
{ sleep 0.3 && head -c 5000 many && sleep 0.3 && tail -c +5001 many; } | nowait 0 vic-cat >got 2>err
same 'stdin that does not wait' "0 $(cat want | cksum)" "$? $(cksum <got)"
diag err
nowait 1 vic-cat many 2>err | (sleep 0.3; cat) >got
same 'stdout that does not wait' "$(cksum <want)" "$(cksum <got)$(cat err)"
vic-train --help >want
nowait 1 vic-train --help 2>err | (sleep 0.3; cat) >got
same 'nor for what is printed' "$(cksum <want)" "$(cksum <got)$(cat err)"
finish
