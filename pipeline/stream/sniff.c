/* sniff: see sniff.h. Kinds are told in this order: the signatures of the table, what has a signature that is no fixed
 * string, and then text by its first lines. */
#include "sniff.h"
#include "sniff_kinds.h"
#include "stream_format.h"
#include "pipeline/files/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define UNPACK "unpack it and give what is inside to its program (vic-cat FILE says which)"
#define NUMBERS "numpy.save the numbers and read them with vic-cat --from npy --kind logits"
#define AS_CSV "write it as CSV, for vic-tokenize --format csv (texts) or vic-cat --from csv (logits)"
#define ONE_IMAGE "vic-images --format folder reads a folder of such files"

static const struct signature {
	size_t at, n;
	const char *bytes, *what, *remedy;
} signatures[] = {
	{ 0, 6, "\x93NUMPY", "an NPY array", "vic-cat --from npy --kind logits (or probs) reads it" },
	{ 0, 3, "\xFF\xD8\xFF", "a JPEG image", ONE_IMAGE },
	{ 0, 8, "\x89PNG\r\n\x1A\n", "a PNG image", ONE_IMAGE },
	{ 0, 4, "GIF8", "a GIF image", SNIFF_TO_PNG },
	{ 0, 4, "II*\0", "a TIFF image", ONE_IMAGE },
	{ 0, 4, "MM\0*", "a TIFF image", ONE_IMAGE },
	{ 0, 4, "II+\0", "a BigTIFF image", ONE_IMAGE },
	{ 0, 4, "MM\0+", "a BigTIFF image", ONE_IMAGE },
	{ 0, 4, "\0\0\1\0", "an icon", SNIFF_TO_PNG },
	{ 0, 4, "8BPS", "a Photoshop image", SNIFF_TO_PNG },
	{ 4, 8, "ftypavif", "an AVIF image", SNIFF_TO_PNG },
	{ 4, 8, "ftypheic", "a HEIF image", SNIFF_TO_PNG },
	{ 4, 8, "ftypheix", "a HEIF image", SNIFF_TO_PNG },
	{ 4, 8, "ftypmif1", "a HEIF image", SNIFF_TO_PNG },
	{ 4, 4, "ftyp", "a video", "write its frames as PNG (ffmpeg) for vic-images --format folder" },
	{ 4, 8, "jP  \r\n\x87\n", "a JPEG 2000 image", SNIFF_TO_PNG },
	{ 4, 8, "JXL \r\n\x87\n", "a JPEG XL image", SNIFF_TO_PNG },
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
	{ 0, 6, "Rar!\x1A\7", "a RAR archive", UNPACK },
	{ 0, 19, "MATLAB 5.0 MAT-file", "a MATLAB file", NUMBERS },
	{ 0, 4, "PAR1", "a Parquet table", AS_CSV },
	{ 0, 6, "ARROW1", "an Arrow table", AS_CSV },
	{ 0, 3, "ORC", "an ORC table", AS_CSV },
	{ 0, 4, "Obj\1", "an Avro table", AS_CSV },
	{ 0, 8, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an Office document of before 2007 (.xls, .doc)",
	  "save it as CSV in UTF-8 (a table) or as plain text in UTF-8" },
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

/* A zip in which a document is several files. */
static int office_kind(const struct look *l, struct sniffed *s)
{
	static const char *const kinds[][3] = {
		{ "xl/", ".xlsx", "an Excel workbook" },
		{ "word/", ".docx", "a Word document" },
		{ "opendocument.spreadsheet", ".ods", "an OpenDocument table" },
		{ "", "", "an Office document" },
	};
	size_t i = 0;
	if (!unpack_of_office(l->head, l->n))
		return 0;
	while (*kinds[i][0] && !sniff_holds(l, kinds[i][0]) && !sniff_ends(l->base, kinds[i][1]))
		i++;
	sniff_say(s, 1, kinds[i][2], "save it as CSV in UTF-8 (a table) or as plain text in UTF-8");
	return 1;
}

static int zip_kind(const struct look *l, struct sniffed *s)
{
	if (l->n == 22 && !memcmp(l->head, "PK\5\6", 4)) {
		sniff_say(s, 1, "a zip archive that holds nothing", "what should have filled it failed or had nothing");
		return 1;
	}
	if (l->n < 4 || memcmp(l->head, "PK\3\4", 4))
		return 0;
	if (office_kind(l, s))
		return 1;
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

/* A RIFF file of pictures; a bitmap, whose fields must hold what they can. */
static int image_kind(const struct look *l, struct sniffed *s)
{
	static const unsigned char header[] = { 12, 40, 52, 56, 64, 108, 124 };
	if (l->n >= 12 && !memcmp(l->head, "RIFF", 4) && !memcmp(l->head + 8, "WEBP", 4))
		sniff_say(s, 1, "a WebP image", ONE_IMAGE);
	else if (l->n >= 18 && !memcmp(l->head, "BM", 2) && !memcmp(l->head + 6, "\0\0\0\0", 4) &&
		 memchr(header, l->head[14], sizeof header) && !memcmp(l->head + 15, "\0\0\0", 3))
		sniff_say(s, 1, "a BMP image", ONE_IMAGE);
	else
		return 0;
	return 1;
}

/* Two characters of ASCII in four bytes each, the letter at `at`. */
static int wider(const unsigned char *h, size_t at)
{
	for (size_t i = 0; i < 8; i++)
		if (i % 4 == at ? h[i] < ' ' && !strchr("\t\r\n", h[i] ? h[i] : 1) : h[i] != 0)
			return 0;
	return 1;
}

/* UTF-32; or every second byte of the beginning is NUL, the others none: UTF-16 of Latin letters, without its mark. */
static int wide_kind(const struct look *l, struct sniffed *s)
{
	size_t n = l->n < 64 ? l->n & ~(size_t)1 : 64, zero[2] = { 0, 0 };
	size_t mark =
		l->n >= 12 && (!memcmp(l->head, "\xFF\xFE\0\0", 4) || !memcmp(l->head, "\0\0\xFE\xFF", 4)) ? 4 : 0;
	for (size_t at = 0; at < 4 && l->n >= 8 + mark; at += 3)
		if (wider(l->head + mark, at)) {
			sniff_say(s, 1, "UTF-32 text", at ? "recode it first: iconv -f UTF-32BE -t UTF-8"
							  : "recode it first: iconv -f UTF-32LE -t UTF-8");
			return 1;
		}
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
				      struct sniffed *) = { stream_kind,    zip_kind,	safetensors_kind,
							    idx_kind,	    gzip_kind,	image_kind,
							    sniff_word2vec, cifar_kind, wide_kind };
	int mark = l->n >= 3 && !memcmp(l->head, "\xEF\xBB\xBF", 3) ? 3 : 0, text = sniff_is_text(l);
	if (l->n < SNIFF_BYTES && strspn((const char *)l->head + mark, " \t\r\n") + (size_t)mark == l->n) {
		sniff_say(s, 0, !l->n ? "empty" : l->n == (size_t)mark ? "empty but for a byte order mark" : "blank",
			  "what should have written it failed or wrote nothing");
		return;
	}
	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		const struct signature *g = &signatures[i];
		int letters = *g->bytes >= ' ' && *g->bytes != '%'; /* text may begin so; PDF may hold text alone */
		if (l->n >= g->at + g->n && !memcmp(l->head + g->at, g->bytes, g->n) && !(letters && text)) {
			sniff_say(s, 1, g->what, g->remedy);
			return;
		}
	}
	for (size_t i = 0; i < sizeof told_by / sizeof *told_by; i++)
		if (told_by[i](l, s))
			return;
	if (text || (l->n > 1 && (!memcmp(l->head, "\xFF\xFE", 2) || !memcmp(l->head, "\xFE\xFF", 2))))
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

int sniff_foreign(const char *name, const void *head, size_t n, const char *packed, const char *wanted,
		  const char *unless, struct err *err)
{
	struct sniffed s;
	sniff(&s, head, n, name);
	if (!s.binary && !(s.document && (!unless || *unless)))
		return 0;
	int more = s.document && unless;
	return err_set(err, "%s: is %s%s%s, not %s; %s%s%s%s", name, packed ? packed : "", packed ? " data of " : "",
		       s.what, wanted, s.remedy, more ? "; " : "", more ? unless : "",
		       more ? " takes it as it is" : "");
}

int sniff_text(struct input *in, const char *wanted, const char *unless, struct err *err)
{
	const unsigned char *head;
	size_t got;
	if (input_peek(in, 1, &head, &got, err))
		return -1;
	return sniff_foreign(in->name, head, in->have - in->used, input_packed(in), wanted, unless, err);
}

int sniff_explain(const char *path, const char *own, struct err *err)
{
	unsigned char head[SNIFF_BYTES];
	const unsigned char *p;
	struct input in = { 0 };
	struct err unread = ERR_NONE;
	struct stat st;
	struct sniffed s;
	size_t n = 0, at = strlen(err->msg), room = sizeof err->msg - at;
	if (err->cause != CAUSE_DATA || err->status == VIC_USAGE || room < 64 || !strcmp(path, "-"))
		return -1;
	if (stat(path, &st) || !S_ISREG(st.st_mode)) /* a FIFO would wait for another writer */
		return -1;
	if (!input_open(&in, path, &unread) && !input_peek(&in, sizeof head, &p, &n, &unread))
		memcpy(head, p, n);
	input_release(&in);
	if (!n)
		return -1;
	sniff(&s, head, n, path);
	if (s.known && !strstr(s.what, own) && !strstr(err->msg, s.remedy))
		err_phrase(err->msg + at, room, " (it is %s: %s)", s.what, s.remedy);
	return -1;
}
