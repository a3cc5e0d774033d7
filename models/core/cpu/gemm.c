/* oneDNN's sgemm was the faster of the two on the sizes of Kim-CNN (docs/PERFORMANCE.md); a BLAS serves where it is missing. */
#include "cpu.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef VIC_ONEDNN
#include "onednn_api.h"
#include "onednn_guard.h"
#else
#include <cblas.h>
#endif

#ifdef VIC_ONEDNN
struct product {
	char ta, tb;
	int m, n, k, lda, ldb, ldc;
	const float *a, *b;
	float *c;
};

static int multiply(void *arg, struct err *err)
{
	const struct product *p = arg;
	(void)err;
	return dnnl_sgemm(p->ta, p->tb, p->m, p->n, p->k, 1, p->a, p->lda, p->b, p->ldb, 0, p->c, p->ldc) == dnnl_success ? 0 : -1;
}
#endif

/* oneDNN makes its kernels when they are first asked for, and its own memory may be missing then. */
static int gemm(char ta, char tb, int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
#ifdef VIC_ONEDNN
	one_thread();
	struct err unsaid; /* the caller says what it wanted */
	return onednn_guarded(multiply, &(struct product){ ta, tb, m, n, k, lda, ldb, ldc, a, b, c }, &unsaid);
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
	return 0;
#endif
}

int gemm_nt(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
	return gemm('N', 'T', m, n, k, a, lda, b, ldb, c, ldc);
}

int gemm_nn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
	return gemm('N', 'N', m, n, k, a, lda, b, ldb, c, ldc);
}

int gemm_tn(int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c, int ldc)
{
	return gemm('T', 'N', m, n, k, a, lda, b, ldb, c, ldc);
}

int gemm_ready(struct err *err)
{
	enum { ROOM = 64 << 20 };
	float one = 1, product;
	/* What cannot be had is better asked for here: oneDNN ends the program, from inside, where it has no memory for its tables. */
	void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return err_sys(err, "the cpu backend needs %d MiB of memory beside the data", ROOM >> 20);
	munmap(room, ROOM);
	return gemm_nn(1, 1, 1, &one, 1, &one, 1, &product, 1) || gemm_nt(1, 1, 1, &one, 1, &one, 1, &product, 1) ? err_memory(err) : 0;
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
