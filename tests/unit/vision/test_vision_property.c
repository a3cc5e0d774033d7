/* Sizes, cuts, turns, channels and filters at random, against slow plain versions of the same definitions. */
#include "pipeline/base/philox.h"
#include "vision/records/filter.h"
#include "vision/pixels/image.h"
#include "vision/records/pack.h"
#include "vision/sources/splits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct rng r;

static int below(int n)
{
	return (int)(rng_u32(&r) % (uint32_t)n);
}

static int seed(void **state)
{
	(void)state;
	rng_init(&r, 5, RNG_SHUFFLE, 0, 0);
	return 0;
}

static struct image random_image(int h, int w, int c)
{
	struct image im = { 0 };
	struct err err;
	assert_int_equal(image_shape(&im, h, w, c, &err), 0);
	for (size_t i = 0; i < image_bytes(&im); i++) /* flat stretches and edges, black and white */
		im.px[i] = below(4) ? (unsigned char)rng_u32(&r) : (unsigned char)(below(2) * 255);
	return im;
}

/* Where the window lies, by torchvision's words: the shorter side as asked, the other floored; the rest halved, halves
 * to even. */
static void windows(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		int most = i % 2 ? 12 : 5000, sh = 1 + below(most), sw = 1 + below(most), h = 1 + below(most),
		    w = 1 + below(most);
		struct geometry g = geometry_of(sh, sw, h, w, FIT_CROP), s = geometry_of(sh, sw, h, w, FIT_STRETCH);
		int wide = (long)sw * h >= (long)sh * w; /* the height decides */
		long rh = wide ? h : (long)sh * w / sw, rw = wide ? (long)sw * h / sh : w;
		assert_int_equal(g.rh, rh);
		assert_int_equal(g.rw, rw);
		assert_int_equal(g.top, (int)nearbyint((double)(rh - h) / 2));
		assert_int_equal(g.left, (int)nearbyint((double)(rw - w) / 2));
		assert_true(g.h == h && g.w == w && g.top + h <= g.rh && g.left + w <= g.rw);
		assert_true(s.rh == h && s.rw == w && !s.top && !s.left && s.h == h && s.w == w);
	}
}

/* The weight of each input for output `at` of an axis, as Pillow's precompute_coeffs and normalize_coeffs_8bpc have
 * it. */
static void weights(int in, double extent, int out, int at, long *weight)
{
	double scale = extent / out, support = scale > 1 ? scale : 1, centre = (at + 0.5) * scale, total = 0, w[64];
	int lo = (int)(centre - support + 0.5), hi = (int)(centre + support + 0.5);
	for (int k = 0; k < in; k++) {
		double d = fabs((k - centre + 0.5) * (1 / support));
		w[k] = k >= lo && k < hi && d < 1 ? 1 - d : 0;
		total += w[k];
	}
	for (int k = 0; k < in; k++)
		weight[k] = (long)(0.5 + w[k] / total * (1 << 22));
}

static int to_byte(long sum)
{
	long v = (sum + (1 << 21)) >> 22;
	return v < 0 ? 0 : v > 255 ? 255 : (int)v;
}

static void resize_plainly(const struct image *src, const struct geometry *g, unsigned char *out)
{
	long wx[64], wy[64];
	static unsigned char between[64][64][3];
	for (int x = 0; x < g->w; x++) {
		weights(src->w, src->full_w * src->eighths / 8.0, g->rw, g->left + x, wx);
		for (int y = 0; y < src->h; y++)
			for (int c = 0; c < src->c; c++) {
				long sum = 0;
				for (int k = 0; k < src->w; k++)
					sum += wx[k] * src->px[(y * src->w + k) * src->c + c];
				between[y][x][c] = (unsigned char)to_byte(sum);
			}
	}
	for (int y = 0; y < g->h; y++) {
		weights(src->h, src->full_h * src->eighths / 8.0, g->rh, g->top + y, wy);
		for (int x = 0; x < g->w; x++)
			for (int c = 0; c < src->c; c++) {
				long sum = 0;
				for (int k = 0; k < src->h; k++)
					sum += wy[k] * between[k][x][c];
				out[(y * g->w + x) * src->c + c] = (unsigned char)to_byte(sum);
			}
	}
}

