/* A small data set's images stay on the device: a batch then sends which of them it reads, and how they are cut. */
#include "cuda.h"
#include "record.h"

#include "pipeline/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32 << 20 /* bytes that are copied at once */ };

static int copy_images(struct backend_ctx *ctx, const struct images *all, size_t each, struct err *err)
{
	size_t room = each < CHUNK ? CHUNK / each * each : each, filled = 0, at = 0;
	char *chunk = NULL;
	int rc = mem_alloc(&chunk, room, 1, err);
	for (int i = 0; i < all->count && !rc; i++) {
		memcpy(chunk + filled, all->pixel[i], each);
		filled += each;
		if (filled + each <= room && i + 1 < all->count)
			continue;
		cudaError_t status = cudaMemcpyAsync((char *)ctx->resident + at, chunk, filled, cudaMemcpyHostToDevice,
						     ctx->stream);
		if (!status)
			status = cudaStreamSynchronize(ctx->stream);
		rc = gpu_status(status, "copying the images to the device", err);
		at += filled;
		filled = 0;
	}
	free(chunk);
	return rc;
}

int cuda_keep(struct backend_ctx *ctx, const struct images *all, struct err *err)
{
	size_t each = image_bytes(all), left = 0, total = 0;
	const char *off = getenv("VIC_CUDA_RESIDENT");
	if (off && !strcmp(off, "0"))
		return 0;
	if (ctx->card_text || gpu_status(cudaMemGetInfo(&left, &total), "the device's memory", err))
		return ctx->card_text ? 0 : -1;
	if ((size_t)all->count > left / 2 / each)
		return 0;
	recordings_forget(ctx);
	gpu_free(ctx, ctx->resident); /* of a data set before */
	ctx->resident = NULL;
	if (gpu_alloc(ctx, &ctx->resident, each * (size_t)all->count, err) || copy_images(ctx, all, each, err))
		return -1;
	return 1;
}
