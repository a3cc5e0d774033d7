/* vic-corpora: getting, checking and making data. */
#include "check.h"
#include "command.h"
#include "fetch.h"
#include "files.h"
#include "pipeline/frame/stage.h"
#include "synth.h"
#include "synth_images.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *to, *from;
	int64_t n, classes, vocabulary, dim, seed;
	int layout;
	double noise, strength;
} o = { .to = "data", .n = 10000, .classes = 2, .vocabulary = 3000, .dim = 50, .noise = 0.05, .strength = 1.0 };

static const struct opt opts[] = {
	{ "to", 0, OPT_TEXT, &o.to, "DIR", "data folder; for synth the folder of the files itself",
	  .flags = OPT_LOCAL | OPT_OUTPUT | OPT_FOLDER },
	{ "from", 0, OPT_TEXT, &o.from, "DIR", "fetch: take a local copy from DIR, packed or not",
	  .flags = OPT_LOCAL | OPT_INPUT | OPT_FOLDER },
	{ "n", 'n', OPT_INT, &o.n, "N", "synth: sentences, or training images (and a fifth as many for the test)",
	  .lo = 1, .hi = 100000000 },
	{ "classes", 0, OPT_INT, &o.classes, "K", "synth: classes (images: 10)", .lo = 2, .hi = CLASSES_MAX },
	{ "noise", 0, OPT_REAL, &o.noise, "P", "synth: probability that a label is another class's", .flo = 0,
	  .fhi = 1 },
	{ "strength", 0, OPT_REAL, &o.strength, "T",
	  "synth: how much a cue speaks for its class (log odds); images: contrast", .flo = 0.001, .fhi = 20 },
	{ "layout", 0, OPT_CHOICE, &o.layout, NULL, "synth images: whose files", .choices = "idx|cifar" },
	{ "vocabulary", 0, OPT_INT, &o.vocabulary, "N", "synth: words", .lo = 50, .hi = 1000000 },
	{ "dim", 0, OPT_INT, &o.dim, "N", "synth: numbers in a word vector", .lo = 1, .hi = 4096 },
	{ "seed", 's', OPT_INT, &o.seed, "N", "synth: seed", .lo = 0, .hi = INT64_MAX },
	{ 0 },
};
/* What each command takes; anything else on its command line would be ignored, so it is refused. */
static const struct command {
	const char *name, *takes;
} commands[] = { { "list", " to " },
		 { "fetch", " to from " },
		 { "verify", " to " },
		 { "synth", " to n classes noise strength layout vocabulary dim seed " } };

static const struct program prog = {
	.name = "vic-corpora",
	.summary = "get, check and make data sets",
	.operands = "list|fetch|verify|synth [NAME...]",
	.description =
		"list: the data sets that are known; with names, where they come from and on\n"
		"what terms.\n"
		"fetch NAME...: puts data sets into the data folder, from their official\n"
		"addresses with curl (checked by published checksums, going on where it was cut\n"
		"off) or --from a local copy. A data set is there whole or not at all.\n"
		"VIC_OFFLINE=1 never tries the network.\n"
		"verify NAME...: counts and checksums; exit status 1 and what differs.\n"
		"synth text: sentences from a grammar whose P(class | sentence) is known, as\n"
		"MR's two files (more than two classes: synth.tsv), with vectors.txt in GloVe's\n"
		"format and posterior.tsv.\n"
		"synth images: shapes in noise whose P(class | image) is known (posterior.tsv),\n"
		"as MNIST's four files or CIFAR-10's.",
	.example =
		"vic-corpora fetch mr glove.6B\n"
		"vic-corpora verify mr --to data\n"
		"vic-corpora synth text --n 10000 --seed 1 --to synth\n"
		"vic-corpora synth images --layout cifar --n 10000 --to shapes &&\n"
		"    vic-images -f cifar10 shapes > shapes.vic",
	.see_also = "vic-tokenize(1), vic-embed(1), vic-images(1)",
	.opts = opts,
	.min_operands = 1,
	.max_operands = -1,
	.words = 1,
};

static const struct dataset *find_dataset(const char *name, struct err *err)
{
	const struct dataset *d = registry_find(name);
	if (!d)
		err_usage(err, "no data set is called '%s'; vic-corpora list names them", name);
	return d;
}

static int list_one(const struct dataset *d, struct err *err)
{
	printf("%s\n  %s\n  terms: %s\n  cite: %s\n", d->name, d->title, d->terms, d->citation);
	for (const struct remote *r = d->remote; r->url; r++) {
		printf("  %s\n    %" PRIu64 " bytes, %s (%s)\n", r->url, r->bytes,
		       r->sum ? r->sum : "no published checksum is known", r->sum_source ? r->sum_source : "-");
	}
	for (const struct deviation *k = d->deviation; k->sha256; k++)
		printf("  known copy sha256:%s\n    %s\n", k->sha256, k->what);
	(void)err;
	return 0;
}

static int list_all(struct err *err)
{
	for (const struct dataset *d = registry; d->name; d++) {
		char *path;
		uint64_t bytes = 0;
		for (const struct remote *r = d->remote; r->url; r++)
			bytes += r->bytes;
		if (path_join(&path, o.to, d->name, err))
			return -1;
		printf("%-14s %8.1f MB  %-5s  %s\n", d->name, (double)bytes / 1e6,
		       path_kind(path) == PATH_FOLDER ? "here" : "-", d->title);
		free(path);
	}
	return 0;
}

static void say_line(void *arg, const char *line)
{
	stage_say(arg, "%s", line);
}

