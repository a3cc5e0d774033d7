/* softmax_body: included once for each instruction set by softmax.c, which defines NAME(). Plain vector arithmetic; the
 * compiler lowers the 8 lanes to what the target has. */

typedef double NAME(vd) __attribute__((vector_size(64)));
typedef int64_t NAME(vi) __attribute__((vector_size(64)));
typedef uint64_t NAME(vu) __attribute__((vector_size(64))); /* where sums may pass 2^63 */
typedef float NAME(vf) __attribute__((vector_size(32)));
typedef double NAME(ud) __attribute__((vector_size(64), aligned(8)));
typedef float NAME(uf) __attribute__((vector_size(32), aligned(4)));
#define vd NAME(vd)
#define vi NAME(vi)
#define vu NAME(vu)
#define PICK(mask, a, b) ((vd)(((mask) & (vi)(a)) | (~(mask) & (vi)(b))))
#define ALL(v) ((vd){ (v), (v), (v), (v), (v), (v), (v), (v) })
#define ALL_I(v) ((vi){ (v), (v), (v), (v), (v), (v), (v), (v) })
#define ALL_U(v) ((vu){ (v), (v), (v), (v), (v), (v), (v), (v) })

/* exp(x) = 2^k exp(r), k = round(x / ln 2). ln 2 in two parts, the first with 21 zero bits, so that k * hi is exact.
 * exp(r) = 1 + r + r^2 P(r), P fitted by Chebyshev nodes: relative error 1.6e-17 before rounding. x is a vd lvalue. */
#define EXP(e, x)                                                                                        \
	do {                                                                                             \
		vi low_ = (x) < ALL(-708.0);                                                             \
		vd c_ = PICK(low_, ALL(-708.0), (x));                                                    \
		vd t_ = c_ * ALL(0x1.71547652b82fep+0) + ALL(0x1.8p52);                                  \
		vd k_ = t_ - ALL(0x1.8p52);                                                              \
		vd r_ = (c_ - k_ * ALL(0x1.62e42fee00000p-1)) - k_ * ALL(0x1.a39ef35793c76p-33);         \
		vd q_ = r_ * r_;                                                                         \
		vd a_ = ALL(0x1.0000000000001p-1) + r_ * ALL(0x1.5555555555556p-3);                      \
		vd b_ = ALL(0x1.5555555553d63p-5) + r_ * ALL(0x1.11111111109b3p-7);                      \
		vd d_ = ALL(0x1.6c16c1788bd90p-10) + r_ * ALL(0x1.a01a01a7c41d5p-13);                    \
		vd f_ = ALL(0x1.a019b90d2ae7ap-16) + r_ * ALL(0x1.71de0dae63bb3p-19);                    \
		vd g_ = ALL(0x1.289185613a3d6p-22) + r_ * ALL(0x1.af38a9b0ec855p-26);                    \
		vd p_ = a_ + q_ * (b_ + q_ * (d_ + q_ * (f_ + q_ * g_)));                                \
		vd s_ = (vd)(((vu)t_ << 52) + ALL_U(0x3ff0000000000000));                                \
		vd v_ = (ALL(1.0) + (r_ + q_ * p_)) * s_;                                                \
		(e) = (vd)(~low_ & (vi)v_);                                                              \
	} while (0)

/* log1p(x) for x >= 0, as in fdlibm: u = 1 + x = 2^k m with m in [1/sqrt 2, sqrt 2), what the addition lost is put
 * back as lost/u, and log m = f - (f^2/2 - s (f^2/2 + z R(z))) with f = m - 1, s = f / (2 + f), z = s^2; R fitted by
 * Chebyshev nodes to 5e-18. Error below 1 ulp. */
