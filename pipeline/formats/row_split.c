/* Fields of rows: by libcsv, whose callbacks cannot fail: they leave the error in t->err and set `broken`. Without
 * quotes split_plain takes its place, with backslashes split_escaped. */
#include "row_split.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <string.h>

/* RFC 4180: "Spaces are considered part of a field". */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

int row_split_begin(struct row_reader *t, struct err *err)
{
	unsigned char strict = t->rules.quotes == ROW_QUOTES_STRICT ? CSV_STRICT : 0;
	if (csv_init(&t->csv, strict | CSV_STRICT_FINI))
		return err_memory(err);
	csv_set_space_func(&t->csv, no_space);
	csv_set_blk_size(&t->csv, CHUNK); /* grows by this much; its 128 bytes make long fields slow */
	return 0;
}

static void append(struct row_reader *t, const char *text, size_t n)
{
	if (t->broken || mem_grow(&t->text, &t->cap_text, t->length + n + 1, 1, &t->err)) {
		t->broken = 1;
		return;
	}
	if (n)
		memcpy(t->text + t->length, text, n);
	t->length += n;
}

void row_end_field(struct row_reader *t)
{
	append(t, "", 0); /* room for its NUL */
	if (!t->broken && t->fields >= t->rules.max_fields) {
		err_set(&t->err, "%s: line %" PRIu64 ": more than %zu columns", t->name, t->at, t->rules.max_fields);
		t->broken = 1;
	}
	if (t->broken || mem_grow(&t->end, &t->cap_end, t->fields + 1, sizeof *t->end, &t->err)) {
		t->broken = 1;
		return;
	}
	t->end[t->fields++] = t->length;
	t->text[t->length++] = 0;
}

void row_take_field(void *text, size_t n, void *reader)
{
	append(reader, text, n);
	row_end_field(reader);
}

void row_take_row(int end, void *reader)
{
	(void)end;
	((struct row_reader *)reader)->rows++;
}

/* `ended`: the piece's last byte ended the line. */
static void split_plain(struct row_reader *t, const char *piece, size_t n, int ended)
{
	const char *gap;
	n -= (size_t)ended;
	while ((gap = n ? memchr(piece, row_separator(t), n) : NULL)) {
		append(t, piece, (size_t)(gap - piece));
		row_end_field(t);
		n -= (size_t)(gap + 1 - piece);
		piece = gap + 1;
	}
	append(t, piece, n);
	if (ended)
		row_end_field(t);
	t->rows = ended;
}

static int malformed(struct row_reader *t, const char *what, struct err *err)
{
	t->malformed = 1;
	return err_set(err, "%s: line %" PRIu64 ": %s", t->name, t->line + 1, what);
}

/* In the piece at which libcsv gave up. */
static int misplaced_quote(struct row_reader *t, const char *piece, size_t n, struct err *err)
{
	return malformed(
		t,
		memmem(piece, n, "\\\"", 2)
			? "a quote (\") stands where RFC 4180 has none, after a backslash: --quotes backslash reads "
			  "files that are written so"
			: "a quote (\") stands where RFC 4180 has none: inside a field it is doubled, and the field "
			  "is quoted",
		err);
}

/* ROW_QUOTES_BARE: libcsv would take what follows a closing quote for more of the field, to the next quote. */
static int follow_quotes(struct row_reader *t, const char *piece, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		char c = piece[i];
		int ends = c == row_separator(t) || c == '\r' || c == '\n';
		if (t->state == FIELD_QUOTED)
			t->state = c == '"' ? FIELD_CLOSED : FIELD_QUOTED;
		else if (ends)
			t->state = FIELD_BEGIN;
		else if (t->state == FIELD_CLOSED && c != '"')
			return malformed(t, "text follows a closing quote (\"), which ends a field", err);
		else if (t->state != FIELD_BARE)
			t->state = c == '"' ? FIELD_QUOTED : FIELD_BARE;
	}
	return 0;
}

