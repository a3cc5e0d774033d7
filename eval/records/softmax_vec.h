/* softmax_vec: the vectors of one instruction set, for softmax_body.h; included once for each, and undone by including
 * it again. D doubles or F floats make a vector (vd, vf); eight lanes are PARTS vectors. Comparisons give one bit a
 * lane; a NaN compares false; MAXD(a, b) is a > b ? a : b, so b where either is a NaN. */
#ifndef PARTS

#ifdef __AVX512DQ__
#define D 8
#define F 16
#define EQD(a, b) ((unsigned)_mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_EQ_OQ))
#define GTD(a, b) ((unsigned)_mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_GT_OQ))
#define GED(a, b) ((unsigned)_mm512_cmp_pd_mask((__m512d)(a), (__m512d)(b), _CMP_GE_OQ))
#define EQF(a, b) ((unsigned)_mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_EQ_OQ))
#define GTF(a, b) ((unsigned)_mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_GT_OQ))
#define GEF(a, b) ((unsigned)_mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_GE_OQ))
#define MAXD(a, b) ((NAME(vd))_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define MAXF(a, b) ((NAME(vf))_mm512_max_ps((__m512)(a), (__m512)(b)))
#define LOADD(p) ((NAME(vd))_mm512_loadu_pd(p))
#define LOADF(p) ((NAME(vf))_mm512_loadu_ps(p))
#define WIDEN(p) ((NAME(vd))_mm512_cvtps_pd(_mm256_loadu_ps(p)))
/* v where x is not below low, else 0; a NaN passes. */
#define KEEP(v, x, low) \
	((NAME(vd))_mm512_maskz_mov_pd(_mm512_cmp_pd_mask((__m512d)(x), (__m512d)(low), _CMP_NLT_UQ), (__m512d)(v)))
/* a where the sign of mask is set in each lane, else b. */
#define CHOOSE(mask, a, b) \
	((NAME(vd))_mm512_mask_mov_pd((__m512d)(b), _mm512_movepi64_mask((__m512i)(mask)), (__m512d)(a)))

#elif defined(__AVX2__)
#define D 4
#define F 8
#define EQD(a, b) ((unsigned)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)(a), (__m256d)(b), _CMP_EQ_OQ)))
#define GTD(a, b) ((unsigned)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)(a), (__m256d)(b), _CMP_GT_OQ)))
#define GED(a, b) ((unsigned)_mm256_movemask_pd(_mm256_cmp_pd((__m256d)(a), (__m256d)(b), _CMP_GE_OQ)))
#define EQF(a, b) ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)(a), (__m256)(b), _CMP_EQ_OQ)))
#define GTF(a, b) ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)(a), (__m256)(b), _CMP_GT_OQ)))
#define GEF(a, b) ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps((__m256)(a), (__m256)(b), _CMP_GE_OQ)))
#define MAXD(a, b) ((NAME(vd))_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define MAXF(a, b) ((NAME(vf))_mm256_max_ps((__m256)(a), (__m256)(b)))
#define LOADD(p) ((NAME(vd))_mm256_loadu_pd(p))
#define LOADF(p) ((NAME(vf))_mm256_loadu_ps(p))
#define WIDEN(p) ((NAME(vd))_mm256_cvtps_pd(_mm_loadu_ps(p)))
#define KEEP(v, x, low) ((NAME(vd))(~((x) < (low)) & (NAME(vi))(v)))
#define CHOOSE(mask, a, b) ((NAME(vd))_mm256_blendv_pd((__m256d)(b), (__m256d)(a), (__m256d)(mask)))

#elif defined(VARIANTS)
#define D 2
#define F 4
#define EQD(a, b) ((unsigned)_mm_movemask_pd(_mm_cmpeq_pd((__m128d)(a), (__m128d)(b))))
#define GTD(a, b) ((unsigned)_mm_movemask_pd(_mm_cmpgt_pd((__m128d)(a), (__m128d)(b))))
#define GED(a, b) ((unsigned)_mm_movemask_pd(_mm_cmpge_pd((__m128d)(a), (__m128d)(b))))
#define EQF(a, b) ((unsigned)_mm_movemask_ps(_mm_cmpeq_ps((__m128)(a), (__m128)(b))))
#define GTF(a, b) ((unsigned)_mm_movemask_ps(_mm_cmpgt_ps((__m128)(a), (__m128)(b))))
#define GEF(a, b) ((unsigned)_mm_movemask_ps(_mm_cmpge_ps((__m128)(a), (__m128)(b))))
#define MAXD(a, b) ((NAME(vd))_mm_max_pd((__m128d)(a), (__m128d)(b)))
#define MAXF(a, b) ((NAME(vf))_mm_max_ps((__m128)(a), (__m128)(b)))
#define LOADD(p) ((NAME(vd))_mm_loadu_pd(p))
#define LOADF(p) ((NAME(vf))_mm_loadu_ps(p))
#define WIDEN(p) ((NAME(vd))_mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)(p)))))
#define KEEP(v, x, low) ((NAME(vd))(~((x) < (low)) & (NAME(vi))(v)))
#define CHOOSE(mask, a, b) ((NAME(vd))(((mask) & (NAME(vi))(a)) | (~(mask) & (NAME(vi))(b))))

#else /* any other machine: vectors of two, whatever the compiler makes of them */
#define D 2
#define F 2
#define BITS(m) ((unsigned)(((m)[0] != 0) | ((m)[1] != 0) << 1))
#define EQD(a, b) BITS((a) == (b))
#define GTD(a, b) BITS((a) > (b))
#define GED(a, b) BITS((a) >= (b))
#define EQF(a, b) BITS((a) == (b))
#define GTF(a, b) BITS((a) > (b))
#define GEF(a, b) BITS((a) >= (b))
#define MAXD(a, b) ((NAME(vd)){ (a)[0] > (b)[0] ? (a)[0] : (b)[0], (a)[1] > (b)[1] ? (a)[1] : (b)[1] })
#define MAXF(a, b) ((NAME(vf)){ (a)[0] > (b)[0] ? (a)[0] : (b)[0], (a)[1] > (b)[1] ? (a)[1] : (b)[1] })
#define LOADD(p) ((NAME(vd)){ (p)[0], (p)[1] })
#define LOADF(p) ((NAME(vf)){ (p)[0], (p)[1] })
#define WIDEN(p) ((NAME(vd)){ (p)[0], (p)[1] })
#define KEEP(v, x, low) ((NAME(vd))(~((x) < (low)) & (NAME(vi))(v)))
#define CHOOSE(mask, a, b) ((NAME(vd))(((mask) & (NAME(vi))(a)) | (~(mask) & (NAME(vi))(b))))
#endif

#define PARTS (LANES / D)
#define ALWAYS static inline __attribute__((always_inline))

#else
#undef D
#undef F
#undef BITS
#undef EQD
#undef GTD
#undef GED
#undef EQF
#undef GTF
#undef GEF
#undef MAXD
#undef MAXF
#undef LOADD
#undef LOADF
#undef WIDEN
#undef KEEP
#undef CHOOSE
#undef PARTS
#undef ALWAYS
#endif
