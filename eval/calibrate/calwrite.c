/* calwrite: a fitted map as the text of a file (pipeline/formats/calfile.h has the form). */
#include "calibrate.h"
#include "cautions.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/formats/seal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *hex(uint64_t v)
{
	char text[32];
	snprintf(text, sizeof text, "%016" PRIx64, v);
	return json_string(text);
}

static json_t *print_text(const struct sketch_print *p)
{
	char text[48];
	int n = snprintf(text, sizeof text, "%016" PRIx64, p->print);
	if (p->count > 1)
		snprintf(text + n, sizeof text - (size_t)n, "*%" PRIu64, p->count);
	return json_string(text);
}

static json_t *how_it_went(const struct calmap_fit *how, const struct calmap *map)
{
	json_t *j = json_pack("{s:i, s:f}", "steps", how->steps, "gradient", how->gradient), *cautions = json_array();
	int bad = !j || !cautions;
	if (calmap_is_affine(map->method))
		bad |= json_object_set_new(j, "l2", json_real(how->l2)) ||
		       json_object_set_new(j, "l2_bias", json_real(how->l2_bias));
	if (how->held)
		bad |= json_object_set_new(j, "held_at",
					   json_string(how->held < 0 ? "min-temperature" : "max-temperature"));
	if (how->low > 0)
		bad |= json_object_set_new(j, "interval", json_pack("[f, o]", how->low,
							   isinf(how->high) ? json_null() : json_real(how->high)));
	for (int c = 0; c < CAUTIONS; c++)
		if (how->cautions & 1u << c)
			bad |= json_array_append_new(cautions, json_string(caution_name((enum caution)c)));
	bad |= json_object_set(j, "cautions", cautions);
	json_decref(cautions);
	if (!bad)
		return j;
	json_decref(j);
	return NULL;
}

json_t *fitted_json(const struct sketch *s, const struct rows *rows)
{
	json_t *prints = json_array();
	int bad = !prints;
	for (size_t i = 0; i < s->n; i++)
		bad |= json_array_append_new(prints, print_text(&s->at[i]));
	json_t *fit = json_pack("{s:I, s:s, s:o, s:o, s:o, s:O}", "records", (json_int_t)s->records, "split",
				rows_split_name(rows->split), "name", jsontext_name(rows->name), "digest", hex(s->sum),
				"sketch", prints, "provenance", rows->provenance);
	if (!bad)
		return fit;
	json_decref(fit);
	return NULL;
}

json_t *class_names_json(const struct stream_head *head)
{
	json_t *classes = json_array();
	int bad = !classes;
	for (int c = 0; c < head->n_classes; c++)
		bad |= json_array_append_new(classes, jsontext_name(head->classes[c]));
	if (!bad)
		return classes;
	json_decref(classes);
	return NULL;
}

int calfile_text(char **text, const struct calmap *map, const struct sketch *s, const struct rows *rows,
		 const struct calmap_fit *how, const json_t *tool, struct err *err)
{
	json_t *body = calmap_to_json(map), *extra = how_it_went(how, map), *fit = fitted_json(s, rows);
	int bad = !body || !extra || !fit || json_object_update(fit, extra);
	json_t *file = json_pack("{s:i, s:o, s:o, s:O, s:s}", "vicinal map", CALFILE_VERSION, "classes",
				 class_names_json(&rows->head), "fit", fit, "tool", tool, SEAL_KEY, SEAL_BLANK);
	bad |= !file || !body || json_object_update(body, file);
	/* "method" and "parameters" first: they are what a reader of the file looks for. */
	int rc = seal_write(text, bad ? NULL : body, err);
	json_decref(extra);
	json_decref(body);
	json_decref(file);
	return rc;
}
