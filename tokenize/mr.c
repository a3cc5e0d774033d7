/* MR (Pang and Lee 2005) as a folder or an archive. neg always comes before pos, whatever the order in the archive.
 * In a folder the two files are looked for first, then rt-polaritydata/, then the archive; the first that is there
 * is read. */
#include "formats.h"
#include "lines.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/formats/tar.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const polarity_classes[2] = { "neg", "pos" };
static const char *const mr_files[2] = { "rt-polarity.neg", "rt-polarity.pos" };

enum { MR_MAX_FILE = 256 << 20 };

static int read_half(struct sink *s, const char *dir, int label, struct err *err)
{
	char *path;
	struct lines l;
	int rc = -1;
	if (path_below(&path, dir, mr_files[label], err))
		return -1;
	if (!io_regular(path, err) && !lines_open(&l, path, s, err)) {
		rc = put_lines(s, &l, label, err);
		lines_release(&l);
	}
	free(path);
	return rc;
}

/* Both files are held in memory, since neg comes first here whatever their order in the archive. */
static int read_archive(struct sink *s, const char *path, struct err *err)
{
	struct tar *a;
	struct tar_entry e;
	char *text[2] = { NULL, NULL };
	uint64_t have[2] = { 0, 0 };
	int got, rc = -1;
	if (tar_open(&a, path, err))
		return -1;
	while ((got = tar_next(a, &e, err)) == 1) {
		const char *base = strrchr(e.name, '/') ? strrchr(e.name, '/') + 1 : e.name;
		int half = !strcmp(base, mr_files[0]) ? 0 : !strcmp(base, mr_files[1]) ? 1 : -1;
		if (tar_plain(&e, err)) {
			err_context(err, "%s", path);
			goto out;
		}
		if (e.type != '0' || half < 0)
			continue;
		if (text[half] || e.size > MR_MAX_FILE) {
			err_set(err, "%s: %s is there twice, or of %llu bytes", path, base, (unsigned long long)e.size);
			goto out;
		}
		if (mem_alloc(&text[half], (size_t)e.size + 1, 1, err) || tar_read(a, text[half], err))
			goto out;
		have[half] = e.size;
	}
	if (got < 0)
		goto out;
	for (int half = 0; half < 2; half++) {
		struct lines l;
		if (!text[half]) {
			err_set(err, "%s: has no %s", path, mr_files[half]);
			goto out;
		}
		lines_of(&l, mr_files[half], text[half], (size_t)have[half], &s->boms);
		if (put_lines(s, &l, half, err)) {
			err_context(err, "%s", path);
			goto out;
		}
	}
	rc = 0;
out:
	tar_close(a);
	free(text[0]);
	free(text[1]);
	return rc;
}

/* 1 when dir/name is there; *out is its path, owned by the caller in any case. */
static int inside(char **out, const char *dir, const char *name, struct err *err)
{
	if (path_below(out, dir, name, err))
		return -1;
	return !access(*out, F_OK);
}

int read_mr(struct sink *s, const char *path, struct err *err)
{
	char *neg = NULL, *deeper = NULL, *packed = NULL;
	int rc = -1, here, is_folder = path_is_folder(path, err);
	if (is_folder < 0)
		return -1;
	if (!is_folder)
		return read_archive(s, path, err);
	if ((here = inside(&neg, path, mr_files[0], err)) < 0)
		goto out;
	if (here) {
		rc = read_half(s, path, 0, err) || read_half(s, path, 1, err) ? -1 : 0;
		goto out;
	}
	if ((here = inside(&deeper, path, "rt-polaritydata", err)) < 0)
		goto out;
	if (here) {
		rc = read_half(s, deeper, 0, err) || read_half(s, deeper, 1, err) ? -1 : 0;
		goto out;
	}
	if ((here = inside(&packed, path, "rt-polaritydata.tar.gz", err)) < 0)
		goto out;
	rc = here ? (io_regular(packed, err) ? -1 : read_archive(s, packed, err))
		  : err_set(err, "%s: has neither rt-polarity.neg nor rt-polaritydata/ nor rt-polaritydata.tar.gz",
			    path);
out:
	free(neg);
	free(deeper);
	free(packed);
	return rc;
}
