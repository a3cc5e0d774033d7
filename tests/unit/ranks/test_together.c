/* A trainer over ranks: random small runs give the bytes of one process, where cards add up, too, a rank whose weights
 * went astray is named, a signal to one ends the epoch of all, and JPEG records that each looks at a share of are all
 * measured. */
#include "models/train/together.h"
#include "pipeline/base/crc.h"
#include "tests/ranks/mesh.h"
#include "tests/unit/models/train_task.h"

#include <signal.h>

enum { SHARDS = 4, TASKS = 12 };

/* What the ranks leave for the parent. */
static struct {
	uint32_t crc[MESH_MOST];
} *left;

static struct task task;

/* Weights, state, history, and the last batch's answers in their order, which sums over records hide. */
static uint32_t all_of(const struct trainer *t)
{
	struct err err = ERR_NONE;
	size_t last = (t->n_train - 1) % (uint32_t)t->plan->batch + 1;
	uint32_t crc = crc32_of(0, t->history, (size_t)t->epoch * sizeof *t->history);
	crc = crc32_of(crc, t->accumulate.loss, last * sizeof *t->accumulate.loss);
	crc = crc32_of(crc, t->accumulate.hit, last * sizeof *t->accumulate.hit);
	for (int p = 0; p < t->graph.n_params; p++)
		for (int slot = GRAPH_W; slot < GRAPH_SLOTS; slot++) {
			size_t bytes = graph_slot_bytes(&t->graph, p, (enum graph_slot)slot);
			void *host = malloc(bytes + 1);
			if (bytes && graph_slot_get(&t->graph, p, (enum graph_slot)slot, host, &err))
				_exit(90);
			crc = crc32_of(crc, host, bytes);
			free(host);
		}
	return crc;
}

static void make_sharded(uint32_t number)
{
	make_task(&task, number);
	task.plan.shards = task.plan.mix_config.shards = SHARDS;
}

static int trains(struct trainer *t, struct ranks *r)
{
	struct err err = ERR_NONE;
	open_trainer(t, &task);
	if (trainer_join(t, r, &err) || together_begin(t, &err))
		return 91;
	while (!trainer_done(t))
		if (trainer_epoch(t, &err) || together_compare(t, &err))
			return 92;
	left->crc[r->rank] = all_of(t);
	return 0;
}

static int in_history;

/* The smallest change of one weight of one rank, after an epoch; or of what it remembers of the epoch. */
static int strays(struct trainer *t, struct ranks *r)
{
	struct err err = ERR_NONE;
	open_trainer(t, &task);
	if (trainer_join(t, r, &err) || together_begin(t, &err) || trainer_epoch(t, &err) || together_compare(t, &err))
		return 1;
	if (r->rank == 2 && in_history) {
		t->history[0].dev_oe += 1e-9;
	} else if (r->rank == 2) {
		int last = t->graph.n_params - 1;
		float *w = malloc(param_size(&t->graph.param[last]) * sizeof *w);
		uint32_t bits;
		if (graph_get(&t->graph, last, w, &err))
			return 2;
		memcpy(&bits, w, sizeof bits);
		bits ^= 1;
		memcpy(w, &bits, sizeof bits);
		if (graph_set(&t->graph, last, w, &err))
			return 3;
		free(w);
	}
	if (!together_compare(t, &err))
		return 4;
	return strstr(err.msg, "rank 2 of 4 holds other weights than the others after epoch 1: ") ? 0 : 5;
}

/* Says stop on rank 1 alone, at a call that the number of the task tells. */
static int calls;
static int stop_late(void *ctx, uint32_t done)
{
	const struct ranks *r = ctx;
	(void)done;
	return r->rank == 1 && calls-- <= 0 ? SIGTERM : 0;
}

static int stops(struct trainer *t, struct ranks *r)
{
	struct err err = ERR_NONE;
	open_trainer(t, &task);
	t->tick = stop_late;
	t->tick_ctx = r;
	if (trainer_join(t, r, &err) || together_begin(t, &err))
		return 1;
	int rc = 0;
	while (!rc && !trainer_done(t))
		rc = trainer_epoch(t, &err) || together_compare(t, &err);
	/* one that came at the last moment is heard of by nobody */
	left->crc[r->rank] = (uint32_t)t->epoch * 2 + (uint32_t)(r->signal == SIGTERM);
	return rc && r->signal != SIGTERM;
}

