/* kernels_conv: launchers of layout.cu: filters between their two layouts, biases and their gradients. Each takes
 * values that are stored as float (_f32) or bfloat16 (_bf16), and returns 0 or a cudaError_t. Read by both
 * compilers. */
#ifndef VIC_CUDA_KERNELS_CONV_H
#define VIC_CUDA_KERNELS_CONV_H

#include <cuda_runtime_api.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Parameters have filters [out][in][places] of float (in: channels of a group); cuDNN has them [out][places][pitch], of
 * the type of values, where the pitch - in channels beyond are zeros. pack: from parameters to cuDNN's; unpack: back,
 * without those. */
struct filter_args {
	const void *from;
	void *to;
	size_t out;
	int in, places, pitch;
};
int launch_filter_pack_f32(const struct filter_args *a, cudaStream_t stream);
int launch_filter_pack_bf16(const struct filter_args *a, cudaStream_t stream);
int launch_filter_unpack_f32(const struct filter_args *a, cudaStream_t stream);
int launch_filter_unpack_bf16(const struct filter_args *a, cudaStream_t stream);

/* out [rows][columns] += bias [columns] */
struct bias_args {
	void *out;
	const float *bias;
	size_t rows, columns;
};
int launch_bias_f32(const struct bias_args *a, cudaStream_t stream);
int launch_bias_bf16(const struct bias_args *a, cudaStream_t stream);

/* sum [columns] of from [rows][columns], over `part` [column_parts(rows)][columns]: the rows are summed up in parts,
 * then the parts; the order depends on the number of rows alone. */
struct column_args {
	const void *from;
	float *part, *sum;
	size_t rows, columns;
};
int launch_column_sum_f32(const struct column_args *a, cudaStream_t stream);
int launch_column_sum_bf16(const struct column_args *a, cudaStream_t stream);
static inline size_t column_parts(size_t rows)
{
	size_t parts = rows / 64;
	return parts < 1 ? 1 : parts > 512 ? 512 : parts;
}

/* widen: to (float) = from (values); narrow: to (values) = from (float), or += */
struct convert_args {
	const void *from;
	void *to;
	size_t n;
	int add;
};
int launch_widen_bf16(const struct convert_args *a, cudaStream_t stream);
int launch_narrow_bf16(const struct convert_args *a, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
