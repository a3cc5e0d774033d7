/* vic-train: text or images in, a model file out. */
#include "pipeline/frame/process.h"
#include "pipeline/frame/stage.h"
#include "models/data/ngrams.h"
#include "models/train/listing.h"
#include "models/train/planned.h"
#include "models/train/planning.h"
#include "models/train/together.h"
#include "models/files/running.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct train_options o;
static struct {
	const char *device, *plan_device, *every;
	struct running_files files;
	int64_t threads;
	int plan, list, precision, tune, ranks_by;
	struct ranks ranks;
	int select; /* as it was given: o.select knows one name of each */
} run_o = { .device = "auto", .files.output = "-", .precision = PRECISION_TF32 };

/* After those of options.h. */
static const struct opt run_opts[] = {
	{ "device", 0, OPT_TEXT, &run_o.device, "DEVICE", "auto, cpu, ref, cuda or cuda:N", .flags = 0,
	  .without = "plan|list-models" },
	{ "precision", 0, OPT_CHOICE, &run_o.precision, NULL, PRECISION_HELP, .choices = PRECISION_CHOICES },
	{ "tune", 0, OPT_FLAG, &run_o.tune, NULL, TUNE_HELP, .flags = 0, .without = "plan|list-models" },
	{ "threads", 0, OPT_INT, &run_o.threads, "N", "threads; 0: as many as there are; never changes a result",
	  .lo = 0, .hi = 1024, .flags = OPT_LOCAL, .without = "plan|list-models" },
	{ "ranks", 0, OPT_CHOICE, &run_o.ranks_by, NULL,
	  "one run of all processes that a launcher (mpirun, srun) has started; auto: where they are several",
	  .choices = RANKS_CHOICES, .flags = OPT_LOCAL, .without = "plan|list-models" },
	{ "history", 0, OPT_TEXT, &run_o.files.history, "FILE",
	  "TSV, a line an epoch: losses, accuracies, ECE, OE, label entropy", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .without = "plan|list-models", .writes = "a training history" },
	{ "checkpoint", 0, OPT_TEXT, &run_o.files.checkpoint, "FILE",
	  "write the state of the run here after every epoch", .flags = OPT_LOCAL | OPT_OUTPUT | OPT_ANEW,
	  .without = "plan|list-models", .writes = "a checkpoint" },
	{ "checkpoint-every", 0, OPT_TEXT, &run_o.every, "N|TIME",
	  "and inside epochs, after N batches or a time: 500, 90s, 10min, 2h", .flags = OPT_LOCAL, .with = "checkpoint",
	  .without = "plan|list-models" },
	{ "resume", 0, OPT_TEXT, &run_o.files.resume, "FILE", "go on from this checkpoint; ends in the same bytes",
	  .flags = OPT_LOCAL | OPT_INPUT, .renews = "checkpoint", .without = "plan|list-models" },
	{ "keep-epochs", 0, OPT_TEXT, &run_o.files.keep_epochs, "E,E,...|all",
	  "also write the model as it is after these epochs, of epoch 7 to FILE.epoch7", .flags = OPT_LOCAL,
	  .without = "plan|list-models", .writes = "a model" },
	{ "plan", 0, OPT_FLAG, &run_o.plan, NULL,
	  "print the network's ops and memory plan, and train nothing; without records: the network as published",
	  .flags = OPT_LOCAL | OPT_PRINTS },
	{ "plan-device", 0, OPT_TEXT, &run_o.plan_device, "CARD",
	  "with --plan: how it trains on h100, a100, b200, l4, 4090, t4 or the card that FILE.json describes",
	  .flags = OPT_LOCAL | OPT_NO_DEFAULT, .with = "plan" },
	{ "list-models", 0, OPT_FLAG, &run_o.list, NULL, "print the networks, and train nothing",
	  .flags = OPT_LOCAL | OPT_PRINTS | OPT_NO_OPERANDS },
	{ "output", 'o', OPT_TEXT, &run_o.files.output, "FILE", "where the model goes", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .without = "plan|list-models", .writes = "a model" },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-train",
	.summary = "train a classifier on a stream of records, with mixup or one of its rivals",
	.operands = "[RECORDS]",
	.description =
		"Reads one document of text (vic-embed) or images (vic-images), or for -m bow of\n"
		"tokens (vic-tokenize), trains on the records marked train, keeps the epoch that\n"
		"is best on those marked dev (vic-split), and writes one model file\n"
		"(safetensors). Without dev records the last epoch is kept, with a note on\n"
		"stderr. A run that a signal (SIGINT, SIGTERM, SIGHUP, SIGXCPU) ends, or a loss\n"
		"of NaN, leaves the model of the epochs that were finished.\n"
		"\n"
		"Mixup (--mixup ALPHA) mixes two samples and their labels with one weight a\n"
		"batch, drawn from Beta(ALPHA, ALPHA): word vectors of text, pixels of images,\n"
		"with --mixup-mode manifold hidden values too, with --mixup-mode sentence\n"
		"Kim-CNN's encoded sentences instead (Guo et al. 2019). 0 is plain training,\n"
		"byte for byte.\n"
		"\n"
		"Defaults, in brackets, follow the kind of records. Text: Kim 2014, Adadelta.\n"
		"Images: Thulasidasan et al. 2019: Nesterov's SGD at 0.1, halved after epochs\n"
		"2, 60, 120 and 160 of 200, batches of 128, weight decay 5e-4 on all\n"
		"parameters; colour images are cropped at random after padding, and flipped.\n"
		"Each channel is normalised to mean 0 and standard deviation 1 over the\n"
		"training records. JPEG records (vic-images --encoding jpeg) are decoded and\n"
		"brought to --resize HxW a batch ahead, to the pixels that vic-images --resize\n"
		"packs; each is decoded once before the first epoch, so that one that is damaged\n"
		"ends the run there.\n"
		"\n"
		"--schedule goyal is ImageNet's (Goyal et al. 2017): 90 epochs, the rate\n"
		"divided by 10 after 30, 60 and 80; --lr is for a batch of 256 and scales with\n"
		"the batch, with a warm-up of five epochs for larger ones; residual blocks that\n"
		"end in a normalisation begin with its scale at 0.\n"
		"\n"
		"The same seed gives the same bytes on the same device at any number of\n"
		"threads, and of ranks: started by mpirun or srun, R processes are one run and\n"
		"share the work, where R divides --shards (docs/CLUSTER.md).",
	.example =
		"vic-train --mixup 0.4 -o mixup.model < mr.text\n"
		"vic-train --label-smoothing 0.1 --history ls.tsv mr.text > ls.model\n"
		"vic-train -m resnet18 --mixup 0.4 \\\n"
		"    --checkpoint run.ck -o mixup.model cifar10.vic\n"
		"vic-images --encoding jpeg photos > files.vic\n"
		"vic-train -m resnet50 --resize 256 --crop 224 -o photos.model files.vic",
	.see_also = "vic-embed(1), vic-images(1), vic-split(1), vic-predict(1)",
	.about = device_print,
	.min_operands = 0,
	.max_operands = 1,
	.stream_operand = 1,
};

