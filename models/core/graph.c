/* Builds, compiles and runs a graph. The plan comes first: it gives every value a place in bytes a sample, so an
 * address is place * max_n. max_words must be set before compiling, since it sizes the gradient of a word table. In
 * backward `written` tells an op whether it is the first to write a value's gradient or must add to it. Whatever
 * changes weights must raise `version`, because backends keep what they derived from the old ones. graph_release is
 * right at every stage of compiling. */
#include "backend.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

void graph_init(struct graph *g)
{
	memset(g, 0, sizeof *g);
	g->logits = g->loss = -1;
}

int graph_value(struct graph *g, const char *name, struct shape shape, struct err *err)
{
	if (mem_grow(&g->value, &g->cap_value, (size_t)g->n_values + 1, sizeof *g->value, err))
		return -1;
	struct value *v = &g->value[g->n_values];
	*v = (struct value){ .shape = shape, .made_by = -1, .element = sizeof(float), .pitch = shape.c };
	snprintf(v->name, sizeof v->name, "%s", name);
	return g->n_values++;
}

int graph_param(struct graph *g, const char *name, enum param_kind kind, int ndim, const int64_t *dim, struct err *err)
{
	if (mem_grow(&g->param, &g->cap_param, (size_t)g->n_params + 1, sizeof *g->param, err))
		return -1;
	struct param *p = &g->param[g->n_params];
	*p = (struct param){ .kind = kind, .ndim = ndim };
	memcpy(p->dim, dim, (size_t)ndim * sizeof *dim);
	snprintf(p->name, sizeof p->name, "%s", name);
	return g->n_params++;
}

int graph_add(struct graph *g, const struct op *op, struct shape out, struct err *err)
{
	if (mem_grow(&g->op, &g->cap_op, (size_t)g->n_ops + 1, sizeof *g->op, err))
		return -1;
	int v = graph_value(g, op->name, out, err);
	if (v < 0)
		return -1;
	struct op *to = &g->op[g->n_ops];
	*to = *op;
	to->out = v;
	g->value[v].made_by = g->n_ops++;
	for (int i = 0; i < to->n_in; i++)
		g->value[to->in[i]].readers++;
	return v;
}

static int state_slots(const struct update *u)
{
	return u->rule == RULE_SGD ? u->momentum > 0 : 2;
}

/* Order in the arenas: trained, trained tables, running statistics, frozen. */
static int place_class(const struct param *p)
{
	return p->frozen ? 3 : p->kind == PARAM_STATE ? 2 : p->kind == PARAM_TABLE;
}

static int lies_in(const struct param *p, int arena)
{
	return arena == ARENA_W || param_trained(p) || (arena == ARENA_AVERAGE && !p->frozen);
}

/* Puts an array of n floats behind what is in the arena; its place, in floats. */
static size_t place(struct graph *g, enum param_arena a, size_t n)
{
	size_t end = g->params_floats[a], at = end ? (end + 15) / 16 * 16 + ARENA_GAP : 0;
	g->params_floats[a] = at + n;
	return at;
}

/* Places of parameter p in the arenas that there are; in one without memory its pointers stay NULL. Places are taken
 * twice, in the same order: to know the sizes, and to set the pointers. */
static void place_param(struct graph *g, struct param *p, const int there[ARENAS])
{
	float **at[ARENAS] = { &p->w, &p->g, &p->s1, &p->s2, &p->average };
	size_t n = param_size(p), rows = p->kind == PARAM_TABLE ? (size_t)g->max_words : (size_t)p->dim[0];
	for (int a = 0; a < ARENAS; a++) {
		if (!there[a] || !lies_in(p, a))
			continue;
		size_t to = place(g, (enum param_arena)a, a == ARENA_G ? n / (size_t)p->dim[0] * rows : n);
		if (g->params[a])
			*at[a] = g->params[a] + to;
	}
}

