/* Guards around jansson. Before parsing, depth and memory are computed from the text, since jansson recurses once a
 * level and takes far more memory than the text has bytes. The OF_ constants are the sizes of its structs and
 * tables: look at them when its version changes.
 * Where memory is short, jansson's copy and dump leave members out and report nothing: jsontext_copy compares, and
 * dump_piece fails for good after its first failure. jansson does not say which name was not UTF-8: broken finds it. */
#include "jsontext.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "text.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* What jansson 2.13 and 2.14 take on a 64-bit machine, with malloc's own: an object with its first buckets, a list with
 * its first table, a key with its share of the buckets, a text beside its bytes, a value's place in a list with a
 * number in it. */
enum { OF_OBJECT = 256, OF_LIST = 144, OF_KEY = 112, OF_TEXT = 80, OF_PLACE = 56 };

/* Bytes of memory that the values of a text will take; *deepest: its levels. Exact about valid JSON; of anything else
 * it is only an end, since the parser refuses it. */
static size_t memory_of(const char *text, size_t n, int *deepest)
{
	size_t sum = OF_PLACE;
	int depth = 0, inside = 0;
	*deepest = 0;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (inside) {
			sum++;
			if (c == '\\')
				i++;
			else if (c == '"')
				inside = 0;
			continue;
		}
		switch (c) {
		case '"':
			inside = 1;
			sum += OF_TEXT;
			break;
		case '{':
		case '[':
			sum += c == '{' ? OF_OBJECT : OF_LIST;
			*deepest = ++depth > *deepest ? depth : *deepest;
			break;
		case '}':
		case ']':
			depth--;
			break;
		case ':':
			sum += OF_KEY - OF_TEXT; /* the key was counted as a text */
			break;
		case ',':
			sum += OF_PLACE;
			break;
		default:
			break;
		}
	}
	return sum;
}

/* jansson's parser asserts, drops keys or calls the text wrong when memory is short inside it. So while a thread
 * parses, a malloc that fails leaves the parser for good; what it had made is lost, in a run that ends for want of
 * memory. */
static _Thread_local jmp_buf *shortage;

static void *json_take(size_t n)
{
	void *p = malloc(n);
	if (!p && shortage)
		longjmp(*shortage, 1);
	return p;
}

static void use_take(void)
{
	json_set_alloc_funcs(json_take, free);
}

/* 1 when memory was short. */
static int parse_guarded(json_t **out, const char *text, size_t n, json_error_t *je)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	jmp_buf here;
	int rc = pthread_once(&once, use_take);
	if (rc || setjmp(here)) {
		shortage = NULL;
		return 1;
	}
	shortage = &here;
	*out = json_loadb(text, n, JSON_REJECT_DUPLICATES, je);
	shortage = NULL;
	return 0;
}

int jsontext_parse(json_t **out, const char *text, size_t n, size_t *room, struct err *err)
{
	size_t own = JSONTEXT_ROOM, need;
	json_error_t je;
	int deepest;
	*out = NULL;
	room = room ? room : &own;
	need = memory_of(text, n, &deepest);
	if (deepest > JSONTEXT_DEPTH)
		return err_set(err, "JSON of more than %d levels", JSONTEXT_DEPTH);
	if (need > *room)
		return err_set(err, "JSON whose values would take %zu bytes of memory; there is room for %zu", need,
			       *room);
	if (parse_guarded(out, text, n, &je))
		return err_memory(err);
	if (!*out)
		return err_set(err, "is not JSON (line %d: %s)", je.line, je.text);
	*room -= need;
	return 0;
}

json_t *jsontext_name(const char *text)
{
	return json_stringn_nocheck(text, strlen(text));
}

/* The first text in j that is not UTF-8, or NULL; *key is the member it stands in, *index its place in a list there or
 * -1. */
static const char *broken(const json_t *j, const char **key, int *index)
{
	const char *name, *found = NULL;
	json_t *v;
	size_t i;
	if (json_is_string(j))
		return text_is_utf8(json_string_value(j), json_string_length(j)) ? NULL : json_string_value(j);
	if (json_is_array(j))
		json_array_foreach(j, i, v)
		{
			*index = (int)i;
			if ((found = broken(v, key, index)))
				return found;
		}
	if (json_is_object(j))
		json_object_foreach((json_t *)j, name, v)
		{
			*key = name;
			*index = -1;
			if ((found = broken(v, key, index)))
				return found;
		}
	return found;
}

static int why(const json_t *j, struct err *err)
{
	static const struct {
		const char *key, *what;
	} known[] = { { "classes", "class name" }, { "args", "argument" }, { "name", "the name" } };
	int index = -1;
	const char *key = "", *text = broken(j, &key, &index), *what;
	if (!text)
		return err_memory(err);
	what = key;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(key, known[i].key))
			what = known[i].what;
	if (index < 0)
		return err_set(err, "%s ('%s') is not UTF-8", what, text);
	return err_set(err, "%s %d ('%s') is not UTF-8", what, index, text);
}

/* Replaces what may not be shown; it stands in strings alone. All of it lies below U+10000. */
static int show_surrogates(char **text, struct err *err)
{
	size_t n = strlen(*text);
	struct memtext m = { 0 };
	for (char *p = *text;;) {
		size_t clean = text_clean(p, n, TEXT_SHOWN), len;
		if (clean == n && !m.to)
			return 0;
		if (!m.to && memtext_open(&m, err))
			return -1;
		fwrite(p, 1, clean, m.to);
		p += clean;
		n -= clean;
		if (!n)
			break;
		len = *p == '\n' ? 1 : text_character(p, n); /* line ends are JSON_INDENT's */
		const unsigned char *c = (const unsigned char *)p;
		if (*p == '\n')
			fputc('\n', m.to);
		else
			fprintf(m.to, "\\u%04X", len == 1 ? c[0]
						: len == 2 ? (c[0] & 31u) << 6 | (c[1] & 63u)
							   : (c[0] & 15u) << 12 | (c[1] & 63u) << 6 | (c[2] & 63u));
		p += len;
		n -= len;
	}
	char *shown;
	if (memtext_close(&m, &shown, NULL, err))
		return -1;
	free(*text);
	*text = shown;
	return 0;
}

json_t *jsontext_copy(const json_t *j)
{
	json_t *copy = j ? json_deep_copy(j) : NULL;
	if (!copy || json_equal(copy, j))
		return copy;
	json_decref(copy);
	return NULL;
}

struct dump {
	char *text; /* owned */
	size_t n, cap;
	int failed;
};

static int dump_piece(const char *piece, size_t n, void *arg)
{
	struct dump *d = arg;
	struct err ignored; /* jsontext_write says it */
	if (d->failed || mem_grow(&d->text, &d->cap, d->n + n + 1, 1, &ignored)) {
		d->failed = 1;
		return -1;
	}
	memcpy(d->text + d->n, piece, n);
	d->n += n;
	d->text[d->n] = 0;
	return 0;
}

int jsontext_write(char **text, const json_t *j, size_t flags, struct err *err)
{
	struct dump d = { 0 };
	/* json_dumps does not look whether a key found memory: the text then lacks it, and all seems well. */
	if (!j || json_dump_callback(j, dump_piece, &d, flags) || d.failed || !d.text) {
		free(d.text);
		*text = NULL;
		return why(j, err);
	}
	*text = d.text;
	if (!show_surrogates(text, err))
		return 0;
	free(*text);
	*text = NULL;
	return -1;
}
