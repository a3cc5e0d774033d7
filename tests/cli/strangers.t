#!/bin/sh
# Archives and folders from others: what is neither a file nor a folder is refused by name, is never waited for, and
# nothing lands outside.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
soon() { timeout 20 "$@"; }
mkdir good
i=0
while [ $i -lt 20 ]; do
	echo "a dull film , number $i"
	i=$((i + 1))
done >good/rt-polarity.neg
sed 's/dull/fine/' good/rt-polarity.neg >good/rt-polarity.pos
echo 'keep me' >precious

# archive NAME: packs the folder p/rt-polaritydata as what fetch looks for, in folder NAME; more arguments go to tar
archive() {
	archive_to=$1
	shift
	mkdir "$archive_to"
	tar --force-local -C p -czf "$archive_to/rt-polaritydata.tar.gz" "$@" rt-polaritydata
}
anew() {
	rm -rf p
	mkdir p
	cp -r good p/rt-polaritydata
}
fetch() { soon vic-corpora fetch -q mr --from "$1" --to "to-$1"; }
refused() {
	fails 1 "^vic-corpora: $2" "$3" fetch "$1"
	ok 'and nothing of it is in place' test ! -e "to-$1/mr" -a ! -e "to-$1/mr.part"
}

anew
archive 'a:good'
ok 'a good archive, in a folder that tar might take for a host' fetch 'a:good'
ok 'is there' cmp good/rt-polarity.neg 'to-a:good/mr/rt-polarity.neg'
anew
ln -sf /etc/passwd p/rt-polaritydata/rt-polarity.neg
archive link
refused link "link/rt-polaritydata.tar.gz: the archive holds 'rt-polaritydata/rt-polarity.neg', a link" \
	'a link in an archive'
fails 1 "is a link or device" 'nor does vic-tokenize read on without it' soon vic-tokenize -f mr \
	link/rt-polaritydata.tar.gz
anew
ln -f p/rt-polaritydata/rt-polarity.pos p/rt-polaritydata/rt-polarity.two
archive hard
refused hard ".*the archive holds 'rt-polaritydata/rt-polarity.*', a second name of a file (hard link)" 'a hard link'
anew
mkfifo p/rt-polaritydata/fifo
archive fifo
refused fifo ".*the archive holds 'rt-polaritydata/fifo', a FIFO" 'a FIFO'
anew
archive up -P --transform 's,^rt-polaritydata/rt-polarity.pos,../../../../precious,'
refused up ".*has a member '../../../../precious', which would lie outside" 'a name that leads up'
anew
archive inside -P --transform 's,^rt-polaritydata/rt-polarity.pos,rt-polaritydata/../../../precious,'
refused inside ".*has a member 'rt-polaritydata/../../../precious', which" 'a name that leads up from inside'
anew
archive root -P --transform "s,^rt-polaritydata/rt-polarity.pos,$T/precious,"
refused root ".*has a member '$T/precious', which" 'an absolute name'
same 'nobody touched the file outside' 'keep me' "$(cat precious)"
# tar does what the listing did not say: a program that makes a link
anew
archive sly
mkdir bin
cat >bin/tar <<'END'
#!/bin/sh
while [ "$1" != -C ]; do shift; done
mkdir "$2/rt-polaritydata" && ln -s /etc/passwd "$2/rt-polaritydata/rt-polarity.neg"
END
chmod +x bin/tar
PATH=$T/bin:$PATH fails 1 'what was unpacked holds a link' 'a link that only unpacking shows' fetch sly
ok 'is not in place' test ! -e to-sly/mr
rm -r bin

# Folders
mkdir -p plain pipe/x
cp good/* plain
ln -sf /etc/passwd plain/rt-polarity.pos
refused plain 'plain/rt-polarity.pos: is a link, neither' 'an unpacked copy with a link'
mkfifo pipe/rt-polaritydata.tar.gz
refused pipe 'pipe/rt-polaritydata.tar.gz: is a FIFO, where a file is wanted' 'a FIFO under the name of an archive'
mkdir -p have/mr
cp good/rt-polarity.neg have/mr
mkfifo have/mr/rt-polarity.pos
like 'verify does not wait for a FIFO' 'have/mr/rt-polarity.pos: is a FIFO' \
	"$(soon vic-corpora verify mr --to have 2>&1)"
fails 1 'have/mr/rt-polarity.pos: is a FIFO' 'nor does vic-tokenize -f mr' soon vic-tokenize -f mr have/mr
fails 1 'pipe/rt-polaritydata.tar.gz: is a FIFO' 'also for an archive in a folder' soon vic-tokenize -f mr pipe
mkdir trec
mkfifo trec/train_5500.label
fails 1 'trec/train_5500.label: is a FIFO' 'nor -f trec' soon vic-tokenize -f trec trec
mkdir -p imdb/train/neg imdb/train/pos
mkfifo imdb/train/neg/0_1.txt
fails 1 'imdb/train/neg/0_1.txt: is a FIFO' 'nor -f imdb' soon vic-tokenize -f imdb imdb
mkdir packed
mkfifo packed/aclImdb.tar.gz
fails 1 'packed/aclImdb.tar.gz: is a FIFO' 'also for its archive' soon vic-tokenize -f imdb packed
mkdir -p pictures/a pictures/b
cp "$ROOT/tests/golden/images/rgb.png" pictures/a/1.png
mkfifo pictures/b/2.png
fails 1 'pictures/b/2.png: is a FIFO, neither a file nor a folder' 'nor vic-images' soon vic-images pictures
fails 1 'pictures/b/2.png: is a FIFO' 'nor with --on-bad skip' soon vic-images --on-bad skip pictures
rm pictures/b/2.png
ln -s ../../precious.fifo pictures/b/2.png
mkfifo precious.fifo
fails 1 'pictures/b/2.png: is a FIFO' 'nor through a link' soon vic-images pictures
ln -sf /dev/zero pictures/b/2.png
fails 1 'pictures/b/2.png: is a device' 'nor a device' soon vic-images pictures
ln -sf "$ROOT/tests/golden/images/rgb.png" pictures/b/2.png
same 'a link to a picture is a picture' 2 "$(vic-images -q pictures | vic-cat --stats | sed -n 's/^records //p')"
ln -sf .. pictures/b/up
fails 1 'pictures/b/up: a link leads back' 'a link to a folder above is refused' soon vic-images pictures
finish
