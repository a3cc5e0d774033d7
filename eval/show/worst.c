/* Wrong records by confidence, as tab-separated text. */
#include "worst.h"

#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>

struct wrong {
	uint64_t order; /* conf_order of its key */
	size_t at;
};

static int surer(const void *a, const void *b)
{
	const struct wrong *x = a, *y = b;
	if (x->order != y->order)
		return x->order < y->order ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

const char *worst_header(void)
{
	return "stream\tid\tlabel\tpredicted\tconfidence\tname";
}

int worst_write(const char *name, const struct rows *w, size_t most, FILE *to, struct err *err)
{
	struct wrong *wrong = NULL;
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < w->n; i++) {
		if (conf_right(w->key[i]))
			continue;
		if (mem_grow(&wrong, &cap, n + 1, sizeof *wrong, err)) {
			free(wrong);
			return -1;
		}
		wrong[n++] = (struct wrong){ conf_order(w->key[i]), i };
	}
	if (n)
		qsort(wrong, n, sizeof *wrong, surer);
	for (size_t i = 0; i < n && i < most; i++) {
		size_t at = wrong[i].at;
		text_put(to, name, TEXT_NAME);
		fprintf(to, "\t%" PRIu64 "\t", w->id[at]);
		text_put(to, w->head.classes[w->label[at]], TEXT_NAME);
		fputc('\t', to);
		text_put(to, w->head.classes[w->predicted[at]], TEXT_NAME);
		fprintf(to, "\t%.9g\t", conf_p(w->key[at]));
		text_put_part(to, w->names + w->name_of[at].from, w->name_of[at].len, TEXT_NAME);
		fputc('\n', to);
	}
	free(wrong);
	return 0;
}
