/* Out of memory inside oneDNN becomes an error: what operator new calls when it has no memory jumps back to who called oneDNN. */
#ifdef VIC_ONEDNN
#include "onednn_guard.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef void (*new_handler)(void);
/* std::set_new_handler(), of the C++ library that oneDNN brings. */
__attribute__((weak)) new_handler set_new_handler(new_handler handler) __asm__("_ZSt15set_new_handlerPFvvE");

/* Memory of the thread itself from its start: the loader takes what it has to find later from malloc(), and aborts without. */
static _Thread_local __attribute__((tls_model("initial-exec"))) jmp_buf *back;
static atomic_int starved, installed;

static void leave(void)
{
	if (!back)
		abort(); /* not ours: what C++ does without a handler */
	atomic_store(&starved, 1);
	longjmp(*back, 1);
}

int onednn_starved(void)
{
	return atomic_load_explicit(&starved, memory_order_relaxed);
}

int onednn_guarded(int (*f)(void *arg, struct err *err), void *arg, struct err *err)
{
	jmp_buf here;
	if (!atomic_load_explicit(&installed, memory_order_relaxed) && !atomic_exchange(&installed, 1) && set_new_handler)
		set_new_handler(leave);
	if (onednn_starved())
		return err_system(err, "oneDNN: out of memory");
	back = &here;
	int rc = setjmp(here) ? err_system(err, "oneDNN: out of memory") : f(arg, err);
	back = NULL;
	return rc;
}
#else
typedef int onednn_needs_no_guard; /* ISO C wants something in every file */
#endif
