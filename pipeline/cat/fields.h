/* What a field of a table may mean: a number, with a decimal point or a decimal comma, or a column's name. */
#ifndef PIPELINE_CAT_FIELDS_H
#define PIPELINE_CAT_FIELDS_H

enum { FIELD_ROOM = 64 };

/* Cuts off the white space after the text, and returns where it begins after that before it. */
char *field_trimmed(char *text);

/* The text with its decimal comma as a point, in `room`; "" where it holds a point, which then is no number's; the text
 * itself where it is too long for one. */
const char *field_with_point(const char *text, char room[FIELD_ROOM]);

/* Whether the text is a number and nothing else but white space around it. */
int field_is_number(const char *text, int decimal_comma);

/* Whether the text is a number if its comma is a decimal one. */
int field_has_comma(const char *text);

/* Whether the text is this name, in any case, with white space around it or none. */
int field_is_called(const char *text, const char *name);

#endif