static void resizing(void **state)
{
	(void)state;
	static unsigned char want[64 * 64 * 3];
	struct image dst = { 0 }, scratch = { 0 };
	struct err err;
	for (int i = 0; i < 6000; i++) {
		int most = i % 3 ? 12 : 48, c = i % 2 ? 3 : 1;
		struct image src = random_image(1 + below(most), 1 + below(most), c);
		if (i % 5 == 0) { /* decoded at eighths: the last pixel may be a partial one */
			src.eighths = 1 << below(3);
			src.full_h = src.h * 8 / src.eighths - below(8 / src.eighths);
			src.full_w = src.w * 8 / src.eighths - below(8 / src.eighths);
		}
		int same = i % 7 == 0, h = same ? src.full_h : 1 + below(most),
		    w = i % 7 < 2 ? src.full_w : 1 + below(most);
		if (h > 64 || w > 64) {
			image_release(&src);
			continue;
		}
		struct geometry g = geometry_of(src.full_h, src.full_w, h, w, below(2) ? FIT_CROP : FIT_STRETCH);
		resize_plainly(&src, &g, want);
		assert_int_equal(image_resize(&src, &g, &dst, &scratch, &err), 0);
		assert_true(dst.h == h && dst.w == w && dst.c == c);
		if (memcmp(dst.px, want, image_bytes(&dst)))
			fail_msg("%d: %dx%dx%d (of %dx%d at %d/8) to %dx%d in %dx%d", i, src.h, src.w, c, src.full_h,
				 src.full_w, src.eighths, h, w, g.rh, g.rw);
		image_release(&src);
	}
	image_release(&dst);
	image_release(&scratch);
}

/* EXIF's table: where the stored row 0 and column 0 are seen, so which stored pixel is seen at (y, x). */
static void stored_at(int o, int h, int w, int y, int x, int *sy, int *sx)
{
	/* h, w: of the stored image */
	switch (o) {
	case 2: *sy = y, *sx = w - 1 - x; break;
	case 3: *sy = h - 1 - y, *sx = w - 1 - x; break;
	case 4: *sy = h - 1 - y, *sx = x; break;
	case 5: *sy = x, *sx = y; break;
	case 6: *sy = h - 1 - x, *sx = y; break;
	case 7: *sy = h - 1 - x, *sx = w - 1 - y; break;
	case 8: *sy = x, *sx = w - 1 - y; break;
	default: *sy = y, *sx = x;
	}
}

static void turning(void **state)
{
	(void)state;
	struct image scratch = { 0 };
	struct err err;
	for (int i = 0; i < 3000; i++) {
		int o = i % 12 - 1, c = below(2) ? 3 : 1, h = 1 + below(9), w = 1 + below(9),
		    sideways = o >= 5 && o <= 8;
		struct image was = random_image(h, w, c), im = random_image(h, w, c);
		memcpy(im.px, was.px, image_bytes(&was));
		im.full_h = 8 * h;
		im.full_w = 8 * w - 3;
		im.eighths = 1;
		assert_int_equal(image_upright(&im, o, &scratch, &err), 0);
		assert_true(im.h == (sideways ? w : h) && im.w == (sideways ? h : w) && im.c == c && im.eighths == 1);
		assert_true(im.full_h == (sideways ? 8 * w - 3 : 8 * h) && im.full_w == (sideways ? 8 * h : 8 * w - 3));
		for (int y = 0; y < im.h; y++)
			for (int x = 0; x < im.w; x++) {
				int sy, sx;
				stored_at(o, h, w, y, x, &sy, &sx);
				assert_memory_equal(im.px + (y * im.w + x) * c, was.px + (sy * w + sx) * c, (size_t)c);
			}
		image_release(&was);
		image_release(&im);
	}
	image_release(&scratch);
}

