/* A run's files, and what it says: those of a trainer that does the same without files, whatever is asked for, whether
 * it goes on from a checkpoint, and where a pass of the network fails. */
#include "tests/unit/models/train_task.h"

#include "models/files/modelfile.h"
#include "models/files/running.h"
#include "models/ranks/ranks.h"
#include "models/train/together.h"
#include "pipeline/frame/process.h"
#include "pipeline/formats/safetensors.h"
#include "tests/scratch.h"

#include <sys/stat.h>
#include <time.h>

/* Instead of the C library's: nobody waits for the disk, as nothing here has to outlast a power cut. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

/* The ref device, which counts passes and fails in one of them; or a signal comes in it. */
static struct {
	struct backend b;
	int passes, fails_in; /* 0: in none */
	int status, is_signal;
	int quarters; /* of a second that a pass takes */
} watched;

/* Instead of the C library's: time goes by in passes alone. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	int64_t now = (int64_t)watched.passes * watched.quarters;
	*t = (struct timespec){ .tv_sec = 1000 + now / 4, .tv_nsec = now % 4 * 250000000 };
	return 0;
}

static int watched_begin(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, enum phase phase,
			 int back, const struct update *u, struct err *err)
{
	(void)ctx, (void)g, (void)b, (void)phase, (void)back, (void)u;
	if (++watched.passes != watched.fails_in || watched.is_signal)
		return 0;
	err_set(err, "the card fell out");
	err->status = (enum vic_status)watched.status;
	return -1;
}

/* Instead of the frame's, which is linked as one. */
int process_interrupted(void)
{
	return watched.is_signal && watched.fails_in && watched.passes >= watched.fails_in ? watched.status - VIC_SIGNAL
											    : 0;
}

void process_interrupts(const char *why)
{
	(void)why;
}

int process_begin(const char *program, struct err *err)
{
	(void)program, (void)err;
	return 0;
}

static int watched_end(struct backend_ctx *ctx, int failed, struct err *err)
{
	(void)ctx, (void)err;
	return failed;
}

/* Instead of the C library's: whether a run's lines go to a terminal. */
static int terminal;

int isatty(int fd)
{
	(void)fd;
	return terminal;
}

/* Epochs 1, 2, ... of the run without files. */
enum { PARAMS = 8, FLOATS = 64 };
static struct {
	int n, params, parameters, best[MOST_EPOCHS + 1], passes[MOST_EPOCHS + 1];
	uint32_t batches;
	float w[MOST_EPOCHS + 1][PARAMS][FLOATS];
	struct epoch_line line[MOST_EPOCHS];
} plain;

/* from: after how many epochs its checkpoint goes to `path`; 0, or where it has ended before: none does. */
static void plain_epochs(struct task *task, int from, const char *path)
{
	struct trainer t;
	struct err err = ERR_NONE;
	open_trainer(&t, task);
	memset(&plain, 0, sizeof plain);
	watched.passes = watched.fails_in = 0;
	plain.batches = trainer_batches(&t);
	assert_in_range(t.graph.n_params, 1, PARAMS);
	plain.params = t.graph.n_params;
	for (int p = 0; p < t.graph.n_params; p++)
		plain.parameters += (int)param_size(&t.graph.param[p]);
	while (!trainer_done(&t)) {
		if (trainer_epoch(&t, &err) || (t.epoch == from && checkpoint_save(&t, path, &err)))
			fail_msg("%s", err.msg);
		plain.n = t.epoch;
		plain.line[t.epoch - 1] = t.history[t.epoch - 1];
		plain.best[t.epoch] = t.best_epoch;
		plain.passes[t.epoch] = watched.passes;
		for (int p = 0; p < t.graph.n_params; p++) {
			assert_in_range(param_size(&t.graph.param[p]), 1, FLOATS);
			assert_int_equal(trainer_get(&t, p, plain.w[t.epoch][p], &err), 0);
		}
	}
	trainer_release(&t);
}

/* What is asked of a run, and where its files lie. */
static struct {
	struct running_files f;
	char folder[SCRATCH_PATH], model[SCRATCH_PATH + 8], history[SCRATCH_PATH + 8], state[SCRATCH_PATH + 8],
		begin[SCRATCH_PATH + 8], list[64];
	/* of epochs: wanted; a file of that name lay there before */
	int keeps[MOST_EPOCHS + 1], there[MOST_EPOCHS + 1];
	int every;   /* batches between checkpoints; 0: there are none inside epochs */
	int foreign; /* the epoch whose file holds somebody's data; 0: none */
	int from;    /* epochs done before the run; 0: it begins with the first */
	char *said;
} asked;

