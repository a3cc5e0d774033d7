/* The option parser: what is understood, what is refused and with which words. */
#include "pipeline/frame/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct {
	int64_t epochs;
	double alpha;
	int mode, lower, verbose;
	const char *out;
	struct opt_many file;
} o;

static const struct opt opts[] = {
	{ "epochs", 'e', OPT_INT, &o.epochs, "N", "passes", .lo = 1, .hi = 100 },
	{ "mixup", 0, OPT_REAL, &o.alpha, "ALPHA", "mixing", .flo = 0, .fhi = 10 },
	{ "mixup-mode", 'm', OPT_CHOICE, &o.mode, NULL, "what", .choices = "full|features|manifold" },
	{ "lower", 0, OPT_FLAG, &o.lower, NULL, "lower", .value = 1 },
	{ "cased", 0, OPT_FLAG, &o.lower, NULL, "keep", .zero = 1 },
	{ "verbose", 'v', OPT_FLAG, &o.verbose, NULL, "talk", .value = 7 },
	{ "output", 'o', OPT_TEXT, &o.out, "FILE", "where", .flags = OPT_LOCAL },
	{ "file", 'f', OPT_MANY, &o.file, "FILE", "many", .flags = OPT_LOCAL },
	{ "secret", 0, OPT_FLAG, &o.verbose, NULL, "", .flags = OPT_HIDDEN },
	{ 0 },
};

enum { MAX_ARGS = 16 };
static char *args[MAX_ARGS];
static int operands;
static struct err err;

/* Parses the words of a line; returns opt_parse's result. */
static int parse(const char *line)
{
	static char text[256];
	int n = 1;
	opt_many_release(&o.file);
	memset(&o, 0, sizeof o);
	o.epochs = 25;
	o.lower = 1;
	err = ERR_NONE;
	snprintf(text, sizeof text, "%s", line);
	for (char *save, *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		args[n++] = w;
	args[n] = NULL;
	return opt_parse(opts, n, args, &operands, NULL, &err);
}

static void refused(const char *line, const char *message)
{
	assert_int_equal(parse(line), -1);
	assert_int_equal(err.status, VIC_USAGE);
	assert_string_equal(err.msg, message);
}

static void forms(void **state)
{
	(void)state;
	assert_int_equal(parse("--epochs=3 a --mixup 0.5 - -m manifold --cased -v b"), 0);
	assert_int_equal(o.epochs, 3);
	assert_true(o.alpha == 0.5);
	assert_int_equal(o.mode, 2);
	assert_int_equal(o.lower, 0);
	assert_int_equal(o.verbose, 7);
	assert_int_equal(operands, 3);
	assert_string_equal(args[1], "a");
	assert_string_equal(args[2], "-");
	assert_string_equal(args[3], "b");
	assert_int_equal(parse("-e 4 -- --epochs -v"), 0);
	assert_int_equal(o.epochs, 4);
	assert_int_equal(o.verbose, 0);
	assert_int_equal(operands, 2);
	assert_string_equal(args[1], "--epochs");
	assert_int_equal(parse("-f a --file=b=c"), 0);
	assert_int_equal(o.file.n, 2);
	assert_string_equal(o.file.item[1], "b=c");
	assert_int_equal(parse("--output -"), 0);
	assert_string_equal(o.out, "-");
}

static void unknown_names(void **state)
{
	(void)state;
	refused("--epcohs 3", "unknown option '--epcohs'; did you mean '--epochs'?");
	refused("--mixup-mod full", "unknown option '--mixup-mod'; did you mean '--mixup-mode'?");
	refused("--ouput=x", "unknown option '--ouput'; did you mean '--output'?");
	refused("--gibberish", "unknown option '--gibberish'; --help lists them");
	refused("--epoch 3", "unknown option '--epoch'; did you mean '--epochs'?"); /* no abbreviations */
	refused("-x", "unknown option '-x'; --help lists them");
	refused("-e3", "unknown option '-e3'; --help lists them");
	refused("--secre", "unknown option '--secre'; --help lists them"); /* hidden ones are not offered */
}

static void values(void **state)
{
	(void)state;
	refused("--epochs ten", "--epochs: 'ten' is not a whole number");
	refused("--epochs 3x", "--epochs: '3x' is not a whole number");
	refused("-e 0", "-e: 0 is outside 1 to 100");
	refused("--epochs=101", "--epochs: 101 is outside 1 to 100");
	refused("--epochs=", "--epochs: '' is not a whole number");
	refused("--epochs", "--epochs needs a value");
	refused("--mixup nan", "--mixup: 'nan' is not a number");
	refused("--mixup inf", "--mixup: inf is outside 0 to 10");
	refused("--mixup -1", "--mixup: -1 is outside 0 to 10");
	refused("--mixup-mode ful", "--mixup-mode: 'ful' is none of full|features|manifold");
	refused("--mixup-mode full|features", "--mixup-mode: 'full|features' is none of full|features|manifold");
	refused("--lower=yes", "--lower takes no value");
	refused("--output=", "--output: the value is empty");
}

static void contradictions(void **state)
{
	(void)state;
	refused("--epochs 3 --epochs 3", "--epochs is given twice");
	refused("-e 3 --epochs 4", "--epochs is given twice");
	refused("--lower --cased", "--lower and --cased exclude each other");
	refused("-v -v", "--verbose is given twice");
}

static void nearest(void **state)
{
	(void)state;
	static const char *const names[] = { "cat", "split", "tokenize" };
	assert_int_equal(opt_nearest("tokenise", names, 3), 2);
	assert_int_equal(opt_nearest("slit", names, 3), 1);
	assert_int_equal(opt_nearest("zzz", names, 3), -1); /* not "cat": three of three letters differ */
	assert_int_equal(opt_nearest("", names, 3), -1);
}

/* Defaults come from the targets; provenance needs to know what was given. */
static void help_and_given(void **state)
{
	(void)state;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	assert_int_equal(parse(""), 0);
	opt_help(opts, f);
	fclose(f);
	assert_non_null(strstr(text, "  -e, --epochs N                passes [25]\n"));
	assert_non_null(strstr(text, "full|features|manifold"));
	assert_null(strstr(text, "secret"));
	free(text);
	unsigned char given[16];
	char *argv[] = { NULL, (char *)(uintptr_t) "--mixup=0", NULL };
	assert_int_equal(opt_parse(opts, 2, argv, &operands, given, &err), 0);
	assert_int_equal(opt_given(opts, given, "mixup"), 1);
	assert_int_equal(opt_given(opts, given, "epochs"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(forms),          cmocka_unit_test(unknown_names),
					    cmocka_unit_test(values),         cmocka_unit_test(contradictions),
					    cmocka_unit_test(nearest),        cmocka_unit_test(help_and_given) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	opt_many_release(&o.file);
	return rc;
}
