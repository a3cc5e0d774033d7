/* putlogits: a stream of logits for tests.
 *
 *   putlogits [OPTION...] K < LINES     a line a record: label (or -1), then K values for each sample
 *   putlogits [OPTION...] --draw N --scale S --temperature T K
 *                                      N records drawn: logits N(0, S^2), label from softmax(logits), logits then times
 * T options: --probs --f64 --samples N --split NAME --name TEXT --seed N --random-seed-line N (a provenance line
 * --seed=N) */
#include "pipeline/base/num.h"
#include "pipeline/base/philox.h"
#include "pipeline/stream/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int probs, f64, classes;
	int64_t samples, draw, seed, line;
	double scale, temperature;
	const char *split, *name;
} o = { 0, 0, 0, 1, 0, 1, -1, 2, 1, "test", NULL };

static _Noreturn void die(const char *text)
{
	fprintf(stderr, "putlogits: %s\n", text);
	exit(2);
}

static void add(struct stream_writer *w, uint64_t id, int label, int split, const double *v, size_t n)
{
	struct err err = ERR_NONE;
	float *f = malloc(n * sizeof *f + 1);
	for (size_t i = 0; i < n; i++)
		f[i] = (float)v[i];
	if (stream_add(w, id, label, split, o.f64 ? (const void *)v : f, n * (o.f64 ? 8 : 4), &err))
		die(err.msg);
	free(f);
}

/* A line may begin with a split's name. */
static void from_lines(struct stream_writer *w, size_t n)
{
	char *line = NULL;
	size_t cap = 0;
	uint64_t id = 0;
	double *v = malloc(n * sizeof *v + 1);
	while (getline(&line, &cap, stdin) > 0) {
		char *save, *word = strtok_r(line, " \t\n", &save);
		int split = split_of(o.split);
		if (!word)
			continue;
		if (split_of(word) >= 0) {
			split = split_of(word);
			word = strtok_r(NULL, " \t\n", &save);
		}
		int label = word ? (int)strtol(word, NULL, 10) : -2;
		for (size_t i = 0; i < n; i++) {
			word = strtok_r(NULL, " \t\n", &save);
			if (!word)
				die("a line is too short");
			v[i] = strtod(word, NULL);
		}
		add(w, id++, label, split, v, n);
	}
	free(line);
	free(v);
}

static void draw(struct stream_writer *w, size_t k)
{
	double *z = malloc(k * sizeof *z);
	for (int64_t i = 0; i < o.draw; i++) {
		struct rng r;
		rng_init(&r, (uint64_t)o.seed, RNG_TEST, (uint32_t)i, 0);
		double sum = 0, at;
		size_t y = 0;
		for (size_t j = 0; j < k; j++)
			z[j] = o.scale * rng_normal(&r);
		for (size_t j = 0; j < k; j++)
			sum += exp(z[j]);
		at = rng_real(&r) * sum;
		while (y + 1 < k && at >= exp(z[y]))
			at -= exp(z[y++]);
		for (size_t j = 0; j < k; j++)
			z[j] *= o.temperature;
		add(w, (uint64_t)i, (int)y, split_of(o.split), z, k);
	}
	free(z);
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";
		int64_t k;
		int rc = 0;
		i += *a == '-' && strcmp(a, "--probs") && strcmp(a, "--f64");
		if (!strcmp(a, "--probs"))
			o.probs = 1;
		else if (!strcmp(a, "--f64"))
			o.f64 = 1;
		else if (!strcmp(a, "--split"))
			o.split = v;
		else if (!strcmp(a, "--name"))
			o.name = v;
		else if (!strcmp(a, "--samples"))
			rc = num_i64(a, v, 1, 1000, &o.samples, &err);
		else if (!strcmp(a, "--draw"))
			rc = num_i64(a, v, 1, INT64_C(1) << 31, &o.draw, &err);
		else if (!strcmp(a, "--seed"))
			rc = num_i64(a, v, 0, INT64_MAX, &o.seed, &err);
		else if (!strcmp(a, "--random-seed-line"))
			rc = num_i64(a, v, 0, INT64_MAX, &o.line, &err);
		else if (!strcmp(a, "--scale"))
			rc = num_f64(a, v, 0, 1e6, &o.scale, &err);
		else if (!strcmp(a, "--temperature"))
			rc = num_f64(a, v, 0, 1e6, &o.temperature, &err);
		else if (!(rc = num_i64("K", a, 1, 100000, &k, &err)))
			o.classes = (int)k;
		if (rc)
			die(err.msg);
	}
	struct stream_head head = { .kind = STREAM_LOGITS,
				    .dtype = o.f64 ? DTYPE_F64 : DTYPE_F32,
				    .values = o.probs ? VALUES_PROBS : VALUES_LOGITS,
				    .samples = (int)o.samples };
	char **names = calloc((size_t)o.classes + 1, sizeof *names), text[32], seed[64];
	if (!o.classes || split_of(o.split) < 0)
		die("usage: see the top of putlogits.c");
	for (int k = 0; k < o.classes; k++) {
		snprintf(text, sizeof text, "c%d", k);
		names[k] = strdup(text);
	}
	struct output out;
	struct stream_writer *w;
	json_t *self = NULL;
	if (o.line >= 0) {
		snprintf(seed, sizeof seed, "--seed=%lld", (long long)o.line);
		self = json_pack("{s:s, s:s, s:[s,s]}", "program", "vic-train", "version", "0", "args", "--mixup=0.4",
				 seed);
	}
	head.name = o.name ? strdup(o.name) : NULL;
	if (stream_head_classes(&head, o.classes, (const char *const *)names, &err) || output_open(&out, "-", &err) ||
	    stream_begin(&w, &out, &head, NULL, self, &err))
		die(err.msg);
	if (o.draw)
		draw(w, (size_t)o.classes);
	else
		from_lines(w, (size_t)o.classes * (size_t)o.samples);
	if (stream_finish(w, &err) || output_commit(&out, &err))
		die(err.msg);
	stream_writer_free(w);
	output_release(&out);
	stream_head_release(&head);
	json_decref(self);
	for (int k = 0; k < o.classes; k++)
		free(names[k]);
	free(names);
	return 0;
}
