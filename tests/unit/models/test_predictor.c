/* Models written, read and used: what a file says comes back, and predictions for documents of text and of tokens, cut
 * into blocks anywhere, records left out, words unknown, with and without dropout, are those of the formula (Kim 2014)
 * record by record; on a device, too, that computes as late as it may. */
#include "late.h"
#include "made_model.h"

#include "models/core/mask.h"

enum { STRANGE = 4, RECORDS = 700, TOKENS = 9, SEED = 7 };

/* A document: of text, whose word table has the model's words in another order and some of its own; or of tokens. */
struct document {
	int tokens, n, length[RECORDS], keep_some;
	uint32_t word[RECORDS][TOKENS]; /* from WORDS on: not the model's */
	uint64_t id[RECORDS];
	int label[RECORDS], known[3]; /* the model's class of each label; -1: not one of its */
	unsigned char keep[RECORDS];
	uint32_t order[WORDS + STRANGE]; /* the table's i-th word */
	float strange[STRANGE][DIM];
	char path[64];
	int fd;
};

static void write_record(struct stream_writer *w, const struct document *d, int i)
{
	struct err err = ERR_NONE;
	char line[TOKENS * 16] = "", word[16];
	uint32_t number[TOKENS] = { 0 };
	size_t len = 0;
	for (int k = 0; k < d->length[i]; k++) {
		word_of(d->word[i][k], word);
		len += (size_t)snprintf(line + len, sizeof line - len, "%s%s", k ? " " : "", word);
		for (uint32_t at = 0; at < WORDS + STRANGE; at++)
			number[k] = d->order[at] == d->word[i][k] ? at : number[k];
	}
	if (d->tokens ? stream_add(w, d->id[i], d->label[i], SPLIT_TEST, line, len, &err) :
			stream_add(w, d->id[i], d->label[i], SPLIT_DEV, number, 4 * (size_t)d->length[i], &err))
		fail_msg("%s", err.msg);
}

/* Classes in another order, one of which the model does not know. */
static const char *class_of(const struct document *d, int label)
{
	return d->known[label] < 0 ? "fourth" : classes[d->known[label]];
}

static void write_document(struct document *d)
{
	const char *const others[] = { class_of(d, 0), class_of(d, 1), class_of(d, 2) };
	struct stream_head head = { .kind = d->tokens ? STREAM_TOKENS : STREAM_TEXT, .dim = d->tokens ? 0 : DIM };
	struct stream_writer *w = NULL;
	struct output out;
	struct err err = ERR_NONE;
	static const float never[DIM] = { 1e9f, 1e9f, 1e9f }; /* the model's own vector counts */
	d->fd = memory_file(d->path);
	json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "vic-none", "version", "0", "args");
	if (stream_head_classes(&head, 3, others, &err) || output_open(&out, d->path, &err) ||
	    stream_begin(&w, &out, &head, NULL, self, &err))
		fail_msg("%s", err.msg);
	for (uint32_t i = 0; i < WORDS + STRANGE && !d->tokens; i++) {
		char word[16];
		word_of(d->order[i], word);
		if (stream_add_word(w, word, strlen(word),
				    d->order[i] < WORDS ? never : d->strange[d->order[i] - WORDS], WORD_PRETRAINED,
				    &err))
			fail_msg("%s", err.msg);
	}
	for (int i = 0; i < d->n; i++) {
		write_record(w, d, i);
		if (below(d->n) < 3 && stream_flush(w, &err)) /* a block ends anywhere */
			fail_msg("%s", err.msg);
	}
	if (stream_finish(w, &err) || output_commit(&out, &err))
		fail_msg("%s", err.msg);
	stream_writer_free(w);
	output_release(&out);
	stream_head_release(&head);
	json_decref(self);
}

