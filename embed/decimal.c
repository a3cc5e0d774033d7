/* Decimal numbers to float. decimal_float takes the common form (at most 19 digits, no exponent), any_float every
 * other; both end in put_together, which accepts a result only where the proof in decimal.h holds and leaves the
 * rest to the C library. The proof needs a correctly rounded table, IEEE doubles and compiler flags that keep both. */
#include "decimal.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* 10^0 to 10^60: from 10^23 on correctly rounded, not exact. With 19 digits this spans every finite float. */
enum { POWERS = 61 };
static const double power_of_ten[POWERS] = {
	1e0,  1e1,  1e2,  1e3,	1e4,  1e5,  1e6,  1e7,	1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31,
	1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45, 1e46, 1e47,
	1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55, 1e56, 1e57, 1e58, 1e59, 1e60,
};

/* The rare rest: strtof over a copy, in the C locale whatever the program has set. */
static enum decimal_result by_library(const char *text, size_t n, float *out)
{
	char small[128], *copy = n < sizeof small ? small : malloc(n + 1);
	if (!copy)
		return DECIMAL_SYSTEM;
	memcpy(copy, text, n);
	copy[n] = 0;
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc: a constant, nothing is allocated */
	float v = c ? strtof_l(copy, NULL, c) : NAN;
	if (c)
		freelocale(c);
	if (copy != small)
		free(copy);
	if (!c)
		return DECIMAL_SYSTEM;
	if (!isfinite(v))
		return DECIMAL_NONFINITE;
	*out = v;
	return DECIMAL_OK;
}

static int is_digit(const char *p, const char *stop)
{
	return p < stop && (unsigned char)(*p - '0') < 10;
}

static enum decimal_result named_value(const char *p, const char *stop, const char **end)
{
	static const char *const name[] = { "infinity", "inf", "nan" };
	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		size_t k = strlen(name[i]);
		if ((size_t)(stop - p) >= k && !strncasecmp(p, name[i], k)) {
			*end = p + k;
			return DECIMAL_NONFINITE;
		}
	}
	*end = p;
	return DECIMAL_BAD;
}

/* The digits of a mantissa: the first 19 significant ones in w, and how many places the rest shifts them. */
struct mantissa {
	uint64_t w;
	int kept;      /* significant digits in w */
	int64_t shift; /* value = w * 10^shift */
	int any;
};

static const char *read_digits(const char *p, const char *stop, int fraction, struct mantissa *m)
{
	for (; is_digit(p, stop); p++) {
		m->any = 1;
		if (m->kept < 19) {
			m->w = m->w * 10 + (uint64_t)(*p - '0');
			m->kept += m->w != 0;
			m->shift -= fraction;
		} else {
			m->shift += !fraction;
		}
	}
	return p;
}

/* The value w * 10^shift, or what the library makes of text[0..n) where the bounds of decimal.h do not decide. */
static enum decimal_result put_together(uint64_t w, int64_t shift, int negative, const char *text, size_t n, float *out)
{
	if (!w) {
		*out = negative ? -0.0f : 0.0f;
		return DECIMAL_OK;
	}
	if (shift <= -POWERS || shift >= POWERS)
		return by_library(text, n, out);
	double d = shift < 0 ? (double)w / power_of_ten[-shift] : (double)w * power_of_ten[shift];
	float lo = (float)(d * (1 - 0x1p-50)), hi = (float)(d * (1 + 0x1p-50));
	if (!(lo == hi) || !isfinite(lo))
		return by_library(text, n, out);
	*out = negative ? -lo : lo;
	return DECIMAL_OK;
}

/* Any number; decimal_float takes the common ones itself. */
static enum decimal_result any_float(const char *text, size_t n, const char **end, float *out)
{
	const char *p = text, *stop = text + n;
	struct mantissa m = { 0 };
	int negative = 0;
	if (p < stop && (*p == '-' || *p == '+'))
		negative = *p++ == '-';
	p = read_digits(p, stop, 0, &m);
	if (p < stop && *p == '.')
		p = read_digits(p + 1, stop, 1, &m);
	if (!m.any)
		return named_value(p, stop, end);
	if (p < stop && (*p == 'e' || *p == 'E')) {
		const char *q = p + 1;
		int down = 0;
		int64_t e = 0;
		if (q < stop && (*q == '-' || *q == '+'))
			down = *q++ == '-';
		if (is_digit(q, stop)) {
			for (; is_digit(q, stop); q++)
				e = e < 1000000 ? e * 10 + (*q - '0') : e;
			m.shift += down ? -e : e;
			p = q;
		}
	}
	*end = p;
	return put_together(m.w, m.shift, negative, text, (size_t)(p - text), out);
}

/* At most 19 digits with or without a point, and no exponent: nearly every number of a file of word vectors. Not having
 * to watch the mantissa for overflow makes reading a third faster. */
enum decimal_result decimal_float(const char *text, size_t n, const char **end, float *out)
{
	const char *p = text, *stop = text + n, *first, *point;
	uint64_t w = 0;
	p += p < stop && *p == '-';
	for (first = p; is_digit(p, stop); p++)
		w = w * 10 + (uint64_t)(*p - '0');
	point = p;
	if (p < stop && *p == '.')
		for (p++; is_digit(p, stop); p++)
			w = w * 10 + (uint64_t)(*p - '0');
	int64_t decimals = p > point ? p - point - 1 : 0, digits = point - first + decimals;
	if (!digits || digits > 19 || (p < stop && (*p | 0x20) == 'e'))
		return any_float(text, n, end, out);
	*end = p;
	return put_together(w, -decimals, *text == '-', text, (size_t)(p - text), out);
}

enum decimal_result decimal_row(const char *text, size_t n, size_t count, float *out)
{
	const char *p = text, *stop = text + n;
	enum decimal_result worst = DECIMAL_OK;
	for (size_t i = 0; i < count; i++) {
		enum decimal_result one = decimal_float(p, (size_t)(stop - p), &p, &out[i]);
		if (one == DECIMAL_BAD || one == DECIMAL_SYSTEM)
			return one;
		if (one == DECIMAL_NONFINITE)
			worst = one;
		const char *gap = p;
		while (i + 1 < count && p < stop && (*p == ' ' || (unsigned char)(*p - '\t') < 5))
			p++;
		if (i + 1 < count && p == gap)
			return DECIMAL_BAD;
	}
	return p == stop ? worst : DECIMAL_BAD;
}
