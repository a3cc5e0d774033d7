/* The library is looked for as the loader does: LD_LIBRARY_PATH, where CUDA was when the plug-in was built, the
 * system's folders. It stays until the process ends, since it has threads of its own. */
#include "nccl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "libnccl.so.2"

static int find_call(const struct nccl *n, const char *name, void *to, size_t size, struct err *err)
{
	void *at = dlsym(n->library, name);
	if (!at)
		return err_no_device(err, FILE_NAME " has no %s: it is older than NCCL 2.7", name);
	memcpy(to, &at, size); /* ISO C converts no object's address to a function's */
	return 0;
}

/* Of 2.8.4 as 2804, since 2.9 as 20904. */
static void name_library(struct nccl *n)
{
	int v = 0;
	if (n->ncclGetVersion(&v))
		v = 0;
	int wide = v >= 10000 ? 10000 : 1000;
	snprintf(n->name, sizeof n->name, "NCCL %d.%d.%d", v / wide, v % wide / 100, v % 100);
}

int nccl_open(struct nccl *n, struct err *err)
{
	if (n->library)
		return 0;
	*n = (struct nccl){ .library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL) };
	if (!n->library)
		return err_no_device(err, "there is no NCCL: %s", dlerror());
	int rc = find_call(n, "ncclGetErrorString", &n->ncclGetErrorString, sizeof n->ncclGetErrorString, err);
#define NCCL_FIND(call, arguments) rc = rc || find_call(n, #call, &n->call, sizeof n->call, err);
	NCCL_CALLS(NCCL_FIND)
#undef NCCL_FIND
	if (rc) {
		*n = (struct nccl){ 0 };
		return -1;
	}
	name_library(n);
	return 0;
}

int nccl_status(const struct nccl *n, int result, const char *what, struct err *err)
{
	return result ? err_system(err, "%s: NCCL: %s", what, n->ncclGetErrorString(result)) : 0;
}
