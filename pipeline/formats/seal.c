/* The CRC-32 inside a JSON text. The member is found by a search from the end, not by parsing, since a damaged text
 * may not parse. Inside a JSON string its quotes would be escaped, so whatever matches is a member. */
#include "seal.h"
#include "pipeline/base/crc.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/jsontext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 8 };

void seal_digits(uint32_t crc, char to[9])
{
	snprintf(to, DIGITS + 1, "%08" PRIx32, crc);
}

int seal_number(const char *digits, uint32_t *crc)
{
	char text[DIGITS + 1] = { 0 };
	memcpy(text, digits, strnlen(digits, DIGITS));
	if (strspn(text, "0123456789abcdef") != DIGITS)
		return -1;
	*crc = (uint32_t)strtoul(text, NULL, 16);
	return 0;
}

/* Where the last member's digits begin; 0 when there is none. */
static size_t find_seal(const char *text, size_t n)
{
	static const char key[] = "\"" SEAL_KEY "\"";
	uint32_t crc;
	for (size_t at = n; at-- > 0;) {
		size_t i = at + sizeof key - 1;
		if (text[at] != '"' || i > n || memcmp(text + at, key, sizeof key - 1))
			continue;
		for (; i < n && (text[i] == ' ' || text[i] == ':'); i++)
			;
		if (n - i >= DIGITS + 2 && text[i] == '"' && text[i + 1 + DIGITS] == '"' &&
		    !seal_number(text + i + 1, &crc))
			return i + 1;
	}
	return 0;
}

static uint32_t crc_of(const char *text, size_t n, size_t at, uint32_t before)
{
	uint32_t crc = crc32_of(before, text, at);
	crc = crc32_of(crc, SEAL_BLANK, DIGITS);
	return crc32_of(crc, text + at + DIGITS, n - at - DIGITS);
}

void seal_set(char *text, size_t n, uint32_t before)
{
	size_t at = find_seal(text, n);
	char digits[DIGITS + 1];
	seal_digits(crc_of(text, n, at, before), digits);
	memcpy(text + at, digits, DIGITS);
}

enum seal seal_check(const char *text, size_t n, uint32_t before)
{
	size_t at = find_seal(text, n);
	uint32_t said;
	if (!at || seal_number(text + at, &said))
		return SEAL_NONE;
	return said == crc_of(text, n, at, before) ? SEAL_WHOLE : SEAL_BROKEN;
}

int seal_read(json_t **out, const char *text, size_t n, const char *what, const char *key, int newest, int *version,
	      struct err *err)
{
	enum seal seal = seal_check(text, n, 0);
	/* numbers written with all digits take up to three times their text */
	size_t room = JSONTEXT_NAMES_ROOM + 4 * n;
	*out = NULL;
	if (seal == SEAL_BROKEN)
		return err_set(err,
			       "damaged: does not match its checksum (one changed on purpose must lose '%s' and be of "
			       "version 1)",
			       SEAL_KEY);
	if (jsontext_parse(out, text, n, &room, err))
		return err->cause == CAUSE_SYSTEM ? -1 : err_context(err, "is not a %s, or damaged", what);
	const json_t *v = json_object_get(*out, key);
	int rc = 0;
	if (!json_is_integer(v) || json_integer_value(v) < 1)
		rc = err_set(err, "is not a %s, or damaged: has no '%s'", what, key);
	else if (json_integer_value(v) > newest)
		rc = err_set(err, "is a %s of version %lld; this program reads up to %d", what,
			     (long long)json_integer_value(v), newest);
	else if (json_integer_value(v) > 1 && seal == SEAL_NONE)
		rc = err_set(err, "damaged: has no checksum, which version %lld has", (long long)json_integer_value(v));
	else
		*version = (int)json_integer_value(v);
	if (!rc)
		return 0;
	json_decref(*out);
	*out = NULL;
	return -1;
}

int seal_write(char **text, const json_t *j, struct err *err)
{
	char *lines;
	if (jsontext_write(&lines, j, JSON_INDENT(1) | JSON_REAL_PRECISION(17), err))
		return -1;
	size_t n = strlen(lines);
	int rc = mem_text(text, lines, n + 1, err); /* its NUL becomes the last line's end */
	free(lines);
	if (rc)
		return -1;
	(*text)[n] = '\n';
	seal_set(*text, n + 1, 0);
	return 0;
}