/* The character after a backslash. */
static int unescape(struct row_reader *t, char c, struct err *err)
{
	static const char known[][2] = { { 'n', '\n' }, { 'r', '\r' }, { 't', '\t' } };
	t->escape = c == '\r' ? 2 : 0;
	if (c == 'N' && t->state == FIELD_BEGIN) {
		t->state = FIELD_NULL;
		return 0;
	}
	t->state = t->state == FIELD_BEGIN ? FIELD_BARE : t->state;
	if (strchr("\"\\\r\n", c) || c == row_separator(t)) {
		append(t, &c, 1);
		return 0;
	}
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (c == known[i][0]) {
			append(t, &known[i][1], 1);
			return 0;
		}
	return malformed(
		t,
		"a backslash stands before what needs none (known are \\\" \\\\ \\n \\r \\t, \\N alone, and before "
		"separator and end of line); is it a character? --quotes strict, bare or none",
		err);
}

static int split_escaped(struct row_reader *t, const char *piece, size_t n, struct err *err)
{
	const char stops[] = { '\\', '"', '\r', '\n', row_separator(t), 0 };
	for (size_t i = 0; i < n; i++) {
		char c = piece[i];
		size_t run = 0;
		int quoted = t->state == FIELD_QUOTED, cr_lf = t->escape == 2 && c == '\n';
		if (t->escape == 1) {
			if (unescape(t, c, err))
				return -1;
			continue;
		}
		t->escape = 0;
		if (c == '\\' && t->state != FIELD_CLOSED && t->state != FIELD_NULL) {
			t->escape = 1;
		} else if (!quoted && !cr_lf && (c == row_separator(t) || c == '\r' || c == '\n')) {
			row_end_field(t);
			t->state = FIELD_BEGIN;
			t->rows = c != row_separator(t);
		} else if (c == '"' && (quoted || t->state == FIELD_BEGIN)) {
			t->state = quoted ? FIELD_CLOSED : FIELD_QUOTED;
		} else if (t->state == FIELD_NULL || (t->state == FIELD_CLOSED && c != '"')) {
			return malformed(t, "text follows a closing quote (\") or \\N, which end a field", err);
		} else {
			t->state = quoted || t->state == FIELD_CLOSED ? FIELD_QUOTED : FIELD_BARE; /* "" in quotes */
			while (i + run < n && !strchr(stops, piece[i + run]))
				run++;
			append(t, piece + i, run ? run : 1);
			i += run ? run - 1 : 0;
		}
	}
	return 0;
}

/* Gives one piece to the parser. */
static int feed(struct row_reader *t, const char *piece, size_t n, int ended, struct err *err)
{
	if (text_no_nul(piece, n, err))
		return err_context(err, "%s: line %" PRIu64, t->name, t->line + 1);
	if (t->rules.quotes == ROW_QUOTES_BARE && follow_quotes(t, piece, n, err))
		return -1;
	if (t->rules.quotes == ROW_QUOTES_BACKSLASH && split_escaped(t, piece, n, err))
		return -1;
	if (t->rules.quotes == ROW_QUOTES_NONE)
		split_plain(t, piece, n, ended);
	else if (t->rules.quotes != ROW_QUOTES_BACKSLASH &&
		 csv_parse(&t->csv, piece, n, row_take_field, row_take_row, t) < n)
		return csv_error(&t->csv) == CSV_ENOMEM ? err_memory(err) : misplaced_quote(t, piece, n, err);
	if (t->broken) {
		*err = t->err;
		return -1;
	}
	size_t under_way = t->length - (t->fields ? t->end[t->fields - 1] : 0);
	if (under_way > ROW_MAX_FIELD || csv_get_buffer_size(&t->csv) > ROW_MAX_FIELD)
		return err_set(err, "%s: line %" PRIu64 ": a field is longer than %d bytes", t->name, t->at,
			       ROW_MAX_FIELD);
	return 0;
}

int row_split(struct row_reader *t, const char *piece, size_t n, int ended, struct err *err)
{
	t->malformed = 0;
	if (!t->passing && feed(t, piece, n, ended, err)) {
		if (!t->malformed || !t->marked)
			return -1;
		csv_free(&t->csv);
		if (row_split_begin(t, err))
			return -1;
		csv_set_delim(&t->csv, (unsigned char)row_separator(t));
		t->state = FIELD_BEGIN;
		t->escape = 0;
		t->fields = t->length = 0;
		append(t, "#", 1);
		row_end_field(t);
		if (t->broken)
			return err_memory(err);
		t->passing = 1;
	}
	if (t->passing && ended) {
		t->passing = 0;
		t->rows = 1;
	}
	t->marked = t->marked && !ended;
	return 0;
}
