/* vic: reads a stage's name and becomes vic-STAGE, the program beside it, or a recipe; or prints a list of these. */
#include "pipeline/base/mem.h"
#include "pipeline/files/retry.h"
#include "pipeline/files/spawn.h"
#include "pipeline/frame/recipes.h"
#include "pipeline/frame/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct opt opts[] = { { 0 } };

static const struct program prog = {
	.name = "vic",
	.summary = "run a stage of vicinal, or list them",
	.operands = "STAGE [ARGUMENT...]",
	.description =
		"`vic STAGE ...` becomes vic-STAGE, the program beside this one, with the same\n"
		"arguments, streams and exit status. `vic help` lists the stages; `vic help\n"
		"STAGE` is `vic-STAGE --help`.\n"
		"\n"
		"`vic run` lists the recipes, the paper's figures and tables and one's own\n"
		"data, each by one command, and how long their trainings take where that is\n"
		"known. `vic run RECIPE ...` runs one, `vic run RECIPE --help` says how; a\n"
		"RECIPE with a / in it is a script of one's own.",
	.example =
		"vic help\n"
		"vic tokenize --format mr data/mr | vic cat --stats\n"
		"vic run fig4-text --scale small --plan",
	.see_also = "vic-cat(1)",
	.opts = opts,
	.min_operands = 1,
	.max_operands = -1,
	.words = 1,
};

/* The pipe from its beginning to its end; a program that is not listed stands after these. */
static const char *const pipe_order[] = { "corpora", "tokenize",    "embed",   "images",    "perturb", "split",
					  "cat",     "train",	    "predict", "calibrate", "conformal", "score",
					  "compare", "ood",	    "reliability", "plot", "report" };
enum { LISTED = sizeof pipe_order / sizeof *pipe_order };

struct stages {
	char **name; /* without "vic-", in the order of the pipe; owned */
	size_t n, cap;
};

static void stages_release(struct stages *s)
{
	while (s->n)
		free(s->name[--s->n]);
	free(s->name);
}

static int place_in_pipe(const char *name)
{
	int i = 0;
	while (i < LISTED && strcmp(pipe_order[i], name))
		i++;
	return i;
}

static int by_place(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int i = place_in_pipe(x), j = place_in_pipe(y);
	return i == j ? strcmp(x, y) : i - j;
}

/* The vic-* files in the folder of this program. */
static int find_stages(struct stages *s, struct err *err)
{
	char *self;
	struct dirent *entry;
	DIR *dir;
	int rc = 0;
	if (stage_peer("vic", &self, err))
		return -1;
	dir = retry_folder(dirname(self));
	free(self);
	if (!dir)
		return err_sys(err, "the folder of this program");
	while (!rc && (errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strncmp(name, "vic-", 4) || strchr(name, '.'))
			continue;
		rc = mem_grow(&s->name, &s->cap, s->n + 1, sizeof *s->name, err) ||
		     mem_text(&s->name[s->n], name + 4, strlen(name + 4), err);
		s->n += !rc;
	}
	if (!rc && errno)
		rc = err_sys(err, "the folder of this program");
	closedir(dir);
	if (s->n)
		qsort(s->name, s->n, sizeof *s->name, by_place);
	return rc ? -1 : 0;
}

static int path_of(const char *stage, char **path, struct err *err)
{
	char name[128];
	int n = snprintf(name, sizeof name, "vic-%s", stage);
	if (n < 0 || (size_t)n >= sizeof name || strchr(stage, '/'))
		return err_usage(err, "'%s' is no stage", stage);
	return stage_peer(name, path, err);
}

/* The first line that a program prints; empty where it prints none or fails. `mute`: what it says on stderr is not for
 * the user. *status: as spawn_end has it. */
static int line_of(const char *const *argv, int mute, char *text, size_t size, int *status, struct err *err)
{
	int ends[2];
	struct child child;
	struct spawn s = { .argv = argv, .fd = { -1, -1, -1 }, .seconds = 60, .peer = 1 };
	if (pipe2(ends, O_CLOEXEC))
		return err_sys(err, "pipe");
	s.fd[1] = ends[1];
	if (mute)
		s.fd[2] = retry_open(AT_FDCWD, "/dev/null", O_WRONLY);
	int rc = spawn_start(&child, &s, err);
	close(ends[1]);
	if (s.fd[2] >= 0)
		close(s.fd[2]);
	ssize_t n = rc ? 0 : retry_read_all(ends[0], text, size - 1);
	int why = errno;
	close(ends[0]);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	if (!rc && !(rc = spawn_end(&child, status, err)) && *status)
		*text = 0;
	errno = why;
	return !rc && n < 0 ? err_sys(err, "%s: what it says", argv[0]) : rc;
}

