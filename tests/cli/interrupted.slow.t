#!/bin/sh
# vic-train --checkpoint ended by SIGKILL and SIGINT at thirty random moments each: no unfinished file is left, and the
# run goes on from its checkpoint to the bytes of one that was never ended. VIC_SEED draws other moments.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
"$TOOLS/mkstream" text 400 >text
train() { vic-train -q --maps 8 --max-tokens 7 --batch 4 --epochs 12 --history history "$@" text; }
train -o whole
cp history whole.history
instants=0
for signal in KILL INT; do
	bad=
	i=0
	rm -f ck
	for moment in $(awk -v seed="${VIC_SEED:-7}$signal" 'BEGIN { srand(length(seed) * 1000 + seed); for (i = 0; i < 30; i++) printf "%.3f\n", 0.02 + rand() * 0.6 }'); do
		i=$((i + 1))
		rm -f model history
		[ $((i % 5)) = 0 ] && rm -f ck # and from the beginning
		timeout -s $signal --preserve-status "$moment" env vic-train -q --maps 8 --max-tokens 7 --batch 4 --epochs 12 \
			--history history --checkpoint ck --resume ck -o model text >/dev/null 2>err
		status=$?
		case $signal-$status in
		KILL-137 | INT-130 | *-0) ;;
		*) bad="$bad status-$status-at-$moment" ;;
		esac
		left=$(ls -A | grep -v -x -e ck -e err -e history -e model -e text -e whole -e whole.history -e '\.err' -e '\.out')
		# A whole file has a name of its own for the instant before it takes the place of the old one.
		case $signal-$left in
		KILL-.vic-*) instants=$((instants + 1)) left='' && rm -f .vic-* ;;
		esac
		[ -z "$left" ] || bad="$bad $left"
		vic-cat -q --check $(ls ck model 2>/dev/null) text || bad="$bad damaged-at-$moment"
		train --checkpoint ck --resume ck -o model || bad="$bad resume-at-$moment"
		cmp -s whole model && cmp -s whole.history history || bad="$bad other-bytes-at-$moment"
		[ $((i % 2)) = 0 ] || rm -f ck
	done
	same "SIG$signal at thirty moments: nothing is left, and resumed runs end in the same bytes" '' "$bad"
done
same 'SIGKILL meets that instant seldom' yes "$([ $instants -le 3 ] && echo yes || echo $instants)"
# As a batch system ends a job.
timeout -s INT --preserve-status 2 vic-train -q --maps 8 --max-tokens 7 --batch 1 --epochs 200000 -o model text 2>err
same 'timeout -s INT: status 130' 130 $?
ok 'and a model' vic-predict -q -o logits model text
finish
