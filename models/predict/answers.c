/* The pairs of a line, and children that read what people give. Provenance comes from a file: it reaches the child as
 * --line-as-in, which takes of it what says how a line or picture becomes a record; no shell is involved. */
#include "answers.h"

#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"
#include "pipeline/frame/marks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ranked {
	double p;
	int k;
};

static int likelier(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->p != y->p ? (x->p < y->p ? 1 : -1) : x->k - y->k;
}

int answers_open(struct answers *a, const struct model *model, struct calibrated *map, int top_k, struct err *err)
{
	size_t n = (size_t)model->config.classes;
	*a = (struct answers){ .model = model, .map = map, .top_k = top_k };
	return mem_alloc(&a->rank, n, sizeof *a->rank, err) || mem_alloc(&a->prob, n, sizeof *a->prob, err) ||
			       output_open(&a->out, "-", err)
		       ? -1
		       : 0;
}

void answers_release(struct answers *a)
{
	output_release(&a->out);
	free(a->prob);
	free(a->rank);
}

int answers_put(struct answers *a, const float *z, struct err *err)
{
	int n = a->model->config.classes;
	for (int k = 0; k < n; k++)
		a->prob[k] = z[k];
	if (a->map && calibrated_apply(a->map, z, 1, a->prob, err))
		return -1;
	if (!a->map || !calibrated_gives_probs(a->map))
		calibrated_softmax(a->prob, n, a->prob);
	for (int k = 0; k < n; k++)
		a->rank[k] = (struct ranked){ a->prob[k], k };
	qsort(a->rank, (size_t)n, sizeof *a->rank, likelier);
	for (int i = 0; i < n && (i < a->top_k || !a->top_k); i++) {
		const char *name = a->model->classes[a->rank[i].k];
		if (output_write(&a->out, "\t", i > 0, err) ||
		    text_write(&a->out, name, strlen(name), TEXT_NAME, err) ||
		    output_printf(&a->out, err, "\t%.9g", a->rank[i].p))
			return -1;
	}
	return output_write(&a->out, "\n", 1, err);
}

const json_t *peer_line(const struct model *m, const char *program)
{
	const json_t *line, *found = NULL;
	size_t i;
	json_array_foreach(m->provenance, i, line)
	{
		const char *name = json_string_value(json_object_get(line, "program"));
		if (name && !strcmp(name, program))
			found = line;
	}
	return found;
}

int peer_command(char *path, const json_t *line, char *const *rest, size_t n, char ***argv, struct err *err)
{
	const char *arg;
	size_t i = 0, used = 0;
	if (mem_alloc(argv, json_array_size(json_object_get(line, "args")) + n + 4, sizeof **argv, err))
		return -1;
	(*argv)[used++] = path;
	(*argv)[used++] = (char *)"--line-as-in";
	while ((arg = marks_option(line, &i)))
		(*argv)[used++] = (char *)arg;
	(*argv)[used++] = (char *)"--";
	for (i = 0; i < n; i++)
		(*argv)[used++] = rest[i];
	return 0;
}

int peer_start(char **argv, struct child *child, int *from, struct err *err)
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
