/* script_reader: a script of gnuplot's read on from `at`, for tests of pictures. */
#ifndef VIC_TEST_SCRIPT_READER_H
#define VIC_TEST_SCRIPT_READER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *at; /* where reading of the script stands */

/* Moves after the next place where this stands. */
static void after(const char *what)
{
	const char *found = strstr(at, what);
	if (!found)
		fail_msg("no more '%s'", what);
	at = found + strlen(what);
}

static void is_next(const char *what)
{
	if (strncmp(at, what, strlen(what)))
		fail_msg("'%.*s', not '%s'", (int)strcspn(at, "\n"), at, what);
	at += strlen(what);
}

static double number(void)
{
	char *end;
	double v = strtod(at, &end);
	assert_true(end > at);
	at = end;
	return v;
}

/* A title is label 1, which the first panel shows alone. */
static void title_is_shown_once(const char *script, int titled)
{
	const char *unset = strstr(script, "unset label 1\n");
	assert_int_equal(unset != NULL, titled);
	assert_true(!unset || !strstr(unset + 1, "unset label 1\n"));
}

#endif
