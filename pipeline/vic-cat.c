/* vic-cat: reads streams and shows, checks, counts or exports records; --from reads logits and writes a stream. */
#include "pipeline/cat/cat.h"
#include "pipeline/cat/import.h"
#include "pipeline/formats/npy.h"
#include "pipeline/frame/stage.h"

#include <csv.h>
#include <inttypes.h>
#include <string.h>

enum mode { SHOW_TWIN, SHOW_HEAD, SHOW_CHECK, SHOW_PROVENANCE, SHOW_STATS, SHOW_WORDS };

static struct {
	int mode, to, from, kind, split, dtype, quotes, decimal, header;
	int64_t limit, among, class_axis, labels_from;
	const char *labels, *classes, *name, *array, *labels_array, *label_column, *id_column,
		*name_column, *separator;
	struct opt_many ignore;
} o = { .limit = INT64_MAX, .among = 2, .dtype = DTYPE_F64 };

static const struct opt opts[] = {
	{ "head", 0, OPT_FLAG, &o.mode, NULL, "head, counts and provenance, as JSON, a line a document",
	  .value = SHOW_HEAD },
	{ "check", 'c', OPT_FLAG, &o.mode, NULL, "read all of it, values included; print nothing on stdout",
	  .value = SHOW_CHECK },
	{ "provenance", 'p', OPT_FLAG, &o.mode, NULL, "the stages passed, as a shell pipeline",
	  .value = SHOW_PROVENANCE },
	{ "stats", 's', OPT_FLAG, &o.mode, NULL, "counts of records, tokens, types, splits, classes",
	  .value = SHOW_STATS },
	{ "words", 'w', OPT_FLAG, &o.mode, NULL, "the word table of a stream of text, a line a word",
	  .value = SHOW_WORDS },
	{ "to", 't', OPT_CHOICE, &o.to, NULL, "write the records in this form", .choices = "npy|csv|tsv|pnm",
	  .flags = OPT_NO_DEFAULT },
	{ "from", 'f', OPT_CHOICE, &o.from, NULL, "make a stream of logits from FILE in this form",
	  .choices = "npy|csv|tsv|npz|safetensors", .flags = OPT_NO_DEFAULT },
	{ "kind", 'k', OPT_CHOICE, &o.kind, NULL, "what the numbers of --from are; never guessed",
	  .choices = "logits|probs|p1|confidence|counts", .flags = OPT_NO_DEFAULT },
	{ "labels", 'l', OPT_TEXT, &o.labels, "FILE", "array of the labels (NPY, NPZ), instead of a first column",
	  .flags = OPT_INPUT | OPT_OUTPUT, .reads_with = "from", .writes = "an NPY array" },
	{ "array", 0, OPT_TEXT, &o.array, "NAME", "npz, safetensors: which array is read", .flags = OPT_NAME },
	{ "labels-array", 0, OPT_TEXT, &o.labels_array, "NAME", "the same for the labels", .flags = OPT_NAME },
	{ "class-axis", 0, OPT_INT, &o.class_axis, "N",
	  "arrays: axis of the classes, from 0; each place of the others is a record", .lo = 0, .hi = NPY_MAX_DIMS - 1,
	  .flags = OPT_NO_DEFAULT },
	{ "ignore", 0, OPT_MANY, &o.ignore, "LABEL", "--from: this label means none (255, -100); may be given again",
	  .flags = OPT_NAME },
	{ "labels-from", 0, OPT_INT, &o.labels_from, "N",
	  "--from: the first class's number among the labels (R, MATLAB: 1)", .hi = 1000000 },
	{ "among", 0, OPT_INT, &o.among, "K", "--kind confidence: how many classes the model has", .lo = 2,
	  .hi = 100000 },
	{ "label-column", 0, OPT_TEXT, &o.label_column, "NAME|N",
	  "csv, tsv: column of the labels (default: label, else the first); of any: none, there are no labels",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "id-column", 0, OPT_TEXT, &o.id_column, "NAME|N", "csv, tsv: column of the records' ids, whole numbers",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "name-column", 0, OPT_TEXT, &o.name_column, "NAME|N",
	  "csv, tsv: column of the records' names, any text, which then travel with them",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "separator", 0, OPT_TEXT, &o.separator, "C", "csv: what stands between columns: a character, tab or space",
	  .flags = OPT_NO_DEFAULT | OPT_NAME },
	{ "decimal", 0, OPT_CHOICE, &o.decimal, NULL, "csv, tsv: what stands before the fraction: 0.5 or 0,5",
	  .choices = "point|comma" },
	{ "quotes", 0, OPT_CHOICE, &o.quotes, NULL,
	  "csv: strict as RFC 4180; bare: also a \" inside a field; none: no meaning; backslash: \\\" and \\N",
	  .choices = "strict|bare|none|backslash" },
	{ "header", 0, OPT_FLAG, &o.header, NULL, "csv, tsv: the first row is a header", .value = IMPORT_HEADER_YES,
	  .flags = OPT_NO_DEFAULT },
	{ "no-header", 0, OPT_FLAG, &o.header, NULL, "csv, tsv: the first row is a record", .value = IMPORT_HEADER_NO,
	  .flags = OPT_NO_DEFAULT },
	{ "classes", 0, OPT_TEXT, &o.classes, "A,B,C", "class names for --from (default: the header's, else 0,1,2...)",
	  .flags = OPT_NAME },
	{ "name", 0, OPT_TEXT, &o.name, "TITLE", "title for tables, for --from", .flags = OPT_NAME },
	{ "dtype", 0, OPT_CHOICE, &o.dtype, NULL, "how --from csv and tsv keep numbers", .choices = "f32|f64" },
	{ "split", 0, OPT_CHOICE, &o.split, NULL,
	  "with --from: mark the records so (default: train); else: show only these", .choices = "train|dev|test|extra",
	  .flags = OPT_NO_DEFAULT },
	{ "limit", 'n', OPT_INT, &o.limit, "N", "show at most N records (the rest is still read and checked)", .lo = 0,
	  .hi = INT64_MAX, .flags = OPT_NO_DEFAULT },
	{ 0 },
};

