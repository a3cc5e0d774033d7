/* coverage [--sets N] [--classes K] [--least N] [--most N]: how often vic-score's 95 % intervals hold the true value,
 * of sets drawn from models whose truth is known (tests/unit/eval/simulated.h). A line a model and number of records;
 * then a line a key: coverage, the intervals' mean width and that over the distance between the 2.5 % and 97.5 %
 * quantiles of the value, and how many lay above and below the truth. Last the table of docs/METRICS.md: for each key
 * the least coverage up to 1,000 records, and where; and that of all models of 10,000 together, which have a fifth of
 * the sets. */
#include "tests/unit/eval/simulated.h"

#include <stdio.h>

enum { ROUNDS = 40, MANY = 200000, KEYS = 40, FEWER_SETS = 10000 };

struct tally {
	const char *key;
	double least;
	int k;
	size_t n;
	double scale;
	double many; /* sum of coverages at FEWER_SETS records, of `cells` */
	int cells;
};

static struct tally keys[KEYS];
static int n_keys;

static struct tally *tally_of(const char *key)
{
	for (int i = 0; i < n_keys; i++)
		if (!strcmp(keys[i].key, key))
			return &keys[i];
	keys[n_keys] = (struct tally){ .key = key, .least = 2 };
	return &keys[n_keys++];
}

static const char *name_of(double scale)
{
	return scale > 1 ? "overconfident" : scale < 1 ? "underconfident" : "calibrated";
}

static int cell(const struct simulated_truth *truth, int classes, double scale, size_t n, int sets, struct err *err)
{
	struct score_options o = {
		.bins = { SIMULATED_BINS }, .n_bins = 1, .rounds = ROUNDS, .level = 0.95, .threads = 1
	};
	static struct score s;
	int held[KEYS] = { 0 }, over[KEYS] = { 0 };
	double width[KEYS] = { 0 }, *value;
	if (mem_alloc(&value, KEYS * (size_t)sets, sizeof *value, err))
		return -1;
	for (int set = 0; set < sets; set++) {
		struct rows w;
		o.seed = (uint64_t)set + 1;
		if (simulated_rows(&w, n, classes, scale, (uint32_t)set, err) || score_rows(&s, &w, &o, err))
			return -1;
		simulated_release(&w);
		for (int i = 0; i < s.n; i++) {
			const struct score_item *v = &s.item[i];
			double t = simulated_value(truth, v->key);
			if (v->kind != SCORE_INTERVAL || isnan(t))
				continue;
			long at = tally_of(v->metric->key) - keys;
			held[at] += v->low <= t && t <= v->high;
			over[at] += v->low > t;
			width[at] += (v->high - v->low) / sets;
			value[at * sets + set] = v->value;
		}
	}
	printf("K %d, %s, n %zu, %d sets\n", classes, name_of(scale), n, sets);
	for (int i = 0; i < n_keys; i++) {
		double share = (double)held[i] / sets, *v = value + (long)i * sets;
		sort_rising(v, (size_t)sets);
		double spread = quantile_of(v, sets, 0.975) - quantile_of(v, sets, 0.025);
		printf("  %-12s %5.1f  width %.5f (%.2f)  above the truth %d, below %d  true %.5f mean %.5f\n",
		       keys[i].key, 100 * share, width[i], width[i] / spread, over[i], sets - held[i] - over[i],
		       simulated_value(truth, keys[i].key), v[sets / 2]);
		if (n >= FEWER_SETS) {
			keys[i].many += share;
			keys[i].cells++;
		} else if (share < keys[i].least) {
			keys[i].least = share;
			keys[i].k = classes;
			keys[i].n = n;
			keys[i].scale = scale;
		}
	}
	fflush(stdout);
	free(value);
	return 0;
}

int main(int argc, char **argv)
{
	static const int classes[] = { 2, 10, 100 };
	static const size_t n[] = { 50, 100, 1000, 10000 };
	static const double scale[] = { 1, 1.7, 0.6 };
	struct err err = ERR_NONE;
	int sets = 300, only_k = 0;
	size_t least = 0, most = 10000;
	for (int i = 1; i + 1 < argc; i += 2) {
		long v = strtol(argv[i + 1], NULL, 10);
		if (!strcmp(argv[i], "--sets"))
			sets = (int)v;
		if (!strcmp(argv[i], "--classes"))
			only_k = (int)v;
		if (!strcmp(argv[i], "--least"))
			least = (size_t)v;
		if (!strcmp(argv[i], "--most"))
			most = (size_t)v;
	}
	for (int model = 0; model < 9; model++) {
		int k = classes[model / 3], rc;
		struct simulated_truth truth;
		if (only_k && only_k != k)
			continue;
		rc = simulated_truth(&truth, MANY, k, scale[model % 3], &err);
		for (int i = 0; i < 4 && !rc; i++)
			if (least <= n[i] && n[i] <= most)
				rc = cell(&truth, k, scale[model % 3], n[i], n[i] >= FEWER_SETS ? (sets + 4) / 5 : sets,
					  &err);
		if (rc) {
			fprintf(stderr, "coverage: %s\n", err.msg);
			return 1;
		}
	}
	for (int i = 0; i < n_keys; i++)
		printf("| `%s` | %.0f | K = %d, %s, n = %zu | %.0f |\n", keys[i].key, 100 * keys[i].least, keys[i].k,
		       name_of(keys[i].scale), keys[i].n, 100 * keys[i].many / keys[i].cells);
	return 0;
}
