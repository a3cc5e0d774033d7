/* Class names and labels of imported records. A label is tried as a class name, then as an escaped name, and last as a
 * number; where some class is named like a number, that number is a name too, and never a place in the list. */
#include "fields.h"
#include "import.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Cuts "a,b,c" in place; names[] points into it. */
static int cut_list(char *list, char **names, int k, struct err *err)
{
	int n = 0;
	for (char *name; (name = text_field(&list, ',')); n++) {
		if (!*name)
			return err_usage(err, "--classes has an empty name");
		if (n < k)
			names[n] = name;
	}
	return n == k ? 0 : err_usage(err, "--classes names %d classes; there are %d", n, k);
}

static int refuse_twins(char **names, int k, struct err *err)
{
	struct vocab set = { 0 };
	int rc = 0;
	for (int i = 0; i < k && !rc; i++) {
		rc = vocab_add(&set, names[i], strlen(names[i]), NULL, err);
		if (!rc && set.n != (uint32_t)i + 1)
			rc = err_set(err, "two classes are called '%s'", names[i]);
	}
	vocab_release(&set);
	return rc;
}

int classes_named(struct stream_head *head, char **names, int k, struct err *err)
{
	return refuse_twins(names, k, err) || stream_head_classes(head, k, (const char *const *)names, err) ? -1 : 0;
}

int classes_of(struct stream_head *head, const char *list, int from, int k, struct err *err)
{
	enum { DIGITS = 12 };
	char **names, *text = NULL;
	int rc;
	if (mem_alloc(&names, (size_t)k, sizeof *names, err))
		return -1;
	if (list) {
		rc = mem_text(&text, list, strlen(list), err) || cut_list(text, names, k, err);
	} else {
		rc = mem_alloc(&text, (size_t)k, DIGITS, err);
		for (int i = 0; i < k && !rc; i++) {
			names[i] = text + (size_t)i * DIGITS;
			snprintf(names[i], DIGITS, "%d", from + i);
		}
	}
	rc = rc || classes_named(head, names, k, err);
	free(text);
	free(names);
	return rc ? -1 : 0;
}

static int is_unlikely(const char *name)
{
	static const char *const beside[] = {
		"",	"id",	      "idx",	   "index",  "row",	   "row_id",	      "rowid",
		"pred", "prediction", "predicted", "y_pred", "pred_label", "predicted_label", "correct"
	};
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
		if (field_is_called(name, beside[i]))
			return 1;
	return !strncasecmp(name + strspn(name, " \t"), "unnamed: ", 9); /* as pandas calls a column without a name */
}

int class_in_header(const struct import *im, char *name, size_t at, struct err *err)
{
	text_restore(name);
	if (im->classes || !is_unlikely(name))
		return 0;
	return err_set(err,
		       "column %zu is called '%s', which names no class: --id-column %zu takes it for the records' "
		       "ids, --name-column %zu for their names; else take it out, or name all classes by --classes, "
		       "if it is one",
		       at, name, at, at);
}

/* 1 and the value when the whole text is a number. */
static int is_number(const char *text, double *v)
{
	char *end;
	*v = strtod(text, &end);
	return end != text && !*end && !isspace((unsigned char)*text);
}

int labels_init(struct labels *l, const struct stream_head *head, const struct import *im, int named, struct err *err)
{
	double v;
	*l = (struct labels){ .name = head->classes,
			      .n = head->n_classes,
			      .right = im->kind == IMPORT_CONFIDENCE,
			      .ignore = im->ignore,
			      .n_ignore = im->n_ignore,
			      .ignored = l->ignored,
			      .from = im->labels_from,
			      .named = named,
			      .lowest = -1,
			      .highest = -1 };
	for (int i = 0; i < head->n_classes; i++) {
		l->numbered |= is_number(head->classes[i], &v) && isfinite(v);
		if (vocab_add(&l->names, head->classes[i], strlen(head->classes[i]), NULL, err))
			return -1;
	}
	return 0;
}

void labels_release(struct labels *l)
{
	vocab_release(&l->names);
}

static int class_named(const struct labels *l, const char *text)
{
	uint32_t id = vocab_find(&l->names, text, strlen(text));
	return id == VOCAB_NONE ? -1 : (int)id;
}

/* The class whose name is this number, however it is written; -1: none, or several. */
static int class_of_value(const struct labels *l, double v)
{
	int found = -1, several = 0;
	double w;
	for (int i = 0; i < l->n; i++)
		if (is_number(l->name[i], &w) && w == v) {
			several |= found >= 0;
			found = i;
		}
	return several ? -1 : found;
}

