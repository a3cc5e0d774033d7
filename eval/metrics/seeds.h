/* seeds: which streams are runs of one experiment with different seeds. */
#ifndef VIC_EVAL_SEEDS_H
#define VIC_EVAL_SEEDS_H

#include <jansson.h>

/* 1 when two provenances name the same programs with the same options, seeds and operands (paths) aside, and at least
 * one stage was there at all. */
int seeds_same(const json_t *a, const json_t *b);

#endif
