/* Tags and character references (HTML 4.01, section 24, without its mathematics). No character in UTF-8 is longer than
 * the reference that names it. */
#include "html.h"
#include "charset.h"

#include <string.h>
#include <utf8proc.h>

enum { NAME_ROOM = 8 };

/* U+00A0 to U+00FF. */
static const char latin[96][NAME_ROOM] = {
	"nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo",
	"not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot",
	"cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",
	"Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute",
	"Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash",
	"Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde",
	"auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc",
	"iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave",
	"uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
};

static const struct {
	char name[NAME_ROOM];
	uint32_t point;
} others[] = {
	{ "amp", '&' },	     { "lt", '<' },	  { "gt", '>' },       { "quot", '"' },	    { "apos", '\'' },
	{ "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "sbquo", 0x201A }, { "ldquo", 0x201C }, { "rdquo", 0x201D },
	{ "bdquo", 0x201E }, { "ndash", 0x2013 }, { "mdash", 0x2014 }, { "hellip", 0x2026 }, { "bull", 0x2022 },
	{ "euro", 0x20AC },  { "trade", 0x2122 }, { "OElig", 0x152 },  { "oelig", 0x153 },  { "Scaron", 0x160 },
	{ "scaron", 0x161 }, { "Yuml", 0x178 },	  { "fnof", 0x192 },   { "circ", 0x2C6 },   { "tilde", 0x2DC },
	{ "ensp", 0x2002 },  { "emsp", 0x2003 },  { "thinsp", 0x2009 }, { "zwnj", 0x200C }, { "zwj", 0x200D },
	{ "lrm", 0x200E },   { "rlm", 0x200F },	  { "dagger", 0x2020 }, { "permil", 0x2030 }, { "prime", 0x2032 },
	{ "lsaquo", 0x2039 }, { "rsaquo", 0x203A }, { "hearts", 0x2665 },
};

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The bytes of the tag or comment at p, or 0. A tag ends at its first > outside quotes. */
static size_t tag_at(const char *p, const char *end)
{
	const char *q = p + 1;
	if (end - p >= 4 && !memcmp(p, "<!--", 4)) {
		const char *stop = memmem(p + 4, (size_t)(end - p - 4), "-->", 3);
		return stop ? (size_t)(stop + 3 - p) : 0;
	}
	if (q < end && *q == '/')
		q++;
	if (q == end || !is_letter(*q))
		return 0;
	for (char quote = 0; q < end; q++) {
		if (quote)
			quote = *q == quote ? 0 : quote;
		else if (*q == '>')
			return (size_t)(q + 1 - p);
		else if (*q == '<')
			return 0;
		else if ((*q == '"' || *q == '\'') && q[-1] == '=')
			quote = *q;
	}
	return 0;
}

/* The value of &#39; or &#x27; with its bytes, of which the semicolon is one where it is there; 0: none. */
static size_t number_at(const char *p, const char *end, uint32_t *point)
{
	int hex = end - p > 2 && (p[2] == 'x' || p[2] == 'X');
	const char *q = p + 2 + hex, *first = q;
	uint32_t c = 0;
	for (; q < end; q++) {
		int digit = is_digit(*q)			      ? *q - '0'
			    : hex && (*q | 0x20) >= 'a' && (*q | 0x20) <= 'f' ? (*q | 0x20) - 'a' + 10
							      : -1;
		if (digit < 0)
			break;
		c = c < 0x1000000 ? c * (hex ? 16 : 10) + (uint32_t)digit : c;
	}
	if (q == first)
		return 0;
	*point = c >= 0x80 && c < 0xA0 ? cp1252_point((unsigned char)c) : c;
	if (!c || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		*point = 0xFFFD;
	return (size_t)(q - p) + (size_t)(q < end && *q == ';');
}

static size_t reference_at(const char *p, const char *end, uint32_t *point)
{
	const char *q = p + 1;
	if (end - p > 2 && *q == '#')
		return number_at(p, end, point);
	while (q < end && q - p < NAME_ROOM && (is_letter(*q) || is_digit(*q)))
		q++;
	size_t n = (size_t)(q - p - 1);
	if (!n || q == end || *q != ';')
		return 0;
	for (size_t i = 0; i < 96; i++)
		if (strlen(latin[i]) == n && !memcmp(latin[i], p + 1, n)) {
			*point = 0xA0 + (uint32_t)i;
			return n + 2;
		}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strlen(others[i].name) == n && !memcmp(others[i].name, p + 1, n)) {
			*point = others[i].point;
			return n + 2;
		}
	return 0;
}

/* name; whatever the name. */
static int looks_like_reference(const char *p, const char *end)
{
	const char *q = p;
	while (q < end && (is_letter(*q) || is_digit(*q)))
		q++;
	return q > p && q < end && *q == ';';
}

size_t html_plain(const char *text, size_t n, char *out, struct html_counts *c)
{
	const char *p = text, *end = text + n;
	size_t o = 0, k;
	while (p < end) {
		uint32_t point;
		if (*p == '<' && (k = tag_at(p, end))) {
			out[o++] = ' ';
			c->tags++;
			p += k;
		} else if (*p == '&' && (k = reference_at(p, end, &point))) {
			o += (size_t)utf8proc_encode_char((utf8proc_int32_t)point, (utf8proc_uint8_t *)out + o);
			c->references++;
			p += k;
		} else {
			c->unknown += *p == '&' && looks_like_reference(p + 1, end);
			out[o++] = *p++;
		}
	}
	return o;
}
