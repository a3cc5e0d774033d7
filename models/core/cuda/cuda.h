/* cuda: the backend for NVIDIA's graphics cards. Private to core/cuda.
 *
 * Convolutions are cuDNN's, products cuBLAS's, all else our kernels (*.cu). All that computes is queued on one stream,
 * in program order; batches come on another (block.c). Nothing waits but download() and arrived(). Kernels and plans
 * are prepared with the graph; a pass takes no memory, unless a batch is larger than any before it. */
#ifndef VIC_CUDA_H
#define VIC_CUDA_H

#include "cards.h"
#include "gpu.h"
#include "models/core/backend.h"
#include "kernels/step.h"

/* Rows of a batch's words are rounded up to this many, so that few sizes of a recorded step occur. */
enum { WORDS_STEP = 128, STAGES = 4 /* pinned copies of the step block on their way */ };
enum { LANDINGS = 2 /* of these, places on the device where they land; divides STAGES */ };

/* cuBLAS keeps to this in place of memory of its own, which it would take while a step is recorded. 32 MiB is what
 * NVIDIA advises for compute capability 9.0, 4 MiB for those before. */
enum { BLAS_WORKSPACE = 32 << 20 };

enum block_array {
	BLOCK_STEP,
	BLOCK_LAMBDA,
	BLOCK_PARTNER,
	BLOCK_SAMPLE,
	BLOCK_TARGET,
	BLOCK_VIEW,
	BLOCK_ITEM,
	BLOCK_SCALE,
	BLOCK_SHIFT,
	BLOCK_BEGIN,
	BLOCK_LOCAL,
	BLOCK_WORD,
	BLOCK_PLACE_BEGIN,
	BLOCK_PLACE,
	BLOCK_PIXEL,
	BLOCK_ARRAYS
};

struct block {
	size_t cap[BLOCK_ARRAYS], at[BLOCK_ARRAYS], bytes; /* each array's room and place; of the whole */
	void *device;
	struct {
		void *host; /* pinned [bytes] */
		cudaEvent_t copied;
	} stage[STAGES];
	struct {
		void *device; /* [bytes] */
		cudaEvent_t taken;
	} landing[LANDINGS]; /* stage i lands in landing i % LANDINGS */
	int next;
	uint32_t *count; /* [count_cap] of words: where the next place of each goes */
	size_t count_cap;
	struct step step;       /* as last sent */
	struct step_block view; /* pointers into device */
	int words;              /* of the pass at hand: distinct words, rounded up */
};

/* What a batch has that the block must hold. */
struct block_counts {
	size_t n, classes;              /* samples; numbers of a target, 0: no targets */
	size_t images, image, channels; /* how many; bytes of one, 0: they are resident */
	size_t sentences, tokens, words, places; /* of text; words: distinct, rounded up; places: tokens mixed in too */
};

/* A download on its way. */
struct arrival {
	void *to, *host; /* host: pinned */
	size_t bytes, cap;
	cudaEvent_t copied;
};

/* What the device is. */
struct card {
	char name[64];
	int ordinal, major, minor; /* compute capability */
	size_t bytes;
};

/* In the order they were made; `said` of them have been handed over. */
struct notes {
	char **text; /* [count], owned */
	size_t count, cap, said;
};

struct backend_ctx {
	struct card card;
	/* A card to be planned for, as cuDNN's text: there is no device, memory is counted and nothing is queued. Else
	 * NULL. */
	char *card_text;
	const struct card_spec *spec; /* of it, where it is known by name */
	size_t counted;               /* bytes taken so far, of a card to be planned for */
	cudaStream_t stream, uploads; /* uploads: of batches alone */
	cublasHandle_t blas;
	void *blas_workspace;
	cudnnHandle_t dnn;                    /* NULL before the first convolution */
	cudnnBackendDescriptor_t properties;  /* of the device, for cuDNN's planner; likewise */
	void *compiler;                       /* cuDNN's, held open; NULL: there is none */
	struct conv_plan **plan;              /* [plans] of all convolutions: plans.h */
	size_t plans, plans_cap;
	struct norm_plan **norm;              /* [norms] of all NORMs, where cuDNN computes them */
	size_t norms, norms_cap;
	int norm_by_cudnn;                    /* in training, as VIC_CUDA_NORM=cudnn asks */
	enum precision precision;
	int tune; /* engines of convolutions are chosen by their times */
	double compiling, compiling_most; /* seconds that it took so far to compile some to be tried; and may take */
	/* Scratch of the op at hand, no more than prepare() asked for by workspace_need(). */
	void *workspace;
	size_t workspace_bytes;
	struct block block;
	void *resident; /* all images of the data set, one after the other; NULL: a batch brings its own */
	struct recordings *recordings; /* record.c's own */
	int whole;                     /* the pass at hand is a step of training as a whole: the block has its rates */
	struct arrival late[LATE];
	uint64_t tickets;
	struct segments *segments; /* update.c's own: the parameters of a graph */
	struct sum *joined;            /* one that several cards add up, while backward goes on: sums/; NULL: none */
	struct notes notes;
	char engine[128], describe[192];
};

/* By enum precision. */
extern const char *const precision_names[];
/* What a card computes in when it is asked for that: before compute capability 8.0 float32 in place of tf32, which is
 * what describe() says then; bf16 is refused. */