/* Where nothing can be the best by the dev records, the last epoch is kept; who asks for the best is told. */
static int refuse_best(const struct stage *st, const struct trainer *t, struct err *err)
{
	char choice[32];
	struct opt row = { .type = OPT_CHOICE, .target = &run_o.select, .choices = TRAIN_SELECT };
	if (!stage_given(st, "select") || o.select == SELECT_LAST || t->n_dev)
		return 0;
	opt_default(&row, choice, sizeof choice);
	return err_usage(err, "--select %s needs records marked dev; vic-split --dev marks some", choice);
}

/* JPEG records are decoded once before the first step. */
static int look_at_pictures(const struct stage *st, struct dataset *data, struct plan *plan, struct err *err)
{
	struct progress progress;
	if (!plan->picture.h)
		return 0;
	progress_begin(&progress, "vic-train: looking at picture", data->n, st->quiet);
	int rc = pictures_look(data, (int)run_o.threads, &run_o.ranks, &progress, err);
	progress_end(&progress);
	return rc ? err_context(err, "%s", stage_operand(st, 0)) : plan_measure(plan, data, err);
}

/* dev: NULL with --plan. */
static int train_and_save(struct stage *st, struct dataset *data, struct device *dev, struct err *err)
{
	struct plan plan = { 0 };
	struct trainer t = { 0 };
	int rc = plan_make(&plan, &o, data, err);
	if (!rc && !dev) {
		rc = run_o.plan_device ? planned_print_card(&plan, data, run_o.plan_device,
							    (enum precision)run_o.precision, stdout, err)
				       : planned_print(&plan, stdout, err);
	} else if (!rc) {
		rc = look_at_pictures(st, data, &plan, err) || trainer_open(&t, &plan, data, dev, err) ||
		     trainer_join(&t, &run_o.ranks, err) ||
		     refuse_best(st, &t, err) ||
		     running_train(st, &t, &run_o.files, err);
	}
	trainer_release(&t);
	plan_release(&plan);
	return rc ? -1 : 0;
}