static void path_of_epoch(int epoch, char path[SCRATCH_PATH + 32])
{
	snprintf(path, SCRATCH_PATH + 32, "%s.epoch%d", asked.model, epoch);
}

static void ask(struct task *task)
{
	int epochs = task->plan.epochs, all = below(4) == 0;
	size_t at = 0;
	memset(&asked, 0, sizeof asked);
	assert_int_equal(scratch_folder(asked.folder, "run"), 0);
	snprintf(asked.model, sizeof asked.model, "%s/model", asked.folder);
	snprintf(asked.history, sizeof asked.history, "%s/tsv", asked.folder);
	snprintf(asked.state, sizeof asked.state, "%s/state", asked.folder);
	snprintf(asked.begin, sizeof asked.begin, "%s/begin", asked.folder);
	for (int left = all ? 0 : below(4); left; left--) {
		int e = 1 + below(epochs);
		at += (size_t)snprintf(asked.list + at, sizeof asked.list - at, "%s%d", at ? "," : "", e);
		asked.keeps[e] = 1;
	}
	for (int e = 1; e <= epochs && all; e++)
		asked.keeps[e] = 1;
	asked.foreign = below(4) ? 0 : below(2) ? epochs : 1 + below(epochs);
	for (int e = 1; e <= epochs; e++) {
		char path[SCRATCH_PATH + 32];
		path_of_epoch(e, path);
		asked.there[e] = e == asked.foreign || below(3) == 0;
		assert_int_equal(asked.there[e] ? scratch_put(path, "tea\n", e == asked.foreign ? 4 : 0) : 0, 0);
	}
	asked.f = (struct running_files){ .output = asked.model,
					  .history = below(2) ? asked.history : NULL,
					  .checkpoint = below(3) ? asked.state : NULL,
					  .keep_epochs = all ? "all" : at ? asked.list : NULL,
					  .resume = below(2) ? asked.begin : NULL,
					  .every_batches = below(3) ? 1 + below(4) : 0 };
	asked.every = (int)asked.f.every_batches;
	terminal = below(3) == 0;
	watched.quarters = 1 + below(9);
	if (asked.every && below(3)) { /* the same in seconds */
		asked.f.every_batches = 0;
		asked.f.every_seconds = asked.every * watched.quarters / 4.0;
	}
	plain_epochs(task, asked.f.resume ? below(epochs + 1) : 0, asked.begin);
	if (!access(asked.begin, F_OK)) {
		struct trainer t;
		struct err err = ERR_NONE;
		open_trainer(&t, task);
		if (checkpoint_load(&t, asked.begin, &err))
			fail_msg("%s", err.msg);
		asked.from = t.epoch;
		trainer_release(&t);
	}
}

/* The run; what it says to asked.said. */
static int run_it(struct task *task, struct err *err)
{
	static char *list;
	static const struct opt opts[] = { { "keep-epochs", 0, OPT_TEXT, &list, "E", "", .writes = "a model" }, { 0 } };
	static const struct program prog = { .name = "vic-none", .operands = "", .opts = opts };
	static const unsigned char given[2];
	struct stage st = { .prog = &prog, .given = given, .provenance = json_pack("{s:s}", "program", "vic-none") };
	struct ranks alone = { 0 };
	struct trainer t;
	char path[64];
	int stderr_now = dup(STDERR_FILENO), fd = memory_file(path);
	open_trainer(&t, task);
	assert_int_equal(trainer_join(&t, &alone, err), 0);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	int rc = running_train(&st, &t, &asked.f, err);
	fflush(stderr);
	dup2(stderr_now, STDERR_FILENO);
	close(stderr_now);
	size_t n = (size_t)lseek(fd, 0, SEEK_END);
	asked.said = calloc(n + 1, 1);
	assert_true(asked.said && pread(fd, asked.said, n, 0) == (ssize_t)n);
	close(fd);
	trainer_release(&t);
	json_decref(st.provenance);
	return rc;
}

/* text: a format. Says so or does not, as `should` has it. */
static __attribute__((format(printf, 2, 3))) void says(int should, const char *text, ...)
{
	char line[3 * SCRATCH_PATH];
	va_list ap;
	va_start(ap, text);
	vsnprintf(line, sizeof line, text, ap);
	va_end(ap);
	if (!strstr(asked.said, line) != !should)
		fail_msg("%s '%s':\n%s", should ? "does not say" : "says", line, asked.said);
}

