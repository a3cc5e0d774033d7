/* Tags and references: text is put together at random from pieces whose meaning is known, and so is what html_plain
 * makes of it and what it counts. */
#include "pipeline/base/philox.h"
#include "tokenize/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct made {
	char text[4096], want[4096];
	size_t n, wanted;
	struct html_counts counts;
};

static void add(struct made *m, const char *text, const char *want)
{
	m->n += (size_t)snprintf(m->text + m->n, sizeof m->text - m->n, "%s", text);
	m->wanted += (size_t)snprintf(m->want + m->wanted, sizeof m->want - m->wanted, "%s", want);
}

/* UTF-8 by its definition. */
static void encode(uint32_t c, char *to)
{
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned lead[] = { 0, 0xC0, 0xE0, 0xF0 };
	*to++ = (char)(lead[more] | c >> 6 * more);
	while (more--)
		*to++ = (char)(0x80 | (c >> 6 * more & 0x3F));
	*to = 0;
}

static void a_number(struct made *m, struct rng *r)
{
	static const uint16_t windows[32] = { 0x20AC, 0,      0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
					      0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0,      0x17D,  0,
					      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
					      0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0,      0x17E,  0x178 };
	static const uint32_t most[] = { 0x100, 0x800, 0x10000, 0x110100 },
			      edge[] = { 0,	 1,	 0x7F,	 0x80,	   0x9F,     0xA0,     0xD7FF,
					 0xD800, 0xDFFF, 0xE000, 0x10FFFF, 0x110000, 0xFFFFFFF };
	static const char *const as[] = { "&#%u", "&#x%x", "&#X%X", "&#0%u", "&#x00%X" };
	char text[40], want[8];
	uint32_t c =
		rng_below(r, 4) ? rng_below(r, most[rng_below(r, 4)]) : edge[rng_below(r, sizeof edge / sizeof *edge)];
	uint32_t is = c >= 0x80 && c < 0xA0 ? windows[c - 0x80] : c;
	if (c && !is) /* Windows-1252 has none there */
		return;
	int form = (int)rng_below(r, 5);
	encode(!c || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : is, want);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t n = (size_t)snprintf(text, sizeof text, as[form], c);
#pragma GCC diagnostic pop
	snprintf(text + n, sizeof text - n, "%s", rng_below(r, 3) ? ";" : "");
	add(m, text, want);
	m->counts.references++;
}

static void a_name(struct made *m, struct rng *r)
{
	static const struct {
		const char *name;
		uint32_t point;
	} names[] = { { "amp", '&' },	  { "lt", '<' },	{ "gt", '>' },	      { "quot", '"' },
		      { "apos", '\'' },	  { "nbsp", 0xA0 },	{ "iexcl", 0xA1 },    { "frac34", 0xBE },
		      { "AElig", 0xC6 },  { "THORN", 0xDE },	{ "szlig", 0xDF },    { "eacute", 0xE9 },
		      { "yuml", 0xFF },	  { "lsquo", 0x2018 },	{ "hellip", 0x2026 }, { "euro", 0x20AC },
		      { "brvbar", 0xA6 }, { "thinsp", 0x2009 }, { "hearts", 0x2665 } };
	char text[16], want[8];
	uint32_t k = rng_below(r, sizeof names / sizeof *names);
	snprintf(text, sizeof text, "&%s;", names[k].name);
	encode(names[k].point, want);
	add(m, text, want);
	m->counts.references++;
}

static void a_piece(struct made *m, struct rng *r)
{
	static const char *const tags[] = { "<br />",	       "</p>",	  "<a href=\"x>y\">",
					    "<a title='>\"'>", "<B>",	  "<z9>",
					    "<!-- a > b -->",  "<!---->", "<i a=\"<\">",
					    "<p a = \"b\">",   "<z\">" },
				 *const plain[] = { "a",    "Zebra", "\xC3\xA9", "<3", "< b>",	 "</ >",
						    "<!>",  "&",     "& a;",	 "&;", "&#;",	 "&#x;",
						    "&#xg", "&amp",  "- ;",	 ">",  "\"",	 "<",
						    "<b",   "<!--x", "</",	 "&#", "<b a='", "&a1b2c3d4e5 " },
				 *const unknown[] = { "&foo;", "&Amp;",	    "&nbsP;",	      "&a1;", "&amps;",
						      "&am;",  "&heartsx;", "&abcdefghijkl;", "&yum;" };
	switch (rng_below(r, 6)) {
	case 0:
		add(m, tags[rng_below(r, sizeof tags / sizeof *tags)], " ");
		m->counts.tags++;
		break;
	case 1: {
		/* those from "<" on might begin a tag with what follows: only where text ends */
		const char *p = plain[rng_below(r, 17)];
		add(m, p, p);
		break;
	}
	case 2: {
		const char *p = unknown[rng_below(r, sizeof unknown / sizeof *unknown)];
		add(m, p, p);
		m->counts.unknown++;
		break;
	}
	case 3:
		a_name(m, r);
		break;
	default:
		a_number(m, r);
	}
	const char *gap = (const char *[]){ " ", ",", "g", "\n", "xyz" }[rng_below(r, 5)];
	add(m, gap, gap);
	if (rng_below(r, 40) == 0) { /* the end */
		const char *p = plain[17 + rng_below(r, 7)];
		add(m, p, p);
		m->counts.unknown += 1000; /* marks it */
	}
}

static void pieces_come_out(void **state)
{
	(void)state;
	static struct made m;
	for (uint32_t i = 0; i < 20000; i++) {
		struct rng r;
		struct html_counts c = { 0 };
		memset(&m, 0, sizeof m);
		rng_init(&r, 31, RNG_TEST, i, 0);
		for (int k = (int)rng_below(&r, 12); k >= 0 && m.counts.unknown < 1000; k--)
			a_piece(&m, &r);
		m.counts.unknown %= 1000;
		char *text = malloc(m.n), *out = malloc(m.n); /* no byte more: a sanitizer sees one that is read */
		assert_true(text && out);
		memcpy(text, m.text, m.n);
		size_t n = html_plain(text, m.n, out, &c);
		if (n != m.wanted || memcmp(out, m.want, n))
			fail_msg("'%s' becomes '%.*s', not '%s'", m.text, (int)n, out, m.want);
		if (memcmp(&c, &m.counts, sizeof c))
			fail_msg("'%s': counts differ", m.text);
		/* cut anywhere it is still read to its end, and never longer than it was */
		size_t cut = rng_below(&r, (uint32_t)m.n + 1);
		assert_true(html_plain(text + m.n - cut, cut, out, &c) <= cut);
		assert_true(html_plain(text, cut, out, &c) <= cut);
		free(text);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(pieces_come_out) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