static const char *libraries(void)
{
	return "libcsv 3";
}

static const struct program prog = {
	.name = "vic-cat",
	.summary = "show, check, count and convert streams",
	.operands = "[FILE...]",
	.description =
		"Without an option it prints the text twin of its streams: '#' lines with each\n"
		"document's head and the columns' names, then a line a record: id, split,\n"
		"label, contents and, where names travel, name, separated by tabs. Tokens are\n"
		"shown as they are, text by its words, logits with the digits that bring every\n"
		"value back, images by shape and checksum. Control characters are written \\t,\n"
		"\\n and \\xHH.\n"
		"\n"
		"--to csv and tsv put the label in front: its class name, then a value a class\n"
		"(with a header that names them) or the tokens. --to npy does the same in one\n"
		"array, [records][1 + classes] with the label's number first, or with --labels\n"
		"FILE writes [records][classes] (images: [records][h][w][c]) and the labels\n"
		"into FILE as int64. --to pnm writes raw images as portable pixmaps, one after\n"
		"another.\n"
		"\n"
		"--from reads the same forms, and the arrays of NPZ and safetensors files, and\n"
		"writes a stream of logits. --kind says what the numbers are: logits or\n"
		"probs, a value a class; p1, the probability of the second of two classes;\n"
		"confidence, that of the predicted class, and whether it was right (1 or 0);\n"
		"counts, of votes, which are divided by their sum. Of confidences accuracy, ECE\n"
		"and what else is made from the largest probability have a meaning, the scores\n"
		"over all classes (nll, brier) have none.\n"
		"\n"
		"Tables have the label first, then the values (confidence, right: the other way\n"
		"round). The first row is a header only where it cannot be a record: it names\n"
		"the column label, in any case, and the classes. A label is a class name or,\n"
		"unless classes are named like numbers, its number from 0, also as 1.0; empty\n"
		"or -1 is none. Lines that begin with # and can be no record are passed over,\n"
		"as blank lines are; both are counted. CSV may be gzipped.\n"
		"\n"
		"Arrays may be float16 (kept as f32), float32 or float64, in C or Fortran\n"
		"order: [records][1 + classes], or with --labels [records][classes] or\n"
		"[records][passes][classes]; with --class-axis 1 [n][classes][h][w] and labels\n"
		"[n][h][w] are n*h*w records. Labels are whole numbers (also as floats), bool,\n"
		"text or one-hot rows. A probability that lies outside 0 to 1 by no more than\n"
		"0.001 is clipped, and counted.\n"
		"\n"
		"A stream that is cut or damaged gives exit status 1, whatever the options;\n"
		"--stats, --head, --to npy and --check print nothing before all of it was read.\n"
		"\n"
		"--check also reads models and checkpoints (vic-train), calibration maps\n"
		"(vic-calibrate) and thresholds (vic-conformal): every bit of them is under a\n"
		"checksum.\n"
		"\n"
		"Given a file that is no stream, it (like every program) says what the file\n"
		"is and which program reads it: tables, arrays, images, archives, word vectors,\n"
		"texts.",
	.example =
		"vic-cat mr.tokens | head\n"
		"vic-cat --check mr.text && vic-cat --provenance mr.text\n"
		"vic-cat --from csv --kind probs --classes neg,pos theirs.csv | vic-score",
	.see_also = "vic-split(1), vic-score(1)",
	.opts = opts,
	.min_operands = 0,
	.max_operands = -1,
	.libraries = libraries,
};

