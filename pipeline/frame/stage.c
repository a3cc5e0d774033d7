/* The frame of every program. The order in stage_main matters: process_begin before any file is opened; --help
 * before parsing, while targets hold their defaults; roles_check before run, so that nothing is written where a file
 * has two roles; stdout flushed and closed last, since a full device may show only there.
 * In the merged table the program's own options come first: `given` is indexed by the program's table too. */
#include "stage.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/files/unpack.h"
#include "pipeline/base/mem.h"
#include "condition.h"
#include "marks.h"
#include "process.h"
#include "roles.h"
#include "pipeline/files/retry.h"
#include "pipeline/files/text.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What --version says; the Makefile fills these in. */
#ifndef VIC_VERSION
#define VIC_VERSION "unknown"
#endif
#ifndef VIC_CC
#define VIC_CC "unknown"
#endif
#ifndef VIC_CFLAGS
#define VIC_CFLAGS "unknown"
#endif

/* What may be asked of a program instead of its work. `vic help` asks for the summary, tests for roles and marks. */
enum ask { ASK_NONE, ASK_HELP, ASK_MAN, ASK_VERSION, ASK_SUMMARY, ASK_ROLES, ASK_MARKS, ASK_CONDITIONS };
enum { MAX_OPTS = 96 };

static void print_help(const struct program *p, const struct opt *opts)
{
	printf("usage: %s [options]%s%s\n%s.\n\n%s\n\noptions:\n", p->name, *p->operands ? " " : "", p->operands,
	       p->summary, p->description);
	opt_help(opts, stdout);
	printf("\nexample:\n");
	for (const char *e = p->example; *e;) {
		int n = (int)strcspn(e, "\n");
		printf("  %.*s\n", n, e);
		e += n + (e[n] == '\n');
	}
}

static void print_man(const struct program *p, const struct opt *opts)
{
	printf(".TH %s 1 \"\" \"vicinal %s\" \"vicinal\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n\\fB%s\\fR [options] %s\n"
	       ".SH DESCRIPTION\n",
	       p->name, VIC_VERSION, p->name, p->summary, p->name, p->operands);
	text_roff(stdout, p->description);
	printf("\n.SH OPTIONS\n");
	opt_roff(opts, stdout);
	printf(".SH EXIT STATUS\n0 done; 1 data or I/O; 2 usage; 3 no such device; 128 + N after signal N.\n"
	       ".SH EXAMPLE\n.nf\n");
	text_roff(stdout, p->example);
	printf("\n.fi\n");
	if (p->see_also)
		printf(".SH SEE ALSO\n%s\n", p->see_also);
}

static void print_version(const struct program *p, const struct opt *opts)
{
	(void)opts;
	printf("%s (vicinal) %s\ncompiler: %s\nflags: %s\n", p->name, VIC_VERSION, VIC_CC, VIC_CFLAGS);
	printf("libraries: jansson %s, %s%s%s\n", JANSSON_VERSION, unpack_libraries(), p->libraries ? ", " : "",
	       p->libraries ? p->libraries() : "");
	if (p->about)
		p->about(stdout);
}

static void print_summary(const struct program *p, const struct opt *opts)
{
	(void)opts;
	printf("%s\n", p->summary);
}

static void print_roles(const struct program *p, const struct opt *opts)
{
	(void)opts;
	roles_print(p, stdout);
}

static void print_marks(const struct program *p, const struct opt *opts)
{
	(void)opts;
	marks_print(p->name, p->opts, stdout);
}

static void print_conditions(const struct program *p, const struct opt *opts)
{
	(void)opts;
	condition_print(p->name, p->opts, stdout);
}

static void (*const answers[])(const struct program *, const struct opt *) = {
	[ASK_HELP] = print_help, [ASK_MAN] = print_man, [ASK_VERSION] = print_version,
	[ASK_SUMMARY] = print_summary, [ASK_ROLES] = print_roles, [ASK_MARKS] = print_marks,
	[ASK_CONDITIONS] = print_conditions,
};

