/* Random trees of folders, files and links, walked and compared with what was made: every entry once, folders before
 * and after what lies in them, links followed or not, those that lead to nothing or back refused, and each answer of
 * the visitor obeyed. */
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/files/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST = 40, PATH = SCRATCH_PATH + 512 };
enum what { A_FILE, A_FOLDER, TO_FILE, TO_FOLDER, TO_NOTHING, TO_ABOVE };

/* Node 0 is the root. What TO_FOLDER leads to lies outside: a folder that holds one file. */
struct node {
	int up, level, met, left, skip;
	enum what what;
	char path[PATH];
};

static struct node node[MOST];
static int nodes;
static char outside[SCRATCH_PATH];

static void make(int i)
{
	struct node *x = &node[i];
	char target[PATH];
	snprintf(target, sizeof target, "%s%s", outside, x->what == TO_FILE ? "/f" : "");
	switch (x->what) {
	case A_FILE:
		assert_int_equal(scratch_put(x->path, "x", 1), 0);
		return;
	case A_FOLDER:
		assert_int_equal(mkdir(x->path, 0700), 0);
		return;
	case TO_NOTHING:
		assert_int_equal(symlink("no such file", x->path), 0);
		return;
	case TO_ABOVE:
		assert_int_equal(symlink(".", x->path), 0);
		return;
	default:
		assert_int_equal(symlink(target, x->path), 0);
	}
}

static void unmake(void)
{
	for (int i = nodes; i-- > 1;)
		assert_int_equal(node[i].what == A_FOLDER ? rmdir(node[i].path) : unlink(node[i].path), 0);
}

/* What a walk is to meet. */
struct visit {
	int follow, slash, inner, end_at, seen, open[MOST + 2], depth;
};

static int find(const char *path, int slash)
{
	for (int i = 0; i < nodes; i++) {
		const char *p = node[i].path;
		size_t root = strlen(node[0].path);
		if (!strcmp(p, path) || (slash && i && !strncmp(p, path, root + 1) && !strcmp(p + root, path + root)))
			return i;
	}
	return -1;
}

static int visit(void *arg, const struct walk_item *item, struct err *err)
{
	struct visit *v = arg;
	const char *slash = strrchr(item->path, '/');
	int i = find(item->path, v->slash);
	if (v->seen++ == v->end_at)
		return err_set(err, "ended here");
	if (i < 0 && v->slash && item->level == 0) /* the root with its slash */
		i = 0;
	else
		assert_string_equal(item->name, slash + 1);
	if (i < 0) { /* the file in a folder that a link leads to */
		assert_true(v->follow && item->at == WALK_ENTRY && !strcmp(item->name, "f"));
		v->inner++;
		return 0;
	}
	struct node *x = &node[i];
	int folder = x->what == A_FOLDER || (v->follow && x->what == TO_FOLDER);
	assert_int_equal(item->level, x->level);
	assert_int_equal(item->at == WALK_ENTRY, !folder);
	assert_true(folder ? S_ISDIR(item->st.st_mode) : !S_ISDIR(item->st.st_mode));
	if (item->at == WALK_LEFT) {
		assert_int_equal(v->open[--v->depth], i);
		x->left++;
		return 0;
	}
	x->met++;
	if (x->what != TO_FOLDER || folder)
		assert_true(!i || !v->depth || v->open[v->depth - 1] == x->up);
	if (folder && x->skip)
		return 1;
	if (folder)
		v->open[v->depth++] = i;
	return 0;
}

/* Is node i below a folder that is passed over? */
static int hidden(int i)
{
	for (int k = i; k > 0; k = node[k].up)
		if (node[node[k].up].skip)
			return 1;
	return 0;
}

static void draw(struct rng *r, int bad)
{
	nodes = 1 + (int)rng_below(r, MOST);
	node[0].what = A_FOLDER;
	node[0].skip = rng_below(r, 20) == 0;
	for (int i = 0; i < nodes; i++) {
		struct node *x = &node[i];
		x->met = x->left = 0;
		if (!i)
			continue;
		do
			x->up = (int)rng_below(r, (uint32_t)i);
		while (node[x->up].what != A_FOLDER);
		x->level = node[x->up].level + 1;
		x->what = rng_below(r, 3)	    ? rng_below(r, 4)
			  : bad && !rng_below(r, 8) ? TO_NOTHING + rng_below(r, 2)
						    : A_FOLDER;
		x->skip = rng_below(r, 12) == 0;
		/* Not printed from there: GCC warns at -Og, as if a node were its own parent. */
		memcpy(x->path, node[x->up].path, PATH);
		snprintf(x->path + strnlen(x->path, PATH - 16), 16, "/%d", i);
		make(i);
	}
}

