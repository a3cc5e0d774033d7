/* Decoding, one pass a line. ASCII is told by charset_scan and returned as it is. Of other lines shape_of says
 * whether they are UTF-8, hold what is dropped, and whether all their points are ones that normal form C leaves alone
 * (nfc_sure: ranges, not all such points); only the rest goes through utf8proc. A line with too many combining marks
 * in a row is not normalised, because ordering them takes quadratic time. decoder_check must accept and refuse the
 * same lines as decoder_line. */
#include "charset.h"
#include "pipeline/files/text.h"
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

int is_zero_width(uint32_t c, uint32_t before)
{
	if (c < 0x61C)
		return c == 0xAD;
	if (c == 0x200C || c == 0x200D)
		return before && before < 0x530;
	return c == 0x61C || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
	       c == 0x2060 || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

enum shape { SHAPE_BAD, SHAPE_NFC, SHAPE_MAYBE, SHAPE_UNORDERED };

/* Walks the line once: is it UTF-8, surely in NFC, or with too many marks? *at is where it stopped; *zero_width how
 * many characters of none there are. */
static enum shape shape_of(const char *line, size_t len, size_t *at, size_t *zero_width)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)line;
	enum shape shape = SHAPE_NFC;
	size_t i = 0, marks = 0;
	uint32_t before = 0;
	*zero_width = 0;
	while (i < len) {
		utf8proc_int32_t c;
		if (s[i] < 0x80) {
			before = s[i++];
			marks = 0;
			continue;
		}
		utf8proc_ssize_t k = utf8proc_iterate(s + i, (utf8proc_ssize_t)(len - i), &c);
		if (k <= 0) {
			*at = i;
			return SHAPE_BAD;
		}
		i += (size_t)k;
		if (is_zero_width((uint32_t)c, before)) { /* `before` stays: it is what will stand before the next */
			++*zero_width;
			continue;
		}
		before = (uint32_t)c;
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

/* A byte that is read by itself: its code point. */
static uint32_t single_byte(struct decoder *d, unsigned char b)
{
	uint32_t c = d->charset == CHARSET_LATIN1 ? b : cp1252_point(b);
	d->undefined += c == 0xFFFD;
	return c;
}

/* The bytes of the character at line[i] where it is read as UTF-8; 0 where the byte stands for itself. */
static size_t utf8_at(const struct decoder *d, const char *line, size_t len, size_t i)
{
	utf8proc_int32_t c;
	if ((unsigned char)line[i] < 0x80)
		return 1;
	if (d->charset != CHARSET_AUTO)
		return 0;
	utf8proc_ssize_t k =
		utf8proc_iterate((const utf8proc_uint8_t *)line + i, (utf8proc_ssize_t)(len - i), &c);
	return k > 0 ? (size_t)k : 0;
}

/* Of a line that is no UTF-8: counts, and where `out` is not NULL writes it there as UTF-8, at most 3 * len bytes.
 * Returns the bytes. */
static size_t from_bytes(struct decoder *d, const char *line, size_t len, char *out)
{
	size_t o = 0, stray = 0;
	for (size_t i = 0, k; i < len; i += k ? k : 1) {
		utf8proc_uint8_t one[4];
		k = utf8_at(d, line, len, i);
		if (k && out)
			memcpy(out + o, line + i, k);
		o += k;
		if (k)
			continue;
		utf8proc_ssize_t n = utf8proc_encode_char(
			(utf8proc_int32_t)single_byte(d, (unsigned char)line[i]), one);
		if (out)
			memcpy(out + o, one, (size_t)n);
		o += (size_t)n;
		stray++;
	}
	d->not_ascii++;
	d->fallback += d->charset == CHARSET_AUTO;
	d->stray += d->charset == CHARSET_AUTO ? stray : 0;
	return o;
}

/* Without the characters of no width; d->buf may be the line. */
static int drop_zero_width(struct decoder *d, const char **line, size_t *len, struct err *err)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)*line;
	uint32_t before = 0;
	size_t o = 0;
	if (*line != d->buf && mem_grow(&d->buf, &d->cap, *len, 1, err))
		return -1;
	for (size_t i = 0; i < *len;) {
		utf8proc_int32_t c;
		size_t k = (size_t)utf8proc_iterate(s + i, (utf8proc_ssize_t)(*len - i), &c);
		if (is_zero_width((uint32_t)c, before)) {
			d->zero_width++;
		} else {
			memmove(d->buf + o, s + i, k);
			o += k;
			before = (uint32_t)c;
		}
		i += k;
	}
	*line = d->buf;
	*len = o;
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
	int single = d->charset == CHARSET_LATIN1 || d->charset == CHARSET_CP1252;
	size_t at, zero_width = 0;
	enum shape shape = SHAPE_BAD;
	*text = line;
	*n = len;
	if (seen & SCAN_NUL)
		return text_no_nul(line, len, err);
	if (!(seen & SCAN_HIGH))
		return 0;
	if (!single)
		shape = shape_of(line, len, &at, &zero_width);
	if (shape == SHAPE_BAD) {
		if (d->charset == CHARSET_UTF8)
			return not_utf8(line, at, err);
		if (mem_grow(&d->buf, &d->cap, 3 * len + 1, 1, err))
			return -1;
		*n = from_bytes(d, line, len, d->buf);
		*text = d->buf;
		shape = shape_of(*text, *n, &at, &zero_width);
	} else {
		d->not_ascii++;
	}
	if (zero_width && !d->keep_zero_width && drop_zero_width(d, text, n, err))
		return -1;
	d->unordered += shape == SHAPE_UNORDERED;
	return shape == SHAPE_MAYBE ? to_nfc(d, *text, *n, text, n, err) : 0;
}

int decoder_check(struct decoder *d, const char *line, size_t len, struct err *err)
{
	unsigned seen = charset_scan(line, len);
	int single = d->charset == CHARSET_LATIN1 || d->charset == CHARSET_CP1252;
	size_t at, zero_width;
	if (seen & SCAN_NUL)
		return text_no_nul(line, len, err);
	if (!(seen & SCAN_HIGH))
		return 0;
	if (!single && shape_of(line, len, &at, &zero_width) != SHAPE_BAD) {
		d->not_ascii++;
		return 0;
	}
	if (d->charset == CHARSET_UTF8)
		return not_utf8(line, at, err);
	(void)from_bytes(d, line, len, NULL);
	return 0;
}
