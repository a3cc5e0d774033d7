/* What the fake device computes: kernels with and without barriers, launches, and cuBLAS's products. */
#include "fixture.h"

#include <cublas_v2.h>

#ifdef __SANITIZE_THREAD__
#define RACES_SHOW 1
#else
#define RACES_SHOW 0
#endif

/* y[block]: the sum of its x. */
BLOCK_KERNEL(sums, struct pair_args)
{
	size_t i = thread_index();
	float sum = block_sum(i < a.n ? a.x[i] : 0);
	if (threadIdx.x == 0)
		a.y[blockIdx.x] = sum;
}

/* y: x in reverse within each block, through shared memory. */
BLOCK_KERNEL(mirror, struct pair_args)
{
	SHARED float kept[BLOCK];
	size_t i = thread_index();
	kept[threadIdx.x] = a.x[i];
	__syncthreads();
	a.y[i] = kept[blockDim.x - 1 - threadIdx.x];
}

BLOCK_KERNEL(unwritten, struct pair_args)
{
	SHARED float kept[BLOCK];
	a.y[thread_index()] = kept[threadIdx.x];
	__syncthreads();
	kept[threadIdx.x] = 1;
}

BLOCK_KERNEL(neighbour, struct pair_args)
{
	a.y[threadIdx.x] = shuffle_xor((float)threadIdx.x, 8);
}

/* x[0] goes from block to block: wrong on a device. */
KERNEL(in_order, struct pair_args)
{
	if (threadIdx.x == 0)
		a.y[blockIdx.x] = blockIdx.x ? a.y[blockIdx.x - 1] + 1 : 0;
}

static void test_kernels(void **state)
{
	(void)state;
	cudaStream_t s = stream_new();
	float *x = device_new(1024), *y = device_new(1024), *host = pinned_new(1024, 0);
	struct pair_args a = { x, y, N, 1 };
	CUDA(up(x, host, 1024, s));
	CUDA(LAUNCH(sums, blocks_for(N), 1, BLOCK, s, &a));
	for (size_t b = 0; b < 4; b++) {
		size_t from = b * BLOCK, to = from + BLOCK < N ? from + BLOCK : N;
		assert_true(at(y, b, s) == (float)((from + to - 1) * (to - from) / 2));
	}
	CUDA(LAUNCH(mirror, 4, 1, BLOCK, s, &a));
	for (size_t i = 0; i < 1024; i++)
		assert_true(at(y, i, s) == (float)(i / BLOCK * BLOCK + BLOCK - 1 - i % BLOCK));
	CUDA(LAUNCH(unwritten, 4, 1, BLOCK, s, &a));
	for (size_t i = 0; i < 1024; i += 100)
		assert_true(isnan(at(y, i, s)));
	CUDA(LAUNCH(neighbour, 1, 1, 40, s, &a)); /* the second warp has 8 lanes: none has its partner */
	for (size_t i = 0; i < 40; i++)
		assert_true(i < 32 ? at(y, i, s) == (float)(i ^ 8) : isnan(at(y, i, s)));
	/* What lies between the members of an argument is no pointer, whatever it was before. */
	struct pair_args padded = { x, y, 1, 0 };
	static float ours;
	const void *p = &ours;
	memcpy((unsigned char *)&padded + offsetof(struct pair_args, by), &p, sizeof p);
	if (scale_host.tidy)
		CUDA(LAUNCH(scale, 1, 1, 32, s, &padded));
	int in_sequence = 0;
	for (uint64_t seed = 0; seed < SEEDS && !RACES_SHOW; seed++) {
		fake_seed(seed);
		CUDA(cudaMemsetAsync(y, 0, 4 * sizeof *y, s));
		CUDA(LAUNCH(in_order, 4, 1, 32, s, &a));
		in_sequence += at(y, 3, s) == 3;
	}
	assert_true(RACES_SHOW || (in_sequence > 0 && in_sequence < SEEDS));
	assert_int_equal(LAUNCH(scale, 0, 1, BLOCK, s, &a), cudaErrorInvalidConfiguration);
	assert_int_equal(LAUNCH(scale, 1, 65536, BLOCK, s, &a), cudaErrorInvalidConfiguration);
	assert_int_equal(LAUNCH(scale, 1, 1, 1025, s, &a), cudaErrorInvalidConfiguration);
	assert_int_equal(cudaMemsetAsync(x, 0, 4097, s), cudaErrorInvalidValue);
	assert_int_equal(LAUNCH(scale, 1, 1, 32, s, &a), cudaErrorInvalidValue); /* the one before */
	CUDA(LAUNCH(scale, 1, 1, 32, s, &a));
	CUDA(cudaFree(x));
	CUDA(cudaFree(y));
	CUDA(cudaFreeHost(host));
	CUDA(cudaStreamDestroy(s));
}

static uint16_t bf16(float f)
{
	uint32_t bits;
	memcpy(&bits, &f, 4);
	return (uint16_t)(bits >> 16);
}

