/* cpu: the default backend. Vectors of 16 floats are written with GCC's vector types and compiled once for each instruction set
 * (plugins.mk), matrix products go to oneDNN (or a BLAS), one thread a product; threads share the work by tasks whose cut
 * depends on sizes alone, so every thread count gives the same bytes. */
#ifndef VIC_CPU_H
#define VIC_CPU_H

#include "../backend.h"
#include "pipeline/pool.h"

struct backend_ctx {
	struct pool *pool;
	uint32_t *row_of; /* update of a table by a dense rule: gradient row + 1 of each table row, or 0 */
	size_t row_of_cap;
	char text[256];
};

enum { LANES = 16 };
typedef float vec __attribute__((vector_size(64)));
typedef int32_t ivec __attribute__((vector_size(64)));
typedef float uvec __attribute__((vector_size(64), aligned(4))); /* at any address */

static inline int round16(int n)
{
	return (n + 15) & ~15;
}

/* C[m][n] = A[m][k] B[n][k]^T and friends; row-major with leading dimensions; the calling thread does all of it. */
void gemm_nt(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc);
void gemm_nn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc);
void gemm_tn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc);
const char *gemm_engine(void);

struct wordconv;
int wordconv_open(struct wordconv **s, const struct op *op, const struct graph *g, int max_n, int training, struct err *err)
	VIC_CHECKED;
void wordconv_close(struct wordconv *s);
int wordconv_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;
int wordconv_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;

/* state: kept units, [max_n][size] bytes */
int dropout_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;
int dropout_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;
int linear_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;
int linear_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err) VIC_CHECKED;
int cpu_update(struct backend_ctx *ctx, struct param *p, const struct update *u, const uint32_t *rows, int n_rows,
	       struct err *err) VIC_CHECKED;

#endif
