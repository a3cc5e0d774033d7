/* npz: NumPy's archive of arrays (numpy.savez, savez_compressed): a zip file whose members NAME.npy are NPY arrays,
 * stored or deflated, with or without zip64. The central directory tells the members (APPNOTE.TXT of PKWARE, 4.3), and
 * each local header must agree with it. A member's CRC-32 and length are checked when its last byte is read. Refused:
 * encryption, other methods, a name twice, bytes before, between or after what the directory names. */
#ifndef VIC_NPZ_H
#define VIC_NPZ_H

#include "npy.h"

struct npz;

/* Reads the whole archive into memory, as it lies (packed). "-" is stdin; `path` is borrowed, for messages. */
int npz_open(struct npz **z, const char *path, struct err *err) VIC_CHECKED;
void npz_close(struct npz *z); /* NULL is fine */
size_t npz_arrays(const struct npz *z);
const char *npz_array_name(const struct npz *z, size_t i); /* without ".npy" */
/* Begins array i. *member is the reader's source, to be freed by npz_end after npy_release; both live no longer than
 * z. */
struct npz_member;
int npz_begin(struct npz *z, size_t i, struct npz_member **member, struct npy_reader *r, struct err *err) VIC_CHECKED;
void npz_end(struct npz_member *member); /* NULL is fine */

#endif
