/* mklogits: streams of logits of a made-up classifier, for tests: mklogits [KEY=VALUE...] > STREAM
 *
 * Record i draws z ~ spread N(0, 1) for each class and its label from softmax(z), both from (seed, first + i) alone.
 * The model shows temperature x (z + noise e) with e from (model, first + i): temperature above 1 is overconfidence
 * that can be undone exactly, noise a worse model of the same records. Keys (defaults): n (1000) classes (3) seed (1)
 * model (1) first (0) spread (2) temperature (1) noise (0) samples (1) f64 (0) probs (0) ood (0: labels -1, spread
 * halved) dev (0: share of dev, per thousand) name (none) split (train). cut (0): blocks end at random, one record in
 * so many; the provenance does not tell. */
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"
#include "pipeline/stream/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *key;
	double value;
} key[] = { { "n", 1000 },   { "classes", 3 },	   { "seed", 1 },  { "model", 1 },   { "first", 0 },
	    { "spread", 2 }, { "temperature", 1 }, { "noise", 0 }, { "samples", 1 }, { "f64", 0 },
	    { "probs", 0 },  { "ood", 0 },	   { "dev", 0 },    { "cut", 0 } };
enum { KEYS = sizeof key / sizeof *key };

static double get(const char *name)
{
	for (int i = 0; i < KEYS; i++)
		if (!strcmp(key[i].key, name))
			return key[i].value;
	abort();
}

/* 1: a key of numbers; 0: not one of ours. */
static int set(const char *arg)
{
	size_t n = strcspn(arg, "=");
	for (int i = 0; i < KEYS; i++)
		if (arg[n] && strlen(key[i].key) == n && !memcmp(key[i].key, arg, n)) {
			key[i].value = strtod(arg + n + 1, NULL);
			return 1;
		}
	return 0;
}

static int draw_label(struct rng *r, const double *z, int k)
{
	double best = -INFINITY;
	int label = 0;
	for (int c = 0; c < k; c++) {
		double gumbel = z[c] - log(-log(rng_real(r) + 1e-300));
		if (gumbel > best) {
			best = gumbel;
			label = c;
		}
	}
	return label;
}

static void to_probs(double *z, int k)
{
	double max = -INFINITY, sum = 0;
	for (int c = 0; c < k; c++)
		max = fmax(max, z[c]);
	for (int c = 0; c < k; c++)
		sum += z[c] = exp(z[c] - max);
	for (int c = 0; c < k; c++)
		z[c] /= sum;
}

static int write_records(struct stream_writer *w, const struct stream_head *h, int marked, struct err *err)
{
	int k = h->n_classes;
	double *z, *v;
	if (mem_alloc(&z, (size_t)k, sizeof *z, err) || mem_alloc(&v, (size_t)(k * h->samples), sizeof *v, err))
		return -1;
	for (uint32_t i = 0; i < (uint32_t)get("n"); i++) {
		uint32_t id = (uint32_t)get("first") + i;
		struct rng r, e;
		rng_init(&r, (uint64_t)get("seed"), RNG_SYNTH, id, 0);
		rng_init(&e, (uint64_t)get("seed"), RNG_SYNTH, id, (uint32_t)get("model"));
		for (int c = 0; c < k; c++)
			z[c] = get("spread") * (get("ood") > 0 ? 0.5 : 1) * rng_normal(&r);
		int label = get("ood") > 0 ? -1 : draw_label(&r, z, k);
		int split = rng_below(&r, 1000) < (uint32_t)get("dev") ? SPLIT_DEV : marked;
		for (int s = 0; s < h->samples; s++) {
			for (int c = 0; c < k; c++)
				v[s * k + c] = get("temperature") * (z[c] + get("noise") * rng_normal(&e));
			if (h->values == VALUES_PROBS)
				to_probs(v + s * k, k);
		}
		for (int c = 0; h->dtype == DTYPE_F32 && c < k * h->samples; c++)
			((float *)v)[c] = (float)v[c]; /* in place: what is read lies after what is written */
		if (stream_add(w, id, label, split, v, stream_record_size(h), err))
			return -1;
		rng_init(&r, (uint64_t)get("seed"), RNG_TEST, id, (uint32_t)get("cut"));
		if (get("cut") > 0 && rng_below(&r, (uint32_t)get("cut")) == 0 && stream_flush(w, err))
			return -1;
	}
	free(z);
	free(v);
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	struct output out = { 0 };
	struct stream_writer *w = NULL;
	struct stream_head head = { .kind = STREAM_LOGITS };
	int split = SPLIT_TRAIN;
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "name=", 5))
			head.name = strdup(argv[i] + 5);
		else if (!strncmp(argv[i], "split=", 6) && split_of(argv[i] + 6) >= 0)
			split = split_of(argv[i] + 6);
		else if (!set(argv[i])) {
			fprintf(stderr, "mklogits: what is '%s'?\n", argv[i]);
			return 2;
		}
	}
	int k = (int)get("classes");
	char(*text)[32];
	const char **classes;
	if (k < 1 || k > STREAM_MAX_CLASSES || mem_alloc(&text, (size_t)k, sizeof *text, &err) ||
	    mem_alloc(&classes, (size_t)k, sizeof *classes, &err))
		return 1;
	for (int c = 0; c < k; c++) {
		snprintf(text[c], sizeof text[c], "class %d", c);
		classes[c] = text[c];
	}
	head.samples = (int)get("samples");
	head.dtype = get("f64") > 0 ? DTYPE_F64 : DTYPE_F32;
	head.values = get("probs") > 0 ? VALUES_PROBS : VALUES_LOGITS;
	json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "mklogits", "version", "0", "args");
	for (int i = 1; self && i < argc; i++)
		if (strncmp(argv[i], "cut=", 4))
			json_array_append_new(json_object_get(self, "args"), json_string(argv[i]));
	if (stream_head_classes(&head, k, classes, &err) || output_open(&out, "-", &err) ||
	    stream_begin(&w, &out, &head, NULL, self, &err) || write_records(w, &head, split, &err) ||
	    stream_finish(w, &err) || output_commit(&out, &err)) {
		fprintf(stderr, "mklogits: %s\n", err.msg);
		return 1;
	}
	stream_writer_free(w);
	output_release(&out);
	stream_head_release(&head);
	json_decref(self);
	free(text);
	free(classes);
	return 0;
}
