/* Map files: what was written is read again to the last bit; everything else is refused, and why is said. */
#include "eval/records/bins.h"
#include "eval/calibrate/calibrate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static struct err err;
static char path[32];
static int fd;

static const char *const parameters[MAP_METHODS] = {
	"{\"temperature\": 2.5}",
	"{\"weight\": [1, 2.5, -3], \"bias\": [0.25, 0, -1e300]}",
	"{\"weight\": [1, 2, 3, 4, 5, 6, 7, 8, 9.5], \"bias\": [0.1, 0.2, 0.3]}",
	"{\"a\": -1.5, \"b\": 0.25}",
	"{\"a\": 0, \"b\": 2.5, \"c\": -3}",
	("{\"curves\": [{\"score\": [0, 0.5, 0.5, 1], \"value\": [0, 0, 0.25, 1]}, {\"score\": [0.5], \"value\": "
	 "[0.125]}, "
	 "{\"score\": [0.1, 0.2], \"value\": [1, 1]}]}"),
	"{\"curves\": [[0, null, 1, 0.5], [null, null, null, null], [0.25, 0.5, 0.75, 1]]}",
	"{\"temperature\": 0.5, \"weight\": [1, 2, 3, 4, 5, 6, 7, 8, 9.5], \"bias\": [0.1, 0.2, 0.3]}",
	"{\"weight\": [1, 2, 3, 4, 5, 6, 7, 8, -9.5], \"bias\": [0.1, -0.2, 0.3]}",
	("{\"curves\": [{\"score\": [0, 0.5, 0.75, 1], \"value\": [0, 0, 0.25, 1]}, {\"score\": [0.5], \"value\": "
	 "[0.125]}, "
	 "{\"score\": [0.1, 0.2], \"value\": [1, 1]}]}"),
	"{\"temperature\": 1.5, \"weights\": [0.5, 0.125, 0.375]}",
};

static int classes_of(int m)
{
	return m == MAP_PLATT || m == MAP_BETA ? 2 : 3;
}

static json_t *parsed(const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!j)
		fail_msg("no JSON: %s", text);
	return j;
}

static json_t *a_map(int m)
{
	return json_pack("{s:s, s:o}", "method", calmap_method_name((enum calmap_method)m), "parameters",
			 parsed(parameters[m]));
}

static void as_numbers_came(void **state)
{
	(void)state;
	for (int m = 0; m < MAP_METHODS; m++) {
		struct calmap map;
		json_t *j = a_map(m), *again;
		assert_int_equal(calmap_from_json(&map, j, classes_of(m), &err), 0);
		assert_true(map.method == (enum calmap_method)m && map.k == classes_of(m));
		again = calmap_to_json(&map);
		json_t *first = json_object_get(j, "parameters"), *second = json_object_get(again, "parameters");
		/* 1 and 1.0 are one number and two texts */
		char *a = json_dumps(first, JSON_COMPACT), *b = json_dumps(second, JSON_COMPACT);
		json_t *x = parsed(a), *y = parsed(b);
		const char *p = a, *q = b;
		while (*p || *q) {
			char *pe, *qe;
			double u = strtod(p, &pe), v = strtod(q, &qe);
			if (pe > p && qe > q) {
				assert_true(u == v);
				p = pe;
				q = qe;
			} else if (*p++ != *q++) {
				fail_msg("%s came back as %s", a, b);
			}
		}
		json_decref(x);
		json_decref(y);
		free(a);
		free(b);
		json_decref(j);
		json_decref(again);
		calmap_release(&map);
	}
}

/* jansson's memory: the call after `spare` others finds none, the ones after it do. */
static long spare;

static void *stingy(size_t n)
{
	return spare-- ? malloc(n) : NULL;
}

