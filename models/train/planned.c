/* A card is planned for by compiling the network for it, as on a device, with memory counted in place of taken. The
 * largest batch that fits is looked for in the same way: memory grows by nearly the same number of bytes with every
 * sample, so a line through two sizes of a batch leads to the next one to try. */
#include "planned.h"

#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	TOKENS = 20,               /* of a sentence, where there are no records: those of MR have so many */
	BATCH_MOST = 65536,        /* of --batch */
	DESCRIPTION_MOST = 1 << 16 /* bytes */
};
/* Of a card's memory, what is left to a program beside the context of CUDA and the libraries' own. */
static const double usable = 0.94;

int planned_print(const struct plan *plan, FILE *to, struct err *err)
{
	struct graph g;
	graph_init(&g);
	int rc = plan->net->build(plan->net, &g, &plan->config, err) || graph_plan(&g, 1, err);
	if (!rc)
		graph_print(&g, to);
	graph_release(&g);
	return rc ? -1 : 0;
}

/* The card's description, or a copy of its name. */
static int card_text(char **text, const char *card, struct err *err)
{
	struct input in;
	const unsigned char *bytes;
	size_t n = strlen(card), got;
	if (!strchr(card, '/') && (n < 5 || strcmp(card + n - 5, ".json")))
		return mem_text(text, card, n, err);
	if (input_open(&in, card, err))
		return -1;
	int rc = input_peek(&in, DESCRIPTION_MOST, &bytes, &got, err);
	if (!rc && got == DESCRIPTION_MOST)
		rc = err_set(err, "%s: more than %d bytes; this is no description of a card", card, DESCRIPTION_MOST);
	if (!rc)
		rc = mem_text(text, (const char *)bytes, got, err);
	input_release(&in);
	return rc;
}

/* The network compiled for the shards of batches of n on a card. */
struct compiled {
	struct device device;
	struct graph graph;
	struct sum *sum; /* of several shards; NULL: there is one, or the host adds up */
	int n;
	size_t taken, total; /* bytes of the card's memory */
};

static void compiled_release(struct compiled *c)
{
	if (c->sum)
		c->device.b->sums->release(c->sum);
	graph_release(&c->graph);
	device_close(&c->device);
}

/* Most distinct words that a batch of n can have. */
static int most_words(const struct plan *plan, const struct dataset *data, int n)
{
	double most = 2.0 * n * TOKENS;
	if (plan->net->input != NET_WORDS)
		return 0;
	if (data->n)
		return batcher_max_words(data, n);
	return most < plan->config.vocabulary ? (int)most : plan->config.vocabulary;
}

static int mean_tokens(const struct plan *plan, const struct dataset *data)
{
	if (plan->net->input != NET_WORDS || !data->n)
		return TOKENS;
	return (int)((data->text.begin[data->n] + data->n / 2) / data->n);
}

/* Records of the largest shard of a batch of n. */
static int shard_of(const struct plan *plan, int n)
{
	return shard_most(n, plan_shards(plan));
}

/* c is to be released, whatever comes out. */
static int compiled_make(struct compiled *c, const struct plan *plan, const struct dataset *data,
			 const struct backend_config *config, int n, struct err *err)
{
	struct plan of = *plan;
	*c = (struct compiled){ .n = n };
	of.batch = n;
	graph_init(&c->graph);
	if (device_open_card(&c->device, config, err))
		return -1;
	c->graph.max_words = most_words(plan, data, n);
	if (plan->net->build(plan->net, &c->graph, &plan->config, err) ||
	    graph_compile(&c->graph, &c->device, plan_room(&of, n), &plan->update, err))
		return -1;
	if (plan->shards > 1 && c->device.b->sums &&
	    c->device.b->sums->open(&c->sum, &c->graph, plan->shards, err))
		return -1;
	c->device.b->counted(c->device.ctx, &c->graph, shard_of(plan, n), mean_tokens(plan, data), &c->taken,
			     &c->total);
	return 0;
}

struct point {
	double n, bytes;
};

/* Of a line through two points, where it comes to `room`. Where it does not come there between the batches that fit and
 * those that do not, as where both points have one memory (batches of several shards, blocks of memory): their middle,
 * of logarithms, or the largest there is while none was too large. */
static int next_try(struct point a, struct point b, double room, int fits, int too_large)
{
	double each = (b.bytes - a.bytes) / (b.n - a.n);
	double n = each > 0 ? b.n + 0.99 * (room - b.bytes) / each : 0;
	if (!(n >= fits + 1 && n < too_large))
		n = too_large > BATCH_MOST ? BATCH_MOST : sqrt((fits + 1.0) * too_large);
	return (int)n;
}

/* The largest batch that fits, to a twentieth, no larger than BATCH_MOST; 0: not one sample does. */
static int largest_batch(const struct plan *plan, const struct dataset *data, const struct backend_config *config,
			 const struct compiled *first, int *largest, struct err *err)
{
	enum { TRIES = 12 };
	struct point a = { 0, 0 }, b = { first->n, (double)first->taken };
	double room = usable * (double)first->total;
	int fits = b.bytes <= room ? first->n : 0, too_large = fits ? BATCH_MOST + 1 : first->n;
	for (int i = 0; i < TRIES && (too_large - fits) * 20.0 > too_large && too_large - fits > 1; i++) {
		struct compiled c;
		int n = i ? next_try(a, b, room, fits, too_large) : first->n > 1 ? first->n / 2 : 2;
		int rc = compiled_make(&c, plan, data, config, n, err);
		compiled_release(&c);
		if (rc)
			return -1;
		a = b;
		b = (struct point){ n, (double)c.taken };
		if (b.bytes > room && n < too_large)
			too_large = n;
		else if (b.bytes <= room && n > fits)
			fits = n;
		/* a twentieth more would be too much */
		if (i && b.bytes <= room && b.bytes + (b.bytes - a.bytes) / (b.n - a.n) * b.n / 20 > room)
			break;
	}
	*largest = fits;
	return 0;
}

static int print_compiled(struct compiled *c, const struct plan *plan, const struct dataset *data,
			  const struct backend_config *config, FILE *to, struct err *err)
{
	const struct backend *b = c->device.b;
	int largest, whole = (double)c->taken <= usable * (double)c->total;
	if (plan->shards > 1)
		fprintf(to, "shards         %d a batch of %d; a step here is one of them\n", plan->shards, plan->batch);
	if (b->print_plan(c->device.ctx, &c->graph, &plan->update, shard_of(plan, plan->batch), mean_tokens(plan, data),
			  to, err))
		return -1;
	fprintf(to, "memory         %.1f MiB of %.0f%s\n", (double)c->taken / (1 << 20), (double)c->total / (1 << 20),
		whole ? "" : ": it does not fit");
	if (largest_batch(plan, data, config, c, &largest, err))
		return -1;
	fprintf(to, "largest batch  %d%s\n", largest,
		largest == BATCH_MOST ? ", the most that --batch takes" :
		largest		      ? ", about" :
					": not even one record fits");
	return 0;
}

int planned_print_card(const struct plan *plan, const struct dataset *data, const char *card, enum precision precision,
		       FILE *to, struct err *err)
{
	struct compiled c = { 0 };
	char *text = NULL;
	int rc = card_text(&text, card, err);
	struct backend_config config = { .precision = precision, .card = text };
	if (!rc) {
		rc = compiled_make(&c, plan, data, &config, plan->batch, err) ||
		     print_compiled(&c, plan, data, &config, to, err);
		compiled_release(&c);
	}
	free(text);
	return rc ? -1 : 0;
}
