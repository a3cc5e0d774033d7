/* What the device has to say and has not been asked for yet; a library prints nothing. Kept until it is closed. */
#include "cuda.h"

#include "pipeline/base/mem.h"

#include <stdarg.h>
#include <stdlib.h>

int note_add(struct backend_ctx *ctx, struct err *err, const char *format, ...)
{
	struct notes *n = &ctx->notes;
	char text[512];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (mem_grow(&n->text, &n->cap, n->count + 1, sizeof *n->text, err) ||
	    mem_printf(&n->text[n->count], err, "%s", text))
		return -1;
	n->count++;
	return 0;
}

const char *cuda_note(struct backend_ctx *ctx)
{
	struct notes *n = &ctx->notes;
	return n->said < n->count ? n->text[n->said++] : NULL;
}

void notes_release(struct backend_ctx *ctx)
{
	for (size_t i = 0; i < ctx->notes.count; i++)
		free(ctx->notes.text[i]);
	free(ctx->notes.text);
	ctx->notes = (struct notes){ 0 };
}
