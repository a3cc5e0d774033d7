/* Words are compared one by one with two small tables; one that is put together from a word of each ("testset",
 * "imagestrain") counts as both. t10k is MNIST's name for its test files. */
#include "splits.h"
#include "pipeline/stream/stream.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { NOTHING = -1, SILENT = -2 }; /* an unknown word; one that says nothing */

static const struct {
	const char *word;
	int split;
} split_words[] = { { "training", SPLIT_TRAIN },  { "train", SPLIT_TRAIN },	{ "validation", SPLIT_DEV },
		    { "valid", SPLIT_DEV },	  { "val", SPLIT_DEV },		{ "dev", SPLIT_DEV },
		    { "development", SPLIT_DEV }, { "testing", SPLIT_TEST },	{ "test", SPLIT_TEST },
		    { "evaluation", SPLIT_TEST }, { "eval", SPLIT_TEST },	{ "unlabeled", SPLIT_EXTRA },
		    { "extra", SPLIT_EXTRA },	  { "unlabelled", SPLIT_EXTRA }, { "pred", SPLIT_EXTRA } };
static const char *const silent_words[] = {
	"set",	 "images", "image",    "imgs", "img",	 "data",   "dataset", "seg",
	"split", "folder", "pictures", "pics", "photos", "ilsvrc", "x",	      "raw"
};

static int split_word(const char *w, size_t n)
{
	for (size_t i = 0; i < sizeof split_words / sizeof *split_words; i++)
		if (strlen(split_words[i].word) == n && !strncasecmp(w, split_words[i].word, n))
			return split_words[i].split;
	return NOTHING;
}

static int is_silent(const char *w, size_t n)
{
	for (size_t i = 0; i < sizeof silent_words / sizeof *silent_words; i++)
		if (strlen(silent_words[i]) == n && !strncasecmp(w, silent_words[i], n))
			return 1;
	return 0;
}

/* A split, SILENT or NOTHING. */
static int meaning_of(const char *w, size_t n)
{
	int split = split_word(w, n);
	if (split >= 0 || is_silent(w, n))
		return split >= 0 ? split : SILENT;
	for (size_t k = 3; split < 0 && k + 3 <= n; k++) {
		if (is_silent(w + k, n - k))
			split = split_word(w, k);
		else if (is_silent(w, k))
			split = split_word(w + k, n - k);
	}
	return split;
}

/* The word at or after *at: its length, 0 at the end. */
static size_t next_word(const char *name, size_t len, size_t *at)
{
	size_t n = 0;
	while (*at < len && !isalpha((unsigned char)name[*at]))
		++*at;
	for (size_t i = *at; i + n < len && isalpha((unsigned char)name[i + n]); n++)
		if (n && isupper((unsigned char)name[i + n]) && islower((unsigned char)name[i + n - 1]))
			break;
	return n;
}

/* Reads a name; *company: how many of its words are in no table. */
static void read_name(struct split_hint *h, const char *name, size_t len, int *company)
{
	size_t n, used = 0;
	int several = 0;
	*h = (struct split_hint){ .split = -1 };
	*company = 0;
	if (len >= 4 && !strncasecmp(name, "t10k", 4)) {
		h->split = SPLIT_TEST;
		name += 4;
		len -= 4;
	}
	for (size_t at = 0; (n = next_word(name, len, &at)); at += n) {
		int what = meaning_of(name + at, n);
		if (what >= 0) {
			several |= h->split >= 0 && h->split != what;
			h->split = what;
			continue;
		}
		if (what == SILENT)
			continue;
		++*company;
		for (size_t i = 0; i <= n && used + 1 < sizeof h->rest; i++)
			h->rest[used++] = (char)(i < n ? tolower((unsigned char)name[at + i]) : ' ');
	}
	if (several)
		h->split = -1;
}

int splits_of(const char *name, size_t len)
{
	struct split_hint h;
	int company;
	read_name(&h, name, len, &company);
	return company ? -1 : h.split;
}

void splits_hint(struct split_hint *h, const char *name, size_t len)
{
	int company;
	read_name(h, name, len, &company);
}

int splits_all(const struct split_hint *h, size_t n)
{
	int differ = 0;
	for (size_t i = 0; i < n; i++) {
		if (h[i].split < 0)
			return 0;
		differ |= h[i].split != h[0].split;
	}
	return differ;
}

int splits_of_one(const struct split_hint *h, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(h[i].rest, h[0].rest))
			return 0;
	return splits_all(h, n);
}
