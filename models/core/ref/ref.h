/* ref: the specification. Each op is written as its definition reads, in plain loops with double accumulators, dense
 * where other backends are clever. Other backends are right when they agree with these. */
#ifndef VIC_REF_H
#define VIC_REF_H

#include "models/core/backend.h"

/* Each *_state says how many bytes its op's state has. */
void ref_wordconv_forward(const struct op_call *c); /* state: int32_t [n][out], the winning window of every feature */
void ref_wordconv_backward(const struct op_call *c);
void ref_dropout_forward(const struct op_call *c);
void ref_dropout_backward(const struct op_call *c);
void ref_linear_forward(const struct op_call *c);
void ref_linear_backward(const struct op_call *c);
/* dlogits of XENT is d_in[0]; d_out is not read: the loss of a batch is the mean over its samples. */
void ref_xent_forward(const struct op_call *c);
void ref_xent_backward(const struct op_call *c);
void ref_images_forward(const struct op_call *c);
void ref_conv_forward(const struct op_call *c);
void ref_conv_backward(const struct op_call *c);
size_t ref_conv_state(const struct graph *g, const struct op *op, int max_n, int training);
void ref_norm_forward(const struct op_call *c); /* keeps every channel's mean and inverse deviation in its state */
void ref_norm_backward(const struct op_call *c);
size_t ref_norm_state(const struct graph *g, const struct op *op, int max_n, int training);
void ref_relu_forward(const struct op_call *c);
void ref_relu_backward(const struct op_call *c);
void ref_add_forward(const struct op_call *c);
void ref_add_backward(const struct op_call *c);
void ref_pool_forward(const struct op_call *c); /* state: int32_t [n][out], where in the sample each maximum was */
void ref_pool_backward(const struct op_call *c);
void ref_mix_forward(const struct op_call *c);
void ref_mix_backward(const struct op_call *c); /* state: a double for each float of a sample */
void ref_bag_forward(const struct op_call *c); /* state: a double for each float of a sample */
void ref_bag_backward(const struct op_call *c);
/* Of op.dropout: whether unit k of sample b is dropped. */
int ref_dropped(const struct op_call *c, int b, int k);
double ref_squares(const struct param *p, int n_rows);
void ref_update(struct param *p, const struct update *u, const uint32_t *rows, int n_rows);

#endif
