/* vic-train's options in one table: how each is given, its default for each kind of records, and its place in the key
 * of a checkpoint. The order of settling matters: options of the other kind of records are refused first; then
 * optimizer, schedule and weight decay are settled, since others depend on them; then combinations are checked, while
 * what was not given can still be told from what was; then the rest is filled in. */
#include "options.h"

#include "models/data/ngrams.h"
#include "models/nets/nets.h"
#include "trainer.h"

#include <stddef.h>

enum column { TEXT, IMAGES, GOYAL, NGRAMS, COLUMNS };
enum { NGRAMS_ADADELTA = COLUMNS /* of BY_OPTIMIZER */ };

/* `text` or `number` holds the defaults; with FIXED, train_options_none does. */
struct row {
	struct opt opt; /* without target; OPT_NO_DEFAULT is added where the default depends on something */
	size_t field;	/* of struct train_options */
	/* What stands before the value in the key, or NULL: the value changes nothing that an epoch makes. An option
	 * that changes something and has no key lets a run resume with other settings. */
	const char *key;
	enum { FIXED, BY_RECORDS, BY_OPTIMIZER /* its choices */, OF_SGD /* by records; of others 0 */ } by;
	double number[COLUMNS + 1];
	const char *text[COLUMNS];
	/* VECTORS, NGRAMS: of text, for networks that read word vectors or n-grams */
	enum { ANY_RECORDS, TEXT_ONLY, IMAGES_ONLY, VECTORS_ONLY, NGRAMS_ONLY } records;
	int early; /* settled before combinations are checked */
	/* The value, as a key has it, that is left out of the key: that of all runs before there was the option, whose
	 * checkpoints can be resumed. NULL: none is. */
	const char *unsaid;
};
#define FIELD(name) .field = offsetof(struct train_options, name)
#define SAME(value) { value, value, value, value }

