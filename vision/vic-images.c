/* vic-images: image data sets of many formats to records of kind images. */
#include "vision/pixels/codec.h"
#include "vision/records/noisegen.h"
#include "vision/records/pack.h"
#include "pipeline/files/text.h"
#include "pipeline/frame/stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int format, fit, encoding, on_bad, as_stored, transpose, no_splits, allow_empty;
	const char *labels, *resize, *classes, *name, *names, *like, *output;
	int64_t fold, labels_from, channels, max_pixels, threads, seed;
	struct filter_options filter;
} o = { .format = SOURCE_FOLDER, .fold = -1, .max_pixels = CODEC_MAX_PIXELS, .seed = 1, .output = "-" };

static const struct opt opts[] = {
	{ "format", 'f', OPT_CHOICE, &o.format, NULL, "what PATH holds; see above", .choices = SOURCE_FORMATS },
	{ "split", 0, OPT_TEXT, &o.filter.mark, "NAME",
	  "mark every record train, dev, test or extra, whatever its file says", .flags = 0 },
	{ "only", 0, OPT_TEXT, &o.filter.only, "SPLITS", "keep these splits (before --split): train,test", .flags = 0 },
	{ "class-subset", 0, OPT_TEXT, &o.filter.classes, "LIST",
	  "keep these classes, names or numbers with commas, or @FILE with one a line; numbers labels anew, in this "
	  "order",
	  .flags = OPT_NAME | OPT_INPUT | OPT_LIST },
	{ "limit", 'n', OPT_INT, &o.filter.limit, "N", "the first N records of each split (0: all)", .lo = 0,
	  .hi = INT64_MAX },
	{ "per-class", 0, OPT_INT, &o.filter.per_class, "N", "the first N records of each class in each split (0: all)",
	  .lo = 0, .hi = INT64_MAX },
	{ "sample", 0, OPT_INT, &o.filter.sample, "N",
	  "N records of each split, drawn by --seed, with each class's share (0: all)", .lo = 0, .hi = UINT32_MAX,
	  .without = "limit|per-class" },
	{ "resize", 'r', OPT_TEXT, &o.resize, "HxW", "one size for all, N or HxW: antialiased bilinear",
	  .flags = OPT_LINE },
	{ "fit", 0, OPT_CHOICE, &o.fit, NULL, "--resize: cover HxW and cut the centre, or stretch",
	  .choices = "crop|stretch", .flags = OPT_LINE },
	{ "channels", 'c', OPT_INT, &o.channels, "N",
	  "1: grey (BT.601 luma), 3: RGB, 0: as the format has it, 3 for files", .lo = 0, .hi = 3,
	  .flags = OPT_LINE },
	{ "encoding", 0, OPT_CHOICE, &o.encoding, NULL,
	  "raw bytes, the JPEG files as they are, floats (noise only); auto: see above",
	  .choices = "auto|raw|jpeg|f32" },
	{ "labels", 0, OPT_TEXT, &o.labels, "FILE",
	  "folder: the pictures' classes, lines NAME,CLASS (or with TAB, or a space); cifar100: fine (the default) or "
	  "coarse",
	  .flags = OPT_INPUT },
	{ "labels-from", 0, OPT_INT, &o.labels_from, "N",
	  "idx: the first class's number in the files (EMNIST letters: 1)",
	  .lo = 0, .hi = 1 },
	{ "transpose", 0, OPT_FLAG, &o.transpose, NULL,
	  "idx: turn rows into columns, as EMNIST's files need",
	  .flags = 0 },
	{ "no-splits", 0, OPT_FLAG, &o.no_splits, NULL,
	  "folder: a folder called train or test is a class like others",
	  .flags = 0 },
	{ "allow-empty", 0, OPT_FLAG, &o.allow_empty, NULL,
	  "classes without a picture that is read: go on, not an error",
	  .flags = 0 },
	{ "fold", 0, OPT_INT, &o.fold, "K", "stl10: training images of predefined fold K (0 to 9) only; -1: all",
	  .lo = -1, .hi = 1000 },
	{ "classes", 0, OPT_TEXT, &o.classes, "LIST", "class names with commas, instead of the format's",
	  .flags = OPT_NAME },
	{ "name", 0, OPT_TEXT, &o.name, "TITLE", "the data set's name in tables", .flags = OPT_NAME },
	{ "names", 0, OPT_TEXT, &o.names, "FILE",
	  "folder, files: write ID<TAB>NAME here for every picture found, before any record",
	  .flags = OPT_LOCAL | OPT_OUTPUT, .writes = "a list of pictures' names" },
	{ "on-bad", 0, OPT_CHOICE, &o.on_bad, NULL,
	  "images that are damaged: end with an error, leave them out and count, or name each on stderr too, also "
	  "those decoded with a remark; what cannot be read always ends the run",
	  .choices = "stop|skip|list" },
	{ "as-stored", 0, OPT_FLAG, &o.as_stored, NULL, "do not turn images by their EXIF orientation",
	  .flags = OPT_LINE },
	{ "max-pixels", 0, OPT_INT, &o.max_pixels, "N", "refuse images of more pixels before decoding them", .lo = 1,
	  .hi = (int64_t)1 << 31, .flags = OPT_LINE },
	{ "gaussian-like", 0, OPT_TEXT, &o.like, "STREAM",
	  "instead of PATH: noise with each channel's mean and variance in STREAM's training images; split test, no "
	  "labels",
	  .flags = OPT_INPUT | OPT_NO_OPERANDS },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of --sample and --gaussian-like", .lo = 0, .hi = INT64_MAX,
	  .with = "sample|gaussian-like" },
	{ "threads", 't', OPT_INT, &o.threads, "N",
	  "decode with N threads (0: as many as there are); the output is the same", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &o.output, "FILE", "where the stream goes", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a vicinal stream of images" },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-images",
	.summary = "image files to a stream of images",
	.operands = "[PATH...]",
	.description =
		"Reads data sets as their authors distribute them, from a folder, a .tar, a\n"
		".zip, a .tar.gz (.xz, .bz2, .zst), one file, or - (one of these from a pipe).\n"
		"What is compressed is unpacked to an unnamed file in $TMPDIR first.\n"
		"\n"
		"  cifar10 cifar100  the binary version: *.bin (test* is the test split)\n"
		"  stl10             train_X.bin, test_X.bin, unlabeled_X.bin (split extra) and\n"
		"                    their y files\n"
		"  idx               *images*idx3* and *labels*idx1* (MNIST, Fashion-MNIST) or\n"
		"                    *labels*idx2-int* (QMNIST), also .gz; t10k is split test\n"
		"  folder            [train|val|test/]CLASS/*.jpg .jpeg .png .webp .tif .tiff\n"
		"                    .bmp or CLASS/[train|test]/, CLASS folders one by one, or\n"
		"                    pictures and --labels FILE; Tiny ImageNet's\n"
		"                    val_annotations.txt and wnids.txt; tars inside a tar are\n"
		"                    class folders\n"
		"  stream            a stream of images: decodes its JPEG records, resizes,\n"
		"                    picks classes\n"
		"  files             pictures without classes: files, folders of them, or - for\n"
		"                    a list of names on stdin, a name a line; split test\n"
		"\n"
		"A folder is a split when its name says so: train, training; val, valid,\n"
		"validation, dev; test, testing, eval, evaluation; extra, unlabeled, pred; in any\n"
		"case, with digits and words like images and set (Train, seg_test, val2017). So\n"
		"is PATH itself, where no folder in it is one. A folder that is none beside one\n"
		"that is, pictures beside class folders and class folders without a picture are\n"
		"errors. What was taken is reported on stderr.\n"
		"\n"
		"Records are bytes [height][width][channel], all of one size. Where a folder's\n"
		"images differ in size and --resize is not given, records are the JPEG files\n"
		"themselves (--encoding auto); --format stream decodes those later. Either pack\n"
		"once (--resize 64 > pack.vic), or let vic-train --resize 64 decode the files as\n"
		"it needs them: the same pixels, for less room and more time.\n"
		"\n"
		"--sample draws without looking at the pictures, before any is decoded; a stream\n"
		"cannot be counted beforehand, so with --format stream it is refused.\n"
		"\n"
		"--resize is antialiased bilinear: a triangle filter as wide as the reduction\n"
		"needs (Pillow's BILINEAR, of 9.5 to 12.0 bit for bit; 13 may differ by 1). A\n"
		"JPEG at least four times as high and wide is halved, once or more, while it is\n"
		"decoded. Transparency is dropped; CMYK becomes RGB by ink coverage, without a\n"
		"colour profile, as Pillow reads it; 16 bits become 8, rounded. Orientation is\n"
		"applied, of JPEG, PNG, WebP and TIFF. Of an animated WebP the first frame is\n"
		"taken, of a TIFF the first page, and it is said. WebP needs a build with\n"
		"libwebp, TIFF one with libtiff (--version names them).\n"
		"\n"
		"--gaussian-like gives floats outside [0, 1] too (encoding f32; 1.0 is a byte's\n"
		"255), --limit N of them (10000 by default). --encoding raw rounds and clips\n"
		"them, which narrows their variance.",
	.example =
		"vic-images --format cifar10 cifar-10-binary.tar.gz > cifar10.vic\n"
		"vic-images --format idx fashion-mnist --limit 1000 | vic-cat --stats\n"
		"vic-images --format folder imagenette2.tar --resize 160 --on-bad skip \\\n"
		"    > imagenette.vic\n"
		"vic-images --format stl10 stl10_binary.tar.gz --fold 0 \\\n"
		"    --only train,test > stl10.vic\n"
		"vic-images --format files --names names.tsv --resize 160 photos > mine.vic\n"
		"vic-images --gaussian-like stl10.vic --limit 8000 > noise.vic",
	.see_also = "vic-perturb(1), vic-corpora(1), vic-split(1), vic-train(1)",
	.opts = opts,
	.max_operands = -1,
	.libraries = codec_libraries,
};

