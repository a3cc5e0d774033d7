/* seal: the CRC-32 of a JSON text, kept in the text itself, so that a flipped bit anywhere in it is seen. It is the
 * member
 *
 *   "vicinal crc32": "xxxxxxxx"
 *
 * and is computed with its eight digits as zeros; values are zlib's. Written last, so the last such member is the
 * seal. */
#ifndef VIC_SEAL_H
#define VIC_SEAL_H

#include "pipeline/base/err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_KEY "vicinal crc32"
#define SEAL_BLANK "00000000" /* the member's value before seal_set */

enum seal { SEAL_NONE, SEAL_WHOLE, SEAL_BROKEN };

/* 8 hexadecimal digits and a NUL, and back: -1 when they are something else. */
void seal_digits(uint32_t crc, char to[9]);
int seal_number(const char *digits, uint32_t *crc);
/* Puts the digits into the member, which must be there. `before`: CRC-32 of bytes that the seal covers too, else 0. */
void seal_set(char *text, size_t n, uint32_t before);
/* SEAL_NONE: there is no such member. */
enum seal seal_check(const char *text, size_t n, uint32_t before);
/* A whole file of JSON, a `what` ("calibration map"), whose member `key` holds its version, 1 to `newest`; from 2 on it
 * must be sealed. *out is a new reference. Errors name no file. */
int seal_read(json_t **out, const char *text, size_t n, const char *what, const char *key, int newest, int *version,
	      struct err *err) VIC_CHECKED;

/* A JSON object that holds the blank member, as the text of a file: indented, doubles in 17 digits, sealed, one LF at
 * the end. *text is owned by the caller, freed with free(). Errors: those of jsontext_write, also where j is NULL. */
int seal_write(char **text, const json_t *j, struct err *err) VIC_CHECKED;

#endif
