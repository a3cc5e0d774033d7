/* fibre: stacks that one thread of the system changes between. The switch keeps what the calling convention says a call
 * keeps, and no more: ucontext would make two system calls each time. */
#ifndef VIC_GPU_FIBRE_H
#define VIC_GPU_FIBRE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBRE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBRE_ASAN 1
#endif
#endif
#ifndef FIBRE_ASAN
#define FIBRE_ASAN 0
#endif

enum { FIBRE_STACK = 256 << 10 };

struct fibre {
	void *sp; /* while it rests */
	unsigned char *stack;
	void *shadow; /* of AddressSanitizer */
};

/* A stack with a page before it that nobody may touch. Kept until the program ends. */
void fibre_allot(struct fibre *f);
/* Sets it to begin at run(), which must not return but end by fibre_leave. */
void fibre_begin(struct fibre *f, void (*run)(void));
/* From the caller's stack into f; returns at f's next fibre_rest or fibre_leave. */
void fibre_enter(struct fibre *f);
/* First in run(). */
void fibre_started(void);
/* From a fibre back to who entered it. */
void fibre_rest(struct fibre *f);
_Noreturn void fibre_leave(struct fibre *f);

#endif
