/* sketch: what is kept of a set of records so that another set can be asked whether it holds them.
 *
 * A record's print is a 64-bit hash of its values, to the 24 bits that a float32 has: no id, no label, no place in
 * the file, so a copy is found that was shuffled, numbered anew, stripped of labels or written as text of nine
 * digits. A sketch holds the SKETCH smallest different prints and how often each came (a bottom-k sketch: Cohen and
 * Kaplan 2007); two sketches are compared where both are complete.
 *
 * Equal values prove nothing by themselves: frequencies of ten votes are the same in any two sets. So the question is
 * whether more values lie in both sets than chance would have it, were all records of one kind and dealt to the two
 * sets at random: then a value that came g times in all lies in one set only with a probability that the sizes of the
 * sets alone decide, whatever the values' distribution. overlap.log_p bounds, by Chernoff, the logarithm of the
 * probability of as many values in both sets. Values that are common lie in both anyway and weigh nothing; 27 rare ones
 * in both of two equal sets, and none twice in either, are past OVERLAP_SURE. Fewer are never enough: of sets so small
 * that nothing can be told, nothing is claimed. */
#ifndef VIC_SKETCH_H
#define VIC_SKETCH_H

#include <stddef.h>
#include <stdint.h>

enum { SKETCH = 2048 };

struct sketch_print {
	uint64_t print, count;
};

struct sketch {
	size_t n;
	struct sketch_print at[SKETCH]; /* rising */
	uint64_t records; /* all that were added */
	uint64_t sum;	  /* of the prints of all that were added, a digest that no order changes */
};

/* From a record's n logits (or logarithms of probabilities) in float64; -0 is 0. */
uint64_t record_print(const double *v, size_t n);
/* A print that came `count` >= 1 times. */
void sketch_add(struct sketch *s, uint64_t print, uint64_t count);

struct overlap {
	double shared; /* estimate of how many of the first set's records have their values in the second */
	uint64_t seen; /* different values that were found in both */
	double log_p;  /* <= 0 */
};
/* log_p of 1e-8: with a look at every doubling of the records, false alarms stay below one in a million. */
#define OVERLAP_SURE (-18.420680743952367)

void sketch_overlap(const struct sketch *fitted, const struct sketch *now, struct overlap *o);

#endif
