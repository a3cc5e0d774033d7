/* backend: the seam. What a network needs from a machine is this one struct of functions; `ref`, `cpu` and `cuda` fill
 * it. ref is linked in and is the specification: plain loops, double accumulators. The others are plug-ins (shared
 * objects with one exported function, vic_backend), opened when asked for, so a stage pays for nothing it does not use.
 *
 * Pointers named "device memory" come from alloc() and may not be followed by the host; batches (struct batch) are host
 * memory, and a backend that queues work copies what it needs of one in begin(). Calls come from one thread, in program
 * order; queued work is finished by download() and arrived(). Results may not depend on the number of threads.
 *
 * Adding an op: docs/CONTRIBUTING.md. */
#ifndef VIC_BACKEND_H
#define VIC_BACKEND_H

#include "graph.h"
#include "plugin.h"
#include "sums.h"
#include "pipeline/frame/stage.h"

enum { BACKEND_ABI = 10, DEVICE_NOTES = 4, LATE = 8 /* downloads on their way at once, at most */ };

#define TUNE_HELP "on cuda: time the engines of each convolution and take the fastest, which may change bytes"

/* How products and convolutions are computed and values kept (cuda). tf32: products of 10 bits, sums of float32. bf16:
 * values and their gradients have 16 bits; parameters, statistics, logits and the loss stay float32. */
enum precision { PRECISION_FLOAT32, PRECISION_TF32, PRECISION_BF16 };
/* Of the option --precision, the names in the order of the enum; its default is tf32. */
#define PRECISION_CHOICES "float32|tf32|bf16"
#define PRECISION_HELP "of products and values on cuda; the cpu computes in float32"

struct backend_config {
	int threads;      /* cpu: 0 is all that the process may use */
	int ordinal;      /* cuda: which device */
	enum precision precision; /* cuda; others compute in float32 */
	int on_cpu;               /* 1: "auto" is the cpu, since the network has ops that the cuda plug-in lacks */
	int tune;                 /* cuda: convolutions are computed by the engines that are seen to be the fastest */
	/* cuda: NULL, or a card to plan for, by name or as the text of cuDNN's description. No device is opened then;
	 * memory is counted and may not be used, and ops are prepared and may not be called. */
	const char *card;
};

/* One op at work. Arrays are device memory, sample-major; those of values hold elements of value.element bytes. */
struct op_call {
	const struct op *op;
	void *state; /* what prepare() made, or NULL */
	const struct batch *batch;
	enum phase phase;
	int n;
	uint32_t version; /* changes when any weight changed */
	const float *in[OP_IN];
	float *out;
	int in_size[OP_IN], out_size; /* elements of one sample */
	int in_element, out_element;  /* bytes of an element of in[0] and of out, and of their gradients */
	int out_pitch;                /* channels of out as they lie in memory */
	struct shape in_shape[OP_IN], out_shape;
	/* backward alone */
	float *d_in[OP_IN]; /* NULL: not wanted. Never the memory of another gradient, of out or of in[] */
	int add[OP_IN];     /* 1: add to d_in, another reader has written it */
	const float *d_out;
	/* parameters; d_param NULL: frozen. A NORM writes param[2] and [3] in forward, in training */
	float *param[OP_PARAMS], *d_param[OP_PARAMS];
	const float *fixed; /* of param[0], multichannel */
};

struct backend_ctx;

struct backend {
	int abi;          /* BACKEND_ABI */
	const char *name; /* "cpu" */

	int (*open)(struct backend_ctx **ctx, const struct backend_config *config, struct err *err);
	void (*close)(struct backend_ctx *ctx);
	/* What computes, as models keep it: backend, instruction set, library and its version ("cpu-v4, oneDNN 2.6.3").
	 * Never what may not change a result, such as the number of threads. Borrowed from ctx. */
	const char *(*engine)(const struct backend_ctx *ctx);
	/* The same and the rest, for --version and logs ("cpu-v4, oneDNN 2.6.3, 2 threads"). Borrowed from ctx. */
	const char *(*describe)(const struct backend_ctx *ctx);
	/* (optional) A sentence about what happened since the device was opened that changes no result but should be
	 * known (steps are slower than they could be; which engines were chosen): each once, oldest first, then NULL.
	 * Borrowed from ctx. */
	const char *(*note)(struct backend_ctx *ctx);

	/* Device memory, zeroed, 64-byte aligned or better. */
	int (*alloc)(struct backend_ctx *ctx, void **p, size_t bytes, struct err *err);
	void (*release)(struct backend_ctx *ctx, void *p);
	int (*upload)(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, struct err *err);
	/* Waits for queued work that `from` depends on. */
	int (*download)(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, struct err *err);

	/* (optional, both or neither) A download that need not wait: `to` (host memory) holds the bytes once arrived()
	 * has been called with the ticket. Tickets are waited for in any order; at most LATE are on their way at once,
	 * and `to` may not move meanwhile. Without these a result is downloaded at once. */
	int (*download_later)(struct backend_ctx *ctx, void *to, const void *from, size_t bytes, uint64_t *ticket,
			      struct err *err);
	int (*arrived)(struct backend_ctx *ctx, uint64_t ticket, struct err *err);

