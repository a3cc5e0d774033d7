/* Provenance as a script for POSIX sh. The lines come from files, so nothing in them is trusted: is_stage checks the
 * form of all lines before one is printed, and every argument is quoted unless all its characters are harmless.
 * What a stage used (a model, a map) is made first, recursively, and once: `done` holds what was made, compared by
 * value. The recursion ends because the JSON was parsed with bounded depth (jsontext.h). */
#include "provenance.h"
#include "marks.h"
#include "pipeline/base/memtext.h"
#include "pipeline/files/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may not be shown, as the format of printf, which every sh has ($'...' is not in all of them); less the newlines
 * at the end, which $( ) would take away. A dash in front would be an option of printf. */
static void put_printf(FILE *to, const char *text, size_t n)
{
	fputs("\"$(printf '", to);
	for (size_t at = 0, len; at < n; at += len) {
		len = text_character(text + at, n - at);
		len = len ? len : 1;
		if (text[at] == '%')
			fputs("%%", to);
		else if (text[at] == '\\')
			fputs("\\\\", to);
		else if (text[at] != '\'' && (at || *text != '-') && text_clean(text + at, len, TEXT_SHOWN) == len)
			fwrite(text + at, 1, len, to);
		else
			for (size_t i = 0; i < len; i++)
				fprintf(to, "\\%03o", (unsigned)(unsigned char)text[at + i]);
	}
	fputs("')\"", to);
}

/* One argument, in single quotes unless the shell takes it as it is. */
static void put_argument(FILE *to, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
	size_t n = strlen(text), name = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (*text && !text[strspn(text, plain)]) {
		fputs(text, to);
		return;
	}
	if (text_clean(text, n, TEXT_SHOWN) < n) {
		name = text[name] == '=' ? name + 1 : 0;
		fwrite(text, 1, name, to);
		text += name;
		for (n -= name; n && text[n - 1] == '\n';)
			n--;
		put_printf(to, text, n);
		text += n;
		if (!*text)
			return;
	}
	fputc('\'', to);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", to);
		else
			fputc(*text, to);
	}
	fputc('\'', to);
}

static int is_stage(const json_t *line)
{
	const json_t *args = json_object_get(line, "args"), *arg;
	size_t i;
	if (!json_is_string(json_object_get(line, "program")) || !json_is_array(args))
		return 0;
	json_array_foreach(args, i, arg)
		if (!json_is_string(arg))
			return 0;
	return 1;
}

static void put_stage(FILE *to, const json_t *line)
{
	const json_t *arg;
	size_t i;
	int options_ended = 0, operands = 0;
	put_argument(to, json_string_value(json_object_get(line, "program")));
	json_array_foreach(json_object_get(line, "args"), i, arg) {
		const char *text = json_string_value(arg);
		/* Options were noted as --name=value, in front; an operand that begins with a dash needs "--". It was
		 * not always noted: then what is no option tells where they end. */
		int dash = text[0] == '-' && text[1], mark = !strcmp(text, "--");
		int ends = !options_ended && (mark || (dash && (text[1] != '-' || operands)));
		if (ends && !mark)
			fputs(" --", to);
		options_ended |= ends;
		operands |= !dash;
		fputc(' ', to);
		put_argument(to, text);
	}
}

/* The first argument of a stage that is no option: vic-predict's model. */
static const char *operand(const json_t *line)
{
	const json_t *arg;
	size_t i;
	int options_ended = 0;
	json_array_foreach(json_object_get(line, "args"), i, arg) {
		const char *text = json_string_value(arg);
		if (options_ended || *text != '-')
			return text;
		options_ended = !strcmp(text, "--");
	}
	return "MODEL";
}

/* The file of the map that a stage applied; "MAP" where none is named. */
static const char *map_file(const json_t *line)
{
	const char *file = marks_value(line, MARK_MAP);
	return file && strcmp(file, "-") ? file : "MAP";
}

static int put_history(FILE *to, const json_t *history, json_t *done, struct err *err);

/* What a stage used that is not in the pipe, made first: its model, the map that it applied. done: what was made
 * already. */
static int put_used(FILE *to, const json_t *line, const char *key, const char *file, json_t *done, struct err *err)
{
	const json_t *used = json_object_get(line, key), *one;
	int map = !strcmp(key, "map");
	const json_t *before = map ? json_object_get(used, "history") : used;
	size_t i;
	if (map ? !json_is_array(json_object_get(used, "args")) || !json_is_array(before) : !json_array_size(used))
		return 0;
	json_array_foreach(done, i, one)
		if (json_equal(one, used))
			return 0;
	if (json_array_append(done, (json_t *)(uintptr_t)used))
		return err_memory(err);
	if (put_history(to, before, done, err))
		return -1;
	if (map) {
		json_t *fit =
			json_pack("{s:s, s:O}", "program", "vic-calibrate", "args", json_object_get(used, "args"));
		int rc = !fit ? err_memory(err) : is_stage(fit) ? 0 : err_set(err, "a map's arguments are no texts");
		if (!rc) {
			fputs(json_array_size(before) ? " |\n" : "", to);
			put_stage(to, fit);
			fputs(json_array_size(before) ? "" : " LOGITS", to);
		}
		json_decref(fit);
		if (rc)
			return -1;
	}
	fputs(" > ", to);
	put_argument(to, file);
	fputc('\n', to);
	return 0;
}

static int put_history(FILE *to, const json_t *history, json_t *done, struct err *err)
{
	const json_t *line;
	size_t i;
	json_array_foreach(history, i, line)
		if (!is_stage(line))
			return err_set(err, "provenance line %zu is not a program with its arguments", i + 1);
	json_array_foreach(history, i, line) if (put_used(to, line, "model", operand(line), done, err) ||
						 put_used(to, line, "map", map_file(line), done, err)) return -1;
	json_array_foreach(history, i, line) {
		fputs(i ? " |\n" : "", to);
		put_stage(to, line);
	}
	return 0;
}

int provenance_shell(const json_t *history, char **text, struct err *err)
{
	struct memtext m;
	json_t *done = json_array();
	*text = NULL;
	if (!done || memtext_open(&m, err)) {
		json_decref(done);
		return done ? -1 : err_memory(err);
	}
	int rc = put_history(m.to, history, done, err);
	json_decref(done);
	if (!rc)
		return memtext_close(&m, text, NULL, err);
	memtext_drop(&m);
	return -1;
}
