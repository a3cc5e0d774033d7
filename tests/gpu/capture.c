/* capture: what is called on a captured stream becomes a node of a graph, with a copy of its arguments, instead of
 * being queued. A node follows the one before it on its stream, and what an event that its stream waited for stood
 * behind. A launch runs the nodes in any order that this allows. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

struct CUgraph_st {
	struct task **node;
	int **after, *n_after; /* of each node: which it follows */
	int nodes, refs;       /* refs: owner, executables, launches on their way */
};

struct capture {
	struct CUgraph_st *g;
	struct CUstream_st *origin;
	enum cudaStreamCaptureMode mode;
	int spoiled, refs; /* streams and events in it */
};

struct replay {
	struct CUgraph_st *g;
	int left;       /* nodes */
	uint64_t *turn; /* [nodes] of those that record an event: which record of it */
	unsigned char done[];
};

static struct capture *on; /* one at a time */

/* $VIC_GPU_REFUSES names where this device refuses to record: "begin", "ops" (queueing one), "end", "instantiate". */
static int refuses(const char *where)
{
	const char *s = getenv("VIC_GPU_REFUSES");
	return s && !strcmp(s, where);
}

static void *grown(void *p, int n, size_t size)
{
	p = realloc(p, ((size_t)n + 1) * size);
	if (!p)
		fake_die("out of memory");
	return p;
}

static void graph_unref(struct CUgraph_st *g)
{
	if (!g || --g->refs)
		return;
	for (int i = 0; i < g->nodes; i++) {
		event_unref(g->node[i]->event);
		free(g->node[i]);
		free(g->after[i]);
	}
	free(g->node);
	free(g->after);
	free(g->n_after);
	free(g);
}

static void leave(struct capture **c)
{
	if (*c && !--(*c)->refs) {
		graph_unref((*c)->g);
		free(*c);
	}
	*c = NULL;
}

static void enter(struct capture **place, struct capture *c)
{
	c->refs++;
	leave(place);
	*place = c;
}

static void tip_add(int **tip, int *tips, int node)
{
	for (int i = 0; i < *tips; i++)
		if ((*tip)[i] == node)
			return;
	*tip = grown(*tip, *tips, sizeof **tip);
	(*tip)[(*tips)++] = node;
}

void capture_forget_stream(struct CUstream_st *s)
{
	if (s->capture && s->capture->origin == s)
		on = on == s->capture ? NULL : on;
	leave(&s->capture);
	s->tips = 0;
}

void capture_forget_event(struct CUevent_st *e)
{
	leave(&e->capture);
	free(e->tip);
	e->tip = NULL;
	e->tips = 0;
}

cudaError_t capture_forbids_event(const struct CUevent_st *e)
{
	if (!e->capture)
		return capture_forbids();
	e->capture->spoiled = 1;
	return cudaErrorCapturedEvent;
}

cudaError_t capture_forbids(void)
{
	if (!on || on->mode == cudaStreamCaptureModeRelaxed)
		return cudaSuccess;
	on->spoiled = 1;
	return cudaErrorStreamCaptureUnsupported;
}

/* Adds a node, which is the graph's from here on. */
static void add_node(struct CUgraph_st *g, struct CUstream_st *s, struct task *t)
{
	g->node = grown(g->node, g->nodes, sizeof *g->node);
	g->after = grown(g->after, g->nodes, sizeof *g->after);
	g->n_after = grown(g->n_after, g->nodes, sizeof *g->n_after);
	g->node[g->nodes] = t;
	g->after[g->nodes] = s->tip;
	g->n_after[g->nodes] = s->tips;
	s->tip = NULL;
	s->tips = 0;
	tip_add(&s->tip, &s->tips, g->nodes++);
}

int capture_take(struct CUstream_st *s, const char *what, void (*run)(const void *), const void *args, size_t bytes)
{
	if (!s->capture)
		return 0;
	if (s->capture->spoiled)
		return -(int)cudaErrorStreamCaptureInvalidated;
	struct task *t = task_new(TASK_WORK, what, bytes);
	t->run = run;
	if (bytes)
		memcpy(t->args, args, bytes);
	add_node(s->capture->g, s, t);
	return 1;
}

int capture_record_node(struct CUevent_st *e, struct CUstream_st *s)
{
	if (s->capture->spoiled)
		return -(int)cudaErrorStreamCaptureInvalidated;
	struct task *t = task_new(TASK_RECORD, "record", 0);
	t->event = e;
	e->refs++;
	add_node(s->capture->g, s, t);
	return 1;
}

int capture_record(struct CUevent_st *e, struct CUstream_st *s)
{
	capture_forget_event(e);
	if (!s->capture)
		return 0;
	if (s->capture->spoiled)
		return -(int)cudaErrorStreamCaptureInvalidated;
	enter(&e->capture, s->capture);
	for (int i = 0; i < s->tips; i++)
		tip_add(&e->tip, &e->tips, s->tip[i]);
	return 1;
}

