/* Whether two streams hold the same records. */
#include "compare.h"

#include <inttypes.h>
#include <string.h>

int compare_same_records(const struct rows *a, const struct rows *b, struct err *err)
{
	size_t n = a->n < b->n ? a->n : b->n;
	if (a->head.n_classes != b->head.n_classes)
		return err_set(err, "%s has %d classes and %s has %d", a->name, a->head.n_classes, b->name,
			       b->head.n_classes);
	for (int c = 0; c < a->head.n_classes; c++)
		if (strcmp(a->head.classes[c], b->head.classes[c]))
			return err_set(err, "class %d is '%s' in %s and '%s' in %s", c, a->head.classes[c], a->name,
				       b->head.classes[c], b->name);
	for (size_t i = 0; i < n; i++) {
		if (a->id[i] != b->id[i])
			return err_set(err,
				       "record %zu is number %" PRIu64 " in %s and %" PRIu64
				       " in %s: not the same records in the same order",
				       i, a->id[i], a->name, b->id[i], b->name);
		if (a->label[i] != b->label[i])
			return err_set(err, "record %zu (number %" PRIu64 ") has label %d in %s and %d in %s", i,
				       a->id[i], a->label[i], a->name, b->label[i], b->name);
	}
	if (a->n != b->n)
		return err_set(err, "%s has %zu records and %s has %zu: the first %zu agree", a->name, a->n, b->name,
			       b->n, n);
	return 0;
}
