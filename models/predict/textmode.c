/* Runs vic-tokenize beside vic-predict and answers its records one by one. With lines it runs with --flush and answers
 * are flushed by block, so that each line is answered before the next is typed. The stream is closed before the
 * tokenizer is waited for, so one that still writes gets a broken pipe and ends. */
#include "textmode.h"

#include "answers.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a column: only a header has names. */
static int is_name(const char *column)
{
	return column && column[strspn(column, "0123456789")];
}

/* The tokenizer's command line. *argv is owned by the caller; of what it points to, own[0..2) is. */
static int command(const struct predictor *p, char *program, const struct text_source *text, char *own[2],
		   char ***argv, struct err *err)
{
	const json_t *found = peer_line(p->model, "vic-tokenize");
	char *rest[12] = { (char *)"--quiet" };
	size_t n = 1;
	if (!found)
		return err_set(err, "%s: does not say how its text was tokenised; pipe tokens in instead of --text",
			       p->model->file.name);
	if (text->column) {
		if (mem_printf(&own[0], err, "--text-column=%s", text->column))
			return -1;
		rest[n++] = (char *)"--format=csv";
		rest[n++] = (char *)"--label-column=none";
		rest[n++] = (char *)"--allow-empty";
		rest[n++] = (char *)"--allow-documents";
		rest[n++] = (char *)"--asked-by=--column"; /* its messages name the option that is there */
		rest[n++] = own[0];
	} else {
		rest[n++] = (char *)"--flush";
		rest[n++] = (char *)"--format=lines";
	}
	if (text->separator) {
		if (mem_printf(&own[1], err, "--separator=%s", text->separator))
			return -1;
		rest[n++] = own[1];
	}
	if (text->header == TEXT_HEADER || (text->header == TEXT_HEADER_AUTO && is_name(text->column)))
		rest[n++] = (char *)"--header";
	if (text->header == TEXT_NO_HEADER)
		rest[n++] = (char *)"--no-header";
	rest[n++] = (char *)"--";
	rest[n++] = (char *)text->path;
	return peer_command(program, found, rest, n, argv, err);
}

static int answer_all(struct predictor *p, struct answers *a, struct stream_reader *r, struct err *err)
{
	struct block b;
	int rc = stream_next_of(r, STREAM_TOKENS, err);
	if (rc == 1)
		rc = predictor_document(p, stream_head_of(r), err) ? -1 : 1;
	while (rc == 1 && (rc = stream_next_block(r, &b, err)) == 1) {
		int bad = predictor_rows(p, &b, NULL, err);
		for (size_t i = 0; i < p->data.n && !bad; i++)
			bad = answers_put(a, p->logits + i * (size_t)p->model->config.classes, err);
		if (bad || output_flush(&a->out, err))
			rc = -1;
	}
	return rc;
}

int textmode_run(struct stage *st, struct predictor *p, struct calibrated *map, const struct text_source *text,
		 int top_k, struct err *err)
{
	char *program, **argv = NULL, *own[2] = { NULL, NULL }, name[64];
	struct stream_reader *r = NULL;
	struct answers a = { .model = NULL };
	struct child child;
	int from = -1, status = 0;
	if (stage_peer("vic-tokenize", &program, err))
		return -1;
	int rc = command(p, program, text, own, &argv, err) || peer_start(argv, &child, &from, err);
	free(argv);
	free(own[0]);
	free(own[1]);
	if (rc) {
		free(program);
		return -1;
	}
	snprintf(name, sizeof name, "/dev/fd/%d", from);
	rc = answers_open(&a, p->model, map, top_k, err) || stream_open(&r, name, err) || answer_all(p, &a, r, err);
	answers_release(&a);
	stream_close(r);
	close(from);
	struct err why = ERR_NONE;
	int lost = spawn_end(&child, &status, &why);
	free(program);
	if (!rc && lost) {
		*err = why;
		return -1;
	}
	/* The tokenizer has said itself what went wrong with the text; a broken pipe is only our own failure coming
	 * back. */
	if (!lost && status && status <= 128)
		return err_set(err, "%s could not be tokenised", strcmp(text->path, "-") ? text->path : "stdin");
	if (!rc && p->unknown)
		stage_say(st, "%" PRIu64 " of %" PRIu64 " words are not the model's and stand as zeros", p->unknown,
			  p->tokens);
	return rc ? -1 : 0;
}