static void trees(void **state)
{
	(void)state;
	char away[PATH], root[PATH];
	assert_int_equal(scratch_folder(outside, "outside"), 0);
	assert_int_equal(scratch_folder(node[0].path, "walk"), 0);
	snprintf(away, sizeof away, "%s/f", outside);
	snprintf(root, sizeof root, "%.*s/", (int)(PATH - 16), node[0].path);
	assert_int_equal(scratch_put(away, "x", 1), 0);
	for (uint32_t i = 0; i < 150; i++) {
		struct rng r;
		struct err err = ERR_NONE;
		rng_init(&r, 51, RNG_TEST, i, 0);
		draw(&r, i % 2);
		struct visit v = { .follow = (int)rng_below(&r, 2), .slash = (int)rng_below(&r, 2), .end_at = -1 };
		int refused = 0, met = 0, inner = 0;
		for (int k = 0; k < nodes; k++)
			if (!hidden(k)) {
				refused += v.follow && node[k].what >= TO_NOTHING;
				inner += v.follow && node[k].what == TO_FOLDER && !node[k].skip;
				met++;
			}
		int rc = walk(v.slash ? root : node[0].path, v.follow, visit, &v, &err);
		assert_int_equal(rc, refused ? -1 : 0);
		if (refused)
			assert_true(strstr(err.msg, "a link to nothing") || strstr(err.msg, "a link leads back"));
		for (int k = 0; k < nodes && !refused; k++) {
			int folder = node[k].what == A_FOLDER || (v.follow && node[k].what == TO_FOLDER);
			assert_int_equal(node[k].met, !hidden(k));
			assert_int_equal(node[k].left, !hidden(k) && folder && !node[k].skip);
		}
		if (!refused) {
			assert_true(v.inner == inner && !v.depth && v.seen >= met);
			struct visit once = { .follow = v.follow,
					      .slash = v.slash,
					      .end_at = (int)rng_below(&r, (uint32_t)v.seen) };
			assert_int_equal(walk(v.slash ? root : node[0].path, v.follow, visit, &once, &err), -1);
			assert_string_equal(err.msg, "ended here");
			assert_int_equal(once.seen, once.end_at + 1);
		}
		unmake();
	}
	assert_int_equal(unlink(away) || rmdir(outside) || rmdir(node[0].path), 0);
}

static int go_on(void *arg, const struct walk_item *item, struct err *err)
{
	(void)arg, (void)item, (void)err;
	return 0;
}

/* Folders 256 deep are the most; a root that is not there, or is a file, is what it is. */
static void roots(void **state)
{
	(void)state;
	char path[PATH];
	struct err err = ERR_NONE;
	struct visit v = { .end_at = 0 };
	assert_int_equal(scratch_folder(path, "roots"), 0);
	size_t n = strlen(path), end = n;
	snprintf(path + n, sizeof path - n, "/none");
	for (int follow = 0; follow < 2; follow++) {
		assert_int_equal(walk(path, follow, visit, &v, &err), -1);
		assert_int_equal(err.cause, CAUSE_SYSTEM);
		assert_int_equal(v.seen, 0);
	}
	/* a root that is a link to nothing is what the system says of it */
	assert_int_equal(symlink("nothing", path), 0);
	assert_int_equal(walk(path, 1, visit, &v, &err), -1);
	assert_int_equal(err.cause, CAUSE_SYSTEM);
	assert_int_equal(unlink(path), 0);
	path[n] = 0;
	for (int level = 1; level <= 257; level++, end += 2) {
		snprintf(path + end, sizeof path - end, "/d");
		assert_int_equal(mkdir(path, 0700), 0);
		if (level < 256)
			continue;
		path[n] = 0;
		int deep = walk(path, 0, go_on, NULL, &err);
		path[n] = '/';
		assert_int_equal(deep, level == 256 ? 0 : -1);
	}
	for (; end > n; end -= 2) {
		path[end] = 0;
		assert_int_equal(rmdir(path), 0);
	}
	path[n] = 0;
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(trees), cmocka_unit_test(roots) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
