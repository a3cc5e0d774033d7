/* blas: the fake cuBLAS: matrix products by columns, added up in double, queued like any work. What cuBLAS does not
 * look at and would go wrong on a device ends the program: matrices that lie elsewhere, results over factors. */
#include "queue.h"

#include <cublas_v2.h>
#include <stdlib.h>
#include <string.h>

struct cublasContext {
	cudaStream_t stream;
	cublasMath_t mode;
	int workspace; /* 1: the caller's */
};

struct gemm {
	int trans_a, trans_b, m, n, k, lda, ldb, ldc, tf32;
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

/* TF32 has 10 bits after the point. To the nearest, ties away from zero. */
static float tf32_of(float f)
{
	uint32_t bits;
	memcpy(&bits, &f, sizeof bits);
	if ((bits >> 23 & 0xff) != 0xff)
		bits = (bits + 0x1000u) & ~0x1fffu;
	memcpy(&f, &bits, sizeof f);
	return f;
}

/* Rows of op(A) and columns of op(B), as floats that lie together. */
static float *gathered(const void *p, cudaDataType type, int along, int lines, int length, int ld, int tf32)
{
	float *x = malloc((size_t)lines * (size_t)length * sizeof *x + 1);
	size_t line = along ? (size_t)ld : 1, step = along ? 1 : (size_t)ld, n = 0;
	if (!x)
		fake_die("out of memory");
	for (size_t i = 0; i < (size_t)lines; i++)
		for (size_t j = 0; j < (size_t)length; j++) {
			float v = value(p, type, i * line + j * step);
			x[n++] = tf32 ? tf32_of(v) : v;
		}
	return x;
}

static void gemm_run(const void *args)
{
	const struct gemm *g = args;
	fake_counts.gemms++;
	int k = g->alpha != 0 ? g->k : 0; /* cuBLAS reads no factors then */
	float *a = gathered(g->a, g->type_a, g->trans_a, g->m, k, g->lda, g->tf32);
	float *b = gathered(g->b, g->type_b, !g->trans_b, g->n, k, g->ldb, g->tf32);
	for (int j = 0; j < g->n; j++)
		for (int i = 0; i < g->m; i++) {
			const float *x = a + (size_t)i * (size_t)k, *y = b + (size_t)j * (size_t)k;
			size_t at = (size_t)j * (size_t)g->ldc + (size_t)i;
			double sum = 0;
			for (int l = 0; l < k; l++)
				sum += (double)x[l] * (double)y[l];
			double old = g->beta != 0 ? (double)g->beta * (double)value(g->c, g->type_c, at) : 0;
			keep(g->c, g->type_c, at, (double)g->alpha * sum + old);
		}
	free(a);
	free(b);
}

static size_t bytes_of(cudaDataType type, int rows, int columns, int ld)
{
	return ((size_t)ld * ((size_t)columns - 1) + (size_t)rows) * (type == CUDA_R_32F ? 4 : 2);
}

/* Which kinds of numbers go together, of those that cuBLAS serves: bf16 factors with either result, or all float32. */
static int served(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute)
{
	int exact = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_PEDANTIC;
	if (a == CUDA_R_16BF && b == CUDA_R_16BF)
		return exact && (c == CUDA_R_16BF || c == CUDA_R_32F);
	return a == CUDA_R_32F && b == CUDA_R_32F && c == CUDA_R_32F &&
	       (exact || compute == CUBLAS_COMPUTE_32F_FAST_TF32);
}

static void refuse_elsewhere(const struct gemm *g, int rows_a, int rows_b)
{
	size_t a = g->k ? bytes_of(g->type_a, rows_a, g->m + g->k - rows_a, g->lda) : 0;
	size_t b = g->k ? bytes_of(g->type_b, rows_b, g->n + g->k - rows_b, g->ldb) : 0;
	size_t c = bytes_of(g->type_c, g->m, g->n, g->ldc);
	if ((a && !fake_holds(g->a, a)) || (b && !fake_holds(g->b, b)) || !fake_holds(g->c, c))
		fake_die("gemm of %d x %d x %d: A (%zu bytes), B (%zu) or C (%zu) is not all device memory", g->m, g->n,
			 g->k, a, b, c);
	uintptr_t pa = (uintptr_t)g->a, pb = (uintptr_t)g->b, pc = (uintptr_t)g->c;
	if ((pa < pc + c && pc < pa + a) || (pb < pc + c && pc < pb + b))
		fake_die("gemm of %d x %d x %d: C lies over A or B", g->m, g->n, g->k);
}

cublasStatus_t cublasGemmEx(cublasHandle_t h, cublasOperation_t trans_a, cublasOperation_t trans_b, int m, int n, int k,
			    const void *alpha, const void *a, cudaDataType type_a, int lda, const void *b,
			    cudaDataType type_b, int ldb, const void *beta, void *c, cudaDataType type_c, int ldc,
			    cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
	int ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
	if (!h)
		return CUBLAS_STATUS_NOT_INITIALIZED;
	if (runtime_enter(cudaErrorUnknown))
		return CUBLAS_STATUS_EXECUTION_FAILED;
	int rows_a = ta ? k : m, rows_b = tb ? n : k;
	if (m < 0 || n < 0 || k < 0 || lda < (rows_a > 1 ? rows_a : 1) || ldb < (rows_b > 1 ? rows_b : 1) ||
	    ldc < (m > 1 ? m : 1) || !alpha || !beta)
		return CUBLAS_STATUS_INVALID_VALUE;
	if (!served(type_a, type_b, type_c, compute) || algo != CUBLAS_GEMM_DEFAULT)
		return CUBLAS_STATUS_NOT_SUPPORTED;
	if (!m || !n)
		return CUBLAS_STATUS_SUCCESS;
	int tf32 = type_a == CUDA_R_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC &&
		   (compute == CUBLAS_COMPUTE_32F_FAST_TF32 || (h->mode & 0xf) == CUBLAS_TF32_TENSOR_OP_MATH);
	struct gemm g = { ta,
			  tb,
			  m,
			  n,
			  k,
			  lda,
			  ldb,
			  ldc,
			  tf32,
			  type_a,
			  type_b,
			  type_c,
			  *(const float *)alpha,
			  *(const float *)beta,
			  a,
			  b,
			  c };
	refuse_elsewhere(&g, rows_a, rows_b);
	fake_counts.workspaces += !h->workspace;
	return fake_submit(h->stream, "gemm", gemm_run, &g, sizeof g) ? CUBLAS_STATUS_EXECUTION_FAILED
								      : CUBLAS_STATUS_SUCCESS;
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
	if (runtime_enter(cudaErrorUnknown) || capture_forbids())
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
	h->workspace = 0; /* back to its own, as cuBLAS does */
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t h, cublasMath_t mode)
{
	h->mode = mode;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t h, void *workspace, size_t bytes)
{
	if ((bytes && !fake_holds(workspace, bytes)) || (uintptr_t)workspace % 256)
		return CUBLAS_STATUS_INVALID_VALUE;
	h->workspace = bytes > 0;
	return CUBLAS_STATUS_SUCCESS;
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
