/* Turns settled options and data into a plan. */
#include "planning.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"

#include <stdlib.h>
#include <string.h>

/* "3,4,5" into at most `max` numbers from lo to hi. */
static int int_list(const char *what, const char *text, int64_t lo, int64_t hi, int *to, int max, int *n,
		    struct err *err)
{
	char *copy = NULL;
	int rc = mem_text(&copy, text, strlen(text), err);
	*n = 0;
	for (char *at = copy, *one; !rc && (one = text_field(&at, ','));) {
		int64_t v = 0;
		rc = *n == max ? err_usage(err, "%s: more than %d numbers", what, max)
			       : num_i64(what, one, lo, hi, &v, err);
		if (!rc)
			to[(*n)++] = (int)v;
	}
	free(copy);
	return rc ? -1 : 0;
}

/* Weights of the classes, scaled so that the mean over the training records is 1. */
static int class_weights(const char *text, const struct dataset *d, double **out, struct err *err)
{
	int k = d->head.n_classes;
	double *w, sum = 0, n = 0;
	uint64_t *count;
	if (mem_alloc(&w, (size_t)k, sizeof *w, err))
		return -1;
	if (mem_alloc(&count, (size_t)k, sizeof *count, err)) {
		free(w);
		return -1;
	}
	for (size_t i = 0; i < d->n; i++)
		if (d->split[i] == SPLIT_TRAIN && d->label[i] >= 0)
			count[d->label[i]]++;
	char *copy = NULL, *at;
	int balanced = !strcmp(text, "balanced"), rc = mem_text(&copy, text, strlen(text), err);
	at = copy;
	for (int i = 0; i < k && !rc; i++) {
		if (balanced)
			w[i] = count[i] ? 1.0 / (double)count[i] : 0;
		else
			rc = num_f64("--class-weights", text_field(&at, ','), 0, 1e9, &w[i], err);
		if (!balanced && !rc && (at != NULL) != (i + 1 < k))
			rc = err_usage(err, "--class-weights: %d weights are needed, one a class", k);
		sum += w[i] * (double)count[i];
		n += (double)count[i];
	}
	free(copy);
	free(count);
	if (!rc && !(sum > 0))
		rc = n > 0 ? err_usage(err, "--class-weights: no class with training records has a weight above 0")
			   : dataset_need_train(d, err);
	for (int i = 0; i < k && !rc; i++)
		w[i] *= n / sum;
	if (rc)
		free(w);
	else
		*out = w;
	return rc;
}

static struct update update_of(const struct train_options *o)
{
	int adamw = o->optimizer == OPTIMIZER_ADAMW;
	return (struct update){ .rule = adamw ? RULE_ADAM : (enum rule)o->optimizer,
				.decoupled = adamw,
				.clip_norm = o->clip_norm,
				.ema = o->ema,
				.lr = o->lr,
				.rho = o->rho,
				.momentum = o->momentum,
				.nesterov = o->nesterov,
				.weight_decay = o->weight_decay,
				.decay_all = o->decay == DECAY_ALL,
				.eps = o->eps,
				.beta1 = 0.9,
				.beta2 = 0.999 };
}

static const struct net *find_net(const char *name, struct err *err)
{
	const struct net *net = net_find(name);
	if (!net)
		err_usage(err, "--model: '%s' is not known; --list-models lists the networks", name);
	return net;
}

int plan_native(struct dataset *d, const char *model, struct err *err)
{
	const struct net *net = find_net(model ? model : "kimcnn", err);
	char **classes;
	if (!net || mem_alloc(&classes, (size_t)net->native_classes, sizeof *classes, err))
		return -1;
	d->head = (struct stream_head){ .kind = net->input == NET_IMAGES ? STREAM_IMAGES : STREAM_TEXT,
					.n_classes = net->native_classes,
					.classes = classes,
					.dim = net->native_dim,
					.height = net->native.h,
					.width = net->native.w,
					.channels = net->native.c };
	d->text.words = (uint32_t)net->native_words;
	return 0;
}

static int mixes_hidden(const struct train_options *o)
{
	return o->mix_mode == MIX_MANIFOLD || o->mix_mode == MIX_SENTENCE;
}

