/* What a signal handler must know lies in memory that it can reach: the one list here, filled before a map is used. */
#include "mapped.h"
#include "text.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 64, FREE = 0, FILLING, KNOWN };

static struct {
	atomic_int state;
	uintptr_t from, to;
	int fd;
	size_t size;
	const char *name;
} map[MOST];

static int make_known(const struct mapped *m)
{
	for (int i = 0; i < MOST; i++) {
		int wanted = FREE;
		if (!atomic_compare_exchange_strong(&map[i].state, &wanted, FILLING))
			continue;
		map[i].from = (uintptr_t)m->bytes;
		map[i].to = map[i].from + m->size;
		map[i].fd = m->fd;
		map[i].size = m->size;
		map[i].name = m->name;
		atomic_store(&map[i].state, KNOWN);
		return i;
	}
	return -1;
}

int mapped_open(struct mapped *m, int fd, const struct io_mark *mark, const char *name, struct err *err)
{
	struct stat st;
	*m = (struct mapped){ .fd = -1, .number = -1, .mark = *mark };
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return 0;
	if (text_escape(&m->name, name, TEXT_SHOWN, err))
		return -1;
	m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	void *p = m->fd < 0 ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, m->fd, 0);
	if (p != MAP_FAILED) {
		m->bytes = p;
		m->size = (size_t)st.st_size;
		m->number = make_known(m);
	}
	if (m->number >= 0)
		return 1;
	mapped_release(m);
	return 0;
}

int mapped_unchanged(const struct mapped *m, struct err *err)
{
	return m->bytes ? io_unchanged(m->fd, &m->mark, m->name, err) : 0;
}

void mapped_release(struct mapped *m)
{
	if (!m->name)
		return;
	if (m->number >= 0)
		atomic_store(&map[m->number].state, FREE);
	if (m->bytes)
		munmap((void *)(uintptr_t)m->bytes, m->size);
	if (m->fd >= 0)
		close(m->fd);
	free(m->name);
	*m = (struct mapped){ 0 };
}

const char *mapped_at(const void *address, const char **why)
{
	uintptr_t at = (uintptr_t)address;
	struct stat st;
	for (int i = 0; i < MOST; i++) {
		if (atomic_load(&map[i].state) != KNOWN || at < map[i].from || at >= map[i].to)
			continue;
		*why = !fstat(map[i].fd, &st) && (uint64_t)st.st_size < map[i].size
			       ? "became shorter while it was read"
			       : "cannot be read: Input/output error";
		return map[i].name;
	}
	return NULL;
}
