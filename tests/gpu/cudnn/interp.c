/* Descriptors of cuDNN as the plug-in made them: remembered, held against the rules, and handed on to be computed. */
#include "interp.h"

/* CUDNN_ATTR_EXECUTION_PLAN_HANDLE, deprecated in newer versions (models/core/cuda/dnn.c). */
#define PLAN_HANDLE ((cudnnBackendAttributeName_t)400)
#include "../fake.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fake runtime's; without it work is done at once, and all memory is the device's. */
#pragma weak fake_submit
#pragma weak fake_holds
#pragma weak fake_counts

long interp_descriptors, interp_convolutions, interp_norms;
static char said[512]; /* the next words of cudnnGetLastErrorString */

struct cudnnContext {
	cudaStream_t stream;
	struct cudnnContext *next;
};
static struct cudnnContext *handles;

enum { SLOTS = 4096 };
static struct record *slots[SLOTS];

#define REAL(type, name, parameters) type __real_##name parameters, __wrap_##name parameters
REAL(cudnnStatus_t, cudnnBackendCreateDescriptor, (cudnnBackendDescriptorType_t, cudnnBackendDescriptor_t *));
REAL(cudnnStatus_t, cudnnBackendDestroyDescriptor, (cudnnBackendDescriptor_t));
REAL(cudnnStatus_t, cudnnBackendFinalize, (cudnnBackendDescriptor_t));
REAL(cudnnStatus_t, cudnnBackendSetAttribute,
     (cudnnBackendDescriptor_t, cudnnBackendAttributeName_t, cudnnBackendAttributeType_t, int64_t, const void *));
REAL(cudnnStatus_t, cudnnBackendGetAttribute,
     (cudnnBackendDescriptor_t, cudnnBackendAttributeName_t, cudnnBackendAttributeType_t, int64_t, int64_t *, void *));
REAL(cudnnStatus_t, cudnnBackendExecute,
     (cudnnHandle_t, cudnnBackendDescriptor_t, cudnnBackendDescriptor_t));
REAL(cudnnStatus_t, cudnnCreate, (cudnnHandle_t *));
REAL(cudnnStatus_t, cudnnDestroy, (cudnnHandle_t));
REAL(cudnnStatus_t, cudnnSetStream, (cudnnHandle_t, cudaStream_t));
REAL(void, cudnnGetLastErrorString, (char *, size_t));

cudnnStatus_t interp_refuse(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(said, sizeof said, format, ap);
	va_end(ap);
	return CUDNN_STATUS_BAD_PARAM;
}

void __wrap_cudnnGetLastErrorString(char *text, size_t size)
{
	if (!*said) {
		__real_cudnnGetLastErrorString(text, size);
		return;
	}
	snprintf(text, size, "%s", said);
	*said = 0;
}

__attribute__((format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void *taken(size_t bytes)
{
	void *p = calloc(1, bytes + 1);
	if (!p)
		abort();
	return p;
}

/* What is remembered */
static struct record **slot_of(cudnnBackendDescriptor_t d)
{
	struct record **r = &slots[(uintptr_t)d / 16 % SLOTS];
	while (*r && (*r)->descriptor != d)
		r = &(*r)->next;
	return r;
}

static void record_drop(struct record *r)
{
	if (!r || --r->refs)
		return;
	for (struct interp_attribute *a = r->attributes, *next; a; a = next) {
		next = a->next;
		for (int64_t i = 0; a->type == CUDNN_TYPE_BACKEND_DESCRIPTOR && i < a->n; i++)
			record_drop(((struct record **)a->value)[i]);
		free(a->value);
		free(a);
	}
	record_drop(r->graph);
	free(r);
}

static struct record *record_keep(cudnnBackendDescriptor_t d)
{
	struct record *r = *slot_of(d);
	if (r)
		r->refs++;
	return r;
}

static size_t size_of(cudnnBackendAttributeType_t type)
{
	switch (type) {
	case CUDNN_TYPE_BOOLEAN:
	case CUDNN_TYPE_CHAR:
		return 1;
	case CUDNN_TYPE_HANDLE:
	case CUDNN_TYPE_INT64:
	case CUDNN_TYPE_DOUBLE:
	case CUDNN_TYPE_VOID_PTR:
	case CUDNN_TYPE_BACKEND_DESCRIPTOR:
	case CUDNN_TYPE_FRACTION:
		return 8;
	default:
		return 4;
	}
}

const struct interp_attribute *interp_get(const struct record *r, cudnnBackendAttributeName_t name)
{
	const struct interp_attribute *a = r ? r->attributes : NULL;
	while (a && a->name != name)
		a = a->next;
	return a;
}

const struct record *interp_named(const struct record *r, cudnnBackendAttributeName_t name)
{
	const struct interp_attribute *a = interp_get(r, name);
	return a && a->n == 1 ? *(struct record **)a->value : NULL;
}

cudnnStatus_t __wrap_cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *d)
{
	cudnnStatus_t status = __real_cudnnBackendCreateDescriptor(type, d);
	if (status != CUDNN_STATUS_SUCCESS)
		return status;
	struct record *r = taken(sizeof *r), **slot = slot_of(*d);
	*r = (struct record){ .descriptor = *d, .type = type, .refs = 1, .next = *slot };
	*slot = r;
	interp_descriptors++;
	return status;
}

cudnnStatus_t __wrap_cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d)
{
	struct record **slot = slot_of(d), *r = *slot;
	if (!r)
		return interp_refuse("a descriptor is destroyed that is not there");
	*slot = r->next;
	r->next = NULL;
	record_drop(r);
	interp_descriptors--;
	return __real_cudnnBackendDestroyDescriptor(d);
}

