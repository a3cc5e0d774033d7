/* sniff: see sniff.h. Kinds are told in this order: the signatures of the table, what has a signature that is no fixed
 * string, and then text by its first lines. */
#include "sniff.h"
#include "sniff_kinds.h"
#include "stream_format.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define UNPACK "unpack it and give what is inside to its program (vic-cat FILE says which)"
#define NUMBERS "numpy.save the numbers and read them with vic-cat --from npy --kind logits"
#define ONE_IMAGE "vic-images --format folder reads a folder of such files"

static const struct signature {
	size_t at, n;
	const char *bytes, *what, *remedy;
} signatures[] = {
	{ 0, 6, "\x93NUMPY", "an NPY array", "vic-cat --from npy --kind logits (or probs) reads it" },
	{ 0, 3, "\xFF\xD8\xFF", "a JPEG image", ONE_IMAGE },
	{ 0, 8, "\x89PNG\r\n\x1A\n", "a PNG image", ONE_IMAGE },
	{ 0, 4, "GIF8", "a GIF image", SNIFF_TO_PNG },
	{ 0, 4, "II*\0", "a TIFF image", SNIFF_TO_PNG },
	{ 0, 4, "MM\0*", "a TIFF image", SNIFF_TO_PNG },
	{ 8, 4, "WEBP", "a WebP image", SNIFF_TO_PNG },
	{ 0, 5, "%PDF-", "a PDF document", "save its text (pdftotext) and read that with vic-tokenize --format lines" },
	{ 257, 5, "ustar", "a tar archive",
	  "vic-images reads one of images, vic-tokenize --format mr or imdb one of those data sets; else unpack it "
	  "(tar -xf)" },
	{ 4, 6, "1AY&SY", "bzip2 data", UNPACK },
	{ 0, 6,
	  "\xFD"
	  "7zXZ\0",
	  "xz data", UNPACK },
	{ 0, 4, "\x28\xB5\x2F\xFD", "Zstandard data", UNPACK },
	{ 0, 6, "7z\xBC\xAF\x27\x1C", "a 7-Zip archive", UNPACK },
	{ 0, 4, "\x89HDF", "an HDF5 file", NUMBERS },
	{ 0, 4, "PAR1", "a Parquet table",
	  "write it as CSV, for vic-tokenize --format csv (texts) or vic-cat --from csv (logits)" },
	{ 0, 6, "ARROW1", "an Arrow table",
	  "write it as CSV, for vic-tokenize --format csv (texts) or vic-cat --from csv (logits)" },
	{ 0, 2, "\x80\x02", "a Python pickle", NUMBERS },
	{ 0, 2, "\x80\x03", "a Python pickle", NUMBERS },
	{ 0, 2, "\x80\x04", "a Python pickle", NUMBERS },
	{ 0, 2, "\x80\x05", "a Python pickle", NUMBERS },
	{ 0, 4, "\xBA\x16\x4F\x2F", "a model of fastText",
	  "its vectors are text (the .vec beside it, or fasttext print-word-vectors), for vic-embed --vectors" },
	{ 0, 15, "SQLite format 3", "an SQLite database", "write what is wanted as CSV" },
	{ 0, 4,
	  "\x7F"
	  "ELF",
	  "a program", "give the data instead" },
};

const char *sniff_stream_remedy(const char *kind)
{
	static const char *const remedy[][2] = {
		{ "tokens", "vic-embed reads tokens, and vic-predict with a model" },
		{ "text", "vic-train and vic-predict read text" },
		{ "images", "vic-train, vic-predict and vic-perturb read images" },
		{ "logits", "vic-score, vic-reliability, vic-calibrate and vic-report read logits" },
	};
	for (size_t i = 0; i < sizeof remedy / sizeof *remedy; i++)
		if (!strcmp(kind, remedy[i][0]))
			return remedy[i][1];
	return "vic-cat reads it";
}

static int stream_kind(const struct look *l, struct sniffed *s)
{
	if (l->n < 8 || memcmp(l->head, stream_signature, 8))
		return 0;
	sniff_say(s, 1, "a vicinal stream", "vic-cat reads it");
	for (int k = STREAM_TOKENS; k <= STREAM_LOGITS; k++) {
		const char *name = stream_kind_name((enum stream_kind)k);
		char packed[32], spaced[32];
		err_phrase(packed, sizeof packed, "\"kind\":\"%s\"", name);
		err_phrase(spaced, sizeof spaced, "\"kind\": \"%s\"", name);
		if (sniff_holds(l, packed) || sniff_holds(l, spaced)) {
			err_phrase(s->what, sizeof s->what, "a vicinal stream of %s", name);
			s->remedy = sniff_stream_remedy(name);
		}
	}
	return 1;
}