/* Whichever of jansson's allocations fails: the whole map or none, never one that lacks a curve's half. */
static void whole_or_none(void **state)
{
	(void)state;
	for (int m = 0; m < MAP_METHODS; m++) {
		struct calmap map;
		json_t *j = a_map(m), *want, *got;
		assert_int_equal(calmap_from_json(&map, j, classes_of(m), &err), 0);
		want = calmap_to_json(&map);
		assert_non_null(want);
		json_set_alloc_funcs(stingy, free);
		for (long k = 0; spare = k, !(got = calmap_to_json(&map)) || spare < 0; k++) {
			if (got)
				assert_true(json_equal(got, want));
			json_decref(got);
		}
		json_set_alloc_funcs(malloc, free);
		assert_true(json_equal(got, want));
		json_decref(got);
		json_decref(want);
		json_decref(j);
		calmap_release(&map);
	}
}

/* Parameters that are not a map, by method and number of classes, and what is said of them. */
static const struct wrong {
	int method, k;
	const char *parameters, *said;
} wrong[] = {
	{ MAP_TEMPERATURE, 3, "{}", "'temperature' is missing" },
	{ MAP_TEMPERATURE, 3, "null", "'temperature' is missing" },
	{ MAP_TEMPERATURE, 3, "{\"temperature\": \"2\"}", "no number" },
	{ MAP_TEMPERATURE, 3, "{\"temperature\": 0}", "not above 0" },
	{ MAP_TEMPERATURE, 3, "{\"temperature\": -1}", "not above 0" },
	{ MAP_VECTOR, 3, "{\"weight\": [1, 2], \"bias\": [1, 2, 3]}", "'weight' is not a list of 3" },
	{ MAP_VECTOR, 3, "{\"weight\": [1, 2, 3, 4], \"bias\": [1, 2, 3]}", "'weight' is not a list of 3" },
	{ MAP_VECTOR, 3, "{\"weight\": {\"a\": 1, \"b\": 2, \"c\": 3}, \"bias\": [1, 2, 3]}",
	  "'weight' is not a list" },
	{ MAP_VECTOR, 3, "{\"weight\": [1, 2, 3], \"bias\": [1, 2, 3, 4]}", "'bias' is not a list of 3" },
	{ MAP_VECTOR, 3, "{\"weight\": [1, 2, 3]}", "'bias' is not a list of 3" },
	{ MAP_VECTOR, 3, "{\"weight\": [null, 2, 3], \"bias\": [1, 2, 3]}", "no number" },
	{ MAP_VECTOR, 3, "{\"weight\": [1, 2, 3], \"bias\": [1, 2, \"3\"]}", "no number" },
	{ MAP_MATRIX, 2, "{\"weight\": [1, 2], \"bias\": [1, 2]}", "'weight' is not a list of 4" },
	{ MAP_MATRIX, 2, "{\"weight\": [1, 2, 3, true], \"bias\": [1, 2]}", "no number" },
	{ MAP_STRUCTURED, 2, "{\"weight\": [1, 2, 3, 4], \"bias\": [1, 2]}", "'temperature' is missing" },
	{ MAP_STRUCTURED, 2, "{\"temperature\": 0, \"weight\": [1, 2, 3, 4], \"bias\": [1, 2]}", "not above 0" },
	{ MAP_STRUCTURED, 2, "{\"temperature\": 1, \"weight\": [1, 2], \"bias\": [1, 2]}", "not a list of 4" },
	{ MAP_DIRICHLET, 2, "{\"weight\": [1, 2], \"bias\": [1, 2]}", "'weight' is not a list of 4" },
	{ MAP_DIRICHLET, 2, "{\"weight\": [1, 2, 3, 4]}", "'bias' is not a list of 2" },
	{ MAP_ENSEMBLE, 2, "{\"weights\": [1, 0, 0]}", "'temperature' is missing" },
	{ MAP_ENSEMBLE, 2, "{\"temperature\": -1, \"weights\": [1, 0, 0]}", "not above 0" },
	{ MAP_ENSEMBLE, 2, "{\"temperature\": 1, \"weights\": [1, 0]}", "'weights' is not a list of 3" },
	{ MAP_ENSEMBLE, 2, "{\"temperature\": 1, \"weights\": [0.5, 0.5, 0.5]}", "do not sum to 1" },
	{ MAP_ENSEMBLE, 2, "{\"temperature\": 1, \"weights\": [1.5, -0.5, 0]}", "are below 0" },
	{ MAP_CENTRED, 2, "{\"curves\": [{\"score\": [0.6, 0.5], \"value\": [0, 1]}]}", "'score' leaves" },
	{ MAP_PLATT, 3, "{\"a\": 1, \"b\": 2}", "for two classes" },
	{ MAP_PLATT, 1, "{\"a\": 1, \"b\": 2}", "for two classes" },
	{ MAP_PLATT, 2, "{\"a\": 1}", "'b' is missing" },
	{ MAP_PLATT, 2, "{\"b\": 1}", "'a' is missing" },
	{ MAP_BETA, 3, "{\"a\": 1, \"b\": 2, \"c\": 0}", "for two classes" },
	{ MAP_BETA, 2, "{\"a\": 1, \"b\": 2}", "'c' is missing" },
	{ MAP_BETA, 2, "{\"a\": 1, \"c\": 2}", "'b' is missing" },
	{ MAP_BETA, 2, "{\"b\": 1, \"c\": 2}", "'a' is missing" },
	{ MAP_BETA, 2, "{\"a\": -0.1, \"b\": 2, \"c\": 0}", "not below 0" },
	{ MAP_BETA, 2, "{\"a\": 1, \"b\": -2, \"c\": 0}", "not below 0" },
	{ MAP_ISOTONIC, 3, "{\"curves\": []}", "'curves' is not a list of 3" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0], \"value\": [0]}, {\"score\": [0], \"value\": [0]}]}",
	  "not a list of 1" },
	{ MAP_ISOTONIC, 2, "{\"curves\": {\"a\": 1}}", "not a list of 1" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [], \"value\": []}]}", "without knots" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"value\": [0.5]}]}", "without knots" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0.5]}]}", "'value' is not a list of 1" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0, 1], \"value\": [0.5]}]}", "'value' is not a list of 2" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0, null], \"value\": [0, 1]}]}", "no number" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0, 1.1], \"value\": [0, 1]}]}", "'score' leaves" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [-0.1, 1], \"value\": [0, 1]}]}", "'score' leaves" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0.6, 0.5], \"value\": [0, 1]}]}", "'score' leaves" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0.5, 0.6], \"value\": [0.2, 0.1]}]}", "'value' leaves" },
	{ MAP_ISOTONIC, 2, "{\"curves\": [{\"score\": [0.5, 0.6], \"value\": [0.2, 2]}]}", "'value' leaves" },
	{ MAP_HISTOGRAM, 3, "{\"curves\": [[0], [1], [2]]}", "'curves' leaves" },
	{ MAP_HISTOGRAM, 3, "{\"curves\": [[-0.5], [1], [1]]}", "'curves' leaves" },
	{ MAP_HISTOGRAM, 3, "{\"curves\": [[0, 1], [1], [1, 0]]}", "'curves' is not a list of 2" },
	{ MAP_HISTOGRAM, 3, "{\"curves\": [[0], [1], [\"1\"]]}", "no number" },
	{ MAP_HISTOGRAM, 3, "{\"curves\": [[0], [1]]}", "'curves' is not a list of 3" },
	{ MAP_HISTOGRAM, 3, "{\"curves\": [[], [], []]}", "0 bins" },
	{ MAP_HISTOGRAM, 3, "{}", "'curves' is not a list of 3" },
};

