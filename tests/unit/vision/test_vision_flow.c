/* Streams of images through perturbing, noise and packing, at random: documents, records, splits, copies, classes and
 * threads, against each record worked out by itself; and what EXIF and IDX headers, CMYK and folders may say. */
#include "vision_files.h"

#include "pipeline/base/philox.h"
#include "vision/pixels/formats.h"
#include "vision/records/noisegen.h"

#include <math.h>

#include <jpeglib.h>

enum { DOCS = 3, MOST = 1500, H = 2, W = 3, C = 3, VALUES = H * W * C };

static struct rng rng;
static int below(int n)
{
	return (int)rng_below(&rng, (uint32_t)n);
}

/* What the stream holds. */
static struct record {
	uint64_t id;
	int label, split;
	unsigned char px[VALUES];
	float f[VALUES];
} in[DOCS][MOST];
static int docs, n_in[DOCS], f32;

static void make_stream(const char *name, int most)
{
	static const char *const classes[] = { "a", "b", "c" };
	struct output out;
	struct err err;
	docs = 1 + below(DOCS);
	f32 = below(2);
	assert_int_equal(output_open(&out, in_dir(name), &err), 0);
	for (int d = 0; d < docs; d++) {
		struct stream_head head = { .kind = STREAM_IMAGES, .height = H, .width = W, .channels = C,
					    .encoding = f32 ? ENCODING_F32 : ENCODING_RAW };
		struct stream_writer *w;
		json_t *self = json_pack("{s:s}", "program", "test");
		n_in[d] = 1 + below(most);
		assert_int_equal(stream_head_classes(&head, 3, classes, &err), 0);
		assert_int_equal(stream_begin(&w, &out, &head, NULL, self, &err), 0);
		for (int i = 0; i < n_in[d]; i++) {
			struct record *r = &in[d][i];
			r->id = rng_u32(&rng);
			r->label = below(4) - 1;
			r->split = i ? below(4) : SPLIT_TRAIN;
			for (int k = 0; k < VALUES; k++) {
				r->px[k] = (unsigned char)below(256);
				r->f[k] = f32 ? (float)rng_normal(&rng) : (float)r->px[k] / 255;
			}
			if (!f32)
				pixels_to_f32(r->f, r->px, VALUES);
			assert_int_equal(stream_add(w, r->id, r->label, r->split, f32 ? (void *)r->f : (void *)r->px,
						    f32 ? sizeof r->f : sizeof r->px, &err), 0);
		}
		assert_int_equal(stream_finish(w, &err), 0);
		stream_writer_free(w);
		stream_head_release(&head);
		json_decref(self);
	}
	assert_int_equal(output_commit(&out, &err), 0);
	output_release(&out);
}

/* Reads record after record over all blocks and documents. */
struct reading {
	struct stream_reader *r;
	struct block b;
	uint32_t at;
	int documents;
};

static int next_record(struct reading *g, size_t *len, const unsigned char **bytes)
{
	struct err err;
	int rc;
	while (!g->documents || g->at == g->b.n) {
		rc = g->documents ? stream_next_block(g->r, &g->b, &err) : 0;
		if (!rc) {
			if (stream_next_of(g->r, STREAM_IMAGES, &err) != 1)
				return 0;
			g->documents++;
			g->b = (struct block){ .n = 0 };
		} else {
			assert_int_equal(rc, 1);
		}
		g->at = 0;
	}
	*bytes = block_record(&g->b, stream_record_size(stream_head_of(g->r)), g->at, len);
	return 1;
}

static void expect(struct reading *g, const struct record *r, int label, int split, const void *bytes, size_t n)
{
	const unsigned char *got;
	size_t len;
	assert_int_equal(next_record(g, &len, &got), 1);
	assert_int_equal(g->b.id[g->at], r->id);
	assert_int_equal(g->b.label[g->at], label);
	assert_int_equal(g->b.split[g->at], split);
	assert_int_equal(len, n);
	assert_memory_equal(got, bytes, n);
	g->at++;
}

static struct reading begin_reading(void)
{
	struct reading g = { 0 };
	struct err err;
	assert_int_equal(stream_open(&g.r, in_dir("out.vic"), &err), 0);
	return g;
}

static void end_reading(struct reading *g, int documents)
{
	const unsigned char *bytes;
	size_t len;
	assert_int_equal(next_record(g, &len, &bytes), 0);
	assert_int_equal(g->documents, documents);
	stream_close(g->r);
}

