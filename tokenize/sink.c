/* From a text to a record of tokens: decode, apply the rule, add. Ids are the number of records added before, over
 * all operands. sink_tokenise writes nothing to the stream, so a record that fails leaves none. Kim's rules only
 * check the encoding; whether a line had bytes above 0x7F, which count_torn needs to look at, is told by the
 * decoder's count. */
#include "sink.h"
#include "pipeline/base/mem.h"
#include "pipeline/files/text.h"

#include <inttypes.h>
#include <stdlib.h>

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

/* Counts the words with letters outside ASCII, of which Kim's rules make spaces. Letters: in UTF-8 all but U+0080 to
 * U+00BF, U+2000 to U+2FFF (punctuation and symbols) and U+1F000 on (images); in one-byte encodings what ISO 8859 has
 * letters for. */
static int count_torn(struct sink *s, const char *text, size_t n, struct err *err)
{
	enum charset charset = s->decoder.charset;
	int utf8 = charset != CHARSET_LATIN1 && charset != CHARSET_CP1252 && text_is_utf8(text, n);
	for (size_t i = 0; i < n;) {
		size_t from = i, lost = 0;
		for (; i < n && (unsigned char)text[i] > ' '; i++) {
			unsigned char c = (unsigned char)text[i], next = i + 1 < n ? (unsigned char)text[i + 1] : 0;
			lost += utf8 ? c >= 0xC3 && c != 0xE2 && !(c == 0xF0 && next == 0x9F)
				     : c >= 0xC0 && c != 0xD7 && c != 0xF7;
		}
		if (lost && !s->torn++ && mem_text(&s->torn_word, text + from, i - from, err))
			return -1;
		i += i == from;
	}
	return 0;
}

int sink_tokenise(struct sink *s, const struct place *at, const char *text, size_t n, const char **tokens, size_t *len,
		  struct err *err)
{
	int kim = s->rules.rule == RULE_KIM;
	uint64_t before = s->decoder.not_ascii;
	if (kim ? decoder_check(&s->decoder, text, n, err) : decoder_line(&s->decoder, text, n, &text, &n, err))
		return place_context(at, err);
	if (kim && s->decoder.not_ascii > before && count_torn(s, text, n, err))
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
	if (s->split >= 0)
		split = s->split;
	if (stream_add(s->writer, s->n, label, split, tokens, len, err))
		return -1;
	s->n++;
	s->by_split[split]++;
	return s->flush ? stream_flush(s->writer, err) : 0;
}

int sink_put(struct sink *s, const struct place *at, const char *text, size_t n, int32_t label, int split,
	     struct err *err)
{
	const char *tokens;
	size_t len;
	if (sink_tokenise(s, at, text, n, &tokens, &len, err))
		return -1;
	return sink_add(s, tokens, len, label, split, err);
}

void sink_release(struct sink *s)
{
	stream_writer_free(s->writer);
	decoder_release(&s->decoder);
	free(s->tokens);
	free(s->scratch);
	free(s->torn_word);
	*s = (struct sink){ 0 };
}