static void place_params(struct graph *g, const int there[ARENAS])
{
	memset(g->params_floats, 0, sizeof g->params_floats);
	for (int class = 0; class < 4; class++)
		for (int i = g->n_ops; i-- > 0;)
			for (int k = 0; k < g->op[i].n_param; k++)
				if (place_class(&g->param[g->op[i].param[k]]) == class)
					place_param(g, &g->param[g->op[i].param[k]], there);
}

static int compile_params(struct graph *g, const struct update *u, struct err *err)
{
	const struct backend *b = g->dev->b;
	struct backend_ctx *ctx = g->dev->ctx;
	int there[ARENAS] = { 1, u != NULL, u && state_slots(u) > 0, u && state_slots(u) > 1, u && u->ema > 0 };
	place_params(g, there);
	for (int a = 0; a < ARENAS; a++)
		if (g->params_floats[a] &&
		    b->alloc(ctx, (void **)&g->params[a], g->params_floats[a] * sizeof(float), err))
			return err_context(err, "parameters");
	place_params(g, there);
	for (int i = 0; u && i < g->n_params; i++) {
		struct param *p = &g->param[i];
		if (p->kind == PARAM_TABLE && param_trained(p) &&
		    b->alloc(ctx, (void **)&p->last, (size_t)p->dim[0] * sizeof *p->last, err))
			return err_context(err, "parameter %s", p->name);
	}
	return 0;
}

int graph_compile(struct graph *g, struct device *dev, int max_n, const struct update *u, struct err *err)
{
	const struct backend *b = dev->b;
	g->dev = dev;
	g->max_n = max_n;
	g->training = u != NULL;
	if (b->layout)
		b->layout(dev->ctx, g);
	if (graph_plan(g, g->training, err) || mem_alloc(&g->state, (size_t)g->n_ops, sizeof *g->state, err) ||
	    mem_alloc(&g->written, (size_t)g->n_values, 1, err) ||
	    b->alloc(dev->ctx, &g->arena, g->arena_bytes * (size_t)max_n, err) ||
	    compile_params(g, u, err))
		return -1;
	for (int i = 0; i < g->n_ops; i++) {
		if (b->supports && !b->supports(dev->ctx, &g->op[i], g))
			return err_no_device(err, "device %s cannot run op '%s' (%s); --device cpu can", b->name,
					     g->op[i].name, op_info[g->op[i].type].name);
		if (b->prepare && b->prepare(dev->ctx, &g->op[i], g, max_n, g->training, &g->state[i], err))
			return err_context(err, "op %s", g->op[i].name);
	}
	return 0;
}

void graph_release(struct graph *g)
{
	struct device *d = g->dev;
	for (int i = 0; g->state && i < g->n_ops; i++)
		if (g->state[i])
			d->b->unprepare(d->ctx, &g->op[i], g->state[i]);
	for (int i = 0; d && i < g->n_params; i++) {
		struct param *p = &g->param[i];
		void *mine[] = { p->fixed, p->last };
		for (size_t k = 0; k < sizeof mine / sizeof *mine; k++)
			if (mine[k])
				d->b->release(d->ctx, mine[k]);
	}
	for (int a = 0; a < ARENAS; a++)
		if (g->params[a])
			d->b->release(d->ctx, g->params[a]);
	if (g->arena)
		d->b->release(d->ctx, g->arena);
	void *mine[] = { g->op, g->value, g->param, g->state, g->written };
	for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
		free(mine[i]);
	graph_init(g);
}

/* In the arena; `float` for want of a better type where elements have 2 bytes. */
static float *arena_at(const struct graph *g, size_t place)
{
	void *at = (char *)g->arena + place * (size_t)g->max_n;
	return at;
}

static float *value_at(const struct graph *g, int v)
{
	return arena_at(g, g->value[v].at);
}

static float *gradient_at(const struct graph *g, int v)
{
	return arena_at(g, g->value[v].d_at);
}

