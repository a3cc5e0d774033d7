/* Ranks of a run, as forked processes over the sockets of tests/ranks: sums in the order that is promised, rows
 * gathered, failures and signals that all hear of, and when a program takes itself for one of several. */
#include "models/ranks/ranks.h"
#include "pipeline/base/philox.h"
#include "tests/ranks/mesh.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <cmocka.h>

enum { SEED = 11 };

/* What rank k brings: random numbers of many sizes, whose sum depends on the order. */
static float brought(int k, size_t i)
{
	struct rng r;
	rng_init(&r, SEED, RNG_SHUFFLE, (uint32_t)k, (uint32_t)i);
	double u = rng_real(&r);
	return (float)((u - 0.5) * (i % 3 ? 1 : 1e4));
}

/* The sum of ranks from..to - 1, by the definition. */
static float tree(int from, int to, size_t i)
{
	if (to - from == 1)
		return brought(from, i);
	int mid = (from + to) / 2;
	return tree(from, mid, i) + tree(mid, to, i);
}

static int check_sum(struct ranks *r, size_t n)
{
	struct err err = ERR_NONE;
	float *a = malloc(n * sizeof *a);
	size_t step = n > 100000 ? 9973 : 1, wrong = 0;
	for (size_t i = 0; a && i < n; i++)
		a[i] = i % step ? 0 : brought(r->rank, i);
	if (!a || ranks_sum(r, a, n, &err))
		return 1;
	for (size_t i = 0; i < n; i++) {
		float want = i % step ? 0 : tree(0, r->size, i);
		wrong += !!memcmp(&want, a + i, sizeof want);
	}
	free(a);
	return wrong != 0;
}

static int sums(struct ranks *r)
{
	static const size_t size[] = { 1, 2, 3, 7, 64, 1000, 20011, RANKS_ROOM / 8 - 1, RANKS_ROOM / 4 + 5 };
	for (size_t i = 0; i < sizeof size / sizeof *size; i++) /* the large ones once */
		if ((size[i] < 100000 || r->size == 4) && check_sum(r, size[i]))
			return 10 + (int)i;
	return 0;
}

/* Parts of all lengths, none of some ranks. */
static int check_gather(struct ranks *r, size_t unit)
{
	struct err err = ERR_NONE;
	size_t begin[MESH_MOST + 1] = { 5 };
	for (int k = 0; k < r->size; k++)
		begin[k + 1] = begin[k] + (size_t)(k * 7 % 4) * unit + (size_t)(k % 2);
	unsigned char *all = calloc(begin[r->size] + 1, 1);
	size_t wrong = 0;
	for (size_t i = begin[r->rank]; all && i < begin[r->rank + 1]; i++)
		all[i] = (unsigned char)(i * 31 >> 3 | 1);
	if (!all || ranks_gather(r, all, begin, &err))
		return 1;
	for (size_t i = 0; i <= begin[r->size]; i++)
		wrong += all[i] != (r->size > 1 && i >= 5 && i < begin[r->size] ? (unsigned char)(i * 31 >> 3 | 1) : 0);
	free(all);
	return r->size > 1 && wrong;
}

static int gatherings(struct ranks *r)
{
	return check_gather(r, 0) || check_gather(r, 1) || check_gather(r, 1000) ||
	       (r->size == 4 && check_gather(r, RANKS_ROOM / 5));
}

/* Fails with this sentence and status on the ranks of the set `who`. */
static int meet(struct ranks *r, unsigned who, int own, int signal, struct err *err)
{
	*err = ERR_NONE;
	int fails = who >> r->rank & 1;
	if (fails && own)
		err_usage(err, "record %d is bad", r->rank);
	else if (fails)
		err_usage(err, "record 7 is bad");
	return ranks_meet(r, fails ? -1 : 0, signal, err);
}

static int all_well(struct ranks *r)
{
	struct err err;
	for (int i = 0; i < 3; i++)
		if (meet(r, 0, 0, 0, &err) || r->signal)
			return 1;
	if (meet(r, 0, 0, r->rank == r->size - 1 ? SIGTERM : 0, &err) || r->signal != SIGTERM)
		return 2;
	if (meet(r, 0, 0, r->rank ? SIGTERM : SIGINT, &err) || r->signal != SIGINT)
		return 3;
	return meet(r, 0, 0, 0, &err) || r->signal ? 4 : 0;
}

