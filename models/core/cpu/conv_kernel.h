/* conv_kernel: the convolution of a fixed number of pictures, done by the calling thread alone. onednn.c fills this; where the
 * library is missing, im2col.c. Everything about cutting work, threads and summing is conv.c's. Private to core/cpu.
 *
 * A kernel chooses how it wants the weights laid out. Whatever it chooses, the place of weight (group, o, i, tap) is a sum of one
 * term for each, so four short tables describe it. */
#ifndef VIC_CONV_KERNEL_H
#define VIC_CONV_KERNEL_H

#include "cpu.h"

enum conv_kind { CONV_FORWARD, CONV_DATA /* gradient of the input */, CONV_WEIGHT /* of weight and bias */, CONV_KINDS };

struct conv_shape {
	struct shape in, out; /* of one picture, all groups */
	int kernel, stride, pad, groups, bias;
};

struct conv_layout {
	size_t floats;    /* of the weights in this layout, >= their number */
	int padded;       /* 1: some places belong to no weight; they must be 0 */
	uint32_t *group, *o, *i, *tap; /* terms of the place: [groups], [out / groups], [in / groups], [kernel * kernel] */
};

/* Arrays are NHWC. FORWARD reads in, weight, bias and writes out; DATA reads out (its gradient) and weight and writes in;
 * WEIGHT reads in and out and writes weight and bias. bias only where the shape has one. */
struct conv_io {
	void *in, *weight, *bias, *out, *scratch;
};

struct conv_engine;
int conv_engine_open(struct conv_engine **e, int workers, struct err *err) VIC_CHECKED;
void conv_engine_close(struct conv_engine *e); /* NULL is fine */

struct conv_kernel;
/* A kernel for n pictures. like: whose weight layout it shares, or NULL to choose. */
int conv_kernel_open(struct conv_kernel **k, struct conv_engine *e, enum conv_kind kind, const struct conv_shape *shape, int n,
		     const struct conv_kernel *like, struct err *err) VIC_CHECKED;
void conv_kernel_close(struct conv_kernel *k); /* NULL is fine */
const struct conv_layout *conv_kernel_layout(const struct conv_kernel *k);
size_t conv_kernel_scratch(const struct conv_kernel *k); /* bytes of io.scratch, 64-byte aligned */
const char *conv_kernel_name(const struct conv_kernel *k);
/* Any number of workers may run one kernel at a time, each under its own number. */
int conv_kernel_run(const struct conv_kernel *k, int worker, const struct conv_io *io, struct err *err) VIC_CHECKED;

/* For those who fill this: tables of the right lengths, zeros. */
int conv_layout_open(struct conv_layout *l, const struct conv_shape *s, struct err *err) VIC_CHECKED;
void conv_layout_close(struct conv_layout *l);

#endif
