#!/bin/sh
# vic-corpora: what it lists, what it makes, and that a data set is in place whole or not at all.
. "$(dirname "$0")/lib.sh"
unset VIC_OFFLINE

# A curl that does as the file $T/curl.does says; it notes its arguments in $T/curl.said.
mkdir "$T/bin"
cat >"$T/bin/curl" <<'END'
#!/bin/sh
here=$(dirname "$0")/..
echo "$*" >>"$here/curl.said"
while [ $# -gt 0 ]; do
	case $1 in
	--output) out=$2 ;;
	--continue-at) from=$2 ;;
	--url) url=$2 ;;
	esac
	shift
done
. "$here/curl.does"
END
chmod +x "$T/bin/curl"
with_curl() {
	PATH="$T/bin:$PATH" "$@"
}

like 'list names MR' '^mr ' "$(vic-corpora list --to "$T/none")"
same 'list has eleven data sets' 11 "$(vic-corpora list --to "$T/none" | wc -l)"
like 'list MR says where it comes from' 'https://www.cs.cornell.edu/people/pabo/' "$(vic-corpora list mr)"
like 'and by what sum it is known' 'sha256:a05befe52aafda71' "$(vic-corpora list mr)"
fails 2 "no data set is called 'mrs'" 'an unknown data set is a usage error' vic-corpora fetch mrs
fails 2 "none of list, fetch" 'so is an unknown command' vic-corpora get mr
fails 2 'name a data set' 'so is fetch without a name' vic-corpora fetch
fails 2 'list takes no --dim' 'an option of another command is refused' vic-corpora list --dim 3
fails 2 'is missing' 'no command' vic-corpora

# Offline
fails 1 'VIC_OFFLINE is set; get .* from https://.*--from FOLDER' 'VIC_OFFLINE: one sentence and what to do' \
	env VIC_OFFLINE=1 vic-corpora fetch mr --to "$T/off"
ok 'and nothing is left in place' test ! -e "$T/off/mr"
echo 'exit 6' >"$T/curl.does"
fails 1 'the network cannot be reached.*--from FOLDER' 'no network: one sentence and what to do' \
	with_curl vic-corpora fetch -q trec --to "$T/off"
mkdir "$T/empty"
fails 1 'curl is not installed' 'no curl: says so' env PATH="$T/empty" "$BIN/vic-corpora" fetch -q trec --to "$T/off"

# A transfer that breaks off is gone on with, and what was loaded is checked.
data=$T/net
cat >"$T/curl.does" <<'END'
printf half >"$out"
exit 18
END
fails 1 'broke off; run the same command again' 'half a file: an error' with_curl vic-corpora fetch -q trec --to "$data"
ok 'half a file is not in place' test ! -e "$data/trec"
: >"$T/curl.said"
cat >"$T/curl.does" <<'END'
[ "$from" = - ] && printf ' and all' >>"$out"
END
fails 1 'is not the published file' 'a file with another sum is refused' with_curl vic-corpora fetch -q trec --to \
	"$data"
like 'the second run went on where the first stopped' 'continue-at - ' "$(cat "$T/curl.said")"
ok 'the wrong file is not in place' test ! -e "$data/trec"
ok 'and is not gone on with' test ! -e "$data/trec.part/train_5500.label.part"
cat >"$T/curl.does" <<'END'
case $from in
-) exit 33 ;;
*) printf 'anew' >"$out" ;;
esac
END
mkdir -p "$data/trec.part"
echo old >"$data/trec.part/train_5500.label.part"
fails 1 'is not the published file' 'a server that cannot go on: loaded anew' with_curl vic-corpora fetch -q trec --to \
	"$data"
echo 'exit 22' >"$T/curl.does"
fails 1 'the server answers with an error' 'a missing page' with_curl vic-corpora fetch -q trec --to "$data"

# A run that holds the lock keeps what it has.
if command -v flock >/dev/null; then
	mkdir -p "$T/held/mr.part/unpacked"
	echo work >"$T/held/mr.part/unpacked/half"
	for how in --quiet "--from=$T"; do
		fails 1 'another vic-corpora is fetching it' "another run holds the lock (${how%%=*})" \
			flock "$T/held/mr.part/lock" vic-corpora fetch mr "$how" --to "$T/held"
		ok 'and its work stays' test -e "$T/held/mr.part/unpacked/half"
	done
