/* Checks of archives, from their lists of members, and of what was unpacked from them. Both are needed: the check
 * before keeps a member from being written outside the folder (also through a link unpacked earlier), the check after
 * sees what the tool really made of the archive. A backslash counts as a separator. Of a zip only the central directory
 * is read, by hand: a few fields are needed. Sizes and counts from the file are compared with the file's size before
 * memory is allocated or a record is read by them. */
#include "members.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/formats/tar.h"
#include "pipeline/files/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int name_stays(const char *name, size_t n)
{
	if (!n || *name == '/' || *name == '\\')
		return 0;
	for (size_t i = 0; i < n;) { /* unzip takes '\' for '/' in archives made on DOS */
		size_t k = i;
		while (k < n && name[k] != '/' && name[k] != '\\')
			k++;
		if (k - i == 2 && name[i] == '.' && name[i + 1] == '.')
			return 0;
		i = k + 1;
	}
	return !memchr(name, 0, n);
}

static int refuse_name(const char *path, const char *name, size_t n, struct err *err)
{
	return err_set(err,
		       "%s: the archive has a member '%.*s', which would lie outside the folder it is unpacked into; "
		       "not unpacked",
		       path, (int)(n < 500 ? n : 500), name);
}

static int refuse_kind(const char *path, const char *name, const char *kind, struct err *err)
{
	return err_set(err,
		       "%s: the archive holds '%.500s', %s; a data set is files and folders, so it is not unpacked",
		       path, name, kind);
}

static const char *tar_kind(int type)
{
	switch (type) {
	case '1':
		return "a second name of a file (hard link)";
	case '2':
		return "a link";
	case '3':
	case '4':
		return "a device";
	case '6':
		return "a FIFO";
	default:
		return "of a type that is not known here";
	}
}

int members_of_tar(const char *path, struct err *err)
{
	struct tar *t;
	struct tar_entry e;
	int rc;
	if (io_regular(path, err) || tar_open(&t, path, err))
		return -1;
	while ((rc = tar_next(t, &e, err)) == 1) {
		if (e.type != '0' && e.type != '5')
			rc = refuse_kind(path, e.name, tar_kind(e.type), err);
		else if (!name_stays(e.name, strlen(e.name)))
			rc = refuse_name(path, e.name, strlen(e.name), err);
		if (rc < 0)
			break;
	}
	tar_close(t);
	return rc;
}

/* PKWARE's APPNOTE.TXT 6.3, sections 4.3.12 to 4.3.16: what of a zip is needed here. Numbers are little-endian. */
enum {
	END = 22,          /* end of central directory record: bytes, less its comment */
	END_COUNT = 10,
	END_SIZE = 12,
	END_FROM = 16,
	LOCATOR = 20,      /* of the zip64 end record; in front of END */
	END64 = 56,
	END64_COUNT = 32,
	END64_SIZE = 40,
	END64_FROM = 48,
	HEADER = 46,       /* of a member in the central directory */
	BY = 5,            /* the system it was made on: 3 is Unix, 19 macOS */
	NAME_LEN = 28,
	EXTRA_LEN = 30,
	COMMENT_LEN = 32,
	ATTRIBUTES = 38,
	UNICODE_PATH = 0x7075, /* extra field: version, CRC-32, and a name that goes before the header's */
	DIRECTORY_MAX = 1 << 30
};

