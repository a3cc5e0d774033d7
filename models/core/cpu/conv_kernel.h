/* conv_kernel: the convolution of a fixed number of images, done by the calling thread alone. Two make them: winograd.c
 * for 3x3 windows, and for all others onednn.c or, where that library is missing, im2col.c. Cutting work, threads and
 * summing over shards are conv.c's. Private to core/cpu.
 *
 * A kernel chooses how it wants the weights laid out. Whatever it chooses, the place of (group, o, i, tap) is a sum of
 * one term for each: offset(group, o, i, tap) = group[] + o[] + i[] + tap[], so four short tables describe it.
 * Winograd's layout is not a permutation; its kernels bring functions of their own. */
#ifndef VIC_CONV_KERNEL_H
#define VIC_CONV_KERNEL_H

#include "cpu.h"

enum conv_kind {
	CONV_FORWARD,
	CONV_DATA /* gradient of the input */,
	CONV_WEIGHT /* of weight and bias */,
	CONV_KINDS
};

struct conv_shape {
	struct shape in, out; /* of one image, all groups */
	int kernel, stride, pad, groups, bias;
};

struct conv_layout {
	size_t floats;    /* of the weights in this layout, >= their number */
	int padded;       /* 1: some positions belong to no weight; they must be 0 */
	/* terms of the place: [groups], [out / groups], [in / groups], [kernel * kernel] */
	uint32_t *group, *o, *i, *tap;
};

/* Arrays are NHWC. FORWARD reads in, weight, bias and writes out; DATA reads out (its gradient) and weight and writes
 * in; WEIGHT reads in and out and writes weight and bias. bias only where the shape has one. */
struct conv_io {
	void *in, *weight, *bias, *out, *scratch;
	int add; /* DATA: add to `in`; only where the kernel says that it does */
};

struct conv_engine;
int conv_engine_open(struct conv_engine **e, int workers, struct err *err) VIC_CHECKED;
void conv_engine_close(struct conv_engine *e); /* NULL is fine */

/* What every kernel begins with. */
struct conv_kernel {
	enum conv_kind kind;
	struct conv_shape shape;
	int n;
	struct conv_layout layout;
	int adds;       /* 1: DATA obeys io.add */
	int parts;      /* of a call, each by itself a share of the channels */
	size_t scratch; /* bytes of io.scratch, 64-byte aligned */
	const char *name;
	/* Any number of workers may run one kernel at a time, each under its own number. All parts have the same io but
	 * scratch. */
	int (*run)(const struct conv_kernel *k, int part, int worker, const struct conv_io *io, struct err *err);
	/* Weights go to the kernel's layout, and its gradients back to OIHW, in so many pieces, each by itself: OIHW
	 * weights to `to`; partial sums, [shards] at a distance of `stride` floats, to the OIHW gradient `to`. */
	int pieces;
	void (*lay_out)(const struct conv_kernel *k, const float *weight, int piece, float *to);
	void (*sum)(const struct conv_kernel *k, const float *partial, int shards, size_t stride, int piece, float *to);
	void (*close)(struct conv_kernel *k);
};
/* A kernel for n images. like: whose weight layout it shares, or NULL to choose. */
int conv_kernel_open(struct conv_kernel **k, struct conv_engine *e, enum conv_kind kind, const struct conv_shape *shape,
		     int n, const struct conv_kernel *like, struct err *err) VIC_CHECKED;
/* Pairs of channels from which on Winograd's kernels come in parts, and shards should be few: each reads all
 * weights. */
enum { MANY_WEIGHTS = 256 * 256 };
int winograd_serves(const struct conv_shape *shape);
int winograd_open(struct conv_kernel **k, enum conv_kind kind, const struct conv_shape *shape, int n,
		  struct err *err) VIC_CHECKED;
/* Its lay_out and sum; a piece is a block of 16 channels. */
void winograd_lay_out(const struct conv_kernel *k, const float *weight, int block, float *to);
void winograd_sum(const struct conv_kernel *k, const float *partial, int shards, size_t stride, int block, float *to);

/* For those who fill this: tables of the right lengths, zeros. */
int conv_layout_open(struct conv_layout *l, const struct conv_shape *s, struct err *err) VIC_CHECKED;
void conv_layout_close(struct conv_layout *l);
/* lay_out and sum by those tables; a piece is an output channel. */
void conv_layout_put(const struct conv_kernel *k, const float *weight, int o, float *to);
void conv_layout_sum(const struct conv_kernel *k, const float *partial, int shards, size_t stride, int o, float *to);

#endif
