/* NPY heads by hand, every type of value, and every way of being wrong. Files made by NumPy itself are read in
 * tests/cli/cat.t, where NumPy is there. */
#include "tests/append.h"
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/formats/npy.h"

#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[SCRATCH_PATH];

static int parse(const char *text, struct npy_head *h, struct err *err)
{
	return npy_parse(text, strlen(text), h, err);
}

static void heads(void **state)
{
	(void)state;
	struct npy_head h;
	struct err err = ERR_NONE;
	assert_int_equal(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n", &h, &err), 0);
	assert_int_equal(h.type, 'f');
	assert_int_equal(h.size, 4);
	assert_int_equal(h.swap, 0);
	assert_int_equal(h.dims, 2);
	assert_int_equal(npy_values(&h), 12);
	assert_int_equal(parse("{\"shape\":(7,),\"descr\":\">i8\",\"fortran_order\":False}", &h, &err), 0);
	assert_int_equal(h.swap, 1);
	assert_int_equal(h.dims, 1);
	assert_int_equal(h.shape[0], 7);
	assert_int_equal(parse("{'descr': '<U3', 'fortran_order': True, 'shape': (3L, 2L)}", &h, &err), 0);
	assert_true(h.type == 'U' && h.size == 12 && h.fortran && h.shape[0] == 3 && h.shape[1] == 2);
	assert_int_equal(parse("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 5)}", &h, &err), 0);
	assert_int_equal(npy_values(&h), 0);
}

static void bad_heads(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{ "", "not a dictionary" },
		{ "{}", "lacks descr" },
		{ "{'descr': '<f4', 'fortran_order': False}", "lacks descr" },
		{ "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}", "neither True nor False" },
		{ "{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}",
		  "values of type '<c8' (complex numbers) are not read" },
		{ "{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", "'<f16' (long double)" },
		{ "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2,)}", "'<M8[ns]' (dates)" },
		{ "{'descr': '|V2', 'fortran_order': False, 'shape': (2,)}", "bfloat16" },
		{ "{'descr': '<U99999', 'fortran_order': False, 'shape': (2,)}", "text too long" },
		{ "{'descr': '<U16000', 'fortran_order': False, 'shape': (1152921504606846,)}", "too large" },
		{ "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "'|O' (Python objects) are not read" },
		{ "{'descr': '<f1', 'fortran_order': False, 'shape': (2,)}", "'<f1' (unknown) are not read" },
		{ "{'descr': '<i3', 'fortran_order': False, 'shape': (2,)}", "'<i3' (unknown) are not read" },
		{ "{'descr': '<UC', 'fortran_order': False, 'shape': (2,)}", "'<UC' (text too long) are not read" },
		{ "{'descr': '', 'fortran_order': False, 'shape': (2,)}", "are not read" },
		{ "{'descr': '<', 'fortran_order': False, 'shape': (2,)}", "are not read" },
		{ "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "structured" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "single value" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "whole numbers" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", "whole numbers" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (1,2,3,4,5,6,7,8,9)}", "more than 8 dimensions" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "too large" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296)}", "too large" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (0,4294967296,4294967296)}", "too large" },
		{ "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "'descr' twice" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "'more' twice" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "bytes follow" },
		{ "{'descr': '<f4", "structured" },
		{ "{'descr", "not a dictionary" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct npy_head h;
		struct err err = ERR_NONE;
		assert_int_equal(parse(bad[i][0], &h, &err), -1);
		if (!strstr(err.msg, bad[i][1]))
			print_message("# %s -> %s\n", bad[i][0], err.msg);
		assert_non_null(strstr(err.msg, bad[i][1]));
	}
}

static void put(const void *data, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
}

/* A file of version `major` with one dimension. */
static size_t file_of(unsigned char *to, int major, const char *descr, uint64_t count, const void *values, size_t size)
{
	char text[128];
	int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%llu,), }\n", descr,
			 (unsigned long long)count);
	size_t at = 8;
	memcpy(to, "\x93NUMPY", 6);
	to[6] = (unsigned char)major;
	to[7] = 0;
	to[at++] = (unsigned char)n;
	to[at++] = 0;
	if (major > 1) {
		to[at++] = 0;
		to[at++] = 0;
	}
	memcpy(to + at, text, (size_t)n);
	memcpy(to + at + n, values, size);
	return at + (size_t)n + size;
}

