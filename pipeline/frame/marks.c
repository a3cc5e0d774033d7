/* The table of marked options. A row without a program is about every program's option of that name, one with a value
 * about that value alone. */
#include "marks.h"

#include <string.h>

static const struct marked {
	enum mark mark;
	const char *program, *option;
	const char *value;     /* the value that has the mark, or several, "a|b"; NULL: all have */
	const char *otherwise; /* the option's default, where it counts as given; as help shows it */
} marked[] = {
	{ MARK_SEED, NULL, .option = "seed" },
	{ MARK_METHOD, "vic-train", .option = "mixup" },
	{ MARK_METHOD, "vic-train", .option = "mixup-mode" },
	{ MARK_METHOD, "vic-train", .option = "mixup-partner" },
	{ MARK_METHOD, "vic-train", .option = "label-smoothing" },
	{ MARK_METHOD, "vic-train", .option = "erl" },
	{ MARK_METHOD, "vic-train", .option = "loss" },
	{ MARK_METHOD, "vic-train", .option = "dropout" },
	{ MARK_METHOD, "vic-train", .option = "words" },
	{ MARK_METHOD, "vic-train", .option = "width" },
	{ MARK_METHOD, "vic-train", .option = "optimizer" },
	{ MARK_METHOD, "vic-train", .option = "ema" },
	{ MARK_DISTANCE, "vic-perturb", .option = "mu", .otherwise = "1" },
	{ MARK_DEV, "vic-split", .option = "dev" },
	{ MARK_DEV, "vic-tokenize", .option = "split", .value = "dev" },
	{ MARK_DEV, "vic-images", .option = "split", .value = "dev" },
	{ MARK_DEV, "vic-cat", .option = "split", .value = "dev" },
	{ MARK_DEV_EPOCH, "vic-train", .option = "select", .value = "dev-accuracy|best-dev|dev-nll|dev-refined",
	  .otherwise = "dev-accuracy" },
	{ MARK_MAP, "vic-calibrate", .option = "apply" },
	{ MARK_MAP, "vic-predict", .option = "map" },
};
enum { MARKED = sizeof marked / sizeof *marked };

static int is_program(const struct marked *m, const char *program)
{
	return !m->program || !strcmp(m->program, program);
}

/* The value in an argument of the option; NULL: it is another. */
static const char *value_in(const char *arg, const char *option)
{
	size_t n = strlen(option);
	return !strncmp(arg, "--", 2) && !strncmp(arg + 2, option, n) && arg[2 + n] == '=' ? arg + 3 + n : NULL;
}

static int is_among(const char *value, const char *values)
{
	size_t n = strlen(value);
	for (const char *at = values; at; at = (at = strchr(at, '|')) ? at + 1 : NULL)
		if (!strncmp(at, value, n) && (!at[n] || at[n] == '|'))
			return n > 0;
	return 0;
}

unsigned marks_of(const char *program, const char *arg)
{
	unsigned marks = 0;
	for (const struct marked *m = marked; m < marked + MARKED; m++) {
		const char *value = is_program(m, program) ? value_in(arg, m->option) : NULL;
		if (value && (!m->value || is_among(value, m->value)))
			marks |= m->mark;
	}
	return marks;
}

static const char *program_of(const json_t *line)
{
	const char *program = json_string_value(json_object_get(line, "program"));
	return program ? program : "";
}

const char *marks_option(const json_t *line, size_t *i)
{
	const json_t *args = json_object_get(line, "args");
	while (*i < json_array_size(args)) {
		const char *arg = json_string_value(json_array_get(args, (*i)++));
		if (arg && !strcmp(arg, "--"))
			*i = json_array_size(args);
		else if (arg && arg[0] == '-' && arg[1])
			return arg;
	}
	return NULL;
}

const char *marks_next(const json_t *line, enum mark mark, size_t *i)
{
	const char *arg;
	while ((arg = marks_option(line, i)) && !(marks_of(program_of(line), arg) & mark))
		;
	return arg;
}

/* Whether the option was given, with whatever value. */
static int is_given(const json_t *line, const char *option)
{
	const char *arg;
	size_t i = 0;
	while ((arg = marks_option(line, &i)) && !value_in(arg, option))
		;
	return arg != NULL;
}

const char *marks_value(const json_t *line, enum mark mark)
{
	size_t i = 0;
	const char *arg = marks_next(line, mark, &i);
	if (arg)
		return strchr(arg, '=') + 1;
	for (const struct marked *m = marked; m < marked + MARKED; m++)
		if (m->mark == mark && m->otherwise && is_program(m, program_of(line)) && !is_given(line, m->option))
			return m->otherwise;
	return NULL;
}

/* The option's row in the program's table; NULL: there is none. */
static const struct opt *row_of(const struct opt *opts, const char *option)
{
	while (opts->type != OPT_END && strcmp(opts->name, option))
		opts++;
	return opts->type == OPT_END ? NULL : opts;
}

void marks_print(const char *program, const struct opt *opts, FILE *to)
{
	for (const struct opt *o = opts; o->type != OPT_END; o++) {
		fprintf(to, "%s\t--%s\t", program, o->name);
		for (const struct marked *m = marked; m < marked + MARKED; m++)
			if (is_program(m, program) && !strcmp(m->option, o->name))
				fprintf(to, "%d%s%s", (int)m->mark, m->value ? "=" : "", m->value ? m->value : "");
		fputc('\n', to);
	}
	for (const struct marked *m = marked; m < marked + MARKED; m++) {
		const struct opt *row = row_of(opts, m->option);
		char text[256];
		if (!m->program || strcmp(m->program, program))
			continue;
		if (row)
			opt_default(row, text, sizeof text);
		if (!row || (m->otherwise && strcmp(text, m->otherwise)))
			fprintf(to, "%s\t--%s\t%s\n", program, m->option, row ? "has another default" : "is no option");
	}
}