static const struct row table[] = {
	{ { "model", 'm', OPT_TEXT, NULL, "NAME",
	    "the network; --list-models lists them [text: kimcnn, images: resnet20]", .flags = 0 },
	  FIELD(model), "model=", BY_RECORDS,
	  .text = { "kimcnn", "resnet20", "resnet20", "bow" } },
	{ { "mixup", 0, OPT_REAL, NULL, "ALPHA", "mix with weights from Beta(ALPHA, ALPHA); 0: no mixup", .fhi = 1e4 },
	  FIELD(mixup), " mixup=" },
	{ { "mixup-mode", 0, OPT_CHOICE, NULL, NULL,
	    "features: the mixed sample takes the nearer one's hard label; manifold: hidden values too are mixed; "
	    "sentence: those before the last layer of kimcnn are",
	    .choices = "full|features|manifold|sentence",
	    .with = "mixup" },
	  FIELD(mix_mode), " mode=" },
	{ { "mixup-partner", 0, OPT_CHOICE, NULL, NULL, "partners are the batch, permuted, or drawn from all records",
	    .choices = "batch|dataset",
	    .with = "mixup" },
	  FIELD(mix_partner), " partner=" },
	{ { "label-smoothing", 0, OPT_REAL, NULL, "E", "share of each label spread over the other classes",
	    .fhi = 0.999 },
	  FIELD(smoothing), " smoothing=" },
	{ { "erl", 0, OPT_REAL, NULL, "K", "entropy-regularised loss: loss - K * entropy", .fhi = 1e4 },
	  FIELD(erl), " erl=" },
	{ { "loss", 0, OPT_CHOICE, NULL, NULL,
	    "bce: binary cross-entropy of each class's probability, the mean over the classes",
	    .choices = "cross-entropy|bce" },
	  FIELD(loss), " loss=" },
	{ { "dropout", 0, OPT_REAL, NULL, "P", "share of features dropped in training [text: 0.5; images, bow: 0]",
	    .fhi = 0.999 },
	  FIELD(dropout),
	  " dropout=",
	  BY_RECORDS,
	  { 0.5, 0, 0 } },
	{ { "max-norm", 0, OPT_REAL, NULL, "S", "kimcnn: bound on the norm of each softmax row; 0: none [3]",
	    .fhi = 1e6 },
	  FIELD(max_norm),
	  " norm=",
	  BY_RECORDS,
	  { 3, 0, 0 },
	  .records = VECTORS_ONLY },
	{ { "words", 0, OPT_CHOICE, NULL, NULL,
	    "kimcnn: static: word vectors are not tuned; multichannel: a tuned and a fixed copy [tuned]",
	    .choices = "tuned|static|multichannel" },
	  FIELD(words),
	  " words=",
	  BY_RECORDS,
	  SAME(WORDS_TUNED),
	  .records = VECTORS_ONLY },
	{ { "filters", 0, OPT_TEXT, NULL, "W,W,...", "kimcnn: filter widths, in words [3,4,5]", .flags = 0 },
	  FIELD(filters),
	  " filters=",
	  BY_RECORDS,
	  .text = SAME("3,4,5"),
	  .records = VECTORS_ONLY },
	{ { "maps", 0, OPT_INT, NULL, "N", "kimcnn: feature maps a width [100]", .lo = 1, .hi = 10000 },
	  FIELD(maps), " maps=", BY_RECORDS, SAME(100),
	  .records = VECTORS_ONLY },
	{ { "ngrams", 0, OPT_INT, NULL, "N", "bow: words of the longest n-gram [2]", .lo = 1, .hi = NGRAMS_LONGEST },
	  FIELD(ngrams), " ngrams=", BY_RECORDS, SAME(2), .records = NGRAMS_ONLY },
	{ { "max-tokens", 0, OPT_INT, NULL, "N",
	    "text: keep the first N words of a record; 0: all (4096 at most) [400]", .hi = 4096 },
	  FIELD(max_tokens), " max-tokens=", BY_RECORDS,
	  SAME(400),
	  .records = TEXT_ONLY },
	{ { "width", 0, OPT_REAL, NULL, "FACTOR", "images: so many times the network's channels [1]", .flo = 0.01,
	    .fhi = 64 },
	  FIELD(width), " width=", BY_RECORDS,
	  SAME(1),
	  .records = IMAGES_ONLY },
	{ { "resize", 0, OPT_TEXT, NULL, "HxW",
	    "images: bring JPEG records to one size, N or HxW, as vic-images does; they are decoded as they are needed",
	    .flags = 0 },
	  FIELD(resize), " resize=", .records = IMAGES_ONLY, .unsaid = "none" },
	{ { "fit", 0, OPT_CHOICE, NULL, NULL, "--resize: cover HxW and cut the centre, or stretch",
	    .choices = "crop|stretch", .with = "resize" }, FIELD(fit), " fit=", .unsaid = "0" },
	{ { "channels", 0, OPT_INT, NULL, "N", "JPEG records: 1: grey, 3: RGB, 0: as the stream says, else 3",
	    .hi = 3, .with = "resize" }, FIELD(channels), " channels=", .unsaid = "0" },
	{ { "crop", 0, OPT_INT, NULL, "N", "images: train on random N x N crops, predict the centre N x N [all]",
	    .lo = 1, .hi = 32767 },
	  FIELD(crop), " crop=", BY_RECORDS,
	  SAME(0),
	  .records = IMAGES_ONLY },
	{ { "crop-scale", 0, OPT_TEXT, NULL, "LOW,HIGH",
	    "images: train on random windows of LOW to HIGH of the image's area, resized to the N x N of --crop, else "
	    "to the image's size; .08,1 is usual for ImageNet",
	    .flags = 0 },
	  FIELD(crop_scale), " crop-scale=", BY_RECORDS,
	  .records = IMAGES_ONLY,
	  .unsaid = "none" },
	{ { "crop-pad", 0, OPT_INT, NULL, "N",
	    "images: N zeros on each side before a random crop [colour without --crop: an eighth of the width; else 0]",
	    .hi = 16383, .without = "crop-scale" },
	  FIELD(crop_pad),
	  " pad=",
	  BY_RECORDS,
	  SAME(-1),
	  .records = IMAGES_ONLY },
	{ { "flip", 0, OPT_FLAG, NULL, NULL, "images: mirror half of the training images [colour]", .flags = 0 },
	  FIELD(flip), " flip=", BY_RECORDS,
	  SAME(-1),
	  .records = IMAGES_ONLY },
	{ { "no-flip", 0, OPT_FLAG, NULL, NULL, "no flipping [grey]", .zero = 1, .flags = OPT_NO_DEFAULT },
	  FIELD(flip) },
	{ { "optimizer", 0, OPT_CHOICE, NULL, NULL, "update rule [text: adadelta, images: sgd]",
	    .choices = "adadelta|sgd|adam|adamw" },
	  FIELD(optimizer),
	  " optimizer=",
	  BY_RECORDS,
	  { RULE_ADADELTA, RULE_SGD, RULE_SGD, RULE_ADADELTA },
	  .early = 1 },
	{ { "lr", 0, OPT_REAL, NULL, "R", "learning rate [adadelta: 1, for bow 100; sgd: 0.1; adam, adamw: 0.001]",
	    .fhi = 1e6 },
	  FIELD(lr), " lr=", BY_OPTIMIZER,
	  { [RULE_ADADELTA] = 1, [RULE_SGD] = 0.1, [RULE_ADAM] = 0.001, [OPTIMIZER_ADAMW] = 0.001,
	    [NGRAMS_ADADELTA] = 100 } },
	{ { "momentum", 0, OPT_REAL, NULL, "M", "of sgd [0.9]", .fhi = 0.9999 },
	  FIELD(momentum), " momentum=", OF_SGD, SAME(0.9) },
	{ { "nesterov", 0, OPT_FLAG, NULL, NULL, "Nesterov's form of sgd's momentum [images]", .flags = 0 },
	  FIELD(nesterov),
	  " nesterov=",
	  OF_SGD,
	  { 0, 1, 1 } },
	{ { "no-nesterov", 0, OPT_FLAG, NULL, NULL, "the plain form [text]", .zero = 1, .flags = OPT_NO_DEFAULT },
	  FIELD(nesterov) },
	{ { "weight-decay", 0, OPT_REAL, NULL, "D",
	    "added to the gradient as D * weight (sgd, adam); adamw: D * rate of each weight is taken off it instead "
	    "[0; adamw: 0.01; images with sgd: 5e-4, goyal: 1e-4]", .fhi = 1 },
	  FIELD(weight_decay),
	  " decay=",
	  OF_SGD,
	  { 0, 5e-4, 1e-4 },
	  .early = 1 },
	{ { "decay", 0, OPT_CHOICE, NULL, NULL,
	    "what it applies to; all: biases and normalisation too [images: all; goyal, text: weights]",
	    .choices = "all|weights" },
	  FIELD(decay),
	  ":",
	  BY_RECORDS,
	  { DECAY_WEIGHTS, DECAY_ALL, DECAY_WEIGHTS, DECAY_WEIGHTS } },
	{ { "clip-norm", 0, OPT_REAL, NULL, "X",
	    "scale the gradient of all weights together to an L2 norm of at most X; 0: never", .fhi = 1e9 },
	  FIELD(clip_norm), " clip=", .unsaid = "0" },
	{ { "ema", 0, OPT_REAL, NULL, "DECAY",
	    "evaluate and keep a moving average of the weights, of this decay a step (such as 0.999); 0: none",
	    .fhi = 0.9999999 },
	  FIELD(ema), " ema=", .unsaid = "0" },
	{ { "rho", 0, OPT_REAL, NULL, "R", "of adadelta [0.95]", .fhi = 0.999999 },
	  FIELD(rho), " rho=", BY_RECORDS, SAME(0.95) },
	{ { "eps", 0, OPT_REAL, NULL, "E", "of adadelta, adam and adamw [1e-6, bow: 1e-8]", .flo = 1e-30, .fhi = 1 },
	  FIELD(eps), " eps=", BY_RECORDS, { 1e-6, 1e-6, 1e-6, 1e-8 } },
	{ { "schedule", 0, OPT_CHOICE, NULL, NULL, "schedule of the learning rate [text: constant, images: steps]",
	    .choices = "constant|steps|cosine|goyal" },
	  FIELD(schedule),
	  " schedule=",
	  BY_RECORDS,
	  { SCHEDULE_CONSTANT, SCHEDULE_STEPS, SCHEDULE_GOYAL, SCHEDULE_CONSTANT },
	  .early = 1 },
	{ { "lr-steps", 0, OPT_TEXT, NULL, "E,E,...",
	    "epochs after which it is multiplied by --lr-factor [steps: 2,60,120,160, goyal: 30,60,80]", .flags = 0 },
	  FIELD(lr_steps),
	  ":",
	  BY_RECORDS,
	  .text = { "2,60,120,160", "2,60,120,160", "30,60,80", "2,60,120,160" } },
	{ { "lr-factor", 0, OPT_REAL, NULL, "F", "see --lr-steps [steps: 0.5, goyal: 0.1]", .flo = 1e-6, .fhi = 1 },
	  FIELD(lr_factor),
	  ":",
	  BY_RECORDS,
	  { 0.5, 0.5, 0.1, 0.5 } },
	{ { "epochs", 'e', OPT_INT, NULL, "N", "passes over the training records [text: 25, images: 200, goyal: 90]",
	    .lo = 1, .hi = 1000000 },
	  FIELD(epochs),
	  ":",
	  BY_RECORDS,
	  { 25, 200, 90, 25 } },
	{ { "batch", 'b', OPT_INT, NULL, "N", "records a step [text: 50, images: 128]", .lo = 1, .hi = 65536 },
	  FIELD(batch),
	  " batch=",
	  BY_RECORDS,
	  { 50, 128, 128, 50 } },
	{ { "shards", 0, OPT_INT, NULL, "S",
	    "compute a batch in S parts (a power of two), one after another, and add up their gradients", .lo = 1,
	    .hi = SHARDS_MOST },
	  FIELD(shards),
	  " shards=",
	  .unsaid = "1" },
	{ { "reduce", 0, OPT_CHOICE, NULL, NULL,
	    "of ranks on cuda; fast: cards add up in an order of their own, not to the bytes of one rank",
	    .choices = REDUCE_CHOICES, .without = "plan|list-models" },
	  FIELD(reduce), " reduce=", .unsaid = "0" },
	{ { "select", 0, OPT_CHOICE, NULL, NULL,
	    "which epoch's weights are kept: the best by dev accuracy (also called best-dev), by dev NLL, or by dev "
	    "NLL after the temperature that is best for it; or the last",
	    .choices = TRAIN_SELECT },
	  FIELD(select), " select=" },
	{ { "patience", 0, OPT_INT, NULL, "N", "stop after N epochs without a better dev score (--select); 0: never",
	    .hi = 1000000 },
	  FIELD(patience) },
	{ { "stop-top5", 0, OPT_REAL, NULL, "ACC", "stop at this dev accuracy of the likeliest five; 0: never",
	    .fhi = 1 },
	  FIELD(stop_top5) },
	{ { "class-weights", 0, OPT_TEXT, NULL, "balanced|W,W,...", "weight of each class in the loss", .flags = 0 },
	  FIELD(class_weights) /* in the key: at its end */ },
	{ { "seed", 's', OPT_INT, NULL, "N", "seed of everything drawn", .hi = INT64_MAX }, FIELD(seed), " seed=" },
};
_Static_assert(sizeof table / sizeof *table == TRAIN_OPTIONS, "options.h says how many rows there are");

