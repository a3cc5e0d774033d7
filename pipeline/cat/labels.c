/* Class names and labels of imported records; cat.h declares them. A label is tried as a class name, then as an
 * escaped name, and last as a number, but never as a number where some class is named like one: it could mean
 * either.
 * A label is looked for among all names in turn, so each record costs a pass over the classes. */
#include "cat.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"

#include <stdlib.h>
#include <string.h>

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

static int label_is_number(const char *text)
{
	struct err err = ERR_NONE;
	int64_t v;
	return !num_i64("", text, INT64_MIN, INT64_MAX, &v, &err);
}

int label_of(const struct stream_head *head, char *text, int32_t *label, struct err *err)
{
	int64_t v;
	int numbered = 0;
	*label = stream_class_named(head, text);
	if (*label >= 0)
		return 0;
	if (strchr(text, '\\')) {
		text_restore(text);
		*label = stream_class_named(head, text);
	}
	if (*label >= 0 || !*text || !strcmp(text, "-1"))
		return 0;
	for (int i = 0; i < head->n_classes; i++)
		numbered |= label_is_number(head->classes[i]);
	if (numbered || !label_is_number(text))
		return err_set(err, "label '%s' is none of the %d classes", text, head->n_classes);
	if (num_i64("label", text, -1, head->n_classes - 1, &v, err)) {
		err->status = VIC_DATA;
		return -1;
	}
	*label = (int32_t)v;
	return 0;
}
