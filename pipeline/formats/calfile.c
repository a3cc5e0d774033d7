/* Reads map files (eval/calibrate/calwrite.c writes them). After calfile_load, sketch.records is the file's number, but
 * sketch.sum covers only the prints in the sketch. */
#include "calfile.h"
#include "pipeline/files/io.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "seal.h"
#include "pipeline/stream/sniff.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "0123456789abcdef", or "0123456789abcdef*3" for a print that came three times. */
static int take_print(struct sketch *s, const char *text)
{
	unsigned long long count = 1;
	char *end = NULL;
	if (!text || strspn(text, "0123456789abcdef") != 16)
		return -1;
	if (text[16] == '*' && text[17] >= '1' && text[17] <= '9')
		count = strtoull(text + 17, &end, 10);
	if (end ? *end || count > UINT32_MAX : text[16] != 0)
		return -1;
	sketch_add(s, strtoull(text, NULL, 16), count);
	return 0;
}

static int take_prints(struct sketch *s, const json_t *fit, struct err *err)
{
	const json_t *list = json_object_get(fit, "sketch"), *n = json_object_get(fit, "records");
	if (!json_is_array(list) || json_array_size(list) > SKETCH || !json_is_integer(n) || json_integer_value(n) < 1)
		return err_set(err, "'fit' lacks 'records' or a 'sketch' of at most %d", SKETCH);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (take_print(s, json_string_value(json_array_get(list, i))))
			return err_set(err, "'sketch' holds something other than 16 hexadecimal digits");
	s->records = (uint64_t)json_integer_value(n);
	return 0;
}

int calfile_take_fit(struct calfile *f, const json_t *j, struct err *err)
{
	const json_t *classes = json_object_get(j, "classes"), *fit = json_object_get(j, "fit");
	const char *split = json_string_value(json_object_get(fit, "split")),
		   *name = json_string_value(json_object_get(fit, "name"));
	size_t k = json_array_size(classes);
	if (!k || k > STREAM_MAX_CLASSES)
		return err_set(err, "'classes' is not a list of names");
	if (!split || !name)
		return err_set(err, "'fit' does not say on which split of what the %s was fitted", f->what);
	if (mem_alloc(&f->sketch, 1, sizeof *f->sketch, err) || mem_alloc(&f->classes, k, sizeof *f->classes, err) ||
	    mem_text(&f->split, split, strlen(split), err) || mem_text(&f->name, name, strlen(name), err))
		return -1;
	for (size_t c = 0; c < k; c++, f->n_classes++) {
		const char *class = json_string_value(json_array_get(classes, c));
		if (!class)
			return err_set(err, "'classes' is not a list of names");
		if (mem_text(&f->classes[c], class, strlen(class), err))
			return -1;
	}
	f->fit = json_incref((json_t *)fit);
	f->args = json_incref(json_object_get(json_object_get(j, "tool"), "args"));
	if (!json_is_array(f->args))
		return err_set(err, "'tool' does not say how the %s was made", f->what);
	f->map.k = (int)k;
	f->unguarded = f->version < CALFILE_VERSION;
	return take_prints(f->sketch, fit, err);
}

/* What is no file of this kind: one of another, which the first bytes tell, or one of ours that was damaged. A seal
 * that holds under another kind's key is that kind's; in a text one that does not hold is damage, whatever else it
 * says. */
static void refuse_kind(const char *path, const char *text, size_t n, const char *what, struct err *err)
{
	struct sniffed s;
	char wanted[64];
	const char *name = strcmp(path, "-") ? path : "stdin";
	enum seal seal = seal_check(text, n, 0);
	err_phrase(wanted, sizeof wanted, "a %s", what);
	sniff(&s, (const unsigned char *)text, n, name);
	if (s.known && strcmp(s.what, wanted) &&
	    (s.binary || seal == SEAL_NONE || (seal == SEAL_WHOLE && *text == '{')))
		sniff_refuse(name, text, n, wanted, err);
	else
		err_context(err, "%s", name);
}