static struct op_call call_of(struct graph *g, int i, const struct batch *b, enum phase phase)
{
	const struct op *op = &g->op[i];
	struct op_call c = {
		.op = op, .state = g->state[i], .batch = b, .phase = phase, .n = b->n, .version = g->version
	};
	for (int k = 0; k < op->n_in; k++) {
		c.in[k] = value_at(g, op->in[k]);
		c.in_shape[k] = g->value[op->in[k]].shape;
		c.in_size[k] = (int)shape_size(c.in_shape[k]);
	}
	c.in_element = op->n_in ? g->value[op->in[0]].element : 0;
	c.out_element = g->value[op->out].element;
	c.out_pitch = g->value[op->out].pitch;
	c.out = value_at(g, op->out);
	c.out_shape = g->value[op->out].shape;
	c.out_size = (int)shape_size(g->value[op->out].shape);
	for (int k = 0; k < op->n_param; k++) {
		c.param[k] = g->param[op->param[k]].w;
		c.d_param[k] = g->param[op->param[k]].g;
	}
	c.fixed = op->n_param ? g->param[op->param[0]].fixed : NULL;
	return c;
}

static int forward_ops(struct graph *g, const struct batch *b, enum phase phase, struct err *err)
{
	for (int i = 0; i < g->n_ops; i++) {
		if (op_info[g->op[i].type].reads_target && !b->target)
			continue;
		struct op_call c = call_of(g, i, b, phase);
		if (g->dev->b->forward(g->dev->ctx, &c, err))
			return err_context(err, "%s", g->op[i].name);
	}
	return 0;
}

/* As backend.begin; 0 where the device has none. */
static int begin_pass(struct graph *g, const struct batch *b, enum phase phase, int back, const struct update *u,
		      struct err *err)
{
	if (b->n > g->max_n)
		return err_set(err, "a batch of %d in a graph compiled for %d", b->n, g->max_n);
	return g->dev->b->begin ? g->dev->b->begin(g->dev->ctx, g, b, phase, back, u, err) : 0;
}

/* As backend.end. */
static int end_pass(struct graph *g, int failed, struct err *err)
{
	return g->dev->b->end ? g->dev->b->end(g->dev->ctx, failed, err) : failed;
}

int graph_forward(struct graph *g, const struct batch *b, enum phase phase, struct err *err)
{
	int rc;
	do {
		if ((rc = begin_pass(g, b, phase, 0, NULL, err)))
			return rc < 0 ? -1 : 0;
		rc = end_pass(g, forward_ops(g, b, phase, err), err);
	} while (rc > 0);
	return rc;
}

int graph_backward(struct graph *g, const struct batch *b, struct err *err)
{
	memset(g->written, 0, (size_t)g->n_values);
	for (int i = g->n_ops; i-- > 0;) {
		struct op_call c = call_of(g, i, b, PHASE_TRAIN);
		if (!g->value[c.op->out].wanted)
			continue;
		c.d_out = gradient_at(g, c.op->out);
		for (int k = 0; k < c.op->n_in; k++) {
			int v = c.op->in[k];
			if (!g->value[v].wanted)
				continue;
			c.d_in[k] = gradient_at(g, v);
			c.add[k] = g->written[v];
			g->written[v] = 1;
		}
		if (g->dev->b->backward(g->dev->ctx, &c, err))
			return err_context(err, "%s", g->op[i].name);
	}
	return 0;
}

int graph_update(struct graph *g, const struct batch *b, const struct update *rule, struct err *err)
{
	struct update u = *rule;
	g->version++;
	if (g->dev->b->update_all)
		return g->dev->b->update_all(g->dev->ctx, g, b, rule, err);
	if (u.clip_norm > 0 && graph_clip_scale(g, b, rule, &u.scale, err))
		return -1;
	for (int i = 0; i < g->n_params; i++) {
		struct param *p = &g->param[i];
		int table = p->kind == PARAM_TABLE;
		if (!param_trained(p))
			continue;
		if (g->dev->b->update(g->dev->ctx, p, &u, table ? b->words->word : NULL, table ? b->words->distinct : 0,
				      err))
			return err_context(err, "parameter %s", p->name);
	}
	return 0;
}

