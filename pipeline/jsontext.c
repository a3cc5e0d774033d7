#include "jsontext.h"

/* What jansson 2.13 and 2.14 take on a 64-bit machine, with malloc's own: an object with its first buckets, a list with its first
 * table, a key with its share of the buckets, a text beside its bytes, a value's place in a list with a number in it. */
enum { OF_OBJECT = 256, OF_LIST = 144, OF_KEY = 112, OF_TEXT = 80, OF_PLACE = 56 };

/* Bytes of memory that the values of a text will take; *deepest: its levels. Exact about valid JSON; of anything else it is only
 * an end, since the parser refuses it. */
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
		return err_set(err, "JSON whose values would take %zu bytes of memory; there is room for %zu", need, *room);
	*out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &je);
	if (!*out && json_error_code(&je) == json_error_out_of_memory)
		return err_memory(err);
	if (!*out)
		return err_set(err, "is not JSON (line %d: %s)", je.line, je.text);
	*room -= need;
	return 0;
}