/* On so many ranks; what they leave is the same on all, and returned. */
static uint32_t on_ranks(int size, int (*run)(struct trainer *, struct ranks *))
{
	struct mesh m;
	memset(left, 0, sizeof *left);
	int k = mesh_start(&m, size);
	assert_int_not_equal(k, -2);
	if (k >= 0) {
		struct ranks r;
		struct trainer t = { 0 };
		struct err err = ERR_NONE;
		alarm(120);
		int rc = ranks_open(&r, RANKS_AUTO, &err) ? 99 : run(&t, &r);
		if (rc)
			fprintf(stderr, "rank %d of %d: %d: %s\n", k, size, rc, err.msg);
		_exit(rc);
	}
	assert_int_equal(mesh_wait(&m, SIGKILL), 0);
	for (k = 1; k < size; k++)
		assert_int_equal(left->crc[k], left->crc[0]);
	return left->crc[0];
}

static void test_same_bytes(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < TASKS; number++) {
		make_sharded(number);
		uint32_t want = on_ranks(1, trains);
		assert_int_equal(on_ranks(2, trains), want);
		assert_int_equal(on_ranks(4, trains), want);
		device_close(&task.dev);
	}
}

/* Cards that add up over ranks, made of what the hosts do: in a process's memory, with the ranks' own sum. */
static struct {
	struct sums by;
	struct backend b;
	struct ranks *r;
	int lacks; /* the rank that has no NCCL; -1: none */
	int joined, sums;
	enum reduction how;
} cards;

static int cards_reach(struct sum *s, struct err *err)
{
	(void)s;
	return cards.r->rank == cards.lacks ? err_set(err, "no library is here") : 0;
}

static const char *cards_name(const struct sum *s)
{
	(void)s;
	return "made cards";
}

static int cards_id(struct sum *s, unsigned char id[SUMS_ID], struct err *err)
{
	(void)s;
	for (int i = 0; i < SUMS_ID; i++)
		id[i] = (unsigned char)(i + 1);
	return cards.r->rank ? err_set(err, "a second one names the sum") : 0;
}

static int cards_join(struct sum *s, const unsigned char id[SUMS_ID], int rank, int size, enum reduction how,
		      struct err *err)
{
	(void)s;
	int other = rank != cards.r->rank || size != cards.r->size || how != cards.how;
	for (int i = 0; i < SUMS_ID; i++)
		other |= id[i] != i + 1;
	cards.joined++;
	return other ? err_set(err, "joins another sum") : 0;
}

static int cards_across(struct sum *s, struct err *err)
{
	float *sum;
	size_t n;
	cards.sums++;
	return host_sums.host(s, &sum, &n, err) || ranks_sum(cards.r, sum, n, err) || host_sums.put(s, err) ? -1 : 0;
}

static void make_cards(uint32_t number)
{
	make_sharded(number);
	cards.by = host_sums;
	cards.by.reach = cards_reach;
	cards.by.name = cards_name;
	cards.by.id = cards_id;
	cards.by.join = cards_join;
	cards.by.across = cards_across;
	cards.b = *task.dev.b;
	cards.b.sums = &cards.by;
	task.dev.b = &cards.b;
	cards.lacks = -1;
}

static int adds_up(struct trainer *t, struct ranks *r)
{
	cards.r = r;
	int rc = trains(t, r), all = r->size > 1 && cards.lacks < 0;
	const char *by = accumulate_by(&t->accumulate);
	if (rc || cards.joined != all || cards.sums != (all ? (int)t->step : 0) || !by != !all)
		return rc ? rc : 95;
	return all && strcmp(by, "made cards") ? 96 : 0;
}

/* Where one lacks what is needed, all say so: it itself what it lacks, the others that one does. */
static int lacks(struct trainer *t, struct ranks *r)
{
	struct err err = ERR_NONE;
	char want[200];
	cards.r = r;
	open_trainer(t, &task);
	if (!trainer_join(t, r, &err) || err.status != VIC_USAGE)
		return 97;
	snprintf(want, sizeof want,
		 "--reduce fast: cards are not there to add up over ranks: %s; --reduce exact does it "
		 "through the hosts' memory",
		 r->rank == cards.lacks ? "no library is here" : "a rank has no NCCL");
	return strcmp(err.msg, want) ? 98 : 0;
}

