/* decimal: text to float, correctly rounded (to nearest, ties to even) and the same in every locale.
 *
 * Accepted: [+-] digits [. digits] [(e|E) [+-] digits], with at least one digit before the exponent; nothing else, so
 * no hexadecimal, no leading space. "nan", "inf" and "infinity" (any case, with sign) are recognised to be counted
 * apart.
 *
 * How it is right: up to 19 digits w and a power of ten are put together in double arithmetic. With w < 2^64 converted
 * (relative error at most 2^-53), digits beyond the 19th dropped (at most 10^-18), the power from a table of correctly
 * rounded doubles (2^-53, none up to 10^22) and one product or quotient (2^-53), the true value lies within
 * d(1 - 2^-50) and d(1 + 2^-50). Rounding to float is monotone: when both ends round to the same float, so does the
 * true value. Otherwise (a tie, or next to one; exponents outside the table) the C library's strtof in the C locale
 * decides. tests/unit/text/test_decimal.c compares with strtof. */
#ifndef VIC_DECIMAL_H
#define VIC_DECIMAL_H

#include <stddef.h>

enum decimal_result {
	DECIMAL_OK,
	DECIMAL_BAD,	  /* not a number */
	DECIMAL_NONFINITE, /* nan, inf, or too large for a float */
	DECIMAL_SYSTEM	  /* no memory for the C library's part: nothing is known of the number */
};

/* Reads one number from text[0..n): *end is set after it (where the first byte that cannot belong to it stands), *out
 * to the value; unless it is DECIMAL_OK *out is not set. Reads no byte at or beyond text + n. */
enum decimal_result decimal_float(const char *text, size_t n, const char **end, float *out);

/* Exactly `count` numbers in text[0..n), ASCII white space between two, nothing before or after; out: [count], of which
 * some may have been set on failure. */
enum decimal_result decimal_row(const char *text, size_t n, size_t count, float *out);

#endif
