/* namecheck NAME LIST: what a hostile name became in the outputs of tests/cli/names.t.
 *
 * NAME holds the bytes of the name, which begin with "Qz" somewhere and end in "zQ". A line of LIST is an output:
 * KIND<TAB>FILE<TAB>WHAT. KIND: text (a person or a table reads it), markup (HTML, SVG), json (one value or one a
 * line). Prints "raw" (something that may not be shown, or the name as it is where it needs escaping), "broken" (no
 * JSON), "unseen" (no name in it), "cut" (its end is missing) or "seen" for each, a TAB and WHAT. Exit status 0 where
 * every file could be read. */
#include "pipeline/base/err.h"
#include "pipeline/files/io.h"
#include "pipeline/files/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The definition of docs/STREAM.md over code points, apart from the writer that is under test. */
static int may_be_shown(unsigned long c)
{
	return c == '\n' || c == '\t' ||
	       !(c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F ||
		 (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || (c >= 0x206A && c <= 0x206F));
}

static int shown(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	for (size_t i = 0, len; i < n; i += len) {
		static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
		len = text_character(text + i, n - i);
		if (!len)
			return 0;
		unsigned long c = p[i] & mask[len];
		for (size_t k = 1; k < len; k++)
			c = c << 6 | (p[i + k] & 0x3F);
		if (!may_be_shown(c))
			return 0;
	}
	return 1;
}

/* One JSON value, or one a line. */
static int is_json(const char *text, size_t n)
{
	json_error_t e;
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	json_decref(j);
	if (j)
		return 1;
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;
		j = json_loadb(text + at, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
		json_decref(j);
		if (!j)
			return 0;
		at += len + 1;
	}
	return n > 0;
}

static const char *look(const char *kind, const char *text, size_t n, const char *name, size_t name_len)
{
	int markup = !strcmp(kind, "markup");
	int escaped = memchr(name, '\t', name_len) || memchr(name, '\n', name_len) ||
		      (markup && (memchr(name, '<', name_len) || memchr(name, '&', name_len)));
	if (!shown(text, n) || (escaped && memmem(text, n, name, name_len)))
		return "raw";
	if (!strcmp(kind, "json") && !is_json(text, n))
		return "broken";
	if (!memmem(text, n, "Qz", 2))
		return "unseen";
	return memmem(text, n, "zQ", 2) ? "seen" : "cut";
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	char *name, *list, *text, *save = NULL;
	size_t name_len, len;
	if (argc != 3 || io_slurp(argv[1], 1 << 20, &name, &name_len, &err) ||
	    io_slurp(argv[2], 1 << 24, &list, &len, &err)) {
		fprintf(stderr, "namecheck: %s\n", argc == 3 ? err.msg : "NAME LIST");
		return 2;
	}
	for (char *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *file = strchr(line, '\t'), *what = file ? strchr(file + 1, '\t') : NULL;
		if (!what)
			return 2;
		*file++ = *what++ = 0;
		if (io_slurp(file, 1 << 28, &text, &len, &err)) {
			fprintf(stderr, "namecheck: %s\n", err.msg);
			return 1;
		}
		printf("%s\t%s\n", look(line, text, len, name, name_len), what);
		free(text);
	}
	free(name);
	free(list);
	return 0;
}