static int zip_kind(const struct look *l, struct sniffed *s)
{
	if (l->n < 4 || memcmp(l->head, "PK\3\4", 4))
		return 0;
	if (sniff_ends(l->base, ".npz") || sniff_holds(l, ".npy"))
		sniff_say(s, 1, "an NPZ archive of arrays",
			  "vic-cat --from npz --kind logits (or probs) reads it");
	else if (sniff_holds(l, "data.pkl"))
		sniff_say(s, 1, "a PyTorch file", NUMBERS);
	else
		sniff_say(s, 1, "a zip archive", UNPACK);
	return 1;
}

/* 8 bytes of length, of which the high ones are 0, then JSON. */
static int safetensors_kind(const struct look *l, struct sniffed *s)
{
	if (l->n < 9 || l->head[8] != '{' || memcmp(l->head + 4, "\0\0\0\0", 4))
		return 0;
	if (sniff_holds(l, "vicinal-checkpoint"))
		sniff_say(s, 1, "a checkpoint", "vic-train --resume reads it");
	else if (sniff_holds(l, "vicinal-model"))
		sniff_say(s, 1, "a model", "vic-predict reads it");
	else
		sniff_say(s, 1, "a safetensors file",
			  "vic-predict reads those of vic-train, vic-cat --from safetensors arrays of logits");
	return 1;
}

/* 0, 0, type, dimensions, then the dimensions in 4 bytes each, high byte first. */
static int idx_kind(const struct look *l, struct sniffed *s)
{
	const unsigned char *h = l->head;
	if (l->n < 8 || h[0] || h[1] || h[2] < 8 || h[2] > 14 || h[3] < 1 || h[3] > 4 || h[4])
		return 0;
	sniff_say(s, 1, "an IDX file (MNIST's format)", "vic-images --format idx reads the folder with the four files");
	return 1;
}

/* By name and size: the files have no signature. */
static int cifar_kind(const struct look *l, struct sniffed *s)
{
	int fits10 = l->size > 0 && l->size % 3073 == 0, fits100 = l->size > 0 && l->size % 3074 == 0;
	int fits_stl = l->size > 0 && l->size % 27648 == 0;
	if (!sniff_ends(l->base, ".bin") || sniff_is_text(l))
		return 0;
	if (!strncmp(l->base, "data_batch", 10) || !strcmp(l->base, "test_batch.bin") || (fits10 && l->head[0] < 10))
		sniff_say(s, 1, "a file of CIFAR-10", "vic-images --format cifar10 reads the folder or the archive");
	else if ((!strcmp(l->base, "train.bin") || !strcmp(l->base, "test.bin") || l->head[0] < 20) && fits100)
		sniff_say(s, 1, "a file of CIFAR-100", "vic-images --format cifar100 reads the folder or the archive");
	else if (fits_stl && sniff_ends(l->base, "_X.bin"))
		sniff_say(s, 1, "a file of STL-10", "vic-images --format stl10 reads the folder or the archive");
	else
		return 0;
	return 1;
}

/* What is inside, by unpacking the beginning. */
static int gzip_kind(const struct look *l, struct sniffed *s)
{
	z_stream z = { 0 };
	struct look in = { .size = -1 };
	char base[256];
	if (l->n < 3 || memcmp(l->head, "\x1F\x8B\x08", 3))
		return 0;
	if (inflateInit2(&z, 16 + MAX_WBITS) == Z_OK) {
		z.next_in = (Bytef *)(uintptr_t)l->head;
		z.avail_in = (uInt)l->n;
		z.next_out = in.head;
		z.avail_out = SNIFF_BYTES;
		(void)inflate(&z, Z_SYNC_FLUSH); /* a beginning ends early; what came out is what counts */
		in.n = SNIFF_BYTES - z.avail_out;
		inflateEnd(&z);
	}
	err_phrase(base, sizeof base, "%.*s", (int)(strlen(l->base) - (sniff_ends(l->base, ".gz") ? 3 : 0)), l->base);
	in.base = base;
	struct sniffed inner;
	sniff_look(&inner, &in);
	err_phrase(s->what, sizeof s->what, "gzip data%s%s", in.n && inner.known ? " of " : "",
		   in.n && inner.known ? inner.what : "");
	/* whoever reads the one reads the other */
	s->remedy = in.n && inner.known ? inner.remedy : UNPACK;
	s->binary = s->known = 1;
	return 1;
}

