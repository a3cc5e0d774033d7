/* text: names on their way to a person, a table or a shell.
 *
 * A name of a class, stream, file or column comes from outside and may hold anything: a terminal's commands, letters
 * that turn the reading direction, tabs and line ends that shift a table's columns. Everything that prints one writes
 * it through here. There is one form, docs/STREAM.md's: tab, newline and backslash are \t, \n and \\, and every byte of
 * what else may not be shown is \xHH: control characters (U+0000-001F, 007F, 0080-009F), the letters that steer
 * direction and lines (U+061C, 200E, 200F, 2028-202E, 2066-206F) and what is not UTF-8. Text that holds none of these
 * is copied as it is, after one look at it. */
#ifndef VIC_TEXT_H
#define VIC_TEXT_H

#include "pipeline/base/err.h"
#include "io.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum text_form {
	/* for reading alone (messages, images, pages): a backslash stays, so that doing it twice changes nothing */
	TEXT_SHOWN,
	TEXT_NAME,  /* text_restore brings every byte back: all that is written to stdout or a file */
	/* as TEXT_SHOWN, and what shows nothing or passes for a space is \xHH too (no-break spaces, soft hyphen, zero
	 * width, byte order mark): for messages, whose reader looks for the fault in a name */
	TEXT_MESSAGE,
	TEXT_WORD,  /* as TEXT_NAME, and a space is \x20: words between spaces */
};

/* Bytes at the beginning of text[0..n) that may be shown as they are; n where all may. */
size_t text_clean(const char *text, size_t n, enum text_form form);
/* Writes text; what `to` says is left for its close. */
void text_put(FILE *to, const char *text, enum text_form form);
void text_put_part(FILE *to, const char *text, size_t n, enum text_form form);
int text_write(struct output *out, const char *text, size_t n, enum text_form form, struct err *err) VIC_CHECKED;
/* The escaped text; *out is owned by the caller, freed with free(). */
int text_escape(char **out, const char *text, enum text_form form, struct err *err) VIC_CHECKED;
/* What the format makes, as TEXT_MESSAGE, of any length. */
void text_vprint(FILE *to, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* For a man page: roff takes a line that starts with a dot or quote, and every backslash, as its own. An empty line
 * ends a paragraph. */
void text_roff(FILE *to, const char *text);
/* Cuts a line at tabs, a list at commas: ends the field at *at with a NUL and moves *at after the separator, to NULL
 * where none is left. Returns the field, which may be empty and is still escaped; NULL where *at is. */
char *text_field(char **at, char separator);
/* Brings back, in place, what TEXT_NAME or TEXT_WORD escaped. A backslash that begins none of the form's escapes stays
 * (as does \x00, which would end the text), so most names that never were escaped come through. */
void text_restore(char *text);

/* Bytes of the first character of text[0..n), 1 to 4; 0 where it is not UTF-8 (also overlong, surrogate, beyond
 * U+10FFFF). */
size_t text_character(const char *text, size_t n);
int text_is_utf8(const char *text, size_t n);
/* Refuses bytes that hold a NUL, which no text does. */
int text_no_nul(const char *text, size_t n, struct err *err) VIC_CHECKED;
/* Drops a UTF-8 byte order mark from the beginning of a file's bytes and counts it; refuses UTF-16. */
int text_drop_bom(const char **text, size_t *n, uint64_t *boms, struct err *err) VIC_CHECKED;

#endif