/* As mix_config.mix_layers; 0: the network offers no such mixup. */
static int mix_layers_of(const struct net *net, const struct train_options *o)
{
	return o->mix_mode == MIX_SENTENCE ? net->sentence_layer : net->mix_layers;
}

/* The network, and whether it fits the records and the mixup. */
static int choose_net(struct plan *p, const struct train_options *o, enum stream_kind kind, struct err *err)
{
	int images = kind == STREAM_IMAGES;
	p->net = find_net(o->model, err);
	if (!p->net)
		return -1;
	if ((p->net->input == NET_IMAGES) != images)
		return err_usage(err, "--model %s is for %s; these records are %s", o->model,
				 images ? "text" : "images", images ? "images" : "text");
	if (!mixes_hidden(o) || mix_layers_of(p->net, o))
		return 0;
	char offer[256] = "";
	for (size_t i = 0, n = 0; nets[i] && n < sizeof offer; i++)
		if (mix_layers_of(nets[i], o))
			n += (size_t)snprintf(offer + n, sizeof offer - n, "%s%s", n ? ", " : "", nets[i]->name);
	return o->mix_mode == MIX_SENTENCE
		       ? err_usage(err, "--mixup-mode sentence: %s encodes no sentence; these do: %s", o->model, offer)
		       : err_usage(err, "--mixup-mode manifold: %s has no layer to mix in; these have: %s", o->model,
				   offer);
}

int plan_pictures(struct dataset *d, const struct train_options *o, struct err *err)
{
	const struct stream_head *h = &d->head;
	struct want want = { h->height, h->width, (enum image_fit)o->fit };
	int channels = o->channels ? (int)o->channels : h->channels ? h->channels : 3;
	if (h->kind != STREAM_IMAGES || h->encoding != ENCODING_JPEG)
		return o->resize ? err_usage(err, "--resize is for JPEG records; these are images of %dx%d, which "
					     "vic-images --format stream --resize resizes", h->height, h->width)
				 : 0;
	if (o->resize && want_size(o->resize, &want.h, &want.w, err))
		return -1;
	if (!want.h || !want.w)
		return err_set(err, "its records are JPEG files of whatever size; --resize HxW brings them to one (or "
			       "vic-images --format stream --resize HxW, once, to a larger file)");
	if (o->channels == 2)
		return err_usage(err, "--channels is 0, 1 or 3");
	if (channels != 1 && channels != 3)
		return err_set(err, "JPEG records of %d channels; --channels makes them 1 or 3", channels);
	image_data_form(d, &want, channels);
	return 0;
}

int plan_measure(struct plan *p, const struct dataset *d, struct err *err)
{
	return image_data_moments(d, p->preprocessing.mean, p->preprocessing.deviation, err);
}

/* "LOW,HIGH": shares of an image's area. */
static int scale_of(const char *text, struct preprocessing *f, struct err *err)
{
	char *copy = NULL;
	int rc = mem_text(&copy, text, strlen(text), err);
	char *at = copy, *low = text_field(&at, ','), *high = text_field(&at, ',');
	if (!rc && (!high || at))
		rc = err_usage(err, "--crop-scale %s: two shares of the area are needed, as in .08,1", text);
	rc = rc || num_f64("--crop-scale, LOW", low, 1e-6, 1, &f->scale_low, err) ||
	     num_f64("--crop-scale, HIGH", high, f->scale_low, 1, &f->scale_high, err);
	free(copy);
	return rc ? -1 : 0;
}

/* The defaults are those of the mixup authors' code for CIFAR (random crops of 32 + 2 x 4, flips), for other sizes in
 * proportion; of grey images, which are mostly digits and clothes on black, nothing is cut or turned. */
