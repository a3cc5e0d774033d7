/* Which file is what: random names of a few files (themselves, links, other spellings, descriptors, ones that are not
 * there yet) are given to options and operands, and every pair is judged by what the names lead to, as roles.h says it.
 * What is not refused may not be opened for reading afterwards where an output takes its place. */
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/files/place.h"
#include "pipeline/frame/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cmocka.h>

static char folder[SCRATCH_PATH];

/* What the names lead to. */
enum thing { A, B, LIST, PIPE, SOCKET, NEW, OTHER_NEW, NULL_DEVICE, IN, OUT, THINGS };
static const struct {
	const char *name;
	enum thing is;
} names[] = {
	{ "a", A },
	{ "./a", A },
	{ "hard", A },
	{ "soft", A },
	{ "sub/../a", A },
	{ "b", B },
	{ "b", B },
	{ "list", LIST },
	{ "fifo", PIPE },
	{ "sub/fifo", PIPE },
	{ "socket", SOCKET },
	{ "new", NEW },
	{ "./new", NEW },
	{ "here/new", NEW },
	{ "sub/new", OTHER_NEW },
	{ "there/new", OTHER_NEW },
	{ "/dev/null", NULL_DEVICE },
	{ "/dev/null", NULL_DEVICE },
	{ "-", IN },
	{ "/dev/stdin", IN },
	{ "/dev/fd/0", IN },
	{ "/dev/stdout", OUT },
	{ "/dev/fd/1", OUT },
};
enum { NAMES = sizeof names / sizeof *names, MOST = 12 };

static struct {
	const char *in, *resume, *out, *report, *sorted;
	struct opt_many more;
	int print;
} o;

static struct opt opts[] = {
	{ "in", 0, OPT_TEXT, &o.in, "FILE", "", .flags = OPT_INPUT },
	{ "more", 0, OPT_MANY, &o.more, "FILE", "", .flags = OPT_INPUT },
	{ "resume", 0, OPT_TEXT, &o.resume, "FILE", "", .flags = OPT_INPUT, .renews = "out" },
	{ "out", 0, OPT_TEXT, &o.out, "FILE", "", .flags = OPT_OUTPUT, .writes = "plain text" },
	{ "report", 0, OPT_TEXT, &o.report, "FILE", "", .flags = OPT_OUTPUT, .writes = "an HTML page|plain" },
	{ "sorted", 0, OPT_TEXT, &o.sorted, "@FILE", "", .flags = OPT_INPUT | OPT_LIST },
	{ "print", 0, OPT_FLAG, &o.print, NULL, "", .flags = OPT_PRINTS },
	{ 0 },
};
enum { N_OPTS = sizeof opts / sizeof *opts - 1 };

static struct program prog = { .name = "vic-test", .operands = "[FILE...]", .opts = opts, .max_operands = -1 };

/* One role, as the test sees it. */
struct seen {
	enum thing is;
	int writes, fd, resume, out, own; /* fd: the descriptor, or -1; own: an option's output */
	const char *name;
};
static struct seen seen[MOST];
static int n_seen;

static enum thing thing_of(const char *name, int writes)
{
	if (!strcmp(name, "-"))
		return writes ? OUT : IN;
	for (int i = 0; i < NAMES; i++)
		if (!strcmp(names[i].name, name))
			return names[i].is;
	fail();
	return A;
}

static struct seen *see(const char *name, int writes)
{
	enum thing is = thing_of(name, writes);
	seen[n_seen] = (struct seen){ .is = is,
				      .writes = writes,
				      .fd = is == IN	? 0
					    : is == OUT ? 1
							: -1,
				      .name = name };
	return &seen[n_seen++];
}

/* What stdin and stdout are: the FIFO, or the null device. */
static int stands_for[2];

static int conflict(const struct seen *x, const struct seen *y)
{
	int is_pipe[2], is_null[2];
	const struct seen *both[2] = { x, y };
	for (int i = 0; i < 2; i++) {
		int thing = both[i]->fd < 0 ? (int)both[i]->is : stands_for[both[i]->fd];
		is_pipe[i] = thing == PIPE || thing == SOCKET;
		is_null[i] = thing == NULL_DEVICE;
	}
	if (x->fd >= 0 && y->fd == x->fd && x->writes == y->writes)
		return 1; /* one descriptor, read or written twice */
	enum thing p = x->fd < 0 ? x->is : (enum thing)stands_for[x->fd];
	enum thing q = y->fd < 0 ? y->is : (enum thing)stands_for[y->fd];
	if (p != q || is_null[0] || is_null[1])
		return 0;
	if (p == NEW || p == OTHER_NEW)
		return x->writes && y->writes;
	if ((x->resume && y->out) || (y->resume && x->out))
		return 0;
	if (!x->writes && !y->writes)
		return x->fd >= 0 && y->fd >= 0 && is_pipe[0];
	return p == SOCKET ? x->writes == y->writes : 1;
}

static const char *draw_name(struct rng *r)
{
	const char *name = names[rng_below(r, NAMES)].name;
	return rng_below(r, 3) ? names[rng_below(r, 8)].name : name;
}

