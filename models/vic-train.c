/* vic-train: text records in, a model file out. */
#include "pipeline/progress.h"
#include "pipeline/stage.h"
#include "train/checkpoint.h"
#include "train/modelfile.h"
#include "train/planning.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct train_options o = TRAIN_OPTIONS_DEFAULT;
static struct {
	const char *device, *output, *history, *checkpoint, *resume;
	int64_t threads;
	int plan, list;
} run_o = { .device = "auto", .output = "-" };

static const struct opt opts[] = {
	TRAIN_OPTIONS(o),
	{ "device", 0, OPT_TEXT, &run_o.device, "DEVICE", "auto, cpu, ref, cuda or cuda:N", .flags = 0 },
	{ "threads", 0, OPT_INT, &run_o.threads, "N", "threads; 0: as many as there are; never changes a result", .lo = 0,
	  .hi = 1024, .flags = OPT_LOCAL },
	{ "history", 0, OPT_TEXT, &run_o.history, "FILE", "TSV, a line an epoch: losses, accuracies, ECE, label entropy",
	  .flags = OPT_LOCAL },
	{ "checkpoint", 0, OPT_TEXT, &run_o.checkpoint, "FILE", "write the state of the run here after every epoch",
	  .flags = OPT_LOCAL },
	{ "resume", 0, OPT_TEXT, &run_o.resume, "FILE", "go on from this checkpoint; ends in the same bytes", .flags = OPT_LOCAL },
	{ "plan", 0, OPT_FLAG, &run_o.plan, NULL, "print the network's ops and memory plan, and train nothing",
	  .flags = OPT_LOCAL },
	{ "list-models", 0, OPT_FLAG, &run_o.list, NULL, "print the networks, and train nothing", .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &run_o.output, "FILE", "where the model goes", .flags = OPT_LOCAL },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-train",
	.summary = "train a classifier on a stream of records, with mixup or one of its rivals",
	.operands = "[TEXT]",
	.description =
		"Reads one document of text records (vic-embed, vic-split), trains on those marked train,\n"
		"keeps the epoch that is best on those marked dev, and writes one model file\n"
		"(safetensors). Without dev records the last epoch is kept, and it is said.\n\n"
		"Mixup (--mixup ALPHA) mixes word vectors and labels of two sentences with one weight a\n"
		"batch drawn from Beta(ALPHA, ALPHA); 0 is plain training, byte for byte. Defaults are\n"
		"those of Kim 2014: filters 3,4,5 of 100 maps, dropout 0.5, softmax rows within norm 3,\n"
		"Adadelta, batches of 50, 25 epochs.\n\n"
		"The same seed gives the same bytes on the same device at any number of threads.",
	.example = "vic-train --mixup 0.4 -o mixup.model < mr.text\n"
		   "vic-train --label-smoothing 0.1 --history ls.tsv mr.text > ls.model",
	.see_also = "vic-embed(1), vic-split(1), vic-predict(1)",
	.opts = opts,
	.min_operands = 0,
	.max_operands = 1,
	.stream_operand = 1,
};

static int write_history(const struct trainer *t, const char *path, struct err *err)
{
	struct output out;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return err_sys(err, "history");
	epoch_header(f);
	for (int i = 0; i < t->epoch; i++)
		epoch_print(&t->history[i], f);
	int rc = fclose(f) ? err_sys(err, "history") : output_open(&out, path, err);
	if (!rc) {
		rc = output_write(&out, text, size, err) || output_commit(&out, err) ? -1 : 0;
		output_release(&out);
	}
	free(text);
	return rc;
}

static int train(struct stage *st, struct trainer *t, struct err *err)
{
	struct progress p;
	char note[96];
	if (run_o.resume && checkpoint_load(t, run_o.resume, err))
		return -1;
	progress_begin(&p, "vic-train: epoch", (uint64_t)t->plan->epochs, st->quiet);
	while (!trainer_done(t)) {
		if (trainer_epoch(t, err) || (run_o.checkpoint && checkpoint_save(t, run_o.checkpoint, err)))
			return -1;
		const struct epoch_line *l = &t->history[t->epoch - 1];
		snprintf(note, sizeof note, l->dev_n ? "loss %.4f, dev accuracy %.4f, dev ECE %.4f" : "loss %.4f", l->train_loss,
			 l->dev_accuracy, l->dev_ece);
		progress_at(&p, (uint64_t)t->epoch, note);
		if (run_o.history && write_history(t, run_o.history, err))
			return -1;
	}
	progress_end(&p);
	return run_o.history ? write_history(t, run_o.history, err) : 0;
}

static int write_model(struct stage *st, struct trainer *t, struct err *err)
{
	struct output out;
	float **weights;
	int epoch;
	json_t *provenance = json_deep_copy(t->data->provenance);
	if (!provenance || json_array_append(provenance, st->provenance))
		return err_set(err, "out of memory");
	int rc = trainer_weights(t, &weights, &epoch, err) || output_open(&out, run_o.output, err);
	if (!rc) {
		rc = model_write(&out, t->plan->net, &t->plan->config, (int)o.max_tokens, t->data, &t->graph, weights, epoch,
				 provenance, err) ||
		     output_commit(&out, err);
		output_release(&out);
	}
	json_decref(provenance);
	if (!rc)
		stage_say(st, "%u training records, %u dev; kept epoch %d of %d%s", t->n_train, t->n_dev, epoch, t->epoch,
			  t->n_dev || t->plan->select == SELECT_LAST ? "" : " (no record is marked dev: the last one)");
	return rc ? -1 : 0;
}

static int work(struct stage *st, const struct text_data *data, struct err *err)
{
	struct plan plan = { 0 };
	struct device dev = { 0 };
	struct trainer t = { 0 };
	int rc = plan_make(&plan, &o, data, err);
	if (!rc && run_o.plan) {
		rc = plan.net->build(&t.graph, &plan.config, err);
		graph_plan(&t.graph, 1);
		graph_print(&t.graph, stdout);
	} else if (!rc) {
		rc = device_open(&dev, run_o.device, (int)run_o.threads, err) || trainer_open(&t, &plan, data, &dev, err) ||
		     train(st, &t, err) || write_model(st, &t, err);
	}
	trainer_release(&t);
	device_close(&dev);
	plan_release(&plan);
	return rc ? -1 : 0;
}

static int run(struct stage *st, struct err *err)
{
	struct stream_reader *r;
	struct text_data data = { 0 };
	if (run_o.list) {
		for (int i = 0; nets[i]; i++)
			printf("%s\t%s\n", nets[i]->name, nets[i]->summary);
		return 0;
	}
	if (!strcmp(run_o.output, "-") && !run_o.plan && isatty(STDOUT_FILENO))
		return err_usage(err, "a model is not for a terminal; use -o FILE");
	if (stream_open(&r, stage_operand(st, 0), err))
		return -1;
	int rc = text_data_read(&data, r, (int)o.max_tokens, err);
	stream_close(r);
	if (!rc && data.cut)
		stage_say(st, "%llu records were cut to their first %lld words", (unsigned long long)data.cut,
			  (long long)o.max_tokens);
	rc = rc || work(st, &data, err);
	text_data_release(&data);
	return rc ? -1 : 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run);
}
