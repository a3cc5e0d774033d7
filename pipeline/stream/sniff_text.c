/* sniff: kinds of text, told by the first lines. */
#include "sniff_kinds.h"
#include "pipeline/files/text.h"

#include <ctype.h>

/* The first line's end, or that of what there is. */
static size_t line_end(const struct look *l, size_t from)
{
	const unsigned char *lf = from < l->n ? memchr(l->head + from, '\n', l->n - from) : NULL;
	return lf ? (size_t)(lf - l->head) : l->n;
}

static size_t count(const struct look *l, size_t from, size_t to, char what)
{
	size_t n = 0;
	for (size_t i = from; i < to; i++)
		n += l->head[i] == (unsigned char)what;
	return n;
}

static int is_word_vector_number(const unsigned char *p, size_t n)
{
	int digits = 0;
	for (size_t i = 0; i < n; i++) {
		digits += isdigit(p[i]) != 0;
		if (!isdigit(p[i]) && !strchr("+-.eE\r", p[i]))
			return 0;
	}
	return digits > 0;
}

/* How many of a line's fields are numbers; *fields: how many there are. */
static size_t numbers(const struct look *l, size_t from, size_t to, char gap, size_t *fields)
{
	size_t n = 0;
	*fields = 0;
	while (from <= to) {
		size_t end = from;
		while (end < to && l->head[end] != (unsigned char)gap)
			end++;
		n += (size_t)is_word_vector_number(l->head + from, end - from);
		++*fields;
		from = end + 1;
	}
	return n;
}

/* "rows dim" and no more in the first line, as word2vec has it. */
static int counts_line(const struct look *l, size_t end)
{
	size_t fields;
	return end < 24 && numbers(l, 0, end, ' ', &fields) == 2 && fields == 2 && !count(l, 0, end, '.');
}

/* A word and then numbers alone, at least four. */
static int vector_row(const struct look *l, size_t from)
{
	size_t end = line_end(l, from), fields;
	if (end == l->n && end > from) /* the row goes on: its last number may be cut */
		while (end > from && l->head[end] != ' ')
			end--;
	size_t n = numbers(l, from, end, ' ', &fields);
	return n >= 4 && n + 2 >= fields && n + 1 <= fields;
}

int sniff_is_text(const struct look *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->head[i] < 32 && !strchr("\t\n\v\f\r\x1b", l->head[i] ? l->head[i] : 1))
			return 0;
	return 1;
}

int sniff_word2vec(const struct look *l, struct sniffed *s)
{
	size_t end = line_end(l, 0);
	size_t n = l->n;
	while (n && l->n == SNIFF_BYTES && (l->head[n - 1] & 0x80)) /* a letter that may be cut */
		n--;
	if (end == l->n || !counts_line(l, end) || (sniff_is_text(l) && text_is_utf8((const char *)l->head, n)))
		return 0;
	sniff_say(s, 1, "word vectors in word2vec's binary form", "vic-embed --vectors reads it");
	return 1;
}

static int begins(const struct look *l, const char *with)
{
	return l->n >= strlen(with) && !strncasecmp((const char *)l->head, with, strlen(with));
}

static int marked_kind(const struct look *l, struct sniffed *s)
{
	if (begins(l, "\xFF\xFE") || begins(l, "\xFE\xFF"))
		sniff_say(s, 0, "UTF-16 text", "recode it first: iconv -f UTF-16 -t UTF-8");
	else if (*l->head == '{' && sniff_holds(l, "\"vicinal conformal\":"))
		sniff_say(s, 0, "a conformal threshold", "vic-conformal --apply reads it");
	else if (begins(l, "record\tlabel\tcovered\t") ||
		 (begins(l, "{\"record\":") && sniff_holds(l, ",\"covered\":")))
		sniff_say(s, 0, "a table of conformal sets", "vic-conformal wrote it, for people");
	else if (begins(l, "word\tcount\n"))
		sniff_say(s, 0, "a list of words with counts", "vic-embed --oov-report wrote it, for people");
	else if (begins(l, "id\tname\n"))
		sniff_say(s, 0, "a list of pictures' names", "vic-images --names wrote it, for people");
	else if ((*l->head == '{' && sniff_holds(l, "\"vicinal map\"")) ||
		 (begins(l, "{\n \"method\": \"") && sniff_holds(l, "\n \"parameters\": {"))) /* a long one */
		sniff_say(s, 0, "a calibration map", "vic-calibrate --apply and vic-predict --map read it");
	else if (sniff_document(l, s))
		return 1;
	else if (begins(l, "{\\rtf"))
		sniff_say(s, 1, "an RTF document", "save its text as plain text");
	else if (*l->head == '{') /* of JSON by name alone: NaN, other quotes, comments */
		sniff_say(s, 0, "like JSON, but cut, damaged or not quite JSON", "write its records as CSV");
	else if (begins(l, "version https://git-lfs"))
		sniff_say(s, 1, "a Git LFS pointer", "the data themselves are elsewhere: git lfs pull brings them");
	else if (begins(l, "/annex/objects/") || begins(l, "../.git/annex/") || begins(l, ".git/annex/"))
		sniff_say(s, 1, "a git-annex pointer", "the data themselves are elsewhere: git annex get brings them");
	else if (begins(l, "__label__"))
		sniff_say(s, 0, "text in fastText's form", "vic-tokenize --format fasttext reads it");
	else if (*l->head == 'P' && l->head[1] >= '1' && l->head[1] <= '6' && isspace(l->head[2]))
		sniff_say(s, 0, "a PNM image", SNIFF_TO_PNG);
	else
		return 0;
	s->document |= strstr(s->what, "calibration map") || strstr(s->what, "conformal threshold");
	return 1;
}

