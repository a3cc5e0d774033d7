/* memtext: a FILE over memory that grows; a write that finds none fails, and the FILE remembers it. */
#include "memtext.h"
#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

struct memtext_held {
	char *text; /* n bytes and a NUL */
	size_t n, cap;
};

static ssize_t memtext_put(void *cookie, const char *from, size_t n)
{
	struct memtext_held *h = cookie;
	struct err ignored = ERR_NONE;
	if (mem_grow(&h->text, &h->cap, h->n + n + 1, 1, &ignored))
		return 0; /* stdio's sign of a failed write */
	memcpy(h->text + h->n, from, n);
	h->n += n;
	h->text[h->n] = 0;
	return (ssize_t)n;
}

int memtext_open(struct memtext *m, struct err *err)
{
	m->to = NULL;
	m->held = calloc(1, sizeof *m->held);
	if (m->held && !mem_grow(&m->held->text, &m->held->cap, 1, 1, err)) {
		m->held->text[0] = 0;
		m->to = fopencookie(m->held, "w", (cookie_io_functions_t){ .write = memtext_put });
	}
	if (m->to)
		return 0;
	memtext_drop(m);
	return err_memory(err);
}

static int end(struct memtext *m)
{
	int bad = m->to && ferror(m->to);
	bad = (m->to && fclose(m->to)) || bad;
	m->to = NULL;
	return bad;
}

int memtext_close(struct memtext *m, char **text, size_t *n, struct err *err)
{
	*text = NULL;
	if (end(m)) {
		memtext_drop(m);
		return err_memory(err);
	}
	*text = m->held->text;
	if (n)
		*n = m->held->n;
	free(m->held);
	m->held = NULL;
	return 0;
}

void memtext_drop(struct memtext *m)
{
	end(m);
	if (m->held)
		free(m->held->text);
	free(m->held);
	m->held = NULL;
}
