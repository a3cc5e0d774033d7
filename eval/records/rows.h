/* rows: documents of kind logits, read once and turned into one result a record.
 *
 * Reading and arithmetic overlap: one thread reads blocks, the others work on them. What comes out does not
 * depend on how many there are: columns lie in the order of the stream, sums are integers (fix.h).
 *
 * Probabilities are float64. For logits z of one record with winner w (lowest index of the largest; ties are counted)
 *   rest = sum over j != w of exp(z_j - z_w),  conf = 1 / (1 + rest),  1 - conf = rest / (1 + rest)
 *   nll = z_w - z_y + log1p(rest),  brier = sum_k (p_k - [k = y])^2,  entropy = -sum_k p_k ln p_k  (nats)
 * For values "probs" the numbers are taken as they are, never renormalised. With S > 1 samples a record's probabilities
 * are the mean of the samples' (never the logits'), and mutual = entropy of the mean - mean of the entropies. */
#ifndef VIC_EVAL_ROWS_H
#define VIC_EVAL_ROWS_H

#include "conf.h"
#include "fix.h"
#include "wide.h"
#include "pipeline/base/pool.h"
#include "pipeline/stream/stream.h"

/* Which records. ROWS_AUTO: those marked test where any record is, else all; ROWS_AUTO_DEV: those marked dev where any
 * is, else all. Or an enum stream_split. */
enum { ROWS_AUTO = -1, ROWS_ALL = -2, ROWS_AUTO_DEV = -3 };
/* --split: its choices; what the nth of them and what a name of them means; and the name of ROWS_ALL or of a split. */
#define ROWS_SPLITS "auto|all|train|dev|test|extra"
int rows_split_chosen(int choice);
int rows_split_of(const char *name, int *split, struct err *err) VIC_CHECKED;
const char *rows_split_name(int split);
/* What to do with records whose label is -1. */
enum rows_unlabelled { ROWS_REFUSE, ROWS_DROP, ROWS_KEEP };

/* Columns that may be asked for beside key, which is always there. */
enum rows_column {
	COL_ID = 1,	     /* uint64_t id[n] */
	COL_LABEL = 2,	     /* int32_t label[n], -1 where unlabelled */
	COL_PREDICTED = 4,   /* int32_t predicted[n] */
	COL_NLL = 8,	     /* double nll[n]; +Inf where the label has probability 0; NaN where unlabelled */
	COL_BRIER = 16,	     /* double brier[n]; NaN where unlabelled */
	COL_ENTROPY = 32,    /* double entropy[n] */
	COL_MUTUAL = 64,     /* double mutual[n]; 0 with one sample */
	COL_MAX_LOGIT = 128, /* double max_logit[n]; NaN for probs; mean over samples */
	COL_ENERGY = 256,    /* double energy[n]: logsumexp(z), NaN for probs; mean of samples */
	COL_MARGIN = 512,    /* double margin[n]: p(first) - p(second) */
	COL_VALUES = 1024,   /* the logits or probabilities as they came, [n][samples][classes] of head.dtype */
	COL_SPLIT = 2048,    /* uint8_t split[n] */
	COL_CLASS_KEYS = 8192, /* conf_key class_key[n][classes]: of each class, as key is with its class_name */
	COL_NAME = 4096,     /* struct row_name name_of[n], in names[]; not of rows judged anew */
};

/* Where a record's name lies in rows.names. */
struct row_name {
	size_t from, len;
};

struct rows_options {
	int split; /* ROWS_AUTO, ROWS_ALL or an enum stream_split */
	enum rows_unlabelled unlabelled;
	unsigned columns;	/* enum rows_column, or-ed */
	const char *class_name; /* key is of P(this class), right where the label is this class: a name, else a number;
				 * NULL: key is of the winner */
	int binary_second;	/* 1: with two classes, as if class_name were the second */
	int class_bins;		/* > 0: fill class_cell and top_cell with that many bins */
	int class_room;		/* classwise.h's room; 0 but in tests that it does not show */
	int float32;		/* 1: probabilities are rounded to float32 before use (how other tools see them) */
	int threads;		/* 0: as many as the machine has */
};

