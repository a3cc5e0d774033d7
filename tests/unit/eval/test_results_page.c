/* Pages of results, their pictures and their text in HTML, Markdown and LaTeX, compared with plain versions: pictures
 * are decoded again, characters are looked up one by one. */
#include "tests/checks.h"
#include "tests/scratch.h"
#include "eval/report/results_page.h"
#include "eval/results/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct err err;

/* What is written by `put`; the caller's. */
static char *said_by(void (*put)(FILE *, const char *), const char *text)
{
	char *said;
	size_t len;
	FILE *to = open_memstream(&said, &len);
	put(to, text);
	fclose(to);
	return said;
}

static void text_is_safe_in_each(void **state)
{
	(void)state;
	static const char some[] = "ab 1-\\`*_[]<>&|#~{}$^%\"'.,";
	for (int i = 0; i < plain_checks(300); i++) {
		char text[40], md[400] = "", tex[800] = "", *got;
		size_t n = 0, m = 0, t = 0;
		struct rng r;
		plain_rng(&r, (uint32_t)i, 63);
		for (size_t len = rng_below(&r, 39); n < len; n++) {
			char c = text[n] = some[rng_below(&r, sizeof some - 1)];
			m += (size_t)snprintf(md + m, sizeof md - m,
					      c == '<'			      ? "&lt;"
					      : c == '>'		      ? "&gt;"
					      : c == '&'		      ? "&amp;"
					      : strchr("\\`*_[]|#~", c) ? "\\%c"
									      : "%c",
					      c);
			t += (size_t)snprintf(tex + t, sizeof tex - t,
					      c == '\\'			    ? "\\textbackslash{}"
					      : c == '~'		    ? "\\textasciitilde{}"
					      : c == '^'		    ? "\\textasciicircum{}"
					      : c == '<' || c == '>'	    ? "$%c$"
					      : strchr("{}$&#_%", c) ? "\\%c"
								    : "%c",
					      c);
		}
		text[n] = 0;
		got = said_by(markdown_text, text);
		assert_string_equal(got, md);
		free(got);
		got = said_by(latex_text, text);
		assert_string_equal(got, tex);
		free(got);
	}
}

static int read_made(struct picture *p, const char *path, const void *bytes, size_t n)
{
	assert_int_equal(scratch_put(path, bytes, n), 0);
	err = ERR_NONE;
	return picture_read(p, path, &err);
}

/* An SVG shows itself in its first thousand bytes, a PNG by its eight and something behind them. */
static void pictures_are_known_by_their_bytes(void **state)
{
	(void)state;
	static const char png[] = "\x89PNG\r\n\x1a\n";
	char path[SCRATCH_PATH], bytes[1200];
	assert_int_equal(scratch_file(path, "picture"), 0);
	for (size_t at = 900; at < 1100; at++) {
		struct picture p;
		memset(bytes, ' ', sizeof bytes);
		bytes[0] = '<';
		memcpy(bytes + at, "<svg", 4);
		int rc = read_made(&p, path, bytes, at % 2 ? sizeof bytes : at + 4);
		assert_int_equal(rc, at + 4 <= 1000 ? 0 : -1);
		if (!rc)
			assert_true(!p.png && p.len == (at % 2 ? sizeof bytes : at + 4) &&
				    !memcmp(p.data, bytes, p.len) && !strcmp(p.name, strrchr(path, '/') + 1));
		free(p.data);
	}
	for (size_t n = 0; n < 12; n++) {
		struct picture p;
		memcpy(bytes, png, 8);
		bytes[8] = '<';
		assert_int_equal(read_made(&p, path, bytes, n), n > 8 ? 0 : -1);
		assert_true(n <= 8 || (p.png && p.len == n));
		free(p.data);
	}
	unlink(path);
}

/* Bytes of base64, by arithmetic on a number of six bits a character. */
static size_t decoded(unsigned char *to, const char *from)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 0, bits = 0, number = 0;
	for (; *from != '"' && *from != '='; from++) {
		assert_non_null(strchr(digit, *from));
		number = number * 64 + (size_t)(strchr(digit, *from) - digit);
		bits += 6;
		if (bits >= 8) {
			to[n++] = (unsigned char)(number >> (bits - 8));
			number %= (size_t)1 << (bits - 8);
			bits -= 8;
		}
	}
	assert_true(!number && (from[0] == '"') == (n % 3 == 0));
	assert_int_equal(strspn(from, "="), n % 3 ? 3 - n % 3 : 0);
	return n;
}

