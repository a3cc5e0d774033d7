/* record: passes kept as CUDA graphs. A pass of one shape is queued op by op the first time, recorded the second time,
 * and from then on launched as one graph; what differs between passes of one shape lies in the step block. */
#ifndef VIC_CUDA_RECORD_H
#define VIC_CUDA_RECORD_H

#include "cuda.h"

/* backend.begin and end, after the block was filled. Where a pass cannot be recorded all are queued op by op from then
 * on, and a note says so once. VIC_CUDA_GRAPHS=0 in the environment: from the beginning. */
int record_begin(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, enum phase phase, int back,
		 const struct update *u, struct err *err) VIC_CHECKED;
int record_end(struct backend_ctx *ctx, int failed, struct err *err) VIC_CHECKED;
/* Records an event at this point of the pass, for work on other streams that is in no recording: each time that the
 * pass is played, too. */
int record_event(struct backend_ctx *ctx, cudaEvent_t event, struct err *err) VIC_CHECKED;
/* When an address that recordings hold is no longer good; never while one is made. */
void recordings_forget(struct backend_ctx *ctx);
void recordings_release(struct backend_ctx *ctx);

#endif
