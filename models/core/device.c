/* Opens a backend by name. "auto" takes cuda where its plug-in is there and finds a device, else cpu, whose variants
 * are tried from the best that this processor runs down to base. A missing cuda plug-in is no news, nor is a card that
 * is missing with its driver; whatever else fails on the way is noted and passed over. ref is linked in and is used
 * only when asked for. A BLAS reads its environment when it is loaded, so that is set before dlopen. */
#include "backend.h"

#include "pipeline/base/mem.h"
#include "pipeline/base/num.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_plugin(struct device *d, const char *file, struct err *err)
{
	/* A BLAS starts threads of its own when it is loaded, and ends the program where they do not start; ours work
	 * alone. */
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	if (plugin_open(&d->plugin, file, "vic_backend", BACKEND_ABI, err))
		return -1;
	d->b = d->plugin.what;
	return 0;
}

/* What did not work and is passed over for the next. Without memory for it there is no more to come. */
static int pass_over(struct device *d, struct err *err)
{
	if (d->notes == DEVICE_NOTES || mem_printf(&d->note[d->notes], err, "%s", err->msg))
		return -1;
	d->notes++;
	*err = ERR_NONE;
	return 0;
}

/* The cpu plug-in is built for several instruction sets; the best that runs here and loads, or the one $VIC_CPU
 * names. */
static int open_cpu(struct device *d, struct err *err)
{
	static const char *const variants[] = { "v4", "v3", "base" };
	const char *want = getenv("VIC_CPU");
#if defined(__x86_64__)
	int runs[] = { __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
			       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"),
		       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), 1 };
#else
	int runs[] = { 0, 0, 1 };
#endif
	char file[64];
	for (int i = 0; i < 3; i++) {
		if (want && *want && strcmp(want, variants[i]))
			continue;
		if (!runs[i] && want && *want)
			return err_no_device(err, "VIC_CPU=%s: this processor does not run it", want);
		if (!runs[i])
			continue;
		snprintf(file, sizeof file, "libvic-cpu-%s.so", variants[i]);
		if (!open_plugin(d, file, err))
			return 0;
		if ((want && *want) || i == 2)
			return -1;
		if (pass_over(d, err))
			return -1;
	}
	return err_no_device(err, "VIC_CPU=%s: is none of v4, v3, base", want);
}

/* An installation without the plug-in is no news; a plug-in that is there and broken, or finds no device where the
 * driver of one runs, is. */
static int open_cuda_if_any(struct device *d, const struct backend_config *config, struct err *err)
{
	char path[4400];
	if (plugin_path(path, sizeof path, "libvic-cuda.so", err))
		return -1;
	if (access(path, F_OK))
		return 0;
	if (open_plugin(d, "libvic-cuda.so", err))
		return pass_over(d, err);
	if (!d->b->open(&d->ctx, config, err))
		return 0;
	plugin_close(&d->plugin);
	d->b = NULL;
	if (err->status == VIC_USAGE) /* asked for wrongly, on whatever device */
		return -1;
	d->no_card = err->status == VIC_NO_DEVICE && access("/proc/driver/nvidia", F_OK);
	err_context(err, "cuda");
	return pass_over(d, err);
}

static int open_named(struct device *d, const char *name, struct backend_config config, struct err *err)
{
	int any = !strcmp(name, "auto");
	if (!strncmp(name, "cuda:", 5)) {
		int64_t n;
		if (num_i64("--device cuda", name + 5, 0, 1023, &n, err))
			return -1;
		config.ordinal = (int)n;
	}
	if (any && !config.on_cpu && (open_cuda_if_any(d, &config, err) || d->ctx))
		return d->ctx ? 0 : -1;
	if (!strcmp(name, "ref"))
		d->b = &backend_ref;
	else if (!strncmp(name, "cuda", 4) && (!name[4] || name[4] == ':')) {
		if (open_plugin(d, "libvic-cuda.so", err))
			return -1;
	} else if (!any && strcmp(name, "cpu"))
		return err_usage(err, "--device: '%s' is none of auto, cpu, ref, cuda, cuda:N", name);
	else if (open_cpu(d, err))
		return -1;
	return d->b->open(&d->ctx, &config, err);
}

static int device_open_config(struct device *d, const char *name, const struct backend_config *config,
			      struct err *err)
{
	*d = (struct device){ .threads = config->threads };
	*err = ERR_NONE;
	if (!open_named(d, name, *config, err))
		return 0;
	if (d->notes && !d->b)
		err_context(err, "%s; nor does another plug-in load", d->note[0]);
	device_close(d);
	return -1;
}

int device_open(struct device *d, const char *name, int threads, struct err *err)
{
	struct backend_config config = { .threads = threads };
	return device_open_config(d, name, &config, err);
}

int device_open_card(struct device *d, const struct backend_config *config, struct err *err)
{
	if (!device_open_config(d, "cuda", config, err))
		return 0;
	return err->status == VIC_NO_DEVICE ? err_context(err, "planning for a card needs the cuda plug-in") : -1;
}

void device_close(struct device *d)
{
	if (d->ctx)
		d->b->close(d->ctx);
	plugin_close(&d->plugin);
	for (int i = 0; i < d->notes; i++)
		free(d->note[i]);
	*d = (struct device){ 0 };
}

const char *device_engine(const struct device *d)
{
	return d->b->engine(d->ctx);
}

int device_open_for(const struct stage *st, struct device *d, const char *name, const struct backend_config *config,
		    struct err *err)
{
	if (device_open_config(d, name, config, err))
		return -1;
	for (int i = d->no_card; i < d->notes; i++)
		stage_say(st, "passed over: %s", d->note[i]);
	int asked = config->precision != PRECISION_FLOAT32 && stage_given(st, "precision");
	if (!strcmp(d->b->name, "cuda") || (!asked && !config->tune))
		return 0;
	if (config->tune)
		err_usage(err, "--tune: the device is %s, which has no engines to choose from", d->b->name);
	else
		err_usage(err, "--precision: the device is %s, which computes in float32", d->b->name);
	device_close(d);
	return -1;
}

void device_say(const struct stage *st, const struct device *d)
{
	for (const char *note = NULL; d->b && d->b->note && (note = d->b->note(d->ctx));)
		stage_say(st, "%s: %s", d->b->name, note);
}

void device_print(FILE *f)
{
	struct device d;
	struct err err;
	struct backend_config config = { .precision = PRECISION_TF32 }; /* as the programs' default */
	if (device_open_config(&d, "auto", &config, &err)) {
		fprintf(f, "engine: none: %s\n", err.msg);
		return;
	}
	fprintf(f, "engine: %s\n", d.b->describe(d.ctx));
	for (int i = 0; i < d.notes; i++)
		fprintf(f, "passed over: %s\n", d.note[i]);
	device_close(&d);
}