static int frame(struct plan *p, const struct train_options *o, const struct dataset *d, struct err *err)
{
	struct preprocessing *f = &p->preprocessing;
	int colour = d->head.channels >= 3, h = d->head.height, w = d->head.width;
	f->h = o->crop ? (int)o->crop : h;
	f->w = o->crop ? (int)o->crop : w;
	if (f->h > h || f->w > w)
		return err_usage(err, "--crop %d: the images are %dx%d", f->h, h, w);
	if (o->crop_scale && scale_of(o->crop_scale, f, err))
		return -1;
	f->pad = o->crop_pad >= 0 ? (int)o->crop_pad : colour && !o->crop && !o->crop_scale ? w / 8 : 0;
	f->flip = o->flip >= 0 ? o->flip : colour;
	p->cropped = o->crop > 0;
	p->config.image = (struct shape){ f->h, f->w, d->head.channels };
	if (d->head.encoding == ENCODING_JPEG)
		p->picture = (struct want){ h, w, d->images.fit };
	return d->n ? plan_measure(p, d, err) : 0;
}

static int make_key(struct plan *p, const struct train_options *o, struct err *err)
{
	struct train_options used = *o;
	char size[32];
	used.crop_pad = p->preprocessing.pad;
	used.flip = p->preprocessing.flip;
	used.resize = NULL;
	if (p->picture.h) {
		snprintf(size, sizeof size, "%dx%d", p->picture.h, p->picture.w);
		used.resize = size;
		used.channels = p->config.image.c;
	}
	return train_options_key(&p->key, &used, p->preprocessing.h, p->preprocessing.w, err);
}

int plan_make(struct plan *p, const struct train_options *o, const struct dataset *d, struct err *err)
{
	int images = d->head.kind == STREAM_IMAGES;
	*p = (struct plan){ .epochs = (int)o->epochs,
			    .batch = (int)o->batch,
			    .shards = (int)o->shards,
			    .reduce = (enum reduction)o->reduce,
			    .seed = (uint64_t)o->seed,
			    .schedule = (enum schedule)o->schedule,
			    .select = (enum select)o->select,
			    .update = update_of(o),
			    .patience = (int)o->patience,
			    .stop_top5 = o->stop_top5,
			    .step_factor = o->lr_factor,
			    .max_tokens = (int)o->max_tokens };
	if (choose_net(p, o, d->head.kind, err))
		return -1;
	if (d->head.n_classes < 2)
		return err_set(err, "the records have %d classes; at least 2 are needed to train", d->head.n_classes);
	if (p->stop_top5 > 0 && d->head.n_classes <= TOP)
		return err_usage(err, "--stop-top5: of %d classes the likeliest five are always right",
				 d->head.n_classes);
	p->config = (struct net_config){ .classes = d->head.n_classes,
					 .vocabulary = d->text.words,
					 .dim = d->head.dim,
					 .ngrams = (int)o->ngrams,
					 .maps = (int)o->maps,
					 .dropout = o->dropout,
					 .max_norm = o->max_norm,
					 .erl = o->erl,
					 .bce = o->loss == LOSS_BCE,
					 .frozen_words = o->words == WORDS_STATIC,
					 .multichannel = o->words == WORDS_MULTICHANNEL,
					 .width_factor = o->width,
					 .mix_hidden = mixes_hidden(o) && o->mixup > 0,
					 .zero_gamma = p->schedule == SCHEDULE_GOYAL && p->net->zero_gamma };
	p->mix_config = (struct mix_config){ .alpha = o->mixup,
					     .mode = (enum mix_mode)o->mix_mode,
					     .mix_layers = mix_layers_of(p->net, o),
					     .partner = (enum mix_partner)o->mix_partner,
					     .shards = (int)o->shards,
					     .smoothing = o->smoothing };
	double *weights = NULL;
	if ((images && frame(p, o, d, err)) ||
	    int_list("--filters", o->filters, 1, WORDCONV_WIDEST, p->config.width, WORDCONV_WIDTHS, &p->config.widths,
		 err) ||
	    int_list("--lr-steps", o->lr_steps, 1, 1000000, p->step_at, 16, &p->n_steps, err) || make_key(p, o, err) ||
	    (o->class_weights && class_weights(o->class_weights, d, &weights, err)))
		return -1;
	p->mix_config.class_weight = weights;
	return 0;
}

void plan_release(struct plan *p)
{
	free((void *)p->mix_config.class_weight);
	free(p->key);
	*p = (struct plan){ 0 };
}
