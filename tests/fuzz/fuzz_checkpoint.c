/* Any bytes as a checkpoint: refused, or a run that goes on from it: an epoch, its end asked for, its weights, and a
 * checkpoint that is read again and written to the same bytes. Of which run it is a checkpoint is believed, else all
 * would be refused as those of another. */
#include "sealed.h"

#include "models/files/checkpoint.h"
#include "models/files/modelfile.h"
#include "models/train/planning.h"
#include "pipeline/base/mem.h"

enum { EPOCHS = 3 };

/* Two runs to go on with: of words and of images. Made once. */
struct task {
	const char *seed;
	struct train_options options;
	struct dataset data;
	struct plan plan;
	int ready;
};

static struct task *task_of(int images)
{
	static struct task tasks[2] = {
		{ .seed = "tests/fuzz/seeds/stream/text" },
		{ .seed = "tests/fuzz/seeds/stream/images" },
	};
	struct task *t = &tasks[images];
	struct stream_reader *r;
	struct err err = ERR_NONE;
	if (t->ready)
		return t;
	t->options = train_options_none();
	t->options.filters = images ? NULL : "2,3";
	t->options.maps = images ? 0 : 1;
	t->options.model = images ? "smallcnn" : "kimcnn";
	t->options.width = images ? 0.1 : -1;
	t->options.crop = images ? 8 : 0; /* of one image: 4 would come down to 1x1 in a NORM */
	t->options.epochs = EPOCHS;
	t->options.batch = 4;
	if (stream_open(&r, t->seed, &err) || stream_next_document(r, &err) != 1 || dataset_begin(&t->data, r, &err) ||
	    train_options_finish(&t->options, t->data.head.kind, &err) ||
	    dataset_read(&t->data, r, (int)t->options.max_tokens, &err) ||
	    plan_make(&t->plan, &t->options, &t->data, &err))
		abort();
	stream_close(r);
	free(t->plan.key);
	t->ready = 1;
	return t;
}

/* Takes a run's name and data from the file; 1 for images. The plan's key is the caller's. */
static int believe(const char *path, char **key, uint32_t *crc)
{
	struct safetensors st;
	struct err err = ERR_NONE;
	const char *plan, *data;
	int images = 0;
	*key = NULL;
	if (safetensors_open(&st, path, &err))
		return 0;
	plan = safetensors_meta(&st, "plan");
	data = safetensors_meta(&st, "data");
	images = safetensors_find(&st, "conv1.weight:w") != NULL;
	if (plan && mem_text(key, plan, strlen(plan), &err))
		abort();
	if (!data || seal_number(data, crc))
		*crc = 0;
	safetensors_release(&st);
	return images;
}

static void go_on(struct trainer *t, struct device *dev)
{
	struct err err = ERR_NONE;
	struct trainer again;
	struct output out;
	float **weights;
	int epoch, fd[2];
	char path[2][64];
	while (!trainer_done(t))
		if (trainer_epoch(t, &err)) {
			if (!err.msg[0])
				abort();
			return;
		}
	for (int i = 0; i < 2; i++)
		fd[i] = memory_file(path[i], "", 0);
	if (checkpoint_save(t, path[0], &err) || trainer_open(&again, t->plan, t->data, dev, &err) ||
	    checkpoint_load(&again, path[0], &err) || checkpoint_save(&again, path[1], &err))
		abort();
	off_t n = lseek(fd[0], 0, SEEK_END);
	char *bytes = calloc(2, (size_t)n + 1);
	if (!bytes || n != lseek(fd[1], 0, SEEK_END) || pread(fd[0], bytes, (size_t)n, 0) != n ||
	    pread(fd[1], bytes + n, (size_t)n, 0) != n || memcmp(bytes, bytes + n, (size_t)n))
		abort();
	if (trainer_weights(t, &weights, &epoch, &err) || output_open(&out, "/dev/null", &err) ||
	    model_write(&out, t->plan, t->data, &t->graph, weights, epoch, t->data->provenance, &err))
		abort();
	output_release(&out);
	trainer_release(&again);
	free(bytes);
	close(fd[0]);
	close(fd[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_NONE;
	struct trainer t;
	struct device dev;
	uint32_t crc = 0;
	char path[64], *key;
	int fd = memory_file(path, data, size);
	struct task *task = task_of(believe(path, &key, &crc));
	static char none[] = "";
	task->plan.key = key ? key : none;
	task->data.crc = crc;
	if (device_open(&dev, "ref", 1, &err) || trainer_open(&t, &task->plan, &task->data, &dev, &err))
		abort();
	int rc = checkpoint_load(&t, path, &err);
	close(fd);
	if (!rc)
		go_on(&t, &dev);
	else if (!err.msg[0])
		abort(); /* a refusal has words */
	trainer_release(&t);
	device_close(&dev);
	free(key);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t n = seed % 8 ? mutate_tensors(data, size, max, seed) : 0;
	return n ? n : LLVMFuzzerMutate(data, size, max);
}