/* Options of --from, and with which of its forms each goes. */
enum { OF_TABLES = 1, OF_CSV = 2, OF_ARRAYS = 4, OF_NAMED = 8 };
static const struct {
	const char *name;
	int forms; /* 0: all */
	const char *goes_with;
} of_from[] = {
	{ "kind", 0, NULL },
	{ "classes", 0, NULL },
	{ "name", 0, NULL },
	{ "ignore", 0, NULL },
	{ "among", 0, NULL },
	{ "labels-from", 0, NULL },
	{ "dtype", OF_TABLES, "csv and tsv; an array has its own" },
	{ "label-column", 0, NULL },
	{ "id-column", OF_TABLES, "csv and tsv" },
	{ "name-column", OF_TABLES, "csv and tsv" },
	{ "decimal", OF_TABLES, "csv and tsv" },
	{ "header", OF_TABLES, "csv and tsv" },
	{ "no-header", OF_TABLES, "csv and tsv" },
	{ "separator", OF_CSV, "csv; in tsv it is the tab" },
	{ "quotes", OF_CSV, "csv; tsv knows none" },
	{ "class-axis", OF_ARRAYS, "npy, npz and safetensors" },
	{ "array", OF_NAMED, "npz and safetensors; an NPY file holds one array" },
	{ "labels-array", OF_ARRAYS, "npz and safetensors" },
};

static int forms_of(int from)
{
	switch ((enum import_form)from) {
	case IMPORT_CSV:
		return OF_TABLES | OF_CSV;
	case IMPORT_TSV:
		return OF_TABLES;
	case IMPORT_NPY:
		return OF_ARRAYS;
	case IMPORT_NPZ:
	case IMPORT_SAFETENSORS:
		break;
	}
	return OF_ARRAYS | OF_NAMED;
}

