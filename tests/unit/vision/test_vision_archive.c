/* The same files are the same list from a folder, a tar and a gzipped tar; whatever is wrong with an archive is
 * noticed. */
#include "tests/scratch.h"
#include "pipeline/files/io.h"
#include "pipeline/files/unpack.h"
#include "vision/sources/archive.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <zlib.h>

static char dir[SCRATCH_PATH];

static const char *in_dir(const char *name)
{
	static char path[4][SCRATCH_PATH + 64];
	static int turn;
	char *p = path[turn++ % 4];
	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

static void put(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int slurp_as_is(const char *path, size_t max, char **data, size_t *len, struct err *err)
{
	struct input in;
	if (input_open_as_is(&in, path, err))
		return -1;
	int rc = input_slurp(&in, max, data, len, err);
	input_release(&in);
	return rc;
}

/* A tar in memory. */
static unsigned char tar[1 << 16];
static size_t tar_n;

static void add(const char *name, int type, const void *data, size_t n)
{
	unsigned char *h = tar + tar_n;
	memset(h, 0, 512);
	snprintf((char *)h, 100, "%s", name);
	memcpy(h + 100, "0000644\0", 8);
	snprintf((char *)h + 124, 12, "%011zo", n);
	h[156] = (unsigned char)type;
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	unsigned sum = 0;
	for (int i = 0; i < 512; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", sum);
	memcpy(h + 512, data, n);
	memset(h + 512 + n, 0, 512);
	tar_n += 512 + (n + 511) / 512 * 512;
}

static void end(void)
{
	memset(tar + tar_n, 0, 1024);
	tar_n += 1024;
}

static int list(const char *path, struct archive *a, struct err *err)
{
	char *paths[1] = { (char *)(uintptr_t)path };
	return archive_open(a, paths, 1, err);
}

/* Every part of an entry, and all of it where that much is allowed. */
static void parts(const struct archive *a, const struct entry *e, const char *data)
{
	struct err err = ERR_NONE;
	for (size_t at = 0; at <= e->size + 1; at++)
		for (size_t n = 0; n <= e->size + 1; n++) {
			char part[65];
			int inside = at + n <= e->size;
			assert_int_equal(archive_read(a, e, at, part, n, &err), inside ? 0 : -1);
			if (inside)
				assert_memory_equal(part, data + at, n);
		}
	for (size_t most = 0; most <= e->size + 1; most++) {
		unsigned char *whole;
		size_t len;
		int rc = archive_load(a, e, most, &whole, &len, &err);
		assert_int_equal(rc, most < e->size ? -1 : 0);
		if (rc)
			continue;
		assert_int_equal(len, e->size);
		assert_memory_equal(whole, data, len + 1); /* and a zero behind it, which readers of text rely on */
		free(whole);
	}
}

/* "name=bytes," for each entry. */
static void contents(const struct archive *a, char *text, size_t size)
{
	struct err err = ERR_NONE;
	size_t n = 0;
	text[0] = 0;
	for (size_t i = 0; i < a->n; i++) {
		char data[64] = "";
		assert_true(a->entry[i].size < sizeof data);
		assert_int_equal(archive_read(a, &a->entry[i], 0, data, a->entry[i].size, &err), 0);
		parts(a, &a->entry[i], data);
		n += (size_t)snprintf(text + n, size - n, "%s=%s,", a->entry[i].name, data);
	}
}

static void gzip_file(const char *path, const void *bytes, size_t n, const char *mode)
{
	gzFile f = gzopen(path, mode);
	assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
	assert_int_equal(gzclose(f), Z_OK);
}

#define WANTED "a.txt=first,b/c=second,b/d.txt=,"

static void one_list_from_every_form(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	char text[512];
	mkdir(in_dir("f"), 0777);
	mkdir(in_dir("f/b"), 0777);
	mkdir(in_dir("f/empty"), 0777);
	put(in_dir("f/a.txt"), "first", 5);
	put(in_dir("f/b/c"), "second", 6);
	put(in_dir("f/b/d.txt"), "", 0);
	put(in_dir("f/b/.hidden"), "x", 1);
	tar_n = 0;
	add("./", '5', "", 0);
	add("./b/d.txt", '0', "", 0);
	add("b/c", '0', "second", 6);
	add("b/._c", '0', "x", 1);
	add("a.txt", 0, "first", 5);
	add("empty/", '5', "", 0);
	end();
	put(in_dir("x.tar"), tar, tar_n);
	gzip_file(in_dir("x.tar.gz"), tar, tar_n, "wb");
	gzip_file(in_dir("two.tgz"), tar, 700, "wb");
	gzip_file(in_dir("two.tgz"), tar + 700, tar_n - 700, "ab"); /* a second member */
	static const char *const forms[] = { "f", "f/", "x.tar", "x.tar.gz", "two.tgz" };
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (list(in_dir(forms[i]), &a, &err))
			fail_msg("%s: %s", forms[i], err.msg);
		contents(&a, text, sizeof text);
		assert_string_equal(text, WANTED);
		assert_ptr_equal(archive_beside(&a, &a.entry[1], "d.txt"), &a.entry[2]);
		assert_null(archive_beside(&a, &a.entry[1], "a.txt"));
		assert_ptr_equal(archive_beside(&a, &a.entry[0], "a.txt"), &a.entry[0]);
		assert_int_equal(archive_read(&a, &a.entry[0], 1, text, 5, &err), -1);
		archive_release(&a);
	}
}

static void names_longer_than_a_header(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	char name[300], pax[400], text[1024], want[1024];
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = 0;
	tar_n = 0;
	add("././@LongLink", 'L', name, sizeof name);
	add("cut", '0', "gnu", 3);
	name[0] = 'p';
	snprintf(pax, sizeof pax, "308 path=%s\n", name + 1);
	assert_int_equal(strlen(pax), 308);
	add("PaxHeader", 'x', pax, strlen(pax));
	add("cut", '0', "pax", 3);
	add("plain", '0', "z", 1); /* the long names are for one entry only */
	end();
	put(in_dir("long.tar"), tar, tar_n);
	assert_int_equal(list(in_dir("long.tar"), &a, &err), 0);
	contents(&a, text, sizeof text);
	snprintf(want, sizeof want, "%s=pax,n%s=gnu,plain=z,", name + 1, name + 1);
	assert_string_equal(text, want);
	archive_release(&a);
	static char longest[8193]; /* the first that is too long */
	for (size_t n = 8190; n <= 8192; n++) {
		memset(longest, 'n', sizeof longest - 1);
		longest[n] = 0;
		tar_n = 0;
		add("././@LongLink", 'L', longest, n + 1);
		add("cut", '0', "gnu", 3);
		end();
		put(in_dir("longer.tar"), tar, tar_n);
		int rc = list(in_dir("longer.tar"), &a, &err);
		assert_int_equal(rc, n < 8192 ? 0 : -1);
		if (rc) {
			assert_non_null(strstr(err.msg, "a name longer than 8192 bytes"));
			continue;
		}
		assert_string_equal(a.entry[0].name, longest);
		archive_release(&a);
	}
}

/* Where an archive was made from does not matter. */
static void names_from_elsewhere(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	char text[512];
	tar_n = 0;
	add("/abs/x", '0', "1", 1);
	add("../../up/y", '0', "2", 1);
	add("./..//.//z", '0', "3", 1);
	end();
	put(in_dir("elsewhere.tar"), tar, tar_n);
	assert_int_equal(list(in_dir("elsewhere.tar"), &a, &err), 0);
	contents(&a, text, sizeof text);
	assert_string_equal(text, "abs/x=1,up/y=2,z=3,");
	archive_release(&a);
}

static void one_file(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	char text[512], where[1024];
	static const char *const stems[][2] = { { "a.gz", "a" },   { "b.x.bz2", "b.x" }, { "c.xz", "c" },
						{ "d.zst", "d" },  { ".gz", ".gz" },	 { "e.gzip", "e.gzip" },
						{ "f.GZ", "f.GZ" } };
	for (size_t i = 0; i < sizeof stems / sizeof *stems; i++)
		assert_int_equal(archive_stem(stems[i][0]), strlen(stems[i][1]));
	put(in_dir("one.bin"), "x", 1);
	put(in_dir("none.bin"), "", 0);
	gzip_file(in_dir("two.bin.gz"), "yz", 2, "wb");
	static const char *const files[][2] = { { "one.bin", "one.bin=x," },
						{ "none.bin", "none.bin=," },
						{ "two.bin.gz", "two.bin=yz," } };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		if (list(in_dir(files[i][0]), &a, &err))
			fail_msg("%s", err.msg);
		contents(&a, text, sizeof text);
		assert_string_equal(text, files[i][1]);
		archive_describe(&a, &a.entry[0], where, sizeof where);
		assert_string_equal(where, in_dir(files[i][0]));
		archive_release(&a);
	}
	/* the same through stdin, where it has no name */
	tar_n = 0;
	add("b/c", '0', "second", 6);
	end();
	put(in_dir("in.tar"), tar, tar_n);
	int was = dup(STDIN_FILENO), fd = open(in_dir("in.tar"), O_RDONLY);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	if (list("-", &a, &err))
		fail_msg("%s", err.msg);
	contents(&a, text, sizeof text);
	assert_string_equal(text, "b/c=second,");
	archive_release(&a);
	dup2(was, STDIN_FILENO);
	close(was);
	close(fd);
}

/* What is there instead of what is looked for is said where it is known. */
static void what_it_is_instead(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	char want[SCRATCH_PATH + 128];
	mkdir(in_dir("odd"), 0777);
	put(in_dir("odd/x"), "\1\2\3\4\5", 5);
	assert_int_equal(list(in_dir("odd"), &a, &err), 0);
	assert_int_equal(archive_lacks(&a, "no thing", &err), -1);
	snprintf(want, sizeof want, "%s: no thing is in it; --format says what it holds", in_dir("odd"));
	assert_string_equal(err.msg, want);
	archive_release(&a);
	put(in_dir("odd/x"), "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
	assert_int_equal(list(in_dir("odd"), &a, &err), 0);
	assert_int_equal(archive_lacks(&a, "no thing", &err), -1);
	snprintf(want, sizeof want, "%s: no thing is in it; --format says what it holds; %s is a PNG", in_dir("odd"),
		 in_dir("odd/x"));
	assert_int_equal(strncmp(err.msg, want, strlen(want)), 0);
	archive_release(&a);
	assert_int_equal(list(in_dir("odd/x"), &a, &err), 0);
	assert_int_equal(archive_lacks(&a, "no thing", &err), -1);
	snprintf(want, sizeof want, "%s: is a PNG", in_dir("odd/x"));
	assert_int_equal(strncmp(err.msg, want, strlen(want)), 0);
	assert_non_null(strstr(err.msg, "no thing is in it"));
	archive_release(&a);
}

/* A stored member of a zip, whose directory is not looked at until its end. */
static unsigned char zip[3 << 20];
static size_t zip_n, directory_n;
static unsigned char directory[1024];

static size_t put_le(unsigned char *p, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> 8 * i);
	return bytes;
}

static void zip_add(const char *name, const unsigned char *data, size_t n)
{
	size_t at = zip_n, k = strlen(name);
	unsigned char *p = zip + zip_n, *d = directory + directory_n;
	memset(p, 0, 30);
	put_le(p, 0x04034b50, 4);
	p[4] = 20;
	put_le(p + 14, crc32(0, data, (unsigned)n), 4);
	put_le(p + 18, n, 4);
	put_le(p + 22, n, 4);
	put_le(p + 26, k, 2);
	memcpy(p + 30, name, k);
	memcpy(p + 30 + k, data, n);
	zip_n += 30 + k + n;
	memset(d, 0, 46);
	put_le(d, 0x02014b50, 4);
	memcpy(d + 6, p + 4, 26);
	put_le(d + 42, at, 4);
	memcpy(d + 46, name, k);
	directory_n += 46 + k;
}

static void zips(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	static unsigned char big[(1 << 20) + 3], got[sizeof big];
	unsigned char *p;
	zip_n = directory_n = 0;
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (unsigned char)(i * 7 + (i >> 9));
	zip_add("d/", big, 0);
	zip_add("d/long", big, sizeof big);
	zip_add("d/.hidden", big, 5);
	zip_add("d/whole", big, 1 << 20);
	zip_add("d/none", big, 0);
	zip_add(".also", big, 1);
	p = zip + zip_n;
	memcpy(p, directory, directory_n);
	p += directory_n;
	memset(p, 0, 22);
	put_le(p, 0x06054b50, 4);
	p[8] = p[10] = 6;
	put_le(p + 12, directory_n, 4);
	put_le(p + 16, zip_n, 4);
	put(in_dir("x.zip"), zip, zip_n + directory_n + 22);
	if (list(in_dir("x.zip"), &a, &err))
		fail_msg("%s", err.msg);
	static const char *const names[] = { "d/long", "d/none", "d/whole" };
	static const size_t sizes[] = { sizeof big, 0, 1 << 20 };
	assert_int_equal(a.n, 3);
	assert_int_equal(a.hidden, 2);
	assert_int_equal(a.folders, 1);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(a.entry[i].name, names[i]);
		assert_int_equal(a.entry[i].size, sizes[i]);
		assert_int_equal(archive_read(&a, &a.entry[i], 0, got, sizes[i], &err), 0);
		assert_memory_equal(got, big, sizes[i]);
	}
	archive_release(&a);
}