static void other_numbers_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct calmap map;
		json_t *j = a_map(wrong[i].method);
		json_object_set_new(j, "parameters", parsed(wrong[i].parameters));
		if (calmap_from_json(&map, j, wrong[i].k, &err) != -1)
			fail_msg("%s was taken", wrong[i].parameters);
		if (!strstr(err.msg, wrong[i].said))
			fail_msg("of %s was said: %s", wrong[i].parameters, err.msg);
		assert_true(!map.weight && !map.curve && !map.bin);
		json_decref(j);
	}
	struct calmap map;
	json_t *j = a_map(0);
	json_object_set_new(j, "method", json_string("temperatur"));
	assert_int_equal(calmap_from_json(&map, j, 3, &err), -1);
	json_object_del(j, "method");
	assert_int_equal(calmap_from_json(&map, j, 3, &err), -1);
	assert_non_null(strstr(err.msg, "'method' is missing"));
	json_decref(j);
}

static json_t *many_bins(size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_real(0.5));
	return json_pack("{s:s, s:{s:[o]}}", "method", "histogram", "parameters", "curves", list);
}

static void as_many_bins_as_there_may_be(void **state)
{
	(void)state;
	struct calmap map;
	json_t *most = many_bins(BINS_MAX), *beyond = many_bins(BINS_MAX + 1);
	assert_int_equal(calmap_from_json(&map, most, 2, &err), 0);
	assert_int_equal(map.bins, BINS_MAX);
	calmap_release(&map);
	assert_int_equal(calmap_from_json(&map, beyond, 2, &err), -1);
	json_decref(most);
	json_decref(beyond);
}

