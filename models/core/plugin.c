/* dlopen with every name local, so that what one plug-in is linked with is no other's. */
#include "plugin.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int plugin_path(char *path, size_t size, const char *file, struct err *err)
{
	const char *set = getenv("VIC_BACKENDS");
	if (set && *set) {
		snprintf(path, size, "%s/%s", set, file);
		return 0;
	}
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return err_sys(err, "where this program lies");
	self[n] = 0;
	snprintf(path, size, "%s/../lib/vicinal/%s", dirname(self), file);
	return 0;
}

int plugin_open(struct plugin *p, const char *file, const char *entry, int abi, struct err *err)
{
	const void *(*of)(void);
	char path[4400];
	*p = (struct plugin){ 0 };
	if (plugin_path(path, sizeof path, file, err))
		return -1;
	p->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!p->library) {
		const char *why = dlerror();
		size_t n = strlen(path);
		return err_no_device(err, "%s: %s", path,
				     !strncmp(why, path, n) && !strncmp(why + n, ": ", 2) ? why + n + 2 : why);
	}
	*(void **)&of = dlsym(p->library, entry);
	p->what = of ? of() : NULL;
	int speaks = p->what ? *(const int *)p->what : -1;
	if (speaks == abi)
		return 0;
	plugin_close(p);
	return err_no_device(err, "%s: speaks interface %d, this program %d; build them together", path, speaks, abi);
}

void plugin_close(struct plugin *p)
{
	if (p->library)
		dlclose(p->library);
	*p = (struct plugin){ 0 };
}
