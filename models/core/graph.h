/* graph: a network is an ordered list of ops with explicit inputs. Forward walks the list, backward walks it in
 * reverse; nothing is recorded or discovered at run time. Values are per-sample shapes (NHWC); the batch is the
 * outermost dimension and may be any size up to the one the graph was compiled for.
 *
 *   graph_init -> graph_value / graph_param / graph_add -> graph_compile(device) -> forward, backward, update ... ->
 *   release
 *
 * Gradient contract: d_param and d_value are overwritten by backward ("="), never added to, except a value with several
 * readers, whose later readers add ("+="; op_call.add says so). */
#ifndef VIC_GRAPH_H
#define VIC_GRAPH_H

#include "pipeline/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { OP_IN = 2, OP_PARAMS = 20, GRAPH_NAME = 40 };
/* widths of filters, at most; words of the widest that there may be */
enum { WORDCONV_WIDTHS = 8, WORDCONV_WIDEST = 64 };

enum op_type {
	OP_WORDCONV, /* words -> features: embedding, mixup, convolution, ReLU, max over time, as one op */
	OP_DROPOUT,
	OP_LINEAR,
	OP_XENT,   /* logits, soft targets -> loss a sample */
	OP_IMAGES, /* images -> values: crop, resizing, flip, normalisation, mixup, as one op */
	OP_CONV,
	OP_NORM,   /* batch normalisation, with what usually follows it */
	OP_RELU,
	OP_ADD,
	OP_POOL,
	OP_MIX,    /* mixup of hidden values */
	OP_BAG,    /* n-grams -> logits: sum of their weights, mixup, dropout, as one op */
	OP_TYPES
};

