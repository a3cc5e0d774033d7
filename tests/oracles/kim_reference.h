/* kim_reference: clean_str as it is written, one substitution after another over the whole text. Slow, and nothing
 * in common with tokenize/rules.c; for the unit test and the fuzzer. */
#ifndef VIC_KIM_REFERENCE_H
#define VIC_KIM_REFERENCE_H

#include <stdlib.h>
#include <string.h>

/* Every `from`, left to right, becomes `to`. Takes and gives malloc'ed text of *n bytes. */
static char *kim_sub(char *text, size_t *n, const char *from, const char *to)
{
	size_t k = strlen(from), m = strlen(to), o = 0;
	char *out = malloc(*n * 3 + 1); /* no replacement is more than three times as long */
	for (size_t i = 0; i < *n;) {
		if (*n - i >= k && !memcmp(text + i, from, k)) {
			memcpy(out + o, to, m);
			o += m;
			i += k;
		} else {
			out[o++] = text[i++];
		}
	}
	free(text);
	*n = o;
	return out;
}

static char *kim_reference(const char *line, size_t len, int lower, size_t *n)
{
	static const char *const subs[][2] = {
		{ "'s", " 's" }, { "'ve", " 've" }, { "n't", " n't" }, { "'re", " 're" }, { "'d", " 'd" },
		{ "'ll", " 'll" },
		{ ",", " , " },	 { "!", " ! " },    { "(", " ( " },    { ")", " ) " },	  { "?", " ? " },
	};
	static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789(),!?'`";
	char *text = malloc(len + 1);
	size_t before;
	*n = len;
	for (size_t i = 0; i < len; i++)
		text[i] = line[i] && strchr(kept, line[i]) ? line[i] : ' ';
	for (size_t i = 0; i < sizeof subs / sizeof *subs; i++)
		text = kim_sub(text, n, subs[i][0], subs[i][1]);
	do { /* \s{2,} to one space, by halves */
		before = *n;
		text = kim_sub(text, n, "  ", " ");
	} while (*n != before);
	while (*n && text[*n - 1] == ' ')
		--*n;
	if (*n && text[0] == ' ')
		memmove(text, text + 1, --*n);
	for (size_t i = 0; lower && i < *n; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] + 32);
	return text;
}

#endif
