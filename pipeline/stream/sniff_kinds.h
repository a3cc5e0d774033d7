/* sniff_kinds: what sniff.c, sniff_text.c and sniff_document.c share. Private to pipeline/. */
#ifndef VIC_SNIFF_KINDS_H
#define VIC_SNIFF_KINDS_H

#include "sniff.h"

#include <string.h>
#include <strings.h>

#define SNIFF_TO_PNG "convert it to PNG or JPEG for vic-images --format folder"

/* What is being looked at: the bytes with a NUL after them. */
struct look {
	unsigned char head[SNIFF_BYTES + 1];
	size_t n;
	const char *base; /* the name less its folders */
	long long size;   /* of the file; -1: not known */
};

static inline void sniff_say(struct sniffed *s, int binary, const char *what, const char *remedy)
{
	err_phrase(s->what, sizeof s->what, "%s", what);
	s->remedy = remedy;
	s->binary = binary;
	s->known = 1;
	s->document = 0;
}

static inline int sniff_holds(const struct look *l, const char *text)
{
	return memmem(l->head, l->n, text, strlen(text)) != NULL;
}

static inline int sniff_ends(const char *name, const char *with)
{
	size_t n = strlen(name), k = strlen(with);
	return n > k && !strcasecmp(name + n - k, with);
}

/* No byte that no text has. */
int sniff_is_text(const struct look *l);
/* 1 when it is of that kind, with *s filled. */
int sniff_word2vec(const struct look *l, struct sniffed *s);
/* Of text: 1 when it is a document (sniff.h), with *s filled. */
int sniff_document(const struct look *l, struct sniffed *s);
/* Of text: always finds a kind. */
void sniff_text_kind(const struct look *l, struct sniffed *s);
void sniff_look(struct sniffed *s, const struct look *l);

#endif
