/* Models whose vocabulary lies: missing, of another type or shape, falling, too long, with a word twice. Settings that
 * claim more than there is are test_claims'. And the settings of a network of images, written and read. */
#include "made_model.h"

/* The model with one tensor of its vocabulary as bytes[size] of another type or shape. */
static int open_with(const struct made *made, const char *name, enum st_dtype dtype, int ndim, const size_t *shape,
		     const void *bytes, struct err *err)
{
	struct safetensors from, to = { 0 };
	struct output out;
	struct model m;
	struct predictor p;
	struct device dev;
	const char *key;
	json_t *value;
	char path[64];
	int fd = memory_file(path), rc;
	if (safetensors_open(&from, made->path, err))
		fail_msg("%s", err->msg);
	for (size_t i = 0; i < from.n; i++) {
		const struct st_tensor *t = &from.tensor[i];
		if (strcmp(t->name, name) ? safetensors_add(&to, t->name, t->dtype, t->ndim, t->shape, t->data, err) :
					    bytes && safetensors_add(&to, name, dtype, ndim, shape, bytes, err))
			fail_msg("%s", err->msg);
	}
	json_object_foreach(from.meta, key, value)
		assert_int_equal(safetensors_set(&to, key, json_string_value(value), err), 0);
	if (output_open(&out, path, err) || safetensors_write(&to, &out, err) || output_commit(&out, err))
		fail_msg("%s", err->msg);
	output_release(&out);
	safetensors_release(&from);
	safetensors_release(&to);
	rc = model_open(&m, path, err);
	close(fd);
	if (rc)
		return -1;
	assert_int_equal(device_open(&dev, "ref", 1, err), 0);
	rc = predictor_open(&p, &m, &dev, 0, 1, err);
	predictor_release(&p);
	device_close(&dev);
	model_release(&m);
	return rc;
}

