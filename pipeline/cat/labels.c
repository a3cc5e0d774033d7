/* Class names and labels of imported records. A label is tried as a class name, then as an escaped name, and last as a
 * number; where some class is named like a number, that number is a name too, and never a place in the list. */
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

int classes_of(struct stream_head *head, const char *list, int k, struct err *err)
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
			snprintf(names[i], DIGITS, "%d", i);
		}
	}
	rc = rc || classes_named(head, names, k, err);
	free(text);
	free(names);
	return rc ? -1 : 0;
}

/* 1 and the value when the whole text is a number. */
static int is_number(const char *text, double *v)
{
	char *end;
	*v = strtod(text, &end);
	return end != text && !*end && !isspace((unsigned char)*text);
}

int labels_init(struct labels *l, const struct stream_head *head, const struct import *im, struct err *err)
{
	double v;
	*l = (struct labels){ .name = head->classes, .n = head->n_classes, .right = im->kind == IMPORT_CONFIDENCE,
			      .ignore = im->ignore, .n_ignore = im->n_ignore, .ignored = l->ignored };
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

int label_numbered(struct labels *l, double v, int32_t *label, struct err *err)
{
	char shown[NUM_TEXT];
	*label = -1;
	if (is_ignored(l, NULL, &v))
		return 0;
	if (l->right)
		return right_or_wrong(v, NULL, label, err);
	num_text(shown, v);
	if (v != floor(v) || isnan(v))
		return err_set(err, "label %s is no whole number", shown);
	if (!(v >= -1 && v < l->n))
		return err_set(err, "label %s is outside -1 to %d; --ignore %s takes it for none", shown, l->n - 1,
			       shown);
	*label = (int32_t)v;
	return 0;
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
static int unknown_label(const struct labels *l, const char *text, struct err *err)
{
	for (int i = 0; i < l->n; i++) {
		const char *name = l->name[i];
		if (nearly_same(name, text))
			return err_set(err, "label '%s' is none of the %d classes; '%s' differs in case or white space",
				       text, l->n, name);
	}
	return err_set(err, "label '%s' is none of the %d classes", text, l->n);
}

/* A number where no name is: 1.0 and 1e0 are 1. */
static int label_of_value(struct labels *l, const char *text, double v, int32_t *label, struct err *err)
{
	if (v == -1)
		return 0;
	if (l->numbered) {
		*label = class_of_value(l, v);
		return *label >= 0 ? 0 : unknown_label(l, text, err);
	}
	if (!(v >= 0 && v < l->n) || v != floor(v))
		return err_set(err, "label: %s is outside -1 to %d, or no whole number", text, l->n - 1);
	*label = (int32_t)v;
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
	if (*label >= 0 || !*text)
		return 0;
	if (truth >= 0 && l->n == 2) {
		*label = truth;
		return 0;
	}
	return number ? label_of_value(l, text, v, label, err) : unknown_label(l, text, err);
}