/* Exact sums over the chosen records. */
struct rows_sums {
	uint64_t n, right, top5, ties, infinite; /* infinite: labels of probability 0, in neither sum of losses */
	uint64_t unlabelled;
	fix conf, nll, brier, entropy, mutual; /* nll and brier over labelled records */
	struct wide large;		       /* losses of FIX_LIMIT and more, which are not in nll */
};
/* Adds a loss; the mean loss of n >= 1 records, +Inf where one of them is. */
void rows_add_nll(struct rows_sums *s, double nll);
double rows_mean_nll(const struct rows_sums *s, double n);
void rows_add_sums(struct rows_sums *a, const struct rows_sums *b);

/* One class and one equal-width bin: class-wise (all records, P(class)), top-label (records predicted as the class). */
struct rows_cell {
	uint64_t n, right;
	fix conf;
};

struct rows {
	char *name;			/* head's name, else the file's; owned */
	struct stream_head head;	/* of the first document; owned */
	json_t *provenance;		/* of the first document; owned */
	uint64_t documents;		/* pooled here */
	int names_differ;		/* pooled documents had different names */
	int split;			/* what was chosen: ROWS_ALL or an enum stream_split */
	uint64_t in_split[SPLIT_COUNT]; /* records of each split in the input, chosen or not */
	struct rows_sums sum;
	size_t n; /* chosen records: length of every column */
	conf_key *key, *class_key;
	uint64_t *id;
	int32_t *label, *predicted;
	uint8_t *split_of;
	double *nll, *brier, *entropy, *mutual, *max_logit, *energy, *margin;
	void *values;
	struct row_name *name_of;
	char *names; /* of all records read, one after the other in no order */
	size_t names_len;
	struct rows_cell *class_cell, *top_cell; /* [classes][class_bins], where asked for */
	int class_bins;
};
/* Of rows that were all read: what ROWS_AUTO comes to, any other split itself. */
int rows_split_found(int split, const struct rows *list, size_t n);

/* Reads the stream at `path` ("-": stdin) to its end. All its documents must have the same head (names may differ) and
 * are pooled in order. Errors, each with file and record: what stream.h refuses; NaN; +Inf; all -Inf; probabilities
 * outside [0,1] or not summing to 1 within 1e-3; unlabelled records where refused; no records, or none in the split;
 * documents whose heads differ. On failure *rows is released. */
int rows_read(struct rows *rows, const char *path, const struct rows_options *options, struct err *err) VIC_CHECKED;
/* As rows_read, one struct rows for each document: *list (owned; release each, then free) of *n. */
int rows_read_each(struct rows **list, size_t *n, const char *path, const struct rows_options *options,
		   struct err *err) VIC_CHECKED;
/* One result of m models that saw the same records: their probabilities averaged, as samples are (mutual says how far
 * they part). in[]: read with COL_VALUES, COL_ID, COL_LABEL and COL_SPLIT, ROWS_ALL and ROWS_KEEP. options: as for
 * rows_read, and decides what is chosen now. float32 may stand beside float64, which all are then. Errors: records,
 * labels, splits or heads that differ otherwise; what rows_read refuses. */
int rows_ensemble(struct rows *out, const struct rows *in, int m, const struct rows_options *options,
		  struct err *err) VIC_CHECKED;
/* The same of the streams at these paths; out->name is the first's "and N more". */
int rows_read_ensemble(struct rows *out, char *const *path, int m, const struct rows_options *options,
		       struct err *err) VIC_CHECKED;
/* The records pick[0..n) of one result, or all n where pick is NULL, judged anew. in: read as for rows_ensemble.
 * options: as for rows_read. What was pooled stays said of the part; its provenance is NULL, so that parts of one
 * result can be made side by side. Errors: as rows_read's. */
int rows_subset(struct rows *out, const struct rows *in, const uint32_t *pick, size_t n,
		const struct rows_options *options, struct err *err) VIC_CHECKED;
/* Records of the split that were left out because they have no label (ROWS_DROP). */
uint64_t rows_dropped(const struct rows *rows);
void rows_release(struct rows *rows);

/* Record i, sample s of COL_VALUES as doubles: to[classes]. */
void rows_values(const struct rows *rows, size_t i, int sample, double *to);

/* The kernel itself, for who has logits in memory (a fitted temperature, say). z: [classes] logits in float64, not
 * changed; p: [classes] probabilities, or NULL. Returns logsumexp(z). */
double softmax_row(const double *z, int classes, double *p);

#endif
