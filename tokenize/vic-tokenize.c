/* vic-tokenize: a corpus in the form in which it is distributed to a stream of tokens. */
#include "formats.h"
#include "pipeline/base/mem.h"
#include "pipeline/stream/sniff.h"
#include "pipeline/frame/stage.h"
#include "evidence.h"
#include "report.h"

#include <csv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum format { MR, TREC, IMDB, CSV, TSV, FASTTEXT, LINES };

static struct {
	int format, rules, lower, hyphens, encoding, split, header, fine, flush, quotes, html, allow_empty,
		allow_documents;
	const char *asked_by; /* the option of another program that --text-column stands for */
	const char *label_column, *text_column, *name_column, *classes, *output, *separator;
} o = { .format = -1, .lower = 1, .split = -1, .output = "-" };

static const struct opt opts[] = {
	{ "format", 'f', OPT_CHOICE, &o.format, NULL, "how PATH holds texts and labels (must be given)",
	  .choices = "mr|trec|imdb|csv|tsv|fasttext|lines", .flags = OPT_NO_DEFAULT },
	{ "rules", 'r', OPT_CHOICE, &o.rules, NULL, "how a line is split into tokens", .choices = "kim|ptb|whitespace",
	  .flags = OPT_LINE },
	{ "lower", 0, OPT_FLAG, &o.lower, NULL, "lower case (the default)", .value = 1,
	  .flags = OPT_NO_DEFAULT | OPT_LINE },
	{ "cased", 0, OPT_FLAG, &o.lower, NULL, "keep case", .zero = 1, .flags = OPT_NO_DEFAULT | OPT_LINE },
	{ "hyphens", 0, OPT_CHOICE, &o.hyphens, NULL, "ptb: well-known, or well - known", .choices = "keep|split",
	  .flags = OPT_LINE },
	{ "encoding", 'e', OPT_CHOICE, &o.encoding, NULL,
	  "of the input; auto: UTF-8, and cp1252 for bytes that are not", .choices = "auto|utf-8|latin1|cp1252",
	  .flags = OPT_LINE },
	{ "split", 's', OPT_CHOICE, &o.split, NULL, "mark every record so (default: what the format knows, else train)",
	  .choices = "train|dev|test|extra", .flags = OPT_NO_DEFAULT },
	{ "label-column", 0, OPT_TEXT, &o.label_column, "NAME|N", "csv: column of the labels, or none (default: label)",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "text-column", 0, OPT_TEXT, &o.text_column, "NAME|N", "csv: column of the texts (default: text)",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "name-column", 0, OPT_TEXT, &o.name_column, "NAME|N",
	  "csv: column that says which record it is, any text, which then travels with it (default: none)",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "separator", 0, OPT_TEXT, &o.separator, "C",
	  "csv: what stands between columns: a character or tab (default: ,)", .flags = OPT_NO_DEFAULT },
	{ "quotes", 0, OPT_CHOICE, &o.quotes, NULL,
	  "csv: strict is RFC 4180; bare: one inside a field is a character; none: all are; backslash: \\\" and \\N, "
	  "as "
	  "MySQL writes",
	  .choices = "strict|bare|none|backslash" },
	{ "header", 0, OPT_FLAG, &o.header, NULL, "csv, tsv: the first row is a header", .value = HEADER_YES,
	  .flags = OPT_NO_DEFAULT },
	{ "no-header", 0, OPT_FLAG, &o.header, NULL, "csv, tsv: the first row is a record", .value = HEADER_NO,
	  .flags = OPT_NO_DEFAULT },
	{ "classes", 0, OPT_TEXT, &o.classes, "A,B,...", "csv, tsv, fasttext: the class names, in this order",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "fine", 0, OPT_FLAG, &o.fine, NULL, "trec: the 50 fine classes instead of the 6 coarse ones", .value = 1 },
	{ "html", 0, OPT_FLAG, &o.html, NULL,
	  "tags like <br /> are spaces, &amp; and &#39; the characters they stand for", .value = 1, .flags = OPT_LINE },
	{ "allow-empty", 0, OPT_FLAG, &o.allow_empty, NULL, "a PATH without a record: go on, not an error",
	  .flags = OPT_LOCAL, .without = "flush" },
	{ "allow-documents", 0, OPT_FLAG, &o.allow_documents, NULL,
	  "HTML, XML, JSON and SQL are lines of text like others, not an error", .flags = OPT_LOCAL,
	  .without = "flush" },
	{ "asked-by", 0, OPT_TEXT, &o.asked_by, "OPTION", "", .flags = OPT_LOCAL | OPT_HIDDEN },
	{ "flush", 0, OPT_FLAG, &o.flush, NULL,
	  "write every record at once, for interactive use; takes what comes, nothing too", .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &o.output, "FILE", "where the stream goes", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a vicinal stream of tokens" },
	{ 0 },
};

static const char *libraries(void)
{
	static char text[96];
	snprintf(text, sizeof text, "utf8proc %s, libcsv %d.%d.%d", utf8proc_version(),
		 CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
	return text;
}

static const struct program prog = {
	.name = "vic-tokenize",
	.summary = "data sets of text to a stream of tokens",
	.operands = "PATH...",
	.description =
		"Reads the PATHs in order and writes one stream: a record for each text, its\n"
		"tokens joined by single spaces, in UTF-8, with its class and split; ids count\n"
		"from 0.\n"
		"\n"
		"mr: a folder with rt-polarity.neg and rt-polarity.pos, or\n"
		"    rt-polaritydata.tar.gz.\n"
		"trec: files of \"COARSE:fine question\", or the folder with train_5500.label and\n"
		"    TREC_10.label (marked test).\n"
		"imdb: aclImdb, as a folder or .tar.gz; train and test as its folders say,\n"
		"    unsup is extra and without label; <br /> is a line break.\n"
		"csv: RFC 4180 with a header that names label and text, or two columns, or the\n"
		"    columns chosen; every row has as many columns as the first; blank lines\n"
		"    are skipped and counted. A first row of other names that columns of labels\n"
		"    and texts usually have (review,sentiment) must be explained.\n"
		"tsv: label<TAB>text; a first line of two such names is a header.\n"
		"fasttext: __label__NAME text.\n"
		"lines: a text a line, no labels.\n"
		"\n"
		"\"-\" is stdin, for all formats but mr and imdb. There is one record for every\n"
		"line, empty ones included; lines end at LF, a CR before it is dropped, and the\n"
		"last line needs none.\n"
		"\n"
		"csv, tsv and fasttext name their own classes, which are sorted bytewise and\n"
		"must be known before the first record: the tokens of all PATHs are kept in\n"
		"memory until the last is read. With --classes they stream.\n"
		"\n"
		"kim: clean_str of Kim (2014) with plain ( ) ?: what is not A-Za-z0-9(),!?'` is\n"
		"    a space.\n"
		"ptb: the Penn Treebank's rules as GloVe's vocabulary shows them (it 's, do\n"
		"    n't, u.s., 1,000, well-known, ..., --); half of the hyphenated words of MR\n"
		"    and IMDB are not in GloVe: --hyphens split takes them apart.\n"
		"whitespace: split at white space, nothing else.\n"
		"White space is TAB, LF, VT, FF, CR, U+001C-001F, the space and what Unicode\n"
		"adds; kim and ptb take other control characters for it too.\n"
		"\n"
		"Text is normalised to Unicode's form C (not by kim, for which everything but\n"
		"ASCII is a space); characters without width inside words (soft hyphens, zero-\n"
		"width spaces, byte order marks) are dropped. Bytes that Windows-1252 does not\n"
		"define become U+FFFD. All that is counted and reported, as are the records of\n"
		"each split and class, empty ones and those without a label.\n"
		"\n"
		"Refused: what is no text (archives, UTF-16, NUL bytes) or a document (HTML,\n"
		"XML, JSON, JSON lines, SQL, the message that came in place of a download), a\n"
		"PATH without a record, labels that are nearly all different, a first row whose\n"
		"label no other record has; --label-column, --classes, --header or --no-header\n"
		"say that it is meant.",
	.example =
		"vic-tokenize --format mr data/mr | vic-cat --stats\n"
		"vic-tokenize --format csv --label-column stars --text-column 3 \\\n"
		"    --rules ptb a.csv > a.tokens\n"
		"vic-tokenize --format trec --cased data/trec |\n"
		"    vic-embed --random --dim 300 > trec.text",
	.see_also = "vic-embed(1), vic-split(1), vic-cat(1)",
	.opts = opts,
	.min_operands = 1,
	.max_operands = -1,
	.libraries = libraries,
};

static int names_classes(int format)
{
	return format == CSV || format == TSV || format == FASTTEXT;
}

static char separator_of(void)
{
	return !o.separator ? 0 : !strcmp(o.separator, "tab") || !strcmp(o.separator, "\\t") ? '\t' : *o.separator;
}

/* An option that the format would not look at, an operand that it cannot read. */
static int refuse_unused(const struct stage *st, struct err *err)
{
	static const char *const of_csv[] = { "label-column", "text-column", "name-column",
					      "separator", "quotes", "asked-by" };
	static const char *const of_tables[] = { "header", "no-header" };
	int stdins = 0;
	if (o.format < 0)
		return err_usage(err, "--format is missing: mr, trec, imdb, csv, tsv, fasttext or lines");
	for (size_t i = 0; i < sizeof of_csv / sizeof *of_csv; i++)
		if (stage_given(st, of_csv[i]) && o.format != CSV)
			return err_usage(err, "--%s goes with --format csv", of_csv[i]);
	for (int i = 0; i < 2; i++)
		if (stage_given(st, of_tables[i]) && o.format != CSV && o.format != TSV)
			return err_usage(err, "--%s goes with --format csv or tsv", of_tables[i]);
	if (o.allow_documents && o.format < CSV)
		return err_usage(err, "--allow-documents goes with --format csv, tsv, fasttext or lines");
	if (stage_given(st, "hyphens") && o.rules != RULE_PTB)
		return err_usage(err, "--hyphens goes with --rules ptb");
	if (o.fine && o.format != TREC)
		return err_usage(err, "--fine goes with --format trec");
	if (o.classes && !names_classes(o.format))
		return err_usage(err, "--classes goes with --format csv, tsv or fasttext");
	if (o.flush && names_classes(o.format) && !o.classes)
		return err_usage(err, "--flush needs --classes here: without them nothing is written before the end");
	if (o.separator && (strchr("\"\r\n", separator_of()) || (strlen(o.separator) != 1 && separator_of() != '\t')))
		return err_usage(err, "--separator: '%s' is no single character, and not tab", o.separator);
	for (int i = 0; i < st->n; i++)
		stdins += !strcmp(st->operand[i], "-");
	if (stdins && (o.format == MR || o.format == IMDB))
		return err_usage(err, "this format is several files: give the folder or the archive, not -");
	return 0;
}

static int read_operand(struct sink *s, struct labelled *t, const char *path, struct err *err)
{
	const struct columns columns = { o.label_column, o.text_column, o.name_column,
					 (enum csv_header)o.header, separator_of(),
					 (enum row_quotes)o.quotes, o.asked_by };
	switch ((enum format)o.format) {
	case MR:
		return read_mr(s, path, err);
	case TREC:
		return read_trec(s, path, o.fine, err);
	case IMDB:
		return read_imdb(s, path, err);
	case CSV:
		return read_csv(t, path, &columns, err);
	case TSV:
		return read_tsv(t, path, &columns, err);
	case FASTTEXT:
		return read_fasttext(t, path, err);
	case LINES:
		return read_lines(s, path, err);
	}
	return err_usage(err, "--format: no such format");
}

/* The classes: the format's own, or those found, which are then settled. */
struct names {
	const char *const *name;
	char **found; /* owned */
	int n;
};

static int begin_output(struct sink *s, struct labelled *t, struct output *out, struct names *names,
			const struct stage *st, struct err *err)
{
	static const char *const titles[] = { [MR] = "MR", [TREC] = "TREC", [IMDB] = "IMDB", [LINES] = NULL };
	struct stream_head head = { .kind = STREAM_TOKENS, .names = o.name_column != NULL };
	int rc;
	if (names_classes(o.format)) {
		if (labelled_classes(t, &names->found, &names->n, err))
			return -1;
		names->name = (const char *const *)names->found;
	} else if (o.format == TREC) {
		names->name = o.fine ? trec_fine : trec_coarse;
		names->n = o.fine ? TREC_FINE : TREC_COARSE;
	} else if (o.format != LINES) {
		names->name = polarity_classes;
		names->n = 2;
	}
	rc = stream_head_classes(&head, names->n, names->name, err);
	if (!rc && !names_classes(o.format) && titles[o.format])
		rc = mem_text(&head.name, titles[o.format], strlen(titles[o.format]), err);
	if (!rc)
		rc = sink_begin(s, out, &head, st->provenance, err);
	stream_head_release(&head);
	return rc;
}

static int tokenise(struct stage *st, struct sink *s, struct labelled *t, struct output *out, struct names *names,
		    struct err *err)
{
	static const char *const own_kind[] = { [MR] = "tar",  [TREC] = "TREC",		[IMDB] = "tar", [CSV] = "CSV",
						[TSV] = "TSV", [FASTTEXT] = "fastText", [LINES] = "" };
	int late = names_classes(o.format) && !o.classes;
	if (o.classes && labelled_give(t, o.classes, err))
		return -1;
	if (!late && begin_output(s, t, out, names, st, err))
		return -1;
	for (int i = 0; i < st->n; i++) {
		uint64_t before = s->n + t->n, headers = t->headers;
		if (read_operand(s, t, st->operand[i], err))
			return sniff_explain(st->operand[i], own_kind[o.format], err);
		if (s->n + t->n == before && !o.allow_empty && !o.flush)
			return err_set(err, "%s: holds %s; --allow-empty goes on",
				       strcmp(st->operand[i], "-") ? st->operand[i] : "stdin",
				       t->headers > headers ? "a header and no record" : "no record");
	}
	if (names_classes(o.format) && evidence_check(t, err))
		return -1;
	if (late && (begin_output(s, t, out, names, st, err) || labelled_drain(t, err)))
		return -1;
	return stream_finish(s->writer, err) || output_commit(out, err) ? -1 : 0;
}

static int run_tokenize(struct stage *st, struct err *err)
{
	struct sink s = { .decoder.charset = (enum charset)o.encoding, .flush = o.flush, .split = o.split };
	struct labelled t;
	struct names names = { 0 };
	struct output out;
	int rc = -1;
	if (refuse_unused(st, err) || labelled_init(&t, &s, err))
		return -1;
	s.html = o.html;
	s.documents = o.allow_documents || o.flush ? "" : o.format < CSV ? NULL : "--allow-documents";
	t.header_said = o.header != HEADER_AUTO || o.format == FASTTEXT;
	t.null_said = o.quotes == ROW_QUOTES_NONE;
	t.label_said = o.label_column != NULL || o.format == FASTTEXT;
	rule_table(&s.rules, (enum rule)o.rules, o.lower);
	s.rules.split_hyphens = o.hyphens;
	if (!output_open(&out, o.output, err)) {
		rc = tokenise(st, &s, &t, &out, &names, err);
		output_release(&out);
	}
	if (!rc) {
		report_sink(st, &s, names.name, names.n);
		report_labelled(st, &t);
	}
	free(names.found);
	labelled_release(&t);
	sink_release(&s);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_tokenize);
}
