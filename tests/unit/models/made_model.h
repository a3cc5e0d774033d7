/* A small model of words with random weights, and the file that it was written to. */
#ifndef VIC_TEST_MADE_MODEL_H
#define VIC_TEST_MADE_MODEL_H

#include "models/predict/predictor.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/philox.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { WORDS = 9, DIM = 3, MAPS = 2, CLASSES = 3 };

static struct rng random_state;

static inline int below(int n)
{
	return (int)rng_below(&random_state, (uint32_t)n);
}

static inline float signed_unit(void)
{
	return (float)(2 * rng_real(&random_state) - 1);
}

static inline int memory_file(char *path)
{
	int fd = memfd_create("predictor", MFD_CLOEXEC);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static int two_copies_of_words; /* of the next model */

/* The model: words "a", "bb", "ccc", ... with vectors; weights; and the file it was written to. */
struct made {
	struct dataset data;
	struct plan plan;
	struct device dev; /* whose engine the file names */
	struct graph g;
	float *weight[64];
	char text[WORDS * WORDS], path[64];
	uint32_t end[WORDS];
	float vector[WORDS * DIM];
	int fd;
};

static const char *const classes[] = { "first", "second", "third" };

static inline void word_of(uint32_t i, char *to)
{
	memset(to, 'a' + (int)i, i + 1);
	to[i + 1] = 0;
}

static inline void make_model(struct made *m)
{
	struct err err = ERR_NONE;
	struct output out;
	memset(m, 0, sizeof *m);
	for (uint32_t i = 0, at = 0; i < WORDS; i++) {
		char word[16];
		word_of(i, word);
		memcpy(m->text + at, word, i + 1);
		m->end[i] = at += i + 1;
	}
	for (int i = 0; i < WORDS * DIM; i++)
		m->vector[i] = signed_unit();
	m->data.head = (struct stream_head){ .kind = STREAM_TEXT, .dim = DIM };
	assert_int_equal(stream_head_classes(&m->data.head, CLASSES, classes, &err), 0);
	m->data.text = (struct text_data){ .words = WORDS, .text = m->text, .word_end = m->end, .vector = m->vector };
	m->plan = (struct plan){ .net = &net_kimcnn, .max_tokens = below(2) ? 0 : 4 };
	m->plan.config = (struct net_config){ .classes = CLASSES,
					      .vocabulary = WORDS,
					      .dim = DIM,
					      .maps = MAPS,
					      .widths = 2,
					      .width = { 1 + below(3), 1 + below(3) },
					      .dropout = 0.25,
					      .multichannel = two_copies_of_words };
	graph_init(&m->g);
	assert_int_equal(device_open(&m->dev, "ref", 1, &err), 0);
	m->g.dev = &m->dev;
	assert_int_equal(net_kimcnn.build(&net_kimcnn, &m->g, &m->plan.config, &err), 0);
	for (int p = 0; p < m->g.n_params; p++) {
		size_t n = param_size(&m->g.param[p]);
		assert_int_equal(mem_alloc(&m->weight[p], n, sizeof(float), &err), 0);
		for (size_t i = 0; i < n; i++)
			m->weight[p][i] = m->g.param[p].kind == PARAM_TABLE ? m->vector[i] : signed_unit();
	}
	m->fd = memory_file(m->path);
	json_t *provenance = json_pack("[{s:s}]", "program", "none");
	if (output_open(&out, m->path, &err) ||
	    model_write(&out, &m->plan, &m->data, &m->g, m->weight, 12, provenance, &err) || output_commit(&out, &err))
		fail_msg("%s", err.msg);
	output_release(&out);
	json_decref(provenance);
}

static inline void release_model(struct made *m)
{
	for (int p = 0; p < m->g.n_params; p++)
		free(m->weight[p]);
	graph_release(&m->g);
	device_close(&m->dev);
	stream_head_release(&m->data.head);
	close(m->fd);
}

#endif
