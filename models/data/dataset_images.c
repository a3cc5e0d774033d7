/* Image records: pointers into the mapped file, or into blocks of memory taken from the reader. Once one block had
 * to be taken, the later ones are too. Data that are not aligned to 64 bytes in the file are not used from the map.
 * Channel moments: sums of bytes are exact integers in one pass; floats take two passes, summed record by record in
 * order. */
#include "dataset.h"

#include "pipeline/base/mem.h"
#include "pipeline/stream/moments.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

int image_data_usable(const struct stream_head *head, struct err *err)
{
	enum { MOST = 32767 }; /* as --crop */
	if (head->encoding != ENCODING_JPEG && (head->height > MOST || head->width > MOST))
		return err_set(err, "images of %dx%d; vic-images --resize HxW makes smaller ones", head->height,
			       head->width);
	return 0;
}

/* Maps the file that the block was read from, once. 1 when the block's data lie in the map, at *at; -1: no memory. */
static int in_map(struct image_data *m, const struct stream_reader *r, const struct block *b, uint64_t *at,
		  struct err *err)
{
	struct io_mark mark;
	int fd, rc;
	if (m->blocks || !stream_in_file(r, b, &fd, &mark, at) || *at % 64)
		return 0;
	if (!m->file.bytes && (rc = mapped_open(&m->file, fd, &mark, stream_name(r), err)) != 1)
		return rc;
	return *at + b->data_len <= m->file.size;
}

void image_data_form(struct dataset *d, const struct want *want, int channels)
{
	d->head.height = want->h;
	d->head.width = want->w;
	d->head.channels = channels;
	d->images.fit = want->fit;
}

/* Of JPEG records, which differ in length; `data` is where b's lie now. */
static int add_lengths(struct dataset *d, const struct block *b, const unsigned char *data, struct err *err)
{
	struct image_data *m = &d->images;
	if (mem_grow(&m->len, &m->cap_len, d->n + b->n, sizeof *m->len, err))
		return -1;
	for (uint32_t i = 0, from = 0; i < b->n; from = b->end[i++]) {
		m->pixel[d->n + i] = data + from;
		m->len[d->n + i] = b->end[i] - from;
	}
	return 0;
}

int image_data_add_rows(struct dataset *d, struct stream_reader *r, const struct block *b, struct err *err)
{
	struct image_data *m = &d->images;
	size_t each = stream_record_size(&d->head), cap = 0;
	const unsigned char *data = b->data;
	uint64_t at;
	int there =
		mem_grow(&m->pixel, &m->cap_pixel, d->n + b->n, sizeof *m->pixel, err) ? -1 : in_map(m, r, b, &at, err);
	if (there < 0)
		return -1;
	if (there) {
		data = (const unsigned char *)m->file.bytes + at;
	} else {
		if (mem_grow(&m->block, &m->cap_block, m->blocks + 1, sizeof *m->block, err))
			return -1;
		m->block[m->blocks] = NULL;
		stream_swap_buffer(r, &m->block[m->blocks++], &cap);
	}
	if (mem_grow(&m->rows, &m->cap_rows, m->n_rows + 1, sizeof *m->rows, err))
		return -1;
	m->rows[m->n_rows++] = (struct image_rows){ data, b->data_len, b->n };
	if (b->end)
		return add_lengths(d, b, data, err);
	for (uint32_t i = 0; i < b->n; i++)
		m->pixel[d->n + i] = data + i * each;
	return 0;
}

void image_data_release(struct image_data *m)
{
	for (size_t i = 0; i < m->blocks; i++)
		free(m->block[i]);
	free(m->block);
	free(m->pixel);
	free(m->len);
	free(m->rows);
	mapped_release(&m->file);
}

/* Whether the mapped bytes are those that were read, though the file has another time. */
static int same_content(const struct dataset *d)
{
	const struct image_data *m = &d->images;
	size_t at = 0;
	uint32_t crc = 0;
	struct stat st;
	if (fstat(m->file.fd, &st) || (size_t)st.st_size != m->file.size)
		return 0;
	for (const struct image_rows *r = m->rows; r < m->rows + m->n_rows; at += (r++)->n)
		crc = dataset_crc(crc, r->data, r->bytes, d->label + at, d->split + at, r->n);
	return crc == d->crc;
}

int dataset_unchanged(const struct dataset *d, struct err *err)
{
	struct err changed = ERR_NONE;
	if (!mapped_unchanged(&d->images.file, &changed) || same_content(d))
		return 0;
	*err = changed;
	return err_context(err, "the training data have changed");
}

/* Sum over channel c of (v - about)^power, power 1 or 2, in units of bytes. */
static double sum_floats(const struct dataset *d, size_t positions, size_t channels, size_t c, double about, int power)
{
	double total = 0;
	for (size_t r = 0; r < d->n; r++) {
		const float *pixel = d->images.pixel[r];
		double sum = 0;
		for (size_t i = 0; d->split[r] == SPLIT_TRAIN && i < positions; i++) {
			double v = 255.0 * (double)pixel[i * channels + c] - about;
			sum += power == 1 ? v : v * v;
		}
		total += sum;
	}
	return total;
}

int image_data_moments(const struct dataset *d, double mean[STREAM_MAX_CHANNELS], double std[STREAM_MAX_CHANNELS],
		       struct err *err)
{
	size_t channels = (size_t)d->head.channels, positions = (size_t)d->head.height * (size_t)d->head.width, n = 0;
	struct moments m = d->images.moments;
	for (size_t r = 0; r < d->n; r++)
		if (d->split[r] == SPLIT_TRAIN) {
			n++;
			if (d->head.encoding == ENCODING_RAW)
				moments_add(&m, &d->head, d->images.pixel[r]);
		}
	if (!n)
		return dataset_need_train(d, err);
	for (size_t c = 0; c < channels; c++) {
		double count = (double)n * (double)positions, variance;
		if (d->head.encoding != ENCODING_F32) {
			/* n * sum of squares - sum^2 has up to 128 bits and is exact: no cancellation */
			unsigned __int128 spread =
				(unsigned __int128)m.n * m.squares[c] - (unsigned __int128)m.sum[c] * m.sum[c];
			mean[c] = (double)m.sum[c] / count;
			variance = (double)spread / count / count;
		} else {
			mean[c] = sum_floats(d, positions, channels, c, 0, 1) / count;
			variance = sum_floats(d, positions, channels, c, mean[c], 2) / count;
		}
		std[c] = variance > 0 ? sqrt(variance) : 1;
	}
	return 0;
}
