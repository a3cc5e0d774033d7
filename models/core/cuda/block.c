/* The step block: what a pass needs of its batch, gathered into pinned memory and copied to the device in one piece.
 * Every array has room for the most that was ever asked for, so its address stays; when one must grow, the device is
 * waited for, the block is laid out anew and what was recorded with the old addresses is forgotten.
 *
 * The copy runs on a stream of its own, while the pass before still computes; so it goes to one of LANDINGS places,
 * from where the stream that computes takes it into the block, between the two passes. Two events hold them in order:
 * that stream takes nothing that has not landed (stage.copied), and nothing lands on what was not taken
 * (landing.taken). There are STAGES pinned copies, each free again when its bytes have landed. */
#include "cuda.h"
#include "record.h"

#include "pipeline/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256 };

static int stage_wait(struct backend_ctx *ctx, int i, struct err *err)
{
	cudaEvent_t *copied = &ctx->block.stage[i].copied;
	if (!*copied)
		return gpu_status(cudaEventCreateWithFlags(copied, cudaEventDisableTiming), "an event", err);
	return gpu_status(cudaEventSynchronize(*copied), "a copy to the device", err);
}

static void block_free(struct backend_ctx *ctx)
{
	struct block *b = &ctx->block;
	gpu_free(ctx, b->device);
	b->device = NULL;
	for (int i = 0; i < LANDINGS; i++) {
		gpu_free(ctx, b->landing[i].device);
		b->landing[i].device = NULL;
	}
	for (int i = 0; i < STAGES; i++) {
		if (b->stage[i].host)
			cudaFreeHost(b->stage[i].host);
		b->stage[i].host = NULL;
	}
}

void block_release(struct backend_ctx *ctx)
{
	block_free(ctx);
	for (int i = 0; i < STAGES; i++)
		if (ctx->block.stage[i].copied)
			cudaEventDestroy(ctx->block.stage[i].copied);
	for (int i = 0; i < LANDINGS; i++)
		if (ctx->block.landing[i].taken)
			cudaEventDestroy(ctx->block.landing[i].taken);
	free(ctx->block.count);
	ctx->block = (struct block){ 0 };
}

/* Memory of b->bytes on either side. New memory of the device is zeroed on the stream that computes, before anything
 * may land there. */
static int block_take(struct backend_ctx *ctx, struct err *err)
{
	struct block *b = &ctx->block;
	if (gpu_alloc(ctx, &b->device, b->bytes, err))
		return -1;
	for (int i = 0; i < LANDINGS; i++) {
		cudaEvent_t *taken = &b->landing[i].taken;
		if (gpu_alloc(ctx, &b->landing[i].device, b->bytes, err) ||
		    (!*taken &&
		     gpu_status(cudaEventCreateWithFlags(taken, cudaEventDisableTiming), "an event", err)) ||
		    gpu_status(cudaEventRecord(*taken, ctx->stream), "an event", err))
			return -1;
	}
	for (int i = 0; i < STAGES; i++) {
		if (gpu_status(cudaMallocHost(&b->stage[i].host, b->bytes), "pinned memory", err))
			return -1;
		memset(b->stage[i].host, 0, b->bytes);
	}
	return 0;
}

