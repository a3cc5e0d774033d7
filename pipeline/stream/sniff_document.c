/* sniff: text that is a document, so neither lines nor a table, and what a download gives in place of a file. What
 * stands before the first letter (a byte order mark, white space) is passed over. */
#include "sniff_kinds.h"

#include <ctype.h>

static const char *const records = "write its records as CSV, which vic-tokenize --format csv (texts) and vic-cat "
				   "--from csv (logits) read";

struct span {
	const char *p;
	size_t n;
};

static struct span less_white(struct span t)
{
	while (t.n && isspace((unsigned char)*t.p))
		t.p++, t.n--;
	return t;
}

static struct span after(struct span t, size_t n)
{
	return less_white((struct span){ t.p + n, t.n - n });
}

static struct span beginning(const struct look *l)
{
	struct span t = { (const char *)l->head, l->n };
	return after(t, t.n >= 3 && !memcmp(t.p, "\xEF\xBB\xBF", 3) ? 3 : 0);
}

static int begins(struct span t, const char *with)
{
	return t.n >= strlen(with) && !strncasecmp(t.p, with, strlen(with));
}

/* "<html", and no longer word. */
static int tag(struct span t, const char *name)
{
	size_t n = strlen(name);
	return begins(t, name) && (t.n == n || isspace((unsigned char)t.p[n]) || strchr(">/", t.p[n]));
}

static int holds(struct span t, const char *text)
{
	for (; t.n; t.p++, t.n--)
		if (begins(t, text))
			return 1;
	return 0;
}

/* {"key": or {} */
static int is_object(struct span t)
{
	t = after(t, 1);
	if (t.n && *t.p == '}')
		return 1;
	if (!t.n || *t.p != '"')
		return 0;
	size_t i = 1;
	while (i < t.n && t.p[i] != '"')
		i += t.p[i] == '\\' ? 2 : 1;
	if (i >= t.n)
		return 0;
	t = after(t, i + 1);
	return t.n && *t.p == ':';
}

/* The bytes of a string, number or word of JSON at the beginning; 0: there is none. A cut one reaches the end. */
static size_t scalar(struct span t)
{
	static const char *const words[] = { "true", "false", "null", "NaN", "Infinity", "-Infinity" };
	size_t n = 1;
	if (*t.p == '"') {
		while (n < t.n && t.p[n] != '"')
			n += t.p[n] == '\\' ? 2 : 1;
		return n < t.n ? n + 1 : t.n;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		n = strlen(words[i]) < t.n ? strlen(words[i]) : t.n;
		if (!memcmp(t.p, words[i], n))
			return n;
	}
	for (n = 0; n < t.n && memchr("+-.0123456789eE", t.p[n], 15); n++)
		;
	return n;
}

/* All that is there reads as arrays and objects one after the other, the last of which may be cut. */
static int is_values(struct span t)
{
	enum { VALUE, FIRST, KEY, FIRST_KEY, COLON, NEXT } want = VALUE;
	enum { DEPTH = 64 };
	char open[DEPTH]; /* brackets */
	size_t depth = 0;
	for (t = less_white(t); t.n;) {
		char c = *t.p;
		size_t n = 1;
		if (depth && c == (open[depth - 1] == '[' ? ']' : '}') &&
		    (want == FIRST || want == FIRST_KEY || want == NEXT)) {
			want = --depth ? NEXT : VALUE;
		} else if ((want == VALUE || want == FIRST) && (c == '[' || c == '{')) {
			if (depth == DEPTH)
				return 1;
			open[depth++] = c;
			want = c == '[' ? FIRST : FIRST_KEY;
		} else if ((want == COLON && c == ':') || (want == NEXT && c == ',')) {
			want = c == ':' || open[depth - 1] == '[' ? VALUE : KEY;
		} else {
			int key = want == KEY || want == FIRST_KEY;
			n = !depth || want == COLON || want == NEXT || (key && c != '"') ? 0 : scalar(t);
			want = key ? COLON : NEXT;
		}
		if (!n)
			return 0;
		t = after(t, n);
	}
	return 1;
}

static int is_json(struct span t)
{
	return t.n && ((*t.p == '{' && is_object(t)) || (*t.p == '[' && is_values(t)));
}

static int is_html(struct span t)
{
	static const char *const tags[] = { "<!doctype html", "<html", "<head", "<body" };
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (tag(t, tags[i]))
			return 1;
	return begins(t, "<!--") && (holds(t, "<html") || holds(t, "<!doctype html"));
}

