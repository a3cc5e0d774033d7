/* The columns of records: one table of which there are, from which a block's results are made room for, put after the
 * others, thinned out and freed. */
#include "pipeline/base/mem.h"
#include "rows_block.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum source { RESULTS, BLOCK, NAMES };
enum { ALWAYS = 0, RECORD = 0, CLASSES = -1 };

static const struct column {
	unsigned wanted; /* enum rows_column, or ALWAYS */
	enum source source;
	int size; /* bytes an item; RECORD: a record's values; CLASSES: a key a class */
	size_t from, to; /* where the arrays are in source and rows */
} columns[] = {
	{ ALWAYS, RESULTS, 8, offsetof(struct results, key), offsetof(struct rows, key) },
	{ ALWAYS, RESULTS, 1, offsetof(struct results, fate), offsetof(struct rows, split_of) },
	{ COL_PREDICTED, RESULTS, 4, offsetof(struct results, predicted), offsetof(struct rows, predicted) },
	{ COL_NLL, RESULTS, 8, offsetof(struct results, nll), offsetof(struct rows, nll) },
	{ COL_BRIER, RESULTS, 8, offsetof(struct results, brier), offsetof(struct rows, brier) },
	{ COL_ENTROPY, RESULTS, 8, offsetof(struct results, entropy), offsetof(struct rows, entropy) },
	{ COL_MUTUAL, RESULTS, 8, offsetof(struct results, mutual), offsetof(struct rows, mutual) },
	{ COL_MAX_LOGIT, RESULTS, 8, offsetof(struct results, max_logit), offsetof(struct rows, max_logit) },
	{ COL_ENERGY, RESULTS, 8, offsetof(struct results, energy), offsetof(struct rows, energy) },
	{ COL_MARGIN, RESULTS, 8, offsetof(struct results, margin), offsetof(struct rows, margin) },
	{ COL_CLASS_KEYS, RESULTS, CLASSES, offsetof(struct results, class_key), offsetof(struct rows, class_key) },
	{ COL_ID, BLOCK, 8, offsetof(struct block, id), offsetof(struct rows, id) },
	{ COL_LABEL, BLOCK, 4, offsetof(struct block, label), offsetof(struct rows, label) },
	{ COL_VALUES, BLOCK, RECORD, offsetof(struct block, data), offsetof(struct rows, values) },
	{ COL_NAME, NAMES, (int)sizeof(struct row_name), 0, offsetof(struct rows, name_of) },
};
enum { COLUMNS = sizeof columns / sizeof *columns };
_Static_assert((int)COLUMNS + 1 == (int)ROWS_COLUMNS, "rows_append needs room for the size of each column");

static int wanted(const struct column *c, unsigned asked)
{
	return c->wanted == ALWAYS || (asked & c->wanted);
}

static size_t result_size(const struct column *c, int classes)
{
	return c->size == CLASSES ? (size_t)classes * sizeof(conf_key) : (size_t)c->size;
}

static size_t size_of(const struct column *c, const struct rows *w)
{
	return c->size == RECORD ? stream_record_size(&w->head) : result_size(c, w->head.n_classes);
}

/* The array pointer at `offset` in a struct. */
static unsigned char **array_at(const void *base, size_t offset)
{
	return (unsigned char **)((uintptr_t)base + offset);
}

int results_room(struct results *r, unsigned asked, size_t n, int classes, struct err *err)
{
	if (n <= r->cap && r->key)
		return 0;
	results_release(r);
	for (const struct column *c = columns; c < columns + COLUMNS; c++)
		if (c->source == RESULTS && wanted(c, asked) &&
		    mem_alloc(array_at(r, c->from), n, result_size(c, classes), err))
			return -1;
	r->cap = n;
	return 0;
}

void results_release(struct results *r)
{
	for (const struct column *c = columns; c < columns + COLUMNS; c++)
		if (c->source == RESULTS)
			free(*array_at(r, c->from));
	*r = (struct results){ 0 };
}

/* Names differ in length: their bytes go to w->names in the order in which blocks are done, and to[] says where. */
static int append_names(struct rows *w, size_t *cap, struct row_name *to, const struct block *b, struct err *err)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const char *name = block_name(b, i, &to[i].len);
		if (mem_grow(&w->names, cap, w->names_len + to[i].len, 1, err))
			return -1;
		to[i].from = w->names_len;
		if (to[i].len)
			memcpy(w->names + w->names_len, name, to[i].len);
		w->names_len += to[i].len;
	}
	return 0;
}

enum { RESERVED = 1 << 24 };
int rows_reserve(struct rows *w, size_t cap[ROWS_COLUMNS], uint64_t expected, struct err *err)
{
	for (const struct column *c = columns; c < columns + COLUMNS; c++) {
		size_t n = c->wanted != ALWAYS ? 0 : expected < RESERVED ? (size_t)expected : RESERVED;
		if (n && mem_pages(array_at(w, c->to), n, size_of(c, w), err))
			return -1;
		cap[c - columns] = n;
	}
	return 0;
}

int rows_append(struct rows *w, size_t cap[ROWS_COLUMNS], unsigned asked, uint64_t at, const struct block *b,
		const struct results *r, struct err *err)
{
	for (const struct column *c = columns; c < columns + COLUMNS; c++) {
		unsigned char **to = array_at(w, c->to);
		size_t size = size_of(c, w);
		if (!wanted(c, asked))
			continue;
		if (mem_grow(to, &cap[c - columns], at + b->n, size, err))
			return -1;
		if (c->source == NAMES) {
			if (append_names(w, &cap[COLUMNS], w->name_of + at, b, err))
				return -1;
			continue;
		}
		memcpy(*to + at * size, *array_at(c->source == BLOCK ? (const void *)b : r, c->from), b->n * size);
	}
	return 0;
}

/* Keeps the items whose fate is the split (or, for ROWS_ALL, any split). */
static void keep_items(unsigned char *p, size_t size, const uint8_t *fate, size_t n, int split)
{
	size_t to = 0;
	for (size_t i = 0; p && i < n; i++)
		if (split == ROWS_ALL ? fate[i] != SPLIT_DROPPED : fate[i] == split) {
			if (to != i)
				memcpy(p + to * size, p + i * size, size);
			to++;
		}
}

void rows_keep(struct rows *w, size_t n, int split)
{
	const uint8_t *fate = w->split_of;
	for (const struct column *c = columns; c < columns + COLUMNS; c++)
		if (*array_at(w, c->to) != fate)
			keep_items(*array_at(w, c->to), size_of(c, w), fate, n, split);
	keep_items(w->split_of, 1, fate, n, split);
}

void rows_free_columns(struct rows *w)
{
	for (const struct column *c = columns; c < columns + COLUMNS; c++) {
		free(*array_at(w, c->to));
		*array_at(w, c->to) = NULL;
	}
	free(w->names);
	w->names = NULL;
}
