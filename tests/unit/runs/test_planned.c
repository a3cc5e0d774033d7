/* Planning for a card: what is printed of a network on a card that a test makes up, whose memory grows with the batch
 * in some way, is what a plain count says, and the largest batch is the one that trying every size finds, to a
 * twentieth. */
#include "models/train/planned.h"
#include "tests/scratch.h"
#include "tests/unit/models/train_task.h"

#include <sys/stat.h>

enum { MOST = 65536, TRIES = 13, CASES = 200, FEW = 794 /* compiled for all that succeed, at most */ };

/* The card, and what is open on it. Its memory holds what `taken` says. */
static struct {
	const struct task *task;
	const char *text; /* that it should be opened with */
	enum precision precision;
	size_t longest; /* record, in words */
	size_t fixed, each, word, token, room, sums, page, total;
	int step_at; /* batches from here on take as much as the card has besides; 0: none do */
	int adds_up; /* it has sums of its own */
	int devices, graphs, open_sums, compiled, fails_in;
} card;

static int is_text(void)
{
	return card.task->plan.net->input == NET_WORDS;
}

/* In bytes, of a step of one of the shards of batches of n. */
static size_t taken_by(size_t samples, size_t words, size_t tokens, size_t room, int summed, int n)
{
	size_t bytes = card.fixed + card.each * samples + card.word * words + card.token * tokens + card.room * room +
		       (summed ? card.sums : 0);
	return (bytes + card.page - 1) / card.page * card.page + (card.step_at && n >= card.step_at ? card.total : 0);
}

static size_t plain_samples(int n)
{
	int shards = card.task->plan.shards ? card.task->plan.shards : 1;
	return (size_t)((n + shards - 1) / shards);
}

static size_t plain_words(int n)
{
	const struct dataset *d = &card.task->data;
	size_t all = d->n ? d->text.words : (size_t)card.task->plan.config.vocabulary;
	size_t most = 2 * card.longest * (size_t)n;
	return !is_text() ? 0 : most < all ? most : all;
}

static size_t plain_tokens(void)
{
	const struct dataset *d = &card.task->data;
	return is_text() && d->n ? (size_t)floor((double)d->text.begin[d->n] / (double)d->n + 0.5) : 20;
}

/* Words are trained on as many at once as there are in evaluation. */
static size_t plain_room(int n)
{
	size_t samples = plain_samples(n);
	return is_text() && samples <= 512 ? 512 : samples;
}

static size_t plain_taken(int n)
{
	return taken_by(plain_samples(n), plain_words(n), plain_tokens(), plain_room(n),
			card.task->plan.shards > 1 && card.adds_up, n);
}

static int made_alloc(struct backend_ctx *ctx, void **p, size_t bytes, struct err *err)
{
	(void)ctx, (void)bytes;
	if (card.compiled == card.fails_in)
		return err_set(err, "the driver is gone");
	card.graphs++;
	*p = malloc(1);
	return 0;
}

static void made_free(struct backend_ctx *ctx, void *p)
{
	(void)ctx;
	card.graphs--;
	free(p);
}

static int made_forward(struct backend_ctx *ctx, const struct op_call *call, struct err *err)
{
	(void)ctx, (void)call;
	return err_set(err, "computes on a card that is not there");
}

static int made_print(struct backend_ctx *ctx, const struct graph *g, const struct update *u, int n, int tokens,
		      FILE *to, struct err *err)
{
	(void)ctx, (void)err;
	fprintf(to, "steps of %d, %d tokens, %d ops, %d at once, %d\n", n, tokens, g->n_ops, g->max_n, (int)u->rule);
	return 0;
}

static void made_counted(const struct backend_ctx *ctx, const struct graph *g, int n, int tokens, size_t *taken,
			 size_t *total)
{
	(void)ctx;
	/* only steps of a whole batch a shard know their batch; in others there is no step */
	*taken = taken_by((size_t)n, (size_t)g->max_words, (size_t)tokens, (size_t)g->max_n, card.open_sums, n);
	*total = card.total;
}

static int sums_open(struct sum **s, const struct graph *g, int vectors, struct err *err)
{
	(void)g, (void)err;
	assert_int_equal(vectors, card.task->plan.shards);
	card.open_sums++;
	*s = (struct sum *)&card;
	return 0;
}

static void sums_release(struct sum *s)
{
	assert_ptr_equal(s, &card);
	card.open_sums--;
}

static const struct sums made_sums = { .open = sums_open, .release = sums_release };
static struct backend made = { .abi = BACKEND_ABI,
			       .name = "made",
			       .alloc = made_alloc,
			       .release = made_free,
			       .forward = made_forward,
			       .print_plan = made_print,
			       .counted = made_counted };