#define LOG1P(y, x)                                                                                                   \
	do {                                                                                                          \
		vd u_ = ALL(1.0) + (x);                                                                               \
		vi two_ = u_ >= ALL(2.0);                                                                             \
		vd lost_ = PICK(two_, ALL(1.0) - (u_ - (x)), (x) - (u_ - ALL(1.0))) / u_;                             \
		vi h_ = (vi)((vu)u_ + ALL_U(0x00095f6200000000)); /* 1 - sqrt(1/2), in the exponent's place */        \
		vi k_ = h_ >> 52;                                                                                     \
		vd n_ = (vd)(ALL_I(0x4338000000000000 - 1023) + k_) - ALL(0x1.8p52);                                  \
		vd m_ = (vd)((h_ & ALL_I(0x000fffffffffffff)) + ALL_I(0x3fe6a09e00000000));                           \
		vd f_ = m_ - ALL(1.0), s_ = f_ / (ALL(2.0) + f_), z_ = s_ * s_, v_ = z_ * z_;                         \
		vd a_ = ALL(0x1.5555555555558p-1) + z_ * ALL(0x1.9999999995273p-2);                                   \
		vd b_ = ALL(0x1.2492492dfd86cp-2) + z_ * ALL(0x1.c71c62d5e53e0p-3);                                   \
		vd c_ = ALL(0x1.7462b91b8df65p-3) + z_ * ALL(0x1.39fdcceb4bb45p-3);                                   \
		vd r_ = z_ * (a_ + v_ * (b_ + v_ * (c_ + v_ * ALL(0x1.2b5f68a50d903p-3))));                           \
		vd q_ = ALL(0.5) * f_ * f_;                                                                           \
		(y) = n_ * ALL(0x1.62e42fee00000p-1) -                                                                \
		      ((q_ - (s_ * (q_ + r_) + (n_ * ALL(0x1.a39ef35793c76p-33) + lost_))) - f_);                     \
	} while (0)

static inline double NAME(across)(const vd *v)
{
	const vd s = *v;
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static void NAME(exp_many)(double *x, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		vd v = *(vd *)(x + i);
		EXP(v, v);
		*(vd *)(x + i) = v;
	}
}

/* From x = logits (padded with -Inf) and their largest to e and the sums. */
static void NAME(finish)(double *x, size_t n, double max, int label, struct soft *s)
{
	const vd m = ALL(max);
	size_t w = 0;
	for (;; w += LANES) {
		vi is = *(vd *)(x + w) == m;
		if (is[0] | is[1] | is[2] | is[3] | is[4] | is[5] | is[6] | is[7])
			break;
		if (w + LANES >= n) { /* the largest equals nothing: a NaN */
			s->rest = __builtin_nan("");
			return;
		}
	}
	while (!(x[w] == max))
		w++;
	s->winner = (int32_t)w;
	s->max = max;
	s->above = 0;
	s->label = 0;
	vi ties = ALL_I(0);
	if (label >= 0) {
		const double y = x[label];
		const vd yy = ALL(y);
		vi above = ALL_I(0);
		/* Before the label equals count too: of two equal logits the lower index wins. */
		size_t at = (size_t)label / LANES * LANES;
		for (size_t i = 0; i < at; i += LANES) {
			vd v = *(vd *)(x + i);
			above -= v >= yy;
			ties -= v == m;
		}
		for (size_t i = at; i < n; i += LANES) {
			vd v = *(vd *)(x + i);
			above -= v > yy;
			ties -= v == m;
		}
		for (int i = 0; i < 8; i++)
			s->above += (int)above[i];
		for (size_t i = at; i < (size_t)label; i++)
			s->above += x[i] == y;
		s->label = y - max;
	} else {
		for (size_t i = 0; i < n; i += LANES)
			ties -= *(vd *)(x + i) == m;
	}
	s->tied = ties[0] + ties[1] + ties[2] + ties[3] + ties[4] + ties[5] + ties[6] + ties[7] > 1;
	x[w] = -__builtin_inf();
	vd rest = ALL(0.0), square = ALL(0.0), slope = ALL(0.0);
	for (size_t i = 0; i < n; i += LANES) {
		vd v = *(vd *)(x + i) - m, e;
		v = PICK(v < ALL(-1000.0), ALL(-1000.0), v); /* 0 * -Inf below would be NaN */
		EXP(e, v);
		*(vd *)(x + i) = e;
		rest += e;
		square += e * e;
		slope += e * v;
	}
	x[w] = 1;
	s->rest = NAME(across)(&rest);
	s->square = NAME(across)(&square);
	s->slope = NAME(across)(&slope);
	s->label_e = label >= 0 ? x[label] : 0;
	vd spread, all = ALL(s->rest);
	LOG1P(spread, all);
	s->spread = spread[0];
	s->scale = 1 / (1 + s->rest);
}

#define ROW(name, type, load)                                                            \
	static void NAME(name)(const type *z, int classes, int label, double *x, struct soft *s) \
	{                                                                                \
		size_t k = (size_t)classes, n = padded(classes), i = 0;                  \
		vd m = ALL(-__builtin_inf());                                            \
		for (; i + LANES <= k; i += LANES) {                                     \
			vd v = load;                                                     \
			*(vd *)(x + i) = v;                                              \
			m = PICK(v > m, v, m);                                           \
		}                                                                        \
		double max = m[0];                                                       \
		for (int j = 1; j < 8; j++)                                              \
			max = m[j] > max ? m[j] : max;                                   \
		for (; i < k; i++) {                                                     \
			x[i] = z[i];                                                     \
			max = x[i] > max ? x[i] : max;                                   \
		}                                                                        \
		for (; i < n; i++)                                                       \
			x[i] = -__builtin_inf();                                         \
		NAME(finish)(x, n, max, label, s);                                       \
	}
