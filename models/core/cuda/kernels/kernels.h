/* kernels: what the kernels of the image and head ops are told, and their launchers, which return 0 or a cudaError_t.
 * Private to core/cuda. The kernels are in NAME.cu, what fills these structs in NAME.c; the formulas are those of
 * models/core/ref/NAME.c. Read by both compilers.
 *
 * `void *` are values or gradients of values, stored as the launcher's name says (_f32, _bf16); all other memory is
 * float32. Device memory, sample-major, NHWC. A gradient that is NULL is not wanted; `add`: it is added to. */
#ifndef VIC_CUDA_KERNELS_H
#define VIC_CUDA_KERNELS_H

#include "step.h"

#include <cuda_runtime_api.h>
#include <stddef.h>

#ifdef __cplusplus
#define LAUNCHER(name, type) extern "C" int name(const struct type *a, cudaStream_t stream)
#else
#define LAUNCHER(name, type) int name(const struct type *a, cudaStream_t stream)
#endif
#define LAUNCHERS(name, type)                                                                                          \
	LAUNCHER(name##_f32, type);                                                                                    \
	LAUNCHER(name##_bf16, type)
/* That of the two which the values of op_call c ask for. */
#define STORED(c, name) ((c)->out_element == 2 ? name##_bf16 : name##_f32)

/* images.cu: a pass from pixels to mixed values; reads each pixel once, of a window that is resized a few times. */
struct images_args {
	void *out;                       /* [n][h][w][pitch]: c channels, then zeros */
	int n, h, w, c, pitch;
	int from_h, from_w;              /* size of the images, of c channels too */
	int is_float, mixed;
	/* of the step block */
	const void *pixel;
	const struct step_view *view;
	const uint32_t *item, *partner;
	const float *lambda, *scale, *shift;
};
LAUNCHERS(launch_images, images_args);

/* elementwise.cu */
struct relu_args {
	const void *in;               /* backward: d_out */
	const void *mask;             /* backward: out */
	void *out;                    /* backward: d_in */
	size_t n;                     /* values of the batch */
	int add;
};
LAUNCHERS(launch_relu, relu_args);
LAUNCHERS(launch_relu_backward, relu_args);

struct sum_args {
	const void *in[2];
	void *out;
	size_t n;
};
LAUNCHERS(launch_sum, sum_args);

/* to[k] = factor * in, or += */
struct give_args {
	const void *in;
	void *to[2]; /* may be the same memory: then in this order */
	int add[2];
	float factor;
	size_t n;
};
LAUNCHERS(launch_give, give_args);

/* out = in * on where a unit is kept, else 0; forward, and backward from d_out to d_in. Draws: models/core/mask.h. */
struct dropout_args {
	const void *in;
	void *out;
	int n, size;      /* size: values of a sample */
	int add;
	uint32_t below;   /* kept from there */
	uint32_t purpose; /* fourth word of the counter */
	float on;
	const struct step *step;
	const uint32_t *sample;
};
LAUNCHERS(launch_dropout, dropout_args);

struct mix_args {
	const void *in;   /* backward: d_out */
	void *out;        /* backward: d_in */
	int n, size;
	int add;
	const float *lambda;
	const uint32_t *partner;
	/* backward: sample j is the partner of readers[begin[j]] .. readers[begin[j + 1] - 1], in rising order */
	uint32_t *begin, *readers; /* [n + 1], [n] */
};
LAUNCHERS(launch_mix, mix_args);
LAUNCHERS(launch_mix_backward, mix_args); /* writes begin and readers first */

/* norm.cu: sums over rows are taken in two stages, over chunks of rows and then over the chunks, by size alone. */
struct norm_args {
	const void *in, *rest;      /* rest: what is added, or NULL */
	void *out;
	size_t rows;                /* n * h * w, of c values each */
	int c, relu;
	float eps, momentum;
	const float *gamma, *beta;  /* [c] each, as all below */
	float *running_mean, *running_var;
	float *mean, *inv;          /* of the last pass; inv = 1 / sqrt(var + eps) */
	float *part[2];             /* [NORM_PART] each: scratch, [chunks][c] */
	float *sum[2];              /* backward: of d, and of d (x - mean) inv */
	const void *d_out;
	void *d_in, *d_rest;
	int add, add_rest;
	float *d_gamma, *d_beta;
	/* the launchers' own */
	int width;
	size_t chunk;
};
enum { NORM_BLOCKS = 1024, NORM_PART = NORM_BLOCKS * 256 };
LAUNCHERS(launch_norm_moments, norm_args);  /* in -> mean, inv, and the running ones */
LAUNCHERS(launch_norm_running, norm_args);  /* the running ones -> mean, inv */
LAUNCHERS(launch_norm_forward, norm_args);  /* in, rest, mean, inv -> out */
LAUNCHERS(launch_norm_sums, norm_args);     /* d_out, in, out -> sum, d_gamma, d_beta */
LAUNCHERS(launch_norm_backward, norm_args); /* d_out, in, out, sum -> d_in, d_rest */

/* pool.cu. kernel 0 is a kernel of the size of the image. */
struct pool_args {
	const void *in;               /* backward: d_out */
	void *out;                    /* backward: d_in */
	uint16_t *place;              /* [n][out] where in its window each maximum was; NULL: not kept */
	int n, c, h, w, to_h, to_w;   /* h, w: before; to_h, to_w: after */
	int kernel_h, kernel_w, stride, pad;
	int average, add;
};
LAUNCHERS(launch_pool, pool_args);
LAUNCHERS(launch_pool_backward, pool_args);

/* xent.cu: float32 in every precision. */
struct xent_args {
	const float *logits; /* [n][classes] */
	const float *target; /* [n][classes] */
	float *loss;         /* [n] */
	float *d_logits;     /* [n][classes] */
	int n, classes, bce;
	float erl;
};
LAUNCHER(launch_xent, xent_args);
LAUNCHER(launch_xent_backward, xent_args);

#endif
