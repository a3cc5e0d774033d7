/* Model files: what is written is read back; every file that is not exactly right is refused, with its name. */
#include "tests/scratch.h"
#include "pipeline/formats/safetensors.h"

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

static void put(const void *bytes, size_t n)
{
	assert_int_equal(scratch_put(path, bytes, n), 0);
}

static size_t write_model(void)
{
	struct err err = ERR_NONE;
	struct safetensors st = { 0 };
	struct output out;
	static const unsigned char odd[5] = { 1, 2, 3, 4, 255 };
	static const float w[6] = { 1, 2, 3, 4, 5, -6.5f };
	static const double one = 1.0 / 3;
	static const int64_t ids[2] = { INT64_MIN, INT64_MAX };
	assert_int_equal(safetensors_add(&st, "odd", ST_U8, 1, (size_t[]){ 5 }, odd, &err), 0);
	assert_int_equal(safetensors_add(&st, "conv.w", ST_F32, 2, (size_t[]){ 2, 3 }, w, &err), 0);
	assert_int_equal(safetensors_add(&st, "scalar", ST_F64, 0, NULL, &one, &err), 0);
	assert_int_equal(safetensors_add(&st, "none", ST_F32, 3, (size_t[]){ 4, 0, 9 }, NULL, &err), 0);
	assert_int_equal(safetensors_add(&st, "ids", ST_I64, 1, (size_t[]){ 2 }, ids, &err), 0);
	assert_int_equal(safetensors_set(&st, "words", "a\nb \"c\" \xc3\xa9", &err), 0);
	assert_int_equal(safetensors_set(&st, "seed", "1", &err), 0);
	assert_int_equal(safetensors_set(&st, "seed", "2", &err), 0);
	assert_int_equal(output_open(&out, path, &err), 0);
	assert_int_equal(safetensors_write(&st, &out, &err), 0);
	assert_int_equal(output_commit(&out, &err), 0);
	size_t n = out.at;
	output_release(&out);
	safetensors_release(&st);
	return n;
}

static void round_trip(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct safetensors st;
	const struct st_tensor *t;
	size_t n = write_model();
	FILE *f = fopen(path, "rb");
	uint64_t head;
	assert_int_equal(fread(&head, 8, 1, f), 1);
	fclose(f);
	assert_int_equal((8 + head) % ST_ALIGN, 0);
	assert_int_equal(n, 8 + head + 5 + 24 + 8 + 16);
	assert_int_equal(safetensors_open(&st, path, &err), 0);
	assert_true(st.sealed);
	assert_int_equal(st.n, 5);
	for (size_t i = 0; i < st.n; i++)
		assert_int_equal((uintptr_t)st.tensor[i].data % ST_ALIGN, 0);
	t = safetensors_find(&st, "odd");
	assert_non_null(t);
	assert_memory_equal(t->data, "\1\2\3\4\377", 5);
	assert_int_equal(safetensors_need(&st, "conv.w", ST_F32, 2, (size_t[]){ 2, 3 }, &t, &err), 0);
	assert_true(((const float *)t->data)[5] == -6.5f);
	t = safetensors_find(&st, "scalar");
	assert_true(t && t->ndim == 0 && *(const double *)t->data == 1.0 / 3);
	t = safetensors_find(&st, "none");
	assert_true(t && t->bytes == 0 && t->ndim == 3 && t->shape[2] == 9);
	t = safetensors_find(&st, "ids");
	assert_true(t && ((const int64_t *)t->data)[0] == INT64_MIN);
	assert_string_equal(safetensors_meta(&st, "words"), "a\nb \"c\" \xc3\xa9");
	assert_string_equal(safetensors_meta(&st, "seed"), "2");
	assert_null(safetensors_meta(&st, "nothing"));
	assert_null(safetensors_find(&st, "nothing"));
	assert_int_equal(safetensors_need(&st, "nothing", ST_F32, 0, NULL, &t, &err), -1);
	assert_non_null(strstr(err.msg, path));
	assert_int_equal(safetensors_need(&st, "conv.w", ST_F32, 2, (size_t[]){ 3, 2 }, &t, &err), -1);
	assert_non_null(strstr(err.msg, "F32 [2,3], not F32 [3,2]"));
	assert_int_equal(safetensors_need(&st, "conv.w", ST_I32, 2, (size_t[]){ 2, 3 }, &t, &err), -1);
	safetensors_release(&st);
}