static void check_weights(const struct task *task, const struct model *m, int epoch)
{
	struct graph g;
	struct err err = ERR_NONE;
	graph_init(&g);
	if (task->plan.net->build(task->plan.net, &g, &task->plan.config, &err))
		fail_msg("%s", err.msg);
	for (int p = 0; p < g.n_params; p++)
		assert_memory_equal(safetensors_find(&m->file, g.param[p].name)->data, plain.w[epoch][p],
				    param_size(&g.param[p]) * sizeof(float));
	graph_release(&g);
}

/* A model with the weights of an epoch. */
static void check_model(const struct task *task, const char *path, int epoch)
{
	struct model m;
	struct err err = ERR_NONE;
	char number[16];
	if (model_open(&m, path, &err))
		fail_msg("%s", err.msg);
	snprintf(number, sizeof number, "%d", epoch);
	assert_string_equal(safetensors_meta(&m.file, "epoch"), number);
	check_weights(task, &m, epoch);
	assert_int_equal(json_array_size(m.provenance), 2);
	model_release(&m);
}

/* Those of epochs, of which `done` were finished; what lay there before and was not to be written is as it was. */
static void check_epochs(const struct task *task, int done)
{
	for (int e = 1; e <= task->plan.epochs; e++) {
		char path[SCRATCH_PATH + 32];
		struct stat st;
		int written = asked.keeps[e] && e > asked.from && e <= done;
		path_of_epoch(e, path);
		assert_int_equal(!stat(path, &st), written || asked.there[e]);
		if (written)
			check_model(task, path, e);
		else if (asked.there[e])
			assert_int_equal(st.st_size, e == asked.foreign ? 4 : 0);
		unlink(path);
		says(asked.keeps[e] && e <= asked.from && !asked.there[e],
		     "%s is not there, and cannot be made: the run goes on after epoch %d\n", path, asked.from);
	}
}

/* The history of `done` epochs, where one was to be written. */
static void check_history(const struct task *task, int written, int done)
{
	char *text = NULL, *got;
	size_t n = 0;
	assert_int_equal(!access(asked.history, F_OK), written);
	if (!written)
		return;
	FILE *to = open_memstream(&text, &n), *f = fopen(asked.history, "r");
	assert_true(to && f);
	epoch_header(task->plan.select, to);
	for (int e = 0; e < done; e++)
		epoch_print(&plain.line[e], task->plan.select, to);
	fclose(to);
	got = calloc(n + 2, 1);
	assert_int_equal(fread(got, 1, n + 1, f), n);
	assert_string_equal(got, text);
	fclose(f);
	free(got);
	free(text);
	unlink(asked.history);
}

