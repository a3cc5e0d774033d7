/* strtoll and strtod without what they let pass: leading space, trailing text, NaN, and infinity for a finite number
 * that overflows (its errno tells the two apart; it is set for one that underflows, too, which is read). Hexadecimal
 * reals are read. strtod obeys LC_NUMERIC, which no program sets. */
#include "num.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int num_i64(const char *what, const char *text, int64_t lo, int64_t hi, int64_t *out, struct err *err)
{
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text))
		return err_usage(err, "%s: '%s' is not a whole number", what, text);
	if (errno == ERANGE || v < lo || v > hi)
		return err_usage(err, "%s: %s is outside %" PRId64 " to %" PRId64, what, text, lo, hi);
	*out = v;
	return 0;
}

int num_id(const char *what, const char *text, uint64_t *out, struct err *err)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (end == text || *end || !strchr("+0123456789", *text)) /* strtoull takes a minus, too */
		return err_set(err, "%s: '%s' is not a whole number from 0", what, text);
	if (errno == ERANGE)
		return err_set(err, "%s: %s is outside 0 to %" PRIu64, what, text, UINT64_MAX);
	*out = v;
	return 0;
}

int num_f64(const char *what, const char *text, double lo, double hi, double *out, struct err *err)
{
	char *end;
	errno = 0;
	double v = strtod(text, &end);
	if (end == text || *end || isspace((unsigned char)*text) || isnan(v))
		return err_usage(err, "%s: '%s' is not a number", what, text);
	if (!(v >= lo && v <= hi))
		return err_usage(err, "%s: %s is outside %g to %g", what, text, lo, hi);
	if (isinf(v) && errno == ERANGE)
		return err_usage(err, "%s: %s is too large for f64", what, text);
	*out = v;
	return 0;
}

void num_text(char text[NUM_TEXT], double v)
{
	int digits = 6;
	do
		snprintf(text, NUM_TEXT, "%.*g", digits, v);
	while (digits++ < 17 && !isnan(v) && strtod(text, NULL) != v);
}