/* The golden files lie beside the sources; the tests run from the top of the tree. The reference implementation read
 * the one and wrote the other (tests/oracles/safetensors_files.py). */
static void agrees_with_the_reference(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct safetensors st;
	const struct st_tensor *t;
	char *ours, *golden;
	size_t n, m;
	write_model();
	assert_int_equal(io_slurp(path, 1 << 20, &ours, &n, &err), 0);
	assert_int_equal(io_slurp("tests/golden/ours.safetensors", 1 << 20, &golden, &m, &err), 0);
	assert_int_equal(n, m);
	assert_memory_equal(ours, golden, n);
	free(ours);
	free(golden);
	if (safetensors_open(&st, "tests/golden/peer.safetensors", &err))
		fail_msg("%s", err.msg);
	assert_false(st.sealed);
	assert_int_equal(safetensors_need(&st, "conv.weight", ST_F32, 3, (size_t[]){ 2, 3, 4 }, &t, &err), 0);
	for (int i = 0; i < 24; i++)
		assert_true(((const float *)t->data)[i] == (float)i / 7);
	assert_int_equal(safetensors_need(&st, "half", ST_F16, 1, (size_t[]){ 3 }, &t, &err), 0);
	assert_memory_equal(t->data, ((uint16_t[]){ 0x3e00, 0xc000, 0x7bff }), 6);
	assert_int_equal(safetensors_need(&st, "ids", ST_I64, 2, (size_t[]){ 1, 2 }, &t, &err), 0);
	assert_true(((const int64_t *)t->data)[0] == INT64_MIN && ((const int64_t *)t->data)[1] == INT64_MAX);
	assert_int_equal(safetensors_need(&st, "u32", ST_U32, 1, (size_t[]){ 2 }, &t, &err), 0);
	assert_true(((const uint32_t *)t->data)[1] == UINT32_MAX);
	assert_int_equal(safetensors_need(&st, "bytes", ST_U8, 1, (size_t[]){ 3 }, &t, &err), 0);
	assert_memory_equal(t->data, "\0\200\377", 3);
	assert_int_equal(safetensors_need(&st, "scalar", ST_F64, 0, NULL, &t, &err), 0);
	assert_true(*(const double *)t->data == 1.0 / 3);
	assert_int_equal(safetensors_need(&st, "empty", ST_F32, 2, (size_t[]){ 0, 5 }, &t, &err), 0);
	assert_int_equal(safetensors_need(&st, "flag", ST_BOOL, 1, (size_t[]){ 2 }, &t, &err), 0);
	assert_string_equal(safetensors_meta(&st, "quote"), "a \"b\" \\ \n \xc3\xa9");
	safetensors_release(&st);
}

static void every_cut_and_addition_is_refused(void **state)
{
	(void)state;
	struct safetensors st;
	size_t n = write_model();
	static char bytes[4096];
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(bytes, 1, sizeof bytes, f), n);
	fclose(f);
	for (size_t keep = 0; keep < n; keep++) {
		struct err err = ERR_NONE;
		put(bytes, keep);
		assert_int_equal(safetensors_open(&st, path, &err), -1);
		assert_non_null(strstr(err.msg, path));
	}
	struct err err = ERR_NONE;
	put(bytes, n + 1);
	assert_int_equal(safetensors_open(&st, path, &err), -1);
	assert_non_null(strstr(err.msg, "follow"));
}

/* Every bit of the file: length, header, padding and data. A tensor's is told with its name. */
static void every_flip_is_refused(void **state)
{
	(void)state;
	struct safetensors st;
	size_t n = write_model();
	static char bytes[4096];
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(bytes, 1, sizeof bytes, f), n);
	fclose(f);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		struct err err = ERR_NONE;
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		put(bytes, n);
		if (!safetensors_open(&st, path, &err) || !strstr(err.msg, path) || !strstr(err.msg, "damaged"))
			fail_msg("bit %zu of byte %zu: '%s'", bit % 8, bit / 8, err.msg);
		if (bit / 8 >= n - 5)
			assert_non_null(strstr(err.msg, "tensor 'odd'"));
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
}

