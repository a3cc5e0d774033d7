/* Files that are mapped and change: cut under a thread that reads them, overwritten while they are trained on. */
#include "tests/scratch.h"
#include "models/train/planning.h"
#include "pipeline/files/leftover.h"
#include "pipeline/files/mapped.h"
#include "pipeline/base/pool.h"
#include "pipeline/frame/process.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { PAGES = 64, PAGE = 4096 };
static char folder[SCRATCH_PATH], path[SCRATCH_PATH + 8];

static int make_folder(void **state)
{
	(void)state;
	if (scratch_folder(folder, "mapped"))
		return -1;
	snprintf(path, sizeof path, "%s/a\tb", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int make_file(size_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char page[PAGE];
	memset(page, 7, sizeof page);
	for (size_t i = 0; i < bytes / PAGE; i++)
		assert_int_equal(write(fd, page, sizeof page), PAGE);
	return fd;
}

static int map_file(struct mapped *m, int fd)
{
	struct err err;
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	struct io_mark mark = io_mark_of(&st);
	return mapped_open(m, fd, &mark, path, &err);
}

static void read_page(void *arg, int task, int worker)
{
	static _Atomic unsigned sum;
	const struct mapped *m = arg;
	(void)worker;
	atomic_fetch_add(&sum, ((const volatile unsigned char *)m->bytes)[(size_t)task * PAGE]);
}

/* In a child: a map of a file that is cut to one page, read by all threads; a file that is being written beside it. */
static void die_reading(int say)
{
	struct mapped m, others[3];
	struct pool *pool;
	struct err err;
	int fd = make_file((size_t)PAGES * PAGE), folder_fd = open(folder, O_RDONLY);
	dup2(say, STDERR_FILENO);
	if (process_begin("vic-some", &err) || map_file(&others[0], fd) != 1 || map_file(&others[1], fd) != 1 ||
	    map_file(&m, fd) != 1 || map_file(&others[2], fd) != 1 || pool_open(&pool, 4, &err))
		_exit(90);
	int number = leftover_add(folder_fd);
	close(openat(folder_fd, leftover_name(number), O_WRONLY | O_CREAT, 0600));
	mapped_release(&others[1]);
	pool_run(pool, PAGES, read_page, &m); /* all is there */
	if (ftruncate(fd, PAGE))
		_exit(91);
	pool_run(pool, PAGES, read_page, &m);
	_exit(92);
}

static void a_cut_ends_with_a_sentence(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		int ends[2], status;
		char said[512] = "", want[256];
		size_t n = 0;
		ssize_t k;
		assert_int_equal(pipe(ends), 0);
		pid_t pid = fork();
		if (!pid)
			die_reading(ends[1]);
		close(ends[1]);
		while (n < sizeof said - 1 && (k = read(ends[0], said + n, sizeof said - 1 - n)) > 0)
			n += (size_t)k;
		close(ends[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		snprintf(want, sizeof want, "vic-some: %s/a\\tb: became shorter while it was read\n", folder);
		assert_string_equal(said, want);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
	}
	unlink(path);
	assert_int_equal(rmdir(folder), 0); /* the unfinished file is gone too */
	assert_int_equal(mkdir(folder, 0700), 0);
}

/* Another's SIGBUS still ends the program by its signal. */
static void other_signals_stay(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();
	if (!pid) {
		struct err err;
		if (!process_begin("vic-some", &err))
			raise(SIGBUS);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void changes_are_seen(void **state)
{
	(void)state;
	struct mapped m;
	struct err err = ERR_NONE;
	const char *why;
	int fd = make_file(2 * PAGE);
	assert_int_equal(map_file(&m, fd), 1);
	assert_int_equal(m.size, 2 * PAGE);
	assert_int_equal(mapped_unchanged(&m, &err), 0);
	assert_non_null(mapped_at((const char *)m.bytes + 2 * PAGE - 1, &why));
	assert_null(mapped_at((const char *)m.bytes + 2 * PAGE, &why));
	assert_null(mapped_at((const char *)m.bytes - 1, &why));
	usleep(20000); /* a clock that ticks every 10 ms */
	assert_int_equal(pwrite(fd, "x", 1, 5), 1);
	assert_int_equal(mapped_unchanged(&m, &err), -1);
	assert_non_null(strstr(err.msg, "a\\tb: was written to while it was read"));
	assert_int_equal(err.cause, CAUSE_SYSTEM);
	mapped_release(&m);
	mapped_release(&m);
	assert_int_equal(map_file(&m, fd), 1);
	assert_int_equal(ftruncate(fd, 3 * PAGE), 0);
	assert_int_equal(mapped_unchanged(&m, &err), -1);
	assert_non_null(strstr(err.msg, "became longer"));
	assert_int_equal(ftruncate(fd, 1), 0);
	assert_int_equal(mapped_unchanged(&m, &err), -1);
	assert_non_null(strstr(err.msg, "became shorter"));
	const void *was = m.bytes;
	mapped_release(&m);
	assert_null(mapped_at(was, &why));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(map_file(&m, fd), 0); /* nothing to map */
	assert_int_equal(mapped_unchanged(&m, &err), 0);
	close(fd);
}

/* A stream of images to train on. */
static void make_images(void)
{
	enum { RECORDS = 12 };
	struct stream_head head = {
		.kind = STREAM_IMAGES, .height = 8, .width = 8, .channels = 1, .encoding = ENCODING_RAW
	};
	static const char *const classes[] = { "a", "b" };
	struct stream_writer *w;
	struct output out;
	struct err err;
	unsigned char px[64];
	json_t *self = json_pack("{s:s}", "program", "test");
	assert_int_equal(stream_head_classes(&head, 2, classes, &err), 0);
	assert_int_equal(output_open(&out, path, &err), 0);
	assert_int_equal(stream_begin(&w, &out, &head, NULL, self, &err), 0);
	for (int i = 0; i < RECORDS; i++) {
		memset(px, 20 * i, sizeof px);
		assert_int_equal(
			stream_add(w, (uint64_t)i, i % 2, i < 8 ? SPLIT_TRAIN : SPLIT_DEV, px, sizeof px, &err), 0);
	}
	assert_int_equal(stream_finish(w, &err), 0);
	assert_int_equal(output_commit(&out, &err), 0);
	stream_writer_free(w);
	output_release(&out);
	stream_head_release(&head);
	json_decref(self);
}

/* In the last batch of an epoch; where is told by the size of the file. */
static int scribble(void *ctx, uint32_t done)
{
	const int *at = ctx;
	if (done != 8 || !*at)
		return 0;
	int fd = open(path, O_RDWR);
	char was[2] = "zz";
	usleep(20000);
	if (*at < 0) /* the same again */
		assert_int_equal(pread(fd, was, 2, -*at), 2);
	assert_int_equal(pwrite(fd, was, 2, *at < 0 ? -*at : *at), 2);
	close(fd);
	return 0;
}

/* What is written to the file during an epoch, the last one too, does not go into a model. Written with
 * the same bytes, or touched, it is what it was. */
static void training_sees_changes(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++) {
		int changed = k == 1, at = k ? k == 1 ? 1000 : -1000 : 0;
		struct stream_reader *r;
		struct dataset data = { 0 };
		struct train_options o = train_options_none();
		struct plan plan = { 0 };
		struct device dev = { 0 };
		struct trainer t = { 0 };
		struct err err = ERR_NONE;
		make_images();
		o.model = "smallcnn";
		o.epochs = 1;
		o.batch = 4;
		o.width = 0.1;
		assert_int_equal(stream_open(&r, path, &err), 0);
		assert_int_equal(stream_next_document(r, &err), 1);
		assert_int_equal(dataset_begin(&data, r, &err), 0);
		assert_int_equal(train_options_finish(&o, data.head.kind, &err), 0);
		assert_int_equal(dataset_read(&data, r, 0, &err), 0);
		stream_close(r);
		assert_non_null(data.images.file.bytes);
		if (plan_make(&plan, &o, &data, &err) || device_open(&dev, "ref", 1, &err) ||
		    trainer_open(&t, &plan, &data, &dev, &err))
			fail_msg("%s", err.msg);
		t.tick = scribble;
		t.tick_ctx = &at;
		assert_int_equal(trainer_epoch(&t, &err), changed ? -1 : 0);
		if (changed)
			assert_non_null(strstr(err.msg, "the training data have changed: "));
		trainer_release(&t);
		device_close(&dev);
		plan_release(&plan);
		dataset_release(&data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_ends_with_a_sentence),
		cmocka_unit_test(other_signals_stay),
		cmocka_unit_test(changes_are_seen),
		cmocka_unit_test(training_sees_changes),
	};
	return cmocka_run_group_tests_name("mapped", tests, make_folder, remove_folder);
}
