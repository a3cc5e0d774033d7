/* Runs vic-tokenize beside vic-predict and answers its records one by one. The model's provenance comes from a file:
 * it reaches the tokenizer as --line-as-in, which takes of it what says how a line becomes tokens; "--" keeps the path
 * from being an option, and no shell is involved. The tokenizer runs with --flush and answers are flushed by block, so
 * that each line is answered before the next is typed. The stream is closed before the tokenizer is waited for, so one
 * that still writes gets a broken pipe and ends. */
#include "textmode.h"

#include "pipeline/base/mem.h"
#include "pipeline/files/spawn.h"
#include "pipeline/files/text.h"
#include "pipeline/frame/marks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The tokenizer's command line: it is told the arguments of the run that made the training data, and itself takes those
 * of them that say how a line becomes tokens. *argv is owned by the caller, what it points to is not. */
static int command(const struct predictor *p, char *program, const char *path, char ***argv, struct err *err)
{
	const json_t *line, *found = NULL;
	const char *arg;
	size_t i, n = 0;
	json_array_foreach(p->model->provenance, i, line)
	{
		const char *name = json_string_value(json_object_get(line, "program"));
		if (name && !strcmp(name, "vic-tokenize"))
			found = line;
	}
	if (!found)
		return err_set(err, "%s: does not say how its text was tokenised; pipe tokens in instead of --text",
			       p->model->file.name);
	const json_t *args = json_object_get(found, "args");
	const char *const rest[] = { "--", "--quiet", "--flush", "--format=lines", "--", path, NULL };
	if (mem_alloc(argv, json_array_size(args) + 2 + sizeof rest / sizeof *rest, sizeof **argv, err))
		return -1;
	(*argv)[n++] = program;
	(*argv)[n++] = (char *)"--line-as-in";
	i = 0;
	while ((arg = marks_option(found, &i)))
		(*argv)[n++] = (char *)arg;
	for (i = 0; i < sizeof rest / sizeof *rest; i++)
		(*argv)[n++] = (char *)rest[i];
	return 0;
}

/* *from: where its stream comes out; closed by the caller. */
static int start_tokenizer(char **argv, struct child *child, int *from, struct err *err)
{
	struct spawn s = { .argv = (const char *const *)argv, .fd = { STDIN_FILENO, -1, -1 }, .peer = 1 };
	int fd[2];
	if (pipe2(fd, O_CLOEXEC))
		return err_sys(err, "pipe");
	s.fd[1] = fd[1];
	int rc = spawn_start(child, &s, err);
	close(fd[1]);
	*from = fd[0];
	if (rc)
		close(fd[0]);
	return rc;
}

struct ranked {
	double p;
	int k;
};

static int likelier(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->p != y->p ? (x->p < y->p ? 1 : -1) : x->k - y->k;
}

/* prob: [classes] of scratch. */
static int answer(const struct model *m, struct calibrated *map, const float *z, double *prob, struct ranked *rank,
		  int top_k, struct output *out, struct err *err)
{
	int n = m->config.classes;
	for (int k = 0; k < n; k++)
		prob[k] = z[k];
	if (map && calibrated_apply(map, z, 1, prob, err))
		return -1;
	if (!map || !calibrated_gives_probs(map))
		calibrated_softmax(prob, n, prob);
	for (int k = 0; k < n; k++)
		rank[k] = (struct ranked){ prob[k], k };
	qsort(rank, (size_t)n, sizeof *rank, likelier);
	for (int i = 0; i < n && (i < top_k || !top_k); i++) {
		const char *name = m->classes[rank[i].k];
		if (output_write(out, "\t", i > 0, err) || text_write(out, name, strlen(name), TEXT_NAME, err) ||
		    output_printf(out, err, "\t%.9g", rank[i].p))
			return -1;
	}
	return output_write(out, "\n", 1, err);
}

static int answer_all(struct predictor *p, struct calibrated *map, struct stream_reader *r, int top_k, struct err *err)
{
	struct block b;
	struct output out;
	struct ranked *rank;
	double *prob = NULL;
	int rc, classes = p->model->config.classes;
	if (mem_alloc(&rank, (size_t)classes, sizeof *rank, err))
		return -1;
	if (mem_alloc(&prob, (size_t)classes, sizeof *prob, err) || output_open(&out, "-", err)) {
		free(prob);
		free(rank);
		return -1;
	}
	rc = stream_next_of(r, STREAM_TOKENS, err);
	if (rc == 1)
		rc = predictor_document(p, stream_head_of(r), err) ? -1 : 1;
	while (rc == 1 && (rc = stream_next_block(r, &b, err)) == 1) {
		int bad = predictor_rows(p, &b, NULL, err);
		for (size_t i = 0; i < p->data.n && !bad; i++)
			bad = answer(p->model, map, p->logits + i * (size_t)classes, prob, rank, top_k, &out, err);
		if (bad || output_flush(&out, err)) {
			rc = -1;
			break;
		}
	}
	output_release(&out);
	free(prob);
	free(rank);
	return rc;
}

int textmode_run(struct stage *st, struct predictor *p, struct calibrated *map, const char *path, int top_k,
		 struct err *err)
{
	char *program, **argv = NULL, name[64];
	struct stream_reader *r = NULL;
	struct child child;
	int from = -1, status = 0;
	if (stage_peer("vic-tokenize", &program, err))
		return -1;
	int rc = command(p, program, path, &argv, err) || start_tokenizer(argv, &child, &from, err);
	free(argv);
	if (rc) {
		free(program);
		return -1;
	}
	snprintf(name, sizeof name, "/dev/fd/%d", from);
	rc = stream_open(&r, name, err) || answer_all(p, map, r, top_k, err);
	stream_close(r);
	close(from);
	struct err why = ERR_NONE;
	int lost = spawn_end(&child, &status, &why);
	free(program);
	if (!rc && lost) {
		*err = why;
		return -1;
	}
	/* The tokenizer has said itself what went wrong with the text; a broken pipe is only our own failure coming
	 * back. */
	if (!lost && status && status <= 128)
		return err_set(err, "%s could not be tokenised", path);
	if (!rc && p->unknown)
		stage_say(st, "%" PRIu64 " of %" PRIu64 " words are not the model's and stand as zeros", p->unknown,
			  p->tokens);
	return rc ? -1 : 0;
}
