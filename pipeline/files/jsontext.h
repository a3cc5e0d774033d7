/* jsontext: JSON as text.
 *
 * From outside it is parsed only when what it makes fits a bound. jansson takes up to a hundred bytes of memory for one
 * of text ("[],[],[]..."), and its parser and its free() recurse once a level, so text is looked through before it is
 * parsed. Every text of JSON that a program reads passes here, and every text that one writes: names come from outside
 * too. */
#ifndef VIC_JSONTEXT_H
#define VIC_JSONTEXT_H

#include "pipeline/base/err.h"

#include <jansson.h>
#include <stddef.h>

enum {
	JSONTEXT_DEPTH = 64,              /* levels of lists and objects */
	JSONTEXT_ROOM = 32 << 20,         /* bytes of memory for the values of one text, where nothing else is said */
	JSONTEXT_NAMES_ROOM = 160 << 20,  /* where there may be a list of STREAM_MAX_CLASSES names */
};

/* Parses n bytes of one JSON value; *out is a new reference. room: bytes of memory that values may still take, reduced
 * by what this text takes (estimated, never below the truth by more than a few per cent); NULL: JSONTEXT_ROOM. A key
 * that is there twice, text that is not UTF-8 and bytes after the value are errors; messages name no file. */
int jsontext_parse(json_t **out, const char *text, size_t n, size_t *room, struct err *err) VIC_CHECKED;

/* As json_string, but a name that is not UTF-8 is taken as it is: jsontext_write finds it and says which it was, where
 * a NULL from json_string looks like no memory. */
json_t *jsontext_name(const char *text);

/* json_deep_copy, whole or not at all: jansson's leaves out of an object what it found no memory for, and says nothing.
 * NULL: no memory (also where j is NULL). */
json_t *jsontext_copy(const json_t *j);

/* As json_dumps with `flags`, but whole or not at all; *text is owned by the caller, freed with free(). What may not be
 * shown (pipeline/files/text.h) and JSON allows as it is becomes \uXXXX, which reads back the same. Errors: out of
 * memory (also where j is NULL); a name that is not UTF-8, which is named: "class name 2 ('caf\xe9') is not UTF-8". */
int jsontext_write(char **text, const json_t *j, size_t flags, struct err *err) VIC_CHECKED;

#endif