/* Instead of the core's: the card. */
int device_open_card(struct device *d, const struct backend_config *config, struct err *err)
{
	(void)err;
	assert_string_equal(config->card, card.text);
	assert_int_equal(config->precision, card.precision);
	made.sums = card.adds_up ? &made_sums : NULL;
	*d = (struct device){ .b = &made };
	card.devices++;
	card.compiled++;
	return 0;
}

/* And the rest of that file, which is linked as one. */
int device_open(struct device *d, const char *name, int threads, struct err *err)
{
	(void)name, (void)threads, (void)err;
	*d = (struct device){ .b = &backend_ref };
	return 0;
}

void device_close(struct device *d)
{
	card.devices -= d->b == &made;
	*d = (struct device){ 0 };
}

const char *device_engine(const struct device *d)
{
	return d->b->name;
}

static void make_case(struct task *t, uint32_t number)
{
	make_task(t, number);
	memset(&card, 0, sizeof card);
	card.task = t;
	t->plan.batch = 1 + below(below(2) ? 900 : 9);
	while (t->plan.shards > t->plan.batch)
		t->plan.shards /= 2;
	if (below(4) == 0) {
		t->plan.net = &net_smallcnn;
		t->plan.config.image = (struct shape){ 32, 32, 3 };
		t->plan.config.width_factor = 1;
		t->plan.config.dropout = 0;
	} else if (below(2)) { /* no records */
		t->data.n = 0;
		t->plan.config.vocabulary = below(2) ? WORDS : 1 + below(30000);
	}
	card.longest = t->data.n ? 0 : 20;
	for (size_t i = 0; i < t->data.n; i++)
		if (t->begin[i + 1] - t->begin[i] > card.longest)
			card.longest = t->begin[i + 1] - t->begin[i];
	card.precision = (enum precision)below(3);
	card.adds_up = below(2);
	card.fixed = (size_t)below(1 << 20);
	card.each = (size_t)(below(8) ? 1 + below(5000) : 0);
	card.word = (size_t)(below(2) ? below(60) : 0);
	card.token = (size_t)below(60);
	card.room = (size_t)(below(2) ? below(100) : 0);
	card.sums = (size_t)below(1 << 18);
	card.page = (size_t)(below(2) ? 1 : 1 + below(256));
	/* room for about so many */
	double about = exp(rng_real(&random_state) * log(1e5)) - 2;
	card.total = (size_t)fmax(1, (double)card.fixed + about * (double)(card.each + card.room + 1) +
					     (double)(below(2) ? card.sums : 0));
	if (below(8) == 0) { /* full to the last byte */
		card.fixed = card.word = card.token = card.room = card.sums = 0;
		card.page = 1;
		card.each = 94;
		card.total = 100 * (size_t)(below(2) ? t->plan.batch : 1 + below(2000));
	}
	if (t->plan.shards <= 1 && below(8) == 0)
		card.step_at = 2 + below(3000);
	card.fails_in = -1;
}

/* The first batch too large for the card, or one more than any may be. */
static int plain_too_large(void)
{
	int n = 1;
	while (n <= MOST && (double)plain_taken(n) <= 0.94 * (double)card.total)
		n++;
	return n;
}

static void nothing_open(void)
{
	assert_true(!card.devices && !card.graphs && !card.open_sums);
}

static void check_printed(const char *text)
{
	const struct plan *p = &card.task->plan;
	struct graph g;
	struct err err = ERR_NONE;
	char want[512];
	size_t taken = plain_taken(p->batch), at = 0;
	graph_init(&g);
	assert_int_equal(p->net->build(p->net, &g, &p->config, &err), 0);
	if (p->shards > 1)
		at = (size_t)snprintf(want, sizeof want,
				      "shards         %d a batch of %d; a step here is one of them\n", p->shards,
				      p->batch);
	snprintf(
		want + at, sizeof want - at,
		"steps of %zu, %zu tokens, %d ops, %zu at once, %d\nmemory         %.1f MiB of %.0f%s\nlargest batch  ",
		plain_samples(p->batch), plain_tokens(), g.n_ops, plain_room(p->batch), (int)p->update.rule,
		(double)taken / 1048576, (double)card.total / 1048576,
		(double)taken <= 0.94 * (double)card.total ? "" : ": it does not fit");
	graph_release(&g);
	if (strncmp(text, want, strlen(want)))
		fail_msg("wanted: %s\ngot: %s", want, text);
	char *rest;
	long got = strtol(text + strlen(want), &rest, 10);
	int most = plain_too_large() - 1;
	assert_string_equal(rest, got == MOST ? ", the most that --batch takes\n"
				  : got	      ? ", about\n"
					      : ": not even one record fits\n");
	/* a straight line leads to a twentieth of it, and two records a shard; one that bends or jumps, to what fits */
	int shards = p->shards ? p->shards : 1, bends = card.room || (is_text() && card.word) || card.step_at;
	int near = (got > 0) == (most > 0) && (bends || (most - got) * 20 <= most + 40 * shards);
	if (!(got <= most && (card.step_at || near)))
		fail_msg("the largest batch is %d, not %ld", most, got);
}

