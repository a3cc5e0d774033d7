/* Writes and reads models. A file comes from others, so each setting is bounded, and the network that they describe
 * is compared with the tensors before any memory is taken in proportion to what they claim. The writer and the
 * reader of a kind's settings go together: every key is required, so one that older files lack needs a default here.
 * Weights and vocabulary stay in the file's memory. */
#include "modelfile.h"

#include "models/data/ngrams.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FAMILY "vicinal-model"
#define FORMAT FAMILY " 2" /* 1 had no checksums; read too */
enum { VERSION = 2 };

static json_t *text_settings(const struct net_config *c, const struct plan *p)
{
	json_t *widths;
	if (p->net->ngrams)
		return json_pack("{s:s, s:i, s:f, s:i}", "model", p->net->name, "ngrams", c->ngrams, "dropout",
				 c->dropout, "max_tokens", p->max_tokens);
	widths = json_array();
	for (int i = 0; i < c->widths; i++)
		if (json_array_append_new(widths, json_integer(c->width[i])))
			return NULL;
	json_t *j = json_pack("{s:s, s:i, s:i, s:o, s:f, s:i}", "model", p->net->name, "dim", c->dim, "maps", c->maps,
			      "widths", widths, "dropout", c->dropout, "max_tokens", p->max_tokens);
	if (j && c->multichannel && json_object_set_new(j, "multichannel", json_true())) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static json_t *image_settings(const struct net_config *c, const struct plan *p)
{
	json_t *mean = json_array(), *deviation = json_array();
	for (int i = 0; i < c->image.c; i++)
		if (json_array_append_new(mean, json_real(p->preprocessing.mean[i])) ||
		    json_array_append_new(deviation, json_real(p->preprocessing.deviation[i])))
			return NULL;
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:f, s:f}", "model", p->net->name, "height", c->image.h,
			 "width", c->image.w, "channels", c->image.c, "cropped", p->cropped, "mean", mean, "deviation",
			 deviation, "width_factor", c->width_factor, "dropout", c->dropout);
}

/* How JPEG records came to the network. */
static int add_picture(json_t *j, const struct want *w)
{
	return json_object_set_new(j, "resize", json_pack("[i, i]", w->h, w->w)) ||
	       json_object_set_new(j, "fit", json_string(w->fit == FIT_CROP ? "crop" : "stretch"));
}

/* Those of a network of one kind of records, and how it was trained where that is told of neither in its parameters. */
static json_t *net_settings(const struct plan *p)
{
	json_t *j = p->net->input == NET_WORDS ? text_settings(&p->config, p) : image_settings(&p->config, p);
	if (!j || ((!p->picture.h || !add_picture(j, &p->picture)) &&
		   (p->shards <= 1 || !json_object_set_new(j, "shards", json_integer(p->shards)))))
		return j;
	json_decref(j);
	return NULL;
}

static int set_json(struct safetensors *st, const char *key, json_t *j, struct err *err)
{
	char *text;
	int rc = jsontext_write(&text, j, JSON_COMPACT, err) || safetensors_set(st, key, text, err) ? -1 : 0;
	free(text);
	json_decref(j);
	return rc;
}

int model_add_words(struct safetensors *st, const struct text_data *d, struct err *err)
{
	size_t text = d->words ? d->word_end[d->words - 1] : 0, words = d->words;
	return safetensors_add(st, "words.text", ST_U8, 1, &text, d->text, err) ||
			       safetensors_add(st, "words.end", ST_U32, 1, &words, d->word_end, err)
		       ? -1
		       : 0;
}