/* Room for `need` bytes of each array. */
static int block_room(struct backend_ctx *ctx, const size_t need[BLOCK_ARRAYS], struct err *err)
{
	struct block *b = &ctx->block;
	int grows = !b->device;
	for (int k = 0; k < BLOCK_ARRAYS; k++)
		grows |= need[k] > b->cap[k];
	if (!grows)
		return 0;
	if (gpu_wait(ctx, err))
		return -1;
	recordings_forget(ctx);
	block_free(ctx);
	b->bytes = 0;
	for (int k = 0; k < BLOCK_ARRAYS; k++) {
		if (need[k] > b->cap[k])
			b->cap[k] = b->cap[k] ? need[k] + need[k] / 2 : need[k];
		b->at[k] = b->bytes;
		b->bytes += (b->cap[k] + ALIGN - 1) / ALIGN * ALIGN;
	}
	if (block_take(ctx, err))
		return -1;
	char *at = b->device;
	b->view = (struct step_block){ .step = (void *)(at + b->at[BLOCK_STEP]),
				       .lambda = (void *)(at + b->at[BLOCK_LAMBDA]),
				       .partner = (void *)(at + b->at[BLOCK_PARTNER]),
				       .sample = (void *)(at + b->at[BLOCK_SAMPLE]),
				       .target = (void *)(at + b->at[BLOCK_TARGET]),
				       .view = (void *)(at + b->at[BLOCK_VIEW]),
				       .item = (void *)(at + b->at[BLOCK_ITEM]),
				       .scale = (void *)(at + b->at[BLOCK_SCALE]),
				       .shift = (void *)(at + b->at[BLOCK_SHIFT]),
				       .begin = (void *)(at + b->at[BLOCK_BEGIN]),
				       .local = (void *)(at + b->at[BLOCK_LOCAL]),
				       .word = (void *)(at + b->at[BLOCK_WORD]),
				       .place_begin = (void *)(at + b->at[BLOCK_PLACE_BEGIN]),
				       .place = (void *)(at + b->at[BLOCK_PLACE]) };
	return 0;
}

static void put_rates(struct step *s, const struct update *u)
{
	s->update = u->step;
	s->lr = (float)u->lr;
	if (u->rule == RULE_ADAM) {
		s->adam_rate = (float)(u->lr / (1 - pow(u->beta1, u->step)));
		s->adam_root = (float)sqrt(1 - pow(u->beta2, u->step));
	}
}

static int words_rounded(const struct words *w)
{
	return (w->distinct + WORDS_STEP - 1) / WORDS_STEP * WORDS_STEP;
}

/* Sentence of sample b, or of its partner. */
static uint32_t sentence_of(const struct batch *b, int sample, int partner)
{
	return partner ? b->partner[sample] : (uint32_t)sample;
}

static size_t places_of(const struct batch *b)
{
	size_t n = 0;
	for (int i = 0; i < b->n; i++)
		for (int k = 0; k < (batch_mixes_at(b, 0) ? 2 : 1); k++) {
			uint32_t s = sentence_of(b, i, k);
			n += b->words->begin[s + 1] - b->words->begin[s];
		}
	return n;
}

static size_t classes_of(const struct graph *g)
{
	return g->logits < 0 ? 0 : shape_size(g->value[g->logits].shape);
}

static void block_needs(const struct block_counts *c, size_t need[BLOCK_ARRAYS])
{
	need[BLOCK_STEP] = sizeof(struct step);
	need[BLOCK_LAMBDA] = need[BLOCK_PARTNER] = need[BLOCK_SAMPLE] = c->n * sizeof(uint32_t);
	need[BLOCK_TARGET] = c->n * c->classes * sizeof(float);
	if (c->images) {
		need[BLOCK_VIEW] = c->images * sizeof(struct step_view);
		need[BLOCK_ITEM] = c->images * sizeof(uint32_t);
		need[BLOCK_SCALE] = need[BLOCK_SHIFT] = c->channels * sizeof(float);
		need[BLOCK_PIXEL] = c->images * c->image;
	}
	if (c->sentences) {
		need[BLOCK_BEGIN] = (c->sentences + 1) * sizeof(uint32_t);
		need[BLOCK_LOCAL] = c->tokens * sizeof(uint32_t);
		need[BLOCK_WORD] = c->words * sizeof(uint32_t);
		need[BLOCK_PLACE_BEGIN] = (c->words + 1) * sizeof(uint32_t);
		need[BLOCK_PLACE] = c->places * sizeof(struct place);
	}
}

static struct block_counts counts_of(const struct graph *g, const struct batch *b, int resident)
{
	struct block_counts c = { .n = (size_t)b->n, .classes = b->target ? classes_of(g) : 0 };
	if (b->images) {
		c.images = (size_t)b->images->count;
		c.image = resident ? 0 : image_bytes(b->images);
		c.channels = (size_t)b->images->c;
	}
	if (b->words) {
		c.sentences = (size_t)b->words->sentences;
		c.tokens = b->words->begin[b->words->sentences];
		c.words = (size_t)words_rounded(b->words);
		c.places = places_of(b);
	}
	return c;
}

