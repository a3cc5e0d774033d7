/* vic-cat --head and --provenance: what a document says of itself, printed once all of it was read and found whole. */
#include "cat.h"
#include "pipeline/files/jsontext.h"
#include "pipeline/frame/provenance.h"
#include "pipeline/stream/stream_format.h"

#include <stdlib.h>
#include <string.h>

/* Reads what is left of the document, so that what is printed about it is true of all of it. */
static int read_all(struct stream_reader *r, struct err *err)
{
	struct block b;
	int rc;
	while ((rc = stream_next_block(r, &b, err)) == 1)
		;
	return rc;
}

int cat_head(struct stream_reader *r, struct output *out, struct err *err)
{
	if (read_all(r, err))
		return -1;
	json_t *j = head_to_json(stream_head_of(r)), *prov = jsontext_copy(stream_provenance(r));
	int bad = !j || !prov || json_object_set_new(j, "records", json_integer((json_int_t)stream_records(r)));
	if (!bad && stream_head_of(r)->kind == STREAM_TEXT)
		bad = json_object_set_new(j, "words", json_integer((json_int_t)stream_words(r)));
	if (!bad)
		bad = json_object_set(j, "provenance", prov);
	char *text;
	int rc = jsontext_write(&text, bad ? NULL : j, JSON_COMPACT, err) || output_printf(out, err, "%s\n", text);
	json_decref(j);
	json_decref(prov);
	free(text);
	return rc ? -1 : 0;
}

int cat_provenance(struct stream_reader *r, struct output *out, struct err *err)
{
	char *text;
	if (read_all(r, err))
		return -1;
	if (!json_array_size(stream_provenance(r)))
		return output_printf(out, err, "# no stage has left its line\n");
	if (provenance_shell(stream_provenance(r), &text, err))
		return err_context(err, "%s", stream_name(r));
	int rc = output_printf(out, err, "%s\n", text);
	free(text);
	return rc;
}
