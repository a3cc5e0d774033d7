/* fibre: see fibre.h. */
#include "fibre.h"
#include "fake.h"

#include <sys/mman.h>
#if FIBRE_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

enum { PAGE = 4096 };
static struct {
	void *sp, *shadow;
	const void *bottom;
	size_t size;
} caller;

/* fibre_switch(keep, to): the registers onto this stack, its pointer into *keep; then the same back from `to`. */
#if defined(__x86_64__)
void fibre_switch(void **keep, void *to);
__asm__(".text\n.type fibre_switch,@function\nfibre_switch:\n"
	"push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
	"mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
	"pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n"
	".size fibre_switch,.-fibre_switch\n");
enum { KEPT = 6 };
#elif defined(__aarch64__)
void fibre_switch(void **keep, void *to);
__asm__(".text\n.type fibre_switch,%function\nfibre_switch:\n"
	"sub sp,sp,#160\n"
	"stp x19,x20,[sp]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\nstp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\n"
	"stp x29,x30,[sp,#80]\nstp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\n"
	"stp d14,d15,[sp,#144]\nmov x9,sp\nstr x9,[x0]\nmov sp,x1\n"
	"ldp x19,x20,[sp]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\nldp x27,x28,[sp,#64]\n"
	"ldp x29,x30,[sp,#80]\nldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\n"
	"ldp d14,d15,[sp,#144]\nadd sp,sp,#160\nret\n"
	".size fibre_switch,.-fibre_switch\n");
#else
#error "no switch of stacks for this processor"
#endif

void fibre_allot(struct fibre *f)
{
	f->stack = mmap(NULL, PAGE + FIBRE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);
	if (f->stack == MAP_FAILED || mprotect(f->stack, PAGE, PROT_NONE))
		fake_die("no room for a stack");
	f->stack += PAGE;
}

void fibre_begin(struct fibre *f, void (*run)(void))
{
	void **sp = (void **)(void *)(f->stack + FIBRE_STACK);
#if defined(__x86_64__)
	*--sp = NULL; /* a call would leave the stack so */
	*--sp = (void *)run;
	for (int i = 0; i < KEPT; i++)
		*--sp = NULL;
#else
	sp -= 20;
	for (int i = 0; i < 20; i++)
		sp[i] = NULL;
	sp[11] = (void *)run;
#endif
	f->sp = sp;
	f->shadow = NULL;
}

void fibre_enter(struct fibre *f)
{
#if FIBRE_ASAN
	__sanitizer_start_switch_fiber(&caller.shadow, f->stack, FIBRE_STACK);
#endif
	fibre_switch(&caller.sp, f->sp);
#if FIBRE_ASAN
	__sanitizer_finish_switch_fiber(caller.shadow, NULL, NULL);
#endif
}

void fibre_started(void)
{
#if FIBRE_ASAN
	__sanitizer_finish_switch_fiber(NULL, &caller.bottom, &caller.size);
#endif
}

void fibre_rest(struct fibre *f)
{
#if FIBRE_ASAN
	__sanitizer_start_switch_fiber(&f->shadow, caller.bottom, caller.size);
#endif
	fibre_switch(&f->sp, caller.sp);
#if FIBRE_ASAN
	__sanitizer_finish_switch_fiber(f->shadow, &caller.bottom, &caller.size);
#endif
}

void fibre_leave(struct fibre *f)
{
#if FIBRE_ASAN
	__sanitizer_start_switch_fiber(NULL, caller.bottom, caller.size);
#endif
	fibre_switch(&f->sp, caller.sp);
	__builtin_unreachable();
}
