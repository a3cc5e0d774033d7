/* Rows of tables. What was read is given to libcsv in pieces that end at each CR or LF, so that no piece completes more
 * than one row. Blank lines never reach it. Its callbacks cannot fail: they leave the error in t->err and set `broken`.
 * An LF right after a CR belongs to it when lines are counted; before a row begins it is passed over. Without quotes
 * split_plain takes libcsv's place, with backslashes split_escaped. */
#include "row_reader.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024 };

struct row_reader {
	struct input in;
	const char *name;
	struct row_rules rules;
	struct csv_parser csv;
	char *chunk;         /* [CHUNK] of the file */
	size_t have, used;   /* of chunk */
	int eof, finished;   /* the file has ended; and its last row was given out */
	int after_cr;        /* the last byte was a CR */
	uint64_t line, at;   /* lines that have ended; line where the row begins */
	/* ROW_QUOTES_BARE and _BACKSLASH: of the field under way */
	enum { FIELD_BEGIN, FIELD_BARE, FIELD_QUOTED, FIELD_CLOSED, FIELD_NULL } state;
	int escape;          /* the last byte was a backslash that is no character; or, 2, an escaped CR */
	int rows, broken;    /* completed by the piece at hand; an error inside a callback */
	char *text;          /* the row's fields, each with its NUL */
	size_t *end;         /* [fields] where each NUL stands */
	size_t fields, length, cap_text, cap_end;
	struct row_counts counts;
	struct err err;
};

/* RFC 4180: "Spaces are considered part of a field". */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static int start_csv(struct row_reader *t, struct err *err)
{
	unsigned char strict = t->rules.quotes == ROW_QUOTES_STRICT ? CSV_STRICT : 0;
	if (csv_init(&t->csv, strict | CSV_STRICT_FINI))
		return err_memory(err);
	csv_set_space_func(&t->csv, no_space);
	csv_set_blk_size(&t->csv, CHUNK); /* grows by this much; its 128 bytes make long fields slow */
	return 0;
}