static void cards(void **state)
{
	static struct task t;
	int tries = 0;
	(void)state;
	for (uint32_t i = 0; i < CASES; i++) {
		struct err err = ERR_NONE;
		char *text = NULL;
		size_t size;
		make_case(&t, i);
		card.text = below(2) ? "H200" : "a card";
		card.fails_in = below(6) ? -1 : 1 + below(4);
		FILE *to = open_memstream(&text, &size);
		assert_non_null(to);
		int rc = planned_print_card(&t.plan, &t.data, card.text, card.precision, to, &err);
		fclose(to);
		assert_int_equal(rc, card.compiled == card.fails_in ? -1 : 0);
		assert_true(card.compiled <= TRIES);
		if (rc)
			assert_string_equal(err.msg, "the driver is gone");
		else
			check_printed(text);
		tries += rc ? 0 : card.compiled;
		nothing_open();
		free(text);
	}
	assert_in_range(tries, 1, FEW); /* a search that is led astray takes more */
}

/* A card's description is a file where its name has a slash or ends so; as much as there may be of it, and more. */
static void descriptions(void **state)
{
	static const char *const names[] = { "/", "x.json", ".json", "json", "y.jsonl", "a.json b", "a/b.json" };
	static char bytes[MOST + 2];
	static struct task t;
	char folder[SCRATCH_PATH], path[2 * SCRATCH_PATH], back[SCRATCH_PATH];
	(void)state;
	assert_non_null(getcwd(back, sizeof back));
	assert_int_equal(scratch_folder(folder, "cards"), 0);
	assert_int_equal(chdir(folder), 0);
	memset(bytes, 'x', sizeof bytes);
	for (uint32_t i = 0; i < 40; i++) {
		struct err err = ERR_NONE;
		const char *name = names[i % 7];
		size_t n = (size_t)(below(2) ? 1 + below(9) : MOST - 2 + below(4));
		int file = i % 7 < 3 || i % 7 == 6, folded = i % 7 == 6;
		make_case(&t, i);
		if (*name == '/')
			snprintf(path, sizeof path, "%s/card", folder);
		else
			snprintf(path, sizeof path, "%s", name);
		assert_int_equal(folded ? mkdir("a", 0700) : 0, 0);
		assert_int_equal(scratch_put(path, bytes, n), 0);
		bytes[n] = 0;
		card.text = file ? bytes : path;
		FILE *to = fopen("/dev/null", "w");
		assert_non_null(to);
		int rc = planned_print_card(&t.plan, &t.data, path, card.precision, to, &err);
		fclose(to);
		assert_int_equal(rc, file && n >= MOST ? -1 : 0);
		assert_true(!rc || strstr(err.msg, ": more than 65536 bytes; this is no description of a card"));
		bytes[n] = 'x';
		unlink(path);
		assert_int_equal(folded ? rmdir("a") : 0, 0);
		assert_int_equal(planned_print_card(&t.plan, &t.data, path, card.precision, stderr, &err),
				 file ? -1 : 0);
		nothing_open();
	}
	assert_int_equal(chdir(back), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* The network itself: as its graph prints when it is planned for training. */
static void networks(void **state)
{
	static struct task t;
	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		struct err err = ERR_NONE;
		struct graph g;
		char *got = NULL, *want = NULL;
		size_t n, m;
		make_case(&t, i);
		FILE *to = open_memstream(&got, &n), *plain = open_memstream(&want, &m);
		assert_true(to && plain);
		assert_int_equal(planned_print(&t.plan, to, &err), 0);
		graph_init(&g);
		assert_int_equal(t.plan.net->build(t.plan.net, &g, &t.plan.config, &err), 0);
		assert_int_equal(graph_plan(&g, 1, &err), 0);
		graph_print(&g, plain);
		graph_release(&g);
		fclose(to);
		fclose(plain);
		assert_true(n == m && n > 0);
		assert_string_equal(got, want);
		free(got);
		free(want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cards), cmocka_unit_test(descriptions),
					    cmocka_unit_test(networks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
