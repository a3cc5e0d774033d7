/* The same files at random from a folder, a tar and both at once: what is listed, where each lies, which folders there
 * are and what is left out, by a plain look at every name; and paths of which one lies in another. */
#include "vision_files.h"
#include "tests/checks.h"

enum { MOST = 24, NAME = 64 };

static struct rng rng;

static int below(int n)
{
	return (int)(rng_u32(&rng) % (uint32_t)n);
}

/* A file (its bytes are its number), or a folder, which holds others or nothing. */
struct found {
	char name[NAME];
	int folder, number;
};

struct set {
	struct found of[MOST];
	int n;
};

static struct found *find(struct set *s, const char *name)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->of[i].name, name))
			return &s->of[i];
	return NULL;
}

/* A name, and each folder that it lies in; where one of these is a file already, nothing is added. */
static void add(struct set *s, const char *name, int folder)
{
	char part[NAME];
	for (size_t k = 1; k <= strlen(name); k++)
		if (name[k] == '/' || !name[k]) {
			int last = !name[k];
			memcpy(part, name, k);
			part[k] = 0;
			const struct found *there = find(s, part);
			if (there && (last || !there->folder))
				return;
			if (there)
				continue;
			if (s->n == MOST)
				return;
			struct found *f = &s->of[s->n];
			*f = (struct found){ .folder = !last || folder, .number = s->n };
			memcpy(f->name, part, k + 1);
			s->n++;
		}
}

static void draw(struct set *s)
{
	static const char *const words[] = { "a", "b", "b.c", "B", ".h", "__MACOSX", "__MACOSXy", "z" };
	s->n = 0;
	while (s->n < 2 || below(8)) {
		char name[NAME] = "";
		int depth = 1 + below(4);
		for (int k = 0; k < depth; k++)
			snprintf(name + strlen(name), sizeof name - strlen(name), "%s%s", k ? "/" : "",
				 words[below(k + 1 < depth ? 8 : 5)]);
		add(s, name, below(4) == 0);
	}
}

static int left_out(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (*p == '.' || (!strncmp(p, "__MACOSX", 8) && (!p[8] || p[8] == '/')))
			return 1;
	}
	return 0;
}

static void put_folder(const struct set *s)
{
	char name[NAME + 8], byte[2] = "";
	mkdir(in_dir("f"), 0777);
	for (int i = 0; i < s->n; i++) {
		snprintf(name, sizeof name, "f/%s", s->of[i].name);
		*byte = (char)('A' + s->of[i].number);
		if (s->of[i].folder)
			mkdir(in_dir(name), 0777);
		else
			put_text(name, byte);
	}
}

/* Names as tars have them: with ./ in front or without, folders with / behind. */
static void put_tar(const struct set *s)
{
	static unsigned char tar[(2 * MOST + 2) * 512];
	size_t n = 0;
	memset(tar, 0, sizeof tar);
	for (int i = 0; i < s->n; i++) {
		unsigned char *h = tar + n;
		unsigned sum = 0;
		snprintf((char *)h, 100, "%s%s%.*s", below(2) ? "./" : "", s->of[i].name,
			 s->of[i].folder ? 1 + below(2) : 0, "//");
		memcpy(h + 100, "0000644\0", 8);
		snprintf((char *)h + 124, 12, "%011o", !s->of[i].folder);
		h[156] = s->of[i].folder ? '5' : '0';
		memcpy(h + 257, "ustar\00000", 8);
		memset(h + 148, ' ', 8);
		for (int k = 0; k < 512; k++)
			sum += h[k];
		snprintf((char *)h + 148, 8, "%06o", sum);
		h[512] = s->of[i].folder ? 0 : (unsigned char)('A' + s->of[i].number);
		n += s->of[i].folder ? 512 : 1024;
	}
	put("f.tar", tar, n + 1024);
}

/* How many are left out: of a folder what its walk meets and does not enter, of a tar each file. */
static size_t hidden(const struct set *s, int tar)
{
	size_t n = 0;
	for (int i = 0; i < s->n; i++) {
		const char *slash = strrchr(s->of[i].name, '/');
		char above[NAME] = "";
		memcpy(above, s->of[i].name, slash ? (size_t)(slash - s->of[i].name) : 0);
		n += left_out(s->of[i].name) && (tar ? !s->of[i].folder : !*above || !left_out(above));
	}
	return n;
}

/* One root's entries from *at on, in the order of their names; its folders, in any. */
static void check_root(const struct archive *a, int root, const char *path, int tar, const struct set *s, size_t *at,
		       int round)
{
	struct err err = ERR_NONE;
	size_t folders = 0, files = 0, begin = *at;
	const char *joint = tar ? ": " : path[strlen(path) - 1] == '/' ? "" : "/";
	for (int i = 0; i < s->n; i++) {
		int seen = 0;
		for (size_t k = 0; k < a->folders; k++)
			seen += a->folder[k].root == root && !strcmp(a->folder[k].name, s->of[i].name);
		if (seen != (s->of[i].folder && !left_out(s->of[i].name)))
			fail_msg("%d: folder %s is there %d times", round, s->of[i].name, seen);
		folders += (size_t)seen;
		files += !s->of[i].folder && !left_out(s->of[i].name);
	}
	for (size_t k = 0; k < a->folders; k++)
		folders -= a->folder[k].root == root;
	assert_int_equal(folders, 0);
	for (; *at < begin + files; ++*at) {
		const struct entry *e = &a->entry[*at];
		const struct found *f = find((struct set *)(uintptr_t)s, e->name);
		const char *slash = strrchr(e->name, '/');
		char where[1024], want[1024], byte, *own;
		if (e->root != root || !f || f->folder || left_out(e->name) ||
		    (*at > begin && strcmp(e[-1].name, e->name) >= 0))
			fail_msg("%d: %s of root %d is entry %zu", round, e->name, e->root, *at);
		assert_int_equal(archive_read(a, e, 0, &byte, 1, &err), 0);
		assert_int_equal(byte, 'A' + f->number);
		assert_string_equal(archive_base(e), slash ? slash + 1 : e->name);
		snprintf(want, sizeof want, "%s%s%s", path, joint, e->name);
		archive_describe(a, e, where, sizeof where);
		assert_string_equal(where, want);
		assert_int_equal(archive_path(a, e, &own, &err), 0);
		assert_string_equal(own, tar ? e->name : want);
		free(own);
	}
}

