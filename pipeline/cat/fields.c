/* Fields of tables as numbers and names (fields.h). */
#include "fields.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

char *field_trimmed(char *text)
{
	size_t n = strlen(text);
	while (n && strchr(" \t", text[n - 1]))
		text[--n] = 0;
	return text + strspn(text, " \t");
}

const char *field_with_point(const char *text, char room[FIELD_ROOM])
{
	const char *comma = strchr(text, ',');
	if (strlen(text) >= FIELD_ROOM)
		return text;
	if (strchr(text, '.'))
		return "";
	memcpy(room, text, strlen(text) + 1);
	if (comma)
		room[comma - text] = '.';
	return room;
}

int field_is_number(const char *text, int decimal_comma)
{
	char room[FIELD_ROOM], *end;
	text += strspn(text, " \t");
	if (decimal_comma)
		text = field_with_point(text, room);
	(void)strtod(text, &end);
	return end != text && !end[strspn(end, " \t")];
}

int field_has_comma(const char *text)
{
	char room[FIELD_ROOM], *end;
	const char *point = field_with_point(text, room);
	(void)strtod(point, &end);
	return strchr(text, ',') && end != point && !*end;
}

int field_is_called(const char *text, const char *name)
{
	size_t n = strlen(name);
	text += strspn(text, " \t");
	return !strncasecmp(text, name, n) && !text[n + strspn(text + n, " \t")];
}
