/* ref: the specification. Each op is written as its definition reads, in plain loops with double accumulators, dense where
 * other backends are clever. Other backends are right when they agree with these. */
#ifndef VIC_REF_H
#define VIC_REF_H

#include "../backend.h"

void ref_wordconv_forward(const struct op_call *c); /* state: int32_t [n][out], the winning window of every feature */
void ref_wordconv_backward(const struct op_call *c);
void ref_dropout_forward(const struct op_call *c);
void ref_dropout_backward(const struct op_call *c);
void ref_linear_forward(const struct op_call *c);
void ref_linear_backward(const struct op_call *c);
/* dlogits of XENT is d_in[0]; d_out is not read: the loss of a batch is the mean over its samples. */
void ref_xent_forward(const struct op_call *c);
void ref_xent_backward(const struct op_call *c);
void ref_update(struct param *p, const struct update *u, const uint32_t *rows, int n_rows);

#endif
