/* interp: cuDNN without a device. What the plug-in tells cuDNN goes to the real cuDNN, which plans for a device that
 * the file $VIC_GPU_DEVICE describes (devices/NAME.json), and is remembered. What would run on the device is computed
 * here from what was remembered alone: strides, dimensions, names of tensors, paddings, factors. Link with
 * @interp.wrap.
 *
 * A graph is one convolution, of float or bfloat16, or one and the sum of its result and a bias; anything else is
 * refused, in words that cudnnGetLastErrorString gives. So is a plan made for another device than the handle's, a name
 * that has no pointer, memory that is not the device's or not aligned as was promised, a workspace smaller than the
 * plan's, and a result that lies on an input. With the last handle all descriptors must be gone, or the program ends.
 */
#ifndef VIC_GPU_INTERP_H
#define VIC_GPU_INTERP_H

#include <stddef.h>
#include <stdint.h>

struct interp_tensor {
	int64_t uid, alignment, dim[4], stride[4]; /* n, c, h, w, or of a filter k, c, r, s; strides in elements */
	int bf16;
	void *at;
};

/* y = alpha x * w + beta y (+ bias); or dx, or dw, from y */
enum interp_kind { INTERP_Y, INTERP_X, INTERP_W };
struct interp_conv {
	enum interp_kind kind; /* which one is the result */
	struct interp_tensor x, w, y, bias;
	int biased; /* there is a bias */
	int64_t pad[2], after[2], step[2], dilation[2]; /* padding before and after, strides; of h and w */
	double alpha, beta;
	void *workspace; /* its ends are not a number afterwards */
	size_t workspace_bytes;
};
/* Bytes from a tensor's first element to the end of its last. */
size_t interp_extent(const struct interp_tensor *t);
/* Computes it; takes a const struct interp_conv. */
void interp_conv_run(const void *conv);

/* Descriptors that were made and not destroyed yet; convolutions that were queued. */
extern long interp_descriptors, interp_convolutions;

#endif