static void test_cards_add_up(void **state)
{
	(void)state;
	make_cards(0);
	uint32_t want = on_ranks(1, adds_up);
	cards.how = task.plan.reduce = REDUCE_FAST;
	assert_int_equal(on_ranks(2, adds_up), want);
	cards.lacks = 1;
	on_ranks(2, lacks);
	cards.lacks = 0;
	on_ranks(4, lacks);
	cards.how = task.plan.reduce = REDUCE_EXACT;
	assert_int_equal(on_ranks(2, adds_up), want);
	device_close(&task.dev);
}

static void test_a_rank_that_strays(void **state)
{
	(void)state;
	for (in_history = 0; in_history < 2; in_history++) {
		make_sharded(3);
		on_ranks(4, strays);
		device_close(&task.dev);
	}
}

static void test_a_signal_to_one(void **state)
{
	int heard = 0;
	(void)state;
	for (uint32_t number = 0; number < 12; number++) {
		make_sharded(number);
		calls = (int)number % 4;
		heard += (int)(on_ranks(4, stops) & 1);
		device_close(&task.dev);
	}
	assert_true(heard >= 8);
}

enum { PICTURES = 13, SIDE = 2200 /* three make a piece */ };

static unsigned char file[2][1 << 12];
static struct dataset pictures;

static int looks(struct trainer *t, struct ranks *r)
{
	struct err err = ERR_NONE;
	struct progress progress;
	const struct moments *m = &pictures.images.moments;
	(void)t;
	progress_begin(&progress, "", 0, 1);
	if (pictures_look(&pictures, 1, r, &progress, &err))
		return 93;
	progress_end(&progress);
	left->crc[r->rank] = crc32_of(crc32_of((uint32_t)m->n, m->sum, sizeof m->sum), m->squares, sizeof m->squares);
	return 0;
}

/* The last record is damaged: all hear of it. */
static int looks_in_vain(struct trainer *t, struct ranks *r)
{
	struct err err = ERR_NONE;
	struct progress progress;
	(void)t;
	pictures.images.len[PICTURES - 1] = 9;
	progress_begin(&progress, "", 0, 1);
	int rc = pictures_look(&pictures, 1, r, &progress, &err);
	progress_end(&progress);
	return rc == -1 && strstr(err.msg, "record with id 12: ") ? 0 : 94;
}

/* JPEG records, each rank its share: their sums are those of one process. */
static void test_looking(void **state)
{
	static const void *bytes[PICTURES];
	static uint32_t len[PICTURES];
	static uint64_t id[PICTURES];
	static uint8_t split[PICTURES];
	struct want want = { SIDE, SIDE, FIT_STRETCH };
	(void)state;
	for (int k = 0; k < 2; k++) {
		FILE *f = fopen(k ? "tests/golden/images/rgb444.jpg" : "tests/golden/images/grey.jpg", "rb");
		assert_non_null(f);
		size_t n = fread(file[k], 1, sizeof file[k], f);
		fclose(f);
		for (int i = k; i < PICTURES; i += 2)
			len[i] = (uint32_t)n;
	}
	for (int i = 0; i < PICTURES; i++) {
		bytes[i] = file[i % 2];
		id[i] = (uint64_t)i;
		split[i] = i % 4 == 1 ? SPLIT_DEV : SPLIT_TRAIN;
	}
	pictures = (struct dataset){ .head = { .kind = STREAM_IMAGES, .encoding = ENCODING_JPEG }, .n = PICTURES,
				     .id = id, .split = split, .images = { .pixel = bytes, .len = len } };
	image_data_form(&pictures, &want, 1);
	uint32_t alone = on_ranks(1, looks);
	assert_int_equal(on_ranks(2, looks), alone);
	assert_int_equal(on_ranks(4, looks), alone);
	on_ranks(4, looks_in_vain);
}

int main(void)
{
	char self[4096], dir[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return 1;
	self[n] = 0;
	*strrchr(self, '/') = 0;
	snprintf(dir, sizeof dir, "%s/ranks", self);
	setenv("VIC_BACKENDS", dir, 1);
	left = mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (left == MAP_FAILED)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_cards_add_up),
		cmocka_unit_test(test_a_rank_that_strays),
		cmocka_unit_test(test_a_signal_to_one),
		cmocka_unit_test(test_looking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
