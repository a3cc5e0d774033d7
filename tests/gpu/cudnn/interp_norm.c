/* Batch normalisation of interp.h, by its definition in double: forward in training, perhaps with something added and a
 * ReLU behind it, or the gradient of normalisation alone. */
#include "interp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum row {
	X,
	Y,
	DY,
	DX,
	REST,
	SCALE,
	SHIFT,
	MEAN,
	INV,
	RUNNING_MEAN,
	RUNNING_VAR,
	NEXT_MEAN,
	NEXT_VAR,
	EPS,
	MOMENTUM,
	DSCALE,
	DSHIFT,
	ROWS
};
_Static_assert((int)ROWS == INTERP_NORM_TENSORS, "interp.h counts them");

/* The attribute that names each, forward and backward, 0 where none does; whether it is a result. What each is as large
 * as: 'b' the batch, 'c' its channels, '1' one number. */
#define FORWARD(name) CUDNN_ATTR_OPERATION_NORM_FWD_##name
#define BACKWARD(name) CUDNN_ATTR_OPERATION_NORM_BWD_##name
static const struct {
	int attribute[2];
	unsigned char result[2];
	char size;
} rows[ROWS] = {
	[X] = { { FORWARD(XDESC), BACKWARD(XDESC) }, { 0, 0 }, 'b' },
	[Y] = { { 0, 0 }, { 1, 0 }, 'b' }, /* of the last operation */
	[DY] = { { 0, BACKWARD(DYDESC) }, { 0, 0 }, 'b' },
	[DX] = { { 0, BACKWARD(DXDESC) }, { 0, 1 }, 'b' },
	[REST] = { { 0, 0 }, { 0, 0 }, 'b' }, /* of an operation */
	[SCALE] = { { FORWARD(SCALE_DESC), BACKWARD(SCALE_DESC) }, { 0, 0 }, 'c' },
	[SHIFT] = { { FORWARD(BIAS_DESC), 0 }, { 0, 0 }, 'c' },
	[MEAN] = { { FORWARD(MEAN_DESC), BACKWARD(MEAN_DESC) }, { 1, 0 }, 'c' },
	[INV] = { { FORWARD(INV_VARIANCE_DESC), BACKWARD(INV_VARIANCE_DESC) }, { 1, 0 }, 'c' },
	[RUNNING_MEAN] = { { FORWARD(INPUT_RUNNING_MEAN_DESC), 0 }, { 0, 0 }, 'c' },
	[RUNNING_VAR] = { { FORWARD(INPUT_RUNNING_VAR_DESC), 0 }, { 0, 0 }, 'c' },
	[NEXT_MEAN] = { { FORWARD(OUTPUT_RUNNING_MEAN_DESC), 0 }, { 1, 0 }, 'c' },
	[NEXT_VAR] = { { FORWARD(OUTPUT_RUNNING_VAR_DESC), 0 }, { 1, 0 }, 'c' },
	[EPS] = { { FORWARD(EPSILON_DESC), 0 }, { 0, 0 }, '1' },
	[MOMENTUM] = { { FORWARD(EXP_AVG_FACTOR_DESC), 0 }, { 0, 0 }, '1' },
	[DSCALE] = { { 0, BACKWARD(DSCALE_DESC) }, { 0, 1 }, 'c' },
	[DSHIFT] = { { 0, BACKWARD(DBIAS_DESC) }, { 0, 1 }, 'c' },
};

static int row_used(const struct interp_norm *n, int row)
{
	return rows[row].attribute[n->backward] != 0 || (row == Y && !n->backward) || (row == REST && n->rest);
}