/* Grey is ITU-R BT.601's luma, to the nearest of the fixed point's 65,536ths; colour repeats it. */
static void channels(void **state)
{
	(void)state;
	struct err err;
	for (int i = 0; i < 500; i++) {
		struct image a = random_image(1 + below(20), 1 + below(20), 3), b = random_image(a.h, a.w, 3);
		memcpy(b.px, a.px, image_bytes(&a));
		size_t n = (size_t)a.h * (size_t)a.w;
		assert_int_equal(image_channels(&b, 3, &err), 0);
		assert_memory_equal(a.px, b.px, 3 * n);
		assert_int_equal(image_channels(&b, 1, &err), 0);
		assert_int_equal(b.c, 1);
		for (size_t k = 0; k < n; k++) {
			const unsigned char *p = a.px + 3 * k;
			double luma = (19595.0 * p[0] + 38470.0 * p[1] + 7471.0 * p[2]) / 65536;
			assert_int_equal(b.px[k], (int)floor(luma + 0.5));
			assert_true(fabs(luma - (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2])) < 0.01);
		}
		struct image grey = random_image(a.h, a.w, 1);
		memcpy(grey.px, b.px, n);
		assert_int_equal(image_channels(&grey, 1, &err), 0);
		assert_memory_equal(grey.px, b.px, n);
		assert_int_equal(image_channels(&b, 3, &err), 0);
		for (size_t k = 0; k < 3 * n; k++)
			assert_int_equal(b.px[k], grey.px[k / 3]);
		image_release(&a);
		image_release(&b);
		image_release(&grey);
	}
}

/* Which records pass: counted one by one by the words of filter.h. */
static void filtering(void **state)
{
	(void)state;
	static const char *const names[] = { "ant", "bee", "cow", "dog", "3" };
	static const char *const only_of[] = { NULL,	"train",	  "dev,test",
					       "extra", "test,train,dev", "train,dev,test,extra" };
	static const unsigned keeps[] = { 15, 1, 2 | 4, 8, 7, 15 };
	static const char *const subsets[] = { NULL, "dog,ant", "3,1", "bee", "0,dog" };
	static const int maps[][5] = { { 0, 1, 2, 3, 4 },
				       { 1, -1, -1, 0, -1 },
				       { -1, 1, -1, -1, 0 },
				       { -1, 0, -1, -1, -1 },
				       { 0, -1, -1, 1, -1 } };
	static const int kept_classes[] = { 5, 2, 2, 1, 2 };
	static const char *const marks[] = { NULL, "dev", "extra", "train" };
	static const int marked_as[] = { -1, SPLIT_DEV, SPLIT_EXTRA, SPLIT_TRAIN };
	assert_true(SPLIT_TRAIN == 0 && SPLIT_DEV == 1 && SPLIT_TEST == 2 && SPLIT_EXTRA == 3);
	for (int i = 0; i < 3000; i++) {
		int only = below(6), subset = below(5), mark = below(4);
		struct filter_options o = { .only = only_of[only], .mark = marks[mark], .classes = subsets[subset],
					    .limit = below(3) ? below(6) : 0, .per_class = below(3) ? below(4) : 0 };
		struct stream_head head = { .kind = STREAM_IMAGES };
		struct filter f;
		struct err err;
		int all[4] = { 0 }, each[4][6] = { { 0 } };
		uint64_t unlabelled = 0, marked[4] = { 0 };
		assert_int_equal(stream_head_classes(&head, 5, names, &err), 0);
		assert_int_equal(filter_open(&f, &o, &head, &err), 0);
		assert_int_equal(head.n_classes, kept_classes[subset]);
		for (int k = 0; k < 60; k++) {
			struct item item = { .label = below(6) - 1, .split = below(4) };
			int split = item.split, was = item.label, label = was < 0 ? -1 : maps[subset][was],
			    take = keeps[only] >> split & 1;
			if (take && subset) {
				unlabelled += was < 0;
				take = label >= 0;
			}
			int *n = &all[split], *c = &each[split][label < 0 ? 5 : label];
			take = take && !(o.limit && *n >= o.limit) && !(o.per_class && *c >= o.per_class);
			assert_int_equal(filter_take(&f, &item), take);
			if (take) {
				++*n, ++*c;
				assert_int_equal(item.label, label);
				assert_int_equal(item.split, mark ? marked_as[mark] : split);
				marked[split] += item.split != split;
			}
			if (k == 40 && below(2)) {
				filter_reset(&f);
				memset(all, 0, sizeof all);
				memset(each, 0, sizeof each);
				memset(marked, 0, sizeof marked);
				unlabelled = 0;
			}
		}
		assert_int_equal(f.unlabelled, unlabelled);
		assert_memory_equal(f.marked, marked, sizeof marked);
		filter_release(&f);
		stream_head_release(&head);
	}
}