	/* (optional, both or neither) Around the ops of a pass over batch `b`. begin takes what it needs of the batch,
	 * whose memory may change afterwards. back: backward is in the pass, too. `u`: and after it an update, so that
	 * this is a whole step of training; NULL: none, as where gradients are added up elsewhere before an update that
	 * is in no pass. Returns 0 when the ops are to be called, then end(); 1 when it has done all their work itself,
	 * from a recording of an earlier pass: no op is called, nor end; -1 on failure. end is told whether an op
	 * failed; it returns 1 when the pass is to be begun again, because it could not be recorded. */
	int (*begin)(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, enum phase phase, int back,
		     const struct update *u, struct err *err);
	int (*end)(struct backend_ctx *ctx, int failed, struct err *err);

	/* (optional) How values lie in memory, before it is planned: may set value.element of any but logits and loss
	 * to 2, and raise value.pitch of one whose maker and readers keep to it. Default: floats, without pads. */
	void (*layout)(const struct backend_ctx *ctx, struct graph *g);
	/* (optional) All images of the data set that the batches to come are made of, once, after graph_compile: count,
	 * size and pixels, without views. A device that keeps them goes by batch->images->item, not by pixel. Returns
	 * 1 when they are kept until close, 0 when they are not (no room), -1 on failure. */
	int (*keep)(struct backend_ctx *ctx, const struct images *all, struct err *err);
	/* (optional) 1 when the op can run here; default: every op with a forward(). Asked before prepare. */
	int (*supports)(struct backend_ctx *ctx, const struct op *op, const struct graph *g);
	/* (optional) State for an op of a compiled graph: plans, saved activations, scratch. Default: none. */
	int (*prepare)(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err);
	void (*unprepare)(struct backend_ctx *ctx, const struct op *op, void *state); /* with prepare */

	int (*forward)(struct backend_ctx *ctx, const struct op_call *call, struct err *err);
	int (*backward)(struct backend_ctx *ctx, const struct op_call *call, struct err *err);

	/* One optimiser step on one parameter, then its norm constraint. For a table, `rows` [n_rows] are the rows that
	 * p->g has gradients for (host memory), in g's order; a rule whose untouched rows change too must say so by
	 * doing them (SGD with momentum or weight decay, Adam) or by postponing exactly (Adadelta). */
	int (*update)(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows,
		      int n_rows, struct err *err);
	/* (optional; clip_norm needs it where there is no update_all) The sum of squares of p's gradient, a table's of
	 * its first n_rows rows. update() scales gradients by u->scale where u->clip_norm is above 0. */
	int (*squares)(struct backend_ctx *ctx, const struct param *p, int n_rows, double *sum, struct err *err);
	/* (optional) The same of every trained parameter of the graph at once, which clips too; default: update() of
	 * each. */
	int (*update_all)(struct backend_ctx *ctx, struct graph *g, const struct batch *b, const struct update *u,
			  struct err *err);
	/* (optional; update.ema needs it) After an update: average[i] += rate (w[i] - average[i]), of n floats of
	 * device memory. */
	int (*average)(struct backend_ctx *ctx, float *average, const float *w, size_t n, double rate,
		       struct err *err);
	/* (optional) Adds up shards' gradients where they are; default: host_sums. */
	const struct sums *sums;
	/* (optional, both or neither) Of a graph compiled for a card to be planned for (config.card), in steps of n
	 * samples of `tokens` tokens with updates of `u`. print_plan writes how it will run and the least time of a
	 * step; counted says how many bytes of device memory it takes, and how many there are. */
	int (*print_plan)(struct backend_ctx *ctx, const struct graph *g, const struct update *u, int n, int tokens,
			  FILE *to, struct err *err);
	void (*counted)(const struct backend_ctx *ctx, const struct graph *g, int n, int tokens, size_t *taken,
			size_t *total);
};

/* What a plug-in exports. */
const struct backend *vic_backend(void);
extern const struct backend backend_ref;

struct device {
	const struct backend *b;
	struct backend_ctx *ctx;
	struct plugin plugin; /* none for ref */
	int threads;          /* of the host, as they were asked for; 0: as many as there are */
	/* Better plug-ins than the one opened that are there and do not work: a line each, to be said. Owned. */
	char *note[DEVICE_NOTES];
	int notes;
	int no_card; /* 1: the first note is no more than that this machine has no card: for who asks (--version) */
};

/* name: "auto" (cuda where there is one, else cpu), "cpu", "ref", "cuda", "cuda:N". Plug-ins are looked for in
 * $VIC_BACKENDS, else in ../lib/vicinal beside the program; one that does not load is passed over for the next and
 * noted in d. Error VIC_NO_DEVICE when asked-for hardware is missing or no plug-in loads. */
int device_open(struct device *d, const char *name, int threads, struct err *err) VIC_CHECKED;
/* The same for a program: with all that may be asked for (config->ordinal is taken from the name), and it says what was
 * passed over, a line each. */
int device_open_for(const struct stage *st, struct device *d, const char *name, const struct backend_config *config,
		    struct err *err) VIC_CHECKED;
/* The cuda plug-in, to plan for config->card: no device is opened. */
int device_open_card(struct device *d, const struct backend_config *config, struct err *err) VIC_CHECKED;
/* Says what the device has to say by now (backend.note), a line each. */
void device_say(const struct stage *st, const struct device *d);
void device_close(struct device *d);
const char *device_engine(const struct device *d); /* backend->engine of d; borrowed */
/* For --version: a line with what "auto" opens here, or why nothing opens. */
void device_print(FILE *f);

#endif
