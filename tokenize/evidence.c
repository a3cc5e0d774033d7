/* What speaks against a reading of labels. Names of columns are those of the data sets that people have. Texts are
 * counted by their hashes, and only where the labels are so many that it matters. */
#include "evidence.h"
#include "pipeline/base/hash.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "white.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

enum { FEW = 20, SHOWN = 5 };

static void trim(const char **p, size_t *n)
{
	while (*n && is_white((*p)[*n - 1]))
		--*n;
	for (; *n && is_white(**p); ++*p)
		--*n;
}

int column_same(const char *field, size_t n, const char *name)
{
	size_t k = strlen(name);
	trim(&field, &n);
	trim(&name, &k);
	return n == k && !strncasecmp(field, name, n);
}

enum column_name column_name(const char *field, size_t n)
{
	static const struct {
		const char *name;
		enum column_name is;
	} known[] = {
		{ "label", NAME_LABEL },       { "labels", NAME_LABEL },      { "class", NAME_LABEL },
		{ "classes", NAME_LABEL },     { "category", NAME_LABEL },    { "target", NAME_LABEL },
		{ "sentiment", NAME_LABEL },   { "polarity", NAME_LABEL },    { "stars", NAME_LABEL },
		{ "rating", NAME_LABEL },      { "score", NAME_LABEL },       { "intent", NAME_LABEL },
		{ "topic", NAME_LABEL },       { "tag", NAME_LABEL },	      { "emotion", NAME_LABEL },
		{ "genre", NAME_LABEL },       { "class index", NAME_LABEL }, { "label_id", NAME_LABEL },
		{ "class_label", NAME_LABEL }, { "y", NAME_LABEL },	      { "v1", NAME_LABEL },
		{ "text", NAME_TEXT },	       { "texts", NAME_TEXT },	      { "review", NAME_TEXT },
		{ "reviews", NAME_TEXT },      { "sentence", NAME_TEXT },     { "content", NAME_TEXT },
		{ "comment", NAME_TEXT },      { "tweet", NAME_TEXT },	      { "body", NAME_TEXT },
		{ "message", NAME_TEXT },      { "question", NAME_TEXT },     { "document", NAME_TEXT },
		{ "phrase", NAME_TEXT },       { "headline", NAME_TEXT },     { "title", NAME_TEXT },
		{ "description", NAME_TEXT },  { "utterance", NAME_TEXT },    { "query", NAME_TEXT },
		{ "review_text", NAME_TEXT },  { "reviewtext", NAME_TEXT },   { "comment_text", NAME_TEXT },
		{ "clean_text", NAME_TEXT },   { "sms", NAME_TEXT },	      { "v2", NAME_TEXT },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (column_same(field, n, known[i].name))
			return known[i].is;
	return NAME_OTHER;
}

/* A label that stands in first rows of files without a header and nowhere else, where every other is there more than
 * once, or it is what columns of labels are called. */
static int check_first_rows(const struct labelled *t, struct err *err)
{
	int32_t label = t->n_first && t->n > 1 ? t->label[t->first[0]] : -1;
	uint64_t first = 0;
	size_t len;
	if (label < 0)
		return 0;
	const char *name = vocab_word(&t->labels, (uint32_t)label, &len);
	int called = column_name(name, len) == NAME_LABEL;
	if (!called && t->n <= 3)
		return 0;
	for (size_t i = 0; i < t->n_first; i++)
		first += t->first[i] < t->n && t->label[t->first[i]] == label;
	for (uint32_t i = 0; i < t->labels.n; i++)
		if (i == (uint32_t)label ? t->labels.count[i] != first : t->labels.count[i] == 1 && !called)
			return 0;
	return t->labels.n < 2 ? 0 :
	       err_set(err,
		       "%s: its first row looks like a header: no other record has the label \"%.*s\"; --header or "
		       "--no-header says what it is",
		       t->first_file, (int)(len < 60 ? len : 60), name);
}

static int compare_hash(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash128));
}

/* How many texts are not empty, and how many of these are different. */
static int count_texts(const struct labelled *t, size_t *texts, size_t *different, struct err *err)
{
	struct hash128 *hash;
	size_t n = 0;
	if (mem_alloc(&hash, t->n, sizeof *hash, err))
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		size_t from = i ? t->end[i - 1] : 0;
		if (t->end[i] > from)
			hash[n++] = hash128_of(t->tokens + from, t->end[i] - from);
	}
	qsort(hash, n, sizeof *hash, compare_hash);
	*texts = n;
	*different = n > 0;
	for (size_t i = 1; i < n; i++)
		*different += memcmp(&hash[i], &hash[i - 1], sizeof *hash) != 0;
	free(hash);
	return 0;
}

/* Nearly every record has a label of its own. */
static int check_labels(const struct labelled *t, struct err *err)
{
	size_t texts, different;
	if (t->n < 3 || (size_t)t->labels.n * 2 <= t->n)
		return 0;
	if (count_texts(t, &texts, &different, err))
		return -1;
	if ((size_t)t->labels.n * 10 >= 9 * t->n && different * 4 <= 3 * texts && texts > 2)
		return err_set(err,
			       "%" PRIu32 " different labels in %zu records, and %zu different texts: are they the "
			       "other way round? --format csv --label-column 2 --text-column 1 (and --separator tab "
			       "for TSV), or --classes if not",
			       t->labels.n, t->n, different);
	if (t->n >= FEW)
		return err_set(err,
			       "%" PRIu32 " different labels in %zu records: is the first column a text or a number "
			       "of the record? --format csv --label-column N says which it is (with --separator tab "
			       "for TSV), or --classes the names",
			       t->labels.n, t->n);
	return 0;
}

