/* dry: makes a test open the cuda plug-in of the folder $DRY, which runs on the host. Without it the plug-in is looked
 * for as ever: on a machine with a graphics card the same test tries that. */
#ifndef VIC_GPU_DRY_H
#define VIC_GPU_DRY_H

#include <stdlib.h>

__attribute__((constructor)) static void dry_plugin(void)
{
	if (getenv("DRY"))
		setenv("VIC_BACKENDS", getenv("DRY"), 1);
}

/* The libraries leave memory behind, and so do the fakes, whose counters may be read when the plug-in was closed; once
 * they are unloaded it looks lost. Leaks of the host's code are found by the tests of the other backends. */
#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

#endif
