/* vic-cat --check: tells models, maps and streams apart by their first bytes and reads each to its end. Those bytes
 * are peeked at, not taken, so that a pipe can be checked too. Models and maps are judged by checksum and form;
 * whether their contents make a network or a map is left to the programs that load them. */
#include "pipeline/formats/calfile.h"
#include "cat.h"
#include "pipeline/formats/safetensors.h"
#include "pipeline/formats/seal.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Text of JSON: a calibration map, unless it says that it is the other kind of fit. */
static int check_map(struct input *in, int *sealed, struct err *err)
{
	char *text;
	size_t n;
	json_t *j;
	int version;
	if (input_slurp(in, CALFILE_MAX, &text, &n, err))
		return -1;
	int conformal = memmem(text, n, "\"" CONFORMAL_KEY "\":", sizeof CONFORMAL_KEY + 2) != NULL;
	int rc = seal_read(&j, text, n, conformal ? CONFORMAL_WHAT : "calibration map",
			   conformal ? CONFORMAL_KEY : "vicinal map", CALFILE_VERSION, &version, err) ?
			 err_context(err, "%s", in->name) :
			 1;
	*sealed = rc == 1 && seal_check(text, n, 0) == SEAL_WHOLE;
	free(text);
	if (rc == 1)
		json_decref(j);
	return rc;
}

static int check_model(struct input *in, int *sealed, struct err *err)
{
	struct safetensors st;
	const char *format;
	int version, rc = 1;
	if (safetensors_read(&st, in, err))
		return -1;
	*sealed = st.sealed;
	format = safetensors_meta(&st, "format");
	/* ours must have the checksums of their version; others' files have none */
	if (format && !strncmp(format, "vicinal-model", 13) &&
	    safetensors_version(&st, "vicinal-model", 2, &version, err))
		rc = -1;
	if (format && !strncmp(format, "vicinal-checkpoint", 18) &&
	    safetensors_version(&st, "vicinal-checkpoint", 3, &version, err))
		rc = -1;
	safetensors_release(&st);
	return rc;
}

int check_open(struct stream_reader **r, const char *path, int *sealed, struct err *err)
{
	struct input in;
	const unsigned char *head;
	size_t n;
	if (input_open(&in, path, err))
		return -1;
	int rc = input_peek(&in, 9, &head, &n, err) ? -1 : 0;
	if (!rc && safetensors_begins(head, n))
		rc = check_model(&in, sealed, err);
	else if (!rc && n && *head == '{')
		rc = check_map(&in, sealed, err);
	else if (!rc)
		return stream_take(r, &in, err);
	input_release(&in);
	return rc;
}

/* What is wrong with a record's tokens, or NULL. */
static const char *fault_of(const char *text, size_t n, int tokens)
{
	if (!text_is_utf8(text, n))
		return "is not UTF-8";
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n' || !text[i])
			return text[i] ? "holds a line feed" : "holds a NUL";
		if (tokens && text[i] == ' ' && (!i || i + 1 == n || text[i - 1] == ' '))
			return "has tokens that are not joined by single spaces";
	}
	return NULL;
}

/* Tokens (a ROWS block of that kind) or words (a WORD block) as docs/STREAM.md has them. */
static int check_text(const struct block *b, struct err *err)
{
	int tokens = b->type == BLOCK_ROWS;
	const char *text = tokens ? (const char *)b->data : b->word;
	const uint32_t *end = tokens ? b->end : b->word_end;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t from = i ? end[i - 1] : 0;
		const char *fault = fault_of(text + from, end[i] - from, tokens);
		if (fault)
			return err_set(err, "%s %" PRIu64 " %s", tokens ? "record" : "word", b->first + i, fault);
	}
	return 0;
}

int check_document(struct stream_reader *r, struct err *err)
{
	const struct stream_head *head = stream_head_of(r);
	struct block b;
	int rc;
	while ((rc = stream_next_block(r, &b, err)) == 1) {
		int is_text = b.type == BLOCK_WORDS || head->kind == STREAM_TOKENS;
		if (is_text && check_text(&b, err))
			return err_context(err, "%s", stream_name(r));
		if (head->kind == STREAM_LOGITS && logits_check(head, &b, stream_name(r), err))
			return -1;
	}
	return rc;
}