static void make_document(struct document *d)
{
	memset(d, 0, sizeof *d);
	d->tokens = below(2);
	d->n = below(3) ? 1 + below(40) : RECORDS;
	d->keep_some = below(2);
	int unknown = below(3), turn = below(3);
	for (int k = 0; k < 3; k++)
		d->known[k] = k == unknown ? -1 : (k + turn) % 3;
	for (int i = 0; i < d->n; i++) {
		d->length[i] = d->tokens ? 1 + below(TOKENS - 1) : below(TOKENS);
		for (int k = 0; k < d->length[i]; k++)
			d->word[i][k] = (uint32_t)below(WORDS + STRANGE);
		d->id[i] = (uint64_t)below(100000);
		d->label[i] = below(4) - 1;
		d->keep[i] = !d->keep_some || below(3);
	}
	for (uint32_t i = 0; i < WORDS + STRANGE; i++)
		d->order[i] = i;
	rng_shuffle(&random_state, d->order, WORDS + STRANGE);
	for (int i = 0; i < STRANGE * DIM; i++)
		d->strange[i / DIM][i % DIM] = signed_unit();
	write_document(d);
}

/* Component c of word t of record i; zeros outside the sentence, and for a token that the model does not have. */
static double component(const struct made *m, const struct document *d, int i, int t, int c)
{
	int n = d->length[i], most = m->plan.max_tokens;
	n = most && n > most ? most : n;
	if (t < 0 || t >= n)
		return 0;
	uint32_t w = d->word[i][t];
	double v = w < WORDS   ? (double)m->vector[w * DIM + (uint32_t)c]
		   : d->tokens ? 0
			       : (double)d->strange[w - WORDS][c];
	return m->plan.config.multichannel ? 2 * v : v;
}

/* pass < 0: the expectation of dropout. */
static void formula(const struct made *m, const struct document *d, int i, int pass, double z[CLASSES])
{
	const struct net_config *c = &m->plan.config;
	enum { FEATURES = 2 * MAPS };
	double feature[FEATURES];
	unsigned char keep[FEATURES];
	for (int k = 0; k < 2; k++)
		for (int f = 0; f < MAPS; f++) {
			double best = 0; /* a window of zeros alone is always there */
			for (int at = -c->width[k]; at < TOKENS + 1; at++) {
				double sum = 0;
				for (int j = 0; j < c->width[k]; j++)
					for (int x = 0; x < DIM; x++)
						sum += component(m, d, i, at + j, x) *
						       (double)m->weight[1 + 2 * k][(j * MAPS + f) * DIM + x];
				best = fmax(best, sum);
			}
			feature[k * MAPS + f] = fmax(0, best + (double)m->weight[2 + 2 * k][f]);
		}
	mask_draw(keep, FEATURES, c->dropout, SEED, (uint32_t)(pass < 0 ? 0 : pass), 0, (uint32_t)d->id[i]);
	for (int o = 0; o < CLASSES; o++) {
		z[o] = (double)m->weight[6][o];
		for (int f = 0; f < FEATURES; f++)
			z[o] += (double)m->weight[5][o * FEATURES + f] * feature[f] *
				(pass < 0 ? 1 - c->dropout : keep[f]);
	}
}

/* The block's kept records, of which *at is the first one's number before leaving out. */
static void check_block(const struct predictor *p, const struct made *m, const struct document *d, int *at, int n)
{
	int passes = p->passes ? p->passes : 1;
	size_t row = 0;
	for (int i = *at; i < *at + n; i++) {
		if (!d->keep[i])
			continue;
		assert_true(row < p->data.n && p->data.id[row] == d->id[i]);
		assert_int_equal(p->data.label[row], d->label[i] < 0 ? -1 : d->known[d->label[i]]);
		assert_int_equal(p->data.split[row], d->tokens ? SPLIT_TEST : SPLIT_DEV);
		for (int s = 0; s < passes; s++) {
			double z[CLASSES];
			formula(m, d, i, p->passes ? s : -1, z);
			for (int k = 0; k < CLASSES; k++) {
				double got =
					(double)p->logits[(row * (size_t)passes + (size_t)s) * CLASSES + (size_t)k];
				if (!(fabs(got - z[k]) <= 1e-5))
					fail_msg("record %d, pass %d: logit %d is %g, not %g", i, s, k, got, z[k]);
			}
		}
		row++;
	}
	assert_int_equal(row, p->data.n);
	*at += n;
}