int row_reader_open(struct row_reader **out, const char *path, const struct row_rules *rules, struct err *err)
{
	struct row_reader *t;
	if (mem_alloc(&t, 1, sizeof *t, err))
		return -1;
	t->rules = *rules;
	t->name = !strcmp(path, "-") ? "stdin" : path;
	if (start_csv(t, err) || input_open(&t->in, path, err) || mem_alloc(&t->chunk, CHUNK, 1, err)) {
		row_reader_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

void row_reader_close(struct row_reader *t)
{
	if (!t)
		return;
	csv_free(&t->csv);
	input_release(&t->in);
	free(t->chunk);
	free(t->text);
	free(t->end);
	free(t);
}

size_t row_fields(const struct row_reader *t)
{
	return t->fields;
}

char *row_field(const struct row_reader *t, size_t i, size_t *n)
{
	size_t from = i ? t->end[i - 1] + 1 : 0;
	if (n)
		*n = t->end[i] - from;
	return t->text + from;
}

uint64_t row_line(const struct row_reader *t)
{
	return t->at;
}

const char *row_file(const struct row_reader *t)
{
	return t->name;
}

char row_separator(const struct row_reader *t)
{
	return t->rules.separator ? t->rules.separator : ',';
}

const char *row_other_separator(const struct row_reader *t)
{
	static const char *const named[][2] = { { ";", "';'" }, { "\t", "tab" }, { "|", "'|'" } };
	const char *text = row_fields(t) == 1 ? row_field(t, 0, NULL) : "";
	size_t i = 0;
	while (i < 3 && !strchr(text, *named[i][0]))
		i++;
	return i < 3 ? named[i][1] : NULL;
}

const struct row_counts *row_counts_of(const struct row_reader *t)
{
	return &t->counts;
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

static void end_field(struct row_reader *t)
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

static void csv_field(void *text, size_t n, void *reader)
{
	append(reader, text, n);
	end_field(reader);
}

static void csv_row(int end, void *reader)
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
		end_field(t);
		n -= (size_t)(gap + 1 - piece);
		piece = gap + 1;
	}
	append(t, piece, n);
	if (ended)
		end_field(t);
	t->rows = ended;
}

static int malformed(const struct row_reader *t, const char *what, struct err *err)
{
	return err_set(err, "%s: line %" PRIu64 ": %s", t->name, t->line + 1, what);
}

/* In the piece at which libcsv gave up. */
static int misplaced_quote(const struct row_reader *t, const char *piece, size_t n, struct err *err)
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
			end_field(t);
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
	else if (t->rules.quotes != ROW_QUOTES_BACKSLASH && csv_parse(&t->csv, piece, n, csv_field, csv_row, t) < n)
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

/* Excel's own first line, which says what stands between columns. */
static int take_sep_line(struct row_reader *t, struct err *err)
{
	const char *p = t->chunk + t->used;
	if (t->rules.quotes == ROW_QUOTES_NONE || t->have - t->used < 6 || memcmp(p, "sep=", 4) ||
	    !strchr("\r\n", p[5]))
		return 0;
	if (t->rules.separator && t->rules.separator != p[4])
		return err_set(err, "%s: line 1 says that '%c' stands between columns, the command that '%c' does",
			       t->name, p[4], t->rules.separator);
	t->rules.separator = p[4];
	t->used += 5;
	t->counts.sep_lines++;
	return 0;
}

/* The next bytes; the first ones are looked at. */
static int refill(struct row_reader *t, struct err *err)
{
	int first = !t->have;
	t->used = 0;
	if (input_read(&t->in, t->chunk, CHUNK, &t->have, err))
		return -1;
	t->eof = t->have < CHUNK;
	if (!first)
		return 0;
	const char *p = t->chunk;
	size_t n = t->have;
	if (sniff_foreign(t->name, t->chunk, t->have, input_packed(&t->in), t->rules.wanted, t->rules.unless, err))
		return -1;
	if (text_drop_bom(&p, &n, &t->counts.boms, err))
		return err_context(err, "%s", t->name);
	t->used = t->have - n;
	if (take_sep_line(t, err))
		return -1;
	csv_set_delim(&t->csv, (unsigned char)row_separator(t));
	return 0;
}

/* Bytes up to the next CR or LF, with it; all there are where there is none. */
static size_t piece_of(const char *p, size_t n, int *ended)
{
	const char *lf = memchr(p, '\n', n);
	size_t upto = lf ? (size_t)(lf + 1 - p) : n;
	const char *cr = memchr(p, '\r', upto);
	*ended = lf || cr;
	return cr ? (size_t)(cr + 1 - p) : upto;
}

static int finish_file(struct row_reader *t, int begun, struct err *err)
{
	t->finished = 1;
	if (!begun)
		return 0;
	if (t->rules.quotes == ROW_QUOTES_BACKSLASH && (t->escape == 1 || t->state == FIELD_QUOTED))
		return err_set(err, "%s: line %" PRIu64 ": the file ends inside quotes or after a backslash", t->name,
			       t->at);
	if (t->rules.quotes == ROW_QUOTES_NONE || t->rules.quotes == ROW_QUOTES_BACKSLASH)
		end_field(t);
	else if (csv_fini(&t->csv, csv_field, csv_row, t))
		return err_set(err, "%s: line %" PRIu64 ": the file ends inside quotes", t->name, t->at);
	if (t->broken) {
		*err = t->err;
		return -1;
	}
	return 1;
}

int row_reader_next(struct row_reader *t, struct err *err)
{
	int begun = 0;
	t->fields = t->length = 0;
	for (t->rows = 0; !t->finished;) {
		int ended;
		if (t->used == t->have) {
			if (t->eof)
				return finish_file(t, begun, err);
			if (refill(t, err))
				return -1;
			continue;
		}
		const char *piece = t->chunk + t->used;
		size_t n = piece_of(piece, t->have - t->used, &ended);
		int second_half = t->after_cr && *piece == '\n';
		if (!begun && ended && n == 1) {
			t->counts.blank += !second_half && !(t->counts.sep_lines && !t->line);
		} else {
			t->at = begun ? t->at : t->line + 1;
			begun = 1;
			if (feed(t, piece, n, ended, err))
				return -1;
		}
		t->used += n;
		t->after_cr = piece[n - 1] == '\r';
		t->line += ended && !(second_half && n == 1);
		if (t->rows)
			return 1;
	}
	return 0;
}
