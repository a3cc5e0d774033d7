/* oneDNN is C++ behind a face of C: memory that it cannot have is thrown, and nobody catches it, so the program would
 * be ended without a word. Private to onednn.c and gemm.c. */
#ifndef VIC_ONEDNN_GUARD_H
#define VIC_ONEDNN_GUARD_H

#include "pipeline/base/err.h"

/* Returns f(arg, err); or -1 and "oneDNN: out of memory" where the C++ library on the way had no memory left. f is left
 * where it stands then, with whatever it holds, and so are oneDNN's locks: from then on nothing in this process calls
 * oneDNN (every call of this function fails at once), and what was made by it is kept. f may be called by any thread;
 * calls do not nest. */
int onednn_guarded(int (*f)(void *arg, struct err *err), void *arg, struct err *err);

/* 1 once a call was left so. */
int onednn_starved(void);

#endif
