#include "cat.h"
#include "stream_format.h"

#include <stdlib.h>
#include <string.h>

/* Reads what is left of the document, so that what is printed about it is true of all of it. */
static int read_all(struct stream_reader *r, struct err *err)
{
	struct block b;
	int rc;
	while ((rc = stream_next_block(r, &b, err)) == 1)
		;
	return rc;
}

int cat_head(struct stream_reader *r, struct output *out, struct err *err)
{
	if (read_all(r, err))
		return -1;
	json_t *j = head_to_json(stream_head_of(r)), *prov = json_deep_copy(stream_provenance(r));
	int bad = !j || !prov || json_object_set_new(j, "records", json_integer((json_int_t)stream_records(r)));
	if (!bad && stream_head_of(r)->kind == STREAM_TEXT)
		bad = json_object_set_new(j, "words", json_integer((json_int_t)stream_words(r)));
	if (!bad)
		bad = json_object_set(j, "provenance", prov);
	char *text = bad ? NULL : json_dumps(j, JSON_COMPACT);
	json_decref(j);
	json_decref(prov);
	if (!text)
		return err_set(err, "out of memory");
	int rc = output_printf(out, err, "%s\n", text);
	free(text);
	return rc;
}

/* One argument, in single quotes unless the shell takes it as it is. */
static int put_argument(struct output *out, const char *text, struct err *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
	if (*text && text[strspn(text, plain)] == 0)
		return output_write(out, text, strlen(text), err);
	if (output_write(out, "'", 1, err))
		return -1;
	for (; *text; text++)
		if (*text == '\'' ? output_write(out, "'\\''", 4, err) : output_write(out, text, 1, err))
			return -1;
	return output_write(out, "'", 1, err);
}

static int put_stage(struct output *out, const json_t *line, struct err *err)
{
	const char *program = json_string_value(json_object_get(line, "program"));
	const json_t *args = json_object_get(line, "args"), *arg;
	size_t i;
	int options_ended = 0;
	if (put_argument(out, program, err))
		return -1;
	json_array_foreach(args, i, arg) {
		const char *text = json_string_value(arg);
		/* Options were noted as --name=value, in front; an operand that begins with a dash needs "--". */
		if (!options_ended && text[0] == '-' && text[1] && text[1] != '-') {
			options_ended = 1;
			if (output_write(out, " --", 3, err))
				return -1;
		}
		if (output_write(out, " ", 1, err) || put_argument(out, text, err))
			return -1;
	}
	return 0;
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

int cat_provenance(struct stream_reader *r, struct output *out, struct err *err)
{
	const json_t *prov = stream_provenance(r), *line;
	size_t i, n = json_array_size(prov);
	if (read_all(r, err))
		return -1;
	if (!n)
		return output_printf(out, err, "# no stage has left its line\n");
	json_array_foreach(prov, i, line) {
		if (!is_stage(line))
			return err_set(err, "%s: provenance line %zu is not a program with its arguments", stream_name(r), i + 1);
		if (put_stage(out, line, err) || output_printf(out, err, "%s\n", i + 1 < n ? " |" : ""))
			return -1;
	}
	return 0;
}