else
	skip 'another run holds the lock' 'there is no flock'
fi
# Files that are no archives stay loaded when a later one fails.
cat >"$T/curl.does" <<'END'
case $url in *train_5500*) cat "$(dirname "$0")/../first" >"$out" ;; *) exit 22 ;; esac
END
if trec=$(data trec); then
	cp "$trec/train_5500.label" "$T/first"
	fails 1 'answers with an error' 'the second of two files fails' with_curl vic-corpora fetch -q trec --to \
		"$T/two"
	: >"$T/curl.said"
	fails 1 'answers with an error' 'and again' with_curl vic-corpora fetch -q trec --to "$T/two"
	same 'the first is not loaded again' 0 "$(grep -c train_5500 "$T/curl.said")"
else
	skip 'the first of two files is not loaded again' 'data/trec is not there'
fi

if trec=$(data trec); then
	echo "cat '$trec'/\${url##*/} >\"\$out\"" >"$T/curl.does"
	ok 'TREC by the network' with_curl vic-corpora fetch -q trec --to "$data"
	ok 'is what it should be' vic-corpora verify trec --to "$data"
	ok 'nothing else is left' test ! -e "$data/trec.part"
	like 'a second fetch does nothing' 'is there already' "$(vic-corpora fetch trec --to "$data" 2>&1)"
	printf 'x' >>"$data/trec/TREC_10.label"
	vic-corpora verify trec --to "$data" >"$T/out" 2>"$T/err"
	same 'a changed file: exit status 1' 1 $?
	like 'with what differs' 'differs.TREC_10.label: sha256:' "$(cat "$T/out")"
	like 'and how many' '2 known facts differ' "$(cat "$T/err")"
else
	skip 'TREC by the network' 'data/trec is not there'
fi

if mr=$(data mr); then
	ok 'MR from a local copy' vic-corpora fetch -q mr --from "$mr/.." --to "$T/local"
	ok 'is what it should be' vic-corpora verify mr --to "$T/local"
	like 'a known deviation is reported' 'known deviation' \
		"$(vic-corpora fetch mr --from "$mr" --to "$T/local2" 2>&1)"
	mkdir "$T/plain"
	cp "$mr"/rt-polarity.neg "$mr"/rt-polarity.pos "$T/plain"
	ok 'MR from an unpacked copy' vic-corpora fetch -q mr --from "$T/plain" --to "$T/local3"
	ok 'is the same' cmp "$T/local/mr/rt-polarity.pos" "$T/local3/mr/rt-polarity.pos"
	sed 1d "$mr/rt-polarity.neg" >"$T/plain/rt-polarity.neg"
	like 'an unknown deviation too' '5330 lines, should be 5331' \
		"$(vic-corpora fetch mr --from "$T/plain" --to "$T/local4" 2>&1)"
	# the unpacking breaks off half-way
	printf \
		'#!/bin/sh\nwhile [ "$1" != -C ]; do shift; done\nmkdir "$2/rt-polaritydata"\necho x >"$2/rt-polaritydata/rt-polarity.neg"\nexit 2\n' \
		>"$T/bin/tar"
	chmod +x "$T/bin/tar"
	fails 1 'tar failed' 'an archive that cannot be unpacked' with_curl vic-corpora fetch -q mr --from "$mr" --to \
		"$T/half"
	ok 'is not there by half' test ! -e "$T/half/mr"
	ok 'and leaves nothing behind' test ! -e "$T/half/mr.part"
	rm "$T/bin/tar"
else
	skip 'MR from a local copy' 'data/mr is not there'
fi
if glove=$(data glove); then
	like 'part of GloVe is reported as such' '82021 lines, should be 400000' \
		"$(vic-corpora fetch glove.6B --from "$glove/.." --to "$T/local" 2>&1)"
else
	skip 'part of GloVe is reported as such' 'data/glove is not there'
fi
mkdir -p "$T/hollow" "$T/nothing"
tar czf "$T/hollow/rt-polaritydata.tar.gz" -C "$T/nothing" .
fails 1 'mr: none of its files is in what was unpacked, as rt-polarity' 'an archive without its files' \
	vic-corpora fetch -q mr --from "$T/hollow" --to "$T/hollow.to"
