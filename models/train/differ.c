/* Two keys are walked side by side, row by row of the options: a value ends where the next row's key begins. */
#include "options.h"

#include "pipeline/base/memtext.h"
#include "pipeline/base/num.h"

#include <string.h>

/* Of a key: where it is. */
struct walk {
	const char *at, *value;
	int len;
};

/* Takes what stands before the value, and the value up to `next` (NULL: the end). 0: another key stands there. */
static int step(struct walk *w, const char *key, const char *next)
{
	size_t n = strlen(key);
	if (strncmp(w->at, key, n))
		return 0;
	w->value = w->at + n;
	const char *end = next ? strstr(w->value, next) : w->value + strlen(w->value);
	w->len = end ? (int)(end - w->value) : 0;
	w->at = end;
	return end != NULL;
}

/* What stands before the next value of this key after option i; NULL: its end. */
static const char *next_key(const struct walk *w, int i)
{
	const char *key;
	for (int k = i + 1; k < TRAIN_OPTIONS; k++) {
		train_option(k, &key);
		if (key && strstr(w->at, key))
			return key;
	}
	return i < TRAIN_OPTIONS ? TRAIN_KEY_WEIGHTS : NULL;
}

/* As step; an option that does not stand there, of others' networks or of a later version, is 0. */
static int take(struct walk *w, const char *key, int i)
{
	if (strstr(w->at, key))
		return step(w, key, next_key(w, i));
	w->value = "0";
	w->len = 1;
	return 1;
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
	static const struct opt weights = { .name = "class-weights", .type = OPT_TEXT };
	const char *between = "", *key;
	const struct opt *o;
	for (int i = 0; i <= TRAIN_OPTIONS; i++) {
		o = i < TRAIN_OPTIONS ? train_option(i, &key) : &weights;
		if (o == &weights)
			key = TRAIN_KEY_WEIGHTS;
		if (!key)
			continue;
		if (!take(then, key, i) || !take(now, key, i))
			return 0;
		if (then->len == now->len && !memcmp(then->value, now->value, (size_t)now->len))
			continue;
		fprintf(to, "%s--%s ", between, o->name);
		print_value(o, then, to);
		fputs(" (here ", to);
		print_value(o, now, to);
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