cudnnStatus_t __wrap_cudnnBackendFinalize(cudnnBackendDescriptor_t d)
{
	cudnnStatus_t status = __real_cudnnBackendFinalize(d);
	struct record *r = *slot_of(d);
	if (r)
		r->finalized = status == CUDNN_STATUS_SUCCESS;
	return status;
}

/* The properties of the handle's device are those that $VIC_GPU_DEVICE describes. */
static cudnnStatus_t describe_device(cudnnBackendDescriptor_t d)
{
	static char text[8192];
	const char *name = getenv("VIC_GPU_DEVICE");
	FILE *f = name ? fopen(name, "r") : NULL;
	if (!f)
		return interp_refuse("VIC_GPU_DEVICE names no file that describes a device");
	size_t n = fread(text, 1, sizeof text, f);
	fclose(f);
	return __real_cudnnBackendSetAttribute(d, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
					       (int64_t)n, text);
}

cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
					      cudnnBackendAttributeType_t type, int64_t n, const void *value)
{
	struct record *r = *slot_of(d);
	cudnnStatus_t status = CUDNN_STATUS_SUCCESS; /* also of PLAN_HANDLE: the library knows nothing of the handle */
	if (name == CUDNN_ATTR_DEVICEPROP_HANDLE)
		status = describe_device(d);
	else if (name != PLAN_HANDLE)
		status = __real_cudnnBackendSetAttribute(d, name, type, n, value);
	if (status != CUDNN_STATUS_SUCCESS || !r)
		return status;
	if (interp_get(r, name))
		return interp_refuse("attribute %d is set twice", (int)name);
	struct interp_attribute *a = taken(sizeof *a);
	*a = (struct interp_attribute){ name, type, n, taken((size_t)n * size_of(type)), r->attributes };
	memcpy(a->value, value, (size_t)n * size_of(type));
	for (int64_t i = 0; type == CUDNN_TYPE_BACKEND_DESCRIPTOR && i < n; i++)
		((struct record **)a->value)[i] = record_keep(((const cudnnBackendDescriptor_t *)value)[i]);
	r->attributes = a;
	return status;
}