static const char *const names[] = { "train", "dev", "test", "extra" }; /* of the splits, in their order */

static void perturbing(void **state)
{
	(void)state;
	for (int round = 0; round < 60; round++) {
		make_stream("in.vic", round % 4 ? 40 : MOST);
		int only = below(6) - 2;
		struct perturb_options o = { .mu = below(3),
					     .unit = below(2),
					     .raw = below(2),
					     .directions = 1 + below(4),
					     .seed = rng_u32(&rng),
					     .only = only < 0 ? NULL : names[only] };
		struct perturb_report got = { 0 }, want = { 0 };
		struct pool *pool;
		struct output out;
		struct err err;
		json_t *self = json_pack("{s:s}", "program", "test");
		int kept = 0;
		for (int d = 0; d < docs; d++)
			for (int i = 0; i < n_in[d]; i++)
				kept += only < 0 || in[d][i].split == only;
		assert_int_equal(pool_open(&pool, 1 + below(3), &err), 0);
		assert_int_equal(output_open(&out, in_dir("out.vic"), &err), 0);
		int rc = perturb_stream(in_dir("in.vic"), &o, pool, &out, self, &got, &err);
		assert_int_equal(rc, kept ? 0 : -1);
		if (!rc)
			assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		pool_close(pool);
		json_decref(self);
		if (rc)
			continue;
		struct reading g = begin_reading();
		uint32_t number = 0;
		for (int d = 0; d < docs; d++)
			for (int i = 0; i < n_in[d]; i++) {
				const struct record *r = &in[d][i];
				if (only >= 0 && r->split != only)
					continue;
				for (uint32_t k = 0; k < o.directions; k++) {
					float f[VALUES];
					unsigned char px[VALUES];
					want.length += noise_perturb(f, r->f, VALUES, o.mu, o.unit, o.seed, k, number);
					if (o.raw)
						pixels_to_raw(px, f, VALUES, &want.clipped);
					want.records++;
					expect(&g, r, r->label, r->split, o.raw ? (void *)px : (void *)f,
					       o.raw ? sizeof px : sizeof f);
				}
				number++;
			}
		end_reading(&g, docs);
		assert_int_equal(got.records, want.records);
		assert_int_equal(got.clipped, want.clipped);
		assert_int_equal(got.values, want.records * VALUES);
		assert_true(fabs(got.length - want.length / (double)want.records) <= 1e-12 * got.length);
	}
}

static void noise_of_a_stream(void **state)
{
	(void)state;
	for (int round = 0; round < 40; round++) {
		int mark = below(5) - 1;
		make_stream("in.vic", 40);
		struct noise_options o = { .like = in_dir("in.vic"),
					   .n = 1 + below(round % 4 ? 20 : 2500),
					   .seed = rng_u32(&rng),
					   .raw = below(2),
					   .mark = mark < 0 ? NULL : names[mark] };
		struct stream_head head = {
			.height = H, .width = W, .channels = C, .encoding = f32 ? ENCODING_F32 : ENCODING_RAW
		};
		struct moments m = { 0 };
		struct pool *pool;
		struct output out;
		struct err err;
		json_t *self = json_pack("{s:s}", "program", "test");
		for (int d = 0; d < docs; d++)
			for (int i = 0; i < n_in[d]; i++)
				if (in[d][i].split == SPLIT_TRAIN)
					moments_add(&m, &head, f32 ? (unsigned char *)in[d][i].f : in[d][i].px);
		assert_int_equal(pool_open(&pool, 1 + below(3), &err), 0);
		assert_int_equal(output_open(&out, in_dir("out.vic"), &err), 0);
		assert_int_equal(noise_like(&o, pool, &out, self, &err), 0);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		pool_close(pool);
		json_decref(self);
		struct reading g = begin_reading();
		for (int64_t i = 0; i < o.n; i++) {
			const struct record r = { .id = (uint64_t)i };
			float f[VALUES];
			unsigned char px[VALUES];
			uint64_t clipped = 0;
			noise_gaussian(f, H * W, &m, o.seed, (uint32_t)i);
			pixels_to_raw(px, f, VALUES, &clipped);
			expect(&g, &r, -1, mark < 0 ? SPLIT_TEST : mark, o.raw ? (void *)px : (void *)f,
			       o.raw ? sizeof px : sizeof f);
		}
		assert_int_equal(json_array_size(stream_provenance(g.r)), 2); /* that of the images, and its own */
		end_reading(&g, 1);
	}
}

