/* num: the only number parser. The whole text must be one number inside the stated range: no trailing characters, no
 * leading space, no NaN. Infinity is read where it is written ("-inf") and the range has it; a finite number that is
 * too large for a double never becomes one. `what` names the thing in the message ("--epochs", "line 7"). */
#ifndef VIC_NUM_H
#define VIC_NUM_H

#include "err.h"
#include <stdint.h>

int num_i64(const char *what, const char *text, int64_t lo, int64_t hi, int64_t *out, struct err *err) VIC_CHECKED;
/* A record's id, as a file gives it: any u64. It is data, so a failure has the status VIC_DATA. */
int num_id(const char *what, const char *text, uint64_t *out, struct err *err) VIC_CHECKED;
int num_f64(const char *what, const char *text, double lo, double hi, double *out, struct err *err) VIC_CHECKED;

/* The shortest digits that bring the value back: 1.0000000000000002 and not 1, for messages about values. */
enum { NUM_TEXT = 32 };
void num_text(char text[NUM_TEXT], double v);

#endif
