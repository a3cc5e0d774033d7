/* gnuplot as a filter. Files, not pipes, stand between the two programs: neither can wait for the other. */
#include "pipeline/base/mem.h"
#include "pipeline/files/spawn.h"
#include "pipeline/files/spool.h"
#include "plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT, FIGURE, TALK, FILES, LONGEST = 120 };

/* What a user's own settings could change of the figure stays out: ~/.gnuplot by -d, the rest here. */
static int run_gnuplot(struct output *file, int *status, struct err *err)
{
	static const char *const argv[] = { "gnuplot", "-d", NULL };
	static const char *const without[] = { "GNUTERM=", "GNUPLOT", NULL };
	struct spawn s = {
		.argv = argv,
		.without = without,
		.seconds = LONGEST,
		.missing =
			"gnuplot is not on the PATH; install it (Debian: gnuplot-nox), or see the script with --script"
	};
	for (int i = 0; i < FILES; i++)
		s.fd[i] = file[i].fd;
	return spawn_run(&s, status, err);
}

static int whole_file(const struct output *f, char **data, size_t *len, struct err *err)
{
	off_t n = lseek(f->fd, 0, SEEK_END);
	if (n < 0 || mem_alloc(data, (size_t)n + 1, 1, err))
		return n < 0 ? err_sys(err, "gnuplot's output") : -1;
	*len = (size_t)n;
	if (!io_read_at(f->fd, 0, *data, *len))
		return 0;
	free(*data);
	*data = NULL;
	return err_sys(err, "gnuplot's output");
}

/* What gnuplot complained of, on one line. */
static int complain(const struct output *talk, struct err *err)
{
	char *text, line[600] = "";
	size_t len, at = 0;
	if (whole_file(talk, &text, &len, err))
		return -1;
	for (size_t i = 0; i < len && at + 1 < sizeof line; i++) {
		int space = text[i] == '\n' || text[i] == ' ' || text[i] == '\t' || text[i] == '^';
		if (space && (!at || line[at - 1] == ' '))
			continue;
		line[at++] = space ? ' ' : text[i];
	}
	line[at] = 0;
	free(text);
	return err_set(err, "gnuplot failed: %s", at ? line : "it drew nothing and said nothing");
}

/* Whether the figure has its end: gnuplot looks at no write. */
static int is_whole(const char *figure, size_t len, int png)
{
	static const char iend[12] = "\0\0\0\0IEND\xAE\x42\x60\x82", svg[] = "</svg>";
	if (png)
		return len >= sizeof iend && !memcmp(figure + len - sizeof iend, iend, sizeof iend);
	while (len && strchr(" \t\r\n", figure[len - 1]) && figure[len - 1])
		len--;
	return len >= sizeof svg - 1 && !memcmp(figure + len - (sizeof svg - 1), svg, sizeof svg - 1);
}

int plot_run(const char *script, size_t script_len, int png, char **figure, size_t *len, struct err *err)
{
	struct output file[FILES] = { 0 };
	int status = 0, rc = 0;
	*figure = NULL;
	for (int i = 0; i < FILES && !rc; i++)
		rc = spool_output(&file[i], err);
	if (!rc)
		rc = output_write(&file[SCRIPT], script, script_len, err) || output_flush(&file[SCRIPT], err);
	if (!rc && lseek(file[SCRIPT].fd, 0, SEEK_SET))
		rc = err_sys(err, "a temporary file");
	if (!rc)
		rc = run_gnuplot(file, &status, err) || whole_file(&file[FIGURE], figure, len, err);
	if (!rc && (status || !*len))
		rc = complain(&file[TALK], err);
	if (!rc && !is_whole(*figure, *len, png))
		rc = err_system(
			err,
			"gnuplot's figure has no end: is there no room for it in $TMPDIR, or in /tmp without that?");
	for (int i = 0; i < FILES; i++)
		output_release(&file[i]);
	if (rc) {
		free(*figure);
		*figure = NULL;
	}
	return rc ? -1 : 0;
}