static void *field_of(const struct row *r, const struct train_options *o)
{
	return (char *)o + r->field;
}

static double number_of(const struct row *r, const struct train_options *o)
{
	const void *at = field_of(r, o);
	return r->opt.type == OPT_REAL ? *(const double *)at
	       : r->opt.type == OPT_INT ? (double)*(const int64_t *)at
					: *(const int *)at;
}

static void set_number(const struct row *r, struct train_options *o, double value)
{
	void *at = field_of(r, o);
	if (r->opt.type == OPT_REAL)
		*(double *)at = value;
	else if (r->opt.type == OPT_INT)
		*(int64_t *)at = (int64_t)value;
	else
		*(int *)at = (int)value;
}

static double absent(const struct row *r)
{
	return r->opt.type == OPT_INT ? (double)(r->opt.lo - 1) : -1;
}

/* Of a row that is not FIXED. */
static int was_given(const struct row *r, const struct train_options *o)
{
	return r->opt.type == OPT_TEXT ? *(const char **)field_of(r, o) != NULL : number_of(r, o) != absent(r);
}

struct train_options train_options_none(void)
{
	struct train_options o = { .seed = 1, .shards = 1 };
	for (const struct row *r = table; r < table + TRAIN_OPTIONS; r++)
		if (r->by != FIXED && r->opt.type != OPT_TEXT)
			set_number(r, &o, absent(r));
	return o;
}

