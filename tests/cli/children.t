#!/bin/sh
# No child outlives its program: for every program that starts others, each of these hangs while the program is killed.
# A FIFO that the child holds open tells who lives: it ends with the last of them.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
mkdir bin copy from data
mkfifo alive
cat >bin/hang <<END
#!/bin/sh
trap '' TERM INT HUP
exec 8>"$T/alive"
echo up >&8
sleep 1000 8>&8 &
sleep 1000
END
chmod +x bin/hang
for name in gnuplot curl tar unzip sha256sum md5sum; do
	ln -s hang bin/$name
done
printf 'alpha\tbin\tlow\thigh\tshare\tdensity\n1\t1\t0\t0.3\t0.4\t2\n1\t2\t0.3\t0.7\t0.6\t3\n' >curve
mkdir rt-polaritydata && echo 'a film' >rt-polaritydata/rt-polarity.neg && tar czf from/rt-polaritydata.tar.gz \
	rt-polaritydata

# killed CHILD COMMAND...: by each of the signals.
killed() {
	child=$1
	shift
	for signal in TERM INT HUP KILL; do
		# The shell has the signals of the keyboard ignored in the background, nohup that of the line.
		PATH=$T/bin:$PATH env --default-signal=HUP,INT,QUIT "$@" >out 2>err </dev/null &
		pid=$!
		said=$(timeout 60 sh -c "exec 3<alive; read up <&3; kill -$signal $pid; cat <&3; echo \$up")
		wait $pid 2>/dev/null
		status=$?
		[ "$said" = up ] && [ $status -gt 128 ]
		tap $? "$child is gone with $1, killed by $signal (exit $status)" || diag out err
	done
}
killed gnuplot vic-plot -o picture.svg curve
ok 'no picture' test ! -e picture.svg
killed curl vic-corpora fetch trec --to data
ln -sf "$(command -v sha256sum)" bin/sha256sum
ln -sf "$(command -v md5sum)" bin/md5sum
killed tar vic-corpora fetch mr --from from --to data
ln -sf hang bin/sha256sum
killed sha256sum vic-corpora fetch mr --from from --to data
if [ -x "$BIN/vic-predict" ]; then
	# The tokenizer is looked for beside the program.
	copy_program vic-predict copy && ln -s ../bin/hang copy/vic-tokenize
	printf 'pos\ta film\nneg\tbad film\n' | vic-tokenize -q --format tsv - | vic-embed -q --random --dim 2 >text &&
		vic-train -q --maps 2 --epochs 1 --threads 1 --device ref -o model text
	printf '#!/bin/sh\nexec 8>"%s/alive"\necho up >&8\nexec sleep 1000\n' "$T" >bin/waiting
	chmod +x bin/waiting
	ln -sf ../bin/waiting copy/vic-tokenize
	killed vic-tokenize copy/vic-predict --device ref --text model
fi
if [ -e "$BIN/../lib" ] && command -v timeout >/dev/null; then
	same 'nothing but pipeline/files/spawn.c starts a program' pipeline/files/spawn.c \
		"$(cd "$ROOT" && grep -lE '\b(popen|system|v?fork|posix_spawnp?|exec[vl][pe]*|execvpe) ?\(' \
			pipeline/*.c pipeline/*/*.c corpora/*.c tokenize/*.c embed/*.c vision/*.c models/*.c models/*/*.c models/*/*/*.c eval/*.c eval/*/*.c |
			grep -v -e '^pipeline/vic.c$' -e '^pipeline/frame/recipes.c$')" # vic becomes them, and starts none
fi
finish
