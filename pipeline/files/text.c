/* Escaping. text_clean defines what may be shown: bytes by kind_of and the form's mask, longer characters by
 * is_hidden. stand_in escapes the character at which text_clean stopped, and text_restore undoes that: change the
 * three together. UTF-8 is judged by Unicode's table 3-7, well-formed byte sequences. */
#include "text.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"

#include <stdlib.h>
#include <string.h>

/* What a byte may be: to be looked at in every form, in TEXT_NAME and TEXT_WORD, in TEXT_WORD. */
enum { LOOK = 1, SLASH = 2, SPACE = 4 };
static const unsigned char mask_of[] = {
	[TEXT_SHOWN] = LOOK, [TEXT_MESSAGE] = LOOK, [TEXT_NAME] = LOOK | SLASH, [TEXT_WORD] = LOOK | SLASH | SPACE
};
static const unsigned char kind_of[256] = {
	[0 ... 31] = LOOK, [' '] = SPACE, ['\\'] = SLASH, [127 ... 255] = LOOK,
};

size_t text_character(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	if (!n)
		return 0;
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
	    (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return len;
}

int text_is_utf8(const char *text, size_t n)
{
	for (size_t at = 0, len; at < n; at += len) {
		len = (unsigned char)text[at] < 0x80 ? 1 : text_character(text + at, n - at);
		if (!len)
			return 0;
	}
	return 1;
}

/* Characters of more than a byte that may not be shown. */
static int is_hidden(const unsigned char *p, size_t len)
{
	if (len == 2)
		return (p[0] == 0xC2 && p[1] < 0xA0) || (p[0] == 0xD8 && p[1] == 0x9C);
	if (len != 3 || p[0] != 0xE2)
		return 0;
	return (p[1] == 0x80 && (p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE))) ||
	       (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xAF);
}

/* Letters that show nothing, or pass for a space. */
static int is_invisible(const unsigned char *p, size_t len)
{
	static const char *const is[] = { "\xC2\xA0",	 "\xC2\xAD",     "\xE2\x80\x87", "\xE2\x80\x8B", "\xE2\x80\x8C",
					  "\xE2\x80\x8D", "\xE2\x80\xAF", "\xE2\x81\xA0", "\xEF\xBB\xBF" };
	for (size_t i = 0; i < sizeof is / sizeof *is; i++)
		if (strlen(is[i]) == len && !memcmp(is[i], p, len))
			return 1;
	return 0;
}

size_t text_clean(const char *text, size_t n, enum text_form form)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char mask = mask_of[form];
	for (size_t i = 0; i < n;) {
		if (!(kind_of[p[i]] & mask)) {
			i++;
			continue;
		}
		size_t len = p[i] < 0x80 ? 0 : text_character(text + i, n - i);
		if (!len || is_hidden(p + i, len) || (form == TEXT_MESSAGE && is_invisible(p + i, len)))
			return i;
		i += len;
	}
	return n;
}

/* What stands for the character at text, which is not clean: writes it to `as` and says how many bytes it takes the
 * place of. */
static size_t stand_in(const char *text, size_t n, char as[16], size_t *as_len)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)*text;
	size_t len = text_character(text, n), bytes = len ? len : 1;
	char letter = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\\' ? '\\' : 0;
	*as_len = 0;
	if (letter) {
		as[(*as_len)++] = '\\';
		as[(*as_len)++] = letter;
		return 1;
	}
	for (size_t i = 0; i < bytes; i++) {
		c = (unsigned char)text[i];
		const char one[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
		memcpy(as + *as_len, one, 4);
		*as_len += 4;
	}
	return bytes;
}

void text_put_part(FILE *to, const char *text, size_t n, enum text_form form)
{
	while (n) {
		size_t clean = text_clean(text, n, form), len;
		char as[16];
		fwrite(text, 1, clean, to);
		text += clean;
		n -= clean;
		if (!n)
			break;
		size_t taken = stand_in(text, n, as, &len);
		fwrite(as, 1, len, to);
		text += taken;
		n -= taken;
	}
}

void text_put(FILE *to, const char *text, enum text_form form)
{
	text_put_part(to, text, strlen(text), form);
}

int text_write(struct output *out, const char *text, size_t n, enum text_form form, struct err *err)
{
	while (n) {
		size_t clean = text_clean(text, n, form), len;
		char as[16];
		if (output_write(out, text, clean, err))
			return -1;
		text += clean;
		n -= clean;
		if (!n)
			break;
		size_t taken = stand_in(text, n, as, &len);
		if (output_write(out, as, len, err))
			return -1;
		text += taken;
		n -= taken;
	}
	return 0;
}

int text_escape(char **out, const char *text, enum text_form form, struct err *err)
{
	size_t n = strlen(text);
	struct memtext m;
	*out = NULL;
	if (text_clean(text, n, form) == n)
		return mem_text(out, text, n, err);
	if (memtext_open(&m, err))
		return -1;
	text_put_part(m.to, text, n, form);
	return memtext_close(&m, out, NULL, err);
}

void text_vprint(FILE *to, const char *fmt, va_list args)
{
	char small[1024], *text = small;
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(small, sizeof small, fmt, args);
	if (n >= (int)sizeof small && (text = malloc((size_t)n + 1)))
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	text_put(to, text ? text : small, TEXT_MESSAGE);
	if (!text) /* no memory for all of it: the cut shows */
		fputs("...", to);
	if (text != small)
		free(text);
}

char *text_field(char **at, char separator)
{
	char *field = *at;
	if (field && (*at = strchr(field, separator)))
		*(*at)++ = 0;
	return field;
}

void text_roff(FILE *to, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			fputs("\\e", to);
		else if (*p == '-')
			fputs("\\-", to);
		else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
			fprintf(to, "\\&%c", *p);
		else if (*p == '\n' && p[1] == '\n') {
			fputs("\n.PP\n", to);
			p++;
		} else
			fputc(*p, to);
	}
}

static int digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

void text_restore(char *text)
{
	char *from = strchr(text, '\\'), *to = from;
	while (from && *from) {
		if (*from == '\\' && (from[1] == 't' || from[1] == 'n' || from[1] == '\\')) {
			*to++ = from[1] == 't' ? '\t' : from[1] == 'n' ? '\n' : '\\';
			from += 2;
		} else if (*from == '\\' && from[1] == 'x' && digit(from[2]) >= 0 && digit(from[3]) >= 0 &&
			   digit(from[2]) + digit(from[3])) {
			*to++ = (char)(16 * digit(from[2]) + digit(from[3]));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	if (to)
		*to = 0;
}

int text_drop_bom(const char **text, size_t *n, uint64_t *boms, struct err *err)
{
	if (*n >= 3 && !memcmp(*text, "\xEF\xBB\xBF", 3)) {
		*text += 3;
		*n -= 3;
		++*boms;
	}
	if (*n >= 2 && (!memcmp(*text, "\xFF\xFE", 2) || !memcmp(*text, "\xFE\xFF", 2)))
		return err_set(err, "is UTF-16; recode it first: iconv -f UTF-16 -t UTF-8");
	return 0;
}

int text_no_nul(const char *text, size_t n, struct err *err)
{
	return n && memchr(text, 0, n)
		       ? err_set(err,
				 "holds a NUL byte: is it UTF-16 (iconv -f UTF-16 -t UTF-8 recodes it) or no text at "
				 "all? (tr -d '\\0' drops them)")
		       : 0;
}
