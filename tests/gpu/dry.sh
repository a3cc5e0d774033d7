# Sourced by tests/gpu/*.t: tests/cli/lib.sh, with the plug-in of the folder DRY, which runs on the host, among the
# plug-ins; and comparisons of what trainings and predictions say. Without one the test says SKIP.
. "$(dirname "$0")/../cli/lib.sh"

if [ ! -f "${DRY:-}/libvic-cuda.so" ]; then
	echo '1..0 # SKIP no CUDA toolkit and cuDNN to build the plug-in with'
	exit 0
fi
DRY=$(cd "$DRY" && pwd)
# The programs look in one folder for all plug-ins.
mkdir "$T/plugins"
ln -s "$DRY"/libvic-cuda.so "$BIN"/../lib/vicinal/libvic-cpu-*.so "$T/plugins"
VIC_BACKENDS=$T/plugins
export VIC_BACKENDS
hash_of() { cksum <"$1"; }
# history FILE COLUMN: its values, a line an epoch
history() {
	awk -v name="$2" -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$1"
}
# near FILE FILE TOLERANCE COLUMN: whether two histories agree in it, relative to the first
near() {
	history "$1" "$4" >"$T/near1"
	history "$2" "$4" >"$T/near2"
	[ -s "$T/near1" ] && paste "$T/near1" "$T/near2" | awk -v tol="$3" '
		{ d = $1 - $2; d = d < 0 ? -d : d; m = $1 < 0 ? -$1 : $1; if (!(d <= tol * m)) bad = 1 }
		END { exit bad }'
}
# predicts RECORDS WHAT MODEL STREAM OPTIONS...: the logits of ref for so many records
predicts() {
	predicts_n=$1 predicts_what=$2
	shift 2
	vic-predict -q --device ref "$@" | vic-cat | grep -v '^#' >"$T/p.ref"
	vic-predict -q --device cuda --precision float32 "$@" | vic-cat | grep -v '^#' >"$T/p.cuda"
	paste "$T/p.ref" "$T/p.cuda" | awk -v n="$predicts_n" '
		{ for (i = 4; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (!(d <= 1e-4 && d >= -1e-4)) bad = 1; values++ } }
		END { exit bad || NR != n || values < n }'
	tap $? "$predicts_what: the logits of ref" || diag "$T/p.ref" "$T/p.cuda"
}
