/* Convolutions by oneDNN 2 or 3 (onednn_api.h holds the difference). Measured on a Zen 4 core in docs/PERFORMANCE.md.
 * Values stay NHWC; weights are in whatever layout the primitive prefers. */
#include "conv_kernel.h"

#ifdef VIC_ONEDNN
#include "onednn_api.h"
#include "onednn_guard.h"
#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ARGS = 5 };

struct conv_engine {
	dnnl_engine_t engine;
	int workers;
	dnnl_stream_t *stream; /* [workers] */
};

struct onednn {
	struct conv_kernel k; /* first */
	const struct conv_engine *engine;
	dnnl_primitive_attr_t attr;
	dnnl_primitive_desc_t pd;
	dnnl_primitive_t run;
	own_desc md[ARGS];     /* in, weight, bias, out, scratch */
	dnnl_memory_t *memory; /* [workers][ARGS] */
};

static int check(dnnl_status_t s, const char *what, struct err *err)
{
	if (s == dnnl_success)
		return 0;
	if (s == dnnl_out_of_memory)
		return err_system(err, "oneDNN: out of memory (%s)", what);
	return err_set(err, "oneDNN: %s failed with status %d", what, (int)s);
}

static int start_engine(void *arg, struct err *err)
{
	struct conv_engine *e = arg;
	if (check(dnnl_engine_create(&e->engine, dnnl_cpu, 0), "making an engine", err))
		return -1;
	for (int i = 0; i < e->workers; i++)
		if (check(dnnl_stream_create(&e->stream[i], e->engine, dnnl_stream_default_flags), "making a stream",
			  err))
			return -1;
	return 0;
}

int conv_engine_open(struct conv_engine **out, int workers, struct err *err)
{
	struct conv_engine *e;
	if (mem_alloc(&e, 1, sizeof *e, err))
		return -1;
	e->workers = workers;
	if (mem_alloc(&e->stream, (size_t)workers, sizeof *e->stream, err) || onednn_guarded(start_engine, e, err)) {
		conv_engine_close(e);
		return -1;
	}
	*out = e;
	return 0;
}

void conv_engine_close(struct conv_engine *e)
{
	if (!e)
		return;
	if (!onednn_starved()) {
		for (int i = 0; e->stream && i < e->workers; i++)
			if (e->stream[i])
				dnnl_stream_destroy(e->stream[i]);
		if (e->engine)
			dnnl_engine_destroy(e->engine);
	}
	free(e->stream);
	free(e);
}

static int describe_weights(own_desc *d, const struct conv_shape *s, struct err *err)
{
	dnnl_dims_t w = { s->groups, s->out.c / s->groups, s->in.c / s->groups, s->kernel, s->kernel };
	int plain = s->groups == 1;
	if (plain)
		memmove(w, w + 1, 4 * sizeof *w);
	return check(desc_make(d, plain ? 4 : 5, w, dnnl_format_tag_any), "describing the weights", err);
}

static int describe_values(struct onednn *k, int n, struct err *err)
{
	const struct conv_shape *s = &k->k.shape;
	dnnl_dims_t in = { n, s->in.c, s->in.h, s->in.w }, out = { n, s->out.c, s->out.h, s->out.w },
		    bias = { s->out.c };
	return check(desc_make(&k->md[0], 4, in, dnnl_nhwc), "describing the input", err) ||
			       describe_weights(&k->md[1], s, err) ||
			       check(desc_make(&k->md[2], 1, bias, dnnl_x), "describing the bias", err) ||
			       check(desc_make(&k->md[3], 4, out, dnnl_nhwc), "describing the output", err) ?
		       -1 :
		       0;
}

/* The gradients' primitives want that of the forward pass, with weights in any layout, as a hint. */
static int plan_gradient(struct onednn *k, const struct conv_args *a, desc bias, struct err *err)
{
	desc in = desc_of(&k->md[0]), weight = desc_of(&k->md[1]), out = desc_of(&k->md[3]);
	own_desc any;
	dnnl_primitive_desc_t hint = NULL;
	if (describe_weights(&any, &k->k.shape, err))
		return -1;
	int rc = check(plan_forward(&hint, a, in, desc_of(&any), bias, out), "planning a convolution", err);
	if (!rc)
		rc = check(k->k.kind == CONV_DATA ? plan_data(&k->pd, a, in, weight, out, hint) :
						    plan_weight(&k->pd, a, in, weight, bias, out, hint),
			   "planning a gradient", err);
	if (hint)
		dnnl_primitive_desc_destroy(hint);
	desc_release(&any);
	return rc;
}