static void reals_of_every_size(void **state)
{
	(void)state;
	static const uint16_t half[] = { 0x3c00, 0xc000, 0x7c00, 0xfc00, 0x0001, 0x3555, 0x7bff };
	static const double as_real[] = { 1, -2, INFINITY, -INFINITY, 5.9604644775390625e-08, 0.333251953125, 65504 };
	static const float single[] = { 1.5f, -1e-40f, 3e38f };
	static const double twice[] = { 1.5, 1e-310, -1e300 };
	unsigned char swapped[24], file[256];
	struct npy_reader r;
	struct err err = ERR_NONE;
	double v[8];
	for (int major = 1; major <= 3; major++) {
		put(file, file_of(file, major, "<f2", 7, half, sizeof half));
		assert_int_equal(npy_open(&r, path, &err), 0);
		assert_int_equal(npy_read_reals(&r, v, 7, &err), 0);
		for (int i = 0; i < 7; i++)
			assert_true(v[i] == as_real[i]);
		assert_int_equal(npy_at_end(&r, &err), 0);
		npy_release(&r);
	}
	assert_true(isnan(npy_half(0x7e00)));
	put(file, file_of(file, 1, "<f4", 3, single, sizeof single));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_reals(&r, v, 3, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_true(v[i] == (double)single[i]);
	npy_release(&r);
	for (int i = 0; i < 24; i++)
		swapped[i] = ((const unsigned char *)twice)[i / 8 * 8 + 7 - i % 8];
	put(file, file_of(file, 1, ">f8", 3, swapped, sizeof swapped));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_reals(&r, v, 2, &err), 0);
	assert_int_equal(npy_at_end(&r, &err), -1);
	assert_int_equal(npy_read_reals(&r, v + 2, 1, &err), 0);
	assert_memory_equal(v, twice, sizeof twice);
	assert_int_equal(npy_read_reals(&r, v, 1, &err), -1);
	npy_release(&r);
}

static void whole_numbers_of_every_size(void **state)
{
	(void)state;
	static const signed char bytes[] = { -1, 127, -128 };
	static const uint16_t words[] = { 65535, 0, 258 };
	static const int64_t longs[] = { -1, INT64_MAX, INT64_MIN };
	unsigned char file[256];
	struct npy_reader r;
	struct err err = ERR_NONE;
	int64_t v[3];
	double real;
	put(file, file_of(file, 1, "|i1", 3, bytes, 3));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_whole(&r, v, 3, &err), 0);
	assert_true(v[0] == -1 && v[1] == 127 && v[2] == -128);
	npy_release(&r);
	put(file, file_of(file, 1, "<u2", 3, words, 6));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_reals(&r, &real, 1, &err), -1);
	assert_int_equal(npy_read_whole(&r, v, 3, &err), 0);
	assert_true(v[0] == 65535 && v[1] == 0 && v[2] == 258);
	npy_release(&r);
	put(file, file_of(file, 1, ">u2", 3, words, 6));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_whole(&r, v, 3, &err), 0);
	assert_true(v[2] == 0x0201);
	npy_release(&r);
	put(file, file_of(file, 1, "<i8", 3, longs, 24));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_whole(&r, v, 3, &err), 0);
	assert_memory_equal(v, longs, 24);
	npy_release(&r);
	put(file, file_of(file, 1, "<u8", 3, longs, 24));
	assert_int_equal(npy_open(&r, path, &err), 0);
	assert_int_equal(npy_read_whole(&r, v, 3, &err), -1);
	npy_release(&r);
}

/* Every prefix is refused; so is a byte too many. */
static void cut_files(void **state)
{
	(void)state;
	static const float single[] = { 1, 2, 3 };
	unsigned char file[256];
	size_t n = file_of(file, 1, "<f4", 3, single, sizeof single);
	double v[3];
	for (size_t keep = 0; keep <= n + 1; keep++) {
		struct npy_reader r;
		struct err err = ERR_NONE;
		put(file, keep);
		int rc = npy_open(&r, path, &err);
		if (!rc) {
			rc = npy_read_reals(&r, v, 3, &err) || npy_at_end(&r, &err);
			npy_release(&r);
		}
		assert_int_equal(!rc, keep == n);
		if (keep != n)
			assert_non_null(strstr(err.msg, path));
	}
}