int graph_step(struct graph *g, const struct batch *b, const struct update *u, struct err *err)
{
	int rc;
	do {
		if ((rc = begin_pass(g, b, PHASE_TRAIN, 1, u, err))) {
			g->version += u != NULL;
			return rc < 0 ? -1 : 0;
		}
		rc = forward_ops(g, b, PHASE_TRAIN, err) || graph_backward(g, b, err) ||
		     (u && graph_update(g, b, u, err));
		rc = end_pass(g, -rc, err);
	} while (rc > 0);
	return rc;
}

static int check_readable(const struct value *v, struct err *err)
{
	if (v->element == sizeof(float) && v->pitch == v->shape.c)
		return 0;
	return err_set(err, "value %s has %d channels of %d bytes on the device", v->name, v->pitch, v->element);
}

/* Of n samples. */
static size_t value_bytes(const struct graph *g, int v, int n)
{
	return (size_t)n * shape_size(g->value[v].shape) * (size_t)g->value[v].element;
}

int graph_read(const struct graph *g, int v, int n, float *to, struct err *err)
{
	if (check_readable(&g->value[v], err))
		return -1;
	return g->dev->b->download(g->dev->ctx, to, value_at(g, v), value_bytes(g, v, n), err);
}

int graph_reads_later(const struct graph *g)
{
	return g->dev->b->download_later != NULL;
}

int graph_read_later(const struct graph *g, int v, int n, float *to, uint64_t *ticket, struct err *err)
{
	*ticket = 0;
	if (!graph_reads_later(g))
		return graph_read(g, v, n, to, err);
	if (check_readable(&g->value[v], err))
		return -1;
	return g->dev->b->download_later(g->dev->ctx, to, value_at(g, v), value_bytes(g, v, n), ticket, err);
}

int graph_arrived(const struct graph *g, uint64_t ticket, struct err *err)
{
	return graph_reads_later(g) ? g->dev->b->arrived(g->dev->ctx, ticket, err) : 0;
}

static void *slot_of(const struct param *p, enum graph_slot slot)
{
	void *const at[] = { [GRAPH_W] = p->w, [GRAPH_S1] = p->s1, [GRAPH_S2] = p->s2, [GRAPH_LAST] = p->last,
			     [GRAPH_AVERAGE] = p->average };
	return at[slot];
}

size_t graph_slot_bytes(const struct graph *g, int p, enum graph_slot slot)
{
	const struct param *q = &g->param[p];
	if (!slot_of(q, slot))
		return 0;
	return slot == GRAPH_LAST ? (size_t)q->dim[0] * sizeof *q->last : param_size(q) * sizeof *q->w;
}

int graph_slot_get(const struct graph *g, int p, enum graph_slot slot, void *to, struct err *err)
{
	return g->dev->b->download(g->dev->ctx, to, slot_of(&g->param[p], slot), graph_slot_bytes(g, p, slot), err);
}

int graph_slot_set(struct graph *g, int p, enum graph_slot slot, const void *from, struct err *err)
{
	g->version++;
	return g->dev->b->upload(g->dev->ctx, slot_of(&g->param[p], slot), from, graph_slot_bytes(g, p, slot), err);
}

int graph_get(const struct graph *g, int p, float *to, struct err *err)
{
	return graph_slot_get(g, p, GRAPH_W, to, err);
}

int graph_set(struct graph *g, int p, const float *from, struct err *err)
{
	return graph_slot_set(g, p, GRAPH_W, from, err);
}

int graph_fix(struct graph *g, int p, const float *from, struct err *err)
{
	size_t bytes = param_size(&g->param[p]) * sizeof(float);
	if (!g->param[p].fixed && g->dev->b->alloc(g->dev->ctx, (void **)&g->param[p].fixed, bytes, err))
		return -1;
	g->version++;
	return g->dev->b->upload(g->dev->ctx, g->param[p].fixed, from, bytes, err);
}
