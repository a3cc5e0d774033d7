/* vic-images: image data sets of many formats to records of kind images. */
#include "codec.h"
#include "noisegen.h"
#include "pack.h"
#include "pipeline/frame/stage.h"

#include <inttypes.h>

static struct {
	int format, coarse, fit, encoding, skip_bad, as_stored;
	const char *resize, *classes, *name, *like, *output;
	int64_t fold, channels, max_pixels, threads, seed;
	struct filter_options filter;
} o = { .format = SOURCE_FOLDER, .fold = -1, .max_pixels = 1 << 26, .seed = 1, .output = "-" };

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
	{ "resize", 'r', OPT_TEXT, &o.resize, "HxW", "one size for all, N or HxW: antialiased bilinear", .flags = 0 },
	{ "fit", 0, OPT_CHOICE, &o.fit, NULL, "--resize: cover HxW and cut the centre, or stretch",
	  .choices = "crop|stretch" },
	{ "channels", 'c', OPT_INT, &o.channels, "N",
	  "1: grey (BT.601 luma), 3: RGB, 0: as the format has it, 3 for files", .lo = 0, .hi = 3 },
	{ "encoding", 0, OPT_CHOICE, &o.encoding, NULL,
	  "raw bytes, the JPEG files as they are, floats (noise only); auto: see above",
	  .choices = "auto|raw|jpeg|f32" },
	{ "labels", 0, OPT_CHOICE, &o.coarse, NULL, "cifar100: which of the two", .choices = "fine|coarse" },
	{ "fold", 0, OPT_INT, &o.fold, "K", "stl10: training images of predefined fold K (0 to 9) only; -1: all",
	  .lo = -1, .hi = 1000 },
	{ "classes", 0, OPT_TEXT, &o.classes, "LIST", "class names with commas, instead of the format's",
	  .flags = OPT_NAME },
	{ "name", 0, OPT_TEXT, &o.name, "TITLE", "the data set's name in tables", .flags = OPT_NAME },
	{ "on-bad", 0, OPT_CHOICE, &o.skip_bad, NULL,
	  "images that are damaged: end with an error, or leave them out and count; what cannot be read always ends "
	  "the run",
	  .choices = "stop|skip" },
	{ "as-stored", 0, OPT_FLAG, &o.as_stored, NULL, "do not turn images by their EXIF orientation", .flags = 0 },
	{ "max-pixels", 0, OPT_INT, &o.max_pixels, "N", "refuse images of more pixels before decoding them", .lo = 1,
	  .hi = (int64_t)1 << 31 },
	{ "gaussian-like", 0, OPT_TEXT, &o.like, "STREAM",
	  "instead of PATH: noise with each channel's mean and variance in STREAM's training images; split test, no "
	  "labels",
	  .flags = OPT_INPUT | OPT_NO_OPERANDS },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of --gaussian-like", .lo = 0, .hi = INT64_MAX },
	{ "threads", 't', OPT_INT, &o.threads, "N",
	  "decode with N threads (0: as many as there are); the output is the same", .lo = 0, .hi = 1024,
	  .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &o.output, "FILE", "where the stream goes", .flags = OPT_LOCAL | OPT_OUTPUT },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-images",
	.summary = "image files to a stream of images",
	.operands = "[PATH...]",
	.description =
		"Reads data sets as their authors distribute them, from a folder, a .tar, a\n"
		".tar.gz, one file, or - (a tar or gzip from a pipe). What is compressed is\n"
		"unpacked to an unnamed file in $TMPDIR first.\n"
		"\n"
		"  cifar10 cifar100  the binary version: *.bin (test* is the test split)\n"
		"  stl10             train_X.bin, test_X.bin, unlabeled_X.bin (split extra) and\n"
		"                    their y files\n"
		"  idx               *images*idx3* and *labels*idx1* (MNIST, Fashion-MNIST), also\n"
		"                    .gz; t10k is the test split\n"
		"  folder            [train|val|test/]CLASS/*.jpg .jpeg .png; val is split dev;\n"
		"                    Tiny ImageNet's val_annotations.txt and wnids.txt; tars\n"
		"                    inside a tar are class folders\n"
		"  stream            a stream of images: decodes its JPEG records, resizes,\n"
		"                    picks classes\n"
		"\n"
		"Records are bytes [height][width][channel], all of one size. Where a folder's\n"
		"images differ in size and --resize is not given, records are the JPEG files\n"
		"themselves (--encoding auto); --format stream decodes those later. Pack once\n"
		"(> pack.vic) and train from the pack: the trainer does not decode.\n"
		"\n"
		"--resize is antialiased bilinear: a triangle filter as wide as the reduction\n"
		"needs (Pillow's BILINEAR, bit for bit). A JPEG at least four times as high and\n"
		"wide is halved, once or more, while it is decoded. Transparency is dropped;\n"
		"CMYK becomes RGB by ink coverage, without a colour profile.\n"
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
		"vic-images --gaussian-like stl10.vic --limit 8000 > noise.vic",
	.see_also = "vic-perturb(1), vic-corpora(1), vic-split(1), vic-train(1)",
	.opts = opts,
	.max_operands = -1,
	.libraries = codec_libraries,
};

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
	if (s->note[0])
		stage_say(st, "%s", s->note);
	if (r->unlabelled)
		stage_say(st, "%" PRIu64 " records without a label left out by --class-subset", r->unlabelled);
	if (r->bad)
		stage_say(st, "%" PRIu64 " images left out that do not decode; the first: %s", r->bad, r->first_bad);
	if (r->noted)
		stage_say(st, "%" PRIu64 " images decoded with a remark; the first: %s", r->noted, r->first_note);
}