static int plan_any(struct onednn *k, struct err *err)
{
	const struct conv_shape *s = &k->k.shape;
	desc bias = s->bias ? desc_of(&k->md[2]) : NULL;
	dnnl_dims_t stride = { s->stride, s->stride }, left = { s->pad, s->pad }, right = { 0 };
	struct conv_args a = { k->engine->engine, k->attr, stride, left, right };
	/* What the stride leaves over at the far side is cut off, as negative padding. */
	right[0] = (int64_t)(s->out.h - 1) * s->stride + s->kernel - s->in.h - s->pad;
	right[1] = (int64_t)(s->out.w - 1) * s->stride + s->kernel - s->in.w - s->pad;
	if (k->k.kind != CONV_FORWARD)
		return plan_gradient(k, &a, bias, err);
	return check(plan_forward(&k->pd, &a, desc_of(&k->md[0]), desc_of(&k->md[1]), bias, desc_of(&k->md[3])),
		     "planning a convolution", err);
}

/* What the primitive chose to have for weights, and for scratch. */
static int ask_layouts(struct onednn *k, struct err *err)
{
	dnnl_query_t weights = k->k.kind == CONV_WEIGHT ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
	if (check(desc_copy(&k->md[1], dnnl_primitive_desc_query_md(k->pd, weights, 0)), "describing the weights",
		  err) ||
	    check(desc_copy(&k->md[4], dnnl_primitive_desc_query_md(k->pd, dnnl_query_scratchpad_md, 0)),
		  "describing scratch", err))
		return -1;
	k->k.scratch = dnnl_memory_desc_get_size(desc_of(&k->md[4]));
	return check(dnnl_primitive_desc_query(k->pd, dnnl_query_impl_info_str, 0, &k->k.name), "naming a convolution",
		     err);
}

/* The term of position `at` on dimension `dim` of a blocked layout. */
static uint32_t term(const struct blocking *b, int dim, int64_t at)
{
	int64_t off = 0, inner = 1;
	for (int k = b->blocks; k-- > 0;) {
		if (b->dim[k] == dim) {
			off += at % b->size[k] * inner;
			at /= b->size[k];
		}
		inner *= b->size[k];
	}
	return (uint32_t)(off + at * b->stride[dim]);
}

static int read_layout(struct onednn *k, struct err *err)
{
	const struct conv_shape *s = &k->k.shape;
	struct blocking b;
	struct conv_layout *l = &k->k.layout;
	int d = s->groups > 1, og = s->out.c / s->groups, ig = s->in.c / s->groups;
	if (desc_blocking(desc_of(&k->md[1]), &b))
		return err_set(err, "oneDNN: %s wants weights in a layout that cannot be described", k->k.name);
	if (conv_layout_open(l, s, err))
		return -1;
	for (int g = 0; d && g < s->groups; g++)
		l->group[g] = term(&b, 0, g);
	for (int o = 0; o < og; o++)
		l->o[o] = term(&b, d, o);
	for (int i = 0; i < ig; i++)
		l->i[i] = term(&b, d + 1, i);
	for (int t = 0; t < s->kernel * s->kernel; t++)
		l->tap[t] = term(&b, d + 2, t / s->kernel) + term(&b, d + 3, t % s->kernel);
	l->floats = dnnl_memory_desc_get_size(desc_of(&k->md[1])) / sizeof(float);
	l->padded = l->floats != (size_t)s->groups * (size_t)(og * ig) * (size_t)(s->kernel * s->kernel);
	return 0;
}

static int make_memory(struct onednn *k, struct err *err)
{
	int workers = k->engine->workers;
	if (mem_alloc(&k->memory, (size_t)workers * ARGS, sizeof *k->memory, err))
		return -1;
	for (int i = 0; i < workers * ARGS; i++)
		if (check(dnnl_memory_create(&k->memory[i], desc_of(&k->md[i % ARGS]), k->engine->engine,
					     DNNL_MEMORY_NONE),
			  "describing memory", err))
			return -1;
	return 0;
}

