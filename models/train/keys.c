/* Keys of runs: made of settled options, and compared. Two are walked side by side, row by row of the options: a value
 * ends where the next row's key begins. */
#include "options.h"
#include "trainer.h"

#include "pipeline/base/memtext.h"
#include "pipeline/base/num.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static double number_of(const struct train_option *r)
{
	return r->opt->type == OPT_REAL	 ? *(const double *)r->value
	       : r->opt->type == OPT_INT ? (double)*(const int64_t *)r->value
					 : *(const int *)r->value;
}

/* A text that is not there is what stands for none. */
static int is_unsaid(const struct train_option *r)
{
	if (!r->unsaid)
		return 0;
	return r->opt->type == OPT_TEXT ? !*(const char *const *)r->value : number_of(r) == strtod(r->unsaid, NULL);
}

int train_options_key(char **key, const struct train_options *o, int h, int w, struct err *err)
{
	struct memtext m;
	if (memtext_open(&m, err))
		return -1;
	for (int i = 0; i < TRAIN_OPTIONS; i++) {
		struct train_option r = train_option(i, o);
		if (!r.key || is_unsaid(&r))
			continue;
		fputs(r.key, m.to);
		if (r.value == &o->crop) /* as it comes out */
			fprintf(m.to, "%dx%d", h, w);
		else if (r.value == &o->epochs) /* elsewhere their number changes nothing but the end */
			fprintf(m.to, "%d", o->schedule == SCHEDULE_COSINE ? (int)o->epochs : 0);
		else if (r.opt->type == OPT_TEXT)
			fputs(*(const char *const *)r.value, m.to);
		else if (r.opt->type == OPT_INT)
			fprintf(m.to, "%" PRId64, *(const int64_t *)r.value);
		else
			fprintf(m.to, "%.17g", number_of(&r));
	}
	/* once after the seed, so always */
	fprintf(m.to, TRAIN_KEY_WEIGHTS "%s", o->class_weights ? o->class_weights : "none");
	return memtext_close(&m, key, NULL, err);
}

/* Of a key: where it is. */
struct walk {
	const char *at, *value;
	int len;
};

/* Option i, or after them the class weights. */
static struct train_option option_of(int i)
{
	static const struct opt weights = { .name = "class-weights", .type = OPT_TEXT };
	return i < TRAIN_OPTIONS ? train_option(i, NULL)
				 : (struct train_option){ .opt = &weights, .key = TRAIN_KEY_WEIGHTS };
}

/* Takes what stands before option i's value, and the value up to the next option that stands there. 0: another key
 * stands there. */
static int step(struct walk *w, int i)
{
	struct train_option r = option_of(i);
	const char *end = NULL;
	size_t n = strlen(r.key);
	if (strncmp(w->at, r.key, n)) {
		w->value = r.unsaid;
		w->len = r.unsaid ? (int)strlen(r.unsaid) : 0;
		return r.unsaid != NULL;
	}
	w->value = w->at + n;
	if (i == TRAIN_OPTIONS)
		end = w->value + strlen(w->value);
	for (int k = i + 1; k <= TRAIN_OPTIONS && !end; k++) {
		const char *next = option_of(k).key;
		end = next ? strstr(w->value, next) : NULL;
	}
	w->len = end ? (int)(end - w->value) : 0;
	w->at = end;
	return end != NULL;
}

/* Options that others' networks have stand in neither. */
static int stands(const struct walk *a, const struct walk *b, const char *key)
{
	return strstr(a->at, key) || strstr(b->at, key);
}

/* A value of a key as one would give it. */
static void print_value(const struct opt *o, const struct walk *w, FILE *to)
{
	struct opt here = *o;
	char text[64];
	double value = 0;
	struct err none;
	snprintf(text, sizeof text, "%.*s", w->len, w->value);
	int number = o->type != OPT_TEXT && !num_f64("", text, -1e300, 1e300, &value, &none), choice = (int)value;
	here.target = &choice;
	if (number && o->type == OPT_CHOICE)
		opt_default(&here, text, sizeof text);
	else if (number && o->type == OPT_FLAG)
		snprintf(text, sizeof text, "%s", choice ? "on" : "off");
	else if (number && o->type == OPT_REAL)
		snprintf(text, sizeof text, "%g", value);
	if (o->type == OPT_TEXT)
		fprintf(to, "%.*s", w->len, w->value);
	else
		fputs(text, to);
}

/* 1: all of both was understood. */
static int compare_keys(struct walk *then, struct walk *now, FILE *to)
{
	const char *between = "";
	for (int i = 0; i <= TRAIN_OPTIONS; i++) {
		struct train_option r = option_of(i);
		if (!r.key || !stands(then, now, r.key))
			continue;
		if (!step(then, i) || !step(now, i))
			return 0;
		if (then->len == now->len && !memcmp(then->value, now->value, (size_t)now->len))
			continue;
		fprintf(to, "%s--%s ", between, r.opt->name);
		print_value(r.opt, then, to);
		fputs(" (here ", to);
		print_value(r.opt, now, to);
		fputc(')', to);
		between = ", ";
	}
	return !*then->at && !*now->at;
}

int train_options_differ(const char *then, const char *now, char **text, struct err *err)
{
	struct walk a = { .at = then }, b = { .at = now };
	struct memtext m;
	if (memtext_open(&m, err))
		return -1;
	int known = compare_keys(&a, &b, m.to);
	if (memtext_close(&m, text, NULL, err))
		return -1;
	return known;
}