/* A file of a fit on `prints` records. The caller frees what it gets. */
static char *file_of(int m, size_t prints, struct sketch *s)
{
	struct calmap map;
	struct calmap_fit how = { .steps = 3, .gradient = 1e-9, .l2 = 0.5, .l2_bias = 0.25 };
	const char *names[] = { "a", "b\t", "c" };
	struct rows rows = { .name = (char *)(uintptr_t) "dev\nset", .split = SPLIT_DEV, .provenance = json_array() };
	json_t *j = a_map(m), *tool = json_pack("{s:s, s:[s]}", "program", "vic-calibrate", "args", "x");
	char *text;
	rows.head.n_classes = classes_of(m);
	rows.head.classes = (char **)(uintptr_t)names;
	*s = (struct sketch){ 0 };
	for (size_t i = 0; i < prints; i++)
		sketch_add(s, 0x0123456789abcdefu * (i + 1), 1 + i % 3);
	assert_int_equal(calmap_from_json(&map, j, classes_of(m), &err), 0);
	if (calfile_text(&text, &map, s, &rows, &how, tool, &err))
		fail_msg("%s", err.msg);
	calmap_release(&map);
	json_decref(j);
	json_decref(tool);
	json_decref(rows.provenance);
	return text;
}

static int load(struct calfile *f, const char *text)
{
	size_t n = strlen(text);
	assert_true(!ftruncate(fd, 0) && pwrite(fd, text, n, 0) == (ssize_t)n);
	err = ERR_NONE;
	return calfile_load(f, path, &err);
}

static void files_come_back(void **state)
{
	(void)state;
	for (int m = 0; m < MAP_METHODS; m++)
		for (size_t prints = 1; prints < 2600; prints += 137) {
			static struct sketch s;
			struct calfile f;
			/* the text without its NUL: it ends in LF */
			static char text[1 << 17];
			char *raw = file_of(m, prints, &s), *end = strrchr(raw, '}');
			size_t n = (size_t)(end - raw) + 2;
			assert_true(n < sizeof text && end[1] == '\n');
			memcpy(text, raw, n);
			text[n] = 0;
			free(raw);
			if (load(&f, text))
				fail_msg("%s", err.msg);
			assert_int_equal(f.version, 3);
			assert_false(f.unguarded);
			assert_int_equal(f.n_classes, classes_of(m));
			assert_string_equal(f.classes[1], "b\t");
			assert_string_equal(f.split, "dev");
			assert_string_equal(f.name, "dev\nset");
			assert_true(f.sketch->n == s.n && f.sketch->records == s.records);
			assert_memory_equal(f.sketch->at, s.at, s.n * sizeof *s.at);
			int affine = calmap_is_affine((enum calmap_method)m);
			assert_int_equal(json_integer_value(json_object_get(f.fit, "steps")), 3);
			assert_true(json_real_value(json_object_get(f.fit, "gradient")) == 1e-9);
			assert_true(json_real_value(json_object_get(f.fit, "l2")) == (affine ? 0.5 : 0));
			assert_true(json_real_value(json_object_get(f.fit, "l2_bias")) == (affine ? 0.25 : 0));
			assert_null(json_object_get(f.fit, "held_at"));
			json_t *line = json_object(), *note;
			assert_int_equal(calfile_note(&f, line, &err), 0);
			note = json_object_get(line, "map");
			assert_string_equal(json_string_value(json_object_get(note, "method")),
					    calmap_method_name((enum calmap_method)m));
			assert_int_equal(json_integer_value(json_object_get(note, "records")), s.records);
			assert_true(json_is_real(json_object_get(note, "temperature")) == (m == MAP_TEMPERATURE));
			json_decref(line);
			calfile_release(&f);
		}
}

