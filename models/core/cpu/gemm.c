/* oneDNN's sgemm was the faster of the two on the sizes of Kim-CNN (docs/PERFORMANCE.md); a BLAS serves where it is
 * missing. */
#include "cpu.h"

#include "pipeline/base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
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
	return dnnl_sgemm(p->ta, p->tb, p->m, p->n, p->k, 1, p->a, p->lda, p->b, p->ldb, 0, p->c, p->ldc) ==
			       dnnl_success
		       ? 0
		       : -1;
}
#endif

#ifndef VIC_ONEDNN
/* A BLAS may add in another order in small products than in large ones, and from row to row: OpenBLAS's kernel for AVX2
 * does from one six rows to the next. A record's numbers would then depend on its place in the batch. So products go in
 * steps of this many rows, of which GEMM_WHOLE is a multiple; look_alike finds the largest in which equal rows have
 * equal products. */
static atomic_int rows_alike = GEMM_WHOLE;
#endif

/* oneDNN makes its kernels when they are first asked for, and its own memory may be missing then. */
static int gemm(char ta, char tb, int m, int n, int k, const float *a, int lda, const float *b, int ldb, float *c,
		int ldc)
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
	int step = ta == 'N' && m > rows_alike ? rows_alike : m;
	for (int from = 0; from < m; from += step)
		cblas_sgemm(CblasRowMajor, ta == 'T' ? CblasTrans : CblasNoTrans, tb == 'T' ? CblasTrans : CblasNoTrans,
			    m - from < step ? m - from : step, n, k, 1, a + (size_t)from * (size_t)lda, lda, b, ldb, 0,
			    c + (size_t)from * (size_t)ldc, ldc);
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

#ifndef VIC_ONEDNN
static int are_alike(int rows, int columns, int depth, char tb, float *x, float *w, float *y)
{
	for (int i = 0; i < rows * depth; i++)
		x[i] = 1.0f / (float)(3 + 7 * (i % depth) % 101);
	for (int i = 0; i < columns * depth; i++)
		w[i] = (float)(i % 2 ? -1 : 1) / (float)(1 + 5 * i % 97);
	if (gemm('N', tb, rows, columns, depth, x, depth, w, tb == 'T' ? depth : columns, y, columns))
		return 0;
	for (int r = 1; r < rows; r++)
		if (memcmp(y, y + (size_t)r * (size_t)columns, (size_t)columns * sizeof *y))
			return 0;
	return 1;
}

static int look_alike(struct err *err)
{
	static const int steps[] = { GEMM_WHOLE, 12, 8, 6, 4, 2, 1 }, columns[] = { 1, 2, 3, 10, 16, 17, 100 };
	static const int depths[] = { 8, 50, 300, 301 };
	enum { MOST = 301 * 100 };
	float *room;
	if (mem_alloc(&room, 3 * MOST, sizeof *room, err))
		return -1;
	for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
		int alike = 1;
		atomic_store(&rows_alike, GEMM_WHOLE);
		for (size_t c = 0; c < sizeof columns / sizeof *columns && alike; c++)
			for (size_t d = 0; d < sizeof depths / sizeof *depths && alike; d++)
				alike = are_alike(steps[s], columns[c], depths[d], 'N', room, room + MOST,
						  room + 2 * MOST) &&
					are_alike(steps[s], columns[c], depths[d], 'T', room, room + MOST,
						  room + 2 * MOST);
		atomic_store(&rows_alike, steps[s]);
		if (alike)
			break;
	}
	free(room);
	return 0;
}
#endif

int gemm_ready(struct err *err)
{
	enum { ROOM = 64 << 20 };
	float one = 1, product;
	/* What cannot be had is better asked for here: oneDNN ends the program, from inside, where it has no memory for
	 * its tables. */
	void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return err_sys(err, "the cpu backend needs %d MiB of memory beside the data", ROOM >> 20);
	munmap(room, ROOM);
#ifndef VIC_ONEDNN
	if (look_alike(err))
		return -1;
#endif
	return gemm_nn(1, 1, 1, &one, 1, &one, 1, &product, 1) || gemm_nt(1, 1, 1, &one, 1, &one, 1, &product, 1)
		       ? err_memory(err)
		       : 0;
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
