/* The option table: parsing, help, man page, and arguments for the provenance. Targets hold the defaults until
 * opt_parse overwrites them, so opt_help and opt_roff come before it. Texts are not copied: targets point into argv,
 * whose operands opt_parse moves to the front. An option that is repeated (OPT_MANY aside), or that sets the target
 * of another one given, is refused. A table has at most 128 entries (`seen`, `names`). choose and choice read the
 * same "a|b|c" list and must agree. */
#include "opt.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int opt_count(const struct opt *opts)
{
	int n = 0;
	while (opts && opts[n].type != OPT_END)
		n++;
	return n;
}

/* Optimal string alignment: Levenshtein distance in which two letters that changed places count once, so that --hlep is
 * nearest to --help. Names are short and this runs once, before exit. */
static int distance(const char *a, const char *b)
{
	int row[3][64], n = (int)strlen(b);
	if (n > 62 || strlen(a) > 62)
		return 99;
	for (int j = 0; j <= n; j++)
		row[0][j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (int j = 1; j <= n; j++) {
			int best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[strlen(a) % 3][n];
}

int opt_nearest(const char *text, const char *const *names, int n)
{
	int near = -1, best = 4;
	for (int i = 0; i < n; i++) {
		int d = distance(text, names[i]);
		if (d < best && (size_t)d < strlen(text)) {
			best = d;
			near = i;
		}
	}
	return near;
}

static int unknown(const struct opt *opts, const char *arg, size_t len, struct err *err)
{
	const char *names[128];
	char name[64] = ""; /* no option is as long */
	size_t dashes = arg[1] == '-' ? 2 : 1;
	int n = 0;
	if (len - dashes < sizeof name)
		memcpy(name, arg + dashes, len - dashes);
	for (int i = 0; opts[i].type != OPT_END; i++)
		if (!(opts[i].flags & OPT_HIDDEN))
			names[n++] = opts[i].name;
	int near = opt_nearest(name, names, n);
	if (near >= 0)
		return err_usage(err, "unknown option '%.*s'; did you mean '--%s'?", (int)len, arg, names[near]);
	return err_usage(err, "unknown option '%.*s'; --help lists them", (int)len, arg);
}

/* Choice i of "a|b|c", and its length. */
static const char *choice(const char *choices, int i, int *len)
{
	const char *p = choices;
	while (i-- > 0 && p)
		p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL;
	*len = p ? (int)strcspn(p, "|") : 1;
	return p ? p : "?";
}

static int choose_value(const struct opt *o, const char *shown, const char *text, struct err *err)
{
	size_t n = strlen(text);
	const char *p = o->choices;
	for (int i = 0; p; i++) {
		size_t k = strcspn(p, "|");
		if (k == n && !memcmp(p, text, n)) {
			*(int *)o->target = i;
			return 0;
		}
		p = p[k] ? p + k + 1 : NULL;
	}
	return err_usage(err, "%s: '%s' is none of %s", shown, text, o->choices);
}

static int store(const struct opt *o, const char *shown, const char *text, struct err *err)
{
	if ((o->flags & OPT_NAME) && !text_is_utf8(text, strlen(text)))
		return err_usage(err, "%s: '%s' is not UTF-8", shown, text);
	switch (o->type) {
	case OPT_INT:
		return num_i64(shown, text, o->lo, o->hi, o->target, err);
	case OPT_REAL:
		return num_f64(shown, text, o->flo, o->fhi, o->target, err);
	case OPT_TEXT:
		if (!*text)
			return err_usage(err, "%s: the value is empty", shown);
		*(const char **)o->target = text;
		return 0;
	case OPT_CHOICE:
		return choose_value(o, shown, text, err);
	case OPT_MANY: {
		struct opt_many *m = o->target;
		if (mem_grow(&m->item, &m->cap, m->n + 1, sizeof *m->item, err))
			return -1;
		m->item[m->n++] = text;
		return 0;
	}
	case OPT_FLAG:
	case OPT_END:
		break;
	}
	*(int *)o->target = o->zero ? 0 : o->value ? o->value : 1;
	return 0;
}

static int find_option(const struct opt *opts, const char *arg, size_t n)
{
	for (int i = 0; opts[i].type != OPT_END; i++) {
		if (arg[1] == '-' ? strlen(opts[i].name) == n - 2 && !memcmp(opts[i].name, arg + 2, n - 2)
				  : n == 2 && opts[i].letter == arg[1])
			return i;
	}
	return -1;
}

static int refuse_again(const struct opt *opts, const unsigned char *seen, int at, struct err *err)
{
	if (opts[at].type == OPT_MANY)
		return 0;
	if (seen[at])
		return err_usage(err, "--%s is given twice", opts[at].name);
	for (int i = 0; opts[i].type != OPT_END; i++)
		if (seen[i] && opts[i].target == opts[at].target)
			return err_usage(err, "--%s and --%s exclude each other", opts[i].name, opts[at].name);
	return 0;
}

int opt_parse(const struct opt *opts, int argc, char **argv, int *n_operands, unsigned char *given, struct err *err)
{
	unsigned char seen[128] = { 0 };
	int kept = 0, only_operands = 0;
	if (opt_count(opts) > (int)sizeof seen)
		return err_set(err, "option table is longer than %zu", sizeof seen);
	for (int i = 1; i < argc; i++) {
		char *arg = argv[i];
		if (only_operands || arg[0] != '-' || !arg[1]) {
			argv[++kept] = arg;
			continue;
		}
		if (!strcmp(arg, "--")) {
			only_operands = 1;
			continue;
		}
		size_t n = arg[1] == '-' ? strcspn(arg, "=") : strlen(arg);
		int at = find_option(opts, arg, n);
		if (at < 0)
			return unknown(opts, arg, n, err);
		char shown[80]; /* the name of an option of the table */
		snprintf(shown, sizeof shown, "%.*s", (int)n, arg);
		const char *text = arg[n] ? arg + n + 1 : NULL;
		if (opts[at].type == OPT_FLAG && text)
			return err_usage(err, "%s takes no value", shown);
		if (opts[at].type != OPT_FLAG && !text) {
			if (i + 1 >= argc)
				return err_usage(err, "%s needs a value", shown);
			text = argv[++i];
		}
		if (refuse_again(opts, seen, at, err) || store(&opts[at], shown, text, err))
			return -1;
		seen[at] = 1;
	}
	*n_operands = kept;
	if (given)
		memcpy(given, seen, (size_t)opt_count(opts));
	return 0;
}

int opt_keep(const struct opt *opts, unsigned flag, int n, char **args, int *kept, struct err *err)
{
	*kept = 0;
	for (int i = 0; i < n; i++) {
		if (args[i][0] != '-' || args[i][1] != '-')
			continue;
		size_t len = strcspn(args[i], "=");
		int at = find_option(opts, args[i], len);
		if (at < 0)
			return unknown(opts, args[i], len, err);
		if (opts[at].flags & flag)
			args[(*kept)++] = args[i];
	}
	return 0;
}

int opt_given(const struct opt *opts, const unsigned char *given, const char *name)
{
	for (int i = 0; opts[i].type != OPT_END; i++)
		if (!strcmp(opts[i].name, name))
			return given[i];
	abort();
}

/* The shortest text that reads back as x: 0.1, not 0.10000000000000001. */
static void shortest(double x, char text[32])
{
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, 32, "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			return;
	}
}

size_t opt_times(const struct opt *opt)
{
	return opt->type == OPT_MANY ? ((const struct opt_many *)opt->target)->n : 1;
}

int opt_argument(const struct opt *opt, size_t k, char **text, struct err *err)
{
	char number[32];
	const char *value = number;
	int len = -1;
	switch (opt->type) {
	case OPT_FLAG:
	case OPT_END:
		return mem_printf(text, err, "--%s", opt->name);
	case OPT_INT:
		snprintf(number, sizeof number, "%" PRId64, *(int64_t *)opt->target);
		break;
	case OPT_REAL:
		shortest(*(double *)opt->target, number);
		break;
	case OPT_TEXT:
		value = *(const char **)opt->target;
		break;
	case OPT_MANY:
		value = ((const struct opt_many *)opt->target)->item[k];
		break;
	case OPT_CHOICE:
		value = choice(opt->choices, *(int *)opt->target, &len);
		break;
	}
	return len < 0 ? mem_printf(text, err, "--%s=%s", opt->name, value)
		       : mem_printf(text, err, "--%s=%.*s", opt->name, len, value);
}

void opt_default(const struct opt *opt, char *text, size_t size)
{
	int len;
	const char *p;
	text[0] = 0;
	switch (opt->type) {
	case OPT_INT:
		snprintf(text, size, "%" PRId64, *(int64_t *)opt->target);
		break;
	case OPT_REAL:
		snprintf(text, size, "%g", *(double *)opt->target);
		break;
	case OPT_TEXT:
		if (*(const char **)opt->target)
			snprintf(text, size, "%s", *(const char **)opt->target);
		break;
	case OPT_CHOICE:
		p = choice(opt->choices, *(int *)opt->target, &len);
		snprintf(text, size, "%.*s", len, p);
		break;
	case OPT_FLAG:
	case OPT_MANY:
	case OPT_END:
		break;
	}
}

enum { HELP_COLUMN = 32, HELP_WIDTH = 80 };

/* Prints the words of text, which go on at column *at, in lines of HELP_WIDTH columns from HELP_COLUMN on. */
static void print_words(FILE *to, const char *text, int *at)
{
	while (*text) {
		int n = (int)strcspn(text, " ");
		if (*at > HELP_COLUMN && *at + 1 + n > HELP_WIDTH) {
			fprintf(to, "\n%*s", HELP_COLUMN, "");
			*at = HELP_COLUMN;
		} else if (*at > HELP_COLUMN) {
			fputc(' ', to);
			++*at;
		}
		fprintf(to, "%.*s", n, text);
		*at += n;
		text += n;
		text += strspn(text, " ");
	}
}

void opt_help(const struct opt *opts, FILE *to)
{
	for (int i = 0; opts[i].type != OPT_END; i++) {
		const struct opt *o = &opts[i];
		char left[96], value[256];
		const char *arg = o->type == OPT_FLAG ? "" : o->arg ? o->arg : o->choices;
		if (o->flags & OPT_HIDDEN)
			continue;
		char letter[8] = "    ";
		if (o->letter)
			snprintf(letter, sizeof letter, "-%c, ", o->letter);
		snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, *arg ? " " : "", arg);
		fprintf(to, "%-*s", HELP_COLUMN, left);
		if (strlen(left) >= HELP_COLUMN)
			fprintf(to, "\n%*s", HELP_COLUMN, "");
		int at = HELP_COLUMN;
		print_words(to, o->help, &at);
		opt_default(o, value, sizeof value);
		if (value[0] && !(o->flags & OPT_NO_DEFAULT)) {
			char shown[sizeof value + 3];
			snprintf(shown, sizeof shown, "[%s]", value);
			print_words(to, shown, &at);
		}
		fputc('\n', to);
	}
}

void opt_roff(const struct opt *opts, FILE *to)
{
	for (int i = 0; opts[i].type != OPT_END; i++) {
		const struct opt *o = &opts[i];
		char value[256];
		if (o->flags & OPT_HIDDEN)
			continue;
		fputs(".TP\n", to);
		if (o->letter)
			fprintf(to, "\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", to);
		text_roff(to, o->name);
		fputs("\\fR", to);
		if (o->type != OPT_FLAG) {
			fputs(" \\fI", to);
			text_roff(to, o->arg ? o->arg : o->choices);
			fputs("\\fR", to);
		}
		fputc('\n', to);
		text_roff(to, o->help);
		opt_default(o, value, sizeof value);
		if (value[0] && !(o->flags & OPT_NO_DEFAULT)) {
			fputs(" (default: ", to);
			text_roff(to, value);
			fputc(')', to);
		}
		fputc('\n', to);
	}
}

void opt_many_release(struct opt_many *many)
{
	free(many->item);
	*many = (struct opt_many){ 0 };
}