/* "a 12, b 7 and 98 more of 5 to 9 each": the classes of a split by number. */
static void say_classes(const struct stage *st, const struct pack_report *r, int split)
{
	enum { SHOWN = 10 };
	const uint64_t *n = r->of_class + (size_t)split * (size_t)r->head.n_classes;
	uint64_t more = 0, least = UINT64_MAX, most = 0;
	char text[640] = "";
	size_t used = 0;
	for (int k = 0, shown = 0; k < r->head.n_classes; k++) {
		if (!n[k])
			continue;
		if (shown++ < SHOWN && used < 400) {
			err_phrase(text + used, sizeof text - used, "%s%.40s %" PRIu64, used ? ", " : "",
				   r->head.classes[k], n[k]);
			used += strlen(text + used);
			continue;
		}
		more++;
		least = n[k] < least ? n[k] : least;
		most = n[k] > most ? n[k] : most;
	}
	if (more)
		err_phrase(text + used, sizeof text - used, " and %" PRIu64 " more of %" PRIu64 " to %" PRIu64 " each",
			   more, least, most);
	if (used)
		stage_say(st, "%s: %s", split_name(split), text);
}

/* Classes of which no record is there, or none to train on. */
static void say_missing(const struct stage *st, const struct pack_report *r)
{
	int none = 0, untrained = 0, first_none = 0, first_untrained = 0, k = r->head.n_classes;
	while (k-- > 0) {
		uint64_t n[SPLIT_COUNT], all = 0;
		for (int i = 0; i < SPLIT_COUNT; i++)
			all += n[i] = r->of_class[i * r->head.n_classes + k];
		if (!all) {
			none++;
			first_none = k;
		} else if (!n[SPLIT_TRAIN] && r->written[SPLIT_TRAIN] > r->no_label[SPLIT_TRAIN]) {
			untrained++;
			first_untrained = k;
		}
	}
	if (none)
		stage_say(st, "classes without a record: %d, the first: %s", none, r->head.classes[first_none]);
	if (untrained)
		stage_say(st, "classes without a training record: %d, the first: %s", untrained,
			  r->head.classes[first_untrained]);
}

