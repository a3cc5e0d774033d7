/* The files of a command line, collected from options and operands, compared in pairs, and the outputs proved
 * writable and to replace no data of another kind, all before any work. A file that exists is its device and inode;
 * one that does not is its folder's device and inode and its name. The outputs go to place_replaces, so that files
 * that are opened later are compared with them by descriptor (place_reading); it has room for 16, more than any
 * program's outputs. */
#include "roles.h"
#include "pipeline/files/io.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/place.h"
#include "pipeline/files/retry.h"
#include "pipeline/stream/sniff.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct role {
	const char *path;      /* as it was given; "-" */
	const struct opt *opt; /* NULL: an operand, or what is printed */
	int writes, given;
	int fd;    /* the descriptor of ours that it is, or -1 */
	int there; /* dev, ino and mode are known */
	dev_t dev;
	ino_t ino;
	mode_t mode;
};

struct roles {
	struct role *item;
	size_t n;
};

static void add_role(struct roles *r, const struct opt *opt, const char *path, int writes, int given)
{
	struct role *x = &r->item[r->n++];
	struct place p;
	struct stat s;
	struct err unheard = ERR_NONE; /* whoever opens it says it again */
	*x = (struct role){ .path = path, .opt = opt, .writes = writes, .given = given, .fd = -1 };
	if (place_of(&p, path, writes ? STDOUT_FILENO : STDIN_FILENO, &unheard))
		return;
	x->fd = p.fd;
	if (place_stat(&p, &s))
		return;
	x->there = 1;
	x->dev = s.st_dev;
	x->ino = s.st_ino;
	x->mode = s.st_mode;
}

static int is_given(const struct stage *st, unsigned flag)
{
	const struct opt *opts = st->prog->opts;
	for (int i = 0; opts[i].type != OPT_END; i++)
		if (st->given[i] && (opts[i].flags & flag))
			return 1;
	return 0;
}

static int is_written(const struct stage *st, const struct opt *o)
{
	return (o->flags & OPT_OUTPUT) && !(o->reads_with && stage_given(st, o->reads_with));
}

/* The k-th value of an option, or NULL. */
static const char *value_of(const struct opt *o, size_t k)
{
	const char *text =
		o->type == OPT_MANY ? ((const struct opt_many *)o->target)->item[k] : *(const char *const *)o->target;
	if (!text || !(o->flags & OPT_LIST))
		return text;
	return *text == '@' ? text + 1 : NULL;
}

static void add_option(struct roles *r, const struct stage *st, int i, int prints)
{
	const struct opt *o = &st->prog->opts[i];
	int writes = is_written(st, o), given = st->given[i];
	if (!(o->flags & (OPT_INPUT | OPT_OUTPUT)) || (o->flags & OPT_FOLDER) || (writes && prints && !given))
		return;
	for (size_t k = 0; k < opt_times(o); k++)
		if (value_of(o, k))
			add_role(r, o, value_of(o, k), writes, given);
}

/* Whether stdin is read where an operand is left out. */
static int reads_stdin(const struct program *p, int n)
{
	return !p->words && *p->operands == '[' ? n == 0
						: !p->words && strchr(p->operands, '[') && n == p->min_operands;
}

static int has_default_output(const struct program *p)
{
	for (const struct opt *o = p->opts; o->type != OPT_END; o++)
		if ((o->flags & OPT_OUTPUT) && !(o->flags & OPT_FOLDER) && !o->reads_with &&
		    *(const char *const *)o->target)
			return 1;
	return 0;
}

/* further: roles to be added afterwards. */
static int collect_roles(struct roles *r, const struct stage *st, size_t further, struct err *err)
{
	const struct program *p = st->prog;
	size_t most = (size_t)st->n + 2 + further;
	int prints = is_given(st, OPT_PRINTS), count = opt_count(p->opts);
	for (int i = 0; i < count; i++)
		most += opt_times(&p->opts[i]);
	if (mem_alloc(&r->item, most, sizeof *r->item, err))
		return -1;
	for (int i = 0; i < count; i++)
		add_option(r, st, i, prints);
	for (int i = 0; i < st->n && !p->words; i++)
		add_role(r, NULL, st->operand[i], 0, 1);
	if (reads_stdin(p, st->n) && !is_given(st, OPT_NO_OPERANDS))
		add_role(r, NULL, "-", 0, 0);
	if (prints || !has_default_output(p))
		add_role(r, NULL, "-", 1, 0);
	return 0;
}