/* Of each cell's records, in their order, as many as its quota says, by its own numbers: one is taken with the chance
 * that those still wanted have among those still to come. */
static void draw_plainly(const struct filter_options *o, int n, const int *label, const int *split,
			 const int (*count)[4], const int (*quota)[4], struct filter *f)
{
	struct rng draws[16];
	int kept[16] = { 0 }, seen[16] = { 0 };
	for (uint32_t i = 0; i < 16; i++)
		rng_init(&draws[i], o->seed, RNG_SPLIT, UINT32_MAX, i);
	for (int k = 0; k < n; k++) {
		int c = label[k] < 0 ? 3 : label[k], at = 4 * split[k] + c;
		int left = count[split[k]][c] - seen[at]++;
		int take = (int)rng_below(&draws[at], (uint32_t)left) < quota[split[k]][c] - kept[at];
		assert_int_equal(filter_take(f, &(struct item){ .label = label[k], .split = split[k] }), take);
		kept[at] += take;
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(kept[i], quota[i / 4][i % 4]);
}

/* A sample of each split keeps the shares of its classes: the method of largest remainders, written down plainly. */
static void sampling(void **state)
{
	(void)state;
	static const char *const names[] = { "ant", "bee", "cow" };
	for (int i = 0; i < 1500; i++) {
		struct filter_options o = { .sample = 1 + below(40), .seed = (uint64_t)i };
		struct stream_head head = { .kind = STREAM_IMAGES };
		struct filter f;
		struct err err;
		int n = below(120), label[120], split[120], lean = 1 + below(4);
		int count[4][4] = { { 0 } }, quota[4][4] = { { 0 } }, asked_of[4];
		assert_int_equal(stream_head_classes(&head, 3, names, &err), 0);
		assert_int_equal(filter_open(&f, &o, &head, &err), 0);
		for (int k = 0; k < n; k++) {
			label[k] = below(lean) ? 0 : below(4) - 1;
			split[k] = below(below(3) ? 2 : 4);
			count[split[k]][label[k] < 0 ? 3 : label[k]]++;
			assert_int_equal(filter_take(&f, &(struct item){ .label = label[k], .split = split[k] }), 1);
		}
		assert_int_equal(filter_draw(&f, &err), 0);
		for (int s = 0; s < 4; s++) {
			int all = count[s][0] + count[s][1] + count[s][2] + count[s][3], *want = quota[s], rest[4],
			    given = 0;
			int asked = all < (int)o.sample ? all : (int)o.sample;
			for (int c = 0; all && c < 4; c++) {
				want[c] = asked * count[s][c] / all;
				rest[c] = asked * count[s][c] % all;
				given += want[c];
			}
			for (; all && given < asked; given++) {
				int best = 0;
				for (int c = 1; c < 4; c++)
					best = rest[c] > rest[best] ? c : best;
				want[best]++;
				rest[best] = -1;
			}
			asked_of[s] = asked;
			assert_int_equal(f.of_split[s], all);
		}
		for (int again = 0; again < 2; again++) { /* the same ones when they are read anew */
			draw_plainly(&o, n, label, split, count, quota, &f);
			for (int s = 0; s < 4; s++)
				assert_int_equal(f.kept[s], asked_of[s]);
			filter_reset(&f);
		}
		filter_release(&f);
		stream_head_release(&head);
	}
}

static void sizes_and_splits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int h, w; /* 0: refused */
	} size[] = { { "32", 32, 32 },	     { "32x48", 32, 48 },   { "1", 1, 1 },	    { "4096x1", 4096, 1 },
		     { "1x4096", 1, 4096 },  { "0", 0, 0 },	    { "4097", 0, 0 },	    { "1x4097", 0, 0 },
		     { "x", 0, 0 },	     { "8x", 0, 0 },	    { "x8", 0, 0 },	    { "8x8x8", 0, 0 },
		     { "-1", 0, 0 },	     { "8 x8", 0, 0 },	    { "", 0, 0 },	    { "00000032", 0, 0 },
		     { "1x0000032", 1, 32 }, { "0000032", 32, 32 }, { "1x00000032", 0, 0 }, { "8X8", 0, 0 } };
	static const struct {
		const char *name;
		int split;
	} split[] = { { "train", SPLIT_TRAIN },
		      { "training", SPLIT_TRAIN },
		      { "val", SPLIT_DEV },
		      { "valid", SPLIT_DEV },
		      { "validation", SPLIT_DEV },
		      { "dev", SPLIT_DEV },
		      { "test", SPLIT_TEST },
		      { "tests", -1 },
		      { "tes", -1 },
		      { "", -1 },
		      { "Train", SPLIT_TRAIN } };
	struct err err;
	for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
		int h = 0, w = 0, rc = want_size(size[i].text, &h, &w, &err);
		if (rc != (size[i].h ? 0 : -1) || (size[i].h && (h != size[i].h || w != size[i].w)))
			fail_msg("'%s': %d, %dx%d", size[i].text, rc, h, w);
	}
	for (size_t i = 0; i < sizeof split / sizeof *split; i++)
		assert_int_equal(splits_of(split[i].name, strlen(split[i].name)), split[i].split);
}

