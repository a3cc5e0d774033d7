/* The lines of vic-tokenize's report. Classes are named most frequent first, the rest of a long list by its number. */
#include "report.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 10, NAME_SHOWN = 40 };

struct note {
	uint64_t n;
	const char *what;
};

static void say_notes(const struct stage *st, const struct note *note, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (note[i].n)
			stage_say(st, "%" PRIu64 " %s", note[i].n, note[i].what);
}

static uint64_t records_of(const struct sink *s, int label)
{
	return (size_t)label < s->n_by_label ? s->by_label[label] : 0;
}

/* The k-th most frequent class, equal ones by name; taken: [n], those before it. */
static int next_class(const struct sink *s, unsigned char *taken, int n)
{
	int best = -1;
	for (int i = 0; i < n; i++)
		if (!taken[i] && (best < 0 || records_of(s, i) > records_of(s, best)))
			best = i;
	taken[best] = 1;
	return best;
}

static int shown(const char *name)
{
	size_t n = strlen(name);
	return (int)(n < NAME_SHOWN ? n : NAME_SHOWN);
}

static void say_classes(const struct stage *st, const struct sink *s, const char *const *name, int n)
{
	char line[NAMED * (NAME_SHOWN + 24) + 80];
	size_t used = 0;
	unsigned char *taken;
	uint64_t ones = 0, named = 0;
	struct err none = ERR_NONE;
	if (!n || st->quiet || mem_alloc(&taken, (size_t)n, 1, &none))
		return;
	line[0] = 0;
	for (int k = 0; k < n && k < NAMED; k++) {
		int i = next_class(s, taken, n);
		named += records_of(s, i);
		used += (size_t)snprintf(line + used, sizeof line - used, "%s%.*s %" PRIu64, k ? ", " : "",
					 shown(name[i]), name[i], records_of(s, i));
	}
	if (n > NAMED)
		snprintf(line + used, sizeof line - used, " and %d more with %" PRIu64, n - NAMED,
			 s->n - s->unlabelled > named ? s->n - s->unlabelled - named : 0);
	stage_say(st, "%d class%s: %s", n, n == 1 ? "" : "es", line);
	line[0] = 0;
	used = 0;
	for (int i = 0; i < n; i++)
		if (records_of(s, i) == 1 && ++ones <= NAMED / 2)
			used += (size_t)snprintf(line + used, sizeof line - used, "%s'%.*s'", ones > 1 ? ", " : "",
						 shown(name[i]), name[i]);
	if (ones)
		stage_say(st, "%" PRIu64 " class%s one record%s: %s%s", ones, ones == 1 ? " has" : "es have",
			  ones == 1 ? "" : " each", line, ones > NAMED / 2 ? ", ..." : "");
	free(taken);
}

static void say_splits(const struct stage *st, const struct sink *s)
{
	static const char *const was[SPLIT_COUNT] = { [SPLIT_TRAIN] = "training", [SPLIT_DEV] = "dev",
						      [SPLIT_TEST] = "test", [SPLIT_EXTRA] = "extra" };
	char splits[128] = "";
	size_t at = 0;
	for (int i = 0; i < SPLIT_COUNT; i++)
		if (s->by_split[i])
			at += (size_t)snprintf(splits + at, sizeof splits - at, "%s%s %" PRIu64, at ? ", " : "",
					       split_name(i), s->by_split[i]);
	stage_say(st, "%" PRIu64 " records%s%s%s", s->n, at ? " (" : "", splits, at ? ")" : "");
	for (int i = 0; i < SPLIT_COUNT; i++)
		if (s->remarked[i])
			stage_say(st, "%" PRIu64 " records of the %s files are now marked %s", s->remarked[i], was[i],
				  split_name(s->split));
}

void report_sink(const struct stage *st, const struct sink *s, const char *const *name, int n)
{
	const struct note notes[] = {
		{ s->decoder.fallback, "lines hold bytes that are not UTF-8" },
		{ s->decoder.stray, "bytes that are not UTF-8 were read as Windows-1252" },
		{ s->decoder.undefined, "bytes have no meaning in Windows-1252 and became U+FFFD" },
		{ s->decoder.zero_width, "characters without width were dropped" },
		{ s->decoder.unordered, "lines have endless combining marks and were not normalised" },
		{ s->returns, "lines hold a CR, which is white space; if it ends lines there: tr '\\r' '\\n'" },
		{ s->boms, "byte order marks were dropped" },
		{ s->passed_over, "files not named ID_RATING.txt were passed over" },
		{ s->markup.tags, "tags were dropped" },
		{ s->markup.references, "character references became characters" },
		{ s->markup.unknown, "character references are not known and stay" },
	};
	say_splits(st, s);
	say_classes(st, s, name, n);
	if (s->unlabelled)
		stage_say(st, "%" PRIu64 " training records have no label (first: %s)", s->unlabelled,
			  s->first_unlabelled);
	if (s->empty)
		stage_say(st, s->empty == s->n ? "all %" PRIu64 " records are empty: no token is in them"
					       : "%" PRIu64 " records are empty", s->empty);
	say_notes(st, notes, sizeof notes / sizeof *notes);
	if (s->torn)
		stage_say(st,
			  "%" PRIu64
			  " words lost letters: to kim all but ASCII is a space, as in '%s'; --rules ptb keeps them",
			  s->torn, s->torn_word);
}

void report_labelled(const struct stage *st, const struct labelled *t)
{
	const struct note notes[] = {
		{ t->headers, "first rows were read as headers" },
		{ t->headless, "files have no header with those names; their first row was read as a record" },
		{ t->blank, "blank lines were passed over" },
	};
	say_notes(st, notes, sizeof notes / sizeof *notes);
	if (t->alike)
		stage_say(st, "classes that differ in white space or case alone: %s", t->alike);
	if (t->one_number)
		stage_say(st, "classes that are the same number: %s; one class, if each is written alike in the table",
			  t->one_number);
	if (t->missing)
		stage_say(st, "classes called as a missing value is written: %s; records without a label, if that is "
			      "meant, are to be left out of the table", t->missing);
}
