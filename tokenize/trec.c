/* TREC's questions (Li and Roth 2002). The class tables are fixed and in bytewise order, so that a class has one
 * number whichever files are read. */
#include "formats.h"
#include "lines.h"
#include "white.h"
#include "pipeline/files/io.h"

#include <stdlib.h>
#include <string.h>

const char *const trec_coarse[TREC_COARSE] = { "ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM" };
/* The 50 classes of train_5500.label; TREC_10.label has 42 of them. */
const char *const trec_fine[TREC_FINE] = {
	"ABBR:abb",	 "ABBR:exp",	 "DESC:def",	"DESC:desc",	 "DESC:manner",	 "DESC:reason",	 "ENTY:animal",
	"ENTY:body",	 "ENTY:color",	 "ENTY:cremat", "ENTY:currency", "ENTY:dismed",	 "ENTY:event",	 "ENTY:food",
	"ENTY:instru",	 "ENTY:lang",	 "ENTY:letter", "ENTY:other",	 "ENTY:plant",	 "ENTY:product",
	"ENTY:religion",
	"ENTY:sport",	 "ENTY:substance", "ENTY:symbol", "ENTY:techmeth", "ENTY:termeq", "ENTY:veh",	 "ENTY:word",
	"HUM:desc",	 "HUM:gr",	 "HUM:ind",	"HUM:title",	 "LOC:city",	 "LOC:country",	 "LOC:mount",
	"LOC:other",	 "LOC:state",	 "NUM:code",	"NUM:count",	 "NUM:date",	 "NUM:dist",	 "NUM:money",
	"NUM:ord",	 "NUM:other",	 "NUM:perc",	"NUM:period",	 "NUM:speed",	 "NUM:temp",	 "NUM:volsize",
	"NUM:weight",
};

static const char *const files[] = { "train_5500.label", "TREC_10.label" };

static int find_class(const char *const *names, int n, const char *name, size_t len)
{
	for (int i = 0; i < n; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return i;
	return -1;
}

/* `COARSE:fine question`: the label, and where the question begins. The fine class must be one of TREC's also where
 * the coarse one is taken: else it is the question's first word. -1 when the line is not of that form. */
static int label_of(const char *line, size_t len, int fine, size_t *text, struct err *err)
{
	size_t n = word_length(line, len);
	const char *colon = memchr(line, ':', n);
	if (!colon || n == len)
		return err_set(err, "does not begin with a TREC class and a space (\"NUM:count How many\"): \"%.*s\"",
			       (int)(len < 40 ? len : 40), line);
	int number = find_class(trec_fine, TREC_FINE, line, n);
	if (number < 0)
		return err_set(err, "\"%.*s\" is none of TREC's %d classes (\"NUM:count\")", (int)(n < 40 ? n : 40),
			       line, TREC_FINE);
	*text = n;
	return fine ? number : find_class(trec_coarse, TREC_COARSE, line, (size_t)(colon - line));
}

static int read_file(struct sink *s, const char *path, int fine, struct err *err)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *line;
	int split = !strcmp(base, files[1]) ? SPLIT_TEST : !strcmp(base, files[0]) ? SPLIT_TRAIN : -1, got, label;
	struct lines l;
	size_t len, text = 0;
	if (lines_open(&l, path, s, err))
		return -1;
	while ((got = lines_next(&l, &line, &len, err)) == 1) {
		label = label_of(line, len, fine, &text, err);
		if (label < 0)
			got = place_context(&l.at, err);
		else if (sink_put(s, &l.at, line + text, len - text, label, split, err))
			got = -1;
		if (got < 0)
			break;
	}
	s->returns += l.returns;
	lines_release(&l);
	return got;
}

int read_trec(struct sink *s, const char *path, int fine, struct err *err)
{
	int is_folder = strcmp(path, "-") ? path_is_folder(path, err) : 0, rc = 0;
	if (is_folder < 0)
		return -1;
	if (!is_folder)
		return read_file(s, path, fine, err);
	for (int i = 0; i < 2 && !rc; i++) {
		char *file;
		if (path_below(&file, path, files[i], err))
			return -1;
		rc = io_regular(file, err) || read_file(s, file, fine, err) ? -1 : 0;
		free(file);
	}
	return rc;
}
