/* Epoch after epoch, and the files of a run. The checkpoint and the history are written anew after every epoch, the
 * checkpoint inside one too where that is asked for: the trainer pauses, and goes on as a resumed run would; the model
 * once, at the end, also at one that comes too early: what fails in an epoch takes nothing from the ones before.
 * A run that a checkpoint brings to its end has its history written all the same. */
#include "running.h"

#include "checkpoint.h"
#include "epochs.h"
#include "modelfile.h"
#include "models/train/together.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "pipeline/base/num.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/frame/process.h"
#include "pipeline/frame/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int write_history(const struct trainer *t, const char *path, struct err *err)
{
	struct output out;
	char *text = NULL;
	size_t size;
	struct memtext m;
	if (memtext_open(&m, err))
		return -1;
	epoch_header(t->plan->select, m.to);
	for (int i = 0; i < t->epoch; i++)
		epoch_print(&t->history[i], t->plan->select, m.to);
	int rc = memtext_close(&m, &text, &size, err) || output_open(&out, path, err) ? -1 : 0;
	if (!rc) {
		rc = output_write(&out, text, size, err) || output_commit(&out, err) ? -1 : 0;
		output_release(&out);
	}
	free(text);
	return rc;
}

int running_every(struct running_files *f, const char *text, struct err *err)
{
	static const struct {
		const char *name;
		double seconds;
	} unit[] = { { "min", 60 }, { "s", 1 }, { "h", 3600 } };
	size_t n = strlen(text);
	for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
		size_t k = strlen(unit[i].name);
		char number[32];
		if (n <= k || n - k >= sizeof number || strcmp(text + n - k, unit[i].name))
			continue;
		snprintf(number, sizeof number, "%.*s", (int)(n - k), text);
		if (num_f64("--checkpoint-every", number, 1e-3, 1e6, &f->every_seconds, err))
			return -1;
		f->every_seconds *= unit[i].seconds;
		return 0;
	}
	if (n && strspn(text, "0123456789") == n)
		return num_i64("--checkpoint-every", text, 1, UINT32_MAX, &f->every_batches, err);
	return err_usage(err, "--checkpoint-every '%s': takes a number of batches (500) or a time (90s, 10min, 2h)",
			 text);
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What a run knows between batches: the line on the terminal, and when the next checkpoint is due. */
struct shown {
	struct progress p;
	char note[96];
	uint64_t before; /* records of the epochs done in this run */
	const struct running_files *files;
	int64_t batches; /* since the last checkpoint */
	double since;
};

static int pause_due(void *ctx)
{
	struct shown *s = ctx;
	s->batches++;
	return s->files->every_batches ? s->batches >= s->files->every_batches
				       : seconds_now() - s->since >= s->files->every_seconds;
}

static int save_checkpoint(const struct trainer *t, struct shown *s, struct err *err)
{
	if (s->files->checkpoint && checkpoint_save(t, s->files->checkpoint, err))
		return -1;
	s->batches = 0;
	s->since = seconds_now();
	return 0;
}

static int tick(void *ctx, uint32_t done)
{
	struct shown *s = ctx;
	progress_at(&s->p, s->before + done, s->note);
	return process_interrupted();
}

static void note_epoch(struct shown *s, const struct epoch_line *l)
{
	int n = snprintf(s->note, sizeof s->note, "epoch %lld: loss %.4f", (long long)l->epoch, l->train_loss);
	if (l->dev_n)
		snprintf(s->note + n, sizeof s->note - (size_t)n, ", dev accuracy %.4f, dev ECE %.4f", l->dev_accuracy,
			 l->dev_ece);
}

static int run_epoch(struct trainer *t, struct shown *s, struct err *err)
{
	if (ranks_meet(t->ranks, 0, process_interrupted(), err))
		return -1;
	int rc = t->ranks->signal ? 1 : trainer_epoch(t, err);
	while (rc == TRAINER_PAUSED)
		rc = save_checkpoint(t, s, err) ? -1 : trainer_epoch(t, err);
	if (rc > 0) {
		int signal = t->ranks->signal ? t->ranks->signal : process_interrupted();
		err_set(err, "interrupted in epoch %d", t->epoch + 1);
		err->status = (enum vic_status)(VIC_SIGNAL + signal);
	}
	return rc ? -1 : 0;
}