static void say_marks(const struct stage *st, const struct source *s, const struct pack_report *r)
{
	static const char *const files[SPLIT_COUNT] = { [SPLIT_TRAIN] = "training", [SPLIT_DEV] = "dev",
							[SPLIT_TEST] = "test", [SPLIT_EXTRA] = "extra" };
	for (int i = 0; i < SPLIT_COUNT && s->says_split; i++)
		if (r->marked[i])
			stage_say(st, "%" PRIu64 " records of the %s files are now marked %s", r->marked[i], files[i],
				  o.filter.mark);
}

static void report(const struct stage *st, const struct source *s, const struct pack_report *r)
{
	char shape[64] = "jpeg files", counts[128] = "";
	const struct stream_head *h = &r->head;
	int n = 0;
	if (h->encoding != ENCODING_JPEG)
		snprintf(shape, sizeof shape, "%dx%dx%d", h->height, h->width, h->channels);
	for (int i = 0; i < SPLIT_COUNT; i++)
		if (r->written[i])
			n += snprintf(counts + n, sizeof counts - (size_t)n, "%s%" PRIu64 " %s", n ? ", " : "",
				      r->written[i], split_name(i));
	stage_say(st, "%s, %s, %d classes", counts, shape, h->n_classes);
	for (int i = 0; i < SPLIT_COUNT && r->documents == 1; i++)
		say_classes(st, r, i);
	if (r->documents == 1)
		say_missing(st, r);
	for (int i = 0; i < SPLIT_COUNT && o.format != SOURCE_FILES; i++)
		if (r->no_label[i])
			stage_say(st, "%" PRIu64 " %s records have no label; the first: %s", r->no_label[i],
				  split_name(i), r->first_no_label[i]);
	for (int i = 0; i < SPLIT_COUNT; i++)
		if (r->sampled[i].of)
			stage_say(st, "%" PRIu64 " of %" PRIu64 " %s records drawn (--seed %" PRId64 ")",
				  r->sampled[i].kept, r->sampled[i].of, split_name(i), o.seed);
	say_marks(st, s, r);
	for (size_t i = 0; i < s->notes; i++)
		stage_say(st, "%s", s->note[i]);
	if (r->unlabelled)
		stage_say(st, "%" PRIu64 " records without a label left out by --class-subset", r->unlabelled);
	if (r->bad)
		stage_say(st, "%" PRIu64 " images left out that do not decode; the first: %s", r->bad, r->first_bad);
	if (r->noted)
		stage_say(st, "%" PRIu64 " images decoded with a remark; the first: %s", r->noted, r->first_note);
}

