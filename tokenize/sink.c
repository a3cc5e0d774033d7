/* From a text to a record of tokens: decode, apply the rule, add. Ids are the number of records added before, over
 * all operands. sink_tokenise writes nothing to the stream, so a record that fails leaves none. Kim's rules only
 * check the encoding, and need the text decoded only where it holds markup. */
#include "sink.h"
#include "pipeline/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <utf8proc.h>

int sink_begin(struct sink *s, struct output *out, const struct stream_head *head, const json_t *self, struct err *err)
{
	return stream_begin(&s->writer, out, head, NULL, self, err);
}

int place_context(const struct place *at, struct err *err)
{
	if (!at->line)
		return err_context(err, "%s", at->file);
	if (at->unit)
		return err_context(err, "%s: %s %" PRIu64, at->file, at->unit, at->line);
	return err_context(err, "%s:%" PRIu64, at->file, at->line);
}

/* A character outside ASCII, at text[i], whose loss tears a word: a letter, or one that takes no room. Letters: in
 * UTF-8 all but U+0080 to U+00BF, U+2000 to U+2FFF (punctuation and symbols) and U+1F000 on (images); of single bytes
 * what ISO 8859 has letters for. single: all are. *k: its bytes. */
static int tears(int single, const char *text, size_t n, size_t i, size_t *k)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t got =
		single
			? 0
			: utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(n - i), &c);
	*k = got > 0 ? (size_t)got : 1;
	if (got <= 0)
		c = (unsigned char)text[i];
	if (c < 0x80)
		return 0;
	if (got <= 0)
		return c >= 0xC0 && c != 0xD7 && c != 0xF7;
	return is_zero_width((uint32_t)c, 'a') || (c >= 0xC0 && !(c >= 0x2000 && c < 0x3000) &&
						    !(c >= 0x1F000 && c < 0x20000));
}

/* Counts the words of which Kim's rules make several, because they are not all ASCII. */
static int count_torn(struct sink *s, const char *text, size_t n, struct err *err)
{
	enum charset charset = s->decoder.charset;
	int single = !s->html && (charset == CHARSET_LATIN1 || charset == CHARSET_CP1252);
	for (size_t i = 0, k; i < n;) {
		size_t from = i, lost = 0;
		for (; i < n && (unsigned char)text[i] > ' '; i += k)
			lost += (size_t)tears(single, text, n, i, &k);
		if (lost && !s->torn++ && mem_text(&s->torn_word, text + from, i - from, err))
			return -1;
		i += i == from;
	}
	return 0;
}

/* Decoded, without markup, and in form C again: references may have brought accents. */
static int without_markup(struct sink *s, const char **text, size_t *n, struct err *err)
{
	s->normal.charset = CHARSET_UTF8;
	if (decoder_line(&s->decoder, *text, *n, text, n, err) || mem_grow(&s->plain, &s->cap_plain, *n + 4, 1, err))
		return -1;
	*n = html_plain(*text, *n, s->plain, &s->markup);
	return decoder_line(&s->normal, s->plain, *n, text, n, err);
}

int sink_tokenise(struct sink *s, const struct place *at, const char *text, size_t n, const char **tokens, size_t *len,
		  struct err *err)
{
	int kim = s->rules.rule == RULE_KIM;
	if (s->html  ? without_markup(s, &text, &n, err)
	    : kim    ? decoder_check(&s->decoder, text, n, err)
		     : decoder_line(&s->decoder, text, n, &text, &n, err))
		return place_context(at, err);
	if (kim && (charset_scan(text, n) & SCAN_HIGH) && count_torn(s, text, n, err))
		return place_context(at, err);
	if (mem_grow(&s->tokens, &s->cap_tokens, rule_room(n), 1, err) ||
	    (!kim && mem_grow(&s->scratch, &s->cap_scratch, rule_room(n), 1, err)))
		return place_context(at, err);
	*len = rule_line(&s->rules, text, n, s->scratch, s->tokens);
	*tokens = s->tokens;
	return 0;
}

int sink_add(struct sink *s, const char *tokens, size_t len, int32_t label, int split, struct err *err)
{
	int known = split;
	if (split < 0)
		split = SPLIT_TRAIN;
	if (s->split >= 0)
		split = s->split;
	if ((s->name && stream_add_name(s->writer, s->name, s->name_len, err)) ||
	    stream_add(s->writer, s->n, label, split, tokens, len, err))
		return -1;
	if (known >= 0 && known != split)
		s->remarked[known]++;
	if (label >= 0) {
		if (mem_grow(&s->by_label, &s->cap_by_label, (size_t)label + 1, sizeof *s->by_label, err))
			return -1;
		while (s->n_by_label <= (size_t)label)
			s->by_label[s->n_by_label++] = 0;
		s->by_label[label]++;
	}
	s->n++;
	s->empty += !len;
	s->by_split[split]++;
	return s->flush ? stream_flush(s->writer, err) : 0;
}

int sink_unlabelled(struct sink *s, const struct place *at, int split, struct err *err)
{
	if ((s->split >= 0 ? s->split : split >= 0 ? split : SPLIT_TRAIN) != SPLIT_TRAIN || s->unlabelled++)
		return 0;
	return at->line ? mem_printf(&s->first_unlabelled, err, "%s:%" PRIu64, at->file, at->line)
			: mem_printf(&s->first_unlabelled, err, "%s", at->file);
}

int sink_put(struct sink *s, const struct place *at, const char *text, size_t n, int32_t label, int split,
	     struct err *err)
{
	const char *tokens;
	size_t len;
	if (sink_tokenise(s, at, text, n, &tokens, &len, err) || (label < 0 && sink_unlabelled(s, at, split, err)))
		return -1;
	return sink_add(s, tokens, len, label, split, err);
}

void sink_release(struct sink *s)
{
	stream_writer_free(s->writer);
	decoder_release(&s->decoder);
	free(s->tokens);
	free(s->scratch);
	free(s->plain);
	decoder_release(&s->normal);
	free(s->by_label);
	free(s->torn_word);
	free(s->first_unlabelled);
	*s = (struct sink){ 0 };
}
