/* streams: queues of work that run late, and take turns at random: one stream's first task after another's, each
 * held only by the order of its stream and by the events it waits for. */
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CUstream_st *queue_streams;
static uint64_t state;
const char *queue_running;

void fake_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
}

/* SplitMix64. */
uint64_t queue_random(uint64_t below)
{
	if (!state) {
		const char *s = getenv("VIC_GPU_SEED");
		fake_seed(s ? strtoull(s, NULL, 10) : 1);
	}
	uint64_t x = state += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (x ^ x >> 31) % below;
}

struct task *task_new(enum task_kind kind, const char *what, size_t bytes)
{
	struct task *t = calloc(1, sizeof *t + bytes);
	if (!t)
		fake_die("out of memory");
	t->kind = kind;
	t->what = what;
	t->bytes = bytes;
	return t;
}

void task_push(struct CUstream_st *s, struct task *t)
{
	static uint64_t queued;
	t->number = ++queued;
	*s->last = t;
	s->last = &t->next;
}

/* Whether work that was queued before t on another stream still waits. */
static int overtakes(const struct task *t)
{
	for (const struct CUstream_st *s = queue_streams; s; s = s->next)
		if (s->first && s->first->number < t->number)
			return 1;
	return 0;
}

void event_unref(struct CUevent_st *e)
{
	if (e && !--e->refs) {
		capture_forget_event(e);
		free(e);
	}
}

void event_reached(struct CUevent_st *e, uint64_t turn)
{
	e->done = turn > e->done ? turn : e->done;
}

static int may_run(const struct CUstream_st *s)
{
	const struct task *t = s->first;
	return t && !(t->kind == TASK_WAIT && t->event->done < t->turn);
}

/* Returns 1 when it is through. again: it has begun before. */
static int task_run(struct task *t, int again, int block)
{
	int through = 1;
	fake_counts.ahead += !strcmp(t->what, "copy up") && overtakes(t);
	fake_counts.sums_ahead += !again && !strcmp(t->what, "NCCL") && overtakes(t);
	queue_running = t->what;
	if (t->attempt)
		through = t->attempt(t->args, block);
	else
		t->run(t->args);
	queue_running = NULL;
	return through;
}

/* The first task of a stream, or one node of it when it is a graph. */
static void stream_step(struct CUstream_st *s, int block)
{
	struct task *t = s->first;
	if (t->kind == TASK_GRAPH && !replay_step(t->replay))
		return;
	s->stalled = t->kind == TASK_WORK && !task_run(t, s->stalled, block);
	if (s->stalled)
		return;
	if (t->kind == TASK_RECORD)
		event_reached(t->event, t->turn);
	s->first = t->next;
	if (!s->first)
		s->last = &s->first;
	event_unref(t->event);
	free(t);
}

/* One that may run, at random; such as wait for others than this device, or such as do not. */
static struct CUstream_st *some_stream(int stalled)
{
	int n = 0;
	struct CUstream_st *chosen = NULL;
	for (struct CUstream_st *s = queue_streams; s; s = s->next)
		if (may_run(s) && s->stalled == stalled && queue_random((uint64_t)++n) == 0)
			chosen = s;
	return chosen;
}

/* One stream, chosen at random, for a few tasks. 0: nothing may run. */
static int some_step(int block)
{
	struct CUstream_st *free = some_stream(0), *stalled = some_stream(1);
	struct CUstream_st *chosen = free && (!stalled || queue_random(8)) ? free : stalled;
	if (!chosen)
		return 0;
	do
		stream_step(chosen, block && !free);
	while (may_run(chosen) && !chosen->stalled && queue_random(4));
	return 1;
}

static int waits_for(const struct CUstream_st *s, const struct CUevent_st *e, uint64_t turn)
{
	return e ? e->done < turn : s ? s->first != NULL : 1;
}

/* Until the stream is empty, or the event's record is through, and by chance a little longer; both NULL: all. */
static void run_until(const struct CUstream_st *s, const struct CUevent_st *e)
{
	uint64_t turn = e ? e->asked : 0;
	memory_open();
	while (waits_for(s, e, turn) && some_step(1))
		;
	memory_close();
}

/* What may have run when somebody asks. */
static void run_some(void)
{
	memory_open();
	if (queue_random(2))
		some_step(0);
	memory_close();
}

void queue_run_stream(struct CUstream_st *s)
{
	run_until(s, NULL);
}

void fake_settle(void)
{
	run_until(NULL, NULL);
}

int queue_knows(const struct CUstream_st *s)
{
	const struct CUstream_st *i = queue_streams;
	while (i && i != s)
		i = i->next;
	return i != NULL;
}

int fake_submit(cudaStream_t s, const char *what, void (*run)(const void *), const void *args, size_t bytes)
{
	if (!queue_knows(s)) {
		cudaError_t e = capture_forbids();
		return (int)runtime_said(e ? cudaErrorStreamCaptureImplicit : cudaErrorInvalidResourceHandle);
	}
	fake_counts.launches += !s->capture;
	int taken = capture_take(s, what, run, args, bytes);
	if (taken)
		return (int)runtime_said(taken > 0 ? cudaSuccess : (cudaError_t)-taken);
	struct task *t = task_new(TASK_WORK, what, bytes);
	t->run = run;
	if (bytes)
		memcpy(t->args, args, bytes);
	task_push(s, t);
	return 0;
}

