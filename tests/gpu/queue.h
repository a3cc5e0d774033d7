/* queue: what the files of the fake runtime share. */
#ifndef VIC_GPU_QUEUE_H
#define VIC_GPU_QUEUE_H

#include "fake.h"

enum task_kind { TASK_WORK, TASK_RECORD, TASK_WAIT, TASK_GRAPH };

struct task {
	struct task *next;
	enum task_kind kind;
	const char *what;
	void (*run)(const void *args);
	int (*attempt)(const void *args, int block); /* in its place: fake_attempt */
	struct CUevent_st *event; /* RECORD, WAIT */
	uint64_t turn;		  /* which record of it; of a graph's node the launch has it */
	uint64_t number;	  /* of all tasks, in the order they were queued */
	struct replay *replay;	  /* GRAPH */
	size_t bytes;
	_Alignas(16) unsigned char args[];
};

struct capture;
struct replay;

struct CUstream_st {
	struct CUstream_st *next;
	struct task *first, **last; /* queued */
	int stalled;                /* the first was attempted, and has to wait */
	struct capture *capture;    /* NULL: none */
	int *tip, tips;		    /* nodes that the next captured one follows */
};

struct CUevent_st {
	uint64_t asked, done; /* records */
	int timed;            /* not made with cudaEventDisableTiming */
	int refs;	      /* owner and queued tasks */
	struct capture *capture;
	int *tip, tips;
};

/* runtime.c: each entry of the fake that CUDA allows to fail passes here. `due` when fake_fail_at says so, or 0. */
cudaError_t runtime_enter(cudaError_t due);
/* Keeps the error for cudaGetLastError. */
cudaError_t runtime_said(cudaError_t e);

/* streams.c */
extern struct CUstream_st *queue_streams; /* all there are */
int queue_knows(const struct CUstream_st *s);
uint64_t queue_random(uint64_t below);
struct task *task_new(enum task_kind kind, const char *what, size_t bytes);
void task_push(struct CUstream_st *s, struct task *t);
void event_unref(struct CUevent_st *e); /* NULL too */
/* That record of the event has come. */
void event_reached(struct CUevent_st *e, uint64_t turn);
void queue_run_stream(struct CUstream_st *s);
extern const char *queue_running; /* name of the work that runs, or NULL */

/* memory.c */
void memory_open(void);
void memory_close(void);
int memory_is_device(const void *p);
int memory_pinned(const void *p, size_t bytes);

/* capture.c: 0 when the stream is not captured; 1: taken; or minus a cudaError_t. */
int capture_take(struct CUstream_st *s, const char *what, void (*run)(const void *), const void *args, size_t bytes);
int capture_record(struct CUevent_st *e, struct CUstream_st *s);
int capture_record_node(struct CUevent_st *e, struct CUstream_st *s); /* a node that records it when it runs */
int capture_wait(struct CUstream_st *s, struct CUevent_st *e);
/* An unsafe call: the error while any capture is on, which it then spoils; or 0. Of an event: also when it was recorded
 * in a capture, whenever that was. */
cudaError_t capture_forbids(void);
cudaError_t capture_forbids_event(const struct CUevent_st *e);
void capture_forget_stream(struct CUstream_st *s);
void capture_forget_event(struct CUevent_st *e);
/* A replay: runs one node, in an order that its dependencies allow. 1: it was the last. */
int replay_step(struct replay *r);

#endif