static void count(const struct made *m, const struct document *d, uint64_t *tokens, uint64_t *unknown,
		  uint64_t *strange)
{
	for (int i = 0; i < d->n; i++) {
		int n = m->plan.max_tokens && d->length[i] > m->plan.max_tokens ? m->plan.max_tokens : d->length[i];
		*tokens += d->keep[i] ? (uint64_t)n : 0;
		*strange += d->keep[i] && d->label[i] >= 0 && d->known[d->label[i]] < 0;
		for (int k = 0; k < n; k++)
			*unknown += d->keep[i] && d->tokens && d->word[i][k] >= WORDS;
	}
}

static void use_document(struct predictor *p, const struct made *m, struct document *d)
{
	struct stream_reader *r;
	struct block b;
	struct err err = ERR_NONE;
	int rc, at = 0;
	if (stream_open(&r, d->path, &err) || stream_next_document(r, &err) != 1 ||
	    predictor_document(p, stream_head_of(r), &err))
		fail_msg("%s", err.msg);
	while ((rc = stream_next_block(r, &b, &err)) == 1) {
		if (b.type == BLOCK_WORDS ? predictor_words(p, &b, &err) :
					    predictor_rows(p, &b, d->keep_some ? d->keep + at : NULL, &err))
			fail_msg("%s", err.msg);
		if (b.type == BLOCK_ROWS)
			check_block(p, m, d, &at, (int)b.n);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(at, d->n);
	stream_close(r);
	close(d->fd);
}

static void same_settings(const struct model *m, const struct made *made)
{
	const struct net_config *a = &m->config, *b = &made->plan.config;
	assert_ptr_equal(m->net, &net_kimcnn);
	assert_true(a->classes == CLASSES && a->dim == DIM && a->maps == MAPS && a->widths == 2 &&
		    a->dropout == b->dropout);
	assert_true(a->width[0] == b->width[0] && a->width[1] == b->width[1] && a->vocabulary == WORDS);
	assert_true(m->max_tokens == made->plan.max_tokens && m->version == 2);
	for (int k = 0; k < CLASSES; k++)
		assert_string_equal(m->classes[k], classes[k]);
	assert_string_equal(safetensors_meta(&m->file, "epoch"), "12");
	assert_string_equal(json_string_value(json_object_get(json_array_get(m->provenance, 0), "program")), "none");
}

static void predictions_are_the_formula(void **state)
{
	static struct made made;
	static struct document d;
	(void)state;
	for (uint32_t i = 0; i < (getenv("VIC_THOROUGH") ? 200 : 40); i++) {
		struct model m;
		struct backend_ctx queue = { 0 };
		struct device dev = late_device(&queue);
		struct predictor p;
		struct err err = ERR_NONE;
		uint64_t tokens = 0, unknown = 0, strange = 0;
		rng_init(&random_state, 61, RNG_TEST, i, 0);
		two_copies_of_words = i % 3 == 0;
		make_model(&made);
		int on = below(6);
		if (model_open(&m, made.path, &err) ||
		    (on < 4 && device_open(&dev, on ? "ref" : "cpu", 2, &err)) ||
		    predictor_open(&p, &m, &dev, below(2) ? 0 : 3, SEED, &err))
			fail_msg("%s", err.msg);
		same_settings(&m, &made);
		for (int documents = 1 + below(3); documents > 0; documents--) {
			make_document(&d);
			count(&made, &d, &tokens, &unknown, &strange);
			use_document(&p, &made, &d);
		}
		assert_true(p.tokens == tokens && p.unknown == unknown && p.unknown_labels == strange);
		predictor_release(&p);
		device_close(&dev);
		model_release(&m);
		release_model(&made);
	}
}

/* One logit of a document, which ref gives and is then no number; and the record that it is of. */
static struct {
	const struct predictor *p;
	size_t at, seen;
	float value;
	uint32_t id;
} spoilt;

static int spoil(struct backend_ctx *ctx, const struct op_call *call, struct err *err)
{
	int rc = backend_ref.forward(ctx, call, err);
	size_t n = (size_t)call->n * CLASSES;
	if (call->op->out != spoilt.p->graph.logits)
		return rc;
	if (spoilt.at - spoilt.seen < n) {
		call->out[spoilt.at - spoilt.seen] = spoilt.value;
		spoilt.id = call->batch->sample[(spoilt.at - spoilt.seen) / CLASSES];
	}
	spoilt.seen += n;
	return rc;
}

/* Whichever logit of whichever record, in whichever pass, is no finite number: the record is named. */
static void answers_that_are_none(void **state)
{
	static const float odd[] = { NAN, INFINITY, -INFINITY };
	static struct made made;
	static struct document d;
	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		struct model m;
		struct backend b = backend_ref;
		struct device dev = { .b = &b };
		struct predictor p;
		struct stream_reader *r;
		struct block k;
		struct err err = ERR_NONE;
		char want[80];
		int rc, passes = below(2) ? 0 : 3;
		rng_init(&random_state, 63, RNG_TEST, i, 0);
		make_model(&made);
		make_document(&d);
		b.forward = spoil;
		spoilt.p = &p;
		spoilt.seen = 0;
		spoilt.at = (size_t)below(d.n * CLASSES * (passes ? passes : 1));
		spoilt.value = odd[below(3)];
		if (model_open(&m, made.path, &err) || predictor_open(&p, &m, &dev, passes, SEED, &err) ||
		    stream_open(&r, d.path, &err) || stream_next_document(r, &err) != 1 ||
		    predictor_document(&p, stream_head_of(r), &err))
			fail_msg("%s", err.msg);
		while ((rc = stream_next_block(r, &k, &err)) == 1)
			if (k.type == BLOCK_WORDS ? predictor_words(&p, &k, &err) : predictor_rows(&p, &k, NULL, &err))
				break;
		assert_int_equal(rc, 1);
		snprintf(want, sizeof want, "record with id %u: the network answers %g", spoilt.id,
			 (double)spoilt.value);
		assert_string_equal(err.msg, want);
		stream_close(r);
		close(d.fd);
		predictor_release(&p);
		model_release(&m);
		release_model(&made);
	}
}