static void set(json_t *j, const char *part, const char *value)
{
	char *dot = strchr(part, '.'), key[64];
	if (dot) {
		snprintf(key, sizeof key, "%.*s", (int)(dot - part), part);
		set(json_object_get(j, key), dot + 1, value);
	} else if (value) {
		json_object_set_new(j, part, parsed(value));
	} else {
		json_object_del(j, part);
	}
}

/* Members of a file without its seal (version 1), what is put there (NULL: taken out), and what is said; NULL:
 * taken. */
static const struct edit {
	const char *part, *value, *said;
} edits[] = {
	{ "tool.program", "\"other\"", NULL },
	{ "fit.records", "1", NULL },
	{ "fit.records", "0", "'fit' lacks 'records'" },
	{ "fit.records", "-1", "'fit' lacks 'records'" },
	{ "fit.records", "1.5", "'fit' lacks 'records'" },
	{ "fit.records", NULL, "'fit' lacks 'records'" },
	{ "fit.sketch", NULL, "'fit' lacks 'records' or a 'sketch'" },
	{ "fit.sketch", "{}", "'fit' lacks 'records' or a 'sketch'" },
	{ "fit.sketch", "[]", NULL },
	{ "fit.sketch", "[\"0123456789abcdef\"]", NULL },
	{ "fit.sketch", "[\"0123456789abcdef*17\"]", NULL },
	{ "fit.sketch", "[\"0123456789abcdef*\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcdef*0\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcdef*-1\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcdef*3x\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcdef*99999999999\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcde\"]", "16 hexadecimal digits" },
	{ "clip", "1e-12", NULL },
	{ "clip", "0", "'clip' is no number between" },
	{ "clip", "0.34", "'clip' is no number between" },
	{ "clip", "\"1\"", "'clip' is no number between" },
	{ "fit.sketch", "[\"0123456789abcdef0\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcdeg\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789ABCDEF\"]", "16 hexadecimal digits" },
	{ "fit.sketch", "[7]", "16 hexadecimal digits" },
	{ "fit.sketch", "[\"0123456789abcdef\", \"x\"]", "16 hexadecimal digits" },
	{ "fit.split", NULL, "on which split" },
	{ "fit.name", NULL, "on which split" },
	{ "fit.name", "7", "on which split" },
	{ "fit", NULL, "on which split" },
	{ "classes", "[]", "'classes' is not a list of names" },
	{ "classes", NULL, "'classes' is not a list of names" },
	{ "classes", "[1, \"b\", \"c\"]", "'classes' is not a list of names" },
	{ "classes", "[\"a\", \"b\", 3]", "'classes' is not a list of names" },
	{ "classes", "[\"a\"]", NULL },
	{ "tool", NULL, "how the map was made" },
	{ "tool.args", "\"x\"", "how the map was made" },
	{ "vicinal map", "4", "4" },
	{ "vicinal map", "0", "has no 'vicinal map'" },
	{ "vicinal map", "2", "checksum" },
	{ "vicinal map", "3", "checksum" },
	{ "method", NULL, "'method' is missing" },
	{ "parameters", NULL, "'temperature' is missing" },
};

static void edited_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		static struct sketch s;
		struct calfile f;
		char *raw = file_of(MAP_TEMPERATURE, 300, &s), *text;
		json_t *j = json_loadb(raw, (size_t)(strrchr(raw, '}') - raw) + 1, 0, NULL);
		json_object_del(j, "vicinal crc32");
		set(j, "vicinal map", "1");
		set(j, edits[i].part, edits[i].value);
		text = json_dumps(j, 0);
		int rc = load(&f, text);
		if (rc != (edits[i].said ? -1 : 0))
			fail_msg("%s = %s: %s", edits[i].part, edits[i].value ? edits[i].value : "nothing",
				 rc ? err.msg : "taken");
		if (rc && !(strstr(err.msg, path) && strstr(err.msg, edits[i].said)))
			fail_msg("%s = %s: %s", edits[i].part, edits[i].value ? edits[i].value : "nothing", err.msg);
		if (!rc)
			assert_true(f.version == 1 && f.unguarded);
		calfile_release(&f);
		free(text);
		free(raw);
		json_decref(j);
	}
}

