/* report: one self-contained HTML page about a few streams of logits. No script, no network, no clock: the same streams
 * give the same bytes. Figures are inline SVG with a title, a description and a table beside them that says the same
 * in numbers. */
#ifndef VIC_REPORT_H
#define VIC_REPORT_H

#include "asked.h"
#include "html.h"
#include "eval/records/bins.h"
#include "eval/compare/compare.h"
#include "eval/metrics/metrics.h"
#include "eval/records/rows.h"
#include "eval/metrics/score.h"

#include <stdio.h>

/* One stream as the page shows it. */
struct report_stream {
	struct rows rows; /* owned */
	struct score score;
	struct bins bins;
	struct pav_block *block; /* CORP curve: [n_blocks] over rows.key, which is sorted; owned */
	size_t n_blocks;
	struct report_more more;
	char *claim; /* against the first stream, or NULL where there is none to make; owned */
};

struct report {
	const char *title;
	struct report_stream *report_stream; /* [n], owned */
	int n;
	double level;
	int rounds; /* of the bootstrap behind the intervals; 0: none */
	uint64_t seed;
	const char *version;
	struct report_asked asked;
	struct table selections; /* a column a stream, where they were asked for */
};

void report_release(struct report *r);
/* Writes the page. Errors of `to` are left for its close. */
void report_write(const struct report *r, FILE *to);

/* Parts of the page. */
void report_diagram(FILE *to, const struct report_stream *p, int number);
void report_bins_table(FILE *to, const struct report_stream *p);
void report_scores(FILE *to, const struct report *r);
void report_more_scores(FILE *to, const struct report *r);
/* The sections that were asked for: whether there are any, their links in the contents, and themselves. */
int report_has_more(const struct report *r);
void report_more_links(FILE *to, const struct report *r);
void report_more_sections(FILE *to, const struct report *r);
/* One figure each: the risk of the most confident, and how a score tells other records apart. */
void report_risk(FILE *to, const struct report_stream *p, const struct report_asked *asked, int number);
void report_apart(FILE *to, const struct report_stream *p, const struct report_other *other, int number);
void report_provenance(FILE *to, const struct report_stream *p);

#endif