static void release_primitive(struct onednn *k)
{
	for (int i = 0; k->memory && i < k->engine->workers * ARGS; i++)
		if (k->memory[i])
			dnnl_memory_destroy(k->memory[i]);
	if (k->run)
		dnnl_primitive_destroy(k->run);
	if (k->pd)
		dnnl_primitive_desc_destroy(k->pd);
	if (k->attr)
		dnnl_primitive_attr_destroy(k->attr);
	for (int i = 0; i < ARGS; i++)
		desc_release(&k->md[i]);
}

static void close_kernel(struct conv_kernel *base)
{
	struct onednn *k = (struct onednn *)base;
	if (!onednn_starved())
		release_primitive(k);
	conv_layout_close(&k->k.layout);
	free(k->memory);
	free(k);
}

struct execution {
	const struct onednn *k;
	const struct conv_io *io;
	int worker;
};

static int execute(void *arg, struct err *err)
{
	static const int names[CONV_KINDS][ARGS] = {
		{ DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD },
		{ DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD },
		{ DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD },
	};
	const struct execution *x = arg;
	const struct onednn *k = x->k;
	void *at[ARGS] = { x->io->in, x->io->weight, x->io->bias, x->io->out, x->io->scratch };
	dnnl_memory_t *m = k->memory + x->worker * ARGS;
	dnnl_exec_arg_t args[ARGS];
	int n = 0;
	one_thread();
	for (int i = 0; i < ARGS; i++) {
		if (i == 2 && (!k->k.shape.bias || k->k.kind == CONV_DATA))
			continue;
		if (check(dnnl_memory_set_data_handle(m[i], at[i]), "setting memory", err))
			return -1;
		args[n++] = (dnnl_exec_arg_t){ names[k->k.kind][i], m[i] };
	}
	return check(dnnl_primitive_execute(k->run, k->engine->stream[x->worker], n, args), "a convolution", err);
}

static int run_kernel(const struct conv_kernel *base, int part, int worker, const struct conv_io *io, struct err *err)
{
	(void)part;
	return onednn_guarded(execute, &(struct execution){ (const struct onednn *)base, io, worker }, err);
}

struct plan {
	struct onednn *k;
	const struct onednn *like; /* or NULL */
};

static int make_kernel(void *arg, struct err *err)
{
	enum { ROOM = 16 << 20 }; /* version 2 does not look at every pointer that it gets from malloc() */
	const struct plan *p = arg;
	struct onednn *k = p->k;
	void *room = malloc(ROOM);
	if (!room)
		return err_system(err, "oneDNN: out of memory (planning a convolution)");
	free(room);
	one_thread();
	return describe_values(k, k->k.n, err) ||
			       (p->like &&
				check(desc_copy(&k->md[1], desc_of(&p->like->md[1])), "describing the weights", err)) ||
			       check(dnnl_primitive_attr_create(&k->attr), "making attributes", err) ||
			       check(dnnl_primitive_attr_set_scratchpad_mode(k->attr, dnnl_scratchpad_mode_user),
				     "making attributes", err) ||
			       plan_any(k, err) ||
			       check(dnnl_primitive_create(&k->run, k->pd), "making a convolution", err) ||
			       ask_layouts(k, err) || read_layout(k, err) || make_memory(k, err)
		       ? -1
		       : 0;
}

int conv_kernel_open(struct conv_kernel **out, struct conv_engine *e, enum conv_kind kind,
		     const struct conv_shape *shape, int n, const struct conv_kernel *like, struct err *err)
{
	struct onednn *k;
	if (mem_alloc(&k, 1, sizeof *k, err))
		return -1;
	k->k = (struct conv_kernel){
		.kind = kind, .shape = *shape, .n = n, .parts = 1, .run = run_kernel, .close = close_kernel
	};
	k->engine = e;
	if (onednn_guarded(make_kernel, &(struct plan){ k, (const struct onednn *)like }, err)) {
		close_kernel(&k->k);
		return -1;
	}
	*out = &k->k;
	return 0;
}
#else
typedef int conv_by_im2col; /* ISO C wants something in every file */
#endif
