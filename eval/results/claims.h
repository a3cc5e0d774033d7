/* claims: what the paper says, in a form that results can be held against (pipeline/recipes/lib/claims.tsv). */
#ifndef VIC_CLAIMS_H
#define VIC_CLAIMS_H

#include "results.h"

#define CLAIMS_HEADER "id\tfigure\twhere\tstatement\tdata\tmodel\tmetric\ta\tdirection\tb\tpaper_a\tpaper_b"

enum direction { CLAIM_VALUE, CLAIM_BELOW, CLAIM_ABOVE };

/* "`a` is below (above) `b` in `metric`", on every data set and model that match; CLAIM_VALUE: no claim, but a value of
 * `a` that the paper prints. Borrowed from the claims. */
struct claim {
	const char *id;
	const char *figure; /* recipes, with commas between; in them and in data and model "*" stands for any letters */
	const char *where;  /* in the paper: "Fig. 2h", "Table 1" */
	const char *statement;
	const char *data, *model;
	const char *metric;
	const char *a, *b; /* methods with their settings ("mixup 0.4"); b may be a number; "" for CLAIM_VALUE */
	const char *b_model; /* of b, where the file has MODEL/METHOD; NULL: a's */
	enum direction direction;
	int b_is_number;
	double number;		 /* b, where it is one */
	double paper_a, paper_b; /* NaN: not printed */
};
struct claims {
	struct claim *claim; /* [n], owned; in the order of the file */
	size_t n, cap;
	char *text; /* owned */
};

/* Errors: no table of claims, a direction that is none of below, above and -, a value that is missing, an id that was
 * given before. What was read stays the caller's to release. */
int claims_read(struct claims *c, const char *path, struct err *err) VIC_CHECKED;
void claims_release(struct claims *c);

/* Whether the claim is about this figure, data set and model. */
int claim_is_about(const struct claim *c, const struct result *row);
/* What the paper prints for this row; NaN: nothing. Claims on any data ("*") have values of some data that are not
 * said. */
double claims_paper_value(const struct claims *c, const struct result *row);

#endif