/* As many prints as a sketch has, and one more. */
static void no_more_prints_than_a_sketch_has(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		static struct sketch s;
		struct calfile f;
		char *raw = file_of(MAP_TEMPERATURE, 300, &s), *text, digits[20];
		json_t *j = json_loadb(raw, (size_t)(strrchr(raw, '}') - raw) + 1, 0, NULL);
		json_object_del(j, "vicinal crc32");
		set(j, "vicinal map", "1");
		json_t *list = json_object_get(json_object_get(j, "fit"), "sketch");
		json_array_clear(list);
		for (int i = 0; i < SKETCH + more; i++) {
			snprintf(digits, sizeof digits, "%016x", i + 1);
			json_array_append_new(list, json_string(digits));
		}
		text = json_dumps(j, 0);
		assert_int_equal(load(&f, text), more ? -1 : 0);
		assert_int_equal(f.sketch ? f.sketch->n : 0, more ? 0 : SKETCH);
		calfile_release(&f);
		free(text);
		free(raw);
		json_decref(j);
	}
}

static void held_is_said(void **state)
{
	(void)state;
	for (int held = -1; held <= 1; held += 2) {
		struct calmap map;
		struct calmap_fit how = { .held = held };
		const char *names[] = { "a", "b", "c" };
		static struct sketch s;
		struct rows rows = { .name = (char *)(uintptr_t) "x", .split = ROWS_ALL, .provenance = json_array() };
		json_t *j = a_map(MAP_TEMPERATURE), *tool = json_pack("{s:[]}", "args");
		char *text;
		rows.head.n_classes = 3;
		rows.head.classes = (char **)(uintptr_t)names;
		assert_int_equal(calmap_from_json(&map, j, 3, &err), 0);
		sketch_add(&s, 1, 1);
		assert_int_equal(calfile_text(&text, &map, &s, &rows, &how, tool, &err), 0);
		assert_true((strstr(text, "min-temperature") != NULL) == (held < 0));
		assert_true((strstr(text, "max-temperature") != NULL) == (held > 0));
		assert_non_null(strstr(text, "\"split\": \"all\""));
		free(text);
		json_decref(j);
		json_decref(tool);
		json_decref(rows.provenance);
		calmap_release(&map);
	}
}

/* A stream's classes must be the map's, by number and name; the first and the last count. */
static void classes_must_fit(void **state)
{
	(void)state;
	const char *map[] = { "a", "b", "c" };
	static const char *const stream[][4] = {
		{ "a", "b", "c" }, { "x", "b", "c" }, { "a", "b", "x" }, { "a", "b" }, { "a", "b", "c", "d" }
	};
	for (int i = 0; i < 5; i++) {
		struct calfile f = { .what = "map", .n_classes = 3, .classes = (char **)(uintptr_t)map };
		struct stream_head head = { .n_classes = i == 3	  ? 2
							 : i == 4 ? 4
								  : 3,
					    .classes = (char **)(uintptr_t)stream[i] };
		assert_int_equal(calfile_fits(&f, &head, "it", &err), i ? -1 : 0);
		if (i == 2)
			assert_non_null(strstr(err.msg, "class 2 is 'x'; the map was fitted on 'c'"));
		if (i == 4)
			assert_non_null(strstr(err.msg, "has 4 classes; the map was fitted on 3"));
	}
}

int main(void)
{
	fd = memfd_create("map", 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_numbers_came), cmocka_unit_test(other_numbers_are_refused),
		cmocka_unit_test(as_many_bins_as_there_may_be), cmocka_unit_test(files_come_back),
		cmocka_unit_test(edited_files),    cmocka_unit_test(no_more_prints_than_a_sketch_has),
		cmocka_unit_test(held_is_said),    cmocka_unit_test(classes_must_fit),
		cmocka_unit_test(whole_or_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