static void vocabularies_that_lie(void **state)
{
	static struct made m;
	uint32_t end[WORDS], falls[WORDS], longer[WORDS], twice[WORDS];
	size_t letters = WORDS * (WORDS + 1) / 2, words = WORDS, one = 1, square[2] = { 1, letters },
	       table[2] = { WORDS, DIM };
	char text[WORDS * WORDS];
	(void)state;
	rng_init(&random_state, 62, RNG_TEST, 0, 0);
	make_model(&m);
	memcpy(end, m.end, sizeof end);
	memcpy(falls, end, sizeof end);
	falls[3] = falls[2] - 1;
	memcpy(longer, end, sizeof end);
	longer[WORDS - 1]++;
	for (uint32_t i = 0; i < WORDS; i++)
		twice[i] = i == 0 ? 1 : i == 1 ? 2 : end[i]; /* "a", and "b" of "bb" ... */
	memcpy(text, m.text, letters);
	text[1] = 'a'; /* ... which is an "a" too */
	const struct {
		const char *name;
		enum st_dtype dtype;
		int ndim;
		const size_t *shape;
		const void *bytes;
		const char *says;
	} cases[] = {
		{ "none", ST_U8, 1, &one, NULL, NULL },
		{ "words.vectors", ST_F32, 2, table, NULL, "has no word vectors" },
		{ "words.vectors", ST_F32, 1, &words, m.vector, "has no word vectors" },
		{ "words.vectors", ST_U32, 2, table, m.vector, "is U32 [9,3], not F32" },
		{ "words.text", ST_U8, 1, &letters, NULL, "has no vocabulary" },
		{ "words.text", ST_I8, 1, &letters, m.text, "has no vocabulary" },
		{ "words.text", ST_U8, 2, square, m.text, "has no vocabulary" },
		{ "words.text", ST_U8, 1, &letters, text, NULL },
		{ "words.end", ST_U32, 1, &words, NULL, "has no tensor 'words.end'" },
		{ "words.end", ST_U32, 1, &one, end, "is U32 [1], not U32 [9]" },
		{ "words.end", ST_U32, 1, &words, falls, "contradicts itself at word 3" },
		{ "words.end", ST_U32, 1, &words, longer, "text has another length" },
		{ "words.end", ST_U32, 1, &words, twice, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		int rc = open_with(&m, cases[i].name, cases[i].dtype, cases[i].ndim, cases[i].shape, cases[i].bytes,
				   &err);
		if (!rc != !cases[i].says || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("case %zu: '%s'", i, err.msg);
	}
	memcpy(m.end, twice, sizeof twice);
	memcpy(m.text, text, letters); /* both: "a" twice */
	struct err err = ERR_NONE;
	struct output out;
	assert_int_equal(ftruncate(m.fd, 0) || lseek(m.fd, 0, SEEK_SET), 0);
	json_t *provenance = json_array();
	if (output_open(&out, m.path, &err) ||
	    model_write(&out, &m.plan, &m.data, &m.g, m.weight, 1, provenance, &err) || output_commit(&out, &err))
		fail_msg("%s", err.msg);
	output_release(&out);
	json_decref(provenance);
	assert_int_equal(open_with(&m, "none", ST_U8, 1, &one, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "word 1 of the vocabulary is there twice"));
	release_model(&m);
}

/* Every setting of a network of images comes back: each channel's mean and deviation too. */
static void pictures_settings(void **state)
{
	struct dataset data = { .head = { .kind = STREAM_IMAGES } };
	struct plan plan = { .net = &net_smallcnn,
			     .cropped = 1,
			     .preprocessing = {
				     .h = 4, .w = 5, .mean = { 1.5, 2.25, 3, 4 }, .deviation = { 5, 6.5, 7, 0.125 } } };
	struct graph g;
	struct device dev;
	struct output out;
	struct model m;
	struct err err = ERR_NONE;
	char path[64];
	int fd = memory_file(path);
	float *weight[64] = { 0 };
	(void)state;
	plan.config = (struct net_config){ .classes = 3, .image = { 4, 5, 4 }, .width_factor = 0.125, .dropout = 0.5 };
	graph_init(&g);
	assert_int_equal(device_open(&dev, "ref", 1, &err), 0);
	g.dev = &dev;
	if (stream_head_classes(&data.head, CLASSES, classes, &err) ||
	    net_smallcnn.build(&net_smallcnn, &g, &plan.config, &err))
		fail_msg("%s", err.msg);
	for (int p = 0; p < g.n_params; p++)
		assert_int_equal(mem_alloc(&weight[p], param_size(&g.param[p]), sizeof(float), &err), 0);
	json_t *provenance = json_array();
	if (output_open(&out, path, &err) || model_write(&out, &plan, &data, &g, weight, 1, provenance, &err) ||
	    output_commit(&out, &err) || model_open(&m, path, &err))
		fail_msg("%s", err.msg);
	output_release(&out);
	json_decref(provenance);
	assert_ptr_equal(m.net, &net_smallcnn);
	assert_true(m.config.image.h == 4 && m.config.image.w == 5 && m.config.image.c == 4 && m.cropped == 1);
	assert_true(m.config.width_factor == 0.125 && m.config.dropout == 0.5 && m.preprocessing.h == 4 &&
		    m.preprocessing.w == 5);
	for (int c = 0; c < 4; c++)
		assert_true(m.preprocessing.mean[c] == plan.preprocessing.mean[c] &&
			    m.preprocessing.deviation[c] == plan.preprocessing.deviation[c]);
	model_release(&m);
	for (int p = 0; p < g.n_params; p++)
		free(weight[p]);
	graph_release(&g);
	device_close(&dev);
	stream_head_release(&data.head);
	close(fd);
}

/* Of two copies of the words the file holds their sum. */
static void two_copies(void **state)
{
	static struct made made;
	(void)state;
	rng_init(&random_state, 64, RNG_TEST, 0, 0);
	for (int copies = 1; copies <= 2; copies++) {
		struct model m;
		struct output out;
		struct err err = ERR_NONE;
		char path[64];
		int fd = memory_file(path);
		two_copies_of_words = copies == 2;
		make_model(&made);
		json_t *provenance = json_array();
		if (output_open(&out, path, &err) ||
		    model_write(&out, &made.plan, &made.data, &made.g, made.weight, 1, provenance, &err) ||
		    output_commit(&out, &err) || model_open(&m, path, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(m.multichannel, copies == 2);
		const float *got = safetensors_find(&m.file, "words.vectors")->data;
		for (int i = 0; i < WORDS * DIM; i++)
			assert_true(got[i] == (copies == 2 ? made.vector[i] + made.weight[0][i] : made.vector[i]));
		output_release(&out);
		json_decref(provenance);
		model_release(&m);
		release_model(&made);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(vocabularies_that_lie),
					    cmocka_unit_test(pictures_settings),
					    cmocka_unit_test(two_copies) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