static int run_epochs(struct stage *st, struct trainer *t, const struct running_files *f, const struct epochs *e,
		      struct err *err)
{
	struct shown s = { .note = "epoch 1", .files = f, .since = seconds_now() };
	if (t->epoch)
		note_epoch(&s, &t->history[t->epoch - 1]);
	t->tick = tick;
	t->tick_ctx = &s;
	t->pause = trainer_speaks(t) && f->checkpoint && (f->every_batches || f->every_seconds > 0)
			   ? pause_due : NULL;
	progress_begin(&s.p, "vic-train: record", (uint64_t)(t->plan->epochs - t->epoch) * t->n_train, st->quiet);
	int rc = 0;
	while (!rc && !trainer_done(t)) {
		rc = run_epoch(t, &s, err) || together_compare(t, err) ||
		     (trainer_speaks(t) && (epochs_write(e, t, err) || save_checkpoint(t, &s, err)));
		if (rc)
			break;
		s.before += t->n_train;
		note_epoch(&s, &t->history[t->epoch - 1]);
		progress_end(&s.p); /* the line gives way to others */
		device_say(st, t->graph.dev);
		progress_at(&s.p, s.before, s.note);
		if (progress_logs(&s.p))
			stage_say(st, "%s; %.0f s left for %d more", s.note, progress_left(&s.p, s.before),
				  t->plan->epochs - t->epoch);
		rc = f->history && trainer_speaks(t) && write_history(t, f->history, err);
	}
	progress_end(&s.p);
	device_say(st, t->graph.dev); /* of an epoch that did not end well */
	return rc ? -1 : 0;
}

static int save_weights(struct trainer *t, const struct running_files *f, struct err *err)
{
	struct output out;
	float **weights;
	int epoch;
	int rc = trainer_weights(t, &weights, &epoch, err) || output_open(&out, f->output, err);
	if (!rc) {
		rc = model_write(&out, t->plan, t->data, &t->graph, weights, epoch, t->provenance, err) ||
		     output_commit(&out, err);
		output_release(&out);
	}
	return rc ? -1 : 0;
}

/* How far a run had come. */
struct reached {
	int epoch;
	uint32_t batches; /* of the next */
};

/* "; --resume FILE goes on after ...", where there is such a file after a signal; else nothing. */
static void offer_resume(char *text, size_t size, const struct trainer *t, const struct running_files *f,
			 struct reached first, const struct err *why)
{
	uint32_t batches = t->part.batches;
	int further = t->epoch > first.epoch || batches > first.batches;
	const char *again = further ? f->checkpoint : f->resume;
	*text = 0;
	if (!again || why->status <= VIC_SIGNAL || !(t->epoch || batches))
		return;
	if (batches)
		err_phrase(text, size, "; --resume %s goes on after batch %u of epoch %d", again, batches,
			   t->epoch + 1);
	else
		err_phrase(text, size, "; --resume %s goes on after epoch %d", again, t->epoch);
}

/* Training ended before its time, and err says why: writes what the finished epochs came to, and says so in err. first:
 * how far all was when the run began. */
static void save_finished(struct trainer *t, const struct running_files *f, struct reached first, struct err *err)
{
	struct err why = *err, failed = ERR_NONE;
	const char *to = strcmp(f->output, "-") ? f->output : "stdout";
	char state[300] = "";
	offer_resume(state, sizeof state, t, f, first, &why);
	if (!t->best_epoch) {
		err_set(err, "%s; no epoch was finished, so %s is written%s", why.msg, *state ? "no model" : "nothing",
			state);
	} else if (save_weights(t, f, &failed)) {
		err_set(err, "%s; nor could the model of the epochs before be written: %s", why.msg, failed.msg);
	} else {
		err_set(err, "%s; %s holds epoch %d, %s of the %d finished%s", why.msg, to, t->best_epoch,
			trainer_keeps_best(t) ? "the best" : "the last", t->epoch, state);
	}
	err->status = why.status;
	err->cause = why.cause;
}

/* 1: there is a checkpoint to go on from; -1 */
static int is_there(const struct stage *st, const char *resume, struct err *err)
{
	if (!access(resume, F_OK) || !strcmp(resume, "-"))
		return 1;
	if (errno != ENOENT)
		return err_sys(err, "%s", resume);
	stage_say(st, "%s is not there: the run begins with epoch 1", resume);
	return 0;
}

/* Who they are, and what adds up over them. */
static void say_ranks(const struct stage *st, const struct trainer *t)
{
	const struct accumulate *a = &t->accumulate;
	char how[400] = "";
	if (accumulate_by(a))
		err_phrase(how, sizeof how, "; gradients are added up by %s%s", accumulate_by(a),
			   t->plan->reduce == REDUCE_FAST ? " in an order of its own, not to the bytes of one rank"
							  : "");
	else if (*a->lacks)
		err_phrase(how, sizeof how, "; gradients are added up through the hosts' memory (%s)", a->lacks);
	stage_say(st, "%d ranks by %s, each with %d of the %d shards of a batch%s", t->ranks->size,
		  ranks_describe(t->ranks), a->shards / t->ranks->size, a->shards, how);
}