void train_options_rows(struct opt rows[TRAIN_OPTIONS], struct train_options *o)
{
	for (int i = 0; i < TRAIN_OPTIONS; i++) {
		rows[i] = table[i].opt;
		rows[i].target = field_of(&table[i], o);
		rows[i].flags |= table[i].by != FIXED ? OPT_NO_DEFAULT : 0;
	}
}

static int check_records(const struct train_options *o, int images, struct err *err)
{
	const char *misplaced = !images && o->schedule == SCHEDULE_GOYAL ? "schedule goyal" : NULL;
	for (int i = TRAIN_OPTIONS; i-- > 0;)
		if (table[i].records != ANY_RECORDS && (table[i].records == IMAGES_ONLY) != images &&
		    was_given(&table[i], o))
			misplaced = table[i].opt.name;
	return misplaced ? err_usage(err, "--%s is for %s; these records are %s", misplaced, images ? "text" : "images",
				   images ? "images" : "text")
		       : 0;
}

static int check_network(const struct train_options *o, int ngrams, struct err *err)
{
	for (const struct row *r = table; r < table + TRAIN_OPTIONS; r++)
		if (r->records == (ngrams ? VECTORS_ONLY : NGRAMS_ONLY) && was_given(r, o))
			return err_usage(err, "--%s goes with%s --model bow", r->opt.name, ngrams ? "out" : "");
	return 0;
}