/* The same for options of --from. */
static int refuse_idle_from(const struct stage *st, int from, struct err *err)
{
	for (size_t i = 0; i < sizeof of_from / sizeof *of_from; i++) {
		if (!stage_given(st, of_from[i].name))
			continue;
		if (!from)
			return err_usage(err, "--%s goes with --from", of_from[i].name);
		if (of_from[i].forms && !(forms_of(o.from) & of_from[i].forms))
			return err_usage(err, "--%s goes with %s", of_from[i].name, of_from[i].goes_with);
	}
	if (!from)
		return 0;
	if (!stage_given(st, "kind"))
		return err_usage(err,
				 "--from needs --kind logits, probs, p1, confidence or counts: it is never guessed");
	if (st->n > 1)
		return err_usage(err, "--from takes one file");
	if (o.labels && (forms_of(o.from) & OF_TABLES))
		return err_usage(err, "--labels goes with npy, npz and safetensors; a column of csv and tsv is the "
				      "label (paste -d , LABELS.csv FILE puts one in front)");
	if (o.label_column && !(forms_of(o.from) & OF_TABLES) &&
	    (strcmp(o.label_column, "none") || o.labels || o.labels_array))
		return err_usage(err,
				 o.labels || o.labels_array
					 ? "--label-column none and labels exclude each other"
					 : "--label-column of an array is none, or left out; --labels names a file");
	if (o.labels_array && !o.labels && o.from == IMPORT_NPY)
		return err_usage(err,
				 "--labels-array names an array of an NPZ or safetensors file; give that as --labels");
	if (o.labels_array && !o.labels && (!st->n || !strcmp(stage_operand(st, 0), "-")))
		return err_usage(err, "stdin cannot be read twice, for values and labels; name the file");
	if (stage_given(st, "among") && o.kind != IMPORT_CONFIDENCE)
		return err_usage(err, "--among goes with --kind confidence");
	if ((o.classes || o.labels_from) && o.kind == IMPORT_CONFIDENCE)
		return err_usage(err, "--%s does not go with --kind confidence, which knows right and wrong alone",
				 o.classes ? "classes" : "labels-from");
	return 0;
}

/* Every combination that would have ignored an option. */
static int refuse_idle(const struct stage *st, struct err *err)
{
	int from = stage_given(st, "from"), to = stage_given(st, "to");
	if (from + to + (o.mode != SHOW_TWIN) > 1)
		return err_usage(err,
				 "--from, --to, --head, --check, --provenance, --stats and --words exclude each other");
	if (refuse_idle_from(st, from, err))
		return -1;
	if (o.labels && !to && !from)
		return err_usage(err, "--labels goes with --to npy and --from npy");
	if (o.mode != SHOW_TWIN && stage_given(st, "split"))
		return err_usage(err, "--split goes with the text twin, --to and --from");
	if ((o.mode != SHOW_TWIN || from) && stage_given(st, "limit"))
		return err_usage(err, "--limit goes with the text twin and --to");
	return 0;
}

struct totals {
	/* others: files that are no streams; of these, without checksums */
	uint64_t documents, records, others, unsealed;
	struct pick pick;
	struct stats stats;
	struct export *export;
};

static int show_document(struct totals *t, struct stream_reader *r, struct output *out, struct err *err)
{
	if (t->export)
		return export_document(t->export, r, &t->pick, err);
	switch ((enum mode)o.mode) {
	case SHOW_HEAD:
		return cat_head(r, out, err);
	case SHOW_CHECK:
		return check_document(r, err);
	case SHOW_PROVENANCE:
		return (t->documents && output_write(out, "\n", 1, err)) || cat_provenance(r, out, err) ? -1 : 0;
	case SHOW_STATS:
		return stats_add(&t->stats, r, err);
	case SHOW_WORDS:
		return cat_words(r, out, err);
	case SHOW_TWIN:
		break;
	}
	return cat_twin(r, t->documents + 1, &t->pick, out, err);
}

static int show_file(struct totals *t, const char *path, struct output *out, struct err *err)
{
	struct stream_reader *r;
	int sealed, rc = o.mode == SHOW_CHECK ? check_open(&r, path, &sealed, err) : stream_open(&r, path, err);
	if (rc < 0)
		return -1;
	if (rc) {
		t->others++;
		t->unsealed += !sealed;
		return 0;
	}
	while ((rc = stream_next_document(r, err)) == 1) {
		if (show_document(t, r, out, err)) {
			rc = -1;
			break;
		}
		t->documents++;
		t->records += stream_records(r);
	}
	stream_close(r);
	return rc;
}