/* The vectors that the network computes with: of multichannel the sum of both copies. *own: what the caller frees. */
static int effective(const struct plan *plan, const struct dataset *data, const struct param *q, const float *w,
		     const float **from, float **own, struct err *err)
{
	size_t n = param_size(q);
	*own = NULL;
	*from = w;
	if (q->kind != PARAM_TABLE || !plan->config.multichannel)
		return 0;
	if (mem_alloc(own, n, sizeof **own, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		(*own)[i] = w[i] + data->text.vector[i];
	*from = *own;
	return 0;
}

int model_describe(struct safetensors *st, const struct plan *plan, const struct dataset *data, const struct graph *g,
		   int epoch, const json_t *provenance, struct err *err)
{
	int rc = 0;
	char number[32];
	json_t *classes = json_array();
	for (int k = 0; k < data->head.n_classes; k++)
		rc = rc || json_array_append_new(classes, jsontext_name(data->head.classes[k]));
	if (rc)
		err_memory(err);
	snprintf(number, sizeof number, "%d", epoch);
	rc = rc || safetensors_set(st, "epoch", number, err) ||
	     safetensors_set(st, "engine", device_engine(g->dev), err) ||
	     set_json(st, "net", net_settings(plan), err) ||
	     set_json(st, "classes", json_incref(classes), err) ||
	     set_json(st, "provenance", jsontext_copy(provenance), err);
	json_decref(classes);
	return rc ? -1 : 0;
}

int model_write(struct output *out, const struct plan *plan, const struct dataset *data, const struct graph *g,
		float *const *weights, int epoch, const json_t *provenance, struct err *err)
{
	int text = plan->net->input == NET_WORDS;
	struct safetensors st = { 0 };
	float *sum = NULL; /* one parameter is a table */
	int rc = safetensors_set(&st, "format", FORMAT, err) ||
		 model_describe(&st, plan, data, g, epoch, provenance, err);
	for (int p = 0; p < g->n_params && !rc; p++) {
		const struct param *q = &g->param[p];
		const float *from;
		float *own;
		size_t shape[4];
		for (int i = 0; i < q->ndim; i++)
			shape[i] = (size_t)q->dim[i];
		rc = effective(plan, data, q, weights[p], &from, &own, err) ||
		     safetensors_add(&st, q->name, ST_F32, q->ndim, shape, from, err);
		sum = own ? own : sum;
	}
	rc = rc || (text && model_add_words(&st, &data->text, err)) || safetensors_write(&st, out, err);
	safetensors_release(&st);
	free(sum);
	return rc ? -1 : 0;
}

static int meta_json(const struct model *m, const char *key, json_t **out, struct err *err)
{
	const char *text = safetensors_meta(&m->file, key);
	size_t room = JSONTEXT_NAMES_ROOM;
	if (!text)
		return err_set(err, "%s: its metadata has no '%s'", m->file.name, key);
	return jsontext_parse(out, text, strlen(text), &room, err)
		       ? err_context(err, "%s: metadata '%s'", m->file.name, key)
		       : 0;
}

static int integer(const json_t *j, const char *key, int lo, int hi, int *out)
{
	const json_t *v = json_object_get(j, key);
	if (!json_is_integer(v) || json_integer_value(v) < lo || json_integer_value(v) > hi)
		return -1;
	*out = (int)json_integer_value(v);
	return 0;
}

static int real(const json_t *j, double lo, double hi, double *out)
{
	if (!json_is_number(j) || !(json_number_value(j) >= lo && json_number_value(j) <= hi))
		return -1;
	*out = json_number_value(j);
	return 0;
}

/* 0, or else: the settings make no sense. */
static int read_text(struct model *m, const json_t *j)
{
	struct net_config *c = &m->config;
	const json_t *widths = json_object_get(j, "widths");
	if (m->net->ngrams)
		return integer(j, "ngrams", 1, NGRAMS_LONGEST, &c->ngrams) ||
		       integer(j, "max_tokens", 0, 1 << 30, &m->max_tokens);
	if (integer(j, "dim", 1, STREAM_MAX_DIM, &c->dim) || integer(j, "maps", 1, 100000, &c->maps) ||
	    integer(j, "max_tokens", 0, 1 << 30, &m->max_tokens) || json_array_size(widths) < 1 ||
	    json_array_size(widths) > WORDCONV_WIDTHS)
		return -1;
	for (size_t i = 0; i < json_array_size(widths); i++) {
		double v;
		if (real(json_array_get(widths, i), 1, WORDCONV_WIDEST, &v) || v != (int)v)
			return -1;
		c->width[c->widths++] = (int)v;
	}
	m->multichannel = json_is_true(json_object_get(j, "multichannel"));
	return 0;
}

/* Of JPEG records, for a network that sees s. */
static int read_picture(struct want *w, const json_t *j, const struct shape *s)
{
	const json_t *size = json_object_get(j, "resize");
	const char *fit = json_string_value(json_object_get(j, "fit"));
	double h, width;
	if (json_array_size(size) != 2 || real(json_array_get(size, 0), s->h, WANT_MOST, &h) ||
	    real(json_array_get(size, 1), s->w, WANT_MOST, &width) || !fit)
		return -1;
	*w = (struct want){ (int)h, (int)width, strcmp(fit, "crop") ? FIT_STRETCH : FIT_CROP };
	return w->fit == FIT_STRETCH && strcmp(fit, "stretch") ? -1 : 0;
}

static int read_images(struct model *m, const json_t *j)
{
	struct shape *s = &m->config.image;
	struct preprocessing *f = &m->preprocessing;
	const json_t *mean = json_object_get(j, "mean"), *deviation = json_object_get(j, "deviation");
	if (integer(j, "height", 1, 32767, &s->h) || integer(j, "width", 1, 32767, &s->w) ||
	    integer(j, "channels", 1, STREAM_MAX_CHANNELS, &s->c) || integer(j, "cropped", 0, 1, &m->cropped) ||
	    real(json_object_get(j, "width_factor"), 0.001, 1000, &m->config.width_factor) ||
	    json_array_size(mean) != (size_t)s->c || json_array_size(deviation) != (size_t)s->c)
		return -1;
	if (json_object_get(j, "resize") && read_picture(&m->picture, j, s))
		return -1;
	f->h = s->h;
	f->w = s->w;
	for (size_t i = 0; i < (size_t)s->c; i++)
		if (real(json_array_get(mean, i), -1e30, 1e30, &f->mean[i]) ||
		    real(json_array_get(deviation, i), 1e-30, 1e30, &f->deviation[i]))
			return -1;
	return 0;
}

static int read_config(struct model *m, struct err *err)
{
	json_t *j;
	if (meta_json(m, "net", &j, err))
		return -1;
	const char *name = json_string_value(json_object_get(j, "model"));
	int rc = 0;
	m->net = name ? net_find(name) : NULL;
	if (!m->net)
		rc = err_set(err, "%s: network '%s' is not known to this version", m->file.name, name ? name : "");
	else if (real(json_object_get(j, "dropout"), 0, 0.9999999, &m->config.dropout) ||
		 (m->net->input == NET_WORDS ? read_text(m, j) : read_images(m, j)))
		rc = err_set(err, "%s: the network's settings make no sense", m->file.name);
	else if (m->checkpoint && m->multichannel) /* which are one in a model, and apart here */
		rc = err_set(err, "%s: a checkpoint of --words multichannel holds one copy of the vectors; vic-train "
			     "--resume makes the model", m->file.name);
	json_decref(j);
	return rc;
}

static int read_classes(struct model *m, struct err *err)
{
	json_t *j, *v;
	size_t i;
	if (meta_json(m, "classes", &j, err))
		return -1;
	size_t n = json_array_size(j);
	int rc = n < 1 || n > STREAM_MAX_CLASSES ? err_set(err, "%s: its class names are missing", m->file.name) : 0;
	rc = rc ? rc : mem_alloc(&m->classes, n, sizeof *m->classes, err);
	json_array_foreach(j, i, v)
	{
		if (rc)
			break;
		const char *s = json_string_value(v);
		rc = s ? mem_text(&m->classes[i], s, strlen(s), err)
		       : err_set(err, "%s: class %zu has no name", m->file.name, i);
		m->config.classes = rc ? m->config.classes : (int)i + 1;
	}
	json_decref(j);
	return rc;
}

static int read_words(struct model *m, struct err *err)
{
	const struct st_tensor *vectors = safetensors_find(&m->file, "words.vectors"), *text, *end;
	if (!vectors || vectors->ndim != 2 || vectors->shape[0] < 1 || vectors->shape[0] > INT32_MAX)
		return err_set(err, "%s: has no word vectors", m->file.name);
	size_t words = vectors->shape[0];
	text = safetensors_find(&m->file, "words.text");
	if (!text || text->dtype != ST_U8 || text->ndim != 1 || text->shape[0] > UINT32_MAX)
		return err_set(err, "%s: has no vocabulary", m->file.name);
	if (safetensors_need(&m->file, "words.end", ST_U32, 1, &words, &end, err))
		return -1;
	m->text = text->data;
	m->word_end = end->data;
	m->config.vocabulary = (int64_t)words;
	if (m->net->ngrams)
		m->config.dim = m->config.classes;
	uint32_t before = 0;
	for (size_t i = 0; i < words; before = m->word_end[i++])
		if (m->word_end[i] < before)
			return err_set(err, "%s: the vocabulary contradicts itself at word %zu", m->file.name, i);
	return before == text->shape[0] ? 0
					: err_set(err, "%s: the vocabulary's text has another length", m->file.name);
}

/* Every parameter that the settings ask for lies in the file, in its shape, and nothing else does: looked at before
 * anything is made of the settings, so that what a file claims costs no more memory than what it holds. */
static int check_tensors(struct model *m, struct err *err)
{
	struct graph g;
	const struct st_tensor *found;
	size_t known = m->net->input == NET_WORDS ? 2 : 0; /* the vocabulary */
	graph_init(&g);
	if (m->net->build(m->net, &g, &m->config, err)) {
		graph_release(&g);
		err->status = VIC_DATA; /* not an option's: the file's */
		return err_context(err, "%s: the network's settings make no sense", m->file.name);
	}
	int rc = 0;
	for (int p = 0; p < g.n_params && !rc; p++) {
		size_t shape[4];
		for (int k = 0; k < g.param[p].ndim; k++)
			shape[k] = (size_t)g.param[p].dim[k];
		rc = safetensors_need(&m->file, g.param[p].name, ST_F32, g.param[p].ndim, shape, &found, err);
	}
	known += (size_t)g.n_params;
	if (!rc && m->file.n != known)
		rc = err_set(err, "%s: has %zu tensors where the network has %zu", m->file.name, m->file.n, known);
	graph_release(&g);
	return rc;
}

/* Of a checkpoint's tensors keeps the parameters, under their names: the best epoch's, or where none is kept for its
 * dev records the last one's. */
static void take_checkpoint(struct model *m)
{
	struct safetensors *st = &m->file;
	const char *slot = ":w";
	int averaged = 0; /* where the last epoch's are under :best too */
	size_t kept = 0;
	for (size_t i = 0; i < st->n; i++) {
		const char *colon = strrchr(st->tensor[i].name, ':');
		slot = colon && !strcmp(colon, ":best") ? ":best" : slot;
		averaged |= colon && !strcmp(colon, ":average");
	}
	for (size_t i = 0; i < st->n; i++) {
		char *name = st->tensor[i].name, *colon = strrchr(name, ':');
		if (colon ? strcmp(colon, slot) : strcmp(name, "words.text") && strcmp(name, "words.end")) {
			free(name);
			continue;
		}
		if (colon)
			*colon = 0;
		st->tensor[kept++] = st->tensor[i];
	}
	st->n = kept;
	m->checkpoint = m->version > CHECKPOINT_MODEL || averaged ? "the one to keep"
			: slot[1] == 'b'			  ? "the best"
								  : "the last";
}

/* Which kind of file it is, and of what version. */
static int read_format(struct model *m, struct err *err)
{
	const char *format = safetensors_meta(&m->file, "format");
	if (!format || strncmp(format, CHECKPOINT_FAMILY " ", sizeof CHECKPOINT_FAMILY))
		return safetensors_version(&m->file, FAMILY, VERSION, &m->version, err);
	if (safetensors_version(&m->file, CHECKPOINT_FAMILY, CHECKPOINT_VERSION, &m->version, err))
		return -1;
	if (m->version < CHECKPOINT_MODEL || !safetensors_meta(&m->file, "net"))
		return err_set(err,
			       "%s: is a checkpoint that does not say what model it is of; vic-train --resume makes "
			       "the model",
			       m->file.name);
	const char *epoch = safetensors_meta(&m->file, "epoch");
	if (epoch && !strcmp(epoch, "0"))
		return err_set(err, "%s: is a checkpoint of a first epoch that was not finished; vic-train --resume "
			       "goes on with it", m->file.name);
	take_checkpoint(m);
	return 0;
}

int model_open(struct model *m, const char *path, struct err *err)
{
	*m = (struct model){ 0 };
	if (safetensors_open(&m->file, path, err))
		return -1;
	if (read_format(m, err) || read_config(m, err) ||
	    read_classes(m, err) || meta_json(m, "provenance", &m->provenance, err) ||
	    (m->net->input == NET_WORDS && read_words(m, err)) || check_tensors(m, err)) {
		model_release(m);
		return -1;
	}
	return 0;
}

void model_release(struct model *m)
{
	for (int i = 0; m->classes && i < m->config.classes; i++)
		free(m->classes[i]);
	free(m->classes);
	json_decref(m->provenance);
	safetensors_release(&m->file);
	*m = (struct model){ 0 };
}