static void tars_inside_are_folders(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct archive a;
	char text[512];
	static unsigned char inner[8192];
	tar_n = 0;
	add("1.JPEG", '0', "one", 3);
	add("2.JPEG", '0', "two", 3);
	end();
	size_t n = tar_n;
	memcpy(inner, tar, n);
	tar_n = 0;
	add("n01.tar", '0', inner, n);
	add("n02.tar", '0', inner, n);
	end();
	put(in_dir("nested.tar"), tar, tar_n);
	assert_int_equal(list(in_dir("nested.tar"), &a, &err), 0);
	contents(&a, text, sizeof text);
	assert_string_equal(text, "n01/1.JPEG=one,n01/2.JPEG=two,n02/1.JPEG=one,n02/2.JPEG=two,");
	archive_release(&a);
}

static void refused(const char *name, const char *says)
{
	struct err err = ERR_NONE;
	struct archive a;
	if (!list(in_dir(name), &a, &err))
		fail_msg("%s is taken", name);
	if (!strstr(err.msg, says) || !strstr(err.msg, name))
		fail_msg("%s: '%s' does not say '%s'", name, err.msg, says);
}

static void damage_is_noticed(void **state)
{
	(void)state;
	static unsigned char packed[8192];
	tar_n = 0;
	add("a", '0', "x", 1);
	add("b", '2', "", 0);
	end();
	put(in_dir("link.tar"), tar, tar_n);
	refused("link.tar", "'b' is a link");
	tar_n = 0;
	add("a", '0', "x", 1);
	add("a", '0', "y", 1);
	end();
	put(in_dir("twice.tar"), tar, tar_n);
	refused("twice.tar", "twice");
	tar_n = 0;
	add("a", '0', "x", 1);
	end();
	add("b", '0', "x", 1);
	end();
	put(in_dir("joined.tar"), tar, tar_n);
	refused("joined.tar", "follow the end");
	tar_n = 0;
	add("a", '0', "12345", 5);
	add("b", '0', "x", 1);
	end();
	/* cut anywhere but inside the two closing blocks, of which one is enough */
	for (size_t keep = 512; keep < tar_n - 512; keep += 256) {
		put(in_dir("cut.tar"), tar, keep);
		refused("cut.tar", "truncated tar");
	}
	tar[1024 + 124] ^= 1; /* the size of b */
	put(in_dir("flip.tar"), tar, tar_n);
	refused("flip.tar", "damaged tar header at byte 1024");
	tar[1024 + 124] ^= 1;
	gzip_file(in_dir("x.gz"), tar, tar_n, "wb");
	char *bytes;
	size_t n;
	struct err err = ERR_NONE;
	assert_int_equal(slurp_as_is(in_dir("x.gz"), 1 << 20, &bytes, &n, &err), 0);
	assert_true(n < sizeof packed);
	memcpy(packed, bytes, n);
	free(bytes);
	for (size_t keep = 3; keep < n; keep++) {
		put(in_dir("cut.gz"), packed, keep);
		refused("cut.gz", "gzip data is");
	}
	memcpy(packed + n, "more", 4);
	put(in_dir("more.gz"), packed, n + 4);
	refused("more.gz", "no gzip data follow");
	packed[n - 6] ^= 1; /* the checksum */
	put(in_dir("sum.gz"), packed, n);
	refused("sum.gz", "damaged");
	mkdir(in_dir("nothing"), 0777);
	refused("nothing", "holds no files");
	refused("absent", "No such file");
	assert_int_equal(symlink("nowhere", in_dir("nothing/l")), 0);
	refused("nothing", "a link to nothing");
	unlink(in_dir("nothing/l"));
	assert_int_equal(symlink("..", in_dir("nothing/l")), 0);
	refused("nothing", "leads back");
}