int capture_wait(struct CUstream_st *s, struct CUevent_st *e)
{
	if (!s->capture && !e->capture)
		return 0;
	if (!e->capture || e->capture != on) {
		if (s->capture)
			s->capture->spoiled = 1;
		return -(int)(e->capture ? cudaErrorCapturedEvent : cudaErrorStreamCaptureIsolation);
	}
	if (e->capture->spoiled)
		return -(int)cudaErrorStreamCaptureInvalidated;
	if (!s->capture)
		enter(&s->capture, e->capture);
	for (int i = 0; i < e->tips; i++)
		tip_add(&s->tip, &s->tips, e->tip[i]);
	return 1;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, enum cudaStreamCaptureMode mode)
{
	cudaError_t e = queue_knows(s) ? runtime_enter(cudaErrorUnknown) : cudaErrorStreamCaptureUnsupported;
	e = !e && s->capture ? cudaErrorIllegalState : e;
	e = !e && refuses("begin") ? cudaErrorStreamCaptureUnsupported : e;
	if (e)
		return runtime_said(e);
	if (on)
		fake_die("a second capture begins, and this device can do but one at a time");
	struct capture *c = calloc(1, sizeof *c);
	struct CUgraph_st *g = calloc(1, sizeof *g);
	if (!c || !g)
		fake_die("out of memory");
	g->refs = 1;
	c->g = g;
	c->origin = s;
	c->mode = mode;
	c->spoiled = refuses("ops");
	s->tips = 0;
	enter(&s->capture, c);
	on = c;
	return cudaSuccess;
}

/* Whether the stream that the capture began on waits for each of its nodes. */
static int all_joined(const struct CUgraph_st *g, const struct CUstream_st *s)
{
	unsigned char *seen = calloc((size_t)g->nodes + 1, 1);
	int n = 0;
	if (!seen)
		fake_die("out of memory");
	for (int i = 0; i < s->tips; i++)
		seen[s->tip[i]] = 1;
	for (int i = g->nodes - 1; i >= 0; i--) /* a node follows earlier ones */
		for (int k = 0; seen[i] && k < g->n_after[i]; k++)
			seen[g->after[i][k]] = 1;
	for (int i = 0; i < g->nodes; i++)
		n += seen[i];
	free(seen);
	return n == g->nodes;
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g)
{
	struct capture *c = queue_knows(s) ? s->capture : NULL;
	*g = NULL;
	if (!c)
		return runtime_said(cudaErrorIllegalState);
	if (c->origin != s) {
		c->spoiled = 1;
		return runtime_said(cudaErrorStreamCaptureUnmatched);
	}
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	e = c->spoiled || refuses("end") ? cudaErrorStreamCaptureInvalidated : e;
	e = e || all_joined(c->g, s) ? e : cudaErrorStreamCaptureUnjoined;
	if (!e) {
		*g = c->g;
		c->g->refs++;
		fake_counts.captures++;
	}
	on = NULL;
	c->refs++;
	for (struct CUstream_st *i = queue_streams; i; i = i->next)
		if (i->capture == c)
			capture_forget_stream(i);
	leave(&c);
	return runtime_said(e);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t s, enum cudaStreamCaptureStatus *status)
{
	*status = !s->capture		? cudaStreamCaptureStatusNone
		  : s->capture->spoiled ? cudaStreamCaptureStatusInvalidated
					: cudaStreamCaptureStatusActive;
	return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
	graph_unref(g);
	return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *x, cudaGraph_t g, unsigned long long flags)
{
	(void)flags;
	cudaError_t e = refuses("instantiate") ? cudaErrorNotSupported : runtime_enter(cudaErrorUnknown);
	if (!e) {
		g->refs++;
		*x = (cudaGraphExec_t)(void *)g;
	}
	return runtime_said(e);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x)
{
	graph_unref((struct CUgraph_st *)(void *)x);
	return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s)
{
	struct CUgraph_st *g = (struct CUgraph_st *)(void *)x;
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	e = queue_knows(s) ? e : cudaErrorInvalidResourceHandle;
	if (!e && s->capture)
		fake_die("a graph is launched into a capture, which this device cannot do");
	if (e)
		return runtime_said(e);
	fake_counts.launches++;
	fake_counts.graphs++;
	if (!g->nodes)
		return cudaSuccess;
	struct replay *r = calloc(1, sizeof *r + (size_t)g->nodes);
	uint64_t *turn = calloc((size_t)g->nodes, sizeof *turn);
	if (!r || !turn)
		fake_die("out of memory");
	g->refs++;
	r->g = g;
	r->left = g->nodes;
	r->turn = turn;
	for (int i = 0; i < g->nodes; i++)
		if (g->node[i]->event)
			turn[i] = ++g->node[i]->event->asked;
	struct task *t = task_new(TASK_GRAPH, "graph", 0);
	t->replay = r;
	task_push(s, t);
	return cudaSuccess;
}

static int node_ready(const struct replay *r, int node)
{
	int ready = !r->done[node];
	for (int i = 0; ready && i < r->g->n_after[node]; i++)
		ready = r->done[r->g->after[node][i]];
	return ready;
}

int replay_step(struct replay *r)
{
	int chosen = -1, n = 0;
	for (int i = 0; i < r->g->nodes; i++)
		if (node_ready(r, i) && queue_random((uint64_t)++n) == 0)
			chosen = i;
	const struct task *t = r->g->node[chosen];
	queue_running = t->what;
	if (t->event)
		event_reached(t->event, r->turn[chosen]);
	else
		t->run(t->args);
	queue_running = NULL;
	r->done[chosen] = 1;
	if (--r->left)
		return 0;
	graph_unref(r->g);
	free(r->turn);
	free(r);
	return 1;
}
