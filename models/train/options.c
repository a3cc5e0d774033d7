/* Defaults and refusals of vic-train's options. The order matters: options of the other kind of records are refused
 * first; then optimizer, schedule and weight decay are settled, since others depend on them; then combinations are
 * checked, while what was not given can still be told from what was; then the rest is filled in. */
#include "options.h"

#include "trainer.h"

/* What was given though it has no meaning here; NULL when nothing. */
static const char *of_other_kind(const struct train_options *o, int images)
{
	if (images)
		return o->max_norm >= 0 ? "--max-norm" : o->words >= 0 ? "--words" : o->filters ? "--filters" : o->maps ? "--maps"
			: o->max_tokens >= 0 ? "--max-tokens" : NULL;
	return o->width >= 0 ? "--width" : o->crop ? "--crop" : o->crop_pad >= 0 ? "--crop-pad" : o->flip >= 0 ? "--flip"
		: o->schedule == SCHEDULE_GOYAL ? "--schedule goyal" : NULL;
}

static int check_rule(const struct train_options *o, struct err *err)
{
	int adadelta = o->optimizer == 0, sgd = o->optimizer == 1;
	if (adadelta && o->weight_decay > 0)
		return err_usage(err, "--weight-decay goes with --optimizer sgd or adam");
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
		return err_usage(err, "--eps goes with --optimizer adadelta or adam");
	if (o->schedule != SCHEDULE_STEPS && o->schedule != SCHEDULE_GOYAL && (o->lr_steps || o->lr_factor >= 0))
		return err_usage(err, "%s goes with --schedule steps or goyal", o->lr_steps ? "--lr-steps" : "--lr-factor");
	if (o->patience && o->select == SELECT_LAST)
		return err_usage(err, "--patience needs --select best-dev");
	if (o->mix_mode == MIX_MANIFOLD && o->mix_partner == PARTNER_DATASET)
		return err_usage(err, "--mixup-mode manifold mixes within the batch: it goes without --mixup-partner dataset");
	if (o->loss == 1 && o->class_weights) /* a weighted target is no probability, which 1 - target needs */
		return err_usage(err, "--class-weights go with --loss cross-entropy");
	return 0;
}

static void real(double *to, double value)
{
	*to = *to < 0 ? value : *to;
}

static void choice(int *to, int value)
{
	*to = *to < 0 ? value : *to;
}

static void whole(int64_t *to, int64_t absent, int64_t value)
{
	*to = *to == absent ? value : *to;
}

static void text(const char **to, const char *value)
{
	*to = *to ? *to : value;
}

int train_options_settle(struct train_options *o, enum stream_kind kind, struct err *err)
{
	static const double lr[] = { 1, 0.1, 0.001 }, momentum[] = { 0, 0.9, 0 };
	int images = kind == STREAM_IMAGES;
	const char *strange = of_other_kind(o, images);
	if (strange)
		return err_usage(err, "%s is for %s; these records are %s", strange, images ? "text" : "images",
				 images ? "images" : "text");
	choice(&o->optimizer, images ? 1 : 0);
	choice(&o->schedule, images ? SCHEDULE_STEPS : SCHEDULE_CONSTANT);
	int goyal = o->schedule == SCHEDULE_GOYAL;
	real(&o->weight_decay, images && o->optimizer == 1 ? (goyal ? 1e-4 : 5e-4) : 0);
	if (check_rule(o, err))
		return -1;
	text(&o->model, images ? "resnet20" : "kimcnn");
	text(&o->filters, "3,4,5");
	text(&o->lr_steps, goyal ? "30,60,80" : "2,60,120,160");
	choice(&o->words, 0);
	choice(&o->decay, images && !goyal ? 0 : 1);
	real(&o->dropout, images ? 0 : 0.5);
	real(&o->max_norm, images ? 0 : 3);
	real(&o->width, 1);
	real(&o->lr, lr[o->optimizer]);
	real(&o->momentum, momentum[o->optimizer]);
	choice(&o->nesterov, images && o->momentum > 0);
	real(&o->rho, 0.95);
	real(&o->eps, 1e-6);
	real(&o->lr_factor, goyal ? 0.1 : 0.5);
	whole(&o->maps, 0, 100);
	whole(&o->max_tokens, -1, 400);
	whole(&o->epochs, 0, goyal ? 90 : images ? 200 : 25);
	whole(&o->batch, 0, images ? 128 : 50);
	return 0;
}