/* Images of which sizes a model takes: those of its own; those that a crop can be cut from, where it saw crops. */
static void sizes_of_images(void **state)
{
	(void)state;
	rng_init(&random_state, 62, RNG_TEST, 0, 0);
	for (int i = 0; i < 2000; i++) {
		struct model m = { .cropped = below(2) };
		struct predictor p = { .model = &m };
		struct err err = ERR_NONE;
		m.config.image = (struct shape){ 1 + below(3), 1 + below(3), 1 + 2 * below(2) };
		const struct shape s = m.config.image;
		struct stream_head h = { .kind = STREAM_IMAGES, .height = 1 + below(3), .width = 1 + below(3),
					 .channels = 1 + 2 * below(2) };
		int as_large = h.height >= s.h && h.width >= s.w, same = h.height == s.h && h.width == s.w;
		int rc = predictor_images_document(&p, &h, &err);
		assert_int_equal(rc, h.channels == s.c && (m.cropped ? as_large : same) ? 0 : -1);
		if (rc)
			assert_non_null(strstr(err.msg, h.channels == s.c ? "; vic-images --resize changes that"
									  : "; vic-images --channels changes that"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(predictions_are_the_formula),
					    cmocka_unit_test(answers_that_are_none),
					    cmocka_unit_test(sizes_of_images) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