ok 'is not installed' test ! -e "$T/hollow.to/mr"
fails 1 'holds no copy of it' 'a folder without a copy' vic-corpora fetch -q imdb --from "$T/empty" --to "$T/local"
fails 1 'is not there' 'verify what is not there' vic-corpora verify imdb --to "$T/empty"

# Data sets lie where there is room, and links lead there: they are followed as by those who read.
mkdir -p "$T/linked/imdb/train" "$T/room/pos"
for f in 0_9 1_7 2_8; do
	echo fine >"$T/room/pos/$f.txt"
done
ln -s "$T/room/pos" "$T/linked/imdb/train/pos"
ln -s pos "$T/room/neg"
mv "$T/room/pos/2_8.txt" "$T/room/aside"
ln -s ../aside "$T/room/pos/2_8.txt"
ln -s "$T/room/neg" "$T/linked/imdb/train/neg"
vic-corpora verify imdb --to "$T/linked" >"$T/out" 2>&1
like 'verify counts the files in a linked folder' 'differs.train/pos: 3 files named' "$(cat "$T/out")"
like 'by a link to a link, too' 'differs.train/neg: 3 files named' "$(cat "$T/out")"

# Synthetic text
ok 'synth' vic-corpora synth text -q --n 600 --vocabulary 200 --seed 4 --to "$T/s1"
ok 'synth again' vic-corpora synth text -q --n 600 --vocabulary 200 --seed 4 --to "$T/s2"
for f in rt-polarity.neg rt-polarity.pos vectors.txt posterior.tsv README.txt; do
	ok "same seed, same bytes: $f" cmp "$T/s1/$f" "$T/s2/$f"
done
ok 'another seed' vic-corpora synth text -q --n 600 --vocabulary 200 --seed 5 --to "$T/s3"
ok 'other bytes' test "$(cksum <"$T/s1/rt-polarity.neg")" != "$(cksum <"$T/s3/rt-polarity.neg")"
same 'a line a sentence' 600 "$(cat "$T/s1/rt-polarity.neg" "$T/s1/rt-polarity.pos" | wc -l)"
same 'fifty numbers a word' 51 "$(awk '{ print NF }' "$T/s1/vectors.txt" | sort -u | tr '\n' ' ' | sed 's/ $//')"
same 'a posterior a record' 600 "$(sed 1d "$T/s1/posterior.tsv" | wc -l)"
same 'that sums to one' 0 \
	"$(sed 1d "$T/s1/posterior.tsv" | awk -F'\t' '{ d = $2 + $3 - 1; if (d > 1e-12 || d < -1e-12) n++ } END { print n + 0 }')"
same 'its header names the classes' "record	neg	pos" "$(head -1 "$T/s1/posterior.tsv")"
# the first records are the negative ones: their P(neg) must be the larger on average
same 'records in the order of vic-tokenize' 1 \
	"$(sed 1d "$T/s1/posterior.tsv" | awk -F'\t' -v n="$(wc -l <"$T/s1/rt-polarity.neg")" \
	'$1 < n { a += $2 } $1 >= n { b += $2 } END { print (a / n > b / (600 - n) + 0.2) }')"
ok 'three classes' vic-corpora synth text -q --n 90 --vocabulary 200 --classes 3 --to "$T/s4"
same 'as TSV' 90 "$(grep -c '^class[012]	[a-z ]*$' "$T/s4/synth.tsv")"
like 'the best accuracy is printed' 'accuracy 0\.[0-9]* expected' \
	"$(vic-corpora synth text --n 90 --vocabulary 200 --to "$T/s5" 2>&1)"
for what in text images; do
	like "$what that leave no doubt: a probability of 0 has no entropy" 'mean entropy of P(class | [a-z]*) 0\.0000 nats' \
		"$(vic-corpora synth $what --n 60 --noise 0 --strength 20 --seed 4 --to "$T/sure-$what" 2>&1)"
	same "and there are such: $what" 1 "$(awk '$NF == 0 { n++ } END { print (n > 0) }' "$T/sure-$what/posterior.tsv")"
done
fails 2 'above 1 - 1/K' 'noise beyond chance is refused' vic-corpora synth text --noise 0.6 --to "$T/s6"
fails 2 'synth makes text' 'synth of something else' vic-corpora synth sound --to "$T/s6"
finish
