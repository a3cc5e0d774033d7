/* plot_results: pictures of score tables, the numbers that recipes print. */
#ifndef VIC_PLOT_RESULTS_H
#define VIC_PLOT_RESULTS_H

#include "eval/results/results.h"
#include "plot.h"

enum { PLOT_METRICS = 12, PLOT_METHODS = 48 };

/* What of the rows of all runs is drawn, a panel a metric:
 * bars      a group of bars (of marks for what is better when higher, since its axis need not begin at 0) for each data
 *           set and model, one for each method, with its interval
 * settings  for one method, the metric against its settings, which must be numbers, a line for each data set and model;
 *           the method "baseline" stands at 0 */
struct plot_ask {
	int settings;
	const char *metrics; /* with commas; NULL: the first three of the table */
	const char *method;  /* of settings: its name without a setting */
};
struct result_plot {
	const char *metric[PLOT_METRICS], *method[PLOT_METHODS]; /* borrowed from the results, and from `list` */
	double setting[PLOT_METHODS]; /* of ask->settings: rising; 0 of the baseline */
	const struct result *place[PLOT_GROUPS];
	int metrics, methods, places;
	const struct plot_ask *ask;
	const struct result_table *results;
	char *list; /* owned: the asked metrics, cut up */
};
/* Chooses the rows. Errors: a metric or method that the table lacks, more than there is room for, a setting that is no
 * number. On failure *p is released. */
int result_plot_choose(struct result_plot *p, const struct result_table *r, const struct plot_ask *ask,
		       struct err *err) VIC_CHECKED;
void result_plot_release(struct result_plot *p);
/* Writes the script. Errors of `to` are left for its close. */
void result_plot_script(const struct result_plot *p, const struct plot_look *look, FILE *to);
/* "ECE, OE of baseline, mixup 0.4 on mr, trec": for who cannot see it. */
void result_plot_describe(const struct result_plot *p, FILE *to);

#endif