/* Classes of which nothing will be learnt: a slip in --classes, or a split that left none of them. */
static void say_absent(const struct stage *st, const struct dataset *d)
{
	size_t *n, none = 0, classes = (size_t)d->head.n_classes;
	struct err unheard = ERR_NONE;
	const char *first = NULL;
	if (mem_alloc(&n, classes, sizeof *n, &unheard))
		return;
	for (size_t i = 0; i < d->n; i++)
		if (d->split[i] == SPLIT_TRAIN && d->label[i] >= 0)
			n[d->label[i]]++;
	for (size_t c = 0; c < classes; c++)
		if (!n[c] && !none++)
			first = d->head.classes[c];
	if (none)
		stage_say(st, "%zu of %zu classes have no training record: '%s'%s", none, classes, first,
			  none > 1 ? ", ..." : "");
	free(n);
}

/* What is about to be done. */
static void say_plan(const struct stage *st, const struct trainer *t)
{
	const struct graph *g = &t->graph;
	const struct plan *p = t->plan;
	size_t weights = 0, bytes = g->arena_bytes * (size_t)g->max_n, marked[SPLIT_COUNT] = { 0 };
	for (int i = 0; i < g->n_params; i++)
		weights += param_size(&g->param[i]);
	for (int a = 0; a < ARENAS; a++)
		bytes += g->params_floats[a] * sizeof(float);
	for (size_t i = 0; i < t->data->n; i++)
		marked[t->data->split[i]]++;
	if (trainer_several(t))
		say_ranks(st, t);
	stage_say(st, "%s, %zu parameters, on %s", p->net->name, weights, g->dev->b->describe(g->dev->ctx));
	stage_say(st,
		  "records: %zu train, %zu dev; left out: %zu test, %zu extra; batch %d, at most %d epochs, %.1f MiB "
		  "for the network",
		  marked[SPLIT_TRAIN], marked[SPLIT_DEV], marked[SPLIT_TEST], marked[SPLIT_EXTRA], p->batch, p->epochs,
		  (double)bytes / (1 << 20));
	if (p->update.ema > 0)
		stage_say(st, "evaluated and kept: a moving average of the weights, of decay %g", p->update.ema);
	say_absent(st, t->data);
	if (!t->n_dev)
		stage_say(st, "no dev records: the last epoch is kept (vic-split --dev marks some)");
}

/* What has been done. */
static void say_kept(const struct stage *st, const struct trainer *t, const struct running_files *f)
{
	const struct epoch_line *l = &t->history[t->best_epoch - 1];
	char dev[128] = "", history[300] = "";
	int n = 0;
	if (l->dev_n)
		n = snprintf(dev, sizeof dev, ", dev accuracy %.4f, dev loss %.4f", l->dev_accuracy, l->dev_loss);
	if (t->judged)
		snprintf(dev + n, sizeof dev - (size_t)n, ", refined %.4f", l->dev_refined);
	if (f->history)
		err_phrase(history, sizeof history, "; history: %s", f->history);
	stage_say(st, "kept epoch %d of %d, %s%s; model: %s%s", t->best_epoch, t->epoch,
		  trainer_keeps_best(t) ? "the best" : "the last", dev, strcmp(f->output, "-") ? f->output : "stdout",
		  history);
}

static int run_all(struct stage *st, struct trainer *t, const struct running_files *f, const struct epochs *e,
		   struct err *err)
{
	int there = f->resume ? is_there(st, f->resume, err) : 0;
	int rc = there < 0 || (there && checkpoint_load(t, f->resume, err)) ? -1 : 0;
	if (ranks_meet(t->ranks, rc, 0, err) || together_begin(t, err))
		return -1;
	say_plan(st, t);
	epochs_say_missing(e, st, t->epoch);
	device_say(st, t->graph.dev);
	struct reached first = { t->epoch, t->part.batches };
	process_interrupts(NULL);
	if (ranks_meet(t->ranks, run_epochs(st, t, f, e, err), 0, err)) {
		if (trainer_speaks(t))
			save_finished(t, f, first, err);
		return -1;
	}
	if (!trainer_speaks(t))
		return 0;
	if ((f->history && t->epoch == first.epoch && write_history(t, f->history, err)) || save_weights(t, f, err))
		return -1;
	say_kept(st, t, f);
	epochs_say_left(e, st, t->epoch);
	return 0;
}

int running_train(struct stage *st, struct trainer *t, const struct running_files *f, struct err *err)
{
	json_t *provenance = jsontext_copy(t->data->provenance);
	t->provenance = provenance;
	struct epochs e;
	int rc = epochs_open(&e, st, f->keep_epochs, f->output, t->plan->epochs, err);
	if (!rc)
		rc = !provenance || json_array_append(provenance, st->provenance) ? err_memory(err)
										  : run_all(st, t, f, &e, err);
	epochs_release(&e);
	t->provenance = NULL;
	json_decref(provenance);
	return rc;
}