/* Each document of out.vic has this name (NULL: none). */
static void documents_called(const char *name)
{
	struct stream_reader *back;
	struct err err;
	int n = 0;
	assert_int_equal(stream_open(&back, in_dir("out.vic"), &err), 0);
	for (; stream_next_of(back, STREAM_IMAGES, &err) == 1; n++) {
		const char *is = stream_head_of(back)->name;
		assert_true(name ? is && !strcmp(is, name) : !is || !*is);
	}
	assert_int_equal(n, docs);
	stream_close(back);
}

/* A stream of bytes packed again: all documents, all batches, and how many unlabelled ones a subset of classes cost. */
static void packing_again(void **state)
{
	(void)state;
	for (int round = 0; round < 40; round++) {
		do
			make_stream("in.vic", round % 4 ? 40 : MOST);
		while (f32);
		int subset = below(2), titled = below(2);
		struct run r = { SOURCE_STREAM, "in.vic", .so.title = titled ? "other" : NULL,
				 .fo = { .classes = subset ? "c,a" : NULL, .limit = below(2) ? 20 : 0 } };
		int empty = 0, total = 0;
		uint64_t unlabelled = 0;
		static char keep[DOCS][MOST];
		for (int d = 0; d < docs; d++) {
			int each[4] = { 0 }, n = 0;
			for (int i = 0; i < n_in[d]; i++) {
				const struct record *x = &in[d][i];
				unlabelled += subset && x->label < 0;
				keep[d][i] = !(subset && (x->label < 0 || x->label == 1)) &&
					     !(r.fo.limit && each[x->split] >= r.fo.limit);
				each[x->split] += keep[d][i];
				n += keep[d][i];
			}
			empty |= !n;
			total += n;
		}
		int rc = pack(&r, 1 + below(3));
		assert_int_equal(rc, empty ? -1 : 0);
		if (rc)
			continue;
		assert_int_equal(r.report.unlabelled, unlabelled);
		assert_int_equal(r.report.noted, 0);
		assert_int_equal(r.report.documents, docs);
		assert_int_equal(r.report.written[0] + r.report.written[1] + r.report.written[2] + r.report.written[3],
				 total);
		struct reading g = begin_reading();
		for (int d = 0; d < docs; d++)
			for (int i = 0; i < n_in[d]; i++)
				if (keep[d][i])
					expect(&g, &in[d][i],
					       !subset		     ? in[d][i].label
					       : in[d][i].label == 2 ? 0
								     : 1,
					       in[d][i].split, in[d][i].px, VALUES);
		end_reading(&g, docs);
		documents_called(r.so.title);
	}
}

/* Grey and colour go through as they are; other numbers of channels are no pictures. */
static void channels_of_a_stream(void **state)
{
	(void)state;
	static const unsigned char px[2 * 3 * 5] = { 9, 8, 7, 200, 100, 50, 3, 2, 1, 0, 255 };
	for (int c = 1; c <= STREAM_MAX_CHANNELS; c++) {
		struct run r = { .format = SOURCE_STREAM, .path = "in.vic" };
		struct output out;
		struct err err;
		struct block b;
		struct stream_writer *w;
		struct stream_head head = { .kind = STREAM_IMAGES, .height = 2, .width = 3, .channels = c };
		json_t *self = json_pack("{s:s}", "program", "test");
		size_t n = (size_t)(6 * c);
		assert_int_equal(output_open(&out, in_dir("in.vic"), &err), 0);
		assert_int_equal(stream_begin(&w, &out, &head, NULL, self, &err), 0);
		assert_int_equal(stream_add(w, 1, -1, SPLIT_TEST, px, n, &err), 0);
		assert_int_equal(stream_finish(w, &err), 0);
		stream_writer_free(w);
		json_decref(self);
		assert_int_equal(output_commit(&out, &err), 0);
		output_release(&out);
		if (c != 1 && c != 3) {
			char says[64];
			snprintf(says, sizeof says, "images of %d channels", c);
			refused(&r, says);
			continue;
		}
		assert_int_equal(pack(&r, 1), 0);
		assert_int_equal(r.report.noted, 0);
		struct stream_reader *back = unpack(&b);
		assert_int_equal(stream_head_of(back)->channels, c);
		assert_memory_equal(b.data, px, n);
		stream_close(back);
	}
}