size_t block_bytes(const struct block_counts *c)
{
	size_t need[BLOCK_ARRAYS] = { 0 }, bytes = 0;
	block_needs(c, need);
	for (int k = 0; k < BLOCK_ARRAYS; k++)
		bytes += (need[k] + ALIGN - 1) / ALIGN * ALIGN;
	return (1 + LANDINGS) * bytes;
}

static void put_images(const struct images *m, int resident, char *host, const size_t *at)
{
	struct step_view *view = (void *)(host + at[BLOCK_VIEW]);
	uint32_t *item = (void *)(host + at[BLOCK_ITEM]);
	size_t bytes = image_bytes(m);
	for (int i = 0; i < m->count; i++) {
		view[i] = (struct step_view){ m->view[i].y, m->view[i].x, m->view[i].flip, m->view[i].h,
					      m->view[i].w };
		item[i] = resident ? m->item[i] : (uint32_t)i;
		if (!resident)
			memcpy(host + at[BLOCK_PIXEL] + (size_t)i * bytes, m->pixel[i], bytes);
	}
	memcpy(host + at[BLOCK_SCALE], m->scale, (size_t)m->c * sizeof(float));
	memcpy(host + at[BLOCK_SHIFT], m->shift, (size_t)m->c * sizeof(float));
}

/* Where each word stands, in two passes over the sentences: counts, then places. */
static void put_places(const struct batch *b, int rounded, uint32_t *next, uint32_t *begin, struct place *place)
{
	const struct words *w = b->words;
	memset(begin, 0, ((size_t)rounded + 1) * sizeof *begin);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < b->n; i++)
			for (int k = 0; k < (batch_mixes_at(b, 0) ? 2 : 1); k++) {
				uint32_t s = sentence_of(b, i, k), from = w->begin[s], to = w->begin[s + 1];
				for (uint32_t t = from; t < to; t++)
					if (!pass)
						begin[w->local[t] + 1]++;
					else
						place[next[w->local[t]]++] = (struct place){
							(uint32_t)i | (k ? PLACE_PARTNER : 0), t - from
						};
			}
		for (int u = 0; u < rounded && !pass; u++) {
			begin[u + 1] += begin[u];
			next[u] = begin[u];
		}
	}
}

static int put_words(struct backend_ctx *ctx, const struct batch *b, char *host, struct err *err)
{
	struct block *block = &ctx->block;
	const struct words *w = b->words;
	int rounded = words_rounded(w);
	uint32_t *word = (void *)(host + block->at[BLOCK_WORD]);
	if (mem_grow(&block->count, &block->count_cap, (size_t)rounded, sizeof *block->count, err))
		return -1;
	memcpy(host + block->at[BLOCK_BEGIN], w->begin, ((size_t)w->sentences + 1) * sizeof *w->begin);
	memcpy(host + block->at[BLOCK_LOCAL], w->local, w->begin[w->sentences] * sizeof *w->local);
	memcpy(word, w->word, (size_t)w->distinct * sizeof *word);
	memset(word + w->distinct, 0, (size_t)(rounded - w->distinct) * sizeof *word);
	put_places(b, rounded, block->count, (void *)(host + block->at[BLOCK_PLACE_BEGIN]),
		   (void *)(host + block->at[BLOCK_PLACE]));
	return 0;
}

/* Bytes of a stage that are sent, from place `from` on. */
struct piece {
	size_t from, bytes;
};

static int copy_on(cudaStream_t stream, void *to, const void *from, struct piece p, enum cudaMemcpyKind kind,
		   struct err *err)
{
	return gpu_status(cudaMemcpyAsync((char *)to + p.from, (const char *)from + p.from, p.bytes, kind, stream),
			  "copying a batch to the device", err);
}

