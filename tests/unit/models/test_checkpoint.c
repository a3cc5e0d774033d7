/* Checkpoints that say what no run comes to, or are another run's: refused, with the reason. That a run goes on from
 * one to the same bits is test_trainer's. */
#include "train_task.h"

#include "models/files/running.h"
#include "pipeline/formats/safetensors.h"

/* The checkpoint of a run of two epochs with one of its counters set, or ("+") with a tensor more, or other text for a
 * key ("": without it). */
static int load_changed(struct task *task, int counter, double value, const char *key, const char *text,
			struct err *err)
{
	struct trainer t;
	struct safetensors st;
	struct output out;
	char path[64];
	int fd = memory_file(path);
	open_trainer(&t, task);
	if (trainer_epoch(&t, err) || trainer_epoch(&t, err) || checkpoint_save(&t, path, err) ||
	    safetensors_open(&st, path, err))
		fail_msg("%s", err->msg);
	trainer_release(&t);
	if (counter >= 0)
		((double *)(uintptr_t)safetensors_find(&st, "counters")->data)[counter] = value;
	if (key && !text && safetensors_add(&st, key, ST_U8, 1, &(size_t){ 1 }, "", err))
		fail_msg("%s", err->msg);
	if (text && !*text)
		json_object_del(st.meta, key);
	else if (text && safetensors_set(&st, key, text, err))
		fail_msg("%s", err->msg);
	assert_int_equal(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET), 0);
	if (output_open(&out, path, err) || safetensors_write(&st, &out, err) || output_commit(&out, err))
		fail_msg("%s", err->msg);
	output_release(&out);
	safetensors_release(&st);
	open_trainer(&t, task);
	int rc = checkpoint_load(&t, path, err);
	if (!rc)
		assert_int_equal(t.epoch, 2);
	trainer_release(&t);
	close(fd);
	return rc;
}

static void checkpoints_that_lie(void **state)
{
	static const struct {
		int counter;
		double value;
		const char *key, *text, *says; /* NULL: taken */
	} cases[] = {
		{ -1, 0, NULL, NULL, NULL },
		{ 0, 4294967295.0, NULL, NULL, NULL },
		{ 0, 4294967296.0, NULL, NULL, "its step is" },
		{ 0, 1.5, NULL, NULL, "its step is" },
		{ 0, -1, NULL, NULL, "its step is" },
		{ 1, 3, NULL, NULL, "tensor 'history' is" },
		{ 1, 1.5, NULL, NULL, "its epoch is" },
		{ 1, 9, NULL, NULL, "has 9 epochs already, --epochs asks for 3" },
		{ 1, 2147483648.0, NULL, NULL, "its epoch is" },
		{ 1, NAN, NULL, NULL, "its epoch is" },
		{ 2, 3, NULL, NULL, "its best epoch is" },
		{ 2, 1, NULL, NULL, NULL },
		{ 2, 0, NULL, NULL, "its best epoch is" },
		{ 3, 1, NULL, NULL, NULL },
		{ 3, 1.01, NULL, NULL, "its best score is" },
		{ 3, -0.5, NULL, NULL, "its best score is" },
		{ -1, 0, "one more", NULL, "tensors where the run has" },
		{ -1, 0, "plan", "another", "was made with other options, or by another version: another" },
		{ -1, 0, "plan", "", "does not say of which run it is a checkpoint" },
		{ -1, 0, "data", "", "does not say of which run it is a checkpoint" },
		{ -1, 0, "data", "00000001", "was made on other data (00000001" },
		{ -1, 0, "format", "vicinal-checkpoint 5", "is of version 5" },
		{ -1, 0, "format", "vicinal-model 2", "is not a checkpoint" },
	};
	static struct task task;
	(void)state;
	make_task(&task, 3);
	for (size_t i = 0; i < task.data.n; i++)
		task.split[i] = i % 2 ? SPLIT_DEV : SPLIT_TRAIN;
	task.plan.select = SELECT_DEV_ACCURACY;
	task.plan.epochs = 3;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		int rc = load_changed(&task, cases[i].counter, cases[i].value, cases[i].key, cases[i].text, &err);
		if (!cases[i].says != !rc || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("case %zu: '%s'", i, err.msg);
	}
	device_close(&task.dev);
}

/* The best score of a run that selects by a loss is minus that. */
static void scores_that_are_losses(void **state)
{
	static const struct {
		enum select select;
		double value;
		int taken;
	} cases[] = {
		{ SELECT_DEV_NLL, -0.5, 1 },	   { SELECT_DEV_REFINED, -99, 1 },
		{ SELECT_DEV_REFINED, 0.5, 0 },	   { SELECT_DEV_NLL, -INFINITY, 0 },
		{ SELECT_DEV_NLL, NAN, 0 },	   { SELECT_DEV_ACCURACY, -0.5, 0 },
	};
	static struct task task;
	(void)state;
	make_task(&task, 3);
	for (size_t i = 0; i < task.data.n; i++)
		task.split[i] = i % 2 ? SPLIT_DEV : SPLIT_TRAIN;
	task.plan.epochs = 3;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		task.plan.select = cases[i].select;
		int rc = load_changed(&task, 3, cases[i].value, NULL, NULL, &err);
		if ((rc == 0) != cases[i].taken || (rc && !strstr(err.msg, "its best score is")))
			fail_msg("case %zu: '%s'", i, err.msg);
	}
	device_close(&task.dev);
}

