/* vectors: the rows of a file of word vectors that a vocabulary needs.
 *
 * Text (GloVe, fastText, word2vec's text): a line is a word and then its numbers, separated by any run of ASCII's white
 * space (some words of glove.840B are white space to Unicode). The last `dim` fields are the numbers, all before them
 * is the word, which may therefore hold spaces, but not end in a field that is a number. A first line "rows dim" is a
 * header. White space at both ends of a line (the CR of CR LF too), a byte-order mark and a last line without LF are
 * taken. Binary (word2vec): "rows dim\n", then for each row the word, a space and dim little-endian floats, with or
 * without a line feed after. A word of the file is the data's where both are the same in Unicode's form C.
 *
 * The file is scanned by line; numbers are read only where the word is wanted (decimal.h: correctly rounded). Of rows
 * that nobody wants the number of fields is checked, not the numbers. The first sound row of a word wins. The result
 * does not depend on the number of threads, nor on whether the bytes come from a file, a pipe or packed. */
#ifndef VIC_EMBED_VECTORS_H
#define VIC_EMBED_VECTORS_H

#include "pipeline/base/err.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/vocab.h"
#include "words.h"

#include <stddef.h>
#include <stdint.h>

enum vectors_format { VECTORS_AUTO, VECTORS_TEXT, VECTORS_WORD2VEC };
enum { VECTORS_MAX_DIM = 65536, VECTORS_MAX_LINE = 8 << 20 };

/* What was met in the file. Nothing is passed over without being counted here. */
struct vectors_counts {
	uint64_t bytes;	      /* decompressed */
	uint64_t rows;	      /* lines that are neither header nor blank; binary: rows */
	uint64_t header_rows; /* what a header promises; meaningful when has_header */
	int has_header, has_bom, is_binary;
	uint64_t blank;	    /* empty lines */
	uint64_t spaced;    /* rows whose word holds a space; no token can match them */
	uint64_t repeats;   /* rows of a wanted word that has its vector already */
	uint64_t fields;    /* passed over: fewer than dim numbers, or no word before them */
	uint64_t wide;	    /* passed over: more than dim numbers */
	uint64_t numbers;   /* passed over: a field that is not a number, in a row of a wanted word */
	uint64_t nonfinite; /* passed over: nan, inf or beyond float, in a row of a wanted word */
	uint64_t first_bad; /* line (binary: row) of the first row passed over, from 1; 0: none */
	struct words_met met;
};

struct vectors {
	int dim;
	float *row;	      /* [vocab->n][dim]; zeros where found is 0 */
	unsigned char *found; /* [vocab->n] */
	uint32_t n_found;
	struct vectors_counts count;
};

/* Reads the vectors of vocab's words from path ("-": stdin). dim 0: found from the header or, without one, from the
 * first 100 rows. More than half of these must be a word and that many finite numbers (half, where dim is given);
 * where they are not the error says what the file is, or what is wrong with the first such row. Other errors:
 * unreadable, truncated packed data or binary, no row at all, dim that contradicts the header, a text file with fewer
 * rows than its header says, a line longer than VECTORS_MAX_LINE. *v is to be released in any case. */
int vectors_read(struct vectors *v, const char *path, enum vectors_format format, int dim, const struct vocab *vocab,
		 struct pool *pool, struct err *err) VIC_CHECKED;
/* An empty result of the given width: nothing found. */
int vectors_init(struct vectors *v, int dim, uint32_t n_words, struct err *err) VIC_CHECKED;
void vectors_release(struct vectors *v);
/* Rows that could not be used. */
uint64_t vectors_garbled(const struct vectors_counts *c);

#endif