/* 1 when stdin has to bring the records and is a terminal or empty; -1: it cannot be read. */
static int no_records(const struct stage *st, struct input *in, struct err *err)
{
	const unsigned char *first;
	size_t got;
	if (st->n)
		return 0;
	if (isatty(STDIN_FILENO))
		return 1;
	return input_peek(in, 1, &first, &got, err) ? -1 : !got;
}

/* Each rank reads the records itself. */
static int refuse_pipe(const struct stage *st, const struct input *in, struct err *err)
{
	struct stat s;
	if (!strcmp(stage_operand(st, 0), "-"))
		return err_usage(err,
				 "stdin goes to one rank alone; with several the records must be a regular file that "
				 "all see, given by its name");
	return !fstat(in->fd, &s) && S_ISREG(s.st_mode)
		       ? 0
		       : err_usage(err,
				   "%s is no regular file; with several ranks the records must be one, that all see",
				   stage_operand(st, 0));
}

static int refuse_tokens(const struct dataset *data, const char *name, struct err *err)
{
	return data->tokens && !train_options_ngrams(&o)
		       ? err_set(err,
				 "%s: is a stream of tokens, which have no word vectors yet; vic-embed gives them "
				 "some, and --model bow needs none",
				 name)
		       : 0;
}

static int set_pictures(struct dataset *data, const char *name, struct err *err)
{
	if (!plan_pictures(data, &o, err))
		return 0;
	return err->status == VIC_USAGE ? -1 : err_context(err, "%s", name);
}

/* The records, and the options settled for their kind. --plan without records is about none. */
static int read_records(struct stage *st, struct dataset *data, struct err *err)
{
	struct stream_reader *r;
	struct input in;
	if (input_open(&in, stage_operand(st, 0), err))
		return -1;
	if (run_o.ranks.size > 1 && refuse_pipe(st, &in, err)) {
		input_release(&in);
		return -1;
	}
	int none = run_o.plan ? no_records(st, &in, err) : 0;
	if (none) {
		input_release(&in);
		return none < 0 || plan_native(data, o.model, err) || train_options_finish(&o, data->head.kind, err)
			       ? -1
			       : 0;
	}
	if (stream_take(&r, &in, err))
		return -1;
	int rc = stream_next_document(r, err) < 0 || dataset_begin(data, r, err) ||
		 train_options_finish(&o, data->head.kind, err) || refuse_tokens(data, stream_name(r), err) ||
		 set_pictures(data, stream_name(r), err) ||
		 dataset_read(data, r, (int)o.max_tokens, err);
	stream_close(r);
	if (!rc && data->text.cut)
		stage_say(st, "%llu records were cut to their first %lld words", (unsigned long long)data->text.cut,
			  (long long)o.max_tokens);
	if (!rc && train_options_ngrams(&o) && data->head.kind == STREAM_TEXT)
		rc = ngrams_dataset(data, (int)o.ngrams, err);
	return rc ? -1 : 0;
}