static uint64_t number(const unsigned char *p, int bytes)
{
	uint64_t v = 0;
	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static int damaged(const char *path, struct err *err)
{
	return err_set(err, "%s: is no zip archive, or damaged; get the file again", path);
}

static int read_at(int fd, uint64_t at, void *to, size_t n, const char *path, struct err *err)
{
	if (!io_read_at(fd, at, to, n))
		return 0;
	return errno ? err_sys(err, "%s: read", path) : damaged(path, err);
}

struct directory {
	uint64_t from, size, count;
};

/* Looks for the end record, which a comment of up to 65,535 bytes may follow. */
static int find_directory(int fd, uint64_t total, struct directory *d, const char *path, struct err *err)
{
	enum { MOST = END + 65535 + LOCATOR };
	unsigned char *tail, end64[END64];
	size_t n = total < MOST ? (size_t)total : MOST;
	const unsigned char *end = NULL;
	if (mem_alloc(&tail, n, 1, err))
		return -1;
	int rc = read_at(fd, total - n, tail, n, path, err);
	for (size_t at = n; !rc && !end && at-- > 0;)
		if (at + END <= n && !memcmp(tail + at, "PK\5\6", 4))
			end = tail + at;
	if (!rc && !end)
		rc = damaged(path, err);
	if (!rc) {
		*d = (struct directory){ number(end + END_FROM, 4), number(end + END_SIZE, 4),
			number(end + END_COUNT, 2) };
		const unsigned char *locator = end - tail >= LOCATOR ? end - LOCATOR : NULL;
		if (locator && !memcmp(locator, "PK\6\7", 4)) {
			rc = read_at(fd, number(locator + 8, 8), end64, END64, path, err);
			if (!rc && memcmp(end64, "PK\6\6", 4))
				rc = damaged(path, err);
			if (!rc)
				*d = (struct directory){ number(end64 + END64_FROM, 8), number(end64 + END64_SIZE, 8),
							 number(end64 + END64_COUNT, 8) };
		}
	}
	free(tail);
	return rc;
}

/* The names that the extra fields give the member instead. */
static int check_extra(const unsigned char *p, size_t n, const char *path, struct err *err)
{
	while (n >= 4) {
		size_t len = (size_t)number(p + 2, 2);
		if (len > n - 4)
			return damaged(path, err);
		if (number(p, 2) == UNICODE_PATH && len > 5 && !name_stays((const char *)p + 9, len - 5))
			return refuse_name(path, (const char *)p + 9, len - 5, err);
		p += 4 + len;
		n -= 4 + len;
	}
	return 0;
}

/* One member's header at p[0..left); *used: its length. */
static int check_member(const unsigned char *p, size_t left, size_t *used, const char *path, struct err *err)
{
	if (left < HEADER || memcmp(p, "PK\1\2", 4))
		return damaged(path, err);
	size_t name = (size_t)number(p + NAME_LEN, 2), extra = (size_t)number(p + EXTRA_LEN, 2);
	mode_t mode = (mode_t)(number(p + ATTRIBUTES, 4) >> 16);
	*used = HEADER + name + extra + (size_t)number(p + COMMENT_LEN, 2);
	if (*used > left)
		return damaged(path, err);
	const char *text = (const char *)p + HEADER;
	if (!name_stays(text, name))
		return refuse_name(path, text, name, err);
	if ((p[BY] == 3 || p[BY] == 19) && (mode & S_IFMT) && !S_ISREG(mode) && !S_ISDIR(mode)) {
		char *copy;
		if (mem_text(&copy, text, name, err))
			return -1;
		int rc = refuse_kind(path, copy, io_kind(mode), err);
		free(copy);
		return rc;
	}
	return check_extra((const unsigned char *)text + name, extra, path, err);
}

static int check_directory(int fd, const struct directory *d, const char *path, struct err *err)
{
	unsigned char *p;
	size_t at = 0, used = 0;
	if (mem_alloc(&p, (size_t)d->size, 1, err))
		return -1;
	int rc = read_at(fd, d->from, p, (size_t)d->size, path, err);
	for (uint64_t i = 0; !rc && i < d->count; i++, at += used)
		rc = check_member(p + at, (size_t)d->size - at, &used, path, err);
	if (!rc && at != d->size)
		rc = damaged(path, err);
	free(p);
	return rc;
}

int members_of_zip(const char *path, struct err *err)
{
	struct stat st;
	struct directory d = { 0, 0, 0 };
	int fd = io_open_regular(path, err), rc;
	if (fd < 0)
		return -1;
	rc = fstat(fd, &st) ? err_sys(err, "%s", path) : find_directory(fd, (uint64_t)st.st_size, &d, path, err);
	if (!rc && (d.size > (uint64_t)st.st_size || d.size > DIRECTORY_MAX || d.count > d.size / HEADER))
		rc = damaged(path, err);
	if (!rc)
		rc = check_directory(fd, &d, path, err);
	close(fd);
	return rc;
}

static int check_unpacked(void *arg, const struct walk_item *e, struct err *err)
{
	(void)arg;
	if (e->at != WALK_ENTRY)
		return 0;
	if (!S_ISREG(e->st.st_mode))
		return err_set(err, "%s: what was unpacked holds %s; a data set is files and folders", e->path,
			       io_kind(e->st.st_mode));
	if (e->st.st_nlink != 1)
		return err_set(
			err,
			"%s: what was unpacked is another name (hard link) of a file; a data set is files and folders",
			e->path);
	return 0;
}

int members_unpacked(const char *folder, struct err *err)
{
	return walk(folder, 0, check_unpacked, NULL, err);
}