/* Two names of a file that is not there yet. */
static int same_new(const struct role *a, const struct role *b)
{
	struct place p, q;
	struct stat s, t;
	struct err unheard = ERR_NONE;
	char folder[PATH_MAX], other[PATH_MAX];
	if (place_of(&p, a->path, STDOUT_FILENO, &unheard) || place_of(&q, b->path, STDOUT_FILENO, &unheard))
		return 0;
	return !strcmp(place_split(p.path, folder), place_split(q.path, other)) && !stat(folder, &s) &&
	       !stat(other, &t) && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static int is_resumed(const struct role *a, const struct role *b)
{
	return a->opt && b->opt && a->opt->renews && !strcmp(a->opt->renews, b->opt->name);
}

static int collide(const struct role *a, const struct role *b)
{
	if (a->fd >= 0 && a->fd == b->fd && a->writes == b->writes)
		return 1;
	if (!a->there && !b->there)
		return a->writes && b->writes && a->fd < 0 && b->fd < 0 && same_new(a, b);
	if (!a->there || !b->there || a->dev != b->dev || a->ino != b->ino || S_ISCHR(a->mode))
		return 0;
	if (is_resumed(a, b) || is_resumed(b, a))
		return 0;
	if (!a->writes && !b->writes)
		return a->fd >= 0 && b->fd >= 0 && (S_ISFIFO(a->mode) || S_ISSOCK(a->mode));
	return S_ISSOCK(a->mode) ? a->writes == b->writes : 1;
}

static void name_of(const struct role *x, char text[400])
{
	const char *standard = x->writes ? "stdout" : "stdin";
	if (x->opt)
		err_phrase(text, 400, "--%s %s", x->opt->name, x->given ? x->path : "(stdout, as it is not given)");
	else
		err_phrase(text, 400, "%s", x->given && strcmp(x->path, "-") ? x->path : standard);
}

static int refuse(const struct role *a, const struct role *b, struct err *err)
{
	char one[400], two[400];
	name_of(a, one);
	name_of(b, two);
	if (!a->writes && !b->writes)
		return err_usage(err, "%s can be read once, and is asked for twice: %s and %s",
				 a->fd == STDIN_FILENO || b->fd == STDIN_FILENO ? "stdin" : "a descriptor", one, two);
	if (a->writes && b->writes)
		return err_usage(err, "%s and %s go to the same place: one would spoil the other; give each its own",
				 one, two);
	return err_usage(err, "%s and %s are the same file: it would be read and written at once; write to another",
			 a->writes ? two : one, a->writes ? one : two);
}

static int compare(const struct roles *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; (r->item[i].writes || r->item[i].fd >= 0) && k < r->n; k++)
			if (k != i && collide(&r->item[i], &r->item[k]))
				return refuse(&r->item[i < k ? i : k], &r->item[i < k ? k : i], err);
	return 0;
}

/* Remembers the outputs, less the one that is read on purpose. */
static void remember(const struct roles *r)
{
	struct place_file file[PLACE_REPLACED];
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct role *x = &r->item[i];
		int resumed = 0;
		for (size_t k = 0; k < r->n; k++)
			resumed |= is_resumed(&r->item[k], x) && r->item[k].dev == x->dev && r->item[k].ino == x->ino;
		if (!x->writes || !x->there || !S_ISREG(x->mode) || resumed || n == PLACE_REPLACED)
			continue;
		file[n++] = (struct place_file){ x->dev, x->ino };
	}
	place_replaces(file, n);
}

/* 1: a file that is called `what` may be replaced by the option's output. */
static int may_replace(const struct stage *st, const struct opt *o, const char *what)
{
	const char *kind = o->writes ? o->writes : "", *colon = o->writes_with ? strchr(o->writes_with, ':') : NULL;
	char option[32];
	if (colon) {
		err_phrase(option, sizeof option, "%.*s", (int)(colon - o->writes_with), o->writes_with);
		kind = stage_given(st, option) ? colon + 1 : kind;
	}
	for (size_t n; *kind; kind += n + (kind[n] == '|')) {
		n = strcspn(kind, "|");
		if (!strncmp(what, kind, n))
			return 1;
	}
	return 0;
}