static int pack(struct stage *st, struct output *out, struct pool *pool, struct err *err)
{
	struct source_options so = { { o.max_pixels, o.as_stored }, o.coarse, (int)o.fold, o.classes, o.name };
	struct pack_options po = { .encoding = o.encoding,
				   .want.fit = (enum image_fit)o.fit,
				   .channels = (int)o.channels,
				   .skip_bad = o.skip_bad };
	struct pack_report r = { .bad = 0 };
	struct progress progress;
	struct source s;
	if ((o.resize && pack_size_of(o.resize, &po.want.h, &po.want.w, err)) ||
	    source_open(&s, (enum source_format)o.format, st->operand, st->n, &so, err))
		return -1;
	progress_begin(&progress, "vic-images", s.n, st->quiet);
	int rc = pack_source(&s, &o.filter, &po, pool, out, st->provenance, &progress, &r, err);
	progress_end(&progress);
	if (!rc)
		report(st, &s, &r);
	if (!rc && o.encoding == PACK_AUTO && o.format != SOURCE_STREAM && r.head.encoding == ENCODING_JPEG)
		stage_say(st, "the images are of different sizes, so they stay JPEG files; to train on them make them "
			      "one size, as in "
			      "--resize 64");
	stream_head_release(&r.head);
	source_release(&s);
	return rc;
}

/* Options of another use are refused, not passed over. */
static int check_usage(const struct stage *st, struct err *err)
{
	static const struct {
		const char *name;
		int formats; /* bits of enum source_format */
	} only[] = { { "labels", 1 << SOURCE_CIFAR100 },
		     { "fold", 1 << SOURCE_STL10 },
		     { "as-stored", 1 << SOURCE_FOLDER | 1 << SOURCE_STREAM },
		     { "max-pixels", 1 << SOURCE_FOLDER | 1 << SOURCE_STREAM } };
	static const char *const not_noise[] = { "format", "only",	"class-subset", "per-class", "resize",
						 "fit",	   "channels",	"labels",	"fold",	     "classes",
						 "on-bad", "as-stored", "max-pixels" };
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
	if (stage_given(st, "seed"))
		return err_usage(err, "--seed is for --gaussian-like");
	if (stage_given(st, "fit") && !o.resize)
		return err_usage(err, "--fit is for --resize");
	if (o.channels == 2)
		return err_usage(err, "--channels is 0, 1 or 3");
	return o.encoding == 3 ? err_usage(err, "--encoding f32 is for --gaussian-like") : 0;
}

static int run_images(struct stage *st, struct err *err)
{
	struct pool *pool = NULL;
	struct output out;
	if (check_usage(st, err) || output_open(&out, o.output, err))
		return -1;
	int rc = pool_open(&pool, (int)o.threads, err);
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
		rc = pack(st, &out, pool, err);
	}
	if (!rc)
		rc = output_commit(&out, err);
	pool_close(pool);
	output_release(&out);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_images);
}