/* A name without its case and characters of no width, and with single spaces for white space; *out is the caller's.
 * The compatible forms of white space (a no-break space) are that too. */
static int alike_key(const char *name, size_t len, char **out, size_t *n, struct err *err)
{
	utf8proc_uint8_t *folded = NULL;
	utf8proc_ssize_t k = utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)len, &folded,
					  UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
	if (k < 0)
		return k == UTF8PROC_ERROR_NOMEM ? err_memory(err) : err_set(err, "%s", utf8proc_errmsg(k));
	char *to = (char *)folded;
	size_t o = 0;
	for (utf8proc_ssize_t i = 0, n_bytes; i < k; i += n_bytes) {
		utf8proc_int32_t c;
		n_bytes = utf8proc_iterate(folded + i, k - i, &c);
		n_bytes = n_bytes < 1 ? 1 : n_bytes;
		int white = is_white((char)folded[i]) || (c > 0 && is_white_point((uint32_t)c));
		if (!white) {
			memmove(to + o, folded + i, (size_t)n_bytes);
			o += (size_t)n_bytes;
		} else if (o && to[o - 1] != ' ') {
			to[o++] = ' ';
		}
	}
	*n = o && to[o - 1] == ' ' ? o - 1 : o;
	*out = to;
	return 0;
}

/* The number that a name is, in one form of all (1.0 and 01 are 1; -0 is 0); *out NULL: it is none. */
static int number_key(const char *name, size_t len, char **out, size_t *n, struct err *err)
{
	double v;
	struct err none = ERR_NONE;
	char *text;
	*out = NULL;
	trim(&name, &len);
	if (mem_text(&text, name, len, err))
		return -1;
	int rc = num_f64("", text, -INFINITY, INFINITY, &v, &none) || !isfinite(v) ? 0 :
		 mem_printf(out, err, "%.17g", v + 0.0);
	free(text);
	*n = *out ? strlen(*out) : 0;
	return rc;
}

/* Adds to a list of names, *list, which is the caller's; its owner's after a failure, too. */
static int add_name(char **list, const char *sign, const char *name, size_t n, struct err *err)
{
	char *before = *list;
	int rc = mem_printf(list, err, "%s%s'%.*s'", before ? before : "", before ? sign : "",
			    (int)(n < 60 ? n : 60), name);
	free(before);
	if (rc)
		*list = NULL;
	return rc;
}

static int add_pair(struct labelled *t, uint32_t a, uint32_t b, char **list, struct err *err)
{
	size_t n, k;
	const char *first = vocab_word(&t->labels, a, &n), *second = vocab_word(&t->labels, b, &k);
	return add_name(list, ", ", first, n, err) || add_name(list, " and ", second, k, err) ? -1 : 0;
}

typedef int (*key_fn)(const char *name, size_t len, char **out, size_t *n, struct err *err);

/* The pairs of names that have one key. */
static int find_alike(struct labelled *t, key_fn key_of, char **list, struct err *err)
{
	struct vocab keys = { 0 };
	uint32_t *first;
	int rc = 0, shown = 0;
	if (mem_alloc(&first, t->labels.n, sizeof *first, err))
		return -1;
	for (uint32_t i = 0; i < t->labels.n && shown < SHOWN && !rc; i++) {
		size_t len, n = 0;
		uint32_t id = 0, before = keys.n;
		char *key = NULL;
		const char *name = vocab_word(&t->labels, i, &len);
		if ((rc = key_of(name, len, &key, &n, err)))
			break;
		if (!key)
			continue;
		rc = vocab_add(&keys, key, n, &id, err);
		free(key);
		if (!rc && keys.n > before)
			first[id] = i;
		else if (!rc && ++shown)
			rc = add_pair(t, first[id], i, list, err);
	}
	vocab_release(&keys);
	free(first);
	return rc;
}

/* Classes whose names stand for no value where other programs write a table. */
static int find_missing(struct labelled *t, struct err *err)
{
	static const char *const missing[] = { "nan", "null", "na", "n/a", "#n/a", "<na>", "none", "nil", "missing",
					       "nat", "-nan", "\\n", "?" };
	for (uint32_t i = 0; i < t->labels.n; i++) {
		size_t len;
		const char *name = vocab_word(&t->labels, i, &len);
		for (size_t k = 0; k < sizeof missing / sizeof *missing; k++)
			if (column_same(name, len, missing[k]) && add_name(&t->missing, ", ", name, len, err))
				return -1;
	}
	return 0;
}

int evidence_check(struct labelled *t, struct err *err)
{
	if (!t->given && ((!t->header_said && check_first_rows(t, err)) || (!t->label_said && check_labels(t, err))))
		return -1;
	if (find_alike(t, alike_key, &t->alike, err))
		return -1;
	if (t->given) /* who lists the classes means them */
		return 0;
	return find_alike(t, number_key, &t->one_number, err) || find_missing(t, err) ? -1 : 0;
}
