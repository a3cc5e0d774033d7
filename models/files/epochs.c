/* The weights of an epoch are those that the trainer just kept, where it did, and else are brought from the device. */
#include "epochs.h"

#include "modelfile.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"
#include "pipeline/frame/roles.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int name_of(const struct epochs *e, int epoch, char **name, struct err *err)
{
	size_t size = strlen(e->output) + 24;
	if (mem_alloc(name, size, 1, err))
		return -1;
	snprintf(*name, size, "%s.epoch%d", e->output, epoch);
	return 0;
}

static int take_list(struct epochs *e, const char *list, struct err *err)
{
	char *copy = NULL;
	int64_t epoch;
	int rc = mem_text(&copy, list, strlen(list), err);
	for (char *at = copy, *one; !rc && (one = text_field(&at, ','));) {
		rc = num_i64("--keep-epochs", one, 1, e->last, &epoch, err);
		if (!rc)
			e->wanted[epoch] = 1;
	}
	free(copy);
	return rc ? -1 : 0;
}

static int check_files(const struct epochs *e, const struct stage *st, struct err *err)
{
	char **path;
	size_t n = 0;
	int rc = 0;
	if (mem_alloc(&path, (size_t)e->last, sizeof *path, err))
		return -1;
	for (int i = 1; i <= e->last && !rc; i++)
		rc = e->wanted[i] ? name_of(e, i, &path[n++], err) : 0;
	rc = rc || roles_check_further(st, "keep-epochs", path, n, err);
	for (size_t i = 0; i < n; i++)
		free(path[i]);
	free(path);
	return rc ? -1 : 0;
}

int epochs_open(struct epochs *e, const struct stage *st, const char *list, const char *output, int last,
		struct err *err)
{
	*e = (struct epochs){ .last = last, .output = output };
	if (!list)
		return 0;
	if (mem_alloc(&e->wanted, (size_t)last + 1, 1, err))
		return -1;
	if (!strcmp(list, "all"))
		memset(e->wanted + 1, 1, (size_t)last);
	else if (take_list(e, list, err))
		return -1;
	return check_files(e, st, err);
}

void epochs_release(struct epochs *e)
{
	free(e->wanted);
	*e = (struct epochs){ 0 };
}

void epochs_say_missing(const struct epochs *e, const struct stage *st, int done)
{
	struct err unheard = ERR_NONE;
	char *name;
	for (int i = 1; e->wanted && i <= done && i <= e->last; i++) {
		if (!e->wanted[i] || name_of(e, i, &name, &unheard))
			continue;
		if (access(name, F_OK))
			stage_say(st, "%s is not there, and cannot be made: the run goes on after epoch %d", name,
				  done);
		free(name);
	}
}

void epochs_say_left(const struct epochs *e, const struct stage *st, int done)
{
	for (int i = done + 1; e->wanted && i <= e->last; i++)
		if (e->wanted[i]) {
			stage_say(st,
				  "--keep-epochs: the run ended after epoch %d, so there is no model of epoch %d%s",
				  done, i, i < e->last ? " or a later one" : "");
			return;
		}
}

/* Those of now, [n_params]; NULL: no memory, or the device failed. */
static float **weights_of(const struct trainer *t, struct err *err)
{
	const struct graph *g = &t->graph;
	float **w;
	if (mem_alloc(&w, (size_t)g->n_params, sizeof *w, err))
		return NULL;
	for (int p = 0; p < g->n_params; p++)
		if (mem_alloc(&w[p], param_size(&g->param[p]), sizeof **w, err) || trainer_get(t, p, w[p], err)) {
			for (int k = 0; k <= p; k++)
				free(w[k]);
			free(w);
			return NULL;
		}
	return w;
}

int epochs_write(const struct epochs *e, const struct trainer *t, struct err *err)
{
	struct output out = { 0 };
	char *name;
	if (!e->wanted || !e->wanted[t->epoch])
		return 0;
	int kept = t->best_epoch == t->epoch;
	if (name_of(e, t->epoch, &name, err))
		return -1;
	float **own = kept ? NULL : weights_of(t, err);
	int rc = (!kept && !own) || output_open(&out, name, err) ||
		 model_write(&out, t->plan, t->data, &t->graph, own ? own : t->best, t->epoch, t->provenance, err) ||
		 output_commit(&out, err);
	output_release(&out);
	for (int p = 0; own && p < t->graph.n_params; p++)
		free(own[p]);
	free(own);
	free(name);
	return rc ? -1 : 0;
}
