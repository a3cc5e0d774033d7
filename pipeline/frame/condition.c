/* A condition is a list of alternatives with "|" between: "mixup", "method=vector", "floor|bootstrap". One is in force
 * where a flag, a text or a list is given, a number is not 0, a choice is the one that stands after "=", or without "="
 * another than the first. */
#include "condition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 64 };

/* The next alternative: its option, and in `value` what stands after "=". */
static const struct opt *next_alternative(const struct opt *opts, const char **at, char value[WORD])
{
	size_t n = strcspn(*at, "|"), name = strcspn(*at, "|=");
	const struct opt *found = NULL;
	for (const struct opt *o = opts; o->type != OPT_END && !found; o++)
		if (strlen(o->name) == name && !memcmp(o->name, *at, name))
			found = o;
	if (!found || n - name > WORD)
		abort();
	value[0] = 0;
	if (n > name) {
		memcpy(value, *at + name + 1, n - name - 1);
		value[n - name - 1] = 0;
	}
	*at += n + ((*at)[n] == '|');
	return found;
}

static int in_force(const struct opt *o, int given, const char *value)
{
	char now[256];
	switch (o->type) {
	case OPT_INT:
		return *(const int64_t *)o->target != 0;
	case OPT_REAL:
		return *(const double *)o->target != 0;
	case OPT_CHOICE:
		opt_default(o, now, sizeof now);
		return *value ? !strcmp(now, value) : *(const int *)o->target != 0;
	case OPT_TEXT:
		return given || *(const char *const *)o->target;
	case OPT_FLAG:
	case OPT_MANY:
	case OPT_END:
		break;
	}
	return given;
}

static int is_met(const struct opt *opts, const unsigned char *given, const char *condition)
{
	char value[WORD];
	while (*condition) {
		const struct opt *o = next_alternative(opts, &condition, value);
		if (in_force(o, given[o - opts], value))
			return 1;
	}
	return 0;
}

/* "--method vector or --method matrix". */
static void describe(const struct opt *opts, const char *condition, char *text, size_t size)
{
	char value[WORD];
	size_t n = 0;
	text[0] = 0;
	while (*condition && n < size) {
		const struct opt *o = next_alternative(opts, &condition, value);
		int number = (o->type == OPT_INT && o->lo <= 0) || (o->type == OPT_REAL && o->flo <= 0);
		n += (size_t)snprintf(text + n, size - n, "%s--%s%s%s", n ? " or " : "", o->name,
				      number || value[0] ? " " : "", number ? "above 0" : value);
	}
}

int condition_check(const struct opt *opts, const unsigned char *given, struct err *err)
{
	char text[256];
	for (int i = 0; opts[i].type != OPT_END; i++) {
		const struct opt *o = &opts[i];
		if (given[i] && o->with && !is_met(opts, given, o->with)) {
			describe(opts, o->with, text, sizeof text);
			return err_usage(err, "--%s goes with %s: it has no effect here", o->name, text);
		}
		if (given[i] && o->without && is_met(opts, given, o->without)) {
			describe(opts, o->without, text, sizeof text);
			return err_usage(err, "--%s has no effect with %s", o->name, text);
		}
	}
	return 0;
}

void condition_print(const char *program, const struct opt *opts, FILE *to)
{
	for (const struct opt *o = opts; o->type != OPT_END; o++) {
		const char *kind[] = { o->with ? "with" : o->without ? "" : "-", o->without ? "without" : "" };
		const char *condition[] = { o->with ? o->with : "", o->without };
		char value[256], text[256];
		opt_default(o, value, sizeof value);
		int is_int = o->type == OPT_INT, is_real = o->type == OPT_REAL;
		if ((is_int && *(int64_t *)o->target < 1) || (is_real && !(*(double *)o->target > 0)))
			snprintf(value, sizeof value, "%g", is_int ? (double)(o->lo > 1 ? o->lo : 1)
									       : (o->flo + o->fhi) / 2);
		for (int k = 0; k < 2; k++) {
			if (!*kind[k])
				continue;
			describe(opts, condition[k], text, sizeof text);
			fprintf(to, "%s\t--%s\t%s\t%s\t%s\n", program, o->name, kind[k], condition[k],
				o->type == OPT_FLAG ? "" : value[0] ? value : "x");
		}
	}
}