static void blas_product(const float *a, const float *b, float *c)
{
	const float one = 1, none = 0;
	cublasHandle_t h;
	cublasCreate_v2(&h);
	cublasSetStream_v2(h, stream_new());
	cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, a, 2, b, 2, &none, c, 2);
}
static void product_of_host(void)
{
	static const float host[4];
	blas_product(host, device_new(4), device_new(4));
}
static void product_over_itself(void)
{
	float *x = device_new(8);
	blas_product(x, device_new(4), x + 3);
}

static void test_products(void **state)
{
	(void)state;
	cudaStream_t s = stream_new();
	cublasHandle_t h;
	float *a = device_new(64), *b = device_new(64), *c = device_new(64), *host = pinned_new(64, 1);
	float one = 1, none = 0, half = 0.5f;
	assert_int_equal(cublasCreate_v2(&h), CUBLAS_STATUS_SUCCESS);
	cublasSetStream_v2(h, s);
	CUDA(up(a, host, 64, s));
	CUDA(up(b, host, 64, s));
	/* A: 2 x 3 in columns of 4, B: 3 x 2 in columns of 3 */
	assert_int_equal(cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, a, 4, b, 3, &none, c, 2), 0);
	assert_true(at(c, 0, s) == 1 * 1 + 5 * 2 + 9 * 3 && at(c, 3, s) == 2 * 4 + 6 * 5 + 10 * 6);
	assert_int_equal(cublasSgemm_v2(h, CUBLAS_OP_T, CUBLAS_OP_T, 2, 2, 3, &half, a, 4, b, 3, &one, c, 2), 0);
	assert_true(at(c, 1, s) == 44 + (5 * 1 + 6 * 4 + 7 * 7) / 2.0f);
	/* no factor is read for nothing */
	CUDA(cudaMemsetAsync(a, 0xff, 64 * sizeof *a, s));
	assert_int_equal(cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &none, a, 4, b, 3, &half, c, 2), 0);
	assert_true(at(c, 0, s) == (38 + (1 * 1 + 2 * 4 + 3 * 7) / 2.0f) / 2);
	/* whose workspace */
	long own = fake_counts.workspaces;
	assert_int_equal(cublasSetWorkspace_v2(h, b, 64), CUBLAS_STATUS_SUCCESS);
	cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, b, 1, &none, c, 1);
	assert_int_equal(fake_counts.workspaces, own);
	cublasSetStream_v2(h, s);
	cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, b, 1, &none, c, 1);
	assert_int_equal(fake_counts.workspaces, own + 1);
	dies(product_of_host, "gemm of 2 x 2 x 2: A (16 bytes), B (16) or C (16) is not all device memory");
	dies(product_over_itself, "C lies over A or B");
	/* refusals */
	static const int bad[][6] = {
		{ 2, 2, 3, 1, 3, 2 }, { 2, 2, 3, 4, 2, 2 }, { 2, 2, 3, 4, 3, 1 }, { -1, 2, 3, 4, 3, 2 }
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const int *z = bad[i];
		assert_int_equal(cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, z[0], z[1], z[2], &one, a, z[3], b, z[4],
						&none, c, z[5]),
				 CUBLAS_STATUS_INVALID_VALUE);
	}
	assert_int_equal(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, CUDA_R_16BF, 1, b, CUDA_R_32F, 1,
				      &none, c, CUDA_R_32F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
			 CUBLAS_STATUS_NOT_SUPPORTED);
	/* TF32 has 10 bits */
	host[0] = 1 + 0x1p-12f;
	CUDA(up(a, host, 1, s));
	cublasSetMathMode(h, CUBLAS_TF32_TENSOR_OP_MATH);
	cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, b, 1, &none, c, 1);
	assert_true(at(c, 0, s) == 1);
	cublasSetMathMode(h, CUBLAS_DEFAULT_MATH);
	cublasSgemm_v2(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, b, 1, &none, c, 1);
	assert_true(at(c, 0, s) == host[0]);
	/* bf16, rounded to the nearest */
	uint16_t *narrow = (uint16_t *)(void *)host, got[2];
	narrow[0] = bf16(3), narrow[1] = bf16(1 + 3 * 0x1p-7f);
	CUDA(up(a, host, 1, s));
	assert_int_equal(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 2, 1, &one, a, CUDA_R_16BF, 1, a, CUDA_R_16BF, 1,
				      &none, c, CUDA_R_16BF, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
			 0);
	CUDA(cudaMemcpyAsync(got, c, sizeof got, cudaMemcpyDeviceToHost, s));
	assert_int_equal(got[0], bf16(9));
	assert_int_equal(got[1], bf16(3 + 4 * 0x1p-6f)); /* 3 + 4.5 * 0x1p-6, a tie, to even */
	cublasDestroy_v2(h);
	CUDA(cudaFree(a));
	CUDA(cudaFree(b));
	CUDA(cudaFree(c));
	CUDA(cudaFreeHost(host));
	CUDA(cudaStreamDestroy(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_products),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