/* The stage's own words: what it prints for --summary. */
static int summary_of(const char *stage, char *text, size_t size, struct err *err)
{
	char *path;
	int status = 0;
	if (path_of(stage, &path, err))
		return -1;
	int rc = line_of((const char *const[]){ path, "--summary", NULL }, 0, text, size, &status, err);
	if (!rc && !*text)
		rc = err_set(err, "%s does not say what it does", path);
	free(path);
	return rc;
}

static int list_stages(const struct stages *s, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		char text[256];
		if (summary_of(s->name[i], text, sizeof text, err))
			return -1;
		printf("  %-13s %s\n", s->name[i], text);
	}
	printf("  %-13s %s\n", "run", "run a recipe: a figure, a table, one's own data; alone it lists them");
	return 0;
}

/* An option where the recipe should stand: it was meant for one. */
static int option_alone(const char *option, struct err *err)
{
	if (!opt_nearest(option, (const char *const[]){ "--help" }, 1))
		return err_usage(err, "unknown option '%s'; did you mean '--help'?", option);
	return err_usage(err, "the recipe stands before its options: `vic run RECIPE %s`", option);
}

/* Its title, and what it says for --cost: how many trainings, about how long. Those for one's own data say nothing. */
static int show_recipe(const struct recipes *r, size_t i, struct err *err)
{
	char text[512], *script;
	int status = 0;
	printf("  %-22s %s\n", r->name[i], r->title[i]);
	fflush(stdout);
	if (recipes_script(r, i, &script, err))
		return -1;
	int rc = line_of((const char *const[]){ "sh", script, "--cost", NULL }, 1, text, sizeof text, &status, err);
	free(script);
	if (!rc && *text)
		printf("  %-22s %s\n", "", text);
	return rc;
}

/* argv: [n], what stands after "run", with a NULL after. */
static int run_recipe(char **argv, struct err *err)
{
	struct recipes r = { 0 };
	int list = !argv[0] || !strcmp(argv[0], "--help") || !strcmp(argv[0], "-h");
	int rc = recipes_find(&r, err);
	if (!rc && !list && argv[0][0] == '-')
		rc = option_alone(argv[0], err);
	else if (!rc && !list)
		rc = recipes_become(&r, argv, err);
	for (size_t i = 0; !rc && list && i < r.n; i++)
		rc = show_recipe(&r, i, err);
	recipes_release(&r);
	return rc;
}

static int unknown_stage(const char *name, const struct stages *s, struct err *err)
{
	int near = opt_nearest(strncmp(name, "vic-", 4) ? name : name + 4, (const char *const *)s->name, (int)s->n);
	if (near >= 0)
		return err_usage(err, "unknown stage '%s'; did you mean '%s'?", name, s->name[near]);
	return err_usage(err, "unknown stage '%s'; `vic help` lists them", name);
}

static int is_stage(const char *name, const struct stages *s)
{
	size_t i = 0;
	while (i < s->n && strcmp(name, s->name[i]))
		i++;
	return i < s->n;
}

/* Becomes vic-STAGE; returns only on failure. argv: [n], with a NULL after (main's own). */
static int become(const char *stage, char **argv, struct err *err)
{
	char *path;
	if (path_of(stage, &path, err))
		return -1;
	argv[0] = path;
	execv(path, argv);
	err_sys(err, "%s", path);
	free(path);
	return -1;
}

static int run(struct stage *st, struct err *err)
{
	struct stages s = { 0 };
	st->operand[st->n] = NULL; /* within argv: "--" left its place */
	int help = !strcmp(st->operand[0], "help"), rc;
	const char *stage = st->operand[help && st->n > 1];
	if (find_stages(&s, err))
		rc = -1;
	else if (!strcmp(stage, "run"))
		rc = run_recipe(help ? (char *[]){ NULL } : st->operand + 1, err);
	else if (help && st->n == 1)
		rc = list_stages(&s, err);
	else if (!is_stage(stage, &s))
		rc = unknown_stage(stage, &s, err);
	else if (help && st->n > 2)
		rc = err_usage(err, "help is about one stage");
	else if (help)
		rc = become(stage, (char *[]){ NULL, (char *)(uintptr_t) "--help", NULL }, err);
	else
		rc = become(stage, st->operand, err);
	stages_release(&s);
	return rc;
}

static int no_memory(struct stage *st, struct err *err)
{
	(void)st;
	return err_memory(err);
}

/* Options after STAGE are the stage's, so nothing after it may be parsed here: "--" goes in front of it. */
int main(int argc, char **argv)
{
	char **copy;
	if (argc < 2 || argv[1][0] == '-')
		return stage_main(&prog, argc, argv, run);
	copy = calloc((size_t)argc + 2, sizeof *copy);
	if (!copy)
		return stage_main(&prog, 2, argv, no_memory);
	copy[0] = argv[0];
	copy[1] = (char *)(uintptr_t) "--";
	memcpy(copy + 2, argv + 1, ((size_t)argc - 1) * sizeof *argv);
	int rc = stage_main(&prog, argc + 1, copy, run);
	free(copy);
	return rc;
}
