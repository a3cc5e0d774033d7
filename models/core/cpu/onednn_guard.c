/* Out of memory inside oneDNN becomes an error: what operator new calls when it has no memory, and what a throw calls
 * that nobody catches, jumps back to who called oneDNN. */
#ifdef VIC_ONEDNN
#include "onednn_guard.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef void (*handler)(void);
/* Of the C++ library that oneDNN brings: std::set_new_handler(), std::set_terminate(), and what a thread keeps of its
 * exceptions. */
__attribute__((weak)) handler set_new_handler(handler h) __asm__("_ZSt15set_new_handlerPFvvE");
__attribute__((weak)) handler set_terminate(handler h) __asm__("_ZSt13set_terminatePFvvE");
__attribute__((weak)) void *exceptions_of_thread(void) __asm__("__cxa_get_globals");

/* Memory of the thread itself from its start: the loader takes what it has to find later from malloc(), and aborts
 * without. */
static _Thread_local __attribute__((tls_model("initial-exec"))) jmp_buf *back;
static _Thread_local __attribute__((tls_model("initial-exec"))) int ready;
static atomic_int starved;

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

/* Once in each thread: the first throw would ask the loader for memory, which ends the program where there is none. */
static void prepare_thread(void)
{
	if (set_new_handler)
		set_new_handler(leave);
	if (set_terminate)
		set_terminate(leave);
	if (exceptions_of_thread)
		exceptions_of_thread();
	ready = 1;
}

int onednn_guarded(int (*f)(void *arg, struct err *err), void *arg, struct err *err)
{
	jmp_buf here;
	if (!ready)
		prepare_thread();
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