static int one_fails(struct ranks *r)
{
	struct err err;
	if (!meet(r, 1u << (r->size - 1), 0, 0, &err) || err.status != VIC_USAGE || r->size < 2)
		return r->size > 1;
	char want[80];
	snprintf(want, sizeof want, "rank %d of %d: record 7 is bad", r->size - 1, r->size);
	return strcmp(err.msg, want) ? 2 : ranks_leave(r, VIC_USAGE) == VIC_USAGE ? 0 : 3;
}

static int all_fail_alike(struct ranks *r)
{
	struct err err;
	return !meet(r, ~0u, 0, 0, &err) || strcmp(err.msg, "record 7 is bad");
}

static int each_fails(struct ranks *r)
{
	struct err err;
	if (!meet(r, ~0u, 1, 0, &err))
		return 1;
	return strcmp(err.msg, r->size == 1   ? "record 0 is bad"
			       : r->size == 2 ? "rank 0 of 2: record 0 is bad"
			       : r->size == 4 ? "rank 0 of 4: record 0 is bad"
					      : "rank 0 of 8: record 0 is bad");
}

static int compares(struct ranks *r)
{
	struct err err = ERR_NONE;
	int odd;
	if (ranks_compare(r, 17, &odd, &err) || odd != -1)
		return 1;
	for (int k = 0; r->size > 1 && k < r->size; k++)
		if (ranks_compare(r, r->rank == k ? 4 : 17, &odd, &err) || odd != (r->size == 2 ? 1 : k))
			return 2 + k;
	return 0;
}

static int broadcasts(struct ranks *r)
{
	struct err err = ERR_NONE;
	for (int root = 0; root < r->size; root++) {
		char what[] = "nothing";
		if (r->rank == root)
			memcpy(what, "some id", sizeof what);
		if (ranks_broadcast(r, what, sizeof what, root, &err) || strcmp(what, "some id"))
			return 1 + root;
	}
	return 0;
}

/* The last rank waits in no meeting any more; the others wait until it is gone. */
static int one_is_lost(struct ranks *r)
{
	struct err err = ERR_NONE;
	if (r->size == 1)
		return 0;
	if (r->rank < r->size - 1)
		return ranks_meet(r, 0, 0, &err) && strstr(err.msg, "is gone") ? 0 : 1;
	err_set(&err, "a card has failed");
	if (ranks_lose(r, &err) != -1 || !strstr(err.msg, " of ") || strncmp(err.msg, "rank ", 5))
		return 3;
	if (!ranks_meet(r, -1, 0, &err) || r->over)
		return 2;
	_exit(0);
}

static int fits(struct ranks *r)
{
	for (int shards = 1; shards <= 16; shards++)
		if (ranks_fit(r, shards) != (!(shards & (shards - 1)) && shards % r->size == 0))
			return 1;
	return 0;
}

/* A rank that goes without a word. */
static int one_dies(struct ranks *r)
{
	struct err err;
	if (r->size == 1)
		return 0;
	if (r->rank == r->size - 1)
		_exit(0);
	if (!meet(r, 0, 0, 0, &err) || !strstr(err.msg, "is gone"))
		return 1;
	return ranks_meet(r, -1, 0, &err) ? 0 : 2; /* at once */
}

