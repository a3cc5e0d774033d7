/* blas: the fake cuBLAS: matrix products by columns, added up in double, queued like any work. */
#include "queue.h"

#include <cublas_v2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cublasContext {
	cudaStream_t stream;
	cublasMath_t mode;
};

struct gemm {
	int trans_a, trans_b, m, n, k, lda, ldb, ldc;
	cudaDataType type_a, type_b, type_c;
	float alpha, beta;
	const void *a, *b;
	void *c;
};

static float value(const void *p, cudaDataType type, size_t i)
{
	float f;
	uint32_t bits;
	if (type == CUDA_R_32F)
		return ((const float *)p)[i];
	bits = (uint32_t)((const uint16_t *)p)[i] << 16;
	memcpy(&f, &bits, sizeof f);
	return f;
}

/* To the nearest, ties to even. */
static void keep(void *p, cudaDataType type, size_t i, double v)
{
	float f = (float)v;
	uint32_t bits;
	if (type == CUDA_R_32F) {
		((float *)p)[i] = f;
		return;
	}
	memcpy(&bits, &f, sizeof bits);
	uint32_t up = bits + 0x7fffu + (bits >> 16 & 1u);
	((uint16_t *)p)[i] = (uint16_t)(f != f ? (bits >> 16 | 0x40u) : up >> 16);
}

/* Rows of op(A) and columns of op(B), as floats that lie together. */
static float *gathered(const void *p, cudaDataType type, int along, int lines, int length, int ld)
{
	float *x = malloc((size_t)lines * (size_t)length * sizeof *x + 1);
	if (!x)
		fake_die("out of memory");
	for (int i = 0; i < lines; i++)
		for (int j = 0; j < length; j++)
			x[(size_t)i * (size_t)length + (size_t)j] =
				value(p, type, along ? (size_t)i * (size_t)ld + (size_t)j : (size_t)j * (size_t)ld + (size_t)i);
	return x;
}

static void gemm_run(const void *args)
{
	const struct gemm *g = args;
	fake_counts.gemms++;
	float *a = gathered(g->a, g->type_a, g->trans_a, g->m, g->k, g->lda);
	float *b = gathered(g->b, g->type_b, !g->trans_b, g->n, g->k, g->ldb);
	for (int j = 0; j < g->n; j++)
		for (int i = 0; i < g->m; i++) {
			const float *x = a + (size_t)i * (size_t)g->k, *y = b + (size_t)j * (size_t)g->k;
			size_t at = (size_t)j * (size_t)g->ldc + (size_t)i;
			double sum = 0;
			for (int l = 0; l < g->k; l++)
				sum += (double)x[l] * (double)y[l];
			double old = g->beta != 0 ? (double)g->beta * (double)value(g->c, g->type_c, at) : 0;
			keep(g->c, g->type_c, at, (double)g->alpha * sum + old);
		}
	free(a);
	free(b);
}

cublasStatus_t cublasGemmEx(cublasHandle_t h, cublasOperation_t trans_a, cublasOperation_t trans_b, int m, int n, int k,
			    const void *alpha, const void *a, cudaDataType type_a, int lda, const void *b,
			    cudaDataType type_b, int ldb, const void *beta, void *c, cudaDataType type_c, int ldc,
			    cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
	(void)algo;
	int ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
	if (!h)
		return CUBLAS_STATUS_NOT_INITIALIZED;
	if (runtime_enter())
		return CUBLAS_STATUS_EXECUTION_FAILED;
	int rows_a = ta ? k : m, rows_b = tb ? n : k;
	if (m < 0 || n < 0 || k < 0 || lda < (rows_a > 1 ? rows_a : 1) || ldb < (rows_b > 1 ? rows_b : 1) ||
	    ldc < (m > 1 ? m : 1) || !alpha || !beta)
		return CUBLAS_STATUS_INVALID_VALUE;
	(void)compute;
	if (!m || !n)
		return CUBLAS_STATUS_SUCCESS;
	struct gemm g = { ta, tb, m, n, k, lda, ldb, ldc, type_a, type_b, type_c, *(const float *)alpha,
			  *(const float *)beta, a, b, c };
	return fake_submit(h->stream, "gemm", gemm_run, &g, sizeof g) ? CUBLAS_STATUS_EXECUTION_FAILED :
									CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t trans_a, cublasOperation_t trans_b, int m, int n,
			      int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
			      const float *beta, float *c, int ldc)
{
	return cublasGemmEx(h, trans_a, trans_b, m, n, k, alpha, a, CUDA_R_32F, lda, b, CUDA_R_32F, ldb, beta, c,
			    CUDA_R_32F, ldc, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
}

cublasStatus_t cublasCreate_v2(cublasHandle_t *h)
{
	*h = NULL;
	if (runtime_enter() || capture_forbids())
		return CUBLAS_STATUS_NOT_INITIALIZED;
	*h = calloc(1, sizeof **h);
	return *h ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t h)
{
	free(h);
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t h, cudaStream_t s)
{
	h->stream = s;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t h, cublasMath_t mode)
{
	h->mode = mode;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t h, void *workspace, size_t bytes)
{
	(void)h;
	return !bytes || fake_holds(workspace, bytes) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int *v)
{
	static const int version[] = { CUBLAS_VER_MAJOR, CUBLAS_VER_MINOR, CUBLAS_VER_PATCH };
	if ((unsigned)type > 2)
		return CUBLAS_STATUS_INVALID_VALUE;
	*v = version[type];
	return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t s)
{
	switch (s) {
	case CUBLAS_STATUS_SUCCESS:
		return "CUBLAS_STATUS_SUCCESS";
	case CUBLAS_STATUS_NOT_INITIALIZED:
		return "CUBLAS_STATUS_NOT_INITIALIZED";
	case CUBLAS_STATUS_ALLOC_FAILED:
		return "CUBLAS_STATUS_ALLOC_FAILED";
	case CUBLAS_STATUS_INVALID_VALUE:
		return "CUBLAS_STATUS_INVALID_VALUE";
	case CUBLAS_STATUS_NOT_SUPPORTED:
		return "CUBLAS_STATUS_NOT_SUPPORTED";
	case CUBLAS_STATUS_EXECUTION_FAILED:
		return "CUBLAS_STATUS_EXECUTION_FAILED";
	default:
		return "a status without a name here";
	}
}
