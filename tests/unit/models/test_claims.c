/* What a model claims is compared with what the file holds before memory is taken for it: every setting, made large, is
 * refused within a few megabytes. The files are sealed anew, so no checksum says it first. And each setting's least and
 * most are taken, and nothing beyond them or of another kind. */
#include "models/data/ngrams.h"
#include "models/files/modelfile.h"

#include <float.h>
#include <math.h>
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

/* Instead of the C library's: nobody waits for the disk, as nothing here has to outlast a power cut. */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

static long peak_kb(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* The seed with metadata `key` changed to `value`; or, where `in` is given, that member of it (value NULL: without it);
 * "+": with one tensor more. *m is to be released where it opens. */
static int open_model(struct model *m, const char *seed, const char *key, const char *in, const char *value,
		      struct err *err)
{
	struct safetensors st;
	struct output out;
	char *text = NULL;
	assert_int_equal(safetensors_open(&st, seed, err), 0);
	if (in) {
		json_t *j = json_loads(safetensors_meta(&st, key), 0, NULL),
		       *v = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
		assert_true(v || !value);
		if (!v)
			json_object_del(j, in);
		else
			json_object_update_new(j, json_pack("{s:o}", in, v));
		if (*in == '*') { /* several members */
			json_object_update(j, v);
			json_object_del(j, in);
		}
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
	int rc = model_open(m, path, err);
	unlink(path);
	return rc;
}

static int open_changed(const char *seed, const char *key, const char *in, const char *value, struct err *err)
{
	struct model m;
	int rc = open_model(&m, seed, key, in, value, err);
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

/* 1: the settings are taken, whatever the file lacks for them. */
static int makes_sense(const char *seed, const char *in, const char *value)
{
	static const char no[] = ": the network's settings make no sense";
	struct err err = ERR_NONE;
	if (!open_changed(seed, "net", in, value, &err))
		return 1;
	size_t n = strlen(err.msg), k = strlen(no);
	return n < k || strcmp(err.msg + n - k, no) != 0;
}

/* With the number in the middle of a text. */
static void at(int wanted, const char *seed, const char *in, const char *format, double v)
{
	char number[32], value[256];
	snprintf(number, sizeof number, "%.17g", v);
	const char *hash = strchr(format, '#');
	snprintf(value, sizeof value, "%.*s%s%s", (int)(hash - format), format, number, hash + 1);
	if (makes_sense(seed, in, value) != wanted)
		fail_msg("%s %s is %s", in, value, wanted ? "refused" : "taken");
}

static void settings_at_their_ends(void **state)
{
	static const struct {
		const char *seed, *in, *format;
		int whole;
		double least, most;
	} rows[] = {
		{ WORDS, "dropout", "#", 0, 0, 0.9999999 },
		{ WORDS, "dim", "#", 1, 1, STREAM_MAX_DIM },
		{ WORDS, "maps", "#", 1, 1, 100000 },
		{ WORDS, "max_tokens", "#", 1, 0, 1 << 30 },
		{ WORDS, "widths", "[#,3]", 1, 1, WORDCONV_WIDEST },
		{ WORDS, "widths", "[1,2,3,4,5,6,7,#]", 1, 1, WORDCONV_WIDEST },
		{ WORDS, "*", "{\"model\":\"bow\",\"max_tokens\":0,\"ngrams\":#}", 1, 1, NGRAMS_LONGEST },
		{ WORDS, "*", "{\"model\":\"bow\",\"ngrams\":2,\"max_tokens\":#}", 1, 0, 1 << 30 },
		{ IMAGES, "dropout", "#", 0, 0, 0.9999999 },
		{ IMAGES, "height", "#", 1, 1, 32767 },
		{ IMAGES, "width", "#", 1, 1, 32767 },
		{ IMAGES, "*", "{\"channels\":#,\"mean\":[],\"deviation\":[]}", 1, 1, 0 },
		{ IMAGES, "*", "{\"channels\":#,\"mean\":[0],\"deviation\":[1]}", 1, 1, 1 },
		{ IMAGES, "*", "{\"channels\":#,\"mean\":[0,0,0,0],\"deviation\":[1,1,1,1]}", 1, 4, 4 },
		{ IMAGES, "*", "{\"channels\":#,\"mean\":[0,0,0,0,0],\"deviation\":[1,1,1,1,1]}", 1, 5, 4 },
		{ IMAGES, "*", "{\"channels\":#,\"mean\":[0],\"deviation\":[1,1]}", 1, 1, 0 },
		{ IMAGES, "cropped", "#", 1, 0, 1 },
		{ IMAGES, "width_factor", "#", 0, 0.001, 1000 },
		{ IMAGES, "mean", "[#,0,0]", 0, -1e30, 1e30 },
		{ IMAGES, "mean", "[0,0,#]", 0, -1e30, 1e30 },
		{ IMAGES, "deviation", "[#,1,1]", 0, 1e-30, 1e30 },
		{ IMAGES, "deviation", "[1,1,#]", 0, 1e-30, 1e30 },
		{ IMAGES, "*", "{\"fit\":\"crop\",\"resize\":[#,9]}", 1, 4, 4096 },
		{ IMAGES, "*", "{\"fit\":\"stretch\",\"resize\":[9,#]}", 1, 4, 4096 },
		{ IMAGES, "*", "{\"width\":5,\"fit\":\"crop\",\"resize\":[4,#]}", 1, 5, 4096 },
		{ IMAGES, "*", "{\"height\":5,\"fit\":\"crop\",\"resize\":[#,4]}", 1, 5, 4096 },
	};
	static const char *const other[] = {
		"\"1\"", "null", "[\"1\",\"1\",\"1\"]", "[[1],[1],[1]]", "[]", "{}", "true"
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double least = rows[i].least, most = rows[i].most;
		int some = most >= least;
		at(some, rows[i].seed, rows[i].in, rows[i].format, least);
		at(some, rows[i].seed, rows[i].in, rows[i].format, some ? most : least);
		at(0, rows[i].seed, rows[i].in, rows[i].format, rows[i].whole ? least - 1 : nextafter(least, -DBL_MAX));
		at(0, rows[i].seed, rows[i].in, rows[i].format, rows[i].whole ? most + 1 : nextafter(most, DBL_MAX));
		for (size_t k = 0; k < sizeof other / sizeof *other && *rows[i].in != '*'; k++)
			assert_false(makes_sense(rows[i].seed, rows[i].in, other[k]));
		assert_true(*rows[i].in == '*' || !makes_sense(rows[i].seed, rows[i].in, NULL));
	}
	assert_false(makes_sense(WORDS, "widths", "[1,2,3,4,5,6,7,8,9]"));
	assert_false(makes_sense(WORDS, "widths", "[2.5,3]"));
	assert_false(makes_sense(WORDS, "dim", "2.5"));
	assert_false(makes_sense(IMAGES, "*", "{\"fit\":\"cut\",\"resize\":[9,9]}"));
	assert_false(makes_sense(IMAGES, "*", "{\"fit\":null,\"resize\":[9,9]}"));
	assert_false(makes_sense(IMAGES, "*", "{\"fit\":\"crop\",\"resize\":[9]}"));
	assert_false(makes_sense(IMAGES, "*", "{\"fit\":\"crop\",\"resize\":[9,9,9]}"));
}

/* How JPEG records came to the network, as the file says. */
static void pictures_as_they_were(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		struct err err = ERR_NONE;
		struct model m;
		char value[128];
		int h = 4 + i * 7 % 100, w = 4 + i * 13 % 50, crop = i % 2, none = i % 5 == 0;
		snprintf(value, sizeof value, "{\"fit\":\"%s\",\"resize\":[%d,%d]}", crop ? "crop" : "stretch", h, w);
		assert_int_equal(open_model(&m, IMAGES, "net", "*", none ? "{}" : value, &err), 0);
		assert_true(m.picture.h == (none ? 0 : h) && m.picture.w == (none ? 0 : w));
		assert_true(none || m.picture.fit == (crop ? FIT_CROP : FIT_STRETCH));
		assert_true(m.preprocessing.h == 4 && m.preprocessing.w == 4 && m.cropped == 1);
		model_release(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(claims_cost_nothing),
					    cmocka_unit_test(settings_at_their_ends),
					    cmocka_unit_test(pictures_as_they_were) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
