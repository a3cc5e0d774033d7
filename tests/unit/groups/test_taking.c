/* Sets taken of the records of random streams, of one sample and of several, by split and group: every line written and
 * every count, against probabilities in long double (plain_rows.h). */
#include "eval/conformal/taking.h"
#include "eval/groups/grouping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/eval/plain_rows.h"

enum { GROUPS = 3, MOST = 60 };
static struct err err;

/* The set of a record, from the likeliest class down; where none reaches the cut, of the winner if it is not to be
 * empty. Returns its size, -1 where a rounding decides. */
static int plain_set(const struct plain_record *r, int k, double cut, int never_empty, int *set)
{
	int n = 0;
	for (int c = 0; c < k; c++) {
		int at = n;
		if (fabsl(r->p[c] - cut) < 1e-6L)
			return -1;
		if (r->p[c] < cut)
			continue;
		for (; at > 0 && r->p[set[at - 1]] < r->p[c]; at--)
			set[at] = set[at - 1];
		set[at] = c;
		n++;
	}
	if (!n && never_empty)
		set[n++] = r->winner;
	return n;
}

static void add_line(FILE *to, const struct plain_record *r, const int *set, int n, int hit)
{
	fprintf(to, "%llu\t", (unsigned long long)r->id);
	if (r->label >= 0)
		fprintf(to, "c%d\t%d\t%d\t", r->label, hit, n);
	else
		fprintf(to, "\t\t%d\t", n);
	for (int i = 0; i < n; i++)
		fprintf(to, i ? " c%d" : "c%d", set[i]);
	fputc('\n', to);
}

static void count(struct covered *c, int n, int hit)
{
	c->n++;
	c->hit += (uint64_t)hit;
	c->size += (uint64_t)n;
}

static void counts_are(const struct covered *got, const struct covered *want)
{
	assert_true(got->n == want->n && got->hit == want->hit && got->size == want->size);
}

/* What the sets of the records should come to; 0 where a rounding decides. */
static int expect(const struct plain *d, double cut, int never_empty, int split, const uint32_t *group, FILE *to,
		  struct covered *all, struct covered *by_class, struct covered *by_group)
{
	for (int i = 0; i < d->s.n; i++) {
		const struct plain_record *r = &d->r[i];
		int set[16], hit = 0, n = plain_set(r, d->s.classes, cut, never_empty, set);
		if (n < 0)
			return 0;
		if (split != ROWS_ALL && split != r->split)
			continue;
		for (int k = 0; k < n; k++)
			hit |= set[k] == r->label;
		add_line(to, r, set, n, hit);
		if (r->label < 0)
			continue;
		count(all, n, hit);
		count(&by_class[r->label], n, hit);
		if (group && group[i] != NO_GROUP)
			count(&by_group[group[i]], n, hit);
	}
	return 1;
}

static void sets_of_streams(void **state)
{
	(void)state;
	static char got[MOST * 200];
	struct plain_file in, out;
	int checked = 0;
	plain_file_open(&in);
	plain_file_open(&out);
	for (uint32_t i = 0; i < 120; i++) {
		struct rng r;
		struct plain d;
		struct plain_shape s = { .scale = 2, .splits = 1, .unlabelled = 5 };
		struct rows rows;
		struct covered all = { 0 }, by_class[16] = { { 0 } }, by_group[GROUPS] = { { 0 } };
		struct output to;
		uint32_t group[MOST];
		rng_init(&r, 10, RNG_TEST, i, 0);
		s.classes = 2 + (int)rng_below(&r, 10);
		s.samples = 1 + (int)rng_below(&r, 3);
		s.probs = (int)rng_below(&r, 2);
		s.f64 = (int)rng_below(&r, 2);
		s.n = 1 + (int)rng_below(&r, MOST);
		plain_make(&d, &s, &r);
		plain_write(&d, &in, 0, s.samples, 1, 0, &r);
		for (int k = 0; k < s.n; k++)
			group[k] = rng_below(&r, 4) ? rng_below(&r, GROUPS) : NO_GROUP;
		int split = rng_below(&r, 3) ? (int)rng_below(&r, SPLIT_COUNT) : ROWS_ALL;
		int grouped = (int)rng_below(&r, 2), never_empty = (int)rng_below(&r, 2);
		struct conformal c = { .method = CONFORMAL_LAC, .complement = rng_real(&r) };
		struct taking t = { .c = &c, .out = rng_below(&r, 6) ? &to : NULL, .never_empty = never_empty };
		char *want;
		size_t len;
		FILE *lines = open_memstream(&want, &len);
		int sure = expect(&d, c.complement, never_empty, split, grouped ? group : NULL, lines, &all, by_class,
				  by_group);
		fclose(lines);
		if (sure) {
			struct rows_options o = { .split = ROWS_ALL,
						  .unlabelled = ROWS_KEEP,
						  .columns = COL_VALUES | COL_ID | COL_LABEL | COL_SPLIT };
			assert_int_equal(rows_read(&rows, in.path, &o, &err), 0);
			assert_false(ftruncate(out.fd, 0) || lseek(out.fd, 0, SEEK_SET));
			assert_int_equal(output_open(&to, out.path, &err), 0);
			assert_int_equal(taking_init(&t, &rows.head, grouped ? GROUPS : 0, 0, &err), 0);
			assert_int_equal(taking_rows(&t, &rows, grouped ? group : NULL, split, &err), 0);
			assert_int_equal(output_commit(&to, &err), 0);
			output_release(&to);
			ssize_t n = pread(out.fd, got, sizeof got - 1, 0);
			assert_true(n >= 0);
			got[n] = 0;
			assert_string_equal(got, t.out ? want : "");
			counts_are(&t.coverage.all, &all);
			for (int k = 0; k < s.classes; k++)
				counts_are(&t.coverage.by_class[k], &by_class[k]);
			for (int k = 0; k < GROUPS && grouped; k++)
				counts_are(&t.coverage.by_group[k], &by_group[k]);
			taking_release(&t);
			rows_release(&rows);
			checked++;
		}
		free(want);
		plain_release(&d);
	}
	assert_true(checked > 60);
	close(in.fd);
	close(out.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_streams),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
