# The fault matrix over tests/faults/table. Sourced by tests/cli/faults.t and faults.slow.t, after lib.sh.

shim=$TOOLS/inject.so
VIC_RECIPES=recipes # a folder of the inputs
export VIC_RECIPES
exec 9<"$shim"
preload=/proc/self/fd/9 # LD_PRELOAD cannot name a file whose path holds a space

# The inputs of all rows, in $T/inputs.
prepare() {
	mkdir "$T/inputs"
	for kind in tokens:12 text:12 images:4 jpeg:4 pixels:4 logits:24 probs:24 f64:24 passes:4 named-tokens:12 \
		named-text:12 named-images:4 named-logits:24; do
		"$TOOLS/mkstream" "${kind%:*}" "${kind#*:}" >"$T/inputs/${kind%:*}" || return 1
	done
	(
		cd "$T/inputs" || exit 1
		vic-cat --to npy logits >npy && vic-cat --to csv logits >csv && vic-cat --to tsv tokens >tsv &&
			"$TOOLS/mkarray" npz deflated z=npy >npz &&
			"$TOOLS/mkarray" st z F32 "[2,3]" 0 1 2 1 3 4 >tensor || exit 1
		mkdir -p pictures/a pictures/b
		cp "$ROOT/tests/golden/images/rgb420.jpg" pictures/a/1.jpg && cp \
			"$ROOT/tests/golden/images/palette.png" pictures/b/2.png &&
			tar czf tgz pictures || exit 1
		mkdir kinds # neither TIFF nor WebP: their libraries do not bear to be refused memory (codec_room)
		cp "$ROOT/tests/golden/images/rle8.bmp" "$ROOT/tests/golden/images/palette4.bmp" kinds/ || exit 1
		if [ -x "$BIN/vic-images" ]; then
			vic-images -q --encoding jpeg -o photos pictures/a || exit 1
			mkdir -p album/a album/b
			for i in 1 2; do
				cp "$ROOT/tests/golden/images/rgb42$((2 * i - 2)).jpg" album/a/$i.jpg &&
					cp "$ROOT/tests/golden/images/exif$((3 * i)).jpg" album/b/$i.jpg || exit 1
			done
			vic-images -q --encoding jpeg -o jpegs album || exit 1
		fi
		mkdir recipes
		printf '#!/bin/sh\n# vic run: of a test\n' | tee recipes/a.sh recipes/c.sh >recipes/b.sh
		for word in the film is a and of dull bad flat good warm fine; do
			echo "$word 0.1 -0.2 0.3"
		done >glove
		if [ -x "$BIN/vic-train" ]; then
			vic-train -q --maps 2 --epochs 1 --batch 4 --threads 1 --device ref -o model text || exit 1
			vic-train -q -m smallcnn --width 0.1 --epochs 1 --batch 4 --threads 1 --device ref -o painter \
				images || exit 1
			vic-train -q -m smallcnn --width 0.1 --epochs 1 --batch 4 --threads 1 --device ref --resize 8 \
				-o developer jpegs || exit 1
		fi
		if [ -x "$BIN/vic-calibrate" ]; then
			vic-calibrate -q --threads 1 -o map f64 || exit 1
		fi
		if [ -x "$BIN/vic-conformal" ]; then
			vic-conformal -q --threads 1 -o threshold f64 || exit 1
		fi
		if [ -x "$BIN/vic-plot" ]; then
			printf 'alpha\tbin\tlow\thigh\tshare\tdensity\n1\t1\t0\t0.3\t0.4\t2\n1\t2\t0.3\t0.7\t0.6\t3\n' \
				>curve
			sed 's/ | /\t/g' >result <<-'L'
			figure | dataset | model | method | setting | seed | n | metric | value | low | high | command
			fig1 | mr | kimcnn | baseline | - | 1 | 9 | ece | 0.2 | 0.1 | 0.3 | vic-score a
			fig1 | mr | kimcnn | baseline | - | all | 9 | ece | 0.2 | 0.1 | 0.3 | vic-score a
			fig1 | mr | kimcnn | mixup | 0.4 | 1 | 9 | ece | 0.1 | 0.05 | 0.15 | vic-score b
			fig1 | mr | kimcnn | mixup | 0.4 | all | 9 | ece | 0.1 | 0.05 | 0.15 | vic-score b
			L
			sed 's/ | /\t/g' >claims <<-'L'
			id | figure | where | statement | data | model | metric | a | direction | b | paper_a | paper_b
			one | * | Table 1 | mixup is better | * | * | ece | mixup 0.4 | below | baseline | 0.1 | 0.2
			L
			echo '<svg xmlns="http://www.w3.org/2000/svg"></svg>' >drawing.svg
		fi
	)
}

# Reads the table; calls `row_test` for each row with the variables program input cut every wrong number command set.
each_row() {
	while IFS='|' read -r program input cut every wrong number command; do
		case $program in '#'* | '') continue ;; esac
		program=$(echo "$program" | tr -d ' ')
		input=$(echo "$input" | tr -d ' ')
		cut=$(echo "$cut" | tr -d ' ')
		every=$(echo "$every" | tr -d ' ')
		wrong=$(echo "$wrong" | tr -d ' ')
		number=$(echo "$number" | sed 's/^ *//; s/ *$//')
		command=$(echo "$command" | sed 's/^ *//; s/ *$//')
		[ -x "$BIN/$program" ] || continue
		row_test
	done <"$ROOT/tests/faults/table"
}

# 0 when the input is a stream, whose cuts must be noticed.
is_stream() {
	[ "$cut" != - ] && [ "$cut" != files ]
}

# A fresh folder with the inputs, and in it: the command with {} replaced by $1 (or kept as {}).
fresh() {
	rm -rf "$T/run"
	cp -rl "$T/inputs" "$T/run"
	cd "$T/run" || exit 1
	# shellcheck disable=SC2086,SC2046 # words of the table
	set -- $(echo "$command" | sed "s|{}|$1|")
	run_argv=$*
}

# wants STATUS PATTERN WHAT: runs $run_argv (plus $4...) in the fresh folder.
wants() {
	wants_status=$1 wants_pattern=$2 wants_what=$3
	shift 3
	# shellcheck disable=SC2086
	fails "$wants_status" "$wants_pattern" "$command: $wants_what" timeout 20 $run_argv "$@"
	cd "$T" || exit 1
}

# swept WHAT MODE ARGUMENTS... -- : a sweep of $run_argv in the fresh folder.
swept() {
	swept_what=$1
	shift
	case "$1 ${MODE:-release}" in # a sanitizer lives with no shim
	'cut release') shift && set -- cut -s "$shim" "$@" ;;
	esac
	# shellcheck disable=SC2086
	if "$TOOLS/sweep" "$@" $run_argv >"$T/.out" 2>"$T/.err"; then
		tap 0 "$command: $swept_what: $(head -1 "$T/.out")"
	else
		tap 1 "$command: $swept_what"
		diag "$T/.out" "$T/.err"
	fi
	cd "$T" || exit 1
}

# Every program of BIN has its rows.
all_have_rows() {
	for file in "$BIN"/vic*; do
		name=${file##*/}
		grep -q "^$name " "$ROOT/tests/faults/table"
		tap $? "$name has a row in tests/faults/table"
	done
}