/* Help shows defaults, so it must be found before parsing overwrites them. */
static int help_asked(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return ASK_HELP;
		if (!strcmp(argv[i], "--help-man"))
			return ASK_MAN;
	}
	return ASK_NONE;
}

/* Whether operand i is part of the provenance: see stream_operand. */
static int is_noted(const struct stage *st, int i)
{
	return i + 1 != st->prog->stream_operand || (st->prog->max_operands <= 0 && st->n != st->prog->stream_operand);
}

/* Arguments as they were given, less those that cannot change the output; "--" where an operand would be taken for an
 * option. One that is not UTF-8 is told when it is written. */
static int provenance(struct stage *st, const struct opt *opts, int n_own, struct err *err)
{
	json_t *args = json_array();
	st->provenance = json_pack("{s:s, s:s, s:o}", "program", st->prog->name, "version", VIC_VERSION, "args", args);
	if (!st->provenance)
		return err_memory(err);
	for (int i = 0; i < n_own; i++) {
		if (!st->given[i] || (opts[i].flags & OPT_LOCAL))
			continue;
		for (size_t k = 0; k < opt_times(&opts[i]); k++) {
			char *text;
			if (opt_argument(&opts[i], k, &text, err))
				return -1;
			int bad = json_array_append_new(args, jsontext_name(text));
			free(text);
			if (bad)
				return err_memory(err);
		}
	}
	int dash = 0;
	for (int i = 0; i < st->n; i++)
		dash |= is_noted(st, i) && st->operand[i][0] == '-' && st->operand[i][1];
	if (dash && json_array_append_new(args, json_string("--")))
		return err_memory(err);
	for (int i = 0; i < st->n; i++)
		if (is_noted(st, i) && json_array_append_new(args, jsontext_name(st->operand[i])))
			return err_memory(err);
	return 0;
}

static int finish_stdout(struct err *err)
{
	/* A full device or a closed network disk reports here, not at write(). */
	if (fflush(stdout) || ferror(stdout))
		return err_sys(err, "stdout: write");
	if (retry_close(STDOUT_FILENO))
		return err_sys(err, "stdout: close");
	return 0;
}

/* --line-as-in ARGUMENT... --: see stage.h. */
static int recall(const struct opt *opts, int *argc, char **argv, struct err *err)
{
	int end = 2, kept;
	if (*argc < 2 || strcmp(argv[1], "--line-as-in"))
		return 0;
	while (end < *argc && strcmp(argv[end], "--"))
		end++;
	if (opt_keep(opts, OPT_LINE, end - 2, argv + 2, &kept, err))
		return -1;
	memmove(argv + 1, argv + 2, (size_t)kept * sizeof *argv);
	int rest = end < *argc ? *argc - end - 1 : 0;
	memmove(argv + 1 + kept, argv + *argc - rest, (size_t)rest * sizeof *argv);
	*argc = 1 + kept + rest;
	return 0;
}

static int usage_of(const struct program *prog, int n, struct err *err)
{
	if (n < prog->min_operands)
		return err_usage(err, "%s is missing; --help shows how", prog->operands);
	if (prog->max_operands >= 0 && n > prog->max_operands)
		return err_usage(err, "unexpected operand; --help shows how");
	return 0;
}

