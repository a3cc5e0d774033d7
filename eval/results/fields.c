/* Tables cut up in place. */
#include "fields.h"
#include "pipeline/base/num.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int fields_number(const char *what, const char *field, double *value, struct err *err)
{
	*value = NAN;
	if (!*field || !strcmp(field, "nan"))
		return 0;
	if (num_f64(what, field, -INFINITY, INFINITY, value, err)) {
		err->status = VIC_DATA; /* num_f64 is made for options */
		return -1;
	}
	return 0;
}

static int one_line(char *line, int wanted, int (*take)(void *to, char *const *field, struct err *err), void *to,
		    struct err *err)
{
	char *field[FIELDS_MOST], *at = line;
	int n = 0;
	while (n < wanted && (field[n] = text_field(&at, '\t')))
		text_restore(field[n++]);
	if (n < wanted || at)
		return err_set(err, "has %s fields than the header", at ? "more" : "fewer");
	return take(to, field, err);
}

int fields_of(const char *path, char *text, size_t len, const char *header, const char *own,
	      int (*take)(void *to, char *const *field, struct err *err), void *to, struct err *err)
{
	size_t number = 1;
	int wanted = 1, rc = 0;
	for (const char *p = header; (p = strchr(p, '\t')); p++)
		wanted++;
	if (strlen(text) != len)
		rc = err_set(err, "holds a NUL byte: no table of %s", own);
	for (char *line = text, *next; !rc && line && (*line || number == 1); line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (number > 1)
			rc = one_line(line, wanted, take, to, err) ? err_context(err, "line %zu", number) : 0;
		else if (strcmp(line, header))
			rc = err_set(err, "line 1 is not the header of a table of %s", own);
	}
	if (!rc)
		return 0;
	err_context(err, "%s", path);
	return number > 2 ? -1 : sniff_explain(path, own, err);
}
