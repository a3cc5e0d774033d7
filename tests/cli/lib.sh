# Sourced by tests/cli/*.t: TAP for POSIX sh. BIN is the folder of programs (make check sets it), TOOLS that of
# tests/tools. A test gets an empty folder $T that is removed at the end (not with KEEP=1), and ends with `finish`.
#
#   . "$(dirname "$0")/lib.sh"
#   ok 'a stream is whole' vic-cat --check x.logits
#   same 'ten records' 10 "$(vic-cat --stats x.logits | sed -n 's/^records //p')"
#   fails 2 'did you mean .--head' 'a slip is answered with the nearest name' vic-cat --hed x.logits
#   skip 'MR has 10,662 records' 'data/mr is not there'
#   finish

: "${BIN:?BIN must name the folder of programs, as in: BIN=build/bin prove tests/cli}"
BIN=$(cd "$BIN" && pwd) || exit 1
TOOLS=${TOOLS:-$BIN/../tests/tools}
case $TOOLS in /*) ;; *) TOOLS=$PWD/$TOOLS ;; esac
ROOT=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
PATH=$BIN:$PATH
LC_ALL=C
export PATH LC_ALL
T=$(mktemp -d) || exit 1
[ -n "${KEEP:-}" ] || trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM
tests=0

# tap VERDICT DESCRIPTION: one line of TAP; VERDICT is 0 for ok.
tap() {
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
	fi
	return "$1"
}

# await CONDITION: until the shell command holds; a test that has waited two minutes for it fails and ends.
await() {
	await_until=$(($(date +%s) + 120))
	until eval "$1"; do
		if [ "$(date +%s)" -gt $await_until ]; then
			tap 1 "waited in vain: $1"
			exit 1
		fi
		sleep 0.05
	done
}

# processes PATTERN: numbers of those whose command line, its words parted by spaces, matches. (pgrep is not everywhere.)
# In one go, so that what is found still runs when it is asked for.
processes() {
	grep -sla -e "$(printf %s "$1" | tr ' ' .)" /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ processes_of _; do
		[ "$processes_of" != $$ ] && [ -d "/proc/$processes_of" ] && echo "$processes_of" # and grep itself has ended
	done
	return 0
}

# diag FILE...: shows the beginning of what a command said, as TAP comments.
diag() {
	for diag_file in "$@"; do
		[ -s "$diag_file" ] && head -c 2000 "$diag_file" | tr -cd '\11\12\40-\176' | awk '{ print "# " $0 }'
	done
	return 0
}

# ok DESCRIPTION COMMAND...: passes when the command exits 0.
ok() {
	ok_what=$1
	shift
	if "$@" >"$T/.out" 2>"$T/.err"; then
		tap 0 "$ok_what"
	else
		ok_status=$?
		tap 1 "$ok_what"
		echo "# exit status $ok_status from: $*"
		diag "$T/.out" "$T/.err"
	fi
}

# same DESCRIPTION WANTED GOT: passes when the two texts are equal.
same() {
	if [ "$2" = "$3" ]; then
		tap 0 "$1"
	else
		tap 1 "$1"
		printf '%s\n' "$2" | sed 's/^/# wanted: /'
		printf '%s\n' "$3" | sed 's/^/# got:    /'
	fi
}

# like DESCRIPTION PATTERN TEXT: passes when a line of the text matches the basic regular expression.
like() {
	if printf '%s\n' "$3" | grep -q -e "$2"; then
		tap 0 "$1"
	else
		tap 1 "$1"
		echo "# no line matches: $2"
		printf '%s\n' "$3" | sed 's/^/# got: /'
	fi
}

# fails STATUS PATTERN DESCRIPTION COMMAND...: passes when the command exits with STATUS, says exactly one line on
# stderr that matches PATTERN, and prints nothing on stdout.
fails() {
	fails_status=$1 fails_pattern=$2 fails_what=$3
	shift 3
	"$@" >"$T/.out" 2>"$T/.err"
	fails_got=$?
	if [ "$fails_got" = "$fails_status" ] && [ "$(wc -l <"$T/.err")" -eq 1 ] && [ ! -s "$T/.out" ] &&
		grep -q -e "$fails_pattern" "$T/.err"; then
		tap 0 "$fails_what"
	else
		tap 1 "$fails_what"
		echo "# wanted exit status $fails_status, nothing on stdout and one line like: $fails_pattern"
		echo "# got exit status $fails_got from: $*"
		diag "$T/.out" "$T/.err"
	fi
}

# skip DESCRIPTION REASON: says what could not be tested and why.
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# console PAGE: takes the examples out of docs/PAGE: after "$ " a command ("> " continues it), then what it prints. One
# file a command (NNN.sh) and one for what it should print (NNN.want) in the present folder.
console() {
	awk '
		/^```console$/ { on = 1; next }
		/^```/ { on = 0; close(want) }
		!on { next }
		/^\$ / { close(cmd); close(want); n++; cmd = sprintf("%03d.sh", n); want = sprintf("%03d.want", n); printf "" > want
			print substr($0, 3) > cmd; next }
		/^> / { print substr($0, 3) > cmd; next }
		{ print > want }
	' "$ROOT/docs/$1"
}

# run_console: runs them in order, each must print what it should. A test may say what of the output a page shows
# (console_filter), and what of that is compared (console_form).
console_filter() { cat; }
console_form() { cat; }
run_console() {
	for console_cmd in [0-9]*.sh; do
		sh "$console_cmd" 2>&1 | console_filter >"${console_cmd%.sh}.got"
		same "$(head -1 "$console_cmd" | cut -c1-90 | tr -d '\\')" "$(console_form <"${console_cmd%.sh}.want")" \
			"$(console_form <"${console_cmd%.sh}.got")"
	done
}

# new_console PAGE: docs/PAGE with what run_console saw in place of what stands there.
new_console() {
	awk '
		function seen() { while (got != "" && (getline line <got) > 0) print line; got = "" }
		/^```console$/ { on = 1; print; next }
		/^```/ { seen(); on = 0 }
		on && /^\$ / { seen(); got = sprintf("%03d.got", ++n) }
		!on || /^[$>] / { print }
	' "$ROOT/docs/$1"
}

# table N NAMES SEPARATOR: a CSV of N made-up messages of two kinds, kind and text, under a header unless NAMES is empty.
# A third of the phrases tell the kind, a few tell the wrong one: not all can be known.
table() {
	awk -v n="$1" -v names="$2" -v s="$3" '
	function draw(m) { r = r * 16807 % 2147483647; return 1 + int(r / 2147483647 * m) }
	BEGIN {
		r = 12345
		if (names != "") print names
		split("where is my parcel;it has not arrived;the courier never came;tracking shows nothing;it is late", late, ";")
		split("i was charged twice;the invoice is wrong;my money is not back;the card was declined;refund me", paid, ";")
		any = "please help;thank you;i wrote last week;it is urgent;as i said;hello;good morning;i am a customer;any news"
		split(any, phrase, ";")
		for (i = 0; i < n; i++) {
			kind = draw(5) < 3
			text = ""
			for (j = draw(3) + 1; j; j--) {
				u = draw(20)
				tells = u > 18 ? !kind : kind
				text = text (text == "" ? "" : " ") (u < 9 ? phrase[draw(9)] : tells ? late[draw(5)] : paid[draw(5)])
			}
			print (kind ? "late" : "paid") s text " no " draw(900)
		} }'
}

# data NAME: prints the path of a data folder, or fails when it is nowhere.
data() {
	for data_root in ${VIC_DATA:+"$VIC_DATA"} "$ROOT/data" "$ROOT/../shared/data"; do
		if [ -e "$data_root/$1" ]; then
			echo "$data_root/$1"
			return 0
		fi
	done
	return 1
}

# From here on recipes are a copy with no data beside it, and VIC_DATA names none.
recipes_without_data() {
	mkdir -p "$T/a/tree/pipeline" && cp -R "$ROOT/pipeline/recipes" "$T/a/tree/pipeline" || exit 1
	VIC_RECIPES=$T/a/tree/pipeline/recipes VIC_DATA=$T/none
	export VIC_RECIPES VIC_DATA
}

# copy_program NAME FOLDER: of this build, with what an emulator runs in its place (tests/arm).
copy_program() {
	cp "$BIN/$1" "$2" || return
	[ ! -e "$BIN/.$1" ] || cp "$BIN/.$1" "$2"
}

# few_kernels SET: oneDNN keeps to this instruction set. It compiles its kernels in each process, which for AVX-512 is most
# of a small run: a prediction of a small text model takes 56 ms by AVX-512 and 8 by SSE41; for images AVX2 is quickest. For
# tests of many such runs that ask nothing of the kernels; unit tests and the others use what the machine has.
few_kernels() {
	ONEDNN_MAX_CPU_ISA=$1
	export ONEDNN_MAX_CPU_ISA
}

finish() {
	echo "1..$tests"
	exit 0
}