static void pictures_are_in_the_page(void **state)
{
	(void)state;
	static const char *const box[] = { "", " viewBox=\"0 0 640 480\"", " viewBox=\"0 0 640 480 1\"",
					   " viewBox=\"0 0 0 480\"", " viewBox=\"0 0 640 -1\"" };
	static const char *const title[] = { "", "<title>ECE &lt; 1</title>", "<title></title>", "<title>a\"b</title>",
					     "<title>no end", "<title >b</title>" };
	static const char *const alt[] = { "a&lt;.svg", "ECE &lt; 1", "", "a&lt;.svg", "a&lt;.svg", "a&lt;.svg" };
	for (uint32_t i = 0; i < 120; i++) {
		struct rng r;
		char bytes[400], want[200], *got;
		unsigned char back[400];
		size_t len, a = i % 5, b = i / 5 % 6;
		struct picture p = { .name = "a<.svg", .data = bytes, .png = i >= 90 };
		FILE *to = open_memstream(&got, &len);
		rng_init(&r, 5, RNG_TEST, i, 0);
		p.len = (size_t)snprintf(bytes, sizeof bytes, "<svg%s>%s", box[a], title[b]);
		for (size_t more = rng_below(&r, 90); more; more--)
			bytes[p.len++] = p.png ? (char)rng_u32(&r) : '<';
		bytes[p.len] = 0;
		picture_html(to, &p);
		fclose(to);
		snprintf(want, sizeof want, "<img class=\"picture\"%s alt=\"%s\" src=\"data:image/%s;base64,",
			 a == 1 && !p.png ? " width=\"640\" height=\"480\"" : "", alt[p.png ? 0 : b],
			 p.png ? "png" : "svg+xml");
		if (strncmp(got, want, strlen(want)))
			fail_msg("%.150s, not %s", got, want);
		assert_int_equal(decoded(back, got + strlen(want)), p.len);
		assert_memory_equal(back, bytes, p.len);
		assert_string_equal(strrchr(got, '"'), "\">");
		free(got);
	}
}

/* Behind the next `what`. */
static const char *after(const char *at, const char *what)
{
	const char *found = strstr(at, what);
	if (!found)
		fail_msg("no \"%s\" in %.300s", what, at);
	return found + strlen(what);
}

enum { FIGURES = 4, PICTURES = 8 };
static const char *const figure[FIGURES] = { "fig", "fig2", "other", "fig2b" };

/* The longest figure that a name begins with, of the first n; n: none. */
static size_t plain_figure(const char *name, size_t n)
{
	size_t best = n;
	for (size_t i = 0; i < n; i++)
		if (!strncmp(name, figure[i], strlen(figure[i])) &&
		    (best == n || strlen(figure[i]) > strlen(figure[best])))
			best = i;
	return best;
}

/* Rows of n figures in turn, some of whose commands follow themselves or are means; what is shown of each figure's. */
static void make_rows(struct results_page *p, size_t n, char shown[FIGURES][4000], struct rng *r)
{
	char *text, before[FIGURES][64] = { "" };
	size_t len;
	FILE *to = open_memstream(&text, &len);
	fprintf(to, "%s\n", RESULTS_HEADER);
	for (size_t i = 0; i < 4 * n; i++) {
		size_t f = i < n ? i : rng_below(r, (uint32_t)n), used = strlen(shown[f]);
		int c = (int)rng_below(r, 3);
		char command[64];
		snprintf(command, sizeof command, c ? "run <%d>" : "mean of %d", c);
		fprintf(to, "%s\td\tm\tway-%zu\t\tall\t9\tgap\t%s0.%zu\t-0.5\t-0.%zu\t%s\n", figure[f], i,
			i % 2 ? "-" : "", i + 1, i + 1, command);
		if (c && strcmp(command, before[f]))
			snprintf(shown[f] + used, sizeof shown[f] - used, "run &lt;%d&gt;\n", c);
		if (c)
			snprintf(before[f], sizeof before[f], "%s", command);
	}
	fclose(to);
	if (result_table_take(&p->results, "made", text, len, &err))
		fail_msg("%s", err.msg);
}

