/* peers: what runs another program and reads its records, tested with this program in its place: under another name it
 * leaves its arguments, and plays what it was told. And answers, which are a plain softmax of the network's logits,
 * likeliest first, or a map's. */
#ifndef VIC_TEST_PEERS_H
#define VIC_TEST_PEERS_H

#include "models/predict/answers.h"
#include "tests/append.h"
#include "tests/scratch.h"
#include "tests/unit/models/made_model.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { RECORDS = 40, SIDE = 4, LINES = 4, ARGS = 5, ROOM = 1 << 16 };

/* What the other program plays: names to the file that it is told of, a stream to stdout, its end. Lies beside it. */
struct play {
	int status; /* above 128: by the signal */
	size_t names, stream;
	unsigned char bytes[2 * ROOM]; /* the names, then the stream */
};

static char folder[SCRATCH_PATH];
static struct play play;

/* Instead of the C library's: this program lies in the folder. */
ssize_t readlink(const char *path, char *to, size_t size)
{
	if (*folder && !strcmp(path, "/proc/self/exe"))
		return snprintf(to, size, "%s/test", folder);
	return syscall(SYS_readlinkat, AT_FDCWD, path, to, size);
}

static inline char *in_folder(const char *name)
{
	static char path[2 * SCRATCH_PATH];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static inline void write_all(int fd, const void *bytes, size_t n)
{
	if (write(fd, bytes, n) != (ssize_t)n)
		_exit(99);
}

/* The other program. */
static inline int as_peer(int argc, char **argv)
{
	snprintf(folder, sizeof folder, "%s", argv[0]);
	*strrchr(folder, '/') = 0;
	int fd = open(in_folder("play"), O_RDONLY), said = open(in_folder("argv"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || said < 0 || read(fd, &play, sizeof play) != sizeof play)
		return 98;
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < argc; i++) {
		int names = strncmp(argv[i], "--names=", 8) ? -1 : open(argv[i] + 8, O_WRONLY);
		write_all(said, argv[i], names < 0 ? strlen(argv[i]) : 8);
		write_all(said, "\n", 1);
		if (names >= 0)
			write_all(names, play.bytes, play.names);
	}
	write_all(STDOUT_FILENO, play.bytes + play.names, play.stream);
	if (play.status > 128)
		raise(play.status - 128);
	return play.status;
}

/* What a run says on stdout and stderr. */
static char out[ROOM], said[ROOM];
static int keep[2], file[2];

static inline void listen_to(void)
{
	for (int i = 0; i < 2; i++) {
		fflush(i ? stderr : stdout);
		file[i] = memfd_create("said", MFD_CLOEXEC);
		keep[i] = fcntl(1 + i, F_DUPFD_CLOEXEC, 10);
		dup2(file[i], 1 + i);
	}
}

static inline void listened(void)
{
	for (int i = 0; i < 2; i++) {
		fflush(i ? stderr : stdout);
		dup2(keep[i], 1 + i);
		ssize_t n = pread(file[i], i ? said : out, ROOM - 1, 0);
		(i ? said : out)[n < 0 ? 0 : n] = 0;
		close(keep[i]);
		close(file[i]);
	}
}

/* A map, or none, and what it makes of logits: probabilities. */
static struct {
	struct calibrated map;
	int is; /* 0: none; of temperature; of a mean of probabilities */
	double weight[3], room[5 * CLASSES];
} mapped;

static struct calibrated *make_map(void)
{
	memset(&mapped, 0, sizeof mapped);
	mapped.is = below(3);
	double t = mapped.is ? 0.5 + rng_real(&random_state) : 1;
	mapped.weight[0] = mapped.is == 2 ? 0.5 : t;
	mapped.weight[1] = 0.2;
	mapped.weight[2] = 0.3;
	mapped.map = (struct calibrated){ .path = "a.map", .n = CLASSES, .room = mapped.room };
	mapped.map.file.map = (struct calmap){
		.method = mapped.is == 2 ? MAP_ENSEMBLE : MAP_TEMPERATURE, .k = CLASSES, .t = t, .weight = mapped.weight
	};
	return mapped.is ? &mapped.map : NULL;
}

static inline void plain_softmax(const float *z, double t, double *p)
{
	double sum = 0;
	for (int k = 0; k < CLASSES; k++)
		sum += p[k] = exp((double)z[k] / t);
	for (int k = 0; k < CLASSES; k++)
		p[k] /= sum;
}

static inline void plain_probs(const float *z, double *p)
{
	double raw[CLASSES];
	plain_softmax(z, mapped.is == 1 ? mapped.weight[0] : mapped.is ? mapped.map.file.map.t : 1, p);
	plain_softmax(z, 1, raw);
	for (int k = 0; k < CLASSES && mapped.is == 2; k++)
		p[k] = 0.5 * p[k] + 0.2 * raw[k] + 0.3 / CLASSES;
}

/* Takes a line from *at, which is z's answer after `name` (NULL: nothing stands before it). */
static inline void check_answer(const char **at, const char *name, const float *z, int top_k)
{
	double p[CLASSES];
	int left[CLASSES] = { 0 };
	plain_probs(z, p);
	if (name) {
		assert_false(strncmp(*at, name, strlen(name)));
		*at += strlen(name);
		assert_true(*(*at)++ == '\t');
	}
	for (int i = 0; i < CLASSES && (i < top_k || top_k == 0); i++) {
		int best = -1;
		for (int k = 0; k < CLASSES; k++)
			if (!left[k] && (best < 0 || p[k] > p[best]))
				best = k;
		left[best] = 1;
		assert_true(i == 0 || *(*at)++ == '\t');
		assert_false(strncmp(*at, classes[best], strlen(classes[best])));
		*at += strlen(classes[best]);
		assert_true(*(*at)++ == '\t');
		char *end;
		double got = strtod(*at, &end);
		if (!(fabs(got - p[best]) <= 1e-8 * p[best]))
			fail_msg("%s: %.17g, not %.17g", classes[best], got, p[best]);
		*at = end;
	}
	assert_true(*(*at)++ == '\n');
}

/* A model of the file's kind, with a history; the logits of its records; and how the program is to be called. */
struct story {
	struct model model;
	struct device dev;
	struct predictor p;
	const char *args[LINES][ARGS + 1];
	const char *program[LINES];
	int lines, n; /* records, of which blocks end where ends[i] is set */
	int ends[RECORDS];
	uint64_t id[RECORDS];
	float z[RECORDS][CLASSES];
	char argv[ROOM]; /* wanted */
	size_t at;
};

static struct story s;

static inline void wants(const char *arg)
{
	append(s.argv, sizeof s.argv, &s.at, "%s\n", arg);
}

static inline int begins(const char *arg, const char *with)
{
	return !strncmp(arg, with, strlen(with));
}

/* The options of a line: what follows "--" is none, nor is what has no dash, or nothing else. */
static inline int plain_options(int line, const char *option[ARGS])
{
	int n = 0;
	for (int i = 0; line >= 0 && s.args[line][i] && strcmp(s.args[line][i], "--"); i++)
		if (s.args[line][i][0] == '-' && s.args[line][i][1])
			option[n++] = s.args[line][i];
	return n;
}

static inline int has(int line, const char *begin)
{
	const char *option[ARGS];
	int n = plain_options(line, option);
	for (int i = 0; i < n; i++)
		if (begins(option[i], begin))
			return 1;
	return 0;
}

static inline void wants_begin(const char *program, int line)
{
	const char *option[ARGS];
	int n = plain_options(line, option);
	s.at = 0;
	wants(in_folder(program));
	wants("--line-as-in");
	for (int i = 0; i < n; i++)
		wants(option[i]);
	wants("--");
}

static inline json_t *make_history(const char *const *programs, int n_programs, const char *const *args, int n_args)
{
	json_t *all = json_array();
	s.lines = below(LINES + 1);
	for (int i = 0; i < s.lines; i++) {
		json_t *line = json_object(), *list = json_array();
		s.program[i] = programs[below(n_programs)];
		int n = below(ARGS + 1);
		for (int k = 0; k < n; k++) {
			s.args[i][k] = args[below(n_args)];
			json_array_append_new(list, json_string(s.args[i][k]));
		}
		s.args[i][n] = NULL;
		if (*s.program[i])
			json_object_set_new(line, "program", json_string(s.program[i]));
		json_object_set_new(line, "args", list);
		json_array_append_new(all, line);
	}
	return all;
}

/* Writes a model whose history it is, and opens it. */
static inline void open_model(struct made *made, json_t *history)
{
	struct err err = ERR_NONE;
	struct output to;
	assert_int_equal(ftruncate(made->fd, 0) || lseek(made->fd, 0, SEEK_SET), 0);
	if (output_open(&to, made->path, &err) ||
	    model_write(&to, &made->plan, &made->data, &made->g, made->weight, 1, history, &err) ||
	    output_commit(&to, &err) || model_open(&s.model, made->path, &err) || device_open(&s.dev, "ref", 1, &err) ||
	    predictor_open(&s.p, &s.model, &s.dev, 0, 1, &err))
		fail_msg("%s", err.msg);
	output_release(&to);
	json_decref(history);
}

static inline void close_model(void)
{
	predictor_release(&s.p);
	device_close(&s.dev);
	model_release(&s.model);
}

/* The story's records as a stream behind the names in `play`, and their logits. */
static inline void make_stream(const struct stream_head *of, void (*record)(struct stream_writer *w, int i))
{
	struct stream_head head = *of;
	struct stream_writer *w = NULL;
	struct stream_reader *r;
	struct output to;
	struct block b;
	struct predictor p;
	struct err err = ERR_NONE;
	char path[64];
	int fd = memory_file(path), at = 0, rc;
	json_t *self = json_pack("{s:s, s:s, s:[]}", "program", "vic-none", "version", "0", "args");
	if (output_open(&to, path, &err) || stream_begin(&w, &to, &head, NULL, self, &err))
		fail_msg("%s", err.msg);
	s.n = below(4) ? 1 + below(RECORDS) : 0;
	for (int i = 0; i < s.n; i++) {
		record(w, i);
		s.ends[i] = below(6) == 0;
		assert_int_equal(s.ends[i] && stream_flush(w, &err), 0);
	}
	if (stream_finish(w, &err) || output_commit(&to, &err) || stream_open(&r, path, &err) ||
	    stream_next_document(r, &err) != 1 || predictor_open(&p, &s.model, &s.dev, 0, 1, &err) ||
	    predictor_document(&p, stream_head_of(r), &err))
		fail_msg("%s", err.msg);
	while ((rc = stream_next_block(r, &b, &err)) == 1) {
		assert_int_equal(predictor_rows(&p, &b, NULL, &err), 0);
		memcpy(s.z[at], p.logits, b.n * CLASSES * sizeof(float));
		at += (int)b.n;
	}
	assert_true(!rc && at == s.n);
	predictor_release(&p);
	stream_close(r);
	stream_writer_free(w);
	output_release(&to);
	json_decref(self);
	ssize_t n = pread(fd, play.bytes + play.names, ROOM, 0);
	assert_in_range(n, 1, ROOM - 1);
	play.stream = (size_t)n;
	close(fd);
}

static inline void check_argv(void)
{
	static char got[ROOM];
	int fd = open(in_folder("argv"), O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof got - 1);
	assert_true(n >= 0);
	got[n] = 0;
	close(fd);
	unlink(in_folder("argv"));
	assert_string_equal(got, s.argv);
}

static inline void put_play(void)
{
	static const int ends[] = { 1, 2, 128, 128 + SIGPIPE, 128 + SIGTERM };
	play.status = below(2) ? 0 : ends[below(5)];
	assert_int_equal(scratch_put(in_folder("play"), &play, sizeof play), 0);
}

/* Where the other program lies: the folder, and a link of its name there; where this program needs another to run
 * ($RUNNER, tests/arm/run.sh), a script. */
static inline void peers_begin(const char *name)
{
	char self[SCRATCH_PATH], script[2 * SCRATCH_PATH];
	const char *runner = getenv("RUNNER");
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	assert_true(n > 0);
	self[n] = 0;
	assert_int_equal(scratch_folder(folder, "peers"), 0);
	if (!runner) {
		assert_int_equal(symlink(self, in_folder(name)), 0);
		return;
	}
	int k = snprintf(script, sizeof script, "#!/bin/sh\nexec '%s' -0 \"$0\" '%s' \"$@\"\n", runner, self);
	assert_int_equal(scratch_put(in_folder(name), script, (size_t)k) || chmod(in_folder(name), 0700), 0);
}

static inline void peers_end(const char *name)
{
	unlink(in_folder(name));
	unlink(in_folder("play"));
	assert_int_equal(rmdir(folder), 0);
}

#endif