static void put_number(unsigned char *p, uint32_t v, int bytes, int big)
{
	for (int i = 0; i < bytes; i++)
		p[big ? bytes - 1 - i : i] = (unsigned char)(v >> 8 * i);
}

/* The first entry of the right tag, type and count says it; any other says nothing. */
static void exif_directories(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned char app[6 + 8 + 2 + 5 * 12] = "Exif\0";
		int big = below(2), entries = below(6), want = 0;
		memcpy(app + 6, big ? "MM" : "II", 2);
		put_number(app + 8, 42, 2, big);
		put_number(app + 10, 8, 4, big);
		put_number(app + 14, (uint32_t)entries, 2, big);
		for (int i = 0; i < entries; i++) {
			unsigned char *p = app + 16 + 12 * i;
			int tag = below(3), type = below(3), count = below(3), v = below(11);
			put_number(p, tag ? 0x0112 : 0x0111, 2, big);
			put_number(p + 2, type ? 3 : 4, 2, big);
			put_number(p + 4, count ? 1 : 2, 4, big);
			put_number(p + 8, (uint32_t)v, 2, big);
			if (!want && tag && type && count)
				want = v >= 1 && v <= 8 ? v : 1;
		}
		size_t len = 16 + 12 * (size_t)entries;
		int cut = below(3) ? 0 : 1 + below(12); /* inside the last entry, which then says nothing */
		if (cut && entries) {
			want = 0;
			for (int i = 0; i < entries - 1 && !want; i++) {
				const unsigned char *p = app + 16 + 12 * i;
				if (p[big] == 0x12 && p[2 + big] == 3 && p[4 + 3 * big] == 1)
					want = p[8 + big] >= 1 && p[8 + big] <= 8 ? p[8 + big] : 1;
			}
			len -= (size_t)cut;
		}
		assert_int_equal(exif_orientation(app + 6, len - 6), want ? want : 1);
	}
}

/* An entry that its segment cuts says nothing, though the bytes behind it, which are another segment's, would do. */
static void exif_in_a_jpeg(void **state)
{
	(void)state;
	static const struct codec_options opt = { .max_pixels = 1 << 20 };
	static const unsigned char app[] = "Exif\0\0II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6\0\0";
	unsigned char file[8192];
	struct err err = ERR_NONE;
	char *bytes;
	size_t n;
	assert_int_equal(io_slurp("tests/golden/images/rgb420.jpg", 1 << 20, &bytes, &n, &err), 0);
	for (size_t cut = 0; cut < 12; cut++) {
		struct image_info info;
		size_t len = sizeof app - cut;
		assert_true(n + 4 + len < sizeof file);
		memcpy(file, bytes, 2);
		put_number(file + 2, 0xffe1, 2, 1);
		put_number(file + 4, (uint32_t)len + 2, 2, 1);
		memcpy(file + 6, app, len);
		memcpy(file + 6 + len, bytes + 2, n - 2);
		assert_int_equal(codec_probe(file, n + 4 + len, &opt, &info, &err), 0);
		assert_int_equal(info.orientation, cut ? 1 : 6);
	}
	free(bytes);
}

/* Heights and widths of IDX files: 1 to 65,535. */
static void idx_sizes(void **state)
{
	(void)state;
	static const struct {
		uint32_t h, w;
		int taken;
	} sizes[] = { { 1, 65535, 1 }, { 65535, 1, 1 }, { 1, 65536, 0 }, { 65536, 1, 0 },
		      { 0, 5, 0 },     { 5, 0, 0 },	{ 3, 2, 1 } };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		static unsigned char file[16 + 65536];
		memset(file, 9, sizeof file);
		put_number(file, 0x00000803, 4, 1);
		put_number(file + 4, 1, 4, 1);
		put_number(file + 8, sizes[i].h, 4, 1);
		put_number(file + 12, sizes[i].w, 4, 1);
		put("t10k-images-idx3-ubyte", file, 16 + sizes[i].h * sizes[i].w);
		struct run r = { SOURCE_IDX, "t10k-images-idx3-ubyte", .po.want = { 1, 1, FIT_STRETCH } };
		int rc = pack(&r, 1);
		if (rc != (sizes[i].taken ? 0 : -1))
			fail_msg("%ux%u: %s", sizes[i].h, sizes[i].w, r.err.msg);
	}
}