int fake_submit_attempt(cudaStream_t s, const char *what, int (*attempt)(const void *, int), const void *args,
			size_t bytes)
{
	if (!queue_knows(s))
		return (int)runtime_said(cudaErrorInvalidResourceHandle);
	if (s->capture)
		fake_die("%s: in a capture, which this device cannot do", what);
	fake_counts.launches++;
	struct task *t = task_new(TASK_WORK, what, bytes);
	t->attempt = attempt;
	memcpy(t->args, args, bytes);
	task_push(s, t);
	return 0;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	if (e)
		return runtime_said(e);
	if (flags != cudaStreamNonBlocking)
		return runtime_said(cudaErrorInvalidValue);
	*s = calloc(1, sizeof **s);
	if (!*s)
		fake_die("out of memory");
	(*s)->last = &(*s)->first;
	(*s)->next = queue_streams;
	queue_streams = *s;
	return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
	if (!queue_knows(s))
		return runtime_said(cudaErrorInvalidResourceHandle);
	capture_forget_stream(s);
	queue_run_stream(s);
	struct CUstream_st **i = &queue_streams;
	while (*i != s)
		i = &(*i)->next;
	*i = s->next;
	free(s->tip);
	free(s);
	return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
	cudaError_t e = queue_knows(s) ? runtime_enter(cudaErrorUnknown) : cudaErrorInvalidResourceHandle;
	e = e ? e : capture_forbids();
	if (!e) {
		fake_counts.waits++;
		queue_run_stream(s);
	}
	return runtime_said(e);
}

cudaError_t cudaDeviceSynchronize(void)
{
	cudaError_t e = runtime_enter(cudaErrorUnknown);
	e = e ? e : capture_forbids();
	if (!e) {
		fake_counts.waits++;
		fake_settle();
	}
	return runtime_said(e);
}

cudaError_t cudaStreamQuery(cudaStream_t s)
{
	cudaError_t e = queue_knows(s) ? capture_forbids() : cudaErrorInvalidResourceHandle;
	if (e)
		return runtime_said(e);
	run_some();
	return runtime_said(s->first ? cudaErrorNotReady : cudaSuccess);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags)
{
	cudaError_t error = runtime_enter(cudaErrorUnknown);
	if (error)
		return runtime_said(error);
	*e = calloc(1, sizeof **e);
	if (!*e)
		fake_die("out of memory");
	(*e)->refs = 1;
	(*e)->timed = !(flags & cudaEventDisableTiming);
	return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
	event_unref(e);
	return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
	return cudaEventRecordWithFlags(e, s, cudaEventRecordDefault);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s, unsigned flags)
{
	cudaError_t error = queue_knows(s) ? runtime_enter(cudaErrorUnknown) : cudaErrorInvalidResourceHandle;
	if (error)
		return runtime_said(error);
	int external = flags == cudaEventRecordExternal;
	if (flags > cudaEventRecordExternal || (external && !s->capture))
		return runtime_said(cudaErrorInvalidValue);
	int taken = external ? capture_record_node(e, s) : capture_record(e, s);
	if (taken)
		return runtime_said(taken > 0 ? cudaSuccess : (cudaError_t)-taken);
	struct task *t = task_new(TASK_RECORD, "record", 0);
	t->event = e;
	t->turn = ++e->asked;
	e->refs++;
	task_push(s, t);
	return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags)
{
	(void)flags;
	cudaError_t error = queue_knows(s) ? runtime_enter(cudaErrorUnknown) : cudaErrorInvalidResourceHandle;
	if (error)
		return runtime_said(error);
	int taken = capture_wait(s, e);
	if (taken)
		return runtime_said(taken > 0 ? cudaSuccess : (cudaError_t)-taken);
	struct task *t = task_new(TASK_WAIT, "wait", 0);
	t->event = e;
	t->turn = e->asked;
	e->refs++;
	task_push(s, t);
	return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
	cudaError_t error = runtime_enter(cudaErrorUnknown);
	error = error ? error : capture_forbids_event(e);
	if (!error && e->done < e->asked) {
		fake_counts.waits++;
		fake_counts.event_waits++;
		run_until(NULL, e);
	}
	return runtime_said(error);
}

/* Any time may be the shortest. */
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
	cudaError_t error = runtime_enter(cudaErrorUnknown);
	error = error ? error : capture_forbids_event(from);
	error = error ? error : capture_forbids_event(to);
	if (!error && !(from->timed && to->timed && from->asked && to->asked))
		error = cudaErrorInvalidResourceHandle;
	if (!error && (from->done < from->asked || to->done < to->asked))
		error = cudaErrorNotReady;
	if (!error)
		*ms = (float)queue_random(1000) * 1e-3f;
	return runtime_said(error);
}

cudaError_t cudaEventQuery(cudaEvent_t e)
{
	cudaError_t error = capture_forbids_event(e);
	if (error)
		return runtime_said(error);
	run_some();
	return runtime_said(e->done < e->asked ? cudaErrorNotReady : cudaSuccess);
}
