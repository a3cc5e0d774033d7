/* sink: where every format's reader puts its records. One call decodes a text, applies the rule and adds the
 * record to the stream; ids count from 0 over all operands. Private to tokenize/. */
#ifndef VIC_SINK_H
#define VIC_SINK_H

#include "charset.h"
#include "html.h"
#include "pipeline/stream/stream.h"
#include "rules.h"

/* Where a text was found, for messages. line 0: the whole file. */
struct place {
	const char *file;
	uint64_t line;
	const char *unit; /* NULL: "FILE:line"; "line" in CSV, where it is the record's first, as its reader says it */
};

struct sink {
	struct rule_table rules;
	struct decoder decoder;
	int html;                     /* texts have tags and character references */
	struct html_counts markup;
	struct decoder normal;        /* after references became characters: counts nothing for the report */
	char *plain;                  /* a text without its tags */
	size_t cap_plain;
	struct stream_writer *writer; /* owned once begun */
	const char *name;             /* of the next record, name_len bytes; NULL: none */
	size_t name_len;
	int flush;                    /* a block a record */
	const char *documents;        /* "" where HTML, XML and JSON are text as well, else what says so (sniff.h) */
	int split;                    /* given to every record, or -1: what the format knows */
	uint64_t n, by_split[SPLIT_COUNT];
	uint64_t remarked[SPLIT_COUNT]; /* records of each split, as the format knows it, that `split` made another */
	uint64_t *by_label;             /* [n_by_label] */
	size_t n_by_label, cap_by_label;
	uint64_t empty;                 /* records without a token */
	uint64_t unlabelled;            /* records of training without a label */
	char *first_unlabelled;         /* "FILE:LINE" of the first; owned */
	/* what readers count for the report */
	uint64_t boms, passed_over, returns;
	uint64_t torn; /* kim: words that lost letters, because they are outside ASCII */
	char *torn_word; /* the first of them, as it came; owned */
	char *tokens, *scratch;
	size_t cap_tokens, cap_scratch;
};

/* Begins the stream: from here on the class names are fixed. */
int sink_begin(struct sink *s, struct output *out, const struct stream_head *head, const json_t *self, struct err *err)
	VIC_CHECKED;
/* *tokens: the text's tokens joined by single spaces, *len bytes, valid until the next call. Adds nothing. */
int sink_tokenise(struct sink *s, const struct place *at, const char *text, size_t n, const char **tokens, size_t *len,
		  struct err *err) VIC_CHECKED;
/* Adds a record of tokens. `split` is what the format knows, -1 where it knows none (train); s->split overrides it. */
int sink_add(struct sink *s, const char *tokens, size_t len, int32_t label, int split, struct err *err) VIC_CHECKED;
/* Counts a record that has no label; keeps where the first is. */
int sink_unlabelled(struct sink *s, const struct place *at, int split, struct err *err) VIC_CHECKED;
/* All three. */
int sink_put(struct sink *s, const struct place *at, const char *text, size_t n, int32_t label, int split,
	     struct err *err) VIC_CHECKED;
/* Puts "file:line" in front of a message; returns -1. */
int place_context(const struct place *at, struct err *err);
void sink_release(struct sink *s);

#endif