int stage_main(const struct program *prog, int argc, char **argv, int (*run)(struct stage *, struct err *))
{
	static struct opt opts[MAX_OPTS];
	static unsigned char given[MAX_OPTS];
	struct stage st = { .prog = prog, .given = given };
	struct err err = ERR_NONE;
	int ask = help_asked(argc, argv), n = opt_count(prog->opts), rc = -1, ran = 0;
	const struct opt common[] = {
		{ "quiet", 'q', OPT_FLAG, &st.quiet, NULL, "no progress and no reports on stderr", .flags = OPT_LOCAL },
		{ "help", 'h', OPT_FLAG, &ask, NULL, "this text", .value = ASK_HELP, .flags = OPT_LOCAL },
		{ "version", 0, OPT_FLAG, &ask, NULL, "version, compiler, flags and libraries", .value = ASK_VERSION,
		  .flags = OPT_LOCAL },
		{ "summary", 0, OPT_FLAG, &ask, NULL, "", .value = ASK_SUMMARY, .flags = OPT_LOCAL | OPT_HIDDEN },
		{ "roles", 0, OPT_FLAG, &ask, NULL, "", .value = ASK_ROLES, .flags = OPT_LOCAL | OPT_HIDDEN },
		{ "marks", 0, OPT_FLAG, &ask, NULL, "", .value = ASK_MARKS, .flags = OPT_LOCAL | OPT_HIDDEN },
		{ "conditions", 0, OPT_FLAG, &ask, NULL, "", .value = ASK_CONDITIONS, .flags = OPT_LOCAL | OPT_HIDDEN },
		{ "help-man", 0, OPT_FLAG, &ask, NULL, "", .value = ASK_MAN, .flags = OPT_LOCAL | OPT_HIDDEN },
		{ 0 },
	};
	if (process_begin(prog->name, &err))
		goto report;
	if (n + (int)(sizeof common / sizeof *common) > MAX_OPTS) {
		fprintf(stderr, "%s: option table too long\n", prog->name);
		return VIC_DATA;
	}
	if (n)
		memcpy(opts, prog->opts, (size_t)n * sizeof *opts);
	memcpy(opts + n, common, sizeof common);
	if (!ask && (recall(opts, &argc, argv, &err) || opt_parse(opts, argc, argv, &st.n, given, &err)))
		goto report;
	if (ask) {
		answers[ask](prog, opts);
		rc = finish_stdout(&err);
		goto report;
	}
	st.operand = argv + 1;
	json_object_seed(1); /* objects keep insertion order; a fixed seed keeps even hashing the same */
	if (condition_check(prog->opts, given, &err) || usage_of(prog, st.n, &err) || roles_check(&st, &err) ||
	    provenance(&st, opts, n, &err))
		goto report;
	ran = 1;
	rc = run(&st, &err);
	if (!rc)
		rc = finish_stdout(&err);
report:
	json_decref(st.provenance);
	if (rc && !ran && !ask && prog->refused)
		prog->refused(&st, argc, argv, &err);
	if (rc && !st.mute) {
		fprintf(stderr, "%s: ", prog->name);
		text_put(stderr, err.msg, TEXT_MESSAGE);
		fputc('\n', stderr);
	}
	if (rc)
		return err.status ? err.status : VIC_DATA;
	return VIC_OK;
}

int stage_given(const struct stage *st, const char *name)
{
	return opt_given(st->prog->opts, st->given, name);
}

const char *stage_operand(const struct stage *st, int i)
{
	return i < st->n ? st->operand[i] : "-";
}

static __attribute__((format(printf, 2, 0))) void print_note(const struct stage *st, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: ", st->prog->name);
	text_vprint(stderr, fmt, ap);
	fputc('\n', stderr);
}

void stage_say(const struct stage *st, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!st->quiet)
		print_note(st, fmt, ap);
	va_end(ap);
}

void stage_complain(const struct stage *st, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	print_note(st, fmt, ap);
	va_end(ap);
}

int stage_peer(const char *name, char **path, struct err *err)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self);
	if (n < 0)
		return err_sys(err, "where this program lies");
	if ((size_t)n == sizeof self)
		return err_set(err, "the path of this program is longer than %zu bytes", sizeof self - 1);
	self[n] = 0;
	if (mem_printf(path, err, "%s/%s", dirname(self), name))
		return -1;
	if (!access(*path, X_OK))
		return 0;
	free(*path);
	return err_set(err, "%s is not beside this program; install them together", name);
}
