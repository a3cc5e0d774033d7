/* Decoding, one pass a line. ASCII is told by charset_scan and returned as it is. Of other lines shape_of says
 * whether they are UTF-8 and whether all their points are ones that normal form C leaves alone (nfc_sure: ranges,
 * not all such points); only the rest goes through utf8proc. A line with too many combining marks in a row is not
 * normalised, because ordering them takes quadratic time. decoder_check must accept and refuse the same lines as
 * decoder_line. */
#include "charset.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* 80..9F, from Microsoft's table as the Unicode consortium publishes it
 * (MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT). */
static const uint16_t cp1252_high[32] = {
	0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
};

uint32_t cp1252_point(unsigned char byte)
{
	return byte >= 0x80 && byte < 0xA0 ? cp1252_high[byte - 0x80] : byte;
}

unsigned charset_scan(const char *line, size_t n)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t high = 0, zero = 0, x;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		memcpy(&x, line + i, 8);
		high |= x;
		zero |= (x - ones) & ~x;
	}
	for (; i < n; i++) {
		x = (unsigned char)line[i];
		high |= x;
		zero |= x ? 0 : 0x80;
	}
	return (high & tops ? SCAN_HIGH : 0) | (zero & tops ? SCAN_NUL : 0);
}

int nfc_sure(uint32_t c)
{
	return c < 0x300 ||                    /* Latin before the combining marks */
	       (c >= 0x400 && c <= 0x482) ||   /* Cyrillic */
	       (c >= 0x5D0 && c <= 0x5EA) ||   /* Hebrew letters */
	       (c >= 0x2010 && c <= 0x205E) || /* general punctuation after the spaces */
	       (c >= 0x20A0 && c <= 0x20C0) || /* currency */
	       (c >= 0x3041 && c <= 0x3096) || (c >= 0x30A1 && c <= 0x30FA) || /* kana */
	       (c >= 0x4E00 && c <= 0x9FFF) || /* CJK */
	       (c >= 0xAC00 && c <= 0xD7A3) || /* Hangul */
	       (c >= 0x1F300 && c <= 0x1F64F); /* pictographs */
}

enum shape { SHAPE_BAD, SHAPE_NFC, SHAPE_MAYBE, SHAPE_UNORDERED };

/* Walks the line once: is it UTF-8, surely in NFC, or with too many marks? *at is where it stopped. */
static enum shape shape_of(const char *line, size_t len, size_t *at)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)line;
	enum shape shape = SHAPE_NFC;
	size_t i = 0, marks = 0;
	while (i < len) {
		utf8proc_int32_t c;
		if (s[i] < 0x80) {
			i++;
			marks = 0;
			continue;
		}
		utf8proc_ssize_t k = utf8proc_iterate(s + i, (utf8proc_ssize_t)(len - i), &c);
		if (k <= 0) {
			*at = i;
			return SHAPE_BAD;
		}
		i += (size_t)k;
		if (nfc_sure((uint32_t)c)) {
			marks = 0;
			continue;
		}
		marks = utf8proc_get_property(c)->combining_class ? marks + 1 : 0;
		if (marks > CHARSET_MAX_MARKS)
			shape = SHAPE_UNORDERED;
		else if (shape == SHAPE_NFC)
			shape = SHAPE_MAYBE;
	}
	return shape;
}

static int not_utf8(const char *line, size_t at, struct err *err)
{
	return err_set(err, "byte %zu (0x%02x) is not UTF-8; --encoding auto, latin1 or cp1252 reads it", at + 1,
		       (unsigned char)line[at]);
}

static void count_high(struct decoder *d, const char *line, size_t len)
{
	d->not_ascii++;
	if (d->charset != CHARSET_LATIN1)
		for (size_t i = 0; i < len; i++)
			d->undefined += cp1252_point((unsigned char)line[i]) == 0xFFFD;
}

/* Single bytes to UTF-8. Every code point of both sets is its own NFC, so nothing more is needed. */
static int from_bytes(struct decoder *d, const char *line, size_t len, const char **text, size_t *n, struct err *err)
{
	size_t o = 0;
	if (mem_grow(&d->buf, &d->cap, 3 * len + 1, 1, err))
		return -1;
	count_high(d, line, len);
	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)line[i];
		uint32_t c = d->charset == CHARSET_LATIN1 ? b : cp1252_point(b);
		if (c < 0x80)
			d->buf[o++] = (char)b;
		else
			o += (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)d->buf + o);
	}
	*text = d->buf;
	*n = o;
	return 0;
}

static int to_nfc(struct decoder *d, const char *line, size_t len, const char **text, size_t *n, struct err *err)
{
	utf8proc_uint8_t *made = NULL;
	utf8proc_ssize_t k = utf8proc_map((const utf8proc_uint8_t *)line, (utf8proc_ssize_t)len, &made,
					  UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (k < 0)
		return err_set(err, "%s", utf8proc_errmsg(k));
	free(d->buf);
	d->buf = (char *)made;
	d->cap = (size_t)k;
	*text = d->buf;
	*n = (size_t)k;
	return 0;
}

void decoder_release(struct decoder *d)
{
	free(d->buf);
	d->buf = NULL;
	d->cap = 0;
}

int decoder_line(struct decoder *d, const char *line, size_t len, const char **text, size_t *n, struct err *err)
{
	unsigned seen = charset_scan(line, len);
	size_t at;
	*text = line;
	*n = len;
	d->with_nul += (seen & SCAN_NUL) != 0;
	if (!(seen & SCAN_HIGH))
		return 0;
	if (d->charset == CHARSET_LATIN1 || d->charset == CHARSET_CP1252)
		return from_bytes(d, line, len, text, n, err);
	switch (shape_of(line, len, &at)) {
	case SHAPE_BAD:
		if (d->charset == CHARSET_UTF8)
			return not_utf8(line, at, err);
		d->fallback++;
		return from_bytes(d, line, len, text, n, err);
	case SHAPE_UNORDERED:
		d->unordered++;
		break;
	case SHAPE_MAYBE:
		d->not_ascii++;
		return to_nfc(d, line, len, text, n, err);
	case SHAPE_NFC:
		break;
	}
	d->not_ascii++;
	return 0;
}

int decoder_check(struct decoder *d, const char *line, size_t len, struct err *err)
{
	unsigned seen = charset_scan(line, len);
	size_t at;
	d->with_nul += (seen & SCAN_NUL) != 0;
	if (!(seen & SCAN_HIGH))
		return 0;
	if (d->charset == CHARSET_LATIN1 || d->charset == CHARSET_CP1252) {
		count_high(d, line, len);
		return 0;
	}
	if (shape_of(line, len, &at) != SHAPE_BAD) {
		d->not_ascii++;
		return 0;
	}
	if (d->charset == CHARSET_UTF8)
		return not_utf8(line, at, err);
	d->fallback++;
	count_high(d, line, len);
	return 0;
}
