/* jsontext: JSON from outside, parsed only when what it makes fits a bound. jansson takes up to a hundred bytes of memory for one of
 * text ("[],[],[]..."), and its parser and its free() recurse once a level, so text is looked through before it is parsed. Every
 * text of JSON that a program reads passes here. */
#ifndef VIC_JSONTEXT_H
#define VIC_JSONTEXT_H

#include "err.h"

#include <jansson.h>
#include <stddef.h>

enum {
	JSONTEXT_DEPTH = 64,              /* levels of lists and objects */
	JSONTEXT_ROOM = 32 << 20,         /* bytes of memory for the values of one text, where nothing else is said */
	JSONTEXT_NAMES_ROOM = 160 << 20,  /* where there may be a list of STREAM_MAX_CLASSES names */
};

/* Parses n bytes of one JSON value; *out is a new reference. room: bytes of memory that values may still take, reduced by what
 * this text takes (estimated, never below the truth by more than a few per cent); NULL: JSONTEXT_ROOM. A key that is there twice,
 * text that is not UTF-8 and bytes behind the value are errors; messages name no file. */
int jsontext_parse(json_t **out, const char *text, size_t n, size_t *room, struct err *err) VIC_CHECKED;

#endif
