/* What a model claims is compared with what the file holds before memory is taken for it: every setting, made large, is
 * refused within a few megabytes. The files are sealed anew, so no checksum says it first. */
#include "models/files/modelfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MOST_KB = 96 << 10 }; /* a sanitizer's own memory; a claim that is believed takes hundreds of MB */
#else
enum { MOST_KB = 24 << 10 };
#endif

static long peak_kb(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* The seed with metadata `key` changed to `value`; or, where `in` is given, that member of it; "+": with one
 * tensor more. */
static int open_changed(const char *seed, const char *key, const char *in, const char *value, struct err *err)
{
	struct safetensors st;
	struct output out;
	struct model m;
	char *text = NULL;
	assert_int_equal(safetensors_open(&st, seed, err), 0);
	if (in) {
		json_t *j = json_loads(safetensors_meta(&st, key), 0, NULL),
		       *v = json_loads(value, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_int_equal(json_object_set_new(j, in, v), 0);
		text = json_dumps(j, JSON_COMPACT);
		json_decref(j);
	}
	if (!strcmp(key, "+"))
		assert_int_equal(safetensors_add(&st, value, ST_U8, 1, &(size_t){ 1 }, "", err), 0);
	else
		assert_int_equal(safetensors_set(&st, key, in ? text : value, err), 0);
	free(text);
	char path[512];
	snprintf(path, sizeof path, "%s/claims-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	close(mkstemp(path));
	assert_int_equal(output_open(&out, path, err), 0);
	assert_int_equal(safetensors_write(&st, &out, err), 0);
	assert_int_equal(output_commit(&out, err), 0);
	output_release(&out);
	safetensors_release(&st);
	int rc = model_open(&m, path, err);
	unlink(path);
	if (!rc)
		model_release(&m);
	return rc;
}

#define WORDS "tests/fuzz/seeds/model/words"
#define IMAGES "tests/fuzz/seeds/model/pictures"

static void claims_cost_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *seed, *key, *in, *value;
		const char *says; /* NULL: taken */
	} cases[] = {
		{ WORDS, "epoch", NULL, "7", NULL },
		{ WORDS, "net", "max_tokens", "1000000000", NULL },
		{ WORDS, "net", "maps", "100000", "not F32 [" },
		{ WORDS, "net", "maps", "100001", "no sense" },
		{ WORDS, "net", "dim", "65536", "not F32 [" },
		{ WORDS, "net", "widths", "[64,64]", "has no tensor" },
		{ WORDS, "net", "widths", "[2,3,4,5,6,7,8,9]", "has no tensor" },
		{ WORDS, "net", "widths", "[2]", "not F32 [" },
		{ WORDS, "+", NULL, "one more", "10 tensors where the network has 9" },
		{ WORDS, "net", "widths", "[]", "no sense" },
		{ WORDS, "net", "model", "\"resnext101-32x4d\"", "no sense" },
		{ WORDS, "net", "model", "\"no such\"", "not known" },
		{ WORDS, "classes", NULL, "[\"a\",\"b\",\"c\"]", "not F32 [3," },
		{ WORDS, "classes", NULL, "[]", "class names" },
		{ IMAGES, "net", "cropped", "0", NULL },
		{ IMAGES, "net", "width", "32767", NULL }, /* no record of that size, no memory */
		{ IMAGES, "net", "height", "32768", "no sense" },
		{ IMAGES, "net", "channels", "4", "no sense" },
		{ IMAGES, "net", "width_factor", "64", "not F32 [" },
		{ IMAGES, "net", "width_factor", "1000", "no sense" },
		{ IMAGES, "net", "model", "\"resnext101-32x4d\"", "not F32 [8,3,7,7]" },
		{ IMAGES, "net", "height", "1", "too small" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_NONE;
		int rc = open_changed(cases[i].seed, cases[i].key, cases[i].in, cases[i].value, &err);
		const char *says = cases[i].says;
		if (!says != !rc || (says && !strstr(err.msg, says)))
			fail_msg("%s %s %s: '%s'", cases[i].key, cases[i].in ? cases[i].in : "", cases[i].value,
				 err.msg);
		if (rc)
			assert_int_equal(err.status, VIC_DATA);
		if (peak_kb() > MOST_KB)
			fail_msg("%s %s: %ld kB", cases[i].in ? cases[i].in : cases[i].key, cases[i].value, peak_kb());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(claims_cost_nothing) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
