/* formats: readers of the distributed forms of the corpora. Each adds the records of one operand to a sink that
 * has been begun with the format's classes, in an order that depends on the content alone: a folder and an archive
 * of the same files give the same records. Private to tokenize/. */
#ifndef VIC_FORMATS_H
#define VIC_FORMATS_H

#include "sink.h"

enum { MR_CLASSES = 2, IMDB_CLASSES = 2, TREC_COARSE = 6, TREC_FINE = 50 };
extern const char *const polarity_classes[2]; /* "neg", "pos" */
extern const char *const trec_coarse[TREC_COARSE];
extern const char *const trec_fine[TREC_FINE]; /* "ABBR:abb" ... in bytewise order */

/* A record a line, label -1. `path` may be "-". */
int read_lines(struct sink *s, const char *path, struct err *err) VIC_CHECKED;
/* rt-polarity.neg and rt-polarity.pos (in that order) in the folder `path`, in rt-polaritydata/ or
 * rt-polaritydata.tar.gz inside it, or in the archive `path`. */
int read_mr(struct sink *s, const char *path, struct err *err) VIC_CHECKED;
/* `COARSE:fine question` lines: a file, "-", or a folder with train_5500.label and TREC_10.label. The split is
 * that of the file's name: TREC_10.label is test. `fine`: label by the whole of COARSE:fine. */
int read_trec(struct sink *s, const char *path, int fine, struct err *err) VIC_CHECKED;
/* aclImdb/{train,test}/{pos,neg}/ID_RATING.txt and train/unsup, as a folder (or the folder around it) or as the
 * archive; ordered by split, class and number. `<br />` is a line break, as its authors meant it. Files of other
 * names are counted in s->passed_over. */
int read_imdb(struct sink *s, const char *path, struct err *err) VIC_CHECKED;

struct lines;
/* All lines of `l` as records with that label. */
int put_lines(struct sink *s, struct lines *l, int32_t label, struct err *err) VIC_CHECKED;
/* 1: a folder; 0: something else; -1: nothing there (err filled). */
int path_is_folder(const char *path, struct err *err) VIC_CHECKED;
/* dir/name, owned by the caller. */
int path_below(char **out, const char *dir, const char *name, struct err *err) VIC_CHECKED;

#endif
