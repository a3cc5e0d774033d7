/* vic-perturb: images moved away from the training data along random directions. */
#include "vision/records/noisegen.h"
#include "pipeline/frame/stage.h"

#include <inttypes.h>

static struct {
	double mu;
	int norm, encoding;
	int64_t directions, seed, threads;
	const char *only, *output;
} o = { .mu = 1, .directions = 1, .seed = 1, .output = "-" };

static const struct opt opts[] = {
	{ "mu", 'm', OPT_REAL, &o.mu, "MU", "how far, in units where black is 0 and white 1", .flo = 0, .fhi = 1e6 },
	{ "norm", 0, OPT_CHOICE, &o.norm, NULL, "divide the direction by its length, or leave it as drawn",
	  .choices = "unit|none" },
	{ "directions", 'd', OPT_INT, &o.directions, "N", "write each image N times, along N directions", .lo = 1,
	  .hi = 1000000 },
	{ "only", 0, OPT_TEXT, &o.only, "SPLIT", "keep the records of this split", .flags = 0 },
	{ "encoding", 0, OPT_CHOICE, &o.encoding, NULL, "floats as they are, or rounded and clipped to bytes",
	  .choices = "f32|raw" },
	{ "seed", 's', OPT_INT, &o.seed, "N", "of the directions", .lo = 0, .hi = INT64_MAX },
	{ "threads", 't', OPT_INT, &o.threads, "N", "0: as many as there are; the output is the same", .lo = 0,
	  .hi = 1024, .flags = OPT_LOCAL },
	{ "output", 'o', OPT_TEXT, &o.output, "FILE", "where the stream goes", .flags = OPT_LOCAL | OPT_OUTPUT,
	  .writes = "a vicinal stream of images" },
	{ 0 },
};

static const struct program prog = {
	.name = "vic-perturb",
	.summary = "move images along random directions",
	.operands = "[FILE]",
	.description =
		"Writes x + mu * d/|d| for each image x of a stream: d is drawn from U(-1, 1)\n"
		"for every value, from the seed and the record's position, so that a series of\n"
		"--mu goes along the same directions. It is the experiment of appendix D of\n"
		"Thulasidasan et al. 2019, with mu from 0.01 to 100.\n"
		"\n"
		"The paper writes a unit vector, |d-hat| = 1. For 96x96x3 values mu = 1 then\n"
		"moves each by 0.006 and mu = 100 by 0.6; --norm none takes d itself, where mu\n"
		"is the largest change of a value. Values are the pixels' before a network's\n"
		"own normalisation (1 is white).\n"
		"\n"
		"The images written are floats that leave [0, 1]. --encoding raw rounds to\n"
		"255ths, which loses a small mu whole, and clips, which brings a large one back\n"
		"among the images, which defeats the experiment. It is meant for looking at the\n"
		"images, and counts what it clips.",
	.example =
		"vic-perturb --mu 10 --only test stl10.vic | vic-predict vgg16.model |\n"
		"    vic-score\n"
		"for mu in 0.01 0.1 1 10 100; do\n"
		"    vic-perturb --mu $mu --only test stl10.vic > stl10.mu$mu.vic\n"
		"done",
	.see_also = "vic-images(1), vic-predict(1), vic-reliability(1)",
	.opts = opts,
	.max_operands = 1,
	.stream_operand = 1,
};

static int run_perturb(struct stage *st, struct err *err)
{
	struct pool *pool = NULL;
	struct output out;
	struct perturb_report r = { .records = 0 };
	struct perturb_options po = { o.mu, o.norm == 0, o.encoding == 1, o.directions, (uint64_t)o.seed, o.only };
	if (output_open(&out, o.output, err))
		return -1;
	int rc = pool_open(&pool, (int)o.threads, err);
	if (!rc)
		rc = perturb_stream(stage_operand(st, 0), &po, pool, &out, st->provenance, &r, err);
	if (!rc)
		rc = output_commit(&out, err);
	if (!rc)
		stage_say(st, "%" PRIu64 " images; mean length of d before division %.4g", r.records, r.length);
	if (!rc && r.clipped)
		stage_say(st, "%" PRIu64 " of %" PRIu64 " values were clipped to bytes (--encoding f32 keeps them)",
			  r.clipped, r.values);
	pool_close(pool);
	output_release(&out);
	return rc;
}

int main(int argc, char **argv)
{
	return stage_main(&prog, argc, argv, run_perturb);
}