/* A checkpoint as a model: with the weights that the run would keep, of epochs that were finished. */
static void check_as_model(const struct task *task, int epoch, uint32_t batches)
{
	struct model m;
	struct err err = ERR_NONE;
	int keeps = task->plan.select != SELECT_LAST && plain.line[0].dev_n;
	if (!epoch) {
		assert_int_equal(model_open(&m, asked.state, &err), -1);
		assert_non_null(strstr(err.msg, ": is a checkpoint of a first epoch that was not finished; "));
		return;
	}
	if (model_open(&m, asked.state, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(m.checkpoint, batches || task->plan.update.ema > 0 ? "the one to keep" :
					  keeps				       ? "the best" :
										 "the last");
	check_weights(task, &m, plain.best[epoch]);
	assert_int_equal(m.file.n, plain.params + 2);
	model_release(&m);
}

/* Where a run stood when it wrote its last checkpoint. */
static void check_state(struct task *task, int written, int epoch, uint32_t batches)
{
	struct trainer t;
	struct err err = ERR_NONE;
	assert_int_equal(!access(asked.state, F_OK), written);
	if (!written)
		return;
	open_trainer(&t, task);
	if (checkpoint_load(&t, asked.state, &err))
		fail_msg("%s", err.msg);
	assert_true(t.epoch == epoch && t.part.batches == batches);
	trainer_release(&t);
	check_as_model(task, epoch, batches);
	unlink(asked.state);
}

/* On a terminal, how far it is: after each batch and at the end of what was done. */
static void check_progress(const struct task *task, size_t train)
{
	static const char line[] = "vic-train: record: ";
	size_t now = 0, last = 0, all = (size_t)(task->plan.epochs - asked.from) * train;
	for (const char *at = asked.said; (at = strstr(at, line)); last = now) {
		char *end;
		at += strlen(line);
		now = strtoull(at, &end, 10);
		assert_false(strncmp(end, " of ", 4));
		assert_int_equal(strtoull(end + 4, &end, 10), all);
		assert_true(now >= last && now <= all && now % train % (size_t)task->plan.batch == 0);
		assert_non_null(strstr(end, " s left, epoch "));
	}
	if (!watched.fails_in && last != (size_t)(plain.n - asked.from) * train)
		fail_msg("%zu of %zu:\n%s", last, all, asked.said);
}

/* What a run says when it begins. */
static void check_begin(const struct task *task)
{
	const struct dataset *d = &task->data;
	const struct plan *p = &task->plan;
	size_t marked[SPLIT_COUNT] = { 0 }, of[MOST_CLASSES] = { 0 }, none = 0;
	int first = -1;
	for (size_t i = 0; i < d->n; i++) {
		marked[d->split[i]]++;
		of[d->label[i]] += d->split[i] == SPLIT_TRAIN;
	}
	for (int k = d->head.n_classes - 1; k >= 0; k--)
		if (!of[k]) {
			none++;
			first = k;
		}
	says(asked.f.resume && !asked.from, "%s is not there: the run begins with epoch 1\n", asked.begin);
	says(1, "vic-none: kimcnn, %d parameters, on ", plain.parameters);
	says(1, "records: %zu train, %zu dev; left out: %zu test, %zu extra; batch %d, at most %d epochs, ",
	     marked[SPLIT_TRAIN], marked[SPLIT_DEV], marked[SPLIT_TEST], marked[SPLIT_EXTRA], p->batch, p->epochs);
	says(p->update.ema > 0, "a moving average of the weights, of decay %g\n", p->update.ema);
	says(none > 0, "classes have no training record");
	if (none)
		says(1, "%zu of %d classes have no training record: '%s'%s", none, d->head.n_classes,
		     d->head.classes[first], none > 1 ? ", ...\n" : "\n");
	says(!marked[SPLIT_DEV], "no dev records: the last epoch is kept");
	says(0, " ranks by ");
	if (terminal)
		check_progress(task, marked[SPLIT_TRAIN]);
	if (asked.from == plain.n || terminal)
		return;
	const struct epoch_line *l = &plain.line[asked.from];
	if (l->dev_n)
		says(1, "epoch %d: loss %.4f, dev accuracy %.4f, dev ECE %.4f; ", asked.from + 1, l->train_loss,
		     l->dev_accuracy, l->dev_ece);
	else
		says(1, "epoch %d: loss %.4f; ", asked.from + 1, l->train_loss);
	double each = (plain.passes[asked.from + 1] - plain.passes[asked.from]) * watched.quarters / 4.0;
	int left = p->epochs - asked.from - 1;
	says(1, "; %.0f s left for %d more\n", each * left, left);
}

static const char *kept_as(const struct task *task)
{
	return task->plan.select != SELECT_LAST && plain.line[0].dev_n ? "the best" : "the last";
}

static void check_end(struct task *task)
{
	int best = plain.best[plain.n], missing = 0;
	const struct epoch_line *l = &plain.line[best - 1];
	char dev[64] = "";
	if (l->dev_n)
		snprintf(dev, sizeof dev, ", dev accuracy %.4f, dev loss %.4f", l->dev_accuracy, l->dev_loss);
	says(1, "kept epoch %d of %d, %s%s", best, plain.n, kept_as(task), dev);
	says(asked.f.history != NULL, "; model: %s; history: %s\n", asked.model, asked.history);
	says(asked.f.history == NULL, "; model: %s\n", asked.model);
	says(l->dev_n && task->plan.select == SELECT_DEV_REFINED, ", refined %.4f", l->dev_refined);
	for (int e = task->plan.epochs; e > plain.n; e--)
		missing = asked.keeps[e] ? e : missing;
	says(missing, "--keep-epochs: the run ended after epoch %d, so there is no model of epoch %d%s", plain.n,
	     missing, missing < task->plan.epochs ? " or a later one\n" : "\n");
	check_model(task, asked.model, best);
	check_history(task, asked.f.history != NULL, plain.n);
	check_state(task, asked.f.checkpoint && plain.n > asked.from, plain.n, 0);
	check_epochs(task, plain.n);
}

/* In pass watched.fails_in of the whole: after `done` epochs, and batches of the next. */
static void check_failed(struct task *task, const struct err *err)
{
	char expected[4 * SCRATCH_PATH], state[2 * SCRATCH_PATH] = "", why[64] = "the card fell out";
	int done = asked.from, every = asked.f.checkpoint ? asked.every : 0;
	while (plain.passes[done + 1] < watched.fails_in)
		done++;
	int batches = watched.fails_in - plain.passes[done] - 1, last = (int)plain.batches - 1, best = plain.best[done];
	int part = every ? (batches < last ? batches : last) / every * every : 0, further = done > asked.from || part;
	const char *again = further ? asked.f.checkpoint : asked.f.resume;
	if (again && watched.status > VIC_SIGNAL && part)
		snprintf(state, sizeof state, "; --resume %s goes on after batch %d of epoch %d", again, part,
			 done + 1);
	else if (again && watched.status > VIC_SIGNAL && done)
		snprintf(state, sizeof state, "; --resume %s goes on after epoch %d", again, done);
	if (watched.is_signal)
		snprintf(why, sizeof why, "interrupted in epoch %d", done + 1);
	if (done)
		snprintf(expected, sizeof expected, "%s; %s holds epoch %d, %s of the %d finished%s", why, asked.model,
			 best, kept_as(task), done, state);
	else
		snprintf(expected, sizeof expected, "%s; no epoch was finished, so %s is written%s", why,
			 *state ? "no model" : "nothing", state);
	assert_string_equal(err->msg, expected);
	assert_int_equal(err->status, watched.status);
	assert_int_equal(!access(asked.model, F_OK), done > 0);
	if (done)
		check_model(task, asked.model, best);
	check_history(task, asked.f.history && done > asked.from, done);
	check_state(task, asked.f.checkpoint && further, done, (uint32_t)part);
	check_epochs(task, done);
}

/* Before any work: an epoch's model would replace somebody's data. */
static void check_refused(struct task *task, const struct err *err)
{
	char path[SCRATCH_PATH + 32];
	path_of_epoch(asked.foreign, path);
	assert_int_equal(err->status, VIC_USAGE);
	assert_non_null(strstr(err->msg, path));
	assert_int_equal(access(asked.model, F_OK), -1);
	check_history(task, 0, 0);
	check_state(task, 0, 0, 0);
	memset(asked.keeps, 0, sizeof asked.keeps);
	check_epochs(task, 0);
}

static void files_of_any_run(void **state)
{
	static const char *const names[] = { "zero", "one", "two", "three", "four", "five", "six" };
	static uint32_t end[WORDS];
	static struct task task;
	(void)state;
	for (uint32_t i = 0; i < WORDS; i++)
		end[i] = i + 1;
	for (uint32_t i = 0; i < 60; i++) {
		struct err err = ERR_NONE;
		make_task(&task, 1000 + i);
		if (task.data.n == RECORDS)
			task.data.n = 40;
		task.plan.shards = task.plan.mix_config.shards = 0; /* one pass a batch */
		task.plan.config.multichannel = 0;		      /* of which a model holds sums */
		task.plan.batch = 1 + below(4);
		watched.b = *task.dev.b;
		watched.b.begin = watched_begin;
		watched.b.end = watched_end;
		task.dev.b = &watched.b;
		task.data.text.text = (char[]){ "abcdefghijk" };
		task.data.text.word_end = end;
		task.data.provenance = json_pack("[{s:s}]", "program", "vic-embed");
		int classes = task.data.head.n_classes;
		task.data.head.n_classes = 0;
		assert_int_equal(stream_head_classes(&task.data.head, classes, names, &err), 0);
		ask(&task);
		int from = plain.passes[asked.from], passes = plain.passes[plain.n] - from;
		watched.passes = from;
		watched.fails_in = passes && below(2) ? from + 1 + below(passes) : 0;
		watched.status = below(2) ? VIC_NO_DEVICE : VIC_SIGNAL + 1 + below(30);
		watched.is_signal = watched.status > VIC_SIGNAL && below(2);
		int refused = asked.foreign && asked.keeps[asked.foreign], fails = watched.fails_in > 0;
		int rc = run_it(&task, &err);
		if (rc != -(refused || fails))
			fail_msg("%u: %s", i, rc ? err.msg : "did not fail");
		if (refused)
			check_refused(&task, &err);
		else if (fails)
			check_failed(&task, &err);
		else
			check_end(&task);
		if (!refused && (!fails || plain.passes[asked.from + 1] < watched.fails_in))
			check_begin(&task);
		unlink(asked.model);
		unlink(asked.begin);
		assert_int_equal(rmdir(asked.folder), 0);
		free(asked.said);
		json_decref(task.data.provenance);
		stream_head_release(&task.data.head);
		device_close(&task.dev);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(files_of_any_run) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