static void written_heads_are_read(void **state)
{
	(void)state;
	static const uint64_t shape[] = { 5, 3, 2, 1 };
	struct output out;
	struct npy_reader r;
	struct err err = ERR_NONE;
	for (int dims = 1; dims <= 4; dims++) {
		assert_int_equal(output_open(&out, path, &err), 0);
		assert_int_equal(npy_write_head(&out, "<f8", shape, dims, &err), 0);
		assert_int_equal(out.at % 64, 0);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		assert_int_equal(npy_open(&r, path, &err), 0);
		assert_int_equal(r.head.dims, dims);
		assert_memory_equal(r.head.shape, shape, (size_t)dims * 8);
		npy_release(&r);
	}
}

struct bytes {
	const unsigned char *p;
	size_t n;
};

static int take(void *from, void *to, size_t n, size_t *got, struct err *err)
{
	struct bytes *b = from;
	(void)err;
	*got = n < b->n ? n : b->n;
	memcpy(to, b->p, *got);
	b->p += *got;
	b->n -= *got;
	return 0;
}

/* Texts of letters of every length in UTF-8, padded with zeros as NumPy does; one with a zero inside or a number that
 * is no letter is refused. Memory that was never written holds no zeros here. */
static void texts(void **state)
{
	static const struct {
		uint32_t point;
		const char *utf8;
	} letters[] = { { 'a', "a" }, { 0x7F, "\x7F" }, { 0x80, "\xC2\x80" }, { 0x7FF, "\xDF\xBF" },
			{ 0x800, "\xE0\xA0\x80" }, { 0xD7FF, "\xED\x9F\xBF" }, { 0xE000, "\xEE\x80\x80" },
			{ 0xFFFF, "\xEF\xBF\xBF" }, { 0x10000, "\xF0\x90\x80\x80" },
			{ 0x10FFFF, "\xF4\x8F\xBF\xBF" } };
	static const uint32_t none[] = { 0xD800, 0xDFFF, 0x110000, 0xFFFFFFFF };
	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		struct npy_reader in;
		uint32_t raw[4 * 40];
		char want[4][160] = { "" }, *text;
		unsigned char bytes[sizeof raw];
		rng_init(&r, 19, RNG_TEST, i, 0);
		size_t most = rng_below(&r, 40), n = 1 + rng_below(&r, 4), used = 0;
		int wide = (int)rng_below(&r, 2), bad = rng_below(&r, 6) == 0 && most > 1;
		int swap = wide && rng_below(&r, 2);
		for (size_t k = 0; k < n; k++) {
			size_t len = rng_below(&r, (uint32_t)most + 1), at = 0;
			for (size_t j = 0; j < most; j++) {
				size_t which = rng_below(&r, wide ? 10 : 2);
				raw[k * most + j] = j < len ? letters[which].point : 0;
				if (j < len)
					append(want[k], sizeof want[k], &at, "%s", letters[which].utf8);
			}
		}
		if (bad) /* in the last: a letter after a zero, or what is none */
			raw[n * most - 2] = wide && rng_below(&r, 2) ? none[rng_below(&r, 4)] : 0;
		if (bad)
			raw[n * most - 1] = 'x';
		for (size_t k = 0; k < n * most; k++)
			for (int b = 0; b < (wide ? 4 : 1); b++)
				bytes[used++] = (unsigned char)(raw[k] >> 8 * (swap ? 3 - b : b));
		struct bytes from = { bytes, used };
		const struct npy_head h = { .type = wide ? 'U' : 'S', .size = wide ? 4 * most : most, .swap = swap,
					    .dims = 1, .shape = { n } };
		npy_bare(&in, take, &from, "it", &h);
		for (size_t k = 0; k < n; k++) {
			int rc = npy_read_text(&in, &text, &err);
			assert_int_equal(rc, bad && k == n - 1 ? -1 : 0);
			if (!rc)
				assert_string_equal(text, want[k]);
		}
		if (!bad)
			assert_int_equal(npy_at_end(&in, &err), 0);
		npy_release(&in);
	}
}

int main(void)
{
	mallopt(M_PERTURB, 0xA5);
	if (scratch_file(path, "npy"))
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test(heads),
					    cmocka_unit_test(bad_heads),
					    cmocka_unit_test(reals_of_every_size),
					    cmocka_unit_test(whole_numbers_of_every_size),
					    cmocka_unit_test(cut_files),
					    cmocka_unit_test(written_heads_are_read),
					    cmocka_unit_test(texts) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