static void gunzip_in_memory(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	char *bytes;
	unsigned char *out;
	size_t n, m;
	static unsigned char zeros[3 << 20];
	gzip_file(in_dir("z.gz"), zeros, sizeof zeros, "wb");
	gzip_file(in_dir("z.gz"), "tail", 4, "ab");
	assert_int_equal(slurp_as_is(in_dir("z.gz"), 1 << 20, &bytes, &n, &err), 0);
	assert_int_equal(unpack_memory((unsigned char *)bytes, n, sizeof zeros + 4, &out, &m, &err), 0);
	assert_int_equal(m, sizeof zeros + 4);
	assert_memory_equal(out + sizeof zeros, "tail", 5);
	free(out);
	assert_int_equal(unpack_memory((unsigned char *)bytes, n, sizeof zeros + 3, &out, &m, &err), -1);
	assert_non_null(strstr(err.msg, "more than"));
	for (size_t keep = 1; keep < n; keep += 37)
		assert_int_equal(unpack_memory((unsigned char *)bytes, keep, 1 << 30, &out, &m, &err), -1);
	free(bytes);
}

static int before_all; /* the least descriptor that is free */

static int free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* The last test: all archives, those that were refused too, have closed their files. */
static void nothing_is_left_open(void **state)
{
	(void)state;
	assert_int_equal(free_descriptor(), before_all);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int main(void)
{
	if (scratch_folder(dir, "archive"))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_list_from_every_form),
		cmocka_unit_test(names_longer_than_a_header),
		cmocka_unit_test(tars_inside_are_folders),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(gunzip_in_memory),
		cmocka_unit_test(names_from_elsewhere),
		cmocka_unit_test(one_file),
		cmocka_unit_test(what_it_is_instead),
		cmocka_unit_test(zips),
		cmocka_unit_test(nothing_is_left_open),
	};
	before_all = free_descriptor();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