/* A file of a name beside another: of the same root and folder. */
static void check_beside(const struct archive *a)
{
	static const char *const bases[] = { "a", "b", "b.c", "B", "" };
	for (size_t i = 0; i < a->n; i++)
		for (size_t b = 0; b < 5; b++) {
			const struct entry *want = NULL;
			char name[2 * NAME];
			snprintf(name, sizeof name, "%.*s%s", (int)(archive_base(&a->entry[i]) - a->entry[i].name),
				 a->entry[i].name, bases[b]);
			for (size_t k = 0; k < a->n; k++)
				if (a->entry[k].root == a->entry[i].root && !strcmp(a->entry[k].name, name))
					want = &a->entry[k];
			assert_ptr_equal(archive_beside(a, &a->entry[i], bases[b]), want);
		}
}

static void every_form(void **state)
{
	for (int round = 0; round < plain_checks(60); round++) {
		static struct set s;
		struct archive a;
		struct err err = ERR_NONE;
		char folder[SCRATCH_PATH + 8], tar[SCRATCH_PATH + 8], *paths[3];
		int is_tar[3], n = 1 + below(2), first = below(2), files = 0;
		size_t at = 0, out = 0;
		plain_rng(&rng, (uint32_t)round, 51);
		clean(state);
		draw(&s);
		put_folder(&s);
		put_tar(&s);
		snprintf(folder, sizeof folder, "%s/f%.*s", dir, below(3), "//");
		snprintf(tar, sizeof tar, "%s/f.tar", dir);
		for (int i = 0; i < n; i++) {
			is_tar[i] = (first + i) % 2;
			paths[i] = is_tar[i] ? tar : folder;
			out += hidden(&s, is_tar[i]);
		}
		for (int i = 0; i < s.n; i++)
			files += !s.of[i].folder && !left_out(s.of[i].name);
		int rc = archive_open(&a, paths, n, &err);
		if (rc != (files ? 0 : -1) || (rc && !strstr(err.msg, "holds no files")))
			fail_msg("%d: %d, %s", round, rc, err.msg);
		if (rc)
			continue;
		for (int i = 0; i < n; i++)
			assert_int_equal(a.root[i].copied, 0); /* what is not packed is read where it lies */
		for (int i = 0; i < n; i++)
			check_root(&a, i, paths[i], is_tar[i], &s, &at, round);
		assert_int_equal(a.n, at);
		assert_int_equal(a.hidden, out);
		check_beside(&a);
		archive_release(&a);
	}
}

/* What paths lead to: the same folder, one in another, or apart, whatever they are called. */
static void overlapping(void **state)
{
	static const struct {
		const char *path, *leads;
	} ways[] = { { "a", "a/" },	    { "a/", "a/" },   { "./a/../a", "a/" }, { "link", "a/b/" },
		     { "a/b", "a/b/" }, { "ab", "ab/" }, { "a/bb", "a/bb/" },	{ "c/a", "c/a/" },
		     { "c", "c/" },	    { "ab/link", "c/a/" } };
	enum { WAYS = sizeof ways / sizeof *ways };
	clean(state);
	put_text("a/b/1.png", "x");
	put_text("a/bb/1.png", "x");
	put_text("ab/b/1.png", "x");
	put_text("c/a/1.png", "x");
	assert_int_equal(symlink("a/b", in_dir("link")), 0);
	assert_int_equal(symlink("../c/a", in_dir("ab/link")), 0);
	for (int round = 0; round < plain_checks(150); round++) {
		struct source s;
		struct source_options so = { .fold = -1, .no_splits = 1 };
		struct err err = ERR_NONE;
		char path[3][SCRATCH_PATH + 16], *paths[3], want[3 * SCRATCH_PATH] = "";
		int n = 1 + below(3), way[3];
		plain_rng(&rng, (uint32_t)round, 52);
		for (int i = 0; i < n; i++) {
			way[i] = below(WAYS);
			snprintf(path[i], sizeof path[i], "%s/%s", dir, ways[way[i]].path);
			paths[i] = path[i];
			for (int k = 0; k < i && !*want; k++) {
				const char *x = ways[way[k]].leads, *y = ways[way[i]].leads;
				if (!strncmp(x, y, strlen(x)) || !strncmp(x, y, strlen(y)))
					snprintf(want, sizeof want, "%s and %s %s, whose pictures would be there twice",
						 path[k], path[i], strcmp(x, y) ? "lie one in the other" : "are one");
			}
		}
		int rc = source_open(&s, SOURCE_IDX, paths, n, &so, &err); /* which finds nothing, but later */
		assert_int_equal(rc, -1);
		if (*want ? strncmp(err.msg, want, strlen(want)) : !strstr(err.msg, "no IDX file of images"))
			fail_msg("%d: '%s', not '%s'", round, err.msg, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(every_form), TEST(overlapping) };
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