static int check_combinations(const struct train_options *o, struct err *err)
{
	int adadelta = o->optimizer == RULE_ADADELTA, sgd = o->optimizer == RULE_SGD;
	if (adadelta && o->weight_decay > 0)
		return err_usage(err, "--weight-decay goes with --optimizer sgd, adam or adamw");
	if (!(o->weight_decay > 0) && o->decay >= 0)
		return err_usage(err, "--decay goes with a --weight-decay above 0");
	if (!sgd && o->nesterov >= 0)
		return err_usage(err, "--nesterov goes with --optimizer sgd");
	if (!sgd && o->momentum >= 0)
		return err_usage(err, "--momentum goes with --optimizer sgd");
	if (o->nesterov == 1 && o->momentum == 0)
		return err_usage(err, "--nesterov needs a --momentum above 0");
	if (!adadelta && o->rho >= 0)
		return err_usage(err, "--rho goes with --optimizer adadelta");
	if (sgd && o->eps >= 0)
		return err_usage(err, "--eps goes with --optimizer adadelta, adam or adamw");
	if (o->schedule != SCHEDULE_STEPS && o->schedule != SCHEDULE_GOYAL && (o->lr_steps || o->lr_factor >= 0))
		return err_usage(err, "%s goes with --schedule steps or goyal",
				 o->lr_steps ? "--lr-steps" : "--lr-factor");
	if (o->patience && o->select == SELECT_LAST)
		return err_usage(err, "--patience goes without --select last");
	if ((o->mix_mode == MIX_MANIFOLD || o->mix_mode == MIX_SENTENCE) && o->mix_partner == PARTNER_DATASET)
		return err_usage(err, "--mixup-mode %s mixes within the batch: it goes without --mixup-partner dataset",
				 o->mix_mode == MIX_SENTENCE ? "sentence" : "manifold");
	if (o->shards & (o->shards - 1))
		return err_usage(err, "--shards %d is no power of two, as 2, 4 and 8 are", (int)o->shards);
	if (o->loss == LOSS_BCE && o->class_weights) /* a weighted target is no probability, which 1 - target needs */
		return err_usage(err, "--class-weights go with --loss cross-entropy");
	return 0;
}

static void fill_in(struct train_options *o, enum column column, int early)
{
	for (const struct row *r = table; r < table + TRAIN_OPTIONS; r++) {
		if (r->by == FIXED || r->early != early || was_given(r, o))
			continue;
		if (r->opt.type == OPT_TEXT)
			*(const char **)field_of(r, o) = r->text[column];
		else if (r->field == offsetof(struct train_options, weight_decay) && o->optimizer == OPTIMIZER_ADAMW)
			set_number(r, o, 0.01); /* torch.optim.AdamW's */
		else if (r->by == OF_SGD && o->optimizer != RULE_SGD)
			set_number(r, o, 0);
		else if (r->by == BY_OPTIMIZER)
			set_number(r, o, r->number[column == NGRAMS && o->optimizer == RULE_ADADELTA ? NGRAMS_ADADELTA
												     : o->optimizer]);
		else
			set_number(r, o, r->number[column]);
	}
}

int train_options_ngrams(const struct train_options *o)
{
	const struct net *net = o->model ? net_find(o->model) : NULL;
	return net && net->ngrams;
}

int train_options_finish(struct train_options *o, enum stream_kind kind, struct err *err)
{
	int images = kind == STREAM_IMAGES, ngrams = train_options_ngrams(o) && !images;
	enum column column = o->schedule == SCHEDULE_GOYAL ? GOYAL : images ? IMAGES : ngrams ? NGRAMS : TEXT;
	if (check_records(o, images, err) || (!images && check_network(o, ngrams, err)))
		return -1;
	fill_in(o, column, 1);
	o->select = o->select == SELECT_BEST_DEV ? SELECT_DEV_ACCURACY : o->select;
	if (check_combinations(o, err))
		return -1;
	if (o->momentum == 0 && o->nesterov < 0) /* which has none without momentum */
		o->nesterov = 0;
	fill_in(o, column, 0);
	return o->shards <= o->batch ? 0
				     : err_usage(err, "--batch %d has fewer records than --shards %d", (int)o->batch,
						 (int)o->shards);
}

struct train_option train_option(int i, const struct train_options *o)
{
	const struct row *r = &table[i];
	int lacks = o && r->records == NGRAMS_ONLY && !train_options_ngrams(o);
	return (struct train_option){ .opt = &r->opt,
				      .key = lacks ? NULL : r->key,
				      .unsaid = r->unsaid,
				      .value = o ? field_of(r, o) : NULL };
}