int card_precision(const struct card *card, enum precision asked, enum precision *precision,
		   struct err *err) VIC_CHECKED;

/* 0, or -1 and "<what>: <CUDA's words>". Each takes the function's status. */
int gpu_status(cudaError_t status, const char *what, struct err *err) VIC_CHECKED;
int blas_status(cublasStatus_t status, const char *what, struct err *err) VIC_CHECKED;
/* A launcher's result. */
static inline int launched(int status, const char *kernel, struct err *err)
{
	return status ? gpu_status((cudaError_t)status, kernel, err) : 0;
}

/* notes.c: a sentence for who uses the device: backend.note hands it over. */
int note_add(struct backend_ctx *ctx, struct err *err, const char *format, ...) VIC_CHECKED
	__attribute__((format(printf, 3, 4)));
const char *cuda_note(struct backend_ctx *ctx);
void notes_release(struct backend_ctx *ctx);

/* Device memory [bytes], zeroed. "out of device memory" says how much there is. Never while a pass is queued. */
int gpu_alloc(struct backend_ctx *ctx, void **p, size_t bytes, struct err *err) VIC_CHECKED;
void gpu_free(struct backend_ctx *ctx, void *p); /* NULL too */
/* Waits until all that was queued is done. */
int gpu_wait(struct backend_ctx *ctx, struct err *err) VIC_CHECKED;
/* Makes ctx->workspace at least so large. In prepare() alone. */
int workspace_need(struct backend_ctx *ctx, size_t bytes, struct err *err) VIC_CHECKED;

static inline size_t image_bytes(const struct images *m)
{
	return (size_t)m->h * (size_t)m->w * (size_t)m->c * (m->is_float ? sizeof(float) : 1);
}
/* resident.c: backend.keep: where half of the memory that is free holds them; not with VIC_CUDA_RESIDENT=0 in the
 * environment. */
int cuda_keep(struct backend_ctx *ctx, const struct images *all, struct err *err) VIC_CHECKED;

/* block.c: takes what ops need of a batch and queues its copy to the device. `u`: NULL without an update. */
int block_fill(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, const struct update *u,
	       struct err *err) VIC_CHECKED;
/* Queues u's rates alone, and the rows of a table that a gradient has: for an optimiser step outside a whole step. */
int block_rates(struct backend_ctx *ctx, const struct update *u, const uint32_t *rows, int n_rows,
		struct err *err) VIC_CHECKED;
void block_release(struct backend_ctx *ctx);
/* Device memory that the block takes for such a batch. */
size_t block_bytes(const struct block_counts *c);
static inline const struct step_block *block_of(const struct backend_ctx *ctx)
{
	return &ctx->block.view;
}

/* What each op is here. An op without prepare has no state. prepare's *state is freed by unprepare. Definitions of the
 * ops: graph.h. */
struct cuda_op {
	int (*forward)(struct backend_ctx *ctx, const struct op_call *c, struct err *err);
	int (*backward)(struct backend_ctx *ctx, const struct op_call *c, struct err *err);
	int (*prepare)(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err);
	void (*unprepare)(struct backend_ctx *ctx, void *state);
};
extern const struct cuda_op cuda_conv, cuda_linear;                                       /* cuDNN, cuBLAS */
extern const struct cuda_op cuda_images, cuda_norm, cuda_relu, cuda_add, cuda_pool, cuda_mix, cuda_dropout, cuda_xent;
extern const struct cuda_op cuda_wordconv;

/* tune.c: reads VIC_CUDA_TUNE_SECONDS. */
int tune_time_read(struct backend_ctx *ctx, struct err *err) VIC_CHECKED;
/* norm.c: reads VIC_CUDA_NORM. -1 where it is neither own nor cudnn. */
int norm_engine_read(struct backend_ctx *ctx, struct err *err) VIC_CHECKED;

/* conv.c: the copy of a CONV's filter or bias that cuDNN reads, [out][places][pitch] in the type of values: `in` of the
 * parameter, then zeros. */
struct param_copy {
	void *to;                     /* device memory; NULL: the parameter serves as it is */
	int out, places, in, pitch, element; /* of a bias the three are 1; element: bytes of a number */
	uint32_t version;             /* + 1 of the parameters it was made from; 0: none yet */
};
/* Makes those anew that are not of g's version; before a pass, since a recorded one takes them as they are. */
int copies_refresh(struct backend_ctx *ctx, const struct graph *g, struct err *err) VIC_CHECKED;
/* That of op i's k-th parameter which the optimiser's kernel writes along with it; NULL: none. */
const struct param_copy *copy_updated(const struct graph *g, int i, int k);
/* An optimiser step was queued that leads from the version before to this one. */
void copies_updated(const struct graph *g, uint32_t version);

/* update.c: one optimiser step of every trained parameter, for which begin() or block_rates() has queued u's rates; of
 * one (backend.update), which queues them itself. */
int cuda_update_all(struct backend_ctx *ctx, struct graph *g, const struct batch *b, const struct update *u,
		    struct err *err) VIC_CHECKED;
int cuda_update(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
		struct err *err) VIC_CHECKED;
int cuda_average(struct backend_ctx *ctx, float *average, const float *w, size_t n, double rate, struct err *err)
	VIC_CHECKED;
void segments_release(struct backend_ctx *ctx);

#endif
