/* sets: the sets of records written, a line each, and the probabilities they are made from. */
#ifndef VIC_SETS_H
#define VIC_SETS_H

#include "conformal.h"
#include "eval/records/rows.h"

/* Probabilities of record i: of several samples their mean. p: [classes]; room: [classes] of scratch. */
void record_probs(const struct rows *rows, size_t i, double *p, double *room);

struct sets {
	int k, json;
	char **name; /* [k] as they are written, owned */
	struct member {
		double p;
		int k;
	} *member; /* [k], owned */
};
/* JSON or TSV. Errors: a class name that is not UTF-8, for JSON. */
int sets_init(struct sets *s, const struct stream_head *head, int json, struct err *err) VIC_CHECKED;
void sets_release(struct sets *s);
/* TSV: the header. */
int sets_head(const struct sets *s, struct output *out, struct err *err) VIC_CHECKED;
/* The set {k: p_k >= cut}, from the likeliest class down, ties by index; where `never_empty`, of the winner if there is
 * none. Returns its size; sets_hold says whether a class is in it. Until the next call. */
int sets_take(struct sets *s, const double *p, double cut, int never_empty);
int sets_hold(const struct sets *s, int size, int32_t class);
/* TSV: record, label, covered (1, 0), size and classes, names as words (pipeline/files/text.h) between spaces; JSON: an
 * object {"record", "label", "covered", "size", "set"}. Without label the two are empty, or null. */
int sets_write(const struct sets *s, struct output *out, uint64_t id, int32_t label, int size,
	       struct err *err) VIC_CHECKED;

#endif
