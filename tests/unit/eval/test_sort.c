/* Sorting within the cache, by every variant, against qsort: sizes about a register, a leaf and more, keys of all
 * kinds, in either array, and nothing written beside them. */
#include "eval/sort/sort_kernel.h"
#include "tests/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 3000, BESIDE = 8, KINDS = 7 };
#define MARK 0x5a5a5a5a5a5a5a5aULL

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static uint64_t any(struct rng *r)
{
	return (uint64_t)rng_u32(r) << 32 | rng_u32(r);
}

/* Anything; close together; few; about a power of two apart; the ends; one; mostly one. */
static uint64_t key_of_kind(struct rng *r, int kind)
{
	switch (kind) {
	case 0: return any(r);
	case 1: return ((uint64_t)1 << 62) + any(r) % 5000;
	case 2: return any(r) % 3 << 61;
	case 3: return any(r) >> any(r) % 64;
	case 4: return any(r) % 2 ? UINT64_MAX - any(r) % 3 : any(r) % 3;
	case 5: return UINT64_MAX;
	default: return any(r) % 50 ? 7 : any(r);
	}
}

static void check(const struct sort_ops *ops, struct rng *r, size_t n, int kind, int in_room)
{
	static uint64_t key[MOST + 2 * BESIDE], room[MOST + 2 * BESIDE], want[MOST];
	for (size_t i = 0; i < MOST + 2 * BESIDE; i++)
		key[i] = room[i] = MARK;
	for (size_t i = 0; i < n; i++)
		(in_room ? room : key)[BESIDE + i] = want[i] = key_of_kind(r, kind);
	struct span s = ops->span(want, n, 0);
	qsort(want, n, sizeof *want, by_value);
	if (n)
		assert_true(s.lo == want[0] && s.hi == want[n - 1]);
	if (rng_below(r, 2))
		s = (struct span){ 0, UINT64_MAX }; /* need not be tight */
	ops->within(key + BESIDE, room + BESIDE, n, in_room, s);
	assert_memory_equal(key + BESIDE, want, n * sizeof *want);
	for (size_t i = 0; i < BESIDE; i++) {
		assert_true(key[i] == MARK && room[i] == MARK);
		assert_true(key[BESIDE + n + i] == MARK && room[BESIDE + n + i] == MARK);
	}
}

static void within(void **state)
{
	(void)state;
	const struct sort_ops *ops;
	int checks = plain_checks(300);
	for (int c = 0; c < checks; c++) {
		struct rng r;
		plain_rng(&r, (uint32_t)c, 70);
		size_t n = c < 200 ? (size_t)c : rng_below(&r, MOST + 1);
		int kind = (int)rng_below(&r, KINDS), in_room = (int)rng_below(&r, 2);
		for (int v = 0; (ops = sort_variant(v)); v++)
			check(ops, &r, n, kind, in_room);
	}
}

static void turned_span(void **state)
{
	(void)state;
	const struct sort_ops *ops;
	for (int c = 0; c < 100; c++) {
		struct rng r;
		plain_rng(&r, (uint32_t)c, 71);
		uint64_t key[100];
		size_t n = rng_below(&r, 100);
		struct span want = { UINT64_MAX, 0 };
		for (size_t i = 0; i < n; i++) {
			key[i] = key_of_kind(&r, c % KINDS);
			uint64_t t = turn(key[i]);
			assert_true(turn_back(t) == key[i]);
			want.lo = t < want.lo ? t : want.lo;
			want.hi = t > want.hi ? t : want.hi;
		}
		for (int v = 0; (ops = sort_variant(v)); v++) {
			struct span s = ops->span(key, n, 1);
			assert_true(s.lo == want.lo && s.hi == want.hi);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(within), cmocka_unit_test(turned_span) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
