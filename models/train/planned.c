/* A card is planned for by compiling the network for it, as on a device, with memory counted in place of taken. Twice,
 * at two sizes of a batch: memory grows by the same number of bytes with every sample, so two points give the largest
 * batch that fits. */
#include "planned.h"

#include "pipeline/base/mem.h"
#include "pipeline/files/io.h"

#include <stdlib.h>
#include <string.h>

enum {
	TOKENS = 20,               /* of a sentence, where a floor is counted */
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

/* Compiles for n samples at once; *taken, *total: bytes of the card's memory. Printed where `to` is not NULL. */
static int compile_for(const struct plan *plan, const struct backend_config *config, int n, size_t *taken,
		       size_t *total, FILE *to, struct err *err)
{
	struct device d;
	struct graph g;
	graph_init(&g);
	if (device_open_card(&d, config, err))
		return -1;
	g.max_words = plan->net->input == NET_WORDS ? n * TOKENS * 2 : 0;
	if (g.max_words > plan->config.vocabulary)
		g.max_words = plan->config.vocabulary;
	int rc = plan->net->build(plan->net, &g, &plan->config, err) || graph_compile(&g, &d, n, &plan->update, err) ||
		 (to && d.b->print_plan(d.ctx, &g, n, TOKENS, to, err));
	if (!rc)
		d.b->counted(d.ctx, taken, total);
	graph_release(&g);
	device_close(&d);
	return rc ? -1 : 0;
}

static int print_memory(const struct plan *plan, const struct backend_config *config, FILE *to, struct err *err)
{
	size_t taken, small, total;
	int n = plan->batch, less = n > 1 ? n / 2 : 2;
	if (compile_for(plan, config, n, &taken, &total, to, err) ||
	    compile_for(plan, config, less, &small, &total, NULL, err))
		return -1;
	double each = ((double)taken - (double)small) / (n - less), room = usable * (double)total;
	double fits = each > 0 ? (room - ((double)taken - each * n)) / each : 0;
	fprintf(to, "memory\t%.1f MiB of %.0f%s\nlargest batch\t%.0f, about\n", (double)taken / (1 << 20),
		(double)total / (1 << 20), (double)taken > room ? ": it does not fit" : "",
		fits > 0 ? (double)(long long)fits : 0);
	return 0;
}

int planned_print_card(const struct plan *plan, const char *card, enum precision precision, FILE *to, struct err *err)
{
	char *text = NULL;
	int rc = card_text(&text, card, err);
	struct backend_config config = { .precision = precision, .card = text };
	rc = rc || print_memory(plan, &config, to, err);
	free(text);
	return rc ? -1 : 0;
}
