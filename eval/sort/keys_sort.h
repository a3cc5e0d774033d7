/* keys_sort: keys and whole numbers sorted, and records ranked. The same on every machine. */
#ifndef VIC_EVAL_KEYS_SORT_H
#define VIC_EVAL_KEYS_SORT_H

#include "eval/records/conf.h"
#include "pipeline/base/err.h"

#include <stddef.h>

/* Ascending in confidence; wrong before right within a tie. Uses n keys of scratch memory. */
int keys_sort(conf_key *key, size_t n, struct err *err) VIC_CHECKED;
/* The same of whole numbers. */
int whole_sort(uint64_t *key, size_t n, struct err *err) VIC_CHECKED;
/* order: [n], filled with the records by falling key, ties by number. Errors: 2^32 records or more, no memory. */
int order_falling(const uint64_t *key, size_t n, uint32_t *order, struct err *err) VIC_CHECKED;

#endif