cudnnStatus_t __wrap_cudnnBackendGetAttribute(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name,
					      cudnnBackendAttributeType_t type, int64_t most, int64_t *n, void *value)
{
	cudnnStatus_t status = __real_cudnnBackendGetAttribute(d, name, type, most, n, value);
	struct record *r = *slot_of(d);
	if (status != CUDNN_STATUS_SUCCESS || name != CUDNN_ATTR_ENGINEHEUR_RESULTS || !value)
		return status;
	const struct record *graph = interp_named(r, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
	for (int64_t i = 0; graph && i < *n && i < most; i++) {
		struct record *config = *slot_of(((cudnnBackendDescriptor_t *)value)[i]);
		if (config && !config->graph)
			config->graph = record_keep(graph->descriptor);
	}
	return status;
}

/* What it all means */
static void copy_numbers(int64_t *to, int most, const struct record *r, cudnnBackendAttributeName_t name)
{
	const struct interp_attribute *a = interp_get(r, name);
	for (int i = 0; a && i < most && i < a->n; i++)
		to[i] = ((const int64_t *)a->value)[i];
}

static double factor_of(const struct record *op, cudnnBackendAttributeName_t name)
{
	const struct interp_attribute *a = interp_get(op, name);
	return a->type == CUDNN_TYPE_DOUBLE ? *(const double *)a->value : (double)*(const float *)a->value;
}

int interp_enum(const struct record *r, cudnnBackendAttributeName_t name)
{
	const struct interp_attribute *a = interp_get(r, name);
	return a ? *(const int *)a->value : -1;
}

static int flag_of(const struct record *r, cudnnBackendAttributeName_t name)
{
	const struct interp_attribute *a = interp_get(r, name);
	return a && *(const unsigned char *)a->value;
}

cudnnStatus_t interp_read(struct interp_tensor *t, const struct record *r, enum interp_lies lies)
{
	int type = interp_enum(r, CUDNN_ATTR_TENSOR_DATA_TYPE);
	const struct interp_attribute *dims = interp_get(r, CUDNN_ATTR_TENSOR_DIMENSIONS);
	copy_numbers(&t->uid, 1, r, CUDNN_ATTR_TENSOR_UNIQUE_ID);
	copy_numbers(&t->alignment, 1, r, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
	copy_numbers(t->dim, 4, r, CUDNN_ATTR_TENSOR_DIMENSIONS);
	copy_numbers(t->stride, 4, r, CUDNN_ATTR_TENSOR_STRIDES);
	t->bf16 = type == CUDNN_DATA_BFLOAT16;
	t->lies = lies;
	if (!dims || dims->n != 4 || (!t->bf16 && type != CUDNN_DATA_FLOAT) ||
	    flag_of(r, CUDNN_ATTR_TENSOR_IS_VIRTUAL) != (lies == INTERP_NOWHERE) ||
	    flag_of(r, CUDNN_ATTR_TENSOR_IS_BY_VALUE) != (lies == INTERP_NUMBER))
		return interp_refuse("a tensor that is not understood here");
	return CUDNN_STATUS_SUCCESS;
}

#define KIND(type, in, filter, out, name)                                                                              \
	CUDNN_BACKEND_OPERATION_CONVOLUTION_##type##_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_##in,                \
		CUDNN_ATTR_OPERATION_CONVOLUTION_##filter, CUDNN_ATTR_OPERATION_CONVOLUTION_##out,                     \
		CUDNN_ATTR_OPERATION_CONVOLUTION_##name##_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_##name##_ALPHA,  \
		CUDNN_ATTR_OPERATION_CONVOLUTION_##name##_BETA
static const struct {
	cudnnBackendDescriptorType_t type;
	cudnnBackendAttributeName_t x, w, y, how, alpha, beta;
} kinds[] = {
	[INTERP_Y] = { KIND(FORWARD, FORWARD_X, FORWARD_W, FORWARD_Y, FORWARD) },
	[INTERP_X] = { KIND(BACKWARD_DATA, BWD_DATA_DX, BWD_DATA_W, BWD_DATA_DY, BWD_DATA) },
	[INTERP_W] = { KIND(BACKWARD_FILTER, BWD_FILTER_X, BWD_FILTER_DW, BWD_FILTER_DY, BWD_FILTER) },
};

/* How many operations a graph has, and the i-th. */
int64_t interp_ops(const struct record *graph)
{
	const struct interp_attribute *a = interp_get(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
	return a ? a->n : 0;
}
const struct record *interp_op(const struct record *graph, int64_t i)
{
	const struct interp_attribute *a = interp_get(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS);
	return i < interp_ops(graph) ? ((struct record **)a->value)[i] : NULL;
}

/* The second operation of a graph: y = what the first has made + bias. */
static cudnnStatus_t read_bias(struct interp_conv *c, const struct record *graph)
{
	const struct record *add = interp_op(graph, 1),
			    *how = interp_named(add, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
	struct interp_tensor sum = c->y;
	if (interp_ops(graph) != 2 || add->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR ||
	    c->kind != INTERP_Y || c->beta != 0 || interp_enum(how, CUDNN_ATTR_POINTWISE_MODE) != CUDNN_POINTWISE_ADD ||
	    interp_enum(how, CUDNN_ATTR_POINTWISE_MATH_PREC) != CUDNN_DATA_FLOAT ||
	    interp_get(add, CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1) ||
	    interp_get(add, CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2) ||
	    interp_named(add, CUDNN_ATTR_OPERATION_POINTWISE_XDESC) !=
		    interp_named(interp_op(graph, 0), kinds[INTERP_Y].y))
		return interp_refuse("a second operation that adds no bias to what the first makes");
	if (interp_read(&c->bias, interp_named(add, CUDNN_ATTR_OPERATION_POINTWISE_BDESC), 0) ||
	    interp_read(&c->y, interp_named(add, CUDNN_ATTR_OPERATION_POINTWISE_YDESC), 0))
		return CUDNN_STATUS_BAD_PARAM;
	c->biased = 1;
	for (int i = 0; i < 4; i++)
		if (c->bias.dim[i] != (i == 1 ? c->y.dim[1] : 1) || c->y.dim[i] != sum.dim[i])
			return interp_refuse("a bias that has not one number for each channel");
	return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read_conv(struct interp_conv *c, const struct record *graph)
{
	const struct record *op = interp_op(graph, 0);
	int k = 0;
	while (op && k < 3 && kinds[k].type != op->type)
		k++;
	if (!op || k == 3)
		return interp_refuse("a graph that is no convolution");
	const struct record *how = interp_named(op, kinds[k].how);
	c->kind = (enum interp_kind)k;
	c->alpha = factor_of(op, kinds[k].alpha);
	c->beta = factor_of(op, kinds[k].beta);
	copy_numbers(c->pad, 2, how, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
	copy_numbers(c->after, 2, how, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
	copy_numbers(c->step, 2, how, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
	copy_numbers(c->dilation, 2, how, CUDNN_ATTR_CONVOLUTION_DILATIONS);
	if (interp_enum(how, CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION ||
	    interp_enum(how, CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
		return interp_refuse("a convolution that is mirrored, or whose sums are no floats");
	if (interp_read(&c->x, interp_named(op, kinds[k].x), 0) ||
	    interp_read(&c->w, interp_named(op, kinds[k].w), 0) ||
	    interp_read(&c->y, interp_named(op, kinds[k].y), interp_ops(graph) > 1))
		return CUDNN_STATUS_BAD_PARAM;
	for (int i = 0; i < 2; i++) {
		int64_t over = c->x.dim[2 + i] + c->pad[i] + c->after[i] - c->dilation[i] * (c->w.dim[2 + i] - 1) - 1;
		if (over < 0 || over / c->step[i] + 1 != c->y.dim[2 + i])
			return interp_refuse("the result's size does not follow from the input's");
	}
	if (c->x.dim[0] != c->y.dim[0] || c->y.dim[1] != c->w.dim[0] || c->x.dim[1] % c->w.dim[1] ||
	    c->w.dim[0] % (c->x.dim[1] / c->w.dim[1]))
		return interp_refuse("numbers of samples or channels that do not fit");
	return interp_ops(graph) > 1 ? read_bias(c, graph) : CUDNN_STATUS_SUCCESS;
}

int interp_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
	return (const char *)a < (const char *)b + b_bytes && (const char *)b < (const char *)a + a_bytes;
}

static int device_holds(const void *p, size_t bytes)
{
	return p && (!fake_holds || fake_holds(p, bytes));
}

cudnnStatus_t interp_bind(struct interp_tensor *t, const struct record *pack)
{
	const struct interp_attribute *uids = interp_get(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS),
			       *at = interp_get(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
	int found = 0;
	for (int64_t i = 0; uids && at && i < uids->n && i < at->n; i++)
		if (((const int64_t *)uids->value)[i] == t->uid) {
			t->at = ((void **)at->value)[i];
			found++;
		}
	if (found != 1)
		return interp_refuse("tensor %lld has %d pointers", (long long)t->uid, found);
	if (t->lies == INTERP_NUMBER)
		return t->at && !(fake_holds && fake_holds(t->at, sizeof(float))) ? CUDNN_STATUS_SUCCESS :
			       interp_refuse("tensor %lld: a number that does not lie on the host", (long long)t->uid);
	if (!device_holds(t->at, interp_extent(t)))
		return interp_refuse("tensor %lld: %zu bytes that are not the device's", (long long)t->uid,
				     interp_extent(t));
	if ((uintptr_t)t->at % (uintptr_t)t->alignment)
		return interp_refuse("tensor %lld is not aligned to %lld bytes", (long long)t->uid,
				     (long long)t->alignment);
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t interp_workspace(struct interp_workspace *w, const struct record *plan, const struct record *pack)
{
	const struct interp_attribute *at = interp_get(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
	int64_t n, bytes;
	if (__real_cudnnBackendGetAttribute(plan->descriptor, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
					    CUDNN_TYPE_INT64, 1, &n, &bytes))
		return CUDNN_STATUS_BAD_PARAM;
	w->bytes = (size_t)bytes;
	w->at = at ? *(void **)at->value : NULL;
	if (bytes && !device_holds(w->at, w->bytes))
		return interp_refuse("the workspace has less than the plan's %lld bytes", (long long)bytes);
	return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t bind(struct interp_conv *c, const struct record *plan, const struct record *pack)
{
	struct interp_tensor *const t[] = { &c->x, &c->w, &c->y, &c->bias };
	int n = c->biased ? 4 : 3;
	const struct interp_tensor *result = c->kind == INTERP_Y ? &c->y : c->kind == INTERP_X ? &c->x : &c->w;
	if (interp_workspace(&c->workspace, plan, pack))
		return CUDNN_STATUS_BAD_PARAM;
	for (int i = 0; i < n; i++)
		if (interp_bind(t[i], pack))
			return CUDNN_STATUS_BAD_PARAM;
	for (int i = 0; i < n; i++)
		if ((t[i] != result &&
		     interp_overlap(t[i]->at, interp_extent(t[i]), result->at, interp_extent(result))) ||
		    interp_overlap(t[i]->at, interp_extent(t[i]), c->workspace.at, c->workspace.bytes))
			return interp_refuse("tensor %lld lies on the result or the workspace", (long long)t[i]->uid);
	return CUDNN_STATUS_SUCCESS;
}

/* Counts itself where the fake runtime runs it. */
static cudnnStatus_t interp_submit(cudaStream_t stream, const char *what, void (*run)(const void *), const void *args,
				   size_t bytes)
{
	if (!fake_submit)
		run(args);
	else if (fake_submit(stream, what, run, args, bytes))
		return CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER;
	return CUDNN_STATUS_SUCCESS;
}

void interp_ran(const struct interp_workspace *w)
{
	/* both ends of it will do: nobody touches the pages between */
	size_t end = w->bytes < 4096 ? w->bytes : 4096;
	if (end) {
		memset(w->at, 0xff, end);
		memset((char *)w->at + w->bytes - end, 0xff, end);
	}
	if (&fake_counts)
		fake_counts.others++;
}

cudnnStatus_t __wrap_cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
					 cudnnBackendDescriptor_t pack)
{
	const struct record *p = *slot_of(plan), *v = *slot_of(pack);
	const struct record *config = interp_named(p, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG),
			    *properties = interp_named(p, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
	const struct interp_attribute *from = interp_get(properties, CUDNN_ATTR_DEVICEPROP_HANDLE);
	struct interp_conv c = { .alpha = 0 };
	if (!p || !p->finalized || !v || !v->finalized || !config || !config->graph)
		return interp_refuse("a plan or a pack of pointers that is not there, or not finalized");
	const struct interp_attribute *runs_with = interp_get(p, PLAN_HANDLE);
	if (!from || *(cudnnHandle_t *)from->value != handle ||
	    (runs_with && *(cudnnHandle_t *)runs_with->value != handle))
		return interp_refuse("the plan was made for another device");
	const struct record *first = interp_op(config->graph, 0);
	if (first && (first->type == CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR ||
		      first->type == CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR)) {
		struct interp_norm n;
		if (interp_norm_read(&n, config->graph, p, v))
			return CUDNN_STATUS_BAD_PARAM;
		interp_norms++;
		return interp_submit(handle->stream, "normalisation", interp_norm_run, &n, sizeof n);
	}
	if (read_conv(&c, config->graph) || bind(&c, p, v))
		return CUDNN_STATUS_BAD_PARAM;
	interp_convolutions++;
	return interp_submit(handle->stream, "convolution", interp_conv_run, &c, sizeof c);
}

/* cuDNN looks for engines that it compiles only where there is a driver. */
__attribute__((constructor)) static void driver_load(void)
{
	const char *file = getenv("VIC_GPU_DRIVER");
	if (file && *file && !dlopen(file, RTLD_NOW | RTLD_GLOBAL))
		die("VIC_GPU_DRIVER: %s", dlerror());
}

/* Handles */
static struct cudnnContext **handle_at(cudnnHandle_t h)
{
	struct cudnnContext **p = &handles;
	while (*p && *p != h)
		p = &(*p)->next;
	return p;
}

cudnnStatus_t __wrap_cudnnCreate(cudnnHandle_t *h)
{
	*h = taken(sizeof **h);
	(*h)->next = handles;
	handles = *h;
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t __wrap_cudnnDestroy(cudnnHandle_t h)
{
	struct cudnnContext **p = handle_at(h);
	if (!*p)
		return interp_refuse("a handle that is not there");
	*p = h->next;
	free(h);
	if (!handles && interp_descriptors)
		die("cuDNN's last handle is destroyed, and %ld descriptors are left", interp_descriptors);
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t __wrap_cudnnSetStream(cudnnHandle_t h, cudaStream_t stream)
{
	if (!*handle_at(h))
		return interp_refuse("a handle that is not there");
	h->stream = stream;
	return CUDNN_STATUS_SUCCESS;
}
