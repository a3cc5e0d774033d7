/* onednn_api: what differs between versions 2 and 3 of oneDNN's C API, and nothing else, under one set of names.
 * Version 3 made memory descriptors opaque and gave up descriptors of operations. Private to onednn.c and gemm.c. */
#ifndef VIC_ONEDNN_API_H
#define VIC_ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>

void omp_set_num_threads(int n); /* OpenMP's; clang comes without omp.h */

/* Every thread of ours works alone. A setting of the calling thread, also read when a primitive is made. */
static inline void one_thread(void)
{
	static _Thread_local __attribute__((tls_model("initial-exec"))) int once;
	if (!once) {
		omp_set_num_threads(1);
		once = 1;
	}
}

/* A blocked layout: the step of each dimension, and the blocks inside, outermost first. Lies in its descriptor. */
struct blocking {
	int blocks;
	const dnnl_dim_t *dim, *size; /* [blocks] */
	const dnnl_dim_t *stride;     /* [dimensions] */
};

/* What all convolutions are planned with. A gradient also wants the plan of its forward pass, `hint`. */
struct conv_args {
	dnnl_engine_t engine;
	dnnl_primitive_attr_t attr;
	const dnnl_dim_t *stride, *left, *right; /* [2]; padding before and after */
};

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t own_desc;   /* one that its holder releases */
typedef const_dnnl_memory_desc_t desc; /* one that is looked at */

static inline desc desc_of(const own_desc *d)
{
	return *d;
}

static inline dnnl_status_t desc_make(own_desc *d, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
	return dnnl_memory_desc_create_with_tag(d, n, dims, dnnl_f32, tag);
}

static inline void desc_release(own_desc *d)
{
	if (*d)
		dnnl_memory_desc_destroy(*d);
	*d = NULL;
}

/* d becomes a copy of `from`. */
static inline dnnl_status_t desc_copy(own_desc *d, desc from)
{
	desc_release(d);
	return dnnl_memory_desc_clone(d, from);
}

/* 0, or -1: not a blocked layout. */
static inline int desc_blocking(desc d, struct blocking *b)
{
	dnnl_format_kind_t kind;
	const dnnl_dims_t *stride, *size, *dim;
	if (dnnl_memory_desc_query(d, dnnl_query_format_kind, &kind) || kind != dnnl_blocked ||
	    dnnl_memory_desc_query(d, dnnl_query_inner_nblks_s32, &b->blocks) ||
	    dnnl_memory_desc_query(d, dnnl_query_inner_idxs, &dim) ||
	    dnnl_memory_desc_query(d, dnnl_query_inner_blks, &size) ||
	    dnnl_memory_desc_query(d, dnnl_query_strides, &stride))
		return -1;
	b->dim = *dim;
	b->size = *size;
	b->stride = *stride;
	return 0;
}

static inline dnnl_status_t plan_forward(dnnl_primitive_desc_t *pd, const struct conv_args *a, desc in, desc weight,
					 desc bias, desc out)
{
	const dnnl_dims_t dilate = { 0 };
	return dnnl_convolution_forward_primitive_desc_create(pd, a->engine, dnnl_forward_training,
							      dnnl_convolution_direct, in, weight, bias, out, a->stride,
							      dilate, a->left, a->right, a->attr);
}

static inline dnnl_status_t plan_data(dnnl_primitive_desc_t *pd, const struct conv_args *a, desc in, desc weight,
				      desc out, dnnl_primitive_desc_t hint)
{
	const dnnl_dims_t dilate = { 0 };
	return dnnl_convolution_backward_data_primitive_desc_create(pd, a->engine, dnnl_convolution_direct, in, weight,
								    out, a->stride, dilate, a->left, a->right, hint,
								    a->attr);
}

static inline dnnl_status_t plan_weight(dnnl_primitive_desc_t *pd, const struct conv_args *a, desc in, desc weight,
					desc bias, desc out, dnnl_primitive_desc_t hint)
{
	const dnnl_dims_t dilate = { 0 };
	return dnnl_convolution_backward_weights_primitive_desc_create(pd, a->engine, dnnl_convolution_direct, in,
								       weight, bias, out, a->stride, dilate, a->left,
								       a->right, hint, a->attr);
}
#else
typedef dnnl_memory_desc_t own_desc;
typedef const dnnl_memory_desc_t *desc;

static inline desc desc_of(const own_desc *d)
{
	return d;
}

static inline dnnl_status_t desc_make(own_desc *d, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
	return dnnl_memory_desc_init_by_tag(d, n, dims, dnnl_f32, tag);
}

static inline void desc_release(own_desc *d)
{
	(void)d;
}

static inline dnnl_status_t desc_copy(own_desc *d, desc from)
{
	*d = *from;
	return dnnl_success;
}

static inline int desc_blocking(desc d, struct blocking *b)
{
	const dnnl_blocking_desc_t *k = &d->format_desc.blocking;
	*b = (struct blocking){ k->inner_nblks, k->inner_idxs, k->inner_blks, k->strides };
	return d->format_kind != dnnl_blocked || d->extra.flags ? -1 : 0;
}

static inline dnnl_status_t plan_forward(dnnl_primitive_desc_t *pd, const struct conv_args *a, desc in, desc weight,
					 desc bias, desc out)
{
	dnnl_convolution_desc_t d;
	dnnl_status_t s = dnnl_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct, in,
							     weight, bias, out, a->stride, a->left, a->right);
	return s ? s : dnnl_primitive_desc_create(pd, &d, a->attr, a->engine, NULL);
}

static inline dnnl_status_t plan_data(dnnl_primitive_desc_t *pd, const struct conv_args *a, desc in, desc weight,
				      desc out, dnnl_primitive_desc_t hint)
{
	dnnl_convolution_desc_t d;
	dnnl_status_t s = dnnl_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, in, weight, out,
								   a->stride, a->left, a->right);
	return s ? s : dnnl_primitive_desc_create(pd, &d, a->attr, a->engine, hint);
}

static inline dnnl_status_t plan_weight(dnnl_primitive_desc_t *pd, const struct conv_args *a, desc in, desc weight,
					desc bias, desc out, dnnl_primitive_desc_t hint)
{
	dnnl_convolution_desc_t d;
	dnnl_status_t s = dnnl_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, in, weight, bias,
								      out, a->stride, a->left, a->right);
	return s ? s : dnnl_primitive_desc_create(pd, &d, a->attr, a->engine, hint);
}
#endif

#endif