/* As text, and as a number where it is one; text NULL: an array's; v NULL: no number. */
static int is_ignored(struct labels *l, const char *text, const double *v)
{
	for (size_t i = 0; i < l->n_ignore; i++) {
		double w;
		int same = text && !strcmp(l->ignore[i], text);
		if (!same && v && is_number(l->ignore[i], &w))
			same = w == *v || (isnan(w) && isnan(*v));
		if (same) {
			l->ignored++;
			return 1;
		}
	}
	return 0;
}

static int right_or_wrong(double v, const char *text, int32_t *label, struct err *err)
{
	char shown[NUM_TEXT];
	num_text(shown, v);
	*label = v == 1 ? 0 : 1;
	return v == 1 || v == 0 ? 0 : err_set(err, "'%s' says neither right (1) nor wrong (0)", text ? text : shown);
}

/* The first class of a stream whose labels are numbers must be met, or something is said: so they are counted. */
static void count_number(struct labels *l, int32_t class)
{
	l->lowest = l->lowest < 0 || class < l->lowest ? class : l->lowest;
	l->highest = class > l->highest ? class : l->highest;
	l->at_first += class == 0;
}

/* A class by its place: numbers begin with l->from. */
static int in_order(struct labels *l, const char *shown, double v, int32_t *label, struct err *err)
{
	char counted[64] = "";
	*label = -1;
	if (v == -1) {
		l->minus++;
		return 0;
	}
	if (v == l->n && !l->from)
		snprintf(counted, sizeof counted, "--labels-from 1 where classes are counted from 1; ");
	if (v != floor(v) || isnan(v))
		return err_set(err, "label %s is no whole number", shown);
	if (!(v >= l->from && v < l->from + l->n))
		return err_set(err, "label %s is outside %d to %d, and -1 for none; %s--ignore %s takes it for none",
			       shown, l->from, l->from + l->n - 1, counted, shown);
	*label = (int32_t)v - l->from;
	count_number(l, *label);
	return 0;
}

int label_numbered(struct labels *l, double v, int32_t *label, struct err *err)
{
	char shown[NUM_TEXT];
	*label = -1;
	if (is_ignored(l, NULL, &v))
		return 0;
	if (l->right)
		return right_or_wrong(v, NULL, label, err);
	num_text(shown, v);
	return in_order(l, shown, v, label, err);
}

/* The same but for case and the white space around. */
static int nearly_same(const char *a, const char *b)
{
	size_t n;
	a += strspn(a, " \t");
	b += strspn(b, " \t");
	for (n = strlen(a); n && strchr(" \t", a[n - 1]);)
		n--;
	return !strncasecmp(a, b, n) && b[n + strspn(b + n, " \t")] == 0;
}

/* What may be meant by a label that is none of the classes. */
static int unknown_label(const struct labels *l, const char *text, double number, struct err *err)
{
	for (int i = 0; i < l->n; i++) {
		const char *name = l->name[i];
		if (nearly_same(name, text))
			return err_set(err, "label '%s' is none of the %d classes; '%s' differs in case or white space",
				       text, l->n, name);
	}
	return err_set(err, "label '%s' is none of the %d classes%s%s", text, l->n,
		       !l->named && number == l->n ? "; --labels-from 1 where classes are counted from 1" : "",
		       !l->named && isnan(number) ? "; --classes A,B,... names them" : "");
}

/* A number where no name is: 1.0 and 1e0 are 1. */
static int label_of_value(struct labels *l, const char *text, double v, int32_t *label, struct err *err)
{
	if (!l->numbered || v == -1)
		return in_order(l, text, v, label, err);
	*label = class_of_value(l, v);
	if (*label < 0)
		return unknown_label(l, text, v, err);
	if (!l->named)
		count_number(l, *label);
	return 0;
}

int label_of(struct labels *l, char *text, int32_t *label, struct err *err)
{
	double v = NAN;
	int number = is_number(text, &v), truth = -1;
	if (!strcasecmp(text, "true") || !strcasecmp(text, "false"))
		truth = !strcasecmp(text, "true");
	*label = -1;
	if (is_ignored(l, text, number ? &v : NULL))
		return 0;
	if (l->right)
		return right_or_wrong(truth >= 0 ? truth : number ? v : NAN, text, label, err);
	*label = class_named(l, text);
	if (*label < 0 && strchr(text, '\\')) {
		text_restore(text);
		*label = class_named(l, text);
	}
	if (*label >= 0 && number && !l->named)
		count_number(l, *label);
	if (*label >= 0 || !*text)
		return 0;
	if (truth >= 0 && l->n == 2) {
		*label = truth;
		return 0;
	}
	return number ? label_of_value(l, text, v, label, err) : unknown_label(l, text, NAN, err);
}