/* One rank says it. */
static int refuse_stdout(struct err *err)
{
	if (strcmp(run_o.files.output, "-") || run_o.ranks.rank)
		return 0;
	if (run_o.files.keep_epochs)
		return err_usage(err, "--keep-epochs names its files after the model's: -o FILE, not stdout");
	return !run_o.plan && isatty(STDOUT_FILENO) ? err_usage(err, "a model is not for a terminal; use -o FILE") : 0;
}

static int run_train(struct stage *st, struct err *err)
{
	struct dataset data = { 0 };
	struct device dev = { 0 };
	struct backend_config config = { .threads = (int)run_o.threads, .precision = (enum precision)run_o.precision,
					 .tune = run_o.tune,
					 .on_cpu = train_options_ngrams(&o) };
	if (run_o.list)
		return listing_print(stdout, &o, err);
	if (!run_o.plan && ranks_open(&run_o.ranks, (enum ranks_by)run_o.ranks_by, err))
		return -1;
	st->quiet |= run_o.ranks.rank > 0;
	run_o.select = o.select;
	process_interrupts("interrupted before the first epoch; nothing is written");
	/* Before the records, which may take minutes to come: a device that is not there is told at once. */
	int rc = refuse_stdout(err) || (run_o.every && running_every(&run_o.files, run_o.every, err)) ||
		 (!run_o.plan && device_open_for(st, &dev, run_o.device, &config, err)) ||
		 read_records(st, &data, err) || train_and_save(st, &data, run_o.plan ? NULL : &dev, err);
	device_close(&dev);
	dataset_release(&data);
	process_interrupts(NULL); /* launchers end the ranks that have not gone yet when one has ended badly */
	rc = ranks_meet(&run_o.ranks, rc, 0, err);
	st->mute = run_o.ranks.over && run_o.ranks.rank;
	return rc;
}

/* 1: this process trains nothing, or no run of several, as far as its command line can be told. */
static int stands_apart(int argc, char **argv)
{
	int apart = run_o.plan || run_o.list || run_o.ranks_by == RANKS_NONE;
	for (int i = 1; i < argc && !apart; i++)
		apart = !strcmp(argv[i], "--plan") || !strcmp(argv[i], "--list-models") ||
			!strcmp(argv[i], "--ranks=none") ||
			(!strcmp(argv[i], "--ranks") && i + 1 < argc && !strcmp(argv[i + 1], "none"));
	return apart;
}

/* A launcher gives all ranks the same command line: they meet with what is wrong in it, as with any error. */
static void refuse_together(struct stage *st, int argc, char **argv, struct err *err)
{
	struct err other = ERR_NONE;
	if (stands_apart(argc, argv) || ranks_open(&run_o.ranks, (enum ranks_by)run_o.ranks_by, &other) ||
	    !ranks_meet(&run_o.ranks, -1, 0, err))
		return;
	st->mute = run_o.ranks.over && run_o.ranks.rank;
}

int main(int argc, char **argv)
{
	struct opt opts[TRAIN_OPTIONS + sizeof run_opts / sizeof *run_opts];
	struct program with_opts = prog;
	o = train_options_none();
	train_options_rows(opts, &o);
	memcpy(opts + TRAIN_OPTIONS, run_opts, sizeof run_opts);
	with_opts.opts = opts;
	with_opts.refused = refuse_together;
	return ranks_leave(&run_o.ranks, stage_main(&with_opts, argc, argv, run_train));
}
