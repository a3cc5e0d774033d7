/* The table of claims. */
#include "claims.h"
#include "fields.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/io.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ID, FIGURE, WHERE, STATEMENT, DATA, MODEL, METRIC, A, DIRECTION, B, PAPER_A, PAPER_B };

static int take_claim(void *to, char *const *field, struct err *err)
{
	struct claims *all = to;
	static const char *const direction[] = {
		[CLAIM_VALUE] = "-", [CLAIM_BELOW] = "below", [CLAIM_ABOVE] = "above"
	};
	int which = 0;
	while (which <= CLAIM_ABOVE && strcmp(field[DIRECTION], direction[which]))
		which++;
	if (which > CLAIM_ABOVE)
		return err_set(err, "direction '%s' is none of below, above and -", field[DIRECTION]);
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->claim[i].id, field[ID]))
			return err_set(err, "id %s was given before", field[ID]);
	if (mem_grow(&all->claim, &all->cap, all->n + 1, sizeof *all->claim, err))
		return -1;
	struct claim *c = &all->claim[all->n];
	char *slash = strchr(field[B], '/');
	*c = (struct claim){ .id = field[ID], .figure = field[FIGURE], .where = field[WHERE],
			     .statement = field[STATEMENT], .data = field[DATA], .model = field[MODEL],
			     .metric = field[METRIC], .a = field[A], .b = slash ? slash + 1 : field[B],
			     .b_model = slash ? field[B] : NULL, .direction = (enum direction)which };
	if (slash)
		*slash = 0;
	if (slash && (slash == field[B] || !slash[1]))
		return err_set(err, "b is not MODEL/METHOD, nor a method alone");
	for (int i = ID; i <= A; i++)
		if (!*field[i])
			return err_set(err, "field %d may not be empty", i + 1);
	if (fields_number("paper_a", field[PAPER_A], &c->paper_a, err) ||
	    fields_number("paper_b", field[PAPER_B], &c->paper_b, err))
		return -1;
	if (which == CLAIM_VALUE ? *c->b || isnan(c->paper_a) : !*c->b)
		return err_set(err, which ? "b may not be empty in a claim" : "a value needs paper_a, and no b");
	struct err none = ERR_NONE;
	c->b_is_number = *c->b && !num_f64("b", c->b, -INFINITY, INFINITY, &c->number, &none);
	all->n++;
	return 0;
}

int claims_read(struct claims *c, const char *path, struct err *err)
{
	size_t len;
	*c = (struct claims){ 0 };
	if (io_slurp(path, FIELDS_BYTES, &c->text, &len, err))
		return -1;
	return fields_of(path, c->text, len, CLAIMS_HEADER, "claims", take_claim, c, err);
}

void claims_release(struct claims *c)
{
	free(c->claim);
	free(c->text);
	*c = (struct claims){ 0 };
}

/* Whether one of the patterns, with commas between, is the text's. */
static int matches(const char *patterns, const char *text)
{
	char one[256];
	for (const char *at = patterns, *end;; at = end + 1) {
		end = at + strcspn(at, ",");
		err_phrase(one, sizeof one, "%.*s", (int)(end - at), at);
		if (!fnmatch(one, text, 0))
			return 1;
		if (!*end)
			return 0;
	}
}

int claim_is_about(const struct claim *c, const struct result *row)
{
	return matches(c->figure, row->figure) && matches(c->data, row->dataset) && matches(c->model, row->model);
}

double claims_paper_value(const struct claims *c, const struct result *row)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct claim *k = &c->claim[i];
		if (strcmp(k->metric, row->metric) || strchr(k->data, '*') || !claim_is_about(k, row))
			continue;
		if (!isnan(k->paper_a) && !strcmp(k->a, row->method))
			return k->paper_a;
		if (!isnan(k->paper_b) && !k->b_model && !strcmp(k->b, row->method))
			return k->paper_b;
	}
	return NAN;
}
