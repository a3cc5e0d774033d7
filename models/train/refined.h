/* refined: the loss that a temperature of their own would leave dev records, by which an epoch may be chosen. */
#ifndef VIC_REFINED_H
#define VIC_REFINED_H

#include <stddef.h>
#include <stdint.h>

/* The least mean NLL, in nats, that softmax(z / T) reaches at any one T > 0, of the finite logits [n][classes] of
 * n >= 1 records: what is left of the loss when calibration is mended, which Berta et al. 2025 ("Rethinking early
 * stopping: refine, then calibrate", arXiv 2501.19195) call the refinement error and stop training by. Where no T is
 * best it is the limit: the logarithm of the number of classes where the logits tell nothing or the wrong thing (T
 * grows without end), and where every label has its record's largest logit (T falls to 0) the mean logarithm of how
 * many share it. Record i's label is label[record[i]]. Sums are in order. */
double refined_nll(const float *logits, const uint32_t *record, const int32_t *label, size_t n, int classes);

#endif