static void name_bad(void *arg, const char *what)
{
	stage_complain(arg, "%s", what);
}

/* id<TAB>name, and then these of every picture, also of those that are not kept; written before the first record. The
 * caller gives the file its name (output_commit) when the records are out. */
static int put_names(struct source *s, struct output *out, struct err *err)
{
	struct item item[256];
	char *name;
	int n, rc;
	int begun = !output_printf(out, err, "id\tname\n");
	do {
		rc = !begun ? -1 : s->ops->next(s, item, 256, &n, err);
		for (int i = 0; !rc && i < n; i++) {
			rc = s->ops->name(s, &item[i], &name, err);
			if (rc)
				break;
			rc = output_printf(out, err, "%" PRIu64 "\t", item[i].id) ||
			     text_write(out, name, strlen(name), TEXT_NAME, err) || output_write(out, "\n", 1, err);
			free(name);
		}
	} while (!rc && n);
	source_rewind(s);
	return rc || output_flush(out, err) ? -1 : 0;
}

/* names: where --names go, or NULL. */
static int pack(struct stage *st, struct output *out, struct output *names, struct pool *pool, struct err *err)
{
	struct source_options so = { .codec = { o.max_pixels, o.as_stored },
				     .coarse = o.format == SOURCE_CIFAR100 && o.labels && !strcmp(o.labels, "coarse"),
				     .fold = (int)o.fold,
				     .classes = o.classes,
				     .title = o.name,
				     .labels = o.format == SOURCE_FOLDER ? o.labels : NULL,
				     .labels_from = (int)o.labels_from,
				     .transpose = o.transpose,
				     .no_splits = o.no_splits,
				     .allow_empty = o.allow_empty };
	struct pack_options po = { .encoding = o.encoding,
				   .want.fit = (enum image_fit)o.fit,
				   .channels = (int)o.channels,
				   .on_bad = o.on_bad,
				   .tell = name_bad,
				   .arg = st,
				   .allow_empty = o.allow_empty };
	struct pack_report r = { .bad = 0 };
	o.filter.seed = (uint64_t)o.seed;
	struct progress progress;
	struct source s;
	if ((o.resize && want_size(o.resize, &po.want.h, &po.want.w, err)) ||
	    source_open(&s, (enum source_format)o.format, st->operand, st->n, &so, err))
		return -1;
	progress_begin(&progress, "vic-images", s.n, st->quiet);
	int rc = (names && put_names(&s, names, err)) ||
		 pack_source(&s, &o.filter, &po, pool, out, st->provenance, &progress, &r, err) ? -1 : 0;
	progress_end(&progress);
	if (!rc)
		report(st, &s, &r);
	if (!rc && o.encoding == PACK_AUTO && o.format != SOURCE_STREAM && r.head.encoding == ENCODING_JPEG)
		stage_say(st, "the images are of different sizes, so they stay JPEG files; to train on them make them "
			      "one size, here or in vic-train, as in --resize 64");
	pack_report_release(&r);
	source_release(&s);
	return rc;
}

