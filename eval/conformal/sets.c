/* Writes sets. Names are escaped once, not once a record. */
#include "sets.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void record_probs(const struct rows *rows, size_t i, double *p, double *room)
{
	int k = rows->head.n_classes, samples = rows->head.samples;
	memset(p, 0, (size_t)k * sizeof *p);
	for (int s = 0; s < samples; s++) {
		rows_values(rows, i, s, room);
		if (rows->head.values == VALUES_LOGITS)
			softmax_row(room, k, room);
		for (int c = 0; c < k; c++)
			p[c] += room[c] / samples;
	}
}

static int name_json(char **out, const char *name, struct err *err)
{
	json_t *j = jsontext_name(name);
	int rc = jsontext_write(out, j, JSON_ENCODE_ANY | JSON_COMPACT, err);
	json_decref(j);
	return rc;
}

int sets_init(struct sets *s, const struct stream_head *head, int json, struct err *err)
{
	*s = (struct sets){ .json = json };
	int rc = mem_alloc(&s->name, (size_t)head->n_classes, sizeof *s->name, err) ||
		 mem_alloc(&s->member, (size_t)head->n_classes, sizeof *s->member, err);
	for (; !rc && s->k < head->n_classes; s->k += !rc)
		rc = json ? name_json(&s->name[s->k], head->classes[s->k], err) :
			    text_escape(&s->name[s->k], head->classes[s->k], TEXT_WORD, err);
	if (rc)
		sets_release(s);
	return rc ? -1 : 0;
}

void sets_release(struct sets *s)
{
	for (int c = 0; c < s->k; c++)
		free(s->name[c]);
	free(s->name);
	free(s->member);
	*s = (struct sets){ 0 };
}

int sets_head(const struct sets *s, struct output *out, struct err *err)
{
	return s->json ? 0 : output_printf(out, err, "record\tlabel\tcovered\tsize\tset\n");
}

static int likelier(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return x->p == y->p ? x->k - y->k : x->p < y->p ? 1 : -1;
}

int sets_take(struct sets *s, const double *p, double cut, int never_empty)
{
	int n = 0, winner = 0;
	for (int c = 0; c < s->k; c++) {
		winner = p[c] > p[winner] ? c : winner;
		if (p[c] >= cut)
			s->member[n++] = (struct member){ p[c], c };
	}
	if (!n && never_empty)
		s->member[n++] = (struct member){ p[winner], winner };
	qsort(s->member, (size_t)n, sizeof *s->member, likelier);
	return n;
}

int sets_hold(const struct sets *s, int size, int32_t class)
{
	int i = 0;
	while (i < size && s->member[i].k != class)
		i++;
	return i < size;
}

static int write_names(const struct sets *s, struct output *out, int size, const char *between, struct err *err)
{
	for (int i = 0; i < size; i++) {
		const char *name = s->name[s->member[i].k];
		if ((i && output_write(out, between, 1, err)) || output_write(out, name, strlen(name), err))
			return -1;
	}
	return 0;
}

int sets_write(const struct sets *s, struct output *out, uint64_t id, int32_t label, int size, struct err *err)
{
	const char *name = label < 0 ? "" : s->name[label];
	int hit = sets_hold(s, size, label);
	if (!s->json)
		return output_printf(out, err, "%" PRIu64 "\t", id) || output_write(out, name, strlen(name), err) ||
		       output_printf(out, err, "\t%s\t%d\t", label < 0 ? "" : hit ? "1" : "0", size) ||
		       write_names(s, out, size, " ", err) || output_write(out, "\n", 1, err) ? -1 : 0;
	if (label < 0)
		name = "null";
	return output_printf(out, err, "{\"record\":%" PRIu64 ",\"label\":", id) ||
	       output_write(out, name, strlen(name), err) ||
	       output_printf(out, err, ",\"covered\":%s,\"size\":%d,\"set\":[",
			     label < 0 ? "null" : hit ? "true" : "false", size) ||
	       write_names(s, out, size, ",", err) || output_printf(out, err, "]}\n") ? -1 : 0;
}