/* A declaration; or a start tag that fills its line, and then another. */
static int is_xml(struct span t)
{
	if (tag(t, "<?xml") || tag(t, "<!doctype") || tag(t, "<svg"))
		return 1;
	const char *lf = memchr(t.p, '\n', t.n);
	size_t n = lf ? (size_t)(lf - t.p) : 0;
	while (n && isspace((unsigned char)t.p[n - 1]))
		n--;
	if (n < 3 || *t.p != '<' || !isalpha((unsigned char)t.p[1]) || memchr(t.p, '>', n) != t.p + n - 1 ||
	    t.p[n - 2] == '/')
		return 0;
	t = after(t, n);
	return t.n && *t.p == '<';
}

/* All of it is what a server says where a file is not: "404: Not Found". */
static int is_refusal(struct span t)
{
	static const char *const said[] = {
		"not found",	   "entry not found",	  "file not found",    "repository not found",
		"forbidden",	   "access denied",	  "unauthorized",      "invalid username or password",
		"bad request",	   "too many requests",	  "bad gateway",       "internal server error",
		"gateway timeout", "service unavailable", "permission denied",
	};
	if (t.n > 100)
		return 0;
	while (t.n && (isspace((unsigned char)t.p[t.n - 1]) || t.p[t.n - 1] == '.'))
		t.n--;
	if (begins(t, "error"))
		t = after(t, 5);
	if (t.n > 4 && strchr("45", *t.p) && isdigit((unsigned char)t.p[1]) && isdigit((unsigned char)t.p[2]))
		t = after(t, t.p[3] == ':' ? 4 : 3);
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		if (t.n == strlen(said[i]) && begins(t, said[i]))
			return 1;
	return 0;
}

static int tag_word(struct span t, const char *word)
{
	return begins(t, word) && t.n > strlen(word) && isspace((unsigned char)t.p[strlen(word)]);
}

/* The rest behind comments ("--" or "%" to the end of the line, slash and star) and blank lines. */
static struct span less_comments(struct span t, const char *line)
{
	for (;;) {
		int block = begins(t, "/*") && !begins(t, "/*!");
		const char *end = block		     ? memmem(t.p, t.n, "*/", 2)
				  : begins(t, line) ? memchr(t.p, '\n', t.n) : NULL;
		if (!end)
			return t;
		t = after(t, (size_t)(end - t.p) + (block ? 2 : 1));
	}
}

/* A dump's first comment or statement; of those that may begin a sentence, one that goes on as SQL. */
static int is_sql(struct span t)
{
	static const char *const dumps[] = { "-- mysql dump", "-- mariadb dump", "-- phpmyadmin sql dump", "/*!40",
					     "--\n-- postgresql database dump", "pragma foreign_keys" };
	static const char *const starts[][2] = {
		{ "insert into ", "values" }, { "insert ignore into ", "values" }, { "replace into ", "values" },
		{ "create table ", "(" },     { "drop table ", ";" },		   { "begin transaction;", "" },
		{ "copy ", "from stdin;" },   { "set names ", ";" },
	};
	for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++)
		if (begins(t, dumps[i]))
			return 1;
	t = less_comments(t, "--");
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (begins(t, starts[i][0]) && (!*starts[i][1] || holds(t, starts[i][1])))
			return *starts[i][1] != 'v' || holds(t, "(");
	return 0;
}

int sniff_document(const struct look *l, struct sniffed *s)
{
	struct span t = beginning(l);
	if (is_json(t))
		sniff_say(s, 0, "JSON", records);
	else if (is_sql(t))
		sniff_say(s, 0, "SQL statements", "have the database write the table as CSV, which vic-tokenize "
						  "--format csv (texts) and vic-cat --from csv (logits) read");
	else if (tag_word(less_comments(t, "%"), "@relation"))
		sniff_say(s, 0, "an ARFF table", records);
	else if (is_refusal(t) || (begins(t, "<?xml") && holds(t, "<Error>") && holds(t, "<Code>")))
		sniff_say(s, 0, "an error message in place of a download",
			  "get the file again, from an address that has it");
	else if (is_html(t))
		sniff_say(s, 0, "an HTML page",
			  "a browser reads it; if it was to be data, the download gave a page instead");
	else if (is_xml(t))
		sniff_say(s, 0, holds(t, "<svg") ? "an SVG image" : "XML",
			  holds(t, "<svg") ? "a browser reads it" : records);
	else
		return 0;
	s->document = 1;
	return 1;
}
