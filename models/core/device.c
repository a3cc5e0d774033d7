#include "backend.h"

#include "pipeline/num.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Folder of the plug-ins: $VIC_BACKENDS, or ../lib/vicinal beside the running program. */
static int plugin_dir(char *dir, size_t size, struct err *err)
{
	const char *set = getenv("VIC_BACKENDS");
	if (set && *set) {
		snprintf(dir, size, "%s", set);
		return 0;
	}
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return err_sys(err, "where this program lies");
	self[n] = 0;
	snprintf(dir, size, "%s/../lib/vicinal", dirname(self));
	return 0;
}

static int open_plugin(struct device *d, const char *file, struct err *err)
{
	char dir[4096], path[4400];
	if (plugin_dir(dir, sizeof dir, err))
		return -1;
	snprintf(path, sizeof path, "%s/%s", dir, file);
	d->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!d->library)
		return err_no_device(err, "%s", dlerror());
	backend_entry *entry;
	*(void **)&entry = dlsym(d->library, "vic_backend");
	d->b = entry ? entry() : NULL;
	if (d->b && d->b->abi == BACKEND_ABI)
		return 0;
	int abi = d->b ? d->b->abi : -1;
	dlclose(d->library);
	*d = (struct device){ 0 };
	return err_no_device(err, "%s: speaks interface %d, this program %d; build them together", path, abi, BACKEND_ABI);
}

/* The cpu plug-in is built for several instruction sets; the best that runs here, or the one $VIC_CPU names. */
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
		if (want && *want)
			return -1;
	}
	if (want && *want)
		return err_no_device(err, "VIC_CPU=%s: is none of v4, v3, base", want);
	return err->msg[0] ? -1 : err_no_device(err, "no cpu backend found");
}

int device_open(struct device *d, const char *name, int threads, struct err *err)
{
	struct backend_config config = { .threads = threads };
	int auto_ = !strcmp(name, "auto");
	*d = (struct device){ 0 };
	*err = ERR_NONE;
	if (!strncmp(name, "cuda:", 5)) {
		int64_t n;
		if (num_i64("--device cuda", name + 5, 0, 1023, &n, err))
			return -1;
		config.ordinal = (int)n;
	}
	if (!strcmp(name, "ref"))
		d->b = &backend_ref;
	else if (!strncmp(name, "cuda", 4) && (!name[4] || name[4] == ':')) {
		if (open_plugin(d, "libvic-cuda.so", err))
			return -1;
	} else if (auto_ && !open_plugin(d, "libvic-cuda.so", err)) {
		if (!d->b->open(&d->ctx, &config, err))
			return 0;
		device_close(d);
	}
	if (!d->b && !auto_ && strcmp(name, "cpu"))
		return err_usage(err, "--device: '%s' is none of auto, cpu, ref, cuda, cuda:N", name);
	if (!d->b) {
		*err = ERR_NONE;
		if (open_cpu(d, err))
			return -1;
	}
	if (d->b->open(&d->ctx, &config, err)) {
		device_close(d);
		return -1;
	}
	return 0;
}

void device_close(struct device *d)
{
	if (d->ctx)
		d->b->close(d->ctx);
	if (d->library)
		dlclose(d->library);
	*d = (struct device){ 0 };
}
