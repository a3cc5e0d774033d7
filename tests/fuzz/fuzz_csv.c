/* Any bytes as CSV: refused where a second reading of RFC 4180, written here, refuses; else the same records. */
#include "pipeline/files/unpack.h"
#include "pipeline/stream/sniff.h"
#include "tokenize/labelled.h"
#include "tokenize/white.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utf8proc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* The first two fields of the row under way, and how many it has. */
struct row {
	char *field[2];
	size_t len[2], fields;
};

static void add(struct row *r, char c)
{
	if (r->fields < 2)
		r->field[r->fields][r->len[r->fields]++] = c;
}

/* Reads one row from *at; 1, 0 at the end, -1 when RFC 4180 has no such row. Blank rows are passed over. */
static int next_row(const char *p, size_t n, size_t *at, struct row *r)
{
	enum { BEGIN, BARE, QUOTED, CLOSED } state = BEGIN;
	size_t i = *at;
	while (i < n && (p[i] == '\r' || p[i] == '\n'))
		i++;
	if (i == n)
		return 0;
	r->fields = r->len[0] = r->len[1] = 0;
	for (;; i++) {
		int end = i == n || p[i] == '\r' || p[i] == '\n';
		if (state == QUOTED) {
			if (i == n)
				return -1;
			if (p[i] == '"')
				state = CLOSED;
			else
				add(r, p[i]);
		} else if (end || p[i] == ',') {
			r->fields++;
			state = BEGIN;
			if (end)
				break;
		} else if (p[i] == '"') {
			if (state == BARE)
				return -1;
			if (state == CLOSED)
				add(r, '"');
			state = QUOTED;
		} else {
			if (state == CLOSED)
				return -1;
			add(r, p[i]);
			state = BARE;
		}
	}
	*at = i;
	return 1;
}

/* \N, which stands for no value where a database wrote the table, is refused in both columns. */
static int no_value(const struct row *r)
{
	for (int k = 0; k < 2; k++)
		if (r->len[k] == 2 && !memcmp(r->field[k], "\\N", 2))
			return 1;
	return 0;
}

/* A label that shows nothing, as it is decoded, is refused. */
static int is_blank(struct labelled *t, const struct row *r, struct err *err)
{
	const char *label;
	size_t n;
	must(!decoder_line(&t->names, r->field[0], r->len[0], &label, &n, err));
	for (utf8proc_int32_t c; n;) {
		utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)label, (utf8proc_ssize_t)n, &c);
		must(k > 0);
		if (k == 1 ? !is_white(*label) : !is_white_point((uint32_t)c))
			return 0;
		label += k;
		n -= (size_t)k;
	}
	return 1;
}

/* no_text: the file's beginning is certainly that of another kind, which is refused whatever its rows. */
static void compare(struct labelled *t, int rc, int no_text, const char *p, size_t n, struct err *err)
{
	struct row r = { { malloc(n + 1), malloc(n + 1) }, { 0, 0 }, 0 };
	size_t at = 0, before = 0, seen = 0, columns = 0;
	int got = 0, bad = no_text || (n >= 2 && (!memcmp(p, "\xFF\xFE", 2) || !memcmp(p, "\xFE\xFF", 2)));
	while (!bad && (got = next_row(p, n, &at, &r)) == 1) {
		const char *tokens, *word;
		size_t len, from, word_len;
		struct place place = { "fuzz", 1, NULL };
		columns = columns ? columns : r.fields;
		if (r.len[0] >= 3 && !memcmp(r.field[0], "\xEF\xBB\xBF", 3)) /* of a file behind others */
			memmove(r.field[0], r.field[0] + 3, r.len[0] -= 3);
		bad = r.fields != columns || columns < 2 || memchr(p + before, 0, at - before) || no_value(&r) ||
		      is_blank(t, &r, err);
		before = at;
		if (bad || seen >= t->n)
			break;
		must(!sink_tokenise(t->sink, &place, r.field[1], r.len[1], &tokens, &len, err));
		from = seen ? t->end[seen - 1] : 0;
		must(t->end[seen] - from == len && !memcmp(t->tokens + from, tokens, len));
		must(!decoder_line(&t->names, r.field[0], r.len[0], &tokens, &len, err));
		word = vocab_word(&t->labels, (uint32_t)t->label[seen], &word_len);
		must(word_len == len && !memcmp(word, tokens, len));
		from = seen ? t->name_end[seen - 1] : 0;
		must(t->name_end[seen] - from == r.len[1] && !memcmp(t->name + from, r.field[1], r.len[1]));
		seen++;
	}
	must(rc ? bad || got < 0 : !bad && got == 0 && seen == t->n);
	free(r.field[0]);
	free(r.field[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct sink s = { .split = -1 };
	struct labelled t;
	struct columns columns = { .label = "1", .text = "2", .name = "2", .header = HEADER_NO };
	const char *text = (const char *)data;
	size_t n = size;
	char path[64], **names;
	int fd, rc, classes;
	if (unpack_kind(data, size, NULL))
		return 0; /* fuzz_unpack's own */
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rule_table(&s.rules, RULE_WHITESPACE, 0);
	must(!labelled_init(&t, &s, &err));
	rc = read_csv(&t, path, &columns, &err);
	must(!rc || err.msg[0]);
	if (n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) {
		text += 3;
		n -= 3;
	}
	if (n >= 6 && !memcmp(text, "sep=", 4) && strchr("\r\n", text[5])) { /* as the separator, or refused */
		labelled_release(&t);
		sink_release(&s);
		close(fd);
		return 0;
	}
	struct sniffed kind;
	sniff(&kind, data, size < SNIFF_BYTES ? size : SNIFF_BYTES, "fuzz");
	compare(&t, rc, kind.binary || kind.document, text, n, &err);
	must(!labelled_classes(&t, &names, &classes, &err));
	for (int i = 1; i < classes; i++)
		must(strcmp(names[i - 1], names[i]) < 0);
	free(names);
	labelled_release(&t);
	sink_release(&s);

	/* By a header, if there is one, and with backslashes: refused or read, never more. */
	for (int i = 0; i < 2; i++) {
		columns = (struct columns){ .header = HEADER_AUTO,
					    .quotes = i ? ROW_QUOTES_BACKSLASH : ROW_QUOTES_STRICT };
		must(!labelled_init(&t, &s, &err));
		rule_table(&s.rules, RULE_KIM, 1);
		must(!read_csv(&t, path, &columns, &err) || err.msg[0]);
		labelled_release(&t);
		sink_release(&s);
	}
	close(fd);
	return 0;
}