/* Fills options and operands, and says what was given. */
static void draw(struct rng *r, struct stage *st, char **operand, unsigned char given[N_OPTS])
{
	static const char *many[2];
	static char list[40];
	o.in = o.resume = o.out = o.report = o.sorted = NULL;
	o.print = 0;
	o.more = (struct opt_many){ .item = many };
	n_seen = 0;
	memset(given, 0, N_OPTS);
	*st = (struct stage){ .prog = &prog, .given = given, .operand = operand };
	int has_default = rng_below(r, 2);
	if ((given[0] = rng_below(r, 3) == 0))
		see(o.in = draw_name(r), 0);
	for (o.more.n = rng_below(r, 5) / 2; o.more.cap < o.more.n; o.more.cap++)
		see(many[o.more.cap] = draw_name(r), 0);
	given[1] = o.more.n > 0;
	if ((given[2] = rng_below(r, 3) == 0))
		see(o.resume = draw_name(r), 0)->resume = 1;
	given[6] = (unsigned char)(o.print = rng_below(r, 4) == 0);
	if ((given[3] = rng_below(r, 3) != 0))
		see(o.out = draw_name(r), 1)->own = 1;
	else if (has_default && (o.out = "-") && !o.print)
		see(o.out, 1)->own = 1;
	if (n_seen && seen[n_seen - 1].own)
		seen[n_seen - 1].out = 1;
	if ((given[4] = rng_below(r, 3) == 0))
		see(o.report = draw_name(r), 1)->own = 1;
	if ((given[5] = rng_below(r, 3) == 0)) {
		const char *name = draw_name(r);
		int file = rng_below(r, 2);
		snprintf(list, sizeof list, "%s%s", file ? "@" : "", name);
		o.sorted = list;
		if (file)
			see(name, 0);
	}
	st->n = (int)(rng_below(r, 5) / 2);
	for (int i = 0; i < st->n; i++)
		see(operand[i] = (char *)(uintptr_t)draw_name(r), 0);
	if (!st->n)
		see("-", 0);
	if (o.print || !(o.out || o.report))
		see("-", 1);
}

/* Whether an output can be made there and replaces nothing of another kind. A pipe's end that is read cannot be
 * written. */
static int writable(const struct seen *x)
{
	return x->is != LIST && x->is != SOCKET && !(x->fd == 0);
}

static void stand_for(int fd, int thing)
{
	int with = open(thing == PIPE ? "fifo" : "/dev/null", fd ? O_WRONLY | O_NONBLOCK : O_RDONLY | O_NONBLOCK);
	assert_true(with >= 0 && dup2(with, fd) == fd);
	close(with);
	stands_for[fd] = thing;
}

static int allowed_to_read(const char *name)
{
	struct err err = ERR_NONE;
	int fd = open(name, O_RDONLY | O_NONBLOCK), rc;
	assert_true(fd >= 0);
	rc = place_reading(fd, name, &err);
	close(fd);
	return !rc;
}

static void judge(uint32_t number, const struct stage *st)
{
	struct err err = ERR_NONE;
	int bad = 0, unwritable = 0;
	for (int i = 0; i < n_seen; i++) {
		for (int k = 0; k < i; k++)
			bad |= conflict(&seen[i], &seen[k]);
		unwritable |= seen[i].own && !writable(&seen[i]);
	}
	int rc = roles_check(st, &err);
	if (rc != (bad || unwritable ? -1 : 0)) {
		for (int i = 0; i < n_seen; i++)
			print_message("# %s %s\n", seen[i].writes ? "written" : "read", seen[i].name);
		fail_msg("%u: %s", number, rc ? err.msg : "is taken");
	}
	if (bad)
		assert_int_equal(err.status, VIC_USAGE);
	if (rc)
		return;
	static const char *const there[] = { "a", "b", "list" };
	for (int k = 0; k < 3; k++) {
		int replaced = 0, resumed = 0;
		for (int i = 0; i < n_seen; i++) {
			replaced |= seen[i].own && (int)seen[i].is == k;
			resumed |= seen[i].resume && (int)seen[i].is == k;
		}
		assert_int_equal(allowed_to_read(there[k]), !replaced || resumed);
	}
}

static void every_pair(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		struct rng r;
		struct stage st;
		char *operand[2];
		unsigned char given[N_OPTS];
		rng_init(&r, 91, RNG_TEST, i, 0);
		int kept[2] = { dup(0), dup(1) };
		for (int fd = 0; fd < 2; fd++)
			stand_for(fd, rng_below(&r, 2) ? PIPE : NULL_DEVICE);
		draw(&r, &st, operand, given);
		judge(i, &st);
		for (int fd = 0; fd < 2; fd++) {
			dup2(kept[fd], fd);
			close(kept[fd]);
		}
		place_replaces(NULL, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_pair) };
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "socket" };
	if (scratch_folder(folder, "roles") || chdir(folder))
		return 1;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	if (scratch_put("a", "text\n", 5) || scratch_put("b", "more text\n", 10) ||
	    scratch_put("list", "{\"a\": 1}\n", 9) || link("a", "hard") || symlink("a", "soft") || mkdir("sub", 0700) ||
	    symlink(".", "here") || symlink("sub", "there") || mkfifo("fifo", 0600) || link("fifo", "sub/fifo") ||
	    bind(s, (struct sockaddr *)&to, sizeof to))
		return 1;
	int held = open("fifo", O_RDWR); /* so that one end can be opened without the other */
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	close(held);
	close(s);
	static const char *const made[] = { "a",    "b",     "list", "hard",	 "soft",
					    "here", "there", "fifo", "sub/fifo", "socket" };
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		rc |= unlink(made[i]);
	return rc || rmdir("sub") || chdir("/") || rmdir(folder);
}
