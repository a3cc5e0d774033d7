/* cautions: see cautions.h. */
#include "cautions.h"
#include "pipeline/frame/marks.h"

#include <string.h>

enum { RECORDS_A_PARAMETER = 10, ISOTONIC_RECORDS = 1000 };

static double records_wanted(const struct calmap *map)
{
	double k = map->k;
	switch (map->method) {
	case MAP_PLATT:     return RECORDS_A_PARAMETER * 2;
	case MAP_BETA:      return RECORDS_A_PARAMETER * 3;
	case MAP_VECTOR:    return RECORDS_A_PARAMETER * 2 * k;
	case MAP_MATRIX:    return RECORDS_A_PARAMETER * k * (k + 1);
	case MAP_HISTOGRAM: return RECORDS_A_PARAMETER * (double)map->bins;
	case MAP_STRUCTURED: return RECORDS_A_PARAMETER * (2 * k + 1);
	case MAP_DIRICHLET: return RECORDS_A_PARAMETER * k * (k + 1);
	case MAP_ENSEMBLE:  return RECORDS_A_PARAMETER * 3;
	case MAP_ISOTONIC:
	case MAP_CENTRED:   return ISOTONIC_RECORDS;
	case MAP_TEMPERATURE:
	case MAP_METHODS:   break;
	}
	return 0;
}

static const char *program_of(const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "program"));
	return name ? name : "";
}

/* The history that the model of the last vic-predict brought along; NULL: none. *at: the number of that line. */
static const json_t *model_of(const json_t *history, size_t *at)
{
	for (size_t i = json_array_size(history); i-- > 0;)
		if (!strcmp(program_of(json_array_get(history, i)), "vic-predict")) {
			*at = i;
			return json_object_get(json_array_get(history, i), "model");
		}
	return NULL;
}

/* The model kept its best epoch on dev (vic-train's default), and its stream was this one or had dev records of its
 * own. */
static int dev_chose_epoch(const struct rows *rows)
{
	size_t at = 0, same = 0;
	const json_t *model = model_of(rows->provenance, &at);
	size_t n = json_array_size(model);
	const json_t *train = n ? json_array_get(model, n - 1) : NULL;
	if (!marks_value(train, MARK_DEV_EPOCH))
		return 0;
	while (same < at && same < n - 1 &&
	       json_equal(json_array_get(rows->provenance, same), json_array_get(model, same)))
		same++;
	int own = 0;
	for (size_t i = 0; i < n - 1; i++)
		own |= marks_value(json_array_get(model, i), MARK_DEV) != NULL;
	return own || (same == at && same == n - 1);
}

/* Classes that are no record's label; *first: the first of them. Of maps that treat all classes alike, 0. */
static size_t absent_classes(const struct calmap *map, const struct rows *rows, int *first)
{
	size_t absent = 0;
	int k = map->k, own = map->method != MAP_TEMPERATURE && map->method != MAP_ENSEMBLE &&
			      map->method != MAP_PLATT && map->method != MAP_BETA;
	for (int c = k - 1; own && c >= 0; c--) {
		size_t i = 0;
		while (i < rows->n && rows->label[i] != c)
			i++;
		absent += i == rows->n;
		*first = i == rows->n ? c : *first;
	}
	return absent;
}

unsigned cautions_of(const struct calmap *map, const struct calmap_fit *fit, const struct rows *rows)
{
	unsigned bits = 0;
	if (fit->low > 0) {
		bits |= (fit->low <= 1 && fit->high >= 1) ? 1u << CAUTION_HOLDS_ONE : 0;
		bits |= fit->high > 2 * fit->low ? 1u << CAUTION_WIDE : 0;
	}
	bits |= (double)rows->n < records_wanted(map) ? 1u << CAUTION_FEW : 0;
	bits |= rows->split == SPLIT_DEV && dev_chose_epoch(rows) ? 1u << CAUTION_CHOSE_EPOCH : 0;
	int first;
	bits |= absent_classes(map, rows, &first) ? 1u << CAUTION_ABSENT_CLASS : 0;
	return bits;
}

const char *caution_name(enum caution c)
{
	static const char *const names[CAUTIONS] = { "holds-one", "wide", "few", "chose-epoch",
						       "absent-class" };
	return names[c];
}

void caution_text(enum caution c, const struct calmap *map, const struct calmap_fit *fit, const struct rows *rows,
		  char *text, size_t size)
{
	int first = 0;
	size_t absent = c == CAUTION_ABSENT_CLASS ? absent_classes(map, rows, &first) : 0;
	switch (c) {
	case CAUTION_HOLDS_ONE:
		err_phrase(text, size,
			   "the interval holds T = 1: these records do not tell whether any temperature is needed, "
			   "and the map may make others worse");
		return;
	case CAUTION_WIDE:
		err_phrase(text, size,
			   "%zu records are too few: they know T only to within a factor of %.3g; fit on more "
			   "(vic-split --calibration)",
			   rows->n, fit->high / fit->low);
		return;
	case CAUTION_FEW:
		err_phrase(text, size,
			   "%zu records are few for a map of this kind, which wants %.0f and more; take --method "
			   "temperature, or fit on more (vic-split --calibration)",
			   rows->n, records_wanted(map));
		return;
	case CAUTION_CHOSE_EPOCH:
		err_phrase(text, size,
			   "these dev records also chose the model's epoch (vic-train --select), which "
			   "flatters them: the map may make others worse; hold records back (vic-split --dev 0.1 "
			   "--calibration 0.1) and fit on them (--split extra)");
		return;
	case CAUTION_ABSENT_CLASS:
		err_phrase(text, size,
			   "of %d classes %zu are the label of no record (the first is %s), so the map all but "
			   "rules them out, on other records too; fit on records of every class, or take --method "
			   "temperature",
			   map->k, absent, rows->head.classes[first]);
		return;
	case CAUTIONS:
		break;
	}
	err_phrase(text, size, "%s", "?");
}