/* A file of other writers has no seal; one of ours that lost it is not taken for one. */
static void versions(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct safetensors st = { .name = path };
	int version = 0;
	static const struct {
		const char *format;
		int sealed, version;
	} cases[] = { { "x-model 1", 0, 1 }, { "x-model 2", 1, 2 },  { "x-model 1", 1, 1 }, { "x-model 2", 0, 0 },
		      { "x-model 3", 1, 0 }, { "x-models 1", 1, 0 }, { "x-model 0", 1, 0 }, { "x-model 11", 1, 0 },
		      { "x-model", 1, 0 },   { "y-model 1", 1, 0 } };
	assert_int_equal(safetensors_version(&st, "x-model", 2, &version, &err), -1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(safetensors_set(&st, "format", cases[i].format, &err), 0);
		st.sealed = cases[i].sealed;
		assert_int_equal(safetensors_version(&st, "x-model", 2, &version, &err), cases[i].version ? 0 : -1);
		if (cases[i].version)
			assert_int_equal(version, cases[i].version);
	}
	json_decref(st.meta);
}

static void reads_stdin(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct safetensors st;
	int end[2], saved = dup(0);
	static char bytes[4096];
	size_t n = write_model();
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(bytes, 1, sizeof bytes, f), n);
	fclose(f);
	for (int cut = 0; cut < 2; cut++) {
		assert_int_equal(pipe(end), 0);
		assert_int_equal(write(end[1], bytes, n - (size_t)cut), (ssize_t)n - cut);
		close(end[1]);
		assert_int_equal(dup2(end[0], 0), 0);
		close(end[0]);
		assert_int_equal(safetensors_open(&st, "-", &err), -cut);
		if (!cut)
			assert_memory_equal(safetensors_find(&st, "odd")->data, "\1\2\3\4\377", 5);
		else
			assert_non_null(strstr(err.msg, "stdin: truncated inside tensor 'odd'"));
		safetensors_release(&st);
	}
	dup2(saved, 0);
	close(saved);
}

/* A file of this header and `data` zero bytes. */
static int open_text(const char *head, size_t data, struct err *err)
{
	static char bytes[1024];
	struct safetensors st;
	uint64_t n = strlen(head);
	memset(bytes, 0, sizeof bytes);
	memcpy(bytes, &n, 8);
	memcpy(bytes + 8, head, n);
	put(bytes, 8 + n + data);
	int rc = safetensors_open(&st, path, err);
	if (!rc)
		safetensors_release(&st);
	return rc;
}