enum { NAME_ROOM = 256 };

static void append(char *name, const char *text)
{
	size_t n = strlen(name);
	snprintf(name + n, NAME_ROOM - n, "%s", text);
}

/* A name is put together from words whose meaning is known, so that what it says is, too. */
static void names_and_splits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int split; /* -1: an unknown word; -2: one that says nothing */
	} words[] = { { "train", SPLIT_TRAIN },	    { "training", SPLIT_TRAIN },  { "val", SPLIT_DEV },
		      { "valid", SPLIT_DEV },	    { "development", SPLIT_DEV }, { "test", SPLIT_TEST },
		      { "eval", SPLIT_TEST },	    { "extra", SPLIT_EXTRA },	  { "unlabelled", SPLIT_EXTRA },
		      { "testset", SPLIT_TEST },    { "imagestrain", SPLIT_TRAIN }, { "valimgs", SPLIT_DEV },
		      { "rawdev", SPLIT_DEV },	    { "images", -2 },		  { "set", -2 },
		      { "x", -2 },		    { "raw", -2 },		  { "cats", -1 },
		      { "bullet", -1 },		    { "a", -1 },		  { "tests", -1 },
		      { "traintest", -1 },	    { "xtrain", -1 },		  { "photographs", -1 },
		      { "t", -1 },		    { "setset", -1 },		  { "trainx", -1 } };
	static const char *const between[] = { "_", "-", "7", " ", ".", "2017", "__" };
	for (int i = 0; i < 20000; i++) {
		char name[NAME_ROOM] = "", rest[NAME_ROOM] = "";
		int all = (int)(sizeof words / sizeof *words), strange = i % 40 == 0; /* of these the rest is cut */
		int n = strange ? 12 : below(below(8) ? 5 : 12), split = -1, several = 0, company = 0;
		if (below(6) == 0) {
			append(name, below(2) ? "t10k" : "T10K");
			split = SPLIT_TEST;
		}
		for (int k = 0; k < n; k++) {
			int w = strange ? all - 1 - below(10) : below(all), what = words[w].split, style = below(3);
			size_t from = strlen(name), len = strlen(words[w].text);
			int glued = from && name[from - 1] >= 'a' && name[from - 1] <= 'z' && below(2);
			if (!glued && (k || below(2)))
				append(name, between[below(7)]);
			from = strlen(name);
			append(name, words[w].text);
			style = glued && !style ? 2 : style; /* small, LARGE or Capital; in its middle by a capital */
			for (size_t j = 0; j < (style == 1 ? len : style == 2); j++)
				name[from + j] = (char)(name[from + j] - 'a' + 'A');
			append(rest, what == -1 ? words[w].text : "");
			append(rest, what == -1 ? " " : "");
			several |= what >= 0 && split >= 0 && split != what;
			split = what >= 0 ? what : split;
			company += what == -1;
		}
		struct split_hint h;
		split = several ? -1 : split;
		rest[sizeof h.rest - 1] = 0;
		splits_hint(&h, name, strlen(name));
		if (h.split != split || strcmp(h.rest, rest))
			fail_msg("'%s': split %d, not %d; rest '%s', not '%s'", name, h.split, split, h.rest, rest);
		assert_int_equal(splits_of(name, strlen(name)), company ? -1 : split);
	}
}