ROW(row_f32, float, __builtin_convertvector(*(const NAME(uf) *)(z + i), vd))
ROW(row_f64, double, *(const NAME(ud) *)(z + i))
#undef ROW

static void NAME(lanes)(double *x, int classes, const int32_t *label, struct soft *s)
{
	vd m = *(vd *)x, y = ALL(0.0);
	vi w = ALL_I(0), ties = ALL_I(0), above = ALL_I(0), want;
	for (int i = 0; i < 8; i++)
		want[i] = label[i];
	for (int k = 1; k < classes; k++) {
		vd v = *(vd *)(x + k * LANES);
		vi more = v > m;
		m = PICK(more, v, m);
		w = (more & ALL_I(k)) | (~more & w);
	}
	for (int k = 0; k < classes; k++) {
		vi is = want == ALL_I(k);
		y = PICK(is, *(vd *)(x + k * LANES), y);
	}
	vd rest = ALL(0.0), square = ALL(0.0), slope = ALL(0.0), mine = ALL(0.0), spread;
	for (int k = 0; k < classes; k++) {
		vd v = *(vd *)(x + k * LANES), e;
		ties -= v == m;
		above -= (v > y) | ((v == y) & (want > ALL_I(k)));
		v = v - m;
		v = PICK(v < ALL(-1000.0), ALL(-1000.0), v);
		EXP(e, v);
		vi is = w == ALL_I(k);
		vd o = (vd)(~is & (vi)e);
		rest += o;
		square += o * o;
		slope += o * v;
		mine = PICK(want == ALL_I(k), e, mine);
		*(vd *)(x + k * LANES) = e;
	}
	LOG1P(spread, rest);
	const vd scale = ALL(1.0) / (ALL(1.0) + rest);
	for (int i = 0; i < 8; i++)
		s[i] = (struct soft){
			.max = m[i],
			.rest = rest[i],
			.spread = spread[i],
			.scale = scale[i],
			.square = square[i],
			.slope = slope[i],
			.label = y[i] - m[i],
			.label_e = mine[i],
			.winner = (int32_t)w[i],
			.above = (int)above[i],
			.tied = ties[i] > 1,
		};
}

static int NAME(class_sums)(double *x, size_t n, double scale, double above, uint64_t *sum, int32_t *found)
{
	const vd c = ALL(scale), top = ALL(above), bias = ALL(SUM_BIAS);
	int count = 0;
	for (size_t i = 0; i < n;) {
		size_t from = i, to = n - i < 8 * LANES ? n : i + 8 * LANES;
		vi any = ALL_I(0);
		for (; i < to; i += LANES) {
			vd v = *(vd *)(x + i) * c;
			*(vd *)(x + i) = v;
			*(vu *)(sum + i) += (vu)(v + bias);
			any |= v > top;
		}
		if (any[0] | any[1] | any[2] | any[3] | any[4] | any[5] | any[6] | any[7])
			for (size_t j = from; j < to; j++)
				if (x[j] > above)
					found[count++] = (int32_t)j;
	}
	return count;
}

static int NAME(lane_sums)(double *x, int classes, const double *scale, double above, uint64_t *sum, int32_t *found)
{
	const vd c = *(const vd *)scale, top = ALL(above), bias = ALL(SUM_BIAS);
	int count = 0;
	for (int k = 0; k < classes; k++) {
		vd v = *(vd *)(x + k * LANES) * c;
		vi over = v > top;
		*(vd *)(x + k * LANES) = v;
		*(vu *)(sum + k * LANES) += (vu)(v + bias);
		/* Every lane is written and the counter moves on where it should: no branch to mispredict. */
		for (int j = 0; j < LANES; j++) {
			found[count] = k * LANES + j;
			count -= (int)over[j];
		}
	}
	return count;
}

static const struct softmax_ops NAME(ops) = { NAME(exp_many), NAME(row_f32),	NAME(row_f64),	 NAME(lanes),
					      NAME(class_sums), NAME(lane_sums), NAME(name) };
#undef vd
#undef vi
#undef vu
#undef PICK
#undef ALL
#undef ALL_I
#undef ALL_U
#undef EXP
#undef LOG1P
