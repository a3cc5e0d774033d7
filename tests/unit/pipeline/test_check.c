/* What vic-cat --check says of tokens, against the rule in docs/STREAM.md written down plainly: UTF-8, no line feed, no
 * NUL, single spaces between tokens and none around them. Lines are drawn from few characters, so that each fault
 * comes often, alone, and at every place. */
#include "tests/scratch.h"
#include "pipeline/base/philox.h"
#include "pipeline/cat/cat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* NULL, or what is wrong first. */
static const char *plainly(const char *text, size_t n, int torn)
{
	if (torn)
		return "is not UTF-8";
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			return "holds a line feed";
		if (text[i] == 0)
			return "holds a NUL";
		int edge = i == 0 || i == n - 1;
		if (text[i] == ' ' && (edge || text[i - 1] == ' '))
			return "has tokens that are not joined by single spaces";
	}
	return NULL;
}

static void tokens(void **state)
{
	(void)state;
	char path[SCRATCH_PATH];
	assert_int_equal(scratch_file(path, "check"), 0);
	for (uint32_t i = 0; i < 400; i++) {
		static const char *const piece[] = { "a", "b ", "\xC3\xA9", " ", "\n", "", "\xC3" };
		static const size_t length[] = { 1, 2, 2, 1, 1, 1, 1 };
		struct rng r;
		struct err err = ERR_NONE;
		struct output out;
		struct stream_writer *w;
		struct stream_reader *in;
		struct stream_head head = { .kind = STREAM_TOKENS };
		const char *fault = NULL;
		char wanted[80] = "";
		rng_init(&r, 61, RNG_TEST, i, 0);
		uint32_t records = 1 + rng_below(&r, 5), kinds = i % 2 ? 4 : 7;
		assert_int_equal(output_open(&out, path, &err) || stream_begin(&w, &out, &head, NULL, NULL, &err), 0);
		for (uint32_t k = 0; k < records; k++) {
			char text[40];
			size_t n = 0;
			int torn = 0;
			for (uint32_t left = rng_below(&r, 6); left; left--) {
				uint32_t p = rng_below(&r, 3) ? rng_below(&r, 3) : rng_below(&r, kinds);
				memcpy(text + n, piece[p], length[p]);
				n += length[p];
				torn |= p == 6;
			}
			n -= n > 1 && text[n - 1] == ' ' && rng_below(&r, 3);
			assert_int_equal(stream_add(w, k, -1, 0, text, n, &err), 0);
			if (!fault && (fault = plainly(text, n, torn)))
				snprintf(wanted, sizeof wanted, "record %u %s", k, fault);
		}
		assert_int_equal(stream_finish(w, &err) || output_commit(&out, &err), 0);
		stream_writer_free(w);
		output_release(&out);
		assert_int_equal(stream_open(&in, path, &err), 0);
		assert_int_equal(stream_next_document(in, &err), 1);
		int rc = check_document(in, &err);
		if (rc != (fault ? -1 : 0) || (fault && !strstr(err.msg, wanted)))
			fail_msg("%u: '%s', not '%s'", i, rc ? err.msg : "taken", wanted);
		stream_close(in);
	}
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tokens) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
