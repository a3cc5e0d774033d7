/* Lines of a file or of memory. A byte order mark is looked for after the CR is taken off; a file that is a mark and
 * nothing else has no line, which is why lines_next remembers the length before. */
#include "lines.h"
#include "pipeline/files/text.h"
#include "pipeline/stream/sniff.h"

#include <string.h>

int lines_open(struct lines *l, const char *path, struct sink *s, struct err *err)
{
	*l = (struct lines){ .boms = &s->boms };
	if (input_open(&l->in, path, err))
		return -1;
	if (sniff_text(&l->in, "lines of text", s->documents, err)) {
		input_release(&l->in);
		return -1;
	}
	l->at.file = l->in.name;
	return 0;
}

void lines_of(struct lines *l, const char *name, const char *mem, size_t n, uint64_t *boms)
{
	*l = (struct lines){ .in.fd = -1, .mem = n ? mem : "", .left = n, .at.file = name, .boms = boms };
}

static int from_memory(struct lines *l, const char **line, size_t *len, int *lf)
{
	const char *end;
	if (!l->left)
		return 0;
	end = memchr(l->mem, '\n', l->left);
	*lf = end != NULL;
	*line = l->mem;
	*len = end ? (size_t)(end - l->mem) : l->left;
	l->left -= *len + (size_t)*lf;
	l->mem += *len + (size_t)*lf;
	return 1;
}

static int drop_mark(struct lines *l, const char **line, size_t *len, struct err *err)
{
	if (l->at.line == 1)
		return text_drop_bom(line, len, l->boms, err);
	if (*len >= 3 && !memcmp(*line, "\xEF\xBB\xBF", 3)) {
		*line += 3;
		*len -= 3;
		++*l->boms;
	}
	return 0;
}

int lines_next(struct lines *l, const char **line, size_t *len, struct err *err)
{
	int got, lf = 1;
	size_t all;
	l->at.line++;
	if (l->mem)
		got = from_memory(l, line, len, &lf);
	else
		got = input_line(&l->in, LINE_MAX_BYTES, line, len, &lf, err);
	if (got != 1)
		return got;
	if (text_no_nul(*line, *len, err))
		return place_context(&l->at, err);
	all = *len;
	if (*len && (*line)[*len - 1] == '\r')
		--*len;
	l->returns += *len && memchr(*line, '\r', *len);
	if (l->at.line == 1 || (*len && **line == '\xEF')) /* inside a file too, where files were put together */
		if (drop_mark(l, line, len, err))
			return err_context(err, "%s", l->at.file);
	return lf || *len || l->at.line > 1 || all != 3; /* a mark and nothing else is no line */
}

void lines_release(struct lines *l)
{
	input_release(&l->in);
	l->mem = NULL;
}