/* A word of three letters or more that says nothing leaves the split that it is glued to, before it or behind. */
static void glued_words(void **state)
{
	(void)state;
	static const char *const says[4][6] = { { "training", "train" },
						{ "validation", "valid", "val", "dev", "development" },
						{ "testing", "test", "evaluation", "eval" },
						{ "unlabeled", "extra", "unlabelled", "pred" } };
	static const char *const silent[] = { "set",	  "images",  "image",  "imgs",	 "img",
					      "data",	  "dataset", "seg",    "split",	 "folder",
					      "pictures", "pics",    "photos", "ilsvrc", "raw" };
	for (int split = 0; split < 4; split++)
		for (int k = 0; k < 6 && says[split][k]; k++)
			for (size_t i = 0; i < 2 * sizeof silent / sizeof *silent; i++) {
				char name[NAME_ROOM];
				snprintf(name, sizeof name, "%s%s", i % 2 ? silent[i / 2] : says[split][k],
					 i % 2 ? says[split][k] : silent[i / 2]);
				if (splits_of(name, strlen(name)) != split)
					fail_msg("'%s' is no split %d", name, split);
			}
}

/* Which names are splits of one thing: said of every pair. */
static void several_names(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct split_hint h[5];
		size_t n = (size_t)below(6);
		int each = 1, differ = 0, alike = 1;
		for (size_t k = 0; k < n; k++) {
			h[k] = (struct split_hint){ .split = below(7) ? below(3) : -1 };
			h[k].rest[0] = below(6) ? 'a' : 'b';
			each &= h[k].split >= 0;
			for (size_t j = 0; j < k; j++) {
				differ |= h[j].split != h[k].split;
				alike &= h[j].rest[0] == h[k].rest[0];
			}
		}
		assert_int_equal(splits_all(h, n), each && differ);
		assert_int_equal(splits_of_one(h, n), each && differ && alike);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows),	    cmocka_unit_test(resizing),	 cmocka_unit_test(turning),
		cmocka_unit_test(channels),	    cmocka_unit_test(filtering), cmocka_unit_test(sizes_and_splits),
		cmocka_unit_test(names_and_splits), cmocka_unit_test(several_names), cmocka_unit_test(sampling),
		cmocka_unit_test(glued_words),
	};
	return cmocka_run_group_tests_name("vision_property", tests, seed, NULL);
}
