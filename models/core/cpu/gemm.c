/* oneDNN's sgemm was the faster of the two on the sizes of Kim-CNN (docs/PERFORMANCE.md); a BLAS serves where it is missing. */
#include "cpu.h"

#include <stdio.h>
#include <string.h>

#ifdef VIC_ONEDNN
#include "onednn_api.h"
#else
#include <cblas.h>
#endif

static void gemm(char ta, char tb, int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
#ifdef VIC_ONEDNN
	one_thread();
	dnnl_sgemm(ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
#else
#ifdef OPENBLAS_VERSION
	static _Thread_local int once;
	if (!once) {
		openblas_set_num_threads(1);
		once = 1;
	}
#endif
	cblas_sgemm(CblasRowMajor, ta == 'T' ? CblasTrans : CblasNoTrans, tb == 'T' ? CblasTrans : CblasNoTrans, m, n, k, 1, a,
		    lda, b, ldb, 0, c, ldc);
#endif
}

void gemm_nt(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
	gemm('N', 'T', m, n, k, a, lda, b, ldb, c, ldc);
}

void gemm_nn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
	gemm('N', 'N', m, n, k, a, lda, b, ldb, c, ldc);
}

void gemm_tn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
	gemm('T', 'N', m, n, k, a, lda, b, ldb, c, ldc);
}

void gemm_engine(char *text, size_t size)
{
#ifdef VIC_ONEDNN
	const dnnl_version_t *v = dnnl_version();
	snprintf(text, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
#elif defined(OPENBLAS_VERSION)
	const char *config = openblas_get_config(); /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
	size_t name = strcspn(config, " "), version = strcspn(config + name + !!config[name], " ");
	snprintf(text, size, "%.*s", (int)(name + !!config[name] + version), config);
#else
	snprintf(text, size, "BLAS");
#endif
}