/* Queues the copy of the first pieces [n] of the next stage. */
static int block_send(struct backend_ctx *ctx, const struct piece *piece, int n, struct err *err)
{
	struct block *b = &ctx->block;
	int i = b->next, l = i % LANDINGS;
	cudaEvent_t copied = b->stage[i].copied, taken = b->landing[l].taken;
	b->next = (i + 1) % STAGES;
	if (gpu_status(cudaStreamWaitEvent(ctx->uploads, taken, 0), "an event", err))
		return -1;
	for (int k = 0; k < n; k++)
		if (copy_on(ctx->uploads, b->landing[l].device, b->stage[i].host, piece[k], cudaMemcpyHostToDevice,
			    err))
			return -1;
	if (gpu_status(cudaEventRecord(copied, ctx->uploads), "an event", err) ||
	    gpu_status(cudaStreamWaitEvent(ctx->stream, copied, 0), "an event", err))
		return -1;
	for (int k = 0; k < n; k++)
		if (copy_on(ctx->stream, b->device, b->landing[l].device, piece[k], cudaMemcpyDeviceToDevice, err))
			return -1;
	return gpu_status(cudaEventRecord(taken, ctx->stream), "an event", err);
}

int block_fill(struct backend_ctx *ctx, const struct graph *g, const struct batch *b, const struct update *u,
	       struct err *err)
{
	struct block *block = &ctx->block;
	size_t need[BLOCK_ARRAYS] = { 0 };
	int resident = ctx->resident != NULL;
	const struct block_counts counts = counts_of(g, b, resident);
	block_needs(&counts, need);
	if (block_room(ctx, need, err) || stage_wait(ctx, block->next, err))
		return -1;
	char *host = block->stage[block->next].host;
	size_t n = (size_t)b->n;
	block->step = (struct step){ .seed = b->seed, .epoch = b->epoch,
				     .distinct = b->words ? (uint32_t)b->words->distinct : 0 };
	if (u)
		put_rates(&block->step, u);
	memcpy(host + block->at[BLOCK_STEP], &block->step, sizeof block->step);
	if (b->partner) {
		memcpy(host + block->at[BLOCK_LAMBDA], b->lambda, n * sizeof(float));
		memcpy(host + block->at[BLOCK_PARTNER], b->partner, n * sizeof(uint32_t));
	}
	if (b->sample)
		memcpy(host + block->at[BLOCK_SAMPLE], b->sample, n * sizeof(uint32_t));
	if (b->target)
		memcpy(host + block->at[BLOCK_TARGET], b->target, n * classes_of(g) * sizeof(float));
	if (b->images)
		put_images(b->images, resident, host, block->at);
	if (b->words && put_words(ctx, b, host, err))
		return -1;
	block->words = b->words ? words_rounded(b->words) : 0;
	block->view.pixel = resident ? ctx->resident : (char *)block->device + block->at[BLOCK_PIXEL];
	const struct piece all = { 0, block->at[BLOCK_PIXEL] + need[BLOCK_PIXEL] };
	return block_send(ctx, &all, 1, err);
}

int block_rates(struct backend_ctx *ctx, const struct update *u, const uint32_t *rows, int n_rows, struct err *err)
{
	struct block *block = &ctx->block;
	size_t need[BLOCK_ARRAYS] = { [BLOCK_STEP] = sizeof(struct step),
				      [BLOCK_WORD] = (size_t)n_rows * sizeof *rows };
	if (block_room(ctx, need, err) || stage_wait(ctx, block->next, err))
		return -1;
	char *host = block->stage[block->next].host;
	put_rates(&block->step, u);
	if (rows)
		block->step.distinct = (uint32_t)n_rows;
	memcpy(host + block->at[BLOCK_STEP], &block->step, sizeof block->step);
	if (n_rows)
		memcpy(host + block->at[BLOCK_WORD], rows, (size_t)n_rows * sizeof *rows);
	const struct piece part[] = { { block->at[BLOCK_STEP], sizeof block->step },
				      { block->at[BLOCK_WORD], (size_t)n_rows * sizeof *rows } };
	return block_send(ctx, part, n_rows ? 2 : 1, err);
}
