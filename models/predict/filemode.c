/* Runs vic-images beside vic-predict. What is asked of it is the line of the model's provenance that brought the
 * training pictures to size and channels, or, where these were JPEG records, what the trainer did with them. The names
 * come beforehand in a file without a name, which the child inherits as a descriptor: it is whole before the first
 * record, whose id is the number of its line. */
#include "filemode.h"

#include "answers.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/spool.h"
#include "pipeline/frame/marks.h"
#include "pipeline/frame/stage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Options of vic-images that change what a record's pixels are. */
static const char *const shaping[] = { "--resize=", "--fit=", "--channels=", "--as-stored" };

static int has_option(const json_t *line, const char *begin)
{
	const char *arg;
	size_t i = 0;
	while ((arg = marks_option(line, &i)) && strncmp(arg, begin, strlen(begin)))
		;
	return arg != NULL;
}

static int is_shaping(const json_t *line)
{
	for (size_t i = 0; i < sizeof shaping / sizeof *shaping; i++)
		if (has_option(line, shaping[i]))
			return 1;
	return 0;
}

/* The line that made the records of pictures; later ones may have chosen among them, no more. *line is NULL where the
 * records came from elsewhere. */
static int find_line(const struct model *m, const json_t **line, struct err *err)
{
	const json_t *one;
	size_t i;
	*line = NULL;
	json_array_foreach(m->provenance, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "program"));
		if (name && !strcmp(name, "vic-perturb"))
			return err_set(err, "%s: its training pictures were moved by vic-perturb, which pictures in "
					    "files are not", m->file.name);
		if (!name || strcmp(name, "vic-images"))
			continue;
		if (*line && is_shaping(one))
			return err_set(err, "%s: its pictures were made in two passes of vic-images; make records in "
					    "the same two (--format files, --format stream) and pipe them into "
					    "vic-predict without --files", m->file.name);
		if (!*line)
			*line = one;
	}
	return 0;
}

/* The command line; of what *argv points to, own[0..3) is the caller's. */
static int images_command(const struct model *m, char *program, char *const *paths, int n, int fit, int names,
			  char *own[3], char ***argv, struct err *err)
{
	const json_t *line;
	char **rest = NULL;
	size_t used = 0;
	struct shape s = m->config.image;
	struct want want = m->picture;
	if (find_line(m, &line, err))
		return -1;
	int sized = want.h || has_option(line, "--resize=");
	if (sized && fit)
		return err_usage(err, "--resize: %s says itself how its pictures came to %dx%d", m->file.name, s.h,
				 s.w);
	if (!sized && !fit)
		return err_usage(err, "%s: its records are %dx%d, and nothing says how pictures of another size come "
				      "to that; --resize crop cuts them to shape, --resize stretch does not",
				 m->file.name, s.h, s.w);
	if (want.h) /* the line left its pictures as they were */
		line = NULL;
	else
		want = (struct want){ s.h, s.w, fit == FILE_FIT_CROP ? FIT_CROP : FIT_STRETCH };
	if (mem_printf(&own[0], err, "--names=/dev/fd/%d", names) ||
	    mem_printf(&own[1], err, "--resize=%dx%d", want.h, want.w) ||
	    mem_printf(&own[2], err, "--channels=%d", s.c) || mem_alloc(&rest, (size_t)n + 10, sizeof *rest, err))
		return -1;
	rest[used++] = (char *)"--quiet";
	rest[used++] = (char *)"--format=files";
	rest[used++] = (char *)"--encoding=raw";
	rest[used++] = (char *)"--on-bad=list";
	rest[used++] = own[0];
	if (!has_option(line, "--resize=")) {
		rest[used++] = own[1];
		rest[used++] = (char *)(want.fit == FIT_CROP ? "--fit=crop" : "--fit=stretch");
	}
	if (!has_option(line, "--channels="))
		rest[used++] = own[2];
	rest[used++] = (char *)"--";
	for (int i = 0; i < n; i++)
		rest[used++] = paths[i];
	int rc = peer_command(program, line, rest, used, argv, err);
	free(rest);
	return rc;
}

/* Below a header lines ID<TAB>NAME, of which line i, from 0, has the id i. */
struct name_list {
	char *text; /* owned */
	char **name;
	size_t n, cap;
};