/* CMYK JPEGs hold ink inverted, as Adobe writes them; so they are read, with Adobe's marker and without. */
static void cmyk_both_ways(void **state)
{
	(void)state;
	enum { SIDE = 8 };
	static const struct codec_options opt = { .max_pixels = 1 << 20 };
	for (int round = 0; round < 200; round++) {
		struct jpeg_compress_struct j;
		struct jpeg_error_mgr errors;
		unsigned char *bytes = NULL, ink[4], row[SIDE * 4];
		unsigned long len = 0;
		JSAMPROW at = row;
		struct image im = { 0 }, scratch = { 0 };
		struct err err;
		char note[128];
		int adobe = round % 2;
		for (int k = 0; k < 4; k++)
			ink[k] = (unsigned char)below(256);
		for (int x = 0; x < SIDE; x++)
			memcpy(row + 4 * x, ink, 4);
		j.err = jpeg_std_error(&errors);
		jpeg_create_compress(&j);
		jpeg_mem_dest(&j, &bytes, &len);
		j.image_width = j.image_height = SIDE;
		j.input_components = 4;
		j.in_color_space = JCS_CMYK;
		jpeg_set_defaults(&j);
		jpeg_set_quality(&j, 100, TRUE);
		j.write_Adobe_marker = adobe ? TRUE : FALSE;
		jpeg_start_compress(&j, TRUE);
		while (j.next_scanline < j.image_height)
			jpeg_write_scanlines(&j, &at, 1);
		jpeg_finish_compress(&j);
		jpeg_destroy_compress(&j);
		assert_int_equal(codec_decode(bytes, len, &opt, NULL, &im, &scratch, note, &err), 0);
		assert_true(im.h == SIDE && im.w == SIDE && im.c == 3);
		for (int k = 0; k < 3; k++) {
			double light = ink[k] * ink[3] / 255.0;
			assert_true(fabs(im.px[k] - light) <= 2); /* of quality 100, one level each way, and rounding */
		}
		image_release(&im);
		image_release(&scratch);
		free(bytes);
	}
}

/* Folders that all images share are no classes, unless an image, be it the first or the last, lies beside them. */
static void shared_folders(void **state)
{
	(void)state;
	static const struct {
		const char *file[3];
		const char *classes[3];
	} sets[] = { { { "t/A/1.png", "t/B/2.png", "t/B/3.png" }, { "A", "B" } },
		     { { "A/1.png", "B/c/2.png", "B/d/3.png" }, { "A", "B" } },
		     { { "B/c/2.png", "B/d/3.png", "C/1.png" }, { "B", "C" } },
		     { { "u/t/A/x/1.png", "u/t/B/2.png", "u/t/C/3.png" }, { "A", "B", "C" } },
		     { { "u/train/A/1.png", "u/val/A/2.png", "u/val/B/3.png" }, { "A", "B" } } };
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct source s;
		struct source_options so = { .codec.max_pixels = 100, .fold = -1 };
		struct err err;
		char name[64], *path;
		int n = 0;
		for (int k = 0; k < 3; k++) {
			snprintf(name, sizeof name, "%zu/%s", i, sets[i].file[k]);
			put(name, "x", 1);
		}
		snprintf(name, sizeof name, "%zu", i);
		path = (char *)(uintptr_t)in_dir(name);
		assert_int_equal(source_open(&s, SOURCE_FOLDER, &path, 1, &so, &err), 0);
		while (n < 3 && sets[i].classes[n])
			n++;
		assert_int_equal(s.head.n_classes, n);
		for (int k = 0; k < n; k++)
			assert_string_equal(s.head.classes[k], sets[i].classes[k]);
		source_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(perturbing),	    TEST(noise_of_a_stream),   TEST(packing_again),
					    TEST(exif_directories), TEST(idx_sizes),	       TEST(cmyk_both_ways),
					    TEST(shared_folders),   TEST(channels_of_a_stream), TEST(exif_in_a_jpeg) };
	rng_init(&rng, 11, RNG_SHUFFLE, 0, 0);
	return run_in_folder(tests, sizeof tests / sizeof *tests);
}
