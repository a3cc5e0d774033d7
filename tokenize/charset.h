/* charset: the bytes of one line as UTF-8 in normal form C. ASCII passes untouched and uncopied; only a line with
 * a byte above 0x7F costs anything. */
#ifndef VIC_CHARSET_H
#define VIC_CHARSET_H

#include "pipeline/base/err.h"
#include <stddef.h>
#include <stdint.h>

/* auto: what of a line is valid UTF-8 is that, every other byte is Windows-1252, so that one bad byte spoils nothing
 * but itself. utf-8: any other byte is an error. Windows-1252 leaves 81 8D 8F 90 9D undefined: they become U+FFFD and
 * are counted. Latin-1 gives 80..9F to the controls U+0080..U+009F. */
enum charset { CHARSET_AUTO, CHARSET_UTF8, CHARSET_LATIN1, CHARSET_CP1252 };

enum {
	/* More combining marks in a row than any script uses (Unicode's stream-safe format has 30): such a line
	 * keeps its order of marks, because putting them in order takes quadratic time. */
	CHARSET_MAX_MARKS = 256,
};

struct decoder {
	enum charset charset;
	int keep_zero_width; /* names of classes are what they are */
	/* what was met, counted over all lines */
	uint64_t not_ascii;  /* lines with a byte above 0x7F */
	uint64_t fallback;   /* auto: lines with bytes that are not UTF-8 */
	uint64_t stray;      /* auto: those bytes */
	uint64_t undefined;  /* bytes that Windows-1252 does not define */
	uint64_t unordered;  /* lines with more than CHARSET_MAX_MARKS marks in a row */
	uint64_t zero_width; /* characters that take no room and were dropped; see is_zero_width */
	char *buf;           /* scratch; owned */
	size_t cap;
};

/* What charset_scan found. */
enum { SCAN_HIGH = 1, SCAN_NUL = 2 };
/* Which of the two the n bytes hold. About 10 GB/s: every line of every corpus passes here. */
unsigned charset_scan(const char *line, size_t n);

void decoder_release(struct decoder *d);
/* *text (of *n bytes) is the line as NFC UTF-8: the line itself, or d's scratch, valid until the next call.
 * Errors: not UTF-8 under CHARSET_UTF8, with the offset of the bad byte; a NUL byte, which no text has. */
int decoder_line(struct decoder *d, const char *line, size_t len, const char **text, size_t *n, struct err *err)
	VIC_CHECKED;
/* Counts and refuses as decoder_line does, but decodes nothing and orders no marks, so `unordered` and `zero_width` are
 * not counted: for rules to which every byte above 0x7F is the same. */
int decoder_check(struct decoder *d, const char *line, size_t len, struct err *err) VIC_CHECKED;

/* The code point of a Windows-1252 byte; U+FFFD where there is none. */
uint32_t cp1252_point(unsigned char byte);
/* Characters that are seen by nobody and tear a word apart for a program: soft hyphen, zero-width space, word joiner,
 * byte order mark, marks of direction; and, after a character of Latin, Greek or Cyrillic, the zero-width joiner and
 * non-joiner, which other scripts and emoji need. before: the character in front, or 0. */
int is_zero_width(uint32_t point, uint32_t before);
/* True only for code points that NFC leaves alone in any company. Not every such point: the ranges in which most
 * text is. */
int nfc_sure(uint32_t point);

#endif