/* A file that is there and holds something else than what the program writes is somebody's data. */
static int spare_data(const struct stage *st, const struct role *x, struct err *err)
{
	unsigned char head[SNIFF_BYTES];
	struct sniffed s;
	if (x->fd >= 0 || !x->there || !S_ISREG(x->mode))
		return 0;
	int fd = retry_open(AT_FDCWD, x->path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : retry_read_at(fd, head, sizeof head, 0);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_sys(err, "%s: is there, and what it holds cannot be seen before it is replaced", x->path);
	if (!n)
		return 0;
	sniff(&s, head, (size_t)n, x->path);
	return may_replace(st, x->opt, s.what)
		       ? 0
		       : err_usage(err,
				   "--%s %s: is %s, which %s does not write here, and would be lost; remove it first, "
				   "or give another name",
				   x->opt->name, x->path, s.what, st->prog->name);
}

/* A stream of states, one after the other, is no file that can be read again. */
static int refuse_stream(const struct role *x, struct err *err)
{
	int standard = x->fd == STDOUT_FILENO || x->fd == STDERR_FILENO;
	if (!(x->opt->flags & OPT_ANEW) || !(standard || (x->there && S_ISFIFO(x->mode))))
		return 0;
	return err_usage(err, "--%s %s: is written anew again and again, so it must be a file, not %s", x->opt->name,
			 x->path, x->fd == STDOUT_FILENO ? "stdout" : standard ? "stderr" : "a pipe");
}

/* Those from number `first` on. */
static int prove_outputs(const struct roles *r, const struct stage *st, size_t first, struct err *err)
{
	for (size_t i = first; i < r->n; i++)
		if (r->item[i].writes && r->item[i].opt &&
		    (refuse_stream(&r->item[i], err) || output_prove(r->item[i].path, err) ||
		     spare_data(st, &r->item[i], err)))
			return -1;
	return 0;
}

int roles_check(const struct stage *st, struct err *err)
{
	struct roles r = { 0 };
	int rc = collect_roles(&r, st, 0, err) || compare(&r, err) || prove_outputs(&r, st, 0, err);
	if (!rc)
		remember(&r);
	free(r.item);
	return rc ? -1 : 0;
}

int roles_check_further(const struct stage *st, const char *option, char *const *path, size_t n, struct err *err)
{
	struct roles r = { 0 };
	const struct opt *o = st->prog->opts;
	while (strcmp(o->name, option))
		o++;
	if (collect_roles(&r, st, n, err))
		return -1;
	size_t first = r.n;
	for (size_t i = 0; i < n; i++)
		add_role(&r, o, path[i], 1, 1);
	int rc = compare(&r, err) || prove_outputs(&r, st, first, err);
	free(r.item);
	return rc ? -1 : 0;
}

static const char *role_text(const struct opt *o)
{
	if (o->flags & OPT_FOLDER)
		return "folder";
	if (o->flags & OPT_LIST)
		return "list";
	if ((o->flags & OPT_INPUT) && (o->flags & OPT_OUTPUT))
		return "read or written";
	if (o->flags & OPT_ANEW)
		return "written anew";
	if (o->flags & OPT_OUTPUT)
		return *(const char *const *)o->target ? "written or stdout" : "written";
	return o->flags & OPT_INPUT ? "read" : "text";
}

void roles_print(const struct program *p, FILE *to)
{
	for (const struct opt *o = p->opts; o->type != OPT_END; o++) {
		const char *alone = o->flags & OPT_NO_OPERANDS ? " alone" : "";
		for (int k = o->type == OPT_TEXT ? 1 : o->type == OPT_MANY ? 2 : 0; k > 0; k--)
			fprintf(to, "%s\t--%s\t%s%s\n", p->name, o->name, role_text(o), alone);
		if (o->flags & OPT_PRINTS)
			fprintf(to, "%s\t--%s\tprints%s\n", p->name, o->name, alone);
	}
	if (*p->operands)
		fprintf(to, "%s\t%s\t%s\n", p->name, p->operands, p->words ? "text" : "read");
	if (strchr(p->operands, '[') && !p->words)
		fprintf(to, "%s\tstdin\tread\n", p->name);
	fprintf(to, "%s\tstdout\twritten\n", p->name);
}
