/* Reads streams, one block at a time. A block's columns are pointers into buf at multiples of 64 bytes
 * (stream_columns.c), so buf must be aligned: it comes from mem_alloc and grows by copying. Nothing is handed out
 * before its CRC was checked. A block's header is read ahead in one place, after PROV blocks, whose end only the next
 * header shows (have_chunk). crcs runs over the stored CRCs of all blocks but DONE, in order, as in stream_write.c.
 * stream_in_file computes the place from the input's position: call it before the next block is read. */
#include "pipeline/base/crc.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/base/mem.h"
#include "sniff.h"
#include "stream_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int stream_open(struct stream_reader **out, const char *path, struct err *err)
{
	struct input in;
	return input_open(&in, path, err) || stream_take(out, &in, err) ? -1 : 0;
}

int stream_take(struct stream_reader **out, struct input *in, struct err *err)
{
	struct stream_reader *r;
	if (mem_alloc(&r, 1, sizeof *r, err)) {
		input_release(in);
		return -1;
	}
	r->in = *in;
	*in = (struct input){ .fd = -1 };
	*out = r;
	return 0;
}

void stream_close(struct stream_reader *r)
{
	if (!r)
		return;
	input_release(&r->in);
	stream_head_release(&r->head);
	json_decref(r->provenance);
	free(r->buf);
	free(r);
}

const struct stream_head *stream_head_of(const struct stream_reader *r)
{
	return &r->head;
}

const json_t *stream_provenance(const struct stream_reader *r)
{
	return r->provenance;
}

const char *stream_name(const struct stream_reader *r)
{
	return r->in.name;
}

uint64_t stream_records(const struct stream_reader *r)
{
	return r->records;
}

uint64_t stream_words(const struct stream_reader *r)
{
	return r->words;
}

static int stream_truncated(struct stream_reader *r, struct err *err)
{
	return err_set(err, "%s: truncated after record %" PRIu64 " (the stream ends without its closing block)",
		       r->in.name, r->records);
}

int stream_bad(const struct stream_reader *r, const char *what, struct err *err)
{
	return err_set(err, "%s: damaged after record %" PRIu64 ": %s", r->in.name, r->records, what);
}

/* Reads a chunk header into r->chunk and checks it. */
static int read_chunk_header(struct stream_reader *r, struct err *err)
{
	size_t got;
	if (r->have_chunk)
		return 0;
	if (input_read(&r->in, r->chunk, CHUNK_HEADER, &got, err))
		return -1;
	if (got < CHUNK_HEADER)
		return stream_truncated(r, err);
	if (u32(r->chunk + 24) != crc32_of(0, r->chunk, 24) || u32(r->chunk + 20) ||
	    !all_zero(r->chunk + 28, CHUNK_HEADER - 28))
		return stream_bad(r, "a block's header does not match its checksum", err);
	r->have_chunk = 1;
	return 0;
}

static int chunk_is(const struct stream_reader *r, const char *type)
{
	return r->have_chunk && !memcmp(r->chunk, type, 4);
}

/* Reads the payload that r->chunk announces into r->buf. */
static int read_payload(struct stream_reader *r, size_t max, size_t *len, struct err *err)
{
	uint64_t n = u64(r->chunk + 8), padded = pad64(n);
	size_t got;
	r->have_chunk = 0;
	if (n > max)
		return stream_bad(r, "a block is longer than this version allows", err);
	if (!r->buf) { /* an empty payload may come first */
		if (mem_alloc(&r->buf, CHUNK_ALIGN, 1, err))
			return -1;
		r->cap = CHUNK_ALIGN;
	}
	if (input_read_grown(&r->in, &r->buf, &r->cap, 0, padded, SIZE_MAX, &got, err))
		return -1;
	if (got < padded)
		return stream_truncated(r, err);
	if (crc32_of(0, r->buf, n) != u32(r->chunk + 4))
		return stream_bad(r, "a block does not match its checksum", err);
	if (!all_zero(r->buf + n, padded - n))
		return stream_bad(r, "padding is not zero", err);
	*len = n;
	return 0;
}

/* room: memory that its values may take, in all with others that share it. */
static int read_json(struct stream_reader *r, json_t **out, size_t *room, struct err *err)
{
	size_t n;
	r->crcs = crc32_of(r->crcs, r->chunk + 4, 4);
	if (read_payload(r, STREAM_MAX_HEAD, &n, err))
		return -1;
	if (jsontext_parse(out, (const char *)r->buf, n, room, err))
		return err_context(err, "%s: head or provenance", r->in.name);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return stream_bad(r, "head or provenance is not a JSON object", err);
	}
	return 0;
}

static int read_head(struct stream_reader *r, struct err *err)
{
	json_t *j;
	size_t names = JSONTEXT_NAMES_ROOM, lines = JSONTEXT_ROOM;
	if (read_chunk_header(r, err))
		return -1;
	if (!chunk_is(r, "HEAD"))
		return stream_bad(r, "no head after the signature", err);
	stream_head_release(&r->head);
	json_decref(r->provenance);
	r->provenance = json_array();
	if (!r->provenance)
		return err_memory(err);
	if (read_json(r, &j, &names, err))
		return -1;
	int rc = head_from_json(&r->head, j, err);
	json_decref(j);
	if (rc)
		return err_context(err, "%s", r->in.name);
	for (;;) {
		if (read_chunk_header(r, err))
			return -1;
		if (!chunk_is(r, "PROV"))
			return 0;
		if (json_array_size(r->provenance) >= 10000)
			return stream_bad(r, "more than 10000 provenance lines", err);
		if (read_json(r, &j, &lines, err))
			return -1;
		if (json_array_append_new(r->provenance, j))
			return err_memory(err);
	}
}

