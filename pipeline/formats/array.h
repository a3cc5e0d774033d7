/* array: one array of numbers or texts, of an NPY file, an NPZ archive or a safetensors file, read by npy.h's reader
 * wherever it came from. Which of several is never guessed. */
#ifndef VIC_ARRAY_H
#define VIC_ARRAY_H

#include "npy.h"
#include "npz.h"
#include "safetensors.h"

enum array_form { ARRAY_NPY, ARRAY_NPZ, ARRAY_SAFETENSORS };

struct array {
	struct npy_reader r; /* r.read NULL: not open */
	struct npz *z;
	struct npz_member *member;
	struct safetensors st;
	const unsigned char *next; /* of the tensor: bytes not yet handed out */
	size_t left;
	char *label; /* "FILE: array 'x'" */
};

/* Form of a regular file, by its first bytes; of anything else ARRAY_NPY. */
enum array_form array_form_of(const char *path);
/* Opens the array `name` of `path`; NULL: the only one. `option` is what chooses ("--array"). NPY files have no names.
 * path is borrowed. Errors: several, none of that name (those that are there are listed), a name for an NPY file. */
int array_open(struct array *a, enum array_form form, const char *path, const char *option, const char *name,
	       struct err *err) VIC_CHECKED;
void array_release(struct array *a); /* a zeroed struct is fine */

#endif