static int trec_line(const struct look *l)
{
	size_t i = 0, k;
	while (i < l->n && isupper(l->head[i]))
		i++;
	for (k = i + 1; k < l->n && islower(l->head[k]); k++)
		;
	return i >= 3 && i <= 4 && l->head[i] == ':' && k > i + 1 && l->head[k] == ' ';
}

/* Columns between `gap`: as many in the second line as in the first, unless the name is sure of them. */
static int columns(const struct look *l, char gap, int sure, size_t *fields, int *numeric)
{
	size_t end = line_end(l, 0), next = line_end(l, end + 1), n = count(l, 0, end, gap);
	if (!n ||
	    (!sure && end + 1 < l->n && next < l->n && count(l, end + 1, next, gap) != n && !count(l, 0, next, '"')))
		return 0;
	/* of the second line, for the first may be a header */
	size_t from = end + 1 < l->n ? end + 1 : 0, k = numbers(l, from, from ? next : end, gap, fields);
	*numeric = k + 1 >= *fields;
	return 1;
}

static int table_kind(const struct look *l, struct sniffed *s)
{
	size_t fields;
	int numeric, csv = sniff_ends(l->base, ".csv");
	if (begins(l, "# document "))
		sniff_say(s, 0, "the text twin of a stream",
			  "it is for people: the stream itself, which vic-cat FILE printed so, is what programs read");
	else if (begins(l, "epoch\tlr\t"))
		sniff_say(s, 0, "a training history", "vic-plot and vic-reliability --curve training read it");
	else if (begins(l, "record\t"))
		sniff_say(s, 0, "a table of posteriors", "vic-score --posterior reads it");
	else if (begins(l, "figure\tdataset\t"))
		sniff_say(s, 0, "a table of results", "vic-report --results and vic-plot read it");
	else if (begins(l, "stream\t") || begins(l, "alpha\tbin\t") || begins(l, "run\tepoch\t"))
		sniff_say(s, 0, "a table of curves", "vic-plot reads it");
	else if (columns(l, '\t', sniff_ends(l->base, ".tsv"), &fields, &numeric))
		sniff_say(s, 0, numeric ? "a TSV table of numbers" : "a TSV table",
		    numeric ? "vic-cat --from tsv --kind logits (or probs) reads it" :
			      "vic-tokenize --format tsv reads one of texts, vic-cat --from tsv one of logits");
	else if ((csv || !memmem(l->head, line_end(l, 0), ", ", 2)) && columns(l, ',', csv, &fields, &numeric))
		sniff_say(s, 0, numeric ? "a CSV table of numbers" : "a CSV table",
		    numeric ? "vic-cat --from csv --kind logits (or probs) reads it" :
			      "vic-tokenize --format csv reads one of texts, vic-cat --from csv one of logits");
	else if (csv && (columns(l, ';', 0, &fields, &numeric) || columns(l, '|', 0, &fields, &numeric)))
		sniff_say(s, 0, "a CSV table without commas",
			  "vic-tokenize --format csv reads one of texts, vic-cat --from csv one of logits, both with "
			  "--separator");
	else
		return 0;
	return 1;
}

void sniff_text_kind(const struct look *l, struct sniffed *s)
{
	size_t end = line_end(l, 0);
	if ((counts_line(l, end) && vector_row(l, end + 1)) || vector_row(l, 0))
		sniff_say(s, 0, "word vectors in text form", "vic-embed --vectors reads it");
	else if (marked_kind(l, s))
		return;
	else if (trec_line(l))
		sniff_say(s, 0, "questions in TREC's form", "vic-tokenize --format trec reads it");
	else if (!table_kind(l, s))
		sniff_say(s, 0, "plain text", "vic-tokenize --format lines reads it");
}