/* The operations behind NORM; *y: where the last one's result lies. */
static cudnnStatus_t read_rest(struct interp_norm *n, const struct record *graph, const struct record **y)
{
	struct interp_tensor between;
	for (int64_t i = 1; i < interp_ops(graph); i++) {
		const struct record *op = interp_op(graph, i),
				    *how = interp_named(op, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR),
				    *b = interp_named(op, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
		int mode = interp_enum(how, CUDNN_ATTR_POINTWISE_MODE);
		int add = mode == CUDNN_POINTWISE_ADD && !n->rest && !n->relu && b != NULL,
		    relu = mode == CUDNN_POINTWISE_RELU_FWD && !n->relu && !b;
		if (n->backward || op->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR || (!add && !relu) ||
		    interp_enum(how, CUDNN_ATTR_POINTWISE_MATH_PREC) != CUDNN_DATA_FLOAT ||
		    interp_get(op, CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1) ||
		    interp_get(op, CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2) ||
		    interp_named(op, CUDNN_ATTR_OPERATION_POINTWISE_XDESC) != *y)
			return interp_refuse("an operation behind a normalisation that is no sum and no ReLU");
		if (interp_read(&between, *y, INTERP_NOWHERE) ||
		    (add && interp_read(&n->tensor[REST], b, INTERP_MEMORY)))
			return CUDNN_STATUS_BAD_PARAM;
		if (between.bf16)
			return interp_refuse("what lies between operations is no float");
		n->rest |= add;
		n->relu |= relu;
		*y = interp_named(op, CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
	}
	return n->backward ? CUDNN_STATUS_SUCCESS : interp_read(&n->tensor[Y], *y, INTERP_MEMORY);
}

/* Values are all float or all bfloat16; what belongs to channels is float. */
static cudnnStatus_t check_sizes(const struct interp_norm *n)
{
	const struct interp_tensor *x = &n->tensor[X];
	for (int r = 0; r < ROWS; r++) {
		const struct interp_tensor *t = &n->tensor[r];
		if (!row_used(n, r))
			continue;
		if (t->bf16 != (rows[r].size == 'b' && x->bf16))
			return interp_refuse("tensor %lld is of another type than it must be", (long long)t->uid);
		for (int i = 0; i < 4; i++)
			if (t->dim[i] != (rows[r].size == 'b' || (rows[r].size == 'c' && i == 1) ? x->dim[i] : 1))
				return interp_refuse("tensor %lld has another size than it must", (long long)t->uid);
	}
	return CUDNN_STATUS_SUCCESS;
}

/* A result may lie nowhere but on itself, and the running moments where they were. */
static cudnnStatus_t check_apart(const struct interp_norm *n)
{
	for (int r = 0; r < ROWS; r++)
		for (int q = 0; q < ROWS; q++) {
			const struct interp_tensor *to = &n->tensor[r], *t = &n->tensor[q];
			int on_itself = (r == NEXT_MEAN && q == RUNNING_MEAN) || (r == NEXT_VAR && q == RUNNING_VAR);
			if (r == q || !row_used(n, r) || !row_used(n, q) || t->lies || !rows[r].result[n->backward] ||
			    (on_itself && to->at == t->at))
				continue;
			if (interp_overlap(to->at, interp_extent(to), t->at, interp_extent(t)))
				return interp_refuse("tensor %lld lies on the result %lld", (long long)t->uid,
						     (long long)to->uid);
		}
	for (int r = 0; r < ROWS; r++)
		if (row_used(n, r) && !n->tensor[r].lies &&
		    interp_overlap(n->tensor[r].at, interp_extent(&n->tensor[r]), n->workspace.at, n->workspace.bytes))
			return interp_refuse("tensor %lld lies on the workspace", (long long)n->tensor[r].uid);
	return CUDNN_STATUS_SUCCESS;
}

/* Attributes that are not looked at would be left out. */
static cudnnStatus_t check_known(const struct interp_norm *n, const struct record *op)
{
	for (const struct interp_attribute *a = op->attributes; a; a = a->next) {
		int known = a->name == FORWARD(MODE) || a->name == BACKWARD(MODE) || a->name == FORWARD(PHASE) ||
			    a->name == FORWARD(YDESC);
		for (int r = 0; r < ROWS; r++)
			known |= rows[r].attribute[n->backward] == (int)a->name;
		if (!known)
			return interp_refuse("attribute %d of a normalisation", (int)a->name);
	}
	return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t interp_norm_read(struct interp_norm *n, const struct record *graph, const struct record *plan,
			       const struct record *pack)
{
	const struct record *op = interp_op(graph, 0), *y = interp_named(op, FORWARD(YDESC));
	memset(n, 0, sizeof *n);
	n->backward = op->type == CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR;
	if (interp_enum(op, n->backward ? BACKWARD(MODE) : FORWARD(MODE)) != CUDNN_BATCH_NORM ||
	    (!n->backward && interp_enum(op, FORWARD(PHASE)) != CUDNN_NORM_FWD_TRAINING))
		return interp_refuse("a normalisation of another kind");
	for (int r = 0; r < ROWS; r++)
		if (rows[r].attribute[n->backward] &&
		    interp_read(&n->tensor[r],
				interp_named(op, (cudnnBackendAttributeName_t)rows[r].attribute[n->backward]),
				rows[r].size == '1' ? INTERP_NUMBER : INTERP_MEMORY))
			return CUDNN_STATUS_BAD_PARAM;
	if (check_known(n, op) || read_rest(n, graph, &y) || check_sizes(n) ||
	    interp_workspace(&n->workspace, plan, pack))
		return CUDNN_STATUS_BAD_PARAM;
	for (int r = 0; r < ROWS; r++)
		if (row_used(n, r) && interp_bind(&n->tensor[r], pack))
			return CUDNN_STATUS_BAD_PARAM;
	if (!n->backward) {
		n->eps = *(const float *)n->tensor[EPS].at;
		n->momentum = *(const float *)n->tensor[MOMENTUM].at;
	}
	return check_apart(n);
}

static int64_t place(const struct interp_tensor *t, int64_t row, int64_t channel)
{
	int64_t hw = t->dim[2] * t->dim[3], at = row % hw;
	return row / hw * t->stride[0] + channel * t->stride[1] + at / t->dim[3] * t->stride[2] +
	       at % t->dim[3] * t->stride[3];
}

static double get(const struct interp_norm *n, enum row r, int64_t row, int64_t channel)
{
	return interp_load(&n->tensor[r], place(&n->tensor[r], row, channel));
}

static void put(const struct interp_norm *n, enum row r, int64_t row, int64_t channel, double v)
{
	interp_store(&n->tensor[r], place(&n->tensor[r], row, channel), v);
}

static void forward_channel(const struct interp_norm *n, int64_t c, int64_t count)
{
	double sum = 0, square = 0, of = (double)count;
	for (int64_t i = 0; i < count; i++)
		sum += get(n, X, i, c);
	double mean = sum / of;
	for (int64_t i = 0; i < count; i++)
		square += (get(n, X, i, c) - mean) * (get(n, X, i, c) - mean);
	double var = square / of, inv = 1 / sqrt(var + (double)n->eps);
	put(n, MEAN, 0, c, mean);
	put(n, INV, 0, c, inv);
	put(n, NEXT_MEAN, 0, c, (1 - (double)n->momentum) * get(n, RUNNING_MEAN, 0, c) + (double)n->momentum * mean);
	put(n, NEXT_VAR, 0, c,
	    (1 - (double)n->momentum) * get(n, RUNNING_VAR, 0, c) + (double)n->momentum * square / (of - 1));
	for (int64_t i = 0; i < count; i++) {
		double y = get(n, SCALE, 0, c) * (get(n, X, i, c) - mean) * inv + get(n, SHIFT, 0, c) +
			   (n->rest ? get(n, REST, i, c) : 0);
		put(n, Y, i, c, n->relu && y < 0 ? 0 : y);
	}
}

static void backward_channel(const struct interp_norm *n, int64_t c, int64_t count)
{
	double mean = get(n, MEAN, 0, c), inv = get(n, INV, 0, c), sum = 0, product = 0;
	for (int64_t i = 0; i < count; i++) {
		sum += get(n, DY, i, c);
		product += get(n, DY, i, c) * (get(n, X, i, c) - mean) * inv;
	}
	put(n, DSHIFT, 0, c, sum);
	put(n, DSCALE, 0, c, product);
	for (int64_t i = 0; i < count; i++)
		put(n, DX, i, c,
		    get(n, SCALE, 0, c) * inv *
			    (get(n, DY, i, c) - (sum + (get(n, X, i, c) - mean) * inv * product) / (double)count));
}

void interp_norm_run(const void *norm)
{
	const struct interp_norm *n = norm;
	const int64_t *dim = n->tensor[X].dim;
	interp_ran(&n->workspace);
	for (int64_t c = 0; c < dim[1]; c++)
		(n->backward ? backward_channel : forward_channel)(n, c, dim[0] * dim[2] * dim[3]);
}
