/* vic-predict: a model and records in, logits out; or lines of text in, lines of labels out. */
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/memtext.h"
#include "pipeline/frame/marks.h"
#include "pipeline/frame/progress.h"
#include "pipeline/frame/stage.h"
#include "models/predict/calibrated.h"
#include "models/predict/filemode.h"
#include "models/predict/predictor.h"
#include "models/predict/textmode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *device, *split, *output, *name, *map, *column, *separator;
	int64_t threads, mc_dropout, top_k, seed;
	int text, header, files, fit, precision;
} o = { .device = "auto", .output = "-", .top_k = 1, .seed = 1, .precision = PRECISION_TF32 };

static const struct opt opts[] = {
	{ "split", 0, OPT_TEXT, &o.split, "NAME", "predict only records marked train, dev, test or extra; default: all",
	  .flags = OPT_NO_DEFAULT },
	{ "mc-dropout", 0, OPT_INT, &o.mc_dropout, "N",
	  "N passes with dropout on, all of them in the stream; 0: one without", .lo = 0, .hi = 10000 },
	{ "seed", 's', OPT_INT, &o.seed, "N", "seed of the dropped features", .lo = 0, .hi = INT64_MAX,
	  .with = "mc-dropout" },
	{ "text", 0, OPT_FLAG, &o.text, NULL, "read lines of plain text, write label and probability, a line for each",
	  .flags = 0 },
	{ "column", 0, OPT_TEXT, &o.column, "NAME|N",
	  "with --text: of a CSV table, the column of the texts, by name or number from 1", .flags = OPT_NAME,
	  .with = "text" },
	{ "separator", 0, OPT_TEXT, &o.separator, "C",
	  "what stands between its columns: a character or tab (default: ,)", .flags = OPT_NO_DEFAULT,
	  .with = "column" },
	{ "header", 0, OPT_FLAG, &o.header, NULL, "its first row is a header", .value = TEXT_HEADER, .with = "column" },
	{ "no-header", 0, OPT_FLAG, &o.header, NULL, "its first row is a text", .value = TEXT_NO_HEADER,
	  .with = "column" },
	{ "files", 0, OPT_FLAG, &o.files, NULL,
	  "read pictures, or folders of them; write name, label and probability, a line for each", .flags = 0 },
	{ "resize", 0, OPT_CHOICE, &o.fit, NULL,
	  "with --files, where the model does not say how pictures come to its size: cut to shape, or stretch",
	  .choices = "none|crop|stretch", .with = "files" },
	{ "top-k", 0, OPT_INT, &o.top_k, "K", "with --text or --files: the K likeliest labels; 0: all", .lo = 0,
	  .hi = STREAM_MAX_CLASSES, .with = "text|files" },
	{ "map", 0, OPT_TEXT, &o.map, "FILE", "apply this calibration map (vic-calibrate) to every answer",
	  .flags = OPT_INPUT },
	{ "name", 0, OPT_TEXT, &o.name, "TITLE", "title of the logits in tables; default: from the model's options",
	  .flags = OPT_NO_DEFAULT | OPT_NAME, .without = "text|files" },
	{ "device", 0, OPT_TEXT, &o.device, "DEVICE", "auto, cpu, ref, cuda or cuda:N", .flags = 0 },
	{ "precision", 0, OPT_CHOICE, &o.precision, NULL, PRECISION_HELP, .choices = PRECISION_CHOICES },
	{ "threads", 0, OPT_INT, &o.threads, "N", "threads; 0: as many as there are; never changes a result", .lo = 0,
	  .hi = 1024, .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &o.output, "FILE", "where the logits go", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a vicinal stream of logits" },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-predict",
	.summary = "logits of a model for a stream of records, or labels for texts or pictures",
	.operands = "MODEL [RECORDS...]",
	.description =
		"Reads what the model was trained on, and writes a stream of logits with the\n"
		"records' ids, labels and splits. Classes are matched by name; a record without\n"
		"a label stays without. MODEL may be a checkpoint of vic-train: its weights are\n"
		"the best so far, or the last where no dev records judge.\n"
		"\n"
		"Text (or tokens): words are matched by their letters; a word that the model\n"
		"never saw takes the vector that the stream brings, and zeros where it brings\n"
		"none.\n"
		"\n"
		"Images: bytes or floats (vic-images, vic-perturb) of the size and channels\n"
		"that the model was trained on; a model trained with --crop takes the middle of\n"
		"larger ones. JPEG records are for a model that was trained on such, and are\n"
		"brought to the size that its were.\n"
		"\n"
		"With --text, RECORDS is plain text: each line is tokenised as the training\n"
		"data was (by vic-tokenize, with the options kept in the model) and answered at\n"
		"once with LABEL<TAB>PROBABILITY, best first for --top-k. With --column it is\n"
		"CSV, read as vic-tokenize --format csv reads it, and each row is answered.\n"
		"\n"
		"With --files, RECORDS are pictures (JPEG, PNG, WebP, TIFF, BMP), folders of\n"
		"them, or - for a list of names on stdin, a name a line. They are decoded and\n"
		"resized as the training pictures were (by vic-images, with the options kept in\n"
		"the model); a model of other records (CIFAR, IDX, ...) needs --resize. Of\n"
		"several pages or frames the first is answered, and that is said. Each is\n"
		"answered with NAME<TAB>LABEL<TAB>PROBABILITY, a folder's in the order of their\n"
		"names. One that does not decode is named on stderr; when all others are\n"
		"answered the status is 1. A name that is not there ends the run before the\n"
		"first answer.\n"
		"\n"
		"With --map, answers are calibrated: lines of --text and --files hold the map's\n"
		"probabilities, and the stream is what vic-calibrate --apply would make of the\n"
		"logits: float64 logits, or probabilities of a map that gives them, one a\n"
		"record (passes of --mc-dropout are averaged). A map of other classes is\n"
		"refused, and so are records that it was fitted on.",
	.example =
		"vic-predict mixup.model < mr.text | vic-score\n"
		"vic-predict --mc-dropout 10 --split test resnet20.model cifar10.vic \\\n"
		"    > mc.logits\n"
		"echo 'a gorgeous , witty film' | vic-predict --text mixup.model\n"
		"vic-predict --text --column review --separator ';' mixup.model new.csv\n"
		"vic-predict --files --top-k 3 photos.model holiday/*.jpg album\n"
		"vic-predict mixup.model mr.text | vic-calibrate --split dev > mr.map\n"
		"echo 'a gorgeous , witty film' | vic-predict --text --map mr.map mixup.model",
	.see_also = "vic-train(1), vic-score(1), vic-calibrate(1), vic-tokenize(1),\n"
		    "vic-images(1)",
	.opts = opts,
	.about = device_print,
	.min_operands = 1,
	.max_operands = -1,
	.stream_operand = 2,
};

/* "kimcnn --mixup=0.4": the model's name and what its training was asked that concerns the method. */
static int title_of(const struct model *m, char **title, struct err *err)
{
	const json_t *last = json_array_get(m->provenance, json_array_size(m->provenance) - 1);
	const char *option;
	size_t i = 0;
	struct memtext mt;
	if (memtext_open(&mt, err))
		return -1;
	fputs(m->net->name, mt.to);
	while ((option = marks_next(last, MARK_METHOD, &i)))
		fprintf(mt.to, " %s", option + 2);
	if (o.mc_dropout)
		fprintf(mt.to, " mc-dropout %" PRId64, o.mc_dropout);
	if (memtext_close(&mt, title, NULL, err))
		return -1;
	for (char *p = *title; *p; p++)
		*p = *p == '=' ? ' ' : *p;
	return 0;
}

static int begin_output(struct stage *st, const struct predictor *p, const struct calibrated *map,
		 const struct stream_reader *r, struct output *out, struct stream_writer **w, struct err *err)
{
	const struct model *m = p->model;
	char *title = NULL;
	struct stream_head head = { .kind = STREAM_LOGITS, .dtype = DTYPE_F32, .values = VALUES_LOGITS,
				    .samples = p->passes ? p->passes : 1 };
	const int names = stream_head_of(r)->names;
	if (o.name ? mem_text(&title, o.name, strlen(o.name), err) : title_of(m, &title, err)) {
		free(title);
		return -1;
	}
	head.name = title;
	if (map) {
		char *named;
		if (mem_printf(&named, err, "%s + %s", title, calmap_method_name(map->file.map.method))) {
			free(title);
			return -1;
		}
		free(title);
		head = (struct stream_head){ .kind = STREAM_LOGITS, .dtype = DTYPE_F64, .samples = 1, .name = named,
					     .values = calibrated_gives_probs(map) ? VALUES_PROBS : VALUES_LOGITS };
	}
	head.names = names;
	json_t *self = jsontext_copy(st->provenance);
	int rc = !self || json_object_set(self, "model", m->provenance) ? err_memory(err) : 0;
	rc = rc || (map && calfile_note(&map->file, self, err));
	rc = rc || stream_head_classes(&head, m->config.classes, (const char *const *)m->classes, err) ||
	     stream_begin(w, out, &head, stream_provenance(r), self, err);
	json_decref(self);
	stream_head_release(&head);
	return rc ? -1 : 0;
}

/* Which records of the block are wanted; NULL in *keep means all. */
static int choose_records(const struct block *b, int split, unsigned char **keep, size_t *cap, struct err *err)
{
	if (split < 0)
		return 0;
	if (mem_grow(keep, cap, b->n, 1, err))
		return -1;
	for (uint32_t i = 0; i < b->n; i++)
		(*keep)[i] = b->split[i] == split;
	return 0;
}

/* The records that the predictor holds, those of b that were kept, as they are or through the map. */
static int put_records(struct predictor *p, struct calibrated *map, const struct block *b, const unsigned char *keep,
		       struct stream_writer *w, struct err *err)
{
	const struct dataset *d = &p->data;
	int samples = p->passes ? p->passes : 1, n = p->model->config.classes;
	size_t values = (size_t)samples * (size_t)n;
	double *to = map ? map->room + 4 * n : NULL;
	uint64_t seen;
	uint32_t from = 0; /* the record's number in b */
	for (size_t i = 0; i < d->n; i++, from++) {
		size_t len;
		while (keep && !keep[from])
			from++;
		const char *name = block_name(b, from, &len);
		const float *logits = p->logits + i * values;
		if (map && (calibrated_apply(map, logits, samples, to, err) ||
			    calibrated_refuse_fitted(map, 0, &seen, err)))
			return -1;
		const void *record = map ? (const void *)to : logits;
		size_t bytes = map ? (size_t)n * sizeof *to : values * sizeof *logits;
		if (stream_add_name(w, name, len, err) ||
		    stream_add(w, d->id[i], d->label[i], d->split[i], record, bytes, err))
			return -1;
	}
	return 0;
}

static int predict_rows(struct predictor *p, const struct stream_reader *r, const struct block *b,
			const unsigned char *keep, struct err *err)
{
	if (!predictor_rows(p, b, keep, err))
		return 0;
	return err->cause == CAUSE_DATA ? err_context(err, "%s", stream_name(r)) : -1;
}

static int document(struct stage *st, struct predictor *p, struct calibrated *map, struct stream_reader *r,
		    struct output *out, int split, uint64_t *done, struct err *err)
{
	struct stream_writer *w = NULL;
	struct block b;
	unsigned char *keep = NULL;
	size_t cap = 0;
	if (predictor_document(p, stream_head_of(r), err))
		return err_context(err, "%s", stream_name(r));
	int rc = begin_output(st, p, map, r, out, &w, err) ? -1 : 1;
	while (rc == 1 && (rc = stream_next_block(r, &b, err)) == 1) {
		if (b.type == BLOCK_WORDS) {
			rc = predictor_words(p, &b, err) ? -1 : 1;
			continue;
		}
		if (choose_records(&b, split, &keep, &cap, err) ||
		    predict_rows(p, r, &b, split < 0 ? NULL : keep, err) ||
		    put_records(p, map, &b, split < 0 ? NULL : keep, w, err))
			rc = -1;
		*done += p->data.n;
	}
	if (!rc)
		rc = stream_finish(w, err);
	stream_writer_free(w);
	free(keep);
	return rc;
}

static int predict(struct stage *st, struct predictor *p, struct calibrated *map, struct err *err)
{
	struct stream_reader *r;
	struct output out = { 0 };
	uint64_t done = 0, seen = 0;
	char text[256] = "";
	int rc, split = o.split ? split_of(o.split) : -1;
	if (o.split && split < 0)
		return err_usage(err, "--split: '%s' is none of train, dev, test, extra", o.split);
	if (!strcmp(o.output, "-") && isatty(STDOUT_FILENO))
		return err_usage(err, "logits are not for a terminal; pipe them into vic-score or use -o FILE");
	if (stream_open(&r, stage_operand(st, 1), err))
		return -1;
	rc = output_open(&out, o.output, err);
	while (!rc && (rc = stream_next_document(r, err)) == 1)
		rc = document(st, p, map, r, &out, split, &done, err);
	stream_close(r);
	if (!rc && split >= 0 && !done)
		rc = err_set(err, "no record is marked %s", o.split);
	if (!rc && map)
		rc = calibrated_refuse_fitted(map, 1, &seen, err);
	rc = rc || output_commit(&out, err);
	output_release(&out);
	if (!rc && map)
		calfile_seen_text(&map->file, seen, text, sizeof text);
	if (*text)
		stage_say(st, "%s", text);
	if (!rc && p->unknown)
		stage_say(st, "%" PRIu64 " of %" PRIu64 " words are not the model's and stand as zeros", p->unknown,
			  p->tokens);
	if (!rc && p->unknown_labels)
		stage_say(st, "%" PRIu64 " records have a label that the model does not know; they count as unlabelled",
			  p->unknown_labels);
	return rc ? -1 : 0;
}

/* What goes together, and what the model must be of. */
static int check_usage(const struct stage *st, const struct model *m, struct err *err)
{
	const char *mode = o.text ? "--text" : "--files";
	int words = m->net->input == NET_WORDS;
	if (o.text && !words)
		return err_usage(err, "--text: %s is a model of images", st->operand[0]);
	if (o.files && words)
		return err_usage(err, "--files: %s is a model of text", st->operand[0]);
	if ((o.text || o.files) && (o.mc_dropout || o.split || stage_given(st, "output")))
		return err_usage(err, "%s goes without --mc-dropout, --split and --output", mode);
	return 0;
}

static int answer(struct stage *st, struct predictor *p, struct calibrated *map, struct err *err)
{
	const struct text_source text = { stage_operand(st, 1), o.column, o.separator, o.header };
	if (o.files)
		return filemode_run(p, map, st->operand + 1, st->n - 1, o.fit, (int)o.top_k, err);
	return o.text ? textmode_run(st, p, map, &text, (int)o.top_k, err) : predict(st, p, map, err);
}

static int run_predict(struct stage *st, struct err *err)
{
	struct model m;
	struct device dev = { 0 };
	struct predictor p = { 0 };
	struct calibrated map = { 0 };
	struct backend_config config = { .threads = (int)o.threads, .precision = (enum precision)o.precision };
	if (o.text && o.files)
		return err_usage(err, "--text and --files: answer texts, or pictures");
	if (st->n > 2 && !o.files)
		return err_usage(err, "unexpected operand '%s': more than one goes with --files", st->operand[2]);
	if (model_open(&m, st->operand[0], err))
		return -1;
	config.on_cpu = m.net->ngrams;
	int rc = check_usage(st, &m, err) || (o.map && calibrated_open(&map, o.map, &m, err)) ||
		 device_open_for(st, &dev, o.device, &config, err) ||
		 predictor_open(&p, &m, &dev, (int)o.mc_dropout, (uint64_t)o.seed, err) ||
		 answer(st, &p, o.map ? &map : NULL, err);
	device_say(st, &dev);
	if (!rc && m.checkpoint)
		stage_say(st, "%s is a checkpoint; its weights are of epoch %s, %s so far", st->operand[0],
			  safetensors_meta(&m.file, "epoch"), m.checkpoint);
	if (!rc && m.version < 2)
		stage_say(st, "%s is of version 1, which has no checksums: damage would not be seen", st->operand[0]);
	calibrated_release(&map);
	predictor_release(&p);
	device_close(&dev);
	model_release(&m);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_predict);
}
