/* Compares provenances stage by stage. Only options count, less those that are seeds (MARK_SEED). Provenance has
 * options in the order of the program's table, so comparing them in order does not depend on how the command was typed.
 * A model's own stages are compared by the same rule, recursively. */
#include "seeds.h"

#include "pipeline/frame/marks.h"

#include <string.h>

/* The next option that is not the seed; NULL: none is left. */
static const char *next_option(const json_t *line, size_t *i)
{
	const char *program = json_string_value(json_object_get(line, "program")), *option;
	while ((option = marks_option(line, i)) && (marks_of(program ? program : "", option) & MARK_SEED))
		;
	return option;
}

static int same_stage(const json_t *a, const json_t *b)
{
	const json_t *x, *y;
	const char *u, *v;
	size_t i = 0, j = 0;
	if (!json_equal(json_object_get(a, "program"), json_object_get(b, "program")))
		return 0;
	do {
		u = next_option(a, &i);
		v = next_option(b, &j);
		if (!u != !v || (u && strcmp(u, v)))
			return 0;
	} while (u);
	/* vic-predict's line holds the stages that the model passed. */
	x = json_object_get(a, "model");
	y = json_object_get(b, "model");
	return x || y ? seeds_same(x, y) : 1;
}

int seeds_same(const json_t *a, const json_t *b)
{
	size_t n = json_array_size(a);
	if (!n || n != json_array_size(b))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!same_stage(json_array_get(a, i), json_array_get(b, i)))
			return 0;
	return 1;
}
