/* cpu: the default backend. Vectors of 16 floats are written with GCC's vector types and compiled once for each
 * instruction set (plugins.mk), matrix products go to oneDNN (or a BLAS), one thread a product; threads share the work
 * by tasks whose cut depends on sizes alone, so every thread count gives the same bytes. */
#ifndef VIC_CPU_H
#define VIC_CPU_H

#include "models/core/backend.h"
#include "pipeline/base/pool.h"

struct backend_ctx {
	struct pool *pool;
	uint32_t *row_of; /* update of a table by a dense rule: gradient row + 1 of each table row, or 0 */
	size_t row_of_cap;
	struct conv_shared *conv; /* what all convolutions share, or NULL */
	char engine[128], text[160]; /* without and with the threads */
};

enum { LANES = 16 };
typedef float vec __attribute__((vector_size(64)));
typedef float uvec __attribute__((vector_size(64), aligned(4))); /* at any address */

static inline int round16(int n)
{
	return (n + 15) & ~15;
}

/* C[m][n] = A[m][k] B[n][k]^T and friends; row-major with leading dimensions; the calling thread does all of it. -1: no
 * memory for it. */
int gemm_nt(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc) VIC_CHECKED;
int gemm_nn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc) VIC_CHECKED;
int gemm_tn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc) VIC_CHECKED;
/* A row of a product has the same bytes whatever other rows there are when m is a multiple of this: kernels take 4, 6
 * or 8 rows at once, and with AVX2 what is left over is summed in another order. */
enum { GEMM_WHOLE = 24 };
static inline size_t gemm_whole(size_t rows)
{
	return (rows + GEMM_WHOLE - 1) / GEMM_WHOLE * GEMM_WHOLE;
}
/* Before the first product: makes what products need, while the failure of that can still be told. */
int gemm_ready(struct err *err) VIC_CHECKED;
/* The library and its version, as it was loaded: "oneDNN 2.6.3". */
void gemm_engine(char *text, size_t size);

/* Vectors as wide as the registers are. GCC keeps wider ones in memory where their loops grow: the ops of images took
 * two to five times as long without 512-bit registers. */
#if defined(__AVX512F__)
enum { NATIVE = 16 };
#elif defined(__AVX2__)
enum { NATIVE = 8 };
#else
enum { NATIVE = 4 };
#endif
typedef float nvec __attribute__((vector_size(NATIVE * sizeof(float))));
typedef int32_t nivec __attribute__((vector_size(NATIVE * sizeof(float))));
typedef float unvec __attribute__((vector_size(NATIVE * sizeof(float)), aligned(4))); /* at any address */

static inline nvec splat(float x)
{
	return x - (nvec){ 0 };
}

/* a where mask is all ones, b where it is 0. */
static inline nvec pick(nivec mask, nvec a, nvec b)
{
	return (nvec)((mask & (nivec)a) | (~mask & (nivec)b));
}

/* max(0, x); a NaN stays one. */
static inline nvec relu(nvec x)
{
	return pick(x <= splat(0), splat(0), x);
}

/* An op's part of backend.prepare, forward and backward. A state that is not one block of memory has its
 * *_unprepare. */
typedef int op_prepare(struct backend_ctx *ctx, const struct op *op, const struct graph *g, int max_n, int training,
		       void **state, struct err *err);
typedef int op_pass(struct backend_ctx *ctx, const struct op_call *c, struct err *err);
op_prepare wordconv_prepare, conv_prepare, norm_prepare;
void wordconv_unprepare(void *state);
void conv_unprepare(void *state);
void norm_unprepare(void *state);
void images_unprepare(void *state);
op_prepare dropout_prepare;  /* kept units, [max_n][size] bytes */
op_prepare pool_prepare; /* where in its window each maximum is, uint16_t [max_n][out] */
op_prepare images_prepare;   /* scratch of each worker */
op_pass wordconv_forward, wordconv_backward, conv_forward, conv_backward,
	norm_forward, norm_backward, dropout_forward, dropout_backward,
	linear_forward, linear_backward, pool_forward, pool_backward,
	relu_forward, relu_backward, add_forward, add_backward,
	mix_forward, mix_backward, images_forward;
void conv_shared_close(struct conv_shared *s); /* NULL is fine */

int cpu_squares(struct backend_ctx *ctx, const struct param *p, int n_rows, double *sum, struct err *err) VIC_CHECKED;
int cpu_average(struct backend_ctx *ctx, float *average, const float *w, size_t n, double rate, struct err *err)
	VIC_CHECKED;
int cpu_update(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
	       struct err *err) VIC_CHECKED;

#endif