static void say_checked(const struct stage *st, const struct totals *t)
{
	char streams[96] = "", others[96] = "";
	if (t->documents || !t->others)
		snprintf(streams, sizeof streams, "%" PRIu64 " record%s in %" PRIu64 " document%s", t->records,
			 t->records == 1 ? "" : "s", t->documents, t->documents == 1 ? "" : "s");
	if (t->others)
		snprintf(others, sizeof others, "%s%" PRIu64 " model%s or map%s", *streams ? ", " : "", t->others,
			 t->others == 1 ? "" : "s", t->others == 1 ? "" : "s");
	stage_say(st, "all right: %s%s", streams, others);
	if (t->unsealed)
		stage_say(st, "%" PRIu64 " of these ha%s no checksums: damage to values would not be seen", t->unsealed,
			  t->unsealed == 1 ? "s" : "ve");
}

static int show_streams(struct stage *st, struct output *out, struct err *err)
{
	struct totals t = { .pick = { .split = stage_given(st, "split") ? o.split : -1, .limit = (uint64_t)o.limit } };
	int rc = 0, n = st->n ? st->n : 1;
	if (stage_given(st, "to"))
		rc = export_open(&t.export, (enum export_form)o.to, o.labels, out, err);
	for (int i = 0; i < n && !rc; i++)
		rc = show_file(&t, stage_operand(st, i), out, err);
	if (!rc && t.export)
		rc = export_finish(t.export, err);
	if (!rc && o.mode == SHOW_STATS)
		rc = stats_print(&t.stats, out, err);
	if (!rc && o.mode == SHOW_CHECK)
		say_checked(st, &t);
	export_close(t.export);
	stats_release(&t.stats);
	return rc;
}

/* What stands between columns; 0: as the reader has it. */
static int parse_separator(char *out, struct err *err)
{
	const char *s = o.separator;
	*out = !s ? 0 : !strcmp(s, "tab") || !strcmp(s, "\\t") ? '\t' : !strcmp(s, "space") ? ' ' : *s;
	if (!s || (*out && (strlen(s) == 1 || *out != *s) && !strchr("\"\r\n", *out)))
		return 0;
	return err_usage(err, "--separator: '%s' is none; give one character (not a quote), tab or space", s);
}

static int import_file(struct stage *st, struct output *out, struct err *err)
{
	struct import im = {
		.form = (enum import_form)o.from,
		.kind = (enum import_kind)o.kind,
		.path = stage_operand(st, 0),
		.labels = o.labels,
		.array = o.array,
		.labels_array = o.labels_array,
		.class_axis = stage_given(st, "class-axis") ? (int)o.class_axis : IMPORT_LAST_AXIS,
		.classes = o.classes,
		.name = o.name,
		.ignore = o.ignore.item,
		.n_ignore = o.ignore.n,
		.among = (int)o.among,
		.labels_from = (int)o.labels_from,
		.label_column = o.label_column,
		.id_column = o.id_column,
		.name_column = o.name_column && strcmp(o.name_column, "none") ? o.name_column : NULL,
		.quotes = (enum row_quotes)o.quotes,
		.decimal_comma = o.decimal,
		.header = o.header,
		.dtype = o.dtype,
		.split = o.split,
	};
	struct import_notes notes = { 0 };
	if (parse_separator(&im.separator, err) || import_stream(&im, st->provenance, out, &notes, err))
		return -1;
	import_say(st, &notes);
	return 0;
}

static int run_cat(struct stage *st, struct err *err)
{
	struct output out;
	int rc;
	if (refuse_idle(st, err) || output_open(&out, "-", err))
		return -1;
	rc = stage_given(st, "from") ? import_file(st, &out, err) : show_streams(st, &out, err);
	rc = rc || output_commit(&out, err) ? -1 : 0;
	output_release(&out);
	opt_many_release(&o.ignore);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_cat);
}
