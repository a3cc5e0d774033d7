/* Any bytes as a table of vic-reliability: refused, or turned into a script in which every text is closed on its line,
 * so that no name can become a command of gnuplot's. */
#include "eval/show/plot.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every text of line[0..n) ends on it: one in single quotes, or a single quote in double ones ("'"), and nothing else
 * between double quotes. */
static int is_closed(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *end;
		if (line[i] == '"') {
			if (n - i < 3 || line[i + 1] != '\'' || line[i + 2] != '"')
				return 0;
			i += 2;
		} else if (line[i] == '\'') {
			if (!(end = memchr(line + i + 1, '\'', n - i - 1)))
				return 0;
			i = (size_t)(end - line);
		}
	}
	return 1;
}

/* Texts are closed on every line, and after the data no line begins with anything but these words. */
static void check(const char *script)
{
	static const char *const words[] = { "set ", "unset ", "plot ", "$g", "EOD" };
	int in_data = 0;
	for (const char *line = script; *line;) {
		size_t n = strcspn(line, "\n"), known = 0;
		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			known |= !strncmp(line, words[w], strlen(words[w]));
		if (!is_closed(line, n) || (!known && !in_data) || (in_data && strspn(line, "0123456789+-.e? EOD") < n))
			abort();
		if (n > 7 && !memcmp(line + n - 7, " << EOD", 7))
			in_data = 1;
		else if (n == 3 && !memcmp(line, "EOD", 3))
			in_data = 0;
		line += n + (line[n] == '\n');
	}
	if (in_data)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plot_table t;
	struct err err = ERR_NONE;
	const struct plot_look look = { .title = "a 'title'", .panel = 300, .scale = 2 };
	char *text = malloc(size + 1), *script = NULL;
	size_t len;
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	if (!plot_read(&t, "fuzz", text, size, &err)) {
		FILE *to = open_memstream(&script, &len);
		if (!to)
			abort();
		plot_script(&t, &look, to);
		if (fclose(to))
			abort();
		check(script);
		free(script);
		plot_release(&t);
	} else if (!err.msg[0]) {
		abort();
	}
	free(text);
	return 0;
}
