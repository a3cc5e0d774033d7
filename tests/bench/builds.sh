#!/bin/sh
# Two builds beside each other, training: what another oneDNN, compiler or change costs. A build is the folder of its
# programs, or ROOT:FOLDER, a folder inside a chroot (root may do that). Runs take turns; a row is the medians of the
# processor's seconds that five runs took, which another program on the machine disturbs less than the clock, and B's
# ratio to A's.
# usage: builds.sh A B [REPEATS]       sh tests/bench/builds.sh build/bin /srv/trixie:/srv/vicinal/build/bin
set -eu
a=$1 b=$2 repeats=${3:-5}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM
PATH=$(cd "${a#*:}" && pwd):$PATH

# cpu BUILD DATA ARGUMENTS...: seconds, user and system, that vic-train took; the records come on stdin.
cpu() {
	build=$1 data=$2
	shift 2
	case $build in
	*:*) set -- chroot "${build%%:*}" "${build#*:}/vic-train" "$@" ;;
	*) set -- "$build/vic-train" "$@" ;;
	esac
	# shellcheck disable=SC2016 # perl's
	perl -e 'my $pid = fork // die; $pid or exec @ARGV or die; waitpid $pid, 0; die "failed\n" if $?; my @t = times;
		printf "%.2f\n", $t[2] + $t[3]' "$@" <"$data" 2>"$T/err"|| { cat "$T/err" >&2; exit 1; }
}

# What more epochs take: starting, reading and planning are in both runs.
training() {
	short=$(cpu "$@" --epochs 1) || exit 1
	long=$(cpu "$@" --epochs "$epochs") || exit 1
	echo "$long $short" | awk '{ printf "%.3f\n", $1 - $2 }'
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

row() {
	what=$1 data=$2 epochs=$3
	shift 3
	rm -f "$T/a" "$T/b"
	for i in $(seq "$repeats"); do
		training "$a" "$data" "$@" >>"$T/a"
		training "$b" "$data" "$@" >>"$T/b"
	done
	printf '%-44s %10.3f %10.3f %8.3f\n' "$what" "$(median "$T/a")" "$(median "$T/b")" \
		"$(echo "$(median "$T/b") $(median "$T/a")" | awk '{ print $1 / $2 }')"
}

vic-corpora synth text -q --n 10000 --to "$T/synth"
vic-tokenize -q --format mr "$T/synth" | vic-embed -q --random --dim 300 >"$T/text"
for n in 64 512; do
	vic-corpora synth images -q --layout cifar -n $n --to "$T/cifar$n"
	vic-images -q -f cifar10 --only train "$T/cifar$n" >"$T/images$n"
done
common='-q --threads 1 --mixup 0.4 --seed 1 -o /dev/null'
printf '%-44s %10s %10s %8s\n' "seconds of the processor, 1 thread" A B B/A
# shellcheck disable=SC2086
row 'Kim-CNN, batch 50, 2 epochs of 10,000' "$T/text" 3 --batch 50 $common
# shellcheck disable=SC2086
row 'ResNet-20, batch 128, 3 epochs of 512' "$T/images512" 4 -m resnet20 --batch 128 $common
# shellcheck disable=SC2086
row 'ResNet-18, batch 64, 2 epochs of 64' "$T/images64" 3 -m resnet18 --batch 64 $common
