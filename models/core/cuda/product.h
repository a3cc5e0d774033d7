/* product: matrix products by cuBLAS, queued on the stream. Private to core/cuda. */
#ifndef VIC_CUDA_PRODUCT_H
#define VIC_CUDA_PRODUCT_H

#include "cuda.h"

/* c [m][n] = a [m][k] b [k][n] + beta c, row-major, device memory. Sums are of float32; products of float32 have 10
 * bits where the context's precision is not PRECISION_FLOAT32. */
struct product {
	int m, n, k;
	const void *a, *b;
	void *c;
	int a_across, b_across;           /* stored the other way: a as [k][m], b as [n][k] */
	int a_stride, b_stride, c_stride; /* elements from one row, as stored, to the next; 0: nothing between */
	float beta;                       /* 0: c is not read */
	cudaDataType_t type, c_type;      /* of a and b, of c; 0 is CUDA_R_32F */
};
int product(struct backend_ctx *ctx, const struct product *p, struct err *err) VIC_CHECKED;

#endif
