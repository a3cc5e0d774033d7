/* worst: the group that does worst, metric by metric, as columns of a table. */
#ifndef VIC_WORST_H
#define VIC_WORST_H

#include "differ.h"
#include "eval/metrics/score.h"

/* Of metrics with a direction that have a range (metric_table.h's interval): the lowest where higher is better, the
 * furthest from 0 where the range holds both signs, else the highest. Returns the group whose item of that key is
 * worst, the first of equals; -1 where there is none. */
int worst_of(const struct score *const *group, int n, const struct metric *metric, const char *key);
/* Adds the columns "worst group" (its name), "worst" (its value and interval, as the group has it) and, of two groups
 * or more, "p of no difference". name: [n] of the groups. */
int worst_columns(struct table *t, const struct score *const *group, const char *const *name, int n,
		  const struct differ *d, struct err *err) VIC_CHECKED;
/* 1 where one of these columns has that name. */
int worst_calls(const char *name);
/* The level at which n intervals hold together at `level` (Sidak 1967; groups share no records). */
double worst_level(double level, int n);

#endif