/* The build's folder of tests, which this program lies in. */
static void use_mesh(void)
{
	char self[4096], dir[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	assert_true(n > 0);
	self[n] = 0;
	*strrchr(self, '/') = 0;
	snprintf(dir, sizeof dir, "%s/ranks", self);
	setenv("VIC_BACKENDS", dir, 1);
}

static void every_rank(int (*task)(struct ranks *r))
{
	use_mesh();
	for (int size = 1; size <= MESH_MOST; size *= 2) {
		struct mesh m;
		int k = mesh_start(&m, size);
		assert_int_not_equal(k, -2);
		if (k >= 0) {
			struct ranks r;
			struct err err = ERR_NONE;
			alarm(60);
			if (ranks_open(&r, RANKS_AUTO, &err) || r.rank != k || r.size != size)
				_exit(99);
			int rc = task(&r);
			if (rc)
				fprintf(stderr, "rank %d of %d: %d\n", k, size, rc);
			_exit(rc);
		}
		assert_int_equal(mesh_wait(&m, SIGKILL), 0);
	}
}

#define ON_RANKS(name) static void test_##name(void **state) { (void)state; every_rank(name); }
ON_RANKS(sums)
ON_RANKS(gatherings)
ON_RANKS(all_well)
ON_RANKS(one_fails)
ON_RANKS(all_fail_alike)
ON_RANKS(each_fails)
ON_RANKS(compares)
ON_RANKS(broadcasts)
ON_RANKS(one_is_lost)
ON_RANKS(fits)
ON_RANKS(one_dies)

/* What the environment says, and what comes of it. */
static void test_launchers(void **state)
{
	static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "SLURM_STEP_NUM_TASKS",
					     "SLURM_PROCID", "PMIX_RANK", "PMI_SIZE", "PMI_RANK" };
	static const struct {
		const char *value[7];
		enum ranks_by by;
		enum vic_status status;
		const char *says; /* NULL: alone */
	} cases[] = {
		{ { NULL }, RANKS_AUTO, VIC_OK, NULL },
		{ { "1", "0" }, RANKS_AUTO, VIC_OK, NULL },
		{ { "4", "0" }, RANKS_NONE, VIC_OK, NULL },
		{ { NULL, NULL, "4", "0" }, RANKS_NONE, VIC_OK, NULL },
		{ { "4" }, RANKS_AUTO, VIC_OK, NULL },
		{ { NULL, NULL, "1", "0", "0" }, RANKS_AUTO, VIC_OK, NULL },
		{ { NULL }, RANKS_MPI, VIC_NO_DEVICE, "nothing/libvic-mpi.so: " },
		{ { "4", "0" }, RANKS_AUTO, VIC_NO_DEVICE, "started 4 processes, and there is no plug-in" },
		{ { NULL, NULL, "2", "0", "1" }, RANKS_AUTO, VIC_NO_DEVICE, "started 2 processes" },
		{ { NULL, NULL, NULL, NULL, NULL, "3", "0" }, RANKS_AUTO, VIC_NO_DEVICE, "started 3 processes" },
		{ { NULL, NULL, "2", "0" }, RANKS_AUTO, VIC_USAGE, "2 tasks without PMIx" },
		{ { NULL, NULL, "2", "0" }, RANKS_MPI, VIC_USAGE, "srun --mpi=pmix" },
		{ { "some", "0" }, RANKS_AUTO, VIC_USAGE, "OMPI_COMM_WORLD_SIZE" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ranks r;
		struct err err = ERR_NONE;
		for (int v = 0; v < 7; v++)
			if (cases[i].value[v])
				setenv(names[v], cases[i].value[v], 1);
			else
				unsetenv(names[v]);
		setenv("VIC_BACKENDS", "nothing", 1);
		assert_int_equal(ranks_open(&r, cases[i].by, &err) != 0, cases[i].says != NULL);
		assert_int_equal(err.status, cases[i].status);
		assert_int_equal(r.size, 1);
		if (cases[i].says && !strstr(err.msg, cases[i].says))
			fail_msg("%s: %s", cases[i].says, err.msg);
	}
	/* a launcher of another kind than the transport */
	use_mesh();
	struct ranks r;
	struct err err = ERR_NONE;
	for (int v = 0; v < 7; v++)
		unsetenv(names[v]);
	setenv("PMI_SIZE", "3", 1);
	setenv("PMI_RANK", "0", 1);
	assert_int_equal(ranks_open(&r, RANKS_AUTO, &err), -1);
	assert_non_null(strstr(err.msg, "started 3 processes, and sockets sees 1"));
	assert_int_equal(ranks_leave(&r, 0), 0);
	unsetenv("PMI_SIZE");
	assert_int_equal(ranks_open(&r, RANKS_MPI, &err), 0);
	assert_int_equal(r.size, 1);
	assert_int_equal(ranks_leave(&r, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),	       cmocka_unit_test(test_gatherings),
		cmocka_unit_test(test_all_well),       cmocka_unit_test(test_one_fails),
		cmocka_unit_test(test_all_fail_alike), cmocka_unit_test(test_each_fails),
		cmocka_unit_test(test_compares),       cmocka_unit_test(test_fits),
		cmocka_unit_test(test_broadcasts),     cmocka_unit_test(test_one_is_lost),
		cmocka_unit_test(test_one_dies),       cmocka_unit_test(test_launchers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