int stream_next_document(struct stream_reader *r, struct err *err)
{
	unsigned char sig[64];
	struct block b;
	size_t got;
	while (r->open) {
		int rc = stream_next_block(r, &b, err);
		if (rc < 0)
			return -1;
	}
	r->records = r->blocks = r->words = 0;
	r->crcs = 0;
	if (input_read(&r->in, sig, sizeof sig, &got, err))
		return -1;
	if (!got && r->documents)
		return 0;
	if (!got)
		return sniff_refuse(r->in.name, sig, 0, "a vicinal stream", err);
	if (got < sizeof sig || memcmp(sig, stream_signature, 8)) {
		if (r->documents)
			return err_set(err, "%s: bytes that are no stream follow the end of document %" PRIu64,
				       r->in.name, r->documents);
		if (got < sizeof sig && !memcmp(sig, stream_signature, got < 8 ? got : 8))
			return err_set(err, "%s: truncated after record 0 (inside the signature)", r->in.name);
		if (!memcmp(sig, stream_signature, 4))
			return err_set(err, "%s: was damaged by a transfer in text mode", r->in.name);
		return sniff_refuse_input(&r->in, sig, got, "a vicinal stream", err);
	}
	uint16_t major = (uint16_t)(sig[8] | sig[9] << 8), minor = (uint16_t)(sig[10] | sig[11] << 8);
	if (major != STREAM_MAJOR)
		return err_set(err, "%s: stream version %u.%u; this program reads %u.x", r->in.name, major, minor,
			       STREAM_MAJOR);
	if (!all_zero(sig + 12, sizeof sig - 12))
		return stream_bad(r, "bytes after the signature are not zero", err);
	r->have_chunk = 0;
	if (read_head(r, err))
		return -1;
	r->open = 1;
	r->documents++;
	return 1;
}

int stream_next_of(struct stream_reader *r, enum stream_kind kind, struct err *err)
{
	int rc = stream_next_document(r, err);
	if (rc == 1 && r->head.kind != kind)
		return err_set(err, "%s: is a stream of %s; this program reads %s; %s", r->in.name,
			       stream_kind_name(r->head.kind), stream_kind_name(kind),
			       sniff_stream_remedy(stream_kind_name(r->head.kind)));
	return rc;
}

static int take_done(struct stream_reader *r, size_t len, struct err *err)
{
	if (len != 24 || u64(r->buf) != r->records || u64(r->buf + 8) != r->blocks || u32(r->buf + 16) != r->crcs ||
	    u32(r->buf + 20))
		return stream_bad(r, "the closing block does not agree with what came before it", err);
	r->open = 0;
	return 0;
}

int stream_next_block(struct stream_reader *r, struct block *b, struct err *err)
{
	size_t len;
	*b = (struct block){ .type = BLOCK_END };
	if (!r->open)
		return 0;
	if (read_chunk_header(r, err))
		return -1;
	int words = chunk_is(r, "WORD"), rows = chunk_is(r, "ROWS"), done = chunk_is(r, "DONE");
	if (!words && !rows && !done)
		return stream_bad(r, "a block of unknown type", err);
	b->n = u32(r->chunk + 16);
	unsigned char stored[4];
	memcpy(stored, r->chunk + 4, 4);
	if (read_payload(r, STREAM_MAX_BLOCK, &len, err))
		return -1;
	if (done)
		return take_done(r, len, err);
	r->crcs = crc32_of(r->crcs, stored, 4);
	return words ? columns_of_words(r, b, len, err) : columns_of_rows(r, b, len, err);
}

void stream_swap_buffer(struct stream_reader *r, unsigned char **buf, size_t *cap)
{
	unsigned char *b = r->buf;
	size_t c = r->cap;
	r->buf = *buf;
	r->cap = *cap;
	*buf = b;
	*cap = c;
}

uint32_t stream_digest(const struct stream_reader *r)
{
	return r->crcs;
}

uint64_t stream_expected(const struct stream_reader *r)
{
	struct stat st;
	size_t each = stream_record_size(&r->head) + sizeof(uint64_t) + sizeof(int32_t) + sizeof(uint8_t);
	off_t end = input_packed(&r->in) || !stream_record_size(&r->head) ? -1 : lseek(r->in.fd, 0, SEEK_CUR);
	if (end < 0 || fstat(r->in.fd, &st) || !S_ISREG(st.st_mode) || st.st_size < end)
		return 0;
	return ((uint64_t)(st.st_size - end) + (r->in.have - r->in.used)) / each;
}

int stream_in_file(const struct stream_reader *r, const struct block *b, int *fd, struct io_mark *mark, uint64_t *at)
{
	struct stat st;
	if (input_packed(&r->in))
		return 0;
	off_t end = lseek(r->in.fd, 0, SEEK_CUR); /* the block and what the input has read ahead */
	if (end < 0 || fstat(r->in.fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	size_t before = (size_t)(b->data - r->buf);
	*fd = r->in.fd;
	*mark = r->in.mark;
	*at = (uint64_t)end - (r->in.have - r->in.used) - pad64(before + b->data_len) + before;
	return 1;
}
