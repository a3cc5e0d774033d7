/* What is packed, or comes through a pipe, becomes a file without a name that any thread can read. A zip's files lie in
 * it one after the other. */
#include "archive_parts.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/spool.h"
#include "pipeline/files/unpack.h"
#include "pipeline/files/zip.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 1 << 20 };

/* A file as it is read, and the copy that is made of what is in it. */
struct unpacking {
	struct archive *a;
	int root;
	const char *path;
	struct input in;
	struct output out;
	struct supply from;
	unsigned char *raw, *step; /* [STEP] each */
};

static int fill_raw(struct supply *s, struct err *err)
{
	struct unpacking *u = s->arg;
	s->p = u->raw;
	return input_read(&u->in, u->raw, STEP, &s->n, err);
}

static int put_out(struct unpacking *u, size_t n, struct err *err)
{
	return output_write(&u->out, u->step, n, err)
		       ? err_context(err, "%s: unpacking to a temporary file (TMPDIR names another place)", u->path)
		       : 0;
}

/* The one file in it. */
static int copy_stream(struct unpacking *u, const char *kind, struct err *err)
{
	struct unpack *stream = NULL;
	size_t got = STEP;
	int rc = kind ? unpack_open(&stream, kind, &u->from, u->path, err) : 0;
	while (!rc && got == STEP) {
		rc = kind ? unpack_read(stream, u->step, STEP, &got, err)
			  : input_read(&u->in, u->step, STEP, &got, err);
		if (!rc)
			rc = put_out(u, got, err);
	}
	unpack_close(stream);
	return rc;
}

/* The files of a zip, which become entries. */
static int copy_zip(struct unpacking *u, struct err *err)
{
	struct zip *z;
	struct tar_entry e;
	size_t got, n;
	int rc;
	if (zip_open(&z, &u->from, u->path, err))
		return -1;
	while ((rc = zip_next(z, &e.name, err)) == 1) {
		n = strlen(e.name);
		e.type = n && e.name[n - 1] == '/' ? '5' : '0';
		e.at = u->out.at;
		do
			rc = zip_read(z, u->step, STEP, &got, err) || put_out(u, got, err) ? -1 : 0;
		while (!rc && got);
		e.size = u->out.at - e.at;
		/* a tar in it is looked into at once */
		if (rc || output_flush(&u->out, err) || archive_add_member(u->a, u->root, "", &e, err)) {
			rc = -1;
			break;
		}
	}
	zip_close(z);
	return rc;
}

/* Unpacks fd from where it stands into a file without a name, which is the root's from then on. *kind: unpack_kind of
 * what it was. */
static int unpack_root(struct unpacking *u, int fd, const char **kind, struct err *err)
{
	const unsigned char *head;
	size_t n;
	struct archive_root *r = &u->a->root[u->root];
	if (input_over(&u->in, fd, u->path, err))
		return -1;
	u->in.as_is = 1;
	if (spool_output(&u->out, err))
		return err_context(err, "%s: to be unpacked in $TMPDIR", u->path);
	r->fd = fcntl(u->out.fd, F_DUPFD_CLOEXEC, 3);
	r->copied = 1;
	if (r->fd < 0)
		return err_sys(err, "%s", u->path);
	if (mem_alloc(&u->raw, STEP, 1, err) || mem_alloc(&u->step, STEP, 1, err) ||
	    input_peek(&u->in, UNPACK_HEAD, &head, &n, err))
		return -1;
	*kind = unpack_kind(head, n, NULL);
	int zip = *kind && !strcmp(*kind, "zip");
	return (zip ? copy_zip(u, err) : copy_stream(u, *kind, err)) || output_flush(&u->out, err) ? -1 : 0;
}

int archive_unpack(struct archive *a, int root, const char *path, int fd, const char **kind, struct err *err)
{
	struct unpacking u = { .a = a, .root = root, .path = path, .in.fd = -1, .out = { .fd = -1 } };
	u.from = (struct supply){ fill_raw, &u, NULL, 0 };
	a->root[root].fd = -1;
	int rc = unpack_root(&u, fd, kind, err);
	input_release(&u.in);
	output_release(&u.out);
	free(u.raw);
	free(u.step);
	return rc;
}