static int always(void *ctx)
{
	(void)ctx;
	return 1;
}

/* Of a run of five batches an epoch that stands still after three of its second: a number of the part, changed. */
static void parts_that_lie(void **state)
{
	static const struct {
		int number;
		double value;
		int taken;
	} cases[] = { { 0, 3, 1 },   { 0, 1, 1 },     { 0, 4, 1 },  { 0, 5, 0 },    { 0, 0, 0 },
		      { 0, 2.5, 0 }, { 0, NAN, 0 },   { 1, -3, 1 }, { 1, NAN, 0 },  { 1, INFINITY, 0 },
		      { 2, -1, 0 },  { 2, NAN, 0 },   { 2, 1e9, 0 }, { 3, -0.1, 0 }, { 3, INFINITY, 0 } };
	static struct task task;
	struct trainer t, next;
	char path[64];
	int fd = memory_file(path), rc;
	(void)state;
	make_task(&task, 3);
	for (size_t i = 0; i < task.data.n; i++)
		task.split[i] = i < 10 ? SPLIT_TRAIN : SPLIT_DEV;
	task.plan.batch = 2;
	task.plan.shards = task.plan.mix_config.shards = 1;
	task.plan.patience = 0;
	for (int last = 0; last < 2; last++) {
		struct err err = ERR_NONE;
		task.plan.select = last ? SELECT_LAST : SELECT_DEV_ACCURACY;
		open_trainer(&t, &task);
		assert_int_equal(trainer_epoch(&t, &err), 0);
		t.pause = always;
		for (int i = 0; i < 3; i++)
			assert_int_equal(trainer_epoch(&t, &err), TRAINER_PAUSED);
		assert_int_equal(t.part.batches, 3);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			struct trainer changed = t;
			double *const at[] = { &changed.part.loss, &changed.part.accuracy,
					       &changed.part.label_entropy };
			struct safetensors st;
			struct output out;
			err = ERR_NONE;
			if (cases[i].number)
				*at[cases[i].number - 1] = cases[i].value;
			assert_int_equal(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET), 0);
			if (checkpoint_save(&changed, path, &err) || safetensors_open(&st, path, &err))
				fail_msg("%s", err.msg);
			if (!cases[i].number)
				*(double *)(uintptr_t)safetensors_find(&st, "part")->data = cases[i].value;
			assert_int_equal(ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET), 0);
			if (output_open(&out, path, &err) || safetensors_write(&st, &out, &err) ||
			    output_commit(&out, &err))
				fail_msg("%s", err.msg);
			output_release(&out);
			safetensors_release(&st);
			open_trainer(&next, &task);
			rc = checkpoint_load(&next, path, &err);
			if ((rc == 0) != cases[i].taken || (rc && !strstr(err.msg, "its part of an epoch")))
				fail_msg("case %zu: '%s'", i, err.msg);
			if (!rc) { /* the weights to keep are those of the epoch before */
				assert_int_equal(next.best_epoch, 1);
				assert_memory_equal(next.best[0], t.best[0],
						    param_size(&t.graph.param[0]) * sizeof(float));
			}
			trainer_release(&next);
		}
		trainer_release(&t);
	}
	close(fd);
	device_close(&task.dev);
}

/* --checkpoint-every: batches, or a number and a unit; what is neither is refused. */
static void how_often(void **state)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "", 0 }, { "m", -1 }, { "in", -1 }, { "d", -1 },
		      { "ms", -1 }, { "H", -1 }, { "hs", -1 }, { " s", -1 } };
	static const char *const numbers[] = { "1", "2", "90", "1000", "0", "", "-1", "x", "1e7",
					       "3000000000000000000000000000000" };
	static const double worth[] = { 1, 2, 90, 1000 }; /* the others are refused */
	(void)state;
	for (size_t u = 0; u < sizeof units / sizeof *units; u++)
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
			struct running_files f = { 0 };
			struct err err = ERR_NONE;
			char text[64];
			int fine = i < 4 && units[u].seconds >= 0;
			double n = fine ? worth[i] : 0;
			snprintf(text, sizeof text, "%s%s", numbers[i], units[u].unit);
			int rc = running_every(&f, text, &err);
			if (rc != (fine ? 0 : -1))
				fail_msg("%s: %s", text, rc ? err.msg : "taken");
			if (fine && *units[u].unit)
				assert_true(f.every_seconds == n * units[u].seconds && f.every_batches == 0);
			else if (fine)
				assert_true(f.every_seconds == 0 && (double)f.every_batches == n);
			else
				assert_int_equal(err.status, VIC_USAGE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(checkpoints_that_lie), cmocka_unit_test(how_often),
					    cmocka_unit_test(scores_that_are_losses),
					    cmocka_unit_test(parts_that_lie) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