struct shape {
	int h, w, c; /* a feature vector is {1, 1, c} */
};
static inline size_t shape_size(struct shape s)
{
	return (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* Params by position in op.param:
 * WORDCONV (Kim 2014, eq. 1-3): [0] table (V, dim); then for width i: [1+2i] filter (width, maps, dim), [2+2i] bias
 * (maps).
 *          Out: maps x widths features. A sentence stands between unlimited zeros, so a window of zeros alone always
 *          exists. Word vectors are mixed where batch.mix_at is 0.
 * LINEAR:  [0] weight (out, in), [1] bias (out).  out = W x + b.
 * DROPOUT: Kim's meaning when !inverted: training multiplies by a 0/1 mask, prediction by (1 - rate).
 * XENT:    loss_i = -sum_k t_ik log p_ik - erl * H(p_i) (Pereyra et al. 2017 for the second term), t soft, any sum.
 *          With bce the first term is -(1/K) sum_k [t_ik log p_ik + (1 - t_ik) log(1 - p_ik)], p the softmax still:
 *          what the reference implementation of manifold mixup (Verma et al. 2019) minimises.
 * IMAGES:  no value in. out[y][x][c] = lambda v_i + (1 - lambda) v_partner, or v_i where batch.partner is NULL or
 *          batch.mix_at is not 0; v[y][x][c] = shift[c] + scale[c] * pixel[view.y + y][view.x + x][c], the row reversed
 *          when flipped; a pixel outside the image is 0 (so v = shift), as when a crop is padded before normalisation.
 *          Where view.h is not 0, the window of view.h x view.w pixels at (view.y, view.x), all within the image, is
 *          resized to the output first: v = shift + scale * p, p[y][x][c] = sum_r sum_s a_r b_s
 *          pixel[view.y + r][view.x + s][c], a and b the weights of rows and columns by taps.h, each by the sum of
 *          its own; nothing is rounded to bytes. ref: whole weights, sums and the one division are double; others:
 *          a weight is rounded to float32 once it has been divided, columns and rows are summed in float32 in either
 *          order.
 * CONV:    [0] weight (out, in / groups, kernel, kernel), [1] bias (out), optional. Cross-correlation, zero padding on
 *          all sides. out h = (h + 2 pad - kernel) / stride + 1, rounded down; w likewise.
 * NORM:    Ioffe and Szegedy 2015: [0] gamma, [1] beta, [2] running mean, [3] running variance, each (c). y = gamma (x
 *          - mean) / sqrt(var + eps) + beta; then + in[1] where there are two inputs; then max(0, .) when relu.
 *          Training: mean and var (biased) of the batch over samples and positions; running += momentum (batch -
 *          running), with the unbiased variance (biased where there is one value alone). PREDICT and SAMPLE: the
 *          running ones. NaN passes ReLU.
 * ADD:     in[0] + in[1].
 * POOL:    max over kernel x kernel positions (padding never wins; the first of equals gets the gradient), or their
 *          mean (average; no padding then). kernel 0: the mean of the whole image, out 1 x 1 x c.
 * MIX:     where batch.mix_at == layer (>= 1) and there are partners: out_i = lambda_i x_i + (1 - lambda_i)
 *          x_partner(i), partners from within the batch (partner < n); else out = x.
 * BAG:     [0] table (V, c), [1] bias (c). No value in; the words of the batch are n-grams. out_i = bias + lambda m_i +
 *          (1 - lambda) m_partner (m_i where there is none or batch.mix_at is not 0), m the sum of the table's rows
 *          over a text's n-grams by the root of their number (a text that repeats none has unit length, as sklearn's
 *          TfidfVectorizer has it; 0 of none).
 *          op.dropout drops n-grams of the mixture, the partner's numbered after the sample's own; with `inverted`
 *          those kept in training weigh 1 / (1 - rate). */
struct op {
	enum op_type type;
	char name[GRAPH_NAME];
	int n_in, in[OP_IN], out; /* indices of values */
	int n_param, param[OP_PARAMS];
	struct {
		int widths, width[WORDCONV_WIDTHS], maps, dim;
		int multichannel; /* vectors are table + fixed; the table alone is tuned */
	} wordconv;
	struct {
		double rate;
		int inverted;
		uint32_t layer; /* which draws: distinct for every dropout of a network */
	} dropout;
	struct {
		double erl;
		int bce;
	} xent;
	struct {
		int kernel, stride, pad, groups;
	} conv;
	struct {
		double eps, momentum;
		int relu;
	} norm;
	struct {
		int kernel, stride, pad, average;
	} pool;
	struct {
		int layer;
	} mix;
};

struct value {
	char name[GRAPH_NAME];
	struct shape shape;
	int made_by; /* op, or -1 for an input */
	int readers;
	int wanted;          /* its gradient: something trained lies before it */
	int element;         /* bytes of a number, here and in the gradient: 4 (float); 2 where the device says so */
	int pitch;           /* channels as they lie in memory: shape.c, or more where the device says so */
	size_t at, d_at;     /* bytes a sample from the arena's start: where the planner put value and gradient */
	int born, dies, d_born, d_dies; /* steps of the schedule in which they must hold */
};

/* Its shape as it lies in memory. */
static inline struct shape value_laid(const struct value *v)
{
	return (struct shape){ v->shape.h, v->shape.w, v->pitch };
}

enum param_kind {
	PARAM_WEIGHT,
	PARAM_BIAS,
	PARAM_TABLE,
	PARAM_SCALE, /* gamma of a NORM: treated as a bias */
	/* running statistics: no gradient and no update; written by forward in training, kept in the model */
	PARAM_STATE,
};

struct param {
	char name[GRAPH_NAME];
	enum param_kind kind;
	int ndim;
	int64_t dim[4];
	int frozen;      /* no gradient, no update */
	double max_norm; /* > 0: rows (dim[0]) are kept within this L2 norm after each update (Kim 2014, section 2.1) */
	/* Device memory, owned by the graph once compiled. These five lie in the graph's arenas. */
	float *w, *g;    /* [size]; a table's gradient is [max_words][dim]: row i is the batch's word[i] */
	float *s1, *s2;  /* optimiser state [size], or NULL where the rule needs none */
	float *average;  /* [size] moving average of w, or NULL where none is kept */
	uint32_t *last;  /* table: [dim[0]] step of each row's last update, for postponed decay; else NULL */
	float *fixed;    /* multichannel: the untuned copy of a table, or NULL */
};
static inline size_t param_size(const struct param *p)
{
	size_t n = 1;
	for (int i = 0; i < p->ndim; i++)
		n *= (size_t)p->dim[i];
	return n;
}

static inline int param_trained(const struct param *p)
{
	return !p->frozen && p->kind != PARAM_STATE;
}

/* A batch of sentences. Words are numbered within the batch, so that each distinct one is looked up once.
 * All host memory, borrowed. */
struct words {
	int sentences;         /* >= the batch's n when partners come from elsewhere in the data set */
	const uint32_t *begin; /* [sentences + 1] into local */
	const uint32_t *local; /* index into word */
	int distinct;
	const uint32_t *word;  /* [distinct] row of the table */
};

/* A batch of images, all of one size, u8 or f32 in the same units (0 to 255). Host memory, borrowed. */
struct view {
	int32_t y, x; /* the image's place at the output's corner; negative: padding */
	uint8_t flip; /* left to right */
	int32_t h, w; /* of a window that is resized to the output; 0: of the output's own size, as it lies */
};
struct images {
	int count;                /* >= the batch's n when partners come from elsewhere in the data set */
	int h, w, c;
	int is_float;
	const void *const *pixel; /* [count] images [h][w][c] */
	const uint32_t *item;     /* [count] number of each image in its data set; NULL: not known */
	const struct view *view;  /* [count] */
	const float *scale, *shift; /* [c] */
};

enum phase { PHASE_TRAIN, PHASE_PREDICT, PHASE_SAMPLE /* prediction with dropout on: one pass of MC dropout */ };

struct batch {
	int n;
	const struct words *words;   /* one of the two */
	const struct images *images;
	const uint32_t *partner; /* [n] sentence or image mixed into sample i (which is number i), or NULL: no mixup */
	int mix_at;              /* where: 0 the op that reads the batch, else the OP_MIX of that layer */
	const float *lambda;     /* [n] weight of sample i; its partner has 1 - lambda */
	const float *target;     /* [n][classes] soft labels; NULL in prediction */
	/* what random draws depend on */
	uint64_t seed;
	uint32_t epoch;          /* or the MC pass */
	const uint32_t *sample;  /* [n] index of the sample in its data set */
};

/* 1: the op that mixes at `layer` (mix_at) mixes the samples of this batch. */
static inline int batch_mixes_at(const struct batch *b, int layer)
{
	return b->partner && b->mix_at == layer;
}

enum rule { RULE_ADADELTA, RULE_SGD, RULE_ADAM };
struct update {
	enum rule rule;
	double lr, momentum, weight_decay; /* SGD; weight decay is added to the gradient */
	/* 0: of weights and tables alone; 1: of biases and NORMs too, as PyTorch's SGD does */
	int decay_all;
	int nesterov;
	double rho, beta1, beta2, eps;     /* Adadelta: rho, eps; Adam: beta1, beta2, eps */
	int decoupled;                     /* Adam: weight decay is taken off the weight instead (AdamW) */
	/* > 0: gradients are scaled so that the L2 norm of all trained parameters' together is at most this (Pascanu et
	 * al. 2013), weight decay not counted. scale: what graph_update found it to be; no caller sets it. */
	double clip_norm, scale;
	/* > 0: a moving average of the weights is kept, of this decay at most (graph_average); below 1 */
	double ema;
	uint32_t step;                     /* 1, 2, ... */
};

/* The five arrays of all parameters, one allocation each; every parameter belongs to one op. Each begins on a line of
 * 64 bytes, at least ARENA_GAP floats after the one before it. First the trained ones, in the order in which backward
 * is done with their gradients (the last op's first; several devices add them up in that order), tables after the
 * others; then running statistics, in ARENA_W and ARENA_AVERAGE alone; then what is frozen, in ARENA_W alone. So a
 * trained parameter that is no table has one place in all five, and ARENA_AVERAGE lies as the beginning of ARENA_W. */
enum param_arena { ARENA_W, ARENA_G, ARENA_S1, ARENA_S2, ARENA_AVERAGE, ARENAS };
enum { ARENA_GAP = 16 };

struct device;
struct graph {
	int n_ops, n_values, n_params;
	struct op *op; /* [n_ops]; these three are owned, and move as the graph grows */
	struct value *value;
	struct param *param;
	size_t cap_op, cap_value, cap_param;
	int logits, loss; /* values of that meaning, -1 when absent */
	/* compiled */
	struct device *dev; /* borrowed */
	int max_n, training;
	int max_words;      /* set before compile: most distinct words a training batch can have */
	void *arena;        /* device: activations and their gradients */
	size_t arena_bytes; /* a sample */
	float *params[ARENAS]; /* device: [params_floats], or NULL where there is none */
	size_t params_floats[ARENAS];
	void **state;       /* [n_ops] each op's own, from the backend */
	unsigned char *written; /* [n_values] backward: the gradient has its first part */
	uint32_t version;   /* raised whenever weights change: a backend may keep what it derived from them till then */
};

void graph_init(struct graph *g);
void graph_release(struct graph *g);
/* Each returns an index, or -1. */
int graph_value(struct graph *g, const char *name, struct shape shape, struct err *err) VIC_CHECKED;
int graph_param(struct graph *g, const char *name, enum param_kind kind, int ndim, const int64_t *dim, struct err *err)
	VIC_CHECKED;
/* Copies `op`; makes its output value of shape `out`. Returns the output value. */
int graph_add(struct graph *g, const struct op *op, struct shape out, struct err *err) VIC_CHECKED;

/* Plans memory, takes it from the device, prepares every op. training: gradients too. `u` says which optimiser state is
 * needed (NULL when not training). */
int graph_compile(struct graph *g, struct device *dev, int max_n, const struct update *u, struct err *err) VIC_CHECKED;
int graph_forward(struct graph *g, const struct batch *b, enum phase phase, struct err *err) VIC_CHECKED;
int graph_backward(struct graph *g, const struct batch *b, struct err *err) VIC_CHECKED;
int graph_update(struct graph *g, const struct batch *b, const struct update *u, struct err *err) VIC_CHECKED;
/* Forward, backward and update: what training calls, since a device may keep it as one piece. u NULL: without the
 * update, for which graph_update may follow. */
int graph_step(struct graph *g, const struct batch *b, const struct update *u, struct err *err) VIC_CHECKED;
/* What graph_update scales gradients by where u->clip_norm is above 0: min(1, clip_norm / (norm + 1e-6)), as
 * torch.nn.utils.clip_grad_norm_ has it. A norm of NaN makes every weight NaN, which the next loss shows. */
int graph_clip_scale(const struct graph *g, const struct batch *b, const struct update *u, double *scale,
		     struct err *err) VIC_CHECKED;
/* After an update, where u->ema is above 0: average += (1 - d) (w - average), d = min(ema, (1 + t) / (10 + t)) at step
 * t (u->step), of all that changes in training, running statistics too. The bound is that of TensorFlow's
 * tf.train.ExponentialMovingAverage with num_updates, so that an average of few steps is not one of the first weights;
 * averaging the statistics is timm's and torchvision's way. */
int graph_average(struct graph *g, const struct update *u, struct err *err) VIC_CHECKED;
/* The averages where the weights are, and the weights where the averages are; called twice, all is as it was. Nothing
 * where no average is kept. */
int graph_exchange(struct graph *g, struct err *err) VIC_CHECKED;
/* Copies value v of the last batch ([n][shape]; its elements must be floats without pads, as those of logits and loss
 * are) or a parameter to host memory and back. */
int graph_read(const struct graph *g, int v, int n, float *to, struct err *err) VIC_CHECKED;
int graph_get(const struct graph *g, int p, float *to, struct err *err) VIC_CHECKED;
int graph_set(struct graph *g, int p, const float *from, struct err *err) VIC_CHECKED;
/* graph_read, later: `to` holds the value once graph_arrived has been called with the ticket, and may not move until
 * then. Where the device has no later downloads (graph_reads_later: 0) it holds it at once. */
int graph_reads_later(const struct graph *g);
int graph_read_later(const struct graph *g, int v, int n, float *to, uint64_t *ticket, struct err *err) VIC_CHECKED;
int graph_arrived(const struct graph *g, uint64_t ticket, struct err *err) VIC_CHECKED;
/* What training keeps of a parameter, for checkpoints: floats [size], of LAST uint32_t [dim[0]]. */
enum graph_slot { GRAPH_W, GRAPH_S1, GRAPH_S2, GRAPH_LAST, GRAPH_AVERAGE, GRAPH_SLOTS };
size_t graph_slot_bytes(const struct graph *g, int p, enum graph_slot slot); /* 0: there is none */
int graph_slot_get(const struct graph *g, int p, enum graph_slot slot, void *to, struct err *err) VIC_CHECKED;
int graph_slot_set(struct graph *g, int p, enum graph_slot slot, const void *from, struct err *err) VIC_CHECKED;
/* Multichannel: the untuned copy of table p. */
int graph_fix(struct graph *g, int p, const float *from, struct err *err) VIC_CHECKED;

/* Of each type of op. What its backward reads of in[0] and out must hold until then; none reads in[1] (both ops that
 * have one add it). Backends may keep more in an op's own state, never read more. */
extern const struct op_info {
	const char *name;
	int back_reads_in, back_reads_out; /* of a NORM: out with relu alone, see op_back_reads_out */
	int reads_target;		   /* left out where the batch has none */
	/* Multiply-adds of one sample forward, for graph_macs; NULL: none that count. */
	double (*macs)(const struct graph *g, const struct op *op, int tokens);
} op_info[OP_TYPES];
int op_back_reads_out(const struct op *op);

/* The memory plan: every op with its shapes, and where values and gradients lie (plan.c). */
int graph_plan(struct graph *g, int training, struct err *err) VIC_CHECKED;
void graph_print(const struct graph *g, FILE *to);
/* Multiply-adds of convolutions and products of one sample forward; a wordconv counts its dense form at `tokens`
 * tokens. */
double graph_macs(const struct graph *g, int tokens);

#endif
