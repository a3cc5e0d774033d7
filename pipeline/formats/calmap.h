/* calmap: a calibration map, which vic-calibrate fits on one split and applies to another. z are a record's k logits.
 *
 *   temperature  softmax(z / T)                                                          Guo et al. 2017
 *   vector       softmax(w o z + b); loss + l2 (mean_k (w_k - 1)^2 + mean_k b_k^2)       Guo et al. 2017; shrunk to the
 *                                                                                        identity
 *   matrix       softmax(W z + b); loss + l2 mean_{i != j} W_ij^2 + l2_bias mean_k b_k^2   "ODIR", Kull et al. 2019
 *   structured-matrix  softmax(W x + b), x = log softmax(z / T), T as temperature has it, then
 *                loss + (l2 k sum_k (W_kk - 1)^2 + l2 k (k - 1) sum_{i != j} W_ij^2 + l2_bias k sum_k b_k^2) / n
 *                                                                                        Berta et al. 2025
 *   dirichlet    softmax(W ln p + b), p = softmax(z); loss as that of matrix             Kull et al. 2019
 *   ensemble-temperature  w_1 softmax(z / T) + w_2 softmax(z) + w_3 / k; w >= 0, of sum 1; T as temperature has it,
 *                then w by the loss                                                      Zhang et al. 2020
 *   platt        two classes, s = z_1 - z_0: P(1) = 1 / (1 + exp(-(a s + b))), fitted to
 *                Platt's targets (n_1 + 1)/(n_1 + 2) and 1/(n_0 + 2)                     Platt 1999
 *   beta         two classes, p = P(1): log-odds a ln p - b ln(1 - p) + c, a and b >= 0  Kull et al. 2017
 *   isotonic     each class against the rest: pool adjacent violators over P(class), linear between blocks, constant
 *                beyond; then divided by the sum (all zero: uniform). Two classes: P(1) alone.
 *                                                                                        Zadrozny and Elkan 2002
 *   centred-isotonic  the same, but each block with a value inside (0, 1) is one knot, at the mean of its P(class);
 *                those of 0 and 1 stay flat                                              Oron and Flournoy 2017
 *   histogram    as isotonic, with the frequency of the class in each of `bins` equal-width bins of P(class); a bin
 *                without data leaves P(class) as it is                                   Zadrozny and Elkan 2001
 * Where clip > 0, a record with a probability below clip or above 1 - clip has those set to it first, in its logits.
 * isotonic, centred-isotonic, histogram and ensemble-temperature give probabilities, the others logits. All but platt's
 * targets are fitted to hard labels. */
#ifndef VIC_CALMAP_H
#define VIC_CALMAP_H

#include "pipeline/base/err.h"

#include <jansson.h>

/* In the order of CALMAP_CHOICES. */
enum calmap_method {
	MAP_TEMPERATURE,
	MAP_VECTOR,
	MAP_MATRIX,
	MAP_PLATT,
	MAP_BETA,
	MAP_ISOTONIC,
	MAP_HISTOGRAM,
	MAP_STRUCTURED,
	MAP_DIRICHLET,
	MAP_CENTRED,
	MAP_ENSEMBLE,
	MAP_METHODS
};
#define CALMAP_CHOICES "temperature|vector|matrix|platt|beta|isotonic|histogram|" \
	"structured-matrix|dirichlet|centred-isotonic|ensemble-temperature"

/* Isotonic, centred: value is linear between (score[i], value[i]) and (score[i + 1], value[i + 1]); score and value do
 * not fall. / */
struct curve {
	size_t n;
	double *score, *value; /* [n], owned */
};

struct calmap {
	enum calmap_method method;
	int k;
	double clip;	/* 0: none */
	double t;	/* structured, ensemble: T; dirichlet: 1 */
	double *weight; /* temperature: [1] T; vector: [k]; matrix, structured, dirichlet: [k][k] output-major; platt:
			 * [1] a; beta: [2] a, b; ensemble: [3] of scaled, raw, uniform */
	double *bias;	/* the affine ones: [k]; platt, beta: [1] */
	int curves;	/* isotonic, centred, histogram: k, or 1 (class 1) where k is 2 */
	struct curve *curve; /* isotonic, centred: [curves] */
	int bins;	     /* histogram */
	double *bin;	     /* histogram: [curves][bins]; NaN where there was no data */
};

void calmap_release(struct calmap *map);
/* 1 where apply gives probabilities. */
int calmap_gives_probs(enum calmap_method method);
/* 1 where the map is W and b (vector, matrix, structured, dirichlet). */
int calmap_is_affine(enum calmap_method method);
/* 1 where it is a rising curve a class (isotonic, centred). */
int calmap_has_curves(enum calmap_method method);
/* x[k] = log softmax(z / t), by way of the caller's softmax; x may be z. p: [k], softmax(z / t). */
void calmap_log_softmax(void (*softmax)(const double *z, int k, double *p), const double *z, int k, double t, double *x,
			double *p);
/* Raises z[k] where its softmax is below clip and lowers it where that is above 1 - clip, and leaves the rest as it is.
 * Returns whether there was such a class. 0 < clip < 1/k. */
int calmap_clip(double *z, int k, double clip);
/* One record: z[k] logits to out[k] logits or probabilities; room: [2 k] of scratch. softmax: the caller's, z[k] to
 * p[k]. */
void calmap_apply_with(const struct calmap *map, void (*softmax)(const double *z, int k, double *p), const double *z,
		       double *out, double *room);

/* "method" and "parameters" of a map file; NULL when out of memory. */
json_t *calmap_to_json(const struct calmap *map);
/* Everything checked: lengths, finite numbers, order of knots. k: classes of the file. On failure *map is released. */
int calmap_from_json(struct calmap *map, const json_t *j, int k, struct err *err) VIC_CHECKED;
const char *calmap_method_name(enum calmap_method method);

/* Score of one-against-rest maps: value of the curve or bin at p. */
double curve_at(const struct curve *c, double p);

#endif
