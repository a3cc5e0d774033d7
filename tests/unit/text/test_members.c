/* What a zip archive may hold (the tars' side is tests/cli/strangers.t): archives made here, byte by byte. */
#include "tests/scratch.h"
#include "corpora/members.h"
#include "pipeline/files/io.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[SCRATCH_PATH];
static unsigned char zip[1 << 20];
static size_t n;

static void put(uint64_t v, int bytes)
{
	while (bytes--) {
		zip[n++] = (unsigned char)v;
		v >>= 8;
	}
}

static void put_text(const char *text, size_t len)
{
	memcpy(zip + n, text, len);
	n += len;
}

struct member {
	const char *name;
	int by; /* 3: Unix */
	unsigned mode;
	const char *unicode; /* name in an extra field, or NULL */
};

/* The central directory alone (members' own headers are unzip's to read), after `before` bytes; a comment of `comment`
 * bytes. */
static void make(const struct member *m, size_t count, int zip64, size_t before, size_t comment)
{
	n = 0;
	memset(zip, 'x', before);
	n = before;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(m[i].name), extra = m[i].unicode ? 9 + strlen(m[i].unicode) + 5 : 0;
		put_text("PK\1\2", 4);
		put(20, 1);
		put((uint64_t)m[i].by, 1);
		put(0, 22);
		put(len, 2);
		put(extra, 2);
		put(3, 2); /* a comment */
		put(0, 4);
		put((uint64_t)m[i].mode << 16, 4);
		put(0, 4);
		put_text(m[i].name, len);
		if (extra) {
			put(0x5455, 2); /* another field first */
			put(1, 2);
			put(0, 1);
			put(0x7075, 2);
			put(5 + strlen(m[i].unicode), 2);
			put(1, 1);
			put(0, 4);
			put_text(m[i].unicode, strlen(m[i].unicode));
		}
		put_text("abc", 3);
	}
	size_t size = n - before;
	if (zip64) {
		size_t end64 = n;
		put_text("PK\6\6", 4);
		put(44, 8);
		put(0, 12);
		put(0, 8);
		put(count, 8);
		put(size, 8);
		put(before, 8);
		put_text("PK\6\7", 4);
		put(0, 4);
		put(end64, 8);
		put(1, 4);
	}
	put_text("PK\5\6", 4);
	put(0, 6);
	put(zip64 ? 0xFFFF : count, 2);
	put(zip64 ? 0xFFFFFFFF : size, 4);
	put(zip64 ? 0xFFFFFFFF : before, 4);
	put(comment, 2);
	memset(zip + n, 'c', comment);
	n += comment;
}

static int check(struct err *err)
{
	*err = ERR_NONE;
	assert_int_equal(scratch_put(path, zip, n), 0);
	return members_of_zip(path, err);
}

static int make_path(void **state)
{
	(void)state;
	return scratch_file(path, "vic-members");
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

static const struct member good[] = { { "top/", 3, 040755, NULL },
				      { "top/a.txt", 3, 0100644, NULL },
				      { "top/..b", 0, 0, NULL },
				      { "c...", 19, 0, "\xc3\xa9/x.." } };

static void good_ones_pass(void **state)
{
	(void)state;
	struct err err;
	for (int zip64 = 0; zip64 < 2; zip64++)
		for (size_t count = 0; count <= 4; count++)
			for (size_t comment = 0; comment <= 65535; comment += 21845) {
				make(good, count, zip64, 33 * count, comment);
				if (check(&err))
					fail_msg("zip64 %d, %zu members, comment %zu: %s", zip64, count, comment,
						 err.msg);
			}
}

static void strangers_are_refused(void **state)
{
	(void)state;
	static const struct {
		struct member m;
		const char *says;
	} bad[] = {
		{ { "link", 3, 0120777, NULL }, "'link', a link" },
		{ { "mac", 19, 0120777, NULL }, "'mac', a link" },
		{ { "fifo", 3, 010644, NULL }, "'fifo', a FIFO" },
		{ { "sock", 3, 0140644, NULL }, "'sock', a socket" },
		{ { "disk", 3, 060644, NULL }, "'disk', a device" },
		{ { "tty", 3, 020644, NULL }, "'tty', a device" },
		{ { "/etc/x", 3, 0100644, NULL }, "'/etc/x', which would lie outside" },
		{ { "\\x", 0, 0, NULL }, "outside" },
		{ { "..", 3, 0, NULL }, "outside" },
		{ { "../x", 3, 0, NULL }, "outside" },
		{ { "a/../x", 3, 0, NULL }, "outside" },
		{ { "a/..", 3, 0, NULL }, "outside" },
		{ { "a\\..\\x", 0, 0, NULL }, "outside" },
		{ { "", 3, 0, NULL }, "outside" },
		{ { "fine", 3, 0100644, "../x" }, "'../x', which" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		for (size_t place = 0; place < 4; place++) {
			struct member all[4];
			struct err err;
			memcpy(all, good, sizeof all);
			all[place] = bad[i].m;
			make(all, 4, (int)i % 2, 10, 5);
			if (!check(&err) || !strstr(err.msg, bad[i].says))
				fail_msg("'%s' at %zu: %s", bad[i].m.name, place, err.msg);
		}
}

/* Cut anywhere, and with any byte changed: an error or the same answer, never a crash (the sanitizers look on). */
static void damage_is_no_crash(void **state)
{
	(void)state;
	struct err err;
	for (int zip64 = 0; zip64 < 2; zip64++) {
		make(good, 4, zip64, 7, 2);
		size_t whole = n;
		for (size_t cut = 0; cut + 2 < whole; cut++) { /* the comment may be short */
			make(good, 4, zip64, 7, 2);
			n = cut;
			assert_int_equal(check(&err), -1);
			assert_true(err.msg[0]);
		}
		for (size_t at = 0; at < whole; at++)
			for (int bit = 0; bit < 8; bit++) {
				make(good, 4, zip64, 7, 2);
				zip[at] ^= (unsigned char)(1 << bit);
				if (check(&err))
					assert_true(err.msg[0]);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_pass),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(damage_is_no_crash),
	};
	return cmocka_run_group_tests_name("members", tests, make_path, remove_path);
}