#define T(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void bad_headers_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *head;
		size_t data;
		const char *says; /* NULL: accepted */
	} cases[] = {
		{ "{}", 0, NULL },
		{ "{}   ", 0, NULL },
		{ "{\"a\":" T("F32", "[1]", 0, 4) "}", 4, NULL },
		{ "{\"b\":" T("U8", "[1]", 4, 5) ",\"a\":" T("F32", "[1]", 0, 4) "}", 5, NULL },
		{ "{\"z\":" T("U8", "[0]", 4, 4) ",\"a\":" T("F32", "[1]", 0, 4) "}", 4, NULL },
		{ "{\"z\":" T("U8", "[0]", 0, 0) ",\"a\":" T("F32", "[1]", 0, 4) "}", 4, NULL },
		{ "[]", 0, "no JSON object" },
		{ " {}", 0, "no JSON object" },
		{ "{", 0, "header" },
		{ "{}x", 0, "damaged header" },
		{ "{\"a\":" T("F32", "[1]", 0, 4) ",\"a\":" T("F32", "[1]", 4, 8) "}", 8, "uplicate" },
		{ "{\"a\":" T("F33", "[1]", 0, 4) "}", 4, "unknown dtype 'F33'" },
		{ "{\"a\":" T("F32", "[2]", 0, 4) "}", 4, "make 8" },
		{ "{\"a\":" T("F32", "[1]", 4, 8) "}", 8, "hole" },
		{ "{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 8, 12) "}", 12, "hole" },
		{ "{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 2, 6) "}", 6, "overlap" },
		{ "{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 0, 4) "}", 4, "overlap" },
		{ "{\"a\":" T("F32", "[1]", 0, 4) ",\"z\":" T("U8", "[0]", 2, 2) "}", 4, "overlap" },
		{ "{\"a\":" T("F32", "[1]", 4, 0) "}", 4, "no range" },
		{ "{\"a\":" T("F32", "[1]", -4, 0) "}", 4, "no range" },
		{ "{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, "no count" },
		{ "{\"a\":" T("F32", "[1.0]", 0, 4) "}", 4, "no count" },
		{ "{\"a\":" T("F32", "[4294967296,4294967296]", 0, 0) "}", 0, "overflow" },
		{ "{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "dimensions" },
		{ "{\"a\":" T("F32", "[1000000000000]", 0, 4000000000000) "}", 4, "truncated" },
		{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "exactly" },
		{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, "exactly" },
		{ "{\"a\":3}", 0, "exactly" },
		{ "{\"__metadata__\":{\"k\":1}}", 0, "not a text" },
		{ "{\"__metadata__\":[]}", 0, "not an object" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		int rc = open_text(cases[i].head, cases[i].data, &err);
		if (cases[i].says && (rc != -1 || !strstr(err.msg, cases[i].says)))
			fail_msg("%s: rc %d, '%s'", cases[i].head, rc, err.msg);
		if (!cases[i].says && rc)
			fail_msg("%s: %s", cases[i].head, err.msg);
	}
	struct err err = ERR_NONE;
	struct safetensors st;
	put("\xff\xff\xff\x7f\0\0\0\0{}", 10);
	assert_int_equal(safetensors_open(&st, path, &err), -1);
	assert_non_null(strstr(err.msg, "header of"));
}

static void writer_refuses(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct safetensors st = { 0 };
	char byte = 0;
	assert_int_equal(safetensors_add(&st, "a", ST_U8, 1, (size_t[]){ 1 }, &byte, &err), 0);
	assert_int_equal(safetensors_add(&st, "a", ST_U8, 1, (size_t[]){ 1 }, &byte, &err), -1);
	assert_int_equal(safetensors_add(&st, "__metadata__", ST_U8, 1, (size_t[]){ 1 }, &byte, &err), -1);
	assert_int_equal(safetensors_add(&st, "", ST_U8, 1, (size_t[]){ 1 }, &byte, &err), -1);
	assert_int_equal(safetensors_add(&st, "b", ST_F32, 2, (size_t[]){ SIZE_MAX / 2, 4 }, &byte, &err), -1);
	assert_int_equal(safetensors_add(&st, "b", ST_U8, ST_MAX_DIMS + 1, (size_t[ST_MAX_DIMS + 1]){ 1 }, &byte, &err),
			 -1);
	assert_int_equal(safetensors_set(&st, "k", "\xff", &err), -1);
	assert_non_null(strstr(err.msg, "UTF-8"));
	assert_int_equal(safetensors_add(&st, "\xff", ST_U8, 1, (size_t[]){ 1 }, &byte, &err), -1);
	assert_non_null(strstr(err.msg, "UTF-8"));
	safetensors_release(&st);
}

/* jansson's memory: how many blocks it holds; the call after `spare` others finds none. */
static long spare, held;

static void *counted(size_t n)
{
	void *p = spare-- ? malloc(n) : NULL;
	held += p != NULL;
	return p;
}

static void uncounted(void *p)
{
	held -= p != NULL;
	free(p);
}

static void no_memory_leaves_nothing(void **state)
{
	(void)state;
	json_set_alloc_funcs(counted, uncounted);
	for (long k = 0, rc = -1; rc; k++) {
		struct err err = ERR_NONE;
		struct safetensors st = { 0 };
		spare = k;
		rc = safetensors_set(&st, "seed", "1", &err);
		if (rc)
			assert_int_equal(err.cause, CAUSE_SYSTEM);
		safetensors_release(&st);
		assert_int_equal(held, 0);
	}
	json_set_alloc_funcs(malloc, free);
}

int main(void)
{
	if (scratch_file(path, "safetensors"))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(agrees_with_the_reference),
		cmocka_unit_test(every_cut_and_addition_is_refused),
		cmocka_unit_test(every_flip_is_refused),
		cmocka_unit_test(versions),
		cmocka_unit_test(reads_stdin),
		cmocka_unit_test(bad_headers_are_refused),
		cmocka_unit_test(writer_refuses),
		cmocka_unit_test(no_memory_leaves_nothing),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}
