/* interp: cuDNN without a device. What the plug-in tells cuDNN goes to the real cuDNN, which plans for a device that
 * the file $VIC_GPU_DEVICE describes (devices/NAME.json), and is remembered. What would run on the device is computed
 * here from what was remembered alone: strides, dimensions, names of tensors, paddings, factors. Link with
 * @interp.wrap.
 *
 * A graph is one convolution, of float or bfloat16, or one and the sum of its result and a bias; or batch
 * normalisation, perhaps with something added and a ReLU, or its gradient; anything else is refused, in words that
 * cudnnGetLastErrorString gives. So is a plan made for another device than the handle's, a name that has no pointer,
 * memory that is not the device's or not aligned as was promised, a workspace smaller than the plan's, and a result
 * that lies on an input. With the last handle all descriptors must be gone, or the program ends. / */
#ifndef VIC_GPU_INTERP_H
#define VIC_GPU_INTERP_H

#include <cudnn.h>
#include <stddef.h>
#include <stdint.h>

/* Descriptors, as they were remembered. */
struct interp_attribute {
	cudnnBackendAttributeName_t name;
	cudnnBackendAttributeType_t type;
	int64_t n;
	void *value; /* [n]; of descriptors: struct record * */
	struct interp_attribute *next;
};
struct record {
	cudnnBackendDescriptor_t descriptor;
	cudnnBackendDescriptorType_t type;
	int refs; /* cuDNN's own and each attribute that names it */
	int finalized;
	struct interp_attribute *attributes;
	struct record *graph; /* of an engine's configuration */
	struct record *next;
};
const struct interp_attribute *interp_get(const struct record *r, cudnnBackendAttributeName_t name); /* NULL: unset */
const struct record *interp_named(const struct record *r, cudnnBackendAttributeName_t name);	     /* NULL: none */
int interp_enum(const struct record *r, cudnnBackendAttributeName_t name);			     /* -1: unset */
/* How many operations a graph has, and the i-th, or NULL. */
int64_t interp_ops(const struct record *graph);
const struct record *interp_op(const struct record *graph, int64_t i);
/* Says why; returns CUDNN_STATUS_BAD_PARAM, as all that return a status do then. */
cudnnStatus_t interp_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct interp_tensor {
	int64_t uid, alignment, dim[4], stride[4]; /* n, c, h, w, or of a filter k, c, r, s; strides in elements */
	int bf16;
	enum interp_lies { INTERP_MEMORY, INTERP_NOWHERE, INTERP_NUMBER /* one float of the host */ } lies;
	void *at;
};
struct interp_workspace {
	void *at; /* its ends are not a number afterwards */
	size_t bytes;
};
/* From its descriptor; it must lie so. */
cudnnStatus_t interp_read(struct interp_tensor *t, const struct record *r, enum interp_lies lies);
/* Its pointer, from a pack. */
cudnnStatus_t interp_bind(struct interp_tensor *t, const struct record *pack);
cudnnStatus_t interp_workspace(struct interp_workspace *w, const struct record *plan, const struct record *pack);
int interp_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes);
/* An element, as a number. */
double interp_load(const struct interp_tensor *t, int64_t at);
void interp_store(const struct interp_tensor *t, int64_t at, double v);
/* For what has run: spoils its workspace, counts it. */
void interp_ran(const struct interp_workspace *w);

/* y = alpha x * w + beta y (+ bias); or dx, or dw, from y */
enum interp_kind { INTERP_Y, INTERP_X, INTERP_W };
struct interp_conv {
	enum interp_kind kind; /* which one is the result */
	struct interp_tensor x, w, y, bias;
	int biased; /* there is a bias */
	int64_t pad[2], after[2], step[2], dilation[2]; /* padding before and after, strides; of h and w */
	double alpha, beta;
	struct interp_workspace workspace;
};
/* Bytes from a tensor's first element to the end of its last. */
size_t interp_extent(const struct interp_tensor *t);
/* Computes it; takes a const struct interp_conv. */
void interp_conv_run(const void *conv);

/* Batch normalisation, forward in training or backward (interp_norm.c): tensors by rows of its table. */
enum { INTERP_NORM_TENSORS = 17 };
struct interp_norm {
	int backward, rest, relu;
	struct interp_tensor tensor[INTERP_NORM_TENSORS];
	float eps, momentum;
	struct interp_workspace workspace;
};
cudnnStatus_t interp_norm_read(struct interp_norm *n, const struct record *graph, const struct record *plan,
			       const struct record *pack);
void interp_norm_run(const void *norm);

/* Descriptors that were made and not destroyed yet; convolutions and norms that were queued. */
extern long interp_descriptors, interp_convolutions, interp_norms;

#endif