/* Options of another use are refused, not passed over. */
static int check_usage(const struct stage *st, struct err *err)
{
	static const struct {
		const char *name;
		int formats; /* bits of enum source_format */
	} only[] = { { "labels", 1 << SOURCE_CIFAR100 | 1 << SOURCE_FOLDER },
		     { "labels-from", 1 << SOURCE_IDX },
		     { "transpose", 1 << SOURCE_IDX },
		     { "no-splits", 1 << SOURCE_FOLDER },
		     { "allow-empty", 1 << SOURCE_FOLDER | 1 << SOURCE_STREAM },
		     { "sample", ~(1 << SOURCE_STREAM) },
		     { "fold", 1 << SOURCE_STL10 },
		     { "names", 1 << SOURCE_FOLDER | 1 << SOURCE_FILES },
		     { "as-stored", 1 << SOURCE_FOLDER | 1 << SOURCE_STREAM | 1 << SOURCE_FILES },
		     { "max-pixels", 1 << SOURCE_FOLDER | 1 << SOURCE_STREAM | 1 << SOURCE_FILES } };
	static const char *const not_noise[] = { "format", "only",	"class-subset", "per-class", "resize",
						 "fit",	   "channels",	"labels",	"fold",	     "classes",
						 "on-bad", "as-stored", "max-pixels", "labels-from", "transpose",
						 "no-splits", "allow-empty", "names", "sample" };
	if (o.like) {
		for (size_t i = 0; i < sizeof not_noise / sizeof *not_noise; i++)
			if (stage_given(st, not_noise[i]))
				return err_usage(err, "--gaussian-like makes its own images: --%s has no meaning",
						 not_noise[i]);
		return st->n ? err_usage(err, "--gaussian-like takes no PATH") : 0;
	}
	if (!st->n)
		return err_usage(err, "PATH is missing; --help shows how");
	for (size_t i = 0; i < sizeof only / sizeof *only; i++)
		if (stage_given(st, only[i].name) && !(only[i].formats >> o.format & 1))
			return err_usage(err, "--%s has no meaning with this --format", only[i].name);
	if (stage_given(st, "fit") && !o.resize)
		return err_usage(err, "--fit is for --resize");
	if (o.format == SOURCE_CIFAR100 && o.labels && strcmp(o.labels, "fine") && strcmp(o.labels, "coarse"))
		return err_usage(err, "--labels: '%s' is neither fine nor coarse (cifar100)", o.labels);
	if (o.channels == 2)
		return err_usage(err, "--channels is 0, 1 or 3");
	return o.encoding == 3 ? err_usage(err, "--encoding f32 is for --gaussian-like") : 0;
}

static int run_images(struct stage *st, struct err *err)
{
	struct pool *pool = NULL;
	struct output out, names = { .fd = -1 };
	if (check_usage(st, err) || output_open(&out, o.output, err))
		return -1;
	int rc = (o.names && output_open(&names, o.names, err)) || pool_open(&pool, (int)o.threads, err) ? -1 : 0;
	if (!rc && o.like) {
		struct noise_options no = { .like = o.like,
					    .n = o.filter.limit ? o.filter.limit : 10000,
					    .seed = (uint64_t)o.seed,
					    .raw = o.encoding == PACK_RAW,
					    .mark = o.filter.mark,
					    .name = o.name };
		rc = o.encoding == PACK_JPEG ? err_usage(err, "--gaussian-like makes no JPEG files")
					     : noise_like(&no, pool, &out, st->provenance, err);
	} else if (!rc) {
		rc = pack(st, &out, o.names ? &names : NULL, pool, err);
	}
	if (!rc)
		rc = output_commit(&out, err);
	if (!rc && o.names)
		rc = output_commit(&names, err);
	pool_close(pool);
	output_release(&out);
	output_release(&names);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_images);
}
