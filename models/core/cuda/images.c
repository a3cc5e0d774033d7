/* IMAGES. */
#include "cuda.h"
#include "kernels/kernels.h"

static int images_forward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	const struct images *m = c->batch->images;
	const struct step_block *s = block_of(ctx);
	struct images_args a = { .out = c->out,
				 .n = c->n,
				 .h = c->out_shape.h,
				 .w = c->out_shape.w,
				 .c = c->out_shape.c,
				 .pitch = c->out_pitch,
				 .from_h = m->h,
				 .from_w = m->w,
				 .is_float = m->is_float,
				 .mixed = batch_mixes_at(c->batch, 0),
				 .pixel = s->pixel,
				 .view = s->view,
				 .item = s->item,
				 .partner = s->partner,
				 .lambda = s->lambda,
				 .scale = s->scale,
				 .shift = s->shift };
	return launched(STORED(c, launch_images)(&a, ctx->stream), "images", err);
}

static int images_backward(struct backend_ctx *ctx, const struct op_call *c, struct err *err)
{
	(void)ctx;
	(void)c;
	(void)err;
	return 0; /* pixels have no gradient */
}

const struct cuda_op cuda_images = { images_forward, images_backward, NULL, NULL };