static int read_names(struct name_list *l, int fd, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_sys(err, "temporary file");
	if (mem_alloc(&l->text, (size_t)st.st_size + 1, 1, err))
		return -1;
	if (io_read_at(fd, 0, l->text, (size_t)st.st_size))
		return err_sys(err, "temporary file");
	const char *header = "id\tname\n";
	if (strncmp(l->text, header, strlen(header)))
		return err_set(err, "vic-images: its list of names is damaged");
	for (char *p = l->text + strlen(header); *p;) {
		char *end = p + strcspn(p, "\n"), *tab = memchr(p, '\t', (size_t)(end - p));
		if (!tab || !*end)
			return err_set(err, "vic-images: its list of names is damaged");
		if (mem_grow(&l->name, &l->cap, l->n + 1, sizeof *l->name, err))
			return -1;
		l->name[l->n++] = tab + 1;
		*end = 0;
		p = end + 1;
	}
	return 0;
}

/* *answered: records. */
static int answer_files(struct predictor *p, struct answers *a, struct stream_reader *r, int names,
			struct name_list *l, size_t *answered, struct err *err)
{
	struct block b;
	int rc = stream_next_of(r, STREAM_IMAGES, err);
	if (rc != 1 || read_names(l, names, err) || predictor_document(p, stream_head_of(r), err))
		return -1;
	while ((rc = stream_next_block(r, &b, err)) == 1) {
		if (predictor_rows(p, &b, NULL, err))
			return -1;
		for (size_t i = 0; i < p->data.n; i++) {
			if (p->data.id[i] >= l->n)
				return err_set(err, "vic-images: record %" PRIu64 " has no name", p->data.id[i]);
			if (output_printf(&a->out, err, "%s\t", l->name[p->data.id[i]]) ||
			    answers_put(a, p->logits + i * (size_t)p->model->config.classes, err))
				return -1;
		}
		*answered += p->data.n;
		if (output_flush(&a->out, err))
			return -1;
	}
	return rc;
}

/* With the child running: its records, and its end. */
static int read_child(struct predictor *p, struct answers *a, struct child *child, int from, int names,
		      struct err *err)
{
	struct name_list l = { .n = 0 };
	struct stream_reader *r = NULL;
	struct err why = ERR_NONE;
	char name[64];
	size_t answered = 0;
	int status = 0;
	snprintf(name, sizeof name, "/dev/fd/%d", from);
	int rc = stream_open(&r, name, err) || answer_files(p, a, r, names, &l, &answered, err);
	stream_close(r);
	close(from);
	int lost = spawn_end(child, &status, &why);
	size_t all = l.n;
	free(l.text);
	free(l.name);
	if (!rc && lost) {
		*err = why;
		return -1;
	}
	/* vic-images has said itself what it was; a broken pipe is only our own failure coming back */
	if (!lost && status && status <= 128)
		return err_set(err, "the pictures could not be read%s", answered ? "; those above are answered" : "");
	if (!rc && answered < all)
		return err_set(err, "%zu of %zu pictures could not be decoded, as said above; the others are answered",
			       all - answered, all);
	return rc ? -1 : 0;
}

int filemode_run(struct predictor *p, struct calibrated *map, char *const *paths, int n, int fit,
		 int top_k, struct err *err)
{
	char *program, **argv = NULL, *own[3] = { NULL, NULL, NULL }, *const standard[] = { (char *)"-" };
	struct output names = { .fd = -1 };
	struct answers a = { .model = NULL };
	struct child child;
	int from = -1;
	if (stage_peer("vic-images", &program, err))
		return -1;
	int rc = spool_output(&names, err) ||
		 images_command(p->model, program, n ? paths : standard, n ? n : 1, fit, names.fd, own, &argv, err) ||
		 answers_open(&a, p->model, map, top_k, err);
	if (!rc && fcntl(names.fd, F_SETFD, 0)) /* for the child to inherit */
		rc = err_sys(err, "temporary file");
	rc = rc || peer_start(argv, &child, &from, err);
	if (!rc)
		rc = read_child(p, &a, &child, from, names.fd, err);
	answers_release(&a);
	output_release(&names);
	for (int i = 0; i < 3; i++)
		free(own[i]);
	free(argv);
	free(program);
	return rc ? -1 : 0;
}