static int fetch_one(struct stage *st, const struct dataset *d, struct err *err)
{
	const char *offline = getenv("VIC_OFFLINE");
	struct fetch f = { .to = o.to,
			   .from = o.from,
			   .offline = offline && *offline && strcmp(offline, "0"),
			   .quiet = st->quiet,
			   .say = say_line,
			   .arg = st };
	return fetch_dataset(d, &f, err);
}

static void print_fact(void *arg, int ok, const char *line)
{
	printf("%s\t%s\t%s\n", (const char *)arg, ok ? "ok" : "differs", line);
}

static int verify_one(const struct dataset *d, struct err *err)
{
	char *path;
	int differ = 0, rc;
	if (path_join(&path, o.to, d->name, err))
		return -1;
	if (path_kind(path) != PATH_FOLDER)
		rc = err_set(err, "%s: is not there; vic-corpora fetch %s gets it", path, d->name);
	else
		rc = check_facts(d, path, print_fact, (void *)d->name, &differ, err);
	free(path);
	if (!rc && differ)
		rc = err_set(err, "%s: %d known facts differ", d->name, differ);
	return rc;
}

static int synth_pictures(struct stage *st, struct err *err)
{
	static const char *const of_text[] = { "vocabulary", "dim" };
	const char *folder = stage_given(st, "to") ? o.to : "data/synth-images";
	int64_t classes = stage_given(st, "classes") ? o.classes : SHAPES;
	struct synth_images_config c = { .layout = (enum synth_layout)o.layout,
					 .classes = (int)classes,
					 .train = (uint32_t)o.n,
					 .test = (uint32_t)((o.n + 4) / 5),
					 .strength = o.strength,
					 .noise = o.noise,
					 .seed = (uint64_t)o.seed };
	struct synth_images_summary s;
	for (size_t i = 0; i < sizeof of_text / sizeof *of_text; i++)
		if (stage_given(st, of_text[i]))
			return err_usage(err, "--%s is for synth text", of_text[i]);
	if (classes > SHAPES)
		return err_usage(err, "--classes: there are %d shapes", SHAPES);
	if (!(o.noise <= 1 - 1.0 / (double)classes))
		return err_usage(err, "--noise %g: above 1 - 1/K the labels would speak against the images", o.noise);
	if (synth_images(&c, folder, &s, err))
		return -1;
	stage_say(st, "%s: %" PRIu64 " images of %d shapes", folder, s.n, c.classes);
	stage_say(st,
		  "best possible classifier: accuracy %.4f expected, %.4f on these labels; mean entropy of P(class | "
		  "image) %.4f nats",
		  s.expected, s.realised, s.entropy);
	return 0;
}

static int synth(struct stage *st, struct err *err)
{
	const char *folder = stage_given(st, "to") ? o.to : "data/synth";
	struct synth_config c = { .n = (uint64_t)o.n,
				  .dim = (int)o.dim,
				  .grammar = { .classes = (int)o.classes,
					       .min_segments = 8,
					       .max_segments = 26,
					       .strength = o.strength,
					       .noise = o.noise,
					       .seed = (uint64_t)o.seed } };
	struct synth_summary s;
	if (st->n == 2 && !strcmp(st->operand[1], "images"))
		return synth_pictures(st, err);
	if (st->n != 2 || strcmp(st->operand[1], "text"))
		return err_usage(err, "synth makes text or images: vic-corpora synth text");
	if (stage_given(st, "layout"))
		return err_usage(err, "--layout is for synth images");
	if (!(o.noise <= 1 - 1.0 / (double)o.classes))
		return err_usage(err, "--noise %g: above 1 - 1/K the labels would speak against the words", o.noise);
	grammar_counts(&c.grammar, (uint32_t)o.vocabulary);
	if (synth_text(&c, folder, &s, err))
		return -1;
	stage_say(st,
		  "%s: %" PRIu64 " sentences, %.1f words on average, %" PRIu64 " types, %" PRIu64
		  " words without a vector",
		  folder, s.n, s.length, s.types, s.left_out);
	stage_say(st,
		  "best possible classifier: accuracy %.4f expected, %.4f on these labels; mean entropy of P(class | "
		  "sentence) %.4f nats",
		  s.expected, s.realised, s.entropy);
	return 0;
}

static int check_command(const struct stage *st, const struct command **command, struct err *err)
{
	*command = NULL;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(st->operand[0], commands[i].name))
			*command = &commands[i];
	if (!*command)
		return err_usage(err, "'%s' is none of list, fetch, verify, synth", st->operand[0]);
	for (const struct opt *p = opts; p->type != OPT_END; p++) {
		char word[64];
		snprintf(word, sizeof word, " %s ", p->name);
		if (stage_given(st, p->name) && !strstr((*command)->takes, word))
			return err_usage(err, "vic-corpora %s takes no --%s", (*command)->name, p->name);
	}
	if (st->n < 2 && strcmp((*command)->name, "list"))
		return err_usage(err, "vic-corpora %s: name a data set; vic-corpora list names them", (*command)->name);
	return 0;
}

static int run_corpora(struct stage *st, struct err *err)
{
	const struct command *c;
	const struct dataset *d;
	if (check_command(st, &c, err))
		return -1;
	if (!strcmp(c->name, "synth"))
		return synth(st, err);
	if (st->n < 2)
		return list_all(err);
	for (int i = 1; i < st->n; i++)
		if (!find_dataset(st->operand[i], err))
			return -1;
	for (int i = 1; i < st->n; i++) {
		d = find_dataset(st->operand[i], err);
		int rc = !strcmp(c->name, "list")    ? list_one(d, err)
			 : !strcmp(c->name, "fetch") ? fetch_one(st, d, err)
						     : verify_one(d, err);
		if (rc)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_corpora);
}
