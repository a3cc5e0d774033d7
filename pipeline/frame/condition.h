/* condition: options that have an effect only where another is in force (struct opt's `with`), or only where it is not
 * (`without`). The frame refuses the others: they would be taken, kept in the provenance, printed in titles, and do
 * nothing. */
#ifndef VIC_CONDITION_H
#define VIC_CONDITION_H

#include "opt.h"

/* After opt_parse, which filled `given`. 0; or a usage error that names the first option that was given in vain, and
 * what it goes with. */
int condition_check(const struct opt *opts, const unsigned char *given, struct err *err) VIC_CHECKED;
/* For tests, a line an option: program, "--name", "with" or "without" or nothing, its text, and a value that the option
 * takes (nothing for a flag). Before opt_parse. Aborts where a condition names no option: a programmer's slip. */
void condition_print(const char *program, const struct opt *opts, FILE *to);

#endif