/* The pictures of one figure, in their order, from `at` on, and none more before `end`. */
static void check_pictures(const struct results_page *p, size_t f, size_t n, const char *at, const char *end)
{
	for (size_t i = 0; i < p->n_pictures; i++)
		if (plain_figure(p->picture[i].name, n) == f) {
			char alt[64];
			snprintf(alt, sizeof alt, "<img class=\"picture\" alt=\"%s\"", p->picture[i].name);
			at = after(at, alt);
			assert_true(at < end);
		}
	at = strstr(at, "<img ");
	assert_true(!at || at > end);
}

/* The lines of a page's tables are as wide as one another: cells, and headings over several. Returns how many lines
 * there are. */
static int lines_are_as_wide(const char *page)
{
	int lines = 0;
	for (const char *table = page, *end; (table = strstr(table, "<table")); table = end) {
		long width = 0;
		end = strstr(table, "</table>");
		for (const char *row = table; (row = strstr(row, "<tr")) && row < end;) {
			long n = 0;
			const char *last = strstr(row, "</tr>");
			for (const char *at = row + 3; at < last; at++)
				if (!strncmp(at, "<th", 3) || !strncmp(at, "<td", 3)) {
					const char *span = strstr(at, "colspan=\""), *close = strchr(at, '>');
					n += at[3] == 'e' ? 0 : span && span < close ? strtol(span + 9, NULL, 10) : 1;
				}
			assert_true(n == width || !width);
			width = n;
			lines++;
			row = last;
		}
	}
	return lines;
}

static void figures_stand_in_their_places(void **state)
{
	(void)state;
	static const char *const some[] = { "fig.svg", "fig2.svg", "fig2b-x.svg", "other", "none.svg", "fi.svg" };
	for (int i = 0; i < plain_checks(60); i++) {
		struct rng r;
		struct picture picture[PICTURES];
		struct results_page p = { .title = "T", .version = "1", .picture = picture };
		char shown[FIGURES][4000] = { "" }, text[400], *page;
		size_t len, n;
		plain_rng(&r, (uint32_t)i, 64);
		n = 1 + rng_below(&r, FIGURES);
		make_rows(&p, n, shown, &r);
		p.n_pictures = rng_below(&r, PICTURES + 1);
		for (size_t k = 0; k < p.n_pictures; k++)
			picture[k] = (struct picture){ some[rng_below(&r, 6)], (char *)(uintptr_t) "<svg>", 5, 0 };
		FILE *to = open_memstream(&page, &len);
		assert_int_equal(results_page_write(&p, RESULTS_HTML, to, &err), 0);
		fclose(to);
		const char *at = after(page, "</nav>");
		assert_null(strstr(page, "id=\"verdicts\""));
		for (size_t f = 0; f < n; f++) {
			snprintf(text, sizeof text, "<a href=\"#f%zu\">%s</a>", f, figure[f]);
			after(page, text);
			snprintf(text, sizeof text, "<h2 id=\"f%zu\">%s</h2>", f, figure[f]);
			const char *from = after(at, text), *numbers = after(from, "<table class=\"scores numbers\">");
			check_pictures(&p, f, n, from, numbers);
			for (size_t k = f; k < p.results.n; k++) {
				const struct result *row = &p.results.row[k];
				if (strcmp(row->figure, figure[f]))
					continue;
				snprintf(text, sizeof text,
					 ">%s</th><td>%s%.4f<small>&minus;0.5000 to &minus;%.4f</small></td>",
					 row->method, row->value < 0 ? "&minus;" : "",
					 row->value < 0 ? -row->value : row->value, -row->high);
				numbers = after(numbers, text);
			}
			at = after(numbers, "<pre><code>");
			if (strncmp(at, shown[f], strlen(shown[f])) || strncmp(at + strlen(shown[f]), "</code>", 7))
				fail_msg("%.200s\nis not\n%s", at, shown[f]);
		}
		assert_null(results_page_figure(&p, n));
		assert_true(lines_are_as_wide(page) > 1);
		check_pictures(&p, n, n, after(at, "</details>"), after(at, "<h2 id=\"rule\">"));
		free(page);
		result_table_release(&p.results);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_safe_in_each),
		cmocka_unit_test(pictures_are_known_by_their_bytes),
		cmocka_unit_test(pictures_are_in_the_page),
		cmocka_unit_test(figures_stand_in_their_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