int calfile_read(json_t **j, const char *path, const char *what, const char *key, int *version, struct err *err)
{
	char *text;
	size_t len;
	*j = NULL;
	if (io_slurp(path, CALFILE_MAX, &text, &len, err))
		return -1;
	int rc = seal_read(j, text, len, what, key, CALFILE_VERSION, version, err);
	if (rc)
		refuse_kind(path, text, len, what, err);
	free(text);
	return rc;
}

int calfile_load(struct calfile *f, const char *path, struct err *err)
{
	json_t *j;
	*f = (struct calfile){ .what = "map" };
	if (calfile_read(&j, path, "calibration map", "vicinal map", &f->version, err))
		return -1;
	int rc = calfile_take_fit(f, j, err) || calmap_from_json(&f->map, j, f->n_classes, err) ?
			 err_context(err, "%s", path) : 0;
	json_decref(j);
	if (rc)
		calfile_release(f);
	return rc;
}

void calfile_release(struct calfile *f)
{
	calmap_release(&f->map);
	for (int c = 0; c < f->n_classes; c++)
		free(f->classes[c]);
	free(f->classes);
	free(f->sketch);
	free(f->split);
	free(f->name);
	json_decref(f->fit);
	json_decref(f->args);
	*f = (struct calfile){ 0 };
}

int calfile_fits(const struct calfile *f, const struct stream_head *head, const char *name, struct err *err)
{
	if (f->n_classes != head->n_classes)
		return err_set(err, "%s: has %d classes; the %s was fitted on %d", name, head->n_classes, f->what,
			       f->n_classes);
	for (int c = 0; c < f->n_classes; c++)
		if (strcmp(f->classes[c], head->classes[c]))
			return err_set(err, "%s: class %d is '%s'; the %s was fitted on '%s'", name, c,
				       head->classes[c], f->what, f->classes[c]);
	return 0;
}

int calfile_refuse_fitted(const struct calfile *f, const struct sketch *now, const char *what, const char *remedy,
			  uint64_t *seen, struct err *err)
{
	struct overlap o;
	*seen = 0;
	if (f->unguarded)
		return 0;
	sketch_overlap(f->sketch, now, &o);
	*seen = o.seen;
	if (o.log_p > OVERLAP_SURE)
		return 0;
	return err_set(
		err, "%s: %s%.0f of the %" PRIu64 " records the %s was fitted on (split %s of %s) are among these; %s",
		what, f->sketch->n == SKETCH ? "about " : "", fmax(1, o.shared), f->sketch->records, f->what, f->split,
		f->name, remedy);
}

void calfile_seen_text(const struct calfile *f, uint64_t seen, char *text, size_t size)
{
	*text = 0;
	if (f->unguarded)
		err_phrase(text, size,
			   "the %s is of version %d, which does not tell on which records it was fitted: look "
			   "that they are not among these, or fit it again",
			   f->what, f->version);
	else if (seen)
		err_phrase(text, size, "%" PRIu64 " values that the %s was fitted on are among these: too few, or too "
				       "common, to say that they are the same records", seen, f->what);
}

int calfile_note(const struct calfile *f, json_t *line, struct err *err)
{
	json_t *j = json_pack("{s:s, s:I, s:s, s:s, s:O*, s:O, s:O*}", "method", calmap_method_name(f->map.method),
			      "records", (json_int_t)f->sketch->records, "split", f->split, "name", f->name, "digest",
			      json_object_get(f->fit, "digest"), "args", f->args, "history",
			      json_object_get(f->fit, "provenance"));
	if (j && f->map.method == MAP_TEMPERATURE &&
	    json_object_set_new(j, "temperature", json_real(f->map.weight[0]))) {
		json_decref(j);
		j = NULL;
	}
	return !j || json_object_set_new(line, "map", j) ? err_memory(err) : 0;
}