/* Every second byte of the beginning is NUL, the others none: UTF-16 of Latin letters, without its mark. */
static int wide_kind(const struct look *l, struct sniffed *s)
{
	size_t n = l->n < 64 ? l->n & ~(size_t)1 : 64, zero[2] = { 0, 0 };
	for (size_t i = 0; i < n; i++)
		zero[i % 2] += !l->head[i];
	if (n < 4 || zero[0] + zero[1] != n / 2 || (zero[0] && zero[1]))
		return 0;
	sniff_say(s, 1, "UTF-16 text without its mark", zero[1] ? "recode it first: iconv -f UTF-16LE -t UTF-8"
							       : "recode it first: iconv -f UTF-16BE -t UTF-8");
	return 1;
}

void sniff_look(struct sniffed *s, const struct look *l)
{
	static int (*const told_by[])(const struct look *,
				      struct sniffed *) = { stream_kind, zip_kind,	 safetensors_kind, idx_kind,
							    gzip_kind,	 sniff_word2vec, cifar_kind, wide_kind };
	if (!l->n) {
		sniff_say(s, 0, "empty", "what should have written it failed or wrote nothing");
		return;
	}
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		const struct signature *g = &signatures[i];
		if (l->n >= g->at + g->n && !memcmp(l->head + g->at, g->bytes, g->n)) {
			sniff_say(s, 1, g->what, g->remedy);
			return;
		}
	}
	for (size_t i = 0; i < sizeof told_by / sizeof *told_by; i++)
		if (told_by[i](l, s))
			return;
	if (sniff_is_text(l) || (l->n > 1 && (!memcmp(l->head, "\xFF\xFE", 2) || !memcmp(l->head, "\xFE\xFF", 2))))
		sniff_text_kind(l, s);
	else
		*s = (struct sniffed){ .what = "of no kind that is known here",
			.remedy = "vic-cat(1) says what is read" };
}

void sniff(struct sniffed *s, const unsigned char *head, size_t n, const char *name)
{
	struct look l = { .n = n < SNIFF_BYTES ? n : SNIFF_BYTES, .size = -1 };
	struct stat st;
	const char *slash = strrchr(name, '/');
	memcpy(l.head, head, l.n);
	l.base = slash ? slash + 1 : name;
	if (!stat(name, &st) && S_ISREG(st.st_mode))
		l.size = (long long)st.st_size;
	sniff_look(s, &l);
}

int sniff_refuse(const char *name, const void *head, size_t n, const char *wanted, struct err *err)
{
	struct sniffed s;
	sniff(&s, head, n, name);
	return err_set(err, "%s: is %s, not %s; %s", name, s.what, wanted, s.remedy);
}

int sniff_refuse_input(struct input *in, const void *done, size_t n, const char *wanted, struct err *err)
{
	unsigned char head[SNIFF_BYTES];
	const unsigned char *more;
	size_t got = 0;
	memcpy(head, done, n);
	if (input_peek(in, sizeof head - n, &more, &got, err))
		return -1;
	memcpy(head + n, more, got);
	return sniff_refuse(in->name, head, n + got, wanted, err);
}

int sniff_text(struct input *in, const char *wanted, struct err *err)
{
	struct sniffed s;
	const unsigned char *head;
	size_t got;
	if (input_peek(in, 1, &head, &got, err))
		return -1;
	sniff(&s, head, in->have - in->used, in->name);
	return s.binary ? err_set(err, "%s: is %s, not %s; %s", in->name, s.what, wanted, s.remedy) : 0;
}

int sniff_explain(const char *path, const char *own, struct err *err)
{
	unsigned char head[SNIFF_BYTES];
	struct stat st;
	struct sniffed s;
	size_t at = strlen(err->msg), room = sizeof err->msg - at;
	if (err->cause != CAUSE_DATA || err->status == VIC_USAGE || room < 64 || !strcmp(path, "-"))
		return -1;
	if (stat(path, &st) || !S_ISREG(st.st_mode)) /* a FIFO would wait for another writer */
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = pread(fd, head, sizeof head, 0);
	close(fd);
	if (n <= 0)
		return -1;
	sniff(&s, head, (size_t)n, path);
	if (s.known && !strstr(s.what, own) && !strstr(err->msg, s.remedy))
		err_phrase(err->msg + at, room, " (it is %s: %s)", s.what, s.remedy);
	return -1;
}
