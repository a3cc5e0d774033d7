/* What rules need done outside ASCII: white space, lower case and, for PTB, plain punctuation. Bytes misread as
 * U+0080..U+009F become their Windows-1252 characters first, so that their quotes and ellipses are replaced too. Two
 * bytes may become three at most (U+0085 to "...", U+023A to its lower case): with the space that PTB may add after
 * them they are four, and rule_room has no more. */
#include "fold.h"
#include "charset.h"
#include "white.h"

#include <string.h>
#include <utf8proc.h>

/* ASCII text for a character of the PTB form, or NULL. */
static const char *plain(utf8proc_int32_t c)
{
	switch (c) {
	case 0x2018:
	case 0x2019:
	case 0x201A:
	case 0x201B:
	case 0x02BC:
	case 0x00B4: /* typed for an apostrophe */
		return "'";
	case 0x201C:
	case 0x201D:
	case 0x201E:
	case 0x201F:
		return "\"";
	case 0x2010:
	case 0x2011:
		return "-";
	case 0x2026:
		return "...";
	case 0xFFFD: /* an undefined byte of Windows-1252 */
		return " ";
	default:
		return NULL;
	}
}

size_t fold_line(const char *line, size_t n, unsigned how, char *out)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)line;
	size_t o = 0;
	for (size_t i = 0; i < n;) {
		utf8proc_int32_t c;
		const char *text;
		if (s[i] < 0x80) {
			out[o++] = line[i++];
			continue;
		}
		utf8proc_ssize_t k = utf8proc_iterate(s + i, (utf8proc_ssize_t)(n - i), &c);
		if (k <= 0) {
			out[o++] = ' ';
			i++;
			continue;
		}
		i += (size_t)k;
		if (how & FOLD_PTB && c < 0xA0)
			c = (utf8proc_int32_t)cp1252_point((unsigned char)c);
		if (how & FOLD_PTB && (text = plain(c))) {
			size_t len = strlen(text);
			memcpy(out + o, text, len);
			o += len;
		} else if (is_white_point((uint32_t)c)) {
			out[o++] = ' ';
		} else {
			if (how & FOLD_LOWER)
				c = utf8proc_tolower(c);
			o += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)out + o);
		}
	}
	return o;
}

size_t fold_word_char(const char *p, const char *end, int *word)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)p, end - p, &c);
	if (k <= 0) { /* fold_line lets none through */
		*word = 0;
		return 1;
	}
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CO:
		*word = 1;
		break;
	default:
		*word = 0;
	}
	return (size_t)k;
}
