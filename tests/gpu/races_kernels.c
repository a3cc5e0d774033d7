/* races_kernels: the plug-in's kernels that have barriers, once each in a shape that reaches all of them, for
 * ThreadSanitizer: races.slow.t builds this with the kernels' sources. The argument says which file's. */
#include "fake.h"
#include "models/core/cuda/kernels/update.h"
#include "models/core/cuda/kernels/wordconv.h"

#include <stdlib.h>
#include <string.h>

static cudaStream_t stream;

/* Device memory of n floats that vary. */
static float *varied(size_t n)
{
	float *host = malloc(n * sizeof *host);
	void *p;
	for (size_t i = 0; host && i < n; i++)
		host[i] = (float)(i * 2654435761u % 1000) / 500 - 0.9f;
	if (!host || cudaMalloc(&p, n * sizeof *host) ||
	    cudaMemcpyAsync(p, host, n * sizeof *host, cudaMemcpyHostToDevice, stream))
		exit(1);
	free(host);
	return p;
}

static void *copied(const void *from, size_t bytes)
{
	void *p;
	if (cudaMalloc(&p, bytes) || cudaMemcpyAsync(p, from, bytes, cudaMemcpyHostToDevice, stream))
		exit(1);
	return p;
}

/* Device memory of n numbers: i * step % below. */
static uint32_t *numbers(size_t n, size_t step, size_t below)
{
	uint32_t host[1024];
	for (size_t i = 0; i < n; i++)
		host[i] = (uint32_t)(i * step % below);
	return copied(host, n * sizeof *host);
}

static int norm(void)
{
	enum { ROWS = 700, C = 8 };
	float *part = varied((size_t)2 * NORM_PART), *state = varied((size_t)10 * C);
	float *values = varied((size_t)4 * ROWS * C);
	struct norm_args a = { .in = values,
			       .out = values + ROWS * C,
			       .rows = ROWS,
			       .c = C,
			       .relu = 1,
			       .eps = 1e-5f,
			       .momentum = 0.1f,
			       .gamma = state,
			       .beta = state + C,
			       .running_mean = state + 2 * C,
			       .running_var = state + 3 * C,
			       .mean = state + 4 * C,
			       .inv = state + 5 * C,
			       .part = { part, part + NORM_PART },
			       .sum = { state + 6 * C, state + 7 * C },
			       .d_out = values + 2 * ROWS * C,
			       .d_in = values + 3 * ROWS * C,
			       .d_gamma = state + 8 * C,
			       .d_beta = state + 9 * C };
	return launch_norm_moments_f32(&a, stream) || launch_norm_forward_f32(&a, stream) ||
	       launch_norm_sums_f32(&a, stream) || launch_norm_backward_f32(&a, stream);
}

static int update(void)
{
	enum { ROWS = 9, ROW = 40, LISTED = 3 };
	const struct step step = { .update = 9, .distinct = LISTED, .lr = 1, .adam_rate = 1, .adam_root = 1 };
	struct update_args a = { .rule = 0,
				 .rho = 0.9f,
				 .rho_rest = 0.1f,
				 .rho_log2 = -0.15f,
				 .beta1 = 0.9f,
				 .beta2 = 0.9f,
				 .eps = 1e-6f,
				 .step = copied(&step, sizeof step),
				 .word = numbers(LISTED, 4, ROWS),
				 .one = { .w = varied(ROWS * ROW),
					  .g = varied(LISTED * ROW),
					  .s1 = varied(ROWS * ROW),
					  .s2 = varied(ROWS * ROW),
					  .last = numbers(ROWS, 1, 5),
					  .n = ROWS * ROW,
					  .row = ROW,
					  .max_norm = 1 },
				 .rows = LISTED };
	struct update_args adam = a;
	adam.rule = 2;
	return launch_update_rows(&a, stream) || launch_update_every(&adam, stream) || launch_update_norms(&a, stream);
}

static int xent(void)
{
	enum { N = 2, CLASSES = 40 };
	struct xent_args a = { .logits = varied(N * CLASSES),
			       .target = varied(N * CLASSES),
			       .loss = varied(N),
			       .d_logits = varied(N * CLASSES),
			       .n = N,
			       .classes = CLASSES,
			       .bce = 1,
			       .erl = 0.1f };
	return launch_xent(&a, stream) || launch_xent_backward(&a, stream);
}

/* n sentences of four words out of four, two widths. */
static int words(int n, int maps, int width, int tuned)
{
	enum { WORDS = 4, DIM = 5, LENGTH = 4 };
	const struct step step = { .distinct = WORDS };
	struct place place[1024];
	uint32_t begin[257], place_begin[WORDS + 1], places = (uint32_t)n * LENGTH;
	size_t out = (size_t)2 * (size_t)maps, filters = (size_t)2 * (size_t)width * (size_t)maps * DIM;
	for (uint32_t i = 0; i <= (uint32_t)n; i++)
		begin[i] = i * LENGTH;
	for (uint32_t i = 0; i <= WORDS; i++)
		place_begin[i] = i * places / WORDS;
	for (uint32_t i = 0; i < places; i++)
		place[i] = (struct place){ i / LENGTH, i % LENGTH };
	struct wordconv_args a = { .n = n,
				   .dim = DIM,
				   .maps = maps,
				   .widths = 2,
				   .out = (int)out,
				   .taps = 2 * width,
				   .words = WORDS,
				   .mixed = 1,
				   .width = { width, width },
				   .first = { 0, width },
				   .block = { .step = copied(&step, sizeof step),
					      .lambda = varied((size_t)n),
					      .partner = numbers((size_t)n, 3, (size_t)n),
					      .begin = copied(begin, ((size_t)n + 1) * sizeof *begin),
					      .local = numbers(places, 1, WORDS),
					      .word = numbers(WORDS, 1, WORDS),
					      .place_begin = copied(place_begin, sizeof place_begin),
					      .place = copied(place, places * sizeof *place) },
				   .table = varied(WORDS * DIM),
				   .bias = { varied((size_t)maps), varied((size_t)maps) },
				   .x = varied(WORDS * DIM),
				   .filters = varied(filters),
				   .projected = varied((size_t)(WORDS * 2 * width * maps)),
				   .start = (void *)varied((size_t)n * out),
				   .hit = (void *)varied((size_t)n * out * sizeof(struct hit) / sizeof(float)),
				   .hits = (void *)varied((size_t)n),
				   .value = varied((size_t)n * out),
				   .d_value = varied((size_t)n * out),
				   .d_filter = { varied(filters), varied(filters) },
				   .d_bias = { varied((size_t)maps), varied((size_t)maps) },
				   .d_table = tuned ? varied(WORDS * DIM) : NULL };
	return launch_wordconv_gather(&a, stream) || launch_wordconv_forward(&a, stream) ||
	       launch_wordconv_backward(&a, stream);
}

int main(int argc, char **argv)
{
	if (argc != 2 || cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking))
		return 1;
	const char *which = argv[1]; /* wordconv: two runs of samples for a filter; two tiles of hits */
	int failed = !strcmp(which, "norm")	  ? norm()
		     : !strcmp(which, "update")	  ? update()
		     : !strcmp(which, "xent")	  ? xent()
		     : !strcmp(which, "wordconv") ? words(66, 1, 2, 0) || words(1, 33, 1, 1)
						  : 1;
	return failed || cudaStreamSynchronize(stream) || !fake_counts.kernels;
}
