/* Temporary files without a name. An input that cannot be read twice is copied to one, which then takes the place of
 * descriptor 0, so that readers simply open "-". All readings of descriptor 0 share one offset, hence spool_rewind.
 * A regular file on stdin is read again from where it stood at first (`start`), which need not be its beginning. */
#include "spool.h"
#include "pipeline/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 1 << 20 };

int spool_output(struct output *out, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	return output_unnamed(out, folder && *folder ? folder : "/tmp", err) ? err_context(err, "temporary file") : 0;
}

static int copy_all(struct input *in, struct output *out, struct err *err)
{
	unsigned char *buf;
	size_t got = 0;
	int rc;
	if (mem_alloc(&buf, STEP, 1, err))
		return -1;
	do
		rc = input_read(in, buf, STEP, &got, err) || output_write(out, buf, got, err) ? -1 : 0;
	while (!rc && got);
	free(buf);
	return rc;
}

int spool_copy(struct output *spool, struct output *to, struct err *err)
{
	struct input in = { .fd = -1, .name = "temporary file", .as_is = 1 };
	if (output_flush(spool, err) || mem_alloc(&in.buf, INPUT_BUFFER, 1, err))
		return -1;
	in.fd = dup(spool->fd);
	int rc = in.fd < 0 || lseek(in.fd, 0, SEEK_SET) < 0 ? err_sys(err, "temporary file") : copy_all(&in, to, err);
	input_release(&in);
	return rc;
}

/* Copies what cannot be read again and puts the copy on stdin. */
static int take_over(const char *path, struct err *err)
{
	struct input in;
	struct output out;
	if (input_open(&in, path, err))
		return -1;
	int rc = spool_output(&out, err);
	if (!rc)
		rc = copy_all(&in, &out, err) || output_flush(&out, err) ? -1 : 0;
	if (!rc && (dup2(out.fd, STDIN_FILENO) < 0 || lseek(STDIN_FILENO, 0, SEEK_SET) < 0))
		rc = err_sys(err, "temporary file");
	output_release(&out);
	input_release(&in);
	return rc;
}

int spool_input(struct spool *s, const char *path, struct err *err)
{
	struct stat st;
	int is_stdin = !strcmp(path, "-");
	*s = (struct spool){ .path = path };
	if (is_stdin ? fstat(STDIN_FILENO, &st) : stat(path, &st))
		return err_sys(err, "%s", is_stdin ? "stdin" : path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) { /* a folder: opening it says so */
		s->path = "-";
		return take_over(path, err);
	}
	if (is_stdin) {
		s->start = lseek(STDIN_FILENO, 0, SEEK_CUR);
		if (s->start < 0)
			return err_sys(err, "stdin");
	}
	return 0;
}

int spool_rewind(const struct spool *s, struct err *err)
{
	if (!strcmp(s->path, "-") && lseek(STDIN_FILENO, s->start, SEEK_SET) < 0)
		return err_sys(err, "stdin: reading it again");
	return 0;
}
